//! The task that owns a cluster's master and agents: it starts and ends them, and carries out what concerns several.
//!
//! It knows no protocol: what a fault is to a master or an agent, they know themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::WorkDir;
use super::agent::Agent;
use super::config::Config;
use super::fault::active::{Cut, Faults};
use super::fault::http::{Ask, Chosen, Desk};
use super::fault::{Effect, Fault, FaultError, Ongoing, Order, storm};
use super::link::FromAgent;
use super::master::{self, Act, Registry, Store};
use crate::mesos::AgentId;

/// How long a storm lasts unless told.
const STORM: Duration = Duration::from_secs(30);
/// Before a master's port is tried again that another program has taken meanwhile.
const PORT_TAKEN: Duration = Duration::from_millis(100);
/// Seeds that nobody has chosen are below this: short enough to be typed.
const SEEDS: u64 = 1_000_000;

/// A cluster's parts.
#[derive(Debug)]
pub(super) struct Core {
    // Dropped in this order: agents kill their tasks, then the master goes, then the folder.
    /// By their places; none where one is lost.
    agents: Vec<Option<Agent>>,
    master: Option<master::Running>,
    work_dir: WorkDir,
    config: Config,
    address: SocketAddr,
    /// What the last master had in its registry.
    registry: Registry,
    store: Store,
    /// Where agents reach the master.
    leader: mpsc::UnboundedSender<FromAgent>,
    desk: Desk,
    faults: Faults,
    /// Agents out of reach.
    away: BTreeSet<usize>,
    planned: BTreeMap<(Instant, u64), Planned>,
    plans: u64,
    /// Lost agents that still kill what they ran.
    ending: TaskTracker,
}

/// What is to happen at a time.
#[derive(Debug)]
enum Planned {
    /// The master ends.
    Stop { registry: bool, down: Duration },
    /// It starts.
    Start,
    /// A partition's time is over.
    Return { agent: usize },
    /// A storm's next fault.
    Storm { id: u64, order: Order },
}

/// What a [`Core`] begins with.
pub(super) struct Start {
    pub(super) config: Config,
    pub(super) work_dir: WorkDir,
    pub(super) store: Store,
    pub(super) desk: Desk,
}

