//! Bombs from a master: what is too deep or too long costs itself, and the session goes on.

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::document::Document;
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use mesos_repl::session::Phase;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::fuzz::engine::show;
use crate::support::hostile::{Answer, Hostile, record, subscribed, update};
use crate::support::within;

const SOON: Duration = Duration::from_secs(60);

fn engine(master: &Hostile) -> Engine {
    let address = Address::parse(&master.address.to_string()).unwrap();
    Engine::start(Target::new(address), Options::default()).unwrap()
}

async fn typed(engine: &Engine, text: &str) -> (Outcome, Vec<Document>) {
    let mut output = Collected::default();
    let cancel = CancellationToken::new();
    let outcome = within(SOON, text, engine.execute(text, &mut output, &cancel)).await;
    (outcome, output.documents)
}

fn framed(text: &str) -> Vec<u8> {
    format!("{}\n{text}", text.len()).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_too_deep_cost_themselves() {
    let master = Hostile::start([Answer::Stream { heartbeat: 15.0 }]).await;
    let engine = engine(&master);
    assert_eq!(typed(&engine, "subscribe").await.0, Outcome::Done);
    let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
    let bombs = [
        open.clone(),
        format!("{open}{close}"),
        format!(r#"{{"type":"UPDATE","update":{{"status":{open}{close}}}}}"#),
        format!(
            r#"{{"type":"OFFERS","offers":{{"offers":[{{"id":{{"value":"O"}},"agent_id":{{"value":"S"}},"x":{open}{close}}}]}}}}"#
        ),
        format!(r#"{{"type":{open}"UPDATE"{close}}}"#),
        format!(r#"{{"type":"NEWS","news":{}1{}}}"#, "{\"a\":".repeat(100_000), "}".repeat(100_000)),
    ];
    for bomb in &bombs {
        master.bytes(&framed(bomb));
    }
    master.event(&update("web", "TASK_RUNNING", Some(1)));
    within(SOON, "the update behind the bombs is acknowledged", master.call("ACKNOWLEDGE", 0)).await;
    for command in ["events", "events --json", "offers", "tasks", "status"] {
        typed(&engine, command).await.1.iter().for_each(show);
    }
    assert_eq!(master.count("SUBSCRIBE"), 1);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_longer_than_memory_costs_the_connection() {
    let master = Hostile::start([Answer::Stream { heartbeat: 15.0 }, Answer::Stream { heartbeat: 15.0 }]).await;
    let engine = engine(&master);
    assert_eq!(typed(&engine, "subscribe").await.0, Outcome::Done);
    master.bytes(b"99999999999999999\n{\"type\":");
    let mut status = engine.session().status();
    let lost = status.wait_for(|status| matches!(status.phase, Phase::Waiting { .. }));
    within(SOON, "the connection is given up", lost).await.unwrap();
    engine.session().reconnect().await;
    master.call("SUBSCRIBE", 1).await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_too_deep_are_told_and_not_followed() {
    let master = Hostile::start([]).await;
    let engine = engine(&master);
    for body in ["[".repeat(1_000_000), "{\"a\":".repeat(300_000), format!("{}{}", "[".repeat(400), "]".repeat(400))] {
        master.answer("", 200, &body);
        let (outcome, documents) = typed(&engine, "get /state").await;
        assert_eq!(outcome, Outcome::Failed);
        documents.iter().for_each(show);
    }
    // As deep as is read: it can be shown, too.
    master.answer("", 200, &format!("{}{}", "[".repeat(120), "]".repeat(120)));
    let (outcome, documents) = typed(&engine, "get /state").await;
    assert_eq!(outcome, Outcome::Done, "{documents:?}");
    documents.iter().for_each(show);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_too_deep_is_refused() {
    let master = Hostile::start([]).await;
    let engine = engine(&master);
    for text in ["[".repeat(100_000), "{\"type\":".repeat(100_000), format!("call {}", "{\"a\":".repeat(100_000))] {
        let (outcome, documents) = typed(&engine, &text).await;
        assert!(matches!(outcome, Outcome::Failed | Outcome::Misused), "{outcome:?}");
        documents.iter().for_each(show);
    }
    assert!(master.kinds().is_empty());
    engine.close().await;
}

/// An agent whose files go on wherever one reads, and a master that names it.
async fn endless() -> std::net::SocketAddr {
    use axum::Router;
    use axum::routing::{get, post};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slaves = json!({"slaves": [{"id": "S0", "pid": format!("slave(1)@{address}"), "hostname": "a"}]}).to_string();
    let read = |axum::extract::RawQuery(query): axum::extract::RawQuery| async move {
        match query.unwrap_or_default().contains("offset=-1") {
            true => json!({"data": "", "offset": 100_000}).to_string(),
            false => json!({"data": "x".repeat(65_536), "offset": 0}).to_string(),
        }
    };
    let stream = || async {
        let body = [record(&subscribed(15.0)), record(&update("web", "TASK_RUNNING", None))].concat();
        let open = futures_util::StreamExt::chain(
            futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]),
            futures_util::stream::pending(),
        );
        ([("content-type", "application/json"), ("mesos-stream-id", "0")], axum::body::Body::from_stream(open))
    };
    let app = Router::new()
        .route("/slaves", get(move || async move { slaves }))
        .route("/files/browse", get(|| async { "[]" }))
        .route("/files/read", get(read))
        .route("/api/v1/scheduler", post(stream));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_an_end_is_read_to_the_size_that_was_told() {
    let address = Address::parse(&endless().await.to_string()).unwrap();
    let engine = Engine::start(Target::new(address), Options::default()).unwrap();
    assert_eq!(typed(&engine, "subscribe").await.0, Outcome::Done);
    within(SOON, "the task", engine.session().changed_until(|state| state.tasks.get("web").is_some())).await;
    for (command, most) in [("cat web core", 17 << 20), ("logs web", 2 << 20), ("logs web --bytes 4m", 5 << 20)] {
        let (outcome, documents) = typed(&engine, command).await;
        assert_eq!(outcome, Outcome::Done, "{command}: {documents:?}");
        let shown: usize = documents.iter().map(|document| document.to_json().to_string().len()).sum();
        assert!((100_000..most).contains(&shown), "{command}: {shown}");
    }
    engine.close().await;
}
