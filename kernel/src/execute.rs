//! Runs cells: one queue per subshell, one cell of it at a time; after an error, what is queued behind is aborted.

use std::sync::Arc;

use mesos_repl::engine::{self, Outcome};
use mesos_repl::lang::{self, Input};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::bundle::{self, Trouble};
use crate::display::{Asker, Display};
use crate::kernel::{Kernel, object};
use crate::wire::Request;
use crate::zmtp::RouterSender;

/// A queue of cells.
pub type Queue = mpsc::UnboundedSender<Request>;

/// Starts a queue; it ends when its last sender is dropped or the kernel stops.
pub fn start(kernel: Arc<Kernel>, router: RouterSender) -> Queue {
    let (queue, requests) = mpsc::unbounded_channel();
    tokio::spawn(run(kernel, router, requests));
    queue
}

async fn run(kernel: Arc<Kernel>, router: RouterSender, mut requests: mpsc::UnboundedReceiver<Request>) {
    let stop = kernel.stop.clone();
    while let Some(Some(request)) = stop.run_until_cancelled(requests.recv()).await {
        kernel.iopub.status("busy", &request.parent);
        let (content, failed) = execute(&kernel, &request).await;
        reply(&kernel, &router, &request, "execute_reply", content);
        kernel.iopub.status("idle", &request.parent);
        if failed && request.flag("stop_on_error", true) {
            abort(&kernel, &router, &mut requests);
        }
    }
}

/// Answers what is queued behind a failed cell without running it.
fn abort(kernel: &Kernel, router: &RouterSender, requests: &mut mpsc::UnboundedReceiver<Request>) {
    while let Ok(request) = requests.try_recv() {
        kernel.iopub.status("busy", &request.parent);
        let content = json!({
            "status": "aborted", "execution_count": kernel.number(false),
            "ename": "Aborted", "evalue": "a cell before this one failed", "traceback": [],
        });
        reply(kernel, router, &request, "execute_reply", content);
        kernel.iopub.status("idle", &request.parent);
    }
}

/// Sends a reply to whoever asked.
pub fn reply(kernel: &Kernel, router: &RouterSender, request: &Request, kind: &str, content: Value) {
    let frames = kernel.sender.frames(kind, &request.parent, &json!({}), &content);
    let all: Vec<&[u8]> = request.route.iter().chain(&frames).map(|frame| frame.as_ref()).collect();
    router.send(&request.peer, all.into_iter());
}

/// Runs one request: its reply's content, and whether the cell failed.
async fn execute(kernel: &Kernel, request: &Request) -> (Value, bool) {
    let code = request.text("code").unwrap_or_default();
    let silent = request.flag("silent", false);
    let stored = !silent && request.flag("store_history", true);
    let number = kernel.number(stored);
    if stored && !code.trim().is_empty() {
        kernel.remember(number, code);
    }
    if !silent {
        kernel.iopub.send("execute_input", &request.parent, json!({"code": code, "execution_count": number}));
    }
    let cancel = kernel.begin(request.subshell.as_deref());
    let mut cell = Cell { kernel, request, cancel, payload: Vec::new() };
    let asker = Asker { stdin: Arc::clone(&kernel.stdin), request: request.clone() };
    let mut display =
        Display::new(kernel.iopub.clone(), request.parent.clone(), number, silent).with(asker, kernel.late.clone());
    let result = cell.run(code, &mut display).await;
    if let Some(engine) = kernel.started_engine() {
        display.picture(|tasks| engine.picture(tasks).0);
    }
    let content = match &result {
        Ok(()) => {
            display.finish();
            let expressions = cell.expressions(number).await;
            json!({"status": "ok", "execution_count": number, "payload": cell.payload, "user_expressions": expressions})
        }
        Err(trouble) => {
            display.fail(trouble);
            let mut content = trouble.content();
            content["status"] = json!("error");
            content["execution_count"] = json!(number);
            content["payload"] = json!([]);
            content["user_expressions"] = json!({});
            content
        }
    };
    display.left().into_iter().for_each(|left| kernel.late.keep(left));
    kernel.end(request.subshell.as_deref());
    (content, result.is_err())
}

struct Cell<'a> {
    kernel: &'a Kernel,
    request: &'a Request,
    cancel: CancellationToken,
    payload: Vec<Value>,
}

