//! Live names for completion: ids, states, roles, and the fields of v1 calls. And an id's whole from a part of it.

use serde_json::Value;

use super::Engine;
use crate::document::{Diagnostic, Document};
use crate::lang::{Args, Kind, Names, Spanned};
use crate::mesos::message::{self, Message as _};
use crate::mesos::{CallMessage, OfferId, TaskId, schema};
use crate::settings;
use crate::state::State;
use crate::view;

/// The names that the engine's session knows now.
pub(super) struct Live<'a>(pub &'a Engine);

/// Those of the file of settings; one that can't be read has none to offer, and the command says why.
fn profiles(engine: &Engine) -> Vec<(String, String)> {
    let profiles = engine.options().settings.as_ref().and_then(|file| file.profiles().ok()).unwrap_or_default();
    let about =
        |profile: settings::Profile| profile.master.as_deref().map(settings::without_password).unwrap_or_default();
    profiles.into_iter().map(|(name, profile)| (name, about(profile))).collect()
}

impl Names for Live<'_> {
    fn candidates(&self, kind: Kind) -> Vec<(String, String)> {
        self.0.session().read(|state| match kind {
            Kind::OfferId => offers(state),
            Kind::TaskId => tasks(state),
            Kind::AnyId => offers(state).into_iter().chain(tasks(state)).chain(agents(state)).collect(),
            Kind::AgentId => agents(state),
            Kind::FrameworkId => {
                state.framework_id.iter().map(|id| (id.to_string(), "this framework".to_owned())).collect()
            }
            Kind::Role => vec![("*".to_owned(), "the default role".to_owned())],
            Kind::Profile => profiles(self.0),
            Kind::Path => PATHS.iter().map(|(path, about)| ((*path).to_owned(), (*about).to_owned())).collect(),
            _ => Vec::new(),
        })
    }

    fn fields(&self, path: &[String]) -> Vec<(String, String)> {
        let fields = schema::fields_at(CallMessage::schema(), path);
        fields.iter().map(|field| (field.name.to_owned(), described(field))).collect()
    }

    fn values(&self, path: &[String]) -> Vec<(String, String)> {
        let Some((name, parents)) = path.split_last() else { return Vec::new() };
        let field = schema::fields_at(CallMessage::schema(), parents).iter().find(|field| field.name == name);
        match field.map(|field| (field.kind)()) {
            // UNKNOWN exists in every enum and is never what one means.
            Some(message::Kind::Enum(values)) => values
                .values
                .iter()
                .filter(|(name, _)| *name != "UNKNOWN")
                .map(|(name, _)| ((*name).to_owned(), String::new()))
                .collect(),
            _ => Vec::new(),
        }
    }
}

const PATHS: &[(&str, &str)] = &[
    ("/state", "everything the master knows"),
    ("/version", "its version and build"),
    ("/slaves", "its agents"),
    ("/frameworks", "its frameworks"),
    ("/tasks", "their tasks"),
    ("/roles", "its roles"),
    ("/flags", "how it was started"),
    ("/health", "whether it is up"),
    ("/metrics/snapshot", "its counters"),
    (".slaves[0].id", "a part of /state"),
];

/// Endpoints that every master has.
pub(super) fn endpoints() -> impl Iterator<Item = &'static str> + Clone {
    PATHS.iter().map(|(path, _)| *path).filter(|path| path.starts_with('/'))
}

fn described(field: &message::FieldSchema) -> String {
    let kind = match (field.kind)() {
        message::Kind::String => "text",
        message::Kind::Bool => "true or false",
        message::Kind::Double => "number",
        message::Kind::Integer { .. } => "whole number",
        message::Kind::Bytes => "base64",
        message::Kind::Enum(values) => values.name,
        message::Kind::Message(message) => message.name,
        message::Kind::Any => "anything",
    };
    match field.label {
        message::Label::Required => format!("{kind}, required"),
        message::Label::Optional => kind.to_owned(),
        message::Label::Repeated => format!("list of {kind}"),
        message::Label::Map => format!("map to {kind}"),
    }
}

fn offers(state: &State) -> Vec<(String, String)> {
    let held = state.offers.in_order();
    held.iter().map(|held| (view::short(held.record.id.as_str()).to_owned(), view::offer_line(held))).collect()
}

fn tasks(state: &State) -> Vec<(String, String)> {
    let line = |task: &crate::state::Task| (task.id.to_string(), task.state.to_string());
    // Those that can still be acted on come first, the newest before the others.
    let (active, over): (Vec<_>, Vec<_>) = state.tasks.iter().rev().partition(|task| !task.is_over());
    active.into_iter().chain(over).take(200).map(line).collect()
}

fn agents(state: &State) -> Vec<(String, String)> {
    let mut agents: Vec<_> = state
        .offers
        .in_order()
        .iter()
        .filter_map(|held| held.record.offer().ok())
        .map(|offer| (view::short(offer.agent_id.as_str()).to_owned(), offer.hostname))
        .collect();
    agents.sort();
    agents.dedup();
    agents
}

