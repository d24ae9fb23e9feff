//! A pseudo-terminal with the program in it: keys in, a screen out, and every wait with a deadline.

use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Two busy cores and a debug build are slow; a hang is longer.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub const ROWS: u16 = 50;
pub const COLUMNS: u16 = 110;

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const ENTER: &str = "\r";
pub const TAB: &str = "\t";

struct Shown {
    parser: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

/// A running program and its screen.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    home: Arc<tempfile::TempDir>,
    // Dropped last: the program would be hung up on.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts `mesos-repl` with these arguments in a home of its own.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), args)
    }

    /// Kills it as nothing can be prepared for, and starts it again in the same home.
    pub fn killed_and_started(mut self, args: &[&str]) -> Self {
        let pid = nix::unistd::Pid::from_raw(self.pid().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        self.child.wait().unwrap();
        Self::start_in(Arc::clone(&self.home), args)
    }

    fn start_in(home: Arc<tempfile::TempDir>, args: &[&str]) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mesos-repl"));
        command.args(args);
        for name in [
            "MESOS_MASTER",
            "MESOS_PROFILE",
            "XDG_CONFIG_HOME",
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "RUST_LOG",
            "XDG_DATA_HOME",
        ] {
            command.env_remove(name);
        }
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path().join("state"));
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keys = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 1000);
        let shown = Arc::new((Mutex::new(Shown { parser, raw: Vec::new(), ended: false }), Condvar::new()));
        read(pair.master.try_clone_reader().unwrap(), Arc::clone(&shown));
        Self { child, keys, shown, home, _master: pair.master }
    }

    /// The folder that the program takes for its user's home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Presses keys.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line.
    pub fn line(&mut self, line: &str) {
        self.keys(line);
        self.keys(ENTER);
    }

    /// Pastes text as terminals do it since they mark it.
    pub fn paste(&mut self, text: &str) {
        self.keys(&format!("\x1b[200~{}\x1b[201~", text.replace('\n', "\r")));
    }

    /// Waits until the screen is as asked; what it shows then.
    pub fn until(&self, what: &str, mut look: impl FnMut(&str) -> bool) -> String {
        let (lock, changed) = &*self.shown;
        let end = Instant::now() + DEADLINE;
        let mut shown = lock.lock().unwrap();
        loop {
            let contents = shown.parser.screen().contents();
            if look(&contents) {
                return contents;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !shown.ended, "not seen: {what}; the screen shows\n{contents}");
            shown = changed.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Waits until these words stand somewhere.
    pub fn sees(&self, words: &str) -> String {
        self.until(words, |screen| screen.contains(words))
    }

    /// Waits for a prompt with nothing behind it.
    pub fn prompt(&self) -> String {
        self.until("an empty prompt", |screen| {
            last(screen).starts_with("mesos ") && last(screen).trim_end().ends_with('>')
        })
    }

    /// All bytes that came so far.
    pub fn raw(&self) -> Vec<u8> {
        self.shown.0.lock().unwrap().raw.clone()
    }

    /// Waits for the program's end; its exit status.
    pub fn ends(&mut self) -> u32 {
        let end = Instant::now() + DEADLINE;
        let (lock, changed) = &*self.shown;
        let mut shown = lock.lock().unwrap();
        while !shown.ended {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it doesn't end; the screen shows\n{}", shown.parser.screen().contents());
            shown = changed.wait_timeout(shown, left).unwrap().0;
        }
        drop(shown);
        self.child.wait().unwrap().exit_code()
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A program that has ended already is what most tests want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut reader: Box<dyn std::io::Read + Send>, shown: Arc<(Mutex<Shown>, Condvar)>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            // A pseudo-terminal whose program has ended gives an error on Linux.
            let count = reader.read(&mut buffer).unwrap_or(0);
            let mut now = shown.0.lock().unwrap();
            now.raw.extend_from_slice(&buffer[..count]);
            now.parser.process(&buffer[..count]);
            now.ended = count == 0;
            shown.1.notify_all();
            if count == 0 {
                return;
            }
        }
    });
}

/// The last line that isn't empty.
pub fn last(screen: &str) -> &str {
    screen.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("")
}
