//! The one task that owns a session: everything that can wake it is in one `select`, everything it does is here.
//!
//! It never waits for a front, a call or the wire: those have tasks of their own, which report with their epoch.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::caller::{Acknowledgement, Caller, Done, Line, Outgoing, Queues};
use super::keeper::{Keeper, MARK};
use super::masters::{Masters, address_of};
use super::reconcile::{Question, Reconciliation};
use super::subscription::{Action, Closed, Input, Phase, Subscription, meaning_of_error};
use super::{CallError, Config, Notice, Shared};
use crate::client::{Address, Answer, Batch, EventStream, Meaning, Opened, RequestError, StreamId};
use crate::detect::{self, Seen};
use crate::mesos::*;
use crate::state::{Change, Effect, Launch, What};
use crate::store::{Entry, Fact, Left, Progress, Store};

/// Batches of events that may wait for the actor; the reader of the wire waits beyond that.
const BATCHES: usize = 64;

/// While events pour in, reading goes first: acknowledgements leave when nothing has come for so long,
const REST: Duration = Duration::from_millis(2);
/// or when the oldest of them has waited for so long. (An agent sends an update again after 10 s.)
const LATEST: Duration = Duration::from_millis(500);
/// An acknowledgement that got no answer is made again after so long, then after twice as long, and so on up to the
/// longest. (A master ignores one that it has had.)
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST_AGAIN: Duration = Duration::from_secs(30);

/// A file shows so often that its session has its connection: who comes after a kill tells by it since when nobody is there.
const ALIVE: Duration = Duration::from_secs(2);

/// A file that is written anew has its next part after so long.
const PART: Duration = Duration::from_millis(1);

/// What a handle asks for.
#[derive(Debug)]
pub(super) enum Request {
    Subscribe(Box<FrameworkInfo>, oneshot::Sender<()>),
    Call { call: Call, reply: Reply },
    WantOffers(oneshot::Sender<Result<(), CallError>>),
    Detach(oneshot::Sender<()>),
    Reconnect(oneshot::Sender<()>),
}

type Reply = oneshot::Sender<Result<Answer, CallError>>;

/// What the connection's task reports.
#[derive(Debug)]
enum FromWire {
    Opened { epoch: u64, address: Address, stream: Option<StreamId> },
    Batch { epoch: u64, batch: Batch },
    Failed { epoch: u64, error: RequestError },
    Ended { epoch: u64, why: String },
}

/// What a call was for.
#[derive(Debug)]
pub(super) enum Purpose {
    Asked { call: Box<Call>, reply: Reply, remembered: Option<u64> },
    Offers(oneshot::Sender<Result<(), CallError>>),
    Own(&'static str),
}

pub(super) struct Actor {
    shared: Arc<Shared>,
    config: Config,
    subscription: Subscription,
    reconciliation: Reconciliation,
    keeper: Keeper,
    /// That nothing is recorded has been told.
    trouble: bool,
    framework: FrameworkInfo,
    /// A SUBSCRIBE without an id has left, and its answer hasn't come: the master may know a framework that we don't.
    unanswered: bool,
    /// Where calls go while the subscription stands.
    line: Option<Arc<Line>>,
    opened: Option<(Address, Option<StreamId>)>,
    connection: CancellationToken,
    queues: Queues<Purpose>,
    /// Acknowledgements that wait for a rest of the stream: since when, and until when.
    due: Vec<Acknowledgement>,
    due_since: Duration,
    due_at: Duration,
    /// Acknowledgements to be made again: when, and how long the wait before was.
    again: Vec<Acknowledgement>,
    again_at: Duration,
    again_after: Duration,
    caller_epoch: watch::Sender<u64>,
    from_wire: mpsc::Sender<FromWire>,
    next_lease: Option<Duration>,
    touched: Duration,
    /// When the file is to show again that the session is there.
    alive_at: Duration,
    /// Since when there is no connection, where there was one.
    lost: Option<Duration>,
    suppressed: bool,
    filtered: bool,
    /// The master that is asked now.
    address: Option<Address>,
    /// Where ZooKeeper says who leads, if it is asked; and what it said last.
    detector: Option<watch::Receiver<Seen>>,
    seen: Option<Seen>,
    leader: Option<Leader>,
    /// Whether a subscription has ever stood.
    ever: bool,
    /// A TEARDOWN is on its way; and how the stream has ended since.
    tearing_down: Option<Option<(u64, String)>>,
    /// The receiving ends, until `run` takes them.
    receivers: Option<(mpsc::Receiver<FromWire>, mpsc::UnboundedReceiver<Done<Purpose>>)>,
}

impl Actor {
    pub fn new(shared: Arc<Shared>, config: Config, mut keeper: Keeper, damaged: bool) -> Self {
        let (calls, calls_receiver) = mpsc::unbounded_channel();
        let (acknowledgements, acknowledgements_receiver) = mpsc::unbounded_channel();
        let (done, done_receiver) = mpsc::unbounded_channel();
        let (from_wire, from_wire_receiver) = mpsc::channel(BATCHES);
        let caller_epoch = watch::Sender::new(0);
        let caller = Caller {
            client: shared.client.clone(),
            store: shared.store.clone(),
            epoch: caller_epoch.subscribe(),
            calls: calls_receiver,
            acknowledgements: acknowledgements_receiver,
            done,
        };
        shared.tasks.spawn(caller.run(shared.stop.clone()));
        let (framework, lost) = {
            let status = shared.status.borrow();
            (status.framework.clone().unwrap_or_default(), status.lost)
        };
        if damaged {
            keeper.renew(shared.now());
        }
        Self {
            subscription: Subscription::new(config.access.patience.answer),
            reconciliation: Reconciliation::default(),
            unanswered: keeper.unanswered_mark().is_some(),
            keeper,
            trouble: false,
            framework,
            line: None,
            opened: None,
            connection: CancellationToken::new(),
            queues: Queues { calls, acknowledgements },
            due: Vec::new(),
            due_since: Duration::ZERO,
            due_at: Duration::ZERO,
            again: Vec::new(),
            again_at: Duration::ZERO,
            again_after: AGAIN,
            caller_epoch,
            from_wire,
            next_lease: None,
            touched: Duration::ZERO,
            alive_at: Duration::ZERO,
            lost,
            suppressed: false,
            filtered: false,
            address: config.masters.named().first().cloned(),
            detector: match &config.masters {
                Masters::ZooKeeper { url, .. } => Some(detect::watch(url.clone())),
                Masters::Named(_) => None,
            },
            seen: None,
            leader: None,
            ever: false,
            tearing_down: None,
            receivers: Some((from_wire_receiver, done_receiver)),
            shared,
            config,
        }
    }

