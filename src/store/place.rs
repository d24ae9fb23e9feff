//! Where sessions' files are, whose they may be, and who has one open: names, permissions, locks, the list.
//!
//! A file is its owner's alone (0600, in a folder of 0700) and is locked by the process that works on it. What isn't
//! understood is put aside or left alone, never overwritten. Nothing is ever read from the current folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use etcetera::BaseStrategy as _;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::frame::{self, Part, Start};
use super::kept::Kept;

const SUFFIX: &str = "session";
/// A name has to fit a file's name, with something behind it.
const LONGEST: usize = 100;
/// How long a lock is waited for: whoever only lists sessions has it for a moment.
const MOMENT: Duration = Duration::from_millis(20);
const MOMENTS: usize = 10;

/// The folder of a person's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// Why a session's file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Another process works on it.
    #[error("session {name} is in use by {}", process(*pid))]
    Busy {
        /// The session.
        name: String,
        /// The process, if it is known.
        pid: Option<u32>,
    },
    /// A newer program wrote it.
    #[error(
        "session {name} was made by a newer mesos-repl (its file is of version {version}, this one knows {})",
        frame::VERSION
    )]
    Newer {
        /// The session.
        name: String,
        /// The version of its file.
        version: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to another user", path.display())]
    Owner {
        /// The file or folder.
        path: PathBuf,
    },
    /// It belongs to another master, with a framework that may still be there.
    #[error("session {name} belongs to the master at {master}, with framework {framework}")]
    Elsewhere {
        /// The session.
        name: String,
        /// Its master.
        master: String,
        /// Its framework.
        framework: String,
    },
    /// There is no such session.
    #[error("there is no session {name}")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// That can't be a session's name.
    #[error("'{name}' is no name for a session")]
    Name {
        /// What was asked for.
        name: String,
    },
    /// The system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// A file that is open, locked, and read.
#[derive(Debug)]
pub(super) struct Opened {
    pub file: Locked,
    /// How long the part is that was understood; what is behind it isn't ours to keep.
    pub length: u64,
    pub kept: Option<Kept>,
    /// What to tell of it.
    pub told: Vec<String>,
    /// Something in it was damaged: it shall be written anew.
    pub damaged: bool,
}

/// A file with its lock, where the file system has locks.
#[derive(Debug)]
pub(super) enum Locked {
    Yes(Flock<File>),
    /// The file system knows none.
    No(File),
}

impl Locked {
    pub fn file(&self) -> &File {
        match self {
            Self::Yes(lock) => lock,
            Self::No(file) => file,
        }
    }
}

/// A session as the list shows it.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Whether a process works on it now.
    pub busy: bool,
    /// The newest sign of its life.
    pub touched: SystemTime,
    /// What it has remembered, or why that can't be read.
    pub kept: Result<Option<Kept>, Trouble>,
}

