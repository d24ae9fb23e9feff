//! Persistent volumes: folders of the agent's that outlive tasks and the agent itself, and stand in the sandboxes of tasks
//! that use them.
//!
//! No id and no path can lead out of the agent's work folder or a sandbox.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use super::sandbox::component;
use super::user::User;
use crate::embedded::resources::{is_persistent_volume, reservation_role};
use crate::mesos::Resource;

/// Where an agent's volumes are.
pub(super) fn root(work_dir: &Path) -> PathBuf {
    work_dir.join("volumes").join("roles")
}

/// A volume's folder: by its role, whose slashes are blanks as on a real agent, and its id.
fn folder(root: &Path, volume: &Resource) -> io::Result<PathBuf> {
    let role = reservation_role(volume).replace('/', " ");
    let id = volume.disk.as_ref().and_then(|disk| Some(disk.persistence.as_ref()?.id.as_str()));
    Ok(root.join(component(&role)?).join(component(id.unwrap_or_default())?))
}

fn persistent(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources.iter().filter(|resource| is_persistent_volume(resource))
}

/// Makes the folders of new volumes and removes those of destroyed ones.
pub(super) fn follow(work_dir: &Path, before: &[Resource], after: &[Resource]) -> io::Result<()> {
    let root = root(work_dir);
    let folders = |resources| persistent(resources).map(|volume| folder(&root, volume)).collect::<io::Result<Vec<_>>>();
    let (before, after) = (folders(before)?, folders(after)?);
    for new in &after {
        std::fs::create_dir_all(new)?;
    }
    for destroyed in before.iter().filter(|folder| !after.contains(folder)) {
        // One of the same id may be made at once; what was in this one may be a lot.
        let doomed = root.join(format!(".{}", uuid::Uuid::new_v4()));
        match std::fs::rename(destroyed, &doomed) {
            Ok(()) => drop(tokio::task::spawn_blocking(move || {
                if let Err(error) = std::fs::remove_dir_all(&doomed) {
                    tracing::warn!(%error, path = %doomed.display(), "a destroyed volume's data stay behind");
                }
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The volumes among a task's resources: each one's folder, and where in the sandbox it is to stand.
///
/// # Errors
/// The sentence for the task's status.
pub(super) fn of(root: &Path, resources: &[Resource]) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut found = Vec::new();
    for resource in persistent(resources) {
        let Some(volume) = resource.disk.as_ref().and_then(|disk| disk.volume.as_ref()) else { continue };
        let path = Path::new(&volume.container_path);
        let mut steps = path.components();
        if volume.container_path.is_empty()
            || !steps.all(|step| matches!(step, Component::Normal(_) | Component::CurDir))
        {
            return Err(format!("The container path '{}' of a volume leads out of the sandbox", path.display()));
        }
        let folder = folder(root, resource).map_err(|error| error.to_string())?;
        if !folder.is_dir() {
            return Err(format!("The persistent volume at '{}' is not there", folder.display()));
        }
        found.push((folder, path.to_owned()));
    }
    Ok(found)
}

/// Lets a task's volumes stand in its sandbox, owned by its user.
///
/// # Errors
/// The sentence for the task's status.
pub(super) fn mount(root: &Path, resources: &[Resource], sandbox: &Path, user: Option<&User>) -> Result<(), String> {
    for (folder, path) in of(root, resources)? {
        let link = sandbox.join(&path);
        let told = |error: io::Error| format!("Failed to mount a volume at '{}': {error}", path.display());
        if let Some(parent) = link.parent() {
            std::fs::create_dir_all(parent).map_err(told)?;
        }
        match symlink(&folder, &link) {
            // Another task of the same executor uses it too.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && link.canonicalize().ok() == folder.canonicalize().ok() => {}
            made => made.map_err(told)?,
        }
        if let Some(user) = user {
            user.own(&folder).map_err(told)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn volume(role: &str, id: &str, path: &str) -> Resource {
        let disk = json!({"persistence": {"id": id}, "volume": {"container_path": path, "mode": "RW"}});
        serde_json::from_value(json!({"name": "disk", "type": "SCALAR", "scalar": {"value": 1},
            "reservations": [{"type": "DYNAMIC", "role": role}], "disk": disk}))
        .unwrap()
    }

    #[tokio::test]
    async fn a_volume_outlives_its_tasks_until_it_is_destroyed() {
        let work_dir = tempfile::tempdir().unwrap();
        let root = root(work_dir.path());
        let data = volume("eng/web", "data", "deep/data");
        assert!(of(&root, std::slice::from_ref(&data)).unwrap_err().contains("is not there"));
        follow(work_dir.path(), &[], std::slice::from_ref(&data)).unwrap();
        for (sandbox, seen) in [("one", None), ("two", Some("kept"))] {
            let sandbox = work_dir.path().join(sandbox);
            std::fs::create_dir(&sandbox).unwrap();
            mount(&root, std::slice::from_ref(&data), &sandbox, None).unwrap();
            mount(&root, std::slice::from_ref(&data), &sandbox, None).unwrap();
            let file = sandbox.join("deep/data/file");
            assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), seen);
            std::fs::write(file, "kept").unwrap();
        }
        assert!(root.join("eng web/data/file").exists());
        follow(work_dir.path(), std::slice::from_ref(&data), &[]).unwrap();
        assert!(!root.join("eng web/data").exists());
        follow(work_dir.path(), &[], std::slice::from_ref(&data)).unwrap();
        assert!(!root.join("eng web/data/file").exists(), "a new one is empty");
    }

    #[tokio::test]
    async fn no_volume_leads_out() {
        let work_dir = tempfile::tempdir().unwrap();
        for (role, id) in [("web", "../../x"), ("web", ".."), ("web", "a/b"), ("..", "x")] {
            assert!(follow(work_dir.path(), &[], &[volume(role, id, "data")]).is_err(), "{role} {id}");
        }
        let root = root(work_dir.path());
        for path in ["/etc", "../up", "a/../../up", ""] {
            let volume = volume("web", "data", path);
            follow(work_dir.path(), &[], std::slice::from_ref(&volume)).unwrap();
            assert!(of(&root, &[volume]).unwrap_err().contains("leads out of the sandbox"), "{path}");
        }
    }
}
