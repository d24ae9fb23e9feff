//! Whole scenarios as recorded from a real master, replayed: answers, events and their order.
//!
//! How many OFFERS come is a matter of time, so they are compared in their own order and as far as both go.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::client::{Answer, Got, Stream, send};
use super::same::{Ids, shape};
use crate::golden::steps;

/// Scenarios that differ, and why.
const DIFFERENT: &[(&str, &str)] = &[];

/// Headers that mean something.
const HEADERS: [&str; 6] =
    ["content-type", "location", "transfer-encoding", "content-length", "allow", "www-authenticate"];

/// A stream and what is still to come on it.
struct Replayed {
    stream: Stream,
    /// OFFERS, and everything else.
    offers: VecDeque<Value>,
    others: VecDeque<Value>,
    /// Whether OFFERS have come.
    offered: bool,
    over: bool,
}

struct Replay {
    master: SocketAddr,
    agent: SocketAddr,
    ids: Ids,
    /// Ids that recorded answers and events name; requests wait for them.
    told: HashSet<String>,
    streams: HashMap<String, Replayed>,
    /// The agent's work folder, then and now.
    folder: Option<(String, String)>,
    differences: Vec<String>,
}

/// All scenarios, by name; without those that need a Docker Engine where there is none.
fn scenarios() -> Vec<(String, Vec<Value>)> {
    let mut scenarios: Vec<(String, Vec<Value>)> = Vec::new();
    for (file, _, step) in steps() {
        let name = file.trim_end_matches(".jsonl");
        match scenarios.last_mut() {
            Some((last, steps)) if last == name => steps.push(step),
            _ => scenarios.push((name.to_owned(), vec![step])),
        }
    }
    if let Some(why) = crate::support::docker::missing() {
        crate::support::say_skipped("the recorded scenarios with Docker", &why);
        scenarios.retain(|(name, _)| !name.starts_with("docker-"));
    }
    scenarios
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_go_as_recorded() {
    let running = scenarios().into_iter().map(|(name, steps)| async move {
        let cluster = super::start(super::recorded(1)).await;
        let outcome = replay(cluster.address(), cluster.agents()[0], &name, steps).await;
        cluster.shutdown().await;
        (name, outcome)
    });
    let mut outcomes = futures_util::future::join_all(running).await;
    outcomes.sort();
    super::judge("scenarios", &outcomes, DIFFERENT);
}

/// The same on a real Mesos: shows whether a difference is the recording's, the replay's, or the embedded Mesos's.
#[tokio::test(flavor = "multi_thread")]
async fn scenarios_go_on_a_real_mesos_as_recorded() {
    let real = match real().await {
        Ok(real) => real,
        Err(why) => crate::skip!("{why}"),
    };
    let to: SocketAddr = real.address().parse().unwrap();
    let mut outcomes = Vec::new();
    for (name, steps) in scenarios() {
        // One of its tasks runs, and what is offered next, and quoted in answers, depends on when its executor has gone.
        if name == "task-errors" {
            crate::support::say_skipped("task-errors on a real Mesos", "its offers are another's in every run");
            continue;
        }
        let outcome = replay_on_real(to, &name, &steps).await;
        outcomes.push((name, outcome));
    }
    super::judge("scenarios on a real Mesos", &outcomes, &[]);
}

/// A real Mesos with the resources that the recorded one had.
async fn real() -> Result<crate::support::real_mesos::RealMesos, String> {
    let settings = [("MESOS_RESOURCES", "cpus:4;mem:4096;disk:10000;ports:[9000-10000]")];
    crate::support::real_mesos::RealMesos::with(1, &settings).await
}

/// Replays up to three times, then each on a Mesos of its own: a busy agent is asked between two things that it does, or
/// still tells of what an earlier scenario has left. What differs every time is no chance.
async fn replay_on_real(to: SocketAddr, name: &str, steps: &[Value]) -> Result<(), String> {
    let mut outcome = replay(to, to, name, steps.to_vec()).await;
    for _ in 0..2 {
        if outcome.is_ok() {
            break;
        }
        let fresh = real().await?;
        let to: SocketAddr = fresh.address().parse().unwrap();
        outcome = replay(to, to, name, steps.to_vec()).await;
    }
    outcome
}

async fn replay(master: SocketAddr, agent: SocketAddr, name: &str, steps: Vec<Value>) -> Result<(), String> {
    let mut replay = Replay {
        master,
        agent,
        ids: Ids::default(),
        told: steps.iter().flat_map(told).collect(),
        streams: HashMap::new(),
        folder: None,
        differences: Vec::new(),
    };
    for (index, step) in steps.iter().enumerate() {
        if step.get("send").is_some() {
            replay.request(name, step, &steps[index..]).await;
        } else if let Some(stream) = step.get("closed").and_then(Value::as_str) {
            replay.closed(stream, &steps[..index], &steps[index..]);
        }
        if replay.differences.len() > 5 {
            break;
        }
    }
    replay.finish().await;
    let differences = replay.differences;
    drop(replay.streams);
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n    ")) }
}

/// Where an agent says that its sandboxes are.
fn folder(state: &Value) -> Option<String> {
    let directory = state["frameworks"][0]["executors"][0]["directory"].as_str()?;
    directory.split_once("/slaves/").map(|(folder, _)| folder.to_owned())
}

/// Drops fields wherever they are: the past, other flags, and the attribute that only the embedded agent has.
fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|value| without(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, names)),
        _ => {}
    }
}