impl Core {
    /// Starts a master; agents come one by one.
    ///
    /// # Errors
    /// When the registry can't be read, or the listener has no address.
    pub(super) fn start(listener: TcpListener, start: Start) -> std::io::Result<Self> {
        let Start { config, work_dir, store, desk } = start;
        let (leader, _) = mpsc::unbounded_channel();
        let mut core = Self {
            agents: Vec::new(),
            master: None,
            work_dir,
            config,
            address: listener.local_addr()?,
            registry: store.read()?,
            store,
            leader,
            faults: desk.faults.clone(),
            desk,
            away: BTreeSet::new(),
            planned: BTreeMap::new(),
            plans: 0,
            ending: TaskTracker::new(),
        };
        core.lead(listener)?;
        Ok(core)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where agents reach the master.
    pub(super) fn leader(&self) -> mpsc::UnboundedSender<FromAgent> {
        self.leader.clone()
    }

    pub(super) fn work_dir(&self) -> &std::path::Path {
        self.work_dir.path()
    }

    /// One more agent.
    pub(super) fn add(&mut self, agent: Agent) {
        self.agents.push(Some(agent));
    }

    /// Serves until told to stop, then ends everything.
    pub(super) async fn run(mut self, mut asks: mpsc::UnboundedReceiver<Ask>, stop: CancellationToken) {
        loop {
            let next = self.planned.keys().next().map(|(at, _)| *at);
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ask) = asks.recv() => self.answer(ask).await,
                () = due => self.due().await,
            }
        }
        self.end().await;
    }

    async fn end(self) {
        for agent in self.agents.into_iter().flatten() {
            self.ending.spawn(agent.shutdown());
        }
        self.ending.close();
        self.ending.wait().await;
        if let Some(master) = self.master {
            master.shutdown().await;
        }
        drop(self.work_dir);
    }

    async fn answer(&mut self, ask: Ask) {
        // Who no longer waits for the answer needs none.
        match ask {
            Ask::Fault { order, reply } => {
                let effect = self.fault(order).await;
                let _ = reply.send(effect);
            }
            Ask::Clear { chosen, reply } => {
                let _ = reply.send(self.clear(&chosen));
            }
        }
    }

    fn plan(&mut self, after: Duration, planned: Planned) {
        // What is centuries away never comes.
        if let Some(at) = Instant::now().checked_add(after) {
            self.plans += 1;
            self.planned.insert((at, self.plans), planned);
        }
    }

    async fn due(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.planned.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Planned::Stop { registry, down } => self.stop_master(registry, down).await,
                Planned::Start => self.start_master().await,
                Planned::Return { agent } => self.bring_back(agent),
                Planned::Storm { id, order } => {
                    let told = format!("{order:?}");
                    match Box::pin(self.fault(order)).await {
                        Ok(effect) => tracing::info!(storm = id, effect.told, "a storm's fault"),
                        Err(error) => tracing::info!(storm = id, %error, told, "a storm's fault that can't be"),
                    }
                }
            }
        }
    }

    // ---- the master ----

    fn lead(&mut self, listener: TcpListener) -> std::io::Result<()> {
        let (leader, agents) = mpsc::unbounded_channel();
        let besides = self.config.besides.map_or_else(Router::new, |besides| besides(self.address));
        self.master = Some(master::start(master::Start {
            listener,
            config: &self.config,
            registry: std::mem::take(&mut self.registry),
            store: self.store.clone(),
            faults: self.faults.clone(),
            desk: self.desk.clone(),
            agents,
            besides,
        })?);
        self.leader = leader;
        for (index, agent) in self.agents.iter().enumerate().filter(|(index, _)| !self.away.contains(index)) {
            match agent {
                Some(agent) => agent.connect(self.leader.clone()),
                None => tracing::debug!(index, "a lost agent stays away"),
            }
        }
        Ok(())
    }

    async fn stop_master(&mut self, registry: bool, down: Duration) {
        if let Some(master) = self.master.take() {
            // Without it streams would end as if the master had meant it.
            if let Err(error) = master.act(Act::StepDown).await {
                tracing::debug!(%error, "a master that ends");
            }
            self.registry = master.shutdown().await;
        }
        if !registry {
            self.registry = Registry::default();
            if let Err(error) = self.store.write(&self.registry) {
                tracing::error!(%error, "the embedded master's registry can't be taken away");
            }
        }
        self.plan(down, Planned::Start);
    }

    async fn start_master(&mut self) {
        let listened = TcpListener::bind(self.address).await;
        if let Err(error) = listened.and_then(|listener| self.lead(listener)) {
            tracing::warn!(%error, address = %self.address, "the embedded master can't start again yet");
            self.plan(PORT_TAKEN, Planned::Start);
        }
    }

    async fn act(&self, act: Act) -> Result<Effect, FaultError> {
        match &self.master {
            Some(master) => master.act(act).await,
            None => Err(FaultError::Wrong("the master is down just now".to_owned())),
        }
    }

    // ---- faults ----

    async fn fault(&mut self, order: Order) -> Result<Effect, FaultError> {
        order.check()?;
        let seed = order.seed.unwrap_or_else(|| fastrand::u64(..SEEDS));
        let random = order.fault.is_random();
        let effect = self.carry_out(order, seed).await?;
        Ok(Effect { seed: random.then_some(seed), ..effect })
    }

    async fn carry_out(&mut self, order: Order, seed: u64) -> Result<Effect, FaultError> {
        match &order.fault {
            Fault::Cut { after, inside, next: false } => {
                let cut = Cut::new(*after, *inside, &mut fastrand::Rng::with_seed(seed));
                self.act(Act::Cut(cut)).await
            }
            Fault::Cut { .. } => Ok(self.begin(&order, seed, "the next stream that begins breaks off")),
            Fault::Split => Ok(self.begin(&order, seed, "streams are written byte by byte")),
            Fault::Mute => Ok(self.begin(&order, seed, "no stream has heartbeats any more")),
            Fault::Delay { .. } => Ok(self.begin(&order, seed, "events and answers to calls come late")),
            Fault::SlowPull { .. } => Ok(self.begin(&order, seed, "images take longer")),
            Fault::NoImage => Ok(self.begin(&order, seed, "images can't be pulled")),
            Fault::Drop(_) => Ok(self.begin(&order, seed, "updates get lost; agents send them again after 10 s")),
            Fault::Double(_) => Ok(self.begin(&order, seed, "updates come twice")),
            Fault::Redirect { to } => self.step_down(&order, seed, &format!("the APIs redirect to {to}")).await,
            Fault::Recovering => self.step_down(&order, seed, "the APIs answer 503, not recovered").await,
            Fault::NoLeader => self.step_down(&order, seed, "the APIs answer 503, no leader").await,
            Fault::Rescind { offers } => self.act(Act::Rescind(offers.clone())).await,
            Fault::Lose { agent } => self.lose(agent.as_deref(), seed).await,
            Fault::Partition { agent } => self.partition(agent.as_deref(), &order, seed).await,
            Fault::Return { agent } => self.bring_back_named(agent.as_deref()),
            Fault::Crash { task } => self.act(Act::Crash { task: task.clone(), seed }).await,
            Fault::Restart { registry, down } => Ok(self.restart(*registry, *down)),
            Fault::Storm { every } => Ok(self.storm(&order, *every, seed)),
        }
    }

    fn begin(&self, order: &Order, seed: u64, told: &str) -> Effect {
        Effect { id: Some(self.faults.begin(order, seed)), ..Effect::told(told) }
    }

    async fn step_down(&mut self, order: &Order, seed: u64, told: &str) -> Result<Effect, FaultError> {
        let effect = self.begin(order, seed, told);
        // One that is down has no streams.
        let cut = if self.master.is_some() { self.act(Act::StepDown).await?.told } else { "it is down".to_owned() };
        Ok(Effect { told: format!("{told}; {cut}"), ..effect })
    }

    /// An agent that is there and can be reached, by id, by the id's end or by place; one that the seed chooses where
    /// none is named.
    fn reachable(&self, name: Option<&str>, seed: u64) -> Result<(usize, AgentId), FaultError> {
        let there = |(index, agent): (usize, &Option<Agent>)| Some((index, agent.as_ref()?.id()?));
        let mut known: Vec<_> = self.agents.iter().enumerate().filter_map(there).collect();
        known.retain(|(index, _)| !self.away.contains(index));
        let chosen = match name {
            Some(name) => known.iter().find(|(index, id)| is_called(*index, id, name)),
            None => fastrand::Rng::with_seed(seed).choice(&known),
        };
        chosen.cloned().ok_or_else(|| {
            FaultError::Wrong(match name {
                Some(name) => format!("there is no agent '{name}' that can be reached"),
                None => "no agent can be reached".to_owned(),
            })
        })
    }

    async fn lose(&mut self, name: Option<&str>, seed: u64) -> Result<Effect, FaultError> {
        let (index, id) = self.reachable(name, seed)?;
        let effect = self.act(Act::Lose(id)).await?;
        if let Some(agent) = self.agents.get_mut(index).and_then(Option::take) {
            self.ending.spawn(agent.shutdown());
        }
        Ok(effect)
    }

    async fn partition(&mut self, name: Option<&str>, order: &Order, seed: u64) -> Result<Effect, FaultError> {
        let (index, id) = self.reachable(name, seed)?;
        let effect = self.act(Act::Partition(id.clone())).await?;
        self.away.insert(index);
        let agent = Some(id.to_string());
        let id = self.faults.begin(&Order { fault: Fault::Partition { agent }, ..order.clone() }, seed);
        if let Some(time) = order.lasting {
            self.plan(time, Planned::Return { agent: index });
        }
        Ok(Effect { id: Some(id), ..effect })
    }

    fn bring_back_named(&mut self, name: Option<&str>) -> Result<Effect, FaultError> {
        let id = |index: usize| self.agents.get(index).and_then(|agent| agent.as_ref()?.id());
        let chosen: Vec<(usize, AgentId)> = self
            .away
            .iter()
            .filter_map(|index| Some((*index, id(*index)?)))
            .filter(|(index, id)| name.is_none_or(|name| is_called(*index, id, name)))
            .collect();
        if chosen.is_empty() {
            return Err(FaultError::Wrong(match name {
                Some(name) => format!("no agent '{name}' is out of reach"),
                None => "no agent is out of reach".to_owned(),
            }));
        }
        chosen.iter().for_each(|(index, _)| self.bring_back(*index));
        let agents: Vec<AgentId> = chosen.into_iter().map(|(_, id)| id).collect();
        let ids: Vec<&str> = agents.iter().map(|id| id.as_str()).collect();
        Ok(Effect { told: format!("back: agent {}", ids.join(", ")), agents, ..Effect::default() })
    }

    fn bring_back(&mut self, index: usize) {
        if !self.away.remove(&index) {
            return;
        }
        let Some(agent) = self.agents.get(index).and_then(Option::as_ref) else { return };
        agent.connect(self.leader.clone());
        let name = agent.id().map(|id| id.to_string());
        self.faults.end(|_, fault| matches!(fault, Fault::Partition { agent } if *agent == name));
    }

    fn restart(&mut self, registry: bool, down: Duration) -> Effect {
        // Whoever asks over HTTP gets the answer first.
        self.plan(Duration::ZERO, Planned::Stop { registry, down });
        let kept = if registry { "with" } else { "without" };
        Effect::told(format!("the master ends and starts again after {} s, {kept} its registry", down.as_secs_f64()))
    }

    fn storm(&mut self, order: &Order, every: Duration, seed: u64) -> Effect {
        let lasting = order.lasting.unwrap_or(STORM);
        let series = storm(seed, lasting, every, self.agents.len());
        let id = self.faults.begin(&order.clone().lasting(lasting), seed);
        let planned = series.iter().map(|(at, order)| (at.as_secs_f64(), order.clone())).collect();
        let told = format!("{} faults in the next {} s", series.len(), lasting.as_secs_f64());
        for (at, order) in series {
            self.plan(at, Planned::Storm { id, order });
        }
        Effect { id: Some(id), planned, ..Effect::told(told) }
    }

    fn clear(&mut self, chosen: &Chosen) -> Vec<Ongoing> {
        let ended = self.faults.end(|id, fault| chosen.is(id, fault));
        for one in &ended {
            match &one.fault {
                Fault::Partition { agent: Some(name) } => {
                    let there = |index: &usize| self.agents.get(*index).and_then(|agent| agent.as_ref()?.id());
                    let index = self.away.iter().find(|index| there(index).is_some_and(|id| id.as_str() == name));
                    if let Some(index) = index.copied() {
                        self.bring_back(index);
                    }
                }
                Fault::Storm { .. } => {
                    self.planned.retain(|_, planned| !matches!(planned, Planned::Storm { id, .. } if *id == one.id));
                }
                _ => {}
            }
        }
        ended
    }
}

/// Whether an agent is meant by a name.
fn is_called(index: usize, id: &AgentId, name: &str) -> bool {
    name.parse() == Ok(index) || master::ends_as(id.as_str(), name)
}
