//! `logs`: what a task wrote.

use super::prelude::*;
use crate::document::Log;
use crate::engine::agents::{self, Sandbox};
use crate::engine::names;

command! {
    Verb {
        summary: "what a task wrote to its standard output or error",
        positionals: &[Positional::one("task", Kind::TaskId, "the task")],
        options: &[
            Opt::switch("follow", "go on as it writes, until it is over or Ctrl-C").short('f'),
            Opt::switch("stderr", "its standard error").short('e'),
            Opt::value("bytes", "AMOUNT", Kind::Mem, "so much of the end (1m: one MiB)"),
            Opt::value("lines", "N", Kind::Count, "so many of the last lines").short('n'),
            Opt::value("for", "TIME", Kind::Duration, "stop following after this time"),
        ],
        examples: &[
            Example::new("logs job", "its standard output").after(&["run --cmd 'echo hello' --name job --until finished"]),
            Example::new("logs job --stderr -n 10", "the last ten lines of its standard error")
                .after(&["run --cmd 'echo oh >&2' --name job --until finished"]),
        ],
        group: "tasks",
        ..Verb::new("logs")
    }
}

/// What is shown of a long file: its end.
const END: u64 = 1 << 20;
/// How much is asked for at once; an agent gives no more than sixteen pages.
const PIECE: u64 = 64 << 10;
/// How long an empty file of a running task is waited for.
const MOMENT: Duration = Duration::from_secs(1);
/// How often a followed file is looked at.
const LOOK: Duration = Duration::from_millis(500);

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(given) = args.spanned("task") else { return Ok(()) };
    let task = context.session().read(|state| names::task(state, &args, given))?;
    let file = if args.switch("stderr") { "stderr" } else { "stdout" };
    let sandbox = agents::sandbox(context, task.as_str()).await?;
    let size = first_size(context, &sandbox, task.as_str(), file).await?;
    let keep = args.mebibytes("bytes").map_or(END, bytes);
    let (text, mut at) = read_from(context, &sandbox, file, size.saturating_sub(keep), keep).await?;
    let text = match args.count("lines") {
        Some(count) => last_lines(&text, usize::try_from(count).unwrap_or(usize::MAX)),
        None => text,
    };
    let name = format!("{task} {file}");
    let follow = args.switch("follow");
    if text.is_empty() && !follow {
        context.show(Document::text(format!("{file} of {task} is empty")).with_next([format!("files {task}")]));
        return Ok(());
    }
    context.show(Log { name: name.clone(), text });
    if !follow {
        return Ok(());
    }
    let end = tokio::time::Instant::now() + args.duration("for").unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
    loop {
        let session = context.session();
        let over = session.read(|state| state.tasks.get(task.as_str()).is_none_or(crate::state::Task::is_over));
        let (text, next) = read_from(context, &sandbox, file, at, END).await?;
        at = next;
        if !text.is_empty() {
            context.show(Log { name: String::new(), text });
        } else if over || tokio::time::Instant::now() >= end {
            return Ok(());
        }
        tokio::time::sleep_until((tokio::time::Instant::now() + LOOK).min(end)).await;
    }
}

/// The file's size; a task that has just begun is given a moment to write.
async fn first_size(context: &mut Context<'_>, sandbox: &Sandbox, task: &str, file: &str) -> Result<u64, Failure> {
    let end = tokio::time::Instant::now() + MOMENT;
    loop {
        let size = sandbox.size(context, file).await?;
        let session = context.session();
        let over = session.read(|state| state.tasks.get(task).is_none_or(crate::state::Task::is_over));
        if size > 0 || over || tokio::time::Instant::now() >= end {
            return Ok(size);
        }
        tokio::time::sleep(MOMENT / 10).await;
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bytes(mebibytes: f64) -> u64 {
    (mebibytes * 1_048_576.0).max(0.0) as u64
}

/// A file from an offset to its end, and where that is; of one that has no end, not much more than `most` bytes.
pub(super) async fn read_from(
    context: &mut Context<'_>,
    sandbox: &Sandbox,
    file: &str,
    offset: u64,
    most: u64,
) -> Result<(String, u64), Failure> {
    let mut at = offset;
    let mut text = String::new();
    loop {
        let (piece, bytes) = sandbox.read(context, file, at, PIECE).await?;
        at += bytes;
        text.push_str(&piece);
        if bytes == 0 || at - offset >= most {
            return Ok((text, at));
        }
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut last = lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n");
    if !last.is_empty() {
        last.push('\n');
    }
    last
}
