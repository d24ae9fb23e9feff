//! An agent that is being drained: its tasks end, it takes no new ones until nothing runs.

use super::{Actor, now};
use crate::embedded::agent::books::Draining;
use crate::mesos::{DrainConfig, DurationInfo, KillPolicy, StatusReason, TaskState, TaskStatus};

/// How a task is told to end: sooner than it wants to where the draining says so.
fn policy(most: Option<&DurationInfo>, own: Option<&KillPolicy>) -> Option<KillPolicy> {
    let most = most?;
    let own = own.and_then(|policy| policy.grace_period.as_ref());
    if own.is_some_and(|own| own.nanoseconds <= most.nanoseconds) {
        return None;
    }
    Some(KillPolicy { grace_period: Some(most.clone()), ..KillPolicy::default() })
}

impl Actor {
    /// Ends all tasks.
    pub(super) fn drain(&mut self, config: DrainConfig) {
        if self.books.is_idle() {
            return;
        }
        let most = config.max_grace_period.clone();
        self.books.draining = Some(Draining { config, since: now() });
        let tasks = self.books.frameworks.iter().flat_map(|(id, framework)| {
            let tasks = framework.executors.values().flat_map(|executor| &executor.tasks);
            tasks.map(move |task| (id.clone(), task.info.task_id.clone(), task.info.kill_policy.clone()))
        });
        for (framework_id, task_id, own) in tasks.collect::<Vec<_>>() {
            self.kill(&framework_id, &task_id, policy(most.as_ref(), own.as_ref()));
        }
    }

    /// Says of a task that ends because of it that it does.
    pub(super) fn tell_drained(draining: Option<&Draining>, is_partition_aware: bool, status: &mut TaskStatus) {
        let Some(draining) = draining else { return };
        if !matches!(status.state, TaskState::Killing | TaskState::Killed) {
            return;
        }
        status.reason = Some(StatusReason::AgentDraining);
        if draining.config.mark_gone.unwrap_or(false) && is_partition_aware {
            status.state = TaskState::GoneByOperator;
        }
    }

    /// It is over when nothing is left.
    pub(super) fn end_drain(&mut self) {
        if self.books.is_idle() {
            self.books.draining = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_may_want_less_time_than_the_draining_gives_and_not_more() {
        let seconds = |seconds: i64| DurationInfo { nanoseconds: seconds * 1_000_000_000, ..DurationInfo::default() };
        let wants = |it: i64| KillPolicy { grace_period: Some(seconds(it)), ..KillPolicy::default() };
        for (most, own, told) in [
            (None, Some(5), None),
            (Some(5), None, Some(5)),
            (Some(5), Some(10), Some(5)),
            (Some(5), Some(5), None),
            (Some(5), Some(1), None),
        ] {
            let (most, own) = (most.map(seconds), own.map(wants));
            assert_eq!(policy(most.as_ref(), own.as_ref()), told.map(wants), "{most:?} {own:?}");
        }
    }
}
