//! `agents`: the cluster's agents.

use super::prelude::*;
use crate::view;

command! {
    Verb {
        summary: "the cluster's agents and what of them is in use",
        aliases: &["slaves"],
        examples: &[Example::new("agents", "a line for each")],
        group: "cluster",
        ..Verb::new("agents")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    let answer = context.get_json("/slaves").await?;
    context.show(view::agents(&answer));
    Ok(())
}
