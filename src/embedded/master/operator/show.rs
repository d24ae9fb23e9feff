//! What the operator API shows, in the shapes that a real master answers, as far as the asker may see it.
//!
//! (apache/mesos: src/master/readonly_handler.cpp)

use serde_json::{Map, Value, json};

use crate::embedded::authorize::{Action, Approver};
use crate::embedded::master::actor::{Master, VERSION, nanoseconds};
use crate::embedded::master::agents::Agent;
use crate::embedded::master::framework::{Framework, Operation, Task};
use crate::embedded::master::state::{AGENT_CAPABILITIES, full};
use crate::embedded::master::view::View;
use crate::embedded::resources::{Resources, floating, reservation_role};
use crate::embedded::wire::defaults;
use crate::mesos::{ExecutorInfo, FrameworkId, FrameworkInfo, OperationStatus, Resource, Uuid};

/// Whether a framework may be seen.
pub(in crate::embedded::master) fn sees_framework(who: Approver<'_>, info: &FrameworkInfo) -> bool {
    who.may(Action::ViewFramework, Some(&info.user))
}

/// Whether a task may be seen.
pub(in crate::embedded::master) fn sees_task(who: Approver<'_>, task: &Task, info: &FrameworkInfo) -> bool {
    who.may(Action::ViewTask, Some(task.user.as_deref().unwrap_or(&info.user)))
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
    pub(super) fn get_state(&self, who: Approver<'_>) -> Value {
        json!({
            "get_tasks": self.get_tasks(who),
            "get_executors": self.get_executors(who),
            "get_frameworks": self.get_frameworks(who),
            "get_agents": self.get_agents(who),
        })
    }

    pub(super) fn get_agents(&self, who: Approver<'_>) -> Value {
        let view = View::of(self, who);
        let agents: Vec<Value> = self.agents.values().map(|agent| self.agent_v1(agent, &view)).collect();
        let recovered: Vec<Value> = self.recovering.agents().map(|admitted| defaults::shown(&admitted.info)).collect();
        json!({"agents": agents, "recovered_agents": recovered})
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
            "framework_info": defaults::shown(&framework.info),
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
        put(fields, "allocated_resources", &framework.used(None));
        put(fields, "offered_resources", &view.offered_to(&framework.id));
        fields.insert("offer_constraints".to_owned(), framework.constraints_shown());
        shown
    }

    pub(super) fn get_executors(&self, who: Approver<'_>) -> Value {
        let frameworks = self.frameworks.iter().filter(|one| sees_framework(who, &one.info));
        let all = frameworks.flat_map(|framework| {
            framework.executors.iter().flat_map(move |(agent, executors)| {
                executors
                    .iter()
                    .filter(move |executor| sees_executor(who, executor, &framework.info))
                    .map(move |executor| json!({"executor_info": defaults::shown(executor), "agent_id": agent}))
            })
        });
        json!({"executors": all.collect::<Vec<_>>()})
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

    pub(super) fn get_tasks(&self, who: Approver<'_>) -> Value {
        let everyone = || self.frameworks.iter().chain(&self.completed).filter(|one| sees_framework(who, &one.info));
        let shown = |framework: &Framework, task: &Task| {
            sees_task(who, task, &framework.info).then(|| task_v1(&framework.id, task))
        };
        let live: Vec<Value> =
            everyone().flat_map(|one| one.tasks.values().filter_map(|task| shown(one, task))).collect();
        let unreachable: Vec<Value> =
            everyone().flat_map(|one| one.unreachable.iter().filter_map(|task| shown(one, task))).collect();
        let completed: Vec<Value> =
            everyone().flat_map(|one| one.completed.iter().filter_map(|task| shown(one, task))).collect();
        json!({"tasks": live, "unreachable_tasks": unreachable, "completed_tasks": completed})
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
pub(super) fn task_v1(framework: &FrameworkId, task: &Task) -> Value {
    let mut shown = json!({
        "name": task.name,
        "task_id": task.id,
        "framework_id": framework,
    });
    let Value::Object(fields) = &mut shown else { return shown };
    if let Some(executor) = &task.executor {
        fields.insert("executor_id".to_owned(), json!(executor));
    }
    fields.insert("agent_id".to_owned(), json!(task.agent));
    fields.insert("state".to_owned(), json!(task.state.as_str()));
    fields.insert("resources".to_owned(), json!(task.resources));
    if !task.statuses.is_empty() {
        fields.insert("statuses".to_owned(), json!(task.statuses));
    }
    if let Some((state, uuid)) = &task.sent {
        let uuid = crate::mesos::Base64(uuid.clone());
        fields.insert("status_update_state".to_owned(), json!(state.as_str()));
        fields.insert("status_update_uuid".to_owned(), json!(format!("{uuid:?}")));
    }
    for (name, value) in [
        ("labels", task.labels.as_ref().map(defaults::shown)),
        ("discovery", task.discovery.as_ref().map(defaults::shown)),
        ("container", task.container.as_ref().map(defaults::shown)),
        ("health_check", task.health_check.as_ref().map(defaults::shown)),
        ("kill_policy", task.kill_policy.as_ref().map(defaults::shown)),
        ("user", task.user.as_ref().map(|user| json!(user))),
    ] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
    if !task.limits.is_empty() {
        fields.insert("limits".to_owned(), json!(crate::embedded::master::state::scalars(&task.limits)));
    }
    shown
}
