//! `suppress`: ask for no more offers.

use super::prelude::*;
use crate::mesos::{Call, Suppress};

command! {
    Verb {
        summary: "ask for no more offers",
        about: "Offers in hand stay. revive, or asking for offers, ends it.",
        options: &[Opt::value("role", "ROLE", Kind::Role, "for this role only").repeated()],
        examples: &[Example::new("suppress", "no more offers until revive")],
        group: "session",
        ..Verb::new("suppress")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    super::own_roles(context, &args)?;
    let roles: Vec<String> = args.many("role").into_iter().map(str::to_owned).collect();
    let named = if roles.is_empty() { "all roles".to_owned() } else { roles.join(", ") };
    let call = Call::Suppress(Suppress { roles, ..Suppress::default() });
    let answer = context.during("the master's answer to SUPPRESS", session.call(call)).await??;
    context
        .show(Document::text(format!("SUPPRESS answered {}: no more offers for {named} until revive", answer.status)));
    Ok(())
}
