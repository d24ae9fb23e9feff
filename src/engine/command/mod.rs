//! The commands: one file and one row of [`ALL`] each. Help, completion, dispatch, docs/commands.md and the tests read
//! that table and nothing else knows a verb by name.

pub(super) mod call;
pub(super) mod subscribe;

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use super::context::{Context, Failure};
use crate::lang::{Args, Verb};

/// What a command does, under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// A verb and what it does.
pub struct Command {
    /// Its description.
    pub verb: Verb,
    /// What it does.
    pub(super) run: for<'a, 'c> fn(&'a mut Context<'c>, Args) -> Running<'a>,
}

/// Every command, in the order in which help lists them.
pub const ALL: &[&Command] = &[&subscribe::COMMAND, &call::COMMAND];

/// The command of this name or alias.
pub fn find(word: &str) -> Option<&'static Command> {
    ALL.iter().copied().find(|command| command.verb.is_called(word))
}

/// Every verb.
pub fn verbs() -> &'static [&'static Verb] {
    static VERBS: OnceLock<Vec<&'static Verb>> = OnceLock::new();
    VERBS.get_or_init(|| ALL.iter().map(|command| &command.verb).collect())
}