    pub async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let Some((mut from_wire, mut done)) = self.receivers.take() else { return };
        let mut recording = self.keeper.progress();
        loop {
            let deadline = self.deadline().map(|at| self.instant(at));
            tokio::select! {
                () = self.shared.stop.cancelled() => break,
                Some(request) = requests.recv() => self.request(request),
                Some(message) = from_wire.recv() => self.wire(message),
                Some(result) = done.recv() => self.done(result),
                progress = changed(&mut recording) => self.recorded(progress),
                Some(seen) = next(&mut self.detector) => self.detected(seen),
                () = sleep_until(deadline) => self.tick(),
            }
        }
        self.connection.cancel();
        self.keeper.close().await;
    }

    fn now(&self) -> Duration {
        self.shared.now()
    }

    fn instant(&self, at: Duration) -> Instant {
        self.shared.instant(at)
    }

    fn deadline(&self) -> Option<Duration> {
        let leases = self.line.as_ref().and(self.next_lease);
        let due = (!self.due.is_empty()).then_some(self.due_at);
        let renewing = self.keeper.is_renewing().then(|| self.now() + PART);
        let again = (!self.again.is_empty()).then_some(self.again_at);
        let alive = (self.line.is_some() && self.keeper.is_recording()).then_some(self.alive_at);
        let own = [self.subscription.deadline(), self.reconciliation.deadline(), self.idle_at()];
        [renewing, leases, due, again, alive].into_iter().chain(own).flatten().min()
    }

    /// When the session counts as idle, if it is not yet taken for it.
    fn idle_at(&self) -> Option<Duration> {
        let idle = self.config.idle.filter(|_| self.line.is_some() && !self.suppressed)?;
        Some(self.touched + idle)
    }

    fn tick(&mut self) {
        let now = self.now();
        if now >= self.due_at {
            self.send_due();
        }
        if now >= self.again_at {
            self.send_again();
        }
        self.step(Input::Tick);
        if self.keeper.is_renewing() {
            let now = self.now();
            self.keeper.renew_on(&self.shared.read(), now);
        }
        if self.line.is_none() {
            return;
        }
        if now >= self.alive_at {
            self.keeper.touch();
            self.alive_at = now + ALIVE;
        }
        for question in self.reconciliation.due(now) {
            self.ask(question);
        }
        if self.next_lease.is_some_and(|at| at <= now) {
            self.end_leases(now);
        }
        if self.idle_at().is_some_and(|at| at <= now) {
            self.suppressed = true;
            self.send(Call::Suppress(Suppress::default()), Purpose::Own("SUPPRESS"));
            self.notify(Notice::Suppressed);
            self.publish();
        }
    }

    // ---- what handles ask for ----

    fn request(&mut self, request: Request) {
        self.touched = self.now();
        match request {
            Request::Subscribe(info, reply) => {
                self.subscribe(*info);
                let _ = reply.send(());
            }
            Request::Call { call, reply } => self.call(call, reply),
            Request::WantOffers(reply) => self.want_offers(reply),
            Request::Detach(reply) => {
                self.step(Input::Stop(Closed::Detached));
                let _ = reply.send(());
            }
            Request::Reconnect(reply) => {
                self.step(Input::Retry);
                let _ = reply.send(());
            }
        }
    }

