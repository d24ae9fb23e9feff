//! A live scheduler session: a subscription that heals itself, calls in order, updates acknowledged, nothing hoarded.
//!
//! [`Session`] is a handle to one actor that owns everything; readers look at its [`State`] under a short lock and hear
//! of changes. Others can build a scheduler on it: it knows no commands, no documents and no terminal.
//!
//! ```no_run
//! use mesos_repl::{client::Address, mesos::FrameworkInfo, session::{Config, Session}};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let session = Session::start(Config::new(Address::parse("127.0.0.1:5050")?))?;
//! let info = FrameworkInfo { user: "root".into(), name: "example".into(), ..FrameworkInfo::default() };
//! session.subscribe(info).await;
//! session.subscribed().await?;
//! session.changed_until(|state| !state.offers.is_empty()).await;
//! # Ok(()) }
//! ```

mod actor;
mod caller;
mod keeper;
mod masters;
mod reconcile;
mod subscription;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use masters::{Masters, address_of};
pub use subscription::{Closed, Phase, backoff, meaning_of_error};

use crate::client::{Access, Address, Answer, Client, RequestError};
use crate::detect::Seen;
use crate::mesos::{Call, FrameworkId, FrameworkInfo, OfferId, TaskInfo};
use crate::state::{Change, State};
use crate::store::{Found, Kept, Standing, Store};
use actor::{Actor, Request};
use keeper::Keeper;

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the masters are.
    pub masters: Masters,
    /// How they may be spoken to, and how long that may take.
    pub access: Access,
    /// How long an offer that nobody asked for is kept before it is declined; `None` keeps it for ever.
    pub lease: Option<Duration>,
    /// For how long declined offers shall not come back, in seconds, unless offers are wanted before.
    pub refuse_seconds: f64,
    /// After so long without anybody wanting offers, the master is asked for no more; `None` never asks.
    pub idle: Option<Duration>,
    /// How many tasks that are over are kept in memory.
    pub kept: usize,
    /// From this size on, in bytes, the session's file is written anew when it has grown to its double: what it says
    /// twice goes, and so do tasks that aren't kept.
    pub rewrite: u64,
}

impl Config {
    /// The defaults: a lease of 60 s, declined for 120 s, idle after 5 min, 10,000 tasks kept,
    /// a file of 64 MB before it is written anew.
    pub fn new(masters: impl Into<Masters>) -> Self {
        Self {
            masters: masters.into(),
            access: Access::default(),
            lease: Some(Duration::from_secs(60)),
            refuse_seconds: 120.0,
            idle: Some(Duration::from_secs(300)),
            kept: crate::state::KEPT,
            rewrite: 64 << 20,
        }
    }
}

/// How the session's connection stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The master that is asked: the leading one once subscribed, or where ZooKeeper knows one. None while nobody leads.
    pub address: Option<Address>,
    /// What ZooKeeper knows of the masters, if it is asked.
    pub seen: Option<Seen>,
    /// The subscription's phase.
    pub phase: Phase,
    /// Since when there is no connection, where there was one; the master's failover timeout counts from about then.
    pub lost: Option<Duration>,
    /// Whether the master has still to tell how some of the tasks stand.
    pub reconciling: bool,
    /// Whether the master has been asked for no more offers.
    pub suppressed: bool,
    /// Filters that nobody asked for may keep offers away: of an ended lease, or of what an ACCEPT left.
    pub filtered: bool,
    /// What the framework says of itself, once subscribed to.
    pub framework: Option<FrameworkInfo>,
}

impl Status {
    /// Whether calls can be sent.
    pub fn is_subscribed(&self) -> bool {
        matches!(self.phase, Phase::Subscribed { .. })
    }

    /// Whether the framework is this session's own, be it that another process has registered it.
    pub fn is_own(&self) -> bool {
        self.framework.as_ref().is_some_and(|info| info.id.is_none() || keeper::is_marked(info))
    }

    /// The master, or why there is none.
    pub fn master(&self) -> String {
        match (&self.address, &self.seen) {
            (Some(address), _) => address.to_string(),
            (None, Some(seen)) => seen.standing.to_string(),
            (None, None) => "no master is named".to_owned(),
        }
    }

    /// How long the master waits for this framework's scheduler to come back; zero where it doesn't.
    pub fn failover_timeout(&self) -> Duration {
        self.framework.as_ref().map(FrameworkInfo::failover_time).unwrap_or_default()
    }

    /// What is left of that time at `now`, while there is no connection.
    pub fn time_left(&self, now: Duration) -> Option<Duration> {
        self.lost.map(|lost| self.failover_timeout().saturating_sub(now.saturating_sub(lost)))
    }
}

/// Something that happened and that a person may want to hear of.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An event changed what is known.
    Change(Change),
    /// The subscription has moved on.
    Phase(Phase),
    /// What ZooKeeper knows of the masters has changed.
    Masters(Seen),
    /// Offers that nobody asked for were declined.
    Declined(Vec<OfferId>),
    /// Offers became void with the connection.
    Void(usize),
    /// Nobody wanted offers for a while: the master was asked for no more.
    Suppressed,
    /// The session can't be recorded any more, for that reason; or it is again.
    Record(Option<Arc<str>>),
    /// A call of the session's own failed.
    CallFailed {
        /// Its `type`.
        kind: String,
        /// Why.
        why: String,
    },
}

