//! A Mesos of its own in this process: a master and agents, spoken to over TCP on loopback like any other.
//!
//! Knows nothing of sessions and commands. What is simulated says so.

mod agent;
mod authorize;
mod cluster;
mod config;
mod durable;
mod fault;
pub mod flags;
mod http;
mod link;
mod master;
mod resources;
mod system;
mod wire;

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use cluster::Core;
use fault::active::Faults;
use fault::http::{Ask, Chosen, Desk};

pub use authorize::Acls;
pub use config::{AgentConfig, Authenticate, Config, Docker, StartError};
pub use fault::{Effect, Fault, FaultError, Ongoing, Order, Updates};

/// A running embedded Mesos. Stops when it is dropped; [`Cluster::shutdown`] stops it and waits.
#[derive(Debug)]
pub struct Cluster {
    address: SocketAddr,
    agents: Vec<SocketAddr>,
    docker: Option<String>,
    asks: mpsc::UnboundedSender<Ask>,
    faults: Faults,
    stop: DropGuard,
    core: JoinHandle<()>,
}

impl Cluster {
    /// Starts a master and its agents; all of them listen when this returns.
    ///
    /// # Errors
    /// [`StartError`], with nothing left running.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let address = SocketAddr::new(config.address, config.port);
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let work_dir = WorkDir::new(config.work_dir.clone())?;
        let registry = |source| StartError::Registry { path: work_dir.path().to_owned(), source };
        let store = match &config.work_dir {
            Some(_) => master::Store::below(work_dir.path()).map_err(registry)?,
            None => master::Store::Memory,
        };
        let (asks, asked) = mpsc::unbounded_channel();
        let desk = Desk { asks: asks.downgrade(), faults: Faults::default() };
        let faults = desk.faults.clone();
        let path = work_dir.path().to_owned();
        let start = cluster::Start { config: config.clone(), work_dir, store, desk };
        let started = Core::start(listener, start);
        let mut core = started.map_err(|source| StartError::Registry { path, source })?;
        let engine = agent::engine(config.docker).await;
        let (mut agents, mut docker) = (Vec::new(), None);
        for index in 0..config.agents {
            let settings = agent::Config {
                index,
                address: config.address,
                port: config.agent_port(index),
                hostname: master::HOSTNAME.to_owned(),
                work_dir: core.work_dir().join(format!("agents/{index}")).into(),
                engine: engine.clone(),
                recover: config.work_dir.is_some(),
                offers: config.agent.clone(),
                faults: faults.clone(),
            };
            let agent = agent::Agent::start(settings, core.leader()).await;
            let agent = agent.map_err(|source| StartError::Agent { index, source })?;
            agents.push(agent.address());
            docker = docker.or_else(|| agent.docker().map(str::to_owned));
            core.add(agent);
        }
        let (address, stop) = (core.address(), CancellationToken::new());
        let core = tokio::spawn(core.run(asked, stop.clone()));
        Ok(Self { address, agents, docker, asks, faults, stop: stop.drop_guard(), core })
    }

    /// Where the master listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The master's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where the agents listen.
    pub fn agents(&self) -> &[SocketAddr] {
        &self.agents
    }

    /// The Docker Engine's version if containers are real.
    pub fn docker(&self) -> Option<&str> {
        self.docker.as_deref()
    }

    /// Makes something go wrong; done when this returns, but for a restart, which then begins.
    ///
    /// # Errors
    /// When it makes no sense, or nothing of that name is there.
    pub async fn fault(&self, order: impl Into<Order> + Send) -> Result<Effect, FaultError> {
        let (reply, effect) = oneshot::channel();
        self.asks.send(Ask::Fault { order: order.into(), reply }).map_err(|_| FaultError::Stopping)?;
        effect.await.map_err(|_| FaultError::Stopping)?
    }

    /// What goes wrong now, the oldest first.
    pub fn faults(&self) -> Vec<Ongoing> {
        self.faults.list()
    }

    /// Lets everything go right again; what went wrong.
    pub async fn clear_faults(&self) -> Vec<Ongoing> {
        let (reply, cleared) = oneshot::channel();
        if self.asks.send(Ask::Clear { chosen: Chosen::default(), reply }).is_err() {
            return Vec::new();
        }
        // A cluster that stops has nothing left that could go wrong.
        cleared.await.unwrap_or_default()
    }

    /// Ends all tasks, removes their containers, and waits until everything has stopped.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.core.await {
            tracing::error!(%error, "the embedded Mesos didn't end well");
        }
    }
}

/// The folder for sandboxes: the user's own, or one that goes when the cluster does.
#[derive(Debug)]
struct WorkDir {
    path: PathBuf,
    temporary: bool,
    /// Nobody else may use the user's own meanwhile.
    _lock: Option<Flock<File>>,
}

impl WorkDir {
    fn new(path: Option<PathBuf>) -> Result<Self, StartError> {
        let temporary = path.is_none();
        let path = path.unwrap_or_else(|| std::env::temp_dir().join(format!("mesos-repl-{}", uuid::Uuid::new_v4())));
        // Tasks' output is nobody else's business; but other users' tasks must get through to their own sandboxes.
        let mode = if agent::may_switch() { 0o711 } else { 0o700 };
        let made = std::fs::DirBuilder::new().recursive(true).mode(mode).create(&path);
        let failed = |source| StartError::WorkDir { path: path.clone(), source };
        made.map_err(failed)?;
        let lock = if temporary { None } else { Some(lock(&path)?) };
        Ok(Self { path, temporary, _lock: lock })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Two clusters in one folder would each take the other's tasks for their own.
fn lock(path: &Path) -> Result<Flock<File>, StartError> {
    let failed = |source| StartError::WorkDir { path: path.to_owned(), source };
    let file = File::options().write(true).create(true).truncate(false).open(path.join("lock")).map_err(failed)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| match error {
        nix::errno::Errno::EWOULDBLOCK => StartError::InUse { path: path.to_owned() },
        error => failed(error.into()),
    })
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the embedded Mesos's folder stays behind");
        }
    }
}
