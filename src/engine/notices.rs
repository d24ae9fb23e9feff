//! What happened while nobody asked, in few words: for a line above a prompt, or beside a notebook.
//!
//! Many things of one moment become few lines. What a person did by a command, the command itself tells; here stand
//! tasks that changed, offers that came, connections that broke. Draws nothing.

use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Engine;
use crate::detect::{Seen, Standing};
use crate::document::Tone;
use crate::mesos::{AgentId, OfferId, TaskId, TaskState};
use crate::session::{Closed, Notice as Raw, Phase, Session};
use crate::state::{Change, Effect};
use crate::view;

/// How long to listen on after something came, so that what belongs together is told together.
const MOMENT: Duration = Duration::from_millis(150);
/// How long at most, however much keeps coming.
const AT_MOST: Duration = Duration::from_millis(600);
/// Up to so many things of a kind are named; more are counted.
const NAMED: usize = 3;

/// One line about what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The line. It holds text from outside as it came: only renderers let it out.
    pub text: String,
    /// What it means.
    pub tone: Tone,
    /// The one task that it is about, and the state that it has reached, if it is about one.
    pub task: Option<(String, String)>,
    /// Whether it is about the subscription as a whole.
    pub connection: bool,
    /// When the first thing of its moment came.
    pub since: Instant,
}

impl Notice {
    /// A line that is of this moment and about nothing in particular.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, task: None, connection: false, since: Instant::now() }
    }

    /// A line about the subscription as a whole.
    pub fn connection(text: impl Into<String>, tone: Tone) -> Self {
        Self { connection: true, ..Self::new(text, tone) }
    }
}

/// Notices of the engine's session, and of the next one after `connect`.
#[derive(Debug)]
pub struct Notices {
    engine: Engine,
    session: Session,
    receiver: broadcast::Receiver<Raw>,
    switches: watch::Receiver<u64>,
    teller: Teller,
}

impl Engine {
    /// What happens from now on, in this session and in those that follow it.
    pub fn notices(&self) -> Notices {
        let switches = self.switches();
        let session = self.session();
        let receiver = session.notices();
        Notices { engine: self.clone(), session, receiver, switches, teller: Teller::default() }
    }
}

impl Notices {
    /// Waits until something happens that is worth a line, and gives the lines of that moment.
    pub async fn next(&mut self) -> Vec<Notice> {
        loop {
            let mut moment = Moment::default();
            self.take(&mut moment, None).await;
            let first = Instant::now();
            while first.elapsed() < AT_MOST && self.take(&mut moment, Some(MOMENT)).await {}
            let Self { session, teller, .. } = self;
            let lines = teller.tell(moment, session);
            if !lines.is_empty() {
                return lines.into_iter().map(|line| Notice { since: first, ..line }).collect();
            }
        }
    }

    /// Takes one thing in; false if none came for so long.
    async fn take(&mut self, moment: &mut Moment, limit: Option<Duration>) -> bool {
        let quiet = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            raw = self.receiver.recv() => match raw {
                Ok(raw) if is_hushed(&self.engine, &raw) => {}
                Ok(raw) => moment.add(raw),
                Err(RecvError::Lagged(missed)) => moment.missed += missed,
                Err(RecvError::Closed) => self.next_session(moment).await,
            },
            changed = self.switches.changed() => match changed {
                Ok(()) => self.follow(moment),
                // The engine lives as long as this does; were it otherwise, nothing more could happen.
                Err(_) => std::future::pending().await,
            },
            () = quiet => return false,
        }
        true
    }

    async fn next_session(&mut self, moment: &mut Moment) {
        if self.switches.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.follow(moment);
    }

    fn follow(&mut self, moment: &mut Moment) {
        self.session = self.engine.session();
        self.receiver = self.session.notices();
        self.teller = Teller::default();
        *moment = Moment::default();
    }
}

/// Whether it is about a task of which all is about to be told in one.
fn is_hushed(engine: &Engine, raw: &Raw) -> bool {
    matches!(raw, Raw::Change(Change::Updated { task_id, .. }) if engine.is_quiet(task_id))
}

/// What came within a moment.
#[derive(Debug, Default)]
struct Moment {
    /// Each task's newest state, in the order they were first heard of.
    updates: Vec<(TaskId, TaskState)>,
    offers: Vec<OfferId>,
    rescinded: Vec<OfferId>,
    declined: Vec<OfferId>,
    void: usize,
    missed: u64,
    phases: Vec<Phase>,
    masters: Option<Seen>,
    others: Vec<Notice>,
}

