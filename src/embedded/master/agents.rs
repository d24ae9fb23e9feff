//! Agents: what the master keeps of them, what they report, their end. How they come is `recovery`'s.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::actor::{Master, event, nanoseconds};
use crate::embedded::fault::active::Fate;
use crate::embedded::link::{ToAgent, ToMaster};
use crate::embedded::resources::{Resources, is_persistent_volume};
use crate::mesos::{
    AgentId, AgentInfo, Base64, EventMessage, EventType, ExecutorId, ExecutorMessage, Failure, FrameworkId, MachineId,
    StatusReason, StatusSource, TaskId, TaskState, TaskStatus, TimeInfo, Update,
};

/// What the master keeps of an agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: AgentId,
    /// With its id; resources in the form with `reservations`.
    pub(super) info: AgentInfo,
    pub(super) pid: String,
    pub(super) link: mpsc::UnboundedSender<ToAgent>,
    pub(super) registered: SystemTime,
    pub(super) reregistered: Option<SystemTime>,
    /// Whether its resources are offered.
    pub(super) active: bool,
    /// Whether an operator has taken it out.
    pub(super) deactivated: bool,
    /// Set while it drains: the configuration as it was asked for.
    pub(super) draining: Option<crate::mesos::DrainConfig>,
    /// Since when it drains.
    pub(super) drain_started: Option<SystemTime>,
    /// Since when it can't be reached, which isn't noticed yet.
    pub(super) silent: Option<Instant>,
}

impl Agent {
    /// Sends it a message; one that is gone hears nothing, and its tasks are dealt with when that is noticed.
    pub(super) fn tell(&self, message: ToAgent) {
        if self.link.send(message).is_err() {
            tracing::debug!(agent = %self.id, "a message for an agent that is gone");
        }
    }

    /// The machine it is on.
    pub(super) fn machine(&self) -> MachineId {
        super::maintenance::machine_of(&self.info.hostname, super::offers::agent_ip(&self.pid))
    }

    /// As Mesos prints an agent.
    pub(super) fn printed(&self) -> String {
        format!("{} at {} ({})", self.id, self.pid, self.info.hostname)
    }
}

impl Master {
    pub(super) fn agent_says(&mut self, index: usize, message: ToMaster) {
        let known = self.agents.get(&index);
        if known.is_some_and(|agent| agent.silent.is_some()) && !matches!(message, ToMaster::Register(_)) {
            return;
        }
        let id = known.map(|agent| agent.id.clone());
        if let ToMaster::Update { status, .. } = &message {
            match self.faults.update(&status.task_id) {
                Fate::Pass => {}
                Fate::Drop => return,
                Fate::Double => self.agent_reports(id.clone(), index, message.clone()),
            }
        }
        self.agent_reports(id, index, message);
    }

    fn agent_reports(&mut self, id: Option<AgentId>, index: usize, message: ToMaster) {
        match (message, id) {
            (ToMaster::Register(registration), _) => self.register(index, *registration),
            (ToMaster::Update { framework_id, status, latest }, Some(agent)) => {
                self.agent_update(&agent, &framework_id, status, latest);
            }
            (ToMaster::Message { framework_id, executor_id, data }, Some(agent)) => {
                self.count("messages_executor_to_framework");
                let known = self.framework(&framework_id).is_some_and(|framework| framework.stream.is_some());
                let kind = if known { "valid" } else { "invalid" };
                self.counters.count(format!("{kind}_executor_to_framework_messages"));
                let message =
                    ExecutorMessage { agent_id: agent, executor_id, data: Base64(data), ..ExecutorMessage::default() };
                self.send(&framework_id, &EventMessage { message: Some(message), ..event(EventType::Message) });
            }
            (ToMaster::ExecutorExited { framework_id, executor_id, status }, Some(agent)) => {
                self.executor_exited(&agent, &framework_id, &executor_id, status);
            }
            (ToMaster::Unregister, Some(agent)) => {
                self.count("messages_unregister_slave");
                self.count("slave_removals");
                self.count("slave_removals/reason_unregistered");
                self.remove_agent(&agent, "the agent unregistered");
            }
            (_, None) => tracing::debug!(index, "a message from an agent that isn't registered"),
        }
    }

