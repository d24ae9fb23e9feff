//! The way to the session: its socket, found in the environment, or `mesos-repl serve` started for it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::json::Value;

/// Names the session's socket.
const SOCKET: &str = "MESOS_SESSION";
/// Beyond what the session itself may take for an answer.
const SLACK: Duration = Duration::from_secs(150);

/// Where a session of this person listens where nobody says otherwise.
fn usual() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let folder =
        set("XDG_RUNTIME_DIR").or_else(|| set("XDG_STATE_HOME")).or_else(home).unwrap_or_else(std::env::temp_dir);
    folder.join("mesos-repl/session.sock")
}

fn open() -> Result<UnixStream> {
    if let Some(path) = std::env::var_os(SOCKET) {
        return UnixStream::connect(&path).map_err(|why| {
            Error::new(format!("the session at {} doesn't answer: {why}", PathBuf::from(&path).display()))
                .help("restart the kernel, or the mesos-repl that offers it")
        });
    }
    let path = usual();
    UnixStream::connect(&path).or_else(|_| started(&path))
}

/// Starts `mesos-repl serve`, which lives on by itself, and waits for its socket.
fn started(path: &std::path::Path) -> Result<UnixStream> {
    let program = std::env::var_os("MESOS_REPL").unwrap_or_else(|| "mesos-repl".into());
    let start = Command::new(&program)
        .arg("serve")
        .arg("--socket")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(why) = start {
        return Err(Error::new(format!(
            "no session is offered at {}, and {program:?} can't be started: {why}",
            path.display()
        ))
        .help("cargo install mesos-repl, or set MESOS_REPL to the program"));
    }
    let begin = Instant::now();
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok(stream),
            Err(why) if begin.elapsed() > Duration::from_secs(10) => {
                return Err(Error::new(format!("mesos-repl serve doesn't listen at {}: {why}", path.display())));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Asks the session, and waits for its answer: `limit` beyond what an answer usually takes.
pub(crate) fn ask(request: Value, limit: Duration) -> Result<Value> {
    let lost = |why: std::io::Error| Error::new(format!("the session gives no answer: {why}"));
    let mut stream = open()?;
    stream.set_read_timeout(Some(limit.saturating_add(SLACK))).map_err(lost)?;
    stream.write_all(format!("{request}\n").as_bytes()).map_err(lost)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(lost)?;
    let mut answer = Value::parse(&line).ok_or_else(|| Error::new("the session has ended the connection"))?;
    if let Value::Object(fields) = &mut answer
        && let Some(at) = fields.iter().position(|(name, _)| name == "ok")
    {
        return Ok(fields.swap_remove(at).1);
    }
    let error = answer.get("error");
    Err(Error::told(error.get("what").text(), error.get("text").text()))
}

/// A request without more than its name.
pub(crate) fn op<'a>(name: &'a str, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::object(std::iter::once(("op", name.into())).chain(fields))
}
