//! Text in, documents out: one engine for every front. It parses, runs commands on the live session, and answers.
//!
//! It knows no terminal and no notebook, and draws nothing. Commands are one file and one row of [`command::ALL`] each;
//! help, completion, dispatch, docs/commands.md and the tests read that table.

mod agents;
pub mod command;
mod context;
mod explain;
mod fill;
mod fit;
mod launch;
mod masters;
mod names;
mod notices;
mod output;
mod paste;
mod resume;
mod standing;
mod task;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use context::Failure;
pub use notices::{Notice, Notices, unrecorded};
pub use output::{Answering, Caused, Collected, Output, Question};
pub use standing::{Standing, waits};

use crate::client::{Access, Address, RequestError};
use crate::document::{Diagnostic, Document};
use crate::lang::{self, Candidate, Completeness, Completion, Input, JsonCall, Role, Verb};
use crate::mesos::{FrameworkCapability, FrameworkInfo, TaskId};
use crate::session::{Config, Masters, Phase, Session};
use crate::settings::{self, Place, Shown};
use crate::store::{self, Folder, Naming, Trouble};
use context::Context;
use resume::{Opening, Stage};

/// What the engine works on.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where the masters are.
    pub masters: Masters,
    /// How they may be spoken to.
    pub access: Access,
    /// What was said of them, for people to see.
    pub said: Vec<Shown>,
    /// What is said of it beside its address, such as that it is embedded.
    pub label: Option<String>,
    /// Whether it ends with this process.
    pub embedded: bool,
}

impl Target {
    /// Those masters, spoken to as by a stranger.
    pub fn new(masters: impl Into<Masters>) -> Self {
        Self { masters: masters.into(), access: Access::default(), said: Vec::new(), label: None, embedded: false }
    }
}

impl From<Place> for Target {
    fn from(place: Place) -> Self {
        Self { access: place.access, said: place.shown, ..Self::new(place.masters.value) }
    }
}

/// How the engine behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a framework is called where nobody names it.
    pub framework: FrameworkInfo,
    /// How long a command waits for what it started, unless told.
    pub patience: Duration,
    /// How the session treats offers.
    pub lease: Option<Duration>,
    /// Whether results end with what one would likely do next, until `set hints` says otherwise.
    pub hints: bool,
    /// Where profiles are kept, if anywhere.
    pub settings: Option<settings::File>,
    /// Where sessions are remembered, if anywhere; one on an embedded Mesos never is, for that ends with its process.
    pub memory: Option<Memory>,
}

/// Where sessions are remembered, and what they are called.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The folder of their files.
    pub folder: Folder,
    /// The first session's name.
    pub naming: Naming,
    /// Those of masters that `connect` turns to.
    pub others: Naming,
}

/// Why an engine can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The HTTP client can't be made.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The session that was named can't be used.
    #[error(transparent)]
    Session(#[from] Trouble),
}

impl Default for Options {
    fn default() -> Self {
        use crate::mesos::FrameworkCapabilityType::{PartitionAware, TaskKillingState};
        let capability = |kind| FrameworkCapability { r#type: Some(kind), ..FrameworkCapability::default() };
        // With them a task that can't be reached isn't called lost, and a kill is seen from its beginning.
        let framework = FrameworkInfo {
            user: String::new(),
            name: "mesos-repl".to_owned(),
            failover_timeout: Some(3600.0),
            capabilities: vec![capability(PartitionAware), capability(TaskKillingState)],
            ..FrameworkInfo::default()
        };
        Self {
            framework,
            patience: Duration::from_secs(120),
            lease: Some(Duration::from_secs(60)),
            hints: true,
            settings: None,
            memory: None,
        }
    }
}

/// How an input ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// Something went wrong; it has been shown, and what came after it in the input wasn't run.
    Failed,
    /// The input itself is wrong: no such command, option or kind of value. As `Failed` otherwise.
    Misused,
    /// Interrupted; what had been sent stays sent.
    Cancelled,
    /// The person wants to leave: [`Leave`] says how.
    Quit(Leave),
}

/// How to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing was said of the framework.
    Unsaid,
    /// It shall be torn down (or has been).
    Teardown,
    /// It shall run on (or has been left so).
    Detach,
}

/// The engine: a session, and the language to drive it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connected: RwLock<Connected>,
    /// Where it began.
    home: Target,
    /// Counts the turns to another master.
    switches: watch::Sender<u64>,
    options: Options,
    hints: AtomicBool,
    /// Whether it is decided what is taken up of what was left.
    stage: watch::Sender<Stage>,
    /// Tasks of which nothing is told just now, since what happened to them is about to be told in one.
    quiet: Mutex<HashSet<TaskId>>,
}

