//! What an agent tells of itself over HTTP: its state, tasks and executors, in the shapes of a real one.
//!
//! Pure: from the agent's books to JSON.

use std::sync::Arc;

use serde_json::{Map, json};

use super::actor::{Setup, now};
use super::books::{Books, Executor, Framework, Kind, Task, is_terminal};
use super::flags::flags;
use super::process;
use super::updates::Updates;
use crate::embedded::resources::upgraded;
use crate::embedded::wire::defaults;
use crate::mesos::{
    AgentInfo, CommandInfo, ContainerId, DurationInfo, ExecutorId, ExecutorInfo, FrameworkCapabilityType, FrameworkId,
    Json, Resource, Scalar, TaskInfo, TaskState, TaskStatus, ValueType,
};

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `/state`.
    State,
    /// `/containers` and `/monitor/statistics`.
    Containers,
    /// `/flags`.
    Flags,
    /// `/metrics/snapshot`.
    Metrics,
    /// `/files/debug`: what can be browsed, and where it lies.
    Files,
    /// `GET_AGENT`.
    Agent,
    /// `GET_CONTAINERS`.
    ContainersV1,
    /// `GET_TASKS`.
    Tasks,
    /// `GET_EXECUTORS`.
    Executors,
    /// `GET_FRAMEWORKS`.
    Frameworks,
    /// `GET_STATE`.
    StateV1,
    /// Where an executor's container is, and whose: null if there is none.
    Container(String),
    /// That an executor's container be killed: whether there was one.
    Kill(String),
}

/// Answers.
pub(super) fn answer(setup: &Setup, books: &Books, updates: &Updates, question: Question) -> Json {
    match question {
        Question::State => state(setup, books),
        Question::Containers => Json::Array(running(books).map(|(id, it)| container(id, it)).collect()),
        Question::Flags => json!({"flags": flags(setup)}),
        Question::Container(id) => of_container(books, &id).map_or(Json::Null, |(framework, executor)| {
            let user = books.frameworks.get(framework).map_or("", |framework| framework.info.user.as_str());
            json!({"directory": executor.directory, "user": user, "docker": executor.kind == Kind::Docker})
        }),
        // What changes something is the actor's own.
        Question::Kill(_) => Json::Bool(false),
        Question::Metrics => metrics(setup, books),
        Question::Files => files(books),
        Question::Agent => {
            let info = agent_info(setup, books);
            let resources = info.resources.into_iter().map(upgraded).collect();
            json!({"agent_info": AgentInfo { resources, ..info }})
        }
        Question::ContainersV1 => {
            json!({"containers": running(books).map(|(id, it)| container_v1(id, it)).collect::<Vec<_>>()})
        }
        Question::Tasks => tasks(books, updates),
        Question::Executors => executors(books),
        Question::Frameworks => frameworks(books),
        Question::StateV1 => json!({
            "get_tasks": tasks(books, updates),
            "get_executors": executors(books),
            "get_frameworks": frameworks(books),
        }),
    }
}

