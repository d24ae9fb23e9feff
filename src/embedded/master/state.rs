//! The master's state as JSON: `/state` and its parts, in the shapes that a real one answers.
//!
//! (apache/mesos: src/master/readonly_handler.cpp, src/common/http.cpp)

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::actor::{Master, VERSION, seconds};
use super::agents::Agent;
use super::framework::{Framework, Task};
use super::operator::{sees_executor, sees_framework, sees_resource, sees_task};
use super::validate::framework::roles;
use super::view::View;
use crate::embedded::authorize::{Action, Approver};
use crate::embedded::resources::{Resources, coalesced, floating, for_endpoints, printed, reservation_role};
use crate::embedded::wire::defaults;
use crate::mesos::{
    AgentId, Attribute, FrameworkCapabilityType, FrameworkId, Offer, Range, Resource, Scalar, TaskState, TaskStatus,
    ValueType,
};

/// What the agents of this version can.
pub(super) const AGENT_CAPABILITIES: [&str; 8] = [
    "MULTI_ROLE",
    "HIERARCHICAL_ROLE",
    "RESERVATION_REFINEMENT",
    "RESOURCE_PROVIDER",
    "RESIZE_VOLUME",
    "AGENT_OPERATION_FEEDBACK",
    "AGENT_DRAINING",
    "TASK_RESOURCE_LIMITS",
];

/// States by which tasks are counted.
const COUNTED: [TaskState; 10] = [
    TaskState::Staging,
    TaskState::Starting,
    TaskState::Running,
    TaskState::Killing,
    TaskState::Finished,
    TaskState::Killed,
    TaskState::Failed,
    TaskState::Lost,
    TaskState::Error,
    TaskState::Unreachable,
];

/// `Resources` in the short form: amounts by name.
pub(super) fn summary(resources: &Resources) -> Value {
    let mut fields = Map::new();
    for name in ["disk", "mem", "gpus", "cpus"] {
        fields.insert(name.to_owned(), json!(resources.amount(name)));
    }
    for resource in resources.list() {
        let value = match resource.r#type {
            ValueType::Scalar => json!(resources.amount(&resource.name)),
            ValueType::Ranges => {
                let all: Vec<Range> = resources
                    .list()
                    .iter()
                    .filter(|other| other.name == resource.name)
                    .flat_map(|other| other.ranges.iter().flat_map(|ranges| ranges.range.iter().cloned()))
                    .collect();
                let all: Vec<String> = coalesced(&all).iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
                json!(format!("[{}]", all.join(", ")))
            }
            _ => {
                let items = resource.set.as_ref().map_or(&[][..], |set| &set.item);
                json!(format!("{{{}}}", items.join(", ")))
            }
        };
        fields.insert(resource.name.clone(), value);
    }
    Value::Object(fields)
}

/// Amounts by name.
fn amounts(amounts: &BTreeMap<String, i64>) -> Value {
    json!(amounts.iter().map(|(name, amount)| (name.as_str(), floating(*amount))).collect::<BTreeMap<_, _>>())
}

/// Scalars by name, as the v1 API shows them.
pub(super) fn scalars(scalars: &BTreeMap<String, Scalar>) -> Value {
    json!(scalars.iter().map(|(name, one)| (name, json!({"value": number(one.value)}))).collect::<BTreeMap<_, _>>())
}

/// Resources in full.
pub(super) fn full<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Value {
    json!(resources.into_iter().map(for_endpoints).collect::<Vec<_>>())
}

fn unreserved(resources: &Resources) -> Resources {
    resources.filtered(|resource| resource.reservations.is_empty())
}

/// Reserved ones, by role.
fn reserved(resources: &Resources) -> BTreeMap<String, Resources> {
    let mut by_role: BTreeMap<String, Resources> = BTreeMap::new();
    for resource in resources.list().iter().filter(|resource| !resource.reservations.is_empty()) {
        let role = by_role.entry(reservation_role(resource).to_owned()).or_default();
        role.add(&Resources::of(std::slice::from_ref(resource)));
    }
    by_role
}

