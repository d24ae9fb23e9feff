//! `profile`: settings of clusters under names, in the person's own file.

use std::path::PathBuf;

use super::connect;
use super::prelude::*;
use crate::document::{Column, Table};
use crate::engine::Target;
use crate::settings::{self, File, Origin, Profile, Said, Scheme, entries, without_password};

const OPTIONS: &[Opt] = &[
    Opt::value("master", "ADDRESS", Kind::Url, "add: where the masters are; the present ones otherwise"),
    Opt::switch("tls", "add: addresses without a scheme, and masters that ZooKeeper knows, speak TLS"),
    Opt::value("ca-file", "FILE", Kind::File, "add: trust these authorities instead of the system's"),
    Opt::value("cert-file", "FILE", Kind::File, "add: our own certificate"),
    Opt::value("key-file", "FILE", Kind::File, "add: its key"),
    Opt::value("principal", "NAME", Kind::Text, "add: who we are"),
    Opt::value("secret-file", "FILE", Kind::File, "add: the file with the principal's secret"),
    Opt::value("credential-file", "FILE", Kind::File, "add: principal and secret, as Mesos's --credential has it"),
    Opt::value("token-file", "FILE", Kind::File, "add: the file with a token"),
    Opt::value("token-scheme", "SCHEME", Kind::Choice(&["bearer", "dcos"]), "add: how the token is announced"),
    Opt::value("resolve", "NAME=IP", Kind::KeyValue, "add: where a name leads").repeated(),
    Opt::switch("trust-redirects", "add: whom a named master redirects to is told who we are"),
    Opt::switch("trust-agents", "add: agents are told who we are"),
    Opt::switch("plain-credentials", "add: tell who we are without TLS, too"),
    Opt::value("user", "USER", Kind::Text, "add: who tasks run as"),
    Opt::value("role", "ROLE", Kind::Role, "add: the framework's role"),
    Opt::switch("replace", "add: in the place of a profile of that name"),
];

