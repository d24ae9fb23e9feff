//! A verb's description as documents and as the reference in Markdown.

use super::spec::Verb;
use crate::document::Document;

/// All about one verb.
pub fn help_for(verb: &Verb) -> Document {
    Document::text(verb.summary)
}

/// All verbs under their groups, a line each.
pub fn help_index(verbs: &[&Verb]) -> Document {
    let _ = verbs;
    Document::new()
}

/// The reference as Markdown: docs/commands.md is this text.
pub fn reference_markdown(verbs: &[&Verb]) -> String {
    let _ = verbs;
    String::new()
}
