//! `teardown`: ends the framework.

use super::prelude::*;

command! {
    Verb {
        summary: "end the framework: its tasks are killed, the master forgets it",
        examples: &[Example::new("teardown", "the session goes on; subscribe registers anew").after(&["subscribe"])],
        options: &[Opt::switch("yes", "don't ask before ending a framework that another session has registered").short('y')],
        group: "session",
        ..Verb::new("teardown")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let (id, active) = session.read(|state| (state.framework_id.clone(), state.tasks.active()));
    let Some(id) = id.filter(|_| session.status().borrow().is_subscribed()) else {
        return Err(Diagnostic::new("there is no framework to tear down: the session isn't subscribed")
            .help("status shows how it stands")
            .into());
    };
    if !args.switch("yes") {
        confirmed(context).await?;
    }
    let answer = context.during("the master's answer to TEARDOWN", session.teardown()).await??;
    let tasks = match active {
        0 => String::new(),
        1 => "; its active task is killed".to_owned(),
        many => format!("; its {many} active tasks are killed"),
    };
    let said = format!("TEARDOWN answered {}: framework {id} is gone{tasks}", answer.status);
    context.show(Document::text(said).with_next(["subscribe"]));
    Ok(())
}

/// Asks before a framework is ended that was there before this session and has tasks.
pub(super) async fn confirmed(context: &mut Context<'_>) -> Result<(), Failure> {
    let session = context.session();
    let taken_up = session.status().borrow().framework.as_ref().is_some_and(|framework| framework.id.is_some());
    let foreign =
        session.read(|state| state.tasks.iter().filter(|task| task.launch.is_none() && !task.is_over()).count());
    if !taken_up || foreign == 0 {
        return Ok(());
    }
    let tasks = if foreign == 1 { "1 task is".to_owned() } else { format!("{foreign} tasks are") };
    context.confirmed(format!("{tasks} of another session of this framework. Kill and tear down?")).await
}
