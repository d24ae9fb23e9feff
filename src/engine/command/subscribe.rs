//! `subscribe`: registers a framework, or takes one up again.

use super::prelude::*;
use crate::document::Piece;
use crate::engine::names::{self, NoId};
use crate::mesos::{FrameworkCapability, FrameworkCapabilityType, FrameworkId, FrameworkInfo, Label, Labels};
use crate::session::{Phase, Session};

command! {
    Verb {
        summary: "register as a framework, or take one up again",
        about: "Commands that need a subscription subscribe by themselves, as mesos-repl. The framework asks to be told of \
                unreachable agents and of tasks being killed (PARTITION_AWARE, TASK_KILLING_STATE). If the connection is \
                lost, the master keeps the framework for the failover timeout, and the session subscribes again.",
        options: &[
            Opt::value("name", "NAME", Kind::Text, "what the framework is called").short('n'),
            Opt::value("user", "USER", Kind::Text, "as whom tasks run on the agents unless they say otherwise").short('u'),
            Opt::value("role", "ROLE", Kind::Role, "whose resources are offered (*)").repeated(),
            Opt::value("id", "ID", Kind::FrameworkId, "take this framework up again"),
            Opt::switch("new", "register a new framework beside the one that there is"),
            Opt::value("failover-timeout", "TIME", Kind::Duration, "how long the master waits for us to come back (1h)"),
            Opt::switch("checkpoint", "let tasks outlive a restart of their agent"),
            Opt::value("principal", "NAME", Kind::Text, "who is asking"),
            Opt::value("hostname", "NAME", Kind::Text, "the host that the framework names as its own"),
            Opt::value("webui-url", "URL", Kind::Url, "a link for the master's web UI"),
            Opt::value("capability", "NAME", Kind::Text, "one more capability, such as gpu_resources").repeated(),
            Opt::value("label", "NAME=VALUE", Kind::KeyValue, "a label").short('l').repeated(),
            Opt::value("timeout", "TIME", Kind::Duration, "wait no longer (2m)").short('t'),
        ],
        examples: &[
            Example::new("subscribe", "as mesos-repl, in the role *"),
            Example::new("subscribe --name \"Example HTTP Framework\" --failover-timeout 10m", "with a name of one's own"),
            Example::new("subscribe --role dev --role test", "with offers of two roles"),
        ],
        group: "session",
        ..Verb::new("subscribe")
    }
}

/// Options that say what the framework is.
const SAYS: &[&str] = &[
    "name",
    "user",
    "role",
    "id",
    "failover-timeout",
    "checkpoint",
    "principal",
    "hostname",
    "webui-url",
    "capability",
    "label",
];

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let known = match args.text("id") {
        Some(part) => known(context, &args, part).await?,
        None => None,
    };
    let info = info(context, &args, known.as_ref())?;
    let own = session.read(|state| state.framework_id.clone());
    let is_subscribed = session.status().borrow().is_subscribed();
    let is_plain = !SAYS.iter().any(|name| args.has(name)) && !args.switch("new");
    if is_subscribed && is_plain {
        let document =
            Document::text("subscribed already; subscribe --new registers another framework").and(card(&session));
        context.show(document);
        return Ok(());
    }
    let id = match args.text("id") {
        Some(part) => Some(FrameworkId::from(known.as_ref().and_then(|known| text(known, "id")).unwrap_or(part))),
        None if args.switch("new") || is_gone(&session) => None,
        None => own.clone(),
    };
    let limit = args.duration("timeout").unwrap_or(context.options().patience);
    subscribe(context, FrameworkInfo { id, ..info }, limit).await?;
    let expected = known.as_ref().and_then(|known| known.get("tasks")).and_then(Value::as_array).map_or(0, Vec::len);
    let all = |state: &crate::state::State| (state.tasks.len() >= expected).then_some(());
    context.wait_for("its tasks", RECONCILED, all).await?;
    Ok(())
}

/// How long the master may take to tell of the tasks of a framework that is taken up.
const RECONCILED: Duration = Duration::from_secs(3);

