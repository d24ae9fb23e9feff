//! What a stream can hold: records that are none, events that are odd, updates that come twice, late, or not at all.

use serde_json::{Value, json};

use super::Table;
use super::rig::{Rig, Setup, so};
use super::statuses::operation;
use crate::support::books::{AGENT, FRAMEWORK};
use crate::support::hostile::record;

/// Bytes that break the framing: one new subscription, and all is well.
async fn unreadable(bytes: Vec<u8>) {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    rig.master.bytes(&bytes);
    so("subscribed again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.master.moves(&task, "TASK_FINISHED");
    rig.goes_on(2..=2).await;
}

/// Bytes that cost at most themselves. How many records are none, and how many events are unknown.
async fn endured(bytes: Vec<u8>, bad: u64, unknown: u64) {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    rig.master.bytes(&bytes);
    rig.master.moves(&task, "TASK_FINISHED");
    rig.settled().await;
    let counts = rig.session.read(|state| (state.counts.bad, state.counts.unknown));
    assert_eq!(counts, (bad, unknown));
    // What came is kept for who wants to look.
    let kept = rig.session.read(|state| {
        state.journal.since(0).filter(|entry| matches!(entry.what, mesos_repl::state::What::BadRecord { .. })).count()
    });
    assert_eq!(kept as u64, bad);
    rig.goes_on(1..=1).await;
}

/// An update of an agent's that is written otherwise than usual.
fn odd_update(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut event =
        json!({"type": "UPDATE", "update": {"status": {"task_id": {"value": "odd"}, "state": "TASK_RUNNING"}}});
    change(&mut event["update"]["status"]);
    record(&event)
}

/// An update without a uuid that can be used: never acknowledged; the state it tells counts.
async fn unacknowledged(bytes: Vec<u8>, state: &'static str) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.says("odd", state, "REASON_COMMAND_EXECUTOR_FAILED", false);
    rig.master.bytes(&bytes);
    rig.settled().await;
    let acknowledged = rig.master.count("ACKNOWLEDGE");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(rig.master.count("ACKNOWLEDGE"), acknowledged);
    assert_eq!(acknowledged, 0);
    rig.goes_on(1..=1).await;
}

/// The same updates come more often than once, and in another order.
async fn repeated(times: usize, backwards: bool) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.hush(true);
    for task in ["a", "b", "c", "d"] {
        rig.master.moves(task, "TASK_RUNNING");
    }
    let mut events = rig.master.pending();
    if backwards {
        events.reverse();
    }
    for _ in 0..times {
        events.iter().for_each(|event| rig.master.event(event));
    }
    rig.settled().await;
    // All are acknowledged when the first round is; the others may still be on their way.
    let wanted = times as u64 * 4 - 4;
    so("all repeats", || rig.session.read(|state| state.counts.repeats) >= wanted).await;
    // What was acknowledged long ago comes once more: acknowledged again, shown no more.
    rig.master.hush(false);
    let before = rig.master.count("ACKNOWLEDGE");
    events.iter().for_each(|event| rig.master.event(event));
    so("acknowledged again", || rig.master.count("ACKNOWLEDGE") >= before + 4).await;
    rig.goes_on(1..=1).await;
}

/// An old update comes after newer ones of the same task.
async fn late(old: &'static str, new: &'static str) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.moves("t", old);
    rig.settled().await;
    let event = json!({"type": "UPDATE", "update": {"status": {"task_id": {"value": "t"}, "state": old,
        "agent_id": {"value": AGENT}, "uuid": uuid(&rig, "t")}}});
    rig.master.moves("t", new);
    rig.settled().await;
    rig.master.event(&event);
    rig.settled().await;
    rig.goes_on(1..=1).await;
}

fn uuid(rig: &Rig, task: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(rig.master.tasks()[task].1[0])
}

