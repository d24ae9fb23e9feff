//! What the command line, the environment and the file of settings mean, checked once; each value remembers where it
//! came from.
//!
//! Parses no arguments and starts nothing.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::cli::{Cli, Cluster, Format, When};
use crate::document::Diagnostic;
use crate::engine::{Memory, Options};
use crate::mesos::FrameworkInfo;
use crate::render::{ColourFlag, colour_choice};
use crate::settings::{Ask, File, Place, Profile, Said};
use crate::store::{Folder, Naming};

pub use crate::settings::{Origin, Setting};

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The masters, and how they are spoken to; none means an embedded one.
    pub place: Option<Place>,
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
    /// The session that was named.
    pub session: Option<String>,
    /// Where sessions are remembered.
    pub sessions: Option<Folder>,
    /// Where profiles are.
    pub file: Option<File>,
    /// Where to log to.
    pub log: Option<PathBuf>,
}

/// What a configuration is made from beside the command line.
pub struct Around<'a> {
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The file of settings, if a place for it is known.
    pub file: Option<File>,
    /// Where sessions are remembered, if a place for it is known.
    pub sessions: Option<Folder>,
    /// Asks for a secret.
    pub ask: Ask<'a>,
}

impl Config {
    /// Reads what was typed, what the environment says, and the profile that they name.
    ///
    /// # Errors
    /// A diagnostic for bad usage.
    pub fn new(cli: &Cli, matches: &ArgMatches, around: Around<'_>) -> Result<Self, Diagnostic> {
        let origin = |name: &str| origin(matches, name);
        let flag = match cli.color {
            When::Auto => ColourFlag::Auto,
            When::Always => ColourFlag::Always,
            When::Never => ColourFlag::Never,
        };
        let env = |name: &str| (around.env)(name);
        let colour = colour_choice(flag, env, std::io::stdout().is_terminal());
        let said = said(cli, around.env, around.file.as_ref(), around.sessions.as_ref())?;
        let embedded = said.pick(|profile| profile.master.clone()).is_some_and(|master| master.value == "embedded");
        let place = if embedded { None } else { said.place(around.ask)? };
        let name = said.pick(|profile| profile.name.clone());
        Ok(Self {
            place,
            output: Setting { value: cli.output, origin: origin("output") },
            colour: Setting { value: colour, origin: origin("color") },
            colour_errors: colour_choice(flag, env, std::io::stderr().is_terminal()),
            wide: Setting { value: cli.wide, origin: origin("wide") },
            name: name.unwrap_or_else(|| Setting { value: "mesos-repl".to_owned(), origin: Origin::Default }),
            user: said.pick(|profile| profile.user.clone()).unwrap_or_else(user),
            role: said.pick(|profile| profile.role.clone()),
            session: cli.session.clone(),
            sessions: around.sessions,
            file: around.file,
            log: cli.log.clone(),
        })
    }

    /// How the engine shall behave; `hints` as suits a front that a person reads, and `naming` as suits its sessions.
    pub fn options(&self, hints: bool, naming: Naming) -> Options {
        let named = self.session.clone().map(Naming::Named);
        let memory = self.sessions.clone().map(|folder| Memory {
            folder,
            naming: named.unwrap_or_else(|| naming.clone()),
            others: naming,
        });
        let defaults = Options::default();
        let framework = FrameworkInfo {
            name: self.name.value.clone(),
            user: self.user.value.clone(),
            roles: self.role.iter().map(|role| role.value.clone()).collect(),
            ..defaults.framework.clone()
        };
        Options { framework, hints, settings: self.file.clone(), memory, ..defaults }
    }
}

/// What everybody says, the command line first.
fn said(
    cli: &Cli,
    env: &dyn Fn(&str) -> Option<String>,
    file: Option<&File>,
    sessions: Option<&Folder>,
) -> Result<Said, Diagnostic> {
    let mut said = Said::default().then(Origin::Flag, typed(cli));
    // Whoever names a session means its cluster, whatever the environment says.
    if let (Some(name), Some(folder)) = (&cli.session, sessions) {
        said = said.then(Origin::Session(name.clone()), recorded(folder, name)?);
    }
    let said = said.then_environment(env);
    said.then_profile(cli.cluster.profile.clone().or_else(|| env("MESOS_PROFILE")).as_deref(), file)
}

/// What a session's record says of its cluster. A password isn't recorded: it has to be named again.
fn recorded(folder: &Folder, name: &str) -> Result<Profile, Diagnostic> {
    let listed = folder.look(name).map_err(|trouble| {
        Diagnostic::from_error(&trouble).help("letters, digits and . _ - : @ +, and no dot at the beginning")
    })?;
    let kept = listed.and_then(|listed| listed.kept.ok().flatten());
    let master = kept.map(|kept| kept.master).filter(|master| !master.is_empty() && !master.contains("***@"));
    Ok(Profile { master, ..Profile::default() })
}

fn typed(cli: &Cli) -> Profile {
    let Cluster { master, tls, ca_file, cert_file, key_file, principal, secret_file, .. } = cli.cluster.clone();
    let Cluster { credential_file, token_file, token_scheme, resolve, .. } = cli.cluster.clone();
    let flag = |set: bool| set.then_some(true);
    Profile {
        master: master.filter(|text| !text.trim().is_empty()),
        tls: flag(tls),
        ca_file,
        cert_file,
        key_file,
        principal,
        secret_file,
        credential_file,
        token_file,
        token_scheme,
        resolve,
        trust_redirects: flag(cli.cluster.trust_redirects),
        trust_agents: flag(cli.cluster.trust_agents),
        plain_credentials: flag(cli.cluster.plain_credentials),
        name: cli.name.clone(),
        user: cli.user.clone(),
        role: cli.role.clone(),
    }
}