    fn subscribe(&mut self, info: FrameworkInfo) {
        if self.subscription.epoch().is_some() {
            return;
        }
        let now = self.now();
        let known = self.shared.read().framework_id.clone();
        let remembered = self.keeper.knows(&info);
        if known != info.id || !remembered {
            self.shared.write().forget_framework();
        }
        self.framework = if remembered { info } else { self.keeper.marked(info) };
        if remembered {
            self.keeper.again(&self.framework, now);
        } else {
            (self.lost, self.unanswered) = (None, false);
            self.keeper.begin(&self.framework, now);
        }
        self.address = self.candidates().first().cloned();
        (self.suppressed, self.filtered) = (false, false);
        self.step(Input::Begin);
    }

    fn call(&mut self, call: Call, reply: Reply) {
        if self.line.is_none() {
            let _ = reply.send(Err(CallError::NotSubscribed));
            return;
        }
        let remembered = self.before_sending(&call);
        if call.kind() == "TEARDOWN" {
            self.tearing_down = Some(None);
        }
        self.send(call.clone(), Purpose::Asked { call: Box::new(call), reply, remembered });
    }

    fn want_offers(&mut self, reply: oneshot::Sender<Result<(), CallError>>) {
        if self.line.is_none() {
            let _ = reply.send(Err(CallError::NotSubscribed));
        } else if self.suppressed || self.filtered {
            (self.suppressed, self.filtered) = (false, false);
            self.send(Call::Revive(Revive::default()), Purpose::Offers(reply));
            self.publish();
        } else {
            let _ = reply.send(Ok(()));
        }
    }

    /// What is so from the moment a call leaves: offers are spent, tasks are STAGING. The number by which it is
    /// remembered.
    fn before_sending(&mut self, call: &Call) -> Option<u64> {
        let now = self.now();
        let tasks = launches(call);
        let mut state = self.shared.write();
        let hostname = |id: &OfferId| state.offers.get(id.as_str()).and_then(|held| held.record.offer().ok());
        let spent = spends(call);
        let hostname = spent.iter().find_map(hostname).map(|offer| offer.hostname).unwrap_or_default();
        let remembered = self.keeper.calling(call, &tasks, &hostname, now);
        for task in tasks {
            state.tasks.launched(Launch { task, hostname: hostname.clone(), at: now });
        }
        state.spend(&spent);
        drop(state);
        self.changed();
        remembered
    }

    fn send(&mut self, call: Call, purpose: Purpose) {
        let Some(line) = self.line.clone() else { return };
        let body = Bytes::from(call.to_json(Some(&line.framework)));
        // The caller lives as long as the actor; a failure here means that both are being stopped.
        let _ = self.queues.calls.send(Outgoing { line, body, token: purpose, mark: self.keeper.mark() });
    }

    // ---- what comes of calls ----

    fn done(&mut self, done: Done<Purpose>) {
        match done {
            Done::Acknowledged { acknowledgements, results } => self.acknowledged(acknowledgements, results),
            Done::Call { epoch, token, body, result } => {
                let kind = match &token {
                    Purpose::Asked { call, .. } => call.kind().to_owned(),
                    Purpose::Offers(_) => "REVIVE".to_owned(),
                    Purpose::Own(kind) => (*kind).to_owned(),
                };
                let answer = result.as_ref().map(|answer| answer.status).map_err(|error| error.to_string().into());
                let what = What::Call { kind: kind.as_str().into(), json: body, answer };
                let now = self.now();
                self.shared.write().journal.push(now, what);
                self.consequences(epoch, &kind, &result);
                self.answer(token, kind, result);
                self.changed();
            }
        }
    }

    fn answer(&mut self, purpose: Purpose, kind: String, result: Result<Answer, CallError>) {
        match purpose {
            Purpose::Asked { call, reply, remembered } => {
                let (open, without_effect) = match &result {
                    Err(CallError::Request(error)) => (error.leaves_open(), !error.leaves_open()),
                    Err(CallError::Lost) => (false, true),
                    _ => (false, false),
                };
                // Of tasks that may have been launched their own words tell, in this process and the next one.
                let by_its_tasks = open && call.kind() == "ACCEPT";
                if let Some(number) = remembered.filter(|_| result.is_ok() || without_effect || by_its_tasks) {
                    self.keeper.answered(number, !without_effect, self.now());
                }
                if open {
                    let tasks = launches(&call).into_iter().map(|task| task.task_id);
                    self.reconciliation.doubt(tasks, self.now());
                }
                if without_effect {
                    let mut state = self.shared.write();
                    launches(&call).iter().for_each(|task| state.tasks.unlaunched(task.task_id.as_str()));
                }
                let end = if call.kind() == "TEARDOWN" { self.tearing_down.take().flatten() } else { None };
                if result.is_ok() {
                    self.after(&call);
                } else if let Some((epoch, why)) = end {
                    self.step(Input::Lost { epoch, why });
                }
                // Whoever asked may have stopped waiting.
                let _ = reply.send(result);
            }
            Purpose::Offers(reply) => {
                let _ = reply.send(result.map(|_| ()));
            }
            Purpose::Own(_) => {
                if let Err(error) = result {
                    self.notify(Notice::CallFailed { kind, why: error.to_string() });
                }
            }
        }
    }

