//! What the operator API shows, in the shapes that a real master answers, as far as the asker may see it.
//!
//! (apache/mesos: src/master/readonly_handler.cpp)

use std::sync::Arc;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::embedded::authorize::{Action, Approver};
use crate::embedded::master::actor::{Master, VERSION, nanoseconds};
use crate::embedded::master::agents::Agent;
use crate::embedded::master::document::{Document, Shape};
use crate::embedded::master::framework::{Framework, Operation, Task};
use crate::embedded::master::state::{AGENT_CAPABILITIES, Listed, full, scalars};
use crate::embedded::master::view::View;
use crate::embedded::resources::{Resources, floating, reservation_role};
use crate::embedded::wire::defaults;
use crate::mesos::{AgentId, ExecutorInfo, FrameworkId, FrameworkInfo, OperationStatus, Resource, Uuid};

/// Whether a framework may be seen.
pub(in crate::embedded::master) fn sees_framework(who: Approver<'_>, info: &FrameworkInfo) -> bool {
    who.may(Action::ViewFramework, Some(&info.user))
}

/// Whether a task may be seen.
pub(in crate::embedded::master) fn sees_task(who: Approver<'_>, task: &Task, info: &FrameworkInfo) -> bool {
    who.may(Action::ViewTask, Some(task.user().unwrap_or(&info.user)))
}

/// Whether an executor may be seen.
pub(in crate::embedded::master) fn sees_executor(
    who: Approver<'_>,
    executor: &ExecutorInfo,
    info: &FrameworkInfo,
) -> bool {
    let own = executor.command.as_ref().and_then(|command| command.user.as_deref());
    who.may(Action::ViewExecutor, Some(own.unwrap_or(&info.user)))
}

/// Whether a resource may be seen: what is reserved is its role's.
pub(in crate::embedded::master) fn sees_resource(who: Approver<'_>, resource: &Resource) -> bool {
    match reservation_role(resource) {
        "*" => true,
        role => who.may(Action::ViewRole, Some(role)),
    }
}