/// The ids that a step tells the client.
fn told(step: &Value) -> HashSet<String> {
    let mut text = step.get("event").map(Value::to_string).unwrap_or_default();
    if step["send"]["path"] == "/slave(1)/state" {
        text.push_str(&step["got"].to_string());
    }
    let mut ids = Ids::in_text(&text);
    ids.extend(step["got"]["headers"]["mesos-stream-id"].as_str().map(str::to_owned));
    ids.extend(step["event"]["update"]["status"]["uuid"].as_str().map(str::to_owned));
    ids
}

impl Replay {
    async fn request(&mut self, scenario: &str, step: &Value, rest: &[Value]) {
        let sent = &step["send"];
        let text = sent.to_string();
        let wanted: Vec<String> =
            self.told.iter().filter(|id| text.contains(id.as_str()) && self.ids.get(id).is_none()).cloned().collect();
        self.learn(&wanted).await;
        let label = step["as"].as_str().unwrap_or(sent["body"]["type"].as_str().unwrap_or("?")).to_owned();
        let mut path = self.ids.replace(sent["path"].as_str().unwrap_or("/"));
        if let Some((then, now)) = &self.folder {
            path = path.replace(then, now);
        }
        let to = if path.starts_with("/slave(1)") || path.starts_with("/files") { self.agent } else { self.master };
        let headers: Vec<(String, String)> = sent["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), self.ids.replace(value.as_str().unwrap_or(""))))
            .collect();
        let body = match (sent.get("body"), sent.get("raw").and_then(Value::as_str)) {
            (Some(body), _) => self.ids.replace(&body.to_string()).into_bytes(),
            (None, Some("//4=")) => vec![0xff, 0xfe],
            (None, raw) => raw.unwrap_or("").as_bytes().to_vec(),
        };
        let method = sent["method"].as_str().unwrap_or("GET");
        let mut got = send(to, method, &path, &headers, &body).await;
        // The master needs a moment to see that a stream is gone.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while step["got"]["status"] == 403
            && matches!(&got, Got::Whole(answer) if answer.status == 202)
            && tokio::time::Instant::now() < deadline
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
            got = send(to, method, &path, &headers, &body).await;
        }
        self.compare_answer(scenario, &label, &step["got"], &got);
        if let (true, Got::Whole(answer)) = (path == "/slave(1)/state", &got) {
            self.folder = folder(&step["got"]["body"]).zip(folder(&answer.json()));
        }
        if let (Got::Stream(stream), Some(name)) = (got, label.strip_prefix("subscribe ")) {
            let events = rest.iter().filter(|step| step["on"] == name).map(|step| step["event"].clone());
            let (offers, others) = events
                .filter(|event| event["type"] != "HEARTBEAT")
                .partition(|event: &Value| event["type"] == "OFFERS");
            self.streams.insert(name.to_owned(), Replayed { stream, offers, others, offered: false, over: false });
        }
    }

    fn compare_answer(&mut self, scenario: &str, label: &str, recorded: &Value, got: &Got) {
        let answer = match got {
            Got::Whole(answer) => answer,
            Got::Stream(stream) => &stream.answer,
        };
        let mut differences = Vec::new();
        if recorded["status"] != answer.status {
            differences.push(format!("recorded {}, now {}", recorded["status"], answer.status));
        }
        if let (Some(recorded), Some(now)) =
            (recorded["headers"]["mesos-stream-id"].as_str(), answer.header("mesos-stream-id"))
        {
            differences.extend(self.ids.pair(recorded, now).err());
        }
        let lengths_matter = recorded["body"].is_string() && Ids::in_text(&recorded["body"].to_string()).is_empty();
        for name in HEADERS.into_iter().filter(|name| *name != "content-length" || lengths_matter) {
            let recorded = recorded["headers"][name].as_str();
            let now = answer.header(name);
            let same = match (recorded, now) {
                // The port is another.
                (Some(recorded), Some(now)) if name == "location" => {
                    recorded.rsplit_once(':').map(|parts| parts.0) == now.rsplit_once(':').map(|parts| parts.0)
                }
                (recorded, now) => recorded == now,
            };
            if !same {
                differences.push(format!("header {name}: recorded {recorded:?}, now {now:?}"));
            }
        }
        if let (Some(recorded), Got::Whole(answer)) = (recorded.get("body"), got) {
            self.compare_body(scenario, recorded, answer, &mut differences);
        }
        self.differences.extend(differences.into_iter().map(|why| format!("{label}: {why}")));
    }

