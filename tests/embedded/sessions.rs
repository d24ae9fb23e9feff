//! Short talks with a real master and its agent (tests/golden/sessions), played again, step by step.
//!
//! What a step means is said in tests/golden/sessions/talk.py, which recorded them. A group's sessions share a cluster,
//! one after the other, as they did then; groups go side by side.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use futures_util::StreamExt as _;
use mesos_repl::embedded::{Cluster, Config};
use mesos_repl::flags::Flags;
use regex::{Captures, Regex};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::client::{Got, Stream, send};

/// Sessions that differ, and why; `*` is any end of a name. One that doesn't any more fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("accept/run/uri-missing", "the recorded machine had no fetcher to start"),
    ("accept/run/teardown", "shows the task of run/uri-missing again"),
    ("accept/run/check-shown", "the recorded machine's executor makes no checks"),
    ("agent/page/state-running", "commands run without an executor of their own"),
    ("auth/http/agent-none", "agents ask nobody who they are"),
    ("groups/not-launched*", "the recorded machine couldn't start its executor of task groups"),
];

/// Sessions that may differ, for it depends on what comes first.
const BY_TIME: &[(&str, &str)] = &[
    ("accept/run/pages", "what is left of an agent is offered again when that is due; a command started sooner"),
    (
        "agents/agent/drain-task*",
        "what is left of an agent is offered again when that is due; a command started sooner",
    ),
    ("agents/down/*", "what is left of an agent is offered again when that is due; a command started sooner"),
    ("agents/gone/*", "what is left of an agent is offered again when that is due; a command started sooner"),
    ("maintenance/inverse*", "what is left of an agent is offered again when that is due; a command started sooner"),
    (
        "operations/done/acknowledged",
        "an operation of a framework that is gone is shown until its status is sent again",
    ),
    ("operations/done/with-status", "an operation of a framework that is gone is shown until its status is sent again"),
    ("operations/done/reserve-and-launch", "what is left is offered when that is due; a command started sooner"),
    ("operations/done/volume-kept", "what is left is offered when that is due; a command ended sooner"),
];

/// Sessions under a quota: a real master shuffles what it shrinks to one, so that resources stand in any order.
const SHUFFLED: &[&str] = &["operator/quota/*", "operator/agent/deactivate-offered", "operator/events/task"];

const API: &str = "/api/v1/scheduler";
const SOON: Duration = Duration::from_secs(15);
/// So many groups go side by side: more would keep each other waiting.
const AT_ONCE: usize = 4;
/// So often a session that differs is played again.
const TIMES: usize = 3;
/// Headers that mean something, in the spelling of the recordings.
const HEADERS: [&str; 5] = ["Content-Type", "Location", "Transfer-Encoding", "Allow", "WWW-Authenticate"];

/// Fields whose numbers differ from run to run.
const VARYING: [&str; 12] = [
    "timestamp",
    "executor_pid",
    "nanoseconds",
    "start_time",
    "elected_time",
    "registered_time",
    "reregistered_time",
    "unregistered_time",
    "port",
    "unreachable_time",
    "mtime",
    "estimated_drain_start_time_seconds",
];
/// Lists whose order is a hash table's.
const UNORDERED: [&str; 5] = ["infos", "configs", "weight_infos", "draining_machines", "operations"];

static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-(?:S\d+|O\d+|\d{4,}))?").unwrap()
});
static BINARY_ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\w+/]{22}==$").unwrap());
static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(127\.0\.0\.1|localhost):\d+").unwrap());
static WORK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"/[\w/.-]*/slaves/").unwrap());
static WHOLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\$([a-z]\w*)((?:/[\w-]*)*)$").unwrap());
static PART: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{([^/}]*)([^}]*)\}").unwrap());

/// A group of sessions as recorded.
struct Group {
    name: String,
    recorded: Value,
}