impl Moment {
    fn add(&mut self, raw: Raw) {
        match raw {
            Raw::Change(change) => self.change(change),
            Raw::Phase(phase) => self.phases.push(phase),
            Raw::Masters(seen) => self.masters = Some(seen),
            Raw::Declined(ids) => self.declined.extend(ids),
            Raw::Void(count) => self.void += count,
            Raw::Suppressed => self.others.push(Notice::new(
                "nobody wanted offers for a while: the master was asked for no more (offers or revive asks again)",
                Tone::Dim,
            )),
            Raw::Record(Some(why)) => self.others.push(Notice::connection(
                format!("the session goes on and isn't recorded any more: {why}; should this program die, tasks that are launched from now on are only known to the master"),
                Tone::Bad,
            )),
            Raw::Record(None) => {
                self.others.push(Notice::connection("the session is recorded again, all of it", Tone::Running));
            }
            Raw::CallFailed { kind, why } => self.others.push(Notice::new(format!("{kind} failed: {why}"), Tone::Bad)),
        }
    }

    fn change(&mut self, change: Change) {
        let other = match change {
            Change::Updated { task_id, state, effect: Effect::Recorded { .. }, .. } => {
                return self.update(task_id, state);
            }
            Change::Offered(ids) => return self.offers.extend(ids),
            Change::Rescinded(id, true) => return self.rescinded.push(id),
            Change::InverseOffered(ids) => Notice::new(
                format!("an operator asks for resources back: {}", named(&ids, "inverse offer")),
                Tone::Unsure,
            ),
            Change::OperationUpdated(status) => {
                let id = status.operation_id.as_ref().map_or("without an id", |id| id.as_str());
                Notice::new(format!("operation {id}: {}", status.state), Tone::Plain)
            }
            Change::Message(message) => {
                let agent = view::short(message.agent_id.as_str());
                Notice::new(format!("a message from executor {} on {agent}", message.executor_id), Tone::Plain)
            }
            Change::Failed(failure) => failed(&failure),
            Change::Unknown(kind) => {
                Notice::new(format!("the master sent an event of a new kind: {kind}"), Tone::Unsure)
            }
            // Phases tell of subscriptions; heartbeats and repetitions are no news.
            Change::Subscribed { .. }
            | Change::Refused(_)
            | Change::Heartbeat
            | Change::Updated { .. }
            | Change::Rescinded(_, false) => return,
        };
        self.others.push(other);
    }

    fn update(&mut self, task: TaskId, state: TaskState) {
        match self.updates.iter_mut().find(|(id, _)| *id == task) {
            Some(known) => known.1 = state,
            None => self.updates.push((task, state)),
        }
    }
}

fn failed(failure: &crate::mesos::Failure) -> Notice {
    let agent = failure.agent_id.as_ref().map(AgentId::as_str).map(view::short);
    let text = match (&failure.executor_id, agent) {
        (Some(executor), Some(agent)) => {
            let status = failure.status.map_or_else(String::new, |status| format!(" (status {status})"));
            format!("executor {executor} on {agent} ended{status}")
        }
        (Some(executor), None) => format!("executor {executor} ended"),
        (None, Some(agent)) => format!("agent {agent} was removed from the cluster"),
        (None, None) => "something failed; the master doesn't say what".to_owned(),
    };
    Notice::new(text, Tone::Unsure)
}

/// Finds the words, and remembers what has been said already.
#[derive(Debug, Default)]
struct Teller {
    /// The loss that was told of and is not over.
    lost: bool,
    /// Whether it has been said that unused offers are declined.
    declined: bool,
    /// What was last said of who leads.
    leads: Option<String>,
}

impl Teller {
    fn tell(&mut self, mut moment: Moment, session: &Session) -> Vec<Notice> {
        let mut lines = Vec::new();
        lines.extend(moment.masters.take().and_then(|seen| self.masters(&seen, session)));
        let phases = std::mem::take(&mut moment.phases);
        for phase in phases {
            lines.extend(self.phase(phase, &mut moment.void, session));
        }
        lines.extend(updates(&moment.updates, session));
        lines.extend(offered(&moment.offers, session));
        if !moment.rescinded.is_empty() {
            let plural = if moment.rescinded.len() == 1 { "was" } else { "were" };
            let text = format!("{} {plural} rescinded", named(&moment.rescinded, "offer"));
            lines.push(Notice::new(text, Tone::Dim));
        }
        if !moment.declined.is_empty() && !self.declined {
            self.declined = true;
            let text = format!("{} declined, unused for long (hold keeps one)", named(&moment.declined, "offer"));
            lines.push(Notice::new(text, Tone::Dim));
        }
        lines.append(&mut moment.others);
        if moment.missed > 0 {
            let text = format!("{} more things happened; events and tasks show them", moment.missed);
            lines.push(Notice::new(text, Tone::Dim));
        }
        lines
    }

