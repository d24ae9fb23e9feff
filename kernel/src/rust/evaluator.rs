//! One thread owns evcxr and works through jobs; a cell's output and end come back as events.
//!
//! The child process may panic, crash, exit or be killed: that costs variables, is told as the cell's error, and the
//! handle is bound again before the next cell. Nothing here touches the session.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::panic::AssertUnwindSafe;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use evcxr::{CommandContext, EvalCallbacks, EvalContext, EvalContextOutputs};
use mesos_repl::engine::Output as _;
use mesos_repl::lang::{Candidate, Completion};
use mesos_repl::render;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc as channel, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{mark, nothing, toolchain, unavailable};
use crate::bundle::Trouble;
use crate::display::Display;
use crate::execute::interrupted;
use crate::iopub::Stream;
use crate::kernel::Kernel;
use crate::wire::Request;

/// How long an interrupted cell may take to end by itself before its process is killed.
const GRACE: Duration = Duration::from_millis(800);
/// How long completion and help wait for a busy evaluator.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Cells longer than this take long to compile anyway; what is said of a wait begins here.
const BEAT: Duration = Duration::from_millis(200);

/// What comes back from a running cell.
enum Event {
    Text(Stream, String),
    Ask { prompt: String, password: bool, answer: mpsc::Sender<String> },
    Done(Result<Value, Trouble>),
}

enum Job {
    Warm,
    Cell { code: String, events: channel::UnboundedSender<Event> },
    Complete { code: String, at: usize, reply: oneshot::Sender<Completion> },
    Inspect { code: String, reply: oneshot::Sender<Option<Value>> },
}

/// What the thread and its users share.
#[derive(Debug, Default)]
struct Shared {
    /// The child process, once there is one.
    child: Mutex<Option<Arc<Mutex<Child>>>>,
    /// What the thread does, for who waits.
    doing: Mutex<String>,
    /// Whether the running cell's process was killed by us.
    killed: AtomicBool,
    busy: AtomicBool,
    socket: OnceLock<std::path::PathBuf>,
}

impl Shared {
    fn kill(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = child.as_ref() {
            self.killed.store(true, Ordering::Relaxed);
            if let Err(error) = child.lock().unwrap_or_else(PoisonError::into_inner).kill() {
                debug!("the child was gone already: {error}");
            }
        }
    }

    fn does(&self, what: &str) {
        what.clone_into(&mut self.doing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes over the process's stderr, where cargo tells of its progress: that becomes what is said of the wait, the
    /// rest goes where it went before.
    fn listen_to_cargo(self: &Arc<Self>) -> std::io::Result<()> {
        let before = std::io::stderr().as_fd().try_clone_to_owned()?;
        let (reader, writer) = std::io::pipe()?;
        nix::unistd::dup2_stderr(writer)?;
        let shared = Arc::clone(self);
        let pass = move || {
            let mut before = std::fs::File::from(before);
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                let text = String::from_utf8_lossy(&line);
                let progress =
                    ["Compiling ", "Downloaded ", "Downloading ", "Updating ", "Locking ", "Adding ", "Blocking "];
                if progress.iter().any(|word| text.trim_start().starts_with(word)) {
                    shared.does(&format!("cargo: {}", text.trim()));
                } else if before.write_all(&[&line[..], b"\n"].concat()).is_err() {
                    // Nobody reads it any more; what is written must be taken all the same.
                    continue;
                }
            }
        };
        std::thread::Builder::new().name("stderr".to_owned()).spawn(pass)?;
        Ok(())
    }
}

/// Runs Rust cells.
#[derive(Debug)]
pub struct Rust {
    allowed: bool,
    shared: Arc<Shared>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
}

impl Rust {
    /// Starts nothing yet.
    pub fn new(allowed: bool) -> Self {
        Self { allowed, shared: Arc::default(), jobs: Mutex::new(None) }
    }

    /// Hands a job to the thread, which is started by the first.
    fn send(&self, job: Job) -> bool {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = jobs.get_or_insert_with(|| {
            let (sender, receiver) = mpsc::channel();
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("rust-cells".to_owned()).stack_size(16 << 20);
            if let Err(error) = thread.spawn(move || Evaluator::new(shared).run(&receiver)) {
                warn!("no thread for Rust cells: {error}");
            }
            sender
        });
        sender.send(job).is_ok()
    }