    /// What a call that was taken means for the session.
    fn after(&mut self, call: &Call) {
        match call.kind() {
            "TEARDOWN" => self.step(Input::Stop(Closed::TornDown)),
            "SUPPRESS" => (self.suppressed, self.filtered) = (true, self.filtered),
            "REVIVE" => (self.suppressed, self.filtered) = (false, false),
            // The master keeps what the tasks leave away for 5 s: whoever wants the next offer needn't wait for that.
            "ACCEPT" => self.filtered |= accepted(call).is_some_and(|accept| accept.filters.is_none()),
            "UPDATE_FRAMEWORK" => {
                if let Call::UpdateFramework(update) = call {
                    self.framework = update.framework_info.clone();
                    self.keeper.again(&self.framework, self.now());
                }
            }
            _ => return,
        }
        self.publish();
    }

    /// What a refusal says of the subscription.
    fn consequences(&mut self, epoch: u64, kind: &str, result: &Result<Answer, CallError>) {
        let Err(CallError::Request(error)) = result else { return };
        match error.meaning() {
            Some(Meaning::StreamTaken) => self.step(Input::Ended { epoch, why: Closed::Stolen }),
            // A master that has just begun to lead knows nobody yet: the next SUBSCRIBE tells whether the framework is gone.
            Some(Meaning::UnknownFramework | Meaning::NotSubscribed) => {
                self.step(Input::Lost { epoch, why: error.to_string() })
            }
            _ if matches!(error, RequestError::Redirect { .. }) => {
                self.step(Input::Lost { epoch, why: error.to_string() });
            }
            _ => debug!(kind, %error, "call failed"),
        }
    }

    fn acknowledged(&mut self, all: Vec<Acknowledgement>, results: Vec<Result<Answer, CallError>>) {
        let now = self.now();
        let mut failed = None;
        {
            let mut state = self.shared.write();
            let taken = all.iter().zip(&results).filter(|(_, result)| result.is_ok());
            self.keeper.acknowledged(taken.map(|(done, _)| (&done.task, &done.uuid)), now);
            for (done, result) in all.into_iter().zip(results) {
                match result {
                    Ok(_) => {
                        state.tasks.acknowledged(done.task.as_str(), &done.uuid, now);
                        self.again_after = AGAIN;
                    }
                    // The master sends the update again, and it is acknowledged again.
                    Err(CallError::Lost) => {}
                    Err(error) => {
                        warn!(%error, "acknowledgement failed");
                        let note = format!("an acknowledgement failed: {error}; the update will come again");
                        state.journal.push(now, What::Note(note.into()));
                        failed = Some((done.line.epoch, error));
                        if self.again.is_empty() {
                            self.again_at = now + self.again_after;
                            self.again_after = (self.again_after * 2).min(LONGEST_AGAIN);
                        }
                        self.again.push(done);
                    }
                }
            }
        }
        self.changed();
        if let Some((epoch, error)) = failed {
            self.consequences(epoch, "ACKNOWLEDGE", &Err(error));
        }
    }

    // ---- the subscription ----

    fn step(&mut self, input: Input) {
        let before = self.subscription.phase.clone();
        let actions = self.subscription.step(input, self.now(), fastrand::f64());
        for action in actions {
            match action {
                Action::Connect { epoch } => self.connect(epoch),
                Action::Hangup => self.hang_up(),
                Action::Reconcile => self.stand(),
            }
        }
        // Signs of life move deadlines and nothing else.
        if std::mem::discriminant(&before) != std::mem::discriminant(&self.subscription.phase) {
            info!(phase = ?self.subscription.phase, "subscription");
            self.remember_phase();
            self.notify(Notice::Phase(self.subscription.phase.clone()));
            self.publish();
            self.changed();
        }
    }

    /// What has become of the subscription is remembered before anybody acts on it.
    fn remember_phase(&mut self) {
        let now = self.now();
        match &self.subscription.phase {
            Phase::Waiting { .. } => self.keeper.lost(now),
            Phase::Closed(Closed::TornDown | Closed::Removed) => self.keeper.ended(),
            Phase::Closed(Closed::Detached) => self.keeper.left(Left::Detached, now),
            Phase::Closed(Closed::Stolen) => self.keeper.left(Left::Stolen, now),
            Phase::Closed(Closed::Refused(_)) => self.keeper.left(Left::Refused, now),
            Phase::Idle | Phase::Subscribing { .. } | Phase::Subscribed { .. } => {}
        }
    }

    /// The store has got on, or can't.
    fn recorded(&mut self, progress: Progress) {
        if progress.renew && !self.keeper.is_renewing() {
            self.keeper.renew(self.now());
        }
        if progress.trouble.is_some() != self.trouble {
            self.trouble = progress.trouble.is_some();
            self.notify(Notice::Record(progress.trouble));
        }
    }

