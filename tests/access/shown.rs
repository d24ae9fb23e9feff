//! What is asked for at a terminal isn't shown there; agents that a master makes up aren't asked.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::support::hostile::{Answer, Hostile};
use crate::terminal::screen::{CTRL_D, Terminal};

/// A master that says these things of its agents; nothing else is of interest.
async fn master(slaves: Value) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/slaves", get(move || async move { slaves.to_string() }));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_at_places_that_no_agent_has_aren_t_asked() {
    for pid in [
        "slave(1)@169.254.169.254:80",
        "slave(1)@[fe80::1]:5051",
        "slave(1)@0.0.0.0:5051",
        "slave(1)@alice:wonder@127.0.0.1:5051",
        "slave(1)",
        "",
    ] {
        let slaves = json!({"slaves": [{"id": "S0", "pid": pid, "hostname": "agent", "active": true}]});
        let person = Person::at(&master(slaves).await.to_string(), alice());
        let (outcome, text) = person.types("get /state --agent S0").await;
        assert_eq!(outcome, Outcome::Failed, "{pid}: {text}");
        assert!(text.contains("isn't contacted") || text.contains("no address"), "{pid}: {text}");
        person.engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_redirects_nowhere_and_isn_t_told_who_we_are() {
    let inner = Hostile::start([Answer::status(200, "Content-Type: application/json\r\n", "{}")]).await;
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&asked);
    let location = format!("http://{}/state", inner.address);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = listener.local_addr().unwrap();
    let app = Router::new().fallback(move |headers: axum::http::HeaderMap| {
        seen.lock().unwrap().push(headers.contains_key("authorization"));
        let location = location.clone();
        async move { (axum::http::StatusCode::TEMPORARY_REDIRECT, [("location", location)]) }
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let slaves = json!({"slaves": [{"id": "S0", "pid": format!("slave(1)@{agent}"), "hostname": "agent"}]});
    let person = Person::at(&master(slaves).await.to_string(), alice());
    person.fails("get /state --agent S0", &["redirects", "nobody has named"]).await;
    assert_eq!(*asked.lock().unwrap(), [false], "asked once, without credentials");
    assert!(inner.kinds().is_empty());
    person.engine.close().await;
}

#[test]
fn a_secret_is_asked_for_and_not_shown() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let master = runtime.block_on(Hostile::start([Answer::Stream { heartbeat: 15.0 }]));
    let mut terminal = Terminal::start(&["--master", &master.address.to_string(), "--principal", PRINCIPAL]);
    terminal.sees("secret of alice:");
    terminal.line(SECRET);
    terminal.sees("as principal alice");
    terminal.line("subscribe");
    terminal.sees("subscribed as");
    terminal.line("profile");
    let screen = terminal.sees("we are principal alice");
    assert!(!screen.contains(SECRET), "{screen}");
    let asked = runtime.block_on(master.call("SUBSCRIBE", 0));
    assert_eq!(asked.header("authorization"), Some(format!("Basic {BASIC}").as_str()));
    terminal.keys(CTRL_D);
    let history = std::fs::read_to_string(terminal.home().join("state/mesos-repl/history")).unwrap_or_default();
    assert!(!history.contains(SECRET), "{history}");
}
