//! What a pasted call lacks and the session knows: its type, ids that are null or missing, a task's small print.
//!
//! Every change is told. Nothing that the person wrote is overwritten, and nothing is guessed where several things fit.

use serde_json::{Map, Value, json};

use super::task::{self, Needs, PortNeed};
use crate::document::Diagnostic;
use crate::lang::{JsonCall, Key, locate};
use crate::mesos::schema::{self, Problem, Step};
use crate::mesos::{CallMessage, Offer, Resource, TaskInfo};
use crate::state::{State, Tasks};
use crate::view;

/// What was filled in, a phrase each: `kill.agent_id S0 (web runs there)`.
pub(super) type Filled = Vec<String>;

type Object = Map<String, Value>;

/// The bodies by which a call without a `type` is known.
const BODIES: &[&str] = &[
    "subscribe",
    "accept",
    "decline",
    "accept_inverse_offers",
    "decline_inverse_offers",
    "revive",
    "kill",
    "shutdown",
    "acknowledge",
    "acknowledge_operation_status",
    "reconcile",
    "reconcile_operations",
    "message",
    "request",
    "suppress",
    "update_framework",
];

/// What a pasted JSON object is.
#[derive(Debug, PartialEq)]
pub(super) enum Meant {
    /// A v1 call.
    Call(Object),
    /// A task to be launched.
    Task(Object),
}

/// Tells a call from a task.
pub(super) fn meant(call: &JsonCall, filled: &mut Filled) -> Result<Meant, Diagnostic> {
    let wrong = |what: &str| Diagnostic::new(what).at(&*call.source, call.span.clone());
    let Value::Object(object) = &call.value else {
        return Err(wrong("a list is no v1 call")
            .help("a list of resources belongs into a task's \"resources\": {\"name\": ..., \"command\": ..., \"resources\": [...]}"));
    };
    let mut object = object.clone();
    if object.get("type").is_some_and(Value::is_string) {
        return Ok(Meant::Call(object));
    }
    let mut bodies = BODIES.iter().filter(|body| object.contains_key(**body));
    if let (Some(body), None) = (bodies.next(), bodies.next()) {
        let kind = body.to_uppercase();
        filled.push(format!("type {kind}"));
        object.insert("type".to_owned(), Value::String(kind));
        return Ok(Meant::Call(object));
    }
    if ["command", "container", "executor", "resources"].iter().any(|field| object.contains_key(*field)) {
        return Ok(Meant::Task(object));
    }
    Err(wrong("this JSON is neither a v1 call nor a task").help(
        "a call has a \"type\": {\"type\": \"REVIVE\"}; a task has \"command\" or \"container\" and \"resources\"",
    ))
}

/// What a master would ignore or refuse in what was written, the first fault with its caret. What is missing may yet be
/// filled in.
pub(super) fn checked(call: &JsonCall, of_task: bool) -> Result<(), Diagnostic> {
    let problems =
        if of_task { schema::check::<TaskInfo>(&call.value) } else { schema::check::<CallMessage>(&call.value) };
    refused(call, problems.into_iter().filter(|problem| !problem.missing).collect())
}

/// What a master would refuse in a call after everything has been filled in.
pub(super) fn whole(call: &JsonCall, filled: &Object) -> Result<(), Diagnostic> {
    refused(call, schema::check::<CallMessage>(&Value::Object(filled.clone())))
}

fn refused(call: &JsonCall, problems: Vec<Problem>) -> Result<(), Diagnostic> {
    let Some(first) = problems.first() else { return Ok(()) };
    let keys: Vec<Key<'_>> = first.place.0.iter().map(key).collect();
    let span = locate(&call.source, call.span.clone(), &keys, first.at_name).unwrap_or(call.span.clone());
    let told = |problem: &Problem| match problem.place.0.is_empty() {
        true => problem.what.clone(),
        false => format!("{}: {}", problem.place, problem.what),
    };
    let mut diagnostic = Diagnostic::new(told(first)).at(&*call.source, span);
    if let Some(help) = &first.help {
        diagnostic = diagnostic.label(help.clone());
    }
    for problem in problems.iter().skip(1).take(5) {
        diagnostic = diagnostic.detail(told(problem));
    }
    Err(diagnostic.help("nothing was sent; call --force sends it as it is"))
}

fn key(step: &Step) -> Key<'_> {
    match step {
        Step::Field(name) => Key::Field(name),
        Step::Item(item) => Key::Item(*item),
    }
}

