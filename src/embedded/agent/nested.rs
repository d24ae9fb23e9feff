//! Containers that are started over the agent's API: commands beside an executor's tasks, in folders below its sandbox.
//!
//! They end with the container that they are in, and with the agent. What goes in and out of a session's process is
//! passed on here; how that is written is HTTP's matter.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{broadcast, mpsc, watch};

use super::keeper::Keeper;
use super::process::{arguments, open_output, signal_tree};
use super::terminal::Terminal;
use super::user::User;
use crate::mesos::agent_api::DataType;
use crate::mesos::{CommandInfo, ContainerId, TtyInfo, WindowSize};

/// As much is read of a process's output at once.
const CHUNK: usize = 16 * 1024;
/// So many pieces of output wait for who reads them.
const PIECES: usize = 64;

/// The ids from the outermost container to this one, with dots, as Mesos writes them.
pub(super) fn path(id: &ContainerId) -> String {
    match &id.parent {
        Some(parent) => format!("{}.{}", path(parent), id.value),
        None => id.value.clone(),
    }
}

/// The outermost container.
pub(super) fn root(id: &ContainerId) -> &str {
    id.parent.as_deref().map_or(&id.value, root)
}

/// What a process wrote, and where.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) from: DataType,
    pub(super) data: Bytes,
}

/// What to start.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) id: ContainerId,
    pub(super) command: CommandInfo,
    pub(super) folder: PathBuf,
    pub(super) user: Option<User>,
    /// Whether somebody listens: the output goes to them instead of to files, and the input comes from them.
    pub(super) session: bool,
    /// The terminal that a session's command wants, if it wants one.
    pub(super) tty: Option<TtyInfo>,
}

/// A container that runs or ran.
#[derive(Debug)]
struct Container {
    id: ContainerId,
    pid: u32,
    folder: PathBuf,
    /// What `wait(2)` told, once it has ended.
    ended: watch::Receiver<Option<i32>>,
    output: Option<broadcast::Sender<Output>>,
    input: Option<Input>,
}

/// Where a session's process reads. Cheap to clone.
#[derive(Clone, Debug)]
enum Input {
    /// Gone once it has ended.
    Pipe(Arc<tokio::sync::Mutex<Option<ChildStdin>>>),
    Terminal(Terminal),
}

impl Container {
    fn runs(&self) -> bool {
        self.ended.borrow().is_none()
    }
}

/// All of an agent's.
#[derive(Clone, Debug, Default)]
pub(super) struct Nested {
    all: Arc<Mutex<HashMap<String, Container>>>,
    keeper: Keeper,
}

/// Why a container isn't started.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// It runs already.
    Runs,
    /// Something went wrong.
    Failed(String),
}

/// Why a container can't be removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotRemoved {
    /// It still runs.
    Runs,
    /// Its folder stays.
    Failed(String),
}

