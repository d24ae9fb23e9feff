//! What could stand at the cursor: verbs, options, values by their kind, field names inside JSON.

use std::ops::Range;

use super::spec::{Kind, Verb};

/// Live names, supplied by the engine.
pub trait Names {
    /// Names that fit a kind of value now, each with a line about it; most likely first.
    fn candidates(&self, kind: Kind) -> Vec<(String, String)>;

    /// The fields that a v1 call's JSON may have at this path of keys (array positions left out), with a line each.
    fn fields(&self, path: &[String]) -> Vec<(String, String)> {
        let _ = path;
        Vec::new()
    }

    /// The strings that the field at this path may hold (`type`: `SUBSCRIBE`, ...), with a line each.
    fn values(&self, path: &[String]) -> Vec<(String, String)> {
        let _ = path;
        Vec::new()
    }
}

/// No live names: verbs, options and fixed choices still complete.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn candidates(&self, _: Kind) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// What may replace a part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that a candidate replaces; ends at the cursor.
    pub span: Range<usize>,
    /// What may stand there, most likely first.
    pub candidates: Vec<Candidate>,
}

/// One thing that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What to insert, quoted where it must be; no space after it.
    pub insert: String,
    /// What to show in a list.
    pub shown: String,
    /// A line about it; may be empty.
    pub about: String,
}

/// What could stand at the cursor (a byte; one within a character is moved back to its beginning).
pub fn complete(text: &str, cursor: usize, verbs: &[&Verb], names: &dyn Names) -> Completion {
    let _ = (text, verbs, names);
    Completion { span: cursor..cursor, candidates: Vec::new() }
}

/// What to show dimly after the cursor at the text's end: the rest of the only candidate, or what comes next.
pub fn hint(text: &str, cursor: usize, verbs: &[&Verb], names: &dyn Names) -> Option<String> {
    let _ = (text, cursor, verbs, names);
    None
}