/// Whether an id is to be filled in: missing, null, or an object whose value is.
fn is_open(id: Option<&Value>) -> bool {
    match id {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => matches!(fields.get("value"), None | Some(Value::Null)),
        Some(Value::Array(items)) => items.iter().all(|item| is_open(Some(item))),
        Some(_) => false,
    }
}

fn id_text(id: Option<&Value>) -> Option<&str> {
    id?.get("value")?.as_str()
}

fn id(value: &str) -> Value {
    json!({"value": value})
}

/// Fills in what the session knows of a call that uses no offers. ACCEPT needs [`accept`] besides.
pub(super) fn call(call: &mut Object, state: &State, filled: &mut Filled) -> Result<(), Diagnostic> {
    if let Some(framework) = &state.framework_id {
        match id_text(call.get("framework_id")) {
            Some(other) if other != framework.as_str() => {
                return Err(Diagnostic::new(format!("framework_id {other} isn't this session's, {framework}"))
                    .help("leave framework_id out, and the session's own is filled in"));
            }
            Some(_) => {}
            None => {
                filled.push(format!("framework_id {}", view::short_framework(framework.as_str())));
                call.insert("framework_id".to_owned(), id(framework.as_str()));
            }
        }
    }
    let kind = call.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "KILL" => kill(call, state, filled),
        "DECLINE" => decline(call, state, filled),
        _ => Ok(()),
    }
}

fn kill(call: &mut Object, state: &State, filled: &mut Filled) -> Result<(), Diagnostic> {
    let Some(Value::Object(kill)) = call.get_mut("kill") else { return Ok(()) };
    if is_open(kill.get("task_id")) {
        // Which task is to die is for the person to say, even where only one runs.
        return Err(Diagnostic::new("kill.task_id is missing").help("which task? tasks lists them"));
    }
    if is_open(kill.get("agent_id")) {
        let task = id_text(kill.get("task_id")).and_then(|task| state.tasks.get(task));
        let agent = task.and_then(|task| state.tasks.agent_of(task));
        // KILL works without; a wrong agent_id would be ignored in silence.
        kill.remove("agent_id");
        if let (Some(task), Some(agent)) = (task, agent) {
            filled.push(format!("kill.agent_id {} ({} runs there)", view::short(agent.as_str()), task.id));
            kill.insert("agent_id".to_owned(), id(agent.as_str()));
        }
    }
    Ok(())
}

fn decline(call: &mut Object, state: &State, filled: &mut Filled) -> Result<(), Diagnostic> {
    let Some(Value::Object(decline)) = call.get_mut("decline") else { return Ok(()) };
    if !is_open(decline.get("offer_ids")) {
        return Ok(());
    }
    let mut ids = state.offers.ids();
    let (Some(only), None) = (ids.next(), ids.next()) else {
        return Err(Diagnostic::new("decline.offer_ids is missing").help("which offers? offers lists them"));
    };
    filled.push(format!("decline.offer_ids {} (the only offer)", view::short(only.as_str())));
    decline.insert("offer_ids".to_owned(), json!([{"value": only.as_str()}]));
    Ok(())
}

/// The offers that an ACCEPT names; none if they are to be filled in.
pub(super) fn named_offers(call: &Object) -> Vec<String> {
    let ids = call.get("accept").and_then(|accept| accept.get("offer_ids"));
    let ids = ids.and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|one| id_text(Some(one))).map(str::to_owned).collect()
}

/// What the tasks of an ACCEPT need together, to choose an offer by.
pub(super) fn needs_of(call: &Object) -> Needs {
    let mut needs = Needs::default();
    let mut scalars = [("cpus", 0.0), ("mem", 0.0), ("disk", 0.0), ("gpus", 0.0)];
    let executors = tasks_of(call).filter_map(|task| task.get("executor")).chain(group_executors(call));
    for user in tasks_of(call).chain(executors) {
        let mut resources = Vec::new();
        flatten(user.get("resources").unwrap_or(&Value::Null), &mut resources);
        for resource in resources {
            let Ok(resource) = serde_json::from_value::<Resource>(resource) else { continue };
            let amount = resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value);
            if let Some((_, sum)) = scalars.iter_mut().find(|(name, _)| *name == resource.name) {
                *sum += amount;
            }
            let ranges = resource.ranges.iter().filter(|_| resource.name == "ports").flat_map(|ranges| &ranges.range);
            needs.ports.extend(ranges.flat_map(|range| range.begin..=range.end).take(1000).map(PortNeed::Exactly));
        }
    }
    needs.scalars = scalars.into_iter().filter(|(_, amount)| *amount > 0.0).collect();
    needs
}

