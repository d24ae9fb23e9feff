//! `mesos-repl local --work-dir`, killed as only the system can, and started again.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::client::send;
use super::scheduler::{Framework, SOON, operate, page};
use crate::support::{docker, free_port, until, within};

/// The program, serving a cluster.
struct Local {
    child: Child,
    master: SocketAddr,
    agents: Vec<SocketAddr>,
}

impl Local {
    async fn start(work_dir: &Path, port: u16, more: &[&str]) -> Self {
        let work_dir = work_dir.to_str().unwrap();
        Self::serve(work_dir, port, &[&["--work-dir", work_dir], more].concat()).await
    }

    /// One with a folder of its own somewhere in this one, which it doesn't come back to.
    async fn passing(temporary: &Path, port: u16) -> Self {
        Self::serve(temporary.to_str().unwrap(), port, &["--no-docker"]).await
    }

    async fn serve(temporary: &str, port: u16, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mesos-repl"));
        command.args(["local", "--agents", "2", "--port", &port.to_string()]).args(more).env("TMPDIR", temporary);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told: Vec<SocketAddr> = Vec::new();
        while told.len() < 3 {
            let line = within(SOON, "the cluster's addresses", lines.next_line()).await.unwrap();
            let line = line.expect("the program serves");
            told.extend(line.rsplit_once("http://").and_then(|(_, at)| at.trim().parse::<SocketAddr>().ok()));
        }
        // Somebody goes on reading what it says.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let agents = told.split_off(1);
        let local = Self { child, master: told[0], agents };
        assert_eq!(local.master.port(), port);
        local
    }

