//! Commands as processes: started in their sandbox as a process group, stopped with all that they started.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::keeper::{Keeper, Kept};
use super::user::User;
use crate::mesos::CommandInfo;

/// What to start, and where.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// The command.
    pub(super) command: &'a CommandInfo,
    /// Its whole environment.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// Its folder, where its output goes too.
    pub(super) sandbox: &'a Path,
    /// Whom it runs as.
    pub(super) user: Option<&'a User>,
    /// Where its exit status is noted, if it may outlive the agent.
    pub(super) exit: Option<&'a Path>,
    /// Who ends it should the agent be killed.
    pub(super) keeper: Option<&'a Keeper>,
}

/// A process group that runs.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: u32,
    noted: bool,
    kept: Option<Kept>,
}

/// Runs a command and notes its exit status. A kill of the group must not end it before the command; the traps are
/// not inherited. What a signal ended has 128 more than the signal's number.
const NOTE_EXIT: &str = r#"trap : HUP INT QUIT TERM
"$@"
code=$?
echo "$code" > "$0"
exit "$code""#;

/// The argument list of a command; `shell` ones go to `sh -c`.
///
/// # Errors
/// When it names nothing to run.
pub(super) fn arguments(command: &CommandInfo) -> Result<(String, Vec<String>), String> {
    let value = command.value.clone();
    if command.shell.unwrap_or(true) {
        let value = value.ok_or("Shell command is not specified")?;
        return Ok(("/bin/sh".to_owned(), vec!["sh".to_owned(), "-c".to_owned(), value]));
    }
    let program = value.or_else(|| command.arguments.first().cloned()).ok_or("Executable is not specified")?;
    let arguments = if command.arguments.is_empty() { vec![program.clone()] } else { command.arguments.clone() };
    Ok((program, arguments))
}

impl Process {
    /// Starts a command.
    ///
    /// # Errors
    /// The sentence for the task's status.
    pub(super) fn start(start: &Start<'_>) -> Result<Self, String> {
        let (program, arguments) = arguments(start.command)?;
        let mut command = match start.exit {
            Some(exit) => noting(exit, &program, start.user)?,
            None => {
                let mut command = Command::new(&program);
                if let Some(name) = arguments.first() {
                    command.arg0(name);
                }
                command
            }
        };
        command.args(arguments.iter().skip(1)).env_clear().envs(start.environment).current_dir(start.sandbox);
        let output = |name| open_output(start.sandbox, name, start.user).map(Stdio::from);
        let told = |error: io::Error| format!("Failed to open the task's output: {error}");
        command.stdin(Stdio::null()).stdout(output("stdout").map_err(told)?).stderr(output("stderr").map_err(told)?);
        command.process_group(0).kill_on_drop(true);
        if let Some(user) = start.user {
            command.uid(user.uid).gid(user.gid);
        }
        let child = command.spawn().map_err(|error| format!("Failed to execute '{program}': {error}"))?;
        let pid = child.id().ok_or_else(|| format!("Failed to execute '{program}': it has no process id"))?;
        Ok(Self { child, pid, noted: start.exit.is_some(), kept: start.keeper.map(|keeper| keeper.keep(pid)) })
    }

    /// Its process id, which is its group's too.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end, then ends what it left behind in its group. May be called again after being dropped.
    ///
    /// # Errors
    /// When the system doesn't tell how it ended.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        signal_group(self.pid, Signal::SIGKILL);
        self.kept = None;
        Ok(status.code().filter(|_| self.noted).map_or(status, status_of_note))
    }

    /// Signals it and all that it has started.
    pub(super) fn signal(&self, signal: Signal) {
        signal_tree(self.pid, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only while the leader is unreaped is the number surely still its own.
        if self.child.id().is_some() {
            signal_tree(self.pid, Signal::SIGKILL);
        }
    }
}

/// The command that runs `program` and notes how it ended; its arguments are still to be added.
fn noting(exit: &Path, program: &str, user: Option<&User>) -> Result<Command, String> {
    let told = |error: io::Error| format!("Failed to make a note of the command's end possible: {error}");
    if !is_executable(program) {
        return Err(format!("Failed to execute '{program}': No such file or directory (os error 2)"));
    }
    File::create(exit).map_err(told)?;
    if let Some(user) = user {
        user.own(exit).map_err(told)?;
    }
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(NOTE_EXIT).arg(exit).arg(program);
    Ok(command)
}

/// Whether a program is there to be run; the shell that notes exits would only tell 127.
fn is_executable(program: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &Path| path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
    if program.contains('/') {
        return !program.starts_with('/') || runs(Path::new(program));
    }
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| runs(&folder.join(program))))
}

/// How a command ended whose exit status a shell noted. Of an exit status above 128 a shell doesn't tell whether it
/// was a signal; it nearly always was.
fn status_of_note(code: i32) -> ExitStatus {
    match code.checked_sub(128).map(Signal::try_from) {
        Some(Ok(signal)) => ExitStatus::from_raw(signal as i32),
        _ => ExitStatus::from_raw(code << 8),
    }
}