fn groups() -> Vec<Group> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/1.11.0/sessions");
    let read = |path: PathBuf| Group {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        recorded: serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
    };
    std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_go_as_recorded() {
    let groups = groups();
    let playing = groups.iter().map(|group| play(group, None));
    let played: Vec<_> = futures_util::stream::iter(playing).buffer_unordered(AT_ONCE).collect().await;
    let mut outcomes: Vec<(String, Result<(), String>)> = played.concat();
    outcomes.sort();
    let all = || DIFFERENT.iter().chain(BY_TIME);
    let listed = |name: &str| all().find(|(listed, _)| matches(listed, name)).map(|(_, why)| *why);
    for (name, outcome) in outcomes.iter_mut().filter(|(name, _)| listed(name).is_none()) {
        again(&groups, name, outcome).await;
    }
    for group in &groups {
        let mut differ: Vec<_> = outcomes
            .iter_mut()
            .filter(|(name, outcome)| outcome.is_err() && listed(name).is_none() && is_of(group, name))
            .collect();
        again_in_order(group, &mut differ).await;
    }
    let differs = |outcome: &&(String, Result<(), String>)| outcome.1.is_err();
    let known: Vec<(&str, &str)> =
        outcomes.iter().filter(differs).filter_map(|(name, _)| listed(name).map(|why| (name.as_str(), why))).collect();
    for (pattern, _) in all() {
        assert!(outcomes.iter().any(|(name, _)| matches(pattern, name)), "{pattern}: there is no such session");
    }
    for (pattern, _) in DIFFERENT {
        let differs = outcomes.iter().any(|(name, outcome)| matches(pattern, name) && outcome.is_err());
        assert!(differs, "{pattern}: is the same by now; take it off the list");
    }
    super::judge("sessions", &outcomes, &known);
}

/// What differs is played again, with what came before it: on a busy machine an offer comes sooner or later beside other
/// events.
async fn again(groups: &[Group], name: &str, outcome: &mut Result<(), String>) {
    let (of, session) = name.split_once('/').unwrap();
    let group = groups.iter().find(|group| group.name == of).unwrap();
    for _ in 0..TIMES {
        if outcome.is_ok() {
            return;
        }
        if let Some((_, now)) = play(group, Some(session)).await.pop() {
            *outcome = now;
        }
    }
}

/// A session that needs what those before it left is played again with its whole group.
async fn again_in_order(group: &Group, differ: &mut [&mut (String, Result<(), String>)]) {
    for _ in 0..TIMES {
        if differ.iter().all(|(_, outcome)| outcome.is_ok()) {
            return;
        }
        let now: HashMap<String, Result<(), String>> = play(group, None).await.into_iter().collect();
        for one in differ.iter_mut().filter(|one| one.1.is_err()) {
            if let Some(outcome) = now.get(&one.0) {
                one.1 = outcome.clone();
            }
        }
    }
}

fn is_of(group: &Group, name: &str) -> bool {
    name.split_once('/').is_some_and(|(of, _)| of == group.name)
}

/// Whether a name is meant: the whole one, or one that begins as the pattern before its `*`.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// The embedded Mesos with the flags that the real one had.
async fn start(head: &Value, folder: &std::path::Path) -> Cluster {
    let flag = |name: &str| head["flags"][name].as_str().map(str::to_owned);
    let is = |name: &str| flag(name).map(|text| text == "true");
    let file = |name: &str| {
        let path = folder.join(name);
        head["files"].get(name).map(|content| {
            std::fs::write(&path, content.to_string()).unwrap();
            path.to_string_lossy().into_owned()
        })
    };
    let interval = flag("MESOS_ALLOCATION_INTERVAL");
    let flags = Flags {
        resources: flag("MESOS_RESOURCES"),
        attributes: flag("MESOS_ATTRIBUTES"),
        roles: flag("MESOS_ROLES"),
        credentials: file("MESOS_CREDENTIALS"),
        acls: file("MESOS_ACLS"),
        authenticate_http_frameworks: is("MESOS_AUTHENTICATE_HTTP_FRAMEWORKS"),
        authenticate_http_readonly: is("MESOS_AUTHENTICATE_HTTP_READONLY"),
        authenticate_http_readwrite: is("MESOS_AUTHENTICATE_HTTP_READWRITE"),
        root_submissions: is("MESOS_ROOT_SUBMISSIONS"),
        allocation_interval: interval.map(|text| mesos_repl::embedded::flags::duration(&text).unwrap()),
        ..Flags::default()
    };
    let agents = usize::try_from(head["agents"].as_u64().unwrap()).unwrap();
    let mut config = Config { agents, ..Config::default() };
    flags.apply(&mut config).unwrap();
    let cluster = Cluster::start(config).await.unwrap();
    let talk = Talk::new(&cluster, head);
    crate::support::until(SOON, "all agents registered", async || {
        let got = talk.ask("/slaves").await;
        (got["slaves"].as_array().map(Vec::len) == Some(agents)).then_some(())
    })
    .await;
    cluster
}

