//! The Jupyter kernel of mesos-repl: the messaging protocol in front of the same engine as the terminal's.
//!
//! Commands and v1 calls run on the engine in this process; Rust cells run in a child process and reach the session
//! over its socket. `docs/kernel.md` tells what was measured and why it is built so.

pub mod backend;
pub mod bundle;
pub mod connection;
pub mod cursor;
pub mod display;
pub mod doctor;
pub mod execute;
pub mod history;
pub mod install;
pub mod iopub;
pub mod keep;
pub mod kernel;
pub mod late;
pub mod rust;
pub mod server;
pub mod stdin;
pub mod wire;
pub mod zmtp;
