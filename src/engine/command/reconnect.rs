//! `reconnect`: subscribes now, rather than when the wait is over.

use super::prelude::*;
use crate::document::span;
use crate::engine::explain;
use crate::session::Phase;

command! {
    Verb {
        summary: "subscribe again now, without waiting for the next try",
        about: "After a loss the session tries by itself, after 0.8 s at first and up to 30 s later; Enter on an empty line \
                at the prompt asks for a try too. A connection that there is, is left alone unless --force gives it up for a \
                new one, which makes the offers in hand void.",
        options: &[
            Opt::switch("force", "give up the connection that there is"),
            Opt::value("timeout", "TIME", Kind::Duration, "wait no longer (2m)").short('t'),
        ],
        examples: &[Example::new("reconnect", "tries at once, and waits until the subscription stands").after(&["subscribe"])],
        group: "session",
        ..Verb::new("reconnect")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let status = session.status().borrow().clone();
    match status.phase {
        Phase::Idle => {
            return Err(Diagnostic::new("there is no subscription to renew")
                .help("subscribe registers a framework")
                .into());
        }
        Phase::Closed(why) => return Err(explain::closed(&why, &session).into()),
        Phase::Subscribed { since, .. } if !args.switch("force") => {
            let lasted = span(session.now().saturating_sub(since));
            let said = format!("subscribed for {lasted}; --force gives the connection up for a new one");
            context.show(Document::text(said));
            return Ok(());
        }
        Phase::Subscribed { .. } | Phase::Subscribing { .. } | Phase::Waiting { .. } => {}
    }
    session.reconnect().await;
    let limit = args.duration("timeout").unwrap_or(context.options().patience);
    context.until_subscribed(&session, limit).await?;
    let address = session.status().borrow().master();
    context.show(Document::text(format!("subscribed again, at {address}")).with_next(["status", "offers"]));
    Ok(())
}
