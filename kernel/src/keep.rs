//! Remembers the framework beside the connection file's name, so that a restarted kernel takes it up again; and knows
//! which frameworks are this notebook's own, to end them with it.
//!
//! Jupyter restarts a kernel with the same connection file. What is kept is the master's address and what the framework
//! says of itself, with its id; nothing of it is secret, but the file is its owner's alone all the same.

use std::collections::HashSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mesos_repl::engine::{Collected, Engine, Outcome};
use mesos_repl::mesos::{FrameworkId, FrameworkInfo};
use mesos_repl::session::{Closed, Phase, Session};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// What nobody has come back to for so long is of no use to anybody.
const STALE: Duration = Duration::from_secs(30 * 86_400);

/// How long the master may take to give a framework back.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is kept over a restart.
#[derive(Debug)]
pub struct Keep {
    path: Option<PathBuf>,
    /// The frameworks that this notebook has registered, in this kernel or before its restart.
    own: Mutex<HashSet<FrameworkId>>,
}

impl Keep {
    /// In this file; nowhere without it.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, own: Mutex::default() }
    }

    fn own(&self) -> std::sync::MutexGuard<'_, HashSet<FrameworkId>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this notebook has registered it.
    pub fn is_own(&self, framework: &FrameworkId) -> bool {
        self.own().contains(framework)
    }

    /// There will be no restart.
    pub fn forget(&self) {
        if let Some(path) = &self.path
            && let Err(error) = remove(path)
        {
            warn!("{}: {error}", path.display());
        }
    }

    /// Takes up the framework that an earlier kernel of this connection left behind, if there is one. Waits until its
    /// tasks are known again, or for as long as can be asked of whoever waits for the first answer.
    pub async fn take_up(&self, engine: &Engine) {
        let Some(path) = &self.path else { return };
        sweep(path);
        let read = |path: &Path| serde_json::from_slice::<Value>(&std::fs::read(path).ok()?).ok();
        let Some(kept) = read(path) else { return };
        // An embedded Mesos ends with its kernel: the new one listens elsewhere and knows nothing of the old.
        if kept["master"].as_str() != Some(engine.target().masters.to_string().as_str()) {
            return;
        }
        let Ok(framework) = serde_json::from_value::<FrameworkInfo>(kept["framework"].clone()) else { return };
        let Some(id) = framework.id else { return };
        if kept["own"].as_bool() == Some(true) {
            self.own().insert(id.clone());
        }
        info!("taking up framework {id} again");
        let (mut said, cancel) = (Collected::default(), CancellationToken::new());
        let command = format!("subscribe --id {id} --timeout {}s", PATIENCE.as_secs());
        if engine.execute(&command, &mut said, &cancel).await != Outcome::Done {
            warn!("framework {id} is not taken up again: {:?}", said.documents);
        }
    }

    /// Remembers whatever comes. Ends with `stop`.
    pub async fn follow(&self, engine: &Engine, stop: CancellationToken) {
        let mut switches = engine.switches();
        loop {
            let session = engine.session();
            let masters = engine.target().masters.to_string();
            tokio::select! {
                () = stop.cancelled() => return,
                changed = switches.changed() => if changed.is_err() { return },
                () = self.watch(&session, &masters) => return,
            }
        }
    }

    /// Writes down each subscription, and forgets it with the framework's end.
    async fn watch(&self, session: &Session, masters: &str) {
        let mut status = session.status();
        loop {
            let now = status.borrow_and_update().clone();
            match now.phase {
                Phase::Subscribed { .. } => {
                    let id = session.read(|state| state.framework_id.clone());
                    if let (Some(id), Some(info)) = (id, now.framework) {
                        self.note(masters, id, info);
                    }
                }
                Phase::Closed(Closed::TornDown | Closed::Removed) => self.forget(),
                _ => {}
            }
            if status.changed().await.is_err() {
                return;
            }
        }
    }

    fn note(&self, master: &str, id: FrameworkId, info: FrameworkInfo) {
        // Who names an id takes up what was there before.
        if info.id.is_none() {
            self.own().insert(id.clone());
        }
        let own = self.is_own(&id);
        let framework = FrameworkInfo { id: Some(id), ..info };
        let value = json!({"master": master, "framework": framework, "own": own});
        if let Some(path) = &self.path
            && let Err(error) = write(path, &value)
        {
            warn!("{}: {error}; a restarted kernel won't find its framework", path.display());
        }
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(path: &Path, value: &Value) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(value.to_string().as_bytes())
}

/// Removes what kernels that were killed have left behind long ago.
fn sweep(path: &Path) {
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let is_stale = |entry: &std::fs::DirEntry| {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > STALE)
    };
    for entry in entries.filter(is_stale) {
        // Another kernel may be sweeping too.
        let _ = std::fs::remove_file(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_registered_here_is_own_and_what_was_taken_up_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernels/k.json");
        let keep = Keep::new(Some(path.clone()));
        let info = FrameworkInfo { name: "x".into(), ..FrameworkInfo::default() };
        keep.note("m", "a".into(), info.clone());
        assert!(keep.is_own(&"a".into()));
        let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((&kept["own"], &kept["framework"]["id"]["value"]), (&json!(true), &json!("a")));
        keep.note("m", "b".into(), FrameworkInfo { id: Some("b".into()), ..info });
        assert!(!keep.is_own(&"b".into()));
        keep.forget();
        keep.forget();
        assert!(!path.exists());
    }
}
