//! One test binary for the package: it is linked once, whatever the number of its tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test ends with the first thing that isn't as it should be"
)]

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
mod golden;
mod lang;
mod reference;
mod serve;
mod session;
mod terminal;
mod ui;