command! {
    Verb {
        summary: "settings of clusters under names: addresses, TLS, who we are",
        about: "Without more it shows the settings in force and where each was said. 'use' turns to a cluster and makes it the \
                default of later starts; 'use none' ends that. --profile NAME at the start uses one for once. The file is \
                mesos-repl/config.toml in the XDG configuration folder. It names files of secrets; a secret itself isn't \
                typed anywhere.",
        positionals: &[
            Positional::optional("what", Kind::Choice(&["show", "list", "add", "use", "remove"]), "show, list, add, use or remove"),
            Positional::optional("name", Kind::Profile, "the profile"),
        ],
        options: OPTIONS,
        examples: &[
            Example::new("profile", "the settings in force, and where each was said"),
            Example::new("profile add lab --master zk://10.0.0.1:2181,10.0.0.2:2181/mesos", "a cluster under a name"),
            Example::new("profile add prod --master https://a:5050,b:5050 --principal me",
                "with TLS, and who we are; the secret is asked for, or --secret-file names it"),
            Example::new("profile list", "all of them").after(&["profile add lab --master 10.0.0.1:5050"]),
            Example::new("profile show lab", "what one says").after(&["profile add lab --master 10.0.0.1:5050"]),
            Example::new("profile remove lab", "forget one").after(&["profile add lab --master 10.0.0.1:5050"]),
            Example::new("profile use none", "no default any more"),
        ],
        group: "session",
        ..Verb::new("profile")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let what = args.text("what").unwrap_or("show").to_owned();
    let added = |option: &&Opt| option.long != "replace" && args.has(option.long);
    if what != "add"
        && let Some(option) = OPTIONS.iter().find(added)
    {
        return Err(args.wrong(option.long, "only profile add takes that").into());
    }
    match (what.as_str(), args.text("name")) {
        ("show", None) => {
            in_force(context);
            Ok(())
        }
        ("list", None) => list(context, &args),
        ("list", Some(_)) => Err(args.wrong("name", "profile list takes no name").help("profile show NAME").into()),
        (_, None) => Err(args.wrong("what", format!("which profile? profile {what} NAME")).into()),
        ("show", Some(name)) => show(context, &args, name),
        ("add", Some(name)) => add(context, &args, name),
        ("remove", Some(name)) => {
            if !file(context, &args)?.remove(name)? {
                return Err(args.wrong("name", format!("there is no profile '{name}'")).help("profile list").into());
            }
            context.show(Document::text(format!("profile {name} is forgotten; files that it named are still there")));
            Ok(())
        }
        (_, Some(name)) => turn(context, &args, name).await,
    }
}

fn file(context: &Context<'_>, args: &Args) -> Result<File, Diagnostic> {
    let file = context.options().settings.clone();
    file.ok_or_else(|| args.wrong_at(args.verb().span.clone(), "there is no place for a file of settings here"))
}

fn in_force(context: &mut Context<'_>) {
    let target = context.target();
    let columns = [Column::new("Setting"), Column::new("Value"), Column::new("Said by").key("origin")];
    let mut table = Table::new(columns, "").named("settings");
    if target.said.is_empty() {
        let origin = if target.embedded { Origin::Default.to_string() } else { "connect".to_owned() };
        table.push([Cell::text("master"), Cell::text(target.masters.to_string()), Cell::text(origin)]);
    }
    for said in &target.said {
        table.push([Cell::text(said.name), Cell::text(said.value.clone()), Cell::text(said.origin.to_string())]);
    }
    let who = match &target.access.credentials {
        Some(credentials) => format!("we are {credentials}"),
        None => "nobody is told who we are".to_owned(),
    };
    context.show(Document::from(table).with_text(who).with_next(["profile list", "profile add NAME"]));
}

fn list(context: &mut Context<'_>, args: &Args) -> Result<(), Failure> {
    let file = file(context, args)?;
    let default = file.default_profile()?;
    let columns =
        [Column::new("Profile"), Column::new("Master"), Column::new("Who we are").key("who"), Column::new("Default")];
    let empty = format!("no profiles in {}", file.path().display());
    let mut table = Table::new(columns, empty).named("profiles");
    for (name, profile) in file.profiles()? {
        let who = match (&profile.principal, &profile.credential_file, &profile.token_file) {
            (Some(principal), _, _) => principal.clone(),
            (None, Some(file), _) => format!("in {}", file.display()),
            (None, None, Some(_)) => "a token".to_owned(),
            (None, None, None) => String::new(),
        };
        let master = profile.master.as_deref().map(without_password).unwrap_or_default();
        let is_default = if default.as_ref() == Some(&name) { "default" } else { "" };
        table.push([Cell::text(name), Cell::text(master), Cell::text(who), Cell::text(is_default)]);
    }
    context.show(Document::from(table).with_next(["profile use NAME", "profile add NAME"]));
    Ok(())
}

fn show(context: &mut Context<'_>, args: &Args, name: &str) -> Result<(), Failure> {
    let file = file(context, args)?;
    let profile = file.profile(name)?;
    let mut fields = Fields::new().named("profile");
    for (name, value) in entries(&profile) {
        fields = fields.keyed(name, name, value);
    }
    context.show(Document::from(fields).with_text(format!("in {}", file.path().display())));
    Ok(())
}

fn add(context: &mut Context<'_>, args: &Args, name: &str) -> Result<(), Failure> {
    if !settings::is_name(name) {
        let what = format!("'{name}' can't be a profile's name");
        return Err(args.wrong("name", what).help("letters, digits, and . _ - in between").into());
    }
    let file = file(context, args)?;
    if file.profiles()?.contains_key(name) && !args.switch("replace") {
        return Err(args.wrong("name", format!("there is a profile '{name}' already")).help("--replace").into());
    }
    let profile = wanted(context, args)?;
    // It must come to something now, not when it is needed; secrets that will be asked for aside.
    let said = Said::default().then(Origin::Profile(name.to_owned()), profile.clone());
    let mut ask = |_: &str| Some(crate::secret::Secret::new("later"));
    let place = said.place(&mut ask)?;
    file.add(name, &profile)?;
    let mut told = Document::text(format!("profile {name} is in {}", file.path().display()));
    for warning in place.iter().flat_map(|place| &place.warnings) {
        told = told.with_text(crate::document::Piece::new(format!("warning: {warning}"), Tone::Unsure));
    }
    context.show(told.with_next([format!("profile use {name}"), "profile list".to_owned()]));
    Ok(())
}

fn wanted(context: &Context<'_>, args: &Args) -> Result<Profile, Diagnostic> {
    let text = |name: &str| args.text(name).map(str::to_owned);
    let switch = |name: &str| args.switch(name).then_some(true);
    let path = |name: &str| args.text(name).map(absolute).transpose().map_err(|what| args.wrong(name, what));
    let target = context.target();
    let master = match text("master") {
        Some(master) if master.contains('@') => {
            return Err(args
                .wrong("master", "a password has no place in a command, where a history would keep it")
                .help("--master file://PATH of a file that holds the address"));
        }
        Some(master) => master,
        None if target.embedded => {
            return Err(args
                .wrong("name", "which cluster? the embedded one ends with this process")
                .help("--master HOST:PORT"));
        }
        None => target.masters.to_string(),
    };
    if master.contains("***") {
        return Err(args
            .wrong("name", "the present address has a password in it, which a profile doesn't keep")
            .help("--master file://PATH of a file that holds the address"));
    }
    Ok(Profile {
        master: Some(master),
        tls: switch("tls"),
        ca_file: path("ca-file")?,
        cert_file: path("cert-file")?,
        key_file: path("key-file")?,
        principal: text("principal"),
        secret_file: path("secret-file")?,
        credential_file: path("credential-file")?,
        token_file: path("token-file")?,
        token_scheme: text("token-scheme").map(|scheme| if scheme == "dcos" { Scheme::Dcos } else { Scheme::Bearer }),
        resolve: args.all("resolve").map(|pair| pair.value.clone()).collect(),
        trust_redirects: switch("trust-redirects"),
        trust_agents: switch("trust-agents"),
        plain_credentials: switch("plain-credentials"),
        name: None,
        user: text("user"),
        role: text("role"),
    })
}

/// As a shell has it: `~` is the home, and what isn't absolute counts from the current folder, now.
fn absolute(path: &str) -> Result<PathBuf, String> {
    let path = match path.strip_prefix("~/") {
        Some(rest) => {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
            PathBuf::from(home.ok_or("there is no home for ~")?).join(rest)
        }
        None => PathBuf::from(path),
    };
    std::path::absolute(path).map_err(|error| error.to_string())
}

async fn turn(context: &mut Context<'_>, args: &Args, name: &str) -> Result<(), Failure> {
    let file = file(context, args)?;
    if name == "none" {
        file.set_default(None)?;
        context.show(Document::text("no profile is the default any more; this session stays where it is"));
        return Ok(());
    }
    let said = Said::default().then(Origin::Profile(name.to_owned()), file.profile(name)?);
    let said = said.with_secrets(&|name| std::env::var(name).ok());
    let nobody = &mut |_: &str| None;
    let Some(place) = said.place(nobody)? else {
        return Err(args.wrong("name", format!("the profile '{name}' names no master")).into());
    };
    connect::turn(context, Target::from(place)).await?;
    file.set_default(Some(name))?;
    context.show(Document::text(format!("profile {name} is the default from now on (profile use none ends that)")));
    Ok(())
}