impl Folder {
    /// `mesos-repl/sessions` in the state folder of the XDG base directories. Nothing is made yet.
    ///
    /// # Errors
    /// When there is no home.
    pub fn usual() -> io::Result<Self> {
        let base = etcetera::choose_base_strategy().map_err(io::Error::other)?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self { path: state.join("mesos-repl").join("sessions") })
    }

    /// That folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A session's file.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{SUFFIX}"))
    }

    /// Where a session's file is written before it takes the other's place.
    pub(super) fn new_file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.new"))
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Trouble {
        let path = path.to_owned();
        |source| Trouble::Io { path, source }
    }

    /// Makes the folder if need be, and sees to it that it is its owner's alone.
    pub(super) fn make(&self) -> Result<(), Trouble> {
        let io = || Self::io(&self.path);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path).map_err(io())?;
        let found = std::fs::metadata(&self.path).map_err(io())?;
        private(&self.path, &found, 0o700)
    }

    /// Opens a session's file for this process alone, made if need be, and reads it.
    pub(super) fn open(&self, name: &str) -> Result<Opened, Trouble> {
        checked(name)?;
        self.make()?;
        let path = self.file(name);
        for _ in 0..MOMENTS {
            let Some(file) = self.lock(name, &path)? else { continue };
            let found = file.file().metadata().map_err(Self::io(&path))?;
            private(&path, &found, 0o600)?;
            // What a process was writing when it died is no file of anybody's.
            let _ = std::fs::remove_file(self.new_file(name));
            return self.read(name, &path, file);
        }
        Err(Trouble::Busy { name: name.to_owned(), pid: None })
    }

    /// A lock on the file that stands at `path` now; `None` when it has been replaced meanwhile.
    fn lock(&self, name: &str, path: &Path) -> Result<Option<Locked>, Trouble> {
        let io = || Self::io(path);
        let mut file = options().read(true).write(true).create(true).mode(0o600).open(path).map_err(io())?;
        for moment in 0.. {
            file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => {
                    let (ours, theirs) = (lock.metadata().map_err(io())?, std::fs::symlink_metadata(path));
                    let same = theirs.is_ok_and(|theirs| theirs.ino() == ours.ino() && theirs.dev() == ours.dev());
                    return Ok(same.then_some(Locked::Yes(lock)));
                }
                Err((file, Errno::EWOULDBLOCK)) if moment < MOMENTS => file,
                Err((mut file, Errno::EWOULDBLOCK)) => {
                    let pid = read_all(&mut file).ok().and_then(|bytes| kept(&bytes)).map(|kept| kept.pid);
                    return Err(Trouble::Busy { name: name.to_owned(), pid });
                }
                Err((file, Errno::ENOLCK | Errno::ENOSYS | Errno::EOPNOTSUPP)) => return Ok(Some(Locked::No(file))),
                Err((_, errno)) => return Err(Self::io(path)(errno.into())),
            };
            std::thread::sleep(MOMENT);
        }
        Ok(None)
    }

    fn read(&self, name: &str, path: &Path, mut file: Locked) -> Result<Opened, Trouble> {
        let io = || Self::io(path);
        let bytes = read_all(file.file_mut()).map_err(io())?;
        let mut told = Vec::new();
        if matches!(file, Locked::No(_)) {
            told.push(format!("{} can't be locked: no second process may use this session", path.display()));
        }
        let fresh = |file, told| Opened { file, length: 0, kept: None, told, damaged: false };
        let at = match frame::start(&bytes) {
            Start::Ours(at) => at,
            Start::Newer(version) => return Err(Trouble::Newer { name: name.to_owned(), version }),
            // It can't have been begun by us: a file appears under its name only when it is whole.
            Start::Cut | Start::Foreign if !bytes.is_empty() => {
                let aside = self.put_aside(name, &bytes)?;
                told.push(format!("{} was no session's file; it is kept as {}", path.display(), aside.display()));
                return Ok(fresh(file, told));
            }
            Start::Cut | Start::Foreign => return Ok(fresh(file, told)),
        };
        let (payloads, length, bad) = whole(&bytes, at);
        if bad > 0 {
            let aside = self.put_aside(name, &bytes)?;
            told.push(format!(
                "{bad} bytes of {} are damaged, and the rest was read; the file as it was is kept as {}",
                path.display(),
                aside.display()
            ));
        }
        let kept = Kept::read(payloads);
        Ok(Opened { file, length: length as u64, kept, told, damaged: bad > 0 })
    }

    /// Keeps bytes that aren't understood in a file of their own.
    fn put_aside(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Trouble> {
        let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        for number in 1.. {
            let path = self.path.join(format!("{name}.broken-{time}-{number}"));
            let mut file = match options().write(true).create_new(true).mode(0o600).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened.map_err(Self::io(&path))?,
            };
            io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(Self::io(&path))?;
            return Ok(path);
        }
        Err(Trouble::Unknown { name: name.to_owned() })
    }

    /// All sessions, the newest first.
    ///
    /// # Errors
    /// When the folder can't be read. None at all is no error.
    pub fn list(&self) -> Result<Vec<Listed>, Trouble> {
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Self::io(&self.path))?,
        };
        let mut all = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
            let is_ours = path.extension().is_some_and(|suffix| suffix == SUFFIX);
            if let Some(name) = name.filter(|_| is_ours) {
                all.extend(self.look(&name)?);
            }
        }
        all.sort_by_key(|listed| std::cmp::Reverse(listed.touched));
        Ok(all)
    }

    /// One session, without touching it; `None` if there is nothing of that name.
    ///
    /// # Errors
    /// When that can't be a name.
    pub fn look(&self, name: &str) -> Result<Option<Listed>, Trouble> {
        checked(name)?;
        let path = self.file(name);
        let mut file = match options().read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let kept = Err(Trouble::Io { path, source });
                let touched = SystemTime::UNIX_EPOCH;
                return Ok(Some(Listed { name: name.to_owned(), busy: false, touched, kept }));
            }
        };
        let touched = file.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let read = read_all(&mut file).map_err(Self::io(&path)).and_then(|bytes| match frame::start(&bytes) {
            Start::Newer(version) => Err(Trouble::Newer { name: name.to_owned(), version }),
            _ => Ok(kept(&bytes)),
        });
        let busy = matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)));
        Ok(Some(Listed { name: name.to_owned(), busy, touched, kept: read }))
    }

    /// Removes a session's file, unless a process works on it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn forget(&self, name: &str) -> Result<(), Trouble> {
        checked(name)?;
        let path = self.file(name);
        if !path.exists() {
            return Err(Trouble::Unknown { name: name.to_owned() });
        }
        let lock = self.lock(name, &path)?;
        if lock.is_none() {
            return Err(Trouble::Busy { name: name.to_owned(), pid: None });
        }
        std::fs::remove_file(&path).map_err(Self::io(&path))
    }

    /// Writes what has changed in the folder itself to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Locked {
    fn file_mut(&mut self) -> &mut File {
        match self {
            Self::Yes(lock) => lock,
            Self::No(file) => file,
        }
    }

    /// A lock on a file that nobody else has heard of yet.
    pub fn fresh(file: File) -> Self {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Self::Yes(lock),
            Err((file, _)) => Self::No(file),
        }
    }
}

