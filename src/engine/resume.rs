//! What another process of this session left: whether to take it up, and what has happened meanwhile.
//!
//! A framework that lost its process is taken up again by itself; one that somebody else has by now isn't: this session
//! does not fight. What is told comes as notices, so that each front shows it where it shows what happens.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::{Engine, Notice};
use crate::document::{Tone, span};
use crate::mesos::{FrameworkId, TaskId, TaskState};
use crate::session::{Closed, Phase, Session, SubscribeError};
use crate::store::{Called, Found, Kept, Left, Standing};
use crate::view;

/// How long the master may take to tell of the tasks.
const RECONCILED: Duration = Duration::from_secs(5);
/// Up to so many tasks are named; more are counted.
const NAMED: usize = 5;

/// What a master says of a task that it knows, which says nothing. (apache/mesos: src/master/master.cpp, `reconcile`)
const LATEST: &str = "Reconciliation: Latest task state";

/// What another process of this session left, as its file says.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The session's name.
    session: String,
    /// The framework, if its id is known.
    id: Option<FrameworkId>,
    standing: Standing,
    timeout: Duration,
    /// Tasks that weren't over, as they were.
    tasks: Vec<(TaskId, TaskState)>,
    /// Calls that had no answer.
    open: Vec<Called>,
}

impl Behind {
    /// What a file says; none if it remembers no framework.
    pub(super) fn of(kept: &Kept) -> Option<Self> {
        kept.has_framework().then(|| Self {
            session: kept.session.clone(),
            id: kept.id().cloned(),
            standing: kept.standing,
            timeout: kept.failover_timeout(),
            tasks: kept.active().map(|task| (task.id.clone(), task.state.clone())).collect(),
            open: kept.open.values().cloned().collect(),
        })
    }

    fn framework(&self) -> String {
        self.id
            .as_ref()
            .map_or_else(|| "whose registration was under way".to_owned(), |id| view::short_framework(id.as_str()))
    }
}

/// What is known of a session's file at the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening {
    /// How it was opened.
    pub told: Vec<String>,
    pub behind: Option<Behind>,
}

impl Opening {
    pub fn of(found: &Found) -> Self {
        Self { told: found.told.clone(), behind: found.kept.as_ref().and_then(Behind::of) }
    }
}

/// How far the taking up is, for commands that would otherwise begin a framework of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is taken up, or it is decided what is.
    Decided,
    /// It is being found out whether the framework is free.
    Deciding,
}

impl Engine {
    /// What a person should know of the session's file, and of what it remembers.
    pub fn opening(&self) -> Vec<Notice> {
        let opening = self.connected().opening;
        let mut notices: Vec<Notice> =
            opening.told.iter().map(|text| Notice::connection(text.clone(), Tone::Unsure)).collect();
        if let Some(behind) = &opening.behind {
            notices.push(remembers(behind, &self.session()));
        }
        notices
    }

    /// Takes up the framework that another process of this session left, if there is one and nobody else has it. What is
    /// given at the end tells what became of it and of its tasks. Commands wait until it is decided. With a limit, it
    /// ends after that time; the session tries on.
    pub fn take_up(&self, limit: Option<Duration>) -> impl Future<Output = Vec<Notice>> + Send + use<> {
        let behind = self.connected().opening.behind;
        if behind.is_some() {
            self.inner.stage.send_replace(Stage::Deciding);
            self.quiet(behind.iter().flat_map(|behind| &behind.tasks).map(|(task, _)| task.clone()).collect());
        }
        let (session, deciding) = (self.session(), Deciding(self.clone()));
        async move {
            let Some(behind) = behind else { return Vec::new() };
            let work = taken_up(&deciding, &session, &behind);
            let Some(limit) = limit else { return work.await };
            match tokio::time::timeout(limit, work).await {
                Ok(told) => told,
                Err(_) => {
                    let text = format!("no master took the framework up within {}; the session tries on", span(limit));
                    vec![Notice::connection(text, Tone::Unsure)]
                }
            }
        }
    }