    /// Gets ready in the background, so that the first cell needn't wait.
    pub async fn warm_up(&self, kernel: &Kernel) {
        if let Some(socket) = kernel.offer_to_cells().await {
            // Set once, before the first job; a second warm-up brings the same.
            let _ = self.shared.socket.set(socket);
        }
        if self.allowed {
            self.send(Job::Warm);
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
        if !self.allowed {
            return Err(unavailable("this kernel was started without Rust cells"));
        }
        if code.trim() == ":quit" {
            return Err(Trouble::new("NotHere", "a kernel is shut down by its front end"));
        }
        let (events, mut received) = channel::unbounded_channel();
        if !self.send(Job::Cell { code: code.to_owned(), events }) {
            return Err(unavailable("the thread that runs Rust cells is gone; restart the kernel"));
        }
        let start = Instant::now();
        let mut interrupted_at: Option<Instant> = None;
        loop {
            tokio::select! {
                event = received.recv() => match event {
                    Some(Event::Text(stream, text)) => display.print(stream, text),
                    Some(Event::Ask { prompt, password, answer }) => {
                        let asked = cancel.run_until_cancelled(kernel.stdin.ask(request, &prompt, password)).await;
                        // A cell that nobody can answer reads an empty line.
                        let _ = answer.send(asked.flatten().unwrap_or_default());
                    }
                    Some(Event::Done(Ok(data))) => {
                        if data.as_object().is_some_and(|data| !data.is_empty()) {
                            display.show_bundle(data, true);
                        }
                        return Ok(());
                    }
                    Some(Event::Done(Err(trouble))) if interrupted_at.is_some() => {
                        return Err(if self.shared.killed.swap(false, Ordering::Relaxed) { trouble } else { interrupted() });
                    }
                    Some(Event::Done(Err(trouble))) => return Err(trouble),
                    None => return Err(unavailable("evcxr has given up on this cell; the next one starts it anew")),
                },
                () = cancel.cancelled(), if interrupted_at.is_none() => {
                    interrupted_at = Some(Instant::now());
                    kernel.interrupt_cells();
                }
                () = tokio::time::sleep(BEAT) => {
                    let doing = self.shared.doing.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    display.waiting(&doing, start.elapsed());
                    if interrupted_at.is_some_and(|at| at.elapsed() > GRACE) && !self.shared.killed.load(Ordering::Relaxed) {
                        self.shared.kill();
                    }
                }
            }
        }
    }

    /// What could stand at byte `at`. Nothing while a cell runs.
    pub async fn complete(&self, code: &str, at: usize) -> Completion {
        if !self.allowed || self.shared.busy.load(Ordering::Relaxed) {
            return nothing(at);
        }
        let (reply, answered) = oneshot::channel();
        self.send(Job::Complete { code: code.to_owned(), at, reply });
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(completion)) => completion,
            _ => nothing(at),
        }
    }

    /// What is known of the name at byte `at`, as a bundle.
    pub async fn inspect(&self, code: &str, at: usize) -> Option<Value> {
        if !self.allowed || self.shared.busy.load(Ordering::Relaxed) {
            return None;
        }
        let (reply, answered) = oneshot::channel();
        self.send(Job::Inspect { code: crate::cursor::word(code, at).to_owned(), reply });
        tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()?
    }

    /// Ends the child process.
    pub fn close(&mut self) {
        self.shared.kill();
        *self.jobs.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// evcxr, running.
struct Running {
    context: CommandContext,
    outputs: EvalContextOutputs,
    /// Held for as long as cells are built in it.
    _folder: Option<std::fs::File>,
}

/// The thread's own.
struct Evaluator {
    shared: Arc<Shared>,
    running: Option<Running>,
    mark: String,
}

impl Evaluator {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, running: None, mark: format!("cell-end-{}", uuid::Uuid::new_v4()) }
    }

    fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        if let Err(error) = self.shared.listen_to_cargo() {
            warn!("cargo's progress won't be shown: {error}");
        }
        while let Ok(job) = jobs.recv() {
            self.shared.busy.store(!matches!(job, Job::Complete { .. } | Job::Inspect { .. }), Ordering::Relaxed);
            // evcxr has asserts of its own: one that fails costs evcxr's state, not the kernel.
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| self.work(job)));
            if done.is_err() {
                self.running = None;
            }
            self.shared.busy.store(false, Ordering::Relaxed);
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Warm => {
                if let Err(trouble) = self.start() {
                    info!("Rust cells: {}", trouble.value);
                }
            }
            Job::Cell { code, events } => {
                let result = self.start().and_then(|()| self.cell(&code, &events));
                // Whoever asked may be gone with the kernel.
                let _ = events.send(Event::Done(result));
            }
            Job::Complete { code, at, reply } => {
                let _ = reply.send(self.complete(&code, at));
            }
            Job::Inspect { code, reply } => {
                let _ = reply.send(self.inspect(&code));
            }
        }
    }

    /// Starts evcxr and binds the handle, unless that is done.
    fn start(&mut self) -> Result<(), Trouble> {
        if self.running.is_some() {
            return Ok(());
        }
        self.shared.does("Rust to start");
        let begin = Instant::now();
        let libraries = toolchain::library_folder().map_err(|why| unavailable(&why))?;
        let handle = toolchain::unpack_handle().map_err(|why| unavailable(&why.to_string()))?;
        let folder = toolchain::take_folder().map_err(|why| unavailable(&why.to_string()))?;
        let mut command = Command::new(std::env::current_exe().map_err(|why| unavailable(&why.to_string()))?);
        command.env("LD_LIBRARY_PATH", libraries).env("MESOS_CELL_MARK", &self.mark);
        if let Some(socket) = self.shared.socket.get() {
            command.env("MESOS_SESSION", socket);
        }
        let (context, outputs) = EvalContext::with_subprocess_command(command)
            .map_err(|why| unavailable(&format!("evcxr doesn't start: {why}")))?;
        let mut context = CommandContext::with_eval_context(context);
        *self.shared.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.process_handle());
        let dependency = format!(":dep mesos-handle = {{ path = {:?} }}", handle.display().to_string());
        let prelude = format!("{dependency}\n{USE}");
        context.execute(&prelude).map_err(|why| unavailable(&format!("the session's handle doesn't build: {why}")))?;
        self.running = Some(Running { context, outputs, _folder: folder });
        self.bind()?;
        if let Some(running) = &mut self.running {
            // Only warms what the first cell would wait for: an expression, and a `?`. What fails here fails there.
            let _ = running.context.execute(WARM);
        }
        info!("Rust cells are ready after {} ms", begin.elapsed().as_millis());
        Ok(())
    }

    /// Binds `mesos`, which also warms what finds the types of variables.
    fn bind(&mut self) -> Result<(), Trouble> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let bound = running.context.execute(BIND);
        bound.map(|_| ()).map_err(|why| unavailable(&format!("the session's handle can't be bound: {why}")))
    }

    fn cell(&mut self, code: &str, events: &channel::UnboundedSender<Event>) -> Result<Value, Trouble> {
        self.shared.does("Rust to compile and run");
        self.shared.killed.store(false, Ordering::Relaxed);
        let Some(running) = &mut self.running else { return Err(unavailable("evcxr isn't running")) };
        let variables: Vec<String> = running.context.variables_and_types().map(|(name, _)| name.to_owned()).collect();
        let mut heard = Heard::default();
        let marked = mark::marked(code);
        let first = run_once(running, marked.as_deref().unwrap_or(code), &self.mark, events, &mut heard);
        if let Ok(outputs) = &first {
            debug!("a cell's phases: {:?}", outputs.phases);
        }
        let result = match (first, &marked) {
            // What the mark has spoilt compiles without it; what the person spoilt is told in their own words.
            (Err(evcxr::Error::CompilationErrors(_)), Some(_)) => {
                heard.reached = true;
                run_once(running, code, &self.mark, events, &mut heard)
            }
            (first, _) => first,
        };
        match result {
            Ok(outputs) if heard.reached || marked.is_none() => {
                if !running.context.variables_and_types().any(|(name, _)| name == "mesos") {
                    // `:clear` forgets even what is in scope.
                    let _ = running.context.execute(USE);
                    self.bind()?;
                }
                Ok(bundle(outputs.content_by_mime_type))
            }
            Ok(_) => Err(heard.failure()),
            Err(evcxr::Error::SubprocessTerminated(why)) => {
                let bound = self.bind();
                let trouble = heard.death(&why, &variables, self.shared.killed.load(Ordering::Relaxed));
                bound.map_or_else(Err, |()| Err(trouble))
            }
            Err(evcxr::Error::CompilationErrors(errors)) => Err(compilation(code, &errors)),
            Err(error) => Err(Trouble::new("RustError", error.to_string())),
        }
    }

    fn complete(&mut self, code: &str, at: usize) -> Completion {
        let Some(running) = &mut self.running else { return nothing(at) };
        match running.context.completions(code, at) {
            Ok(found) => Completion {
                span: found.start_offset..found.end_offset,
                candidates: found
                    .completions
                    .into_iter()
                    .map(|one| Candidate { insert: one.code, shown: one.label, about: one.kind.to_owned() })
                    .collect(),
            },
            Err(why) => {
                debug!("no completion: {why}");
                nothing(at)
            }
        }
    }

    fn inspect(&mut self, word: &str) -> Option<Value> {
        let running = self.running.as_mut()?;
        let found = running.context.execute(&format!(":doc {word}")).ok()?;
        let text = found.content_by_mime_type.get("text/plain")?;
        if text.contains("No documentation found") {
            return None;
        }
        Some(bundle(found.content_by_mime_type.clone()))
    }
}

