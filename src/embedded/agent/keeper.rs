//! Ends an agent's processes when the agent is killed and has no chance to: a small shell waits for that.
//!
//! It is started with the first process that is to be kept, and knows process groups by their numbers only. What leaves
//! its group is out of its reach. Nothing here ends a process while the agent lives: that is the process's owner's.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Its input is a pipe from this process, which ends with it, however that comes about.
const WAIT: &str = r#"trap '' HUP INT QUIT TERM
all=
while read -r what pid; do
  case $what in
    +) all="$all $pid" ;;
    -) rest=
       for one in $all; do [ "$one" = "$pid" ] || rest="$rest $one"; done
       all=$rest ;;
  esac
done
for one in $all; do kill -s KILL -- "-$one"; done"#;

/// An agent's keeper. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeper(Arc<Mutex<Option<Shell>>>);

/// A process group that doesn't outlive the agent, until this is dropped.
#[derive(Debug)]
pub(super) struct Kept {
    keeper: Keeper,
    group: u32,
}

#[derive(Debug)]
struct Shell(Child);

impl Keeper {
    /// Sees to it that a process group ends with this process.
    pub(super) fn keep(&self, group: u32) -> Kept {
        self.tell('+', group);
        Kept { keeper: self.clone(), group }
    }

    fn tell(&self, what: char, group: u32) {
        let mut shell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = match &mut *shell {
            Some(shell) => shell.tell(what, group),
            none => Shell::start().and_then(|new| none.insert(new).tell(what, group)),
        };
        if let Err(error) = told {
            tracing::warn!(%error, group, "a process would outlive this one if it were killed");
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeper.tell('-', self.group);
    }
}

impl Shell {
    fn start() -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WAIT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // What is typed at a terminal goes to the terminal's group only.
        command.process_group(0).spawn().map(Self)
    }

    fn tell(&mut self, what: char, group: u32) -> io::Result<()> {
        let stdin = self.0.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(format!("{what} {group}\n").as_bytes())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Its input ends, and it with that.
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            tracing::debug!(%error, "a keeper can't be waited for");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("1000").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_kept_ends_with_the_keepers_input_and_what_is_let_go_does_not() {
        let keeper = Keeper::default();
        let (mut kept, mut let_go, mut also_kept) = (sleeper(), sleeper(), sleeper());
        let first = keeper.keep(kept.id());
        drop(keeper.keep(let_go.id()));
        let second = keeper.keep(also_kept.id());
        // As when this process is killed: nothing more is said.
        drop(keeper.0.lock().unwrap().take());
        assert_eq!(kept.wait().unwrap().signal(), Some(9));
        assert_eq!(also_kept.wait().unwrap().signal(), Some(9));
        assert!(let_go.try_wait().unwrap().is_none());
        let_go.kill().unwrap();
        let_go.wait().unwrap();
        drop((first, second));
    }
}
