//! What a session remembers over the end of its process: one file a session name, in which every fact is recorded before
//! it is acted upon.
//!
//! The framework's id before it is used, a call before it leaves, an update before it is acknowledged. Facts are
//! appended with a checksum each, so that a file that was cut anywhere gives back all that was whole. Knows no session,
//! no network and no commands; embedded clusters, which end with their process, have nothing to remember.

mod facts;
mod frame;
mod kept;
mod place;
mod record;
mod redact;
mod writer;

use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use facts::{of_operation, of_task};
pub use kept::{Kept, Standing};
pub use place::{Folder, Listed, Trouble, checked};
pub use record::{
    Acknowledged, Answered, Begin, Called, Connected, Entry, Fact, Framework, Left, Opened, without_credentials,
};
pub use writer::Progress;

use place::{Locked, name_of};
use writer::{Desk, Job, Writer};

/// How long a wait for the disk may take before the session goes on without it.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many sessions of one master are tried for a free name.
const NUMBERS: u32 = 99;

/// What a session is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// So, and not otherwise.
    Named(String),
    /// After its master; with a number where another process has that name.
    ByMaster,
    /// As nobody else is, beginning with this word: of a script, which nothing shall be left for.
    Own(&'static str),
}

/// A session's file, for writing. Cheap to clone; the file is closed with [`Store::close`], or after the last clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    /// The master or masters that the session belongs to, as they were named.
    master: String,
    folder: Folder,
    desk: Arc<Desk>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.desk.close();
    }
}

/// A session's file as it was found.
#[derive(Debug)]
pub struct Found {
    /// For writing on.
    pub store: Store,
    /// What it remembers.
    pub kept: Option<Kept>,
    /// Something in it couldn't be read: it shall be written anew.
    pub damaged: bool,
    /// Its size, in bytes.
    pub length: u64,
    /// When it last was alive.
    pub touched: std::time::SystemTime,
    /// What a person should know of how it was opened.
    pub told: Vec<String>,
}

/// Opens a session's file for this process, by the name that it shall have with that master.
///
/// # Errors
/// [`Trouble`], if the name was given or nothing can be kept at all. A session that is named after its master takes the
/// next number instead.
pub fn open(folder: &Folder, naming: &Naming, master: &str) -> Result<Found, Trouble> {
    match naming {
        Naming::Named(name) => of_name(folder, name, master, Vec::new()),
        Naming::Own(word) => Ok(own(folder, word, master)),
        Naming::ByMaster => {
            let base = name_of(master);
            let mut told = Vec::new();
            let mut last = Trouble::Unknown { name: base.clone() };
            for number in 1..=NUMBERS {
                let name = if number == 1 { base.clone() } else { format!("{base}.{number}") };
                match of_name(folder, &name, master, std::mem::take(&mut told)) {
                    Ok(mut found) => {
                        if number > 1 {
                            found.told.insert(0, format!("{last}; this is session {name}"));
                        }
                        return Ok(found);
                    }
                    // Nothing else will be better there.
                    Err(trouble @ Trouble::Io { .. }) => return Err(trouble),
                    Err(trouble) => last = trouble,
                }
            }
            Err(last)
        }
    }
}

fn of_name(folder: &Folder, name: &str, master: &str, mut told: Vec<String>) -> Result<Found, Trouble> {
    let opened = folder.open(name)?;
    if let Some(kept) = opened.kept.as_ref().filter(|kept| kept.has_framework() && kept.master != master) {
        return Err(Trouble::Elsewhere {
            name: name.to_owned(),
            master: kept.master.clone(),
            framework: kept.id().map_or_else(|| "under way".to_owned(), ToString::to_string),
        });
    }
    told.extend(opened.told);
    let touched = opened.file.file().metadata().and_then(|found| found.modified());
    let touched = touched.unwrap_or(std::time::SystemTime::UNIX_EPOCH);
    let whole = opened.kept.is_some() && !opened.damaged;
    let length = if opened.kept.is_some() { opened.length } else { 0 };
    let file = opened.file.file();
    let mut end = file;
    // What follows the last whole record was never finished; behind it we go on.
    let placed = file.set_len(length).and_then(|()| end.seek(SeekFrom::Start(length)));
    placed.map_err(|source| Trouble::Io { path: folder.file(name), source })?;
    let store = start(folder, name, master, Some(opened.file), length, whole);
    Ok(Found { store, kept: opened.kept, damaged: opened.damaged, length, touched, told })
}

