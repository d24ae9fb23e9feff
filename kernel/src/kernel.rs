//! The kernel's shared state, and the answers that need no cell: who it is, completion, help, history, comms.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mesos_repl::document::Diagnostic;
use mesos_repl::embedded::Docker;
use mesos_repl::engine::{self, Engine};
use mesos_repl::lang::{self, Completeness, Input};
use mesos_repl::serve::{self, Heard, Server};
use serde_json::{Map, Value, json};
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::bundle;
use crate::cursor;
use crate::history::History;
use crate::iopub::Iopub;
use crate::keep::Keep;
use crate::late::{self, Late};
use crate::rust::Rust;
use crate::stdin::Stdin;
use crate::wire::{PROTOCOL, Request, Sender};

/// How the kernel is set up.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The master; an embedded one without it.
    pub master: Option<String>,
    /// Whether the embedded Mesos runs real containers.
    pub docker: Docker,
    /// Where the history is kept; in memory only without it.
    pub history: Option<PathBuf>,
    /// Where the framework is remembered for a restarted kernel; nowhere without it.
    pub keep: Option<PathBuf>,
    /// When Rust cells get ready.
    pub rust: crate::rust::Cells,
    /// What becomes of the framework.
    pub fates: Fates,
}

/// What becomes of the notebook's framework at the kernel's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Fate {
    /// It is left to its failover timeout, tasks and all
    #[default]
    Keep,
    /// It is torn down, and its tasks are killed
    Teardown,
}

/// What becomes of it in each case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// When the kernel is restarted; kept, it is taken up again.
    pub restart: Fate,
    /// When the kernel is shut down for good, or its parent is gone. A framework that was taken up from another session
    /// is kept in any case.
    pub shutdown: Fate,
}

/// How a kernel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Another takes its place.
    Restart,
    /// For good.
    Shutdown,
}

/// How long the master may take to hear of the end.
const TEARDOWN: std::time::Duration = std::time::Duration::from_secs(5);

/// What everything in the kernel shares.
#[derive(Debug)]
pub struct Kernel {
    /// Output.
    pub iopub: Iopub,
    /// Makes messages.
    pub sender: Arc<Sender>,
    /// Questions to the person.
    pub stdin: Arc<Stdin>,
    /// Somebody has asked for the kernel's end.
    pub end: CancellationToken,
    /// The kernel's end: sockets close, tasks stop.
    pub stop: CancellationToken,
    /// Rust cells.
    pub rust: Rust,
    /// Another kernel will take this one's place.
    pub restart: AtomicBool,
    keep: Keep,
    settings: Settings,
    backend: OnceCell<Result<Backend, Diagnostic>>,
    /// Keeps outputs alive after their cells.
    pub late: Late,
    /// The session for Rust cells, and the folder of its socket.
    cells: OnceCell<Option<Cells>>,
    /// The session for other terminals.
    attach: OnceCell<Option<Server>>,
    history: Mutex<History>,
    count: AtomicU32,
    /// The cells that run, by their subshell.
    running: Mutex<HashMap<Option<String>, CancellationToken>>,
}

