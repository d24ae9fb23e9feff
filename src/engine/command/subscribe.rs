//! `subscribe`.

use super::{Command, Running};
use crate::engine::context::{Context, Failure};
use crate::lang::{Args, Verb};

/// `subscribe`
pub(super) const COMMAND: Command = Command { verb: Verb::new("subscribe"), run };

fn run<'a>(context: &'a mut Context<'_>, _args: Args) -> Running<'a> {
    Box::pin(default(context))
}

/// Subscribes as the default framework.
pub(in crate::engine) fn default<'a>(_context: &'a mut Context<'_>) -> Running<'a> {
    Box::pin(async move { Ok(()) })
}