/// The release whose behaviour this agent follows, as it says of itself.
pub(super) fn version() -> Map<String, Json> {
    let fields = [
        ("build_date", json!("2020-11-24 15:38:37")),
        ("build_time", json!(1_606_232_317.0)),
        ("build_user", json!("ubuntu")),
        ("git_sha", json!("04bc7ee1984d86fbb0bd782ccc69ce44c13ae4b9")),
        ("git_tag", json!("1.11.0")),
        ("version", json!("1.11.0")),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What an agent can do.
const CAPABILITIES: [&str; 8] = [
    "MULTI_ROLE",
    "HIERARCHICAL_ROLE",
    "RESERVATION_REFINEMENT",
    "RESOURCE_PROVIDER",
    "RESIZE_VOLUME",
    "AGENT_OPERATION_FEEDBACK",
    "AGENT_DRAINING",
    "TASK_RESOURCE_LIMITS",
];

fn agent_info(setup: &Setup, books: &Books) -> AgentInfo {
    AgentInfo { id: books.agent_id.clone(), ..setup.config.info(setup.address.port(), setup.containers()) }
}

fn state(setup: &Setup, books: &Books) -> Json {
    let info = agent_info(setup, books);
    let used: Vec<Resource> = running(books).flat_map(|(_, executor)| used_by(executor)).collect();
    let attributes: Map<_, _> = info
        .attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), json!(attribute.text.as_ref().map(|text| &text.value))))
        .collect();
    let mut state = Map::new();
    let version = version();
    for name in ["version", "git_sha", "git_tag", "build_date", "build_time", "build_user"] {
        state.insert(name.to_owned(), version.get(name).cloned().unwrap_or_default());
    }
    let rest = json!({
        "start_time": setup.started,
        "id": books.agent_id.as_ref().map_or("", |id| id.as_str()),
        "pid": setup.pid(),
        "hostname": info.hostname,
        "capabilities": CAPABILITIES,
        "resources": amounts(&info.resources),
        "reserved_resources": {},
        "unreserved_resources": amounts(&info.resources),
        "reserved_resources_full": {},
        "unreserved_resources_full": info.resources,
        "reserved_resources_allocated": {},
        "unreserved_resources_allocated": amounts(&used),
        "resource_providers": [],
        "attributes": attributes,
        "master_hostname": setup.config.hostname,
        "flags": flags(setup),
        "frameworks": books.frameworks.values().map(framework).collect::<Vec<_>>(),
        "completed_frameworks": books.completed.iter().map(framework).collect::<Vec<_>>(),
    });
    if let Json::Object(rest) = rest {
        state.extend(rest);
    }
    Json::Object(state)
}

/// Resources summed up by name, as `/state` shows them.
fn amounts(resources: &[Resource]) -> Json {
    let mut sums = Map::new();
    for name in ["disk", "mem", "gpus", "cpus"] {
        sums.insert(name.to_owned(), json!(0.0));
    }
    let mut ports = Vec::new();
    for resource in resources {
        if let Some(amount) = &resource.scalar {
            let sum = sums.get(&resource.name).and_then(Json::as_f64).unwrap_or(0.0);
            // Amounts are kept to a thousandth.
            let sum = ((sum + amount.value) * 1000.0).round() / 1000.0;
            sums.insert(resource.name.clone(), json!(sum));
        }
        let ranges = resource.ranges.iter().flat_map(|ranges| &ranges.range);
        if resource.name == "ports" {
            ports.extend(ranges.map(|range| (range.begin, range.end)));
        }
    }
    if !ports.is_empty() {
        sums.insert("ports".to_owned(), json!(range_text(ports)));
    }
    Json::Object(sums)
}

/// `[31000-31002, 31005-31005]`, neighbours joined.
fn range_text(mut ranges: Vec<(u64, u64)>) -> String {
    ranges.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (begin, end) in ranges {
        match joined.last_mut() {
            Some(last) if begin <= last.1.saturating_add(1) => last.1 = last.1.max(end),
            _ => joined.push((begin, end)),
        }
    }
    let texts: Vec<_> = joined.iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
    format!("[{}]", texts.join(", "))
}

fn role(resources: &[Resource]) -> &str {
    let first = resources.iter().find_map(|resource| resource.allocation_info.as_ref());
    first.and_then(|allocation| allocation.role.as_deref()).unwrap_or("*")
}

fn framework(framework: &Framework) -> Json {
    let info = &framework.info;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Json| shown.insert(name.to_owned(), value);
    put("id", json!(info.id.as_ref().map_or("", |id| id.as_str())));
    put("name", json!(info.name));
    put("user", json!(info.user));
    put("failover_timeout", json!(info.failover_timeout.unwrap_or(0.0)));
    put("checkpoint", json!(info.checkpoint.unwrap_or(false)));
    put("hostname", json!(info.hostname.as_deref().unwrap_or("")));
    if let Some(principal) = &info.principal {
        put("principal", json!(principal));
    }
    if info.capabilities.iter().any(|one| one.r#type == Some(FrameworkCapabilityType::MultiRole)) {
        put("roles", json!(info.roles));
    } else {
        put("role", json!(info.role.as_deref().unwrap_or("*")));
    }
    put("executors", framework.executors.values().map(|it| executor(it)).collect());
    put("completed_executors", framework.completed.iter().map(|it| executor(it)).collect());
    Json::Object(shown)
}

