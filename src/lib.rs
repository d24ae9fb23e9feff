//! A live Apache Mesos scheduler session: the protocol, the session, an input language, and an embedded Mesos.
//!
//! `docs/architecture.md` is the map of the rooms and of what each may import. Nothing in this library prints:
//! results are [`document::Document`]s, and the fronts (the terminal, the Jupyter kernel) draw them.

pub mod app;
mod browser;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod detect;
pub mod document;
pub mod embedded;
pub mod engine;
pub mod flags;
pub mod lang;
pub mod mesos;
pub mod recordio;
pub mod render;
pub mod repl;
pub mod secret;
pub mod serve;
pub mod session;
pub mod settings;
pub mod state;
pub mod store;
pub mod ui;
pub mod view;