fn attribute(attribute: &Attribute) -> Value {
    match attribute.r#type {
        ValueType::Scalar => json!(attribute.scalar.as_ref().map_or(0.0, |scalar| scalar.value)),
        ValueType::Ranges => {
            let ranges = attribute.ranges.as_ref().map_or(&[][..], |ranges| &ranges.range);
            let all: Vec<String> = ranges.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            json!(format!("[{}]", all.join(", ")))
        }
        ValueType::Set => {
            json!(format!("{{{}}}", attribute.set.as_ref().map_or(String::new(), |set| set.item.join(", "))))
        }
        _ => json!(attribute.text.as_ref().map_or("", |text| text.value.as_str())),
    }
}

fn status(status: &TaskStatus) -> Value {
    let mut fields = Map::new();
    fields.insert("state".to_owned(), json!(status.state.as_str()));
    fields.insert("timestamp".to_owned(), json!(status.timestamp.unwrap_or(0.0)));
    if let Some(labels) = &status.labels {
        fields.insert("labels".to_owned(), json!(labels.labels));
    }
    if let Some(container) = &status.container_status {
        let mut shown = Map::new();
        if let Some(id) = &container.container_id {
            shown.insert("container_id".to_owned(), json!(id));
        }
        if !container.network_infos.is_empty() {
            shown.insert("network_infos".to_owned(), json!(container.network_infos));
        }
        fields.insert("container_status".to_owned(), Value::Object(shown));
    }
    if let Some(healthy) = status.healthy {
        fields.insert("healthy".to_owned(), json!(healthy));
    }
    Value::Object(fields)
}

/// A task.
fn task(framework: &FrameworkId, task: &Task) -> Value {
    let resources = Resources::of(&task.resources);
    let role = resources.list().iter().find_map(|resource| resource.allocation_info.as_ref()?.role.clone());
    let mut shown = json!({
        "id": task.id.as_str(),
        "name": task.name,
        "framework_id": framework.as_str(),
        "executor_id": task.executor.as_ref().map_or("", |id| id.as_str()),
        "slave_id": task.agent.as_str(),
        "state": task.state.as_str(),
        "resources": summary(&resources.unallocated()),
        "role": role.unwrap_or_else(|| "*".to_owned()),
        "statuses": task.statuses.iter().map(status).collect::<Vec<_>>(),
    });
    let Value::Object(fields) = &mut shown else { return shown };
    if !task.limits.is_empty() {
        let limits: BTreeMap<&String, Value> =
            task.limits.iter().map(|(name, scalar)| (name, number(scalar.value))).collect();
        fields.insert("limits".to_owned(), json!(limits));
    }
    if let Some(user) = &task.user {
        fields.insert("user".to_owned(), json!(user));
    }
    if let Some(labels) = &task.labels {
        fields.insert("labels".to_owned(), json!(labels.labels));
    }
    if let Some(discovery) = &task.discovery {
        fields.insert("discovery".to_owned(), defaults::shown(discovery));
    }
    if let Some(container) = &task.container {
        fields.insert("container".to_owned(), defaults::shown(container));
    }
    if let Some(check) = &task.health_check {
        fields.insert("health_check".to_owned(), defaults::shown(check));
    }
    shown
}

fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!("Infinity") }
}

fn offer(offer: &Offer) -> Value {
    json!({
        "id": offer.id.as_str(),
        "framework_id": offer.framework_id.as_str(),
        "allocation_info": offer.allocation_info,
        "slave_id": offer.agent_id.as_str(),
        "resources": summary(&Resources::of(&offer.resources).unallocated()),
    })
}

fn count<'a>(tasks: impl Iterator<Item = &'a Task>) -> Map<String, Value> {
    let mut counts: Map<String, Value> = COUNTED.iter().map(|state| (state.as_str().to_owned(), json!(0))).collect();
    for task in tasks {
        if let Some(Value::Number(number)) = counts.get(task.state.as_str()) {
            let next = number.as_u64().unwrap_or(0) + 1;
            counts.insert(task.state.as_str().to_owned(), json!(next));
        }
    }
    counts
}

