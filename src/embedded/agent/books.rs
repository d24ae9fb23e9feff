//! What an agent knows of the frameworks, executors and tasks it runs and ran. Data only.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::checkpoint::{self, shared};
use super::executor::Stop;
use super::task::Order;
use super::view::generated_executor;
use crate::embedded::link::Applied;
use crate::embedded::wire::Format;
use crate::mesos::{
    AgentId, ContainerId, DrainConfig, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, Resource, TaskId,
    TaskInfo, TaskState, TaskStatus,
};

/// How many completed executors of a framework are remembered, as by a real agent.
const COMPLETED_EXECUTORS: usize = 150;
/// How many completed tasks of an executor.
const COMPLETED_TASKS: usize = 200;
/// How many completed frameworks.
const COMPLETED_FRAMEWORKS: usize = 50;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// The id that the master gave.
    pub(super) agent_id: Option<AgentId>,
    /// Those with something that runs or isn't acknowledged.
    pub(super) frameworks: BTreeMap<FrameworkId, Framework>,
    /// The others, oldest first.
    pub(super) completed: VecDeque<Framework>,
    /// What operations have made of its resources.
    pub(super) resources: Option<Vec<Resource>>,
    /// Operations whose status no scheduler has acknowledged.
    pub(super) operations: Vec<Applied>,
    /// Whether and since when its tasks are to end.
    pub(super) draining: Option<Draining>,
}

/// An order to end all tasks.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Draining {
    /// How.
    pub(super) config: DrainConfig,
    /// Since when, in seconds since 1970.
    pub(super) since: f64,
}

/// A framework's part.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Framework {
    /// Itself.
    #[serde(with = "shared")]
    pub(super) info: Arc<FrameworkInfo>,
    /// Its executors; boxed, since a map keeps room for many and mostly has one.
    #[serde(serialize_with = "checkpoint::write_executors", deserialize_with = "checkpoint::read_executors")]
    pub(super) executors: BTreeMap<ExecutorId, Box<Executor>>,
    /// Those that are over, oldest first.
    #[serde(skip)]
    pub(super) completed: VecDeque<Box<Executor>>,
    /// Whether it is being shut down: nobody hears its updates any more.
    pub(super) terminating: bool,
}

/// What kind of executor it is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum Kind {
    /// Made up by the agent for one command.
    Command,
    /// Made up by the agent for one container.
    Docker,
    /// A default executor with groups of tasks.
    Default,
    /// A framework's own.
    Custom,
}

impl Kind {
    /// Whether the agent made it up.
    pub(super) fn is_generated(self) -> bool {
        matches!(self, Self::Command | Self::Docker)
    }
}

/// An executor.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Executor {
    /// Its id.
    pub(super) id: ExecutorId,
    /// Whose it is.
    pub(super) framework_id: FrameworkId,
    /// Itself, unless the agent made it up: then its task says all of it.
    pub(super) own: Option<Box<ExecutorInfo>>,
    /// Its kind.
    pub(super) kind: Kind,
    /// Its container's id.
    pub(super) container_id: String,
    /// Its sandbox.
    pub(super) directory: PathBuf,
    /// Its tasks that aren't over, or whose end isn't acknowledged.
    pub(super) tasks: Vec<Task>,
    /// The others, oldest first.
    #[serde(skip)]
    pub(super) completed: VecDeque<Task>,
    /// The process of a framework's own executor.
    pub(super) pid: Option<u32>,
    /// When that started, as [`Task::started`] has it.
    #[serde(default)]
    pub(super) started: Option<u64>,
    /// Whether it has to come back to this agent, which isn't the one that started it.
    #[serde(skip)]
    pub(super) returning: bool,
    /// What such an executor hasn't been sent yet.
    #[serde(skip)]
    pub(super) queued: Vec<Queued>,
    /// Where such an executor listens.
    #[serde(skip)]
    pub(super) subscriber: Option<Subscriber>,
    /// How to end such an executor; gone when its process is.
    #[serde(skip)]
    pub(super) stop: Option<mpsc::UnboundedSender<Stop>>,
    /// Whether a fault has made it crash.
    #[serde(skip)]
    pub(super) crashed: bool,
    /// Whether a task of it was killed for its health: what ends later counts as sick, as by a real default executor.
    #[serde(skip)]
    pub(super) unhealthy: bool,
}

/// Tasks that wait for their executor.
#[derive(Debug)]
pub(super) struct Queued {
    /// Them.
    pub(super) tasks: Vec<Arc<TaskInfo>>,
    /// Whether they are one group.
    pub(super) grouped: bool,
}

/// An executor's event stream.
#[derive(Debug)]
pub(super) struct Subscriber {
    /// How it wants its events.
    pub(super) format: Format,
    /// Where they go, framed.
    pub(super) sender: mpsc::UnboundedSender<Bytes>,
}

/// A task.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Task {
    /// Itself.
    #[serde(with = "shared")]
    pub(super) info: Arc<TaskInfo>,
    /// Its container.
    pub(super) container_id: ContainerId,
    /// Every update so far.
    #[serde(with = "checkpoint::shared_list")]
    pub(super) statuses: Vec<Arc<TaskStatus>>,
    /// Which of its executor's groups it belongs to.
    pub(super) group: usize,
    /// Its folder.
    pub(super) sandbox: PathBuf,
    /// Its first process.
    pub(super) pid: Option<u32>,
    /// When that started, in the system's ticks: a process number alone may come to mean another process.
    pub(super) started: Option<u64>,
    /// Whether nothing is run, only its states are shown.
    pub(super) simulated: bool,
    /// How to stop it; gone when nothing of it runs.
    #[serde(skip)]
    pub(super) orders: Option<mpsc::UnboundedSender<Order>>,
}

