//! Who leads, as a real ZooKeeper tells it: the scenarios of Mesos's own detector tests, and what else can happen to an
//! ensemble. What registers there are nodes as masters make them: a real master would need a build with a contender.
//! (apache/mesos: src/tests/master_contender_detector_tests.cpp)

mod ensemble;
mod nodes;
mod scenarios;
mod session;

use std::net::SocketAddr;
use std::time::Duration;

use mesos_repl::detect::{self, Seen, Standing, Url};
use serde_json::json;
use tokio::sync::watch;

use crate::support::within;

/// For anything that ZooKeeper does.
const DEADLINE: Duration = Duration::from_secs(60);

/// Ends a test on a machine without ZooKeeper, aloud.
macro_rules! needs_zookeeper {
    () => {
        if let Some(why) = $crate::support::zookeeper::missing() {
            $crate::skip!("{why}");
        }
    };
}
use needs_zookeeper;

/// What a master at that address writes into its node.
fn info(at: SocketAddr) -> String {
    let ip = match at.ip() {
        std::net::IpAddr::V4(ip) => u32::from_le_bytes(ip.octets()),
        std::net::IpAddr::V6(_) => 0,
    };
    json!({
        "address": {"hostname": "master.example", "ip": at.ip().to_string(), "port": at.port()},
        "capabilities": [{"type": "AGENT_UPDATE"}, {"type": "FROM_A_LATER_RELEASE"}, {}],
        "hostname": "master.example", "id": format!("id-of-{}", at.port()), "ip": ip, "pid": format!("master@{at}"),
        "port": at.port(), "version": "1.11.0"
    })
    .to_string()
}

/// A master's address that nobody contacts.
fn master(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 10_000 + number))
}

fn detector(url: &str) -> watch::Receiver<Seen> {
    detect::watch(Url::parse(url).unwrap())
}

/// The port of the leader that is seen.
fn leader(seen: &Seen) -> Option<u32> {
    seen.leader().map(|leader| leader.info.port)
}

/// Waits until that master leads, and nothing is amiss.
async fn leads(detector: &mut watch::Receiver<Seen>, number: u16) {
    let port = Some(u32::from(10_000 + number));
    let seen = detector.wait_for(|seen| leader(seen) == port && seen.standing == Standing::Led);
    let waited = within(DEADLINE, &format!("master {number} leads"), seen).await.map(|_| ());
    waited.unwrap();
}

/// Waits until nobody leads; what is said of it.
async fn nobody(detector: &mut watch::Receiver<Seen>) -> String {
    let seen = detector.wait_for(|seen| seen.leader().is_none() && seen.standing != Standing::Connecting);
    within(DEADLINE, "nobody leads", seen).await.unwrap().standing.to_string()
}