/// What an executor and its tasks use.
fn used_by(executor: &Executor) -> Vec<Resource> {
    let tasks = executor.tasks.iter().filter(|task| !is_terminal(&task.state()));
    let own = executor.info().resources.clone();
    own.into_iter().chain(tasks.flat_map(|task| task.info.resources.iter().cloned())).collect()
}

fn executor(executor: &Executor) -> Json {
    let info = executor.info();
    let generated = executor.kind.is_generated();
    let used = used_by(executor);
    let shown = |task: &Task| self::task(task, executor, generated);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Json| fields.insert(name.to_owned(), value);
    put("id", json!(info.executor_id.as_str()));
    put("name", json!(info.name.as_deref().unwrap_or("")));
    put("source", json!(info.source.as_deref().unwrap_or("")));
    put("container", json!(executor.container_id));
    put("directory", json!(executor.directory));
    put("resources", amounts(&used));
    put("role", json!(role(&used)));
    if let Some(labels) = &info.labels {
        put("labels", json!(labels.labels));
    }
    if let Some(kind) = &info.r#type {
        put("type", json!(kind.as_str()));
    }
    put("tasks", executor.tasks.iter().map(shown).collect());
    put("queued_tasks", json!([]));
    put("completed_tasks", executor.completed.iter().map(shown).collect());
    Json::Object(fields)
}

fn task(task: &Task, executor: &Executor, generated: bool) -> Json {
    let info = &task.info;
    let framework_id = executor.framework_id.as_str();
    let mut shown = Map::new();
    let mut put = |name: &str, value: Json| shown.insert(name.to_owned(), value);
    put("id", json!(info.task_id.as_str()));
    put("name", json!(info.name));
    put("framework_id", json!(framework_id));
    put("executor_id", json!(if generated { "" } else { executor.id.as_str() }));
    put("slave_id", json!(info.agent_id.as_str()));
    put("state", json!(task.state().as_str()));
    put("resources", amounts(&info.resources));
    put("role", json!(role(&info.resources)));
    put("statuses", Json::Array(task.statuses.iter().map(|one| status(one)).collect()));
    if let Some(labels) = &info.labels {
        put("labels", json!(labels.labels));
    }
    if let Some(discovery) = &info.discovery {
        put("discovery", json!(discovery));
    }
    if let Some(container) = &info.container {
        put("container", defaults::shown(&**container));
    }
    if let Some(check) = &info.health_check {
        put("health_check", defaults::shown(&**check));
    }
    Json::Object(shown)
}

fn status(status: &TaskStatus) -> Json {
    let mut shown = Map::new();
    shown.insert("state".to_owned(), json!(status.state.as_str()));
    shown.insert("timestamp".to_owned(), json!(status.timestamp));
    if let Some(labels) = &status.labels {
        shown.insert("labels".to_owned(), json!(labels.labels));
    }
    if let Some(container) = &status.container_status {
        let mut container = container.clone();
        // `/state` leaves it out, the v1 API shows it.
        container.executor_pid = None;
        shown.insert("container_status".to_owned(), json!(container));
    }
    if let Some(healthy) = status.healthy {
        shown.insert("healthy".to_owned(), json!(healthy));
    }
    Json::Object(shown)
}

/// Executors that run, with their frameworks' ids.
fn running(books: &Books) -> impl Iterator<Item = (&FrameworkId, &Executor)> {
    let all =
        books.frameworks.iter().flat_map(|(id, framework)| framework.executors.values().map(move |it| (id, &**it)));
    all.filter(|(_, executor)| executor.stop.is_some() || executor.tasks.iter().any(|task| task.orders.is_some()))
}

/// The executor of a container that runs, and its framework.
pub(super) fn of_container<'a>(books: &'a Books, id: &str) -> Option<(&'a FrameworkId, &'a Executor)> {
    running(books).find(|(_, executor)| executor.container_id == id)
}

/// Whether an executor's container runs.
pub(super) fn is_running(books: &Books, id: &str) -> bool {
    of_container(books, id).is_some()
}

