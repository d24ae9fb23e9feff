//! A real Apache Mesos that dies with what it knows or without, stands still, or loses an agent: the session outlives it.

use super::*;
use crate::support::real_mesos::{RealMesos, plain_client};
use mesos_repl::mesos::FrameworkId;
use mesos_repl::session::Phase;
use std::time::Instant;

macro_rules! mesos {
    ($agents:expr, $settings:expr) => {
        match RealMesos::with($agents, $settings).await {
            Ok(mesos) => mesos,
            Err(why) => skip!("{why}"),
        }
    };
}

impl Person {
    fn framework(&self) -> FrameworkId {
        self.engine.session().read(|state| state.framework_id.clone()).unwrap()
    }

    /// Which subscription it is.
    fn epoch(&self) -> u64 {
        match self.engine.session().status().borrow().phase {
            Phase::Subscribed { epoch, .. } => epoch,
            ref phase => panic!("{phase:?}"),
        }
    }

    async fn is_subscribed(&self, wanted: bool) {
        let mut status = self.engine.session().status();
        let reached = status.wait_for(|status| status.is_subscribed() == wanted);
        let what = if wanted { "subscribed" } else { "the loss is noticed" };
        crate::support::within(DEADLINE, what, reached).await.unwrap();
    }

    /// How often a status update was shown, by task and state.
    fn shown(&self, id: &str, state: &TaskState) -> usize {
        self.engine.session().read(|known| {
            let task = known.tasks.get(id).unwrap();
            task.history().filter(|update| update.status().unwrap().state == *state).count()
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_whose_registry_is_on_disk_knows_its_agents_again() {
    let mut mesos = mesos!(1, &[("MESOS_REGISTRY", "replicated_log")]);
    let person = Person::at(&mesos.address());
    person.does("subscribe --checkpoint").await;
    person.does("run --cmd 'sleep 300' --name nap; run --cmd 'exit 0' --name job --until finished").await;
    let id = person.framework();
    let agents = person.does("agents").await;
    for _ in 0..2 {
        mesos.kill();
        person.is_subscribed(false).await;
        mesos.start_again().await;
        person.is_subscribed(true).await;
        assert_eq!(person.framework(), id);
    }
    // The agent is the same by its id, and tells itself what has become of its task.
    assert_eq!(person.does("agents").await.split_whitespace().nth(10), agents.split_whitespace().nth(10));
    person.sees("nap", &[TaskState::Failed, TaskState::Lost]).await;
    assert_eq!(person.state_of("job"), Some(TaskState::Finished));
    assert_eq!(person.shown("job", &TaskState::Finished), 1);
    person.does("run --cmd 'sleep 300' --name again").await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stands_still_for_a_moment_is_waited_for() {
    let mesos = mesos!(1, &[]);
    let person = Person::at(&mesos.address());
    person.does("run --cmd 'sleep 300' --name nap").await;
    let (id, epoch) = (person.framework(), person.epoch());
    mesos.pause();
    person.fails("run --cmd 'sleep 300' --name late --timeout 2s", &["within 2 s"]).await;
    mesos.resume();
    // What waited in its socket is done now, once.
    person.does("reconcile").await;
    person.does("run --cmd 'exit 0' --name job --until finished").await;
    assert_eq!(person.framework(), id);
    assert_eq!(person.epoch(), epoch, "the subscription stood all the while");
    person.does("kill nap").await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stands_still_for_long_is_given_up_after_five_heartbeats() {
    let mesos = mesos!(1, &[]);
    let person = Person::at(&mesos.address());
    person.does("run --cmd 'sleep 300' --name nap").await;
    let id = person.framework();
    let quiet = Instant::now();
    mesos.pause();
    person.is_subscribed(false).await;
    let found = quiet.elapsed();
    // The last event came before the pause, by up to one interval.
    assert!((58..=78).contains(&found.as_secs()), "{found:?}");
    mesos.resume();
    person.is_subscribed(true).await;
    assert_eq!(person.framework(), id);
    person.sees("nap", &[TaskState::Running]).await;
    assert_eq!(person.shown("nap", &TaskState::Running), 1);
    person.does("kill nap").await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ran_on_a_lost_agent_is_told_and_the_other_goes_on() {
    let mesos = mesos!(2, &[]);
    let person = Person::at(&mesos.address());
    // Each fills more than half of an agent.
    person.does("run --cmd 'sleep 300' --name one --cpus 3; run --cmd 'sleep 300' --name other --cpus 3").await;
    let agent = person.engine.session().read(|state| {
        let task = state.tasks.get("one").unwrap();
        state.tasks.agent_of(task).unwrap().to_string()
    });
    let gone = serde_json::json!({"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": {"value": agent}}});
    let url = format!("http://{}/api/v1", mesos.address());
    let request = plain_client().post(url).header("content-type", "application/json").body(gone.to_string());
    assert!(request.send().await.unwrap().status().is_success());
    person.sees("one", &[TaskState::GoneByOperator]).await;
    assert_eq!(person.state_of("other"), Some(TaskState::Running));
    let story = person.does("task one").await;
    assert!(story.contains("an operator removed its agent"), "{story}");
    person.fails("run --cmd true --name big --cpus 3 --timeout 3s", &["no offer fits"]).await;
    person.does("kill other; run --cmd 'exit 0' --name job --until finished --cpus 3").await;
    person.does("teardown").await;
    person.engine.close().await;
}

/// A master that gives an agent up after two seconds without an answer, and an agent in a process of its own.
async fn with_an_agent_apart() -> Result<(RealMesos, RealMesos), String> {
    let hasty = [("MESOS_AGENT_PING_TIMEOUT", "1secs"), ("MESOS_MAX_AGENT_PING_TIMEOUTS", "2")];
    let mesos = RealMesos::with(1, &hasty).await?;
    let agent = mesos.agent().await?;
    Ok((mesos, agent))
}

macro_rules! apart {
    () => {
        match with_an_agent_apart().await {
            Ok(both) => both,
            Err(why) => skip!("{why}"),
        }
    };
}

/// A task on each of both agents; the one whose agent is in a process of its own, and the other.
async fn one_on_each(person: &Person, apart: &RealMesos) -> (&'static str, &'static str) {
    // Each fills more than half of an agent.
    person.does("run --cmd 'sleep 300' --name one --cpus 3; run --cmd 'sleep 300' --name other --cpus 3").await;
    let id = apart.agent_id().await;
    let is_there = person.engine.session().read(|state| {
        let task = state.tasks.get("one").unwrap();
        state.tasks.agent_of(task).unwrap().as_str() == id
    });
    if is_there { ("one", "other") } else { ("other", "one") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_stands_still_is_unreachable_and_its_tasks_come_back_with_it() {
    let (mesos, agent) = apart!();
    let person = Person::at(&mesos.address());
    person.does("subscribe --checkpoint").await;
    let (there, here) = one_on_each(&person, &agent).await;
    agent.pause();
    person.sees(there, &[TaskState::Unreachable]).await;
    assert_eq!(person.state_of(here), Some(TaskState::Running));
    // Nobody can say that it is over: it isn't counted so, and can't be killed for now.
    assert_eq!(person.engine.standing().tasks, 2);
    agent.resume();
    person.sees(there, &[TaskState::Running]).await;
    // Once as it began, once as it came back, by the master's word.
    assert_eq!(person.shown(there, &TaskState::Running), 2);
    person.does(&format!("kill {there}; kill {here}")).await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_dies_takes_its_tasks_with_it_and_the_session_goes_on() {
    let (mesos, mut agent) = apart!();
    let person = Person::at(&mesos.address());
    let (there, here) = one_on_each(&person, &agent).await;
    agent.kill();
    // What doesn't checkpoint is lost with the connection of its agent.
    person.sees(there, &[TaskState::Lost, TaskState::Gone, TaskState::Unreachable, TaskState::Dropped]).await;
    assert_eq!(person.state_of(here), Some(TaskState::Running));
    person.fails("run --cmd true --name big --cpus 3 --timeout 3s", &["no offer fits"]).await;
    agent.start_again().await;
    person.does("run --cmd 'exit 0' --name job --until finished --cpus 3").await;
    person.does(&format!("kill {here}")).await;
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stands_by_sends_us_to_the_leader() {
    let (mesos, standby) = apart!();
    let person = Person::at(&standby.address());
    assert!(person.does("subscribe").await.contains(&format!("master@{}", mesos.address())));
    person.does("run --cmd 'exit 0' --name job --until finished").await;
    let masters = person.does("masters").await;
    assert!(masters.contains("stands by") && masters.contains("leads"), "{masters}");
    person.does("teardown").await;
    person.engine.close().await;
}