/// A command that an earlier agent started, and that this one can't wait for as its own.
#[derive(Debug)]
pub(super) struct Adopted {
    pid: u32,
    started: u64,
    exit: std::path::PathBuf,
}

/// How often an adopted process is looked at.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(100);

impl Adopted {
    /// The process of that number and start, which may have ended meanwhile.
    pub(super) fn new(pid: u32, started: u64, exit: std::path::PathBuf) -> Self {
        Self { pid, started, exit }
    }

    fn runs(&self) -> bool {
        let found = i32::try_from(self.pid).ok().and_then(listed);
        found.is_some_and(|process| process.started == self.started && process.state != 'Z')
    }

    /// Waits for its end; `None` if nobody noted how it ended.
    pub(super) async fn wait(&self) -> Option<ExitStatus> {
        while self.runs() {
            tokio::time::sleep(GLANCE).await;
        }
        let noted = std::fs::read_to_string(&self.exit).ok();
        noted.and_then(|text| text.trim().parse().ok()).map(status_of_note)
    }

    /// Signals it and all that it has started.
    pub(super) fn signal(&self, signal: Signal) {
        if self.runs() {
            signal_tree(self.pid, signal);
        }
    }
}

/// Signals a process group, and descendants of its leader that have left it.
pub(super) fn signal_tree(leader: u32, signal: Signal) {
    let strays = descendants(leader);
    signal_group(leader, signal);
    for pid in strays {
        // Gone already is as good.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

fn signal_group(leader: u32, signal: Signal) {
    if let Ok(group) = i32::try_from(leader) {
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

/// The processes below `leader` that are of another group than its own.
fn descendants(leader: u32) -> Vec<i32> {
    let Ok(leader) = i32::try_from(leader) else { return Vec::new() };
    let all: Vec<_> = processes().collect();
    let (mut found, mut next) = (Vec::new(), vec![leader]);
    while let Some(parent) = next.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            // A parent is never its own descendant, but process numbers are reused while we read.
            if process.pid != leader && !found.iter().any(|(pid, _)| *pid == process.pid) {
                found.push((process.pid, process.group));
                next.push(process.pid);
            }
        }
    }
    found.into_iter().filter(|(_, group)| *group != leader).map(|(pid, _)| pid).collect()
}

/// One line of the system's process list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    /// Its id.
    pub(super) pid: i32,
    /// Its state, such as `R`, or `Z` when it only waits to be waited for.
    pub(super) state: char,
    /// Its parent's id.
    pub(super) parent: i32,
    /// Its group's.
    pub(super) group: i32,
    /// Its processor time in user space, in clock ticks.
    pub(super) user_ticks: u64,
    /// And in the kernel.
    pub(super) system_ticks: u64,
    /// Its resident memory, in pages.
    pub(super) resident_pages: u64,
    /// Its start, in clock ticks since the system's.
    pub(super) started: u64,
}

/// The system's processes; empty where there is no `/proc`.
pub(super) fn processes() -> impl Iterator<Item = Listed> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| listed(entry.file_name().to_str()?.parse().ok()?))
}

/// The leader of a process group that works in this folder, and when it started: what a sandbox's process is when
/// nobody has noted its number. Only this user's processes show where they work, and to root everybody's.
pub(super) fn leader_in(folder: &Path) -> Option<(u32, u64)> {
    let leads = |process: &Listed| process.pid == process.group && process.state != 'Z';
    let here =
        |process: &Listed| std::fs::read_link(format!("/proc/{}/cwd", process.pid)).is_ok_and(|cwd| cwd == folder);
    let found = processes().filter(leads).find(here)?;
    Some((u32::try_from(found.pid).ok()?, found.started))
}

/// One process, if there is such a one.
pub(super) fn listed(pid: i32) -> Option<Listed> {
    read_stat(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `/proc/<pid>/stat`. The name in it may hold anything, a closing bracket too.
fn read_stat(pid: i32, stat: &str) -> Option<Listed> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let id = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Listed {
        pid,
        state: fields.first()?.chars().next()?,
        parent: id(1)?,
        group: id(2)?,
        user_ticks: number(11)?,
        system_ticks: number(12)?,
        started: number(19)?,
        resident_pages: number(21)?,
    })
}

/// Opens a sandbox's `stdout` or `stderr` to be written at its end. A link there is not followed.
pub(super) fn open_output(sandbox: &Path, name: &str, user: Option<&User>) -> io::Result<File> {
    let path = sandbox.join(name);
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o644).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
    let file = options.open(&path)?;
    if let Some(user) = user {
        user.own(&path)?;
    }
    Ok(file)
}

/// How a process ended, in Mesos's words.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => {
            let core = if status.core_dumped() { " (core dumped)" } else { "" };
            format!("terminated with signal {}{core}", signal_name(signal))
        }
        (None, None) => "wait status unknown".to_owned(),
    }
}