/// What every cell has in scope.
const USE: &str = "#[allow(unused_imports)] use mesos_handle::prelude::*;";
/// The session's handle.
const BIND: &str = "let mesos = mesos_handle::attach();";

const WARM: &str = "Ok::<u8, std::fmt::Error>(1)?";

/// What was heard of a cell's fate while it ran.
#[derive(Default)]
struct Heard {
    reached: bool,
    /// What came on stderr at its end.
    errors: Vec<String>,
}

impl Heard {
    /// A cell that ended without reaching its end: a panic or a failed `?`.
    fn failure(&self) -> Trouble {
        let panic = self.errors.iter().position(|line| line.contains("panicked at"));
        match panic {
            Some(at) => {
                let place =
                    self.errors[at].split("panicked at").nth(1).unwrap_or_default().trim().trim_end_matches(':');
                let message: Vec<&str> =
                    self.errors[at + 1..].iter().take_while(|line| !is_backtrace(line)).map(String::as_str).collect();
                let message = message.join("\n");
                let trouble = Trouble::new("Panic", if message.is_empty() { place.to_owned() } else { message });
                // A place in generated code says nothing to anybody.
                if place.starts_with("src/lib.rs") {
                    trouble.line(KEPT)
                } else {
                    trouble.line(format!("at {}", render::safe_line(place))).line(KEPT)
                }
            }
            None => {
                let message = self.errors.join("\n");
                let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
                Trouble::new("Err", if message.is_empty() { "a ? met an error".to_owned() } else { message }).line(
                    "The `?` ended the cell here: variables that it would have set are not set, the others are kept.",
                )
            }
        }
    }

    /// A cell whose process is gone.
    fn death(&self, why: &str, variables: &[String], killed: bool) -> Trouble {
        let mut lost: Vec<&str> = variables.iter().map(String::as_str).filter(|name| *name != "mesos").collect();
        lost.sort_unstable();
        let lost =
            if lost.is_empty() { "No variables were lost".to_owned() } else { format!("Lost: {}", lost.join(", ")) };
        let (name, value) = if killed {
            ("Interrupted", "the cell didn't stop, so its process was ended".to_owned())
        } else {
            ("ChildExit", how_it_ended(why, &self.errors))
        };
        Trouble::new(name, value).line(format!("{lost}. The framework, its tasks and `mesos` are as they were."))
    }
}

const KEPT: &str = "Variables from before this cell are kept; the framework and its tasks are untouched.";

fn is_backtrace(line: &str) -> bool {
    line.starts_with("stack backtrace:") || line.starts_with("note: ")
}

/// The end of a process in words: its status, and what it said of a crash.
fn how_it_ended(why: &str, errors: &[String]) -> String {
    let status = why.rsplit("Subprocess terminated with status: ").next().unwrap_or(why).trim();
    let crash = errors.iter().find(|line| {
        ["Segmentation fault.", "Illegal instruction.", "Bus error.", "memory allocation of"]
            .iter()
            .any(|start| line.starts_with(start))
            || line.contains("has overflowed its stack")
    });
    match crash {
        Some(crash) => format!("the process that runs Rust cells ended: {} ({status})", crash.trim_end_matches('.')),
        None => format!("the process that runs Rust cells ended: {status}"),
    }
}

/// Runs code once, with its output going out as it comes.
fn run_once(
    running: &mut Running,
    code: &str,
    mark: &str,
    events: &channel::UnboundedSender<Event>,
    heard: &mut Heard,
) -> Result<evcxr::EvalOutputs, evcxr::Error> {
    let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
    let Running { context, outputs, .. } = running;
    std::thread::scope(|scope| {
        let listener = scope.spawn(|| listen(outputs, mark, events, &stopped));
        let ask = |prompt, password| {
            let (answer, answered) = mpsc::channel();
            let _ = events.send(Event::Ask { prompt, password, answer });
            answered.recv().unwrap_or_default()
        };
        let mut callbacks = EvalCallbacks { input_reader: &|request| ask(request.prompt, request.is_password) };
        let result = context.execute_with_callbacks(code, &mut callbacks);
        drop(stop);
        if let Ok(more) = listener.join() {
            heard.reached |= more.reached;
            heard.errors.extend(more.errors);
        }
        result
    })
}

