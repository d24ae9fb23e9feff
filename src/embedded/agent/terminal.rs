//! A pseudo-terminal: its two ends, and the size of its window.
//!
//! Opened, read, written and resized here; whose it is, is `nested`'s matter. A command has it for its controlling
//! terminal by util-linux's `setsid --ctty`, since between fork and exec nothing safe can be done.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::OFlag;
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use tokio::sync::Mutex;

use super::user::User;
use crate::mesos::WindowSize;

/// The end that isn't the command's. Cheap to clone; the terminal hangs up with the last one and what is read from it.
#[derive(Clone, Debug)]
pub(super) struct Terminal {
    window: Arc<File>,
    typed: Arc<Mutex<pipe::Sender>>,
}

/// A terminal that has just been opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// To type into, and to resize.
    pub(super) terminal: Terminal,
    /// What its command writes; an error when nobody has the command's end open any more.
    pub(super) shown: pipe::Receiver,
    /// Its command's input, output and errors.
    pub(super) command: OwnedFd,
}

impl Terminal {
    /// Opens one, of that size if it is told; the command's end is its user's.
    ///
    /// # Errors
    /// When the system has none left, or it can't be given to the user.
    pub(super) fn open(size: Option<&WindowSize>, user: Option<&User>) -> io::Result<Opened> {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        fcntl_setfd(&near, FdFlags::CLOEXEC)?;
        grantpt(&near)?;
        unlockpt(&near)?;
        let name = ptsname(&near, Vec::new())?;
        let path = Path::new(OsStr::from_bytes(name.as_bytes()));
        if let Some(user) = user {
            user.own(path)?;
        }
        let command = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(path)?;
        ioctl_fionbio(&near, true)?;
        let near = File::from(near);
        // It is read and written as a pipe is, without being one.
        let shown = pipe::Receiver::from_file_unchecked(near.try_clone()?)?;
        let typed = pipe::Sender::from_file_unchecked(near.try_clone()?)?;
        let terminal = Self { window: Arc::new(near), typed: Arc::new(Mutex::new(typed)) };
        if let Some(size) = size {
            terminal.resize(size)?;
        }
        Ok(Opened { terminal, shown, command: command.into() })
    }

    /// Its window has another size; the command is told by a signal.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn resize(&self, size: &WindowSize) -> io::Result<()> {
        let most = |lines: u32| u16::try_from(lines).unwrap_or(u16::MAX);
        let size = Winsize { ws_row: most(size.rows), ws_col: most(size.columns), ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&*self.window, size)?)
    }

    /// What is typed.
    ///
    /// # Errors
    /// When nobody has the command's end open any more.
    pub(super) async fn write(&self, data: &[u8]) -> io::Result<()> {
        self.typed.lock().await.write_all(data).await
    }
}
