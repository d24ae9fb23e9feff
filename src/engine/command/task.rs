//! `task`: all that is known of one task.

use super::prelude::*;
use crate::engine::names;
use crate::view;

command! {
    Verb {
        summary: "one task's story: what it is, what became of it and why",
        positionals: &[Positional::one("task", Kind::TaskId, "the task")],
        examples: &[
            Example::new("task nap", "its properties, its updates, what they mean")
                .after(&["run --cmd 'sleep 60' --name nap"]),
        ],
        group: "tasks",
        ..Verb::new("task")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let now = session.now();
    let document = session.read(|state| -> Result<_, Diagnostic> {
        let Some(given) = args.spanned("task") else { return Ok(Document::new()) };
        let id = names::task(state, &args, given)?;
        Ok(state.tasks.get(id.as_str()).map(|task| view::task(state, task, now)).unwrap_or_default())
    })?;
    context.show(document);
    Ok(())
}
