//! The framework's tasks and everything that was said of each.
//!
//! Built for many: a task costs less than 200 bytes beyond its own text. The text of every status update is kept as it
//! came, packed behind a small head, and decoded when somebody looks.

use std::hash::BuildHasher as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::mesos::{
    AgentId, StatusReason, StatusRecord, StatusSource, TaskId, TaskInfo, TaskState, TaskStatus, decode_status,
};

/// How a task began, where this session launched it.
#[derive(Clone, Debug)]
pub struct Launch {
    /// As it was sent.
    pub task: TaskInfo,
    /// The agent's host name, from the offer.
    pub hostname: String,
    /// When the ACCEPT was sent, since the session's start.
    pub at: Duration,
}

/// A task of the framework.
#[derive(Debug)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its state, STAGING from the launch until the first update.
    pub state: TaskState,
    /// How this session launched it.
    pub launch: Option<Box<Launch>>,
    agent: u32,
    updates: u32,
    /// Heads and texts of its updates, one after the other; a box has no room to spare.
    text: Box<[u8]>,
}

/// One status update of a task's history.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// When it came, since the session's start.
    pub at: Duration,
    /// When its acknowledgement was answered, counted from `at`; none where none is due or it is still to come.
    pub acknowledged_after: Option<Duration>,
    /// Whether the update has to be acknowledged.
    pub wants_acknowledgement: bool,
    /// How often it came again; counted up to 127.
    pub repeats: u8,
    /// The UPDATE event.
    pub json: &'a [u8],
}

impl Recorded<'_> {
    /// The status itself, decoded now.
    ///
    /// # Errors
    /// When a field that this crate knows is of another shape.
    pub fn status(&self) -> Result<TaskStatus, serde_json::Error> {
        decode_status(self.json)
    }
}

const NO_AGENT: u32 = u32::MAX;
/// at (milliseconds): 6, acknowledged after: 4, length: 4, wants an acknowledgement (the top bit) and repeats: 1.
const HEAD: usize = 15;
const ACKNOWLEDGED: std::ops::Range<usize> = 6..10;
const WANTS: u8 = 0x80;
const NOT_YET: u32 = u32::MAX;

impl Task {
    /// Its updates, the oldest first.
    pub fn history(&self) -> impl Iterator<Item = Recorded<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (recorded, next) = recorded_at(&self.text, at)?;
            at = next;
            Some(recorded)
        })
    }

    /// The newest update.
    pub fn latest(&self) -> Option<Recorded<'_>> {
        self.history().last()
    }

    /// How many updates came.
    pub fn updates(&self) -> u32 {
        self.updates
    }

    /// Whether nothing is expected to follow. LOST may be followed by a return of its agent; it counts as over all the
    /// same. So does UNKNOWN of a task that this session never launched: the master only says that it knows none.
    pub fn is_over(&self) -> bool {
        is_terminal(&self.state) || (self.state == TaskState::Unknown && self.launch.is_none())
    }

    /// Whether it came as far as a sandbox, as far as is known: an executor spoke for it, or a container failed.
    pub fn had_sandbox(&self) -> bool {
        let mut statuses = self.history().filter_map(|recorded| recorded.status().ok());
        statuses.any(|status| {
            status.source == Some(StatusSource::Executor)
                || matches!(
                    status.state,
                    TaskState::Starting | TaskState::Running | TaskState::Finished | TaskState::Failed
                )
        })
    }

    fn push(&mut self, record: &StatusRecord, at: Duration) {
        let [at @ .., _, _] = (at.as_millis() as u64).to_le_bytes();
        let mut text = std::mem::take(&mut self.text).into_vec();
        text.reserve_exact(HEAD + record.json.len());
        text.extend_from_slice(&at);
        text.extend_from_slice(&NOT_YET.to_le_bytes());
        text.extend_from_slice(&(record.json.len() as u32).to_le_bytes());
        text.push(if record.uuid.is_some() { WANTS } else { 0 });
        text.extend_from_slice(&record.json);
        self.text = text.into_boxed_slice();
        self.updates += 1;
    }

    /// Where the update of that uuid stands: in the text, a uuid is sixteen random bytes in quotes.
    fn position(&self, uuid: &[u8; 16]) -> Option<usize> {
        let mut quoted = [b'"'; 26];
        STANDARD.encode_slice(uuid, &mut quoted[1..25]).ok()?;
        let found = memchr::memmem::find(&self.text, &quoted)?;
        let mut at = 0;
        while let Some((_, next)) = recorded_at(&self.text, at) {
            if found < next {
                return Some(at);
            }
            at = next;
        }
        None
    }
}

