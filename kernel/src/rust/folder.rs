//! The folder that cells are built in: warm from the last time, and nobody else's for as long as anything works in it.
//!
//! A folder is taken by a lock on a file beside it. The evaluator holds the lock and hands it on to all that it starts
//! there, cargo and the compilers: two of them in one folder take each other's results away. So the folder is free when
//! the last of them is gone, however the evaluator and the kernel ended. Only the process that runs cells lets go of it:
//! what a cell starts and leaves behind shall not keep a folder.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tracing::{debug, info, warn};

use super::toolchain;

/// Where evcxr builds cells.
const FOLDER: &str = "EVCXR_TMPDIR";
/// Set where a process has taken its folder: the process, and the number of the open file that holds the lock.
const TAKEN: &str = "MESOS_KERNEL_TOOK_FOLDER";
/// What nobody has used for so long goes.
const STALE: Duration = Duration::from_secs(60 * 86_400);
/// More kernels than that at once have folders that are cold.
const MOST: usize = 64;

/// Sees to it that this process has a build folder to itself, which means to start the program anew once: only so does
/// evcxr come to know of it. Where none can be had evcxr makes one that is cold.
pub fn settle() {
    if is_settled() {
        return;
    }
    let named = std::env::var_os(FOLDER).filter(|named| !named.is_empty()).map(PathBuf::from);
    let taken = named.as_deref().and_then(take_named).or_else(take_free);
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1));
    match &taken {
        Some((folder, lock)) => {
            let held = format!("{} {}", std::process::id(), lock.as_raw_fd());
            command.env(FOLDER, folder).env(TAKEN, held);
        }
        None if named.is_some() => drop(command.env_remove(FOLDER)),
        None => return,
    }
    // Only an error comes back.
    warn!("no build folder is kept: {}", command.exec());
}

/// Whether this process has come out of [`settle`]. What it starts may inherit the variables, but is another process.
fn is_settled() -> bool {
    held().is_some_and(|(process, _)| process == std::process::id())
}

fn held() -> Option<(u32, RawFd)> {
    let held = std::env::var(TAKEN).ok()?;
    let (process, lock) = held.split_once(' ')?;
    Some((process.parse().ok()?, lock.parse().ok()?))
}

/// Lets go of the folder that the process's parent has taken, and hands it on to nobody.
pub fn let_go() {
    if let Some((process, lock)) = held()
        && process == std::os::unix::process::parent_id()
    {
        // Nothing was opened before; whoever closed it already did the same.
        let _ = nix::unistd::close(lock);
    }
}

/// Where this process builds, with room for the handle: the folder that it has taken, or one that goes with it.
///
/// # Errors
/// When none can be made.
pub fn place() -> io::Result<PathBuf> {
    match std::env::var_os(FOLDER) {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => {
            let folder = std::env::temp_dir().join(format!("mesos-kernel-{}", uuid::Uuid::new_v4()));
            fs::DirBuilder::new().mode(0o700).create(&folder)?;
            Ok(folder)
        }
    }
}

/// The folder that the person has named, unless somebody works in it.
fn take_named(folder: &Path) -> Option<(PathBuf, File)> {
    match take(folder, &folder.join("lock")) {
        Ok(Some(lock)) => Some((folder.to_owned(), lock)),
        Ok(None) => {
            info!("somebody works in {}: another folder is taken", folder.display());
            None
        }
        Err(error) => {
            warn!("{}: {error}", folder.display());
            None
        }
    }
}

/// The first folder of this version that nobody works in.
fn take_free() -> Option<(PathBuf, File)> {
    let root = version_folder(&cache()?);
    (0..MOST).find_map(|number| {
        let folder = root.join(number.to_string());
        let lock = root.join(format!("{number}.lock"));
        match take(&folder, &lock) {
            Ok(lock) => lock.map(|lock| (folder, lock)),
            Err(error) => {
                debug!("{}: {error}", folder.display());
                None
            }
        }
    })
}

