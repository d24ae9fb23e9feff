//! `reconcile`: asks the master how tasks stand.

use super::prelude::*;
use crate::engine::names;
use crate::mesos::{Call, Reconcile, ReconcileTask, TaskId};
use crate::view;

command! {
    Verb {
        summary: "ask the master how tasks stand",
        about: "The session asks by itself after each reconnection; this asks now. Without tasks, the master answers for \
                all that it knows of this framework, also those that this session has never heard of.",
        positionals: &[Positional::any("task", Kind::TaskId, "the tasks to ask for; all if none is named")],
        options: &[Opt::value("timeout", "TIME", Kind::Duration, "wait so long for answers (5s)").short('t')],
        examples: &[Example::new("reconcile", "asks for all").after(&["run --cmd 'sleep 60' --name nap"])],
        group: "session",
        ..Verb::new("reconcile")
    }
}

/// A master that knows a task answers at once; one that doesn't may answer never.
const PATIENCE: Duration = Duration::from_secs(5);

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    let asked: Vec<TaskId> = session.read(|state| {
        args.all("task").map(|given| names::task(state, &args, given)).collect::<Result<_, Diagnostic>>()
    })?;
    let (tasks, before) = session.read(|state| {
        let agent = |id: &TaskId| state.tasks.get(id.as_str()).and_then(|task| state.tasks.agent_of(task).cloned());
        let task = |id: &TaskId| ReconcileTask { task_id: id.clone(), agent_id: agent(id), ..ReconcileTask::default() };
        (asked.iter().map(task).collect::<Vec<_>>(), state.counts.updates)
    });
    let wanted = match asked.len() {
        0 => session.read(|state| state.tasks.active()),
        some => some,
    } as u64;
    let call = Call::Reconcile(Reconcile { tasks, ..Reconcile::default() });
    let answer = context.during("the master's answer to RECONCILE", session.call(call)).await??;
    let limit = args.duration("timeout").unwrap_or(PATIENCE);
    let came = |state: &crate::state::State| (state.counts.updates >= before + wanted).then_some(());
    context.wait_for("answers", limit, came).await?;
    let now = session.now();
    let (answers, document) = session.read(|state| {
        let keep =
            |task: &crate::state::Task| if asked.is_empty() { !task.is_over() } else { asked.contains(&task.id) };
        (state.counts.updates - before, view::tasks(state, now, keep))
    });
    context.show(Document::text(format!("RECONCILE answered {}; {answers} updates came", answer.status)).and(document));
    Ok(())
}
