//! `cat`: a file of a task's sandbox.

use super::prelude::*;
use crate::document::Log;
use crate::engine::{agents, names};

command! {
    Verb {
        summary: "a file of a task's sandbox",
        positionals: &[
            Positional::one("task", Kind::TaskId, "the task"),
            Positional::one("file", Kind::Text, "the file, as files lists it"),
        ],
        examples: &[
            Example::new("cat job stdout", "the whole file").after(&["run --cmd 'echo hello' --name job --until finished"]),
        ],
        group: "tasks",
        ..Verb::new("cat")
    }
}

/// What is shown of one file at the most.
const LARGEST: u64 = 16 << 20;

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(given) = args.spanned("task") else { return Ok(()) };
    let task = context.session().read(|state| names::task(state, &args, given))?;
    let file = args.one("file").trim_start_matches('/');
    if file.split('/').any(|part| part == "..") {
        return Err(args.wrong("file", "a path leads into the sandbox, not out of it").into());
    }
    let sandbox = agents::sandbox(context, task.as_str()).await?;
    let size = sandbox.size(context, file).await?;
    if size > LARGEST {
        let what = format!("'{file}' has {size} bytes, more than can be shown ({LARGEST})");
        return Err(args.wrong("file", what).help(format!("logs {task} shows the end of stdout")).into());
    }
    let (text, _) = super::logs::read_from(context, &sandbox, file, 0, LARGEST).await?;
    context.show(Log { name: format!("{task} {file}"), text });
    Ok(())
}