fn first_pid(executor: &Executor) -> Option<u32> {
    executor.pid.or_else(|| executor.tasks.iter().find_map(|task| task.pid))
}

/// What an executor's processes use now.
fn statistics(executor: &Executor) -> Map<String, Json> {
    let used = used_by(executor);
    let sum = |name: &str| {
        let of_name = used.iter().filter(|resource| resource.name == name);
        of_name.filter_map(|resource| resource.scalar.as_ref()).map(|amount| amount.value).sum::<f64>()
    };
    let pids = executor.tasks.iter().filter_map(|task| task.pid).chain(executor.pid);
    let groups: Vec<_> = pids.filter_map(|pid| i32::try_from(pid).ok()).collect();
    let own = process::processes().filter(|one| groups.contains(&one.group) || groups.contains(&one.pid));
    let (mut user, mut system, mut pages) = (0_u64, 0_u64, 0_u64);
    for one in own {
        user = user.saturating_add(one.user_ticks);
        system = system.saturating_add(one.system_ticks);
        pages = pages.saturating_add(one.resident_pages);
    }
    // Linux counts in hundredths of a second and pages of 4096 bytes.
    let seconds = |ticks: u64| ticks as f64 / 100.0;
    let memory = (sum("mem") * 1_048_576.0) as u64;
    let fields = [
        ("timestamp", json!(now())),
        ("cpus_user_time_secs", json!(seconds(user))),
        ("cpus_system_time_secs", json!(seconds(system))),
        ("cpus_soft_limit", json!((sum("cpus") * 1000.0).round() / 1000.0)),
        ("mem_limit_bytes", json!(memory)),
        ("mem_soft_limit_bytes", json!(memory)),
        ("mem_rss_bytes", json!(pages.saturating_mul(4096))),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn container_status(executor: &Executor) -> Json {
    let id = ContainerId { value: executor.container_id.clone(), ..Default::default() };
    match first_pid(executor) {
        Some(pid) => json!({"container_id": id, "executor_pid": pid}),
        None => json!({"container_id": id}),
    }
}

fn container(framework_id: &FrameworkId, executor: &Executor) -> Json {
    let info = executor.info();
    json!({
        "container_id": executor.container_id,
        "executor_id": executor.id.as_str(),
        "executor_name": info.name.as_deref().unwrap_or(""),
        "framework_id": framework_id.as_str(),
        "source": info.source.as_deref().unwrap_or(""),
        "statistics": statistics(executor),
        "status": container_status(executor),
    })
}

fn container_v1(framework_id: &FrameworkId, executor: &Executor) -> Json {
    let info = executor.info();
    json!({
        "framework_id": framework_id,
        "executor_id": executor.id,
        "executor_name": info.name.as_deref().unwrap_or(""),
        "container_id": {"value": executor.container_id},
        "container_status": container_status(executor),
        "resource_statistics": statistics(executor),
    })
}

/// A task as the v1 API shows it; `acknowledged` is what the framework has been told for sure.
fn task_v1(task: &Task, executor: &Executor, updates: &Updates) -> Json {
    let info = &task.info;
    let framework_id = &executor.framework_id;
    let on_the_way = updates.of(framework_id, &info.task_id).next();
    let told = on_the_way.or_else(|| task.statuses.last()).map(Arc::as_ref);
    let mut shown = Map::new();
    let mut put = |name: &str, value: Json| shown.insert(name.to_owned(), value);
    put("name", json!(info.name));
    put("task_id", json!(info.task_id));
    put("framework_id", json!(framework_id));
    if !executor.kind.is_generated() {
        put("executor_id", json!(executor.id));
    }
    put("agent_id", json!(info.agent_id));
    put("state", json!(task.state().as_str()));
    put("resources", json!(info.resources));
    put("statuses", Json::Array(task.statuses.iter().map(|status| json!(**status)).collect()));
    if let Some(told) = told {
        put("status_update_state", json!(told.state.as_str()));
        if let Some(Json::String(uuid)) = json!(told).get("uuid") {
            put("status_update_uuid", json!(uuid));
        }
    }
    let optional = [
        ("labels", info.labels.as_ref().map(|it| json!(it))),
        ("discovery", info.discovery.as_ref().map(|it| json!(it))),
        ("container", info.container.as_deref().map(defaults::shown)),
        ("health_check", info.health_check.as_deref().map(defaults::shown)),
        ("kill_policy", info.kill_policy.as_ref().map(|it| json!(it))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            put(name, value);
        }
    }
    Json::Object(shown)
}

fn all_executors(books: &Books) -> impl Iterator<Item = (bool, &Executor)> {
    books.frameworks.values().chain(&books.completed).flat_map(|framework| {
        let live = framework.executors.values().map(|executor| (true, &**executor));
        live.chain(framework.completed.iter().map(|executor| (false, &**executor)))
    })
}

fn tasks(books: &Books, updates: &Updates) -> Json {
    let (mut launched, mut terminated, mut completed) = (Vec::new(), Vec::new(), Vec::new());
    for (_, executor) in all_executors(books) {
        for task in &executor.tasks {
            let list = if is_terminal(&task.state()) { &mut terminated } else { &mut launched };
            list.push(task_v1(task, executor, updates));
        }
        for task in &executor.completed {
            // A task whose framework went before its end was told never got a last state.
            let list = if is_terminal(&task.state()) { &mut completed } else { &mut terminated };
            list.push(task_v1(task, executor, updates));
        }
    }
    json!({"pending_tasks": [], "queued_tasks": [], "launched_tasks": launched, "terminated_tasks": terminated,
        "completed_tasks": completed})
}

fn executors(books: &Books) -> Json {
    let of = |wanted: bool| {
        let some = all_executors(books).filter(move |(live, _)| *live == wanted);
        some.map(|(_, executor)| json!({"executor_info": defaults::shown(executor.info().as_ref())}))
            .collect::<Vec<_>>()
    };
    json!({"executors": of(true), "completed_executors": of(false)})
}

fn frameworks(books: &Books) -> Json {
    let shown = |framework: &Framework| json!({"framework_info": defaults::shown(&*framework.info)});
    json!({
        "frameworks": books.frameworks.values().map(shown).collect::<Vec<_>>(),
        "completed_frameworks": books.completed.iter().map(shown).collect::<Vec<_>>(),
    })
}

/// Virtual paths and where they lead.
fn files(books: &Books) -> Json {
    let mut files = Map::new();
    for (_, executor) in all_executors(books) {
        let directory = json!(executor.directory);
        let (framework, id) = (&executor.framework_id, &executor.id);
        files.insert(format!("/frameworks/{framework}/executors/{id}/runs/latest"), directory.clone());
        files.insert(executor.directory.display().to_string(), directory);
    }
    Json::Object(files)
}

fn metrics(setup: &Setup, books: &Books) -> Json {
    let info = agent_info(setup, books);
    let used: Vec<Resource> = running(books).flat_map(|(_, executor)| used_by(executor)).collect();
    let mut metrics = Map::new();
    let mut put = |name: String, value: f64| metrics.insert(name, json!(value));
    let amount =
        |resources: &[Resource], name: &str| amounts(resources).get(name).and_then(Json::as_f64).unwrap_or(0.0);
    for name in ["cpus", "disk", "gpus", "mem"] {
        let (total, in_use) = (amount(&info.resources, name), amount(&used, name));
        put(format!("slave/{name}_total"), total);
        put(format!("slave/{name}_used"), in_use);
        put(format!("slave/{name}_percent"), if total > 0.0 { in_use / total } else { 0.0 });
        // Nothing here is offered that may be taken back.
        for of in ["total", "used", "percent"] {
            put(format!("slave/{name}_revocable_{of}"), 0.0);
        }
    }
    for name in ["executors_preempted", "executors_terminating", "recovery_errors", "container_launch_errors"] {
        put(format!("slave/{name}"), 0.0);
    }
    let registering = running(books).filter(|(_, it)| it.kind == Kind::Custom && it.subscriber.is_none()).count();
    put("slave/executors_registering".to_owned(), registering as f64);
    let executors: Vec<_> = all_executors(books).collect();
    let live = executors.iter().filter(|(live, _)| *live).count();
    put("slave/executors_running".to_owned(), live as f64);
    put("slave/executors_terminated".to_owned(), (executors.len() - live) as f64);
    put("slave/frameworks_active".to_owned(), books.frameworks.len() as f64);
    let tasks: Vec<_> = executors.iter().flat_map(|(_, it)| it.tasks.iter().chain(&it.completed)).collect();
    let states = ["staging", "starting", "running", "killing", "finished", "failed", "killed", "lost", "gone"];
    for state in states {
        let wanted = TaskState::from_name(&format!("TASK_{}", state.to_ascii_uppercase()));
        let count = tasks.iter().filter(|task| task.state() == wanted).count();
        put(format!("slave/tasks_{state}"), count as f64);
    }
    put("slave/registered".to_owned(), f64::from(u8::from(books.agent_id.is_some())));
    put("slave/uptime_secs".to_owned(), now() - setup.started);
    Json::Object(metrics)
}

/// The executor that a real agent makes up for a task without one.
pub(super) fn generated_executor(framework_id: &FrameworkId, task: &TaskInfo) -> ExecutorInfo {
    let command = task.command.clone().unwrap_or_default();
    let id = task.task_id.as_str();
    let allocation_info = task.resources.first().and_then(|resource| resource.allocation_info.clone());
    let scalar = |name: &str, value| Resource {
        name: name.to_owned(),
        r#type: ValueType::Scalar,
        scalar: Some(Scalar { value, ..Default::default() }),
        allocation_info: allocation_info.clone(),
        ..Default::default()
    };
    ExecutorInfo {
        executor_id: ExecutorId::new(id),
        framework_id: Some(framework_id.clone()),
        command: Some(CommandInfo {
            uris: command.uris.clone(),
            environment: command.environment.clone(),
            shell: Some(false),
            value: Some("mesos-executor".to_owned()),
            arguments: vec!["mesos-executor".to_owned()],
            user: command.user.clone(),
            ..Default::default()
        }),
        resources: vec![scalar("cpus", 0.1), scalar("mem", 32.0)],
        name: Some(format!("Command Executor (Task: {id}) (Command: {})", command_text(&command))),
        source: Some(id.to_owned()),
        container: task.container.clone(),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        // Longer than the task's, so that the executor can still tell of its end. (apache/mesos: src/slave/slave.cpp,
        // `getExecutorInfo`: the longest time until the reaper looks again, and a second)
        shutdown_grace_period: task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref()).map(|grace| {
            DurationInfo { nanoseconds: grace.nanoseconds.saturating_add(2_000_000_000), ..Default::default() }
        }),
        ..Default::default()
    }
}

/// A command in a few characters, as it stands in an executor's name.
fn command_text(command: &CommandInfo) -> String {
    let short = |text: &str, before: &str, after: &str| match text.char_indices().nth(15) {
        Some(_) => format!("{before}{}...{after}", text.chars().take(12).collect::<String>()),
        None => format!("{before}{text}{after}"),
    };
    match (command.shell.unwrap_or(true), &command.value) {
        (true, None) => "NO COMMAND".to_owned(),
        (true, Some(value)) => short(value, "sh -c '", "'"),
        (false, None) => "NO EXECUTABLE".to_owned(),
        (false, Some(value)) => short(&format!("{value}, {}", command.arguments.join(", ")), "[", "]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_ports_are_joined() {
        assert_eq!(range_text(vec![(5, 5), (1, 2), (3, 3)]), "[1-3, 5-5]");
    }

    #[test]
    fn a_generated_executor_is_named_after_its_command() {
        let command = |value: &str| CommandInfo { value: Some(value.to_owned()), ..Default::default() };
        let cases = [
            (command("sleep 100"), "sh -c 'sleep 100'"),
            (command("echo hello; sleep 1; echo done"), "sh -c 'echo hello; ...'"),
            (command("echo out; echo err >&2; sleep 100"), "sh -c 'echo out; ec...'"),
            (CommandInfo::default(), "NO COMMAND"),
            (CommandInfo { shell: Some(false), arguments: vec!["b".to_owned()], ..command("a") }, "[a, b]"),
        ];
        for (command, expected) in cases {
            assert_eq!(command_text(&command), expected);
        }
    }
}
