//! The process that evaluates Rust cells: one thread owns evcxr and works through what the kernel asks, another listens
//! for interrupts and for the kernel's end.
//!
//! evcxr runs the compiled cells in a process of its own below this one. That one may panic, crash, exit or be killed: it
//! costs variables, is told as the cell's error, and the handle is bound again. The session is the kernel's; nothing here
//! touches it.

use std::fs::File;
use std::io::{BufRead as _, Write as _};
use std::os::fd::AsFd as _;
use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use evcxr::{CommandContext, EvalCallbacks, EvalContext, EvalContextOutputs};
use mesos_repl::lang::{Candidate, Completion};
use serde_json::{Map, Value, json};
use tracing::{debug, info};

use super::fate::{self, Heard};
use super::listen::{self, Ran, listen};
use super::mark::{Bound, Scope, Written};
use super::stop::Stopper;
use super::talk::{self, Ask, Told};
use super::{folder, mark, nothing, toolchain, unavailable, variables};
use crate::bundle::Trouble;

/// Tells the kernel.
#[derive(Clone, Debug)]
pub struct Teller(Arc<Mutex<File>>);

impl Teller {
    /// Tells whoever reads this.
    pub fn new(file: File) -> Self {
        Self(Arc::new(Mutex::new(file)))
    }

    /// Writes a line.
    pub fn tell(&self, told: &Told) {
        let line = talk::line(told);
        // A kernel that is gone is noticed by the end of what it asks.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }

    /// Says what is being waited for.
    pub fn does(&self, what: &str) {
        self.tell(&Told::Doing { what: what.to_owned() });
    }
}

/// Evaluates until the kernel is gone.
///
/// # Errors
/// When the pipes can't be set up.
pub fn run() -> std::io::Result<()> {
    folder::settle();
    let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
    // What evcxr prints by itself shall not come between the lines for the kernel.
    nix::unistd::dup2_stdout(std::io::stderr())?;
    let teller = Teller::new(File::from(stdout));
    let (jobs, queue) = mpsc::channel();
    let (answers, answered) = mpsc::channel();
    let stopper = Arc::new(Stopper::default());
    let interrupting = teller.clone();
    let evaluator = Evaluator {
        teller,
        stopper: Arc::clone(&stopper),
        answered,
        running: None,
        known: false,
        plain: true,
        mark: format!("cell-{}", uuid::Uuid::new_v4()),
    };
    let thread = std::thread::Builder::new().name("rust-cells".to_owned()).stack_size(16 << 20);
    thread.spawn(move || evaluator.work_through(&queue))?;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Ask::Interrupt { id }) => {
                stopper.interrupt();
                interrupting.tell(&Told::Interrupting { id });
            }
            // Both threads end with the process only.
            Ok(Ask::Answer { text }) => drop(answers.send(text)),
            Ok(ask) => drop(jobs.send(ask)),
            Err(error) => debug!("the kernel asks what nobody understands: {error}"),
        }
    }
    // The kernel is gone: so is everything that this process has started.
    stopper.end_everything();
    Ok(())
}

/// evcxr, running.
struct Running {
    context: CommandContext,
    outputs: EvalContextOutputs,
    /// The line that makes the handle known to cargo.
    dependency: String,
}

struct Evaluator {
    teller: Teller,
    stopper: Arc<Stopper>,
    answered: mpsc::Receiver<String>,
    running: Option<Running>,
    /// Whether cells know the handle's crate.
    known: bool,
    /// Whether nobody has said how plain values are to be shown.
    plain: bool,
    mark: String,
}

/// What every cell has in scope. The crate's own name tells that nobody has cleared it.
const USE: &str = "#[allow(unused_imports)] use mesos_handle::{self, prelude::*};";
const CRATE: &str = "mesos_handle";
/// What a first cell would wait for: a `?`, which evcxr knows how to compile from then on, and the types of variables.
const WARM: &str = "let _ = Ok::<u8, std::fmt::Error>(1)?;";
const WARM_TYPES: &str = "let warm = vec![mesos_handle::attach()]; warm.";

impl Evaluator {
    fn work_through(mut self, queue: &mpsc::Receiver<Ask>) {
        self.warm_up();
        folder::tidy();
        while let Ok(ask) = queue.recv() {
            // evcxr has asserts of its own: one that fails costs evcxr's state, not the whole process.
            let done = std::panic::catch_unwind(AssertUnwindSafe(|| self.work(&ask)));
            if done.is_err() {
                self.running = None;
                if let Ask::Cell { id, .. } = ask {
                    let why = "evcxr has given up on this cell; the next one starts it anew";
                    self.done(id, Err(unavailable(why)));
                }
            }
            self.see_to_the_handle();
        }
    }

