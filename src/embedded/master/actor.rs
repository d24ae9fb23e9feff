//! The master's state and the task that owns it: messages in, answers and events out, in order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::agents::Agent;
use super::allocator::Allocator;
use super::document::Document;
use super::framework::Framework;
use super::maintenance::Maintenance;
use super::metrics::Counters;
use super::operator::Quota;
use super::recovery::Recovering;
use super::registry::{Registry, Store};
use super::stream::Stream;
use crate::embedded::authorize::Acls;
use crate::embedded::config::Authenticate;
use crate::embedded::fault::active::Faults;
use crate::embedded::fault::{Effect, FaultError};
use crate::embedded::link::FromAgent;
use crate::embedded::wire::Format;
use crate::mesos::master::Call;
use crate::mesos::{
    Address, AgentId, CallMessage, EventMessage, EventType, FrameworkId, InverseOffer, MasterCapability,
    MasterCapabilityType, MasterInfo, Offer, OfferId,
};

/// The version whose answers these are.
pub(super) const VERSION: &str = "1.11.0";

/// How many removed frameworks are remembered, and refused should they come again.
const COMPLETED_FRAMEWORKS: usize = 50;

/// An answer to a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn accepted() -> Self {
        Self { status: 202, body: Vec::new() }
    }

    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into() }
    }
}

/// What reaches the master.
pub(super) enum Input {
    /// A SUBSCRIBE; events go to `stream`.
    Subscribe { call: Box<CallMessage>, principal: Option<String>, stream: Stream },
    /// A stream's reader is gone.
    Closed { stream: String },
    /// Any other call of a scheduler.
    Call { call: Box<CallMessage>, principal: Option<String>, stream: Option<Vec<u8>>, reply: oneshot::Sender<Answer> },
    /// A page of the master's state: path and query.
    Get { page: Page, principal: Option<String>, reply: oneshot::Sender<Option<Document>> },
    /// Something is to go wrong.
    Fault { act: super::fault::Act, reply: oneshot::Sender<Result<Effect, FaultError>> },
    /// A call of an operator, checked.
    Operate { call: Box<Operation>, principal: Option<String>, reply: oneshot::Sender<super::operator::Reply> },
}

/// What a page is asked for by.
#[derive(Debug)]
pub(super) struct Page {
    /// Its path, without `/master`.
    pub(super) path: String,
    pub(super) query: HashMap<String, String>,
}

/// What an operator wants.
#[derive(Debug)]
pub(super) enum Operation {
    /// A call of the v1 API, checked; the answer, if it is a stream, in this format.
    Call(Box<Call>, Format),
    /// The end of a role's quota: the path that names the role.
    DeleteQuota(String),
}

/// What is to happen at a time.
#[derive(Debug)]
pub(super) enum Timer {
    /// The next round of offers.
    Allocate,
    /// A sign of life on a stream.
    Heartbeat { framework: FrameworkId, stream: String },
    /// A framework's time to come back is over.
    Failover { framework: FrameworkId, subscriptions: u64 },
    /// An operation's status hasn't been acknowledged.
    Operation { framework: FrameworkId, uuid: Vec<u8> },
    /// A sign of life on an operator's stream.
    OperatorHeartbeat { stream: String },
    /// Agents of which the registry tells should have come back by now.
    Reregistration,
    /// An agent that can't be reached has been silent for too long.
    Silent { agent: AgentId },
    /// Offers that nobody has answered.
    Unanswered { offers: Vec<OfferId> },
}

/// How the master is set up.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) address: SocketAddr,
    pub(super) hostname: String,
    pub(super) heartbeat: Duration,
    pub(super) allocation_interval: Duration,
    pub(super) roles: Option<Vec<String>>,
    pub(super) root_submissions: bool,
    pub(super) authenticate: Authenticate,
    pub(super) acls: Acls,
    pub(super) offer_timeout: Option<Duration>,
    pub(super) agent_timeout: Duration,
    pub(super) agent_reregister_timeout: Duration,
}

