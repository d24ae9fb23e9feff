//! `quit`: leaves.

use super::prelude::*;
use crate::engine::Leave;

command! {
    Verb {
        summary: "leave",
        about: "Asks what to do with running tasks, unless told.",
        aliases: &["exit"],
        options: &[
            Opt::switch("teardown", "end the framework first"),
            Opt::switch("detach", "leave the framework and its tasks running"),
        ],
        examples: &[Example::new("quit", "the same as Ctrl-D")],
        group: "other",
        ..Verb::new("quit")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let leave = match (args.switch("teardown"), args.switch("detach")) {
        (true, true) => return Err(args.wrong("detach", "--teardown and --detach exclude each other").into()),
        (true, false) => Leave::Teardown,
        (false, true) => Leave::Detach,
        (false, false) => Leave::Unsaid,
    };
    let session = context.session();
    if session.status().borrow().is_subscribed() {
        match leave {
            Leave::Teardown => drop(context.during("the master's answer to TEARDOWN", session.teardown()).await??),
            Leave::Detach => session.detach().await,
            Leave::Unsaid => {}
        }
    }
    Err(Failure::Quit(leave))
}