impl Nested {
    /// None yet; should the agent be killed, the keeper ends them.
    pub(super) fn new(keeper: Keeper) -> Self {
        Self { keeper, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Container>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a container; of a session what it writes comes out of the receiver, which ends with it.
    pub(super) fn start(&self, start: Start) -> Result<mpsc::Receiver<Output>, NotStarted> {
        let key = path(&start.id);
        let mut all = self.lock();
        if all.get(&key).is_some_and(Container::runs) {
            return Err(NotStarted::Runs);
        }
        let (mut child, terminal) = spawn(&start).map_err(NotStarted::Failed)?;
        let pid = child.id().ok_or_else(|| NotStarted::Failed("the process has no id".to_owned()))?;
        let kept = self.keeper.keep(pid);
        let (pieces, received) = mpsc::channel(PIECES);
        let (output, _) = broadcast::channel(PIECES);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(copy(stdout, DataType::Stdout, pieces.clone(), output.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(copy(stderr, DataType::Stderr, pieces.clone(), output.clone()));
        }
        // In a terminal, output and errors are one.
        let (terminal, shown) = terminal.unzip();
        if let Some(shown) = shown {
            tokio::spawn(copy(shown, DataType::Stdout, pieces, output.clone()));
        }
        let typed = child.stdin.take().map(|stdin| Input::Pipe(Arc::new(tokio::sync::Mutex::new(Some(stdin)))));
        let input = typed.or(terminal.map(Input::Terminal));
        let (tell, ended) = watch::channel(None);
        let output = start.session.then_some(output);
        all.insert(key.clone(), Container { id: start.id, pid, folder: start.folder, ended, output, input });
        drop(all);
        let nested = self.clone();
        tokio::spawn(async move {
            // A process that nobody can wait for has ended somehow.
            let status = child.wait().await.map_or(0, |status| status.into_raw());
            // What it left behind in its group ends with it.
            signal_tree(pid, Signal::SIGKILL);
            drop(kept);
            if let Some(container) = nested.lock().get_mut(&key).filter(|container| container.pid == pid) {
                container.input = None;
            }
            tell.send_replace(Some(status));
        });
        Ok(received)
    }

    /// How it ends: `None` if there is no such container.
    pub(super) fn ended(&self, id: &ContainerId) -> Option<watch::Receiver<Option<i32>>> {
        self.lock().get(&path(id)).map(|container| container.ended.clone())
    }

    /// Whether such a container runs.
    pub(super) fn runs(&self, id: &ContainerId) -> bool {
        self.lock().get(&path(id)).is_some_and(Container::runs)
    }

    /// Signals it; tells whether it ran.
    pub(super) fn signal(&self, id: &ContainerId, signal: Signal) -> bool {
        let all = self.lock();
        let running = all.get(&path(id)).filter(|container| container.runs());
        running.inspect(|container| signal_tree(container.pid, signal)).is_some()
    }

    /// Forgets one that has ended, and its folder. One that isn't known is as good as removed.
    pub(super) fn remove(&self, id: &ContainerId) -> Result<(), NotRemoved> {
        let mut all = self.lock();
        let Some(container) = all.get(&path(id)) else { return Ok(()) };
        if container.runs() {
            return Err(NotRemoved::Runs);
        }
        match std::fs::remove_dir_all(&container.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(NotRemoved::Failed(error.to_string())),
            _ => {
                all.remove(&path(id));
                Ok(())
            }
        }
    }

    /// What a session's process writes from now on; `None` where nobody may listen.
    pub(super) fn output(&self, id: &ContainerId) -> Option<broadcast::Receiver<Output>> {
        let all = self.lock();
        all.get(&path(id)).filter(|it| it.runs())?.output.as_ref().map(broadcast::Sender::subscribe)
    }

    /// Writes to a session's process; nothing is the end of its input. `false` where it takes none.
    pub(super) async fn write(&self, id: &ContainerId, data: &[u8]) -> bool {
        let input = self.lock().get(&path(id)).filter(|it| it.runs()).and_then(|container| container.input.clone());
        let input = match input {
            Some(Input::Pipe(input)) => input,
            // A terminal's input ends by what is typed.
            Some(Input::Terminal(terminal)) => return terminal.write(data).await.is_ok(),
            None => return false,
        };
        let mut input = input.lock().await;
        let Some(stdin) = input.as_mut() else { return false };
        if data.is_empty() {
            input.take();
            return true;
        }
        stdin.write_all(data).await.is_ok() && stdin.flush().await.is_ok()
    }

    /// Gives a session's terminal another size. One without a terminal takes no notice.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn resize(&self, id: &ContainerId, size: &WindowSize) -> io::Result<()> {
        match self.lock().get(&path(id)).and_then(|container| container.input.as_ref()) {
            Some(Input::Terminal(terminal)) => terminal.resize(size),
            _ => Ok(()),
        }
    }

    /// Those that run, with their processes' numbers.
    pub(super) fn running(&self) -> Vec<(ContainerId, u32)> {
        let all = self.lock();
        let mut running: Vec<_> =
            all.values().filter(|container| container.runs()).map(|it| (it.id.clone(), it.pid)).collect();
        running.sort_by_key(|(id, _)| path(id));
        running
    }

    /// Ends and forgets those whose outermost container isn't kept.
    pub(super) fn end_all_but(&self, kept: impl Fn(&ContainerId) -> bool) {
        let mut all = self.lock();
        all.retain(|_, container| {
            let stays = kept(&container.id);
            if !stays && container.runs() {
                signal_tree(container.pid, Signal::SIGKILL);
            }
            stays
        });
    }
}

fn spawn(start: &Start) -> Result<(Child, Option<(Terminal, pipe::Receiver)>), String> {
    let failed = |error: io::Error| format!("Failed to make the container's folder: {error}");
    std::fs::create_dir_all(&start.folder).map_err(failed)?;
    if let Some(user) = &start.user {
        user.own(&start.folder).map_err(failed)?;
    }
    let (program, arguments) = arguments(&start.command)?;
    let tty = start.tty.as_ref().filter(|_| start.session);
    let mut command = match tty {
        Some(_) => Command::new("setsid"),
        None => Command::new(&program),
    };
    match (tty, arguments.first()) {
        (Some(_), _) => {
            command.args(["--ctty", "--", &program]);
        }
        (None, Some(name)) => {
            command.arg0(name);
        }
        (None, None) => {}
    }
    command.args(arguments.iter().skip(1)).env_clear().envs(environment(start)).current_dir(&start.folder);
    let mut terminal = None;
    if let Some(tty) = tty {
        let failed = |error: io::Error| format!("Failed to open a pseudo terminal: {error}");
        let opened = Terminal::open(tty.window_size.as_ref(), start.user.as_ref()).map_err(failed)?;
        let end = opened.command;
        command.stdin(end.try_clone().map_err(failed)?).stdout(end.try_clone().map_err(failed)?).stderr(end);
        terminal = Some((opened.terminal, opened.shown));
    } else if start.session {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    } else {
        let output = |name| open_output(&start.folder, name, start.user.as_ref()).map(Stdio::from);
        let failed = |error: io::Error| format!("Failed to open the container's output: {error}");
        command.stdin(Stdio::null()).stdout(output("stdout").map_err(failed)?);
        command.stderr(output("stderr").map_err(failed)?);
    }
    command.kill_on_drop(true);
    // With a terminal it leads a session of its own, and so its group too.
    if terminal.is_none() {
        command.process_group(0);
    }
    if let Some(user) = &start.user {
        command.uid(user.uid).gid(user.gid);
    }
    let child = command.spawn().map_err(|error| format!("Failed to execute '{program}': {error}"))?;
    Ok((child, terminal))
}

fn environment(start: &Start) -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let sandbox = start.folder.display().to_string();
    let own = start.command.environment.iter().flat_map(|environment| &environment.variables);
    [("PATH".to_owned(), path), ("MESOS_SANDBOX".to_owned(), sandbox)]
        .into_iter()
        .chain(own.map(|variable| (variable.name.clone(), variable.value.clone().unwrap_or_default())))
        .collect()
}

/// Passes on what a process writes, as fast as it is read by whom it is for; who attached later may miss some.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    kind: DataType,
    to: mpsc::Sender<Output>,
    others: broadcast::Sender<Output>,
) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let data = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
        let output = Output { from: kind.clone(), data };
        // Nobody need be attached.
        let _ = others.send(output.clone());
        if to.send(output).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: &str, parent: &str) -> ContainerId {
        let parent = ContainerId { value: parent.to_owned(), ..ContainerId::default() };
        ContainerId { value: value.to_owned(), parent: Some(Box::new(parent)), ..ContainerId::default() }
    }

    fn start(folder: &std::path::Path, command: &str, session: bool) -> Start {
        let command = CommandInfo { value: Some(command.to_owned()), ..CommandInfo::default() };
        Start { id: id("n", "p"), command, folder: folder.join("n"), user: None, session, tty: None }
    }

    async fn status(nested: &Nested) -> i32 {
        let mut ended = nested.ended(&id("n", "p")).unwrap();
        let waited = tokio::time::timeout(std::time::Duration::from_secs(10), ended.wait_for(Option::is_some)).await;
        waited.unwrap().unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_command_runs_once_at_a_time_and_is_removed_when_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let nested = Nested::default();
        drop(nested.start(start(folder.path(), "echo out; exec sleep 1000", false)).unwrap());
        assert!(matches!(nested.start(start(folder.path(), "true", false)), Err(NotStarted::Runs)));
        assert_eq!(nested.remove(&id("n", "p")), Err(NotRemoved::Runs));
        assert!(nested.signal(&id("n", "p"), Signal::SIGKILL));
        assert_eq!(status(&nested).await, 9);
        assert!(!nested.signal(&id("n", "p"), Signal::SIGKILL));
        drop(nested.start(start(folder.path(), "exit 3", false)).unwrap());
        assert_eq!(status(&nested).await, 3 << 8);
        assert_eq!(nested.remove(&id("n", "p")), Ok(()));
        assert!(!folder.path().join("n").exists());
    }

    #[tokio::test]
    async fn a_session_is_heard_and_spoken_to() {
        let folder = tempfile::tempdir().unwrap();
        let nested = Nested::default();
        let mut output = nested.start(start(folder.path(), "cat; echo bye >&2; exit 1", true)).unwrap();
        assert!(nested.write(&id("n", "p"), b"hello").await);
        let first = output.recv().await.unwrap();
        assert_eq!((first.from, &first.data[..]), (DataType::Stdout, &b"hello"[..]));
        assert!(nested.write(&id("n", "p"), b"").await);
        let second = output.recv().await.unwrap();
        assert_eq!((second.from, &second.data[..]), (DataType::Stderr, &b"bye\n"[..]));
        assert!(output.recv().await.is_none());
        assert_eq!(status(&nested).await, 1 << 8);
    }

    #[tokio::test]
    async fn they_end_with_what_they_are_in() {
        let folder = tempfile::tempdir().unwrap();
        let nested = Nested::default();
        drop(nested.start(start(folder.path(), "sleep 1000", false)).unwrap());
        let mut ended = nested.ended(&id("n", "p")).unwrap();
        nested.end_all_but(|id| root(id) != "p");
        let waited = tokio::time::timeout(std::time::Duration::from_secs(10), ended.wait_for(Option::is_some)).await;
        assert_eq!(*waited.unwrap().unwrap(), Some(9));
        assert!(nested.running().is_empty());
    }
}