/// A session that nobody else has; nothing is written before there is something to keep.
fn own(folder: &Folder, word: &str, master: &str) -> Found {
    let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    let name = format!("{word}-{time}-{}", std::process::id());
    let store = start(folder, &name, master, None, 0, false);
    Found { store, kept: None, damaged: false, length: 0, touched: std::time::SystemTime::now(), told: Vec::new() }
}

fn start(folder: &Folder, name: &str, master: &str, file: Option<Locked>, length: u64, whole: bool) -> Store {
    let desk = Arc::new(Desk::new());
    let writer = Writer {
        desk: Arc::clone(&desk),
        folder: folder.clone(),
        name: name.to_owned(),
        file,
        length,
        whole,
        buffer: Vec::new(),
        new: None,
        trouble: None,
        again: None,
    };
    let spawned = std::thread::Builder::new().name("session store".to_owned()).spawn(move || writer.run());
    if let Err(error) = spawned {
        // No thread, no file: the session goes on, and says so.
        desk.progress.send_modify(|progress| {
            *progress = Progress { durable: u64::MAX, renew: false, trouble: Some(error.to_string().into()) };
        });
    }
    let inner = Inner { name: name.to_owned(), master: master.to_owned(), folder: folder.clone(), desk };
    Store { inner: Arc::new(inner) }
}

impl Store {
    /// The session's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The master or masters that it belongs to.
    pub fn master(&self) -> &str {
        &self.inner.master
    }

    /// Where its file is.
    pub fn path(&self) -> std::path::PathBuf {
        self.inner.folder.file(&self.inner.name)
    }

    /// The folder of this and all other sessions.
    pub fn folder(&self) -> &Folder {
        &self.inner.folder
    }

    /// Records facts; what to wait for where they must be on the disk.
    pub fn append(&self, entries: Vec<Entry>) -> u64 {
        self.inner.desk.push(Job::Append(entries))
    }

    /// Begins a new file: what [`Store::fill`] says, and everything that is appended from now on.
    pub fn renew(&self) {
        self.inner.desk.push(Job::Renew);
    }

    /// Records facts in the new file only.
    pub fn fill(&self, entries: Vec<Entry>) {
        self.inner.desk.push(Job::Fill(entries));
    }

    /// The new file is complete and takes the old one's place.
    pub fn settle(&self) -> u64 {
        self.inner.desk.push(Job::Settle)
    }

    /// There is nothing to remember any more: the framework is no more.
    pub fn clear(&self) -> u64 {
        self.inner.desk.push(Job::Clear)
    }

    /// The connection has shown a sign of life.
    pub fn touch(&self) {
        self.inner.desk.push(Job::Touch);
    }

    /// The mark of everything that has been recorded so far.
    pub fn mark(&self) -> u64 {
        self.inner.desk.mark()
    }

    /// What waits to be written, in bytes.
    pub fn waiting(&self) -> usize {
        self.inner.desk.waiting()
    }

    /// Waits until all up to a mark is on the disk. Where the disk doesn't take it, nobody is held up for long.
    pub async fn durable(&self, mark: u64) {
        let mut progress = self.progress();
        self.inner.desk.want(mark);
        let reached = progress.wait_for(|progress| progress.durable >= mark || progress.trouble.is_some());
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            tracing::warn!(session = self.name(), "the disk takes more than {} s", PATIENCE.as_secs());
        }
    }

    /// How far writing is, and what troubles it.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.inner.desk.progress.subscribe()
    }

    /// Writes what is queued and closes the file. An empty one is removed.
    pub async fn close(&self) {
        self.inner.desk.close();
        let mut progress = self.progress();
        let ended = progress.wait_for(|progress| progress.durable == u64::MAX);
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!(session = self.name(), "the disk takes more than {} s", PATIENCE.as_secs());
        }
    }
}

#[cfg(test)]
mod tests;