    /// An agent's update goes on to the scheduler, who acknowledges it; without a scheduler the agent tries again.
    fn agent_update(
        &mut self,
        agent: &AgentId,
        framework_id: &FrameworkId,
        mut status: Arc<TaskStatus>,
        latest: Option<TaskState>,
    ) {
        self.count("messages_status_update");
        if status.agent_id.is_none() {
            Arc::make_mut(&mut status).agent_id = Some(agent.clone());
        }
        if let Some(framework) = self.framework_mut(framework_id) {
            let connected = framework.stream.is_some();
            let uuid = status.uuid.as_ref().map(|uuid| uuid.0.clone());
            // Whoever subscribes later is told of it by reconciliation. (apache/mesos: src/master/master.cpp, `updateTask`)
            if let (Some(task), Some(uuid)) = (framework.task_mut(&status.task_id), uuid) {
                task.sent = Some((status.state.clone(), uuid));
            }
            if connected {
                self.forward(framework_id, &status);
            }
        }
        let task = status.task_id.clone();
        let framework = self.framework(framework_id);
        let is_valid = framework.is_some_and(|one| one.stream.is_some() && one.task(&task).is_some());
        self.count(if is_valid { "valid_status_updates" } else { "invalid_status_updates" });
        self.update_task(framework_id, &task, &status, latest);
    }

    /// Sends an update on.
    pub(super) fn forward(&self, framework: &FrameworkId, status: &TaskStatus) {
        let update = Update { status: status.clone(), ..Update::default() };
        self.send(framework, &EventMessage { update: Some(update), ..event(EventType::Update) });
    }

    /// An update of the master's own, which needs no acknowledgement.
    pub(super) fn status(
        &self,
        task: &TaskId,
        state: TaskState,
        reason: Option<StatusReason>,
        message: Option<String>,
    ) -> TaskStatus {
        TaskStatus {
            task_id: task.clone(),
            state,
            message,
            source: Some(StatusSource::Master),
            reason,
            timestamp: Some(super::actor::seconds(SystemTime::now())),
            ..TaskStatus::default()
        }
    }

    fn executor_exited(&mut self, agent: &AgentId, framework_id: &FrameworkId, executor: &ExecutorId, status: i32) {
        self.count("messages_exited_executor");
        if !self.remove_executor(agent, framework_id, executor) {
            return;
        }
        let failure = Failure {
            agent_id: Some(agent.clone()),
            executor_id: Some(executor.clone()),
            status: Some(status),
            ..Failure::default()
        };
        self.send(framework_id, &EventMessage { failure: Some(failure), ..event(EventType::Failure) });
    }

    /// Forgets an executor and takes its resources back; `false` if there was none.
    pub(super) fn remove_executor(&mut self, agent: &AgentId, framework_id: &FrameworkId, id: &ExecutorId) -> bool {
        let Some(framework) = self.framework_mut(framework_id) else { return false };
        let Some(executors) = framework.executors.get_mut(agent) else { return false };
        let Some(at) = executors.iter().position(|executor| executor.executor_id == *id) else { return false };
        let executor = executors.remove(at);
        if executors.is_empty() {
            framework.executors.remove(agent);
        }
        let resources = Resources::of(&executor.resources);
        self.allocator.recover(framework_id, agent, &resources, None, tokio::time::Instant::now());
        true
    }

    /// An agent is gone for good; so are its tasks.
    pub(super) fn remove_agent(&mut self, id: &AgentId, cause: &str) {
        let Some(agent) = self.agent(id) else { return };
        let message = format!("Agent {} removed: {cause}", agent.info.hostname);
        self.end_tasks(id, |aware| {
            let state = if aware { TaskState::Gone } else { TaskState::Lost };
            (state, StatusReason::AgentRemoved, message.clone())
        });
        self.drop_agent(id);
        self.tell_operators("AGENT_REMOVED", None, Some(id));
    }