async fn play(group: &Group, last: Option<&str>) -> Vec<(String, Result<(), String>)> {
    let folder = tempfile::tempdir().unwrap();
    let head = &group.recorded;
    let is_fresh = head["fresh"] == true;
    let mut cluster = start(head, folder.path()).await;
    let mut outcomes = Vec::new();
    let sessions = head["sessions"].as_array().unwrap();
    let end = last.map_or(sessions.len(), |last| sessions.iter().position(|one| one["id"] == last).unwrap() + 1);
    // What has a cluster of its own needs nothing before it.
    let begin = if is_fresh && last.is_some() { end - 1 } else { 0 };
    for session in &sessions[begin..end] {
        if is_fresh && !outcomes.is_empty() {
            cluster.shutdown().await;
            cluster = start(head, folder.path()).await;
        }
        let steps = session["steps"].as_array().unwrap();
        let mut talk = Talk::new(&cluster, head);
        let mut failed = talk.play(steps).await.err();
        if !is_fresh && let Err(why) = talk.clean_up().await {
            failed.get_or_insert(format!("afterwards: {why}"));
        }
        let name = format!("{}/{}", group.name, session["id"].as_str().unwrap());
        let is_shuffled = SHUFFLED.iter().any(|pattern| matches(pattern, &name));
        let mut found = differences(steps, &talk.got, is_shuffled);
        found.truncate(5);
        found.extend(failed);
        let outcome = if found.is_empty() { Ok(()) } else { Err(found.join("\n    ")) };
        outcomes.push((name, outcome));
    }
    cluster.shutdown().await;
    outcomes
}

/// What lies at a path of names and places.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('/').filter(|part| !part.is_empty()).fold(value, |value, part| match value {
        Value::Array(items) => part.parse().ok().and_then(|place: usize| items.get(place)).unwrap_or(&Value::Null),
        value => value.get(part).unwrap_or(&Value::Null),
    })
}

fn equal(left: &Value, right: &Value) -> bool {
    left == right || left.as_f64().is_some_and(|left| right.as_f64() == Some(left))
}

fn fits(event: &Value, wanted: &Value) -> bool {
    wanted.as_object().is_some_and(|wanted| wanted.iter().all(|(path, value)| equal(at(event, path), value)))
}

/// An event stream, the offers on it that were passed over, and events that came sooner than they were recorded.
struct Followed {
    stream: Stream,
    passed: Vec<Value>,
    early: VecDeque<Value>,
}

struct Talk {
    master: SocketAddr,
    agent: SocketAddr,
    kept: HashMap<String, Value>,
    streams: HashMap<String, Followed>,
    /// What came at each step.
    got: Vec<Value>,
}

impl Talk {
    fn new(cluster: &Cluster, head: &Value) -> Self {
        let kept = HashMap::from([("operator".to_owned(), head["operator"].clone())]);
        let agent = cluster.agents()[0];
        Self { master: cluster.address(), agent, kept, streams: HashMap::new(), got: Vec::new() }
    }