impl Kernel {
    /// A kernel; the engine starts with [`Kernel::engine`]'s first use.
    pub fn new(
        settings: Settings,
        iopub: Iopub,
        sender: Arc<Sender>,
        stdin: Arc<Stdin>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            late: Late::default(),
            attach: OnceCell::new(),
            history: Mutex::new(History::open(settings.history.as_deref())),
            rust: Rust::new(settings.rust),
            restart: AtomicBool::new(false),
            keep: Keep::new(settings.keep.clone()),
            end: CancellationToken::new(),
            iopub,
            sender,
            stdin,
            stop,
            settings,
            backend: OnceCell::new(),
            cells: OnceCell::new(),
            count: AtomicU32::new(0),
            running: Mutex::default(),
        }
    }

    /// The engine, started by the first who asks.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn engine(&self) -> Result<&Engine, Diagnostic> {
        let start = || async {
            let backend = Backend::start(self.settings.master.as_deref(), self.settings.docker).await?;
            self.keep.take_up(&backend.engine).await;
            Ok(backend)
        };
        let backend = self.backend.get_or_init(start).await;
        backend.as_ref().map(|backend| &backend.engine).map_err(Clone::clone)
    }

    /// Keeps what cells leave behind alive, until the kernel's end.
    pub async fn keep_outputs(&self) {
        if let Ok(engine) = self.engine().await {
            late::follow(engine.clone(), self.iopub.clone(), self.late.clone(), self.stop.clone()).await;
        }
    }

    /// Remembers the framework for a restarted kernel. Ends with the kernel.
    pub async fn keep(&self) {
        if let Ok(engine) = self.engine().await {
            self.keep.follow(engine, self.stop.clone()).await;
        }
    }

    /// The engine if it has been started.
    pub fn started_engine(&self) -> Option<&Engine> {
        self.backend.get()?.as_ref().ok().map(|backend| &backend.engine)
    }

    async fn cells(&self) -> Option<&Cells> {
        let engine = self.engine().await.ok()?.clone();
        let offered = self.cells.get_or_init(|| async move {
            let start = || -> std::io::Result<Cells> {
                let folder = Folder::new()?;
                let (ear, heard) = mpsc::unbounded_channel();
                let server = Server::start(engine, &folder.0.join("cells.sock"), Some(ear))?;
                Ok(Cells { server, heard: tokio::sync::Mutex::new(heard), _folder: folder })
            };
            start().inspect_err(|error| tracing::warn!("Rust cells won't reach the session: {error}")).ok()
        });
        offered.await.as_ref()
    }

    /// Offers the session to Rust cells; the socket's path.
    pub async fn offer_to_cells(&self) -> Option<PathBuf> {
        Some(self.cells().await?.server.path().to_owned())
    }

    /// What Rust cells bring about and ask, for the cell that runs.
    pub async fn heard_from_cells(&self) -> Option<tokio::sync::MutexGuard<'_, mpsc::UnboundedReceiver<Heard>>> {
        Some(self.cells().await?.heard.lock().await)
    }

    /// Offers the session to other terminals of the same person; the socket's path.
    pub async fn offer_to_terminals(&self) -> Option<PathBuf> {
        let engine = self.engine().await.ok()?.clone();
        let offered = self.attach.get_or_init(|| async move {
            let path = serve::usual_folder().join(format!("kernel-{}.sock", std::process::id()));
            let started = Server::start(engine, &path, None);
            started.inspect_err(|error| tracing::warn!("no terminal can attach: {}: {error}", path.display())).ok()
        });
        offered.await.as_ref().map(|server| server.path().to_owned())
    }

    /// Ends what Rust cells wait for.
    pub fn interrupt_cells(&self) {
        if let Some(Some(cells)) = self.cells.get() {
            cells.server.interrupt();
        }
    }

    /// The number of a new cell; an unstored one takes the next without using it up.
    pub fn number(&self, stored: bool) -> u32 {
        if stored { self.count.fetch_add(1, Ordering::Relaxed) + 1 } else { self.count.load(Ordering::Relaxed) }
    }

    /// Keeps a cell's text.
    pub fn remember(&self, number: u32, code: &str) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).add(number, code);
    }

    /// A cell begins: its cancellation.
    pub fn begin(&self, subshell: Option<&str>) -> CancellationToken {
        let cancel = self.stop.child_token();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(subshell.map(str::to_owned), cancel.clone());
        cancel
    }

    /// A cell has ended.
    pub fn end(&self, subshell: Option<&str>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&subshell.map(str::to_owned));
    }

    /// Cancels every cell that runs.
    pub fn interrupt(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().for_each(CancellationToken::cancel);
    }

    /// The end: the framework is torn down or stays with the master, as the settings have it.
    pub async fn close(mut self) {
        self.rust.close();
        if let Some(Some(cells)) = self.cells.take() {
            cells.server.close().await;
        }
        if let Some(Some(server)) = self.attach.take() {
            server.close().await;
        }
        let end = if self.restart.load(Ordering::Relaxed) { End::Restart } else { End::Shutdown };
        let Fates { restart, shutdown } = self.settings.fates;
        let fate = if end == End::Restart { restart } else { shutdown };
        if let Some(Ok(backend)) = self.backend.take() {
            let session = backend.engine.session();
            let id = session.read(|state| state.framework_id.clone());
            let is_own = id.is_some_and(|id| self.keep.is_own(&id));
            if fate == Fate::Teardown && is_own && session.status().borrow().is_subscribed() {
                let torn = tokio::time::timeout(TEARDOWN, session.teardown()).await;
                if !matches!(torn, Ok(Ok(_))) {
                    tracing::warn!(
                        "the framework could not be torn down; the master ends it after its failover timeout"
                    );
                }
            }
            backend.close().await;
        }
        if end == End::Shutdown || fate == Fate::Teardown {
            self.keep.forget();
        }
    }

    /// Answers a request that runs nothing; `None` if it isn't one.
    pub async fn answer(&self, request: &Request) -> Option<(&'static str, Value)> {
        Some(match request.kind.as_str() {
            "kernel_info_request" => ("kernel_info_reply", info()),
            "is_complete_request" => ("is_complete_reply", is_complete(request.text("code").unwrap_or_default())),
            "complete_request" => ("complete_reply", self.complete(request).await),
            "inspect_request" => ("inspect_reply", self.inspect(request).await),
            "history_request" => {
                let history = self.history.lock().unwrap_or_else(PoisonError::into_inner).answer(&request.content);
                ("history_reply", json!({"status": "ok", "history": history}))
            }
            // No target is registered here, so no comm is ever open.
            "comm_info_request" => ("comm_info_reply", json!({"status": "ok", "comms": {}})),
            _ => return None,
        })
    }

    async fn complete(&self, request: &Request) -> Value {
        let code = request.text("code").unwrap_or_default();
        let at = place(request, code);
        let found = if is_rust(code) {
            self.rust.complete(code, at).await
        } else {
            match self.engine().await {
                Ok(engine) => engine.complete(code, at),
                Err(_) => lang::complete(code, at, engine::verbs(), &lang::NoNames),
            }
        };
        let (start, end) = (cursor::point(code, found.span.start), cursor::point(code, found.span.end));
        let described = |candidate: &lang::Candidate| json!({"start": start, "end": end, "text": candidate.insert, "type": kind_of(candidate), "signature": candidate.about});
        json!({
            "status": "ok",
            "matches": engine::inserts(&found),
            "cursor_start": start,
            "cursor_end": end,
            "metadata": {"_jupyter_types_experimental": found.candidates.iter().map(described).collect::<Vec<_>>()},
        })
    }

    async fn inspect(&self, request: &Request) -> Value {
        let code = request.text("code").unwrap_or_default();
        let at = place(request, code);
        let data = if is_rust(code) {
            self.rust.inspect(code, cursor::name_end(code, at)).await
        } else {
            self.about(cursor::word(code, at)).await
        };
        json!({
            "status": "ok",
            "found": data.is_some(),
            "data": data.unwrap_or_else(|| json!({})),
            "metadata": {},
        })
    }

    /// What is known of a word, as a bundle.
    pub async fn about(&self, word: &str) -> Option<Value> {
        let document = match self.engine().await {
            Ok(engine) => engine.inspect(word),
            Err(_) => None,
        };
        document.map(|document| bundle::of(&document))
    }
}

