//! What the session knows: the framework, its offers and tasks, and the journal. Events in, changes out.
//!
//! Pure: no clock (`at` is an argument, counted from the session's start), no IO, no documents. One owner writes.

mod journal;
mod offers;
#[cfg(test)]
mod properties;
mod tasks;

use std::time::{Duration, SystemTime};

use hashbrown::HashMap;

pub use journal::{Entry, Journal, What};
pub use offers::{HeldOffer, Offers};
pub use tasks::{Effect, KEPT, Launch, Recorded, Task, Tasks, is_terminal};

use crate::mesos::*;

/// How many operations are kept.
const OPERATIONS: usize = 10_000;

/// All that a session knows.
#[derive(Debug)]
pub struct State {
    /// The session's start, from which every `at` counts.
    pub started: SystemTime,
    /// The framework's id, from the first SUBSCRIBED on.
    pub framework_id: Option<FrameworkId>,
    /// The leading master, as it described itself.
    pub master: Option<MasterInfo>,
    /// Offers in hand.
    pub offers: Offers,
    /// Inverse offers in hand, with the time they came.
    pub inverse_offers: HashMap<OfferId, (InverseOffer, Duration)>,
    /// Tasks, active and over.
    pub tasks: Tasks,
    /// The newest status of each operation.
    pub operations: HashMap<OperationId, (OperationStatus, Duration)>,
    /// What happened.
    pub journal: Journal,
    /// The newest heartbeat.
    pub last_heartbeat: Option<Duration>,
    /// The newest event of any kind.
    pub last_event: Option<Duration>,
    /// How often things came.
    pub counts: Counts,
}

/// Counters over the session's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of all kinds.
    pub events: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Offers.
    pub offers: u64,
    /// Status updates, repetitions among them.
    pub updates: u64,
    /// Repetitions.
    pub repeats: u64,
    /// Events of a kind that this crate doesn't know.
    pub unknown: u64,
    /// Records that were no events.
    pub bad: u64,
}

/// What an event changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// The subscription stands; `heartbeat` is the interval that the master keeps.
    Subscribed {
        /// The interval of heartbeats.
        heartbeat: Option<Duration>,
    },
    /// Offers came.
    Offered(Vec<OfferId>),
    /// An offer holds no longer; whether it was in hand.
    Rescinded(OfferId, bool),
    /// Inverse offers came.
    InverseOffered(Vec<OfferId>),
    /// A task's status came.
    Updated {
        /// The task.
        task_id: TaskId,
        /// Its new state.
        state: TaskState,
        /// What it did.
        effect: Effect,
        /// What has to be acknowledged: the agent and the uuid.
        acknowledge: Option<(AgentId, [u8; 16])>,
    },
    /// An operation's status came, to be acknowledged if it has a uuid.
    OperationUpdated(Box<OperationStatus>),
    /// An executor sent bytes.
    Message(ExecutorMessage),
    /// An agent or executor failed.
    Failed(Failure),
    /// The master ended the subscription.
    Refused(String),
    /// A sign of life.
    Heartbeat,
    /// An event of an unknown kind.
    Unknown(String),
}

impl State {
    /// What a session knows at its start.
    pub fn new(started: SystemTime) -> Self {
        Self {
            started,
            framework_id: None,
            master: None,
            offers: Offers::default(),
            inverse_offers: HashMap::new(),
            tasks: Tasks::default(),
            operations: HashMap::new(),
            journal: Journal::default(),
            last_heartbeat: None,
            last_event: None,
            counts: Counts::default(),
        }
    }

    /// Takes an event in. `lease` is how long an offer that nobody asked for is kept.
    pub fn apply(&mut self, event: Event, at: Duration, lease: Option<Duration>) -> Change {
        self.counts.events += 1;
        self.last_event = Some(at);
        match event {
            Event::Subscribed(subscribed) => self.subscribed(*subscribed),
            Event::Offers(offers) => self.offered(offers, at, lease),
            Event::InverseOffers(offers) => {
                let ids = offers.iter().map(|offer| offer.id.clone()).collect();
                self.inverse_offers.extend(offers.into_iter().map(|offer| (offer.id.clone(), (offer, at))));
                Change::InverseOffered(ids)
            }
            Event::Rescind(id) => {
                let held = self.offers.remove(&id).is_some();
                Change::Rescinded(id, held)
            }
            Event::RescindInverseOffer(id) => {
                let held = self.inverse_offers.remove(&id).is_some();
                Change::Rescinded(id, held)
            }
            Event::Update(record) => self.updated(record, at),
            Event::UpdateOperationStatus(status) => {
                if let Some(id) = &status.operation_id {
                    self.operations.insert(id.clone(), ((*status).clone(), at));
                    self.forget_operations();
                }
                Change::OperationUpdated(status)
            }
            Event::Message(message) => Change::Message(message),
            Event::Failure(failure) => Change::Failed(failure),
            Event::Error(message) => Change::Refused(message),
            Event::Heartbeat => {
                self.counts.heartbeats += 1;
                self.last_heartbeat = Some(at);
                Change::Heartbeat
            }
            Event::Unknown { kind, .. } => {
                self.counts.unknown += 1;
                Change::Unknown(kind)
            }
        }
    }

