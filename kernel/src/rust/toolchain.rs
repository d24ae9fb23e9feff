//! The surroundings of the child process: the limits it runs in, the libraries it links, the handle's sources.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::folder;

/// Turns this process into the one that runs Rust cells, if that is what it was started for.
pub fn become_child_if_asked() {
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        folder::let_go();
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

/// The handle's sources, as they are in this program.
const HANDLE: [(&str, &str); 11] = [
    ("Cargo.toml", include_str!("../../handle/standalone.toml")),
    ("src/lib.rs", include_str!("../../handle/src/lib.rs")),
    ("src/error.rs", include_str!("../../handle/src/error.rs")),
    ("src/json.rs", include_str!("../../handle/src/json.rs")),
    ("src/link.rs", include_str!("../../handle/src/link.rs")),
    ("src/master.rs", include_str!("../../handle/src/master.rs")),
    ("src/plain.rs", include_str!("../../handle/src/plain.rs")),
    ("src/scope.rs", include_str!("../../handle/src/scope.rs")),
    ("src/show.rs", include_str!("../../handle/src/show.rs")),
    ("src/spec.rs", include_str!("../../handle/src/spec.rs")),
    ("src/task.rs", include_str!("../../handle/src/task.rs")),
];

/// What tells one version of the handle from another.
pub fn handle_version() -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for (name, text) in HANDLE {
        digest.update(name.as_bytes());
        digest.update(&[0]);
        digest.update(text.as_bytes());
        digest.update(&[0]);
    }
    digest.finish().as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Unpacks the handle's sources in the build folder; where they are. Files that are right already stay, so that cargo
/// builds nothing.
pub fn unpack_handle() -> io::Result<PathBuf> {
    let folder = folder::place()?.join("mesos-handle");
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