    fn warm_up(&mut self) {
        let begin = Instant::now();
        match self.start() {
            Ok(()) => {
                info!("Rust cells are ready after {} ms", begin.elapsed().as_millis());
                self.teller.tell(&Told::Ready);
            }
            // A cell will say it.
            Err(trouble) => info!("Rust cells: {}", trouble.value),
        }
    }

    fn work(&mut self, ask: &Ask) {
        match ask {
            Ask::Cell { id, code } => {
                let result = self.started().and_then(|()| self.cell(*id, code));
                self.done(*id, result);
            }
            Ask::Complete { id, code, at } => {
                let found = self.complete(code, *at);
                self.teller.tell(&Told::completed(*id, found));
            }
            Ask::Inspect { id, code, at } => {
                let value = self.inspect(code, *at).unwrap_or_default();
                self.teller.tell(&Told::Inspected { id: *id, value });
            }
            // Taken by the other thread.
            Ask::Answer { .. } | Ask::Interrupt { .. } => {}
        }
    }

    fn done(&self, id: u64, result: Result<Value, Trouble>) {
        let (value, trouble) = match result {
            Ok(value) => (value, None),
            Err(trouble) => (Value::Null, Some(trouble)),
        };
        self.teller.tell(&Told::Done { id, value, trouble });
    }

    fn started(&mut self) -> Result<(), Trouble> {
        if self.running.is_none() {
            self.start()?;
            self.teller.tell(&Told::Ready);
        }
        if self.known { Ok(()) } else { self.make_known() }
    }

    /// Starts evcxr and binds the handle.
    fn start(&mut self) -> Result<(), Trouble> {
        self.teller.does("Rust to start: the evaluator");
        let told = |why: &dyn std::fmt::Display| unavailable(&why.to_string());
        let libraries = toolchain::library_folder().map_err(|why| told(&why))?;
        let handle = toolchain::unpack_handle().map_err(|why| told(&why))?;
        let mut command = Command::new(std::env::current_exe().map_err(|why| told(&why))?);
        command.env("LD_LIBRARY_PATH", libraries).env("MESOS_CELL_MARK", &self.mark);
        let (context, outputs) = EvalContext::with_subprocess_command(command)
            .map_err(|why| unavailable(&format!("evcxr doesn't start: {why}")))?;
        let context = CommandContext::with_eval_context(context);
        self.stopper.watch(context.process_handle());
        let dependency = format!(":dep mesos-handle = {{ path = {:?} }}", handle.display().to_string());
        self.running = Some(Running { context, outputs, dependency });
        self.plain = true;
        self.teller.does("Rust to start: the session's handle, and the types of the standard library");
        self.make_known()
    }