/// A map as a list of names and values.
pub(super) fn named(map: &Value) -> Vec<Value> {
    let fields = map.as_object().into_iter().flatten();
    fields.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn put(fields: &mut Map<String, Value>, name: &str, resources: &Resources) {
    if !resources.is_empty() {
        fields.insert(name.to_owned(), full(resources.list()));
    }
}

impl Master {
    pub(super) fn get_state(&self, who: Approver<'_>) -> Document {
        Document::object(|state| {
            state.with("get_tasks", |part| part.put_document(self.get_tasks(who)));
            state.with("get_executors", |part| part.put_document(self.get_executors(who)));
            state.put("get_frameworks", &self.get_frameworks(who));
            state.with("get_agents", |part| part.put_document(self.get_agents(who)));
        })
    }

    pub(super) fn get_agents(&self, who: Approver<'_>) -> Document {
        let view = View::of(self, who);
        let recovered: Vec<Value> = self.recovering.agents().map(|admitted| defaults::shown(&admitted.info)).collect();
        Document::object(|shown| {
            let put = |list: &mut Document, agent| list.put(&self.agent_v1(agent, &view));
            shown.with("agents", |list| list.put_list(self.agents.values(), put));
            shown.put("recovered_agents", &recovered);
        })
    }

    pub(super) fn agent_v1(&self, agent: &Agent, view: &View<'_>) -> Value {
        let visible = |resources: &Resources| resources.filtered(|resource| sees_resource(view.who, resource));
        let mut info = agent.info.clone();
        info.resources.retain(|resource| sees_resource(view.who, resource));
        let mut info = defaults::shown(&info);
        if let Value::Object(fields) = &mut info {
            fields.insert("checkpoint".to_owned(), json!(true));
        }
        let mut shown = json!({
            "agent_info": info,
            "active": agent.active,
            "deactivated": agent.deactivated,
            "version": VERSION,
            "pid": agent.pid,
            "registered_time": {"nanoseconds": nanoseconds(agent.registered)},
        });
        let Value::Object(fields) = &mut shown else { return shown };
        if let Some(time) = agent.reregistered {
            fields.insert("reregistered_time".to_owned(), json!({"nanoseconds": nanoseconds(time)}));
        }
        fields.insert("total_resources".to_owned(), full(visible(&self.allocator.total(&agent.id)).list()));
        put(fields, "allocated_resources", &visible(&view.used(&agent.id)));
        put(fields, "offered_resources", &visible(&view.offered(&agent.id)));
        let capabilities: Vec<Value> = AGENT_CAPABILITIES.iter().map(|kind| json!({"type": kind})).collect();
        fields.insert("capabilities".to_owned(), json!(capabilities));
        if let Some(drain) = self.drain_info(agent) {
            fields.insert("drain_info".to_owned(), drain);
        }
        if let Some(time) = agent.drain_started {
            fields.insert("estimated_drain_start_time".to_owned(), json!({"nanoseconds": nanoseconds(time)}));
        }
        shown
    }

    /// How far an agent's drain is.
    pub(in crate::embedded::master) fn drain_info(&self, agent: &Agent) -> Option<Value> {
        let config = agent.draining.as_ref()?;
        let state = if self.is_busy(&agent.id) { "DRAINING" } else { "DRAINED" };
        Some(json!({"state": state, "config": defaults::shown(config)}))
    }

    pub(super) fn get_frameworks(&self, who: Approver<'_>) -> Value {
        let shown = |one: &&Framework| sees_framework(who, &one.info);
        let view = View::of(self, who);
        let all = |one: &Framework| self.framework_v1(one, &view);
        let live: Vec<Value> = self.frameworks.iter().filter(shown).map(all).collect();
        let completed: Vec<Value> = self.completed.iter().filter(shown).map(all).collect();
        json!({"frameworks": live, "completed_frameworks": completed})
    }

    pub(super) fn framework_v1(&self, framework: &Framework, view: &View<'_>) -> Value {
        let connected = framework.stream.is_some();
        let mut shown = json!({
            "framework_info": defaults::shown(&*framework.info),
            "active": connected,
            "connected": connected,
            "recovered": framework.recovered,
            "registered_time": {"nanoseconds": nanoseconds(framework.registered)},
            "reregistered_time": {"nanoseconds": nanoseconds(framework.reregistered)},
        });
        let Value::Object(fields) = &mut shown else { return shown };
        if let Some(time) = framework.unregistered {
            fields.insert("unregistered_time".to_owned(), json!({"nanoseconds": nanoseconds(time)}));
        }
        let offers: Vec<_> = self.offers.values().filter(|offer| offer.framework_id == framework.id).cloned().collect();
        if !offers.is_empty() {
            fields.insert("offers".to_owned(), json!(offers));
        }
        let inverse: Vec<_> = framework.inverse_offers.iter().filter_map(|id| self.inverse_offers.get(id)).collect();
        if !inverse.is_empty() {
            fields.insert("inverse_offers".to_owned(), json!(inverse));
        }
        put(fields, "allocated_resources", &view.used_by(&framework.id));
        put(fields, "offered_resources", &view.offered_to(&framework.id));
        fields.insert("offer_constraints".to_owned(), framework.constraints_shown());
        shown
    }

    pub(super) fn get_executors(&self, who: Approver<'_>) -> Document {
        let frameworks = self.frameworks.iter().filter(|one| sees_framework(who, &one.info));
        let all = frameworks.flat_map(|framework| {
            framework.executors.iter().flat_map(move |(agent, executors)| {
                let seen = executors.iter().filter(move |executor| sees_executor(who, executor, &framework.info));
                seen.map(move |executor| (agent, executor))
            })
        });
        let put = |list: &mut Document, (agent, executor): (&AgentId, &ExecutorInfo)| {
            list.put(&json!({"executor_info": defaults::shown(executor), "agent_id": agent}));
        };
        Document::object(|shown| shown.with("executors", |list| list.put_list(all, put)))
    }

    pub(super) fn get_operations(&self, who: Approver<'_>) -> Value {
        let everyone = self.frameworks.iter().chain(&self.completed);
        let all: Vec<Value> = everyone
            .flat_map(|framework| framework.operations.iter().map(move |operation| (&framework.id, operation)))
            .filter(|(_, operation)| operation.resources().iter().all(|resource| sees_resource(who, resource)))
            .map(|(id, operation)| operation_v1(id, operation))
            .collect();
        if all.is_empty() { json!({}) } else { json!({"operations": all}) }
    }

    pub(super) fn get_tasks(&self, who: Approver<'_>) -> Document {
        Document::object(|shown| {
            shown.with("tasks", |list| self.put_tasks(list, who, |one| one.tasks.values()));
            shown.with("unreachable_tasks", |list| self.put_tasks(list, who, |one| one.unreachable.iter()));
            shown.with("completed_tasks", |list| self.put_tasks(list, who, |one| one.completed.iter()));
        })
    }

    /// All frameworks' tasks of a kind, as one list.
    fn put_tasks<'a, I: Iterator<Item = &'a Arc<Task>>>(
        &'a self,
        list: &mut Document,
        who: Approver<'_>,
        of: impl Fn(&'a Framework) -> I,
    ) {
        list.put_joined(|list, first| {
            let everyone = self.frameworks.iter().chain(&self.completed);
            for framework in everyone.filter(|one| sees_framework(who, &one.info)) {
                let seen = of(framework).filter(|task| sees_task(who, task, &framework.info));
                list.add_tasks(Shape::V1, &framework.id, seen, first);
            }
        });
    }

    pub(super) fn get_roles(&self, who: Approver<'_>) -> Value {
        let names = self.known_roles().into_iter().filter(|role| who.may(Action::ViewRole, Some(role)));
        let shown: Vec<Value> = names
            .map(|role| {
                let of_role = self.of_role(&role);
                let amounts = of_role.allocated.plus(&of_role.offered).quantities();
                let resources: Vec<Value> = amounts
                    .iter()
                    .filter(|(name, _)| matches!(name.as_str(), "cpus" | "mem" | "disk" | "gpus"))
                    .map(|(name, amount)| {
                        json!({"name": name, "type": "SCALAR", "scalar": {"value": floating(*amount)}})
                    })
                    .collect();
                let mut shown = json!({"name": role, "weight": self.weight(&role)});
                if let Value::Object(fields) = &mut shown {
                    if !of_role.frameworks.is_empty() {
                        fields.insert("frameworks".to_owned(), json!(of_role.frameworks));
                    }
                    if !resources.is_empty() {
                        fields.insert("resources".to_owned(), json!(resources));
                    }
                }
                shown
            })
            .collect();
        if shown.is_empty() { json!({}) } else { json!({"roles": shown}) }
    }
}

fn operation_v1(framework: &FrameworkId, operation: &Operation) -> Value {
    let uuid = |bytes: &[u8]| Uuid { value: crate::mesos::Base64(bytes.to_vec()), ..Uuid::default() };
    let status = OperationStatus {
        operation_id: operation.info.id.clone(),
        state: operation.state.clone(),
        uuid: operation.info.id.as_ref().map(|_| uuid(&operation.uuid)),
        agent_id: Some(operation.agent.clone()),
        ..OperationStatus::default()
    };
    json!({
        "framework_id": framework,
        "agent_id": operation.agent,
        "info": defaults::shown(&operation.info),
        "latest_status": status,
        "statuses": [status],
        "uuid": uuid(&operation.own_uuid),
    })
}

/// A task as the v1 API shows it.
pub(in crate::embedded::master) struct TaskV1<'a>(
    pub(in crate::embedded::master) &'a FrameworkId,
    pub(in crate::embedded::master) &'a Task,
);

impl Serialize for TaskV1<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(framework, task) = self;
        let info = &task.info;
        let mut shown = serializer.serialize_map(None)?;
        shown.serialize_entry("name", &info.name)?;
        shown.serialize_entry("task_id", task.id())?;
        shown.serialize_entry("framework_id", framework)?;
        if let Some(executor) = &task.executor {
            shown.serialize_entry("executor_id", executor)?;
        }
        shown.serialize_entry("agent_id", task.agent())?;
        shown.serialize_entry("state", task.state.as_str())?;
        shown.serialize_entry("resources", &info.resources)?;
        if !task.statuses.is_empty() {
            shown.serialize_entry("statuses", &Listed(&task.statuses, |status| status))?;
        }
        if let Some((state, uuid)) = &task.sent {
            let uuid = crate::mesos::Base64(uuid.clone());
            shown.serialize_entry("status_update_state", state.as_str())?;
            shown.serialize_entry("status_update_uuid", &format!("{uuid:?}"))?;
        }
        for (name, value) in [
            ("labels", info.labels.as_ref().map(defaults::shown)),
            ("discovery", info.discovery.as_deref().map(defaults::shown)),
            ("container", info.container.as_deref().map(defaults::shown)),
            ("health_check", info.health_check.as_deref().map(defaults::shown)),
            ("kill_policy", info.kill_policy.as_ref().map(defaults::shown)),
            ("user", task.user().map(|user| json!(user))),
        ] {
            if let Some(value) = value {
                shown.serialize_entry(name, &value)?;
            }
        }
        if !info.limits.is_empty() {
            shown.serialize_entry("limits", &scalars(&info.limits))?;
        }
        shown.end()
    }
}
