//! `files`: what lies in a task's sandbox.

use super::prelude::*;
use crate::document::{Column, Table};
use crate::engine::{agents, names};

command! {
    Verb {
        summary: "what lies in a task's sandbox",
        aliases: &["ls"],
        positionals: &[
            Positional::one("task", Kind::TaskId, "the task"),
            Positional::optional("folder", Kind::Text, "a folder in the sandbox"),
        ],
        examples: &[
            Example::new("files job", "stdout, stderr and what else there is").after(&["run --cmd 'echo hello' --name job --until finished"]),
        ],
        group: "tasks",
        ..Verb::new("files")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(given) = args.spanned("task") else { return Ok(()) };
    let task = context.session().read(|state| names::task(state, &args, given))?;
    let sandbox = agents::sandbox(context, task.as_str()).await?;
    let files = sandbox.list(context, args.text("folder").unwrap_or_default().trim_matches('/')).await?;
    let columns = [
        Column::new("Mode").drops(2),
        Column::new("Owner").drops(3),
        Column::number("Size"),
        Column::new("Changed").drops(1),
        Column::new("Path"),
    ];
    let mut table = Table::new(columns, "the sandbox is empty").named("files");
    for file in files {
        let below = file.path.strip_prefix(&sandbox.directory).unwrap_or(&file.path).trim_start_matches('/').to_owned();
        let changed = Duration::try_from_secs_f64(file.mtime).ok().map(|since| std::time::UNIX_EPOCH + since);
        let is_folder = file.mode.starts_with('d');
        table.push([
            Cell::text(file.mode),
            Cell::text(file.uid),
            if is_folder { Cell::Empty } else { Cell::Bytes(file.size) },
            Cell::maybe(changed, Cell::Time),
            Cell::text(if is_folder { format!("{below}/") } else { below }),
        ]);
    }
    context.show(Document::from(table).with_next([format!("cat {task} stdout"), format!("logs {task} -f")]));
    Ok(())
}
