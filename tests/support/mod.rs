//! What the tests share: a real Mesos, ZooKeeper, nginx, a hostile master, Docker, deadlines, and skipping aloud.
//!
//! Nothing here sleeps for a fixed time, and nothing passes in silence because something is missing.
#![allow(dead_code, reason = "each test takes what it needs")]

pub mod books;
pub mod docker;
pub mod hostile;
pub mod nginx;
pub mod poison;
pub mod proxy;
pub mod real_mesos;
pub mod zookeeper;

use std::future::Future;
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How often something in another process is looked at again.
const LOOK: Duration = Duration::from_millis(20);

/// Ends a test that this machine lacks something for, and says so.
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        $crate::support::say_skipped(module_path!(), &format!($($why)*));
        return;
    }};
}

/// Past the capture of the test harness, which would keep a passed test's output to itself.
pub fn say_skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED {test}: {why}");
}

/// What `future` gives, within the deadline.
pub async fn within<T>(deadline: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(deadline, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {deadline:?}: {what}"),
    }
}

/// Looks again and again until `look` finds something; for what can't be waited for otherwise.
pub async fn until<T>(deadline: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// A port of 127.0.0.1 that nobody listens on just now, and that the system gives to nobody by itself: a server takes a
/// while to start, and every connection and listener of other tests wants ports meanwhile.
pub fn free_port() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    // Other processes' tests count from elsewhere.
    let next = NEXT.get_or_init(|| AtomicU16::new(fastrand::u16(0..PORTS)));
    loop {
        let port = 20_000 + next.fetch_add(1, Ordering::Relaxed) % PORTS;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Below those of connections (ip_local_port_range).
const PORTS: u16 = 12_000;
