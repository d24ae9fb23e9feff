//! The master's state as JSON: `/state` and its parts, in the shapes that a real one answers.
//!
//! (apache/mesos: src/master/readonly_handler.cpp, src/common/http.cpp)

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::actor::{Master, VERSION, seconds};
use super::agents::Agent;
use super::document::{Document, Object, Shape};
use super::framework::{Framework, Task};
use super::operator::{sees_executor, sees_framework, sees_resource, sees_task};
use super::validate::framework::roles;
use super::view::View;
use crate::embedded::authorize::{Action, Approver};
use crate::embedded::resources::{Resources, coalesced, floating, for_endpoints, reservation_role};
use crate::embedded::wire::defaults;
use crate::mesos::{
    AgentId, Attribute, ContainerStatus, FrameworkCapabilityType, FrameworkId, Offer, Range, Resource, Scalar,
    TaskState, TaskStatus, ValueType,
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

/// A status as `/state` shows it.
struct ShownStatus<'a>(&'a TaskStatus);

impl Serialize for ShownStatus<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let status = self.0;
        let mut shown = serializer.serialize_map(None)?;
        shown.serialize_entry("state", status.state.as_str())?;
        shown.serialize_entry("timestamp", &status.timestamp.unwrap_or(0.0))?;
        if let Some(labels) = &status.labels {
            shown.serialize_entry("labels", &labels.labels)?;
        }
        if let Some(container) = &status.container_status {
            let container = ContainerStatus {
                container_id: container.container_id.clone(),
                network_infos: container.network_infos.clone(),
                ..ContainerStatus::default()
            };
            shown.serialize_entry("container_status", &container)?;
        }
        if let Some(healthy) = status.healthy {
            shown.serialize_entry("healthy", &healthy)?;
        }
        shown.end()
    }
}

/// A task as `/state` shows it.
pub(super) struct ShownTask<'a>(pub(super) &'a FrameworkId, pub(super) &'a Task);

impl Serialize for ShownTask<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(framework, task) = self;
        let info = &task.info;
        let resources = Resources::of(&info.resources);
        let role = resources.list().iter().find_map(|resource| resource.allocation_info.as_ref()?.role.as_deref());
        let mut shown = serializer.serialize_map(None)?;
        shown.serialize_entry("id", task.id().as_str())?;
        shown.serialize_entry("name", &info.name)?;
        shown.serialize_entry("framework_id", framework.as_str())?;
        shown.serialize_entry("executor_id", task.executor.as_ref().map_or("", |id| id.as_str()))?;
        shown.serialize_entry("slave_id", task.agent().as_str())?;
        shown.serialize_entry("state", task.state.as_str())?;
        shown.serialize_entry("resources", &summary(&resources.unallocated()))?;
        shown.serialize_entry("role", role.unwrap_or("*"))?;
        shown.serialize_entry("statuses", &Listed(&task.statuses, ShownStatus))?;
        if !info.limits.is_empty() {
            let limits: BTreeMap<&String, Value> =
                info.limits.iter().map(|(name, scalar)| (name, number(scalar.value))).collect();
            shown.serialize_entry("limits", &limits)?;
        }
        if let Some(user) = task.user() {
            shown.serialize_entry("user", user)?;
        }
        if let Some(labels) = &info.labels {
            shown.serialize_entry("labels", &labels.labels)?;
        }
        if let Some(discovery) = info.discovery.as_deref() {
            shown.serialize_entry("discovery", &defaults::shown(discovery))?;
        }
        if let Some(container) = info.container.as_deref() {
            shown.serialize_entry("container", &defaults::shown(container))?;
        }
        if let Some(check) = info.health_check.as_deref() {
            shown.serialize_entry("health_check", &defaults::shown(check))?;
        }
        shown.end()
    }
}

/// A list of shared things, each shown in a way.
pub(super) struct Listed<'a, T, F>(pub(super) &'a [Arc<T>], pub(super) F);

impl<'a, T, F: Fn(&'a T) -> V, V: Serialize> Serialize for Listed<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|one| (self.1)(one.as_ref())))
    }
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

/// How many tasks are in each state that is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counts([u64; COUNTED.len()]);