    /// Who leads, by ZooKeeper's word, if that is news.
    fn masters(&mut self, seen: &Seen, session: &Session) -> Option<Notice> {
        let address = session.status().borrow().address.clone();
        let (text, tone) = match (&seen.standing, address) {
            (Standing::Connecting, _) => return None,
            (Standing::Led, Some(address)) => {
                let others = match seen.masters.len() {
                    0 | 1 => String::new(),
                    2 => ", 1 stands by".to_owned(),
                    count => format!(", {} stand by", count - 1),
                };
                (format!("ZooKeeper: {address} leads{others}"), Tone::Dim)
            }
            (standing, _) => (standing.to_string(), Tone::Unsure),
        };
        // A session that is renewed knows the same leader as before.
        let is_news = self.leads.as_ref() != Some(&text);
        self.leads = Some(text.clone());
        is_news.then(|| Notice::connection(text, tone))
    }

    fn phase(&mut self, phase: Phase, void: &mut usize, session: &Session) -> Option<Notice> {
        match phase {
            Phase::Waiting { why, .. } if !self.lost => {
                self.lost = true;
                let known = session.read(|state| state.framework_id.is_some());
                let offers = match std::mem::take(void) {
                    0 => String::new(),
                    1 => "; 1 offer is void".to_owned(),
                    count => format!("; {count} offers are void"),
                };
                let what = if known { "connection to the master lost" } else { "no subscription yet" };
                Some(Notice::connection(
                    format!("{what}: {why}{offers}; trying on (reconnect tries at once)"),
                    Tone::Unsure,
                ))
            }
            Phase::Subscribed { .. } if self.lost => {
                self.lost = false;
                let address = session.status().borrow().master();
                Some(Notice::connection(format!("subscribed again, at {address}"), Tone::Running))
            }
            Phase::Closed(why) => {
                self.lost = false;
                closed(&why, session)
            }
            _ => None,
        }
    }
}

fn closed(why: &Closed, session: &Session) -> Option<Notice> {
    let id = session.read(|state| state.framework_id.as_ref().map(|id| view::short_framework(id.as_str())));
    let id = id.unwrap_or_default();
    let text = match why {
        // We did it, and the command that did it says so.
        Closed::TornDown | Closed::Detached => return None,
        Closed::Stolen => format!(
            "another client has taken framework {id} over, and this session lets it be; subscribe --id {id} takes it back, subscribe --new registers another"
        ),
        Closed::Removed => {
            format!("the master has removed framework {id}, and with it its tasks; subscribe --new registers another")
        }
        Closed::Refused(why) => format!("the master refuses the subscription: {why}"),
    };
    Some(Notice::connection(text, Tone::Bad))
}

/// Few tasks are named with what was said of them, many are counted by their states.
fn updates(updates: &[(TaskId, TaskState)], session: &Session) -> Vec<Notice> {
    if updates.len() <= NAMED {
        return updates.iter().map(|(task, state)| update(task, state, session)).collect();
    }
    let mut counts: Vec<(&TaskState, usize)> = Vec::new();
    for (_, state) in updates {
        match counts.iter_mut().find(|(known, _)| *known == state) {
            Some((_, count)) => *count += 1,
            None => counts.push((state, 1)),
        }
    }
    let worst = counts.iter().any(|(state, _)| Tone::of_task_state(&state.to_string()) == Tone::Bad);
    let parts: Vec<_> = counts.iter().map(|(state, count)| format!("{count} {}", bare(state))).collect();
    let tone = if worst { Tone::Bad } else { Tone::Plain };
    vec![Notice::new(format!("{} tasks changed: {}", updates.len(), parts.join(", ")), tone)]
}

fn update(task: &TaskId, state: &TaskState, session: &Session) -> Notice {
    let tone = Tone::of_task_state(&state.to_string());
    let said = session.read(|known| {
        let latest = known.tasks.get(task.as_str())?.latest()?.status().ok()?;
        latest.message.filter(|message| !message.is_empty() && matches!(tone, Tone::Bad | Tone::Unsure))
    });
    let said = said.map_or_else(String::new, |said| format!(": {said}"));
    Notice { task: Some((task.to_string(), bare(state))), ..Notice::new(format!("{task} {}{said}", bare(state)), tone) }
}

