//! On a real Apache Mesos 1.11.0.

use super::*;
use crate::support::docker;
use crate::support::hostile::Hostile;
use crate::support::real_mesos::RealMesos;
use mesos_repl::session::Phase;

macro_rules! mesos {
    ($agents:expr) => {
        match RealMesos::start($agents).await {
            Ok(mesos) => mesos,
            Err(why) => skip!("{why}"),
        }
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_tasks() {
    let mesos = mesos!(1);
    let person = Person::at(&mesos.address());
    steps::walk(&person, &steps::commands()).await;
    steps::used_up_offer(&person).await;
    steps::teardown(&person).await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_tasks() {
    if let Some(why) = docker::missing() {
        skip!("{why}");
    }
    let mesos = mesos!(1);
    let person = Person::at(&mesos.address());
    let before = docker::running();
    steps::walk(&person, &steps::containers()[..2]).await;
    assert_ne!(docker::running(), before, "a container runs");
    steps::walk(&person, &steps::containers()[2..]).await;
    steps::teardown(&person).await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_frameworks_and_two_agents() {
    let mesos = mesos!(2);
    let (one, other) = (Person::at(&mesos.address()), Person::at(&mesos.address()));
    one.does("subscribe --name one").await;
    other.does("subscribe --name other").await;
    one.does("run --cmd 'sleep 300' --name a --cpus 3").await;
    // What it holds besides would keep the other waiting until the lease ends.
    one.does("suppress; decline --all").await;
    other.does("run --cmd 'sleep 300' --name b --cpus 3").await;
    let agent_of = |person: &Person| {
        person
            .engine
            .session()
            .read(|state| state.tasks.agent_of(state.tasks.get(state.tasks.iter().next()?.id.as_str())?).cloned())
    };
    assert_ne!(agent_of(&one), agent_of(&other), "3 of 4 cpus twice don't fit on one agent");
    let frameworks = one.does("frameworks").await;
    assert!(frameworks.contains("one") && frameworks.contains("other"), "{frameworks}");
    // Neither sees nor loses the other's.
    one.does("teardown").await;
    assert_eq!(other.state_of("b"), Some(TaskState::Running));
    assert_eq!(other.state_of("a"), None);
    other.does("kill b").await;
    other.does("teardown").await;
    one.engine.close().await;
    other.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_framework_is_taken_over_by_its_id() {
    let mesos = mesos!(1);
    let (one, other) = (Person::at(&mesos.address()), Person::at(&mesos.address()));
    one.does("run --cmd 'sleep 300' --name nap").await;
    let id = one.engine.session().read(|state| state.framework_id.clone()).unwrap();
    other.does(&format!("subscribe --id {id}")).await;
    let mut status = one.engine.session().status();
    let stolen = status.wait_for(|status| matches!(status.phase, Phase::Closed(_)));
    let phase = crate::support::within(DEADLINE, "the first hears of it", stolen).await.unwrap().phase.clone();
    assert_eq!(phase, Phase::Closed(mesos_repl::session::Closed::Stolen));
    one.fails("run --cmd true --name x", &["another client"]).await;
    // Reconciliation tells the new one of the old one's task.
    other.sees("nap", &[TaskState::Running]).await;
    other.does("kill nap").await;
    other.does("teardown").await;
    one.engine.close().await;
    other.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_and_comes_back_is_subscribed_to_again() {
    let mut mesos = mesos!(1);
    let person = Person::at(&mesos.address());
    person.does("run --cmd 'sleep 300' --name nap").await;
    let id = person.engine.session().read(|state| state.framework_id.clone()).unwrap();
    mesos.kill();
    let mut status = person.engine.session().status();
    let lost = status.wait_for(|status| !status.is_subscribed());
    crate::support::within(DEADLINE, "the loss is noticed", lost).await.unwrap();
    let (outcome, text) = person.types("agents").await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(text.contains("nothing answers"), "{text}");
    // What is known stays to be looked at.
    assert!(person.does("tasks").await.contains("nap"));
    mesos.start_again().await;
    let back = status.wait_for(|status| status.is_subscribed());
    crate::support::within(DEADLINE, "subscribed again", back).await.unwrap();
    assert_eq!(person.engine.session().read(|state| state.framework_id.clone()), Some(id));
    // Its agents went with it, and with them the task: the comparison says so.
    person
        .sees("nap", &[TaskState::Lost, TaskState::Gone, TaskState::Unknown, TaskState::Unreachable, TaskState::Failed])
        .await;
    person.does("run --cmd 'sleep 300' --name again").await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_command_leaves_what_it_sent() {
    let mesos = mesos!(1);
    let person = Person::at(&mesos.address());
    person.does("subscribe").await;
    let cancel = CancellationToken::new();
    let mut output = Collected::default();
    let line = "run --cmd 'sleep 300' --name long --until finished";
    let run = person.engine.execute(line, &mut output, &cancel);
    let interrupt = async {
        person.sees("long", &[TaskState::Running]).await;
        cancel.cancel();
    };
    let (outcome, ()) = crate::support::within(DEADLINE, line, async { tokio::join!(run, interrupt) }).await;
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(person.state_of("long"), Some(TaskState::Running));
    person.does("kill long").await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_leaves_the_session_as_it_was() {
    let mesos = mesos!(1);
    let person = Person::at(&mesos.address());
    bad_input::try_all(&person).await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test]
async fn not_a_mesos_at_all() {
    let other = Hostile::start([]).await;
    let person = Person::at(&other.address.to_string());
    person.fails("version", &["not"]).await;
    let nobody = Person::at(&format!("127.0.0.1:{}", crate::support::free_port()));
    nobody.fails("version", &["nothing answers"]).await;
    nobody.fails("subscribe --timeout 2s", &["nothing answers"]).await;
}