impl Counts {
    fn add(&mut self, task: &Task) {
        let at = COUNTED.iter().position(|state| *state == task.state);
        if let Some(count) = at.and_then(|at| self.0.get_mut(at)) {
            *count += 1;
        }
    }

    fn put(&self, shown: &mut Object<'_>) {
        COUNTED.iter().zip(self.0).for_each(|(state, count)| shown.put(state.as_str(), &count));
    }
}

/// What a summary says of all the tasks of a framework, or of those on an agent.
#[derive(Debug, Default)]
struct Tally<'a> {
    counts: Counts,
    /// The agents they are on, or their frameworks.
    ids: Vec<&'a str>,
}

impl Master {
    /// A page, or nothing where there is none of that path.
    pub(super) fn page(
        &self,
        path: &str,
        query: &HashMap<String, String>,
        principal: Option<&str>,
    ) -> Option<Document> {
        let who = self.approver(principal);
        let wanted = |name: &str, id: &str| query.get(name).is_none_or(|wanted| wanted == id);
        Some(Document::from(match path {
            "/state" => return Some(self.state(who)),
            "/state-summary" => return Some(self.state_summary(who)),
            "/slaves" => {
                let view = View::of(self, who);
                let agents = self.agents.values().filter(|agent| wanted("slave_id", agent.id.as_str()));
                return Some(Document::object(|page| {
                    let shown = |list: &mut Document, agent| list.put(&self.full_agent(agent, &view));
                    page.with("slaves", |list| list.put_list(agents, shown));
                    page.put("recovered_slaves", &self.recovered_slaves());
                }));
            }
            "/frameworks" => {
                let shown =
                    |one: &&Framework| wanted("framework_id", one.id.as_str()) && sees_framework(who, &one.info);
                let view = View::of(self, who);
                let put = |list: &mut Document, framework: &Framework| self.put_framework(list, framework, &view);
                return Some(Document::object(|page| {
                    page.with("frameworks", |list| list.put_list(self.frameworks.iter().filter(shown), put));
                    page.with("completed_frameworks", |list| list.put_list(self.completed.iter().filter(shown), put));
                    page.put("unregistered_frameworks", &json!([]));
                }));
            }
            "/tasks" => return Some(self.tasks_page(query, who)),
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
        }))
    }

    fn state(&self, who: Approver<'_>) -> Document {
        let view = View::of(self, who);
        let seen = |one: &&Framework| sees_framework(who, &one.info);
        let put = |list: &mut Document, framework: &Framework| self.put_framework(list, framework, &view);
        Document::object(|state| {
            self.put_head(state, who);
            let agent = |list: &mut Document, agent| list.put(&self.agent_json(agent, &view));
            state.with("slaves", |list| list.put_list(self.agents.values(), agent));
            state.put("recovered_slaves", &self.recovered_slaves());
            state.with("frameworks", |list| list.put_list(self.frameworks.iter().filter(seen), put));
            state.with("completed_frameworks", |list| list.put_list(self.completed.iter().filter(seen), put));
            state.put("orphan_tasks", &json!([]));
            state.put("unregistered_frameworks", &json!([]));
        })
    }

    /// What `/state` says of the master itself.
    fn put_head(&self, state: &mut Object<'_>, who: Approver<'_>) {
        let started = seconds(self.started);
        let active = self.agents.values().filter(|agent| agent.active).count();
        let info = json!({"id": self.id, "pid": self.pid(), "port": self.settings.address.port(),
                          "hostname": self.settings.hostname});
        let head = json!({
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
        });
        head.as_object().into_iter().for_each(|fields| state.extend(fields));
        if who.may(Action::ViewFlags, None) {
            state.put("flags", &self.flags());
        }
    }

