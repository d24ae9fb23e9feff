//! Has the store remember what a session does: the id before it is used, a call before it leaves, an update before it is
//! acknowledged.
//!
//! Without a store, as on an embedded Mesos, it does nothing. It writes facts and never reads them back.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::watch;

use crate::mesos::{Call, FrameworkId, FrameworkInfo, Label, Labels, TaskId, TaskInfo};
use crate::state::State;
use crate::store::{self, Begin, Called, Connected, Entry, Fact, Framework, Kept, Left, Progress, Standing, Store};

/// The label by which a master's list shows a framework whose id never reached us.
pub(super) const MARK: &str = "mesos-repl-session";
/// So many tasks are written anew at a time.
const TASKS: usize = 500;
/// More than this shall not wait for the disk because of a file that is written anew.
const BACKLOG: usize = 8 << 20;
/// So many calls without an answer are remembered: nobody will hear more of the older ones.
const OPEN: usize = 256;

/// Calls that change something, and which a session that comes back has to know of.
const REMEMBERED: [&str; 4] = ["ACCEPT", "KILL", "SHUTDOWN", "TEARDOWN"];

pub(super) struct Keeper {
    store: Option<Store>,
    begin: Begin,
    framework: Option<Framework>,
    id: Option<FrameworkId>,
    standing: Standing,
    /// Calls that have no answer yet.
    open: BTreeMap<u64, (Duration, Called)>,
    calls: u64,
    /// The last call of another process.
    before: u64,
    /// All that must be on the disk before anything else leaves.
    mark: u64,
    /// The next task of a file that is being written anew.
    renewing: Option<usize>,
    /// How many tasks the state had let go of when that began: each moves those behind it.
    forgotten: usize,
    /// Bytes of facts since the file was last written anew, how many make it worth to be written again, and how many
    /// at least.
    grown: u64,
    enough: u64,
    least: u64,
}

