//! How the embedded Mesos is set up, and what can go wrong when it starts. Does nothing itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;

use super::authorize::Acls;
use super::flags;
use crate::mesos::{Attribute, Range, Ranges, Resource, Scalar, ValueType};

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
    /// How long an offer may stay unanswered before it is taken back; `None` is for ever.
    pub offer_timeout: Option<Duration>,
    /// How long an agent that can't be reached stays unnoticed. On a real master 75 seconds, as its
    /// `--agent_ping_timeout` times its `--max_agent_ping_timeouts` says.
    pub agent_timeout: Duration,
    /// How long agents of the registry may take to come back after the master has started, before they count as out of
    /// reach; a real master takes no less than ten minutes.
    pub agent_reregister_timeout: Duration,
    /// What each agent offers.
    pub agent: AgentConfig,
    /// The only roles that frameworks may have, as a master's `--roles`; `None` allows all.
    pub roles: Option<Vec<String>>,
    /// Principals and secrets, one of which requests must give; empty asks nobody.
    pub credentials: Vec<(String, String)>,
    /// Which requests.
    pub authenticate: Authenticate,
    /// Who may do what.
    pub acls: Acls,
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
            offer_timeout: None,
            agent_timeout: Duration::ZERO,
            agent_reregister_timeout: Duration::from_secs(600),
            agent: AgentConfig::default(),
            roles: None,
            credentials: Vec::new(),
            authenticate: Authenticate::default(),
            acls: Acls::default(),
            root_submissions: true,
            besides: None,
        }
    }
}

impl Config {
    /// Of whom it is asked who they are: of nobody where there are no credentials.
    pub(super) fn authenticated(&self) -> Authenticate {
        match self.credentials.is_empty() {
            true => Authenticate { frameworks: false, readonly: false, readwrite: false },
            false => self.authenticate,
        }
    }

    /// An agent's port, by its place; 0 is any.
    pub(super) fn agent_port(&self, index: usize) -> u16 {
        match self.agent_ports {
            0 => 0,
            first => u16::try_from(index).ok().and_then(|index| first.checked_add(index)).unwrap_or(0),
        }
    }
}

/// What each agent offers, and of what it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentConfig {
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// Whether it can start the executor of task groups, as one that has `mesos-default-executor` installed.
    pub default_executor: bool,
}

impl AgentConfig {
    /// An agent with these flags: `cpus:4;mem:4096` and `rack:a;pod:b`. What isn't named of CPUs, memory, disk and
    /// ports it has as by default.
    ///
    /// # Errors
    /// What is wrong with them, in a real agent's words.
    pub fn of(resources: &str, attributes: &str) -> Result<Self, String> {
        let mut own = flags::resources(resources)?;
        let usual = Self::default();
        let missing = usual.resources.into_iter().filter(|usual| !own.iter().any(|own| own.name == usual.name));
        own.extend(missing.collect::<Vec<_>>());
        Ok(Self { resources: own, attributes: flags::attributes(attributes)?, ..usual })
    }
}

impl Default for AgentConfig {
    fn default() -> Self {
        let scalar = |name: &str, value| Resource {
            name: name.to_owned(),
            r#type: ValueType::Scalar,
            scalar: Some(Scalar { value, ..Scalar::default() }),
            role: Some("*".to_owned()),
            ..Resource::default()
        };
        let range = Range { begin: 31000, end: 32000, ..Range::default() };
        let ports = Resource {
            name: "ports".to_owned(),
            r#type: ValueType::Ranges,
            ranges: Some(Ranges { range: vec![range], ..Ranges::default() }),
            role: Some("*".to_owned()),
            ..Resource::default()
        };
        Self {
            resources: vec![scalar("cpus", 4.0), scalar("mem", 4096.0), scalar("disk", 8192.0), ports],
            attributes: Vec::new(),
            default_executor: true,
        }
    }
}

/// Of whom it is asked who they are, where there are credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticate {
    /// Schedulers.
    pub frameworks: bool,
    /// Who reads state.
    pub readonly: bool,
    /// Who changes something, and the operator API.
    pub readwrite: bool,
}

impl Default for Authenticate {
    fn default() -> Self {
        Self { frameworks: true, readonly: true, readwrite: true }
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