    fn state_summary(&self, who: Approver<'_>) -> Document {
        let view = View::of(self, who);
        // Tasks of frameworks that are gone aren't counted.
        let mut on_agents: HashMap<&AgentId, Tally<'_>> = HashMap::new();
        let mut of_frameworks: HashMap<&FrameworkId, Tally<'_>> = HashMap::new();
        for framework in &self.frameworks {
            let tally = of_frameworks.entry(&framework.id).or_default();
            for task in framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed) {
                tally.counts.add(task);
                tally.ids.push(task.agent().as_str());
                let on_agent = on_agents.entry(task.agent()).or_default();
                on_agent.counts.add(task);
                if on_agent.ids.last() != Some(&framework.id.as_str()) {
                    on_agent.ids.push(framework.id.as_str());
                }
            }
            tally.ids.sort_unstable();
            tally.ids.dedup();
        }
        let none = Tally::default();
        Document::object(|page| {
            page.put("hostname", &self.settings.hostname);
            page.with("slaves", |list| {
                list.put_list(self.agents.values(), |list, agent| {
                    let tally = on_agents.get(&agent.id).unwrap_or(&none);
                    list.put_object(|shown| {
                        self.agent_json(agent, &view).as_object().into_iter().for_each(|fields| shown.extend(fields));
                        tally.counts.put(shown);
                        shown.put("framework_ids", &tally.ids);
                    });
                });
            });
            page.with("frameworks", |list| {
                let seen = self.frameworks.iter().filter(|one| sees_framework(who, &one.info));
                list.put_list(seen, |list, framework| {
                    let tally = of_frameworks.get(&framework.id).unwrap_or(&none);
                    list.put_object(|shown| {
                        shown.extend(&self.framework_head(framework, &view));
                        tally.counts.put(shown);
                        shown.put("slave_ids", &tally.ids);
                    });
                });
            });
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
            "used_resources": summary(&view.used_by(&framework.id).unallocated()),
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

    fn put_framework(&self, document: &mut Document, framework: &Framework, view: &View<'_>) {
        let info = &framework.info;
        let mut fields = self.framework_head(framework, view);
        let used = view.used_by(&framework.id);
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
        document.put_object(|shown| {
            shown.extend(&fields);
            let seen = |one: &&Arc<Task>| sees_task(view.who, one, info);
            shown.with("tasks", |list| {
                list.put_tasks(Shape::State, &framework.id, framework.tasks.values().filter(seen))
            });
            let unreachable = framework.unreachable.iter().filter(seen);
            shown.with("unreachable_tasks", |list| list.put_tasks(Shape::State, &framework.id, unreachable));
            let completed = framework.completed.iter().filter(seen);
            shown.with("completed_tasks", |list| list.put_tasks(Shape::State, &framework.id, completed));
            shown.put("offers", &offers);
            shown.put("executors", &executors);
            if let Some(labels) = &info.labels {
                shown.put("labels", &labels.labels);
            }
            shown.put("offer_constraints", &framework.constraints_shown());
        });
    }

    /// `/tasks`, which knows limit, offset, order and ids.
    fn tasks_page(&self, query: &HashMap<String, String>, who: Approver<'_>) -> Document {
        let wanted = |name: &str, value: &str| query.get(name).is_none_or(|id| id.is_empty() || id == value);
        let all = self
            .frameworks
            .iter()
            .chain(&self.completed)
            .filter(|one| wanted("framework_id", one.id.as_str()) && sees_framework(who, &one.info));
        let mut tasks: Vec<(f64, &FrameworkId, &Arc<Task>)> = Vec::new();
        for framework in all {
            let of = framework.tasks.values().chain(&framework.unreachable).chain(&framework.completed);
            let seen = of.filter(|one| wanted("task_id", one.id().as_str()) && sees_task(who, one, &framework.info));
            let since = |task: &Task| task.statuses.first().and_then(|first| first.timestamp).unwrap_or(0.0);
            tasks.extend(seen.map(|task| (since(task), &framework.id, task)));
        }
        tasks.sort_by(|left, right| left.0.total_cmp(&right.0));
        if query.get("order").is_none_or(|order| order != "asc") {
            tasks.reverse();
        }
        let number = |name: &str, default| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let page = tasks.into_iter().skip(number("offset", 0usize)).take(number("limit", 100usize));
        Document::object(|shown| {
            let put =
                |list: &mut Document, (_, id, task): (_, &FrameworkId, &Arc<Task>)| list.put(&ShownTask(id, task));
            shown.with("tasks", |list| list.put_list(page, put));
        })
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
}

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