    fn connect(&mut self, epoch: u64) {
        let mut info = self.framework.clone();
        let id = self.shared.read().framework_id.clone().or_else(|| info.id.take());
        info.id.clone_from(&id);
        let suppressed_roles = if self.suppressed { roles(&info) } else { Vec::new() };
        let subscribe = Subscribe { framework_info: info, suppressed_roles, ..Subscribe::default() };
        let unanswered = self.unanswered;
        let now = self.now();
        let addresses = self.candidates();
        self.address = addresses.first().cloned();
        let Some(first) = &self.address else {
            // Once somebody leads, the next attempt comes at once.
            let why = self.seen.as_ref().map(|seen| seen.standing.to_string()).unwrap_or_default();
            return self.step(Input::Lost { epoch, why });
        };
        let note = format!("SUBSCRIBE to {first}");
        self.shared.write().journal.push(now, What::Note(note.into()));
        self.connection = self.shared.stop.child_token();
        self.unanswered |= id.is_none();
        let connection = Connection {
            epoch,
            client: self.shared.client.clone(),
            addresses,
            to_actor: self.from_wire.clone(),
            recorded: self.shared.store.clone().map(|store| (store, self.keeper.mark())),
            mark: self.keeper.unanswered_mark().map(str::to_owned),
            unanswered,
        };
        let stop = self.connection.clone();
        self.shared.tasks.spawn(async move {
            // Dropping the connection's future closes its socket.
            let _ = stop.run_until_cancelled(connection.run(subscribe)).await;
        });
    }

    fn hang_up(&mut self) {
        self.connection.cancel();
        self.caller_epoch.send_replace(0);
        // The updates come again on the next connection.
        self.due.clear();
        self.again.clear();
        if self.line.is_some() {
            self.lost = Some(self.now());
        }
        (self.line, self.opened, self.next_lease) = (None, None, None);
        self.reconciliation.end();
        // The master that led may lead no more.
        self.address = self.candidates().first().cloned();
        let void = self.shared.write().void_offers();
        if void > 0 {
            self.notify(Notice::Void(void));
        }
    }

    /// The subscription stands: calls can go out, and the first asks what has changed meanwhile.
    fn stand(&mut self) {
        let Some(epoch) = self.subscription.epoch() else { return };
        let Some((address, stream)) = self.opened.take() else { return };
        let Some(framework) = self.shared.read().framework_id.clone() else { return };
        self.address = Some(address.clone());
        self.ever = true;
        self.line = Some(Arc::new(Line { epoch, address, stream, framework }));
        self.caller_epoch.send_replace(epoch);
        self.lost = None;
        self.touched = self.now();
        let unfinished = self.unfinished();
        if epoch > 1 || !unfinished.is_empty() || self.framework.id.is_some() {
            self.reconciliation.begin(unfinished, self.now());
        }
    }

    fn unfinished(&self) -> Vec<TaskId> {
        let state = self.shared.read();
        state.tasks.iter().filter(|task| !task.is_over()).map(|task| task.id.clone()).collect()
    }

    fn ask(&mut self, question: Question) {
        let tasks = match question {
            Question::Known => {
                let unfinished = self.unfinished();
                self.reconciliation.doubt(unfinished, self.now());
                return;
            }
            Question::Implicit => Vec::new(),
            Question::Explicit(ids) => {
                let state = self.shared.read();
                let agent =
                    |id: &TaskId| state.tasks.get(id.as_str()).and_then(|task| state.tasks.agent_of(task).cloned());
                ids.iter()
                    .map(|id| ReconcileTask { task_id: id.clone(), agent_id: agent(id), ..ReconcileTask::default() })
                    .collect()
            }
        };
        let call = Call::Reconcile(Reconcile { tasks, ..Reconcile::default() });
        self.send(call, Purpose::Own("RECONCILE"));
    }

    // ---- who leads ----

    /// The masters to ask, in this order.
    fn candidates(&self) -> Vec<Address> {
        match &self.config.masters {
            Masters::Named(addresses) => addresses.clone(),
            Masters::ZooKeeper { .. } => self.leader.iter().map(|leader| leader.address.clone()).collect(),
        }
    }

    /// ZooKeeper has told something. A connection that stands is kept while nobody leads, and left for a new leader.
    fn detected(&mut self, mut seen: Seen) {
        let before = self.leader.take();
        for master in &seen.masters {
            match self.reach(master) {
                Ok(address) if self.leader.is_none() && seen.leader() == Some(master) => {
                    self.leader = Some(Leader { sequence: master.sequence, address });
                }
                Ok(_) => {}
                Err(why) if seen.leader() == Some(master) => {
                    seen.standing = detect::Standing::Leaderless(format!("{} can't be: {why}", master.node));
                    break;
                }
                Err(why) => warn!(node = master.node, why, "a master's node is of no use"),
            }
        }
        self.seen = Some(seen.clone());
        self.notify(Notice::Masters(seen));
        if self.leader != before {
            self.follow();
        }
        self.publish();
    }

    fn reach(&self, master: &detect::Registered) -> Result<Address, String> {
        let address = address_of(master, self.config.masters.is_tls(), &self.config.access.resolve);
        let address = address.map_err(|error| error.to_string())?;
        self.shared.client.learn(&address)?;
        Ok(address)
    }