impl Master {
    /// A page, or nothing where there is none of that path.
    pub(super) fn page(&self, path: &str, query: &HashMap<String, String>, principal: Option<&str>) -> Option<Value> {
        let who = self.approver(principal);
        let wanted = |name: &str, id: &str| query.get(name).is_none_or(|wanted| wanted == id);
        Some(match path {
            "/state" => self.state(who),
            "/state-summary" => self.state_summary(who),
            "/slaves" => {
                let view = View::of(self, who);
                let agents = self.agents.values().filter(|agent| wanted("slave_id", agent.id.as_str()));
                json!({"slaves": agents.map(|agent| self.full_agent(agent, &view)).collect::<Vec<_>>(),
                       "recovered_slaves": self.recovered_slaves()})
            }
            "/frameworks" => {
                let shown =
                    |one: &&Framework| wanted("framework_id", one.id.as_str()) && sees_framework(who, &one.info);
                let view = View::of(self, who);
                let all = |framework: &Framework| self.framework_json(framework, &view);
                json!({
                    "frameworks": self.frameworks.iter().filter(shown).map(all).collect::<Vec<_>>(),
                    "completed_frameworks": self.completed.iter().filter(shown).map(all).collect::<Vec<_>>(),
                    "unregistered_frameworks": [],
                })
            }
            "/tasks" => self.tasks_page(query, who),
            "/roles" => self.roles_page(who),
            "/flags" if !who.may(Action::ViewFlags, None) => return None,
            "/flags" => json!({"flags": self.flags()}),
            "/version" => version(),
            "/metrics/snapshot" => self.metrics(),
            "/maintenance/schedule" => self.maintenance_schedule(who),
            "/maintenance/status" => self.maintenance_status(who),
            "/weights" => self.weights_page(principal),
            "/quota" => self.quota_status(who),
            "/logging/toggle" => json!(self.logging_level()),
            _ => return None,
        })
    }

    fn state(&self, who: Approver<'_>) -> Value {
        let view = View::of(self, who);
        let started = seconds(self.started);
        let active = self.agents.values().filter(|agent| agent.active).count();
        let info = json!({"id": self.id, "pid": self.pid(), "port": self.settings.address.port(),
                          "hostname": self.settings.hostname});
        let seen = |one: &&Framework| sees_framework(who, &one.info);
        let shown = |framework: &Framework| self.framework_json(framework, &view);
        let mut state = json!({
            "version": VERSION,
            "git_sha": BUILD.0, "git_tag": VERSION, "build_date": BUILD.1, "build_time": BUILD.2, "build_user": BUILD.3,
            "start_time": started,
            "elected_time": started,
            "id": self.id,
            "pid": self.pid(),
            "hostname": self.settings.hostname,
            "capabilities": ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"],
            "activated_slaves": active as f64,
            "deactivated_slaves": (self.agents.len() - active) as f64,
            "unreachable_slaves": self.unreachable.len() as f64,
            "leader": self.pid(),
            "leader_info": info,
            "flags": self.flags(),
            "slaves": self.agents.values().map(|agent| self.agent_json(agent, &view)).collect::<Vec<_>>(),
            "recovered_slaves": self.recovered_slaves(),
            "frameworks": self.frameworks.iter().filter(seen).map(shown).collect::<Vec<_>>(),
            "completed_frameworks": self.completed.iter().filter(seen).map(shown).collect::<Vec<_>>(),
            "orphan_tasks": [],
            "unregistered_frameworks": [],
        });
        if let Value::Object(fields) = &mut state
            && !who.may(Action::ViewFlags, None)
        {
            fields.remove("flags");
        }
        state
    }

