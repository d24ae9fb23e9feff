//! `tasks`: all tasks that the session knows.

use super::prelude::*;
use crate::view;

command! {
    Verb {
        summary: "the tasks of this framework",
        aliases: &["ps"],
        options: &[
            Opt::switch("active", "only those that aren't over").short('a'),
            Opt::value("state", "STATE", Kind::TaskState, "only those in this state").short('s'),
        ],
        examples: &[
            Example::new("tasks", "all of them, with their newest message"),
            Example::new("tasks --state failed", "those that failed"),
        ],
        group: "tasks",
        ..Verb::new("tasks")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let now = session.now();
    let state = args.task_state("state");
    let active = args.switch("active");
    let document = session.read(|known| {
        view::tasks(known, now, |task| {
            !(active && task.is_over()) && state.as_ref().is_none_or(|state| task.state.as_str() == state)
        })
    });
    let first = session.read(|known| known.tasks.iter().find(|task| !task.is_over()).map(|task| task.id.clone()));
    let next = match first {
        Some(id) => vec![format!("task {id}"), format!("logs {id}"), format!("kill {id}")],
        None => vec!["run --docker nginx:alpine".to_owned()],
    };
    context.show(document.with_next(next));
    Ok(())
}