    /// Turns to the leader, if there is another one.
    fn follow(&mut self) {
        let Some(leader) = self.leader.as_ref().map(|leader| leader.address.clone()) else {
            if self.line.is_none() {
                self.address = None;
            }
            return;
        };
        match self.subscription.phase {
            Phase::Waiting { .. } => self.step(Input::Begin),
            Phase::Subscribing { epoch, .. } | Phase::Subscribed { epoch, .. } => {
                if self.address.as_ref() != Some(&leader) {
                    self.step(Input::Lost { epoch, why: format!("{leader} leads now") });
                    self.step(Input::Begin);
                }
            }
            Phase::Idle | Phase::Closed(_) => self.address = Some(leader),
        }
    }

    // ---- what the wire brings ----

    fn wire(&mut self, message: FromWire) {
        match message {
            FromWire::Opened { epoch, address, stream } => {
                if self.subscription.epoch() == Some(epoch) {
                    self.opened = Some((address, stream));
                }
            }
            FromWire::Batch { epoch, batch } => {
                if self.subscription.epoch() == Some(epoch) {
                    self.batch(epoch, batch);
                }
            }
            FromWire::Failed { epoch, error } => self.failed(epoch, &error),
            FromWire::Ended { epoch, why } => match &mut self.tearing_down {
                // A master ends the stream before it answers TEARDOWN; the answer tells which it was.
                Some(end) => *end = Some((epoch, why)),
                None => self.step(Input::Lost { epoch, why }),
            },
        }
    }

    fn failed(&mut self, epoch: u64, error: &RequestError) {
        let why = error.to_string();
        let is_final = match error {
            RequestError::Refused(refusal) => !refusal.meaning.is_temporary(),
            RequestError::NotMesos { .. } | RequestError::Setup(_) => true,
            RequestError::Withheld { .. } | RequestError::Disbelieved { .. } | RequestError::Exposed { .. } => true,
            // Whoever was trusted before may be so again: a network in between can pass for it for a while.
            RequestError::Untrusted { .. } => !self.ever,
            _ => false,
        };
        let now = self.now();
        self.shared.write().journal.push(now, What::Note(why.clone().into()));
        if is_final {
            self.step(Input::Ended { epoch, why: Closed::Refused(why) });
        } else {
            self.step(Input::Lost { epoch, why });
        }
    }

    fn batch(&mut self, epoch: u64, batch: Batch) {
        let now = self.now();
        let mut changes = Vec::with_capacity(batch.len());
        let recording = self.keeper.is_recording();
        let mut facts = Vec::with_capacity(if recording { batch.len() } else { 0 });
        {
            let mut state = self.shared.write();
            for received in batch {
                match received.event {
                    Ok(event) => {
                        let record = recording.then(|| received.json.clone());
                        if !matches!(event, Event::Heartbeat) {
                            let kind = event.kept_kind();
                            state.journal.push(now, What::Event { kind, json: received.json });
                        }
                        let change = state.apply(event, now, self.config.lease);
                        facts.extend(
                            record.and_then(|record| fact(&change, record)).map(|fact| Entry { at: now, fact }),
                        );
                        changes.push(change);
                    }
                    Err(bad) => {
                        state.counts.bad += 1;
                        let why = format!("{bad}: {}", bad.source).into();
                        state.journal.push(now, What::BadRecord { why, json: received.json });
                    }
                }
            }
        }
        self.keeper.record(facts);
        self.step(Input::Alive { epoch });
        let had = !self.due.is_empty();
        for change in changes {
            self.change(epoch, change);
        }
        self.put_off(now, had);
        if self.keeper.has_grown() {
            self.keeper.renew(now);
        }
        self.changed();
    }

    fn change(&mut self, epoch: u64, change: Change) {
        match &change {
            Change::Subscribed { heartbeat } => {
                let id = self.shared.read().framework_id.clone();
                if let Some(id) = id {
                    self.unanswered = false;
                    self.keeper.connected(&id, self.now());
                }
                self.step(Input::Subscribed { epoch, heartbeat: *heartbeat });
            }
            Change::Refused(message) => self.step(Input::Ended { epoch, why: meaning_of_error(message) }),
            Change::Offered(_) if self.next_lease.is_none() => {
                self.next_lease = self.config.lease.map(|lease| self.now() + lease);
            }
            Change::Updated { task_id, effect, acknowledge, .. } => {
                let was_open = self.reconciliation.is_open();
                self.reconciliation.heard(task_id);
                if was_open && !self.reconciliation.is_open() {
                    self.publish();
                }
                if let (Some((agent, uuid)), Some(line)) = (acknowledge, &self.line) {
                    let (line, agent, task) = (Arc::clone(line), agent.clone(), task_id.clone());
                    let mark = self.keeper.mark();
                    self.due.push(Acknowledgement { line, agent, task, uuid: *uuid, mark });
                }
                if *effect != (Effect::Repeated) && *effect != Effect::Confirmed {
                    self.notify(Notice::Change(change));
                }
                return;
            }
            Change::OperationUpdated(status) => self.acknowledge_operation(status),
            Change::Heartbeat => return,
            _ => {}
        }
        self.notify(Notice::Change(change));
    }

