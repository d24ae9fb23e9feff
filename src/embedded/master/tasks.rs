//! Calls about tasks, and what is known of them.

use std::sync::Arc;

use tokio::time::Instant;

use super::actor::{Answer, Master, event};
use super::framework::is_terminal;
use super::validate::{call as check, role};
use crate::embedded::link::ToAgent;
use crate::embedded::resources::Resources;
use crate::mesos::{
    Acknowledge, AgentId, CallMessage, CallType, EventMessage, EventType, FrameworkId, Kill, OperationState,
    OperationStatus, Reconcile, ReconcileOperations, ReconcileTask, StatusReason, TaskId, TaskState, TaskStatus,
    UpdateOperationStatus,
};

impl Master {
    /// Any call but SUBSCRIBE, its form checked.
    pub(super) fn call(&mut self, call: CallMessage, principal: Option<&str>, stream: Option<&[u8]>) -> Answer {
        let Some(framework) = call.framework_id.as_ref().and_then(|id| self.framework(id)) else {
            return Answer::new(400, "Framework cannot be found");
        };
        framework.count("calls", call.r#type.as_ref().map_or("", |kind| kind.as_str()));
        let of_framework = framework.info.principal.as_deref().unwrap_or("");
        if let Err(why) = check::same_principal(principal, Some(of_framework)) {
            return Answer::new(400, why);
        }
        let id = framework.id.clone();
        let Some(open) = &framework.stream else { return Answer::new(403, "Framework is not subscribed") };
        let Some(stream) = stream else {
            return Answer::new(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
        };
        if stream != open.id().as_bytes() {
            let mut body = b"The stream ID '".to_vec();
            body.extend_from_slice(stream);
            body.extend_from_slice(
                format!(
                    "' included in this request didn't match the stream ID currently associated with framework ID {id}"
                )
                .as_bytes(),
            );
            return Answer::new(400, body);
        }
        self.dispatch(&id, call)
    }

    fn dispatch(&mut self, id: &FrameworkId, call: CallMessage) -> Answer {
        match call.r#type {
            Some(CallType::Teardown) => self.remove_framework(id),
            Some(CallType::Accept) => self.accept(id, call.accept.unwrap_or_default()),
            Some(CallType::Decline) => self.decline(id, &call.decline.unwrap_or_default()),
            Some(CallType::AcceptInverseOffers) => {
                let accept = call.accept_inverse_offers.unwrap_or_default();
                self.answer_inverse(id, &accept.inverse_offer_ids, true, accept.filters.as_ref());
            }
            Some(CallType::DeclineInverseOffers) => {
                let decline = call.decline_inverse_offers.unwrap_or_default();
                self.answer_inverse(id, &decline.inverse_offer_ids, false, decline.filters.as_ref());
            }
            Some(CallType::Revive) => {
                self.count("messages_revive_offers");
                let roles = call.revive.unwrap_or_default().roles;
                if self.are_roles_of(id, &roles) {
                    self.allocator.revive(id, &roles);
                    self.allocate();
                }
            }
            Some(CallType::Suppress) => {
                self.count("messages_suppress_offers");
                let roles = call.suppress.unwrap_or_default().roles;
                if self.are_roles_of(id, &roles) {
                    self.allocator.suppress(id, &roles);
                }
            }
            Some(CallType::Kill) => self.kill(id, &call.kill.unwrap_or_default()),
            Some(CallType::Shutdown) => {
                let shutdown = call.shutdown.unwrap_or_default();
                if let Some(agent) = self.agent(&shutdown.agent_id) {
                    let executor_id = shutdown.executor_id;
                    agent.tell(ToAgent::ShutdownExecutor { framework_id: id.clone(), executor_id });
                }
            }
            Some(CallType::Acknowledge) => self.acknowledge(id, call.acknowledge.unwrap_or_default()),
            Some(CallType::AcknowledgeOperationStatus) => {
                let acknowledge = call.acknowledge_operation_status.unwrap_or_default();
                self.acknowledge_operation(id, &acknowledge.uuid.0);
            }
            Some(CallType::Reconcile) => self.reconcile(id, &call.reconcile.unwrap_or_default()),
            Some(CallType::ReconcileOperations) => {
                self.reconcile_operations(id, &call.reconcile_operations.unwrap_or_default());
            }
            Some(CallType::Message) => {
                self.count("messages_framework_to_executor");
                let message = call.message.unwrap_or_default();
                if let Some(agent) = self.agent(&message.agent_id) {
                    agent.tell(ToAgent::Message {
                        framework_id: id.clone(),
                        executor_id: message.executor_id,
                        data: message.data.0,
                    });
                    self.count("valid_framework_to_executor_messages");
                } else {
                    self.count("invalid_framework_to_executor_messages");
                }
            }
            // The allocator has no use for it, here as there.
            Some(CallType::Request) => self.count("messages_resource_request"),
            Some(CallType::UpdateFramework) => {
                return self.update_framework(id, call.update_framework.unwrap_or_default());
            }
            // A real master aborts on UNKNOWN; this is what it means to answer.
            _ => return Answer::new(501, "501 Not Implemented."),
        }
        Answer::accepted()
    }

    /// A call with a role that isn't the framework's is dropped as a whole.
    fn are_roles_of(&self, id: &FrameworkId, roles: &[String]) -> bool {
        let Some(framework) = self.framework(id) else { return false };
        let have = super::validate::framework::roles(&framework.info);
        roles.iter().all(|name| role::check(name).is_ok() && have.contains(name))
    }

    fn kill(&mut self, id: &FrameworkId, kill: &Kill) {
        self.count("messages_kill_task");
        let task = self.framework(id).and_then(|framework| framework.task(&kill.task_id));
        let Some(agent) = task.map(|task| task.agent().clone()) else {
            let task = ReconcileTask {
                task_id: kill.task_id.clone(),
                agent_id: kill.agent_id.clone(),
                ..ReconcileTask::default()
            };
            return self.reconcile(id, &Reconcile { tasks: vec![task], ..Reconcile::default() });
        };
        if kill.agent_id.as_ref().is_some_and(|named| *named != agent) {
            tracing::warn!(task = %kill.task_id, "a kill names another agent than the task's; dropped");
            return;
        }
        if let Some(agent) = self.agent(&agent) {
            agent.tell(ToAgent::Kill {
                framework_id: id.clone(),
                task_id: kill.task_id.clone(),
                policy: kill.kill_policy.clone(),
            });
        }
    }

    fn acknowledge(&mut self, id: &FrameworkId, acknowledge: Acknowledge) {
        self.count("messages_status_update_acknowledgement");
        let uuid = acknowledge.uuid.0;
        let task = self.framework(id).and_then(|framework| framework.task(&acknowledge.task_id));
        if let Some(task) = task.filter(|task| *task.agent() == acknowledge.agent_id) {
            let Some((state, last)) = &task.sent else {
                return self.count("invalid_status_update_acknowledgements");
            };
            if is_terminal(state) && *last == uuid {
                self.remove_task(id, &acknowledge.task_id);
            }
        }
        let Some(agent) = self.agent(&acknowledge.agent_id) else {
            return self.count("invalid_status_update_acknowledgements");
        };
        let (framework_id, task_id) = (id.clone(), acknowledge.task_id);
        agent.tell(ToAgent::Acknowledge { framework_id, task_id, uuid });
        self.count("valid_status_update_acknowledgements");
        self.drained(&acknowledge.agent_id);
    }

    fn acknowledge_operation(&mut self, id: &FrameworkId, uuid: &[u8]) {
        self.count("messages_operation_status_update_acknowledgement");
        let Some(framework) = self.framework_mut(id) else { return };
        let Some(at) = framework.operations.iter().position(|operation| operation.uuid == uuid) else {
            return self.count("invalid_operation_status_update_acknowledgements");
        };
        let operation = framework.operations.remove(at);
        self.count("valid_operation_status_update_acknowledgements");
        if let Some(agent) = self.agent(&operation.agent) {
            agent.tell(ToAgent::OperationAcknowledged(operation.uuid));
        }
    }

    /// RECONCILE: of all tasks, or of those named.
    pub(super) fn reconcile(&mut self, id: &FrameworkId, reconcile: &Reconcile) {
        self.count("messages_reconcile_tasks");
        let Some(framework) = self.framework(id) else { return };
        let answers: Vec<TaskStatus> = if reconcile.tasks.is_empty() {
            framework.tasks.values().map(|task| self.latest(task)).collect()
        } else {
            let known = |asked: &ReconcileTask| match framework.task(&asked.task_id) {
                Some(task) => Some(self.latest(task)),
                // Its agent may yet come back and tell of it.
                None if self.recovering.may_have(asked.agent_id.as_ref()) => None,
                None => Some(self.unknown(asked, framework.partition_aware())),
            };
            reconcile.tasks.iter().filter_map(known).collect()
        };
        answers.iter().for_each(|status| self.forward(id, status));
    }

    fn latest(&self, task: &super::framework::Task) -> TaskStatus {
        let last = task.statuses.last();
        let message = Some("Reconciliation: Latest task state".to_owned());
        TaskStatus {
            agent_id: Some(task.agent().clone()),
            executor_id: task.executor.clone(),
            healthy: last.and_then(|status| status.healthy),
            check_status: last.and_then(|status| status.check_status.clone()),
            container_status: last.and_then(|status| status.container_status.clone()),
            ..self.status(task.id(), task.told().clone(), Some(StatusReason::Reconciliation), message)
        }
    }

    fn unknown(&self, asked: &ReconcileTask, aware: bool) -> TaskStatus {
        let agent = asked.agent_id.as_ref();
        let since = agent.and_then(|id| self.unreachable_since(id));
        let (state, message) = match agent {
            Some(id) if self.agent(id).is_some() => (TaskState::Gone, "Reconciliation: Task is unknown to the agent"),
            Some(_) if since.is_some() => (TaskState::Unreachable, "Reconciliation: Task is unreachable"),
            Some(id) if self.gone.contains(id) => (TaskState::GoneByOperator, "Reconciliation: Task is gone"),
            _ => (TaskState::Unknown, "Reconciliation: Task is unknown"),
        };
        let state = if aware { state } else { TaskState::Lost };
        TaskStatus {
            agent_id: asked.agent_id.clone(),
            unreachable_time: since,
            ..self.status(&asked.task_id, state, Some(StatusReason::Reconciliation), Some(message.to_owned()))
        }
    }

    fn reconcile_operations(&mut self, id: &FrameworkId, reconcile: &ReconcileOperations) {
        self.count("messages_reconcile_operations");
        let Some(framework) = self.framework(id) else { return };
        let mut answers = Vec::new();
        if reconcile.operations.is_empty() {
            answers.extend(framework.operations.iter().map(|operation| OperationStatus {
                operation_id: operation.info.id.clone(),
                agent_id: Some(operation.agent.clone()),
                state: operation.state.clone(),
                ..OperationStatus::default()
            }));
        }
        for asked in &reconcile.operations {
            let known =
                framework.operations.iter().find(|operation| operation.info.id.as_ref() == Some(&asked.operation_id));
            let (state, message) = match (known, &asked.agent_id) {
                (Some(operation), _) => (operation.state.clone(), None),
                (None, Some(agent)) if asked.resource_provider_id.is_some() && self.agent(agent).is_some() => {
                    (OperationState::Unknown, None)
                }
                (None, agent) => self.unknown_operation(agent.as_ref()),
            };
            answers.push(OperationStatus {
                operation_id: Some(asked.operation_id.clone()),
                state,
                message: message.map(str::to_owned),
                agent_id: known.map(|operation| operation.agent.clone()).or_else(|| asked.agent_id.clone()),
                resource_provider_id: asked.resource_provider_id.clone(),
                ..OperationStatus::default()
            });
        }
        for status in answers {
            let update = UpdateOperationStatus { status, ..UpdateOperationStatus::default() };
            framework.send(&EventMessage {
                update_operation_status: Some(update),
                ..event(EventType::UpdateOperationStatus)
            });
        }
    }

    fn unknown_operation(&self, agent: Option<&AgentId>) -> (OperationState, Option<&'static str>) {
        let (state, why) = match agent {
            Some(id) if self.agent(id).is_some() => (OperationState::Unknown, "Reconciliation: Operation is unknown"),
            Some(id) if self.unreachable.contains_key(id) => {
                (OperationState::Unreachable, "Reconciliation: Agent is unreachable")
            }
            Some(id) if self.gone.contains(id) => {
                (OperationState::GoneByOperator, "Reconciliation: Agent marked gone by operator")
            }
            Some(_) => (OperationState::Unknown, "Reconciliation: Both operation and agent are unknown"),
            None => (OperationState::Unknown, "Reconciliation: Operation is unknown and no 'agent_id' was provided"),
        };
        (state, Some(why))
    }

    /// Takes an update over into what is known of a task; one that has ended gives its resources back. `latest` is how
    /// the task stands by now, where its agent says so. (apache/mesos: src/master/master.cpp, `updateTask`)
    pub(super) fn update_task(
        &mut self,
        id: &FrameworkId,
        task_id: &TaskId,
        status: &Arc<TaskStatus>,
        latest: Option<TaskState>,
    ) {
        let Some(framework) = self.framework_mut(id) else { return };
        let Some(task) = framework.task_mut(task_id) else { return };
        let was_over = task.is_over();
        let new = latest.unwrap_or_else(|| status.state.clone());
        let changes = !is_terminal(&task.state) && task.state != new;
        if changes {
            task.state = new.clone();
        }
        // Of several updates to one state only the last is kept; data isn't kept at all.
        let news = task.statuses.last().is_none_or(|last| last.state != status.state);
        if !news {
            task.statuses.pop();
        }
        task.statuses.push(without_data(status));
        let ended = !was_over && task.is_over();
        let (agent, resources) = (task.agent().clone(), Resources::of(&task.info.resources));
        if changes {
            framework.count_task(&new);
        }
        if ended {
            self.allocator.recover(id, &agent, &resources, None, Instant::now());
            self.count_end(status);
        }
        let checked = [StatusReason::TaskCheckStatusUpdated, StatusReason::TaskHealthCheckStatusUpdated];
        if news || status.reason.as_ref().is_some_and(|reason| checked.contains(reason)) {
            self.tell_task_updated(id, task_id, status);
        }
    }

    /// Puts a task among those that have ended; one that hasn't gives its resources back.
    pub(super) fn remove_task(&mut self, id: &FrameworkId, task_id: &TaskId) {
        let Some(framework) = self.framework_mut(id) else { return };
        let Some(task) = framework.tasks.remove(task_id) else { return };
        let (over, agent, resources) = (task.is_over(), task.agent().clone(), Resources::of(&task.info.resources));
        framework.complete(task);
        if !over {
            self.allocator.recover(id, &agent, &resources, None, Instant::now());
        }
    }
}

/// A status as it is kept; most have no data.
pub(super) fn without_data(status: &Arc<TaskStatus>) -> Arc<TaskStatus> {
    match status.data {
        None => status.clone(),
        Some(_) => Arc::new(TaskStatus { data: None, ..TaskStatus::clone(status) }),
    }
}