    async fn play(&mut self, steps: &[Value]) -> Result<(), String> {
        for step in steps {
            let got = self.step(step).await?;
            self.got.push(got);
        }
        Ok(())
    }

    async fn step(&mut self, step: &Value) -> Result<Value, String> {
        let name = |kind: &str| step.get(kind).and_then(Value::as_str);
        if let Some(request) = step.get("send") {
            return Ok(self.send(request, step).await);
        }
        if let Some(stream) = name("read") {
            return self.read(stream, step).await;
        }
        if let Some(stream) = name("fence") {
            let mut got = self.fence(stream).await?;
            self.put_back(stream, &mut got, step["got"].as_array().map_or(0, Vec::len));
            return Ok(Value::Array(got));
        }
        if let Some(stream) = name("end") {
            let got = self.end(stream).await;
            self.streams.remove(stream);
            return got;
        }
        if let Some(stream) = name("close") {
            self.streams.remove(stream);
        } else if let Some(stream) = name("own") {
            let own = self.kept.get_mut(stream).ok_or("no such stream")?;
            own["headers"] = step["headers"].clone();
        } else if let Some(path) = name("wait") {
            let headers = self.fill(step.get("headers").unwrap_or(&json!({})));
            self.wait(path, step["at"].as_str().unwrap(), &step["is"], &headers).await?;
        } else {
            return Err(format!("what is {step}?"));
        }
        Ok(Value::Null)
    }

