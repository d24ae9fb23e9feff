//! The live session over a Unix socket, for Rust cells and other terminals: a line of JSON in, a line of JSON out.
//!
//! The socket is its owner's alone (0600, in a folder of 0700). A request is `{"op": ...}`, its answer `{"ok": ...}` or
//! `{"error": {"what", "text"}}`; requests of one connection are answered in order. Documents are drawn here, so that
//! whoever asks needs no renderer. [`Server::interrupt`] ends what waits, and nothing else.

mod answer;
mod client;

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use client::{Client, Offered, offered};

use crate::engine::{Caused, Engine, Question};

/// What comes over the socket and concerns whoever offers the session.
#[derive(Debug)]
pub enum Heard {
    /// A request has brought this about.
    Caused(Caused),
    /// A request waits for this, still or from now on.
    Waiting(String),
    /// A request asks the person something, and waits for the answer; none for nobody to ask.
    Asked(Question, oneshot::Sender<Option<String>>),
}

/// Where that goes; nowhere without it.
pub type Ear = Option<mpsc::UnboundedSender<Heard>>;

/// The longest request.
const LONGEST: u64 = 8 << 20;
/// Connections at a time.
const MOST: usize = 128;

/// Where this person's programs offer their sessions.
pub fn usual_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let folder = set("XDG_RUNTIME_DIR").or_else(|| set("XDG_STATE_HOME")).or_else(home);
    folder.unwrap_or_else(std::env::temp_dir).join("mesos-repl")
}

/// Where a person's session is offered where nobody says otherwise.
pub fn usual_path() -> PathBuf {
    usual_folder().join("session.sock")
}

/// A session that is being offered. Ends with [`Server::close`], or when it is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    stop: CancellationToken,
    /// Cancels what is under way; replaced by each interrupt.
    current: Arc<Mutex<CancellationToken>>,
    tasks: TaskTracker,
}

impl Server {
    /// Offers the engine's session at `path`; `ear` hears what concerns its owner. A socket that nobody listens on any
    /// more is replaced.
    ///
    /// # Errors
    /// When the socket can't be made, or somebody else listens there.
    pub fn start(engine: Engine, path: &Path, ear: Ear) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, format!("{} is in use", path.display())));
        }
        let listener = bind(path)?;
        let stop = CancellationToken::new();
        let current = Arc::new(Mutex::new(stop.child_token()));
        let tasks = TaskTracker::new();
        let accepting = accept((engine, ear), listener, stop.clone(), Arc::clone(&current), tasks.clone());
        tasks.spawn(accepting);
        Ok(Self { path: path.to_owned(), stop, current, tasks })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends all requests that are under way with the error `interrupted`. Connections stay.
    pub fn interrupt(&self) {
        let fresh = self.stop.child_token();
        let old = std::mem::replace(&mut *self.current.lock().unwrap_or_else(PoisonError::into_inner), fresh);
        old.cancel();
    }

    /// Ends all connections and removes the socket.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A socket that is its owner's alone from its first moment on: it is made in a folder that nobody else gets into, and
/// takes its place, or a left one's, when nobody else can connect any more.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let private = folder.join(format!(".{:06x}", fastrand::u32(..1 << 24)));
    std::fs::DirBuilder::new().mode(0o700).create(&private)?;
    let fresh = private.join("s");
    let bound = UnixListener::bind(&fresh).and_then(|listener| {
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&fresh, path)?;
        Ok(listener)
    });
    std::fs::remove_dir_all(&private)?;
    bound
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        // It may be gone already; a leftover is replaced at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn accept(
    (engine, ear): (Engine, Ear),
    listener: UnixListener,
    stop: CancellationToken,
    current: Arc<Mutex<CancellationToken>>,
    tasks: TaskTracker,
) {
    let room = Arc::new(tokio::sync::Semaphore::new(MOST));
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let (Ok((stream, _)), Ok(permit)) = (accepted, Arc::clone(&room).acquire_owned().await) else { continue };
        let (engine, ear, current, stop) = (engine.clone(), ear.clone(), Arc::clone(&current), stop.clone());
        tasks.spawn(async move {
            let served = stop.run_until_cancelled(serve(&engine, &ear, stream, &current)).await;
            if let Some(Err(error)) = served {
                tracing::debug!("a connection to the session ends: {error}");
            }
            drop(permit);
        });
    }
}

async fn serve(engine: &Engine, ear: &Ear, stream: UnixStream, current: &Mutex<CancellationToken>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        (&mut reader).take(LONGEST).read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let cancel = current.lock().unwrap_or_else(PoisonError::into_inner).child_token();
        let reply = tokio::select! {
            reply = respond(engine, ear, &line, &cancel) => reply,
            // Who asked is gone (a child that was killed): nobody waits for the answer any more.
            gone = reader.fill_buf() => match gone? {
                [] => return Ok(()),
                _ => error("one request at a time, please", ""),
            },
        };
        let mut text = reply.to_string();
        text.push('\n');
        writer.write_all(text.as_bytes()).await?;
    }
}

async fn respond(engine: &Engine, ear: &Ear, line: &[u8], cancel: &CancellationToken) -> Value {
    match serde_json::from_slice::<Value>(line) {
        Ok(request) => answer::answer(engine, ear, &request, cancel).await.map_or_else(
            |diagnostic| error(&diagnostic.what, &answer::plain(&diagnostic.clone().into())),
            |value| json!({"ok": value}),
        ),
        Err(why) => error(&format!("that is no JSON: {why}"), ""),
    }
}

fn error(what: &str, text: &str) -> Value {
    json!({"error": {"what": what, "text": if text.is_empty() { format!("error: {what}") } else { text.to_owned() }}})
}
