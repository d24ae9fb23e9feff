//! A session against masters that behave badly: on real sockets, with the clock in the test's hand.
//!
//! With a paused clock, time passes only while everybody waits: an hour takes milliseconds, and no test depends on how
//! fast the machine is.

mod calls;
mod loss;
mod offers;
mod properties;
mod recorded;
mod refusals;
mod updates;

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::mesos::{FrameworkInfo, TaskState};
use mesos_repl::session::{Closed, Config, Notice, Phase, Session, Status};
use tokio::sync::{broadcast, watch};

use crate::support::hostile::{Answer, Hostile};
use crate::support::within;

/// Virtual, so it costs nothing.
const LONG: Duration = Duration::from_secs(4 * 3600);
const BEAT: Answer = Answer::Stream { heartbeat: 15.0 };

fn config(master: &Hostile) -> Config {
    Config::new(Address::parse(&master.address.to_string()).unwrap())
}

fn info() -> FrameworkInfo {
    FrameworkInfo { user: "root".into(), name: "test".into(), ..FrameworkInfo::default() }
}

/// A master and a session that has subscribed with it; neither leases nor idleness.
async fn connected(answers: impl IntoIterator<Item = Answer>) -> (Hostile, Session) {
    let master = Hostile::start(answers).await;
    let session = Session::start(Config { lease: None, idle: None, ..config(&master) }).unwrap();
    session.subscribe(info()).await;
    within(LONG, "subscribed", session.subscribed()).await.unwrap();
    (master, session)
}

async fn phase(session: &Session, what: &str, is: impl FnMut(&Phase) -> bool) -> Phase {
    let mut is = is;
    let mut status: watch::Receiver<Status> = session.status();
    within(LONG, what, status.wait_for(|status| is(&status.phase))).await.unwrap().phase.clone()
}

async fn closed(session: &Session) -> Closed {
    match phase(session, "closed", |phase| matches!(phase, Phase::Closed(_))).await {
        Phase::Closed(why) => why,
        other => panic!("{other:?}"),
    }
}

async fn waiting(session: &Session) -> String {
    match phase(session, "waiting", |phase| matches!(phase, Phase::Waiting { .. })).await {
        Phase::Waiting { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

async fn epoch(session: &Session, wanted: u64) {
    let is = |phase: &Phase| matches!(phase, Phase::Subscribed { epoch, .. } if *epoch >= wanted);
    phase(session, &format!("subscription {wanted}"), is).await;
}

async fn task_is(session: &Session, id: &str, state: TaskState) {
    let reached = session.changed_until(|known| known.tasks.get(id).is_some_and(|task| task.state == state));
    within(LONG, &format!("{id} is {state:?}"), reached).await;
}

/// What is waiting in the queue of notices now.
fn heard(notices: &mut broadcast::Receiver<Notice>) -> Vec<Notice> {
    std::iter::from_fn(|| notices.try_recv().ok()).collect()
}
