//! Remembers the framework beside the connection file's name, so that a restarted kernel takes it up again.
//!
//! Jupyter restarts a kernel with the same connection file. What is kept is the master's address and what the framework
//! says of itself, with its id; nothing of it is secret, but the file is its owner's alone all the same.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use mesos_repl::engine::Engine;
use mesos_repl::mesos::FrameworkInfo;
use mesos_repl::session::{Closed, Phase, Session};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Takes up the framework that an earlier kernel of this connection left behind, then remembers whatever comes. Ends
/// with `stop`.
pub async fn follow(engine: &Engine, path: PathBuf, stop: CancellationToken) {
    let session = engine.session();
    if let Some(framework) = left_behind(engine, &path) {
        info!("taking up framework {:?} again", framework.id);
        session.subscribe(framework).await;
    }
    let mut switches = engine.switches();
    loop {
        let session = engine.session();
        let masters = engine.target().masters.to_string();
        tokio::select! {
            () = stop.cancelled() => return,
            changed = switches.changed() => if changed.is_err() { return },
            () = watch(&session, &masters, &path) => return,
        }
    }
}

fn left_behind(engine: &Engine, path: &PathBuf) -> Option<FrameworkInfo> {
    let kept: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    // An embedded Mesos ends with its kernel: the new one listens elsewhere and knows nothing of the old.
    if kept["master"].as_str() != Some(engine.target().masters.to_string().as_str()) {
        return None;
    }
    serde_json::from_value(kept["framework"].clone()).ok()
}

/// Writes down each subscription, and forgets it with the framework's end.
async fn watch(session: &Session, masters: &str, path: &PathBuf) {
    let mut status = session.status();
    loop {
        let now = status.borrow_and_update().clone();
        let written = match now.phase {
            Phase::Subscribed { .. } => {
                let id = session.read(|state| state.framework_id.clone());
                let framework = now.framework.map(|info| FrameworkInfo { id, ..info });
                write(path, &json!({"master": masters, "framework": framework}))
            }
            Phase::Closed(Closed::TornDown | Closed::Removed) => match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            _ => Ok(()),
        };
        if let Err(error) = written {
            warn!("{}: {error}; a restarted kernel won't find its framework", path.display());
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

fn write(path: &PathBuf, value: &Value) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(value.to_string().as_bytes())
}
