//! How a subscription is lost, and how it comes back.

use super::*;
use crate::support::hostile::{FRAMEWORK, offers, record, update};
use serde_json::json;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn silence_of_five_intervals_ends_in_a_subscription_with_the_same_id() {
    let (master, session) = connected([BEAT, BEAT]).await;
    let started = Instant::now();
    let why = waiting(&session).await;
    assert_eq!(why, "no heartbeat for 75 s");
    let silent = started.elapsed();
    assert!((75..77).contains(&silent.as_secs()), "{silent:?}");
    epoch(&session, 2).await;
    let waited = started.elapsed() - silent;
    assert!(waited >= Duration::from_millis(800) && waited < Duration::from_millis(1700), "{waited:?}");

    let [first, second] = [master.call("SUBSCRIBE", 0).await, master.call("SUBSCRIBE", 1).await];
    assert_eq!(first.json().get("framework_id"), None);
    assert_eq!(second.json()["framework_id"]["value"], FRAMEWORK);
    assert_eq!(second.json()["subscribe"]["framework_info"]["id"]["value"], FRAMEWORK);
    assert!(second.header("mesos-stream-id").is_none() && first.connection != second.connection);
}

#[tokio::test(start_paused = true)]
async fn every_event_counts_as_a_sign_of_life() {
    let (master, session) = connected([BEAT]).await;
    for number in 0..20 {
        tokio::time::sleep(Duration::from_secs(70)).await;
        // An event that nobody knows and a record that is none are signs of life too.
        match number % 3 {
            0 => master.event(&json!({"type": "HEARTBEAT"})),
            1 => master.event(&json!({"type": "NEWS", "news": {"a": 1}})),
            _ => master.bytes(b"4\nnope"),
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(master.count("SUBSCRIBE"), 1);
    let counts = session.read(|state| state.counts);
    assert_eq!((counts.heartbeats, counts.unknown, counts.bad), (7, 7, 6));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_anywhere_is_taken_up_again() {
    let whole = [record(&update("a", "TASK_RUNNING", Some(1))), record(&json!({"type": "HEARTBEAT"}))].concat();
    let first = record(&update("a", "TASK_RUNNING", Some(1))).len();
    for cut in [1, 2, 3, first / 2, first - 1, first, first + 1, first + 4, whole.len()] {
        let (master, session) = connected([BEAT, BEAT]).await;
        master.bytes(&whole[..cut]);
        master.cut();
        let why = waiting(&session).await;
        if cut == first || cut == whole.len() {
            assert_eq!(why, "the connection broke: the other side closed it without a word", "{cut}");
        } else {
            assert!(why.contains("cut inside a record"), "{cut}: {why}");
        }
        // What came whole counts.
        assert_eq!(session.read(|state| state.tasks.get("a").is_some()), cut >= first, "{cut}");
        epoch(&session, 2).await;
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_is_a_loss_too() {
    let (master, session) = connected([BEAT, BEAT]).await;
    master.end();
    assert_eq!(waiting(&session).await, "the master closed the stream");
    epoch(&session, 2).await;
}

#[tokio::test(start_paused = true)]
async fn garbage_where_a_length_should_stand_costs_the_connection_only() {
    for garbage in
        [&b"HTTP/1.1 200 OK\n"[..], b"-5\n{}", b"99999999999999999999999\n", b"\x00\xff\xfe", b"12a\n", b"1e3\n"]
    {
        let (master, session) = connected([BEAT, BEAT]).await;
        master.bytes(garbage);
        let why = waiting(&session).await;
        assert!(why.starts_with("the stream can't be read"), "{why}");
        epoch(&session, 2).await;
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_is_told_from_a_loss_and_not_answered_in_kind() {
    let (master, session) = connected([BEAT, BEAT]).await;
    master.event(&json!({"type": "ERROR", "error": {"message": "Framework failed over"}}));
    master.end();
    assert_eq!(closed(&session).await, Closed::Stolen);
    tokio::time::sleep(LONG).await;
    assert_eq!(master.count("SUBSCRIBE"), 1, "two sessions would take the framework from each other for ever");
    // Until somebody asks for it.
    session.subscribe(FrameworkInfo { id: Some(FRAMEWORK.into()), ..info() }).await;
    epoch(&session, 2).await;
}

#[tokio::test(start_paused = true)]
async fn offers_are_void_with_the_connection() {
    let (master, session) = connected([BEAT, BEAT]).await;
    let mut notices = session.notices();
    master.event(&offers(&["O1", "O2"]));
    within(LONG, "offers", session.changed_until(|state| state.offers.len() == 2)).await;
    session.hold(&["O1".into()]);
    master.cut();
    waiting(&session).await;
    assert!(session.read(|state| state.offers.is_empty()));
    assert!(heard(&mut notices).iter().any(|notice| matches!(notice, Notice::Void(2))));
}

#[tokio::test(start_paused = true)]
async fn a_master_that_stays_away_is_asked_ever_more_seldom() {
    let (master, session) = connected([BEAT]).await;
    master.cut();
    waiting(&session).await;
    // 503 from now on: within ten minutes some thirty attempts at 15 to 30 s, not a thousand.
    tokio::time::sleep(Duration::from_secs(600)).await;
    let attempts = master.count("SUBSCRIBE");
    assert!((20..=50).contains(&attempts), "{attempts}");
    master.then(BEAT);
    epoch(&session, 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_can_be_asked_for() {
    let (master, session) = connected([BEAT]).await;
    master.cut();
    waiting(&session).await;
    // Until the waits are long.
    master.call("SUBSCRIBE", 6).await;
    waiting(&session).await;
    let (before, asked) = (master.count("SUBSCRIBE"), Instant::now());
    master.then(BEAT);
    session.reconnect().await;
    phase(&session, "subscribed again", |phase| matches!(phase, Phase::Subscribed { .. })).await;
    assert_eq!(master.count("SUBSCRIBE"), before + 1);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    // What stands is given up for a new one.
    master.then(BEAT);
    session.reconnect().await;
    let again = master.call("SUBSCRIBE", before + 1).await;
    assert_eq!(again.json()["framework_id"]["value"], FRAMEWORK);
    phase(&session, "subscribed again", |phase| matches!(phase, Phase::Subscribed { .. })).await;
    // What is over isn't begun anew.
    master.event(&json!({"type": "ERROR", "error": {"message": "Framework failed over"}}));
    assert_eq!(closed(&session).await, Closed::Stolen);
    session.reconnect().await;
    tokio::time::sleep(LONG).await;
    assert_eq!(master.count("SUBSCRIBE"), before + 2);
}

#[tokio::test(start_paused = true)]
async fn after_each_subscription_what_is_known_is_compared() {
    let (master, session) = connected([BEAT, BEAT]).await;
    master.event(&update("a", "TASK_RUNNING", Some(1)));
    master.event(&update("b", "TASK_FINISHED", Some(2)));
    task_is(&session, "b", TaskState::Finished).await;
    master.cut();
    epoch(&session, 2).await;
    // Of the task that may have changed by name, and of all that the master knows.
    let explicit = master.call("RECONCILE", 0).await.json();
    assert_eq!(explicit["reconcile"]["tasks"], json!([{"task_id": {"value": "a"}, "agent_id": {"value": "S0"}}]));
    let implicit = master.call("RECONCILE", 1).await.json();
    assert_eq!(implicit["reconcile"].get("tasks").and_then(|tasks| tasks.as_array()).map_or(0, Vec::len), 0);
    // Unanswered questions are asked again, answered ones are not.
    master.call("RECONCILE", 2).await;
    let mut answer = update("a", "TASK_FAILED", None);
    answer["update"]["status"]["reason"] = "REASON_RECONCILIATION".into();
    master.event(&answer);
    task_is(&session, "a", TaskState::Failed).await;
    let asked = master.count("RECONCILE");
    for _ in 0..10 {
        master.event(&json!({"type": "HEARTBEAT"}));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(master.count("RECONCILE"), asked);
}
