//! The thread that writes a session's file: many facts with one write, and one wait for the disk for all who need it.
//!
//! Facts are appended; a whole new file (of another framework, or after trouble) is written beside the old one and takes
//! its place when it is on the disk. When the disk refuses, the session goes on without: facts are dropped, and all is
//! written anew as soon as it can be.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use super::frame;
use super::place::{Folder, Locked, options};
use super::record::Entry;

/// Facts that nobody waits for are written when none has come for so long,
const REST: Duration = Duration::from_millis(100);
/// or when the oldest has waited for so long: a process that is killed has lost no more. While events pour in, reading
/// goes first.
const LATEST: Duration = Duration::from_secs(2);
/// More than this doesn't wait in memory.
const MOST: usize = 64 << 20;
/// What is written at once.
const PIECE: usize = 1 << 20;
/// How long after trouble the disk is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Job {
    /// More facts.
    Append(Vec<Entry>),
    /// A new file begins beside the old one; what is appended goes into both.
    Renew,
    /// Facts of the new file alone.
    Fill(Vec<Entry>),
    /// The new file takes the old one's place.
    Settle,
    /// Nothing is to be kept any more.
    Clear,
    /// The connection has shown a sign of life.
    Touch,
}

/// How far the writer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is on the disk: all up to that mark.
    pub durable: u64,
    /// All has to be written anew, by whoever knows it.
    pub renew: bool,
    /// Why nothing is written just now.
    pub trouble: Option<Arc<str>>,
}

/// What the handle and the thread share.
#[derive(Debug)]
pub(super) struct Desk {
    queue: Mutex<Queue>,
    wake: Condvar,
    pub progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// Counts the jobs.
    mark: u64,
    /// Up to which somebody waits for the disk.
    wanted: u64,
    /// When the oldest job came, and the newest.
    since: Option<(Instant, Instant)>,
    closing: bool,
}

impl Desk {
    pub fn new() -> Self {
        Self { queue: Mutex::default(), wake: Condvar::new(), progress: watch::Sender::new(Progress::default()) }
    }

    // Nothing is done under the lock that could leave it half done.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job; its mark.
    pub fn push(&self, job: Job) -> u64 {
        let weight = match &job {
            Job::Append(entries) | Job::Fill(entries) => entries.iter().map(|entry| entry.fact.weight()).sum(),
            _ => 0,
        };
        let mut queue = self.lock();
        let idle = queue.jobs.is_empty();
        queue.jobs.push_back(job);
        queue.bytes += weight;
        queue.mark += 1;
        let now = Instant::now();
        queue.since = Some((queue.since.map_or(now, |(oldest, _)| oldest), now));
        if idle || queue.bytes > MOST {
            self.wake.notify_one();
        }
        queue.mark
    }

    /// What waits to be written, in bytes.
    pub fn waiting(&self) -> usize {
        self.lock().bytes
    }

    /// The mark of the newest job.
    pub fn mark(&self) -> u64 {
        self.lock().mark
    }

    /// Somebody waits for the disk up to that mark.
    pub fn want(&self, mark: u64) {
        let mut queue = self.lock();
        if mark > queue.wanted {
            queue.wanted = mark;
            self.wake.notify_one();
        }
    }

