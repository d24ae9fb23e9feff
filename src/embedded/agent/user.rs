//! The system user a task runs as. Only root may choose another than itself.

use std::io;
use std::path::Path;

use nix::unistd::{Uid, User as SystemUser};

/// A system user to switch to.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// Its number.
    pub(super) uid: u32,
    /// Its first group's number.
    pub(super) gid: u32,
}

/// Whether tasks run as the user they ask for.
pub(in crate::embedded) fn may_switch() -> bool {
    Uid::effective().is_root()
}

impl User {
    /// Whom a task runs as. `wanted` is its command's own user, `framework` its framework's.
    ///
    /// An agent that isn't root runs all tasks as itself, as a real one with `--switch_user=false`; but a command that
    /// names somebody else is refused rather than run with other rights than it counts on.
    ///
    /// # Errors
    /// The sentence for the task's status.
    pub(super) fn of_task(wanted: Option<&str>, framework: &str) -> Result<Option<Self>, String> {
        if may_switch() {
            return find(wanted.unwrap_or(framework)).map(Some);
        }
        match (wanted, SystemUser::from_uid(Uid::effective())) {
            (None, _) => Ok(None),
            (Some(wanted), Ok(Some(own))) if own.name == wanted => Ok(None),
            (Some(wanted), _) => Err(format!("Failed to switch to user '{wanted}': the agent doesn't run as root")),
        }
    }

    /// Hands a file or folder over.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))
    }
}

fn find(name: &str) -> Result<User, String> {
    match SystemUser::from_name(name) {
        Ok(Some(user)) => Ok(User { uid: user.uid.as_raw(), gid: user.gid.as_raw() }),
        Ok(None) => Err(format!("No such user '{name}'")),
        Err(error) => Err(format!("Failed to get information of user '{name}': {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_user_is_refused() {
        let refused = User::of_task(Some("no-such-user"), "root").unwrap_err();
        assert!(refused.contains("'no-such-user'"), "{refused}");
    }
}