impl Keeper {
    /// For a session that began at `started`, with what its file says.
    pub fn new(store: Option<Store>, started: SystemTime, kept: Option<&Kept>, id: Option<FrameworkId>) -> Self {
        let since = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let begin = Begin {
            started: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            session: store.as_ref().map(|store| store.name().to_owned()).unwrap_or_default(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            master: store.as_ref().map(|store| store.master().to_owned()).unwrap_or_default(),
        };
        let framework = kept.and_then(|kept| {
            let info = kept.framework.clone()?;
            Some(Framework { info, mark: kept.mark.clone() })
        });
        let open =
            kept.map(|kept| kept.open.iter().map(|(call, called)| (*call, (kept.last, called.clone()))).collect());
        Self {
            begin,
            framework,
            id,
            standing: kept.map_or(Standing::Never, |kept| kept.standing),
            open: open.unwrap_or_default(),
            calls: kept.map_or(0, |kept| kept.calls),
            before: kept.map_or(0, |kept| kept.calls),
            mark: 0,
            renewing: None,
            forgotten: 0,
            grown: 0,
            enough: u64::MAX,
            least: u64::MAX,
            store,
        }
    }

    /// A file is written anew when `least` bytes have been added to it, or as many as it had; `length` is what there is
    /// now, since nobody knows how much of it is said twice. Without this, never.
    pub fn rewrite_from(&mut self, least: u64, length: u64) {
        (self.grown, self.enough, self.least) = (length, least, least);
    }

    /// How far writing is; never anything without a store.
    pub fn progress(&self) -> Option<watch::Receiver<Progress>> {
        self.store.as_ref().map(Store::progress)
    }

    /// Whether anything is recorded.
    pub fn is_recording(&self) -> bool {
        self.store.is_some()
    }

    /// What must be on the disk before the next call leaves.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// Whether this is the framework that is remembered.
    pub fn knows(&self, info: &FrameworkInfo) -> bool {
        let Some(known) = &self.framework else { return false };
        match (&info.id, &self.id) {
            (Some(id), Some(known)) => id == known,
            (None, None) => known.mark.is_some() && mark_of(info) == known.mark.as_deref(),
            _ => false,
        }
    }

    /// The mark of a framework that has been asked for and whose id isn't known.
    pub fn unanswered_mark(&self) -> Option<&str> {
        self.framework.as_ref().filter(|_| self.id.is_none())?.mark.as_deref()
    }

    /// Marks a framework that shall be registered, so that it is found even if its id never reaches us.
    pub fn marked(&self, info: FrameworkInfo) -> FrameworkInfo {
        if self.store.is_none() || info.id.is_some() {
            return info;
        }
        let mut labels = info.labels.clone().unwrap_or_default();
        labels.labels.retain(|label| label.key != MARK);
        let value = Some(uuid::Uuid::new_v4().to_string());
        labels.labels.push(Label { key: MARK.to_owned(), value, ..Label::default() });
        FrameworkInfo { labels: Some(labels), ..info }
    }

    /// Another framework than before is about to be subscribed as.
    pub fn begin(&mut self, info: &FrameworkInfo, at: Duration) {
        let mark = mark_of(info).map(str::to_owned);
        self.id.clone_from(&info.id);
        self.framework = Some(Framework { info: info.clone(), mark });
        self.standing = Standing::Never;
        self.open.clear();
        (self.grown, self.enough, self.renewing) = (0, self.least, None);
        let head = self.head(at);
        let Some(store) = &self.store else { return };
        store.renew();
        store.fill(head);
        self.mark = store.settle();
    }

    /// The framework that is remembered is subscribed as again, perhaps with other words about itself.
    pub fn again(&mut self, info: &FrameworkInfo, at: Duration) {
        let Some(known) = &mut self.framework else { return };
        known.info = info.clone();
        let known = known.clone();
        let opened = Fact::Opened(store::Opened { pid: std::process::id() });
        self.append([opened, Fact::Framework(Box::new(known))], at);
    }

    /// SUBSCRIBED came.
    pub fn connected(&mut self, id: &FrameworkId, at: Duration) {
        self.standing = Standing::Connected;
        self.id = Some(id.clone());
        if let Some(framework) = &mut self.framework {
            framework.info.id = Some(id.clone());
        }
        self.append([Fact::Connected(Connected { id: id.clone() })], at);
        // What another process had sent: the tasks are asked for by name, and no answer will come any more.
        let before: Vec<u64> = self.open.keys().copied().filter(|call| *call <= self.before).collect();
        for call in before {
            self.answered(call, true, at);
        }
    }

    /// The connection is gone, and wanted back.
    pub fn lost(&mut self, at: Duration) {
        if self.standing == Standing::Connected {
            self.standing = Standing::Lost(at);
            self.append([Fact::Lost], at);
        }
    }

    /// The subscription is over, and the framework isn't, for all we know.
    pub fn left(&mut self, left: Left, at: Duration) {
        if self.framework.is_some() {
            self.standing = Standing::Left(left, at);
            self.append([Fact::Left(left)], at);
        }
    }

    /// The framework is no more.
    pub fn ended(&mut self) {
        (self.framework, self.id, self.standing, self.renewing) = (None, None, Standing::Never, None);
        self.open.clear();
        if let Some(store) = &self.store {
            self.mark = store.clear();
        }
    }

    /// A call is about to leave; its number, where it has to be remembered.
    pub fn calling(&mut self, call: &Call, tasks: &[TaskInfo], hostname: &str, at: Duration) -> Option<u64> {
        let kind = call.kind();
        if self.store.is_none() || !REMEMBERED.contains(&kind) {
            return None;
        }
        self.calls += 1;
        let called = Called {
            call: self.calls,
            kind: kind.to_owned(),
            tasks: tasks.iter().map(store::without_credentials).collect(),
            hostname: hostname.to_owned(),
            task: killed(call),
        };
        self.open.insert(self.calls, (at, called.clone()));
        self.append([Fact::Call(Box::new(called))], at);
        if self.open.len() > OPEN
            && let Some(oldest) = self.open.keys().next().copied()
        {
            self.answered(oldest, true, at);
        }
        Some(self.calls)
    }

    /// A call was answered, or has never left.
    pub fn answered(&mut self, call: u64, taken: bool, at: Duration) {
        self.open.remove(&call);
        self.append([Fact::Answered(store::Answered { call, taken })], at);
    }

    /// Events have changed what is known: they are to be recorded.
    pub fn record(&mut self, entries: Vec<Entry>) {
        if !entries.is_empty()
            && let Some(mark) = self.write(entries)
        {
            self.mark = mark;
        }
    }

    /// Appends to the file, if there is one; the mark of it.
    fn write(&mut self, entries: Vec<Entry>) -> Option<u64> {
        let store = self.store.as_ref()?;
        self.grown += entries.iter().map(|entry| entry.fact.weight() as u64).sum::<u64>();
        Some(store.append(entries))
    }

    /// Updates were acknowledged. Nobody waits for that: what isn't known to be acknowledged comes again.
    pub fn acknowledged<'a>(&mut self, all: impl Iterator<Item = (&'a TaskId, &'a [u8; 16])>, at: Duration) {
        if self.store.is_none() {
            return;
        }
        let fact = |(task, uuid): (&TaskId, &[u8; 16])| {
            Fact::Acknowledged(store::Acknowledged { task: task.clone(), uuid: STANDARD.encode(uuid) })
        };
        let entries: Vec<Entry> = all.map(|one| Entry { at, fact: fact(one) }).collect();
        if !entries.is_empty() {
            // Its mark is none to wait for.
            let _ = self.write(entries);
        }
    }

