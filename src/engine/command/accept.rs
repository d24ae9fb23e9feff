//! `accept`: launches a task on offers that one names.

use super::prelude::*;
use crate::engine::launch::{self, Follow};
use crate::engine::{names, task};
use crate::mesos::{Accept, Call, Filters, Launch, Offer, Operation, OperationType};

command! {
    Verb {
        summary: "launch a task on offers, and see what becomes of it",
        about: "What the task leaves of the offers goes back to the master. Several offers must be of one agent. The \
                command ends when the task runs, or has ended; it fails if the task does.",
        positionals: &[Positional::many("offer", Kind::OfferId, "the offers to use, as offers lists them")],
        options: task::OPTIONS,
        examples: &[
            Example::new("accept O0 --docker nginx:alpine --cpus 0.2 --mem 100", "a container on that offer")
                .after(&["offers"]),
            Example::new("accept O0 --cmd 'sleep 60' --name nap", "a shell command").after(&["offers"]),
        ],
        group: "offers",
        ..Verb::new("accept")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    if args.has("json") {
        return super::run::from_json(context, &args).await;
    }
    let wish = task::wish(&args).map_err(Failure::usage)?;
    let session = context.subscribed().await?;
    let (offers, id) = session.read(|state| -> Result<_, Diagnostic> {
        let mut offers = Vec::new();
        for given in args.all("offer") {
            let id = names::offer(state, &args, given)?;
            offers.extend(offer(state, &id)?);
        }
        Ok((offers, wish.id(&state.tasks)))
    })?;
    one_agent(&args, &offers)?;
    fresh(context, &args, id.as_str())?;
    match wish.on(&offers, id) {
        Ok(info) => send(context, &args, &offers, info).await,
        Err(short) => Err(super::run::too_small(&args, &[(offers, short)]).into()),
    }
}

/// An offer in hand, read.
pub(super) fn offer(state: &crate::state::State, id: &crate::mesos::OfferId) -> Result<Option<Offer>, Diagnostic> {
    let Some(held) = state.offers.get(id.as_str()) else { return Ok(None) };
    let read = held.record.offer().map(Some);
    read.map_err(|error| Diagnostic::new(format!("offer {id} can't be read")).cause(&error))
}

pub(super) fn one_agent(args: &Args, offers: &[Offer]) -> Result<(), Diagnostic> {
    let Some((first, others)) = offers.split_first() else { return Ok(()) };
    match others.iter().find(|other| other.agent_id != first.agent_id) {
        Some(other) => Err(args.wrong("offer", "a task uses offers of one agent").detail(format!(
            "{} is of {}, {} of {}",
            crate::view::short(first.id.as_str()),
            first.hostname,
            crate::view::short(other.id.as_str()),
            other.hostname
        ))),
        None => Ok(()),
    }
}

/// An id that was used before would be refused, or worse (MESOS-9657).
pub(super) fn fresh(context: &Context<'_>, args: &Args, id: &str) -> Result<(), Diagnostic> {
    if !args.has("id") || context.session().read(|state| state.tasks.get(id).is_none()) {
        return Ok(());
    }
    Err(args
        .wrong("id", format!("there is a task '{id}' already"))
        .help("an id is never used twice; --name gives a free one"))
}

/// Sends the ACCEPT and follows the task.
pub(super) async fn send(
    context: &mut Context<'_>,
    args: &Args,
    offers: &[Offer],
    info: crate::mesos::TaskInfo,
) -> Result<(), Failure> {
    let host = offers.first().map(|offer| offer.hostname.clone()).unwrap_or_default();
    let ids = names::listed(offers.iter().map(|offer| offer.id.as_str()));
    let what = format!("ACCEPT {ids}: launch {} on {host}", task::in_words(&info));
    let launch = Launch { task_infos: vec![info], ..Launch::default() };
    let operation = Operation { r#type: Some(OperationType::Launch), launch: Some(launch), ..Operation::default() };
    let refuse_seconds = args.duration("refuse").map(|time| time.as_secs_f64());
    let accept = Accept {
        offer_ids: offers.iter().map(|offer| offer.id.clone()).collect(),
        operations: vec![operation],
        filters: refuse_seconds.map(|_| Filters { refuse_seconds, ..Filters::default() }),
        ..Accept::default()
    };
    let follow = Follow::of(context, args);
    launch::launch(context, Call::Accept(Box::new(accept)), &what, &follow).await
}