    fn compare_body(&mut self, scenario: &str, recorded: &Value, answer: &Answer, differences: &mut Vec<String>) {
        let now = if recorded.is_string() { Value::String(answer.text()) } else { answer.json() };
        if scenario == "operator-api" {
            // The recorded cluster had a past, and other flags; whether an offer is out is a matter of time.
            let mut plain = recorded.clone();
            let mut now = now;
            for value in [&mut plain, &mut now] {
                without(
                    value,
                    &[
                        "flags",
                        "completed_frameworks",
                        "containers",
                        "offers",
                        "offered_resources",
                        "offered",
                        "ports",
                        "disk",
                    ],
                );
            }
            if let (Value::String(_), Value::String(_)) = (&plain, &now) {
                differences.extend(self.ids.same(&plain, &now).err());
            } else {
                shape(&plain, &now, "", differences);
            }
        } else {
            differences.extend(self.ids.same(recorded, &now).err());
        }
    }

    /// Reads events until these ids are known.
    async fn learn(&mut self, wanted: &[String]) {
        let missing = |ids: &Ids| wanted.iter().find(|id| ids.get(id).is_none()).cloned();
        let mut names: Vec<String> = self.streams.keys().cloned().collect();
        names.sort();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(15);
        while let Some(id) = missing(&self.ids) {
            let mut came = false;
            for name in &names {
                let event = self.streams.get_mut(name).and_then(|replayed| replayed.stream.try_next());
                if let Some(event) = event {
                    came = true;
                    self.event(name, &event);
                }
            }
            if tokio::time::Instant::now() > deadline || self.differences.len() > 5 {
                self.differences.push(format!("nothing told of {id}"));
                return;
            }
            if !came {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    fn event(&mut self, name: &str, event: &Value) {
        let Some(replayed) = self.streams.get_mut(name) else { return };
        let is_offers = event["type"] == "OFFERS";
        let queue = if is_offers { &mut replayed.offers } else { &mut replayed.others };
        let later = is_offers && std::mem::replace(&mut replayed.offered, true);
        let mut event = event.clone();
        match queue.pop_front() {
            Some(mut recorded) => {
                if later {
                    // How much a task that ends has given back by now is a matter of time too.
                    without(&mut recorded, &["scalar"]);
                    without(&mut event, &["scalar"]);
                }
                if let Err(why) = self.ids.same(&recorded, &event) {
                    self.differences.push(format!("{} on {name}: {why}", event["type"]));
                }
            }
            None if is_offers => {}
            None => self.differences.push(format!("on {name}, not recorded: {event}")),
        }
    }

    /// A stream that the recorder closed itself: no ERROR came on it, and no TEARDOWN follows.
    fn closed(&mut self, name: &str, before: &[Value], after: &[Value]) {
        let error = before.iter().any(|step| step["on"] == name && step["event"]["type"] == "ERROR");
        let next = after.iter().find(|step| step.get("send").is_some());
        let torn_down = next.is_none_or(|step| step["send"]["body"]["type"] == "TEARDOWN");
        if !error && !torn_down {
            while let Some(event) = self.streams.get_mut(name).and_then(|replayed| replayed.stream.try_next()) {
                self.event(name, &event);
            }
            let replayed = self.streams.remove(name);
            let missing: Vec<Value> = replayed.into_iter().flat_map(|replayed| replayed.others).collect();
            self.differences.extend(missing.iter().map(|event| format!("on {name}, not now: {event}")));
        }
    }

    /// Reads every stream to its end.
    async fn finish(&mut self) {
        let mut names: Vec<String> = self.streams.keys().cloned().collect();
        names.sort();
        for name in names {
            while self.differences.len() <= 5 {
                let Some(replayed) = self.streams.get_mut(&name) else { break };
                let next = tokio::time::timeout(Duration::from_secs(5), replayed.stream.next()).await;
                match next {
                    Ok(Some(event)) => self.event(&name, &event),
                    Ok(None) => {
                        replayed.over = true;
                        break;
                    }
                    Err(_) => {
                        self.differences.push(format!("{name} doesn't end"));
                        break;
                    }
                }
            }
            let Some(replayed) = self.streams.get_mut(&name) else { continue };
            if replayed.over {
                for event in replayed.others.drain(..) {
                    self.differences.push(format!("on {name}, not now: {event}"));
                }
            }
        }
    }
}