impl Cell<'_> {
    /// Runs a cell's text: stretches of commands and calls on the engine, Rust in the child.
    async fn run(&mut self, code: &str, display: &mut Display) -> Result<(), Trouble> {
        if code.trim().is_empty() {
            return Ok(());
        }
        if let Some(done) = self.aside(code, display).await {
            return done;
        }
        if code.trim() == ":help" {
            self.commands("help", display).await?;
            return self.rust(code, display).await;
        }
        if is_rust_command(code) {
            return self.rust(code, display).await;
        }
        let inputs = lang::parse_cell(code, engine::verbs()).map_err(|wrong| Trouble::from_diagnostic(&wrong))?;
        match inputs.last() {
            // As it is, so that %%mesos and places in error messages stay.
            Some(last) if !matches!(last, Input::Rust(_)) => self.commands(code, display).await,
            Some(last) => {
                let rust = last.span();
                if inputs.len() > 1 {
                    self.commands(code.get(..rust.start).unwrap_or_default(), display).await?;
                }
                self.rust(code.get(rust).unwrap_or_default(), display).await
            }
            None => Ok(()),
        }
    }

    /// What is for the kernel itself: `%clear`, `%session`, and `WORD?` for help in a pager.
    async fn aside(&mut self, code: &str, display: &mut Display) -> Option<Result<(), Trouble>> {
        let code = code.trim();
        if code == "%clear" {
            display.clear(false);
            return Some(Ok(()));
        }
        if code == "%session" {
            return Some(match self.kernel.offer_to_terminals().await {
                Some(path) => {
                    let words = format!("mesos-repl attach --socket {}", path.display());
                    display.show_bundle(bundle::words(&words), true);
                    Ok(())
                }
                None => Err(Trouble::new("MesosError", "the session can't be offered to terminals; the log says why")),
            });
        }
        let word = code.strip_suffix('?')?.trim_end_matches('?');
        if word.is_empty() || word.contains(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))) {
            return None;
        }
        let data = self.kernel.about(word).await?;
        self.payload.push(json!({"source": "page", "data": data, "start": 0}));
        Some(Ok(()))
    }

    async fn commands(&mut self, text: &str, display: &mut Display) -> Result<(), Trouble> {
        let engine = self.kernel.engine().await.map_err(|wrong| Trouble::from_diagnostic(&wrong))?;
        match engine.execute(text, display, &self.cancel).await {
            Outcome::Done => Ok(()),
            Outcome::Failed | Outcome::Misused => Err(match display.take_trouble() {
                Some(diagnostic) => Trouble::from_diagnostic(&diagnostic),
                None => Trouble::new("MesosError", "the command failed; what it said stands above"),
            }),
            Outcome::Cancelled => Err(interrupted()),
            // What was said of the framework has been done.
            Outcome::Quit(_) => {
                self.payload.push(json!({"source": "ask_exit", "keepkernel": false}));
                Ok(())
            }
        }
    }

    async fn rust(&mut self, code: &str, display: &mut Display) -> Result<(), Trouble> {
        self.kernel.rust.execute(self.kernel, self.request, code, display, &self.cancel).await
    }

    /// Evaluates `user_expressions`, each for itself and without output.
    async fn expressions(&mut self, number: u32) -> Value {
        let mut values = Map::new();
        for (name, code) in object(&self.request.content, "user_expressions") {
            let mut collected = engine::Collected::default();
            let code = code.as_str().unwrap_or_default();
            let value = match self.expression(code, number, &mut collected).await {
                Ok(data) => json!({"status": "ok", "data": data, "metadata": {}}),
                Err(trouble) => {
                    let mut value = trouble.content();
                    value["status"] = json!("error");
                    value
                }
            };
            values.insert(name.clone(), value);
        }
        values.into()
    }

    async fn expression(&self, code: &str, number: u32, into: &mut engine::Collected) -> Result<Value, Trouble> {
        if crate::kernel::is_rust(code) {
            let parent = self.request.parent.clone();
            let mut display = Display::new(self.kernel.iopub.clone(), parent, number, true);
            self.kernel.rust.execute(self.kernel, self.request, code, &mut display, &self.cancel).await?;
            return Ok(display.take_result().unwrap_or_else(|| json!({})));
        }
        let engine = self.kernel.engine().await.map_err(|wrong| Trouble::from_diagnostic(&wrong))?;
        let outcome = engine.execute(code, into, &self.cancel).await;
        let documents = std::mem::take(&mut into.documents);
        let document = documents.into_iter().reduce(mesos_repl::document::Document::and).unwrap_or_default();
        match (outcome, document.blocks.as_slice()) {
            (Outcome::Done, _) => Ok(bundle::of(&document)),
            (_, [.., mesos_repl::document::Block::Diagnostic(wrong)]) => Err(Trouble::from_diagnostic(wrong)),
            _ => Err(interrupted()),
        }
    }
}

/// `:dep`, `:vars` and the other commands of evcxr begin with a colon, as ours may; ours go first.
fn is_rust_command(code: &str) -> bool {
    let name = code.trim_start().strip_prefix(':').and_then(|rest| rest.split_whitespace().next());
    name.is_some_and(|name| !name.starts_with(':') && lang::find(engine::verbs(), name).is_none())
}

/// What an interrupted cell ends with.
pub fn interrupted() -> Trouble {
    Trouble::new("Interrupted", "interrupted; the session goes on")
}
