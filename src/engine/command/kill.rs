//! `kill`: stops tasks and sees them end.

use super::prelude::*;
use crate::document::Timeline;
use crate::engine::names;
use crate::engine::task::duration_info;
use crate::mesos::{Call, Kill, KillPolicy, TaskId};
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

/// A task as it was before a KILL was sent: its end may come before the answer.
pub(super) struct Before {
    task: TaskId,
    at: Duration,
    updates: usize,
}

impl Before {
    pub fn of(context: &Context<'_>, task: TaskId) -> Self {
        let session = context.session();
        let updates = session.read(|state| state.tasks.get(task.as_str()).map_or(0, |task| task.history().count()));
        Self { at: session.now(), updates, task }
    }
}

/// Shows how tasks end.
pub(super) async fn ended(context: &mut Context<'_>, asked: &[Before], limit: Duration) -> Result<(), Failure> {
    let session = context.session();
    let tasks: Vec<TaskId> = asked.iter().map(|before| before.task.clone()).collect();
    let is_over = |state: &crate::state::State, id: &TaskId| {
        state.tasks.get(id.as_str()).is_some_and(crate::state::Task::is_over)
    };
    let what = format!("the end of {}", names::listed(tasks.iter().map(TaskId::as_str)));
    let look = |state: &crate::state::State| tasks.iter().all(|id| is_over(state, id)).then_some(());
    let all = context.wait_for(&what, limit, look).await?;
    let document = session.read(|state| {
        let known = asked.iter().filter_map(|before| Some((before, state.tasks.get(before.task.as_str())?)));
        known.fold(Document::new(), |document, (before, task)| {
            let mut timeline = Timeline::new(task.id.as_str());
            for recorded in task.history().skip(before.updates) {
                let (name, text) = view::update_line(&recorded);
                timeline = timeline.update(recorded.at.saturating_sub(before.at), &name, text);
            }
            document.with(timeline)
        })
    });
    context.show(document);
    if all.is_some() {
        return Ok(());
    }
    Err(Diagnostic::new(format!("not ended after {} s", limit.as_secs()))
        .help("tasks shows how they stand; kill TASK --grace 1s is less patient")
        .into())
}