    /// Puts the end of the wait off while events come, up to a limit.
    fn put_off(&mut self, now: Duration, had: bool) {
        if !had {
            self.due_since = now;
        }
        self.due_at = (now + REST).min(self.due_since + LATEST);
        if now >= self.due_at {
            self.send_due();
        }
    }

    fn send_due(&mut self) {
        for acknowledgement in self.due.drain(..) {
            // As in `send`: a failure means that everything is being stopped.
            let _ = self.queues.acknowledgements.send(acknowledgement);
        }
    }

    /// Those whose update hasn't come again and been acknowledged since.
    fn send_again(&mut self) {
        let state = self.shared.read();
        for acknowledgement in self.again.drain(..) {
            if !state.tasks.is_acknowledged(acknowledgement.task.as_str(), &acknowledgement.uuid) {
                // As in `send_due`.
                let _ = self.queues.acknowledgements.send(acknowledgement);
            }
        }
    }

    fn acknowledge_operation(&mut self, status: &OperationStatus) {
        let (Some(uuid), Some(id)) = (&status.uuid, &status.operation_id) else { return };
        let call = Call::AcknowledgeOperationStatus(AcknowledgeOperationStatus {
            agent_id: status.agent_id.clone(),
            resource_provider_id: status.resource_provider_id.clone(),
            uuid: uuid.value.clone(),
            operation_id: id.clone(),
            ..AcknowledgeOperationStatus::default()
        });
        self.send(call, Purpose::Own("ACKNOWLEDGE_OPERATION_STATUS"));
    }

    fn end_leases(&mut self, now: Duration) {
        let (expired, next) = {
            let mut state = self.shared.write();
            let expired = state.offers.expired(now);
            state.spend(&expired);
            (expired, state.offers.next_expiry())
        };
        self.next_lease = next;
        if expired.is_empty() {
            return;
        }
        self.filtered = true;
        let filters = Filters { refuse_seconds: Some(self.config.refuse_seconds), ..Filters::default() };
        let decline = Decline { offer_ids: expired.clone(), filters: Some(filters), ..Decline::default() };
        self.send(Call::Decline(decline), Purpose::Own("DECLINE"));
        self.notify(Notice::Declined(expired));
        self.publish();
        self.changed();
    }

    // ---- telling others ----

    fn changed(&self) {
        self.shared.version.send_modify(|version| *version += 1);
    }

    fn notify(&self, notice: Notice) {
        // Nobody listening is no failure.
        let _ = self.shared.notices.send(notice);
    }

    fn publish(&self) {
        let framework = (!self.framework.name.is_empty()).then(|| self.framework.clone());
        self.shared.status.send_modify(|status| {
            status.address.clone_from(&self.address);
            status.seen.clone_from(&self.seen);
            status.phase = self.subscription.phase.clone();
            status.lost = self.lost;
            status.reconciling = self.reconciliation.is_open();
            status.suppressed = self.suppressed;
            status.filtered = self.filtered;
            status.framework = framework;
        });
    }
}

/// The leader, as ZooKeeper knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Leader {
    /// A master that was elected again is another one.
    sequence: i32,
    address: Address,
}

