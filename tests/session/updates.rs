//! Status updates: recorded, then acknowledged once; shown once whatever comes again.

use super::*;
use crate::support::hostile::update;
use mesos_repl::state::{Change, Effect};
use serde_json::json;

fn shown(notices: &[Notice]) -> usize {
    notices.iter().filter(|notice| matches!(notice, Notice::Change(Change::Updated { .. }))).count()
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_acknowledged_again_and_shown_once() {
    let (master, session) = connected([BEAT]).await;
    let mut notices = session.notices();
    for _ in 0..3 {
        master.event(&update("a", "TASK_RUNNING", Some(7)));
    }
    for number in 0..3 {
        let acknowledge = master.call("ACKNOWLEDGE", number).await;
        assert_eq!(
            acknowledge.json()["acknowledge"],
            json!({"agent_id": {"value": "S0"}, "task_id": {"value": "a"}, "uuid": "BwcHBwcHBwcHBwcHBwcHBw=="})
        );
        assert_eq!(acknowledge.header("mesos-stream-id"), Some("0123"));
    }
    assert_eq!(shown(&heard(&mut notices)), 1);
    let (repeats, updates) = session.read(|state| (state.counts.repeats, state.tasks.get("a").unwrap().updates()));
    assert_eq!((repeats, updates), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_uuid_is_never_acknowledged() {
    let (master, session) = connected([BEAT]).await;
    master.event(&update("a", "TASK_ERROR", None));
    let mut empty = update("b", "TASK_LOST", None);
    empty["update"]["status"]["uuid"] = "".into();
    master.event(&empty);
    master.event(&update("c", "TASK_RUNNING", Some(1)));
    assert_eq!(master.call("ACKNOWLEDGE", 0).await.json()["acknowledge"]["task_id"]["value"], "c");
    tokio::time::sleep(LONG / 200).await;
    assert_eq!(master.count("ACKNOWLEDGE"), 1);
    assert_eq!(session.read(|state| state.tasks.len()), 3);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_keep_the_order_of_the_updates() {
    let (master, session) = connected([BEAT]).await;
    for number in 0..200u8 {
        master.event(&update(&format!("t{number}"), "TASK_RUNNING", Some(number)));
    }
    for number in 0..200 {
        let acknowledge = master.call("ACKNOWLEDGE", number).await;
        assert_eq!(acknowledge.json()["acknowledge"]["task_id"]["value"], format!("t{number}"));
    }
    let all = session.changed_until(|state| {
        state.tasks.iter().all(|task| task.history().all(|update| update.acknowledged_after.is_some()))
    });
    within(LONG, "every acknowledgement is noted", all).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_acknowledgement_is_made_up_for_when_the_update_comes_again() {
    let (master, session) = connected([BEAT]).await;
    master.answer("ACKNOWLEDGE", 500, "trouble");
    master.event(&update("a", "TASK_RUNNING", Some(1)));
    master.call("ACKNOWLEDGE", 0).await;
    master.event(&update("a", "TASK_RUNNING", Some(1)));
    let noted = session.changed_until(|state| {
        state.tasks.get("a").is_some_and(|task| task.latest().is_some_and(|update| update.acknowledged_after.is_some()))
    });
    within(LONG, "acknowledged", noted).await;
    assert_eq!(master.count("ACKNOWLEDGE"), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_on_a_connection_that_is_gone() {
    let (master, session) = connected([BEAT, BEAT]).await;
    master.cut();
    epoch(&session, 2).await;
    master.event(&update("a", "TASK_RUNNING", Some(1)));
    master.call("ACKNOWLEDGE", 0).await;
    assert_eq!(master.count("ACKNOWLEDGE"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_final_state_stays_whatever_comes_after() {
    let (master, session) = connected([BEAT]).await;
    let mut notices = session.notices();
    master.event(&update("a", "TASK_FINISHED", Some(1)));
    master.event(&update("a", "TASK_RUNNING", Some(2)));
    master.call("ACKNOWLEDGE", 1).await;
    assert_eq!(session.read(|state| state.tasks.get("a").unwrap().state.clone()), TaskState::Finished);
    let effects: Vec<_> = heard(&mut notices)
        .into_iter()
        .filter_map(|notice| match notice {
            Notice::Change(Change::Updated { effect, .. }) => Some(effect),
            _ => None,
        })
        .collect();
    assert_eq!(effects, [Effect::Recorded { before: None }, Effect::Recorded { before: Some(TaskState::Finished) }]);
}

#[tokio::test(start_paused = true)]
async fn the_unknown_survives_and_the_malformed_costs_itself() {
    let (master, session) = connected([BEAT]).await;
    let mut odd = update("a", "TASK_DANCING", Some(1));
    odd["update"]["status"]["mood"] = json!({"good": [1, 2]});
    master.event(&odd);
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "\u{0}",
        r#"{"type":"UPDATE"}"#,
        r#"{"type":"OFFERS","offers":{"offers":[{}]}}"#,
        r#"{"type":5}"#,
    ] {
        master.bytes(format!("{}\n{bad}", bad.len()).as_bytes());
    }
    master.bytes(b"3\n\xff\xfe{");
    master.event(&json!({"type": "NEWS", "news": 1}));
    master.event(&update("b", "TASK_RUNNING", Some(2)));
    task_is(&session, "b", TaskState::Running).await;
    session.read(|state| {
        let status = state.tasks.get("a").unwrap().latest().unwrap().status().unwrap();
        assert_eq!(status.state.as_str(), "TASK_DANCING");
        assert_eq!(serde_json::to_value(&status).unwrap()["mood"], json!({"good": [1, 2]}));
        // An empty record is passed over by the framing.
        assert_eq!((state.counts.bad, state.counts.unknown), (8, 1));
    });
    assert_eq!(master.call("ACKNOWLEDGE", 1).await.json()["acknowledge"]["task_id"]["value"], "b");
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_let_reading_go_first_but_not_for_long() {
    let (master, session) = connected([BEAT]).await;
    let started = tokio::time::Instant::now();
    master.event(&update("a", "TASK_RUNNING", Some(1)));
    task_is(&session, "a", TaskState::Running).await;
    while master.count("ACKNOWLEDGE") == 0 {
        assert!(started.elapsed() < Duration::from_millis(700), "an agent would soon send it again");
        master.event(&json!({"type": "NEWS"}));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let busy = started.elapsed();
    assert!(busy >= Duration::from_millis(100), "{busy:?}: the stream had no rest");
    let started = tokio::time::Instant::now();
    master.event(&update("b", "TASK_RUNNING", Some(2)));
    master.call("ACKNOWLEDGE", 1).await;
    assert!(started.elapsed() < Duration::from_millis(20), "a stream at rest doesn't delay it");
}
