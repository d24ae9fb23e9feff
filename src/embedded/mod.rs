//! A Mesos of its own in this process: a master and agents, spoken to over TCP on loopback like any other.
//!
//! Knows nothing of sessions and commands. What is simulated says so.

mod agent;
mod browser;
mod config;
mod link;
mod master;
mod resources;
mod wire;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub use master::Fault;

pub use config::{AgentConfig, Config, Docker, StartError};

/// A running embedded Mesos. Stops when it is dropped; [`Cluster::shutdown`] stops it and waits.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: agents kill their tasks, then the master goes, then the folder.
    agents: Vec<agent::Agent>,
    addresses: Vec<SocketAddr>,
    master: master::Running,
    work_dir: WorkDir,
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
        let (to_master, from_agents) = mpsc::unbounded_channel();
        let master = master::start(listener, &config, from_agents).map_err(listen)?;
        let engine = agent::engine(config.docker).await;
        let mut agents = Vec::new();
        for index in 0..config.agents {
            let settings = agent::Config {
                index,
                address: config.address,
                port: 0,
                hostname: master::HOSTNAME.to_owned(),
                work_dir: work_dir.path().join(format!("agents/{index}")),
                engine: engine.clone(),
                recover: config.work_dir.is_some(),
                offers: config.agent.clone(),
            };
            let agent = agent::Agent::start(settings, to_master.clone()).await;
            agents.push(agent.map_err(|source| StartError::Agent { index, source })?);
        }
        let addresses = agents.iter().map(agent::Agent::address).collect();
        Ok(Self { agents, addresses, master, work_dir })
    }

    /// Where the master listens.
    pub fn address(&self) -> SocketAddr {
        self.master.address()
    }

    /// The master's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where the agents listen.
    pub fn agents(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The Docker Engine's version if containers are real.
    pub fn docker(&self) -> Option<&str> {
        self.agents.iter().find_map(agent::Agent::docker)
    }

    /// Makes something go wrong, or right again.
    pub fn fault(&self, fault: Fault) {
        self.master.fault(fault);
    }

    /// Ends all tasks, removes their containers, and waits until everything has stopped.
    pub async fn shutdown(self) {
        for agent in self.agents {
            agent.shutdown().await;
        }
        self.master.shutdown().await;
        drop(self.work_dir);
    }
}

/// The folder for sandboxes: the user's own, or one that goes when the cluster does.
#[derive(Debug)]
struct WorkDir {
    path: PathBuf,
    temporary: bool,
}

impl WorkDir {
    fn new(path: Option<PathBuf>) -> Result<Self, StartError> {
        let temporary = path.is_none();
        let path = path.unwrap_or_else(|| std::env::temp_dir().join(format!("mesos-repl-{}", uuid::Uuid::new_v4())));
        // Tasks' output is nobody else's business; but other users' tasks must get through to their own sandboxes.
        let mode = if agent::may_switch() { 0o711 } else { 0o700 };
        let made = std::fs::DirBuilder::new().recursive(true).mode(mode).create(&path);
        made.map_err(|source| StartError::WorkDir { path: path.clone(), source })?;
        Ok(Self { path, temporary })
    }

    fn path(&self) -> &Path {
        &self.path
    }
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
