//! Tasks: what a person asks for, and the resources of an offer that it takes.
//!
//! Nothing here sends anything. What only the master can judge is left to it.

mod options;
mod resources;

pub(super) use options::{OPTIONS, Wish, duration_info, wish};
pub(super) use resources::{Needs, PortNeed, Shortage, shortages, take};

use crate::mesos::{AgentId, Offer, TaskId, TaskInfo};
use crate::state::Tasks;

impl Wish {
    /// The task on these offers' agent, with their resources; or what they are short of.
    pub fn on(&self, offers: &[Offer], id: TaskId) -> Result<TaskInfo, Vec<Shortage>> {
        let all: Vec<_> = offers.iter().flat_map(|offer| offer.resources.iter().cloned()).collect();
        let taken = take(&self.needs, &all, self.role.as_deref())?;
        let agent_id = offers.first().map_or_else(|| AgentId::from(""), |offer| offer.agent_id.clone());
        let mut task = TaskInfo { task_id: id, agent_id, resources: taken.resources, ..self.info.clone() };
        if task.name.is_empty() {
            task.name = task.task_id.as_str().to_owned();
        }
        self.map_ports(&mut task, &taken.ports);
        Ok(task)
    }

    /// The task's id: the one asked for, or the name, with a number behind it if that was taken before.
    pub fn id(&self, tasks: &Tasks) -> TaskId {
        match &self.id {
            Some(id) => id.as_str().into(),
            None => free_id(&self.base_name(), |id| tasks.get(id).is_some()),
        }
    }
}

/// The name itself or the first `name-N` that nobody has: an agent that sees an id twice may crash (MESOS-9657).
pub(super) fn free_id(name: &str, is_taken: impl Fn(&str) -> bool) -> TaskId {
    if !is_taken(name) {
        return name.into();
    }
    let mut number = 2_u64;
    loop {
        let id = format!("{name}-{number}");
        if !is_taken(&id) {
            return id.as_str().into();
        }
        number += 1;
    }
}

/// A task in a few words: `web (nginx:alpine, 0.2 cpus, 100 MiB)`.
pub(super) fn in_words(task: &TaskInfo) -> String {
    let mut parts = Vec::new();
    if let Some(docker) = task.container.as_ref().and_then(|container| container.docker.as_ref()) {
        parts.push(docker.image.clone());
        parts.extend(docker.network.as_ref().map(|network| format!("{} network", network.as_str().to_lowercase())));
    } else if let Some(value) = task.command.as_ref().and_then(|command| command.value.as_ref()) {
        parts.push(value.clone());
    }
    let sum = crate::view::resources_of(&task.resources);
    parts.push(format!("{} cpus", sum.cpus));
    parts.push(format!("{} MiB", sum.mem));
    let port = |(begin, end): &(u64, u64)| if begin == end { begin.to_string() } else { format!("{begin}-{end}") };
    if !sum.ports.is_empty() {
        parts.push(format!("ports {}", sum.ports.iter().map(port).collect::<Vec<_>>().join(",")));
    }
    format!("{} ({})", task.task_id, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_never_used_twice() {
        let taken = ["web", "web-2"];
        assert_eq!(free_id("db", |id| taken.contains(&id)), "db".into());
        assert_eq!(free_id("web", |id| taken.contains(&id)), "web-3".into());
    }
}
