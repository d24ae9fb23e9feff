//! An agent driven as a master does it, over its link, and looked at over its HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::config::{AgentConfig, Docker};
use super::super::fault::active::Faults;
use super::super::link::{FromAgent, ToAgent, ToMaster};
use super::{Agent, Config};
use crate::mesos::{FrameworkInfo, TaskInfo, TaskStatus};

/// No step here takes longer on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

struct Master {
    agent: Agent,
    from_agent: mpsc::UnboundedReceiver<FromAgent>,
    link: mpsc::UnboundedSender<ToAgent>,
    work_dir: tempfile::TempDir,
}

impl Master {
    /// Starts an agent and takes its registration.
    async fn start(docker: Docker) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), docker, false).await
    }

    async fn start_in(work_dir: tempfile::TempDir, docker: Docker, recover: bool) -> Self {
        let (sender, mut from_agent) = mpsc::unbounded_channel();
        let config = Config {
            index: 0,
            address: "127.0.0.1".parse().unwrap(),
            port: 0,
            hostname: "localhost".to_owned(),
            work_dir: work_dir.path().into(),
            engine: super::engine(docker).await,
            recover,
            offers: AgentConfig::default(),
            faults: Faults::default(),
        };
        let agent = Agent::start(config, sender).await.unwrap();
        let link = match from_agent.recv().await {
            Some((0, ToMaster::Register(it))) => {
                assert_eq!(it.pid, format!("slave(1)@{}", agent.address()));
                it.link
            }
            other => panic!("{other:?}"),
        };
        link.send(ToAgent::Registered("S0".into())).unwrap();
        Self { agent, from_agent, link, work_dir }
    }

    fn framework(capabilities: &[&str]) -> Arc<FrameworkInfo> {
        let capabilities: Vec<_> = capabilities.iter().map(|it| json!({"type": it})).collect();
        let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).unwrap().unwrap().name;
        let info = json!({"id": {"value": "F"}, "user": user, "name": "f", "capabilities": capabilities});
        Arc::new(serde_json::from_value(info).unwrap())
    }

    fn task(id: &str, more: &Value) -> TaskInfo {
        let mut task = json!({"name": id, "task_id": {"value": id}, "agent_id": {"value": "S0"}, "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}, "allocation_info": {"role": "*"}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 32.0}, "allocation_info": {"role": "*"}}]});
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(task).unwrap()
    }

    fn launch(&self, id: &str, more: Value) {
        let task = Arc::new(Self::task(id, &more));
        self.send(ToAgent::Launch { framework: Self::framework(&["TASK_KILLING_STATE"]), task });
    }

    fn send(&self, message: ToAgent) {
        self.link.send(message).unwrap();
    }

    fn kill(&self, id: &str) {
        self.send(ToAgent::Kill { framework_id: "F".into(), task_id: id.into(), policy: None });
    }

    /// The next update, which is not acknowledged.
    async fn seen(&mut self) -> TaskStatus {
        loop {
            match timeout(DEADLINE, self.from_agent.recv()).await.expect("an update in time") {
                Some((_, ToMaster::Update { status, .. })) => return (*status).clone(),
                Some(_) => {}
                None => panic!("the agent is gone"),
            }
        }
    }

    fn acknowledge(&self, status: &TaskStatus) {
        let (task_id, uuid) = (status.task_id.clone(), status.uuid.clone().unwrap().0);
        self.send(ToAgent::Acknowledge { framework_id: "F".into(), task_id, uuid });
    }

    /// The next update, acknowledged.
    async fn update(&mut self) -> TaskStatus {
        let status = self.seen().await;
        self.acknowledge(&status);
        status
    }

    /// The next updates as "state message".
    async fn updates(&mut self, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..count {
            told.push(told_of(&self.update().await));
        }
        told
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("http://{}{path}", self.agent.address());
        let answer = timeout(DEADLINE, reqwest::get(url)).await.unwrap().unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn state(&self) -> Value {
        serde_json::from_str(&self.get("/slave(1)/state").await.1).unwrap()
    }
}

fn told_of(status: &TaskStatus) -> String {
    let reason = status.reason.as_ref().map_or(String::new(), |reason| format!(" {reason}"));
    let message = status.message.as_ref().map_or(String::new(), |message| format!(" {message}"));
    format!("{}{reason}{message}", status.state)
}

#[tokio::test]
async fn a_command_runs_and_its_end_is_told() {
    let mut master = Master::start(Docker::Never).await;
    master.launch("t", json!({"command": {"value": "echo $MESOS_EXECUTOR_ID; echo bad >&2"}}));
    let starting = master.update().await;
    assert_eq!(starting.source.unwrap().as_str(), "SOURCE_EXECUTOR");
    assert_eq!(starting.executor_id, Some("t".into()));
    assert_eq!(starting.agent_id, Some("S0".into()));
    let container = starting.container_status.unwrap();
    assert_eq!(container.network_infos[0].ip_addresses[0].ip_address.as_deref(), Some("127.0.0.1"));
    let rest = master.updates(2).await;
    assert_eq!(rest, ["TASK_RUNNING", "TASK_FINISHED Command exited with status 0"]);
    // The end is acknowledged: the executor is a completed one, its sandbox still there.
    let state = loop {
        let state = master.state().await;
        if state["completed_frameworks"][0]["completed_executors"][0].is_object() {
            break state;
        }
        tokio::task::yield_now().await;
    };
    let executor = &state["completed_frameworks"][0]["completed_executors"][0];
    assert_eq!(executor["completed_tasks"][0]["state"], "TASK_FINISHED");
    assert_eq!(executor["name"], "Command Executor (Task: t) (Command: sh -c 'echo $MESOS_...')");
    let directory = executor["directory"].as_str().unwrap();
    for (path, data) in [(format!("{directory}/stdout"), "t\n"), (format!("{directory}/stderr"), "bad\n")] {
        let (code, body) = master.get(&format!("/files/read?path={path}&offset=0&length=100")).await;
        assert_eq!((code, body), (200, json!({"data": data, "offset": 0}).to_string()));
    }
    assert_eq!(master.get(&format!("/files/download?path={directory}/stdout")).await, (200, "t\n".to_owned()));
    assert_eq!(master.get("/files/read?path=/etc/passwd&offset=0").await, (404, String::new()));
    master.agent.shutdown().await;
}

#[tokio::test]
async fn commands_fail_and_are_killed_in_the_real_agents_words() {
    let mut master = Master::start(Docker::Never).await;
    master.launch("fails", json!({"command": {"value": "exit 3"}}));
    let failed = "TASK_FAILED REASON_COMMAND_EXECUTOR_FAILED Command exited with status 3";
    assert_eq!(master.updates(3).await, ["TASK_STARTING", "TASK_RUNNING", failed]);
    master.launch("killed", json!({"command": {"value": "sleep 1000"}}));
    assert_eq!(master.updates(2).await, ["TASK_STARTING", "TASK_RUNNING"]);
    master.kill("killed");
    let killed = "TASK_KILLED Command terminated with signal Terminated";
    assert_eq!(master.updates(2).await, ["TASK_KILLING", killed]);
    // One that doesn't listen is killed after its grace period.
    let stubborn = json!({"command": {"value": "trap '' TERM; echo up; while :; do sleep 1; done"},
        "kill_policy": {"grace_period": {"nanoseconds": 50_000_000}}});
    master.launch("stubborn", stubborn);
    assert_eq!(master.updates(2).await, ["TASK_STARTING", "TASK_RUNNING"]);
    let latest = "/frameworks/F/executors/stubborn/runs/latest/stdout";
    while !master.get(&format!("/files/read?path={latest}&offset=0")).await.1.contains("up") {
        tokio::task::yield_now().await;
    }
    master.kill("stubborn");
    assert_eq!(master.updates(2).await, ["TASK_KILLING", "TASK_KILLED Command terminated with signal Killed"]);
    master.kill("unknown");
    assert!(!master.from_agent.try_recv().is_ok_and(|(_, it)| matches!(it, ToMaster::Update { .. })));
    master.agent.shutdown().await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let mut master = Master::start(Docker::Never).await;
    master.launch("uri", json!({"command": {"value": "true", "uris": [{"value": "file:///no/such/file"}]}}));
    let failed = master.update().await;
    let told = told_of(&failed);
    assert!(told.starts_with("TASK_FAILED REASON_CONTAINER_LAUNCH_FAILED Failed to launch container: Failed to fetch"));
    assert_eq!(failed.source.unwrap().as_str(), "SOURCE_AGENT");
    assert_eq!(failed.container_status, None);
    master.launch("user", json!({"command": {"value": "true", "user": "no-such-user"}}));
    let told = master.updates(1).await.remove(0);
    assert!(told.starts_with("TASK_LOST REASON_EXECUTOR_TERMINATED Failed to create executor directory"), "{told}");
    let image = json!({"type": "MESOS", "mesos": {"image": {"type": "DOCKER", "docker": {"name": "busybox"}}}});
    master.launch("image", json!({"command": {"value": "true"}, "container": image}));
    let failed = "TASK_FAILED REASON_CONTAINER_LAUNCH_FAILED \
                  Failed to launch container: Unsupported container image type: DOCKER";
    assert_eq!(master.updates(1).await, [failed]);
    master.launch("exe", json!({"command": {"shell": false, "value": "/no/such/exe"}}));
    let told = master.updates(2).await;
    assert!(told[1].starts_with("TASK_FAILED Failed to execute '/no/such/exe'"), "{told:?}");
    master.agent.shutdown().await;
}

#[tokio::test]
async fn a_task_may_not_run_longer_than_it_said() {
    let mut master = Master::start(Docker::Never).await;
    let limit = json!({"nanoseconds": 50_000_000});
    master.launch("t", json!({"command": {"value": "sleep 1000"}, "max_completion_time": limit}));
    let told = master.updates(3).await;
    assert!(told[2].starts_with("TASK_FAILED REASON_MAX_COMPLETION_TIME_REACHED Command terminated"), "{told:?}");
    master.agent.shutdown().await;
}

#[tokio::test]
async fn a_task_that_is_unhealthy_for_too_long_is_killed() {
    let mut master = Master::start(Docker::Never).await;
    let check = json!({"type": "COMMAND", "command": {"value": "exit 1"}, "delay_seconds": 0, "interval_seconds": 0,
        "grace_period_seconds": 0, "consecutive_failures": 2});
    master.launch("t", json!({"command": {"value": "sleep 1000"}, "health_check": check}));
    let mut last = master.update().await;
    let mut unhealthy = 0;
    while last.state.as_str() != "TASK_KILLED" {
        last = master.update().await;
        unhealthy += usize::from(last.reason.as_ref().is_some_and(|it| it.as_str().contains("HEALTH_CHECK")));
    }
    assert_eq!((unhealthy, last.healthy), (2, Some(false)));
    master.agent.shutdown().await;
}

#[tokio::test]
async fn a_group_dies_together() {
    let mut master = Master::start(Docker::Never).await;
    let executor = serde_json::from_value(json!({"type": "DEFAULT", "executor_id": {"value": "E"}})).unwrap();
    let tasks = vec![
        Arc::new(Master::task("lives", &json!({"command": {"value": "sleep 1000"}}))),
        Arc::new(Master::task("fails", &json!({"command": {"value": "sleep 0.1; exit 7"}}))),
    ];
    master.send(ToAgent::LaunchGroup { framework: Master::framework(&[]), executor: Box::new(executor), tasks });
    let (mut told, mut exited) = (Vec::new(), false);
    while told.len() < 6 || !exited {
        match timeout(DEADLINE, master.from_agent.recv()).await.unwrap().unwrap().1 {
            ToMaster::Update { status, .. } => {
                master.acknowledge(&status);
                let parent = status.container_status.as_ref().and_then(|it| it.container_id.as_ref()?.parent.clone());
                assert!(parent.is_some(), "{status:?}");
                told.push(format!("{} {}", status.task_id, told_of(&status)));
            }
            ToMaster::ExecutorExited { executor_id, .. } => exited = executor_id.as_str() == "E",
            other => panic!("{other:?}"),
        }
    }
    let of = |task: &str| told.iter().filter(|it| it.starts_with(task)).cloned().collect::<Vec<_>>();
    let fails = ["fails TASK_STARTING", "fails TASK_RUNNING", "fails TASK_FAILED Command exited with status 7"];
    assert_eq!(of("fails"), fails);
    assert_eq!(of("lives")[2], "lives TASK_KILLED Command terminated with signal Terminated");
    master.agent.shutdown().await;
}

#[tokio::test]
async fn without_an_engine_a_container_is_simulated_and_says_so() {
    let mut master = Master::start(Docker::Never).await;
    assert_eq!(master.agent.docker(), None);
    let container = json!({"type": "DOCKER", "docker": {"image": "busybox"}});
    master.launch("t", json!({"command": {"value": "exit 1"}, "container": container}));
    let told = master.updates(2).await;
    assert_eq!(told[0], "TASK_STARTING");
    assert!(told[1].starts_with("TASK_RUNNING (simulated: no Docker Engine"), "{told:?}");
    let state = master.state().await;
    assert_eq!(state["attributes"]["containers"], "simulated");
    let directory = state["frameworks"][0]["executors"][0]["directory"].as_str().unwrap().to_owned();
    let read = master.get(&format!("/files/read?path={directory}/stdout&offset=0")).await.1;
    assert!(read.contains("simulated"), "{read}");
    master.kill("t");
    let told = master.updates(2).await;
    assert!(told[1].starts_with("TASK_KILLED") && told[1].contains("simulated"), "{told:?}");
    master.agent.shutdown().await;
}

#[tokio::test]
async fn what_no_update_was_acknowledged_for_is_sent_again_after_ten_seconds() {
    let mut master = Master::start(Docker::Never).await;
    let container = json!({"type": "DOCKER", "docker": {"image": "busybox"}});
    master.launch("t", json!({"container": container, "command": {"shell": false}}));
    let first = master.seen().await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    // Time moves by itself while everybody waits.
    let again = match master.from_agent.recv().await.unwrap().1 {
        ToMaster::Update { status, .. } => status,
        other => panic!("{other:?}"),
    };
    let waited = before.elapsed();
    assert!(waited > Duration::from_secs(9) && waited < Duration::from_secs(11), "{waited:?}");
    assert_eq!(again.uuid, first.uuid);
    tokio::time::resume();
    // A master that has taken the agent in again gets it at once.
    master.send(ToAgent::Registered("S0".into()));
    assert_eq!(master.seen().await.uuid, first.uuid);
    master.agent.shutdown().await;
}

#[tokio::test]
async fn a_framework_that_is_gone_hears_nothing_more() {
    let mut master = Master::start(Docker::Never).await;
    master.launch("t", json!({"command": {"value": "sleep 1000"}}));
    master.updates(2).await;
    master.send(ToAgent::ShutdownFramework("F".into()));
    while master.state().await["completed_frameworks"][0].is_null() {
        tokio::task::yield_now().await;
    }
    master.agent.shutdown().await;
    while let Some((_, message)) = master.from_agent.recv().await {
        assert!(!matches!(message, ToMaster::Update { .. }), "{message:?}");
    }
}

#[tokio::test]
async fn an_agent_that_is_killed_takes_its_tasks_up_again() {
    let mut master = Master::start_in(tempfile::tempdir().unwrap(), Docker::Never, true).await;
    let waits = "while [ ! -e go ]; do sleep 0.05; done; exit 5";
    master.launch("ends", json!({"command": {"value": waits}}));
    assert_eq!(master.updates(2).await, ["TASK_STARTING", "TASK_RUNNING"]);
    master.launch("runs", json!({"command": {"value": "sleep 1000"}}));
    assert_eq!(master.updates(1).await, ["TASK_STARTING"]);
    let unacknowledged = master.seen().await;
    let state = master.state().await;
    let directory = state["frameworks"][0]["executors"][0]["directory"].as_str().unwrap().to_owned();
    // Its processes are not told to go, as when the agent's process is killed.
    master.agent.actor.abort();
    let (sender, _) = mpsc::unbounded_channel();
    let offers = AgentConfig::default();
    let address = "127.0.0.1".parse().unwrap();
    let work_dir = master.work_dir.path().to_owned();
    let settings = |recover| Config {
        index: 0,
        address,
        port: 0,
        hostname: "localhost".to_owned(),
        work_dir: work_dir.as_path().into(),
        engine: None,
        recover,
        offers: offers.clone(),
        faults: Faults::default(),
    };
    drop(Agent::start(settings(false), sender).await.unwrap());
    let (sender, mut from_agent) = mpsc::unbounded_channel();
    let agent = Agent::start(settings(true), sender).await.unwrap();
    let Some((_, ToMaster::Register(again))) = from_agent.recv().await else { panic!("no registration") };
    assert_eq!(again.info.id, Some("S0".into()));
    assert_eq!(again.survivors.len(), 2);
    let link = again.link;
    link.send(ToAgent::Registered("S0".into())).unwrap();
    (master.agent, master.from_agent, master.link) = (agent, from_agent, link);
    // What was not acknowledged comes again; what ends meanwhile is told with its exit status.
    assert_eq!(master.update().await.uuid, unacknowledged.uuid);
    std::fs::write(format!("{directory}/go"), "").unwrap();
    let ended = "TASK_FAILED REASON_COMMAND_EXECUTOR_FAILED Command exited with status 5";
    assert_eq!(master.updates(1).await, [ended]);
    master.kill("runs");
    let killed = "TASK_KILLED Command terminated with signal Terminated";
    assert_eq!(master.updates(2).await, ["TASK_KILLING", killed]);
    master.agent.shutdown().await;
}

/// The test speaks as an executor whose process only sleeps.
#[tokio::test]
async fn a_framework_may_bring_its_own_executor() {
    use crate::embedded::wire::{self, Format};
    use crate::mesos::executor::{Call, Event};

    let _ = rustls::crypto::ring::default_provider().install_default();
    for format in [Format::Json, Format::Protobuf] {
        let mut master = Master::start(Docker::Never).await;
        let url = format!("http://{}/slave(1)/api/v1/executor", master.agent.address());
        let client = reqwest::Client::new();
        let post = async |mut call: Value| {
            call["executor_id"] = json!({"value": "E"});
            call["framework_id"] = json!({"value": "F"});
            let call: Call = serde_json::from_value(call).unwrap();
            let request = client.post(&url).body(format.write(&call));
            let kind = format.media_type();
            request.header("content-type", kind).header("accept", kind).send().await.unwrap()
        };
        let subscribe = json!({"type": "SUBSCRIBE", "subscribe": {}});
        let refused = post(subscribe.clone()).await;
        assert_eq!(refused.status().as_u16(), 400);
        assert_eq!(refused.text().await.unwrap(), "Framework cannot be found");
        let executor = json!({"executor_id": {"value": "E"}, "command": {"value": "sleep 1000"}});
        master.launch("t", json!({"executor": executor}));
        // The launch and this call come on different ways.
        let mut stream = loop {
            let answer = post(subscribe.clone()).await;
            if answer.status().as_u16() == 200 {
                break answer;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(stream.headers()["content-type"], format.media_type());
        let mut decoder = crate::recordio::Decoder::default();
        let mut next = async || loop {
            if let Some(record) = decoder.next_record().unwrap() {
                break wire::read::<Event>(format, &record, "Event").unwrap();
            }
            decoder.push(timeout(DEADLINE, stream.chunk()).await.unwrap().unwrap().expect("an event"));
        };
        let subscribed = next().await.subscribed.unwrap();
        assert_eq!(subscribed.agent_info.id, Some("S0".into()));
        assert_eq!(next().await.launch.unwrap().task.task_id.as_str(), "t");
        let update = |state: &str, uuid: &str| {
            let status = json!({"task_id": {"value": "t"}, "state": state, "uuid": uuid, "timestamp": 1.5,
                "source": "SOURCE_EXECUTOR", "message": "mine"});
            json!({"type": "UPDATE", "update": {"status": status}})
        };
        let (first, last) = ("AAAAAAAAAAAAAAAAAAAAAA==", "AQEBAQEBAQEBAQEBAQEBAQ==");
        assert_eq!(post(update("TASK_RUNNING", first)).await.status().as_u16(), 202);
        assert_eq!(next().await.acknowledged.unwrap().uuid.0, [0; 16]);
        let running = master.update().await;
        assert_eq!((running.uuid.unwrap().0, running.message.as_deref()), (vec![0; 16], Some("mine")));
        assert_eq!(running.timestamp, Some(1.5));
        // Doubled: acknowledged, and not passed on.
        post(update("TASK_RUNNING", first)).await;
        assert_eq!(next().await.acknowledged.unwrap().uuid.0, [0; 16]);
        let data = b"to".to_vec();
        master.send(ToAgent::Message { framework_id: "F".into(), executor_id: "E".into(), data });
        assert_eq!(next().await.message.unwrap().data.0, b"to");
        post(json!({"type": "MESSAGE", "message": {"data": "YmFjaw=="}})).await;
        match timeout(DEADLINE, master.from_agent.recv()).await.unwrap().unwrap().1 {
            ToMaster::Message { data, .. } => assert_eq!(data, b"back"),
            other => panic!("{other:?}"),
        }
        master.kill("t");
        assert_eq!(next().await.kill.unwrap().task_id.as_str(), "t");
        post(update("TASK_KILLED", last)).await;
        assert_eq!(next().await.acknowledged.unwrap().uuid.0, [1; 16]);
        assert_eq!(master.update().await.state.as_str(), "TASK_KILLED");
        // Another task of the same executor, which ends without having told of it.
        master.launch("u", json!({"executor": executor}));
        assert_eq!(next().await.launch.unwrap().task.task_id.as_str(), "u");
        let state = master.state().await;
        let shown = &state["frameworks"][0]["executors"][0];
        assert_eq!((&shown["id"], &shown["tasks"][0]["executor_id"]), (&json!("E"), &json!("E")));
        let containers: Value = serde_json::from_str(&master.get("/containers").await.1).unwrap();
        let pid = containers[0]["status"]["executor_pid"].as_u64().unwrap();
        super::process::signal_tree(u32::try_from(pid).unwrap(), nix::sys::signal::Signal::SIGKILL);
        let lost = "TASK_FAILED REASON_EXECUTOR_TERMINATED Executor terminated";
        assert_eq!(master.updates(1).await, [lost]);
        loop {
            let message = timeout(DEADLINE, master.from_agent.recv()).await.unwrap().unwrap().1;
            if let ToMaster::ExecutorExited { status, .. } = message {
                break assert_eq!(status, 9);
            }
        }
        master.agent.shutdown().await;
    }
}

/// An agent with a Docker Engine and a busybox image, or why there is none.
async fn with_docker() -> Result<Master, &'static str> {
    let master = Master::start(Docker::Auto).await;
    if master.agent.docker().is_none() {
        return Err("no Docker Engine answers");
    }
    let engine = super::docker::Engine::find().await.ok_or("no Docker Engine answers")?;
    match engine.pull("busybox", false).await {
        Ok(()) => Ok(master),
        Err(_) => Err("no busybox image is there or can be had"),
    }
}

#[tokio::test]
async fn a_container_runs_on_an_engine() {
    let mut master = match with_docker().await {
        Ok(master) => master,
        Err(why) => {
            eprintln!("skipped: {why}");
            return;
        }
    };
    let container = json!({"type": "DOCKER", "docker": {"image": "busybox", "network": "HOST"}});
    let start = |command: &str| json!({"command": {"value": command}, "container": container});
    master.launch("ends", start("echo out; echo err >&2; exit 4"));
    assert_eq!(master.update().await.state.as_str(), "TASK_STARTING");
    let running = master.update().await;
    let inspected: Value = serde_json::from_slice(&running.data.unwrap().0).unwrap();
    assert_eq!(inspected[0]["Args"][1], "echo out; echo err >&2; exit 4");
    assert_eq!(master.updates(1).await, ["TASK_FAILED Container exited with status 4"]);
    for (file, data) in [("stdout", "out\n"), ("stderr", "err\n")] {
        let path = format!("/files/read?path=/frameworks/F/executors/ends/runs/latest/{file}&offset=0");
        assert_eq!(master.get(&path).await.1, json!({"data": data, "offset": 0}).to_string());
    }
    master.launch("killed", start("trap 'exit 0' TERM; sleep 1000 & wait"));
    master.updates(2).await;
    master.kill("killed");
    assert_eq!(master.updates(2).await, ["TASK_KILLING", "TASK_KILLED Container exited with status 0"]);
    let missing = json!({"type": "DOCKER", "docker": {"image": "no-such-image:0"}});
    master.launch("missing", json!({"command": {"shell": false}, "container": missing}));
    let told = master.updates(1).await.remove(0);
    let expected = "TASK_FAILED REASON_CONTAINER_LAUNCH_FAILED Failed to launch container: Failed to run 'docker -H ";
    assert!(told.starts_with(expected), "{told}");
    master.agent.shutdown().await;
}

#[tokio::test]
async fn bad_requests_are_answered_as_by_a_real_agent() {
    let master = Master::start(Docker::Never).await;
    let cases = [
        ("/no/such", 404, "404 Not Found."),
        ("/files/browse", 400, "Expecting 'path=value' in query.\n"),
        ("/files/browse?path=/x", 404, ""),
        ("/slave(1)/api/v1", 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."),
        ("/slave(1)/version", 404, "404 Not Found."),
        ("/slave(1)/health", 200, ""),
        ("/%ff%00?path=%ff", 404, "404 Not Found."),
    ];
    for (path, code, body) in cases {
        assert_eq!(master.get(path).await, (code, body.to_owned()), "{path}");
    }
    let client = reqwest::Client::new();
    let url = format!("http://{}/slave(1)/api/v1", master.agent.address());
    for (body, code, start) in [
        ("", 400, "Failed to parse body into JSON"),
        ("[]", 400, "Expecting a JSON object"),
        ("{}", 400, "Failed to validate agent::Call"),
        (r#"{"type": "GET_HEALTH"}"#, 200, r#"{"type":"GET_HEALTH","get_health":{"healthy":true}}"#),
        (r#"{"type": "READ_FILE"}"#, 400, "Failed to validate agent::Call"),
    ] {
        let post = client.post(&url).header("content-type", "application/json").body(body);
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), code, "{body}");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with(start), "{body}: {text}");
    }
    let foreign = client.get(format!("http://{}/state", master.agent.address())).header("host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status().as_u16(), 403);
    master.agent.shutdown().await;
}