/// How files are opened: never through a link that somebody else may have put there.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits());
    options
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The records' payloads, the length up to the end of the last, and how many bytes between and behind them are damaged.
fn whole(bytes: &[u8], at: usize) -> (Vec<&[u8]>, usize, usize) {
    let (mut payloads, mut length, mut bad) = (Vec::new(), bytes.len(), 0);
    for part in frame::parts(bytes, at) {
        match part {
            Part::Whole(payload) => payloads.push(payload),
            Part::Damaged(range) => bad += range.len(),
            Part::Cut(range) => length = range.start,
        }
    }
    (payloads, length, bad)
}

fn kept(bytes: &[u8]) -> Option<Kept> {
    match frame::start(bytes) {
        Start::Ours(at) => Kept::read(whole(bytes, at).0),
        _ => None,
    }
}

/// Whether a file or folder is ours; one that others may look into is closed to them.
fn private(path: &Path, found: &std::fs::Metadata, mode: u32) -> Result<(), Trouble> {
    if found.uid() != nix::unistd::geteuid().as_raw() {
        return Err(Trouble::Owner { path: path.to_owned() });
    }
    if found.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(Folder::io(path))?;
    }
    Ok(())
}

/// A name that can be a file's: letters, digits and `. _ - : @ +`, no dot at its beginning.
///
/// # Errors
/// [`Trouble::Name`].
pub fn checked(name: &str) -> Result<(), Trouble> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:@+".contains(c);
    if name.is_empty() || name.len() > LONGEST || name.starts_with(['.', '-']) || !name.chars().all(fits) {
        return Err(Trouble::Name { name: name.to_owned() });
    }
    Ok(())
}

/// The name that a master's own session has: its address, made fit.
pub fn name_of(master: &str) -> String {
    let bare = master.split_once("://").map_or(master, |(scheme, rest)| if scheme == "http" { rest } else { master });
    let bare = bare.rsplit_once('@').map_or(bare, |(_, host)| host);
    let fit = |c: char| if c.is_ascii_alphanumeric() || "._-:+".contains(c) { c } else { '_' };
    let name: String = bare.replace("://", ":").trim_matches('/').chars().map(fit).take(LONGEST - 10).collect();
    let name = name.trim_start_matches(['.', '-']).to_owned();
    if name.is_empty() { "session".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_files() {
        for (master, name) in [
            ("http://10.0.0.1:5050", "10.0.0.1:5050"),
            ("https://m:443", "https:m:443"),
            ("http://[::1]:5050", "_::1_:5050"),
            ("zk://a:2181,b:2181/mesos", "zk:a:2181_b:2181_mesos"),
            ("../../etc", "_.._etc"),
            ("", "session"),
        ] {
            assert_eq!(name_of(master), name);
            checked(name).unwrap();
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "../x", "-x", "a b", "a\0", "é", &"x".repeat(200)] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