/// Who tasks run as: a Mesos agent starts them as that user of its own machine.
fn user() -> Setting<String> {
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

    fn config_with(args: &[&str], env: &[(&str, &str)], file: Option<File>) -> Result<Config, Diagnostic> {
        let words = std::iter::once("mesos-repl").chain(args.iter().copied());
        let matches = Cli::command().get_matches_from(words);
        let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let around = Around { env: &env, file, sessions: None, ask: &mut |_| None };
        Config::new(&Cli::from_arg_matches(&matches).unwrap(), &matches, around)
    }

    fn config(args: &[&str]) -> Result<Config, Diagnostic> {
        config_with(args, &[], None)
    }

    fn master(config: &Config) -> Option<(String, Origin)> {
        config.place.as_ref().map(|place| (place.masters.value.to_string(), place.masters.origin.clone()))
    }

    #[test]
    fn values_remember_where_they_came_from() {
        let plain = config(&[]).unwrap();
        assert!(plain.place.is_none());
        assert_eq!(plain.name, Setting { value: "mesos-repl".to_owned(), origin: Origin::Default });
        let told = config(&["--master", "m:5051", "--name", "x", "--user", "www", "--role", "web"]).unwrap();
        assert_eq!(master(&told), Some(("http://m:5051".to_owned(), Origin::Flag)));
        assert_eq!(
            master(&config(&["demo", "--master", "m"]).unwrap()),
            Some(("http://m:5050".to_owned(), Origin::Flag))
        );
        assert_eq!((told.name.origin, told.user.value.as_str()), (Origin::Flag, "www"));
        assert_eq!(config(&["--role", "web"]).unwrap().options(true, Naming::ByMaster).framework.roles, ["web"]);
        let env = [("MESOS_MASTER", "e:5050")];
        let from_env = config_with(&[], &env, None).unwrap();
        assert_eq!(master(&from_env), Some(("http://e:5050".to_owned(), Origin::Environment("MESOS_MASTER"))));
        assert!(config_with(&["--master", "embedded"], &env, None).unwrap().place.is_none());
        assert!(config_with(&[], &[("MESOS_MASTER", "")], None).unwrap().place.is_none());
    }

    #[test]
    fn a_bad_master_is_told_without_its_secrets() {
        for bad in ["zk://u:hunter2@a:x/mesos", "http://me:hunter2@m:5050", "a b"] {
            let diagnostic = config(&["--master", bad]).unwrap_err();
            assert!(!format!("{diagnostic:?}").contains("hunter2"), "{diagnostic:?}");
            assert!(diagnostic.details.iter().any(|detail| detail.contains("command line")), "{diagnostic:?}");
        }
    }

    #[test]
    fn a_profile_is_used_where_it_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::at(folder.path().join("config.toml"));
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "hunter2\n").unwrap();
        let profile = Profile {
            master: Some("https://prod:5050".to_owned()),
            principal: Some("alice".to_owned()),
            secret_file: Some("secret".into()),
            role: Some("web".to_owned()),
            ..Profile::default()
        };
        file.add("prod", &profile).unwrap();
        let with = |args: &[&str], env: &[(&str, &str)]| config_with(args, env, Some(file.clone()));
        let who = |config: &Config| {
            let credentials = config.place.as_ref().and_then(|place| place.access.credentials.clone());
            credentials.and_then(|credentials| credentials.principal().map(str::to_owned))
        };
        // Not the default yet.
        assert!(with(&[], &[]).unwrap().place.is_none());
        let named = with(&["--profile", "prod"], &[]).unwrap();
        assert_eq!(master(&named), Some(("https://prod:5050".to_owned(), Origin::Profile("prod".to_owned()))));
        assert_eq!(who(&named).as_deref(), Some("alice"));
        assert_eq!(named.role.as_ref().map(|role| role.origin.clone()), Some(Origin::Profile("prod".to_owned())));
        assert!(!format!("{named:?}").contains("hunter2"));
        assert_eq!(who(&with(&[], &[("MESOS_PROFILE", "prod")]).unwrap()).as_deref(), Some("alice"));
        file.set_default(Some("prod")).unwrap();
        assert_eq!(who(&with(&[], &[]).unwrap()).as_deref(), Some("alice"));
        // The default's credentials are for the default's cluster.
        let other = with(&["--master", "https://other"], &[]).unwrap();
        assert_eq!((master(&other).map(|(text, _)| text).as_deref(), who(&other)), (Some("https://other:5050"), None));
        assert_eq!(who(&with(&[], &[("MESOS_MASTER", "https://other")]).unwrap()), None);
        // Said together, it is meant.
        let both = with(&["--master", "https://other", "--profile", "prod"], &[]).unwrap();
        assert_eq!(
            (master(&both).map(|(text, _)| text).as_deref(), who(&both).as_deref()),
            (Some("https://other:5050"), Some("alice"))
        );
        assert!(with(&["--profile", "none"], &[]).unwrap().place.is_none());
        assert!(with(&["--profile", "prd"], &[]).unwrap_err().help.iter().any(|help| help.contains("prod")));
    }
}
