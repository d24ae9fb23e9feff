//! `offers`: the offers in hand.

use super::prelude::*;
use crate::view;

command! {
    Verb {
        summary: "the offers in hand; waits a little where there are none",
        about: "Offers that nobody asks for are declined when their lease ends, so that other frameworks get them; hold \
                keeps them. Asking for offers ends suppression, and the filters that the session itself has set.",
        options: &[
            Opt::value("timeout", "TIME", Kind::Duration, "wait so long for the first one (10s)").short('t'),
        ],
        examples: &[
            Example::new("offers", "those in hand, or the next that come"),
            Example::new("offers --timeout 30s", "waits up to half a minute for the first"),
        ],
        group: "offers",
        ..Verb::new("offers")
    }
}

/// An allocator offers once a second; filters of other tools last five.
const PATIENCE: Duration = Duration::from_secs(10);

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    let limit = args.duration("timeout").unwrap_or(PATIENCE);
    let come = any(context, limit).await?;
    let now = session.now();
    let document = session.read(|state| {
        let document = view::offers(state, now);
        if state.inverse_offers.is_empty() {
            return document;
        }
        document.with(view::inverse_offers(state.inverse_offers.values(), now))
    });
    context.show(document);
    if !come && let Some(why) = why_none(context).await? {
        context.show(Document::text(why));
    }
    Ok(())
}

/// Waits until there is an offer; whether one came.
pub(in crate::engine) async fn any(context: &mut Context<'_>, limit: Duration) -> Result<bool, Failure> {
    let session = context.session();
    if session.read(|state| state.offers.is_empty()) {
        session.want_offers().await?;
    }
    let look = |state: &crate::state::State| (!state.offers.is_empty()).then_some(());
    Ok(context.wait_for("an offer", limit, look).await?.is_some())
}

/// Why no offer comes, as far as the master's list of agents tells.
async fn why_none(context: &mut Context<'_>) -> Result<Option<String>, Failure> {
    let answer = context.get_json("/slaves").await?;
    let agents: Vec<&Value> = answer.get("slaves").and_then(Value::as_array).into_iter().flatten().collect();
    if agents.is_empty() {
        return Ok(Some("the cluster has no agents".to_owned()));
    }
    let amount = |agent: &Value, what: &str| agent.pointer(what).and_then(Value::as_f64).unwrap_or(0.0);
    let free = |agent: &&&Value| {
        let left = |name: &str| {
            amount(agent, &format!("/resources/{name}")) - amount(agent, &format!("/used_resources/{name}"))
        };
        // What --min_allocatable_resources is unless told.
        left("cpus") >= 0.01 || left("mem") >= 32.0
    };
    let free = agents.iter().filter(free).count();
    Ok(Some(if free == 0 {
        "tasks use every agent in full: agents shows them".to_owned()
    } else {
        format!(
            "{free} of {} agents have something free; other frameworks may hold it, or filters of a decline last yet \
             (revive clears them)",
            agents.len()
        )
    }))
}