fn recorded_at(text: &[u8], at: usize) -> Option<(Recorded<'_>, usize)> {
    let head: &[u8; HEAD] = text.get(at..)?.first_chunk()?;
    let [a0, a1, a2, a3, a4, a5, k0, k1, k2, k3, l0, l1, l2, l3, flags] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let acknowledged = u32::from_le_bytes([k0, k1, k2, k3]);
    let start = at + HEAD;
    let recorded = Recorded {
        at: Duration::from_millis(u64::from_le_bytes([a0, a1, a2, a3, a4, a5, 0, 0])),
        acknowledged_after: (acknowledged != NOT_YET).then(|| Duration::from_millis(u64::from(acknowledged))),
        wants_acknowledgement: flags & WANTS != 0,
        repeats: flags & !WANTS,
        json: text.get(start..start + length)?,
    };
    Some((recorded, start + length))
}

/// Whether a state is final. (apache/mesos: src/common/protobuf_utils.cpp, `isTerminalState`)
pub fn is_terminal(state: &TaskState) -> bool {
    use TaskState::{Dropped, Error, Failed, Finished, Gone, GoneByOperator, Killed, Lost};
    matches!(state, Finished | Failed | Killed | Error | Lost | Dropped | Gone | GoneByOperator)
}

/// What an update did to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is new.
    Recorded {
        /// The state before; none for a task that wasn't known.
        before: Option<TaskState>,
    },
    /// It had come before; acknowledge it again, show it once.
    Repeated,
    /// A reconciliation that tells nothing new.
    Confirmed,
}

/// All tasks, in the order they became known.
#[derive(Debug, Default)]
pub struct Tasks {
    tasks: Vec<Task>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    agents: Agents,
    over: usize,
    /// Tasks that are over and were let go of.
    forgotten: usize,
    /// How many that are over are kept, where that was told.
    keep: Option<usize>,
    /// So many must be over before it is worth looking again.
    enough: usize,
}

/// How many tasks that are over are kept unless told; a real master keeps 1,000 of a framework.
pub const KEPT: usize = 10_000;
/// An update that an agent sends again must find its task: so long they are kept in any case.
const KEPT_FOR: Duration = Duration::from_secs(300);

impl Tasks {
    /// Notes a launch that is about to be sent.
    pub fn launched(&mut self, launch: Launch) {
        let agent = self.agents.number(&launch.task.agent_id);
        let id = launch.task.task_id.clone();
        let (known, task) = self.entry(&id);
        let was_over = known && task.is_over();
        task.agent = agent;
        task.launch = Some(Box::new(launch));
        if task.state == TaskState::Unknown {
            // Somebody asked for it before there was one.
            task.state = TaskState::Staging;
        }
        let is_over = task.is_over();
        self.count(was_over, is_over);
    }

    fn count(&mut self, was_over: bool, is_over: bool) {
        match (was_over, is_over) {
            (false, true) => self.over += 1,
            (true, false) => self.over -= 1,
            _ => {}
        }
    }

    /// Forgets a task whose launch never left.
    pub fn unlaunched(&mut self, id: &str) {
        // Its place stays: numbers are what the index holds. A task of no update is no task.
        if let Some(task) = self.find(id).and_then(|number| self.tasks.get_mut(number))
            && task.updates == 0
            && !task.is_over()
        {
            task.state = TaskState::Dropped;
            self.over += 1;
        }
    }

    /// Records an update.
    pub fn update(&mut self, record: &StatusRecord, at: Duration) -> Effect {
        let agent = record.agent_id.as_ref().map(|agent| self.agents.number(agent));
        let (known, task) = self.entry(&record.task_id);
        if record.uuid.as_ref().is_some_and(|uuid| task.repeated(uuid)) {
            return Effect::Repeated;
        }
        let before = known.then(|| task.state.clone());
        let reconciled = record.uuid.is_none() && record.reason == Some(StatusReason::Reconciliation);
        if reconciled && before.as_ref() == Some(&record.state) {
            return Effect::Confirmed;
        }
        let was_over = known && task.is_over();
        // Whose launch was taken for failed, and wasn't.
        let revived = was_over && task.updates == 0;
        task.push(record, at);
        task.agent = agent.unwrap_or(task.agent);
        // Final is final, but for LOST and UNKNOWN, which may only mean that nobody knew.
        if !was_over || revived || matches!(task.state, TaskState::Lost | TaskState::Unknown) {
            task.state = record.state.clone();
        }
        let is_over = task.is_over();
        self.count(was_over, is_over);
        Effect::Recorded { before }
    }

