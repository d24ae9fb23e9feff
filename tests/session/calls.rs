//! Calls: in order, on one connection, answered or not, and some never sent.

use super::*;
use mesos_repl::mesos::{Call, Kill, Revive};
use mesos_repl::session::CallError;
use serde_json::{Value, json};

fn raw(value: Value) -> Call {
    match value {
        Value::Object(fields) => Call::Raw(fields),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_kills_a_master_never_leaves() {
    let (master, session) = connected([BEAT]).await;
    let text = json!({"name": "os", "type": "TEXT", "text": {"value": "debian"}});
    let task = json!({"name": "t", "task_id": {"value": "t"}, "agent_id": {"value": "S0"}, "resources": [text]});
    let launch = json!({"type": "LAUNCH", "launch": {"task_infos": [task]}});
    for call in [
        json!({"type": "UNKNOWN"}),
        json!({"type": "UNKNOWN", "framework_id": {"value": "x"}}),
        json!({"type": "ACCEPT", "accept": {"offer_ids": [], "operations": [launch]}}),
        json!({"type": "ACCEPT", "accept": {"operations": [{"type": "RESERVE", "reserve": {"resources": [text]}}]}}),
    ] {
        match session.call(raw(call.clone())).await {
            Err(CallError::Fatal(why)) => assert!(why.contains("aborts the whole master"), "{why}"),
            other => panic!("{call}: {other:?}"),
        }
    }
    session.call(Call::Revive(Revive::default())).await.unwrap();
    assert_eq!(master.kinds(), ["SUBSCRIBE", "REVIVE"]);
}

#[tokio::test(start_paused = true)]
async fn calls_keep_their_order_on_one_connection() {
    let (master, session) = connected([BEAT]).await;
    let calls: Vec<_> = (0..50)
        .map(|number| {
            session.call(Call::Kill(Kill { task_id: format!("t{number}").as_str().into(), ..Kill::default() }))
        })
        .collect();
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap().status, 202);
    }
    let first = master.call("KILL", 0).await.connection;
    for number in 0..50 {
        let kill = master.call("KILL", number).await;
        assert_eq!(kill.json()["kill"]["task_id"]["value"], format!("t{number}"));
        assert_eq!((kill.connection, kill.header("content-type")), (first, Some("application/json")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_id_that_is_no_longer_ours_means_a_takeover() {
    let (master, session) = connected([BEAT, BEAT]).await;
    let text = "The stream ID '0123' included in this request didn't match the stream ID currently associated with framework ID x";
    master.answer("REVIVE", 400, text);
    let answer = session.call(Call::Revive(Revive::default())).await;
    assert!(answer.unwrap_err().to_string().contains("didn't match"));
    assert_eq!(closed(&session).await, Closed::Stolen);
    assert!(matches!(session.call(Call::Revive(Revive::default())).await, Err(CallError::NotSubscribed)));
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_call_says_of_the_subscription() {
    // Status, text, whether the session subscribes again.
    for (status, text, again) in [
        (403, "Framework is not subscribed", true),
        (307, "", true),
        (503, "No leader elected", false),
        (400, "Failed to validate scheduler::Call: no", false),
        (401, "401 Unauthorized.", false),
        (500, "", false),
    ] {
        let (master, session) = connected([BEAT, BEAT]).await;
        master.answer("REVIVE", status, text);
        assert!(session.call(Call::Revive(Revive::default())).await.is_err(), "{status}");
        if again {
            epoch(&session, 2).await;
        } else {
            session.call(Call::Revive(Revive::default())).await.unwrap();
            assert_eq!(master.count("SUBSCRIBE"), 1, "{status}");
        }
        session.close().await;
    }
    // A master that has just begun to lead knows no framework yet: whether it is gone, the next SUBSCRIBE tells.
    let (master, session) = connected([BEAT, BEAT, BEAT]).await;
    master.answer("REVIVE", 400, "Framework cannot be found");
    session.call(Call::Revive(Revive::default())).await.unwrap_err();
    epoch(&session, 2).await;
    master.answer("REVIVE", 400, "Framework cannot be found");
    session.call(Call::Revive(Revive::default())).await.unwrap_err();
    epoch(&session, 3).await;
    master.event(&json!({"type": "ERROR", "error": {"message": "Framework has been removed"}}));
    assert_eq!(closed(&session).await, Closed::Removed);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_holds_up_neither_the_next_subscription_nor_the_end() {
    let (master, session) = connected([BEAT, BEAT, BEAT]).await;
    master.silent("REVIVE");
    let asked = tokio::time::Instant::now();
    let hanging = tokio::spawn({
        let session = session.clone();
        async move { session.call(Call::Revive(Revive::default())).await }
    });
    master.call("REVIVE", 0).await;
    master.cut();
    let why = hanging.await.unwrap().unwrap_err().to_string();
    assert!(why.contains("subscription was lost"), "{why}");
    epoch(&session, 2).await;
    session.call(Call::Revive(Revive::default())).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    master.silent("REVIVE");
    let hanging = tokio::spawn({
        let session = session.clone();
        async move { session.call(Call::Revive(Revive::default())).await }
    });
    master.call("REVIVE", 2).await;
    session.close().await;
    assert!(hanging.await.unwrap().is_err());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_a_subscription_a_call_says_so_at_once() {
    let master = Hostile::start([]).await;
    let session = Session::start(config(&master)).unwrap();
    assert!(matches!(session.call(Call::Teardown).await, Err(CallError::NotSubscribed)));
    assert!(matches!(session.want_offers().await, Err(CallError::NotSubscribed)));
    session.close().await;
    assert!(matches!(session.call(Call::Teardown).await, Err(CallError::SessionClosed)));
}

#[tokio::test(start_paused = true)]
async fn a_teardown_is_an_end_and_a_detachment_sends_nothing() {
    let (master, session) = connected([BEAT, BEAT]).await;
    session.teardown().await.unwrap();
    assert_eq!(closed(&session).await, Closed::TornDown);
    assert_eq!(master.kinds(), ["SUBSCRIBE", "TEARDOWN"]);
    session.close().await;

    let (master, session) = connected([BEAT]).await;
    session.detach().await;
    assert_eq!(closed(&session).await, Closed::Detached);
    tokio::time::sleep(LONG).await;
    assert_eq!(master.kinds(), ["SUBSCRIBE"]);
}
