//! Ending a cell: first what compiles it, then the process that runs it.
//!
//! A cell that is still being compiled costs nothing when its compiler is killed. One that runs has a moment to end by
//! itself (what it waits for at the session has been cancelled); then its process is killed, and its variables are gone.

use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tracing::debug;

/// How long an interrupted cell may take to end by itself.
const GRACE: Duration = Duration::from_millis(800);
const LOOK: Duration = Duration::from_millis(30);

/// How far a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No cell is under way.
    Idle,
    /// It will tell when it begins to run.
    Compiling,
    /// It runs; or nobody knows, since it tells nothing.
    Running,
}

#[derive(Debug)]
struct Cell {
    number: u64,
    phase: Phase,
    since: Instant,
    interrupted: Option<Interrupted>,
}

/// What an interrupt has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// It was asked to end.
    Asked,
    /// Its process was killed.
    Killed,
}

/// Ends cells. Shared by the thread that evaluates and the one that hears interrupts.
#[derive(Debug)]
pub struct Stopper {
    cell: Mutex<Cell>,
    /// The process that runs cells.
    child: Mutex<Option<Arc<Mutex<Child>>>>,
    /// Its number, as it was last seen.
    child_id: AtomicU32,
}

impl Default for Stopper {
    fn default() -> Self {
        let cell = Cell { number: 0, phase: Phase::Idle, since: Instant::now(), interrupted: None };
        Self { cell: Mutex::new(cell), child: Mutex::default(), child_id: AtomicU32::new(0) }
    }
}

impl Stopper {
    fn cell(&self) -> MutexGuard<'_, Cell> {
        self.cell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process that runs cells from now on.
    pub fn watch(&self, child: Arc<Mutex<Child>>) {
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    }

    /// A cell begins to be compiled; `tells` when it will say that it runs.
    pub fn begin(&self, tells: bool) {
        let mut cell = self.cell();
        let phase = if tells { Phase::Compiling } else { Phase::Running };
        *cell = Cell { number: cell.number + 1, phase, since: Instant::now(), interrupted: None };
    }

    /// The cell has begun to run.
    pub fn has_begun(&self) {
        let mut cell = self.cell();
        cell.phase = Phase::Running;
        cell.since = Instant::now();
    }

    /// The cell has ended; what an interrupt has done to it.
    pub fn end(&self) -> Option<Interrupted> {
        let mut cell = self.cell();
        cell.phase = Phase::Idle;
        cell.interrupted
    }

    /// What an interrupt has done to the cell so far.
    pub fn interrupted(&self) -> Option<Interrupted> {
        self.cell().interrupted
    }

    /// Ends the cell that is under way. Returns at once.
    pub fn interrupt(self: &Arc<Self>) {
        let mut cell = self.cell();
        if cell.phase == Phase::Idle || cell.interrupted.is_some() {
            return;
        }
        cell.interrupted = Some(Interrupted::Asked);
        let (number, stopper) = (cell.number, Arc::clone(self));
        drop(cell);
        let asked = Instant::now();
        let press = move || {
            while stopper.press(number, asked) {
                std::thread::sleep(LOOK);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("interrupt".to_owned()).spawn(press) {
            debug!("no thread to interrupt with: {error}");
            self.kill_child();
        }
    }

    /// Does what is to be done now; whether to look again.
    fn press(&self, number: u64, asked: Instant) -> bool {
        let (phase, since) = {
            let cell = self.cell();
            if cell.number != number || cell.interrupted != Some(Interrupted::Asked) {
                return false;
            }
            (cell.phase, cell.since)
        };
        match phase {
            Phase::Idle => false,
            Phase::Compiling => {
                self.kill_compilers();
                true
            }
            Phase::Running if asked.max(since).elapsed() < GRACE => true,
            // A cell that tells nothing may still be compiled: then this is all there is to kill.
            Phase::Running if self.kill_compilers() => true,
            Phase::Running => {
                self.cell().interrupted = Some(Interrupted::Killed);
                self.kill_child();
                false
            }
        }
    }

    fn child_id(&self) -> Option<u32> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // evcxr may hold it while it waits for the process's end.
        if let Ok(child) = child.as_ref()?.try_lock() {
            self.child_id.store(child.id(), Ordering::Relaxed);
        }
        Some(self.child_id.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    fn kill_child(&self) {
        let id = self.child_id().and_then(|id| i32::try_from(id).ok());
        if let Some(Err(error)) = id.map(|id| kill(Pid::from_raw(id), Signal::SIGKILL)) {
            debug!("the process that runs cells was gone already: {error}");
        }
    }

    /// Kills what this process has started, but for the one that runs cells; whether there was anything.
    fn kill_compilers(&self) -> bool {
        let spared = self.child_id();
        let compilers = descendants(std::process::id(), spared);
        for id in &compilers {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(*id), Signal::SIGKILL);
        }
        !compilers.is_empty()
    }

    /// Ends this process and all it has started.
    pub fn end_everything(&self) {
        self.kill_child();
        // The process leads its group.
        let _ = killpg(nix::unistd::getpgrp(), Signal::SIGKILL);
    }
}

/// The processes below `root`, without `spared` and those below it. Empty where the system doesn't tell.
fn descendants(root: u32, spared: Option<u32>) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pairs: Vec<(u32, u32)> = entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name in brackets may hold anything; the state and the parent come behind it.
            let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
            let (state, parent) = (rest.next()?, rest.next()?.parse().ok()?);
            (state != "Z").then_some((id, parent))
        })
        .collect();
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let children = pairs.iter().filter(|(id, of)| *of == parent && Some(*id) != spared).map(|(id, _)| *id);
        found.extend(children);
        at += 1;
    }
    found.into_iter().skip(1).filter_map(|id| i32::try_from(id).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_and_one_is_spared() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let begin = Instant::now();
        while descendants(child.id(), None).is_empty() && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let all = descendants(std::process::id(), None);
        let id = i32::try_from(child.id()).unwrap();
        assert!(all.contains(&id));
        assert!(!descendants(std::process::id(), Some(child.id())).contains(&id));
        for id in descendants(child.id(), None).into_iter().chain([id]) {
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
        child.wait().unwrap();
    }

    #[test]
    fn an_interrupt_of_nothing_does_nothing() {
        let stopper = Arc::new(Stopper::default());
        stopper.interrupt();
        assert_eq!(stopper.interrupted(), None);
        stopper.begin(true);
        assert_eq!(stopper.end(), None);
    }
}