/// Whether a state is a task's last.
pub(super) fn is_terminal(state: &TaskState) -> bool {
    matches!(
        state,
        TaskState::Finished
            | TaskState::Failed
            | TaskState::Killed
            | TaskState::Error
            | TaskState::Lost
            | TaskState::Dropped
            | TaskState::Gone
            | TaskState::GoneByOperator
    )
}

impl Task {
    /// Its latest state.
    pub(super) fn state(&self) -> TaskState {
        self.statuses.last().map_or(TaskState::Staging, |status| status.state.clone())
    }
}

impl Books {
    /// An executor by its ids.
    pub(super) fn executor(&mut self, framework: &FrameworkId, executor: &ExecutorId) -> Option<&mut Executor> {
        Some(self.frameworks.get_mut(framework)?.executors.get_mut(executor)?.as_mut())
    }

    /// A task by its ids.
    pub(super) fn task(&mut self, framework: &FrameworkId, executor: &ExecutorId, task: &TaskId) -> Option<&mut Task> {
        self.executor(framework, executor)?.tasks.iter_mut().find(|known| known.info.task_id == *task)
    }

    /// The executor that has a task.
    pub(super) fn executor_of(&self, framework: &FrameworkId, task: &TaskId) -> Option<&ExecutorId> {
        let framework = self.frameworks.get(framework)?;
        let has = |executor: &Executor| executor.tasks.iter().any(|known| known.info.task_id == *task);
        framework.executors.iter().find(|(_, executor)| has(executor.as_ref())).map(|(id, _)| id)
    }

    /// Whether nothing runs and nobody has to be told anything.
    pub(super) fn is_idle(&self) -> bool {
        self.frameworks.is_empty() && self.operations.is_empty()
    }

    /// Moves what is over to the completed: `pending` says whether a task's updates are still on their way.
    pub(super) fn settle(&mut self, framework_id: &FrameworkId, pending: impl Fn(&TaskId) -> bool) {
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        for executor in framework.executors.values_mut() {
            executor.settle(framework.terminating, &pending);
        }
        let over = |executor: &Executor| executor.tasks.is_empty() && executor.stop.is_none();
        let ids: Vec<_> = framework.executors.iter().filter(|(_, it)| over(it)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            if let Some(executor) = framework.executors.remove(&id) {
                keep(&mut framework.completed, executor, COMPLETED_EXECUTORS);
            }
        }
        if framework.executors.is_empty()
            && let Some(framework) = self.frameworks.remove(framework_id)
        {
            self.completed.retain(|known| known.info.id.as_ref() != Some(framework_id));
            keep(&mut self.completed, framework, COMPLETED_FRAMEWORKS);
        }
    }

    /// A framework's part, taken up again if it had been completed.
    pub(super) fn framework(&mut self, info: &Arc<FrameworkInfo>, id: &FrameworkId) -> &mut Framework {
        let completed = &mut self.completed;
        let framework = self.frameworks.entry(id.clone()).or_insert_with(|| {
            let known = completed.iter().position(|known| known.info.id.as_ref() == Some(id));
            known.and_then(|at| completed.remove(at)).unwrap_or_else(|| Framework {
                info: info.clone(),
                executors: BTreeMap::new(),
                completed: VecDeque::new(),
                terminating: false,
            })
        });
        framework.info = info.clone();
        framework.terminating = false;
        framework
    }
}

impl Executor {
    /// One that has no tasks yet.
    pub(super) fn new(framework_id: FrameworkId, id: ExecutorId, kind: Kind) -> Self {
        Self {
            id,
            framework_id,
            own: None,
            kind,
            container_id: String::new(),
            directory: PathBuf::new(),
            // One that the agent makes up never has more.
            tasks: Vec::with_capacity(usize::from(kind.is_generated())),
            completed: VecDeque::new(),
            pid: None,
            started: None,
            returning: false,
            queued: Vec::new(),
            subscriber: None,
            stop: None,
            crashed: false,
            unhealthy: false,
        }
    }

    /// What it is.
    pub(super) fn info(&self) -> Cow<'_, ExecutorInfo> {
        if let Some(own) = &self.own {
            return Cow::Borrowed(own);
        }
        let made_up = |task: &Task| generated_executor(&self.framework_id, &task.info);
        Cow::Owned(self.tasks.first().or(self.completed.back()).map(made_up).unwrap_or_default())
    }

    fn settle(&mut self, terminating: bool, pending: &impl Fn(&TaskId) -> bool) {
        let mut index = 0;
        while let Some(task) = self.tasks.get(index) {
            // Nobody acknowledges for a framework that is gone.
            let told = terminating || is_terminal(&task.state()) && !pending(&task.info.task_id);
            if task.orders.is_none() && told {
                let task = self.tasks.remove(index);
                keep(&mut self.completed, task, COMPLETED_TASKS);
            } else {
                index += 1;
            }
        }
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T, most: usize) {
    list.push_back(item);
    if list.len() > most {
        list.pop_front();
    }
}