#[derive(Clone, Debug)]
struct Connected {
    target: Target,
    session: Session,
    opening: Opening,
}

impl Engine {
    /// An engine on that master. Nothing is sent yet. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the HTTP client can't be made, or the session that was named can't be used.
    pub fn start(target: Target, options: Options) -> Result<Self, StartError> {
        let naming = options.memory.as_ref().map(|memory| memory.naming.clone());
        let connected = RwLock::new(connect(target.clone(), &options, naming.as_ref())?);
        let hints = AtomicBool::new(options.hints);
        Ok(Self {
            inner: Arc::new(Inner {
                connected,
                home: target,
                switches: watch::Sender::new(0),
                options,
                hints,
                stage: watch::Sender::new(Stage::Decided),
                quiet: Mutex::default(),
            }),
        })
    }

    /// The session of the present master.
    pub fn session(&self) -> Session {
        self.connected().session
    }

    /// The present master.
    pub fn target(&self) -> Target {
        self.connected().target
    }

    /// The master that it was started with.
    pub fn home(&self) -> Target {
        self.inner.home.clone()
    }

    /// The options it was started with.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Whether results end with what one would likely do next.
    pub fn shows_hints(&self) -> bool {
        self.inner.hints.load(Ordering::Relaxed)
    }

    fn show_hints(&self, on: bool) {
        self.inner.hints.store(on, Ordering::Relaxed);
    }