fn operations(call: &Object) -> impl Iterator<Item = &Value> {
    call.get("accept").and_then(|accept| accept.get("operations")).and_then(Value::as_array).into_iter().flatten()
}

fn group_executors(call: &Object) -> impl Iterator<Item = &Value> {
    operations(call).filter_map(|operation| operation.pointer("/launch_group/executor"))
}

fn tasks_of(call: &Object) -> impl Iterator<Item = &Value> {
    operations(call).flat_map(|operation| {
        let launched = operation.pointer("/launch/task_infos").and_then(Value::as_array);
        let grouped = operation.pointer("/launch_group/task_group/tasks").and_then(Value::as_array);
        launched.into_iter().chain(grouped).flatten()
    })
}

/// Fills offers, agents and tasks of an ACCEPT in.
pub(super) fn accept(
    call: &mut Object,
    offers: &[Offer],
    tasks: &Tasks,
    filled: &mut Filled,
) -> Result<(), Diagnostic> {
    let Some(first) = offers.first() else { return Ok(()) };
    let framework = id_text(call.get("framework_id")).map(str::to_owned);
    let Some(Value::Object(accept)) = call.get_mut("accept") else { return Ok(()) };
    if is_open(accept.get("offer_ids")) {
        filled.push(format!("accept.offer_ids {} of {}", view::short(first.id.as_str()), first.hostname));
        let ids: Vec<Value> = offers.iter().map(|offer| id(offer.id.as_str())).collect();
        accept.insert("offer_ids".to_owned(), Value::Array(ids));
    }
    let mut taken: Vec<String> = Vec::new();
    let operations = accept.get_mut("operations").and_then(Value::as_array_mut).into_iter().flatten();
    for operation in operations {
        for pointer in ["/launch/task_infos", "/launch_group/task_group/tasks"] {
            let infos = operation.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten();
            for info in infos {
                if let Value::Object(info) = info {
                    fill_task(info, first, tasks, &mut taken, filled);
                    fill_executor(info.get_mut("executor"), framework.as_deref(), filled);
                }
            }
        }
        fill_executor(operation.pointer_mut("/launch_group/executor"), framework.as_deref(), filled);
    }
    Ok(())
}

/// Fills in a task's ids, name and small print.
pub(super) fn fill_task(info: &mut Object, offer: &Offer, tasks: &Tasks, taken: &mut Vec<String>, filled: &mut Filled) {
    if is_open(info.get("task_id")) {
        let name = info.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).unwrap_or("task");
        let new = task::free_id(name, |id| tasks.get(id).is_some() || taken.iter().any(|taken| taken == id));
        filled.push(format!("task_id {new}"));
        taken.push(new.as_str().to_owned());
        info.insert("task_id".to_owned(), id(new.as_str()));
    }
    let name = id_text(info.get("task_id")).unwrap_or("task").to_owned();
    if is_open(info.get("agent_id")) {
        filled.push(format!("{name}.agent_id {} ({})", view::short(offer.agent_id.as_str()), offer.hostname));
        info.insert("agent_id".to_owned(), id(offer.agent_id.as_str()));
    }
    if !info.get("name").is_some_and(Value::is_string) {
        filled.push(format!("{name}.name {name}"));
        info.insert("name".to_owned(), Value::String(name.clone()));
    }
    if let Some(resources) = info.get_mut("resources") {
        let mut flat = Vec::new();
        flatten(resources, &mut flat);
        *resources = Value::Array(flat);
    }
    let has_command = ["command", "executor"].iter().any(|field| info.get(*field).is_some_and(Value::is_object));
    if !has_command && info.get("container").is_some_and(Value::is_object) {
        // "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
        filled.push(format!("{name}.command {{\"shell\": false}} (the image's own command)"));
        info.insert("command".to_owned(), json!({"shell": false}));
    }
}

/// An executor's framework: a master refuses a group whose executor doesn't name it.
fn fill_executor(executor: Option<&mut Value>, framework: Option<&str>, filled: &mut Filled) {
    let (Some(Value::Object(executor)), Some(framework)) = (executor, framework) else { return };
    if is_open(executor.get("framework_id")) {
        filled.push(format!("executor.framework_id {}", view::short_framework(framework)));
        executor.insert("framework_id".to_owned(), id(framework));
    }
}

