//! The terminal's own modes: kept quiet while a command runs, and put back whatever happens.

use std::io::{self, IsTerminal as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// The modes that the terminal had when the program began.
#[derive(Debug, Clone)]
pub struct Modes(Option<Termios>);

impl Modes {
    /// The present ones.
    pub fn now() -> Self {
        let stdin = io::stdin();
        Self(if stdin.is_terminal() { tcgetattr(&stdin).ok() } else { None })
    }

    /// Puts them back: for an end that comes while the line editor has the terminal.
    pub fn restore(&self) {
        if let Some(modes) = &self.0 {
            // If that fails the terminal is gone, and with it whoever could mind.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, modes);
        }
    }

    /// No echo until the guard is dropped: what is typed ahead must not run into pictures that are being redrawn. The
    /// line editor shows it afterwards. Ctrl-C still interrupts.
    pub fn quiet(&self) -> Quiet<'_> {
        if let Some(modes) = &self.0 {
            let mut quiet = modes.clone();
            quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL);
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &quiet);
        }
        Quiet(self)
    }
}

/// See [`Modes::quiet`].
#[derive(Debug)]
pub struct Quiet<'a>(&'a Modes);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.restore();
    }
}
