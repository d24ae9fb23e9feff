//! Where an agent keeps what its tasks write: the folders of a real agent, below one work folder.
//!
//! Nothing outside the work folder is made, and no id can lead out of it.

use std::io;
use std::path::{Path, PathBuf};

use crate::mesos::{AgentId, ExecutorId, FrameworkId};

use super::user::User;

/// A work folder of one agent.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    work_dir: PathBuf,
    agent_id: AgentId,
}

/// Of a sandbox: the owner and its group may look in, nobody else.
const SANDBOX_MODE: u32 = 0o750;

impl Layout {
    /// The folders of that agent.
    pub(super) fn new(work_dir: &Path, agent_id: AgentId) -> Self {
        Self { work_dir: work_dir.to_owned(), agent_id }
    }

    /// `<work folder>/slaves/<agent>/frameworks`.
    pub(super) fn frameworks(&self) -> io::Result<PathBuf> {
        Ok(self.work_dir.join("slaves").join(component(self.agent_id.as_str())?).join("frameworks"))
    }

    /// The folder of one run of an executor.
    pub(super) fn run(&self, framework: &FrameworkId, executor: &ExecutorId, container: &str) -> io::Result<PathBuf> {
        Ok(self.runs(framework, executor)?.join(component(container)?))
    }

    fn runs(&self, framework: &FrameworkId, executor: &ExecutorId) -> io::Result<PathBuf> {
        let framework = self.frameworks()?.join(component(framework.as_str())?);
        Ok(framework.join("executors").join(component(executor.as_str())?).join("runs"))
    }

    /// Makes a run's folder, owned by `user`, and lets `runs/latest` point to it.
    pub(super) fn create(
        &self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        container: &str,
        user: Option<&User>,
    ) -> io::Result<PathBuf> {
        let runs = self.runs(framework, executor)?;
        let run = runs.join(component(container)?);
        std::fs::create_dir_all(&runs)?;
        create_owned(&run, user)?;
        point(&runs.join("latest"), &run)?;
        Ok(run)
    }
}

/// Makes the folder of a nested container, and a link to it by its task's id.
pub(super) fn create_nested(run: &Path, container: &str, task: &str, user: Option<&User>) -> io::Result<PathBuf> {
    let containers = run.join("containers");
    let tasks = run.join("tasks");
    std::fs::create_dir_all(&containers)?;
    std::fs::create_dir_all(&tasks)?;
    let nested = containers.join(component(container)?);
    create_owned(&nested, user)?;
    point(&tasks.join(component(task)?), &nested)?;
    Ok(nested)
}

fn create_owned(folder: &Path, user: Option<&User>) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(SANDBOX_MODE).create(folder)?;
    if let Some(user) = user {
        user.own(folder)?;
    }
    Ok(())
}

/// Replaces a link in one step, so that a reader always finds the old or the new one.
fn point(link: &Path, target: &Path) -> io::Result<()> {
    let mut fresh = link.as_os_str().to_owned();
    fresh.push(".new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(target, &fresh)?;
    std::fs::rename(&fresh, link)
}

/// An id as one step of a path. A master refuses such ids already; a sandbox must not depend on that.
pub(super) fn component(id: &str) -> io::Result<&str> {
    if id.is_empty() || id == "." || id == ".." || id.contains(['/', '\0']) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{id}' can't name a folder")));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_out_of_the_work_folder() {
        for id in ["", ".", "..", "a/b", "/etc", "a\0b"] {
            assert!(component(id).is_err(), "{id:?}");
        }
        for id in ["a", "...", "a b", "ä", "-", "latest"] {
            assert_eq!(component(id).ok(), Some(id));
        }
    }

    #[test]
    fn the_latest_run_is_the_last_one_made() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path(), "S0".into());
        let (framework, executor) = ("F".into(), "E".into());
        layout.create(&framework, &executor, "one", None).unwrap();
        let two = layout.create(&framework, &executor, "two", None).unwrap();
        assert_eq!(two, folder.path().join("slaves/S0/frameworks/F/executors/E/runs/two"));
        assert_eq!(std::fs::read_link(two.with_file_name("latest")).unwrap(), two);
    }

    #[test]
    fn a_nested_container_is_found_by_its_task() {
        let folder = tempfile::tempdir().unwrap();
        let nested = create_nested(folder.path(), "c1", "t1", None).unwrap();
        assert_eq!(std::fs::read_link(folder.path().join("tasks/t1")).unwrap(), nested);
    }
}
