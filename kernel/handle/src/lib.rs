//! A live Mesos scheduler session from Rust: typed builders, blocking calls with timeouts, values that show themselves.
//!
//! The session itself lives in another process (a Jupyter kernel, or `mesos-repl serve`) and is reached over its Unix
//! socket, so that a panic here costs nothing there. This crate uses the standard library only and keeps no state: a
//! [`Master`] or [`Framework`] is a copyable name, and every call opens a connection of its own. That is what a notebook
//! cell needs: it compiles in a moment, and nothing is lost when a cell fails.
//!
//! ```no_run
//! use mesos_handle::prelude::*;
//! # fn main() -> Result<(), Error> {
//! let master = connect_embedded()?;
//! let framework = master.subscribe(FrameworkInfo::new("root", "Example"))?;
//! let offers = framework.wait_for_offers(secs(30))?;
//! let web = framework.accept(&offers[0], TaskInfo::docker("nginx:alpine").name("web").cpus(0.2).mem(100.0))?;
//! for update in web.updates().until(TaskState::Running, secs(120)) {
//!     println!("{}", update?);
//! }
//! web.kill()?;
//! framework.teardown()?;
//! # Ok(()) }
//! ```

mod error;
mod json;
mod link;
mod master;
mod plain;
mod scope;
mod show;
mod spec;
mod task;

pub use error::{Error, Result};
pub use json::Value;
pub use master::{Agent, Agents, Answer, Framework, Master, Offer, Offers, attach, connect, connect_embedded};
pub use plain::{IsOther, IsPlain, Kind, Plain, Shown, ShowsItself, StaysAsItIs};
pub use scope::{Ended, begun, reached};
pub use show::{Show, input, password};
pub use spec::{FrameworkInfo, TaskInfo, mins, secs};
pub use task::{Logs, Task, TaskState, Tasks, Until, Update, Updates};

/// Everything that a cell needs.
pub mod prelude {
    pub use crate::{
        Agent, Agents, Answer, Error, Framework, FrameworkInfo, Logs, Master, Offer, Offers, Show, Task, TaskInfo,
        TaskState, Tasks, Update, Updates, attach, connect, connect_embedded, input, mins, password, secs,
    };
}