/// The session as Rust cells reach it.
#[derive(Debug)]
struct Cells {
    server: Server,
    heard: tokio::sync::Mutex<mpsc::UnboundedReceiver<Heard>>,
    _folder: Folder,
}

/// A folder that is its owner's alone, removed with everything in it at the end.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("mesos-kernel-{}", uuid::Uuid::new_v4()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of a temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A request's cursor as a byte of its code.
fn place(request: &Request, code: &str) -> usize {
    let at = request.number("cursor_pos").and_then(|at| usize::try_from(at).ok());
    at.map_or(code.len(), |at| cursor::byte(code, at))
}

/// Whether a cell, as far as it is typed, is Rust. What is not yet anything, such as half a verb, isn't.
pub fn is_rust(code: &str) -> bool {
    let inputs = lang::parse_cell(code, engine::verbs()).unwrap_or_default();
    let rust = inputs.last().is_some_and(|input| matches!(input, Input::Rust(_)));
    rust && (code.trim().contains(|c: char| !(c.is_alphanumeric() || c == '_')))
}

/// What a front end shows beside a candidate.
fn kind_of(candidate: &lang::Candidate) -> &'static str {
    if candidate.insert.starts_with("--") {
        "option"
    } else if lang::find(engine::verbs(), &candidate.insert).is_some() {
        "command"
    } else {
        "value"
    }
}

