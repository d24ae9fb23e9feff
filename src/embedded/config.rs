//! How the embedded Mesos is set up, and what can go wrong when it starts. Does nothing itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;

/// Whether Docker tasks become real containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Docker {
    /// Real ones if a Docker Engine answers, otherwise simulated ones that say so.
    #[default]
    Auto,
    /// Always simulated.
    Never,
}

/// Makes what a master serves besides its own API, such as a page at `/`, knowing where the master listens.
pub type Besides = fn(SocketAddr) -> Router;

/// The whole cluster's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where master and agents listen; only loopback is safe, since nobody has to say who they are.
    pub address: IpAddr,
    /// The master's port; 0 takes any free one.
    pub port: u16,
    /// How many agents.
    pub agents: usize,
    /// The first agent's port, the others' follow; 0 takes any free ones, or with a work folder those of the last time.
    pub agent_ports: u16,
    /// Where agents keep sandboxes; `None` is a temporary folder, removed at the end.
    pub work_dir: Option<PathBuf>,
    /// Whether Docker tasks become real containers.
    pub docker: Docker,
    /// Between two heartbeats of an event stream.
    pub heartbeat: Duration,
    /// Between two rounds of offers.
    pub allocation_interval: Duration,
    /// What each agent offers.
    pub agent: AgentConfig,
    /// The only roles that frameworks may have, as a master's `--roles`; `None` allows all.
    pub roles: Option<Vec<String>>,
    /// Principals and secrets, one of which every request must give; empty asks nobody.
    pub credentials: Vec<(String, String)>,
    /// Whether frameworks may run as root, as a master's `--root_submissions`.
    pub root_submissions: bool,
    /// What the master serves besides its own API; its paths come first.
    pub besides: Option<Besides>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            agents: 1,
            agent_ports: 0,
            work_dir: None,
            docker: Docker::Auto,
            heartbeat: Duration::from_secs(15),
            allocation_interval: Duration::from_secs(1),
            agent: AgentConfig::default(),
            roles: None,
            credentials: Vec::new(),
            root_submissions: true,
            besides: None,
        }
    }
}

impl Config {
    /// An agent's port, by its place; 0 is any.
    pub(super) fn agent_port(&self, index: usize) -> u16 {
        match self.agent_ports {
            0 => 0,
            first => u16::try_from(index).ok().and_then(|index| first.checked_add(index)).unwrap_or(0),
        }
    }
}

/// What each agent offers.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentConfig {
    /// CPUs.
    pub cpus: f64,
    /// Memory in megabytes.
    pub mem: f64,
    /// Disk in megabytes.
    pub disk: f64,
    /// Its ports, first and last.
    pub ports: (u64, u64),
    /// Its attributes, text each: name and value.
    pub attributes: Vec<(String, String)>,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self { cpus: 4.0, mem: 4096.0, disk: 8192.0, ports: (31000, 32000), attributes: Vec::new() }
    }
}

/// Why the embedded Mesos didn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is another program's, or no address of this machine.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The folder for sandboxes can't be made.
    #[error("can't make the work folder {}", path.display())]
    WorkDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The work folder is another embedded Mesos's, which runs.
    #[error("another embedded Mesos uses the work folder {}", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// What the master kept in the work folder can't be read: without it, it would forget agents that are gone.
    #[error("can't read the master's registry in {}", path.display())]
    Registry {
        /// The work folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// An agent didn't start.
    #[error("can't start agent {index}")]
    Agent {
        /// Its place among the agents, from 0.
        index: usize,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