/// The master.
pub(super) struct Master {
    pub(super) id: String,
    pub(super) settings: Settings,
    pub(super) started: SystemTime,
    pub(super) frameworks: Vec<Framework>,
    pub(super) completed: std::collections::VecDeque<Framework>,
    /// By their place among the cluster's agents.
    pub(super) agents: BTreeMap<usize, Agent>,
    /// Their places by id.
    pub(super) places: HashMap<AgentId, usize>,
    pub(super) offers: HashMap<OfferId, Offer>,
    pub(super) inverse_offers: HashMap<OfferId, InverseOffer>,
    pub(super) allocator: Allocator,
    pub(super) maintenance: Maintenance,
    /// Agents that can't be reached, since when.
    pub(super) unreachable: HashMap<AgentId, SystemTime>,
    pub(super) gone: HashSet<AgentId>,
    /// Agents of which the registry tells and that haven't come back since the start.
    pub(super) recovering: Recovering,
    pub(super) faults: Faults,
    store: Store,
    /// Whether the registry is to be written down.
    pub(super) registry_changed: bool,
    pub(super) operators: Vec<super::operator::Subscriber>,
    pub(super) counters: Counters,
    /// How much more than others roles may have, where that isn't 1.
    pub(super) weights: BTreeMap<String, f64>,
    pub(super) quotas: BTreeMap<String, Quota>,
    /// The log's level as an operator has set it, and until when.
    pub(super) logging: Option<(u32, Instant)>,
    timers: BTreeMap<(Instant, u64), Timer>,
    timers_set: u64,
    next_framework: u64,
    next_offer: u64,
    next_agent: u64,
}

impl Master {
    pub(super) fn new(settings: Settings, registry: Registry, store: Store, faults: Faults) -> Self {
        let mut master = Self {
            id: uuid::Uuid::new_v4().to_string(),
            allocator: Allocator::new(settings.allocation_interval),
            settings,
            started: SystemTime::now(),
            frameworks: Vec::new(),
            completed: std::collections::VecDeque::new(),
            agents: BTreeMap::new(),
            places: HashMap::new(),
            offers: HashMap::new(),
            inverse_offers: HashMap::new(),
            maintenance: Maintenance::default(),
            unreachable: HashMap::new(),
            gone: HashSet::new(),
            recovering: Recovering::default(),
            faults,
            store,
            registry_changed: false,
            operators: Vec::new(),
            counters: Counters::default(),
            weights: BTreeMap::new(),
            quotas: BTreeMap::new(),
            logging: None,
            timers: BTreeMap::new(),
            timers_set: 0,
            next_framework: 0,
            next_offer: 0,
            next_agent: 0,
        };
        master.after(master.settings.allocation_interval, Timer::Allocate);
        master.recover(registry);
        master
    }

