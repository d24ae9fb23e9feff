//! What the master keeps of a framework: its stream, its offers, its tasks and executors.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use super::metrics::Counters;
use super::stream::Stream;
use super::validate::framework::can;
use crate::embedded::resources::Resources;
use crate::mesos::{
    AgentId, EventMessage, ExecutorId, ExecutorInfo, FrameworkCapabilityType, FrameworkId, FrameworkInfo,
    OfferConstraints, OfferId, OperationState, Resource, TaskId, TaskInfo, TaskState, TaskStatus,
};

/// How many ended tasks of a framework are remembered.
const COMPLETED_TASKS: usize = 1000;

/// A framework that is or was.
#[derive(Debug)]
pub(super) struct Framework {
    pub(super) id: FrameworkId,
    pub(super) info: Arc<FrameworkInfo>,
    /// Which agents' offers it wants.
    pub(super) constraints: Option<OfferConstraints>,
    /// `None` while it is disconnected.
    pub(super) stream: Option<Stream>,
    pub(super) offers: HashSet<OfferId>,
    pub(super) inverse_offers: HashSet<OfferId>,
    /// Shared with documents that are being written.
    pub(super) tasks: BTreeMap<TaskId, Arc<Task>>,
    pub(super) unreachable: Vec<Arc<Task>>,
    pub(super) completed: VecDeque<Arc<Task>>,
    pub(super) executors: HashMap<AgentId, Vec<ExecutorInfo>>,
    pub(super) operations: Vec<Operation>,
    pub(super) registered: SystemTime,
    pub(super) reregistered: SystemTime,
    pub(super) unregistered: Option<SystemTime>,
    /// Counts its subscriptions: a failover timer of an earlier one means nothing.
    pub(super) subscriptions: u64,
    /// Whether only agents have told of it, since the master's start.
    pub(super) recovered: bool,
    /// What it called, was sent and did.
    pub(super) counters: Counters,
}

impl Framework {
    pub(super) fn new(id: FrameworkId, mut info: FrameworkInfo) -> Self {
        info.id = Some(id.clone());
        let now = SystemTime::now();
        Self {
            id,
            info: Arc::new(info),
            constraints: None,
            stream: None,
            offers: HashSet::new(),
            inverse_offers: HashSet::new(),
            tasks: BTreeMap::new(),
            unreachable: Vec::new(),
            completed: VecDeque::new(),
            executors: HashMap::new(),
            operations: Vec::new(),
            registered: now,
            reregistered: now,
            unregistered: None,
            subscriptions: 0,
            recovered: false,
            counters: Counters::default(),
        }
    }

    /// Sends an event if the framework is connected.
    pub(super) fn send(&self, event: &EventMessage) {
        if let Some(stream) = &self.stream {
            self.count("events", event.r#type.as_ref().map_or("", |kind| kind.as_str()));
            stream.send(event);
        }
    }

    /// Its offer constraints, as they are shown.
    pub(super) fn constraints_shown(&self) -> serde_json::Value {
        self.constraints.as_ref().map_or_else(|| serde_json::json!({}), |constraints| serde_json::json!(constraints))
    }

    pub(super) fn can(&self, capability: &FrameworkCapabilityType) -> bool {
        can(&self.info, capability)
    }

    pub(super) fn partition_aware(&self) -> bool {
        self.can(&FrameworkCapabilityType::PartitionAware)
    }

    pub(super) fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.get(id).map(Arc::as_ref)
    }

    pub(super) fn task_mut(&mut self, id: &TaskId) -> Option<&mut Task> {
        self.tasks.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn executor(&self, agent: &AgentId, id: &ExecutorId) -> Option<&ExecutorInfo> {
        self.executors.get(agent)?.iter().find(|executor| executor.executor_id == *id)
    }

    /// Puts a task among those that have ended. What its executor was to know of it is of no use any more.
    pub(super) fn complete(&mut self, mut task: Arc<Task>) {
        if task.info.data.is_some() {
            let info = TaskInfo { data: None, ..TaskInfo::clone(&task.info) };
            Arc::make_mut(&mut task).info = Arc::new(info);
        }
        if self.completed.len() == COMPLETED_TASKS {
            self.completed.pop_front();
        }
        self.completed.push_back(task);
    }

    /// What its live tasks and executors use, on one agent or everywhere.
    pub(super) fn used(&self, agent: Option<&AgentId>) -> Resources {
        let mut used = Resources::default();
        let here = |of: &AgentId| agent.is_none_or(|agent| agent == of);
        for task in self.tasks.values().filter(|task| here(task.agent()) && !task.is_over()) {
            used.add_list(&task.info.resources);
        }
        for (_, executors) in self.executors.iter().filter(|(of, _)| here(of)) {
            executors.iter().for_each(|executor| used.add_list(&executor.resources));
        }
        used
    }
}

/// Whether a state is final.
pub(super) fn is_terminal(state: &TaskState) -> bool {
    use TaskState::{Dropped, Error, Failed, Finished, Gone, GoneByOperator, Killed, Lost};
    matches!(state, Finished | Failed | Killed | Error | Lost | Dropped | Gone | GoneByOperator)
}

/// A task as the master keeps it.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Itself, its resources marked with their role; its agent has the same.
    pub(super) info: Arc<TaskInfo>,
    /// Its own executor's or its group's; none for commands and containers.
    pub(super) executor: Option<ExecutorId>,
    pub(super) state: TaskState,
    pub(super) statuses: Vec<Arc<TaskStatus>>,
    /// State and uuid of the update that was last sent to the scheduler.
    pub(super) sent: Option<(TaskState, Vec<u8>)>,
}

impl Task {
    pub(super) fn new(info: Arc<TaskInfo>) -> Self {
        let executor = info.executor.as_ref().map(|executor| executor.executor_id.clone());
        Self { info, executor, state: TaskState::Staging, statuses: Vec::new(), sent: None }
    }

    pub(super) fn id(&self) -> &TaskId {
        &self.info.task_id
    }

    pub(super) fn agent(&self) -> &AgentId {
        &self.info.agent_id
    }

    /// Whom it runs as, if it says so.
    pub(super) fn user(&self) -> Option<&str> {
        let executors = || self.info.executor.as_ref()?.command.as_ref()?.user.as_deref();
        self.info.command.as_ref().and_then(|command| command.user.as_deref()).or_else(executors)
    }

    /// Whether it uses nothing any more.
    pub(super) fn is_over(&self) -> bool {
        is_terminal(&self.state) || self.state == TaskState::Unreachable
    }

    /// The state as its scheduler knows it.
    pub(super) fn told(&self) -> &TaskState {
        self.sent.as_ref().map_or(&self.state, |(state, _)| state)
    }
}

/// An operation on resources whose status somebody may ask for.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) agent: AgentId,
    /// As the scheduler gave it; without an id nobody is told.
    pub(super) info: crate::mesos::Operation,
    pub(super) state: OperationState,
    /// Of the status.
    pub(super) uuid: Vec<u8>,
    /// Of the operation.
    pub(super) own_uuid: Vec<u8>,
    /// How often its status was sent.
    pub(super) sent: u32,
}

impl Operation {
    /// The resources that it is about.
    pub(super) fn resources(&self) -> Vec<Resource> {
        let made = super::conversion::conversions(&self.info);
        made.into_iter().flat_map(|one| one.from.into_list().into_iter().chain(one.to.into_list())).collect()
    }
}
