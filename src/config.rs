//! What the command line and the environment mean, checked once; each value remembers where it came from.
//!
//! Parses no arguments and starts nothing. A file of settings would be one more [`Origin`].

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::cli::{Cli, Format, When};
use crate::client::Address;
use crate::document::Diagnostic;
use crate::engine::Options;
use crate::mesos::FrameworkInfo;
use crate::render::{ColourFlag, colour_choice};

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// This variable.
    Environment(&'static str),
    /// The command line.
    Flag,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The master; none means an embedded one.
    pub master: Option<Setting<Address>>,
    /// How answers are written.
    pub output: Setting<Format>,
    /// Whether the standard output is coloured.
    pub colour: Setting<bool>,
    /// Whether the standard error is.
    pub colour_errors: bool,
    /// Whole ids and all columns.
    pub wide: Setting<bool>,
    /// The framework's name where nobody says one.
    pub name: Setting<String>,
    /// Who tasks run as.
    pub user: Setting<String>,
    /// Its role; none is `*`.
    pub role: Option<Setting<String>>,
    /// Where to log to.
    pub log: Option<PathBuf>,
}

impl Config {
    /// Reads what was typed and what the environment says.
    ///
    /// # Errors
    /// A diagnostic for bad usage.
    pub fn new(cli: &Cli, matches: &ArgMatches) -> Result<Self, Diagnostic> {
        let origin = |name: &str| origin(matches, name);
        let master = cli.master.as_deref().filter(|text| !text.trim().is_empty());
        let master = master.map(|text| self::master(text, origin("master"))).transpose()?;
        let flag = match cli.color {
            When::Auto => ColourFlag::Auto,
            When::Always => ColourFlag::Always,
            When::Never => ColourFlag::Never,
        };
        let env = |name: &str| std::env::var(name).ok();
        let colour = colour_choice(flag, env, std::io::stdout().is_terminal());
        Ok(Self {
            master,
            output: Setting { value: cli.output, origin: origin("output") },
            colour: Setting { value: colour, origin: origin("color") },
            colour_errors: colour_choice(flag, env, std::io::stderr().is_terminal()),
            wide: Setting { value: cli.wide, origin: origin("wide") },
            name: Setting { value: cli.name.clone(), origin: origin("name") },
            user: user(cli.user.as_deref()),
            role: cli.role.clone().map(|value| Setting { value, origin: Origin::Flag }),
            log: cli.log.clone(),
        })
    }

    /// How the engine shall behave; `hints` as suits a front that a person reads.
    pub fn options(&self, hints: bool) -> Options {
        let defaults = Options::default();
        let framework = FrameworkInfo {
            name: self.name.value.clone(),
            user: self.user.value.clone(),
            roles: self.role.iter().map(|role| role.value.clone()).collect(),
            ..defaults.framework.clone()
        };
        Options { framework, hints, ..defaults }
    }
}

fn master(text: &str, origin: Origin) -> Result<Setting<Address>, Diagnostic> {
    let whence = match origin {
        Origin::Environment(name) => name,
        _ => "--master",
    };
    match Address::parse(text) {
        Ok(value) => Ok(Setting { value, origin }),
        Err(error) => Err(Diagnostic::from_error(&error).detail(format!("said by {whence}"))),
    }
}

/// Who tasks run as: a Mesos agent starts them as that user of its own machine.
fn user(flag: Option<&str>) -> Setting<String> {
    if let Some(name) = flag {
        return Setting { value: name.to_owned(), origin: Origin::Flag };
    }
    let known = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    match (known, std::env::var("USER")) {
        (Some(user), _) => Setting { value: user.name, origin: Origin::Default },
        (None, Ok(value)) if !value.is_empty() => Setting { value, origin: Origin::Environment("USER") },
        // A user without a name, as containers have them: agents know root at least.
        _ => Setting { value: "root".to_owned(), origin: Origin::Default },
    }
}

fn origin(matches: &ArgMatches, name: &str) -> Origin {
    // A global option given behind a subcommand is known to both levels.
    let inner = matches.subcommand().and_then(|(_, inner)| source(inner, name));
    match inner.filter(|found| *found != ValueSource::DefaultValue).or_else(|| source(matches, name)) {
        Some(ValueSource::CommandLine) => Origin::Flag,
        Some(ValueSource::EnvVariable) => Origin::Environment("MESOS_MASTER"),
        _ => Origin::Default,
    }
}

fn source(matches: &ArgMatches, name: &str) -> Option<ValueSource> {
    matches.try_contains_id(name).ok().and_then(|_| matches.value_source(name))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::*;

    fn config(args: &[&str]) -> Result<Config, Diagnostic> {
        let words = std::iter::once("mesos-repl").chain(args.iter().copied());
        // The test's own environment must not decide.
        let matches = Cli::command().mut_arg("master", |arg| arg.env(None)).get_matches_from(words);
        Config::new(&Cli::from_arg_matches(&matches).unwrap(), &matches)
    }

    #[test]
    fn values_remember_where_they_came_from() {
        let plain = config(&[]).unwrap();
        assert!(plain.master.is_none());
        assert_eq!(plain.name, Setting { value: "mesos-repl".to_owned(), origin: Origin::Default });
        let told = config(&["--master", "m:5051", "--name", "x", "--user", "www", "--role", "web"]).unwrap();
        assert_eq!(told.master.as_ref().map(|master| master.origin), Some(Origin::Flag));
        assert_eq!(told.master.map(|master| master.value.to_string()).as_deref(), Some("http://m:5051"));
        let behind = config(&["demo", "--master", "m"]).unwrap();
        assert_eq!(behind.master.map(|master| master.origin), Some(Origin::Flag));
        assert_eq!((told.name.origin, told.user.value.as_str()), (Origin::Flag, "www"));
        assert_eq!(config(&["--role", "web"]).unwrap().options(true).framework.roles, ["web"]);
    }

    #[test]
    fn a_bad_master_is_told_without_its_secrets() {
        for bad in ["zk://a:2181/mesos", "http://me:hunter2@m:5050", "a b"] {
            let diagnostic = config(&["--master", bad]).unwrap_err();
            assert!(!format!("{diagnostic:?}").contains("hunter2"), "{diagnostic:?}");
            assert!(diagnostic.details.iter().any(|detail| detail.contains("--master")), "{diagnostic:?}");
        }
    }
}
