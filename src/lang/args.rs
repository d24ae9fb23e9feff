//! A verb's words held against what it takes: typed values with spans, or a diagnostic that points at the fault.
//!
//! Everything that the text alone can tell is checked here, once; whether an id exists is the command's own question.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::input::{Invocation, Spanned};
use super::spec::Verb;
use crate::document::Diagnostic;

/// What a command was given, checked by kind. Options and positionals share one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    source: Arc<str>,
    verb: Spanned<String>,
    given: Vec<(&'static str, Spanned<String>)>,
}

/// Holds a command's words against what its verb takes.
///
/// # Errors
/// A diagnostic with a caret: an unknown or repeated option, a missing or ill-formed value, too many or too few words.
pub fn parse_args(verb: &Verb, invocation: &Invocation) -> Result<Args, Diagnostic> {
    let _ = verb;
    Ok(Args { source: invocation.source.clone(), verb: invocation.verb.clone(), given: Vec::new() })
}

impl Args {
    /// Whether it was given.
    pub fn has(&self, name: &str) -> bool {
        self.spanned(name).is_some()
    }

    /// Whether this switch was given; reads better than [`has`](Self::has) for switches.
    pub fn switch(&self, name: &str) -> bool {
        self.has(name)
    }

    /// Its text (the last, if it came several times).
    pub fn text(&self, name: &str) -> Option<&str> {
        self.spanned(name).map(|given| given.value.as_str())
    }

    /// The text of a positional that must be there ([`Arity::One`](super::Arity::One)); parsing has made sure it is.
    pub fn one(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// Every text given for it, in order.
    pub fn many(&self, name: &str) -> Vec<&str> {
        self.all(name).map(|given| given.value.as_str()).collect()
    }

    /// Its text with its place.
    pub fn spanned(&self, name: &str) -> Option<&Spanned<String>> {
        self.all(name).last()
    }

    /// Everything given for it, with places.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Spanned<String>> + use<'a, 'n> {
        self.given.iter().filter(move |(key, _)| *key == name).map(|(_, given)| given)
    }

    /// The number given for a [`Number`](super::Kind::Number) or [`Cpus`](super::Kind::Cpus).
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.trim().parse().ok()
    }

    /// The number given for a [`Count`](super::Kind::Count).
    pub fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }

    /// The MiB given for a [`Mem`](super::Kind::Mem).
    pub fn mebibytes(&self, name: &str) -> Option<f64> {
        super::units::mebibytes(self.text(name)?)
    }

    /// The time given for a [`Duration`](super::Kind::Duration).
    pub fn duration(&self, name: &str) -> Option<Duration> {
        super::units::duration(self.text(name)?)
    }

    /// All ranges given for a [`Ports`](super::Kind::Ports), in order.
    pub fn ports(&self, name: &str) -> Vec<(u64, u64)> {
        self.all(name).filter_map(|given| super::units::ports(&given.value)).flatten().collect()
    }

    /// All pairs given for a [`KeyValue`](super::Kind::KeyValue), in order.
    pub fn pairs(&self, name: &str) -> Vec<(&str, &str)> {
        self.all(name).filter_map(|given| given.value.split_once('=')).collect()
    }

    /// The value given for a [`Json`](super::Kind::Json).
    pub fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.text(name)?).ok()
    }

    /// The task state given for a [`TaskState`](super::Kind::TaskState), by its protocol name (`TASK_RUNNING`).
    pub fn task_state(&self, name: &str) -> Option<String> {
        let upper = self.text(name)?.to_uppercase();
        Some(if upper.starts_with("TASK_") { upper } else { format!("TASK_{upper}") })
    }

    /// Where its (last) value stands; the verb's own place if it was not given, so that a caret always finds one.
    pub fn span(&self, name: &str) -> Range<usize> {
        self.spanned(name).map_or_else(|| self.verb.span.clone(), |given| given.span.clone())
    }

    /// The whole input, which spans count in.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// A diagnostic that points at this argument: for what only the command can know, such as an unknown id.
    pub fn wrong(&self, name: &str, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(what).at(&*self.source, self.span(name))
    }

    /// A diagnostic that points at one of several values, from [`all`](Self::all).
    pub fn wrong_at(&self, span: Range<usize>, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(what).at(&*self.source, span)
    }
}
