//! One process of the program, driven by its standard input.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::gate::Gate;

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Killed at its point.
    Killed,
    /// Killed after its last line, its point not reached.
    Through,
    /// By itself, which it must not.
    Itself,
}

/// A running program.
pub struct Life {
    child: Child,
    stdin: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
    log: File,
}

/// What stands at the end of a life's answers.
const LAST: &str = "help quit";
const LAST_ANSWER: &str = "quit [options]";

fn program(master: SocketAddr, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesos-repl"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home);
    command.env("XDG_STATE_HOME", home.join("state")).args(["--master", &master.to_string()]).args(args);
    command.kill_on_drop(true);
    command
}

impl Life {
    /// Starts one.
    pub fn start(master: SocketAddr, home: &Path, args: &[&str]) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(home.join("told")).unwrap();
        let mut child = program(master, home, args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().unwrap())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, stdin, told, log }
    }

    /// One that nobody kills, to its end.
    pub async fn whole(master: SocketAddr, home: &Path, args: &[&str]) -> Output {
        let output = program(master, home, args).stdin(Stdio::null()).output();
        crate::support::within(super::DEADLINE, "a whole life", output).await.unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Its input; it stays open behind that.
    pub async fn types(&mut self, lines: &[String]) {
        let text: String = lines.iter().map(String::as_str).chain([LAST]).map(|line| format!("{line}\n")).collect();
        // One that was killed before reads nothing.
        let _ = self.stdin.write_all(text.as_bytes()).await;
    }

    /// Waits for its end, which comes after its last answer at the latest.
    pub async fn ends(mut self, gate: &Gate) -> Ended {
        let mut through = false;
        while let Ok(Some(line)) = self.told.next_line().await {
            let _ = writeln!(self.log, "{line}");
            if line == LAST_ANSWER {
                through = true;
                gate.shoot();
            }
        }
        let status = self.child.wait().await.unwrap();
        gate.is_over();
        match (std::os::unix::process::ExitStatusExt::signal(&status), through) {
            (Some(9), false) => Ended::Killed,
            (Some(9), true) => Ended::Through,
            _ => Ended::Itself,
        }
    }
}
