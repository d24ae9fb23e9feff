//! Status updates on their way: one at a time per task, in order, sent again until acknowledged.
//!
//! No IO and no clock of its own: every step is told the time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::mesos::{FrameworkId, TaskId, TaskState, TaskStatus};

/// The first wait for an acknowledgement.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// The longest.
const LAST_RETRY: Duration = Duration::from_secs(600);

/// All tasks' updates that nobody has acknowledged.
#[derive(Debug, Default)]
pub(super) struct Updates {
    tasks: HashMap<(FrameworkId, TaskId), Pending>,
}

#[derive(Debug)]
struct Pending {
    /// The first is on its way, the others wait for its acknowledgement.
    queue: VecDeque<Arc<TaskStatus>>,
    wait: Duration,
    due: Instant,
}

/// What an acknowledgement brought about.
#[derive(Debug, PartialEq)]
pub(super) enum Acknowledged {
    /// It was for no update on its way: an old one, or one sent twice.
    Nothing,
    /// This update is through, the next goes out now.
    Next {
        /// What is through.
        state: TaskState,
        /// What to send.
        next: Arc<TaskStatus>,
    },
    /// This update is through, none waits.
    All {
        /// What is through.
        state: TaskState,
    },
}

impl Updates {
    /// Takes an update in; returns it if it is to be sent now.
    pub(super) fn push(
        &mut self,
        framework: &FrameworkId,
        status: Arc<TaskStatus>,
        now: Instant,
    ) -> Option<Arc<TaskStatus>> {
        let key = (framework.clone(), status.task_id.clone());
        let pending = self.tasks.entry(key).or_insert_with(|| Pending {
            queue: VecDeque::new(),
            wait: FIRST_RETRY,
            due: now + FIRST_RETRY,
        });
        pending.queue.push_back(status);
        if pending.queue.len() > 1 {
            return None;
        }
        pending.restart(now);
        pending.queue.front().cloned()
    }

    /// Takes an acknowledgement in.
    pub(super) fn acknowledge(
        &mut self,
        framework: &FrameworkId,
        task: &TaskId,
        uuid: &[u8],
        now: Instant,
    ) -> Acknowledged {
        let key = (framework.clone(), task.clone());
        let Some(pending) = self.tasks.get_mut(&key) else { return Acknowledged::Nothing };
        if pending.queue.front().and_then(|status| status.uuid.as_ref()).is_none_or(|known| known.0 != uuid) {
            return Acknowledged::Nothing;
        }
        let Some(status) = pending.queue.pop_front() else { return Acknowledged::Nothing };
        match pending.queue.front().cloned() {
            Some(next) => {
                pending.restart(now);
                Acknowledged::Next { state: status.state.clone(), next }
            }
            None => {
                self.tasks.remove(&key);
                Acknowledged::All { state: status.state.clone() }
            }
        }
    }

    /// What has waited too long for its acknowledgement, to be sent again; each next wait is twice as long.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(FrameworkId, Arc<TaskStatus>)> {
        let mut due = Vec::new();
        for ((framework, _), pending) in &mut self.tasks {
            if pending.due <= now {
                pending.wait = (pending.wait * 2).min(LAST_RETRY);
                pending.due = now + pending.wait;
                due.extend(pending.queue.front().map(|status| (framework.clone(), status.clone())));
            }
        }
        due
    }

    /// When [`Self::due`] next has something.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.tasks.values().map(|pending| pending.due).min()
    }

    /// The first update of every task, for a master that may have missed it; their waits start anew.
    pub(super) fn resend(&mut self, now: Instant) -> Vec<(FrameworkId, Arc<TaskStatus>)> {
        let first = |((framework, _), pending): (&(FrameworkId, TaskId), &mut Pending)| {
            pending.restart(now);
            Some((framework.clone(), pending.queue.front()?.clone()))
        };
        self.tasks.iter_mut().filter_map(first).collect()
    }

    /// Whether a task has updates on their way.
    pub(super) fn pending(&self, framework: &FrameworkId, task: &TaskId) -> bool {
        self.tasks.contains_key(&(framework.clone(), task.clone()))
    }

    /// The updates of a task on their way, oldest first.
    pub(super) fn of(&self, framework: &FrameworkId, task: &TaskId) -> impl Iterator<Item = &Arc<TaskStatus>> {
        self.tasks.get(&(framework.clone(), task.clone())).into_iter().flat_map(|pending| &pending.queue)
    }

    /// All updates on their way, each task's in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&FrameworkId, &Arc<TaskStatus>)> {
        self.tasks.iter().flat_map(|((framework, _), pending)| pending.queue.iter().map(move |it| (framework, it)))
    }

    /// Forgets a framework's: nobody is left to acknowledge them.
    pub(super) fn forget(&mut self, framework: &FrameworkId) {
        self.tasks.retain(|(of, _), _| of != framework);
    }
}

impl Pending {
    fn restart(&mut self, now: Instant) {
        self.wait = FIRST_RETRY;
        self.due = now + FIRST_RETRY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::Base64;

    fn status(state: TaskState, uuid: u8) -> Arc<TaskStatus> {
        let uuid = Some(Base64(vec![uuid; 16]));
        Arc::new(TaskStatus { task_id: "t".into(), state, uuid, ..Default::default() })
    }

    #[test]
    fn one_update_is_on_its_way_and_the_next_follows_its_acknowledgement() {
        let (mut updates, now, framework) = (Updates::default(), Instant::now(), FrameworkId::from("f"));
        assert!(updates.push(&framework, status(TaskState::Starting, 1), now).is_some());
        assert!(updates.push(&framework, status(TaskState::Running, 2), now).is_none());
        let task = TaskId::from("t");
        assert_eq!(updates.acknowledge(&framework, &task, &[2; 16], now), Acknowledged::Nothing);
        let next = status(TaskState::Running, 2);
        let first = Acknowledged::Next { state: TaskState::Starting, next };
        assert_eq!(updates.acknowledge(&framework, &task, &[1; 16], now), first);
        assert_eq!(updates.acknowledge(&framework, &task, &[1; 16], now), Acknowledged::Nothing);
        let all = Acknowledged::All { state: TaskState::Running };
        assert_eq!(updates.acknowledge(&framework, &task, &[2; 16], now), all);
        assert!(!updates.pending(&framework, &task));
    }

    #[test]
    fn waits_double_up_to_ten_minutes() {
        let (mut updates, mut now, framework) = (Updates::default(), Instant::now(), FrameworkId::from("f"));
        updates.push(&framework, status(TaskState::Running, 1), now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let due = updates.next_due().unwrap();
            assert!(updates.due(due - Duration::from_millis(1)).is_empty());
            waits.push((due - now).as_secs());
            now = due;
            assert_eq!(updates.due(now).len(), 1);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600]);
        updates.resend(now);
        assert_eq!(updates.next_due(), Some(now + FIRST_RETRY));
    }

    #[test]
    fn a_framework_that_is_gone_is_told_nothing() {
        let (mut updates, now, framework) = (Updates::default(), Instant::now(), FrameworkId::from("f"));
        updates.push(&framework, status(TaskState::Running, 1), now);
        updates.forget(&framework);
        assert_eq!(updates.next_due(), None);
    }
}