/// The state's name as people say it.
fn bare(state: &TaskState) -> String {
    let name = state.to_string();
    name.strip_prefix("TASK_").map_or(name.clone(), str::to_owned)
}

/// Offers that are still in hand.
fn offered(ids: &[OfferId], session: &Session) -> Option<Notice> {
    session.read(|state| {
        let held: Vec<_> = ids.iter().filter_map(|id| state.offers.get(id.as_str())).collect();
        let text = match held.as_slice() {
            [] => return None,
            [only] => format!("offer {} from {}", view::short(only.record.id.as_str()), view::offer_line(only)),
            several => {
                let ids: Vec<_> = several.iter().map(|held| held.record.id.clone()).collect();
                format!("new: {}", named(&ids, "offer"))
            }
        };
        Some(Notice::new(text, Tone::Plain))
    })
}

/// `offer O1`, `offers O1, O2`, `7 offers`.
fn named(ids: &[OfferId], what: &str) -> String {
    let short =
        |ids: &[OfferId]| ids.iter().map(|id| view::short(id.as_str()).to_owned()).collect::<Vec<_>>().join(", ");
    match ids.len() {
        1 => format!("{what} {}", short(ids)),
        count if count <= NAMED => format!("{what}s {}", short(ids)),
        count => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Address;
    use crate::session::Config;

    async fn told(teller: &mut Teller, raws: Vec<Raw>) -> Vec<String> {
        let session = Session::start(Config::new(Address::parse("127.0.0.1:1").unwrap())).unwrap();
        let mut moment = Moment::default();
        raws.into_iter().for_each(|raw| moment.add(raw));
        teller.tell(moment, &session).into_iter().map(|notice| notice.text).collect()
    }

    fn updated(task: &str, state: TaskState) -> Raw {
        let effect = Effect::Recorded { before: None };
        Raw::Change(Change::Updated { task_id: task.into(), state, effect, acknowledge: None })
    }

    #[tokio::test]
    async fn many_things_of_a_moment_become_few_lines() {
        let mut teller = Teller::default();
        let raws = vec![updated("web", TaskState::Starting), updated("web", TaskState::Running)];
        assert_eq!(told(&mut teller, raws).await, ["web RUNNING"]);
        let mut raws: Vec<_> = (0..40).map(|i| updated(&format!("t{i}"), TaskState::Running)).collect();
        raws.push(updated("x", TaskState::Failed));
        assert_eq!(told(&mut teller, raws).await, ["41 tasks changed: 40 RUNNING, 1 FAILED"]);
        let repeated = Change::Updated {
            task_id: "web".into(),
            state: TaskState::Running,
            effect: Effect::Repeated,
            acknowledge: None,
        };
        assert!(told(&mut teller, vec![Raw::Change(repeated), Raw::Change(Change::Heartbeat)]).await.is_empty());
    }

    #[tokio::test]
    async fn a_loss_is_told_once_and_its_end_too() {
        let mut teller = Teller::default();
        let lost = |why: &str| Raw::Phase(Phase::Waiting { until: Duration::ZERO, why: why.to_owned() });
        let back = || {
            let zero = Duration::ZERO;
            Raw::Phase(Phase::Subscribed { epoch: 2, since: zero, heartbeat: zero, silent_after: zero })
        };
        let first = told(&mut teller, vec![Raw::Void(2), lost("reset")]).await;
        assert_eq!(first, ["no subscription yet: reset; 2 offers are void; trying on (reconnect tries at once)"]);
        assert!(told(&mut teller, vec![lost("refused")]).await.is_empty());
        assert_eq!(told(&mut teller, vec![back()]).await, ["subscribed again, at http://127.0.0.1:1"]);
        assert!(told(&mut teller, vec![back()]).await.is_empty());
        let stolen = told(&mut teller, vec![Raw::Phase(Phase::Closed(Closed::Stolen))]).await;
        assert!(stolen[0].starts_with("another client has taken framework"), "{stolen:?}");
        assert!(stolen[0].contains("subscribe --id") && stolen[0].contains("subscribe --new"), "{stolen:?}");
    }

    #[tokio::test]
    async fn declining_is_explained_once() {
        let mut teller = Teller::default();
        let declined = |id: &str| Raw::Declined(vec![id.into()]);
        assert_eq!(
            told(&mut teller, vec![declined("O1")]).await,
            ["offer O1 declined, unused for long (hold keeps one)"]
        );
        assert!(told(&mut teller, vec![declined("O2")]).await.is_empty());
    }
}
