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
    let waits = match status.failover_timeout() {
        Duration::ZERO => "it has no failover timeout, and the master ends it now".to_owned(),
        timeout => format!("the master waits {} for somebody to take it up", crate::document::span(timeout)),
    };
    let again = session.store().map(|store| format!(": mesos-repl --session {}", store.name())).unwrap_or_default();
    let said = format!("left framework {id} with {active} active tasks; {waits}{again}");
    context.show(Document::text(said).with_next([format!("subscribe --id {id}")]));
    Ok(())
}