/// What is known of an id.
pub(super) fn inspect(engine: &Engine, word: &str) -> Option<Document> {
    let session = engine.session();
    let now = session.now();
    session.read(|state| {
        if let Some(task) = state.tasks.get(word) {
            return Some(view::task(state, task, now));
        }
        let id = whole(word, state.offers.ids().map(|id| id.as_str())).ok()?;
        let offer = state.offers.get(id)?.record.offer().ok()?;
        Some(Document::from(serde_json::to_value(offer).unwrap_or(Value::Null)))
    })
}

/// The task that an argument names.
pub(super) fn task(state: &State, args: &Args, given: &Spanned<String>) -> Result<TaskId, Diagnostic> {
    let found = whole(&given.value, state.tasks.iter().map(|task| task.id.as_str())).map(TaskId::from);
    found.map_err(|why| {
        let told = why.told(|what| args.wrong_at(given.span.clone(), what), "task", &given.value);
        if state.tasks.is_empty() { told.help("run launches one") } else { told.help("tasks lists them") }
    })
}

/// The offer in hand that an argument names.
pub(super) fn offer(state: &State, args: &Args, given: &Spanned<String>) -> Result<OfferId, Diagnostic> {
    let found = whole(&given.value, state.offers.ids().map(|id| id.as_str())).map(OfferId::from);
    found.map_err(|why| {
        why.told(|what| args.wrong_at(given.span.clone(), what), "offer", &given.value)
            .detail("an offer leaves when it is used, declined, rescinded, or its lease ends")
            .help("offers lists those in hand")
    })
}

/// All offers that an argument names, or all in hand with `--all`.
pub(super) fn chosen_offers(state: &State, args: &Args) -> Result<Vec<OfferId>, Diagnostic> {
    if args.switch("all") {
        return Ok(state.offers.ids().cloned().collect());
    }
    if !args.has("offer") {
        return Err(args.wrong("offer", format!("{} which offers?", args.verb().value)).help("name them, or --all"));
    }
    args.all("offer").map(|given| offer(state, args, given)).collect()
}

/// Ids in a sentence, shortened.
pub(super) fn listed<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    ids.into_iter().map(view::short).collect::<Vec<_>>().join(", ")
}

/// Why a part of an id names nothing, or too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoId {
    /// Nothing begins or ends so; what comes near.
    Unknown(Option<String>),
    /// Several do.
    Ambiguous(Vec<String>),
}

/// The one id that `part` is, or that it begins or ends at a dash.
pub(super) fn whole<'a>(part: &str, ids: impl Iterator<Item = &'a str>) -> Result<&'a str, NoId> {
    let mut found = Vec::new();
    let mut all = Vec::new();
    for id in ids {
        if id == part {
            return Ok(id);
        }
        if !part.is_empty()
            && (id.starts_with(part) || id.strip_suffix(part).is_some_and(|before| before.ends_with('-')))
        {
            found.push(id);
        }
        if all.len() < 10_000 {
            all.push(id);
        }
    }
    match found.as_slice() {
        [only] => Ok(only),
        [] => {
            let short: Vec<_> = all.iter().map(|id| view::short(id)).collect();
            let near = crate::lang::nearest(part, all.iter().copied())
                .or_else(|| crate::lang::nearest(part, short.iter().copied()));
            Err(NoId::Unknown(near.map(str::to_owned)))
        }
        several => Err(NoId::Ambiguous(several.iter().take(5).map(|id| (*id).to_owned()).collect())),
    }
}

impl NoId {
    /// In words; `what` is "offer", "task" or "agent".
    pub fn told(self, diagnostic: impl FnOnce(String) -> Diagnostic, what: &str, part: &str) -> Diagnostic {
        match self {
            Self::Unknown(Some(near)) => {
                diagnostic(format!("there is no {what} '{part}'")).label(format!("did you mean {near}?"))
            }
            Self::Unknown(None) => diagnostic(format!("there is no {what} '{part}'")),
            Self::Ambiguous(ids) => ids
                .into_iter()
                .fold(diagnostic(format!("'{part}' is the beginning of several {what}s")), Diagnostic::detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_id_is_enough_if_it_is_one() {
        let ids = ["48ba-O1", "48ba-O11", "frontend"];
        let find = |part| whole(part, ids.iter().copied());
        assert_eq!(find("O1"), Ok("48ba-O1"));
        assert_eq!(find("48ba-O11"), Ok("48ba-O11"));
        assert_eq!(find("f"), Ok("frontend"));
        assert!(matches!(find("48ba"), Err(NoId::Ambiguous(ids)) if ids.len() == 2));
        assert_eq!(find("1"), Err(NoId::Unknown(None)));
        assert_eq!(find("forntend"), Err(NoId::Unknown(Some("frontend".to_owned()))));
        assert_eq!(find(""), Err(NoId::Unknown(None)));
    }
}