/// Lists within lists, which tutorials have and masters flatten.
fn flatten(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
        Value::Null => {}
        other => into.push(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang;

    fn pasted(text: &str) -> JsonCall {
        match lang::parse(text, crate::engine::command::verbs()).unwrap().remove(0) {
            lang::Input::Call(call) => call,
            other => panic!("{other:?}"),
        }
    }

    fn state() -> State {
        let mut state = State::new(std::time::SystemTime::UNIX_EPOCH);
        let events = [
            r#"{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"F-0000"}}}"#,
            r#"{"type":"OFFERS","offers":{"offers":[{"id":{"value":"O0"},"framework_id":{"value":"F-0000"},"agent_id":{"value":"S0"},"hostname":"agent1"}]}}"#,
            r#"{"type":"UPDATE","update":{"status":{"task_id":{"value":"web"},"state":"TASK_RUNNING","agent_id":{"value":"S0"}}}}"#,
        ];
        for event in events {
            let event = crate::mesos::decode_event(event.into()).unwrap();
            state.apply(event, std::time::Duration::ZERO, None);
        }
        state
    }

    fn filled(text: &str) -> (Value, Filled) {
        let (state, pasted, mut filled) = (state(), pasted(text), Filled::new());
        checked(&pasted, false).unwrap();
        let Meant::Call(mut object) = meant(&pasted, &mut filled).unwrap() else { panic!("a task") };
        call(&mut object, &state, &mut filled).unwrap();
        let offers: Vec<_> = state.offers.in_order().iter().map(|held| held.record.offer().unwrap()).collect();
        accept(&mut object, &offers, &state.tasks, &mut filled).unwrap();
        (Value::Object(object), filled)
    }

    #[test]
    fn the_tutorials_template_becomes_whole() {
        let (call, filled) = filled(
            r#"{"framework_id": {"value": null}, "type": "ACCEPT", "accept": {"offer_ids": [{"value": null}],
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": [{"name": "My Task", "task_id": {"value": null},
            "agent_id": {"value": null}, "container": {"type": "DOCKER", "docker": {"image": "nginx"}},
            "resources": [[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.2}}]]}]}}]}}"#,
        );
        let task = call.pointer("/accept/operations/0/launch/task_infos/0").unwrap();
        assert_eq!(call["framework_id"]["value"], "F-0000");
        assert_eq!(call["accept"]["offer_ids"][0]["value"], "O0");
        assert_eq!(task["agent_id"]["value"], "S0");
        assert_eq!(task["task_id"]["value"], "My Task");
        assert_eq!(task["command"]["shell"], false);
        assert_eq!(task["resources"][0]["name"], "cpus");
        assert_eq!(filled.len(), 5, "{filled:?}");
    }

    #[test]
    fn a_kill_finds_its_agent() {
        let (call, told) = filled(r#"{"type": "KILL", "kill": {"task_id": {"value": "web"}}}"#);
        assert_eq!(call["kill"]["agent_id"]["value"], "S0");
        assert!(told.iter().any(|line| line == "kill.agent_id S0 (web runs there)"), "{told:?}");
        let (call, _) = filled(r#"{"kill": {"task_id": {"value": "other"}, "agent_id": null}}"#);
        assert_eq!(call["type"], "KILL");
        assert_eq!(call["kill"].get("agent_id"), None);
    }

    #[test]
    fn a_typo_is_pointed_at() {
        let text = r#"{"type": "DECLINE", "decline": {"offer_ids": [{"value": "O0"}], "filter": {}}}"#;
        let diagnostic = checked(&pasted(text), false).unwrap_err();
        let input = diagnostic.input.unwrap();
        assert_eq!(&text[input.span], "\"filter\"");
        let wrong = r#"{"type": "KILL", "kill": {"task_id": {"value": 5}}}"#;
        assert!(checked(&pasted(wrong), false).is_err());
    }

    #[test]
    fn another_frameworks_id_is_refused() {
        let pasted = pasted(r#"{"type": "REVIVE", "framework_id": {"value": "other"}}"#);
        let Meant::Call(mut object) = meant(&pasted, &mut Filled::new()).unwrap() else { panic!() };
        assert!(call(&mut object, &state(), &mut Filled::new()).is_err());
    }
}
