//! A task and what is told of it, update by update.

use std::fmt;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::json::Value;
use crate::link::{ask, command, op};
use crate::show::{Drawn, Show, list, shown, spoken};

/// A task's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// Handed to the agent.
    Staging,
    /// Its executor has it.
    Starting,
    /// It runs.
    Running,
    /// It is being killed.
    Killing,
    /// It has ended well.
    Finished,
    /// It has ended badly.
    Failed,
    /// It was killed.
    Killed,
    /// It could not be launched.
    Error,
    /// Nobody knows.
    Lost,
    /// It was never launched.
    Dropped,
    /// Its agent can't be reached.
    Unreachable,
    /// Its agent is gone.
    Gone,
    /// Another one.
    Other(String),
}

const NAMES: [(&str, TaskState); 12] = [
    ("TASK_STAGING", TaskState::Staging),
    ("TASK_STARTING", TaskState::Starting),
    ("TASK_RUNNING", TaskState::Running),
    ("TASK_KILLING", TaskState::Killing),
    ("TASK_FINISHED", TaskState::Finished),
    ("TASK_FAILED", TaskState::Failed),
    ("TASK_KILLED", TaskState::Killed),
    ("TASK_ERROR", TaskState::Error),
    ("TASK_LOST", TaskState::Lost),
    ("TASK_DROPPED", TaskState::Dropped),
    ("TASK_UNREACHABLE", TaskState::Unreachable),
    ("TASK_GONE", TaskState::Gone),
];

impl TaskState {
    fn named(name: &str) -> Self {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map_or_else(|| Self::Other(name.to_owned()), |(_, state)| state.clone())
    }

    /// Its name in the protocol.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES.iter().find(|(_, state)| state == known).map_or("", |(name, _)| name),
        }
    }

    /// Whether it is a task's last.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Finished | Self::Failed | Self::Killed | Self::Error | Self::Lost | Self::Dropped | Self::Gone
        )
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().strip_prefix("TASK_").unwrap_or(self.name()))
    }
}

/// A status update.
#[derive(Clone, PartialEq)]
pub struct Update {
    /// The state.
    pub state: TaskState,
    /// The time since the launch.
    pub after: Duration,
    /// Why, in the protocol's word; may be empty.
    pub reason: String,
    /// Who says so; may be empty.
    pub source: String,
    /// What they say; may be empty.
    pub message: String,
    /// What it means and what to try, where something is wrong.
    pub told: Vec<String>,
}

impl From<&Value> for Update {
    fn from(value: &Value) -> Self {
        let text = |name: &str| value.get(name).text().to_owned();
        Self {
            state: TaskState::named(value.get("state").text()),
            after: Duration::try_from_secs_f64(value.get("seconds").number().unwrap_or_default()).unwrap_or_default(),
            reason: text("reason"),
            source: text("source"),
            message: text("message"),
            told: value.get("told").items().iter().map(|line| line.text().to_owned()).collect(),
        }
    }
}

impl Update {
    fn json(&self) -> Value {
        let told = self.told.iter().map(|line| line.as_str().into()).collect();
        Value::object([
            ("state", self.state.name().into()),
            ("seconds", self.after.as_secs_f64().into()),
            ("reason", self.reason.as_str().into()),
            ("source", self.source.as_str().into()),
            ("message", self.message.as_str().into()),
            ("told", Value::List(told)),
        ])
    }
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {:>5.1} s", self.state.to_string(), self.after.as_secs_f64())?;
        if !self.message.is_empty() {
            write!(f, "  {}", self.message)?;
        }
        self.told.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// A task, by its id. Only a name: the task lives with its agent.
#[derive(Clone, PartialEq, Eq)]
pub struct Task {
    id: String,
}

impl Task {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned() }
    }

    fn ask(&self, request: &str, more: &[(&str, Value)], limit: Duration) -> Result<Value> {
        let fields = more.iter().cloned().chain([("id", self.id.as_str().into())]);
        ask(op(request, fields), limit)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its state now.
    ///
    /// # Errors
    /// When the session doesn't know it.
    pub fn state(&self) -> Result<TaskState> {
        Ok(TaskState::named(self.ask("task", &[], Duration::ZERO)?.get("state").text()))
    }

    /// What is told of it, from the launch on.
    pub fn updates(&self) -> Updates {
        Updates { task: self.clone() }
    }

    /// Waits until it is over; its last update.
    ///
    /// # Errors
    /// When it isn't in time.
    pub fn wait(&self, limit: Duration) -> Result<Update> {
        self.reach(None, limit)
    }

    /// Waits until it has been in this state; that update.
    ///
    /// # Errors
    /// When it isn't in time, or is over without.
    pub fn wait_for(&self, state: TaskState, limit: Duration) -> Result<Update> {
        self.reach(Some(state), limit)
    }

    fn reach(&self, state: Option<TaskState>, limit: Duration) -> Result<Update> {
        let mut last = None;
        for update in Until::new(self.clone(), state.clone(), limit) {
            last = Some(update?);
        }
        match (last, state) {
            (Some(update), Some(state)) if update.state != state => Err(Error::told(
                format!("'{}' is {} and was never {state}", self.id, update.state),
                format!("error: '{}' is {} and was never {state}\n{update}", self.id, update.state),
            )),
            (Some(update), _) => Ok(update),
            (None, _) => Err(Error::new(format!("nothing was told of '{}'", self.id))),
        }
    }

    /// Kills it; it is over when its updates say so.
    ///
    /// # Errors
    /// When the master doesn't take the call.
    pub fn kill(&self) -> Result<Self> {
        command(&format!("kill {} --no-wait", quoted(&self.id)), Duration::ZERO)?;
        Ok(self.clone())
    }

    /// What it has printed.
    ///
    /// # Errors
    /// When its sandbox can't be read.
    pub fn logs(&self) -> Result<Logs> {
        self.printed("")
    }

    /// What it has printed to stderr.
    ///
    /// # Errors
    /// When its sandbox can't be read.
    pub fn errors(&self) -> Result<Logs> {
        self.printed(" --stderr")
    }

    fn printed(&self, which: &str) -> Result<Logs> {
        let answer = command(&format!("logs {}{which}", quoted(&self.id)), Duration::ZERO)?;
        let text = match answer.get("json") {
            Value::Text(text) => text.clone(),
            _ => answer.get("plain").text().to_owned(),
        };
        Ok(Logs { text })
    }

    fn drawn(&self) -> Drawn {
        match self.ask("task", &[], Duration::ZERO) {
            Ok(answer) => Drawn::from(&answer),
            Err(error) => Drawn::words(error.to_string()),
        }
    }
}