    fn state_summary(&self, who: Approver<'_>) -> Value {
        let view = View::of(self, who);
        // Tasks of frameworks that are gone aren't counted.
        let mut tasks: HashMap<&AgentId, Vec<&Task>> = HashMap::new();
        let mut ids: HashMap<&AgentId, Vec<&str>> = HashMap::new();
        for framework in &self.frameworks {
            for task in framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed) {
                tasks.entry(&task.agent).or_default().push(task);
                let of_agent = ids.entry(&task.agent).or_default();
                if of_agent.last() != Some(&framework.id.as_str()) {
                    of_agent.push(framework.id.as_str());
                }
            }
        }
        let agents = self.agents.values().map(|agent| {
            let mut shown = self.agent_json(agent, &view);
            if let Value::Object(fields) = &mut shown {
                fields.extend(count(tasks.get(&agent.id).into_iter().flatten().copied()));
                let ids = ids.get(&agent.id).map_or(&[][..], Vec::as_slice);
                fields.insert("framework_ids".to_owned(), json!(ids));
            }
            shown
        });
        let frameworks = self.frameworks.iter().filter(|one| sees_framework(who, &one.info)).map(|framework| {
            let mut shown = self.framework_head(framework, &view);
            let tasks = framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed);
            let mut agents: Vec<&str> = tasks.clone().map(|task| task.agent.as_str()).collect();
            agents.sort_unstable();
            agents.dedup();
            shown.extend(count(tasks));
            shown.insert("slave_ids".to_owned(), json!(agents));
            Value::Object(shown)
        });
        json!({
            "hostname": self.settings.hostname,
            "slaves": agents.collect::<Vec<_>>(),
            "frameworks": frameworks.collect::<Vec<_>>(),
        })
    }

    /// What all frameworks together have of an agent in their offers.
    pub(super) fn offered(&self, agent: Option<&AgentId>, framework: Option<&FrameworkId>) -> Resources {
        let mut offered = Resources::default();
        for offer in self.offers.values() {
            let here = agent.is_none_or(|id| offer.agent_id == *id);
            if here && framework.is_none_or(|id| offer.framework_id == *id) {
                offered.add(&Resources::of(&offer.resources));
            }
        }
        offered
    }

    /// What runs on an agent.
    pub(super) fn used_on(&self, agent: &AgentId) -> Resources {
        let mut used = Resources::default();
        self.frameworks.iter().for_each(|framework| used.add(&framework.used(Some(agent))));
        used
    }

    fn agent_json(&self, agent: &Agent, view: &View<'_>) -> Value {
        let total = self.allocator.total(&agent.id);
        let attributes: Map<String, Value> =
            agent.info.attributes.iter().map(|one| (one.name.clone(), attribute(one))).collect();
        let reserved: BTreeMap<String, Value> = reserved(&total)
            .iter()
            .filter(|(role, _)| view.who.may(Action::ViewRole, Some(role)))
            .map(|(role, resources)| (role.clone(), summary(resources)))
            .collect();
        let mut shown = json!({
            "id": agent.id.as_str(),
            "hostname": agent.info.hostname,
            "port": agent.info.port.unwrap_or(5051),
            "attributes": attributes,
            "pid": agent.pid,
            "registered_time": seconds(agent.registered),
        });
        let more = json!({
            "resources": summary(&total),
            "used_resources": summary(&view.used(&agent.id).unallocated()),
            "offered_resources": summary(&view.offered(&agent.id).unallocated()),
            "reserved_resources": reserved,
            "unreserved_resources": summary(&unreserved(&total)),
            "active": agent.active,
            "deactivated": agent.deactivated,
            "version": VERSION,
            "capabilities": AGENT_CAPABILITIES,
        });
        if let (Value::Object(fields), Value::Object(more)) = (&mut shown, more) {
            if let Some(time) = agent.reregistered {
                fields.insert("reregistered_time".to_owned(), json!(seconds(time)));
            }
            fields.extend(more);
            if let Some(drain) = self.drain_info(agent) {
                fields.insert("drain_info".to_owned(), drain);
            }
            if let Some(time) = agent.drain_started {
                fields.insert("estimated_drain_start_time_seconds".to_owned(), json!(seconds(time)));
            }
        }
        shown
    }

    /// Agents of the registry that haven't come back yet.
    fn recovered_slaves(&self) -> Vec<Value> {
        let shown = self.recovering.agents().map(|admitted| {
            let info = &admitted.info;
            let attributes: Map<String, Value> =
                info.attributes.iter().map(|one| (one.name.clone(), attribute(one))).collect();
            json!({"id": info.id.as_ref().map_or("", |id| id.as_str()), "hostname": info.hostname,
                   "port": info.port.unwrap_or(5051), "attributes": attributes})
        });
        shown.collect()
    }

    fn full_agent(&self, agent: &Agent, view: &View<'_>) -> Value {
        let mut shown = self.agent_json(agent, view);
        let total = self.allocator.total(&agent.id);
        let seen = |resources: &Resources| full(resources.filtered(|one| sees_resource(view.who, one)).list());
        let by_role: BTreeMap<String, Value> = reserved(&total)
            .iter()
            .filter(|(role, _)| view.who.may(Action::ViewRole, Some(role)))
            .map(|(role, resources)| (role.clone(), seen(resources)))
            .collect();
        if let Value::Object(fields) = &mut shown {
            fields.insert("reserved_resources_full".to_owned(), json!(by_role));
            fields.insert("unreserved_resources_full".to_owned(), seen(&unreserved(&total)));
            fields.insert("used_resources_full".to_owned(), seen(&view.used(&agent.id)));
            fields.insert("offered_resources_full".to_owned(), seen(&view.offered(&agent.id)));
        }
        shown
    }

    fn framework_head(&self, framework: &Framework, view: &View<'_>) -> Map<String, Value> {
        let capabilities: Vec<&str> = framework
            .info
            .capabilities
            .iter()
            .map(|one| one.r#type.as_ref().map_or("UNKNOWN", |kind| kind.as_str()))
            .collect();
        let info = &framework.info;
        let connected = framework.stream.is_some();
        let shown = json!({
            "id": framework.id.as_str(),
            "name": info.name,
        });
        let more = json!({
            "used_resources": summary(&framework.used(None).unallocated()),
            "offered_resources": summary(&view.offered_to(&framework.id).unallocated()),
            "capabilities": capabilities,
            "hostname": info.hostname.as_deref().unwrap_or(""),
            "webui_url": info.webui_url.as_deref().unwrap_or(""),
            "active": connected,
            "connected": connected,
            "recovered": framework.recovered,
        });
        let (Value::Object(mut fields), Value::Object(more)) = (shown, more) else { return Map::new() };
        if let Some(principal) = &info.principal {
            fields.insert("principal".to_owned(), json!(principal));
        }
        fields.extend(more);
        fields
    }

    fn framework_json(&self, framework: &Framework, view: &View<'_>) -> Value {
        let info = &framework.info;
        let mut fields = self.framework_head(framework, view);
        let used = framework.used(None);
        let offered = view.offered_to(&framework.id);
        let offers: Vec<Value> =
            self.offers.values().filter(|one| one.framework_id == framework.id).map(offer).collect();
        let executors: Vec<Value> = framework
            .executors
            .iter()
            .flat_map(|(agent, all)| all.iter().map(move |executor| (agent, executor)))
            .map(|(agent, executor)| {
                if !sees_executor(view.who, executor, info) {
                    return json!({});
                }
                json!({"executor_id": executor.executor_id.as_str(), "name": executor.name.as_deref().unwrap_or(""),
                       "framework_id": framework.id.as_str(),
                       "command": executor.command.as_ref().map(defaults::shown),
                       "resources": summary(&Resources::of(&executor.resources).unallocated()),
                       "slave_id": agent.as_str()})
            })
            .collect();
        fields.insert("user".to_owned(), json!(info.user));
        fields.insert("failover_timeout".to_owned(), json!(info.failover_timeout.unwrap_or(0.0)));
        fields.insert("checkpoint".to_owned(), json!(info.checkpoint.unwrap_or(false)));
        fields.insert("registered_time".to_owned(), json!(seconds(framework.registered)));
        fields.insert("unregistered_time".to_owned(), json!(framework.unregistered.map_or(0.0, seconds)));
        if framework.subscriptions > 1 {
            fields.insert("reregistered_time".to_owned(), json!(seconds(framework.reregistered)));
        }
        fields.insert("resources".to_owned(), summary(&used.plus(&offered).unallocated()));
        if framework.can(&FrameworkCapabilityType::MultiRole) {
            fields.insert("roles".to_owned(), json!(roles(info)));
        } else {
            fields.insert("role".to_owned(), json!(info.role.as_deref().unwrap_or("*")));
        }
        if let Some(labels) = &info.labels {
            fields.insert("labels".to_owned(), json!(labels.labels));
        }
        let tasks = |tasks: &mut dyn Iterator<Item = &Task>| {
            let seen = tasks.filter(|one| sees_task(view.who, one, info));
            seen.map(|one| task(&framework.id, one)).collect::<Vec<_>>()
        };
        fields.insert("tasks".to_owned(), json!(tasks(&mut framework.tasks.values())));
        fields.insert("unreachable_tasks".to_owned(), json!(tasks(&mut framework.unreachable.iter())));
        fields.insert("completed_tasks".to_owned(), json!(tasks(&mut framework.completed.iter())));
        fields.insert("offers".to_owned(), json!(offers));
        fields.insert("executors".to_owned(), json!(executors));
        fields.insert("offer_constraints".to_owned(), framework.constraints_shown());
        Value::Object(fields)
    }

    /// `/tasks`, which knows limit, offset, order and ids.
    fn tasks_page(&self, query: &HashMap<String, String>, who: Approver<'_>) -> Value {
        let wanted = |name: &str, value: &str| query.get(name).is_none_or(|id| id.is_empty() || id == value);
        let of = |framework: &Framework| {
            let live = framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed);
            live.filter(|one| wanted("task_id", one.id.as_str()) && sees_task(who, one, &framework.info))
                .map(|one| (one.statuses.first().and_then(|first| first.timestamp), task(&framework.id, one)))
                .collect::<Vec<_>>()
        };
        let all = self
            .frameworks
            .iter()
            .chain(&self.completed)
            .filter(|one| wanted("framework_id", one.id.as_str()) && sees_framework(who, &one.info));
        let mut tasks: Vec<(Option<f64>, Value)> = all.flat_map(of).collect();
        tasks.sort_by(|left, right| left.0.unwrap_or(0.0).total_cmp(&right.0.unwrap_or(0.0)));
        if query.get("order").is_none_or(|order| order != "asc") {
            tasks.reverse();
        }
        let number = |name: &str, default| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let page = tasks.into_iter().skip(number("offset", 0usize)).take(number("limit", 100usize));
        json!({"tasks": page.map(|(_, task)| task).collect::<Vec<_>>()})
    }

    /// `/roles`.
    fn roles_page(&self, who: Approver<'_>) -> Value {
        let names = self.known_roles().into_iter().filter(|role| who.may(Action::ViewRole, Some(role)));
        let shown = names.map(|role| {
            let of_role = self.of_role(&role);
            let quota = self.quotas.get(&role).cloned().unwrap_or_default();
            json!({
                "name": role,
                "weight": self.weight(&role),
                "quota": {"role": role, "guarantee": amounts(&quota.guarantees), "limit": amounts(&quota.limits),
                          "consumed": amounts(&of_role.consumed())},
                "resources": amounts(&of_role.allocated.plus(&of_role.offered).quantities()),
                "allocated": amounts(&of_role.allocated.quantities()),
                "offered": amounts(&of_role.offered.quantities()),
                "reserved": amounts(&of_role.reserved.quantities()),
                "frameworks": of_role.frameworks.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
            })
        });
        json!({"roles": shown.collect::<Vec<_>>()})
    }

    /// Settings, named as a real master's flags are.
    pub(super) fn flags(&self) -> Value {
        let settings = &self.settings;
        let duration = |duration: std::time::Duration| format!("{}secs", printed(duration.as_secs_f64(), 6));
        let agent_reregister_timeout = match settings.agent_reregister_timeout.as_secs() {
            600 => "10mins".to_owned(),
            _ => duration(settings.agent_reregister_timeout),
        };
        let mut flags = json!({
            "allocation_interval": duration(settings.allocation_interval),
            "agent_reregister_timeout": agent_reregister_timeout,
            "allocator": "hierarchical",
            "authenticate_agents": "false",
            "authenticate_frameworks": "false",
            "authenticate_http_frameworks": settings.authenticate.frameworks.to_string(),
            "authenticate_http_readonly": settings.authenticate.readonly.to_string(),
            "authenticate_http_readwrite": settings.authenticate.readwrite.to_string(),
            "filter_gpu_resources": "true",
            "framework_sorter": "drf",
            "hostname": settings.hostname,
            "http_authenticators": "basic",
            "max_completed_frameworks": "50",
            "max_completed_tasks_per_framework": "1000",
            "max_operator_event_stream_subscribers": "1000",
            "min_allocatable_resources": "cpus:0.01|mem:32",
            "port": settings.address.port().to_string(),
            "registry": self.registry_name(),
            "role_sorter": "drf",
            "root_submissions": settings.root_submissions.to_string(),
        });
        if let (Value::Object(fields), Some(roles)) = (&mut flags, &settings.roles) {
            fields.insert("roles".to_owned(), json!(roles.join(",")));
        }
        flags
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> Value {
        let mut metrics: BTreeMap<String, f64> = BTreeMap::new();
        let mut put = |name: &str, value: f64| metrics.insert(format!("master/{name}"), value);
        put("uptime_secs", SystemTime::now().duration_since(self.started).unwrap_or_default().as_secs_f64());
        put("elected", 1.0);
        put("slaves_connected", self.agents.len() as f64);
        put("slaves_active", self.agents.values().filter(|agent| agent.active).count() as f64);
        put("slaves_inactive", self.agents.values().filter(|agent| !agent.active).count() as f64);
        put("slaves_disconnected", 0.0);
        put("slaves_unreachable", self.unreachable.len() as f64);
        let connected = self.frameworks.iter().filter(|one| one.stream.is_some()).count();
        put("frameworks_connected", connected as f64);
        put("frameworks_active", connected as f64);
        put("frameworks_disconnected", (self.frameworks.len() - connected) as f64);
        put("frameworks_inactive", (self.frameworks.len() - connected) as f64);
        put("outstanding_offers", self.offers.len() as f64);
        for (state, name) in [
            (TaskState::Staging, "tasks_staging"),
            (TaskState::Starting, "tasks_starting"),
            (TaskState::Running, "tasks_running"),
            (TaskState::Killing, "tasks_killing"),
        ] {
            let tasks = self.frameworks.iter().flat_map(|one| one.tasks.values());
            put(name, tasks.filter(|one| one.state == state).count() as f64);
        }
        put("tasks_unreachable", self.frameworks.iter().map(|one| one.unreachable.len()).sum::<usize>() as f64);
        for name in ["cpus", "gpus", "mem", "disk"] {
            let total: f64 = self.agents.values().map(|agent| self.allocator.total(&agent.id).amount(name)).sum();
            let used: f64 = self.frameworks.iter().map(|one| one.used(None).amount(name)).sum();
            put(&format!("{name}_total"), total);
            put(&format!("{name}_used"), used);
            put(&format!("{name}_percent"), if total > 0.0 { used / total } else { 0.0 });
        }
        for name in ENDED {
            put(name, self.counters.get(name).copied().unwrap_or(0) as f64);
        }
        for (name, value) in &self.counters {
            put(name, *value as f64);
        }
        json!(metrics)
    }
}

/// Counters that are there from the start.
const ENDED: [&str; 9] = [
    "tasks_finished",
    "tasks_failed",
    "tasks_killed",
    "tasks_lost",
    "tasks_error",
    "tasks_dropped",
    "tasks_gone",
    "tasks_gone_by_operator",
    "messages_kill_task",
];

/// The build whose answers these are: commit, date, seconds since 1970, user.
const BUILD: (&str, &str, f64, &str) =
    ("04bc7ee1984d86fbb0bd782ccc69ce44c13ae4b9", "2020-11-24 15:38:37", 1_606_232_317.0, "ubuntu");

/// `/version`.
pub(super) fn version() -> Value {
    json!({"build_date": BUILD.1, "build_time": BUILD.2, "build_user": BUILD.3, "git_sha": BUILD.0,
           "git_tag": VERSION, "version": VERSION})
}

/// The same in the v1 API's order.
pub(super) fn version_info() -> Value {
    json!({"version": VERSION, "build_date": BUILD.1, "build_time": BUILD.2, "build_user": BUILD.3,
           "git_sha": BUILD.0, "git_tag": VERSION})
}
