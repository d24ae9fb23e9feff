//! The program without a prompt: exit statuses, pipes, formats, signals.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::docker;
use crate::support::real_mesos::RealMesos;
use mesos_repl::embedded::{Cluster, Config, Docker};

const DEADLINE: Duration = Duration::from_secs(120);

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesos-repl"));
    command.args(args).stdin(Stdio::null());
    // The person's own settings must not decide, and their sessions are nobody else's.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("XDG_STATE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("state"));
    for name in [
        "MESOS_MASTER",
        "MESOS_PROFILE",
        "MESOS_PRINCIPAL",
        "MESOS_SECRET",
        "MESOS_TOKEN",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end, within the deadline.
fn run(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let status = ends(&mut child);
    Output { status, stdout: out.join().unwrap().unwrap(), stderr: err.join().unwrap().unwrap() }
}

fn ends(child: &mut std::process::Child) -> std::process::ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("not ended within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn exit_statuses() {
    for (args, status, words) in [
        (&["--version"][..], 0, "mesos-repl"),
        (&["--help"], 0, "Exit status"),
        (&["--output", "xml"], 2, "xml"),
        (&["--nonsense"], 2, "--nonsense"),
        (&["no-such-script.mesos"], 2, "no-such-script.mesos"),
        (&["--master", "zk://a:x/mesos", "-c", "version"], 2, "no port"),
        (&["--master", "zk://127.0.0.1:1/mesos", "-c", "version"], 1, "no ZooKeeper answers at 127.0.0.1:1"),
        (&["--master", "https://a,http://b", "-c", "version"], 2, "don't mix"),
        (&["--master", "a", "--principal", "p", "--secret-file", "/nowhere", "-c", "version"], 2, "/nowhere"),
        (&["--principal", "p", "-c", "version"], 2, "no master"),
        (&["--profile", "p", "-c", "version"], 2, "no profile 'p'"),
        (&["--master", "127.0.0.1:1", "-c", "nonsense"], 2, "unknown command"),
        (&["--master", "127.0.0.1:1", "-c", "offers --wiht"], 2, "--wiht"),
        (&["--master", "127.0.0.1:1", "-c", "help frobnicate"], 1, "frobnicate"),
        (&["--master", "127.0.0.1:1", "-c", "version"], 1, "nothing answers"),
        (&["--master", "127.0.0.1:1", "-c", "help quit"], 0, "quit"),
    ] {
        let output = run(&mut program(args));
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_says_that_the_disk_refuses_its_record_and_goes_on() {
    let config = Config { agents: 1, docker: Docker::Never, ..Config::default() };
    let cluster = Cluster::start(config).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let whole = program(&[
        "--master",
        &cluster.address().to_string(),
        "-c",
        "run --cmd 'exit 0' --name job --until finished; status",
    ]);
    // Files of this process can't grow beyond 512 bytes; who ignores the signal for it gets an error.
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(whole.get_program())
        .args(whole.get_args());
    whole.get_envs().for_each(|(name, value)| {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    });
    command.env("XDG_STATE_HOME", home.path()).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(out.contains("FINISHED") && out.contains("not any more: File too large"), "{out}");
    assert_eq!(err.matches("isn't recorded any more: File too large").count(), 1, "{err}");
    cluster.shutdown().await;
}

#[test]
fn a_script_that_waits_for_a_master_says_so() {
    let nobody = format!("127.0.0.1:{}", crate::support::free_port());
    let output = run(&mut program(&["--master", &nobody, "-c", "subscribe --timeout 5s"]));
    assert_eq!(output.status.code(), Some(1));
    let err = text(&output.stderr);
    assert_eq!(err.matches("no subscription yet: nothing answers at").count(), 1, "{err}");
    assert!(err.contains("trying on for 5 s") && err.contains("not subscribed after 5 s"), "{err}");
}

#[test]
fn the_first_failure_ends_a_script() {
    let output = run(&mut program(&["-c", "help quit\nshow nosuchthing; help suppress"]));
    assert_eq!(output.status.code(), Some(1));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(out.contains("quit") && !out.contains("suppress"), "{out}");
    assert!(err.contains("nosuchthing") && !out.contains("nosuchthing"), "{err}");
}

#[test]
fn pipes_get_no_control_codes() {
    let commands = "version; agents; help; subscribe; offers; status";
    let plain = run(&mut program(&["-c", commands]));
    assert_eq!(plain.status.code(), Some(0), "{}", text(&plain.stderr));
    assert!(!plain.stdout.contains(&0x1b), "{}", text(&plain.stdout));
    assert!(!plain.stderr.contains(&0x1b), "{}", text(&plain.stderr));
    let coloured = run(&mut program(&["--color", "always", "-c", "version"]));
    assert!(coloured.stdout.contains(&0x1b));
    let forced = run(program(&["-c", "version"]).env("CLICOLOR_FORCE", "1"));
    assert!(forced.stdout.contains(&0x1b));
    let neither = run(program(&["-c", "version"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"));
    assert!(!neither.stdout.contains(&0x1b));
}

#[test]
fn json_is_one_document_for_each_answer() {
    let output = run(&mut program(&["--output", "json", "-c", "version; get /version; agents"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let documents: Vec<serde_json::Value> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(documents.len(), 3, "{}", text(&output.stdout));
    assert_eq!(documents[1]["version"], "1.11.0");
    let output = run(&mut program(&["--output", "yaml", "-c", "get /version"]));
    assert!(text(&output.stdout).contains("version: \"1.11.0\""), "{}", text(&output.stdout));
}

#[test]
fn commands_come_from_a_script_or_the_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("walk.mesos");
    std::fs::write(&script, "# a script\nhelp quit\n\nhelp suppress\n").unwrap();
    let output = run(&mut program(&[script.to_str().unwrap()]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("suppress"));

    for args in [&[][..], &["-"]] {
        let mut command = program(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        // The answer comes while more could follow: another program can drive the session.
        stdin.write_all(b"get /version\n").unwrap();
        let mut answer = String::new();
        while !answer.contains("1.11.0") {
            assert_ne!(stdout.read_line(&mut answer).unwrap(), 0, "{answer}");
        }
        stdin.write_all(b"subscribe\n{\"type\":\n\"REVIVE\"}\n").unwrap();
        drop(stdin);
        stdout.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("REVIVE answered 202"), "{answer}");
        assert_eq!(ends(&mut child).code(), Some(0));
    }
}

#[test]
fn an_interrupt_ends_it_with_130() {
    let mut command = program(&["-c", "subscribe; heartbeat --wait 90s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut answer = String::new();
    while !answer.contains("subscribed as") {
        assert_ne!(stdout.read_line(&mut answer).unwrap(), 0, "{answer}");
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(ends(&mut child).code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let mut command = program(&["-c", "help; help; help"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!said.contains("panic"), "{said}");
    assert!(ends(&mut child).code().is_some());
}

#[test]
fn a_served_mesos_answers_until_it_is_told_to_end() {
    let mut command = program(&["local", "--port", "0", "--agents", "2", "--no-docker"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ctrl-C") {
        assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let url = said.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    assert_eq!(said.matches("agent at").count(), 2, "{said}");
    let output = run(&mut program(&["--master", &url, "-c", "version"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1.11.0"));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(ends(&mut child).code(), Some(0));
}

#[test]
fn a_framework_that_a_script_leaves_is_torn_down_and_says_so() {
    let output = run(&mut program(&["-c", "run --cmd 'sleep 600' --name nap"]));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(out.contains("RUNNING"), "{out}");
    assert!(err.contains("torn down; 1 task killed"), "{err}");
}

/// Walks through the demonstration with these arguments.
fn walk(args: &[&str]) -> String {
    let output = run(&mut program(args));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{args:?}\n{out}\n{err}");
    assert!(out.contains("the master lists the framework no more"), "{out}");
    assert!(!output.stdout.contains(&0x1b), "{out}");
    out
}

#[test]
fn the_walk_sees_each_effect() {
    let out = walk(&["demo", "--no-docker"]);
    assert!(out.contains("real: the process"), "{out}");
}

#[test]
fn the_walk_runs_a_container_or_says_that_it_is_simulated() {
    let engine = Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success());
    if engine && let Some(why) = docker::missing() {
        skip!("{why}, and pulling another would take the network");
    }
    let out = walk(&["demo"]);
    let word = if engine { "real: the container" } else { "simulated: the container" };
    assert!(out.contains(word), "{out}");
}

#[tokio::test]
async fn the_walk_is_the_same_on_a_real_mesos() {
    let mesos = match RealMesos::start(1).await {
        Ok(mesos) => mesos,
        Err(why) => skip!("{why}"),
    };
    let out = walk(&["demo", "--master", &mesos.address(), "--no-docker"]);
    assert!(out.contains("real: the cluster, the process"), "{out}");
    if let Some(why) = docker::missing() {
        skip!("{why}");
    }
    let out = walk(&["demo", "--master", &mesos.address(), "--image", docker::BUSYBOX]);
    assert!(out.contains("real: the cluster, its Docker containers"), "{out}");
    let refused = run(&mut program(&["demo", "--master", &mesos.address(), "--image", "no-such-image-anywhere:1"]));
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stdout));
    assert!(text(&refused.stderr).contains("the walk ends here"), "{}", text(&refused.stderr));
}
