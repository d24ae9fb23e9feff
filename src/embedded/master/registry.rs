//! What a master must not forget over its own end, as a real one keeps it in its registry: agents, which of them can't
//! be reached or are gone, and maintenance. Frameworks and tasks are not in it: agents and schedulers bring them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::actor::{Master, seconds};
use super::maintenance::Mode;
use super::operator::Quota;
use crate::embedded::durable;
use crate::mesos::master::Window;
use crate::mesos::{AgentId, AgentInfo, DrainConfig, MachineId, Unavailability};

/// The registry's content.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(in crate::embedded) struct Registry {
    /// Agents that the master has taken in.
    pub(super) agents: Vec<Admitted>,
    /// Agents that can't be reached.
    pub(super) unreachable: Vec<Since>,
    /// Agents that an operator has marked gone.
    pub(super) gone: Vec<AgentId>,
    /// Machines whose maintenance is planned or going on.
    pub(super) machines: Vec<Machine>,
    /// That plan as it was given.
    pub(super) schedule: Vec<Window>,
    /// Roles' weights.
    pub(super) weights: BTreeMap<String, f64>,
    /// Roles' quota.
    pub(super) quotas: BTreeMap<String, Quota>,
}

/// An agent that the master has taken in.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Admitted {
    pub(super) info: AgentInfo,
    /// Whether an operator has taken it out.
    #[serde(default)]
    pub(super) deactivated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) draining: Option<DrainConfig>,
}

/// An agent, and when something became so, in seconds since 1970.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Since {
    pub(super) id: AgentId,
    pub(super) since: f64,
}

/// A machine and its maintenance.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Machine {
    pub(super) id: MachineId,
    pub(super) unavailability: Option<Unavailability>,
    #[serde(default)]
    pub(super) mode: Mode,
}

/// Where a registry is kept.
#[derive(Clone, Debug)]
pub(in crate::embedded) enum Store {
    /// Nowhere: it ends with the cluster.
    Memory,
    /// In this file.
    File(PathBuf),
}

impl Store {
    /// The one of a cluster with a work folder of its own.
    pub(in crate::embedded) fn below(work_dir: &Path) -> io::Result<Self> {
        let folder = work_dir.join("master");
        durable::folder(&folder)?;
        Ok(Self::File(folder.join("registry.json")))
    }

    /// What is kept, nothing where nothing is yet.
    ///
    /// # Errors
    /// When there is a file that can't be read: starting without it would forget what it holds.
    pub(in crate::embedded) fn read(&self) -> io::Result<Registry> {
        match self {
            Self::Memory => Ok(Registry::default()),
            Self::File(path) => Ok(durable::read(path)?.unwrap_or_default()),
        }
    }

    pub(in crate::embedded) fn write(&self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Memory => Ok(()),
            Self::File(path) => durable::replace(path, registry, durable::Against::PowerLoss),
        }
    }

    /// As `/flags` names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "in_memory",
            Self::File(_) => "replicated_log",
        }
    }
}

impl Master {
    /// What must not be forgotten.
    pub(super) fn registry(&self) -> Registry {
        let present = self.agents.values().map(|agent| Admitted {
            info: agent.info.clone(),
            deactivated: agent.deactivated,
            draining: agent.draining.clone(),
        });
        let planned = self.maintenance.machines.iter().filter(|machine| machine.mode != Mode::Up);
        let machines = planned.map(|machine| Machine {
            id: machine.id.clone(),
            unavailability: machine.unavailability.clone(),
            mode: machine.mode,
        });
        let unreachable = self.unreachable.iter().map(|(id, since)| Since { id: id.clone(), since: seconds(*since) });
        Registry {
            agents: present.chain(self.recovering.agents().cloned()).collect(),
            unreachable: unreachable.collect(),
            gone: self.gone.iter().cloned().collect(),
            machines: machines.collect(),
            schedule: self.maintenance.schedule.clone(),
            weights: self.weights.clone(),
            quotas: self.quotas.clone(),
        }
    }
}
