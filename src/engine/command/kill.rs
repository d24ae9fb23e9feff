//! `kill`: stops tasks and sees them end.

use super::prelude::*;
use crate::document::Timeline;
use crate::engine::names;
use crate::engine::task::duration_info;
use crate::mesos::{Call, Kill, KillPolicy, TaskId};
use crate::state::State;
use crate::view;

command! {
    Verb {
        summary: "stop tasks, and wait until they have ended",
        positionals: &[Positional::many("task", Kind::TaskId, "the tasks to stop")],
        options: &[
            Opt::value("grace", "TIME", Kind::Duration, "time between asking and killing").short('g'),
            Opt::value("timeout", "TIME", Kind::Duration, "wait no longer (2m)").short('t'),
            Opt::switch("no-wait", "don't wait for the end"),
            Opt::switch("yes", "don't ask before killing a task that another session has launched").short('y'),
            Opt::switch("force", "send KILL even for a task that the session doesn't know, or that is over"),
        ],
        examples: &[
            Example::new("kill nap", "stops it").after(&["run --cmd 'sleep 60' --name nap"]),
            Example::new("kill nap --grace 5s", "gives it five seconds").after(&["run --cmd 'sleep 60' --name nap"]),
        ],
        group: "tasks",
        ..Verb::new("kill")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    let tasks: Vec<TaskId> = session.read(|state| {
        let one = |given| match names::task(state, &args, given) {
            Err(_) if args.switch("force") => Ok(TaskId::from(given.value.as_str())),
            found => found,
        };
        args.all("task").map(one).collect::<Result<_, Diagnostic>>()
    })?;
    if !args.switch("yes") && !args.switch("force") {
        confirmed(context, &tasks).await?;
    }
    let mut asked = Vec::new();
    for task in tasks {
        let over = session.read(|state| {
            state.tasks.get(task.as_str()).filter(|task| task.is_over()).map(|task| task.state.to_string())
        });
        if let Some(state) = over.filter(|_| !args.switch("force")) {
            context.show(Document::text(format!("{task} is over already: {state}")));
            continue;
        }
        let before = Before::of(context, task);
        send(context, &before.task, args.duration("grace")).await?;
        asked.push(before);
    }
    if args.switch("no-wait") || asked.is_empty() {
        return Ok(());
    }
    let limit = args.duration("timeout").unwrap_or(context.options().patience);
    ended(context, &asked, limit).await
}

/// Asks before tasks are killed that this session hasn't launched.
pub(super) async fn confirmed(context: &mut Context<'_>, tasks: &[TaskId]) -> Result<(), Failure> {
    let session = context.session();
    let foreign = session.read(|state| {
        let is_foreign = |task: &crate::state::Task| task.launch.is_none() && !task.is_over();
        let known = tasks.iter().filter_map(|id| state.tasks.get(id.as_str()));
        names::listed(known.filter(|task| is_foreign(task)).map(|task| task.id.as_str()))
    });
    if foreign.is_empty() {
        return Ok(());
    }
    context.confirmed(format!("{foreign}: launched by another session. Kill?")).await
}

async fn send(context: &mut Context<'_>, task: &TaskId, grace: Option<Duration>) -> Result<(), Failure> {
    let session = context.session();
    let agent_id =
        session.read(|state| state.tasks.get(task.as_str()).and_then(|task| state.tasks.agent_of(task).cloned()));
    let kill_policy =
        grace.map(|grace| KillPolicy { grace_period: Some(duration_info(grace)), ..KillPolicy::default() });
    let call = Call::Kill(Kill { task_id: task.clone(), agent_id, kill_policy, ..Kill::default() });
    let answer = context.during("the master's answer to KILL", session.call(call)).await??;
    context.show(Document::text(format!("KILL {task}, answered {}", answer.status)));
    Ok(())
}

/// How long a master may take to answer for a task that runs nowhere: it does so at once, or never.
const ANSWER: Duration = Duration::from_secs(5);

/// A task as it was before a KILL was sent: its end may come before the answer.
pub(super) struct Before {
    task: TaskId,
    at: Duration,
    updates: usize,
    /// It ran, as far as is known; of another one, a master says at most that it knows none.
    active: bool,
    /// Updates of all tasks: one that tells nothing new is counted, not kept.
    all_updates: u64,
}

impl Before {
    pub fn of(context: &Context<'_>, task: TaskId) -> Self {
        let session = context.session();
        session.read(|state| {
            let (updates, active) = match state.tasks.get(task.as_str()) {
                Some(task) => (task.history().count(), !task.is_over()),
                None => (0, false),
            };
            Self { at: session.now(), updates, active, task, all_updates: state.counts.updates }
        })
    }

    /// Whether all has come that will.
    fn is_settled(&self, state: &State) -> bool {
        let is_over = state.tasks.get(self.task.as_str()).is_some_and(crate::state::Task::is_over);
        is_over && (self.active || state.counts.updates > self.all_updates)
    }

    /// What has come since.
    fn told(&self, state: &State) -> Document {
        let Some(task) = state.tasks.get(self.task.as_str()) else { return Document::new() };
        let mut timeline = Timeline::new(task.id.as_str());
        for recorded in task.history().skip(self.updates) {
            let (name, text) = view::update_line(&recorded);
            timeline = timeline.update(recorded.at.saturating_sub(self.at), &name, text);
        }
        if timeline.entries.is_empty() && !self.active {
            return Document::text(format!("{} stays {}", task.id, task.state));
        }
        timeline.into()
    }
}

/// Shows how tasks end.
pub(super) async fn ended(context: &mut Context<'_>, asked: &[Before], limit: Duration) -> Result<(), Failure> {
    let session = context.session();
    let what = format!("the end of {}", names::listed(asked.iter().map(|before| before.task.as_str())));
    let any_active = asked.iter().any(|before| before.active);
    let limit = if any_active { limit } else { limit.min(ANSWER) };
    let look = |state: &State| asked.iter().all(|before| before.is_settled(state)).then_some(());
    let all = context.wait_for(&what, limit, look).await?;
    let told =
        session.read(|state| asked.iter().map(|before| before.told(state)).reduce(Document::and).unwrap_or_default());
    context.show(told);
    match all {
        Some(()) => Ok(()),
        None if !any_active => {
            let what = "the master says nothing of it: there was nothing to kill, or not on the agent that was named";
            context.show(Document::text(what));
            Ok(())
        }
        None => Err(Diagnostic::new(format!("not ended after {} s", limit.as_secs()))
            .help("tasks shows how they stand; kill TASK --grace 1s is less patient")
            .into()),
    }
}