    /// Notes that an acknowledgement was answered.
    pub fn acknowledged(&mut self, id: &str, uuid: &[u8; 16], now: Duration) {
        let Some(task) = self.find(id).and_then(|number| self.tasks.get_mut(number)) else { return };
        let Some(at) = task.position(uuid) else { return };
        let Some((recorded, _)) = recorded_at(&task.text, at) else { return };
        let after = now.saturating_sub(recorded.at).as_millis().min(u128::from(NOT_YET - 1)) as u32;
        if let Some(place) = task.text.get_mut(at + ACKNOWLEDGED.start..at + ACKNOWLEDGED.end) {
            place.copy_from_slice(&after.to_le_bytes());
        }
    }

    /// Lets go of the oldest tasks that are over, beyond those that are kept: a session may live for weeks. Those stay that ended
    /// just now or whose updates haven't all been acknowledged.
    pub(super) fn forget_old(&mut self, now: Duration) {
        let keep = self.keep.unwrap_or(KEPT);
        if self.over < self.enough.max(keep + keep / 8) {
            return;
        }
        let mut spare = self.over - keep;
        let before = self.tasks.len();
        self.tasks.retain(|task| {
            let settled = |update: Recorded<'_>| {
                (!update.wants_acknowledgement || update.acknowledged_after.is_some()) && update.at + KEPT_FOR <= now
            };
            let old = spare > 0 && task.is_over() && task.history().all(settled);
            spare -= usize::from(old);
            !old
        });
        let gone = before - self.tasks.len();
        self.forgotten += gone;
        self.over -= gone;
        self.enough = self.over + keep / 8;
        let Self { tasks, index, hasher, .. } = self;
        let hash = |number: u32| hasher.hash_one(tasks[number as usize].id.as_str());
        index.clear();
        for number in 0..tasks.len() as u32 {
            index.insert_unique(hash(number), number, |&number| hash(number));
        }
        self.forget_agents();
    }

    /// Lets go of agents that no task names any more: one that was started anew has another id each time.
    fn forget_agents(&mut self) {
        let before = std::mem::take(&mut self.agents);
        for task in &mut self.tasks {
            if let Some(id) = before.ids.get(task.agent as usize) {
                task.agent = self.agents.number(id);
            }
        }
    }

    /// No tasks any more.
    pub(super) fn clear(&mut self) {
        *self = Self { keep: self.keep, ..Self::default() };
    }

    /// Keeps so many tasks that are over, from now on.
    pub fn keep(&mut self, count: usize) {
        self.keep = Some(count);
    }

    /// How many tasks that were over have been let go of.
    pub fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// Whether the acknowledgement of that update was answered.
    pub fn is_acknowledged(&self, id: &str, uuid: &[u8; 16]) -> bool {
        let Some(task) = self.get(id) else { return false };
        let recorded = task.position(uuid).and_then(|at| recorded_at(&task.text, at));
        recorded.is_some_and(|(recorded, _)| recorded.acknowledged_after.is_some())
    }

    /// The task of that id.
    pub fn get(&self, id: &str) -> Option<&Task> {
        self.find(id).and_then(|number| self.tasks.get(number))
    }

    /// The agent that a task runs on.
    pub fn agent_of(&self, task: &Task) -> Option<&AgentId> {
        self.agents.ids.get(task.agent as usize)
    }

    /// All of them, in the order they became known.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Task> {
        self.tasks.iter()
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How many are not over.
    pub fn active(&self) -> usize {
        self.tasks.len() - self.over
    }

    fn find(&self, id: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(id);
        let same = |&number: &u32| self.tasks.get(number as usize).is_some_and(|task| task.id.as_str() == id);
        self.index.find(hash, same).map(|&number| number as usize)
    }

    /// The task, made if need be; whether it was known.
    fn entry(&mut self, id: &TaskId) -> (bool, &mut Task) {
        let Self { tasks, index, hasher, .. } = self;
        let hash = hasher.hash_one(id.as_str());
        let same = |&number: &u32| tasks.get(number as usize).is_some_and(|task| task.id == *id);
        if let Some(&number) = index.find(hash, same) {
            return (true, &mut tasks[number as usize]);
        }
        if tasks.len() == tasks.capacity() {
            // An eighth at a time: doubling would leave half of it empty.
            tasks.reserve_exact(tasks.len() / 8 + 64);
        }
        let number = tasks.len() as u32;
        tasks.push(Task {
            id: id.clone(),
            state: TaskState::Staging,
            launch: None,
            agent: NO_AGENT,
            updates: 0,
            text: Box::default(),
        });
        let rehash = |&number: &u32| hasher.hash_one(tasks[number as usize].id.as_str());
        index.insert_unique(hash, number, rehash);
        (false, &mut tasks[number as usize])
    }
}