/// Whether a cell wants more lines.
fn is_complete(code: &str) -> Value {
    match lang::completeness(code, engine::verbs()) {
        Completeness::Complete => json!({"status": "complete"}),
        Completeness::Incomplete { .. } => {
            let last = code.lines().last().unwrap_or_default();
            let mut indent: String = last.chars().take_while(|c| *c == ' ').collect();
            if last.trim_end().ends_with(['{', '[', '(']) {
                indent.push_str("    ");
            }
            json!({"status": "incomplete", "indent": indent})
        }
        Completeness::Invalid(_) => json!({"status": "invalid"}),
    }
}

/// The kernel in its own words.
pub fn info() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "status": "ok",
        "protocol_version": PROTOCOL,
        "implementation": "mesos-kernel",
        "implementation_version": version,
        "language_info": {
            "name": "rust",
            "version": env!("CARGO_PKG_RUST_VERSION"),
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
            "nbconvert_exporter": "script",
        },
        "banner": format!(
            "mesos-kernel {version}: an Apache Mesos scheduler session in commands, v1 calls and Rust. `help` lists the commands."
        ),
        "debugger": false,
        "supported_features": ["kernel subshells", "iopub_welcome"],
        "help_links": [
            {"text": "Apache Mesos: scheduler HTTP API", "url": "https://mesos.apache.org/documentation/latest/scheduler-http-api/"},
            {"text": "Apache Mesos: frameworks", "url": "https://mesos.apache.org/documentation/latest/app-framework-development-guide/"},
            {"text": "The Rust Programming Language", "url": "https://doc.rust-lang.org/book/"},
        ],
    })
}

/// An error reply of a kind that isn't a cell's.
pub fn refusal(name: &str, value: &str) -> Value {
    json!({"status": "error", "ename": name, "evalue": value, "traceback": []})
}

/// A content's field that is an object.
pub fn object<'a>(content: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    content.get(name).and_then(Value::as_object).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_told_from_what_is_being_typed() {
        for (code, want) in [("let x = 1;", true), ("1+1", true), ("off", false), ("subscribe", false), ("x.y", true)] {
            assert_eq!(is_rust(code), want, "{code}");
        }
    }

    #[test]
    fn whole_cells_and_parts_of_them() {
        for (code, want) in [
            ("let x = 1;", json!({"status": "complete"})),
            ("fn f() {", json!({"status": "incomplete", "indent": "    "})),
            ("fn f() {\n    a();", json!({"status": "incomplete", "indent": "    "})),
            ("f(}", json!({"status": "invalid"})),
            ("{\"type\":", json!({"status": "incomplete", "indent": ""})),
        ] {
            assert_eq!(is_complete(code), want, "{code}");
        }
    }
}
