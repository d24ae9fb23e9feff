//! Tells commands, v1 calls, pasted text and Rust apart, and whether the text is all there yet.
//!
//! The order is the language: a known verb, JSON, a pasted line, Rust; `%%json`, `%%mesos`, `%%rust` force one.

use std::ops::Range;
use std::sync::Arc;

use super::input::{Input, Invocation, JsonCall, Paste, RustText, Spanned};
use super::json;
use super::paste::{self, Tool};
use super::rust;
use super::spec::{Verb, find, nearest};
use super::token::{self, Balance, char_at};
use crate::document::Diagnostic;

/// Takes a line, a script or a cell apart, for a terminal: a lone unknown word is a mistyped command.
///
/// # Errors
/// A diagnostic with a caret for the first thing that is wrong; nothing of the text should be performed then.
pub fn parse(text: &str, verbs: &[&Verb]) -> Result<Vec<Input>, Diagnostic> {
    Parser::new(text, verbs, false).run()
}

/// The same for a notebook's cell, where an unknown first word that resembles no verb begins Rust.
///
/// # Errors
/// As [`parse`].
pub fn parse_cell(text: &str, verbs: &[&Verb]) -> Result<Vec<Input>, Diagnostic> {
    Parser::new(text, verbs, true).run()
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
    let mut at = statements(text).map_or(text.len(), |(_, at)| at);
    let forced = statements(text).ok().and_then(|(forced, _)| forced);
    while let Some(start) = next_statement(text, at, forced) {
        match shape(text, start, verbs, forced) {
            Shape::Rust => return rust_completeness(text, start),
            Shape::Json => match token::balance(text, start) {
                Balance::Closed(end) => at = end,
                Balance::Open(why, _) => return Completeness::Incomplete { why },
                Balance::Crossed(at) => return Completeness::Invalid(crossed(text, at)),
            },
            Shape::Command | Shape::Paste(_) | Shape::Unknown => {
                let line = token::line(text, start);
                if let Some((why, _)) = line.open {
                    return Completeness::Incomplete { why };
                }
                at = line.next;
            }
        }
    }
    Completeness::Complete
}

fn rust_completeness(text: &str, start: usize) -> Completeness {
    match rust::open(text, start..text.len()) {
        Ok(None) => Completeness::Complete,
        Ok(Some(why)) => Completeness::Incomplete { why },
        Err(at) => Completeness::Invalid(crossed(text, at)),
    }
}

fn crossed(text: &str, at: usize) -> Diagnostic {
    Diagnostic::new("this bracket closes nothing that is open").at(text, at..at + 1)
}

/// What `%%` in the first line forces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forced {
    Json,
    Mesos,
    Rust,
}

/// What the first line forces, and where statements begin.
pub(super) fn statements(text: &str) -> Result<(Option<Forced>, usize), Diagnostic> {
    let blank = text.len() - text.trim_start().len();
    let Some(rest) = text.get(blank..).and_then(|text| text.strip_prefix("%%")) else {
        return Ok((None, 0));
    };
    let name = rest.split(char::is_whitespace).next().unwrap_or_default();
    let past = blank + 2 + name.len();
    let forced = match name {
        "json" => Forced::Json,
        "mesos" => Forced::Mesos,
        "rust" => Forced::Rust,
        _ => {
            let diagnostic = Diagnostic::new(format!("unknown %%{name}")).at(text, blank..past);
            return Err(diagnostic.help("%%mesos, %%json and %%rust say what a cell holds"));
        }
    };
    Ok((Some(forced), past))
}

/// What a statement is, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Command,
    Json,
    Paste(Tool),
    Rust,
    Unknown,
}

/// Past blanks, separators and comments, to where the next statement begins.
pub(super) fn next_statement(text: &str, mut at: usize, forced: Option<Forced>) -> Option<usize> {
    loop {
        let c = char_at(text, at)?;
        let rest = text.get(at..)?;
        // `#[` and `#!` are Rust's, all other `#` begin comments.
        let attribute = forced.is_none() && (rest.starts_with("#[") || rest.starts_with("#!["));
        match c {
            _ if forced == Some(Forced::Rust) && !c.is_whitespace() => return Some(at),
            '#' if !attribute => at += rest.find('\n').unwrap_or(rest.len()),
            '\\' if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") => at += 1,
            _ if c.is_whitespace() || c == ';' => at += c.len_utf8(),
            _ => return Some(at),
        }
    }
}