    /// The connection has shown a sign of life.
    pub fn touch(&self) {
        if let Some(store) = &self.store {
            store.touch();
        }
    }

    /// Everything is written anew, a part with each [`Keeper::renew_on`].
    pub fn renew(&mut self, at: Duration) {
        if self.framework.is_none() {
            return;
        }
        let head = self.head(at);
        let Some(store) = &self.store else { return };
        store.renew();
        store.fill(head);
        (self.renewing, self.grown) = (Some(0), 0);
    }

    /// Whether a file is being written anew.
    pub fn is_renewing(&self) -> bool {
        self.renewing.is_some()
    }

    /// Whether the file says so much twice that it should be written anew.
    pub fn has_grown(&self) -> bool {
        self.grown >= self.enough && !self.is_renewing()
    }

    /// Writes the next part of a new file.
    pub fn renew_on(&mut self, state: &State, at: Duration) {
        if self.renewing.is_some_and(|from| from > 0) && self.forgotten != state.tasks.forgotten() {
            self.renew(at);
        }
        let (Some(store), Some(from)) = (&self.store, self.renewing) else { return };
        if store.waiting() > BACKLOG {
            return;
        }
        self.forgotten = state.tasks.forgotten();
        let facts: Vec<Entry> = state.tasks.iter().skip(from).take(TASKS).flat_map(store::of_task).collect();
        let size: u64 = facts.iter().map(|entry| entry.fact.weight() as u64).sum();
        self.enough = if from == 0 { self.least.max(size) } else { self.enough + size };
        store.fill(facts);
        if from + TASKS < state.tasks.len() {
            self.renewing = Some(from + TASKS);
            return;
        }
        store.fill(state.operations.values().map(|(status, at)| store::of_operation(status, *at)).collect());
        self.mark = store.settle();
        self.renewing = None;
    }

    /// Writes what is queued and closes the file.
    pub async fn close(&self) {
        if let Some(store) = &self.store {
            store.close().await;
        }
    }

    /// What a file begins with.
    fn head(&self, at: Duration) -> Vec<Entry> {
        let mut head = vec![Entry { at: Duration::ZERO, fact: Fact::Begin(Box::new(self.begin.clone())) }];
        head.push(Entry { at, fact: Fact::Opened(store::Opened { pid: std::process::id() }) });
        if let Some(framework) = &self.framework {
            head.push(Entry { at, fact: Fact::Framework(Box::new(framework.clone())) });
        }
        if let Some(id) = self.id.as_ref().filter(|_| self.standing != Standing::Never) {
            head.push(Entry { at, fact: Fact::Connected(Connected { id: id.clone() }) });
        }
        match self.standing {
            Standing::Lost(at) => head.push(Entry { at, fact: Fact::Lost }),
            Standing::Left(left, at) => head.push(Entry { at, fact: Fact::Left(left) }),
            Standing::Never | Standing::Connected => {}
        }
        let open = self.open.values().cloned();
        head.extend(open.map(|(at, called)| Entry { at, fact: Fact::Call(Box::new(called)) }));
        head
    }

    fn append<const N: usize>(&mut self, facts: [Fact; N], at: Duration) {
        self.record(facts.into_iter().map(|fact| Entry { at, fact }).collect());
    }
}

fn mark_of(info: &FrameworkInfo) -> Option<&str> {
    let labels: &Labels = info.labels.as_ref()?;
    labels.labels.iter().find(|label| label.key == MARK)?.value.as_deref()
}

/// Whether a session with a file has registered this framework.
pub(super) fn is_marked(info: &FrameworkInfo) -> bool {
    mark_of(info).is_some()
}

/// The task that a KILL is about.
fn killed(call: &Call) -> Option<TaskId> {
    match call {
        Call::Kill(kill) => Some(kill.task_id.clone()),
        Call::Raw(fields) if call.kind() == "KILL" => {
            let id = fields.get("kill")?.get("task_id")?.get("value")?.as_str()?;
            Some(TaskId::from(id))
        }
        _ => None,
    }
}
