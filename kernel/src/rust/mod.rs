//! Rust cells, by evcxr in a child process. Commands never wait for any of this.
//!
//! Without the feature `rust-cells`, or without a Rust toolchain, a Rust cell says so and everything else works.

#[cfg(feature = "rust-cells")]
mod evaluator;
#[cfg(feature = "rust-cells")]
mod mark;
#[cfg(feature = "rust-cells")]
mod toolchain;

use std::path::PathBuf;

use mesos_repl::lang::Completion;

/// What the child process is told of its surroundings.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The session's socket.
    pub socket: Option<PathBuf>,
}

#[cfg(feature = "rust-cells")]
pub use evaluator::Rust;
#[cfg(feature = "rust-cells")]
pub use toolchain::{become_child_if_asked, with_build_folder};

#[cfg(not(feature = "rust-cells"))]
mod absent {
    use mesos_repl::lang::Completion;
    use serde_json::Value;
    use tokio_util::sync::CancellationToken;

    use crate::bundle::Trouble;
    use crate::display::Display;
    use crate::kernel::Kernel;
    use crate::wire::Request;

    /// No Rust cells.
    #[derive(Debug)]
    pub struct Rust;

    impl Rust {
        /// Nothing.
        pub fn new(_allowed: bool) -> Self {
            Self
        }

        /// Says that there are none.
        ///
        /// # Errors
        /// Always.
        pub async fn execute(
            &self,
            _kernel: &Kernel,
            _request: &Request,
            _code: &str,
            _display: &mut Display,
            _cancel: &CancellationToken,
        ) -> Result<(), Trouble> {
            Err(super::unavailable("this kernel was built without Rust cells"))
        }

        /// Nothing.
        pub async fn complete(&self, _code: &str, at: usize) -> Completion {
            super::nothing(at)
        }

        /// Nothing.
        pub async fn inspect(&self, _code: &str, _at: usize) -> Option<Value> {
            None
        }

        /// Nothing.
        pub async fn warm_up(&self, _kernel: &Kernel) {}

        /// Nothing.
        pub fn close(&mut self) {}
    }

    /// There is no child.
    pub fn become_child_if_asked() {}

    /// There is no build.
    pub fn with_build_folder() {}
}
#[cfg(not(feature = "rust-cells"))]
pub use absent::{Rust, become_child_if_asked, with_build_folder};

/// What a Rust cell answers where none can run.
fn unavailable(why: &str) -> crate::bundle::Trouble {
    crate::bundle::Trouble::new("RustUnavailable", why)
        .line("Commands and v1 calls work; `help` lists them. `mesos-kernel doctor` tells what Rust cells need.")
}

/// No candidates.
fn nothing(at: usize) -> Completion {
    Completion { span: at..at, candidates: Vec::new() }
}
