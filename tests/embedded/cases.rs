//! Single cases as recorded from a real master: one request each, its answer, and the events that it causes.

use std::time::Duration;

use mesos_repl::embedded::{Acls, Config};
use serde_json::{Value, json};

use super::client::{Got, Stream, call, send};
use super::same::Ids;
use crate::support::within;

/// Cases of HTTP and parsing that differ, and why.
const HTTP: &[(&str, &str)] = &[];
/// Cases of subscriptions and framework updates.
const FRAMEWORKS: &[(&str, &str)] = &[];
/// Cases of ACCEPT.
const ACCEPT: &[(&str, &str)] = &[];
/// Cases of task groups and operations.
const GROUPS: &[(&str, &str)] =
    &[("groupf/http-check", "the recorded machine had no default executor to start, the embedded agent has one")];
/// Cases of authentication.
const AUTH: &[(&str, &str)] = &[];

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/golden/1.11.0/cases/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn id(case: &Value) -> String {
    case["id"].as_str().unwrap().to_owned()
}

fn headers(headers: &Value) -> Vec<(String, String)> {
    let pairs = headers.as_object().into_iter().flatten();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned())).collect()
}

/// Status, headers that mean something, and body.
fn compare(ids: &mut Ids, recorded: &Value, got: &Got) -> Result<(), String> {
    let answer = match got {
        Got::Whole(answer) => answer,
        Got::Stream(stream) => &stream.answer,
    };
    if recorded["status"] != answer.status {
        return Err(format!("recorded {}, now {} {}", recorded["status"], answer.status, answer.text()));
    }
    for name in ["Content-Type", "Allow", "WWW-Authenticate", "Transfer-Encoding"] {
        let now = answer.header(&name.to_ascii_lowercase());
        if recorded["headers"].is_object() && recorded["headers"][name].as_str() != now {
            return Err(format!("header {name}: recorded {}, now {now:?}", recorded["headers"][name]));
        }
    }
    match recorded["body"].as_str() {
        Some(body) => ids.same(&json!(body), &json!(answer.text())),
        None => Ok(()),
    }
}

/// Events but heartbeats and offers, which come when they come.
fn told(events: &Value) -> Vec<Value> {
    let events = events.as_array().into_iter().flatten();
    events
        .filter(|event| !matches!(event["type"].as_str(), Some("HEARTBEAT" | "OFFERS" | "__CLOSED__")))
        .cloned()
        .collect()
}