    /// An operator says that an agent will never come back.
    pub(super) fn mark_gone(&mut self, id: &AgentId) {
        self.count("slave_removals");
        self.end_tasks(id, gone);
        self.refuse_agent(id, "Agent has been marked gone", false);
        self.gone.insert(id.clone());
        self.unreachable.remove(id);
        self.end_unreachable(id);
        self.registry_changed = true;
        self.drop_agent(id);
    }

    /// Tasks of an agent that couldn't be reached are over when it is given up. One that is lost already is told of again.
    fn end_unreachable(&mut self, agent: &AgentId) {
        let mut ended = Vec::new();
        for framework in &mut self.frameworks {
            let aware = framework.partition_aware();
            for task in framework.unreachable.extract_if(.., |task| task.agent() == agent) {
                ended.push((framework.id.clone(), aware, task.id().clone(), task.executor.clone()));
                framework.tasks.insert(task.id().clone(), task);
            }
        }
        for (framework, aware, task, executor_id) in ended {
            let (state, reason, message) = gone(aware);
            let status = self.status(&task, state, Some(reason), Some(message));
            let status = Arc::new(TaskStatus { agent_id: Some(agent.clone()), executor_id, ..status });
            self.update_task(&framework, &task, &status, None);
            self.forward(&framework, &status);
            self.remove_task(&framework, &task);
        }
    }

    /// Tells an agent, if it can be told, that it isn't wanted.
    pub(super) fn refuse_agent(&self, id: &AgentId, why: &'static str, again: bool) {
        if let Some(agent) = self.agent(id) {
            agent.tell(ToAgent::Refused { why, again });
        }
    }

    /// Ends every task on an agent with the state, reason and message that `how` gives for partition awareness.
    fn end_tasks(&mut self, agent: &AgentId, how: impl Fn(bool) -> (TaskState, StatusReason, String)) {
        for (framework, aware, task) in self.tasks_on(agent) {
            let (state, reason, message) = how(aware);
            let mut status = self.status(&task, state, Some(reason), Some(message));
            status.agent_id = Some(agent.clone());
            let status = Arc::new(status);
            self.update_task(&framework, &task, &status, None);
            self.forward(&framework, &status);
            self.remove_task(&framework, &task);
        }
    }

    /// Forgets the agent itself: its offers are rescinded, frameworks are told.
    pub(super) fn drop_agent(&mut self, id: &AgentId) {
        let offers: Vec<_> =
            self.offers.values().filter(|offer| offer.agent_id == *id).map(|offer| offer.id.clone()).collect();
        offers.iter().for_each(|offer| self.rescind(offer));
        self.drop_inverse_offers_of(id);
        for framework in &mut self.frameworks {
            framework.executors.remove(id);
            framework.tasks.retain(|_, task| task.agent() != id);
        }
        if let Some(place) = self.places.remove(id) {
            self.agents.remove(&place);
            self.registry_changed = true;
        }
        self.allocator.remove_agent(id);
        let failure = Failure { agent_id: Some(id.clone()), ..Failure::default() };
        let event = EventMessage { failure: Some(failure), ..event(EventType::Failure) };
        self.frameworks.iter().for_each(|framework| framework.send(&event));
    }

    /// The agent's volumes.
    pub(super) fn volumes(&self, id: &AgentId) -> Resources {
        self.allocator.total(id).filtered(is_persistent_volume)
    }

    /// Since when an agent can't be reached.
    pub(super) fn unreachable_since(&self, id: &AgentId) -> Option<TimeInfo> {
        let since = self.unreachable.get(id)?;
        Some(TimeInfo { nanoseconds: nanoseconds(*since), ..TimeInfo::default() })
    }
}

/// How a task ends whose agent an operator gives up, for a framework that knows partitions or one that doesn't.
/// (apache/mesos: src/master/master.cpp, `markGone`)
fn gone(aware: bool) -> (TaskState, StatusReason, String) {
    let message = "Agent has been marked gone".to_owned();
    match aware {
        true => (TaskState::GoneByOperator, StatusReason::AgentRemovedByOperator, message),
        false => (TaskState::Lost, StatusReason::AgentRemoved, message),
    }
}
