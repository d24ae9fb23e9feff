//! `teardown`: ends the framework.

use super::prelude::*;

command! {
    Verb {
        summary: "end the framework: its tasks are killed, the master forgets it",
        examples: &[Example::new("teardown", "the session goes on; subscribe registers anew").after(&["subscribe"])],
        group: "session",
        ..Verb::new("teardown")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    let session = context.session();
    let (id, active) = session.read(|state| (state.framework_id.clone(), state.tasks.active()));
    let Some(id) = id.filter(|_| session.status().borrow().is_subscribed()) else {
        return Err(Diagnostic::new("there is no framework to tear down: the session isn't subscribed")
            .help("status shows how it stands")
            .into());
    };
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
