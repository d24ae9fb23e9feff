//! `watch`: the tasks, live.

use super::prelude::*;
use crate::view;

command! {
    Verb {
        summary: "the tasks, live, until all are over or Ctrl-C",
        options: &[Opt::value("for", "TIME", Kind::Duration, "stop after this time")],
        examples: &[
            Example::new("watch --for 1s", "a table that follows what happens")
                .after(&["run --cmd 'sleep 60' --name nap --no-wait"]),
        ],
        group: "tasks",
        ..Verb::new("watch")
    }
}

/// How often ages are brought up to date.
const REDRAW: Duration = Duration::from_secs(1);
/// How often the picture changes at the most, however much happens.
const CALM: Duration = Duration::from_millis(200);

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let mut changes = session.changes();
    let start = tokio::time::Instant::now();
    let limit = args.duration("for").unwrap_or(Duration::MAX);
    loop {
        changes.mark_unchanged();
        let now = session.now();
        let (picture, active) = session.read(|state| (view::tasks(state, now, |_| true), state.tasks.active()));
        context.live(picture);
        let left = limit.saturating_sub(start.elapsed());
        if active == 0 || left.is_zero() {
            return Ok(());
        }
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    return Err(crate::session::CallError::SessionClosed.into());
                }
                tokio::time::sleep(CALM.min(left)).await;
            }
            () = tokio::time::sleep(REDRAW.min(left)) => {}
        }
    }
}
