//! The kernel's side of Rust cells: starts the process that evaluates them, hands it cells, and passes on what it tells.
//!
//! That process may hang, crash or be killed: it costs variables, never the session. Nothing here compiles anything.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mesos_repl::engine::Output as _;
use mesos_repl::lang::Completion;
use mesos_repl::serve::Heard;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::talk::{self, Ask, Told};
use super::{Cells, nothing, unavailable};
use crate::bundle::Trouble;
use crate::display::Display;
use crate::execute::interrupted;
use crate::kernel::Kernel;
use crate::wire::Request;

/// How long completion and help wait for the evaluator.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often a waiting cell tells what it waits for.
const BEAT: Duration = Duration::from_millis(200);
/// How long the evaluator itself may take to end an interrupted cell before it is killed with all it holds.
const LAST_RESORT: Duration = Duration::from_secs(15);

type Waiting = Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Told>>>>;

/// The running evaluator.
#[derive(Debug)]
struct Process {
    number: u64,
    /// It leads a group of its own: cargo, the compiler, and the process that runs cells are in it.
    group: Pid,
    asks: mpsc::UnboundedSender<Ask>,
    waiting: Waiting,
}

impl Process {
    fn kill(&self) {
        if let Err(error) = killpg(self.group, Signal::SIGKILL) {
            debug!("the evaluator was gone already: {error}");
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    process: Mutex<Option<Process>>,
    numbers: AtomicU64,
    /// What the evaluator does, for who waits.
    doing: Mutex<String>,
    /// How the last evaluator ended.
    ended: Mutex<String>,
    ready: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs Rust cells.
#[derive(Debug)]
pub struct Rust {
    cells: Cells,
    shared: Arc<Shared>,
    /// One cell at a time: they share their variables.
    turn: tokio::sync::Mutex<()>,
    busy: AtomicBool,
}

impl Rust {
    /// Starts nothing yet.
    pub fn new(cells: Cells) -> Self {
        Self { cells, shared: Arc::default(), turn: tokio::sync::Mutex::default(), busy: AtomicBool::new(false) }
    }

    /// Gets ready in the background, so that the first cell needn't wait.
    pub async fn warm_up(&self, kernel: &Kernel) {
        if self.cells == Cells::Warm
            && let Err(trouble) = self.started(kernel).await
        {
            info!("Rust cells: {}", trouble.value);
        }
    }

    /// Starts the evaluator, unless it runs.
    async fn started(&self, kernel: &Kernel) -> Result<(), Trouble> {
        let session = kernel.offer_to_cells().await;
        let mut process = lock(&self.shared.process);
        if process.is_none() {
            *process = Some(start(&self.shared, session).map_err(|why| unavailable(&why.to_string()))?);
        }
        Ok(())
    }

    /// Asks the evaluator; what it tells of that.
    fn ask(&self, ask: impl FnOnce(u64) -> Ask) -> Option<(u64, mpsc::UnboundedReceiver<Told>)> {
        let id = self.shared.numbers.fetch_add(1, Ordering::Relaxed);
        let process = lock(&self.shared.process);
        let process = process.as_ref()?;
        let (told, received) = mpsc::unbounded_channel();
        lock(&process.waiting).insert(id, told);
        process.asks.send(ask(id)).ok()?;
        Some((id, received))
    }

    fn tell(&self, ask: Ask) {
        if let Some(process) = lock(&self.shared.process).as_ref() {
            // A process that is gone has ended the cell already.
            let _ = process.asks.send(ask);
        }
    }

    fn forget(&self, id: u64) {
        if let Some(process) = lock(&self.shared.process).as_ref() {
            lock(&process.waiting).remove(&id);
        }
    }

    fn kill(&self) {
        if let Some(process) = lock(&self.shared.process).as_ref() {
            process.kill();
        }
    }

    /// Runs a cell.
    ///
    /// # Errors
    /// What went wrong in it.
    pub async fn execute(
        &self,
        kernel: &Kernel,
        request: &Request,
        code: &str,
        display: &mut Display,
        cancel: &CancellationToken,
    ) -> Result<(), Trouble> {
        if self.cells == Cells::Off {
            return Err(unavailable("this kernel runs without Rust cells"));
        }
        if code.trim() == ":quit" {
            return Err(Trouble::new("NotHere", "a kernel is shut down by its front end, or by `quit`"));
        }
        let _turn = self.turn(display, cancel).await?;
        self.started(kernel).await?;
        let cell = |id| Ask::Cell { id, code: code.to_owned() };
        let (id, received) = self.ask(cell).ok_or_else(|| self.gone())?;
        self.busy.store(true, Ordering::Relaxed);
        let running = Running { id, kernel, request, cancel };
        let result = self.follow(running, display, received).await;
        self.busy.store(false, Ordering::Relaxed);
        self.forget(id);
        result
    }

    /// Waits for the cell before this one.
    async fn turn(
        &self,
        display: &mut Display,
        cancel: &CancellationToken,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, Trouble> {
        let start = Instant::now();
        loop {
            tokio::select! {
                turn = self.turn.lock() => return Ok(turn),
                () = cancel.cancelled() => return Err(interrupted()),
                () = tokio::time::sleep(BEAT) => display.waiting("the Rust cell that runs", start.elapsed()),
            }
        }
    }

    async fn follow(
        &self,
        running: Running<'_>,
        display: &mut Display,
        mut received: mpsc::UnboundedReceiver<Told>,
    ) -> Result<(), Trouble> {
        let Running { id, kernel, request, cancel } = running;
        let mut heard = kernel.heard_from_cells().await;
        let start = Instant::now();
        let (mut interrupted_at, mut is_heard): (Option<Instant>, bool) = (None, false);
        loop {
            tokio::select! {
                // What a cell has brought about comes before its end.
                biased;
                Some(heard) = next(&mut heard) => match heard {
                    Heard::Caused(what) => display.caused(what),
                    Heard::Waiting(what) => *lock(&self.shared.doing) = what,
                    Heard::Asked(question, answer) => {
                        let asked = cancel.run_until_cancelled(display.ask(question)).await;
                        // Who asked may have been interrupted.
                        let _ = answer.send(asked.flatten());
                    }
                },
                told = received.recv() => match told {
                    Some(Told::Text { stream, text, .. }) => display.print(stream, text),
                    Some(Told::Question { prompt, password, .. }) => {
                        let asked = cancel.run_until_cancelled(kernel.stdin.ask(request, &prompt, password)).await;
                        // A cell that nobody can answer reads an empty line.
                        self.tell(Ask::Answer { text: asked.flatten().unwrap_or_default() });
                    }
                    // Only now: a cell whose wait was ended before that would seem to have failed by itself.
                    Some(Told::Interrupting { .. }) => {
                        is_heard = true;
                        kernel.interrupt_cells();
                    }
                    Some(Told::Done { trouble: Some(trouble), .. }) => return Err(trouble),
                    Some(Told::Done { value, .. }) => {
                        if value.as_object().is_some_and(|value| !value.is_empty()) {
                            display.show_bundle(value, true);
                        }
                        return Ok(());
                    }
                    Some(_) => {}
                    None => return Err(self.gone()),
                },
                () = cancel.cancelled(), if interrupted_at.is_none() => {
                    interrupted_at = Some(Instant::now());
                    self.tell(Ask::Interrupt { id });
                }
                () = tokio::time::sleep(BEAT) => {
                    let doing = lock(&self.shared.doing).clone();
                    display.waiting(&doing, start.elapsed());
                    if let Some(at) = interrupted_at {
                        // The cell may have begun to wait only now.
                        if is_heard {
                            kernel.interrupt_cells();
                        }
                        if at.elapsed() > LAST_RESORT {
                            self.kill();
                        }
                    }
                }
            }
        }
    }

    /// The evaluator is gone.
    fn gone(&self) -> Trouble {
        let how = lock(&self.shared.ended).clone();
        let how = if how.is_empty() { "it is gone".to_owned() } else { how };
        Trouble::new("EvaluatorExit", format!("the process that compiles Rust cells has ended: {how}"))
            .line("All Rust variables are lost; the framework, its tasks and `mesos` are as they were. The next Rust cell starts it anew.")
    }

    /// Whether cells would have to wait for something.
    fn is_occupied(&self) -> bool {
        self.cells == Cells::Off || self.busy.load(Ordering::Relaxed) || !self.shared.ready.load(Ordering::Relaxed)
    }

    /// What could stand at byte `at`. Nothing while a cell runs.
    pub async fn complete(&self, code: &str, at: usize) -> Completion {
        if self.is_occupied() {
            return nothing(at);
        }
        let told = self.answer(|id| Ask::Complete { id, code: code.to_owned(), at }).await;
        told.and_then(Told::into_completion).unwrap_or_else(|| nothing(at))
    }

    /// What is known of the name that ends at byte `at`, as a bundle.
    pub async fn inspect(&self, code: &str, at: usize) -> Option<Value> {
        if self.is_occupied() {
            return None;
        }
        match self.answer(|id| Ask::Inspect { id, code: code.to_owned(), at }).await? {
            Told::Inspected { value, .. } => Some(value).filter(|value| !value.is_null()),
            _ => None,
        }
    }

    async fn answer(&self, ask: impl FnOnce(u64) -> Ask) -> Option<Told> {
        let (id, mut received) = self.ask(ask)?;
        let told = tokio::time::timeout(PATIENCE, received.recv()).await;
        self.forget(id);
        told.ok().flatten()
    }

    /// Ends the evaluator and what it started.
    pub fn close(&mut self) {
        self.kill();
        *lock(&self.shared.process) = None;
    }
}

/// A cell that runs.
#[derive(Clone, Copy)]
struct Running<'a> {
    id: u64,
    kernel: &'a Kernel,
    request: &'a Request,
    cancel: &'a CancellationToken,
}

type Ear<'a> = Option<tokio::sync::MutexGuard<'a, mpsc::UnboundedReceiver<Heard>>>;

async fn next(heard: &mut Ear<'_>) -> Option<Heard> {
    match heard {
        Some(heard) => heard.recv().await,
        None => None,
    }
}

/// Starts the process and the tasks that talk with it.
fn start(shared: &Arc<Shared>, session: Option<PathBuf>) -> io::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(talk::COMMAND).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(session) = session {
        command.env(talk::SESSION, session);
    }
    let mut child = command.spawn()?;
    let lost = || io::Error::from(io::ErrorKind::BrokenPipe);
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw).ok_or_else(lost)?;
    let (stdin, stdout) = (child.stdin.take().ok_or_else(lost)?, child.stdout.take().ok_or_else(lost)?);
    let stderr = child.stderr.take().ok_or_else(lost)?;
    let (asks, to_write) = mpsc::unbounded_channel();
    let waiting = Waiting::default();
    let number = shared.numbers.fetch_add(1, Ordering::Relaxed);
    "Rust to start".clone_into(&mut lock(&shared.doing));
    tokio::spawn(write(stdin, to_write));
    tokio::spawn(listen_to_cargo(stderr, Arc::clone(shared)));
    tokio::spawn(read(stdout, child, number, Arc::clone(&waiting), Arc::clone(shared)));
    Ok(Process { number, group, asks, waiting })
}

async fn write(mut stdin: ChildStdin, mut asks: mpsc::UnboundedReceiver<Ask>) {
    while let Some(ask) = asks.recv().await {
        // The reader notices the process's end, and tells.
        if stdin.write_all(talk::line(&ask).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Hands on what the evaluator tells, until its end.
async fn read(stdout: ChildStdout, mut child: Child, number: u64, waiting: Waiting, shared: Arc<Shared>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str::<Told>(&line) {
            Ok(Told::Ready) => shared.ready.store(true, Ordering::Relaxed),
            Ok(Told::Doing { what }) => *lock(&shared.doing) = what,
            Ok(told) => {
                let listener = told.id().and_then(|id| lock(&waiting).get(&id).cloned());
                // Whoever asked may have given up.
                if let Some(listener) = listener {
                    let _ = listener.send(told);
                }
            }
            Err(error) => warn!("the evaluator says what nobody understands: {error}"),
        }
    }
    shared.ready.store(false, Ordering::Relaxed);
    let how = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
    debug!("the evaluator has ended: {how}");
    *lock(&shared.ended) = how;
    let mut process = lock(&shared.process);
    // What it started may be left; its group is.
    if let Some(process) = process.take_if(|process| process.number == number) {
        process.kill();
    }
    drop(process);
    // Who still waits hears that nothing will come.
    lock(&waiting).clear();
}

/// How cargo begins the lines that tell of its progress.
const PROGRESS: [&str; 7] =
    ["Compiling ", "Downloaded ", "Downloading ", "Updating ", "Locking ", "Adding ", "Blocking "];

/// Cargo's progress becomes what is said of a wait; everything else goes to the kernel's own stderr.
async fn listen_to_cargo(stderr: ChildStderr, shared: Arc<Shared>) {
    let mut reader = BufReader::new(stderr);
    let mut own = tokio::io::stderr();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if PROGRESS.iter().any(|word| text.starts_with(word)) {
            *lock(&shared.doing) = format!("cargo: {text}");
        } else {
            // Nobody may read it; it must be taken from the pipe all the same.
            let _ = own.write_all(&line).await;
        }
        line.clear();
    }
}
