//! A session, the master that keeps books for it, the bad network between; and what must be so whatever happened.

use std::collections::HashMap;
use std::time::Duration;

use mesos_repl::client::{Address, Patience};
use mesos_repl::mesos::{Call, FrameworkInfo};
use mesos_repl::session::{CallError, Closed, Config, Notice, Phase, Session};
use mesos_repl::state::{Change, Effect};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::support::books::{AGENT, FRAMEWORK, Master};
use crate::support::proxy::{Proxy, Rule};
use crate::support::within;

/// Waits are for what comes at once, on a machine that may be busy.
pub const SOON: Duration = Duration::from_secs(30);
/// An interval of heartbeats that no case lives to see the end of.
pub const NO_BEAT: f64 = 100_000.0;

pub struct Rig {
    pub master: Master,
    pub proxy: Option<Proxy>,
    pub session: Session,
    notices: Receiver<Notice>,
    resend: tokio::task::JoinHandle<()>,
}

/// How a rig is set up.
pub struct Setup {
    pub heartbeat: f64,
    pub rules: Vec<Rule>,
    pub patience: Duration,
    /// What is prepared before the session starts.
    pub before: Box<dyn FnOnce(&Master) + Send>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { heartbeat: NO_BEAT, rules: Vec::new(), patience: SOON, before: Box::new(|_| {}) }
    }
}

pub fn config(address: &str, patience: Duration) -> Config {
    let patience = Patience { connect: SOON, answer: patience };
    let access = mesos_repl::client::Access { patience, ..Default::default() };
    Config { access, lease: None, idle: None, ..Config::new(Address::parse(address).unwrap()) }
}

pub fn info() -> FrameworkInfo {
    FrameworkInfo {
        user: "root".into(),
        name: "faults".into(),
        failover_timeout: Some(3600.0),
        ..FrameworkInfo::default()
    }
}

pub fn raw(value: Value) -> Call {
    match value {
        Value::Object(fields) => Call::Raw(fields),
        other => panic!("{other}"),
    }
}

/// ACCEPT of an offer for a task.
pub fn accept(offer: &str, task: &str) -> Value {
    json!({"type": "ACCEPT", "accept": {"offer_ids": [{"value": offer}], "operations": [{"type": "LAUNCH",
        "launch": {"task_infos": [{"name": task, "task_id": {"value": task}, "agent_id": {"value": AGENT}}]}}]}})
}

impl Rig {
    /// Begun, not necessarily subscribed.
    pub async fn begin(setup: Setup) -> Self {
        let master = Master::start(setup.heartbeat).await;
        (setup.before)(&master);
        let proxy = if setup.rules.is_empty() { None } else { Some(Proxy::start(master.address, &setup.rules).await) };
        let address = proxy.as_ref().map_or(master.address, |proxy| proxy.address);
        let session = Session::start(config(&address.to_string(), setup.patience)).unwrap();
        let notices = session.notices();
        // As agents do it, only sooner.
        let resend = master.resend(Duration::from_millis(250));
        session.subscribe(info()).await;
        Self { master, proxy, session, notices, resend }
    }

    /// Subscribed.
    pub async fn new(setup: Setup) -> Self {
        let rig = Self::begin(setup).await;
        rig.subscribed().await;
        rig
    }

    pub async fn subscribed(&self) {
        within(SOON, "subscribed", self.session.subscribed()).await.unwrap();
    }

    /// Offers until the session has one; its id.
    pub async fn offered(&self, name: &str) -> String {
        for number in 0.. {
            self.subscribed().await;
            let id = format!("O-{name}-{number}");
            self.master.offer(&[&id]);
            let has = self.session.changed_until(|state| state.offers.get(&id).is_some());
            if tokio::time::timeout(Duration::from_secs(2), has).await.is_ok() {
                return id;
            }
            assert!(number < 20, "no offer arrives");
        }
        unreachable!()
    }

    /// Launches a task, once; what the call said.
    pub async fn launch(&self, task: &str) -> Result<(), CallError> {
        let offer = self.offered(task).await;
        self.session.call(raw(accept(&offer, task))).await.map(|_| ())
    }

    /// Launches a task, under other ids if need be, until the call isn't known to have failed; its id.
    pub async fn launched(&self, name: &str) -> String {
        for number in 0..20 {
            let task = format!("{name}{number}");
            match self.launch(&task).await {
                Ok(()) => return task,
                // Nobody knows; it comes out by and by.
                Err(CallError::Request(_)) => return task,
                Err(CallError::NotSubscribed | CallError::Lost) => self.subscribed().await,
                Err(other) => panic!("{other}"),
            }
        }
        panic!("no launch gets through");
    }

