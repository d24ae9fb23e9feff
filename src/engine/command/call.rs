//! `call`: any v1 call as JSON.

use super::{Command, Running};
use crate::engine::context::{Context, Failure};
use crate::lang::{Args, JsonCall, Verb};

/// `call`
pub(super) const COMMAND: Command = Command { verb: Verb::new("call"), run };

fn run<'a>(_context: &'a mut Context<'_>, _args: Args) -> Running<'a> {
    Box::pin(async move { Ok(()) })
}

/// Runs a pasted call.
pub(in crate::engine) async fn pasted(_context: &mut Context<'_>, _call: JsonCall) -> Result<(), Failure> {
    Ok(())
}
