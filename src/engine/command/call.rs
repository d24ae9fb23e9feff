//! `call`: any v1 call as JSON, typed or pasted.

use super::prelude::*;
use crate::engine::fill::{self, Filled, Meant};
use crate::engine::launch::{self, Follow};
use crate::engine::{names, task};
use crate::lang::JsonCall;
use crate::mesos::{Call, FrameworkInfo, Offer, TaskId};

command! {
    Verb {
        summary: "send a v1 call as JSON; pasting the JSON alone does the same",
        about: "What is missing or null and known is filled in: framework_id, agent_id, offer_ids, task_id. A field that \
                Mesos doesn't know, and would ignore in silence, is refused. A TaskInfo is launched.",
        positionals: &[Positional::rest("json", Kind::Json, "the call")],
        options: &[Opt::switch("force", "send it as it is: nothing is checked or filled in but the framework's id")],
        examples: &[
            Example::new(r#"call {"type": "REVIVE"}"#, "framework_id is filled in"),
            Example::new(r#"{"type": "KILL", "kill": {"task_id": {"value": "nap"}}}"#, "agent_id is filled in")
                .after(&["run --cmd 'sleep 60' --name nap"]),
        ],
        group: "raw",
        ..Verb::new("call")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(given) = args.spanned("json") else {
        return Err(args.wrong("json", "call wants JSON").help(r#"call {"type": "REVIVE"}"#).into());
    };
    let Some(value) = args.json("json") else {
        return Err(args.wrong("json", "call wants one JSON object").into());
    };
    let call = JsonCall { value, span: given.span.clone(), source: args.source().into() };
    if args.switch("force") {
        return forced(context, &call).await;
    }
    pasted(context, call).await
}

/// Runs a pasted call.
pub(in crate::engine) async fn pasted(context: &mut Context<'_>, call: JsonCall) -> Result<(), Failure> {
    let follow = Follow::usual(context);
    send(context, &call, &[], &follow, true).await
}

/// Sends it as it is; what would abort a master is refused all the same.
async fn forced(context: &mut Context<'_>, call: &JsonCall) -> Result<(), Failure> {
    let Value::Object(fields) = &call.value else {
        return Err(Diagnostic::new("a call is a JSON object").at(&*call.source, call.span.clone()).into());
    };
    let session = context.subscribed().await?;
    let raw = Call::Raw(fields.clone());
    let kind = raw.kind().to_owned();
    if !crate::session::Session::tasks_of(&raw).is_empty() {
        let follow = Follow::usual(context);
        return launch::launch(context, raw, &format!("{kind} as it was written"), &follow).await;
    }
    let answer = context.during(&format!("the master's answer to {kind}"), session.call(raw)).await??;
    context.show(answered(&kind, answer.status, &answer.text));
    Ok(())
}

/// Checks, fills in and sends a call or a task; `named` are offers to use.
pub(in crate::engine) async fn send(
    context: &mut Context<'_>,
    call: &JsonCall,
    named: &[String],
    follow: &Follow,
    may_subscribe: bool,
) -> Result<(), Failure> {
    let mut filled = Filled::new();
    let (is_task, object) = match fill::meant(call, &mut filled)? {
        Meant::Call(object) => (false, object),
        Meant::Task(task) => (
            true,
            serde_json::from_value(serde_json::json!({"type": "ACCEPT", "accept":
            {"operations": [{"type": "LAUNCH", "launch": {"task_infos": [task]}}]}}))
            .unwrap_or_default(),
        ),
    };
    fill::checked(call, is_task)?;
    if let Some(why) = crate::mesos::fatal_to_a_master(&call.value) {
        return Err(crate::session::CallError::Fatal(why).into());
    }
    match object.get("type").and_then(Value::as_str).unwrap_or_default() {
        "SUBSCRIBE" if may_subscribe => subscribe(context, &object).await,
        "ACCEPT" => accept(context, call, object, named, follow, filled).await,
        kind => {
            let kind = kind.to_owned();
            other(context, call, object, &kind, filled).await
        }
    }
}

async fn subscribe(context: &mut Context<'_>, object: &serde_json::Map<String, Value>) -> Result<(), Failure> {
    let info =
        object.get("subscribe").and_then(|subscribe| subscribe.get("framework_info")).cloned().unwrap_or_default();
    let info: FrameworkInfo = serde_json::from_value(info)
        .map_err(|error| Diagnostic::new("subscribe.framework_info can't be read").cause(&error))?;
    let limit = context.options().patience;
    super::subscribe::subscribe(context, info, limit).await
}

async fn accept(
    context: &mut Context<'_>,
    call: &JsonCall,
    mut object: serde_json::Map<String, Value>,
    named: &[String],
    follow: &Follow,
    mut filled: Filled,
) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    let mut ids = fill::named_offers(&object);
    ids.extend(named.iter().cloned());
    let offers = if ids.is_empty() { vec![fitting(context, &object, follow).await?] } else { in_hand(context, &ids)? };
    session.read(|state| -> Result<(), Diagnostic> {
        fill::call(&mut object, state, &mut filled)?;
        fill::accept(&mut object, &offers, &state.tasks, &mut filled)
    })?;
    fill::whole(call, &object)?;
    say(context, &filled);
    let call = Call::Raw(object);
    let words: Vec<String> = crate::session::Session::tasks_of(&call).iter().map(task::in_words).collect();
    let ids = names::listed(offers.iter().map(|offer| offer.id.as_str()));
    let what =
        if words.is_empty() { format!("ACCEPT {ids}") } else { format!("ACCEPT {ids}: launch {}", words.join(", ")) };
    launch::launch(context, call, &what, follow).await
}

/// The offers of these ids, whole or short.
fn in_hand(context: &Context<'_>, ids: &[String]) -> Result<Vec<Offer>, Diagnostic> {
    context.session().read(|state| {
        let one = |part: &String| {
            let known = state.offers.ids().map(|id| id.as_str());
            let id = names::whole(part, known).map_err(|why| {
                why.told(Diagnostic::new, "offer", part)
                    .detail("it was used, declined or rescinded, or its lease has ended; nothing was sent")
                    .help("leave offer_ids out, and an offer in hand is filled in")
            })?;
            super::accept::offer(state, &id.into())
        };
        let offers: Result<Vec<Option<Offer>>, Diagnostic> = ids.iter().map(one).collect();
        Ok(offers?.into_iter().flatten().collect())
    })
}

/// An offer that is large enough for the call's tasks, waiting for one if need be.
async fn fitting(
    context: &mut Context<'_>,
    object: &serde_json::Map<String, Value>,
    follow: &Follow,
) -> Result<Offer, Failure> {
    let session = context.session();
    let needs = fill::needs_of(object);
    let look = |state: &crate::state::State| {
        let offers = state.offers.in_order();
        let mut read = offers.iter().filter_map(|held| held.record.offer().ok());
        read.find(|offer| task::shortages(&needs, &offer.resources, None).is_empty())
    };
    if let Some(offer) = session.read(look) {
        return Ok(offer);
    }
    session.want_offers().await?;
    match context.wait_for("an offer that fits", follow.limit, look).await? {
        Some(offer) => Ok(offer),
        None => Err(Diagnostic::new(format!("no offer fits after {} s", follow.limit.as_secs()))
            .help("offers shows those in hand; agents what the cluster has")
            .into()),
    }
}

async fn other(
    context: &mut Context<'_>,
    call: &JsonCall,
    mut object: serde_json::Map<String, Value>,
    kind: &str,
    mut filled: Filled,
) -> Result<(), Failure> {
    let session = context.subscribed().await?;
    session.read(|state| fill::call(&mut object, state, &mut filled))?;
    fill::whole(call, &object)?;
    say(context, &filled);
    let killed =
        object.get("kill").and_then(|kill| kill.pointer("/task_id/value")).and_then(Value::as_str).map(TaskId::from);
    match kind {
        "KILL" => super::kill::confirmed(context, killed.as_slice()).await?,
        "TEARDOWN" => super::teardown::confirmed(context).await?,
        _ => {}
    }
    let before = killed.map(|task| super::kill::Before::of(context, task));
    let raw = Call::Raw(object);
    let answer = context.during(&format!("the master's answer to {kind}"), session.call(raw)).await??;
    context.show(answered(kind, answer.status, &answer.text));
    match before {
        Some(before) => {
            let limit = context.options().patience;
            super::kill::ended(context, &[before], limit).await
        }
        None => Ok(()),
    }
}

fn say(context: &mut Context<'_>, filled: &Filled) {
    if !filled.is_empty() {
        context.show(Document::text(format!("filled in: {}", filled.join(", "))));
    }
}

/// An answer; 202 says only that the call is queued.
fn answered(kind: &str, status: u16, text: &str) -> Document {
    let said = Document::text(format!("{kind} answered {status}"));
    match serde_json::from_str::<Value>(text) {
        Ok(value) => said.with(crate::document::Block::Json(value)),
        Err(_) if text.trim().is_empty() => said,
        Err(_) => said.with_text(text.to_owned()),
    }
}
