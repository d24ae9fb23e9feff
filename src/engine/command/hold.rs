//! `hold`: keeps offers beyond their lease.

use super::prelude::*;
use crate::engine::names;

command! {
    Verb {
        summary: "keep offers until they are used or declined",
        about: "Nobody else can use what is held: decline it when it isn't needed.",
        positionals: &[Positional::any("offer", Kind::OfferId, "the offers to keep")],
        options: &[Opt::switch("all", "all that are in hand").short('a')],
        examples: &[Example::new("hold O0", "keeps that offer").after(&["offers"])],
        group: "offers",
        ..Verb::new("hold")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    let ids = session.read(|state| names::chosen_offers(state, &args))?;
    let held = session.hold(&ids);
    let listed = names::listed(held.iter().map(|id| id.as_str()));
    context.show(if held.is_empty() {
        Document::text("no offers in hand")
    } else {
        Document::text(format!("held: {listed}")).with_next([format!("decline {listed}")])
    });
    Ok(())
}