/// A signal's name as the C library says it.
fn signal_name(number: i32) -> String {
    let name = match Signal::try_from(number) {
        Ok(Signal::SIGHUP) => "Hangup",
        Ok(Signal::SIGINT) => "Interrupt",
        Ok(Signal::SIGQUIT) => "Quit",
        Ok(Signal::SIGILL) => "Illegal instruction",
        Ok(Signal::SIGTRAP) => "Trace/breakpoint trap",
        Ok(Signal::SIGABRT) => "Aborted",
        Ok(Signal::SIGBUS) => "Bus error",
        Ok(Signal::SIGFPE) => "Floating point exception",
        Ok(Signal::SIGKILL) => "Killed",
        Ok(Signal::SIGUSR1) => "User defined signal 1",
        Ok(Signal::SIGSEGV) => "Segmentation fault",
        Ok(Signal::SIGUSR2) => "User defined signal 2",
        Ok(Signal::SIGPIPE) => "Broken pipe",
        Ok(Signal::SIGALRM) => "Alarm clock",
        Ok(Signal::SIGTERM) => "Terminated",
        Ok(Signal::SIGXCPU) => "CPU time limit exceeded",
        Ok(Signal::SIGXFSZ) => "File size limit exceeded",
        Ok(Signal::SIGSYS) => "Bad system call",
        _ => return format!("Unknown signal {number}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(value: &str) -> CommandInfo {
        CommandInfo { value: Some(value.to_owned()), ..Default::default() }
    }

    async fn run(command: &CommandInfo) -> (Result<String, String>, String) {
        let folder = tempfile::tempdir().unwrap();
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let start =
            Start { command, environment: &environment, sandbox: folder.path(), user: None, exit: None, keeper: None };
        let ended = match Process::start(&start) {
            Ok(mut process) => Ok(told(process.wait().await.unwrap())),
            Err(error) => Err(error),
        };
        (ended, std::fs::read_to_string(folder.path().join("stdout")).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_command_writes_into_its_sandbox_and_its_end_is_told() {
        let told = |text: &str| Ok(text.to_owned());
        assert_eq!(run(&shell("echo out")).await, (told("exited with status 0"), "out\n".to_owned()));
        assert_eq!(run(&shell("exit 3")).await.0, told("exited with status 3"));
        assert_eq!(run(&shell("kill -9 $$")).await.0, told("terminated with signal Killed"));
        let list = CommandInfo {
            shell: Some(false),
            value: Some("/bin/echo".to_owned()),
            arguments: vec!["echo".to_owned(), "$HOME".to_owned()],
            ..Default::default()
        };
        assert_eq!(run(&list).await, (told("exited with status 0"), "$HOME\n".to_owned()));
        let missing = CommandInfo { shell: Some(false), value: Some("/no/such/exe".to_owned()), ..Default::default() };
        assert!(run(&missing).await.0.unwrap_err().starts_with("Failed to execute '/no/such/exe'"));
    }

    #[tokio::test]
    async fn a_kill_reaches_children_in_groups_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        // `set -m` gives background jobs groups of their own.
        let command = shell("set -m; sleep 1000 & echo $! > child; wait");
        let start = Start {
            command: &command,
            environment: &environment,
            sandbox: folder.path(),
            user: None,
            exit: None,
            keeper: None,
        };
        let mut process = Process::start(&start).unwrap();
        let child: i32 = loop {
            match std::fs::read_to_string(folder.path().join("child")).ok().and_then(|text| text.trim().parse().ok()) {
                Some(pid) => break pid,
                None => tokio::task::yield_now().await,
            }
        };
        process.signal(Signal::SIGKILL);
        assert_eq!(told(process.wait().await.unwrap()), "terminated with signal Killed");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(std::time::Instant::now() < deadline, "the child outlived the kill");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_outlives_its_agent_notes_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let exit = folder.path().join("exit");
        for (command, expected) in [
            ("exit 3", "exited with status 3"),
            ("kill -9 $$", "terminated with signal Killed"),
            ("kill -TERM 0", "terminated with signal Terminated"),
        ] {
            let command = shell(command);
            let (sandbox, exit) = (folder.path(), Some(exit.as_path()));
            let start = Start { command: &command, environment: &environment, sandbox, user: None, exit, keeper: None };
            let mut process = Process::start(&start).unwrap();
            let (pid, noted) = (process.pid(), folder.path().join("exit"));
            assert_eq!(told(process.wait().await.unwrap()), expected);
            // Another agent sees a process that is gone, and the note.
            assert_eq!(told(Adopted::new(pid, 0, noted).wait().await.unwrap()), expected);
        }
    }

    #[test]
    fn a_process_name_may_hold_brackets() {
        let stat = "7 (a) b) S 1 5 5 0 -1 4194560 1 0 0 0 11 12 0 0 20 0 1 0 99 1000 42 0";
        let read = read_stat(7, stat).unwrap();
        assert_eq!((read.parent, read.group, read.user_ticks, read.system_ticks), (1, 5, 11, 12));
        assert_eq!((read.started, read.resident_pages), (99, 42));
    }
}
