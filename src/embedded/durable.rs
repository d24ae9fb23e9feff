//! Files that a killed process must find whole when it is started again: replaced in one step, for their owner alone,
//! since tasks' environments are in them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a file must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// This process's end, at any moment.
    Kill,
    /// The machine's end too, which takes milliseconds.
    PowerLoss,
}

/// Makes a folder for such files.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Replaces a file's content, or makes the file.
pub(super) fn replace(path: &Path, content: &impl Serialize, against: Against) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    if against == Against::PowerLoss {
        file.sync_all()?;
    }
    drop(file);
    std::fs::rename(&fresh, path)?;
    match path.parent().filter(|_| against == Against::PowerLoss) {
        // The name is in the folder, not in the file.
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Reads it, if there is one.
///
/// # Errors
/// With the file's name in them.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| named(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.json");
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
        for (content, against) in [(vec![1, 2, 3], Against::Kill), (vec![4], Against::PowerLoss)] {
            replace(&path, &content, against).unwrap();
            assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(content));
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        // What a kill between the two steps leaves behind harms nobody.
        std::fs::write(path.with_extension("new"), b"{half").unwrap();
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(vec![4]));
        replace(&path, &vec![5], Against::Kill).unwrap();
        std::fs::write(&path, b"{half").unwrap();
        assert!(read::<Vec<u8>>(&path).unwrap_err().to_string().contains("file.json"));
    }
}
