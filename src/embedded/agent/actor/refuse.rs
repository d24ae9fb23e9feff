//! Tasks that an agent never starts: they come while it is drained, or want what it can't give.
//!
//! (apache/mesos: src/slave/slave.cpp, `validateResourceLimitsAndIsolators` and `run`)

use std::sync::Arc;

use super::Actor;
use crate::mesos::{ContainerType, FrameworkInfo, StatusReason, StatusSource, TaskInfo, TaskStatus};

/// Why limits can't be kept: tasks outside of Docker run as with a real agent's `posix` isolation.
fn unlimited(task: &TaskInfo) -> Option<&'static str> {
    let is_docker = task.container.as_ref().is_some_and(|container| container.r#type == ContainerType::Docker);
    match task {
        _ if is_docker => None,
        task if task.limits.contains_key("cpus") => Some(
            "CPU limits can only be set on tasks launched in Mesos containers when the agent has loaded the \
             'cgroups/cpu' isolator",
        ),
        task if task.limits.contains_key("mem") => Some(
            "Memory limits can only be set on tasks launched in Mesos containers when the agent has loaded the \
             'cgroups/mem' isolator",
        ),
        _ => None,
    }
}

impl Actor {
    /// Whether tasks are refused, which is said of each.
    pub(super) fn refuses_launch(&mut self, framework: &Arc<FrameworkInfo>, tasks: &[Arc<TaskInfo>]) -> bool {
        let Some(framework_id) = framework.id.clone() else { return false };
        let late = ("Task was received while agent was already draining", StatusReason::AgentDraining);
        let limits = || tasks.iter().find_map(|task| unlimited(task)).map(|why| (why, StatusReason::GcError));
        let refusal = self.books.draining.is_some().then_some(late).or_else(limits);
        let Some((why, reason)) = refusal else { return false };
        self.books.framework(framework, &framework_id);
        for task in tasks {
            let status = TaskStatus {
                task_id: task.task_id.clone(),
                state: Self::lost_state(framework),
                message: Some(why.to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(reason.clone()),
                ..TaskStatus::default()
            };
            self.send(&framework_id, None, status);
        }
        self.settle(&framework_id);
        true
    }
}