/// Programs with another handle, or another evcxr, build elsewhere.
fn version_folder(cache: &Path) -> PathBuf {
    cache.join(format!("{}-{}", env!("CARGO_PKG_VERSION"), toolchain::handle_version()))
}

/// Where cells are built, in folders of its own for each kernel: what the person has named, or a cache.
pub fn build_root() -> Option<PathBuf> {
    std::env::var_os(FOLDER).filter(|named| !named.is_empty()).map(PathBuf::from).or_else(cache)
}

fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(cache.join("mesos-repl/rust"))
}

/// Takes a folder until the lock is closed by all who have it; `None` if somebody else has it.
fn take(folder: &Path, lock: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(folder)?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(lock)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    // Whoever tidies up removes such files: one that is gone keeps nobody out.
    let (held, there) = (file.metadata()?, fs::metadata(lock));
    if !there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
        return Ok(None);
    }
    // Says when the folder was used last.
    file.set_modified(SystemTime::now())?;
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
    // Somebody may have tidied up between both steps.
    fs::create_dir_all(folder)?;
    Ok(Some(file))
}

/// Removes folders, of whatever version, that nobody has used for long.
pub fn tidy() {
    if let Some(cache) = cache() {
        tidy_in(&cache, STALE);
    }
}

fn tidy_in(cache: &Path, stale: Duration) {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for version in entries(cache) {
        let locks = entries(&version).filter(|path| path.extension().is_some_and(|kind| kind == "lock"));
        for lock in locks {
            let used = fs::metadata(&lock).and_then(|metadata| metadata.modified());
            if used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > stale))
                && let Ok(Some(held)) = take(&lock.with_extension(""), &lock)
            {
                debug!("{} hasn't been used for long", lock.display());
                // What can't be removed is tried again some other time.
                let _ = fs::remove_dir_all(lock.with_extension(""));
                let _ = fs::remove_file(&lock);
                drop(held);
            }
        }
        // Only an empty one goes.
        let _ = fs::remove_dir(&version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_until_the_last_who_inherited_its_lock_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let (folder, lock) = (root.path().join("0"), root.path().join("0.lock"));
        let held = take(&folder, &lock).unwrap().unwrap();
        assert!(take(&folder, &lock).unwrap().is_none());
        let mut heir = Command::new("sleep").arg("600").spawn().unwrap();
        drop(held);
        assert!(take(&folder, &lock).unwrap().is_none(), "what was started in it still runs");
        heir.kill().unwrap();
        heir.wait().unwrap();
        assert!(take(&folder, &lock).unwrap().is_some());
    }

    #[test]
    fn what_is_old_goes_unless_somebody_works_there() {
        let root = tempfile::tempdir().unwrap();
        let place = |version: &str, number: usize| {
            let version = root.path().join(version);
            (version.join(number.to_string()), version.join(format!("{number}.lock")))
        };
        let ((old, old_lock), (used, used_lock)) = (place("old", 0), place("new", 0));
        drop(take(&old, &old_lock).unwrap());
        fs::write(old.join("something"), "").unwrap();
        let held = take(&used, &used_lock).unwrap();
        tidy_in(root.path(), STALE);
        assert!(old.exists() && used.exists());
        std::thread::sleep(Duration::from_millis(5));
        tidy_in(root.path(), Duration::from_millis(1));
        assert!(!root.path().join("old").exists());
        assert!(used.exists() && used_lock.exists());
        // A lock on a file that is gone keeps nobody out, so it is none.
        fs::remove_file(&used_lock).unwrap();
        let other = take(&used, &used_lock).unwrap();
        assert!(held.is_some() && other.is_some());
    }

    #[test]
    fn another_handle_builds_elsewhere() {
        let folder = version_folder(Path::new("/cache"));
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(env!("CARGO_PKG_VERSION")) && name.len() > 12, "{name}");
    }
}