/// Updates get lost with a connection: what the master says at the next reconciliation counts.
async fn missing(moves: &'static [&'static str]) {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    // The master knows, and nobody has told.
    for state in moves {
        rig.master.says(&task, state, "REASON_EXECUTOR_TERMINATED", false);
    }
    rig.master.cut();
    so("subscribed again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.goes_on(2..=2).await;
}

async fn many(updates: usize) {
    let rig = Rig::new(Setup::default()).await;
    for number in 0..updates {
        rig.master.moves(&format!("t{}", number % 20), if number < 20 { "TASK_STARTING" } else { "TASK_RUNNING" });
    }
    rig.goes_on(1..=1).await;
}

/// A heartbeat as large as that.
fn padded(bytes: usize) -> Vec<u8> {
    record(&json!({"type": "NEWS", "padding": "x".repeat(bytes)}))
}

fn raw(text: &[u8]) -> Vec<u8> {
    [format!("{}\n", text.len()).as_bytes(), text].concat()
}

pub fn table(table: &mut Table) {
    let broken: Vec<(&str, &[u8])> = vec![
        ("a letter for a length", b"x\n{}"),
        ("a negative length", b"-1\n{}"),
        ("a length with a sign", b"+2\n{}"),
        ("a length in hex", b"0x2\n{}"),
        ("a length with an exponent", b"2e0\n{}"),
        ("a length with a space before", b" 2\n{}"),
        ("a length with a space after", b"2 \n{}"),
        ("a length that ends as DOS does", b"2\r\n{}"),
        ("a length of 20 digits that is too much", b"99999999999999999999\n{}"),
        ("a length of 21 digits", b"000000000000000000002\n{}"),
        ("a length over the limit", b"4294967296\n{}"),
        ("a length that is too short", b"5\n{\"type\":\"HEARTBEAT\"}"),
        ("a zero byte for a length", b"\0\n"),
        ("bytes that are no text", b"\xff\xfe\xfd"),
        ("a chunk's head in the stream", b"14\r\n"),
        ("HTTP in the stream", b"HTTP/1.1 200 OK\r\n"),
        ("JSON without a length", b"{\"type\":\"HEARTBEAT\"}\n"),
    ];
    for (name, bytes) in broken {
        table.case(format!("unreadable: {name}"), unreadable(bytes.to_vec()));
    }
    let fine: Vec<(&str, Vec<u8>, u64)> = vec![
        ("empty records", b"0\n0\n00\n".to_vec(), 0),
        ("empty lines between records", b"\n\n\n".to_vec(), 0),
        ("a length with zeros before", b"0000000020\n{\"type\":\"HEARTBEAT\"}".to_vec(), 0),
        ("an event with line ends in it", raw(b"{\n\"type\":\n\"HEARTBEAT\"\n}\n"), 0),
        ("a hundred heartbeats at once", b"20\n{\"type\":\"HEARTBEAT\"}".repeat(100), 0),
        ("an unknown event", record(&json!({"type": "NEWS", "news": {"a": [1, null]}})), 1),
        ("an event without a type", record(&json!({"news": 1})), 1),
        ("a type of null", record(&json!({"type": null})), 1),
        ("a type in another case", record(&json!({"type": "heartbeat"})), 1),
        ("an empty object", raw(b"{}"), 1),
        ("an event of 8 MB", padded(8 << 20), 1),
        (
            "an event with control characters",
            record(&json!({"type": "\u{1b}]0;owned\u{7}", "x": "\u{9b}31m\u{202e}"})),
            1,
        ),
        ("OFFERS without offers", record(&json!({"type": "OFFERS"})), 0),
        ("OFFERS with an empty list", record(&json!({"type": "OFFERS", "offers": {"offers": []}})), 0),
        (
            "a RESCIND of an offer that nobody has",
            record(&json!({"type": "RESCIND", "rescind": {"offer_id": {"value": "x"}}})),
            0,
        ),
        ("a FAILURE of nobody", record(&json!({"type": "FAILURE", "failure": {}})), 0),
        (
            "a MESSAGE",
            record(
                &json!({"type": "MESSAGE", "message": {"agent_id": {"value": "a"}, "executor_id": {"value": "e"}, "data": "aGk="}}),
            ),
            0,
        ),
        ("unknown fields everywhere", record(&json!({"type": "HEARTBEAT", "heartbeat": {"x": 1}, "更": [[]]})), 0),
        (
            "an operation's status without a uuid",
            record(
                &json!({"type": "UPDATE_OPERATION_STATUS", "update_operation_status": {"status": {"operation_id": {"value": "o"}, "state": "OPERATION_ERROR"}}}),
            ),
            0,
        ),
        (
            "an operation's status of an unknown state",
            record(
                &json!({"type": "UPDATE_OPERATION_STATUS", "update_operation_status": {"status": {"operation_id": {"value": "o"}, "state": "OPERATION_DANCING"}}}),
            ),
            0,
        ),
        (
            "SUBSCRIBED once more",
            record(
                &json!({"type": "SUBSCRIBED", "subscribed": {"framework_id": {"value": FRAMEWORK}, "heartbeat_interval_seconds": 100_000.0}}),
            ),
            0,
        ),
    ];
    for (name, bytes, unknown) in fine {
        table.case(format!("endured: {name}"), endured(bytes, 0, unknown));
    }
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("an open brace", raw(b"{")),
        ("a list", raw(b"[]")),
        ("null", raw(b"null")),
        ("a number", raw(b"1")),
        ("a text", raw(b"\"HEARTBEAT\"")),
        ("a zero byte", raw(b"\0")),
        ("what is no UTF-8", raw(b"{\"type\":\"\xff\xfe\"}")),
        ("half a character", raw(b"{\"type\":\"\xe2\x82\"}")),
        ("a lone surrogate", raw(b"{\"type\":\"\\ud800\"}")),
        ("two objects in one record", raw(b"{\"type\":\"HEARTBEAT\"}{}")),
        ("a comma too many", raw(b"{\"type\":\"HEARTBEAT\",}")),
        ("quotes of one stroke", raw(b"{'type':'HEARTBEAT'}")),
        ("NaN", raw(b"{\"type\":NaN}")),
        ("a type that is a number", raw(b"{\"type\":5}")),
        ("a type that is an object", raw(b"{\"type\":{}}")),
        ("a type that is told twice", raw(b"{\"type\":\"HEARTBEAT\",\"type\":\"OFFERS\"}")),
        ("1,000 open lists", raw("[".repeat(1_000).as_bytes())),
        ("100,000 open objects", raw("{\"a\":".repeat(100_000).as_bytes())),
        ("an UPDATE without a status", record(&json!({"type": "UPDATE"}))),
        (
            "an UPDATE without a task",
            record(&json!({"type": "UPDATE", "update": {"status": {"state": "TASK_RUNNING"}}})),
        ),
        (
            "an UPDATE without a state",
            record(&json!({"type": "UPDATE", "update": {"status": {"task_id": {"value": "x"}}}})),
        ),
        ("an offer without an id", record(&json!({"type": "OFFERS", "offers": {"offers": [{}]}}))),
        ("a RESCIND without an offer", record(&json!({"type": "RESCIND"}))),
        ("a SUBSCRIBED without a framework", record(&json!({"type": "SUBSCRIBED", "subscribed": {}}))),
        ("an ERROR without a message", record(&json!({"type": "ERROR"}))),
    ];
    for (name, bytes) in bad {
        table.case(format!("costs itself: {name}"), endured(bytes, 1, 0));
    }
    for (name, uuid) in [
        ("no uuid", Value::Null),
        ("an empty uuid", json!("")),
        ("a short uuid", json!("AAAA")),
        ("a long uuid", json!("AAECAwQFBgcICQoLDA0ODxAR")),
        ("a uuid that is no base64", json!("!!!!!!!!!!!!!!!!!!!!!!==")),
    ] {
        let bytes = odd_update(|status| {
            status["agent_id"] = json!({"value": AGENT});
            if !uuid.is_null() {
                status["uuid"] = uuid;
            }
        });
        table.case(format!("never acknowledged: {name}"), unacknowledged(bytes, "TASK_RUNNING"));
    }
    let no_agent = odd_update(|status| status["uuid"] = json!("AAECAwQFBgcICQoLDA0ODw=="));
    table.case("never acknowledged: no agent to tell it", unacknowledged_without_agent(no_agent));
    for (name, field, value) in [
        ("an unknown source", "source", json!("SOURCE_MOON")),
        ("an unknown reason", "reason", json!("REASON_WEATHER")),
        ("an unknown field", "mood", json!({"good": true})),
        ("a huge message", "message", json!("x".repeat(1 << 20))),
        ("a timestamp of null", "timestamp", Value::Null),
        ("labels", "labels", json!({"labels": [{"key": "a"}]})),
        ("a message with escapes", "message", json!("\u{1b}[2J\u{9b}31m\u{202e}")),
    ] {
        let bytes = odd_update(|status| status[field] = value);
        table.case(format!("an update with {name}"), unacknowledged(bytes, "TASK_RUNNING"));
    }
    let dancing = odd_update(|status| status["state"] = json!("TASK_DANCING"));
    table.case("an update with an unknown state", unacknowledged(dancing, "TASK_DANCING"));
    for times in [2, 3, 10] {
        table.case(format!("each update comes {times} times"), repeated(times, false));
        table.case(format!("each update comes {times} times, the last task's first"), repeated(times, true));
    }
    for (old, new) in [
        ("TASK_STARTING", "TASK_RUNNING"),
        ("TASK_RUNNING", "TASK_FINISHED"),
        ("TASK_RUNNING", "TASK_KILLED"),
        ("TASK_KILLING", "TASK_KILLED"),
    ] {
        table.case(format!("{old} once more after {new}"), late(old, new));
    }
    table.case("a lost update: FAILED", missing(&["TASK_FAILED"]));
    table.case("a lost update: FINISHED", missing(&["TASK_FINISHED"]));
    table.case("a lost update: LOST", missing(&["TASK_LOST"]));
    table.case("a lost update: UNREACHABLE", missing(&["TASK_UNREACHABLE"]));
    table.case("two lost updates", missing(&["TASK_KILLING", "TASK_KILLED"]));
    table.case("a task that nobody remembers", forgotten());
    table.case("1,000 updates at once", many(1_000));
    table.case("an operation's status, acknowledged once for each time it comes", operations());
}

async fn unacknowledged_without_agent(bytes: Vec<u8>) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.bytes(&bytes);
    let known = rig.session.changed_until(|state| state.tasks.get("odd").is_some());
    crate::support::within(super::rig::SOON, "known", known).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(rig.master.count("ACKNOWLEDGE"), 0);
    rig.close().await;
}

async fn forgotten() {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    rig.master.forget(&task);
    rig.master.cut();
    so("subscribed again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.goes_on(2..=2).await;
}

async fn operations() {
    let rig = Rig::new(Setup::default()).await;
    for _ in 0..3 {
        rig.master.event(&operation("op"));
    }
    rig.master.call("ACKNOWLEDGE_OPERATION_STATUS", 2).await;
    rig.goes_on(1..=1).await;
}
