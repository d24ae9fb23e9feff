//! The terminal's own modes: kept quiet while nobody is asked for input, and put back whatever happens.

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

    /// Until the guard is dropped: no echo, for what is typed ahead must not run into pictures that are being redrawn,
    /// and no editing by the terminal itself, which would swallow a Ctrl-D. The line editor, which changes the modes
    /// while it reads and puts these back, shows and obeys it afterwards. Ctrl-C still interrupts.
    pub fn quiet(&self) -> Quiet {
        if let Some(modes) = &self.0 {
            let mut quiet = modes.clone();
            quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON);
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &quiet);
        }
        Quiet(self.clone())
    }
}

/// See [`Modes::quiet`].
#[derive(Debug)]
pub struct Quiet(Modes);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.restore();
    }
}