/// Reads as many events as are recorded, and the end where it is.
async fn compare_events(ids: &mut Ids, recorded: &Value, stream: &mut Stream) -> Result<(), String> {
    for event in told(&recorded["events"]) {
        let now = loop {
            match tokio::time::timeout(Duration::from_secs(5), stream.next()).await {
                Ok(Some(now)) if now["type"] == "OFFERS" => {}
                Ok(Some(now)) => break now,
                Ok(None) => return Err(format!("ended before {event}")),
                Err(_) => return Err(format!("didn't come: {event}")),
            }
        };
        ids.same(&event, &now).map_err(|why| format!("{}: {why}", event["type"]))?;
    }
    let ends = recorded["events"].as_array().into_iter().flatten().any(|event| event["type"] == "__CLOSED__");
    if ends && let Some(more) = stream.next().await {
        return Err(format!("more: {more}"));
    }
    Ok(())
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_is_answered_as_recorded() {
    let cluster = super::start(super::recorded(1)).await;
    let mut outcomes = Vec::new();
    for case in cases("http") {
        let (name, request) = (id(&case), &case["request"]);
        let body = request["body"].as_str().unwrap_or("");
        // Bodies that aren't text were recorded in hexadecimal.
        let binary = name.starts_with("pb/") || matches!(name.as_str(), "json/badutf8" | "json/bom");
        let body = if binary { from_hex(body) } else { body.as_bytes().to_vec() };
        let method = request["method"].as_str().unwrap();
        let path = request["path"].as_str().unwrap();
        let mut got = send(cluster.address(), method, path, &headers(&request["headers"]), &body).await;
        let mut ids = Ids::default();
        let mut outcome = compare(&mut ids, &case["answer"], &got);
        if let (Ok(()), Got::Stream(stream)) = (&outcome, &mut got) {
            outcome = compare_events(&mut ids, &case["answer"], stream).await;
        }
        outcomes.push((name, outcome));
    }
    cluster.shutdown().await;
    super::judge("HTTP", &outcomes, HTTP);
}

/// A framework of its own, its stream, and its id.
async fn framework(to: std::net::SocketAddr, more: &Value) -> (Stream, Value) {
    let mut info = json!({"user": "root", "name": "probe"});
    info.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let mut body = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
    if let Some(id) = info.get("id") {
        body["framework_id"] = id.clone();
    }
    let mut stream = call(to, None, &body).await.stream();
    let subscribed = stream.wait("SUBSCRIBED").await;
    (stream, subscribed["subscribed"]["framework_id"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn frameworks_are_answered_as_recorded() {
    let cluster = super::start(super::recorded(1)).await;
    let to = cluster.address();
    let mut outcomes = Vec::new();
    let cases = cases("fw");
    let agent = call_page(to, "/slaves").await["slaves"][0]["id"].as_str().unwrap().to_owned();
    let (mut stream, mut fid) = framework(to, &json!({"failover_timeout": 60})).await;
    let mut stream_id = stream.id();
    let mut other = None;
    for case in &cases {
        let (name, mut request) = (id(case), case["request"].clone());
        let mut ids = Ids::default();
        match name.as_str() {
            // As the recorder did: before these its stream was closed, its framework ended, and another one subscribed
            // with a principal and left.
            "call/after-disconnect" => {
                drop(stream);
                (stream, _) = framework(to, &json!({"name": "other"})).await;
                await_gone(to, &fid).await;
            }
            "call/after-teardown" => {
                let info = json!({"id": fid, "failover_timeout": 60});
                (stream, _) = framework(to, &info).await;
                stream_id = stream.id();
                call(to, Some(&stream_id), &json!({"type": "TEARDOWN", "framework_id": fid})).await;
            }
            "sub/principal-changed" => {
                let (kept, id) = framework(to, &json!({"failover_timeout": 60, "principal": "p1"})).await;
                (other, fid) = (Some(kept), id);
            }
            _ => {}
        }
        let text = request.to_string();
        for recorded in Ids::in_text(&text) {
            let now = if recorded.contains("-S") { agent.as_str() } else { fid["value"].as_str().unwrap() };
            ids.pair(&recorded, now).unwrap();
        }
        request = serde_json::from_str(&ids.replace(&text)).unwrap();
        let outcome = if name.starts_with("sub/") {
            let mut got = call(to, None, &request).await;
            match (compare(&mut ids, &case["answer"], &got), &mut got) {
                (Ok(()), Got::Stream(stream)) => compare_events(&mut ids, &case["answer"], stream).await,
                (outcome, _) => outcome,
            }
        } else {
            request.as_object_mut().unwrap().entry("framework_id").or_insert_with(|| fid.clone());
            let junk = ["wrong-streamid", "junk-streamid"].iter().find(|junk| name.ends_with(**junk));
            let wrong = match junk {
                Some(&"wrong-streamid") => "00000000-0000-4000-8000-000000000000",
                Some(_) => "junk",
                None => stream_id.as_str(),
            };
            let got = call(to, Some(wrong), &request).await;
            let answer = &case["answer"];
            let first = compare(&mut ids, answer, &got);
            // What an update of the framework has caused is compared by its answer alone.
            let expected = told(&answer["after"]);
            let mut outcome = first;
            for event in expected {
                if outcome.is_err() {
                    break;
                }
                let now = loop {
                    match within(Duration::from_secs(5), "an event", stream.next()).await {
                        Some(now) if now["type"] == "OFFERS" || now["type"] == "SUBSCRIBED" => {}
                        Some(now) => break now,
                        None => break Value::Null,
                    }
                };
                outcome = ids.same(&event, &now).map_err(|why| format!("{}: {why}", event["type"]));
            }
            outcome
        };
        outcomes.push((name, outcome));
    }
    drop((stream, other));
    cluster.shutdown().await;
    super::judge("frameworks", &outcomes, FRAMEWORKS);
}

async fn call_page(to: std::net::SocketAddr, path: &str) -> Value {
    send(to, "GET", path, &[], b"").await.whole().json()
}

/// Waits until the master knows that a framework's stream is gone.
async fn await_gone(to: std::net::SocketAddr, fid: &Value) {
    crate::support::until(Duration::from_secs(5), "the master sees the stream's end", async || {
        let frameworks = call_page(to, "/frameworks").await;
        let frameworks = frameworks["frameworks"].as_array().cloned().unwrap_or_default();
        frameworks.iter().any(|one| one["id"] == fid["value"] && one["connected"] == false).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_is_answered_as_recorded() {
    let outcomes = accepts("accept").await;
    super::judge("ACCEPT", &outcomes, ACCEPT);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_operations_are_answered_as_recorded() {
    let outcomes = accepts("group").await;
    super::judge("groups and operations", &outcomes, GROUPS);
}

async fn accepts(file: &str) -> Vec<(String, Result<(), String>)> {
    let cluster = super::start(super::recorded(2)).await;
    let to = cluster.address();
    let mut outcomes = Vec::new();
    for case in cases(file) {
        // A real master died of this one; the answer here is tried elsewhere.
        if case.get("crash").is_some() {
            continue;
        }
        outcomes.push((id(&case), accept(to, &case).await));
    }
    cluster.shutdown().await;
    outcomes
}

/// The agent whose offer a recorded case used, as far as the recording tells.
fn agent_of(case: &Value) -> Option<String> {
    let text = case["events"].to_string();
    let after = |before: &str| {
        let rest = text.split_once(before)?.1;
        Ids::in_text(rest.split([' ', '"']).next()?).into_iter().next()
    };
    let operations = case["request"]["accept"]["operations"].as_array()?;
    let task = operations.iter().find_map(|operation| {
        let tasks = operation["launch"]["task_infos"].as_array();
        let tasks = tasks.or_else(|| operation["launch_group"]["task_group"]["tasks"].as_array())?;
        tasks.first()?["agent_id"]["value"].as_str().map(str::to_owned)
    });
    let done = case["events"]
        .as_array()?
        .iter()
        .find_map(|event| event["update_operation_status"]["status"]["agent_id"]["value"].as_str().map(str::to_owned));
    after("while agent ").or_else(|| after("; on agent ")).or(done).or(task)
}

async fn accept(to: std::net::SocketAddr, case: &Value) -> Result<(), String> {
    let (mut stream, fid) = framework(to, &case["framework"]).await;
    let mut offers: Vec<Value> = Vec::new();
    let mut ids = Ids::default();
    // Both agents' offers, the one of the recorded case's agent first.
    while offers.len() < 2 {
        let event = stream.wait("OFFERS").await;
        offers.extend(event["offers"]["offers"].as_array().cloned().unwrap_or_default());
    }
    let is_first = |offer: &Value| offer["agent_id"]["value"].as_str().is_some_and(|id| id.ends_with("-S0"));
    offers.sort_by_key(|offer| !is_first(offer));
    let used = agent_of(case);
    for recorded in Ids::in_text(&case.to_string()) {
        let now = match recorded.rsplit_once('-').map(|(_, end)| end) {
            Some("S0") => offers[0]["agent_id"]["value"].as_str(),
            Some("S1") => offers[1]["agent_id"]["value"].as_str(),
            Some(end) if end.len() == 4 && end.starts_with(|c: char| c.is_ascii_digit()) => fid["value"].as_str(),
            _ => None,
        };
        now.map(|now| ids.pair(&recorded, now)).transpose()?;
    }
    let at = usize::from(used.is_some_and(|agent| agent.ends_with("-S1")));
    let mut named: Vec<&str> = Vec::new();
    for offer in case["request"]["accept"]["offer_ids"].as_array().into_iter().flatten() {
        let offer = offer["value"].as_str().unwrap_or("");
        if !named.contains(&offer) {
            named.push(offer);
        }
    }
    for (index, offer) in named.iter().enumerate().filter(|(_, offer)| !Ids::in_text(offer).is_empty()) {
        ids.pair(offer, offers[(at + index) % 2]["id"]["value"].as_str().unwrap())?;
    }
    let mut request: Value = serde_json::from_str(&ids.replace(&case["request"].to_string())).unwrap();
    request["framework_id"] = fid.clone();
    let id = stream.id();
    let got = call(to, Some(&id), &request).await;
    let mut outcome = compare(&mut ids, &json!({"status": case["status"], "body": case["body"]}), &got);
    if outcome.is_ok() {
        outcome = compare_accept(&mut ids, to, case, &fid, &mut stream).await;
    }
    call(to, Some(&id), &json!({"type": "TEARDOWN", "framework_id": fid})).await;
    outcome
}

/// The recorded events, and none but them before the answer to a question that is asked last.
async fn compare_accept(
    ids: &mut Ids,
    to: std::net::SocketAddr,
    case: &Value,
    fid: &Value,
    stream: &mut Stream,
) -> Result<(), String> {
    let recorded = told(&case["events"]);
    compare_events(ids, &json!({"events": recorded}), stream).await?;
    let fence = json!({"type": "RECONCILE", "framework_id": fid,
                       "reconcile": {"tasks": [{"task_id": {"value": "the fence"}}]}});
    call(to, Some(&stream.id()), &fence).await;
    loop {
        let event = stream.next().await.ok_or("ended")?;
        let status = &event["update"]["status"];
        if status["task_id"]["value"] == "the fence" {
            return Ok(());
        }
        // An agent goes on with what it has been given.
        let from_agent = matches!(status["source"].as_str(), Some("SOURCE_EXECUTOR" | "SOURCE_AGENT"));
        if event["type"] != "OFFERS" && !from_agent && event["type"] != "FAILURE" {
            return Err(format!("not recorded: {event}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authentication_is_answered_as_recorded() {
    let pair = |principal: &str, secret: &str| (principal.to_owned(), secret.to_owned());
    let acls = r#"{"register_frameworks": [
            {"principals": {"values": ["alice"]}, "roles": {"values": ["a"]}},
            {"principals": {"type": "ANY"}, "roles": {"type": "NONE"}}],
        "run_tasks": [{"principals": {"values": ["alice"]}, "users": {"values": ["nobody"]}},
            {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}]}"#;
    let config = Config {
        credentials: vec![pair("alice", "s3cret"), pair("bob", "p:w")],
        roles: Some(vec!["a".to_owned(), "b".to_owned()]),
        root_submissions: false,
        acls: Acls::read(acls).unwrap(),
        ..super::recorded(1)
    };
    let cluster = super::start(config).await;
    let to = cluster.address();
    let mut outcomes = Vec::new();
    let mut kept: Option<(Stream, Value)> = None;
    for case in cases("auth") {
        let name = id(&case);
        let mut ids = Ids::default();
        let mut sent = headers(&case["headers"]);
        let body = match &case["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let mut body = body;
        if let Some((stream, fid)) = kept.as_ref().filter(|_| name.starts_with("acl/")) {
            for recorded in Ids::in_text(&case["body"].to_string()) {
                if recorded.rsplit_once('-').is_some_and(|(_, end)| end.len() == 4) {
                    ids.pair(&recorded, fid["value"].as_str().unwrap()).unwrap();
                }
            }
            body = ids.replace(&body);
            for (_, value) in sent.iter_mut().filter(|(name, _)| name == "Mesos-Stream-Id") {
                *value = stream.id();
            }
        }
        let method = if name.contains("GET") { "GET" } else { "POST" };
        if name == "acl/call-ok" {
            let subscribe = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "nobody", "name": "n",
                "roles": ["a"], "capabilities": [{"type": "MULTI_ROLE"}]}}});
            let with: Vec<_> = sent.iter().filter(|(name, _)| name != "Mesos-Stream-Id").cloned().collect();
            let got = send(to, "POST", "/api/v1/scheduler", &with, subscribe.to_string().as_bytes()).await;
            let mut stream = got.stream();
            let fid = stream.wait("SUBSCRIBED").await["subscribed"]["framework_id"].clone();
            for (_, value) in sent.iter_mut().filter(|(name, _)| name == "Mesos-Stream-Id") {
                *value = stream.id();
            }
            for recorded in Ids::in_text(&body) {
                ids.pair(&recorded, fid["value"].as_str().unwrap()).unwrap();
            }
            body = ids.replace(&body);
            kept = Some((stream, fid));
        }
        let mut got = send(to, method, "/api/v1/scheduler", &sent, body.as_bytes()).await;
        let mut outcome = compare(&mut ids, &case["answer"], &got);
        if let (Ok(()), Got::Stream(stream)) = (&outcome, &mut got) {
            outcome = compare_events(&mut ids, &case["answer"], stream).await;
        }
        outcomes.push((name, outcome));
    }
    drop(kept);
    cluster.shutdown().await;
    super::judge("authentication", &outcomes, AUTH);
}

/// The two calls of which a real master dies.
#[tokio::test(flavor = "multi_thread")]
async fn what_aborts_a_real_master_is_answered() {
    let cluster = super::start(super::recorded(1)).await;
    let to = cluster.address();
    let (mut stream, fid) = framework(to, &json!({})).await;
    let id = stream.id();
    let got = call(to, Some(&id), &json!({"type": "UNKNOWN", "framework_id": fid})).await.whole();
    assert_eq!((got.status, got.text().as_str()), (501, "501 Not Implemented."));
    let offer = stream.wait("OFFERS").await["offers"]["offers"][0].clone();
    let task = json!({"name": "t", "task_id": {"value": "t"}, "agent_id": offer["agent_id"],
        "command": {"value": "true"}, "resources": [{"name": "os", "type": "TEXT", "text": {"value": "x"}}]});
    let accept = json!({"type": "ACCEPT", "framework_id": fid, "accept": {"offer_ids": [offer["id"]],
        "operations": [{"type": "LAUNCH", "launch": {"task_infos": [task]}}]}});
    assert_eq!(call(to, Some(&id), &accept).await.whole().status, 202);
    let status = stream.wait("UPDATE").await["update"]["status"].clone();
    assert_eq!(status["state"], "TASK_ERROR");
    assert!(status["message"].as_str().unwrap().ends_with("is invalid: Unsupported resource type"), "{status}");
    cluster.shutdown().await;
}
