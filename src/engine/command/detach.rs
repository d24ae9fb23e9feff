//! `detach`: leaves the framework running.

use super::prelude::*;

command! {
    Verb {
        summary: "leave the framework and its tasks running",
        about: "The master waits for the failover timeout; subscribe --id takes the framework up again.",
        examples: &[Example::new("detach", "tasks run on").after(&["subscribe"])],
        group: "session",
        ..Verb::new("detach")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    let session = context.session();
    let (id, active) = session.read(|state| (state.framework_id.clone(), state.tasks.active()));
    let status = session.status().borrow().clone();
    let Some(id) = id.filter(|_| status.is_subscribed()) else {
        return Err(Diagnostic::new("there is no framework to leave: the session isn't subscribed")
            .help("status shows how it stands")
            .into());
    };
    session.detach().await;
    let waits = crate::engine::waits(status.failover_timeout());
    let again = session.store().map(|store| format!(": mesos-repl --session {}", store.name())).unwrap_or_default();
    let tasks = if active == 1 { "1 active task".to_owned() } else { format!("{active} active tasks") };
    let said = format!("left framework {id} with {tasks}; {waits}{again}");
    context.show(Document::text(said).with_next([format!("subscribe --id {id}")]));
    Ok(())
}