    /// Makes the handle known to cells.
    fn make_known(&mut self) -> Result<(), Trouble> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let known = running.context.execute(&format!("{}\n{USE}", running.dependency));
        known.map_err(|why| unavailable(&format!("the session's handle doesn't build: {why}")))?;
        self.known = true;
        // What fails here fails in the cell, too, and is told there.
        let _ = running.context.execute(WARM);
        let _ = running.context.completions(WARM_TYPES, WARM_TYPES.len());
        Ok(())
    }

    /// Makes the handle known again after `:clear`.
    fn see_to_the_handle(&mut self) {
        let Some(running) = &self.running else {
            self.known = false;
            return;
        };
        self.known = running.context.defined_item_names().any(|name| name == CRATE);
        if !self.known
            && let Err(trouble) = self.make_known()
        {
            // The next cell tries again, and says so.
            debug!("{}", trouble.value);
        }
    }

    /// What cells have in scope.
    fn scope(&self) -> Scope {
        let is_taken = |running: &Running| running.context.variables_and_types().any(|(name, _)| name == mark::NAME);
        Scope { handle: !self.running.as_ref().is_some_and(is_taken), plain: self.plain }
    }

    fn cell(&mut self, id: u64, code: &str) -> Result<Value, Trouble> {
        let chooses_display = mark::chooses_display(code);
        let scope = Scope { plain: self.plain && !chooses_display, ..self.scope() };
        let Self { teller, stopper, answered, running, plain, mark, .. } = self;
        let Some(running) = running else { return Err(unavailable("evcxr isn't running")) };
        if let Some(known) = variables::type_of_handle(code).filter(|_| scope.handle) {
            return Ok(json!({"text/plain": known}));
        }
        teller.does("the cell to be compiled");
        let variables: Vec<String> = running.context.variables_and_types().map(|(name, _)| name.to_owned()).collect();
        let (written, bound) = (mark::marked(code, id, scope), Bound::to_run(code, scope));
        let run = Run { id, teller, stopper, answered, mark };
        let (mut result, mut heard) = match &written {
            Written::Marked(code) => run.once(running, code, true),
            Written::Unmarked => run.once(running, &bound.code, false),
            Written::Still => run.once(running, code, false),
        };
        if matches!(written, Written::Marked(_))
            && matches!(result, Err(evcxr::Error::CompilationErrors(_)))
            && stopper.interrupted().is_none()
        {
            // What the mark has spoilt compiles without it; what the person spoilt is told in their own words.
            (result, heard) = run.once(running, &bound.code, false);
        }
        let interrupted = stopper.end();
        *plain &= !(chooses_display && result.is_ok());
        match result {
            Ok(outputs) if heard.reached() => {
                if let Some(took) = outputs.timing {
                    run.say(&format!("took {:.0} ms\n", took.as_secs_f64() * 1000.0));
                }
                debug!("a cell's phases: {:?}", outputs.phases);
                let contents = outputs.content_by_mime_type;
                Ok(bundle(if scope.handle { variables::with_handle(code, contents) } else { contents }))
            }
            Ok(_) if interrupted.is_some() => Err(fate::stopped_in_place()),
            Ok(_) => Err(heard.failure()),
            Err(evcxr::Error::SubprocessTerminated(why)) => Err(heard.death(&why, &variables, interrupted.is_some())),
            Err(_) if interrupted.is_some() => Err(fate::never_begun()),
            Err(evcxr::Error::CompilationErrors(errors)) => Err(fate::compilation(code, &bound, &errors)),
            Err(error) => Err(other(&error.to_string())),
        }
    }

    fn complete(&mut self, code: &str, at: usize) -> Completion {
        let bound = Bound::to_look_at(code, self.scope());
        let Some(running) = &mut self.running else { return nothing(at) };
        match running.context.completions(&bound.code, bound.place(at)) {
            Ok(found) => Completion {
                span: bound.original(found.start_offset)..bound.original(found.end_offset),
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

    fn inspect(&mut self, code: &str, at: usize) -> Option<Value> {
        let bound = Bound::to_look_at(code.get(..at)?, self.scope());
        let running = self.running.as_mut()?;
        let (plain, html) = running.context.hover_at(&bound.code, bound.code.len()).ok()?;
        let found = !plain.is_empty() && !plain.contains("No documentation found");
        found.then(|| json!({"text/plain": plain, "text/html": html}))
    }
}

/// What is none of the compiler's errors.
fn other(error: &str) -> Trouble {
    let trouble = Trouble::new("RustError", error);
    if error.contains("determine type") && !toolchain::has_sources() {
        return trouble
            .line("Types can't be inferred without the standard library's sources: rustup component add rust-src");
    }
    trouble
}

/// One cell's run.
struct Run<'a> {
    id: u64,
    teller: &'a Teller,
    stopper: &'a Stopper,
    answered: &'a mpsc::Receiver<String>,
    mark: &'a str,
}

impl Run<'_> {
    fn say(&self, text: &str) {
        let stream = crate::iopub::Stream::Out;
        self.teller.tell(&Told::Text { id: self.id, stream, text: text.to_owned() });
    }

    fn ask(&self, prompt: String, password: bool) -> String {
        // An answer that came after its question was given up is nobody's.
        self.answered.try_iter().for_each(drop);
        self.teller.tell(&Told::Question { id: self.id, prompt, password });
        self.answered.recv().unwrap_or_default()
    }

    /// Runs code once, with its output going out as it comes.
    fn once(
        &self,
        running: &mut Running,
        code: &str,
        marked: bool,
    ) -> (Result<evcxr::EvalOutputs, evcxr::Error>, Heard) {
        self.stopper.begin(marked);
        let (stop, stopped) = crossbeam_channel::bounded(1);
        let Running { context, outputs, .. } = running;
        std::thread::scope(|scope| {
            let Self { id, mark, teller, stopper, .. } = *self;
            let outputs = &*outputs;
            let cell = listen::Cell { id, mark, teller, stopper };
            let listener = scope.spawn(move || listen(outputs, cell, &listen::Patience::default(), &stopped));
            let mut callbacks =
                EvalCallbacks { input_reader: &|request| self.ask(request.prompt, request.is_password) };
            let result = context.execute_with_callbacks(code, &mut callbacks);
            let ran = match &result {
                Ok(_) if marked => Ran::Marked,
                Ok(_) => Ran::Unmarked,
                Err(_) => Ran::No,
            };
            // A listener that is gone needs no word.
            let _ = stop.send(ran);
            let mut heard = listener.join().unwrap_or_default();
            if !marked {
                heard.unmarked();
            }
            (result, heard)
        })
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
