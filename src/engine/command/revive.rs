//! `revive`: ask for offers again, whatever was declined.

use super::prelude::*;
use crate::mesos::{Call, Revive};

command! {
    Verb {
        summary: "ask for offers again, whatever was declined",
        options: &[Opt::value("role", "ROLE", Kind::Role, "for this role only").repeated()],
        examples: &[Example::new("revive", "clears all filters and ends suppression")],
        group: "session",
        ..Verb::new("revive")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    super::own_roles(context, &args)?;
    let roles: Vec<String> = args.many("role").into_iter().map(str::to_owned).collect();
    let named = if roles.is_empty() { "all roles".to_owned() } else { roles.join(", ") };
    let call = Call::Revive(Revive { roles, ..Revive::default() });
    let answer = context.during("the master's answer to REVIVE", session.call(call)).await??;
    context.show(Document::text(format!("REVIVE answered {}: offers for {named} are wanted again", answer.status)));
    Ok(())
}
