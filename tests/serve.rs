//! The session over its socket: what is asked, what is waited for, who may listen, and what an interrupt ends.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use mesos_repl::serve::{Client, Server};
use serde_json::{Value, json};

use crate::engine::Bench;

async fn ok(client: &mut Client, request: Value) -> Value {
    let answer = tokio::time::timeout(Duration::from_secs(30), client.ask(&request)).await.expect("an answer in time");
    answer.unwrap().unwrap_or_else(|error| panic!("{request}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedulers_life_over_the_socket() {
    let bench = Bench::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private/session.sock");
    let server = Server::start(bench.engine.clone(), &path, None).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(Server::start(bench.engine.clone(), &path, None).is_err(), "the socket is in use");

    let mut client = Client::connect(&path).await.unwrap();
    assert_eq!(ok(&mut client, json!({"op": "hello"})).await["subscribed"], false);
    let framework = json!({"op": "subscribe", "framework": {"user": "root", "name": "over the socket"}});
    let first = ok(&mut client, framework.clone()).await["framework"].clone();
    assert!(first.is_string());
    // A second time it is the same framework.
    assert_eq!(ok(&mut client, framework).await["framework"], first);

    let offers = ok(&mut client, json!({"op": "offers", "wait": 20})).await;
    let offer = offers["offers"][0]["id"]["value"].as_str().unwrap().to_owned();
    assert!(offers["html"].as_str().unwrap().contains("<table"));
    let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let task = json!({"name": "nap", "command": {"value": "sleep 600"}, "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)]});
    let launch = json!({"op": "launch", "offers": [offer], "tasks": [task.clone()]});
    assert_eq!(ok(&mut client, launch).await["tasks"], json!(["nap"]));
    // Without an offer one is found, and an id that is taken gets a number.
    assert_eq!(ok(&mut client, json!({"op": "launch", "tasks": [task]})).await["tasks"], json!(["nap-2"]));

    let mut seen = Vec::new();
    while seen.last() != Some(&"TASK_RUNNING".to_owned()) {
        let request = json!({"op": "updates", "id": "nap", "after": seen.len(), "wait": 20});
        let answer = ok(&mut client, request).await;
        let news = answer["updates"].as_array().unwrap();
        assert!(!news.is_empty(), "nothing was told in time: {seen:?}");
        seen.extend(news.iter().map(|update| update["state"].as_str().unwrap().to_owned()));
    }
    assert_eq!(ok(&mut client, json!({"op": "task", "id": "nap"})).await["state"], "TASK_RUNNING");
    assert_eq!(ok(&mut client, json!({"op": "tasks"})).await["tasks"].as_array().unwrap().len(), 2);
    let told = client.run("teardown").await.unwrap().unwrap();
    assert!(told.contains("202"), "{told}");
    server.close().await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_what_waits_and_nothing_else() {
    let bench = Bench::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(bench.engine.clone(), &folder.path().join("s"), None).unwrap();
    let mut client = Client::connect(server.path()).await.unwrap();
    client.run("run --cmd 'sleep 600' --name nap").await.unwrap().unwrap();
    let waiting = tokio::spawn(async move {
        let answer = client.run("wait nap finished --timeout 60s").await.unwrap();
        (answer, client)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begin = Instant::now();
    server.interrupt();
    let (answer, mut client) = waiting.await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(200), "{:?}", begin.elapsed());
    assert!(answer.unwrap_err().contains("interrupted"));
    assert!(client.run("tasks").await.unwrap().unwrap().contains("RUNNING"));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_told_of() {
    let bench = Bench::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(bench.engine.clone(), &folder.path().join("s"), None).unwrap();
    let mut client = Client::connect(server.path()).await.unwrap();
    for request in [
        json!(null),
        json!({}),
        json!({"op": "nonsense"}),
        json!({"op": "run"}),
        json!({"op": "task", "id": "none"}),
        json!({"op": "updates", "id": "none", "wait": 0.1}),
        json!({"op": "updates", "id": "none", "wait": -1}),
        json!({"op": "launch", "tasks": []}),
        json!({"op": "offers"}),
        json!({"op": "run", "text": "acept O0"}),
    ] {
        let answer = tokio::time::timeout(Duration::from_secs(20), client.ask(&request)).await.expect("in time");
        assert!(answer.unwrap().is_err_and(|text| text.starts_with("error:")), "{request}");
    }
    bench.stop().await;
}
