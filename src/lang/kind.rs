//! What each [`Kind`] of value must look like, in words and as a check. Knows no session: an id may still be unknown.

use super::json;
use super::spec::{Kind, nearest};
use super::units;

/// The states that a task can have, by their protocol names.
pub(super) const TASK_STATES: &[(&str, &str)] = &[
    ("TASK_STAGING", "on its way to the agent"),
    ("TASK_STARTING", "the executor prepares it"),
    ("TASK_RUNNING", "it runs"),
    ("TASK_KILLING", "asked to stop"),
    ("TASK_FINISHED", "ended by itself, successfully"),
    ("TASK_FAILED", "ended with an error"),
    ("TASK_KILLED", "stopped as asked"),
    ("TASK_ERROR", "its description was refused"),
    ("TASK_LOST", "gone, for a scheduler that is not partition-aware"),
    ("TASK_DROPPED", "never launched"),
    ("TASK_UNREACHABLE", "its agent does not answer"),
    ("TASK_GONE", "its agent ended it and will not come back"),
    ("TASK_GONE_BY_OPERATOR", "an operator declared its agent gone"),
    ("TASK_UNKNOWN", "no master knows it"),
];

/// What a value of this kind is, after "wants".
pub(super) fn wants(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => return format!("one of {}", words.join(", ")),
        Kind::Text => "a text",
        Kind::OfferId => "an offer's id",
        Kind::TaskId => "a task's id",
        Kind::AgentId => "an agent's id or host name",
        Kind::FrameworkId => "a framework's id",
        Kind::AnyId => "an id",
        Kind::TaskState => "a task state such as running",
        Kind::Role => "a role",
        Kind::Verb => "a command's name",
        Kind::Path => "a path",
        Kind::File => "a file or -",
        Kind::Image => "an image",
        Kind::Number | Kind::Cpus => "a number",
        Kind::Count => "a whole number",
        Kind::Mem => "an amount such as 100 (MiB), 512m or 1g",
        Kind::Duration => "a time such as 30s, 5m or 1h30m",
        Kind::Ports => "ports such as 9000 or 9000-9010",
        Kind::KeyValue => "NAME=VALUE",
        Kind::Json => "JSON",
        Kind::Profile => "a profile's name",
        Kind::Url => {
            "an address: HOST:PORT, several with commas, a URL, zk://HOST:PORT/PATH, or file://PATH of a file with one"
        }
    }
    .to_owned()
}

/// Whether a value can be of this kind; if not, what to say beside the caret (possibly nothing).
pub(super) fn check(kind: Kind, value: &str) -> Result<(), String> {
    let number = || value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let fits = match kind {
        Kind::Number => number().is_some(),
        Kind::Cpus => match number() {
            Some(below) if below < 0.0 => return Err("less than nothing".to_owned()),
            other => other.is_some(),
        },
        Kind::Count => value.trim().parse::<u64>().is_ok(),
        Kind::Mem => units::mebibytes(value).is_some(),
        Kind::Duration => units::duration(value).is_some(),
        Kind::Ports => units::ports(value).is_some(),
        Kind::KeyValue => value.split_once('=').is_some_and(|(name, _)| !name.is_empty()),
        Kind::TaskState => return among(&task_state(value), TASK_STATES.iter().map(|(name, _)| *name)),
        Kind::Choice(words) => return among(value, words.iter().copied()),
        Kind::Json => return json::value(value, 0..value.len()).map(drop).map_err(|fault| fault.what),
        _ => !value.is_empty(),
    };
    if fits { Ok(()) } else { Err(String::new()) }
}

fn among<'a>(value: &str, known: impl Iterator<Item = &'a str> + Clone) -> Result<(), String> {
    if known.clone().any(|name| name == value) {
        return Ok(());
    }
    Err(nearest(value, known).map_or_else(String::new, |near| format!("did you mean {near}?")))
}

/// A task state's protocol name from what people type: `running`, `TASK_RUNNING`.
pub(super) fn task_state(text: &str) -> String {
    let upper = text.trim().to_uppercase();
    if upper.starts_with("TASK_") { upper } else { format!("TASK_{upper}") }
}

/// A value short enough to stand in a sentence.
pub(super) fn shortened(value: &str) -> String {
    const LONGEST: usize = 40;
    let line = value.lines().next().unwrap_or_default();
    if line.len() == value.len() && line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let start: String = line.chars().take(LONGEST).collect();
    format!("{start}…")
}