/// What the statement at `start` is.
pub(super) fn shape(text: &str, start: usize, verbs: &[&Verb], forced: Option<Forced>) -> Shape {
    let rest = text.get(start..).unwrap_or_default();
    match forced {
        Some(Forced::Rust) => return Shape::Rust,
        Some(Forced::Json) => return Shape::Json,
        Some(Forced::Mesos) | None => {}
    }
    let (name, coloned) = verb_name(rest);
    let after = rest.get(usize::from(coloned) + name.len()..).unwrap_or_default();
    if find(verbs, name).is_some() && (coloned || forced.is_some() || !rust::assigns(after)) {
        return Shape::Command;
    }
    if let Some(tool) = paste::tool(rest) {
        return Shape::Paste(tool);
    }
    if rest.starts_with('[') || looks_like_object(rest) {
        return Shape::Json;
    }
    if forced.is_none() && (rest.starts_with('{') || (!coloned && rust::plausible(rest))) {
        return Shape::Rust;
    }
    Shape::Unknown
}

/// The first word without a leading `:`, and whether there was one.
pub(super) fn verb_name(rest: &str) -> (&str, bool) {
    let name = rest.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default();
    match name.strip_prefix(':') {
        Some(bare) if !bare.starts_with(':') => (bare, true),
        _ => (name, false),
    }
}

/// Whether a brace opens a JSON object (or what somebody takes for one) rather than a Rust block.
fn looks_like_object(rest: &str) -> bool {
    let Some(inner) = rest.strip_prefix('{') else {
        return false;
    };
    let inner = inner.trim_start();
    let past = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let key = inner.get(past..).map(str::trim_start).unwrap_or_default();
    inner.is_empty()
        || inner.starts_with(['"', '\'', '}', ','])
        // A lone word to the text's end is a key (or nothing) being typed.
        || (past > 0 && (key.is_empty() || (key.starts_with(':') && !key.starts_with("::"))))
}

struct Parser<'a> {
    source: Arc<str>,
    verbs: &'a [&'a Verb],
    /// Whether a lone unknown word may be Rust.
    cell: bool,
    at: usize,
    forced: Option<Forced>,
    inputs: Vec<Input>,
}

