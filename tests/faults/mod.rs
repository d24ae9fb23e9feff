//! The session on a bad network, with masters that fail in every way that is known: named cases, all alike.
//!
//! Each case starts a master that keeps books (and mostly a proxy that misbehaves), lets something go wrong, and then
//! compares: the session's view with the books, what was acknowledged, what was shown, how often it subscribed. Time is
//! real, since sockets are; the cases run side by side, and none waits for time to pass but where silence is the fault.

mod answers;
mod cuts;
mod life;
mod network;
mod records;
mod rig;
mod simulation;
mod statuses;
mod subscribing;

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

/// How many cases run side by side: they mostly wait.
const TOGETHER: usize = 48;
/// Longer than any case takes, whatever else the machine does.
const DEADLINE: Duration = Duration::from_secs(60);

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The table of cases: each has a name of its own.
#[derive(Default)]
pub struct Table {
    cases: Vec<(String, Run)>,
}

impl Table {
    /// One more case.
    pub fn case(&mut self, name: impl Into<String>, run: impl Future<Output = ()> + Send + 'static) {
        self.cases.push((name.into(), Box::pin(run)));
    }

    /// Runs all of them; which failed, and how.
    #[expect(clippy::print_stdout, reason = "the harness keeps it, and shows it when asked to")]
    async fn run(self, what: &str, least: usize) {
        let names: std::collections::BTreeSet<_> = self.cases.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names.len(), self.cases.len(), "{what}: two cases have the same name");
        assert!(names.len() >= least, "{what}: only {} cases", names.len());
        let begun = Instant::now();
        // A case that panics ends its own task only.
        let all = futures_util::stream::iter(self.cases).map(|(name, run)| async move {
            let case = tokio::spawn(tokio::time::timeout(DEADLINE, run));
            let failed = match case.await {
                Ok(Ok(())) => None,
                Ok(Err(_)) => Some(format!("not over within {DEADLINE:?}")),
                Err(panic) => Some(said(panic)),
            };
            (name, failed)
        });
        let outcomes: Vec<_> = all.buffer_unordered(TOGETHER).collect().await;
        let mut failures = Vec::new();
        for (name, failed) in &outcomes {
            println!("{what}: {name}: {}", failed.as_deref().map_or("held", |why| why));
            failures.extend(failed.as_ref().map(|why| format!("{name}: {why}")));
        }
        let held = outcomes.len() - failures.len();
        let took = begun.elapsed().as_secs_f64();
        // Past the capture of the test harness: how many there are is part of what is tested.
        let _ = writeln!(
            std::io::stderr().lock(),
            "faults: {what}: {held} of {} cases held in {took:.1} s",
            outcomes.len()
        );
        assert!(
            failures.is_empty(),
            "{what}: {} of {} cases:\n{}",
            failures.len(),
            outcomes.len(),
            failures.join("\n")
        );
    }
}

fn said(panic: tokio::task::JoinError) -> String {
    let Ok(panic) = panic.try_into_panic() else { return "cancelled".to_owned() };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "panicked".to_owned())
}

type Suite = (&'static str, fn(&mut Table), usize);

/// The suite's tables, and how many cases each has at least.
const SUITES: [Suite; 6] = [
    ("statuses to calls", statuses::table, 250),
    ("answers to SUBSCRIBE", subscribing::table, 60),
    ("answers to calls", answers::table, 80),
    ("the network", network::table, 60),
    ("records and events", records::table, 60),
    ("life and leadership", life::table, 30),
];

/// All at once would need more open files than some machines allow.
async fn suite(number: usize) {
    let (what, fill, least) = SUITES[number];
    let mut table = Table::default();
    fill(&mut table);
    table.run(what, least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_status_to_each_call() {
    suite(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_subscribe_can_meet() {
    suite(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_can_meet() {
    suite(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_network() {
    suite(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_records_and_odd_events() {
    suite(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takeovers_and_removals_and_leaders() {
    suite(5).await;
}

#[tokio::test]
async fn there_are_more_than_five_hundred_cases() {
    let mut all = Table::default();
    SUITES.iter().for_each(|(_, fill, _)| fill(&mut all));
    let names: std::collections::BTreeSet<_> = all.cases.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), all.cases.len(), "two cases have the same name");
    assert!(names.len() >= 500, "{}", names.len());
}
