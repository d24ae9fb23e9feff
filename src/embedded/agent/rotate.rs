//! Keeps what tasks print from filling the disk: a sandbox's `stdout` and `stderr` are cut when they are large, and
//! what was in them kept for a while as `stdout.1` and so on.
//!
//! A task goes on writing to the same file, at its end, which is then its start.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often sandboxes are looked at.
pub(super) const GLANCE: Duration = Duration::from_secs(10);
/// From this size on a file is cut, as by Mesos's own logrotate logger.
const MOST: u64 = 10 << 20;
/// How many older parts are kept.
const KEPT: u32 = 4;

/// Cuts what is too large in these sandboxes.
pub(super) fn rotate(sandboxes: &[PathBuf]) {
    for sandbox in sandboxes {
        for name in ["stdout", "stderr"] {
            match rotate_one(sandbox, name, MOST) {
                Ok(()) => {}
                // No output yet, or a folder that has been cleaned up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, sandbox = %sandbox.display(), name, "can't rotate output"),
            }
        }
    }
}

fn rotate_one(sandbox: &Path, name: &str, most: u64) -> io::Result<()> {
    let mut options = File::options();
    options.read(true).write(true).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
    let mut current = options.open(sandbox.join(name))?;
    let found = current.metadata()?;
    // The folder is the task's: what it has put in its output's place is not to be cut.
    if found.len() <= most || !found.is_file() || found.nlink() != 1 {
        return Ok(());
    }
    let older = |number: u32| sandbox.join(format!("{name}.{number}"));
    for number in (1..KEPT).rev() {
        match std::fs::rename(older(number), older(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o644);
    io::copy(&mut current, &mut options.open(older(1))?)?;
    current.set_len(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn large_output_is_cut_and_some_of_it_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut task = File::options().append(true).create(true).open(folder.path().join("stdout")).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        for round in 0..6 {
            write!(task, "round {round}").unwrap();
            rotate_one(folder.path(), "stdout", 3).unwrap();
        }
        write!(task, "on").unwrap();
        rotate_one(folder.path(), "stdout", 3).unwrap();
        assert_eq!(
            (read("stdout"), read("stdout.1"), read("stdout.4")),
            ("on".into(), "round 5".into(), "round 2".into())
        );
        assert!(!folder.path().join("stdout.5").exists());
    }

    #[test]
    fn a_link_in_the_outputs_place_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("other"), "long enough").unwrap();
        std::os::unix::fs::symlink(folder.path().join("other"), folder.path().join("stdout")).unwrap();
        std::fs::hard_link(folder.path().join("other"), folder.path().join("stderr")).unwrap();
        assert!(rotate_one(folder.path(), "stdout", 3).is_err());
        rotate_one(folder.path(), "stderr", 3).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("other")).unwrap(), "long enough");
    }
}
