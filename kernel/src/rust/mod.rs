//! Rust cells, by evcxr in processes of their own. Commands never wait for any of this.
//!
//! The kernel ([`front`]) starts a process that compiles cells ([`evaluator`]), which starts one that runs them: neither
//! can take the session with it, and the kernel stays as small as it is without them. Without the feature `rust-cells`,
//! or without a Rust toolchain, a Rust cell says so and everything else works.

#[cfg(feature = "rust-cells")]
pub mod evaluator;
#[cfg(feature = "rust-cells")]
mod fate;
#[cfg(feature = "rust-cells")]
mod folder;
#[cfg(feature = "rust-cells")]
pub mod front;
#[cfg(feature = "rust-cells")]
mod listen;
#[cfg(feature = "rust-cells")]
mod mark;
#[cfg(feature = "rust-cells")]
mod stop;
pub mod talk;
#[cfg(feature = "rust-cells")]
mod toolchain;
#[cfg(feature = "rust-cells")]
mod variables;

#[cfg(feature = "rust-cells")]
pub use folder::build_root;
#[cfg(feature = "rust-cells")]
pub use front::Rust;
#[cfg(feature = "rust-cells")]
pub use toolchain::become_child_if_asked;

use mesos_repl::lang::Completion;

/// When Rust cells get ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Cells {
    /// In the background, as soon as the kernel runs
    #[default]
    Warm,
    /// With the first of them, which then takes several seconds; until then nothing of Rust takes memory
    Lazy,
    /// Never
    Off,
}

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
        pub fn new(_cells: super::Cells) -> Self {
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

    /// Nothing is built.
    pub fn build_root() -> Option<std::path::PathBuf> {
        None
    }
}
#[cfg(not(feature = "rust-cells"))]
pub use absent::{Rust, become_child_if_asked, build_root};

/// What a Rust cell answers where none can run.
fn unavailable(why: &str) -> crate::bundle::Trouble {
    crate::bundle::Trouble::new("RustUnavailable", why)
        .line("Commands and v1 calls work; `help` lists them. `mesos-kernel doctor` tells what Rust cells need.")
}

/// No candidates.
fn nothing(at: usize) -> Completion {
    Completion { span: at..at, candidates: Vec::new() }
}
