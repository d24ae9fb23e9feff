//! One input, run to its end or until it is interrupted: the same for the prompt, for scripts and for the demonstration.

use std::io::Write;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::screen::Screen;
use crate::document::Diagnostic;
use crate::engine::{Engine, Outcome, Output as _};

/// The signals that a session answers to.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Ctrl-C: stop what is running.
    Stop,
    /// End the program; its exit status.
    End(u8),
}

impl Signals {
    /// Takes the signals over from the system, which would end the process.
    ///
    /// # Errors
    /// When the system won't have it.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::End(128 + 15),
            _ = self.hangup.recv() => Asked::End(128 + 1),
        }
    }
}

/// How an input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// By itself.
    Ended(Outcome),
    /// The whole program shall end, with this status.
    Told(u8),
}

/// Runs `text`. Ctrl-C cancels it; a second one stops waiting for it to give up.
pub async fn run<O: Write + Send, E: Write + Send>(
    engine: &Engine,
    text: &str,
    screen: &mut Screen<O, E>,
    signals: &mut Signals,
) -> Ran {
    let cancel = CancellationToken::new();
    let ran = {
        // A fault in one command must not end the session and with it the framework.
        let work = AssertUnwindSafe(engine.execute(text, screen, &cancel)).catch_unwind();
        tokio::pin!(work);
        loop {
            tokio::select! {
                outcome = &mut work => break outcome.map(Ran::Ended),
                asked = signals.next() => match asked {
                    Asked::Stop if cancel.is_cancelled() => break Ok(Ran::Ended(Outcome::Cancelled)),
                    Asked::Stop => cancel.cancel(),
                    Asked::End(status) => break Ok(Ran::Told(status)),
                },
            }
        }
    };
    screen.settle();
    ran.unwrap_or_else(|panic| {
        screen.show(fault(&*panic).into());
        Ran::Ended(Outcome::Failed)
    })
}

fn fault(panic: &(dyn std::any::Any + Send)) -> Diagnostic {
    let what = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Diagnostic::new("the command ended in a fault of this program; the session goes on")
        .detail(what.unwrap_or("it left no message"))
        .help("please report it, with what you typed")
}