    /// Waits until it is decided whether a framework is taken up.
    pub(super) async fn decided(&self) {
        let mut stage: watch::Receiver<Stage> = self.inner.stage.subscribe();
        // The engine is there as long as whoever asks it.
        let _ = stage.wait_for(|stage| *stage == Stage::Decided).await;
    }
}

/// Whatever becomes of it, commands don't wait for ever.
struct Deciding(Engine);

impl Deciding {
    fn is_done(&self) {
        self.0.inner.stage.send_replace(Stage::Decided);
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        self.is_done();
        self.0.quiet(Vec::new());
    }
}

/// The line before the taking up.
fn remembers(behind: &Behind, session: &Session) -> Notice {
    let tasks = match behind.tasks.len() {
        0 => String::new(),
        1 => " with 1 task".to_owned(),
        count => format!(" with {count} tasks"),
    };
    let status = session.status().borrow().clone();
    let now = session.now();
    let ago = status.lost.map(|lost| format!(", left {} ago", span(now.saturating_sub(lost)))).unwrap_or_default();
    let left = match (behind.standing, status.time_left(now)) {
        (Standing::Never, _) | (_, None) => String::new(),
        (_, Some(Duration::ZERO)) if behind.timeout.is_zero() => {
            "; it has no failover timeout, so that the master has ended it".to_owned()
        }
        (_, Some(Duration::ZERO)) => format!("; its failover timeout of {} is over", span(behind.timeout)),
        (_, Some(left)) => format!("; the master keeps it for {} more", span(left)),
    };
    let text = format!("session {}: framework {}{tasks}{ago}{left}", behind.session, behind.framework());
    Notice::connection(text, Tone::Plain)
}

async fn taken_up(deciding: &Deciding, session: &Session, behind: &Behind) -> Vec<Notice> {
    if let Some(notice) = somebody_elses(&deciding.0, session, behind).await {
        return vec![notice];
    }
    let away = session.status().borrow().lost.map(|lost| session.now().saturating_sub(lost));
    session.take_up().await;
    deciding.is_done();
    match session.subscribed().await {
        Ok(id) => {
            reconciled(session, behind).await;
            meanwhile(session, behind, &id, away)
        }
        Err(SubscribeError::Closed(Closed::Removed)) => vec![gone(behind)],
        // Others are told of as they come about.
        Err(_) => Vec::new(),
    }
}

/// Whether another client has the framework: it did, or it does by now.
async fn somebody_elses(engine: &Engine, session: &Session, behind: &Behind) -> Option<Notice> {
    let id = behind.id.as_ref()?;
    let told = |how: &str| {
        let short = view::short_framework(id.as_str());
        let text = format!(
            "framework {short} of session {} {how}, and is let be; subscribe --id {id} takes it from there, subscribe --new registers another",
            behind.session
        );
        Some(Notice::connection(text, Tone::Unsure))
    };
    match behind.standing {
        Standing::Left(Left::Stolen, _) => told("was taken over by another client"),
        // We let go of it ourselves: if it is connected, then to somebody else.
        Standing::Left(Left::Detached, _) if is_connected(engine, session, id).await == Some(true) => {
            told("is connected to another client")
        }
        _ => None,
    }
}

/// Whether the master has a scheduler of that framework; none if it can't be asked.
async fn is_connected(engine: &Engine, session: &Session, id: &FrameworkId) -> Option<bool> {
    let address = engine.find_master().await.ok()?;
    let body = br#"{"type":"GET_FRAMEWORKS"}"#.to_vec();
    let answer = session.client().operator(&address, "", body).await.ok()?;
    let answer: Value = serde_json::from_slice(&answer).ok()?;
    let frameworks = answer.pointer("/get_frameworks/frameworks")?.as_array()?;
    let is_it = |one: &&Value| one.pointer("/framework_info/id/value").is_some_and(|value| value == id.as_str());
    frameworks.iter().find(is_it)?.get("connected")?.as_bool()
}