    /// Once all agents that are expected have registered.
    async fn registered(&self, agents: usize) -> Value {
        let master = self.master;
        until(SOON, "the agents are registered", async || {
            let state = page(master, "/state").await;
            (state["slaves"].as_array()?.len() == agents).then_some(state)
        })
        .await
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Ends it as a person would.
    async fn interrupt(mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        assert!(within(SOON, "its end", self.child.wait()).await.unwrap().success());
    }
}

/// Whether a process runs; one that nobody has waited for yet doesn't.
fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn what_ran_runs_on_and_what_was_known_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    local.registered(2).await;
    let roles = json!({"roles": ["web"], "failover_timeout": 3600,
        "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]});
    let mut framework = Framework::at(local.master, roles.clone()).await;
    // A reservation and a volume on one agent, whose operations are answered and acknowledged.
    let offer = framework.offer().await;
    let reservation = json!([{"type": "DYNAMIC", "role": "web"}]);
    let disk = json!({"name": "disk", "type": "SCALAR", "scalar": {"value": 64}, "reservations": reservation});
    let mut volume = disk.clone();
    volume["disk"] = json!({"persistence": {"id": "data"}, "volume": {"container_path": "data", "mode": "RW"}});
    framework.accept(&offer, json!({"type": "RESERVE", "reserve": {"resources": [disk]}})).await;
    let home = Framework::at_agent(&offer["agent_id"]);
    let offer = framework.offer_of(&home).await;
    framework.accept(&offer, json!({"type": "CREATE", "create": {"volumes": [volume]}})).await;
    // A command that writes into the volume, one that goes on, a container that is only shown, a group.
    let offer = framework.offer_of(&home).await;
    framework
        .launch_in(&offer, "writes", json!({"command": {"value": "echo kept > data/file"}}), &[volume.clone()])
        .await;
    framework.until("TASK_FINISHED").await;
    framework.launch_on("goes-on", "while [ ! -e stop ]; do sleep 0.05; done; exit 3", &home).await;
    framework.until("TASK_RUNNING").await;
    let container = json!({"type": "DOCKER", "docker": {"image": "any"}});
    framework.launch_with("shown", json!({"container": container, "command": {"shell": false}})).await;
    framework.until("TASK_RUNNING").await;
    framework.launch_group("E", &[("a", "sleep 1000"), ("b", "sleep 1000")]).await;
    for _ in 0..2 {
        framework.until("TASK_RUNNING").await;
    }
    // The last update of this one is never acknowledged.
    framework.launch_on("ends", "exit 7", &home).await;
    framework.until("TASK_RUNNING").await;
    let unanswered = framework.stream.wait("UPDATE").await["update"]["status"].clone();
    assert_eq!(unanswered["state"], "TASK_FAILED");
    // Maintenance is planned for a machine that isn't there.
    let machine = json!({"hostname": "elsewhere"});
    let window = json!({"machine_ids": [machine], "unavailability": {"start": {"nanoseconds": 5}}});
    let schedule = json!({"schedule": {"windows": [window]}});
    let update = json!({"type": "UPDATE_MAINTENANCE_SCHEDULE", "update_maintenance_schedule": schedule});
    assert_eq!(operate(local.master, update).await.status, 200);
    let before = page(local.master, "/state").await;
    // Which of both agents was offered first is a matter of chance.
    let mut containers = Value::Null;
    for agent in &local.agents {
        if page(*agent, "/state").await["id"] == home.as_str() {
            containers = page(*agent, "/containers").await;
        }
    }
    let pid = containers[0]["status"]["executor_pid"].as_u64().unwrap();
    let agents = local.agents.clone();

    local.kill().await;
    drop(framework);
    assert!(runs(pid), "nobody has told it to go");
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    assert_eq!(local.agents, agents, "agents listen where they did");
    let again = local.registered(2).await;
    assert!(runs(pid));
    assert_ne!(again["id"], before["id"], "it is another master");
    assert_eq!(again["flags"]["registry"], "replicated_log");
    let ids = |state: &Value| {
        let mut ids: Vec<String> =
            state["slaves"].as_array().unwrap().iter().map(|agent| agent["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&again), ids(&before));
    let known = &again["frameworks"][0];
    assert_eq!((&known["id"], &known["connected"]), (&before["frameworks"][0]["id"], &json!(false)));
    let tasks = |framework: &Value| {
        let mut told: Vec<String> = framework["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| format!("{} {} {}", task["id"], task["state"], task["slave_id"]))
            .collect();
        told.sort();
        told
    };
    assert_eq!(tasks(known), tasks(&before["frameworks"][0]));
    assert_eq!(known["used_resources"], before["frameworks"][0]["used_resources"]);
    let agent = again["slaves"].as_array().unwrap().iter().find(|agent| agent["id"] == home.as_str()).unwrap();
    assert_eq!(agent["reserved_resources"]["web"]["disk"], 64.0, "{agent}");
    assert_eq!(page(local.master, "/maintenance/schedule").await["windows"][0]["machine_ids"][0], machine);

    let mut more = roles;
    more["id"] = json!({"value": known["id"]});
    let mut framework = Framework::at(local.master, more).await;
    let update = framework.stream.wait("UPDATE").await["update"]["status"].clone();
    assert_eq!(update["uuid"], unanswered["uuid"], "{update}");
    framework.acknowledge(&update).await;
    // What one task has written, the next one reads.
    let offer = framework.offer_of(&home).await;
    framework.launch_in(&offer, "reads", json!({"command": {"value": "grep kept data/file"}}), &[volume]).await;
    assert_eq!(framework.until("TASK_FINISHED").await["task_id"]["value"], "reads");
    // What runs on is stopped in its own way, and its exit status is told.
    let sandbox = page_of_sandbox(&local, "goes-on").await;
    std::fs::write(format!("{sandbox}/stop"), "").unwrap();
    let ended = framework.until("TASK_FAILED").await;
    assert_eq!(ended["message"], "Command exited with status 3");
    for task in ["shown", "a"] {
        framework.call(json!({"type": "KILL", "kill": {"task_id": {"value": task}}})).await;
        framework.until("TASK_KILLED").await;
    }
    local.interrupt().await;
    assert!(!runs(pid));
}

async fn page_of_sandbox(local: &Local, task: &str) -> String {
    for agent in &local.agents {
        let state = page(*agent, "/state").await;
        let executors =
            state["frameworks"].as_array().unwrap().iter().flat_map(|it| it["executors"].as_array().unwrap());
        if let Some(executor) = executors.into_iter().find(|executor| executor["id"] == task) {
            return executor["directory"].as_str().unwrap().to_owned();
        }
    }
    panic!("no agent has {task}");
}

#[tokio::test]
async fn a_gone_agent_stays_gone_and_its_tasks_end() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    local.registered(2).await;
    let mut framework = Framework::at(local.master, json!({"capabilities": [{"type": "PARTITION_AWARE"}]})).await;
    let agent = framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let gone = json!({"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": agent}});
    assert_eq!(operate(local.master, gone).await.status, 200);
    assert_eq!(framework.until("TASK_GONE_BY_OPERATOR").await["reason"], "REASON_AGENT_REMOVED_BY_OPERATOR");
    local.kill().await;
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    local.registered(1).await;
    let mut framework = Framework::at(local.master, json!({"capabilities": [{"type": "PARTITION_AWARE"}]})).await;
    let asked = json!({"task_id": {"value": "t"}, "agent_id": agent});
    framework.call(json!({"type": "RECONCILE", "reconcile": {"tasks": [asked]}})).await;
    assert_eq!(framework.update().await["state"], "TASK_GONE_BY_OPERATOR");
    local.interrupt().await;
}

/// Killed in the middle of things, whatever they are: every task that the scheduler was told of is there again.
#[tokio::test]
async fn a_kill_at_any_moment_loses_nothing_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut info = json!({"failover_timeout": 3600});
    for round in 0..5 {
        let local = Local::start(folder.path(), port, &["--no-docker"]).await;
        local.registered(2).await;
        let mut framework = Framework::at(local.master, info.clone()).await;
        info["id"] = framework.id.clone();
        // The moment is another one in each round: after so many events.
        let mut told = Vec::new();
        for number in 0..=round {
            framework.launch(&format!("t{round}-{number}"), "sleep 1000").await;
            let status = framework.stream.wait("UPDATE").await["update"]["status"].clone();
            // One that was sent to its agent and hadn't started has ended by the kill; it is over once that is known.
            if status["state"] == "TASK_FAILED" {
                assert_eq!(status["reason"], "REASON_EXECUTOR_TERMINATED", "{status}");
                framework.acknowledge(&status).await;
                continue;
            }
            told.push(status["task_id"]["value"].as_str().unwrap().to_owned());
            if number % 2 == 0 {
                framework.acknowledge(&status).await;
            }
        }
        local.kill().await;
        let local = Local::start(folder.path(), port, &["--no-docker"]).await;
        let state = local.registered(2).await;
        let tasks = state["frameworks"][0]["tasks"].to_string();
        for task in told {
            assert!(tasks.contains(&format!("\"{task}\"")), "round {round}: {task} is forgotten: {state}");
        }
        local.kill().await;
    }
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    local.interrupt().await;
}

#[tokio::test]
async fn a_container_runs_on() {
    if let Some(why) = docker::missing() {
        skip!("{why}");
    }
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let local = Local::start(folder.path(), port, &[]).await;
    local.registered(2).await;
    let info = json!({"failover_timeout": 3600});
    let mut framework = Framework::at(local.master, info.clone()).await;
    let container = json!({"type": "DOCKER", "docker": {"image": docker::BUSYBOX, "network": "HOST"}});
    let task = json!({"container": container, "command": {"value": "echo one; sleep 1000"}});
    framework.launch_with("box", task).await;
    let running = framework.until("TASK_RUNNING").await;
    let id = running["container_status"]["container_id"]["value"].as_str().unwrap().to_owned();
    local.kill().await;
    assert!(docker::running().contains(&id));
    let local = Local::start(folder.path(), port, &[]).await;
    local.registered(2).await;
    assert!(docker::running().contains(&id), "it is the same container");
    let mut framework = Framework::at(local.master, json!({"failover_timeout": 3600, "id": framework.id})).await;
    framework.call(json!({"type": "KILL", "kill": {"task_id": {"value": "box"}}})).await;
    framework.until("TASK_KILLED").await;
    until(SOON, "the container is gone", async || (!docker::running().contains(&id)).then_some(())).await;
    local.interrupt().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::start(folder.path(), free_port(), &["--no-docker"]).await;
    local.registered(2).await;
    // Two at once would take each other's tasks for their own.
    let second = second(folder.path()).await;
    assert!(second.contains("another embedded Mesos uses the work folder"), "{second}");
    let agent = send(local.master, "GET", "/slaves", &[], b"").await.whole().json()["slaves"][0]["id"].clone();
    local.kill().await;
    std::fs::write(folder.path().join("master/registry.json"), b"{half").unwrap();
    let told = self::second(folder.path()).await;
    assert!(told.contains("can't read the master's registry") && told.contains("registry.json"), "{told}");
    std::fs::remove_file(folder.path().join("master/registry.json")).unwrap();
    let local = Local::start(folder.path(), free_port(), &["--no-docker"]).await;
    let state = local.registered(2).await;
    let ids = state["slaves"].to_string();
    assert!(ids.contains(agent.as_str().unwrap()), "agents know their ids themselves: {ids}");
    local.interrupt().await;
}

/// What nobody could take up again goes with the program, however that ends.
#[tokio::test]
async fn without_a_work_folder_nothing_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::passing(folder.path(), free_port()).await;
    local.registered(2).await;
    let mut framework = Framework::at(local.master, json!({})).await;
    framework.launch("t", "sleep 1000 & sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let (agent, container) = first_container(&local).await;
    let pid = container["status"]["executor_pid"].as_u64().unwrap();
    let beside = beside(agent, &container).await;
    let (session, shell) = (beside.0, beside.1);
    assert!(runs(pid) && runs(shell));
    local.kill().await;
    let gone = async || (!runs(pid) && !runs(shell) && !group_runs(pid)).then_some(());
    until(SOON, "all processes have ended", gone).await;
    drop(session);
}

/// A command beside a task isn't taken up: it has ended when the task is.
#[tokio::test]
async fn a_command_beside_a_task_does_not_outlive_a_kill_and_the_task_does() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    local.registered(2).await;
    let mut framework = Framework::at(local.master, json!({"failover_timeout": 3600})).await;
    framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let (agent, container) = first_container(&local).await;
    let pid = container["status"]["executor_pid"].as_u64().unwrap();
    let (session, shell) = beside(agent, &container).await;
    local.kill().await;
    until(SOON, "the command has ended", async || (!runs(shell)).then_some(())).await;
    assert!(runs(pid), "the task goes on");
    drop(session);
    let local = Local::start(folder.path(), port, &["--no-docker"]).await;
    local.registered(2).await;
    local.interrupt().await;
    until(SOON, "the task has ended", async || (!runs(pid)).then_some(())).await;
}

/// The agent that runs something, and the first container that it runs.
async fn first_container(local: &Local) -> (SocketAddr, Value) {
    for agent in &local.agents {
        let containers = page(*agent, "/containers").await;
        if let Some(first) = containers.as_array().and_then(|all| all.first()) {
            return (*agent, first.clone());
        }
    }
    panic!("no agent runs anything");
}

/// A session beside a task, and its process.
async fn beside(agent: SocketAddr, container: &Value) -> (super::client::Stream, u64) {
    let id = json!({"value": "beside", "parent": {"value": container["container_id"]}});
    let launch = json!({"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session":
        {"container_id": id, "command": {"value": "echo $$; sleep 1000"}}});
    let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut session = send(agent, "POST", "/slave(1)/api/v1", &headers, launch.to_string().as_bytes()).await.stream();
    let said = session.next().await.unwrap()["data"]["data"].as_str().unwrap().to_owned();
    let number = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, said).unwrap();
    (session, String::from_utf8(number).unwrap().trim().parse().unwrap())
}

/// Whether anything of a process group runs.
fn group_runs(group: u64) -> bool {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let mut fields = stats.filter_map(|stat| Some(stat.rsplit_once(") ")?.1.to_owned()));
    fields.any(|rest| {
        let fields: Vec<&str> = rest.split(' ').collect();
        fields[0] != "Z" && fields[2] == group.to_string()
    })
}

/// What the program says when it can't start.
async fn second(work_dir: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesos-repl"));
    command.args(["local", "--port", "0", "--no-docker", "--work-dir"]).arg(work_dir).kill_on_drop(true);
    let output = within(SOON, "its end", command.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