    /// Waits a while for a master that answers.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn find_master(&self) -> Result<Address, Diagnostic> {
        let (mut output, never) = (Collected::default(), CancellationToken::new());
        let mut context = Context::new(self, &mut output, &never);
        let found = async {
            let address = context.address().await?;
            context.get_json_from(&context.client(), &address, "/version").await?;
            Ok(address)
        };
        found.await.map_err(|failure: Failure| match failure {
            Failure::Diagnostic(diagnostic) => *diagnostic,
            _ => Diagnostic::new("no master was found"),
        })
    }

    fn connected(&self) -> Connected {
        self.inner.connected.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns to another master, or to another session. The old session is closed; its framework stays with the old
    /// master.
    async fn switch(&self, target: Target, naming: Option<&Naming>) -> Result<(), StartError> {
        let others = self.inner.options.memory.as_ref().map(|memory| &memory.others);
        let old = self.connected();
        if old.target.masters == target.masters {
            // Its file is wanted by the new one.
            old.session.close().await;
        }
        let new = connect(target, &self.inner.options, naming.or(others))?;
        let old = std::mem::replace(&mut *self.inner.connected.write().unwrap_or_else(PoisonError::into_inner), new);
        self.inner.switches.send_modify(|count| *count += 1);
        old.session.close().await;
        Ok(())
    }

    /// Fires when the engine has turned to another master and thus another session.
    pub fn switches(&self) -> watch::Receiver<u64> {
        self.inner.switches.subscribe()
    }

    /// Runs everything in `text`, in order, up to the first failure.
    pub async fn execute(&self, text: &str, output: &mut dyn Output, cancel: &CancellationToken) -> Outcome {
        let inputs = match lang::parse(text, command::verbs()) {
            Ok(inputs) => inputs,
            Err(diagnostic) => {
                output.show(diagnostic.into());
                return Outcome::Misused;
            }
        };
        for input in inputs {
            let mut context = Context::new(self, output, cancel);
            let result = match cancel.run_until_cancelled(self.run(&mut context, input)).await {
                Some(result) => result,
                None => Err(Failure::Cancelled),
            };
            output.settle();
            match result {
                Ok(()) => {}
                Err(Failure::Diagnostic(diagnostic)) => {
                    output.show((*diagnostic).into());
                    return Outcome::Failed;
                }
                Err(Failure::Usage(diagnostic)) => {
                    output.show((*diagnostic).into());
                    return Outcome::Misused;
                }
                Err(Failure::Shown) => return Outcome::Failed,
                Err(Failure::Cancelled) => return Outcome::Cancelled,
                Err(Failure::Quit(leave)) => return Outcome::Quit(leave),
            }
        }
        Outcome::Done
    }

    async fn run(&self, context: &mut Context<'_>, input: Input) -> Result<(), Failure> {
        match input {
            Input::Command(invocation) => {
                let Some(command) = command::find(&invocation.verb.value) else {
                    let what = format!("there is no command '{}'", invocation.verb.value);
                    return Err(Failure::usage(invocation.wrong(invocation.verb.span.clone(), what)));
                };
                let args = lang::parse_args(&command.verb, &invocation).map_err(Failure::usage)?;
                context.limit(args.duration("timeout").or_else(|| args.duration("wait")));
                (command.run)(context, args).await
            }
            Input::Call(call) => command::call::pasted(context, call).await,
            Input::Paste(paste) => paste::run(context, paste).await,
            Input::Rust(rust) => {
                let diagnostic = Diagnostic::new("this looks like Rust, which the terminal doesn't run")
                    .at(&*rust.source, rust.span.clone())
                    .help("help lists the commands; a JSON object is sent as a v1 call");
                Err(diagnostic.into())
            }
        }
    }

    /// Runs a v1 call as if its JSON had been pasted.
    pub async fn call(
        &self,
        call: JsonCall,
        output: &mut dyn Output,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        command::call::pasted(&mut Context::new(self, output, cancel), call).await
    }

    /// Whether `text` is a whole input or wants more lines.
    pub fn completeness(&self, text: &str) -> Completeness {
        lang::completeness(text, command::verbs())
    }

    /// What could stand at byte `cursor` of `text`: verbs, flags, live ids, states, field names.
    pub fn complete(&self, text: &str, cursor: usize) -> Completion {
        lang::complete(text, cursor, command::verbs(), &names::Live(self))
    }

    /// What to show dimly behind the cursor.
    pub fn hint(&self, text: &str, cursor: usize) -> Option<String> {
        lang::hint(text, cursor, command::verbs(), &names::Live(self))
    }

    /// What the parts of `text` are, for colouring it.
    pub fn highlight(&self, text: &str) -> Vec<(std::ops::Range<usize>, Role)> {
        lang::highlight(text, command::verbs())
    }

    /// What is known of the word at the cursor: a verb's help, a task's or offer's story.
    pub fn inspect(&self, word: &str) -> Option<Document> {
        command::find(word).map(|command| lang::help_for(&command.verb)).or_else(|| names::inspect(self, word))
    }

    /// What became of these tasks so far, as the input that launched them shows it; and whether all are over.
    pub fn picture(&self, tasks: &[String]) -> (Document, bool) {
        launch::picture_of(&self.session(), tasks)
    }

    /// Tries to subscribe now if the session waits for the next try: somebody is looking.
    pub async fn reconnect_if_lost(&self) {
        let session = self.session();
        let waiting = matches!(session.status().borrow().phase, Phase::Waiting { .. });
        if waiting {
            session.reconnect().await;
        }
    }

    /// Says nothing of these tasks for now.
    fn quiet(&self, tasks: Vec<TaskId>) {
        *self.inner.quiet.lock().unwrap_or_else(PoisonError::into_inner) = tasks.into_iter().collect();
    }

    /// Whether nothing is said of a task just now.
    fn is_quiet(&self, task: &TaskId) -> bool {
        self.inner.quiet.lock().unwrap_or_else(PoisonError::into_inner).contains(task)
    }

    /// Ends the session. The framework stays as it is with the master.
    pub async fn close(&self) {
        self.session().close().await;
    }
}

fn connect(target: Target, options: &Options, naming: Option<&Naming>) -> Result<Connected, StartError> {
    let config = Config { lease: options.lease, access: target.access.clone(), ..Config::new(target.masters.clone()) };
    let memory = options.memory.as_ref().zip(naming).filter(|_| !target.embedded);
    let Some((memory, naming)) = memory else {
        return Ok(Connected { session: Session::start(config)?, target, opening: Opening::default() });
    };
    match store::open(&memory.folder, naming, &target.masters.to_string()) {
        Ok(found) => {
            let opening = Opening::of(&found);
            Ok(Connected { session: Session::resume(config, found)?, target, opening })
        }
        // Whoever named one wants that one; otherwise a session that isn't remembered is better than none.
        Err(trouble) if matches!(naming, Naming::Named(_)) => Err(trouble.into()),
        Err(trouble) => {
            let told = format!("the session can't be recorded, and won't outlive this process: {trouble}");
            let opening = Opening { told: vec![told], behind: None };
            Ok(Connected { session: Session::start(config)?, target, opening })
        }
    }
}

/// All verbs, for docs and tests.
pub fn verbs() -> &'static [&'static Verb] {
    command::verbs()
}

/// Candidates that only insert, for fronts without descriptions.
pub fn inserts(completion: &Completion) -> Vec<&str> {
    completion.candidates.iter().map(|Candidate { insert, .. }| insert.as_str()).collect()
}