/// The framework that an id, or the short of one, means, as the master knows it. A master that has changed since may
/// know nothing of a whole id; a short one that nobody knows would only register a new framework of that name.
async fn known(context: &mut Context<'_>, args: &Args, part: &str) -> Result<Option<Value>, Failure> {
    let answer = context.get_json("/frameworks").await?;
    let frameworks: Vec<&Value> = answer.get("frameworks").and_then(Value::as_array).into_iter().flatten().collect();
    let ids: Vec<&str> = frameworks.iter().filter_map(|one| text(one, "id")).collect();
    let shown = |id: &&str| *id == part || crate::view::short_framework(id) == part;
    let whole = match ids.iter().find(|id| shown(id)) {
        Some(id) => Ok(*id),
        None => names::whole(part, ids.iter().copied()),
    };
    match whole {
        Ok(id) => Ok(frameworks.into_iter().find(|one| text(one, "id") == Some(id)).cloned()),
        Err(NoId::Unknown(_)) if part.len() > 36 => Ok(None),
        Err(why) => Err(why
            .told(|what| args.wrong("id", what), "framework", part)
            .help("frameworks --all lists those that the master knows")
            .into()),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// What a framework that is taken up said of itself: what isn't told anew stays.
fn as_it_was(mut info: FrameworkInfo, known: &Value) -> FrameworkInfo {
    let words = |field: &str| -> Vec<String> {
        let items = known.get(field).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    info.name = text(known, "name").map_or(info.name, str::to_owned);
    info.user = text(known, "user").map_or(info.user, str::to_owned);
    info.failover_timeout = known.get("failover_timeout").and_then(Value::as_f64).or(info.failover_timeout);
    info.checkpoint = known.get("checkpoint").and_then(Value::as_bool).or(info.checkpoint);
    info.principal = text(known, "principal").map(str::to_owned).or(info.principal);
    info.hostname = text(known, "hostname").map(str::to_owned).or(info.hostname);
    info.webui_url = text(known, "webui_url").map(str::to_owned).or(info.webui_url);
    let capabilities = words("capabilities");
    let is_multi = capabilities.iter().any(|name| name == "MULTI_ROLE");
    for name in capabilities {
        add(&mut info, FrameworkCapabilityType::from_name(&name));
    }
    if is_multi {
        (info.role, info.roles) = (None, words("roles"));
    } else {
        info.role = text(known, "role").map(str::to_owned).or(info.role);
    }
    info
}

/// Whether the framework that the session had is no more.
fn is_gone(session: &Session) -> bool {
    use crate::session::Closed;
    matches!(session.status().borrow().phase, Phase::Closed(Closed::TornDown | Closed::Removed))
}

/// Subscribes as the default framework.
pub(in crate::engine) fn default<'a>(context: &'a mut Context<'_>) -> Running<'a> {
    let (info, limit) = (context.default_framework(), context.options().patience);
    Box::pin(subscribe(context, info, limit))
}

/// Subscribes as this framework; a subscription that there is, is let go of first.
pub(in crate::engine) async fn subscribe(
    context: &mut Context<'_>,
    info: FrameworkInfo,
    limit: Duration,
) -> Result<(), Failure> {
    let session = context.session();
    let before = session.read(|state| (state.framework_id.clone(), state.tasks.active()));
    if !matches!(session.status().borrow().phase, Phase::Idle | Phase::Closed(_)) {
        session.detach().await;
    }
    if let (Some(old), active) = before
        && Some(&old) != info.id.as_ref()
        && !is_gone(&session)
    {
        let tasks = if active == 0 { String::new() } else { format!(" with {active} active tasks") };
        context.show(Document::text(format!("framework {old}{tasks} is left to its failover timeout")));
    }
    let start = tokio::time::Instant::now();
    session.subscribe(info).await;
    context.caused(crate::engine::Caused::Subscription);
    context.until_subscribed(&session, limit).await?;
    let took = start.elapsed();
    let document = card(&session);
    context.show(with_time(document, took).with_next(["offers", "run --cmd 'sleep 60'", "status"]));
    if session.status().borrow().failover_timeout().is_zero() {
        let warning = "no failover timeout: the moment the connection breaks, the master ends the framework and kills its tasks; subscribe --failover-timeout 1h gives it time";
        context.show(Document::text(Piece::new(warning, Tone::Bad)));
    }
    Ok(())
}

fn with_time(mut document: Document, took: Duration) -> Document {
    if let Some(crate::document::Block::Fields(fields)) = document.blocks.first_mut() {
        *fields = std::mem::take(fields).field("took", Cell::Lasted(took));
    }
    document
}

/// The subscription in a few lines.
fn card(session: &Session) -> Document {
    let status = session.status().borrow().clone();
    let mut fields = Fields::new().named("framework");
    if let Some(id) = session.read(|state| state.framework_id.clone()) {
        fields = fields.keyed("subscribed as", "id", Cell::id(id.as_str(), id.as_str()));
    }
    let pid = session.read(|state| state.master.as_ref().and_then(|master| master.pid.clone()));
    fields = fields.keyed("to", "master", pid.unwrap_or_else(|| status.master()));
    if let Phase::Subscribed { heartbeat, .. } = status.phase {
        fields = fields.field("heartbeat", Cell::Lasted(heartbeat));
    }
    if let Some(info) = &status.framework {
        fields = fields.field("name", info.name.as_str()).field("user", info.user.as_str());
        let roles = if info.roles.is_empty() {
            info.role.clone().unwrap_or_else(|| "*".to_owned())
        } else {
            info.roles.join(", ")
        };
        fields = fields.field("roles", roles).field("failover timeout", Cell::Lasted(info.failover_time()));
    }
    fields.into()
}

fn info(context: &Context<'_>, args: &Args, known: Option<&Value>) -> Result<FrameworkInfo, Diagnostic> {
    let mut info = context.default_framework();
    if let Some(known) = known {
        info = as_it_was(info, known);
    }
    let text = |name: &str| args.text(name).map(str::to_owned);
    info.name = text("name").unwrap_or(info.name);
    info.user = text("user").unwrap_or(info.user);
    info.principal = text("principal").or(info.principal);
    info.hostname = text("hostname").or(info.hostname);
    info.webui_url = text("webui-url").or(info.webui_url);
    if let Some(timeout) = args.duration("failover-timeout") {
        info.failover_timeout = Some(timeout.as_secs_f64());
    }
    if args.switch("checkpoint") {
        info.checkpoint = Some(true);
    }
    for given in args.all("capability") {
        let name = given.value.to_uppercase().replace('-', "_");
        let capability = FrameworkCapabilityType::from_name(&name);
        if matches!(capability, FrameworkCapabilityType::Other(_)) {
            let known = FrameworkCapabilityType::schema().values.iter().map(|(name, _)| *name);
            let diagnostic = args.wrong_at(given.span.clone(), format!("there is no capability {name}"));
            return Err(match crate::lang::nearest(&name, known.clone()) {
                Some(near) => diagnostic.label(format!("did you mean {}?", near.to_lowercase())),
                None => {
                    diagnostic.help(format!("one of {}", known.skip(1).collect::<Vec<_>>().join(", ").to_lowercase()))
                }
            });
        }
        add(&mut info, capability);
    }
    match args.many("role").as_slice() {
        [] => {}
        [one] => info.role = Some((*one).to_owned()),
        several => {
            info.roles = several.iter().map(|role| (*role).to_owned()).collect();
            info.role = None;
            add(&mut info, FrameworkCapabilityType::MultiRole);
        }
    }
    let label =
        |(key, value): (&str, &str)| Label { key: key.to_owned(), value: Some(value.to_owned()), ..Label::default() };
    let labels: Vec<_> = args.pairs("label").into_iter().map(label).collect();
    if !labels.is_empty() {
        info.labels = Some(Labels { labels, ..Labels::default() });
    }
    Ok(info)
}

fn add(info: &mut FrameworkInfo, capability: FrameworkCapabilityType) {
    let capability = FrameworkCapability { r#type: Some(capability), ..FrameworkCapability::default() };
    if !info.capabilities.contains(&capability) {
        info.capabilities.push(capability);
    }
}
