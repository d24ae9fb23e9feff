//! Tells commands, v1 calls, pasted text and Rust apart, and whether the text is all there yet.

use super::input::Input;
use super::spec::Verb;
use crate::document::Diagnostic;

/// Takes a line, a script or a cell apart, for a terminal: a lone unknown word is a mistyped command.
///
/// # Errors
/// A diagnostic with a caret for the first thing that is wrong; nothing of the text should be performed then.
pub fn parse(text: &str, verbs: &[&Verb]) -> Result<Vec<Input>, Diagnostic> {
    let _ = (text, verbs);
    Ok(Vec::new())
}

/// The same for a notebook's cell, where a lone unknown word that resembles no verb is a Rust variable to show.
///
/// # Errors
/// As [`parse`].
pub fn parse_cell(text: &str, verbs: &[&Verb]) -> Result<Vec<Input>, Diagnostic> {
    parse(text, verbs)
}

/// Whether input can be performed or waits for more lines.
#[derive(Debug, Clone, PartialEq)]
pub enum Completeness {
    /// All there (which does not say that it is right).
    Complete,
    /// More lines are needed.
    Incomplete {
        /// What still waits for its end.
        why: Open,
    },
    /// No further line can make it right.
    Invalid(Diagnostic),
}

/// What still waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Open {
    /// A `{`.
    Brace,
    /// A `[`.
    Bracket,
    /// A `(` (Rust).
    Paren,
    /// A quote.
    Quote,
    /// A comment `/*` (Rust).
    Comment,
    /// A backslash at the end of the line.
    Backslash,
}

/// Whether the text can be performed or waits for more lines.
pub fn completeness(text: &str, verbs: &[&Verb]) -> Completeness {
    let _ = (text, verbs);
    Completeness::Complete
}
