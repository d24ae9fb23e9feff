//! The surroundings of the child process: the build folder, the libraries it links, the handle's sources.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where evcxr builds cells.
const FOLDER: &str = "EVCXR_TMPDIR";

/// Turns this process into the one that runs Rust cells, if that is what it was started for.
pub fn become_child_if_asked() {
    evcxr::runtime_hook();
}

/// Starts this program again with a build folder of its own that is warm from the last time, unless it has one.
/// Returns if that can't be; evcxr then takes a fresh temporary folder.
pub fn with_build_folder() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let (Some(folder), Ok(program)) = (free_folder(), std::env::current_exe()) else { return };
    // Only an error comes back.
    let error = Command::new(program).args(std::env::args_os().skip(1)).env(FOLDER, folder).exec();
    tracing::warn!("no build folder is kept: {error}");
}

fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(cache.join("mesos-repl/rust"))
}

/// The first folder that no other kernel works in.
fn free_folder() -> Option<PathBuf> {
    let cache = cache()?;
    (0..64).map(|number| cache.join(number.to_string())).find(|folder| lock(folder).is_ok_and(|lock| lock.is_some()))
}

/// Takes a folder for as long as the file lives; `None` if another process has it.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// The build folder, taken for as long as the file lives. It may have been lost to another kernel between choosing and
/// taking: both would build in it then.
pub fn take_folder() -> io::Result<Option<File>> {
    match std::env::var_os(FOLDER) {
        Some(folder) => lock(Path::new(&folder)),
        None => Ok(None),
    }
}

/// The handle's sources, as they are in this program.
const HANDLE: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../../handle/standalone.toml")),
    ("src/lib.rs", include_str!("../../handle/src/lib.rs")),
    ("src/error.rs", include_str!("../../handle/src/error.rs")),
    ("src/json.rs", include_str!("../../handle/src/json.rs")),
    ("src/link.rs", include_str!("../../handle/src/link.rs")),
    ("src/master.rs", include_str!("../../handle/src/master.rs")),
    ("src/show.rs", include_str!("../../handle/src/show.rs")),
    ("src/spec.rs", include_str!("../../handle/src/spec.rs")),
    ("src/task.rs", include_str!("../../handle/src/task.rs")),
];

/// Unpacks the handle's sources; the folder they are in. Files that are right already stay, so that cargo builds nothing.
pub fn unpack_handle() -> io::Result<PathBuf> {
    let root = match std::env::var_os(FOLDER) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::temp_dir().join(format!("mesos-kernel-{}", std::process::id())),
    };
    let folder = root.join("mesos-handle");
    fs::create_dir_all(folder.join("src"))?;
    for (name, text) in HANDLE {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(&path, text)?;
        }
    }
    Ok(folder)
}

/// Where the standard library's shared object is: without it, the child can't load cells when the build folder and the
/// toolchain lie under a common directory.
pub fn library_folder() -> Result<PathBuf, String> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir"])
        .output()
        .map_err(|error| format!("Rust cells need a Rust toolchain, and rustc can't be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("rustc fails: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
