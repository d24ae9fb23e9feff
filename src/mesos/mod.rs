//! Apache Mesos's v1 messages: ids, resources, offers, tasks, agents, calls and events, and their JSON.
//!
//! Complete for what a scheduler sends and receives; unknown fields and enum values survive. No IO, no clock, no state.

pub mod executor;
pub mod master;
pub mod message;
pub mod protobuf;
pub mod schema;

mod agent;
mod call;
mod command;
mod common;
mod container;
mod event;
mod framework;
mod ids;
mod offer;
mod resource;
mod scheduler;
mod task;

pub use agent::*;
pub use call::*;
pub use command::*;
pub use common::*;
pub use container::*;
pub use event::*;
pub use framework::*;
pub use ids::*;
pub use message::{Base64, Json};
pub use offer::*;
pub use resource::*;
pub use scheduler::*;
pub use task::*;
