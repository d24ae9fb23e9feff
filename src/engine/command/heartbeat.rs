//! `heartbeat`: the master's last sign of life.

use super::prelude::*;
use crate::session::Phase;

command! {
    Verb {
        summary: "the master's last sign of life",
        options: &[Opt::value("wait", "TIME", Kind::Duration, "wait for the next one, no longer than this")],
        examples: &[Example::new("heartbeat", "when it came, and how often they come").after(&["subscribe"])],
        group: "session",
        ..Verb::new("heartbeat")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    // One follows SUBSCRIBED at once, so that none means that it is on its way.
    let before = if args.has("wait") { session.read(|state| state.counts.heartbeats) } else { 0 };
    let limit = args.duration("wait").unwrap_or(Duration::from_secs(5));
    let came = |state: &crate::state::State| (state.counts.heartbeats > before).then_some(());
    if context.wait_for("a heartbeat", limit, came).await?.is_none() && args.has("wait") {
        return Err(Diagnostic::new(format!("no heartbeat in {} s", limit.as_secs()))
            .help("status shows how the session stands")
            .into());
    }
    let now = session.now();
    let (last, count) = session.read(|state| (state.last_heartbeat, state.counts.heartbeats));
    let mut fields = Fields::new().named("heartbeat");
    fields = fields.keyed("last heartbeat", "last", Cell::maybe(last, |at| Cell::Ago(now.saturating_sub(at))));
    fields = fields.field("count", Cell::Count(count));
    if let Phase::Subscribed { heartbeat, silent_after, .. } = session.status().borrow().phase {
        fields = fields.keyed("every", "interval", Cell::Lasted(heartbeat)).keyed(
            "silence allowed",
            "silent_in",
            Cell::Left(silent_after.saturating_sub(now)),
        );
    }
    context.show(fields);
    Ok(())
}
