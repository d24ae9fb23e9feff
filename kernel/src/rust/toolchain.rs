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
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        limit();
    }
    evcxr::runtime_hook();
}

/// What a cell takes shall be taken from it, not from the session: where memory runs out, the system is to end this
/// process first; with a limit set, an allocation beyond it fails. And it shall not outlive who started it.
fn limit() {
    use nix::sys::resource::{Resource, setrlimit};
    // Not everywhere; then the system chooses.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    let given = std::env::var(super::talk::MEMORY).ok().filter(|given| !given.is_empty());
    let Some(given) = given else { return };
    let bytes = mesos_repl::lang::mebibytes(&given).map(|mebibytes| (mebibytes * 1_048_576.0) as u64);
    let set = bytes.map(|bytes| setrlimit(Resource::RLIMIT_AS, bytes, bytes));
    if !matches!(set, Some(Ok(()))) {
        tell(&format!("{}={given} sets no limit: 2GiB or 512MiB would", super::talk::MEMORY));
    }
}

#[allow(clippy::print_stderr, reason = "the kernel's log is where this process's stderr goes before a cell runs")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Set beside [`FOLDER`] where this program has chosen it.
const CHOSEN: &str = "MESOS_KERNEL_CHOSE_FOLDER";

/// Starts this program again with a build folder of its own that is warm from the last time, unless it has one: that
/// folder is taken for as long as the file lives. `None` if none can be had or the person has named one that somebody
/// else works in.
pub fn in_build_folder() -> Option<File> {
    let chosen = std::env::var_os(CHOSEN).is_some();
    if let Some(folder) = std::env::var_os(FOLDER) {
        match lock(Path::new(&folder)) {
            Ok(Some(file)) => return Some(file),
            // Another kernel was faster to take what both had chosen.
            Ok(None) if chosen => {}
            _ => return None,
        }
    }
    let (Some(folder), Ok(program)) = (free_folder(), std::env::current_exe()) else { return None };
    // Only an error comes back.
    let arguments = std::env::args_os().skip(1);
    let error = Command::new(program).args(arguments).env(FOLDER, folder).env(CHOSEN, "1").exec();
    tracing::warn!("no build folder is kept: {error}");
    None
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
    let output = Command::new("rustc").args(["--print", "target-libdir"]).output().map_err(|error| {
        format!("Rust cells need Rust, and rustc can't be run ({error}): install it from https://rustup.rs")
    })?;
    if !output.status.success() {
        return Err(format!("rustc fails: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Whether the standard library's sources are there, without which the types of variables can't be inferred.
pub fn has_sources() -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let folder = sysroot.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    folder.is_ok_and(|folder| folder.join("lib/rustlib/src/rust/library").is_dir())
}
