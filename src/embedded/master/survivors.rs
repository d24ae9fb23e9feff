//! What agents bring along from before this master's start: their tasks, and frameworks that have yet to come back.

use super::actor::Master;
use super::framework::{Framework, Task, is_terminal};
use super::validate::constraints::Constraints;
use crate::embedded::link::Survivors;
use crate::embedded::resources::Resources;
use crate::mesos::{AgentId, TaskStatus};

impl Master {
    /// Takes in what an agent has gone on running. As on a real master its frameworks are disconnected ones, which
    /// nobody removes before they have been back.
    pub(super) fn take_survivors(&mut self, agent: &AgentId, survivors: Vec<Survivors>) {
        for Survivors { framework: info, executor, tasks } in survivors {
            let Some(id) = info.id.clone() else { continue };
            if self.completed.iter().any(|framework| framework.id == id) {
                continue;
            }
            if self.framework(&id).is_none() {
                self.allocator.add_framework(&id, &info, &[], Constraints::default());
                self.allocator.set_active(&id, false);
                self.frameworks.push(Framework::new(id.clone(), info));
            }
            let mut used = Resources::default();
            let Some(framework) = self.framework_mut(&id) else { continue };
            let executor_id = executor.as_ref().map(|executor| executor.executor_id.clone());
            if let Some(executor) = executor.filter(|it| framework.executor(agent, &it.executor_id).is_none()) {
                used.add(&Resources::of(&executor.resources));
                framework.executors.entry(agent.clone()).or_default().push(executor);
            }
            for (info, statuses) in tasks {
                if framework.task(&info.task_id).is_some() {
                    continue;
                }
                let mut task = Task::new(&info);
                task.executor.clone_from(&executor_id);
                let last = statuses.last();
                task.state = last.map_or(task.state, |status| status.state.clone());
                task.sent = last.and_then(|last| Some((last.state.clone(), last.uuid.as_ref()?.0.clone())));
                // As in `update_task`: data isn't kept.
                task.statuses = statuses.into_iter().map(|status| TaskStatus { data: None, ..status }).collect();
                if !is_terminal(&task.state) {
                    used.add(&Resources::of(&task.resources));
                }
                framework.tasks.insert(task.id.clone(), task);
            }
            self.allocator.give(&id, agent, &used);
        }
    }
}
