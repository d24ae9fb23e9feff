//! The way to the session: its socket, found in the environment, or `mesos-repl serve` started for it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
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

/// The program, where it may be: named, on the path, installed by cargo, or built beside these sources.
fn programs() -> Vec<PathBuf> {
    const NAME: &str = "mesos-repl";
    if let Some(named) = std::env::var_os("MESOS_REPL") {
        return vec![named.into()];
    }
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target"));
    let built = ["release", "debug"].map(|profile| target.join(profile).join(NAME));
    let installed = cargo.map(|folder| folder.join("bin").join(NAME));
    let there = installed.into_iter().chain(built).filter(|path| path.is_file());
    std::iter::once(PathBuf::from(NAME)).chain(there).collect()
}

/// The process whose session it is: this one, or, in a notebook, the kernel, which outlives the process of its cells.
fn owner() -> u32 {
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        return std::os::unix::process::parent_id();
    }
    std::process::id()
}

/// Starts `mesos-repl serve`, which ends with the process whose session it is, and waits for its socket.
fn started(path: &std::path::Path) -> Result<UnixStream> {
    let mut server = serve(path)?;
    let begin = Instant::now();
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok(stream),
            Err(why) if begin.elapsed() > Duration::from_secs(10) => {
                return Err(Error::new(format!("mesos-repl serve doesn't listen at {}: {why}", path.display())));
            }
            Err(why) => {
                // Another program may have been faster; then its session is the one.
                if let Ok(Some(status)) = server.try_wait()
                    && UnixStream::connect(path).is_err()
                {
                    let why = format!("mesos-repl serve has ended ({status}), and nobody listens: {why}");
                    return Err(Error::new(why).help("run it in a terminal to see what it says"));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn serve(path: &std::path::Path) -> Result<std::process::Child> {
    let mut why = None;
    for program in programs() {
        let mut command = Command::new(&program);
        command.arg("serve").arg("--socket").arg(path).arg("--while").arg(owner().to_string());
        if std::env::var_os("MESOS_NO_DOCKER").is_some_and(|value| !value.is_empty() && value != "0") {
            command.arg("--no-docker");
        }
        // An interrupt at a terminal is for whoever asked, not for the session.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) => why = Some(format!("{}: {error}", program.display())),
        }
    }
    let why = why.unwrap_or_default();
    Err(Error::new(format!("no session is offered at {}, and none can be started: {why}", path.display()))
        .help("cargo install mesos-repl, or set MESOS_REPL to the program"))
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

/// Runs a command that this crate has put together.
pub(crate) fn command(text: &str, limit: Duration) -> Result<Value> {
    ask(op("run", [("text", text.into()), ("composed", true.into())]), limit)
}
