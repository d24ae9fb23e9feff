//! `run`: launches a task on an offer that fits, waiting for one if need be.

use super::prelude::*;
use crate::engine::fit::{self, Never};
use crate::engine::launch::Follow;
use crate::engine::task::{self, Shortage, Wish};
use crate::mesos::{Offer, TaskInfo};

command! {
    Verb {
        summary: "launch a task on the first offer that fits",
        about: "Waits for an offer that is large enough; if no agent of the cluster is, it says what is short. The \
                command ends when the task runs, or has ended; it fails if the task does.",
        options: task::OPTIONS,
        examples: &[
            Example::new("run --docker nginx:alpine --cpus 0.2 --mem 100 --name web", "a container"),
            Example::new("run --cmd 'echo hello; sleep 60' --name nap", "a shell command"),
            Example::new("run --cmd 'exit 0' --until finished", "waits for the end"),
            Example::new("run --docker nginx:alpine --port any:80", "with port 80 of the container mapped to any that is offered"),
            Example::new(
                r#"run --json '{"command": {"value": "sleep 60"}, "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}]}'"#,
                "a TaskInfo as JSON; ids are filled in",
            ),
        ],
        group: "offers",
        ..Verb::new("run")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    if args.has("json") {
        return from_json(context, &args).await;
    }
    let wish = task::wish(&args).map_err(Failure::usage)?;
    let session = context.subscribed().await?;
    let id = session.read(|state| wish.id(&state.tasks));
    super::accept::fresh(context, &args, id.as_str())?;
    let (offer, info) = fitting(context, &args, &wish, &id).await?;
    super::accept::send(context, &args, &[offer], info).await
}

/// `--json`: a task, or a whole call.
pub(super) async fn from_json(context: &mut Context<'_>, args: &Args) -> Result<(), Failure> {
    let given = args.one("json");
    let text = if given.trim_start().starts_with(['{', '[']) { given.to_owned() } else { read(args, given).await? };
    let value: Value =
        serde_json::from_str(&text).map_err(|error| args.wrong("json", "that is no JSON").detail(error.to_string()))?;
    let call = crate::lang::JsonCall { value, span: 0..text.len(), source: text.into() };
    let offers: Vec<String> = {
        let session = context.session();
        let named = session.read(|state| {
            args.all("offer")
                .map(|given| crate::engine::names::offer(state, args, given))
                .collect::<Result<Vec<_>, _>>()
        })?;
        named.into_iter().map(|id| id.as_str().to_owned()).collect()
    };
    let follow = Follow::of(context, args);
    super::call::send(context, &call, &offers, &follow, false).await
}

async fn read(args: &Args, file: &str) -> Result<String, Failure> {
    use std::io::IsTerminal as _;
    if file == "-" {
        if std::io::stdin().is_terminal() {
            return Err(args
                .wrong("json", "standard input is this terminal")
                .help("write the JSON behind --json, or name a file")
                .into());
        }
        let read = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await;
        return match read {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(error)) => Err(args.wrong("json", "standard input can't be read").cause(&error).into()),
            Err(error) => Err(args.wrong("json", "standard input can't be read").cause(&error).into()),
        };
    }
    let read = tokio::fs::read_to_string(file).await;
    read.map_err(|error| args.wrong("json", format!("'{file}' can't be read")).cause(&error).into())
}

/// An offer that fits, and the task on it.
async fn fitting(
    context: &mut Context<'_>,
    args: &Args,
    wish: &Wish,
    id: &crate::mesos::TaskId,
) -> Result<(Offer, TaskInfo), Failure> {
    let session = context.session();
    let limit = args.duration("timeout").unwrap_or(context.options().patience);
    let look = |state: &crate::state::State| {
        let offers = state.offers.in_order();
        let mut read = offers.iter().filter_map(|held| held.record.offer().ok());
        read.find_map(|offer| wish.on(std::slice::from_ref(&offer), id.clone()).ok().map(|info| (offer, info)))
    };
    if let Some(found) = session.read(look) {
        return Ok(found);
    }
    never(context, args, wish).await?;
    session.want_offers().await?;
    match context.wait_for("an offer that fits", limit, look).await? {
        Some(found) => Ok(found),
        None => {
            let short = session.read(|state| shortages(state, wish));
            Err(too_small(args, &short).help("offers shows those in hand; agents what the cluster has").into())
        }
    }
}

