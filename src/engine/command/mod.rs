//! The commands: one file and one row of [`ALL`] each. Help, completion, dispatch, docs/commands.md and the tests read
//! that table, and nothing else knows a verb by name.

/// A command's row: its description, and the `run` of its file.
macro_rules! command {
    ($verb:expr) => {
        /// The row of the table.
        pub(super) const COMMAND: Command = Command { verb: $verb, run: |context, args| Box::pin(run(context, args)) };
    };
}

pub(super) mod accept;
mod agents;
pub(super) mod call;
mod cat;
pub(super) mod connect;
mod decline;
mod detach;
mod events;
pub mod fault;
mod files;
mod frameworks;
mod get;
mod heartbeat;
mod help;
mod hold;
mod kill;
mod leader;
mod logs;
mod masters;
mod offers;
mod prelude;
mod profile;
mod quit;
mod reconcile;
mod reconnect;
mod revive;
mod run;
mod sessions;
mod set;
mod show;
mod state;
mod status;
pub(super) mod subscribe;
mod suppress;
mod task;
mod tasks;
mod teardown;
mod version;
mod wait;
mod watch;
mod zk;

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use super::context::{Context, Failure};
use crate::document::Diagnostic;
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

/// Every command, in the order in which help lists them: as the flow goes.
pub const ALL: &[&Command] = &[
    &connect::COMMAND,
    &profile::COMMAND,
    &subscribe::COMMAND,
    &status::COMMAND,
    &reconnect::COMMAND,
    &sessions::COMMAND,
    &heartbeat::COMMAND,
    &events::COMMAND,
    &suppress::COMMAND,
    &revive::COMMAND,
    &reconcile::COMMAND,
    &teardown::COMMAND,
    &detach::COMMAND,
    &offers::COMMAND,
    &accept::COMMAND,
    &run::COMMAND,
    &hold::COMMAND,
    &decline::COMMAND,
    &tasks::COMMAND,
    &task::COMMAND,
    &wait::COMMAND,
    &watch::COMMAND,
    &kill::COMMAND,
    &logs::COMMAND,
    &files::COMMAND,
    &cat::COMMAND,
    &leader::COMMAND,
    &masters::COMMAND,
    &zk::COMMAND,
    &version::COMMAND,
    &agents::COMMAND,
    &frameworks::COMMAND,
    &state::COMMAND,
    &fault::COMMAND,
    &get::COMMAND,
    &call::COMMAND,
    &show::COMMAND,
    &set::COMMAND,
    &help::COMMAND,
    &quit::COMMAND,
];

/// The command of this name or alias.
pub fn find(word: &str) -> Option<&'static Command> {
    ALL.iter().copied().find(|command| command.verb.is_called(word))
}

/// Every verb.
pub fn verbs() -> &'static [&'static Verb] {
    static VERBS: OnceLock<Vec<&'static Verb>> = OnceLock::new();
    VERBS.get_or_init(|| ALL.iter().map(|command| &command.verb).collect())
}

/// A role that the framework isn't in makes a master drop the whole call in silence.
fn own_roles(context: &Context<'_>, args: &Args) -> Result<(), Diagnostic> {
    let Some(info) = context.session().status().borrow().framework.clone() else { return Ok(()) };
    let own = match (info.roles.is_empty(), info.role) {
        (false, _) => info.roles,
        (true, role) => vec![role.unwrap_or_else(|| "*".to_owned())],
    };
    match args.all("role").find(|given| !own.contains(&given.value)) {
        Some(given) => Err(args
            .wrong_at(given.span.clone(), format!("the framework isn't in the role '{}'", given.value))
            .detail("the master would drop the whole call in silence")
            .help(format!("it is in {}", own.join(", ")))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole_and_every_name_is_one_commands() {
        let mut names: Vec<&str> = Vec::new();
        for verb in verbs() {
            assert!(!verb.summary.is_empty() && !verb.group.is_empty(), "{}", verb.name);
            assert!(!verb.examples.is_empty(), "{} has no example", verb.name);
            names.push(verb.name);
            names.extend(verb.aliases);
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn examples_are_understood() {
        for verb in verbs() {
            for example in verb.examples {
                for input in crate::lang::parse(example.text, verbs()).unwrap() {
                    if let crate::lang::Input::Command(invocation) = input {
                        let command = find(&invocation.verb.value).unwrap();
                        crate::lang::parse_args(&command.verb, &invocation).unwrap();
                    }
                }
            }
        }
    }
}
