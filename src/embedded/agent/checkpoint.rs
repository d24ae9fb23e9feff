//! What an agent writes down so that its next run takes up the tasks of this one.
//!
//! One file, replaced as a whole. An agent whose file can't be read doesn't start: tasks may run that it would forget.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::books::{Draining, Executor, Framework};
use crate::embedded::durable;
use crate::embedded::link::Applied;
use crate::mesos::{AgentId, ExecutorId, FrameworkId, Resource, TaskStatus};

/// The file's content when it is written.
#[derive(Debug, Serialize)]
pub(super) struct Written<'a> {
    /// The agent's id.
    pub(super) agent_id: Option<&'a AgentId>,
    /// The frameworks with something that runs or isn't acknowledged.
    pub(super) frameworks: Vec<&'a Framework>,
    /// Updates on their way, by framework, each task's in order.
    pub(super) updates: Vec<(&'a FrameworkId, &'a TaskStatus)>,
    /// Where it listened.
    pub(super) port: u16,
    /// What operations have made of its resources.
    pub(super) resources: Option<&'a Vec<Resource>>,
    /// Operations whose status nobody has acknowledged.
    pub(super) operations: &'a [Applied],
    /// Whether all tasks are to end.
    pub(super) draining: Option<&'a Draining>,
}

/// The file's content when it is read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Read {
    /// The agent's former id.
    pub(super) agent_id: Option<AgentId>,
    /// Its frameworks.
    pub(super) frameworks: Vec<Framework>,
    /// Updates that nobody acknowledged.
    pub(super) updates: Vec<(FrameworkId, TaskStatus)>,
    /// Where it listened.
    #[serde(default)]
    pub(super) port: u16,
    /// What operations had made of its resources.
    #[serde(default)]
    pub(super) resources: Option<Vec<Resource>>,
    /// Operations whose status nobody acknowledged.
    #[serde(default)]
    pub(super) operations: Vec<Applied>,
    /// Whether all tasks were to end.
    #[serde(default)]
    pub(super) draining: Option<Draining>,
}

/// Where it is kept, below an agent's work folder.
fn path(work_dir: &Path) -> PathBuf {
    work_dir.join("meta").join("agent.json")
}

/// Where a command's exit status is noted, for an agent that isn't there when the command ends.
pub(super) fn exit_path(work_dir: &Path, container_id: &str) -> PathBuf {
    work_dir.join("meta").join("exits").join(container_id)
}

/// Makes the folders, and reads what an earlier run has left.
pub(super) fn take_up(work_dir: &Path) -> io::Result<Option<Read>> {
    std::fs::create_dir_all(work_dir.join("meta").join("exits"))?;
    durable::read(&path(work_dir))
}

/// Replaces the file.
pub(super) fn write(work_dir: &Path, written: &Written<'_>) -> io::Result<()> {
    // Whatever runs ends with the machine.
    durable::replace(&path(work_dir), written, durable::Against::Kill)
}

/// Executors as a list: ids are objects in JSON, which can't be keys.
pub(super) fn write_executors<S: Serializer>(
    executors: &BTreeMap<ExecutorId, Box<Executor>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(executors.values())
}

/// The way back.
pub(super) fn read_executors<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ExecutorId, Box<Executor>>, D::Error> {
    let list = Vec::<Box<Executor>>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|executor| (executor.id.clone(), executor)).collect())
}

/// What several know is written as if each had it, and read as if each did.
pub(super) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::embedded::agent) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (**value).serialize(serializer)
    }

    pub(in crate::embedded::agent) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// The same of lists.
pub(super) mod shared_list {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::embedded::agent) fn serialize<T: Serialize, S: Serializer>(
        list: &[Arc<T>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|one| &**one))
    }

    pub(in crate::embedded::agent) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<T>>, D::Error> {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}
