//! What the embedded master and its agents tell each other, in one process and in order.
//!
//! Both sides own their state; nothing is shared but these messages.

use tokio::sync::mpsc;

use crate::mesos::{
    AgentId, AgentInfo, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy, TaskId, TaskInfo, TaskStatus,
};

/// What the master tells an agent.
#[derive(Clone, Debug)]
pub(super) enum ToAgent {
    /// The master has taken the agent in under this id; what it was told before is void.
    Registered(AgentId),
    /// Launch a task: with its own executor, or as a command or container where it has none.
    Launch {
        /// Its framework.
        framework: Box<FrameworkInfo>,
        /// The task, validated, its resources allocated.
        task: Box<TaskInfo>,
    },
    /// Launch tasks that live and die together, under a default executor.
    LaunchGroup {
        /// Their framework.
        framework: Box<FrameworkInfo>,
        /// Their executor.
        executor: Box<ExecutorInfo>,
        /// The tasks.
        tasks: Vec<TaskInfo>,
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
    /// The framework is gone: kill all that it runs, send nothing for it any more.
    ShutdownFramework(FrameworkId),
}

/// What an agent tells the master.
#[derive(Clone, Debug)]
pub(super) enum ToMaster {
    /// The agent is up (again) and wants an id; comes first. With the tasks that survived a restart.
    Register {
        /// Itself: host name, port, resources, attributes, and its former id if it has one.
        info: Box<AgentInfo>,
        /// Its HTTP API's libprocess id, such as `slave(1)@127.0.0.1:5051`.
        pid: String,
        /// Where to send.
        link: mpsc::UnboundedSender<ToAgent>,
        /// What an earlier run of it left running, or not yet acknowledged.
        survivors: Vec<Survivors>,
    },
    /// A task's state has changed, or has not been acknowledged for a while. Comes until it is acknowledged.
    Update {
        /// The framework.
        framework_id: FrameworkId,
        /// The update, with uuid, timestamp, source and agent id.
        status: Box<TaskStatus>,
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

/// An executor's tasks that outlived their agent's process.
#[derive(Clone, Debug)]
pub(super) struct Survivors {
    /// Their framework.
    pub(super) framework: FrameworkInfo,
    /// Their executor, unless the agent made it up.
    pub(super) executor: Option<ExecutorInfo>,
    /// The tasks, and each one's updates so far, the last of which is its state.
    pub(super) tasks: Vec<(TaskInfo, Vec<TaskStatus>)>,
}

/// A message to the master, and the agent (by its place among the cluster's agents) that sends it.
pub(super) type FromAgent = (usize, ToMaster);