    /// Lives until told to stop or every sender of inputs is gone; what is in its registry then.
    pub(super) async fn run(
        mut self,
        mut inputs: mpsc::UnboundedReceiver<Input>,
        mut agents: mpsc::UnboundedReceiver<FromAgent>,
        stop: CancellationToken,
    ) -> Registry {
        loop {
            if agents.is_empty() {
                self.write_registry();
            }
            let next = self.timers.keys().next().map(|(at, _)| *at);
            let timer = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.registry(),
                Some((index, message)) = agents.recv() => self.agent_says(index, message),
                input = inputs.recv() => match input {
                    Some(input) => self.input(input),
                    None => return self.registry(),
                },
                () = timer => self.due(),
            }
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Subscribe { call, principal, stream } => self.subscribe(*call, principal, stream),
            Input::Closed { stream } => self.closed(&stream),
            Input::Call { call, principal, stream, reply } => {
                let answer = self.call(*call, principal.as_deref(), stream.as_deref());
                // Who asked may have gone; the call has had its effect.
                let _ = reply.send(answer);
            }
            Input::Get { page, principal, reply } => {
                let _ = reply.send(self.page(&page.path, &page.query, principal.as_deref()));
            }
            Input::Fault { act, reply } => {
                let effect = self.act(act);
                self.write_registry();
                let _ = reply.send(effect);
            }
            Input::Operate { call, principal, reply } => {
                let principal = principal.as_deref();
                let answer = match *call {
                    Operation::Call(call, format) => self.operate(*call, principal, format),
                    Operation::DeleteQuota(path) => {
                        self.delete_quota(&path, principal).unwrap_or_else(|refusal| refusal)
                    }
                };
                // As a real one does: what is answered is written down.
                self.write_registry();
                let _ = reply.send(answer);
            }
        }
    }

    /// Writes the registry down if it has changed.
    fn write_registry(&mut self) {
        if std::mem::take(&mut self.registry_changed)
            && let Err(error) = self.store.write(&self.registry())
        {
            tracing::error!(%error, "the embedded master can't write its registry down");
        }
    }

    /// Where the registry is kept, as `/flags` names it.
    pub(super) fn registry_name(&self) -> &'static str {
        self.store.name()
    }

    /// Sets a timer.
    pub(super) fn after(&mut self, delay: Duration, timer: Timer) {
        // A delay of centuries is as good as none.
        if let Some(at) = Instant::now().checked_add(delay) {
            self.timers_set += 1;
            self.timers.insert((at, self.timers_set), timer);
        }
    }

    fn due(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Timer::Allocate => {
                    self.after(self.settings.allocation_interval, Timer::Allocate);
                    self.allocate();
                    self.offer_inverse();
                }
                Timer::Heartbeat { framework, stream } => self.heartbeat(&framework, &stream),
                Timer::Failover { framework, subscriptions } => self.failover_over(&framework, subscriptions),
                Timer::Operation { framework, uuid } => self.send_operation(&framework, &uuid),
                Timer::OperatorHeartbeat { stream } => self.operator_heartbeat(&stream),
                Timer::Unanswered { offers } => offers.iter().for_each(|offer| self.rescind(offer)),
                Timer::Silent { agent } => self.silent_too_long(&agent),
                Timer::Reregistration => self.reregistration_over(),
            }
        }
    }

    fn heartbeat(&mut self, id: &FrameworkId, stream: &str) {
        let Some(framework) = self.framework(id) else { return };
        if framework.stream.as_ref().is_some_and(|open| open.id() == stream) {
            if framework.stream.as_ref().is_some_and(|open| open.sender.is_given_up()) {
                return self.closed(stream);
            }
            if !self.faults.mute() {
                framework.send(&event(EventType::Heartbeat));
            }
            let timer = Timer::Heartbeat { framework: id.clone(), stream: stream.to_owned() };
            self.after(self.settings.heartbeat, timer);
        }
    }

    pub(super) fn framework(&self, id: &FrameworkId) -> Option<&Framework> {
        self.frameworks.iter().find(|framework| framework.id == *id)
    }

    pub(super) fn framework_mut(&mut self, id: &FrameworkId) -> Option<&mut Framework> {
        self.frameworks.iter_mut().find(|framework| framework.id == *id)
    }

    pub(super) fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.get(self.places.get(id)?)
    }

    pub(super) fn agent_mut(&mut self, id: &AgentId) -> Option<&mut Agent> {
        self.agents.get_mut(self.places.get(id)?)
    }

    /// Sends a framework an event, if it is connected.
    pub(super) fn send(&self, id: &FrameworkId, event: &EventMessage) {
        if let Some(framework) = self.framework(id) {
            framework.send(event);
        }
    }

    pub(super) fn new_framework_id(&mut self) -> FrameworkId {
        self.next_framework += 1;
        format!("{}-{:04}", self.id, self.next_framework - 1).into()
    }

    pub(super) fn new_offer_id(&mut self) -> OfferId {
        self.next_offer += 1;
        format!("{}-O{}", self.id, self.next_offer - 1).into()
    }

    pub(super) fn new_agent_id(&mut self) -> AgentId {
        self.next_agent += 1;
        format!("{}-S{}", self.id, self.next_agent - 1).into()
    }

    /// Keeps a removed framework in mind, and forgets the oldest.
    pub(super) fn remember(&mut self, framework: Framework) {
        if self.completed.len() == COMPLETED_FRAMEWORKS {
            self.completed.pop_front();
        }
        self.completed.push_back(framework);
    }

    /// `master@ip:port`.
    pub(super) fn pid(&self) -> String {
        format!("master@{}", self.settings.address)
    }

    pub(super) fn master_info(&self) -> MasterInfo {
        let address = self.settings.address;
        let ip = match address.ip() {
            std::net::IpAddr::V4(ip) => u32::from_le_bytes(ip.octets()),
            std::net::IpAddr::V6(_) => 0,
        };
        let capability = |kind| MasterCapability { r#type: kind, ..MasterCapability::default() };
        MasterInfo {
            id: self.id.clone(),
            ip,
            port: address.port().into(),
            pid: Some(self.pid()),
            hostname: Some(self.settings.hostname.clone()),
            version: Some(VERSION.to_owned()),
            address: Some(Address {
                hostname: Some(self.settings.hostname.clone()),
                ip: Some(address.ip().to_string()),
                port: address.port().into(),
                ..Address::default()
            }),
            // The third is QUOTA_V2, which the v1 API of 1.11.0 has no name for.
            capabilities: vec![
                capability(Some(MasterCapabilityType::AgentUpdate)),
                capability(Some(MasterCapabilityType::AgentDraining)),
                capability(None),
            ],
            ..MasterInfo::default()
        }
    }
}

/// An event of a type, still empty.
pub(super) fn event(kind: EventType) -> EventMessage {
    EventMessage { r#type: Some(kind), ..EventMessage::default() }
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Nanoseconds since 1970.
pub(super) fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
