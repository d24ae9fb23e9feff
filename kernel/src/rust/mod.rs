//! Rust cells. Without the feature `rust-cells`, and until evcxr is up, they say so; commands never wait for it.

use mesos_repl::lang::Completion;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::bundle::Trouble;
use crate::display::Display;
use crate::kernel::Kernel;
use crate::wire::Request;

/// Runs Rust cells.
#[derive(Debug)]
pub struct Rust {}

impl Rust {
    /// Starts nothing yet.
    pub fn new(_allowed: bool) -> Self {
        Self {}
    }

    /// Runs a cell.
    ///
    /// # Errors
    /// What went wrong in it.
    pub async fn execute(
        &self,
        _kernel: &Kernel,
        _request: &Request,
        _code: &str,
        _display: &mut Display,
        _cancel: &CancellationToken,
    ) -> Result<(), Trouble> {
        Err(Trouble::new("RustUnavailable", "this kernel was built without Rust cells")
            .line("Commands and v1 calls work; `help` lists them."))
    }

    /// What could stand at byte `at`.
    pub async fn complete(&self, _code: &str, at: usize) -> Completion {
        Completion { span: at..at, candidates: Vec::new() }
    }

    /// What is known of the name at byte `at`, as a bundle.
    pub async fn inspect(&self, _code: &str, _at: usize) -> Option<Value> {
        None
    }

    /// Gets ready in the background, so that the first cell needn't wait.
    pub async fn warm_up(&self, _kernel: &Kernel) {}

    /// Ends the child process.
    pub fn close(&mut self) {}
}

/// Turns this process into the one that runs Rust cells, if that is what it was started for.
pub fn become_child_if_asked() {}