/// What the detector tells next; for ever nothing without one.
async fn next(detector: &mut Option<watch::Receiver<Seen>>) -> Option<Seen> {
    match detector {
        // The detector lives as long as its receiver.
        Some(detector) => detector.changed().await.ok().map(|()| detector.borrow_and_update().clone()),
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// How the store has got on; never anything without a store.
async fn changed(recording: &mut Option<watch::Receiver<Progress>>) -> Progress {
    if let Some(progress) = recording
        && progress.changed().await.is_ok()
    {
        return progress.borrow_and_update().clone();
    }
    // The sender lives as long as the store's handle, which the session has.
    std::future::pending().await
}

/// What of an event has to be remembered: what is new of tasks and operations.
fn fact(change: &Change, record: Bytes) -> Option<Fact> {
    match change {
        Change::Updated { effect: Effect::Recorded { .. }, .. } => Some(Fact::Update(record)),
        Change::OperationUpdated(_) => Some(Fact::Operation(record)),
        _ => None,
    }
}

/// One attempt: SUBSCRIBE, then events until the end.
struct Connection {
    epoch: u64,
    client: crate::client::Client,
    /// In the order in which they are tried.
    addresses: Vec<Address>,
    to_actor: mpsc::Sender<FromWire>,
    /// What must be on the disk before the master hears of us.
    recorded: Option<(Store, u64)>,
    /// The mark of a framework that has no id yet.
    mark: Option<String>,
    /// A master may have registered it without our hearing of it.
    unanswered: bool,
}

impl Connection {
    async fn run(mut self, subscribe: Subscribe) {
        let epoch = self.epoch;
        if let Some((store, mark)) = &self.recorded {
            store.durable(*mark).await;
        }
        match self.subscribe(subscribe).await {
            Ok(opened) => {
                let (address, stream) = (opened.address, opened.stream_id);
                if self.to_actor.send(FromWire::Opened { epoch, address, stream }).await.is_ok() {
                    self.read(opened.events).await;
                }
            }
            Err(error) => {
                // The actor outlives its connections; if not, nobody wants to know.
                let _ = self.to_actor.send(FromWire::Failed { epoch, error }).await;
            }
        }
    }

    /// Tries one master after the other until one takes the subscription, or refuses it for good.
    async fn subscribe(&mut self, subscribe: Subscribe) -> Result<Opened, RequestError> {
        let mut errors: Vec<RequestError> = Vec::new();
        for address in std::mem::take(&mut self.addresses) {
            match self.subscribe_at(&address, &subscribe).await {
                Ok(opened) => return Ok(opened),
                Err(error) if passes(&error) => {
                    // It may have taken the subscription all the same, and the next one know of that.
                    self.unanswered |= matches!(error, RequestError::Unanswered { .. });
                    errors.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        match errors.len() {
            1 => Err(errors.remove(0)),
            count => {
                let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Err(RequestError::Nobody { count, reasons: reasons.join("; ") })
            }
        }
    }

    async fn subscribe_at(&self, address: &Address, subscribe: &Subscribe) -> Result<Opened, RequestError> {
        let mut subscribe = subscribe.clone();
        if let Some(found) = self.registered(address).await? {
            subscribe.framework_info.id = Some(found);
        }
        let id = subscribe.framework_info.id.clone();
        let body = Call::Subscribe(Box::new(subscribe)).to_json(id.as_ref());
        self.client.subscribe(address, body).await
    }

    /// The id of a framework that was registered without our hearing of it, by its mark in the master's list.
    async fn registered(&self, address: &Address) -> Result<Option<FrameworkId>, RequestError> {
        let Some(mark) = self.mark.as_ref().filter(|_| self.unanswered) else { return Ok(None) };
        let body = br#"{"type":"GET_FRAMEWORKS"}"#.to_vec();
        match self.client.operator(address, "", body).await {
            Ok(answer) => Ok(marked(&answer, mark)),
            // Whoever may subscribe needn't be allowed to look: then nobody can tell.
            Err(error @ RequestError::Refused(_)) if !error.meaning().is_some_and(Meaning::is_temporary) => {
                warn!(%error, "the master's list of frameworks can't be read");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn read(self, mut events: EventStream) {
        let epoch = self.epoch;
        loop {
            match events.next_batch().await {
                Ok(batch) => {
                    if self.to_actor.send(FromWire::Batch { epoch, batch }).await.is_err() {
                        return;
                    }
                }
                Err(end) => {
                    let _ = self.to_actor.send(FromWire::Ended { epoch, why: end.to_string() }).await;
                    return;
                }
            }
        }
    }
}

/// The framework of that mark in the answer to GET_FRAMEWORKS.
fn marked(answer: &[u8], mark: &str) -> Option<FrameworkId> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let frameworks = answer.pointer("/get_frameworks/frameworks")?.as_array()?;
    let is_marked = |info: &serde_json::Value| {
        let labels = info.pointer("/labels/labels").and_then(serde_json::Value::as_array);
        labels.into_iter().flatten().any(|label| {
            label.get("key").is_some_and(|key| key == MARK) && label.get("value").is_some_and(|value| value == mark)
        })
    };
    let info = frameworks.iter().filter_map(|one| one.get("framework_info")).find(|info| is_marked(info))?;
    info.pointer("/id/value").and_then(serde_json::Value::as_str).map(FrameworkId::from)
}

/// Whether another master may do better.
fn passes(error: &RequestError) -> bool {
    match error {
        RequestError::Unreachable { .. } | RequestError::Unanswered { .. } | RequestError::Redirect { .. } => true,
        RequestError::Refused(refusal) => refusal.meaning.is_temporary(),
        _ => false,
    }
}

fn roles(info: &FrameworkInfo) -> Vec<String> {
    if info.roles.is_empty() { vec![info.role.clone().unwrap_or_else(|| "*".to_owned())] } else { info.roles.clone() }
}

/// A call's body as a typed message, be it raw or not. A raw one that is none has no known effects.
fn accepted(call: &Call) -> Option<Accept> {
    match call {
        Call::Accept(accept) => Some((**accept).clone()),
        Call::Raw(fields) => serde_json::from_value(fields.get("accept")?.clone()).ok(),
        _ => None,
    }
}

/// The offers that a call uses up.
fn spends(call: &Call) -> Vec<OfferId> {
    match call {
        Call::Decline(decline) => decline.offer_ids.clone(),
        Call::Raw(fields) if call.kind() == "DECLINE" => fields
            .get("decline")
            .and_then(|decline| serde_json::from_value::<Decline>(decline.clone()).ok())
            .map(|decline| decline.offer_ids)
            .unwrap_or_default(),
        _ => accepted(call).map(|accept| accept.offer_ids).unwrap_or_default(),
    }
}

/// The tasks that a call launches.
pub(super) fn launches(call: &Call) -> Vec<TaskInfo> {
    let operations = accepted(call).map(|accept| accept.operations).unwrap_or_default();
    let mut tasks = Vec::new();
    for operation in operations {
        tasks.extend(operation.launch.into_iter().flat_map(|launch| launch.task_infos));
        tasks.extend(operation.launch_group.into_iter().flat_map(|group| group.task_group.tasks));
    }
    tasks
}
