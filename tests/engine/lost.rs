//! Commands while the connection is lost: each ends when it was told to, and says what is the matter and what to do.

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use mesos_repl::render::{self, Page};
use mesos_repl::session::Phase;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::hostile::{Answer, FRAMEWORK, Hostile, update};
use crate::support::within;

const BEAT: Answer = Answer::Stream { heartbeat: 15.0 };
const LONG: Duration = Duration::from_secs(3600);

struct Person {
    master: Hostile,
    engine: Engine,
}

impl Person {
    /// Subscribed.
    async fn start() -> Self {
        let master = Hostile::start([BEAT]).await;
        let address = Address::parse(&master.address.to_string()).unwrap();
        let target = Target::new(address);
        let engine = Engine::start(target, Options { hints: false, ..Options::default() }).unwrap();
        let person = Self { master, engine };
        person.types("subscribe").await;
        person
    }

    async fn lose(&self) {
        self.master.cut();
        let mut status = self.engine.session().status();
        let lost = status.wait_for(|status| matches!(status.phase, Phase::Waiting { .. }));
        within(LONG, "the loss is noticed", lost).await.unwrap();
    }

    async fn types(&self, line: &str) -> (Outcome, String) {
        let mut output = Collected::default();
        let cancel = CancellationToken::new();
        let outcome = within(LONG, line, self.engine.execute(line, &mut output, &cancel)).await;
        let page = Page::plain(400);
        (outcome, output.documents.iter().map(|document| render::plain(document, &page)).collect())
    }

    /// What a line that fails says, and after how long.
    async fn fails(&self, line: &str) -> (Duration, String) {
        let start = Instant::now();
        let (outcome, text) = self.types(line).await;
        assert_eq!(outcome, Outcome::Failed, "{line}: {text}");
        (start.elapsed(), text)
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_the_connection_no_longer_than_it_was_told() {
    let person = Person::start().await;
    person.lose().await;
    for (line, seconds) in [
        ("run --cmd true --timeout 3s", 3),
        ("offers --timeout 2s", 2),
        ("kill x --timeout 4s", 4),
        ("reconcile --timeout 2s", 2),
        ("heartbeat --wait 5s", 5),
        ("reconnect --timeout 2s", 2),
        ("suppress", 120),
    ] {
        let (took, text) = person.fails(line).await;
        assert!((seconds..seconds + 1).contains(&took.as_secs()), "{line}: {took:?}");
        assert!(text.contains(&format!("not subscribed after {seconds} s")) || seconds == 120, "{line}: {text}");
        assert!(text.contains("reconnect tries now"), "{line}: {text}");
    }
    // The master is back, and whoever asks needn't wait for the next try.
    person.master.then(BEAT);
    let start = Instant::now();
    let (outcome, text) = person.types("reconnect").await;
    assert_eq!(outcome, Outcome::Done, "{text}");
    assert!(text.contains("subscribed again") && start.elapsed() < Duration::from_secs(1), "{text}");
    let (_, text) = person.types("reconnect").await;
    assert!(text.contains("--force"), "{text}");
    person.master.then(BEAT);
    let (outcome, text) = person.types("reconnect --force").await;
    assert_eq!(outcome, Outcome::Done, "{text}");
    let subscriptions = person.master.count("SUBSCRIBE");
    assert_eq!(person.master.call("SUBSCRIBE", subscriptions - 1).await.json()["framework_id"]["value"], FRAMEWORK);
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_an_answer_no_longer_than_it_was_told() {
    let person = Person::start().await;
    person.master.event(&update("nap", "TASK_RUNNING", Some(1)));
    let session = person.engine.session();
    within(LONG, "the task", session.changed_until(|state| state.tasks.get("nap").is_some())).await;
    person.master.silent("KILL");
    let (took, text) = person.fails("kill nap --timeout 3s").await;
    assert_eq!(took.as_secs(), 3, "{text}");
    assert!(text.contains("the master's answer to KILL didn't come within 3 s"), "{text}");
    assert!(text.contains("may have arrived"), "{text}");
    assert_eq!(person.master.count("KILL"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_the_failover_timeout_is_counted_down() {
    let person = Person::start().await;
    assert!(!person.engine.standing().label.contains("left"));
    person.lose().await;
    assert_eq!(person.engine.standing().label, "(connection lost, 1 h left)");
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    assert!(person.engine.standing().label.ends_with(", 30 min left)"), "{}", person.engine.standing().label);
    let (_, text) = person.types("status").await;
    assert!(text.contains("the master waits for"), "{text}");
    tokio::time::sleep(Duration::from_secs(31 * 60)).await;
    assert!(person.engine.standing().label.ends_with(", timeout over)"), "{}", person.engine.standing().label);
}

#[tokio::test(start_paused = true)]
async fn the_loser_of_a_framework_is_told_what_to_type() {
    let person = Person::start().await;
    person.master.event(&json!({"type": "ERROR", "error": {"message": "Framework failed over"}}));
    let mut status = person.engine.session().status();
    within(LONG, "closed", status.wait_for(|status| matches!(status.phase, Phase::Closed(_)))).await.unwrap();
    let (took, text) = person.fails("run --cmd true").await;
    assert!(took.as_secs() == 0 && text.contains(&format!("subscribe --id {FRAMEWORK}")), "{text}");
    assert!(text.contains("subscribe --new"), "{text}");
    tokio::time::sleep(LONG).await;
    assert_eq!(person.master.count("SUBSCRIBE"), 1);
}