    fn subscribed(&mut self, subscribed: Subscribed) -> Change {
        self.framework_id = Some(subscribed.framework_id);
        if subscribed.master_info.is_some() {
            self.master = subscribed.master_info;
        }
        let seconds = subscribed.heartbeat_interval_seconds;
        Change::Subscribed { heartbeat: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) }
    }

    fn offered(&mut self, offers: Vec<OfferRecord>, at: Duration, lease: Option<Duration>) -> Change {
        self.counts.offers += offers.len() as u64;
        let mut ids = Vec::with_capacity(offers.len());
        for record in offers {
            ids.push(record.id.clone());
            self.offers.add(record, at, lease);
        }
        Change::Offered(ids)
    }

    fn updated(&mut self, record: StatusRecord, at: Duration) -> Change {
        self.counts.updates += 1;
        let effect = self.tasks.update(&record, at);
        if effect == Effect::Repeated {
            self.counts.repeats += 1;
        }
        self.tasks.forget_old(at);
        let acknowledge = record.agent_id.zip(record.uuid);
        Change::Updated { task_id: record.task_id, state: record.state, effect, acknowledge }
    }

    /// The newest are kept, with some room so that this needn't be done each time.
    fn forget_operations(&mut self) {
        if self.operations.len() <= OPERATIONS + OPERATIONS / 8 {
            return;
        }
        let mut times: Vec<Duration> = self.operations.values().map(|(_, at)| *at).collect();
        times.sort_unstable();
        let oldest = times.get(times.len() - OPERATIONS).copied().unwrap_or_default();
        self.operations.retain(|_, (_, at)| *at >= oldest);
    }

    /// Takes offers out of hand that were used or declined; those that were there.
    pub fn spend<'a>(&mut self, ids: impl IntoIterator<Item = &'a OfferId>) -> Vec<HeldOffer> {
        ids.into_iter().filter_map(|id| self.offers.remove(id)).collect()
    }

    /// Voids every offer: the subscription that they belonged to is gone. How many there were.
    pub fn void_offers(&mut self) -> usize {
        self.inverse_offers.clear();
        self.offers.clear()
    }

    /// Starts afresh with another framework: offers, tasks and operations were the old one's. The journal stays.
    pub fn forget_framework(&mut self) {
        self.void_offers();
        self.framework_id = None;
        self.tasks.clear();
        self.operations.clear();
        self.last_heartbeat = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(state: &mut State, json: &str) -> Change {
        let event = decode_event(json.to_owned().into()).unwrap();
        state.apply(event, Duration::from_secs(1), Some(Duration::from_secs(60)))
    }

    #[test]
    fn offers_come_and_go() {
        let mut state = State::new(SystemTime::UNIX_EPOCH);
        let offers = r#"{"type":"OFFERS","offers":{"offers":[{"id":{"value":"O0"},"agent_id":{"value":"S0"}},
            {"id":{"value":"O1"},"agent_id":{"value":"S1"}}]}}"#;
        assert!(matches!(apply(&mut state, offers), Change::Offered(ids) if ids.len() == 2));
        let rescind = r#"{"type":"RESCIND","rescind":{"offer_id":{"value":"O0"}}}"#;
        assert!(matches!(apply(&mut state, rescind), Change::Rescinded(_, true)));
        assert!(matches!(apply(&mut state, rescind), Change::Rescinded(_, false)));
        assert_eq!(state.offers.expired(Duration::from_secs(60)), []);
        assert_eq!(state.offers.expired(Duration::from_secs(61)), ["O1".into()]);
        assert!(state.offers.hold(&"O1".into()));
        assert_eq!(state.offers.next_expiry(), None);
        assert_eq!(state.spend([&"O1".into(), &"O9".into()]).len(), 1);
        assert_eq!(state.void_offers(), 0);
    }

    #[test]
    fn an_update_without_uuid_is_never_acknowledged() {
        let mut state = State::new(SystemTime::UNIX_EPOCH);
        let update = r#"{"type":"UPDATE","update":{"status":{"task_id":{"value":"a"},"state":"TASK_ERROR"}}}"#;
        assert!(matches!(apply(&mut state, update), Change::Updated { acknowledge: None, .. }));
    }
}
