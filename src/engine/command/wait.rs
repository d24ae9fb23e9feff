//! `wait`: until a task has reached a state.

use super::prelude::*;
use crate::engine::launch::{self, Follow};
use crate::engine::names;

command! {
    Verb {
        summary: "wait until a task has reached a state",
        about: "A state that was reached before counts. The command fails if the task ends without having reached it, \
                or if the time is over.",
        positionals: &[
            Positional::one("task", Kind::TaskId, "the task"),
            Positional::optional("state", Kind::TaskState, "the state (running)"),
        ],
        options: &[Opt::value("timeout", "TIME", Kind::Duration, "wait no longer (2m)").short('t')],
        examples: &[
            Example::new("wait nap running", "until it runs").after(&["run --cmd 'sleep 60' --name nap --no-wait"]),
            Example::new("wait job finished --timeout 1m", "until it has ended well")
                .after(&["run --cmd 'exit 0' --name job --no-wait"]),
        ],
        group: "tasks",
        ..Verb::new("wait")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(given) = args.spanned("task") else { return Ok(()) };
    let id = context.session().read(|state| names::task(state, &args, given))?;
    let usual = Follow::usual(context);
    let follow = Follow {
        until: args.task_state("state").unwrap_or(usual.until),
        limit: args.duration("timeout").unwrap_or(usual.limit),
        wait: true,
    };
    launch::until_reached(context, &[id], &follow).await
}