/// Why a call could not be made or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no subscription to call on.
    #[error("the session isn't subscribed")]
    NotSubscribed,
    /// The subscription was lost before the call left.
    #[error("the subscription was lost before the call was sent")]
    Lost,
    /// A real master would abort on it.
    #[error("not sent: {0}")]
    Fatal(String),
    /// The master refused it, or gave no answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The session is closed.
    #[error("the session is closed")]
    SessionClosed,
}

/// Why there is no subscription.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// It is over, until somebody subscribes again.
    #[error("the subscription is closed")]
    Closed(Closed),
    /// The session is closed.
    #[error("the session is closed")]
    SessionClosed,
}

/// A handle to a live session. Cheap to clone; the session ends with [`Session::close`].
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requests: mpsc::UnboundedSender<Request>,
    state: RwLock<State>,
    /// Counts up with every batch of changes.
    version: watch::Sender<u64>,
    status: watch::Sender<Status>,
    notices: broadcast::Sender<Notice>,
    client: Client,
    /// Keeps what this session must not forget.
    store: Option<Store>,
    /// When this process began to work on the session, and how long it had lasted before.
    started: Instant,
    before: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What a session goes on with.
struct Resumed {
    store: Option<Store>,
    kept: Option<Kept>,
    /// The file's size.
    length: u64,
    damaged: bool,
    state: State,
    before: Duration,
    framework: Option<FrameworkInfo>,
    /// When the connection was lost that it had.
    lost: Option<Duration>,
}

impl Resumed {
    fn of(found: Option<Found>) -> Self {
        let now = SystemTime::now();
        let Some(found) = found else { return Self::nothing(None, now) };
        let length = found.length;
        let Some(mut kept) = found.kept else { return Self::nothing(Some(found.store), now) };
        let state = std::mem::replace(&mut kept.state, State::new(now));
        let since = |time: SystemTime| time.duration_since(state.started).unwrap_or_default();
        // A clock that was set back doesn't turn what was recorded into the future.
        let before = since(now).max(kept.last);
        let lost = match kept.standing {
            Standing::Never => None,
            Standing::Connected => Some(since(found.touched).clamp(kept.last, before)),
            Standing::Lost(at) | Standing::Left(_, at) => Some(at),
        };
        let framework = kept.framework.clone();
        let (store, damaged, kept) = (Some(found.store), found.damaged, Some(kept));
        Self { store, damaged, state, before, framework, lost, kept, length }
    }

    fn nothing(store: Option<Store>, now: SystemTime) -> Self {
        let state = State::new(now);
        let (before, framework, lost) = (Duration::ZERO, None, None);
        Self { store, kept: None, length: 0, damaged: false, state, before, framework, lost }
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.before + self.started.elapsed()
    }

    /// The moment of a time of the session.
    fn instant(&self, at: Duration) -> Instant {
        self.started + at.saturating_sub(self.before)
    }

