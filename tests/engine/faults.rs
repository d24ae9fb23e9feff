//! `fault`, as somebody types it: what it does to the session, and that the session gets over it.

use std::time::Duration;

use mesos_repl::embedded::Fault;
use mesos_repl::engine::command::fault::KINDS;
use mesos_repl::engine::{Engine, Options, Target};
use serde_json::Value;

use super::Bench;
use crate::support::hostile::Hostile;
use crate::support::until;

const SOON: Duration = Duration::from_secs(30);

#[test]
fn every_fault_of_the_embedded_mesos_can_be_typed() {
    let typed: Vec<&str> = KINDS.iter().copied().filter(|kind| !matches!(*kind, "list" | "clear")).collect();
    assert_eq!(typed, Fault::KINDS);
}

async fn state(bench: &Bench, task: &str) -> Value {
    let tasks = bench.done("tasks").await;
    let all = tasks[0].as_array().unwrap().clone();
    all.into_iter().find(|one| one["id"] == task).map_or(Value::Null, |one| one["state"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_goes_and_comes_back_and_a_list_tells_it() {
    let bench = Bench::start(1).await;
    bench.done("run --cmd 'sleep 1000' --name nap").await;
    let told = bench.done("fault partition").await;
    assert!(told[0]["told"].as_str().unwrap().ends_with("can't be reached, with 1 task"), "{told:?}");
    assert!(told[0]["seed"].is_u64(), "it had to choose: {told:?}");
    until(SOON, "the task is unreachable", async || (state(&bench, "nap").await == "TASK_UNREACHABLE").then_some(()))
        .await;
    let listed = bench.done("fault").await;
    assert_eq!(
        (&listed[0][0]["kind"], &listed[0][0]["id"]),
        (&Value::from("partition"), &Value::from(1)),
        "{listed:?}"
    );
    let cleared = bench.done("fault clear 1").await;
    assert_eq!(cleared[0][0]["kind"], "partition", "{cleared:?}");
    until(SOON, "the task runs again", async || (state(&bench, "nap").await == "TASK_RUNNING").then_some(())).await;
    assert_eq!(bench.done("fault list").await[0], serde_json::json!([]));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_pointed_at() {
    let bench = Bench::start(1).await;
    for (text, what, under) in [
        ("fault partition S7", "there is no agent 'S7' that can be reached", "S7"),
        ("fault crash nap", "no task 'nap' runs", "nap"),
        ("fault rescind O7", "there is no offer 'O7'", "O7"),
        ("fault clear 7", "no such fault goes on", "7"),
        ("fault clear burn", "there is no fault 'burn'", "burn"),
        ("fault drop --chance 3", "a chance is from 0 to 1", "drop"),
        ("fault restart --for 3s", "lasts no time", "restart"),
        ("fault mutt", "did you mean mute?", "mutt"),
    ] {
        let diagnostic = bench.failed(text).await;
        let input = diagnostic.input.clone().unwrap();
        assert!(format!("{diagnostic:?}").contains(what), "{text}: {diagnostic:#?}");
        assert_eq!(&input.text[input.span.clone()], under, "{text}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_gets_over_a_master_that_restarts() {
    let bench = Bench::start(1).await;
    bench.done("run --cmd 'sleep 1000' --name nap").await;
    let before = bench.done("status").await[0]["framework_id"].clone();
    bench.done("fault restart --down 300ms").await;
    let session = bench.engine.session();
    until(SOON, "the loss is seen", async || (!session.status().borrow().is_subscribed()).then_some(())).await;
    until(SOON, "subscribed again", async || session.status().borrow().is_subscribed().then_some(())).await;
    let after = bench.done("status").await[0].clone();
    assert_eq!(after["framework_id"], before, "{after}");
    assert_eq!(state(&bench, "nap").await, "TASK_RUNNING");
    let killed = bench.done("kill nap").await;
    assert!(killed.iter().any(|answer| answer.to_string().contains("TASK_KILLED")), "{killed:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_mesos_has_none() {
    let real = Hostile::start([]).await;
    real.answer("", 404, "404 Not Found.");
    let address = mesos_repl::client::Address::parse(&real.address.to_string()).unwrap();
    let target = Target::new(address);
    let engine = Engine::start(target, Options::default()).unwrap();
    let mut output = mesos_repl::engine::Collected::default();
    let cancel = tokio_util::sync::CancellationToken::new();
    engine.execute("fault mute", &mut output, &cancel).await;
    assert!(format!("{:?}", output.documents).contains("is no embedded Mesos"), "{:?}", output.documents);
    engine.close().await;
}

/// Through any storm every task lives on, and session and master agree in the end. `STORMS=100` tries as many seeds.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_storm_the_session_knows_what_the_master_knows() {
    let storms = std::env::var("STORMS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    for seed in 1..=storms {
        let bench = Bench::start(2).await;
        for task in ["one", "two", "three"] {
            bench.done(&format!("run --cmd 'sleep 1000' --name {task}")).await;
        }
        bench.done(&format!("fault storm --seed {seed} --for 6s --every 500ms")).await;
        // While the master is down nobody can be asked.
        until(SOON, "the storm is over", async || {
            let (_, documents) = bench.run("fault list").await;
            (documents[0].to_json() == serde_json::json!([])).then_some(())
        })
        .await;
        until(SOON, "all is well again", async || {
            if !bench.engine.session().status().borrow().is_subscribed() {
                return None;
            }
            for task in ["one", "two", "three"] {
                let state = state(&bench, task).await;
                if state != "TASK_RUNNING" {
                    return None;
                }
            }
            let of_master = bench.done("get /tasks").await[0].to_string();
            (of_master.matches("\"TASK_RUNNING\"").count() >= 3).then_some(())
        })
        .await;
        for task in ["one", "two", "three"] {
            let killed = bench.done(&format!("kill {task}")).await;
            assert!(killed.iter().any(|answer| answer.to_string().contains("TASK_KILLED")), "seed {seed}: {killed:?}");
        }
        bench.stop().await;
    }
}
