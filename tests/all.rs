//! One test binary for the package: it is linked once, whatever the number of its tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test ends with the first thing that isn't as it should be"
)]

/// Counts what is allocated, for the tests that ask whether memory grows.
#[global_allocator]
static ALLOCATED: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);

#[macro_use]
mod support;

mod access;
mod cli;
mod clients;
mod crash;
mod detect;
mod embedded;
mod engine;
mod faults;
mod flow;
mod fuzz;
mod golden;
mod lang;
mod reference;
mod security;
mod serve;
mod session;
mod terminal;
mod ui;