    // A panic while the lock was held can't leave the state half applied in a way worse than stopping: read on.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Starts a session on the current tokio runtime. Nothing is sent before [`Session::subscribe`]. Nothing of it
    /// outlives it.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn start(config: Config) -> Result<Self, RequestError> {
        Self::begin(config, None)
    }

    /// Starts a session that is recorded, and goes on with what its file remembers: its tasks are known, its time goes on,
    /// and [`Session::take_up`] subscribes as its framework.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn resume(config: Config, found: Found) -> Result<Self, RequestError> {
        Self::begin(config, Some(found))
    }

    fn begin(config: Config, found: Option<Found>) -> Result<Self, RequestError> {
        let client = Client::new(config.access.clone())?;
        config.masters.named().iter().for_each(|address| client.name(address));
        let (requests, receiver) = mpsc::unbounded_channel();
        let mut resumed = Resumed::of(found);
        resumed.state.tasks.keep(config.kept);
        let status = Status {
            address: config.masters.named().first().cloned(),
            seen: None,
            phase: Phase::Idle,
            lost: resumed.lost,
            reconciling: false,
            suppressed: false,
            filtered: false,
            framework: resumed.framework.clone(),
        };
        let id = resumed.state.framework_id.clone();
        let mut keeper = Keeper::new(resumed.store.clone(), resumed.state.started, resumed.kept.as_ref(), id);
        keeper.rewrite_from(config.rewrite, resumed.length);
        let shared = Arc::new(Shared {
            requests,
            state: RwLock::new(resumed.state),
            version: watch::Sender::new(0),
            status: watch::Sender::new(status),
            notices: broadcast::Sender::new(1024),
            client,
            store: resumed.store,
            started: Instant::now(),
            before: resumed.before,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let actor = Actor::new(Arc::clone(&shared), config, keeper, resumed.damaged);
        shared.tasks.spawn(actor.run(receiver));
        Ok(Self { shared })
    }

    /// Subscribes as the framework that the session's file remembers; false if it remembers none. Answers when the
    /// attempt has begun; see [`Session::subscribed`].
    pub async fn take_up(&self) -> bool {
        let framework = self.status().borrow().framework.clone();
        let Some(info) = framework else { return false };
        let id = self.read(|state| state.framework_id.clone());
        self.subscribe(FrameworkInfo { id, ..info }).await;
        true
    }

    /// What keeps the session's memory, if anything does.
    pub fn store(&self) -> Option<&Store> {
        self.shared.store.as_ref()
    }

    /// Subscribes, or subscribes again after the subscription was closed. With an id in `info`, as that framework.
    /// Answers when the attempt has begun; see [`Session::subscribed`].
    pub async fn subscribe(&self, info: FrameworkInfo) {
        let (reply, begun) = oneshot::channel();
        self.send(Request::Subscribe(Box::new(info), reply));
        // An error means that the session is closed, which `subscribed` reports.
        let _ = begun.await;
    }

    /// Waits until the subscription stands.
    ///
    /// # Errors
    /// When it is closed instead.
    pub async fn subscribed(&self) -> Result<FrameworkId, SubscribeError> {
        let mut status = self.status();
        let reached = status.wait_for(|status| matches!(status.phase, Phase::Subscribed { .. } | Phase::Closed(_)));
        match reached.await.map(|status| status.phase.clone()) {
            Ok(Phase::Closed(why)) => Err(SubscribeError::Closed(why)),
            Ok(_) => self.read(|state| state.framework_id.clone()).ok_or(SubscribeError::SessionClosed),
            Err(_) => Err(SubscribeError::SessionClosed),
        }
    }

    /// Sends a call and waits for its answer. 202 says only that the master has queued it: what it did comes as events.
    /// Offers that an ACCEPT or DECLINE names leave at once; tasks that an ACCEPT launches are STAGING from now on.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, call: Call) -> Result<Answer, CallError> {
        if let Some(why) = call.fatal_to_a_master() {
            return Err(CallError::Fatal(why));
        }
        let (reply, answer) = oneshot::channel();
        self.send(Request::Call { call, reply });
        answer.await.unwrap_or(Err(CallError::SessionClosed))
    }

    /// Says that offers are wanted: ends suppression and filters that the session itself has set. Answers when the
    /// master has been asked, or at once if there is no need.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn want_offers(&self) -> Result<(), CallError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::WantOffers(reply));
        answer.await.unwrap_or(Err(CallError::SessionClosed))
    }

    /// Keeps offers until they are used or declined; those that were in hand.
    pub fn hold(&self, ids: &[OfferId]) -> Vec<OfferId> {
        let held = {
            let mut state = self.shared.write();
            ids.iter().filter(|id| state.offers.hold(id)).cloned().collect()
        };
        self.shared.version.send_modify(|version| *version += 1);
        held
    }

    /// Looks at the state. Keep it short: while it lasts, no event is taken in.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.read())
    }

    /// The time since the session's start, in which the state counts.
    pub fn now(&self) -> Duration {
        self.shared.now()
    }

    /// Waits until what `look` asks for is so; looks after every change.
    pub async fn changed_until(&self, mut look: impl FnMut(&State) -> bool) {
        let mut version = self.shared.version.subscribe();
        loop {
            version.mark_unchanged();
            if self.read(&mut look) || version.changed().await.is_err() {
                return;
            }
        }
    }

    /// Fires after every change of the state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.version.subscribe()
    }

    /// The connection's status and its changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// What happens from now on. A receiver that lags is told how much it missed.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// The HTTP client, for reading the master's and agents' JSON.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Ends the framework: its tasks are killed. Waits until the master has taken the call.
    ///
    /// # Errors
    /// [`CallError`]; the framework then lives on.
    pub async fn teardown(&self) -> Result<Answer, CallError> {
        self.call(Call::Teardown).await
    }

    /// Leaves the framework running: its tasks run on, and the master waits its failover timeout for somebody to
    /// subscribe with its id. Waits until the connection is let go of.
    pub async fn detach(&self) {
        let (reply, done) = oneshot::channel();
        self.send(Request::Detach(reply));
        // An error means that the session is closed, and with it the connection.
        let _ = done.await;
    }

    /// Tries to subscribe now rather than when the wait is over; a connection that there is, is given up for a new one.
    /// A subscription that is closed, or that nobody has asked for, stays so.
    /// Answers when the attempt has begun; see [`Session::subscribed`].
    pub async fn reconnect(&self) {
        let (reply, begun) = oneshot::channel();
        self.send(Request::Reconnect(reply));
        // An error means that the session is closed, which `subscribed` reports.
        let _ = begun.await;
    }

    /// Ends the session and waits for its tasks. The framework stays as it is with the master.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    fn send(&self, request: Request) {
        // A closed session answers through the dropped reply.
        let _ = self.shared.requests.send(request);
    }

    /// The tasks that an ACCEPT, typed or raw, launches.
    pub fn tasks_of(call: &Call) -> Vec<TaskInfo> {
        actor::launches(call)
    }
}