    /// A value with what was kept in the places of its names.
    fn fill(&self, value: &Value) -> Value {
        let kept = |name: &str, path: &str| self.kept.get(name).map_or(Value::Null, |value| at(value, path).clone());
        match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (self.text(name), self.fill(value))).collect(),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::String(text) => match WHOLE.captures(text) {
                Some(found) => kept(&found[1], &found[2]),
                None => Value::String(self.text(text)),
            },
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let part = |found: &Captures<'_>| {
            let value = self.kept.get(&found[1]).map_or(&Value::Null, |value| at(value, &found[2]));
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        };
        PART.replace_all(text, part).into_owned()
    }

    /// The raw answer to a request.
    async fn open(&self, request: &Value) -> Got {
        let raw = request["path"].as_str().unwrap();
        let of_agent = raw.starts_with("/slave(") || raw.starts_with("/files/");
        let to = if of_agent && request["to"] != "master" { self.agent } else { self.master };
        let body = if let Some(hex) = request["hex"].as_str() {
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(byte).collect()
        } else if let Some(text) = request["text"].as_str() {
            self.text(text).into_bytes()
        } else {
            request.get("body").map(|body| self.fill(body).to_string().into_bytes()).unwrap_or_default()
        };
        let headers = self.fill(&request["headers"]);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let headers: Vec<(String, String)> =
            headers.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
        send(to, request["method"].as_str().unwrap(), &self.text(raw), &headers, &body).await
    }

    async fn send(&mut self, request: &Value, step: &Value) -> Value {
        let got = self.open(request).await;
        let answer = match &got {
            Got::Whole(answer) => answer,
            Got::Stream(stream) => &stream.answer,
        };
        let header =
            |name: &str| answer.header(&name.to_ascii_lowercase()).map(|value| (name.to_owned(), json!(value)));
        let headers: Map<String, Value> = HEADERS.into_iter().filter_map(header).collect();
        let mut told = json!({"status": answer.status, "headers": headers});
        match got {
            Got::Whole(answer) => {
                let is_json = answer.header("content-type") == Some("application/json");
                let json = serde_json::from_slice::<Value>(&answer.body);
                match (std::str::from_utf8(&answer.body), json) {
                    (Ok(_), Ok(json)) if is_json => told["body"] = json,
                    (Ok(text), _) if !is_json => told["body"] = json!(text),
                    _ => {
                        told["hex"] = json!(answer.body.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
                    }
                }
                self.keep(step, &told["body"]);
            }
            Got::Stream(stream) => {
                let name = step["stream"].as_str().unwrap_or("?").to_owned();
                self.kept.insert(name.clone(), json!({"stream": stream.answer.header("mesos-stream-id")}));
                self.streams.insert(name, Followed { stream, passed: Vec::new(), early: VecDeque::new() });
            }
        }
        told
    }

    fn keep(&mut self, step: &Value, value: &Value) {
        for (name, path) in step["keep"].as_object().into_iter().flatten() {
            self.kept.insert(name.clone(), at(value, path.as_str().unwrap()).clone());
        }
    }

    /// The next event that isn't a heartbeat, or one passed over that fits. `None` is the end.
    async fn next(&mut self, name: &str, wanted: Option<&Value>) -> Result<Option<Value>, String> {
        let followed = self.streams.get_mut(name).ok_or_else(|| format!("there is no stream {name}"))?;
        if let Some(place) = followed.passed.iter().position(|event| wanted.is_some_and(|wanted| fits(event, wanted))) {
            return Ok(Some(followed.passed.remove(place)));
        }
        if let Some(event) = followed.early.pop_front() {
            return Ok(Some(event));
        }
        let next = tokio::time::timeout(SOON, followed.stream.next()).await;
        next.map_err(|_| format!("nothing more on {name}"))
    }

    fn pass(&mut self, name: &str, event: Value) {
        if let Some(followed) = self.streams.get_mut(name) {
            followed.passed.push(event);
        }
    }

    async fn read(&mut self, name: &str, step: &Value) -> Result<Value, String> {
        let (mut got, mut seen) = (Vec::new(), 0);
        let wanted = step["count"].as_u64().unwrap_or(1);
        while seen < wanted {
            let next = self.next(name, Some(&step["until"])).await;
            let Some(event) = next.map_err(|why| format!("{why}, after {}", json!(got)))? else {
                return Err(format!("{name} ended before {}; {}", step["until"], json!(got)));
            };
            let id = at(&event, "subscribed/framework_id");
            if event["type"] == "SUBSCRIBED" && !id.is_null() {
                self.kept.entry(name.to_owned()).or_default()["fid"] = id.clone();
            }
            let status = at(&event, "update/status").clone();
            let done = fits(&event, &step["until"]);
            seen += u64::from(done);
            if done || event["type"] != "OFFERS" {
                got.push(event);
            } else {
                self.pass(name, event);
            }
            if step["ack"] == true && status.get("uuid").is_some() {
                let of = |field: &str| (field.to_owned(), status[field].clone());
                let acknowledge: Map<String, Value> = ["agent_id", "task_id", "uuid"].map(of).into_iter().collect();
                self.call(name, json!({"type": "ACKNOWLEDGE", "acknowledge": acknowledge})).await;
            }
        }
        self.keep(step, got.last().unwrap_or(&Value::Null));
        Ok(Value::Array(got))
    }

    /// A call of a stream's own; its status.
    async fn call(&mut self, name: &str, mut body: Value) -> u64 {
        let own = self.kept.get(name).cloned().unwrap_or_default();
        let mut headers = json!({"Content-Type": "application/json", "Accept": "application/json"});
        headers["Mesos-Stream-Id"] = own["stream"].clone();
        for (name, value) in own["headers"].as_object().into_iter().flatten() {
            headers[name] = value.clone();
        }
        body["framework_id"] = own["fid"].clone();
        let request = json!({"method": "POST", "path": API, "headers": headers, "body": body});
        self.send(&request, &json!({})).await["status"].as_u64().unwrap_or(0)
    }

    /// Keeps what agents sent sooner than at the recording: a task may be faster than a question.
    fn put_back(&mut self, name: &str, got: &mut Vec<Value>, recorded: usize) {
        let is_masters = |event: &Value| {
            let operation = at(event, "update_operation_status/status");
            at(event, "update/status/source") == "SOURCE_MASTER"
                || event["type"] != "UPDATE" && (operation.is_null() || operation["state"] != "OPERATION_FINISHED")
        };
        let Some(followed) = self.streams.get_mut(name) else { return };
        while got.len() > recorded && got.last().is_some_and(|event| !is_masters(event)) {
            followed.early.extend(got.pop());
        }
        followed.early.make_contiguous().reverse();
    }

    async fn fence(&mut self, name: &str) -> Result<Vec<Value>, String> {
        let mut got = Vec::new();
        let question = json!({"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "the fence"}}]}});
        if self.call(name, question).await != 202 {
            return Err("RECONCILE was refused".to_owned());
        }
        while let Some(event) = self.next(name, None).await? {
            if at(&event, "update/status/task_id/value") == "the fence" {
                return Ok(got);
            }
            match event["type"] == "OFFERS" {
                true => self.pass(name, event),
                false => got.push(event),
            }
        }
        Err(format!("{name} has ended"))
    }

    async fn end(&mut self, name: &str) -> Result<Value, String> {
        let mut got = Vec::new();
        while let Some(event) = self.next(name, None).await? {
            if event["type"] != "OFFERS" {
                got.push(event);
            }
        }
        Ok(Value::Array(got))
    }

    /// A page, asked for as the operator.
    async fn ask(&self, path: &str) -> Value {
        let operator = self.kept.get("operator").cloned().unwrap_or_default();
        self.open(&json!({"method": "GET", "path": path, "headers": operator})).await.whole().json()
    }

    async fn wait(&self, path: &str, place: &str, wanted: &Value, headers: &Value) -> Result<(), String> {
        let (place, wanted) = (self.text(place), self.fill(wanted));
        let deadline = Instant::now() + SOON;
        let request = json!({"method": "GET", "path": path, "headers": headers});
        loop {
            let body = self.open(&request).await.whole().json();
            if equal(at(&body, &place), &wanted) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{path}: {place} stays {}", at(&body, &place)));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends every framework, and waits until nothing of them is left.
    async fn clean_up(&mut self) -> Result<(), String> {
        // As on a real agent: an executor that is told to end while it starts may never be got rid of.
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            let state = self.ask("/slave(1)/state").await;
            let executors = state["frameworks"].as_array().into_iter().flatten().flat_map(|framework| {
                framework["executors"].as_array().into_iter().flatten().map(|executor| executor["queued_tasks"].clone())
            });
            if executors.into_iter().all(|queued| queued.as_array().is_none_or(Vec::is_empty)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut names: Vec<String> = self.streams.keys().cloned().collect();
        names.sort();
        for name in names {
            if self.kept.get(&name).is_some_and(|own| !own["fid"].is_null()) {
                self.call(&name, json!({"type": "TEARDOWN"})).await;
            }
        }
        self.streams.clear();
        let operator = self.kept.get("operator").cloned().unwrap_or_default();
        let mut headers = json!({"Content-Type": "application/json", "Accept": "application/json"});
        for (name, value) in operator.as_object().into_iter().flatten() {
            headers[name] = value.clone();
        }
        // Frameworks whose client hung up wait for it.
        for framework in self.ask("/frameworks").await["frameworks"].as_array().into_iter().flatten() {
            let body = json!({"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework["id"]}}});
            let request = json!({"method": "POST", "path": "/api/v1", "headers": headers, "body": body});
            self.open(&request).await;
        }
        self.wait("/state", "/frameworks", &json!([]), &operator).await?;
        self.wait("/slave(1)/state", "/frameworks", &json!([]), &operator).await
    }
}

/// What came, with ids numbered as they come, and without times and places.
#[derive(Default)]
struct Plain {
    ids: HashMap<String, String>,
    /// Whether resources stand in any order.
    is_shuffled: bool,
}

impl Plain {
    fn id(&mut self, id: &str) -> String {
        let next = format!("<{}>", self.ids.len());
        self.ids.entry(id.to_owned()).or_insert(next).clone()
    }

    fn text(&mut self, text: &str) -> String {
        let text = WORK.replace_all(text, "WORK/slaves/");
        let text = ID.replace_all(&text, |found: &Captures<'_>| self.id(&found[0])).into_owned();
        let text = if BINARY_ID.is_match(&text) { self.id(&text) } else { text };
        PLACE.replace_all(&text, "PLACE").into_owned()
    }

    fn value(&mut self, value: &Value, name: &str) -> Value {
        // The embedded one says which kind of containers its agents have.
        let is_own = |value: &Value| value["name"] == "containers" && value["type"] == "TEXT";
        match value {
            Value::Number(_) if VARYING.contains(&name) => json!(0),
            Value::Object(fields) => {
                let mut names: Vec<&String> = fields.keys().collect();
                names.sort();
                names.retain(|field| name != "attributes" || *field != "containers");
                names.into_iter().map(|field| (field.clone(), self.value(&fields[field], field))).collect()
            }
            Value::Array(items) => {
                let mut items: Vec<&Value> = items.iter().filter(|item| !is_own(item)).collect();
                let is_weight = |item: &&&Value| item.get("role").is_some() && item.get("weight").is_some();
                let is_shuffled = self.is_shuffled && name == "resources";
                if is_shuffled
                    || UNORDERED.contains(&name)
                    || name == "body" && items.iter().all(|item| is_weight(&item))
                {
                    items.sort_by_key(|item| sorted(item).to_string());
                }
                items.into_iter().map(|item| self.value(item, "")).collect()
            }
            Value::String(text) => Value::String(self.text(text)),
            other => other.clone(),
        }
    }
}

/// The same with its fields in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            names.into_iter().map(|name| (name.clone(), sorted(&fields[name]))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Of what came at a step, what it wants compared.
fn trimmed(step: &Value, got: &Value) -> Value {
    fn drop_fields(value: &mut Value, names: &[&str]) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !names.contains(&name.as_str()));
                fields.values_mut().for_each(|value| drop_fields(value, names));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| drop_fields(item, names)),
            _ => {}
        }
    }
    let mut trimmed = got.clone();
    if let (Some(only), true) = (step["only"].as_array(), got.is_object()) {
        trimmed = json!({"status": got["status"]});
        for path in only {
            let path = path.as_str().unwrap();
            trimmed[path] = at(&got["body"], path).clone();
        }
    }
    let names: Vec<&str> = step["except"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    drop_fields(&mut trimmed, &names);
    trimmed
}

fn differences(steps: &[Value], now: &[Value], is_shuffled: bool) -> Vec<String> {
    let plain = || Plain { is_shuffled, ..Plain::default() };
    let (mut was, mut new, mut found) = (plain(), plain(), Vec::new());
    for (number, (step, got)) in steps.iter().zip(now).enumerate() {
        let recorded = was.value(&trimmed(step, step.get("got").unwrap_or(&Value::Null)), "");
        let got = new.value(&trimmed(step, got), "");
        differ(&recorded, &got, &format!("step {number}"), &mut found);
    }
    found
}

fn differ(recorded: &Value, now: &Value, place: &str, found: &mut Vec<String>) {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => {
            for (name, value) in recorded {
                match now.get(name) {
                    Some(now) => differ(value, now, &format!("{place}/{name}"), found),
                    None => found.push(format!("{place}/{name} is missing: {value}")),
                }
            }
            let new = now.iter().filter(|(name, _)| !recorded.contains_key(*name));
            found.extend(new.map(|(name, value)| format!("{place}/{name} is new: {value}")));
        }
        (Value::Array(recorded), Value::Array(now)) if recorded.len() == now.len() => {
            for (index, (recorded, now)) in recorded.iter().zip(now).enumerate() {
                differ(recorded, now, &format!("{place}/{index}"), found);
            }
        }
        (recorded, now) if equal(recorded, now) => {}
        (recorded, now) => found.push(format!("{place}: recorded\n      {recorded}, now\n      {now}")),
    }
}