    /// What differs between the session's view and the books.
    pub fn differs(&self) -> Option<String> {
        let status = self.session.status();
        if !status.borrow().is_subscribed() {
            return Some(format!("{:?}", status.borrow().phase));
        }
        let known = self.master.tasks();
        self.session.read(|state| {
            if state.framework_id.as_ref().map(|id| id.as_str()) != Some(FRAMEWORK) {
                return Some(format!("the framework is {:?}", state.framework_id));
            }
            for (id, (wanted, sent, pending)) in &known {
                if *pending > 0 {
                    return Some(format!("{id}: {pending} updates aren't acknowledged"));
                }
                let Some(task) = state.tasks.get(id) else { return Some(format!("{id} isn't known")) };
                if task.state.as_str() != wanted {
                    return Some(format!("{id} is {:?}, and {wanted} by the books", task.state));
                }
                let uuids = task.history().filter(|update| update.wants_acknowledgement).count();
                if uuids != sent.len() {
                    return Some(format!("{id} has {uuids} updates of an agent, and {} by the books", sent.len()));
                }
                if let Some(open) =
                    task.history().find(|it| it.wants_acknowledgement && it.acknowledged_after.is_none())
                {
                    return Some(format!(
                        "{id}: an acknowledgement isn't noted: {}",
                        String::from_utf8_lossy(open.json)
                    ));
                }
            }
            let alone = state.tasks.iter().find(|task| !known.contains_key(task.id.as_str()) && !task.is_over());
            alone.map(|task| format!("{} is {:?}, and unknown by the books", task.id.as_str(), task.state))
        })
    }

    /// Waits until the session's view is the books'.
    pub async fn settled(&self) {
        let begun = std::time::Instant::now();
        while let Some(why) = self.differs() {
            assert!(begun.elapsed() < SOON, "the views differ: {why}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Goes on as if nothing had happened: a task is launched and ends, one that was there before moves on; then all
    /// must be as it should. `subscribes` is how often the session has subscribed by then, in all.
    pub async fn goes_on(mut self, subscribes: impl std::ops::RangeBounds<usize>) {
        self.settled().await;
        let task = self.launched("after").await;
        self.settled().await;
        // Where the launch was lost there is nothing to end.
        if self.master.tasks().contains_key(&task) {
            self.master.moves(&task, "TASK_FINISHED");
        }
        self.settled().await;
        let count = self.master.count("SUBSCRIBE");
        assert!(subscribes.contains(&count), "subscribed {count} times");
        self.check();
        self.close().await;
    }

    /// The session has given up for that reason, and stays so.
    pub async fn closed(mut self, is: impl Fn(&Closed) -> bool) {
        let mut status = self.session.status();
        let over = status.wait_for(|status| matches!(status.phase, Phase::Closed(_)));
        let phase = within(SOON, "closed", over).await.unwrap().phase.clone();
        match &phase {
            Phase::Closed(why) if is(why) => {}
            other => panic!("closed otherwise: {other:?}"),
        }
        let count = self.master.count("SUBSCRIBE");
        assert!(matches!(self.session.call(Call::Teardown).await, Err(CallError::NotSubscribed)));
        self.session.reconnect().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(self.master.count("SUBSCRIBE"), count, "it fights back");
        self.check();
        self.close().await;
    }

    /// Rules that hold at any time.
    pub fn check(&mut self) {
        let broken = self.master.broken();
        assert!(broken.is_empty(), "{}", broken.join("; "));
        let mut shown: HashMap<(String, [u8; 16]), usize> = HashMap::new();
        let mut order: HashMap<String, Vec<[u8; 16]>> = HashMap::new();
        loop {
            match self.notices.try_recv() {
                Ok(Notice::Change(Change::Updated { task_id, effect, acknowledge: Some((_, uuid)), .. })) => {
                    assert!(matches!(effect, Effect::Recorded { .. }), "shown: {effect:?}");
                    *shown.entry((task_id.as_str().to_owned(), uuid)).or_default() += 1;
                    order.entry(task_id.as_str().to_owned()).or_default().push(uuid);
                }
                Ok(_) => {}
                Err(TryRecvError::Lagged(missed)) => panic!("{missed} notices were missed"),
                Err(_) => break,
            }
        }
        assert!(shown.values().all(|times| *times == 1), "an update was shown again");
        for (id, (_, sent, pending)) in self.master.tasks() {
            let seen = order.get(&id).cloned().unwrap_or_default();
            let acknowledged = &sent[..sent.len() - pending.min(sent.len()).min(1)];
            assert!(
                seen.starts_with(acknowledged) && sent.starts_with(&seen),
                "{id}: shown in another order, or not all"
            );
        }
    }

    pub async fn close(self) {
        self.resend.abort();
        within(SOON, "the session ends", self.session.close()).await;
    }
}

/// Waits until `look` is so.
pub async fn so(what: &str, mut look: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !look() {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
