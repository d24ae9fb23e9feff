//! `decline`: gives offers back.

use super::prelude::*;
use crate::engine::names;
use crate::mesos::{Call, Decline, Filters};

command! {
    Verb {
        summary: "give offers back",
        positionals: &[Positional::any("offer", Kind::OfferId, "the offers to give back")],
        options: &[
            Opt::switch("all", "all that are in hand").short('a'),
            Opt::value("refuse", "TIME", Kind::Duration, "don't offer these resources again for this time (5s)"),
        ],
        examples: &[
            Example::new("decline O0", "for five seconds, the master's default").after(&["offers"]),
            Example::new("decline --all --refuse 10m", "everything in hand, for ten minutes").after(&["offers"]),
        ],
        group: "offers",
        ..Verb::new("decline")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    let offer_ids = session.read(|state| names::chosen_offers(state, &args))?;
    if offer_ids.is_empty() {
        context.show(Document::text("no offers in hand"));
        return Ok(());
    }
    let ids = names::listed(offer_ids.iter().map(|id| id.as_str()));
    let refuse = args.duration("refuse");
    let filters = refuse.map(|time| Filters { refuse_seconds: Some(time.as_secs_f64()), ..Filters::default() });
    let call = Call::Decline(Decline { offer_ids, filters, ..Decline::default() });
    let answer = context.during("the master's answer to DECLINE", session.call(call)).await??;
    let time = refuse.map_or(5.0, |time| time.as_secs_f64());
    let said = format!("declined {ids}, answered {}: not offered again for {time} s, unless revived", answer.status);
    context.show(Document::text(said));
    Ok(())
}
