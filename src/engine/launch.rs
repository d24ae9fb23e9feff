//! Launching, and seeing what became of it: an answer of 202 says only that the master has queued the call.

use std::time::Duration;

use tokio::time::Instant;

use super::Caused;
use super::context::{Context, Failure};
use crate::document::{Diagnostic, Document};
use crate::lang::Args;
use crate::mesos::{Call, TaskId};
use crate::session::Session;
use crate::state::{State, Task};
use crate::view;

/// How often a launch in progress is drawn again while nothing happens.
const REDRAW: Duration = Duration::from_millis(200);

/// How far a launch is followed.
#[derive(Clone, Debug)]
pub(super) struct Follow {
    /// The state to be reached.
    pub until: String,
    /// Wait no longer.
    pub limit: Duration,
    /// Whether to wait at all.
    pub wait: bool,
}

impl Follow {
    /// Until RUNNING, as long as the options' patience lasts.
    pub fn usual(context: &Context<'_>) -> Self {
        Self { until: "TASK_RUNNING".to_owned(), limit: context.options().patience, wait: true }
    }

    /// What `--until`, `--timeout` and `--no-wait` say.
    pub fn of(context: &Context<'_>, args: &Args) -> Self {
        let usual = Self::usual(context);
        Self {
            until: args.task_state("until").unwrap_or(usual.until),
            limit: args.duration("timeout").unwrap_or(usual.limit),
            wait: !args.switch("no-wait"),
        }
    }
}

/// Sends an ACCEPT, says what it does (`what`), and follows the tasks that it launches.
pub(super) async fn launch(context: &mut Context<'_>, call: Call, what: &str, follow: &Follow) -> Result<(), Failure> {
    let session = context.session();
    let tasks: Vec<TaskId> = Session::tasks_of(&call).into_iter().map(|task| task.task_id).collect();
    let answer = context.during("the master's answer to ACCEPT", session.call(call)).await??;
    let said = Document::text(format!("{what}, answered {}", answer.status));
    if tasks.is_empty() {
        context.show(said);
        return Ok(());
    }
    let caused = Caused::Tasks(tasks.iter().map(ToString::to_string).collect());
    if !follow.wait {
        context.show(said.with_next(tasks.iter().take(3).map(|task| format!("wait {task} running"))));
        context.caused(caused);
        return Ok(());
    }
    context.show(said);
    context.caused(caused);
    until_reached(context, &tasks, follow).await
}

/// Whether a task has been in a state; one that finished has been running.
pub(super) fn reached(task: &Task, state: &str) -> bool {
    task.state.as_str() == state
        || (state == "TASK_RUNNING" && task.state.as_str() == "TASK_FINISHED")
        || task.history().any(|recorded| recorded.status().is_ok_and(|status| status.state.as_str() == state))
}

/// Shows what becomes of tasks until each has reached the state or is over.
///
/// # Errors
/// When one is over without having reached it, or the time is.
pub(super) async fn until_reached(context: &mut Context<'_>, tasks: &[TaskId], follow: &Follow) -> Result<(), Failure> {
    let session = context.session();
    let mut changes = session.changes();
    let start = Instant::now();
    loop {
        changes.mark_unchanged();
        let now = session.now();
        let (picture, waiting) =
            session.read(|state| (picture(state, tasks, now), waiting(state, tasks, &follow.until)));
        context.live(picture);
        let Some(first) = waiting else { break };
        let left = follow.limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            context.settle();
            return Err(too_late(&session, &first, follow).into());
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Err(crate::session::CallError::SessionClosed.into()) },
            () = tokio::time::sleep(REDRAW.min(left)) => {}
        }
        closed(&session)?;
    }
    context.settle();
    outcome(context, tasks, follow)
}

/// A subscription that is over brings no more updates.
fn closed(session: &Session) -> Result<(), Failure> {
    match &session.status().borrow().phase {
        crate::session::Phase::Closed(why) => Err(super::explain::closed(why, session).into()),
        _ => Ok(()),
    }
}

/// What became of tasks so far, and whether all are over.
pub(super) fn picture_of(session: &Session, tasks: &[String]) -> (Document, bool) {
    let ids: Vec<TaskId> = tasks.iter().map(|id| TaskId::from(id.as_str())).collect();
    let now = session.now();
    session.read(|state| {
        let over = ids.iter().all(|id| state.tasks.get(id.as_str()).is_none_or(Task::is_over));
        (picture(state, &ids, now), over)
    })
}

fn picture(state: &State, tasks: &[TaskId], now: Duration) -> Document {
    let known = tasks.iter().filter_map(|id| state.tasks.get(id.as_str()));
    known.fold(Document::new(), |document, task| document.with(view::progress(task, now)))
}

/// The first task that hasn't got there.
fn waiting(state: &State, tasks: &[TaskId], until: &str) -> Option<TaskId> {
    let is_there = |id: &&TaskId| match state.tasks.get(id.as_str()) {
        Some(task) => task.is_over() || reached(task, until),
        None => false,
    };
    tasks.iter().find(|id| !is_there(id)).cloned()
}

fn too_late(session: &Session, task: &TaskId, follow: &Follow) -> Diagnostic {
    let state = session.read(|state| state.tasks.get(task.as_str()).map(|task| task.state.as_str().to_owned()));
    let (state, limit) = (state.unwrap_or_else(|| "unknown".to_owned()), follow.limit.as_secs());
    Diagnostic::new(format!("after {limit} s '{task}' is still {state}, not {}", follow.until))
        .help(format!("it goes on in the background; wait {task} {} waits again", plain(&follow.until)))
}

/// A state as people type it.
pub(super) fn plain(state: &str) -> String {
    state.strip_prefix("TASK_").unwrap_or(state).to_lowercase()
}

/// What it means that all are where they are.
fn outcome(context: &mut Context<'_>, tasks: &[TaskId], follow: &Follow) -> Result<(), Failure> {
    let session = context.session();
    let mut failed = None;
    let mut next = Vec::new();
    session.read(|state| {
        for task in tasks.iter().filter_map(|id| state.tasks.get(id.as_str())) {
            if !reached(task, &follow.until) {
                failed = failed.take().or_else(|| Some(failure(task, &follow.until)));
            } else if next.is_empty() && !task.is_over() {
                next = vec![format!("logs {}", task.id), format!("task {}", task.id), format!("kill {}", task.id)];
            } else if next.is_empty() {
                next = vec![format!("logs {}", task.id), format!("task {}", task.id)];
            }
        }
    });
    match failed {
        Some(diagnostic) => Err(diagnostic.into()),
        None => {
            context.show(Document::new().with_next(next));
            Ok(())
        }
    }
}

/// Why a task is over without having got where it should.
fn failure(task: &Task, until: &str) -> Diagnostic {
    let status = task.latest().and_then(|latest| latest.status().ok());
    let what = format!("'{}' is {} and was never {}", task.id, task.state, until);
    let mut diagnostic = Diagnostic::new(what);
    if let Some(status) = &status {
        for line in view::verdict(status) {
            diagnostic = diagnostic.detail(line);
        }
    }
    let story = format!("task {} tells its story", task.id);
    diagnostic.help(if task.had_sandbox() {
        format!("{story}, logs {} --stderr shows what it said last", task.id)
    } else {
        story
    })
}
