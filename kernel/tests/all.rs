//! The kernel as a front end sees it: the built program, over its sockets. Each test starts a kernel of its own.
//!
//! What needs Python's Jupyter packages or a Rust toolchain says aloud when it is skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod client;
mod hostile;
mod protocol;
mod python;
mod rust_cells;
