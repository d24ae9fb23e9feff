//! What the embedded master and its agents tell each other, in one process and in order.
//!
//! Both sides own their state; nothing is shared but these messages, and of them what never changes: what a task is, and
//! what was said of it. It is kept once, however many know it.

use std::sync::Arc;

use tokio::sync::mpsc;

use serde::{Deserialize, Serialize};

use crate::mesos::{
    AgentId, AgentInfo, DrainConfig, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy, Operation,
    Resource, TaskId, TaskInfo, TaskState, TaskStatus,
};

/// What the master tells an agent.
#[derive(Clone, Debug)]
pub(super) enum ToAgent {
    /// The master has taken the agent in under this id; what it was told before is void.
    Registered(AgentId),
    /// Launch a task: with its own executor, or as a command or container where it has none.
    Launch {
        /// Its framework.
        framework: Arc<FrameworkInfo>,
        /// The task, validated, its resources allocated.
        task: Arc<TaskInfo>,
    },
    /// Launch tasks that live and die together, under a default executor.
    LaunchGroup {
        /// Their framework.
        framework: Arc<FrameworkInfo>,
        /// Their executor.
        executor: Box<ExecutorInfo>,
        /// The tasks.
        tasks: Vec<Arc<TaskInfo>>,
    },
    /// Stop a task.
    Kill {
        /// Its framework.
        framework_id: FrameworkId,
        /// The task.
        task_id: TaskId,
        /// How, if not as the task said itself.
        policy: Option<KillPolicy>,
    },
    /// A scheduler has acknowledged an update.
    Acknowledge {
        /// The framework.
        framework_id: FrameworkId,
        /// The task.
        task_id: TaskId,
        /// The update's uuid, 16 bytes.
        uuid: Vec<u8>,
    },
    /// Bytes for an executor.
    Message {
        /// The framework.
        framework_id: FrameworkId,
        /// The executor.
        executor_id: ExecutorId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Stop an executor and its tasks.
    ShutdownExecutor {
        /// The framework.
        framework_id: FrameworkId,
        /// The executor.
        executor_id: ExecutorId,
    },
    /// End all tasks, in at most the time that this says, and take no new ones until nothing runs.
    Drain(Box<DrainConfig>),
    /// The master knows of these tasks, too: those that the agent doesn't are over.
    Reconcile {
        /// Their framework.
        framework: Arc<FrameworkInfo>,
        /// Them.
        tasks: Vec<TaskId>,
    },
    /// The framework is gone: kill all that it runs, send nothing for it any more.
    ShutdownFramework(FrameworkId),
    /// A framework says something else of itself.
    Framework(Arc<FrameworkInfo>),
    /// Operations have made this of the agent's resources.
    Resources(Vec<Resource>),
    /// An operation is done whose status a scheduler has to acknowledge.
    Applied(Box<Applied>),
    /// A scheduler has acknowledged that status: the operation's uuid.
    OperationAcknowledged(Vec<u8>),
    /// The agent is not wanted: it ends all that it runs, and asks again later, or never.
    Refused {
        /// Why.
        why: &'static str,
        /// Whether it may ask again.
        again: bool,
    },
    /// A fault: the executor of this task crashes.
    Crash {
        /// The framework.
        framework_id: FrameworkId,
        /// The task.
        task_id: TaskId,
    },
}

/// What an agent tells the master.
#[derive(Clone, Debug)]
pub(super) enum ToMaster {
    /// The agent is up (again) and wants an id; comes first.
    Register(Box<Registration>),
    /// A task's state has changed, or has not been acknowledged for a while. Comes until it is acknowledged.
    Update {
        /// The framework.
        framework_id: FrameworkId,
        /// The update, with uuid, timestamp, source and agent id.
        status: Arc<TaskStatus>,
        /// What has become of the task since, as far as the agent still has it: updates behind this one wait.
        latest: Option<TaskState>,
    },
    /// An executor sent bytes.
    Message {
        /// The framework.
        framework_id: FrameworkId,
        /// The executor.
        executor_id: ExecutorId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// An executor is gone.
    ExecutorExited {
        /// The framework.
        framework_id: FrameworkId,
        /// The executor.
        executor_id: ExecutorId,
        /// Its wait status.
        status: i32,
    },
    /// The agent stops.
    Unregister,
}

/// What an agent says when it comes, and comes back.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    /// Itself: host name, port, resources, attributes, and its former id if it has one.
    pub(super) info: AgentInfo,
    /// Its HTTP API's libprocess id, such as `slave(1)@127.0.0.1:5051`.
    pub(super) pid: String,
    /// Where to send.
    pub(super) link: mpsc::UnboundedSender<ToAgent>,
    /// What operations have made of its resources.
    pub(super) resources: Option<Vec<Resource>>,
    /// What it runs already, or what of it hasn't been acknowledged.
    pub(super) survivors: Vec<Survivors>,
    /// Operations whose status hasn't been acknowledged.
    pub(super) operations: Vec<Applied>,
}

/// An operation on an agent's resources that is done, successfully.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Applied {
    /// Who asked for it.
    pub(super) framework_id: FrameworkId,
    /// It, with an id.
    pub(super) info: Operation,
    /// Its uuid.
    pub(super) uuid: Vec<u8>,
}

/// An executor's tasks that their agent runs without the master's knowing: one of them has started anew, or the agent
/// was out of reach.
#[derive(Clone, Debug)]
pub(super) struct Survivors {
    /// Their framework.
    pub(super) framework: Arc<FrameworkInfo>,
    /// Their executor, unless the agent made it up.
    pub(super) executor: Option<ExecutorInfo>,
    /// The tasks.
    pub(super) tasks: Vec<Survivor>,
}

/// A task that its agent tells of.
#[derive(Clone, Debug)]
pub(super) struct Survivor {
    /// Itself.
    pub(super) info: Arc<TaskInfo>,
    /// Its updates so far, the last of which is its state.
    pub(super) statuses: Vec<Arc<TaskStatus>>,
    /// State and uuid of the update that is with the scheduler: the first that isn't acknowledged, or the last.
    pub(super) sent: Option<(TaskState, Vec<u8>)>,
}

/// A message to the master, and the agent (by its place among the cluster's agents) that sends it.
pub(super) type FromAgent = (usize, ToMaster);