/// What is told of a task: an iterator that waits for what comes next, until the task is over.
#[derive(Clone, Debug)]
#[must_use = "iterate over it"]
pub struct Updates {
    task: Task,
}

impl Updates {
    /// Up to this state (or the task's end), at most so long.
    pub fn until(self, state: TaskState, limit: Duration) -> Until {
        Until::new(self.task, Some(state), limit)
    }

    /// Up to the task's end, at most so long.
    pub fn within(self, limit: Duration) -> Until {
        Until::new(self.task, None, limit)
    }
}

impl IntoIterator for Updates {
    type Item = Result<Update>;
    type IntoIter = Until;
    fn into_iter(self) -> Until {
        self.within(Duration::from_secs(3600))
    }
}

/// An id as a word of a command, whatever is in it.
fn quoted(id: &str) -> String {
    format!("'{}'", id.replace('\'', "'\\''"))
}

/// Updates, one after the other.
#[derive(Debug)]
#[must_use = "iterate over it"]
pub struct Until {
    task: Task,
    state: Option<TaskState>,
    limit: Duration,
    begin: Instant,
    seen: u32,
    ready: std::collections::VecDeque<Update>,
    done: bool,
}

impl Until {
    fn new(task: Task, state: Option<TaskState>, limit: Duration) -> Self {
        Self { task, state, limit, begin: Instant::now(), seen: 0, ready: Default::default(), done: false }
    }

    fn drawn(&self) -> Drawn {
        self.task.drawn()
    }

    /// Asks for more; `None` when nothing more will come.
    fn more(&mut self) -> Option<Result<()>> {
        let left = self.limit.saturating_sub(self.begin.elapsed());
        let fields = [("after", f64::from(self.seen).into()), ("wait", left.as_secs_f64().into())];
        match self.task.ask("updates", &fields, left) {
            Ok(answer) => {
                self.ready.extend(answer.get("updates").items().iter().map(Update::from));
                self.seen += answer.get("updates").items().len() as u32;
                match self.ready.is_empty() {
                    true if answer.get("over").is_true() => None,
                    true if left.is_zero() => Some(Err(self.too_late())),
                    _ => Some(Ok(())),
                }
            }
            Err(error) => Some(Err(error)),
        }
    }

    fn too_late(&self) -> Error {
        let state = self.state.as_ref().map_or_else(|| "over".to_owned(), ToString::to_string);
        Error::new(format!("'{}' is not {state} after {} s", self.task.id, self.limit.as_secs()))
            .help("it goes on in the background: wait again, with more time")
    }
}

impl Iterator for Until {
    type Item = Result<Update>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done && self.ready.is_empty() {
            if let Err(error) = self.more()? {
                self.done = true;
                return Some(Err(error));
            }
        }
        let update = self.ready.pop_front()?;
        if self.state.as_ref() == Some(&update.state) || update.state.is_over() {
            self.done = true;
            self.ready.clear();
        }
        Some(Ok(update))
    }
}

/// What a task has printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Logs {
    text: String,
}

impl Logs {
    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self, lines: usize) -> Logs {
        let all: Vec<&str> = self.text.lines().collect();
        Logs { text: all[all.len().saturating_sub(lines)..].join("\n") }
    }

    fn drawn(&self) -> Drawn {
        let words = if self.text.is_empty() { "(nothing printed)" } else { &self.text };
        Drawn::of("log", words.into(), || words.to_owned())
    }
}

/// Tasks.
#[derive(Clone, PartialEq)]
pub struct Tasks {
    list: Vec<(Task, TaskState)>,
    drawn: Drawn,
}

impl Tasks {
    fn drawn(&self) -> &Drawn {
        &self.drawn
    }
}

impl From<&Value> for Tasks {
    fn from(answer: &Value) -> Self {
        let task = |value: &Value| (Task::new(value.get("id").text()), TaskState::named(value.get("state").text()));
        Self { list: answer.get("tasks").items().iter().map(task).collect(), drawn: Drawn::from(answer) }
    }
}

shown!(Task, Logs, Tasks, Until);
list!(Tasks: (Task, TaskState));

spoken!(Task, Logs, Update);

impl Show for TaskState {
    fn evcxr_display(&self) {
        Drawn::of("state", self.name().into(), || self.to_string()).show();
    }
}

impl Show for Update {
    fn evcxr_display(&self) {
        Drawn::of("update", self.json(), || self.to_string()).show();
    }
}

impl Show for Updates {
    fn evcxr_display(&self) {
        self.task.evcxr_display();
    }
}