    /// Everything that is queued is written, then the thread ends.
    pub fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }

    /// Waits for work, or for `alarm`.
    fn take(&self, durable: u64, alarm: Option<Instant>) -> Work {
        let mut queue = self.lock();
        loop {
            let now = Instant::now();
            let written = queue.since.map(|(oldest, newest)| (oldest + LATEST).min(newest + REST));
            let next = [written, alarm].into_iter().flatten().min();
            let sync = queue.wanted > durable;
            if sync || queue.closing || queue.bytes > MOST || next.is_some_and(|next| next <= now) {
                queue.bytes = 0;
                queue.since = None;
                let jobs = std::mem::take(&mut queue.jobs);
                return Work { jobs, mark: queue.mark, sync, closing: queue.closing };
            }
            queue = match next {
                Some(next) => {
                    let waited = self.wake.wait_timeout(queue, next - now);
                    waited.map_or_else(|poisoned| poisoned.into_inner().0, |(queue, _)| queue)
                }
                None => self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// What the thread has to do next.
struct Work {
    jobs: VecDeque<Job>,
    /// Of the last job.
    mark: u64,
    /// Somebody waits for the disk.
    sync: bool,
    closing: bool,
}

/// A file that is being written anew.
pub(super) struct New {
    file: Locked,
    /// What goes into it with the next write.
    buffer: Vec<u8>,
    /// What has come since it was begun, and belongs behind everything.
    since: Vec<u8>,
}

/// The thread's own.
pub(super) struct Writer {
    pub desk: Arc<Desk>,
    pub folder: Folder,
    pub name: String,
    /// The session's file; none before a session of a name of its own has something to keep.
    pub file: Option<Locked>,
    /// How long the good part of the file is.
    pub length: u64,
    /// Whether the file has all that it should, so that it can be appended to.
    pub whole: bool,
    /// What goes into it with the next write.
    pub buffer: Vec<u8>,
    /// The file that shall take its place.
    pub new: Option<New>,
    pub trouble: Option<Arc<str>>,
    /// When the disk is tried again.
    pub again: Option<Instant>,
}

impl Writer {
    pub fn run(mut self) {
        let mut durable = 0;
        loop {
            let work = self.desk.take(durable, self.again);
            let done = self.work(work.jobs).and_then(|()| if work.sync || work.closing { self.sync() } else { Ok(()) });
            if let Err(error) = done {
                self.fail(&error);
            }
            if work.sync || self.trouble.is_some() {
                durable = work.mark;
            }
            let tried = self.again.is_some_and(|again| again <= Instant::now());
            if tried {
                self.again = Some(Instant::now() + AGAIN);
            }
            self.desk.progress.send_if_modified(|progress| {
                let renew = tried || (progress.renew && self.trouble.is_some() && self.new.is_none());
                let next = Progress { durable, renew, trouble: self.trouble.clone() };
                let changed = *progress != next;
                *progress = next;
                changed
            });
            if work.closing {
                break;
            }
        }
        self.end();
    }

    /// The last: nothing that is kept, no file.
    fn end(self) {
        if self.file.is_some() && self.length == 0 {
            let _ = std::fs::remove_file(self.folder.file(&self.name));
        }
        if self.new.is_some() {
            let _ = std::fs::remove_file(self.folder.new_file(&self.name));
        }
        let desk = Arc::clone(&self.desk);
        // The lock goes with the file, and only then may others hear of the end.
        drop(self);
        desk.progress.send_modify(|progress| progress.durable = u64::MAX);
    }

    fn work(&mut self, jobs: VecDeque<Job>) -> io::Result<()> {
        let (mut result, mut touched) = (Ok(()), false);
        for job in jobs {
            // After trouble, only what begins anew is of use.
            let done = match job {
                Job::Append(entries) => self.append(&entries),
                Job::Renew => self.renew(),
                Job::Fill(entries) => self.fill(&entries),
                Job::Settle => self.settle(),
                Job::Clear => self.clear(),
                Job::Touch => {
                    touched = true;
                    Ok(())
                }
            };
            if let Err(error) = done {
                self.fail(&error);
                result = Err(error);
            }
        }
        result?;
        if touched && self.buffer.is_empty() && self.whole {
            // A time that is off by a heartbeat is told as one.
            let _ = self.file.as_ref().map(|file| file.file().set_modified(SystemTime::now()));
        }
        self.flush()
    }

    fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if let Some(new) = &mut self.new {
            entries.iter().for_each(|entry| frame::push(&mut new.since, |to| entry.write(to)));
        }
        if !self.whole {
            return Ok(());
        }
        for entry in entries {
            frame::push(&mut self.buffer, |to| entry.write(to));
            if self.buffer.len() >= PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes what is in the buffers; the disk may still take its time.
    fn flush(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| !self.buffer.is_empty()) {
            file.file().write_all(&self.buffer)?;
            self.length += self.buffer.len() as u64;
        }
        self.buffer.clear();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.file.as_ref().filter(|_| self.whole) {
            Some(file) => file.file().sync_data(),
            None => Ok(()),
        }
    }

    fn renew(&mut self) -> io::Result<()> {
        self.folder.make().map_err(io::Error::other)?;
        let path = self.folder.new_file(&self.name);
        self.new = None;
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file: File = options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let buffer = frame::first_line().into_bytes();
        self.new = Some(New { file: Locked::fresh(file), buffer, since: Vec::new() });
        Ok(())
    }

    fn fill(&mut self, entries: &[Entry]) -> io::Result<()> {
        // A renewal that has failed meanwhile will be asked for again.
        let Some(new) = &mut self.new else { return Ok(()) };
        for entry in entries {
            frame::push(&mut new.buffer, |to| entry.write(to));
            if new.buffer.len() >= PIECE {
                new.file.file().write_all(&new.buffer)?;
                new.buffer.clear();
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some(mut new) = self.new.take() else { return Ok(()) };
        new.buffer.append(&mut new.since);
        let (written, path) = (new.file.file(), self.folder.new_file(&self.name));
        let mut to = written;
        to.write_all(&new.buffer)?;
        written.sync_all()?;
        std::fs::rename(path, self.folder.file(&self.name))?;
        self.folder.sync()?;
        self.length = written.metadata()?.len();
        self.buffer.clear();
        (self.file, self.whole, self.trouble, self.again) = (Some(new.file), true, None, None);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        (self.new, self.whole, self.trouble, self.again) = (None, false, None, None);
        self.buffer.clear();
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.file();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        file.sync_all()
    }

    /// The disk refuses: what is whole on it stays so, and the rest waits until all can be written anew.
    fn fail(&mut self, error: &io::Error) {
        tracing::warn!(%error, session = self.name, "the session isn't recorded");
        self.buffer.clear();
        self.new = None;
        // Half a file only takes room; mostly there is none.
        let _ = std::fs::remove_file(self.folder.new_file(&self.name));
        if let Some(file) = self.file.as_ref().filter(|_| self.whole) {
            // A record that was half written would be read as the end; cut off, it isn't there at all.
            let _ = file.file().set_len(self.length);
        }
        self.whole = false;
        self.trouble = Some(error.to_string().into());
        self.again = Some(Instant::now() + AGAIN);
    }
}
