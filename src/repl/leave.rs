//! The end of a session: what becomes of the framework and its tasks. Nothing is killed that nobody said or was told of.

use std::time::Duration;

use crate::document::{Document, Piece, Tone};
use crate::engine::{Engine, Leave};

/// How long the master may take to hear the last call.
const LIMIT: Duration = Duration::from_secs(5);

/// Ends the session as said; a framework of which nothing was said is torn down, unless it was taken up by its id. Gives what to tell about it.
pub async fn leave(engine: &Engine, how: Leave) -> Option<Document> {
    let told = end(engine, how).await;
    engine.close().await;
    told
}

async fn end(engine: &Engine, how: Leave) -> Option<Document> {
    let standing = engine.standing();
    if !standing.alive {
        return None;
    }
    let session = engine.session();
    let id = session.read(|state| state.framework_id.as_ref().map(ToString::to_string)).unwrap_or_default();
    if how == Leave::Detach || (how == Leave::Unsaid && was_taken_up(engine)) {
        session.detach().await;
        return Some(kept(engine, &id));
    }
    match tokio::time::timeout(LIMIT, session.teardown()).await {
        Ok(Ok(_)) if standing.tasks == 0 => None,
        Ok(Ok(_)) => Some(words(format!("framework {id} torn down; {} killed", tasks(standing.tasks)), Tone::Dim)),
        Ok(Err(error)) => Some(not_torn_down(&id, &error.to_string())),
        Err(_) => Some(not_torn_down(&id, &format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

/// Whether the framework was there before this session, and so isn't this session's to end unasked.
fn was_taken_up(engine: &Engine) -> bool {
    engine.session().status().borrow().framework.as_ref().is_some_and(|framework| framework.id.is_some())
}

fn kept(engine: &Engine, id: &str) -> Document {
    if engine.target().embedded {
        return words("the embedded Mesos ends with this program, and every task with it", Tone::Dim);
    }
    let again = match engine.session().store() {
        Some(store) => format!("mesos-repl --session {}", store.name()),
        None => format!("subscribe --id {id}"),
    };
    words(format!("framework {id} runs on; {}: {again}", waits(engine)), Tone::Plain)
}

/// How long the master keeps the framework for somebody to take up.
pub(super) fn waits(engine: &Engine) -> String {
    crate::engine::waits(engine.session().status().borrow().failover_timeout())
}

fn not_torn_down(id: &str, why: &str) -> Document {
    crate::document::Diagnostic::new(format!("framework {id} couldn't be torn down: {why}"))
        .detail("the master ends it when its failover timeout is over")
        .into()
}

pub(super) fn tasks(count: usize) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

fn words(text: impl Into<String>, tone: Tone) -> Document {
    Document::text(Piece::new(text, tone))
}
