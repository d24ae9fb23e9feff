//! What people get wrong, and what they paste: each is told where and what to try, and costs nothing.

use super::Bench;
use mesos_repl::engine::Outcome;

/// What the caret stands under.
fn marked(diagnostic: &mesos_repl::document::Diagnostic) -> &str {
    diagnostic.input.as_ref().map_or("", |input| &input.text[input.span.clone()])
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_pointed_at_and_cost_nothing() {
    let bench = Bench::start(1).await;
    bench.done("run --cmd 'sleep 1000' --name nap").await;
    for (text, what, under) in [
        ("taks", "unknown command taks", "taks"),
        ("accept O0 --docker x --cpu 1", "accept has no option --cpu", "--cpu"),
        ("kill nope", "there is no task 'nope'", "nope"),
        ("accept O99 --cmd x", "there is no offer 'O99'", "O99"),
        ("run --cmd x --cpus many", "--cpus wants a number, not 'many'", "many"),
        ("run --cmd x --cpus 640", ": 640 cpus wanted", "640"),
        ("wait nap runing", "STATE wants a task state such as running, not 'runing'", "runing"),
        ("get .slavs", "there is no 'slavs' in /state", ".slavs"),
        ("connect 127.0.0.1:1", "nothing answers at", ""),
        ("revive --role other", "the framework isn't in the role 'other'", "other"),
        (r#"{"type": "REVIVEE"}"#, "type: 'REVIVEE' is no CallType", r#""REVIVEE""#),
        (r#"{"type": "DECLINE", "decline": {"offer_ids": [], "filter": {}}}"#, "decline.filter: ", r#""filter""#),
        (r#"{"type": "UNKNOWN"}"#, "not sent: a call of type UNKNOWN aborts", ""),
        (r#"{"type": "KILL", "kill": {"task_id": {"value": 5}}}"#, "kill.task_id.value: wants text in quotes", "5"),
        ("[1, 2", "", ""),
        ("let x = 1;", "this looks like Rust", "let x = 1;"),
        ("subscribe --capability gpu", "there is no capability GPU", "gpu"),
        ("run --json /nowhere", "'/nowhere' can't be read", "/nowhere"),
        ("zkCli.sh -server 127.0.0.1:1 get /mesos/json.info_0000000000", "no ZooKeeper answers at 127.0.0.1:1", ""),
        ("zkCli.sh -server 127.0.0.1:1 delete /mesos", "zkCli.sh's 'delete' isn't done from here", ""),
        ("mesos-leader", "which ZooKeeper is to be asked?", "mesos-leader"),
        ("mesos-leader --zk zk://127.0.0.1:x/mesos", "no ZooKeeper address", "zk://127.0.0.1:x/mesos"),
        ("zk ls /mesos", "isn't found through ZooKeeper", "ls"),
        ("profile show nothing", "there is no profile 'nothing'", ""),
        ("profile add none --master a", "can't be a profile's name", "none"),
        ("profile list --master a", "only profile add takes that", "a"),
        ("profile add lab", "which cluster?", "lab"),
        ("profile add lab --master zk://u:hunter2@h:2181/m", "a password has no place", "zk://u:hunter2@h:2181/m"),
        ("profile add lab --master https://m --ca-file /nowhere", "/nowhere can't be used", ""),
    ] {
        let diagnostic = bench.failed(text).await;
        assert!(diagnostic.what.contains(what), "{text}: {diagnostic:#?}");
        if !under.is_empty() {
            assert_eq!(marked(&diagnostic), under, "{text}: {diagnostic:#?}");
        }
    }
    let status = bench.done("status").await;
    assert_eq!(status[0]["state"], "subscribed");
    assert_eq!(status[0]["active_tasks"], 1);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_told_apart_from_what_fails() {
    let bench = Bench::start(1).await;
    for (text, outcome) in [
        ("taks", Outcome::Misused),
        ("offers --no-such", Outcome::Misused),
        ("run --cmd x --cpus many", Outcome::Misused),
        ("run --cmd x --port 70000", Outcome::Misused),
        ("logs 'unfinished", Outcome::Misused),
        ("kill nope", Outcome::Failed),
        ("get /nosuch", Outcome::Failed),
        ("run --cmd 'exit 1' --until finished", Outcome::Failed),
    ] {
        assert_eq!(bench.run(text).await.0, outcome, "{text}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_what_nobody_knows_shows_what_the_master_says() {
    let bench = Bench::start(1).await;
    bench.done("subscribe").await;
    for text in [r#"{"type": "KILL", "kill": {"task_id": {"value": "ghost"}}}"#, "kill --force ghost"] {
        let said = serde_json::Value::from(bench.done(text).await).to_string();
        assert!(said.contains("TASK_UNKNOWN"), "{text}: {said}");
        assert_eq!(bench.done("status").await[0]["active_tasks"], 0);
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_needs_no_scheme() {
    let bench = Bench::start(1).await;
    let address = bench.engine.target().masters.named()[0].host_port();
    assert_eq!(bench.done(&format!("{address}/version")).await[0]["version"], "1.11.0");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_task_fails_the_command_that_launched_it() {
    let bench = Bench::start(1).await;
    let diagnostic = bench.failed("run --cmd 'exit 3' --name bad --until finished").await;
    assert!(diagnostic.what.contains("'bad' is TASK_FAILED"), "{diagnostic:#?}");
    assert!(bench.done("task bad").await[0].to_string().contains("exited with status 3"));
    // An id is never used twice.
    bench.failed("run --cmd 'exit 3' --name bad --until finished").await;
    let tasks = bench.done("tasks").await;
    let ids: Vec<_> = tasks[0].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["bad", "bad-2"]);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_templates_are_filled_in_and_run() {
    let bench = Bench::start(1).await;
    bench
        .done(r#"{"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "Example HTTP Framework"}}}"#)
        .await;
    let launch = r#"{"framework_id": {"value": null}, "type": "ACCEPT", "accept": {"offer_ids": [{"value": null}],
        "operations": [{"type": "LAUNCH", "launch": {"task_infos": [{"name": "PingContainer", "task_id": {"value": null},
        "agent_id": {"value": null}, "container": {"type": "DOCKER", "docker": {"image": "nginx:1.10-alpine", "network": "HOST"}},
        "resources": [[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.2}},
        {"name": "mem", "type": "SCALAR", "scalar": {"value": 100}}]]}]}}], "filters": {"refuse_seconds": 5.0}}}"#;
    bench.done(launch).await;
    bench
        .done(r#"{"type": "KILL", "kill": {"task_id": {"value": "PingContainer"}, "agent_id": {"value": null}}}"#)
        .await;
    let task = bench.done("task PingContainer").await;
    assert!(task[0].to_string().contains("TASK_KILLED"), "{task:#?}");
    bench.done(r#"{"framework_id": {"value": null}, "type": "TEARDOWN"}"#).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_is_never_taken_for_a_loss() {
    use mesos_repl::session::{Notice, Phase};
    let bench = Bench::start(1).await;
    for _ in 0..20 {
        bench.done("subscribe").await;
        let mut notices = bench.engine.session().notices();
        bench.done("teardown").await;
        while let Ok(notice) = notices.try_recv() {
            assert!(!matches!(notice, Notice::Phase(Phase::Waiting { .. })), "{notice:?}");
        }
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_leaves_everything_as_it_is() {
    use mesos_repl::engine::{Collected, Outcome};
    use tokio_util::sync::CancellationToken;
    let bench = Bench::start(1).await;
    bench.done("run --cmd 'sleep 1000' --name nap").await;
    let cancel = CancellationToken::new();
    let mut output = Collected::default();
    let wait = bench.engine.execute("wait nap finished", &mut output, &cancel);
    let interrupt = async {
        // The wait has begun once its picture stands; nothing else needs to have happened.
        tokio::task::yield_now().await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(wait, interrupt);
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(bench.done("status").await[0]["active_tasks"], 1);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_shows_the_end_however_soon_it_comes() {
    let bench = Bench::start(1).await;
    for number in 0..10 {
        // A simulated container ends before the master has answered the KILL.
        bench.done(&format!("run --docker nginx --name web{number}")).await;
        let told = bench.done(&format!("kill web{number}")).await;
        assert!(told.iter().any(|answer| answer.to_string().contains("TASK_KILLED")), "{told:#?}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_task_of_a_group_has_its_own_logs() {
    let bench = Bench::start(1).await;
    let amount =
        |name: &str, value: f64| serde_json::json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let resources = [amount("cpus", 0.1), amount("mem", 32.0), amount("disk", 32.0)];
    let task = |name: &str| {
        let command = format!("echo this is {name}; sleep 1000");
        serde_json::json!({"name": name, "task_id": {"value": name}, "resources": resources,
            "command": {"value": command}})
    };
    let group = serde_json::json!({"type": "ACCEPT", "accept": {"operations": [{"type": "LAUNCH_GROUP", "launch_group": {
        "executor": {"type": "DEFAULT", "executor_id": {"value": "pod"}, "resources": resources},
        "task_group": {"tasks": [task("left"), task("right")]}}}]}});
    bench.done(&group.to_string()).await;
    for name in ["left", "right"] {
        let wanted = format!("this is {name}");
        let logs = bench.done(&format!("wait {name} running; logs {name}")).await;
        assert!(serde_json::Value::from(logs.clone()).to_string().contains(&wanted), "{logs:?}");
    }
    bench.stop().await;
}
