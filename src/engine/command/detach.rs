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
    let seconds = status.framework.and_then(|info| info.failover_timeout).unwrap_or(0.0);
    let said = format!(
        "left framework {id} with {active} active tasks; the master waits {seconds} s for somebody to subscribe with its id"
    );
    context.show(Document::text(said).with_next([format!("subscribe --id {id}")]));
    Ok(())
}