fn shortages(state: &crate::state::State, wish: &Wish) -> Vec<(Vec<Offer>, Vec<Shortage>)> {
    let offers = state.offers.in_order();
    let read = offers.iter().filter_map(|held| held.record.offer().ok());
    read.map(|offer| {
        let short = task::shortages(&wish.needs, &offer.resources, wish.role.as_deref());
        (vec![offer], short)
    })
    .collect()
}

/// What each offer is short of.
pub(super) fn too_small(args: &Args, short: &[(Vec<Offer>, Vec<Shortage>)]) -> Diagnostic {
    let first = short.iter().flat_map(|(_, short)| short).next();
    let (option, wanted) = match first {
        Some(short) if short.name == "ports" => ("port", short.wanted.clone()),
        Some(short) => (short.name.as_str(), format!("{} {}", short.wanted, short.name)),
        None => ("", "no offer came".to_owned()),
    };
    let what = if short.is_empty() { wanted } else { format!("no offer fits: {wanted} wanted") };
    let mut diagnostic = if args.has(option) { args.wrong(option, what) } else { Diagnostic::new(what) };
    for (offers, short) in short.iter().take(10) {
        let ids = crate::engine::names::listed(offers.iter().map(|offer| offer.id.as_str()));
        let host = offers.first().map(|offer| offer.hostname.as_str()).unwrap_or_default();
        let each: Vec<String> = short.iter().map(told).collect();
        diagnostic = diagnostic.detail(format!("{ids} {host}: {}", each.join(", ")));
    }
    diagnostic
}

fn told(short: &Shortage) -> String {
    match (short.wanted.parse::<f64>(), short.has.parse::<f64>()) {
        (Ok(wanted), Ok(has)) => {
            let missing = ((wanted - has) * 1000.0).round() / 1000.0;
            format!("has {} {} (short of {missing})", short.has, short.name)
        }
        _ => format!("{} isn't in {}", short.wanted, short.has),
    }
}

/// Says at once if no agent of the cluster could ever offer that much.
async fn never(context: &mut Context<'_>, args: &Args, wish: &Wish) -> Result<(), Failure> {
    let answer = context.get_json("/slaves").await?;
    let agents = fit::agents(&answer);
    if agents.is_empty() {
        return Err(Diagnostic::new("the cluster has no agents: no offer will come")
            .help("connect HOST:PORT turns to another")
            .into());
    }
    let Some(never) = fit::never(&wish.needs, &agents) else { return Ok(()) };
    let session = context.session();
    let short = session.read(|state| shortages(state, wish));
    let diagnostic = match &never {
        _ if !short.is_empty() => too_small(args, &short),
        Never::Amount { name, wanted, .. } => args.wrong(name, format!("no offer will fit: {wanted} {name} wanted")),
        Never::Port(wanted) => args.wrong("port", format!("no offer will fit: {wanted} wanted")),
        Never::Together => Diagnostic::new("no offer will fit: no agent has all of it at once"),
    };
    Err(match never {
        Never::Amount { name, largest, host, .. } => diagnostic.detail(format!(
            "the largest agent of the cluster, {host}, has {largest} {name}: no later offer can fit either"
        )),
        Never::Port(_) => diagnostic
            .detail(format!("the cluster's agents have {}: no later offer can fit either", fit::ports(&agents)))
            .help("--port any takes one that is offered"),
        Never::Together => diagnostic.detail("no agent of the cluster is large enough: agents shows them"),
    }
    .into())
}
