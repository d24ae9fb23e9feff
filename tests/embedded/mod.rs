//! The embedded Mesos, spoken to over TCP by a bare client.

mod cases;
mod checks;
mod client;
mod faults;
mod golden;
mod life;
mod same;
mod scheduler;
mod sessions;
mod survival;

use std::io::Write as _;
use std::time::Duration;

use mesos_repl::embedded::{AgentConfig, Cluster, Config, Docker};

/// A cluster like the one that was recorded.
pub fn recorded(agents: usize) -> Config {
    Config {
        agents,
        docker: Docker::Auto,
        agent: AgentConfig::of("cpus:4;mem:4096;disk:10000;ports:[9000-10000]", "rack:r2d2;pod:demo,dev").unwrap(),
        ..Config::default()
    }
}

/// Starts it, every agent registered.
pub async fn start(config: Config) -> Cluster {
    let agents = config.agents;
    let authenticated = !config.credentials.is_empty();
    let cluster = Cluster::start(config).await.unwrap();
    if !authenticated {
        crate::support::until(Duration::from_secs(10), "all agents registered", async || {
            let got = client::send(cluster.address(), "GET", "/slaves", &[], b"").await.whole();
            (got.json()["slaves"].as_array().map(Vec::len) == Some(agents)).then_some(())
        })
        .await;
    }
    cluster
}

/// What differs and must, or does so far, with its reason; anything else that differs is a failure, and so is an entry
/// here that doesn't differ.
pub fn judge(what: &str, outcomes: &[(String, Result<(), String>)], known: &[(&str, &str)]) {
    let mut bad = Vec::new();
    let mut same = 0;
    for (name, outcome) in outcomes {
        let listed = known.iter().find(|(id, _)| id == name);
        match (outcome, listed) {
            (Ok(()), None) => same += 1,
            (Ok(()), Some(_)) => bad.push(format!("{name}: is the same by now; take it off the list")),
            (Err(_), Some(_)) => {}
            (Err(why), None) => bad.push(format!("{name}: {why}")),
        }
    }
    for (id, _) in known.iter().filter(|(id, _)| !outcomes.iter().any(|(name, _)| name == id)) {
        bad.push(format!("{id}: listed, but there is no such recording"));
    }
    // Said aloud also when the test passes: what differs is nothing to be silent about.
    let mut aloud = std::io::stderr().lock();
    let _ = writeln!(aloud, "{what}: {same} of {} recordings are answered as recorded", outcomes.len());
    for (id, why) in known {
        let _ = writeln!(aloud, "  {what} differs: {id}: {why}");
    }
    drop(aloud);
    assert!(bad.is_empty(), "{what}: {} of {} differ:\n{}", bad.len(), outcomes.len(), bad.join("\n"));
}