/// Passes output on until told to stop and nothing is left.
fn listen(
    outputs: &EvalContextOutputs,
    mark: &str,
    events: &channel::UnboundedSender<Event>,
    stopped: &crossbeam_channel::Receiver<()>,
) -> Heard {
    let mut listener = Listener { mark, events, heard: Heard::default(), held: Vec::new(), panicking: false };
    loop {
        crossbeam_channel::select! {
            recv(outputs.stdout) -> line => match line { Ok(line) => listener.out(line), Err(_) => break },
            recv(outputs.stderr) -> line => match line { Ok(line) => listener.error(line), Err(_) => break },
            recv(stopped) -> _ => break,
            default(HELD) => listener.release(),
        }
    }
    outputs.stdout.try_iter().for_each(|line| listener.out(line));
    // The other pipe may lag a moment behind.
    while let Ok(line) = outputs.stderr.recv_timeout(Duration::from_millis(5)) {
        listener.error(line);
    }
    listener.end()
}

/// For how long a line on stderr may turn out to be what ended the cell.
const HELD: Duration = Duration::from_millis(40);

struct Listener<'a> {
    mark: &'a str,
    events: &'a channel::UnboundedSender<Event>,
    heard: Heard,
    /// Lines of stderr that haven't been passed on yet.
    held: Vec<String>,
    panicking: bool,
}

impl Listener<'_> {
    fn pass(&self, stream: Stream, text: String) {
        // Nobody listens to a cell whose request is gone.
        let _ = self.events.send(Event::Text(stream, text));
    }

    fn release(&mut self) {
        if !self.panicking {
            for line in std::mem::take(&mut self.held) {
                self.pass(Stream::Err, line + "\n");
            }
        }
    }

    fn out(&mut self, line: String) {
        self.release();
        match line.strip_suffix(self.mark) {
            Some(before) => {
                self.heard.reached = true;
                if !before.is_empty() {
                    self.pass(Stream::Out, before.to_owned());
                }
            }
            None => self.pass(Stream::Out, line + "\n"),
        }
    }

    fn error(&mut self, line: String) {
        // A panic's message becomes the cell's error; its backtrace is all runtime.
        if line.contains("panicked at") {
            // The runtime puts an empty line before it.
            self.held.pop_if(|last| last.is_empty());
            self.release();
            self.panicking = true;
        }
        self.held.push(line);
    }

    fn end(mut self) -> Heard {
        if self.heard.reached {
            self.panicking = false;
            self.release();
        }
        self.heard.errors = self.held;
        self.heard
    }
}

/// evcxr's outputs by type as a bundle; JSON as JSON.
fn bundle(contents: std::collections::HashMap<String, String>) -> Value {
    let mut data = Map::new();
    for (kind, text) in contents {
        let value = if kind == "application/json" || kind.ends_with("+json") {
            serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
        } else {
            json!(text)
        };
        data.insert(kind, value);
    }
    if data.is_empty() || (data.len() == 1 && data.get("text/plain").is_some_and(|text| text == "()")) {
        return Value::Null;
    }
    data.entry("text/plain").or_insert_with(|| json!(""));
    data.into()
}

/// The compiler's errors with the places in the cell.
fn compilation(code: &str, errors: &[evcxr::CompilationError]) -> Trouble {
    let first = errors.first();
    let mut trouble = Trouble::new("CompileError", first.map(evcxr::CompilationError::message).unwrap_or_default());
    trouble.traceback.clear();
    for error in errors {
        trouble.traceback.push(format!("\x1b[1;31merror\x1b[0m\x1b[1m: {}\x1b[0m", error.message()));
        for spanned in error.spanned_messages() {
            let Some(span) = &spanned.span else { continue };
            if let Some(line) = code.lines().nth(span.start_line.saturating_sub(1)) {
                let start = span.start_column.saturating_sub(1);
                let end = if span.end_line == span.start_line {
                    span.end_column.saturating_sub(1)
                } else {
                    line.chars().count()
                };
                let carets = "^".repeat(end.saturating_sub(start).max(1));
                trouble.traceback.push(format!("{:>4} | {line}", span.start_line));
                trouble.traceback.push(format!(
                    "     | {}\x1b[31m{carets} {}\x1b[0m",
                    " ".repeat(start),
                    spanned.label
                ));
            }
        }
        trouble.traceback.extend(error.help().into_iter().map(|help| format!("help: {help}")));
        trouble.traceback.extend(error.evcxr_extra_hint().map(|hint| format!("help: {hint}")));
    }
    trouble
}
