//! `set`: how this program behaves.

use super::prelude::*;

command! {
    Verb {
        summary: "change how results are shown",
        positionals: &[
            Positional::one("name", Kind::Choice(&["hints"]), "hints: what one would likely type next, below results"),
            Positional::one("value", Kind::Choice(&["on", "off"]), "on or off"),
        ],
        examples: &[Example::new("set hints off", "no suggestions any more")],
        group: "other",
        ..Verb::new("set")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let on = args.one("value") == "on";
    context.engine().show_hints(on);
    context.show(Document::text(format!("hints are {}", if on { "on" } else { "off" })));
    Ok(())
}