/// Waits until the master has told of every task that was left.
async fn reconciled(session: &Session, behind: &Behind) {
    if behind.tasks.is_empty() {
        return;
    }
    let mut status = session.status();
    let told = status.wait_for(|status| !status.reconciling || matches!(status.phase, Phase::Closed(_)));
    // What it hasn't told by then is shown as it was.
    let _ = tokio::time::timeout(RECONCILED, told).await;
}

fn gone(behind: &Behind) -> Notice {
    let tasks = match behind.tasks.len() {
        0 => String::new(),
        1 => format!(
            "; its task {} was killed with it",
            behind.tasks.first().map(|(id, _)| id.as_str()).unwrap_or_default()
        ),
        count => format!("; its {count} tasks were killed with it"),
    };
    let text = format!(
        "framework {} is no more: it was torn down, or was away for longer than its failover timeout of {}{tasks}; subscribe --new registers another",
        behind.framework(),
        span(behind.timeout)
    );
    Notice::connection(text, Tone::Bad)
}

/// What has happened while nobody was there.
fn meanwhile(session: &Session, behind: &Behind, id: &FrameworkId, away: Option<Duration>) -> Vec<Notice> {
    let after = away.map(|away| format!(" after {}", span(away))).unwrap_or_default();
    let text = format!("framework {} is taken up again{after}", view::short_framework(id.as_str()));
    let mut notices = vec![Notice::connection(text, Tone::Running)];
    let now: Vec<(TaskId, TaskState, String)> = session.read(|state| {
        let known = behind.tasks.iter().filter_map(|(id, _)| state.tasks.get(id.as_str()));
        known
            .map(|task| {
                let status = task.latest().and_then(|latest| latest.status().ok());
                let said = status.and_then(|status| status.message).filter(|said| task.is_over() && said != LATEST);
                (task.id.clone(), task.state.clone(), said.unwrap_or_default())
            })
            .collect()
    });
    let (over, alive): (Vec<_>, Vec<_>) = now.into_iter().partition(|(_, state, _)| crate::state::is_terminal(state));
    notices.extend(told("meanwhile", &over));
    notices.extend(told("still there", &alive));
    notices.extend(behind.open.iter().filter_map(|called| unanswered(called, session)));
    notices
}

/// Tasks and their states in a line; many are counted.
fn told(when: &str, tasks: &[(TaskId, TaskState, String)]) -> Option<Notice> {
    if tasks.is_empty() {
        return None;
    }
    let bare = |state: &TaskState| state.to_string().trim_start_matches("TASK_").to_owned();
    let worst = tasks.iter().map(|(_, state, _)| Tone::of_task_state(&state.to_string()));
    let tone = worst.max_by_key(|tone| u8::from(*tone == Tone::Bad)).unwrap_or(Tone::Plain);
    let text = if tasks.len() <= NAMED {
        let one = |(id, state, said): &(TaskId, TaskState, String)| match said.as_str() {
            "" => format!("{id} {}", bare(state)),
            said => format!("{id} {} ({said})", bare(state)),
        };
        tasks.iter().map(one).collect::<Vec<_>>().join(", ")
    } else {
        let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        tasks.iter().for_each(|(_, state, _)| *counts.entry(bare(state)).or_default() += 1);
        counts.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
    };
    Some(Notice::connection(format!("{when}: {text}"), tone))
}

/// What is said of a call that had no answer. Launches show in their tasks.
fn unanswered(called: &Called, session: &Session) -> Option<Notice> {
    let text = match (called.kind.as_str(), &called.task) {
        ("TEARDOWN", _) => "a TEARDOWN was under way and hasn't arrived; teardown ends the framework".to_owned(),
        ("KILL", Some(task)) => {
            let alive = session.read(|state| state.tasks.get(task.as_str()).is_some_and(|task| !task.is_over()));
            alive.then(|| format!("a KILL of {task} was under way, and it is there; kill {task} asks again"))?
        }
        _ => return None,
    };
    Some(Notice::connection(text, Tone::Unsure))
}
