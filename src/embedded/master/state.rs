//! The master's state as JSON: `/state` and its parts, in the shapes that a real one answers.
//!
//! (apache/mesos: src/master/readonly_handler.cpp, src/common/http.cpp)

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::actor::{Master, VERSION, seconds};
use super::agents::Agent;
use super::framework::{Framework, Task};
use super::validate::framework::roles;
use crate::embedded::resources::{Resources, for_endpoints, printed, reservation_role};
use crate::embedded::wire::defaults;
use crate::mesos::{
    AgentId, Attribute, FrameworkCapabilityType, FrameworkId, Offer, Range, Resource, TaskState, TaskStatus, ValueType,
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

/// The pages that are JSON, without `/master`.
pub(super) const PAGES: [&str; 11] = [
    "/state",
    "/state-summary",
    "/slaves",
    "/frameworks",
    "/tasks",
    "/roles",
    "/flags",
    "/version",
    "/metrics/snapshot",
    "/maintenance/schedule",
    "/maintenance/status",
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
                let all: Vec<&Range> = resources
                    .list()
                    .iter()
                    .filter(|other| other.name == resource.name)
                    .flat_map(|other| other.ranges.iter().flat_map(|ranges| &ranges.range))
                    .collect();
                let all: Vec<String> = all.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
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

/// Amounts by name, of what is there only.
pub(super) fn quantities(resources: &Resources) -> Value {
    let amounts = resources.list().iter().filter(|resource| resource.r#type == ValueType::Scalar);
    let amounts: BTreeMap<&str, f64> =
        amounts.map(|resource| (resource.name.as_str(), resources.amount(&resource.name))).collect();
    json!(amounts)
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
    pub(super) fn page(&self, path: &str, query: &HashMap<String, String>) -> Option<Value> {
        Some(match path {
            "/state" => self.state(),
            "/state-summary" => self.state_summary(),
            "/slaves" => {
                let wanted = query.get("slave_id");
                let agents = self.agents.values().filter(|agent| wanted.is_none_or(|id| agent.id.as_str() == id));
                json!({"slaves": agents.map(|agent| self.full_agent(agent)).collect::<Vec<_>>(),
                       "recovered_slaves": self.recovered_slaves()})
            }
            "/frameworks" => {
                let wanted = query.get("framework_id");
                let shown = |framework: &&Framework| wanted.is_none_or(|id| framework.id.as_str() == id);
                json!({
                    "frameworks": self.frameworks.iter().filter(shown).map(|one| self.framework_json(one))
                        .collect::<Vec<_>>(),
                    "completed_frameworks": self.completed.iter().filter(shown).map(|one| self.framework_json(one))
                        .collect::<Vec<_>>(),
                    "unregistered_frameworks": [],
                })
            }
            "/tasks" => self.tasks_page(query),
            "/roles" => json!({"roles": self.roles().into_iter().map(|(_, role)| role).collect::<Vec<_>>()}),
            "/flags" => json!({"flags": self.flags()}),
            "/version" => version(),
            "/metrics/snapshot" => self.metrics(),
            "/maintenance/schedule" => self.maintenance_schedule(),
            "/maintenance/status" => self.maintenance_status(),
            _ => return None,
        })
    }

    fn state(&self) -> Value {
        let started = seconds(self.started);
        let active = self.agents.values().filter(|agent| agent.active).count();
        let info = json!({"id": self.id, "pid": self.pid(), "port": self.settings.address.port(),
                          "hostname": self.settings.hostname});
        json!({
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
            "slaves": self.agents.values().map(|agent| self.agent_json(agent)).collect::<Vec<_>>(),
            "recovered_slaves": self.recovered_slaves(),
            "frameworks": self.frameworks.iter().map(|one| self.framework_json(one)).collect::<Vec<_>>(),
            "completed_frameworks": self.completed.iter().map(|one| self.framework_json(one)).collect::<Vec<_>>(),
            "orphan_tasks": [],
            "unregistered_frameworks": [],
        })
    }

    fn state_summary(&self) -> Value {
        let agents = self.agents.values().map(|agent| {
            let mut shown = self.agent_json(agent);
            let everywhere = self.frameworks.iter().chain(&self.completed);
            let here = |task: &&Task| task.agent == agent.id;
            let tasks = everywhere.clone().flat_map(|framework| {
                let live = framework.tasks.values().chain(&framework.unreachable);
                live.chain(&framework.completed).filter(here)
            });
            let ids: Vec<&str> = self
                .frameworks
                .iter()
                .filter(|framework| framework.tasks.values().any(|task| task.agent == agent.id))
                .map(|framework| framework.id.as_str())
                .collect();
            if let Value::Object(fields) = &mut shown {
                // Tasks of frameworks that are gone aren't counted.
                let live = tasks.filter(|task| {
                    self.frameworks
                        .iter()
                        .any(|framework| framework.task(&task.id).is_some_and(|one| one.agent == task.agent))
                });
                fields.extend(count(live));
                fields.insert("framework_ids".to_owned(), json!(ids));
            }
            shown
        });
        let frameworks = self.frameworks.iter().map(|framework| {
            let mut shown = self.framework_head(framework);
            let tasks = framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed);
            let mut agents: Vec<&str> = framework.tasks.values().map(|task| task.agent.as_str()).collect();
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

    fn agent_json(&self, agent: &Agent) -> Value {
        let total = self.allocator.total(&agent.id);
        let attributes: Map<String, Value> =
            agent.info.attributes.iter().map(|one| (one.name.clone(), attribute(one))).collect();
        let reserved: BTreeMap<String, Value> =
            reserved(&total).iter().map(|(role, resources)| (role.clone(), summary(resources))).collect();
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
            "used_resources": summary(&self.used_on(&agent.id).unallocated()),
            "offered_resources": summary(&self.offered(Some(&agent.id), None).unallocated()),
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
            if let Some(config) = &agent.draining {
                let busy = self.frameworks.iter().any(|one| one.tasks.values().any(|task| task.agent == agent.id));
                let state = if busy { "DRAINING" } else { "DRAINED" };
                fields.insert("drain_info".to_owned(), json!({"state": state, "config": config}));
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

    fn full_agent(&self, agent: &Agent) -> Value {
        let mut shown = self.agent_json(agent);
        let total = self.allocator.total(&agent.id);
        let by_role: BTreeMap<String, Value> =
            reserved(&total).iter().map(|(role, resources)| (role.clone(), full(resources.list()))).collect();
        if let Value::Object(fields) = &mut shown {
            fields.insert("reserved_resources_full".to_owned(), json!(by_role));
            fields.insert("unreserved_resources_full".to_owned(), full(unreserved(&total).list()));
            fields.insert("used_resources_full".to_owned(), full(self.used_on(&agent.id).list()));
            fields.insert("offered_resources_full".to_owned(), full(self.offered(Some(&agent.id), None).list()));
        }
        shown
    }

    fn framework_head(&self, framework: &Framework) -> Map<String, Value> {
        let capabilities: Vec<&str> = framework
            .info
            .capabilities
            .iter()
            .filter_map(|one| one.r#type.as_ref().map(|kind| kind.as_str()))
            .collect();
        let info = &framework.info;
        let connected = framework.stream.is_some();
        let shown = json!({
            "id": framework.id.as_str(),
            "name": info.name,
        });
        let more = json!({
            "used_resources": summary(&framework.used(None).unallocated()),
            "offered_resources": summary(&self.offered(None, Some(&framework.id)).unallocated()),
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

    fn framework_json(&self, framework: &Framework) -> Value {
        let info = &framework.info;
        let mut fields = self.framework_head(framework);
        let used = framework.used(None);
        let offered = self.offered(None, Some(&framework.id));
        let offers: Vec<Value> =
            self.offers.values().filter(|one| one.framework_id == framework.id).map(offer).collect();
        let executors: Vec<Value> = framework
            .executors
            .iter()
            .flat_map(|(agent, all)| all.iter().map(move |executor| (agent, executor)))
            .map(|(agent, executor)| {
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
        let tasks =
            |tasks: &mut dyn Iterator<Item = &Task>| tasks.map(|one| task(&framework.id, one)).collect::<Vec<_>>();
        fields.insert("tasks".to_owned(), json!(tasks(&mut framework.tasks.values())));
        fields.insert("unreachable_tasks".to_owned(), json!(tasks(&mut framework.unreachable.iter())));
        fields.insert("completed_tasks".to_owned(), json!(tasks(&mut framework.completed.iter())));
        fields.insert("offers".to_owned(), json!(offers));
        fields.insert("executors".to_owned(), json!(executors));
        fields.insert("offer_constraints".to_owned(), json!({}));
        Value::Object(fields)
    }

    /// `/tasks`, which knows limit, offset, order and ids.
    fn tasks_page(&self, query: &HashMap<String, String>) -> Value {
        let wanted = |name: &str, value: &str| query.get(name).is_none_or(|id| id.is_empty() || id == value);
        let of = |framework: &Framework| {
            let live = framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed);
            live.filter(|one| wanted("task_id", one.id.as_str()))
                .map(|one| (one.statuses.first().and_then(|first| first.timestamp), task(&framework.id, one)))
                .collect::<Vec<_>>()
        };
        let all = self.frameworks.iter().chain(&self.completed).filter(|one| wanted("framework_id", one.id.as_str()));
        let mut tasks: Vec<(Option<f64>, Value)> = all.flat_map(of).collect();
        tasks.sort_by(|left, right| left.0.unwrap_or(0.0).total_cmp(&right.0.unwrap_or(0.0)));
        if query.get("order").is_none_or(|order| order != "asc") {
            tasks.reverse();
        }
        let number = |name: &str, default| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let page = tasks.into_iter().skip(number("offset", 0usize)).take(number("limit", 100usize));
        json!({"tasks": page.map(|(_, task)| task).collect::<Vec<_>>()})
    }

    /// Roles that somebody has, with what they have.
    pub(super) fn roles(&self) -> Vec<(String, Value)> {
        let mut names: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for framework in &self.frameworks {
            for role in roles(&framework.info) {
                names.entry(role).or_default().push(framework.id.as_str());
            }
        }
        let of_role = |resources: &Resources, role: &str| {
            let given = |resource: &Resource| {
                resource.allocation_info.as_ref().and_then(|info| info.role.as_deref()) == Some(role)
            };
            resources.filtered(given).unallocated()
        };
        names
            .into_iter()
            .map(|(role, ids)| {
                let mut allocated = Resources::default();
                self.frameworks.iter().for_each(|one| allocated.add(&of_role(&one.used(None), &role)));
                let offered = of_role(&self.offered(None, None), &role);
                let mut reserved = Resources::default();
                for agent in self.agents.values() {
                    reserved.add(
                        &self
                            .allocator
                            .total(&agent.id)
                            .filtered(|one| !one.reservations.is_empty() && reservation_role(one) == role),
                    );
                }
                let shown = json!({
                    "name": role,
                    "weight": 1.0,
                    "quota": {"role": role, "guarantee": {}, "limit": {}, "consumed": quantities(&allocated)},
                    "resources": quantities(&allocated.plus(&offered)),
                    "allocated": quantities(&allocated),
                    "offered": quantities(&offered),
                    "reserved": quantities(&reserved),
                    "frameworks": ids,
                });
                (role, shown)
            })
            .collect()
    }

    /// Settings, named as a real master's flags are.
    pub(super) fn flags(&self) -> Value {
        let settings = &self.settings;
        let duration = |duration: std::time::Duration| format!("{}secs", printed(duration.as_secs_f64(), 6));
        let mut flags = json!({
            "allocation_interval": duration(settings.allocation_interval),
            "agent_reregister_timeout": "10mins",
            "allocator": "hierarchical",
            "authenticate_agents": "false",
            "authenticate_frameworks": "false",
            "authenticate_http_frameworks": settings.authenticate.to_string(),
            "authenticate_http_readonly": settings.authenticate.to_string(),
            "authenticate_http_readwrite": settings.authenticate.to_string(),
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
