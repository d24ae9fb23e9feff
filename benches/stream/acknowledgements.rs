//! How fast updates are acknowledged: the session's one connection, against a new connection for each.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use mesos_repl::client::Address;
use mesos_repl::session::{Config, Session};

use super::peers::Master;

const UPDATES: usize = 100_000;

/// Subscribes and stays until so many updates have been acknowledged and the answers noted.
pub fn session(url: &str, updates: usize) {
    super::runtime().block_on(async {
        let session = Session::start(Config::new(Address::parse(url).unwrap())).unwrap();
        let started = Instant::now();
        session.subscribe(super::info()).await;
        let mut version = session.changes();
        let acknowledged = || {
            session.read(|state| {
                let all = state.tasks.iter().flat_map(|task| task.history());
                all.filter(|update| update.acknowledged_after.is_some()).count()
            })
        };
        while started.elapsed() < Duration::from_secs(300) {
            // Counting all of them is slow: now and then.
            tokio::time::sleep(Duration::from_millis(100)).await;
            version.mark_unchanged();
            if acknowledged() == updates {
                let took = started.elapsed().as_secs_f64();
                println!("mesos-repl: {updates} updates received and acknowledged in {took:.3} s");
                session.close().await;
                return;
            }
        }
        panic!("only {} acknowledged", acknowledged());
    });
}

/// The same calls, each on a new connection, by the plainest client there is.
fn new_connections(port: u16, calls: usize) -> f64 {
    let body = r#"{"framework_id":{"value":"bench-0000"},"type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"bench-S0"},"task_id":{"value":"task-0"},"uuid":"AAAAAAAAAAAAAAAAAAAAAQ=="}}"#;
    let request = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nMesos-Stream-Id: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let started = Instant::now();
    for _ in 0..calls {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 128];
        let length = socket.read(&mut answer).unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 202"));
    }
    started.elapsed().as_secs_f64()
}

/// Both, beside each other.
pub fn compare(rounds: usize) {
    let updates = UPDATES.to_string();
    let ours = (0..rounds).map(|_| {
        let master = Master::start(&["0", "0", &updates, "hold"]);
        let ours = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["acknowledge", &master.url(), &updates])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&ours.stdout).into_owned();
        assert!(ours.status.success(), "{text}{}", String::from_utf8_lossy(&ours.stderr));
        let counts = counts(&master);
        assert_eq!(counts["counts"]["ACKNOWLEDGE"], UPDATES);
        counts["last_ack"].as_f64().unwrap() - counts["first_ack"].as_f64().unwrap()
    });
    let ours = ours.fold(f64::INFINITY, f64::min);
    let master = Master::start(&["0", "0", "0", "hold"]);
    let other = (0..rounds).map(|_| new_connections(master.port, UPDATES / 5) * 5.0).fold(f64::INFINITY, f64::min);
    println!(
        "  {UPDATES} acknowledgements, the best of {rounds}: the session {ours:.2} s, a new connection for each {other:.2} s (from 20,000): {:.1} times",
        other / ours
    );
}

fn counts(master: &Master) -> serde_json::Value {
    let mut socket = TcpStream::connect(("127.0.0.1", master.port)).unwrap();
    socket.write_all(b"GET /counts HTTP/1.1\r\n\r\n").unwrap();
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        let length = socket.read(&mut part).unwrap();
        text.push_str(&String::from_utf8_lossy(&part[..length]));
        if let Some(value) = text.split("\r\n\r\n").nth(1).and_then(|body| serde_json::from_str(body).ok()) {
            return value;
        }
    }
}