impl Task {
    /// Counts a repetition; whether it is one.
    fn repeated(&mut self, uuid: &[u8; 16]) -> bool {
        let Some(at) = self.position(uuid) else { return false };
        if let Some(flags) = self.text.get_mut(at + HEAD - 1).filter(|flags| **flags & !WANTS < !WANTS) {
            *flags += 1;
        }
        true
    }
}

/// Agents' ids, each kept once.
#[derive(Debug, Default)]
struct Agents {
    ids: Vec<AgentId>,
    numbers: hashbrown::HashMap<AgentId, u32>,
}

impl Agents {
    fn number(&mut self, id: &AgentId) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = self.ids.len() as u32;
        self.ids.push(id.clone());
        self.numbers.insert(id.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::{Event, decode_event};
    use serde_json::json;

    fn record(task: &str, state: &str, uuid: Option<u8>, reason: Option<&str>) -> StatusRecord {
        let mut status = json!({"task_id": {"value": task}, "state": state, "agent_id": {"value": "S0"}});
        if let Some(byte) = uuid {
            status["uuid"] = STANDARD.encode([byte; 16]).into();
        }
        if let Some(reason) = reason {
            status["reason"] = reason.into();
        }
        let event = json!({"type": "UPDATE", "update": {"status": status}}).to_string();
        match decode_event(event.into()) {
            Ok(Event::Update(record)) => record,
            other => panic!("{other:?}"),
        }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn agents_that_no_task_names_are_let_go_of() {
        let mut tasks = Tasks::default();
        tasks.keep(10);
        for number in 0..100u32 {
            let agent_id = Some(AgentId::from(format!("S{number}").as_str()));
            let record = StatusRecord { agent_id, ..record(&format!("t{number}"), "TASK_FINISHED", None, None) };
            tasks.update(&record, KEPT_FOR * number);
            tasks.forget_old(KEPT_FOR * (number + 1));
        }
        assert!(
            tasks.len() < 20 && tasks.agents.ids.len() == tasks.len(),
            "{} of {}",
            tasks.agents.ids.len(),
            tasks.len()
        );
        for task in tasks.iter() {
            assert_eq!(
                tasks.agent_of(task).unwrap().as_str().trim_start_matches('S'),
                task.id.as_str().trim_start_matches('t')
            );
        }
    }

    #[test]
    fn a_repeated_update_is_recorded_once() {
        let mut tasks = Tasks::default();
        let first = record("a", "TASK_STARTING", Some(1), None);
        assert_eq!(tasks.update(&first, ms(5)), Effect::Recorded { before: None });
        let second = record("a", "TASK_RUNNING", Some(2), None);
        assert_eq!(tasks.update(&second, ms(9)), Effect::Recorded { before: Some(TaskState::Starting) });
        assert_eq!(tasks.update(&first, ms(10)), Effect::Repeated);
        tasks.acknowledged("a", &[1; 16], ms(12));
        let task = tasks.get("a").unwrap();
        let history: Vec<_> = task.history().map(|r| (r.at, r.acknowledged_after, r.repeats)).collect();
        assert_eq!(history, [(ms(5), Some(ms(7)), 1), (ms(9), None, 0)]);
        assert_eq!(task.latest().unwrap().status().unwrap().state, TaskState::Running);
        assert_eq!(tasks.agent_of(task).map(AgentId::as_str), Some("S0"));
        assert_eq!((tasks.len(), tasks.active()), (1, 1));
    }

    #[test]
    fn final_is_final_but_for_lost() {
        let mut tasks = Tasks::default();
        tasks.update(&record("a", "TASK_KILLED", Some(1), None), ms(1));
        tasks.update(&record("a", "TASK_RUNNING", Some(2), None), ms(2));
        assert_eq!(tasks.get("a").unwrap().state, TaskState::Killed);
        tasks.update(&record("b", "TASK_LOST", None, None), ms(1));
        assert_eq!(tasks.active(), 0);
        tasks.update(&record("b", "TASK_RUNNING", None, Some("REASON_AGENT_REREGISTERED")), ms(2));
        assert_eq!((tasks.get("b").unwrap().state.clone(), tasks.active()), (TaskState::Running, 1));
    }

    #[test]
    fn what_nobody_knows_is_no_active_task() {
        let mut tasks = Tasks::default();
        tasks.update(&record("x", "TASK_UNKNOWN", None, Some("REASON_RECONCILIATION")), ms(1));
        assert_eq!((tasks.len(), tasks.active()), (1, 0));
        let task = TaskInfo { task_id: "x".into(), ..TaskInfo::default() };
        tasks.launched(Launch { task, hostname: String::new(), at: ms(2) });
        assert_eq!((tasks.get("x").unwrap().state.clone(), tasks.active()), (TaskState::Staging, 1));
        // A master that has just begun to lead may know it again later.
        tasks.update(&record("x", "TASK_UNKNOWN", None, Some("REASON_RECONCILIATION")), ms(3));
        assert_eq!(tasks.active(), 1);
        tasks.update(&record("y", "TASK_UNKNOWN", None, Some("REASON_RECONCILIATION")), ms(3));
        tasks.update(&record("y", "TASK_RUNNING", None, Some("REASON_RECONCILIATION")), ms(4));
        assert_eq!((tasks.get("y").unwrap().state.clone(), tasks.active()), (TaskState::Running, 2));
    }

    #[test]
    fn a_reconciliation_that_tells_nothing_new_is_not_kept() {
        let mut tasks = Tasks::default();
        tasks.update(&record("a", "TASK_RUNNING", Some(1), None), ms(1));
        let same = record("a", "TASK_RUNNING", None, Some("REASON_RECONCILIATION"));
        assert_eq!(tasks.update(&same, ms(2)), Effect::Confirmed);
        assert_eq!(tasks.get("a").unwrap().updates(), 1);
        let unknown = record("x", "TASK_LOST", None, Some("REASON_RECONCILIATION"));
        assert_eq!(tasks.update(&unknown, ms(3)), Effect::Recorded { before: None });
    }

    #[test]
    fn tasks_that_were_over_long_ago_are_let_go_of() {
        let mut tasks = Tasks::default();
        let ended = |tasks: &mut Tasks, id: &str, at: Duration, acknowledged: bool| {
            tasks.update(&record(id, "TASK_FINISHED", Some(1), None), at);
            if acknowledged {
                tasks.acknowledged(id, &[1; 16], at);
            }
            tasks.forget_old(at);
        };
        tasks.update(&record("runs", "TASK_RUNNING", Some(1), None), ms(0));
        ended(&mut tasks, "waits", ms(0), false);
        for number in 0..KEPT * 2 {
            ended(&mut tasks, &format!("t{number}"), ms(number as u64), true);
        }
        assert_eq!(tasks.forgotten(), 0, "they ended just now");
        for number in KEPT * 2..KEPT * 4 {
            ended(&mut tasks, &format!("t{number}"), KEPT_FOR * 2 + ms(number as u64), true);
        }
        assert!(tasks.len() < KEPT * 4 && tasks.forgotten() > KEPT, "{} of {}", tasks.forgotten(), tasks.len());
        assert_eq!(tasks.forgotten() + tasks.len(), KEPT * 4 + 2);
        assert_eq!(tasks.active(), 1);
        for id in ["runs", "waits", "t39999"] {
            assert_eq!(tasks.get(id).map(|task| task.id.as_str()), Some(id));
        }
        assert!(tasks.get("t0").is_none());
        assert!(tasks.iter().all(|task| tasks.get(task.id.as_str()).is_some_and(|same| same.id == task.id)));
    }
}
