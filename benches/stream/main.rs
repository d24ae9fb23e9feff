//! The whole session on a master's stream at full speed, beside other clients on the same stream.
//!
//!     cargo bench --bench stream                  all of it, with the ratios
//!     cargo bench --bench stream -- read URL      one reading, as the runner does it
//!     cargo bench --bench stream -- record URL    the same with a session that is recorded
//!
//! `master_stream.py` plays the master: 50,000 offers and 100,000 status updates, 84 MB. A reading is over when the
//! stream's last event has gone through the session's state and journal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement talks, and ends with the first thing that isn't as it should be"
)]

mod acknowledgements;
mod memory;
mod peers;

use std::time::{Duration, Instant};

use mesos_repl::client::Address;
use mesos_repl::mesos::FrameworkInfo;
use mesos_repl::session::{Config, Phase, Session};
use mesos_repl::store::{self, Folder, Naming};

/// Offers in an event, such events, updates.
const STREAM: [&str; 3] = ["100", "500", "100000"];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["read", url] => read(url, false),
        ["record", url] => read(url, true),
        ["acknowledge", url, updates] => acknowledgements::session(url, updates.parse().unwrap()),
        ["memory"] => memory::measure(),
        [] => all(),
        _ => panic!("usage: stream [read URL | record URL | acknowledge URL UPDATES | memory]"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn info() -> FrameworkInfo {
    FrameworkInfo { user: "root".into(), name: "bench".into(), ..FrameworkInfo::default() }
}

/// One reading, from before the connection to after the last event.
fn read(url: &str, recorded: bool) {
    // Beside the target folder: on a disk, not in memory.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime().block_on(async {
        let started = Instant::now();
        let config = Config::new(Address::parse(url).unwrap());
        let session = if recorded {
            let naming = Naming::Named("bench".to_owned());
            Session::resume(config, store::open(&Folder::at(place.path()), &naming, url).unwrap()).unwrap()
        } else {
            Session::start(config).unwrap()
        };
        session.subscribe(info()).await;
        let mut status = session.status();
        let end = status.wait_for(|status| matches!(status.phase, Phase::Closed(_) | Phase::Waiting { .. }));
        let end = tokio::time::timeout(Duration::from_secs(120), end).await.unwrap().unwrap().phase.clone();
        let (took, worked) = (started.elapsed(), processor_time());
        let (counts, tasks, journal) = session.read(|state| (state.counts, state.tasks.len(), state.journal.next()));
        println!(
            "mesos-repl: {} events, {} offers, {} updates in {:.3} s, {:.3} s of processor time ({tasks} tasks, {journal} journal entries; {end:?})",
            counts.events,
            counts.offers,
            counts.updates,
            took.as_secs_f64(),
            worked.as_secs_f64()
        );
        session.close().await;
        if let Some(store) = session.store() {
            let size = std::fs::metadata(store.path()).map_or(0, |found| found.len());
            println!("  {:.1} MB recorded after {:.3} s", size as f64 / 1e6, started.elapsed().as_secs_f64());
        }
    });
}

/// What this process's threads have used so far.
fn processor_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let used = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(threads.map(used).sum())
}

fn all() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    println!("Reading the stream, the best of {rounds}:");
    let own = std::env::current_exe().unwrap();
    let own = |name, what| peers::best(rounds, &peers::Reader::new(name, own.as_os_str(), &[what])).unwrap();
    let (ours, recorded) = (own("mesos-repl", "read"), own("mesos-repl, recorded", "record"));
    for peer in peers::others() {
        if let Some(seconds) = peers::best(rounds, &peer) {
            println!(
                "  {}: {seconds:.3} s, {:.1} times mesos-repl's {ours:.3} s, {:.1} times its {recorded:.3} s while it is recorded",
                peer.name,
                seconds / ours,
                seconds / recorded
            );
        }
    }
    println!("Acknowledging:");
    acknowledgements::compare(rounds.min(3));
    println!("Memory:");
    memory::measure();
}
