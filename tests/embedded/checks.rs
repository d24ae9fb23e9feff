//! Checks and health checks of running tasks, against services that a test makes well and sick.
//!
//! (apache/mesos: src/checks, src/launcher/executor.cpp, src/launcher/default_executor.cpp, src/docker/executor.cpp)

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::scheduler::{Framework, SOON, quick};
use crate::support::{docker, free_port, within};

/// A service over HTTP that answers every request with the status it is told to. Dropping it stops it.
struct Service {
    port: u16,
    status: Arc<AtomicU16>,
    serving: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn start(port: u16, status: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let status = Arc::new(AtomicU16::new(status));
        let told = status.clone();
        let serving = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = [0; 1024];
                // Who only looks whether somebody listens asks nothing.
                if !matches!(socket.read(&mut head).await, Ok(1..)) {
                    continue;
                }
                let status = told.load(Ordering::SeqCst);
                let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, status, serving }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// From here on nobody listens.
    async fn stop(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A health check that looks often and forgives one failure.
fn often(mut check: Value) -> Value {
    let pace =
        json!({"delay_seconds": 0, "interval_seconds": 0.05, "grace_period_seconds": 0, "consecutive_failures": 2});
    check.as_object_mut().unwrap().extend(pace.as_object().cloned().unwrap());
    check
}

/// The next update: state, reason, whether the task is well, as far as it says so.
async fn told(framework: &mut Framework) -> (String, String, Value) {
    let status = framework.update().await;
    let text = |name: &str| status[name].as_str().unwrap_or("").to_owned();
    (text("state"), text("reason"), status["healthy"].clone())
}

const CHANGED: &str = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";

/// Follows a task that is well, until it is made sick, which must be its end.
async fn follow(framework: &mut Framework, sicken: impl AsyncFnOnce()) {
    let update = |state: &str, reason: &str, healthy: Value| (state.to_owned(), reason.to_owned(), healthy);
    assert_eq!(told(framework).await, update("TASK_STARTING", "", Value::Null));
    assert_eq!(told(framework).await, update("TASK_RUNNING", "", Value::Null));
    assert_eq!(told(framework).await, update("TASK_RUNNING", CHANGED, json!(true)));
    sicken().await;
    assert_eq!(told(framework).await, update("TASK_RUNNING", CHANGED, json!(false)));
    assert_eq!(told(framework).await, update("TASK_RUNNING", CHANGED, json!(false)));
    assert_eq!(told(framework).await, update("TASK_KILLING", "", Value::Null));
    let last = framework.update().await;
    assert_eq!((&last["state"], &last["healthy"]), (&json!("TASK_KILLED"), &json!(false)), "{last}");
    assert_eq!(last["message"], "Command terminated with signal Terminated");
    assert!(last.get("reason").is_none(), "{last}");
}

/// A framework that hears of kills as they begin.
async fn framework(cluster: &mesos_repl::embedded::Cluster) -> Framework {
    Framework::new(cluster, json!({"capabilities": [{"type": "TASK_KILLING_STATE"}]})).await
}

async fn launch(framework: &mut Framework, name: &str, health_check: Value) {
    let task = json!({"command": {"value": "exec sleep 1000"}, "health_check": health_check});
    framework.launch_with(name, task).await;
}

#[tokio::test]
async fn a_task_whose_service_fails_is_killed() {
    let cluster = super::start(quick(1)).await;
    let mut framework = framework(&cluster).await;
    let service = Service::start(0, 200).await;
    let http = json!({"type": "HTTP", "http": {"port": service.port, "path": "/health"}});
    launch(&mut framework, "http", often(http)).await;
    follow(&mut framework, async || service.answer(503)).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_at_whose_port_nobody_listens_is_killed() {
    let cluster = super::start(quick(1)).await;
    let mut framework = framework(&cluster).await;
    let service = Service::start(0, 200).await;
    let tcp = json!({"type": "TCP", "tcp": {"port": service.port}});
    launch(&mut framework, "tcp", often(tcp)).await;
    follow(&mut framework, async || service.stop().await).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_whose_command_fails_is_killed() {
    let cluster = super::start(quick(1)).await;
    let mut framework = framework(&cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let sick = folder.path().join("sick");
    // In the sandbox, with the task's environment, as the task itself.
    let well = format!("test -e stdout && test \"$MESOS_SANDBOX\" = \"$PWD\" && test ! -e {}", sick.display());
    let command = json!({"type": "COMMAND", "command": {"value": well}});
    launch(&mut framework, "command", often(command)).await;
    follow(&mut framework, async || std::fs::write(&sick, "").unwrap()).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn one_failure_is_forgiven_and_a_grace_period_forgives_all() {
    let cluster = super::start(quick(1)).await;
    let mut framework = framework(&cluster).await;
    // Nobody listens at first: nothing is said of it in the grace period.
    let port = free_port();
    let mut http = often(json!({"type": "HTTP", "http": {"port": port, "path": "/"}}));
    http["grace_period_seconds"] = json!(1000);
    http["consecutive_failures"] = json!(1000);
    launch(&mut framework, "patient", http).await;
    framework.until("TASK_RUNNING").await;
    let service = Service::start(port, 404).await;
    service.answer(302);
    let well = framework.update().await;
    assert_eq!(well["healthy"], true, "{well}");
    service.answer(500);
    assert_eq!(framework.update().await["healthy"], false, "the grace period ends with the first success");
    service.answer(204);
    loop {
        let status = framework.update().await;
        assert_eq!(status["state"], "TASK_RUNNING", "{status}");
        if status["healthy"] == true {
            break;
        }
    }
    // What is known of its health is told again when it is asked for.
    framework.call(json!({"type": "RECONCILE", "reconcile": {"tasks": []}})).await;
    let latest = framework.update().await;
    assert_eq!((&latest["reason"], &latest["healthy"]), (&json!("REASON_RECONCILIATION"), &json!(true)));
    cluster.shutdown().await;
}

/// A check tells what it finds and changes nothing. One that can't be made has found nothing, which is no news at first.
#[tokio::test]
async fn a_check_tells_what_it_finds() {
    let cluster = super::start(quick(1)).await;
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join("code");
    let path = |path: &Path| path.display().to_string();
    let port = free_port();
    let kinds = [
        ("http", json!({"type": "HTTP", "http": {"port": port, "path": "/"}}), json!({"status_code": 500})),
        ("tcp", json!({"type": "TCP", "tcp": {"port": port}}), json!({"succeeded": true})),
        (
            "command",
            json!({"type": "COMMAND", "command": {"command": {"value": format!("test -e {0} && exit $(cat {0}); kill -9 $$", path(&code))}}}),
            json!({"exit_code": 7}),
        ),
    ];
    for (kind, mut check, found) in kinds {
        let mut framework = framework(&cluster).await;
        check["delay_seconds"] = json!(0);
        check["interval_seconds"] = json!(0.05);
        framework.launch_with(kind, json!({"command": {"value": "exec sleep 1000"}, "check": check})).await;
        let nothing = json!({"type": check["type"], kind: {}});
        assert_eq!(framework.update().await["check_status"], nothing, "{kind}: starting");
        assert_eq!(framework.update().await["check_status"], nothing, "{kind}: running");
        if kind == "tcp" {
            // Somebody who doesn't listen is something found.
            assert_eq!(framework.update().await["check_status"][kind], json!({"succeeded": false}));
        }
        let service = Service::start(port, 500).await;
        std::fs::write(&code, "7").unwrap();
        let status = framework.update().await;
        assert_eq!(status["state"], "TASK_RUNNING", "{kind}: {status}");
        assert_eq!(status["reason"], "REASON_TASK_CHECK_STATUS_UPDATED", "{kind}");
        assert_eq!(status["check_status"], json!({"type": check["type"], kind: found}), "{kind}");
        assert!(status.get("healthy").is_none(), "{kind}: {status}");
        service.stop().await;
        std::fs::remove_file(&code).unwrap();
        let gone = if kind == "tcp" { json!({"succeeded": false}) } else { json!({}) };
        assert_eq!(framework.update().await["check_status"][kind], gone, "{kind}");
        framework.call(json!({"type": "KILL", "kill": {"task_id": {"value": kind}}})).await;
        // What ends has no result.
        assert_eq!(framework.until("TASK_KILLED").await["check_status"], nothing, "{kind}: killed");
        framework.call(json!({"type": "TEARDOWN"})).await;
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_group_goes_with_a_task_that_is_sick() {
    let cluster = super::start(quick(1)).await;
    let mut framework = framework(&cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let sick = folder.path().join("sick");
    let check = often(json!({"type": "COMMAND", "command": {"value": format!("test ! -e {}", sick.display())}}));
    framework.launch_group_with("E", &[("a", json!({"health_check": check})), ("b", json!({}))]).await;
    let mut running = 0;
    while running < 3 {
        let status = framework.update().await;
        running += usize::from(status["state"] == "TASK_RUNNING");
    }
    std::fs::write(&sick, "").unwrap();
    let mut ended = Vec::new();
    while ended.len() < 2 {
        let status = framework.until("TASK_KILLED").await;
        ended.push((status["task_id"]["value"].as_str().unwrap().to_owned(), status["healthy"].clone()));
    }
    ended.sort_by(|left, right| left.0.cmp(&right.0));
    // As the default executor has it: once a task of it was sick, whatever ends under it ended sick.
    assert_eq!(ended, [("a".to_owned(), json!(false)), ("b".to_owned(), json!(false))]);
    cluster.shutdown().await;
}

/// A container in a network of its own is looked at there, not at the agent's own ports.
#[tokio::test]
async fn a_container_is_checked_in_its_own_network() {
    if let Some(why) = docker::missing() {
        skip!("{why}");
    }
    let config = mesos_repl::embedded::Config { docker: mesos_repl::embedded::Docker::Auto, ..quick(1) };
    let cluster = super::start(config).await;
    let mut framework = framework(&cluster).await;
    let network = docker::Network::new("mesos-repl-checks");
    let container = json!({"type": "DOCKER", "docker": {"image": docker::BUSYBOX, "network": "USER"},
        "network_infos": [{"name": network.name}]});
    let command = "mkdir /www; echo well > /www/health; httpd -p 8642 -h /www; \
                   while [ ! -e /sick ]; do sleep 0.1; done; rm /www/health; sleep 1000";
    let http = often(json!({"type": "HTTP", "http": {"port": 8642, "path": "/health"}}));
    let check = json!({"type": "TCP", "tcp": {"port": 8642}, "delay_seconds": 0, "interval_seconds": 0.05});
    let task = json!({"container": container, "command": {"value": command}, "health_check": http, "check": check,
        "kill_policy": {"grace_period": {"nanoseconds": 0}}});
    framework.launch_with("box", task).await;
    let status = framework.until("TASK_RUNNING").await["container_status"].clone();
    let id = status["container_id"]["value"].clone();
    assert_ne!(status["network_infos"][0]["ip_addresses"][0]["ip_address"], "127.0.0.1", "{status}");
    let (mut well, mut open) = (false, false);
    while !(well && open) {
        let status = framework.update().await;
        assert_eq!(status["state"], "TASK_RUNNING", "{status}");
        well |= status["healthy"] == true;
        open |= status["check_status"]["tcp"]["succeeded"] == true;
    }
    let name = format!("mesos-{}", id.as_str().unwrap());
    let mut touch = tokio::process::Command::new("docker");
    touch.args(["exec", &name, "touch", "/sick"]);
    assert!(within(SOON, "docker exec", touch.status()).await.unwrap().success());
    assert_eq!(framework.until("TASK_KILLED").await["healthy"], false);
    cluster.shutdown().await;
    drop(network);
}
