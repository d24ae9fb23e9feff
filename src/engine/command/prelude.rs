//! What nearly every command uses.

pub(super) use std::time::Duration;

pub(super) use serde_json::Value;

pub(super) use super::{Command, Running};
pub(super) use crate::client::Address;
pub(super) use crate::document::{Cell, Diagnostic, Document, Fields, Tone};
pub(super) use crate::engine::context::{Context, Failure};
pub(super) use crate::lang::{Args, Example, Kind, Opt, Positional, Verb};
