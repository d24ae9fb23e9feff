//! `help`: the commands.

use super::prelude::*;

command! {
    Verb {
        summary: "the commands, or all about one",
        aliases: &["?"],
        positionals: &[Positional::optional("command", Kind::Verb, "the command")],
        examples: &[Example::new("help", "a line for each command"), Example::new("help run", "all about run")],
        group: "other",
        ..Verb::new("help")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(word) = args.text("command") else {
        context.show(crate::lang::help_index(super::verbs()));
        return Ok(());
    };
    match super::find(word) {
        Some(command) => {
            context.show(crate::lang::help_for(&command.verb));
            Ok(())
        }
        None => {
            let diagnostic = args.wrong("command", format!("there is no command '{word}'"));
            let near = crate::lang::nearest(word, super::verbs().iter().map(|verb| verb.name));
            Err(match near {
                Some(near) => diagnostic.label(format!("did you mean {near}?")),
                None => diagnostic.help("help lists them"),
            }
            .into())
        }
    }
}
