//! What a real Apache Mesos 1.11.0 sent is read, and written again, without losing anything.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mesos_repl::mesos::{CallMessage, Event, EventMessage, decode_event};
use mesos_repl::state::State;
use serde_json::{Map, Value};

/// The recorded steps of all scenarios: file, line, step.
pub fn steps() -> Vec<(String, usize, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/1.11.0");
    let mut steps = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        for (number, line) in text.lines().enumerate() {
            steps.push((name.clone(), number + 1, serde_json::from_str(line).unwrap()));
        }
    }
    steps.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    steps
}

/// Every recorded event, those of the single cases too.
fn events() -> Vec<(String, Value)> {
    let mut events: Vec<_> = steps()
        .into_iter()
        .filter_map(|(file, line, mut step)| {
            step.get_mut("event").map(|event| (format!("{file}:{line}"), event.take()))
        })
        .collect();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/1.11.0/cases");
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let cases: Value = serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let of = case.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
            let id = case["id"].as_str().unwrap_or("?");
            // `__CLOSED__` and the like are the recorder's own.
            events.extend(
                of.into_iter()
                    .filter(|e| e["type"].as_str().is_some_and(|kind| !kind.starts_with("__")))
                    .map(|e| (format!("{name} {id}"), e)),
            );
        }
    }
    events
}

/// As protobuf sees them: 4 and 4.0 are the same, an empty list and none are.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let within = |a: &Map<String, Value>, b: &Map<String, Value>| {
                a.iter().all(|(name, value)| is_empty(value) || b.get(name).is_some_and(|other| same(value, other)))
            };
            within(a, b) && within(b, a)
        }
        _ => a == b,
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

#[test]
fn every_recorded_event_comes_back_whole() {
    let events = events();
    assert!(events.len() > 150, "only {} events found", events.len());
    for (place, event) in events {
        let typed: EventMessage = serde_json::from_value(event.clone()).unwrap_or_else(|e| panic!("{place}: {e}"));
        let back = serde_json::to_value(&typed).unwrap();
        assert!(same(&back, &event), "{place}:\n{event}\n{back}");
    }
}

#[test]
fn every_recorded_event_is_known_and_its_parts_decode() {
    let mut state = State::new(SystemTime::UNIX_EPOCH);
    for (place, event) in events() {
        let decoded = decode_event(event.to_string().into()).unwrap_or_else(|e| panic!("{place}: {e}: {}", e.source));
        assert_eq!(Some(decoded.kind()), event["type"].as_str(), "{place}");
        match &decoded {
            Event::Unknown { kind, .. } => panic!("{place}: {kind}"),
            Event::Update(record) => {
                let status = record.status().unwrap();
                assert_eq!((&status.task_id, &status.state), (&record.task_id, &record.state), "{place}");
                let back = serde_json::to_value(&status).unwrap();
                assert!(same(&back, &event["update"]["status"]), "{place}: {back}");
            }
            Event::Offers(records) => {
                for (record, raw) in records.iter().zip(event["offers"]["offers"].as_array().unwrap()) {
                    assert!(same(&serde_json::to_value(record.offer().unwrap()).unwrap(), raw), "{place}");
                }
            }
            _ => {}
        }
        state.apply(decoded, Duration::ZERO, None);
    }
    assert_eq!((state.counts.bad, state.counts.unknown), (0, 0));
    assert!(state.counts.updates > 10 && state.counts.offers > 10);
}

#[test]
fn every_call_that_the_master_took_comes_back_whole() {
    let mut calls = 0;
    for (file, line, step) in steps() {
        let taken = matches!(step["got"]["status"].as_u64(), Some(200 | 202));
        let body = &step["send"]["body"];
        // What that file holds was taken in spite of its shape.
        if !taken || file == "bad-requests.jsonl" || step["send"]["path"] != "/api/v1/scheduler" || !body.is_object() {
            continue;
        }
        let typed: CallMessage = serde_json::from_value(body.clone()).unwrap_or_else(|e| panic!("{file}:{line}: {e}"));
        let back = serde_json::to_value(&typed).unwrap();
        assert!(same(&back, body), "{file}:{line}:\n{body}\n{back}");
        calls += 1;
    }
    assert!(calls > 60, "only {calls} calls found");
}
