//! Other people's clients on the embedded Mesos: each runs a task to its end. `.ci/run` installs what they need.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use mesos_repl::embedded::{Cluster, Config, Docker};
use tokio::process::Command;

use crate::support::within;

const DEADLINE: Duration = Duration::from_secs(180);

/// Where Debian puts the sources of Go libraries.
const GO_PATH: &str = "/usr/share/gocode";

async fn cluster() -> Cluster {
    let interval = Duration::from_millis(100);
    Cluster::start(Config { docker: Docker::Never, allocation_interval: interval, ..Config::default() }).await.unwrap()
}

async fn run(command: &mut Command, what: &str) -> Output {
    within(DEADLINE, what, command.kill_on_drop(true).output()).await.unwrap()
}

/// The lines that it printed, once it has ended well.
fn lines(output: &Output) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{:?}: {out}{err}", output.status);
    out.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn python_clients_run_a_task() {
    let python = std::env::var("MESOS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python_client.py");
    let cluster = cluster().await;
    for client in ["avmesos", "mesoshttp"] {
        let import = Command::new(&python).args(["-c", &format!("import {client}.client")]).output().await;
        if !import.is_ok_and(|output| output.status.success()) {
            crate::support::say_skipped(module_path!(), &format!("{python} has no {client} (pip install {client})"));
            continue;
        }
        let output = run(Command::new(&python).arg(&script).args([client, &cluster.url()]), client).await;
        let said = lines(&output);
        let states: Vec<&String> = said.iter().filter(|line| line.starts_with("TASK_")).collect();
        assert_eq!(states, ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"], "{client}: {said:?}");
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn mesos_go_runs_a_command_and_an_executor_of_its_own() {
    let has_library = Path::new(GO_PATH).join("src/github.com/mesos/mesos-go/api/v1/lib").is_dir();
    let has_go = Command::new("go").arg("version").output().await.is_ok_and(|output| output.status.success());
    if !has_go || !has_library {
        crate::skip!("no Go, or no golang-github-mesos-mesos-go-dev (apt-get install both)");
    }
    let folder = tempfile::tempdir().unwrap();
    let program: PathBuf = folder.path().join("mesos_go");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(".");
    build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/mesos_go"));
    build.env("GO111MODULE", "off").env("GOPATH", GO_PATH).env("GOFLAGS", "-buildvcs=false");
    lines(&run(&mut build, "the build with mesos-go").await);
    let cluster = cluster().await;
    for format in ["json", "protobuf"] {
        let output = run(Command::new(&program).args(["scheduler", &cluster.url(), format]), format).await;
        let said = lines(&output);
        let of = |task: &str| said.iter().filter(|line| line.starts_with(task)).cloned().collect::<Vec<_>>();
        assert_eq!(
            of("command"),
            ["command TASK_STARTING", "command TASK_RUNNING", "command TASK_FINISHED"],
            "{format}"
        );
        assert_eq!(of("own"), ["own TASK_RUNNING", "own TASK_FINISHED"], "{format}");
        assert_eq!(said.last().map(String::as_str), Some("torn down"), "{format}");
    }
    cluster.shutdown().await;
}