impl<'a> Parser<'a> {
    fn new(text: &str, verbs: &'a [&'a Verb], cell: bool) -> Self {
        Parser { source: Arc::from(text), verbs, cell, at: 0, forced: None, inputs: Vec::new() }
    }

    fn run(mut self) -> Result<Vec<Input>, Diagnostic> {
        (self.forced, self.at) = statements(&self.source)?;
        while let Some(start) = next_statement(&self.source, self.at, self.forced) {
            match shape(&self.source, start, self.verbs, self.forced) {
                Shape::Command => self.command(start)?,
                Shape::Json => self.call(start)?,
                Shape::Paste(tool) => self.paste(start, tool)?,
                Shape::Rust => self.rust(start),
                Shape::Unknown => self.unknown(start)?,
            }
        }
        Ok(self.inputs)
    }

    fn line(&mut self, start: usize) -> Result<token::Line, Diagnostic> {
        let line = token::line(&self.source, start);
        self.at = line.next;
        match line.open {
            None => Ok(line),
            Some((why, at)) => Err(self.unclosed(why, at)),
        }
    }

    fn unclosed(&self, why: Open, at: usize) -> Diagnostic {
        let what = match why {
            Open::Quote => "a quote is not closed",
            Open::Backslash => "the text ends in a backslash",
            Open::Bracket => "a [ is not closed",
            Open::Brace | Open::Paren | Open::Comment => "a { is not closed",
        };
        let width = char_at(&self.source, at).map_or(0, char::len_utf8);
        self.wrong(at..at + width, what).label("opened here")
    }

    fn wrong(&self, span: Range<usize>, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(what).at(&*self.source, span)
    }

    fn command(&mut self, start: usize) -> Result<(), Diagnostic> {
        let line = self.line(start)?;
        let mut words = line.words;
        if words.is_empty() {
            return Ok(());
        }
        let first = words.remove(0);
        let (name, coloned) = verb_name(&first.text);
        let verb = Spanned::new(name.to_owned(), first.span.start + usize::from(coloned)..first.span.end);
        let source = self.source.clone();
        self.inputs.push(Input::Command(Invocation { verb, words, span: start..line.end, source }));
        Ok(())
    }

    fn call(&mut self, start: usize) -> Result<(), Diagnostic> {
        let end = match token::balance(&self.source, start) {
            Balance::Closed(end) => end,
            Balance::Open(why, at) => return Err(self.json_fault(start, None).unwrap_or(self.unclosed(why, at))),
            Balance::Crossed(at) => {
                let fault = self.json_fault(start, Some(at + 1));
                return Err(fault.unwrap_or_else(|| crossed(&self.source, at)));
            }
        };
        if self.forced.is_none() && self.is_expression(start, end) {
            self.rust(start);
            return Ok(());
        }
        let value = json::value(&self.source, start..end).map_err(|fault| self.fault(fault))?;
        self.inputs.push(Input::Call(JsonCall { value, span: start..end, source: self.source.clone() }));
        self.at = end;
        self.nothing_behind(end)
    }

    /// `[1, 2].len()` is no JSON.
    fn is_expression(&self, start: usize, end: usize) -> bool {
        let array = char_at(&self.source, start) == Some('[');
        array && matches!(char_at(&self.source, end), Some('.' | '?'))
    }

    /// A fault that would stay a fault however the text went on; an end too early is told by its opening bracket.
    fn json_fault(&self, start: usize, end: Option<usize>) -> Option<Diagnostic> {
        let end = end.unwrap_or(self.source.len());
        let fault = json::value(&self.source, start..end).err()?;
        (fault.what != "the JSON ends too early").then(|| self.fault(fault))
    }

    fn fault(&self, fault: json::Fault) -> Diagnostic {
        let diagnostic = self.wrong(fault.span, fault.what);
        match fault.label {
            Some(label) => diagnostic.label(label),
            None => diagnostic,
        }
    }

    /// After a call's last bracket comes a line's end, a `;`, a comment or another call.
    fn nothing_behind(&self, end: usize) -> Result<(), Diagnostic> {
        let rest = self.source.get(end..).unwrap_or_default();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r']);
        if trimmed.is_empty() || trimmed.starts_with(['\n', ';', '#', '{', '[']) {
            return Ok(());
        }
        let start = end + rest.len() - trimmed.len();
        let length = trimmed.find(['\n', ';']).unwrap_or(trimmed.len());
        let diagnostic = self.wrong(start..start + length, "more text follows the JSON");
        Err(diagnostic.help("a call ends with its closing bracket; what follows belongs on a line of its own"))
    }

    fn paste(&mut self, start: usize, tool: Tool) -> Result<(), Diagnostic> {
        let line = self.line(start)?;
        let kind = paste::read(tool, &line, &self.source)?;
        self.inputs.push(Input::Paste(Paste { kind, span: start..line.end, source: self.source.clone() }));
        Ok(())
    }

    fn rust(&mut self, start: usize) {
        let trimmed = self.source.trim_end().len().max(start);
        self.inputs.push(Input::Rust(RustText { span: start..trimmed, source: self.source.clone() }));
        self.at = self.source.len();
    }

    fn unknown(&mut self, start: usize) -> Result<(), Diagnostic> {
        let rest = self.source.get(start..).unwrap_or_default();
        let (name, coloned) = verb_name(rest);
        let names = self.verbs.iter().flat_map(|verb| std::iter::once(&verb.name).chain(verb.aliases)).copied();
        let near = nearest(name, names);
        if self.cell && self.forced.is_none() && near.is_none() && !coloned {
            self.rust(start);
            return Ok(());
        }
        let end = start + usize::from(coloned) + name.len();
        let diagnostic = self.wrong(start..end, format!("unknown command {}", super::kind::shortened(name)));
        Err(match near {
            Some(near) => diagnostic.label(format!("did you mean {near}?")),
            None if find(self.verbs, "help").is_some() => diagnostic.help("help lists the commands"),
            None => diagnostic,
        })
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
pub(super) mod tests;
