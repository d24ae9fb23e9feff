//! `state`: the master's or an agent's /state, or a part of it.

use super::prelude::*;

command! {
    Verb {
        summary: "the master's or an agent's /state, or a part of it",
        positionals: &[Positional::optional("part", Kind::Path, "a path into it, such as .slaves[0].id")],
        options: &[Opt::value("agent", "AGENT", Kind::AgentId, "this agent's").short('a')],
        examples: &[
            Example::new("state .slaves[0].id", "the first agent's id"),
            Example::new("state .flags --agent S0", "how an agent was started"),
        ],
        group: "cluster",
        ..Verb::new("state")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let part = args.text("part").unwrap_or_default().to_owned();
    super::get::fetch(context, &args, "/state", &part, "part").await
}
