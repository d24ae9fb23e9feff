//! JSON at the place of a command: read into a value, its faults said in plain words, its tokens for colours and
//! completion.
//!
//! The tokens are lenient (JSON that is being typed is never whole); the value is strict. Field names are not checked.

use std::ops::Range;

use serde_json::Value;

use super::token::{char_at, string_end};

/// Why some text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong, in plain words.
    pub(super) what: String,
    /// Where, in bytes of the whole text.
    pub(super) span: Range<usize>,
    /// What to say beside the caret.
    pub(super) label: Option<String>,
}

/// The value that stands at `span`.
pub(super) fn value(text: &str, span: Range<usize>) -> Result<Value, Fault> {
    let json = text.get(span.clone()).unwrap_or_default();
    serde_json::from_str(json).map_err(|error| {
        let at = span.start + offset(json, error.line(), error.column());
        fault(text, span.clone(), at, &error)
    })
}

/// The byte that serde_json's line and column (both from 1, columns in bytes) mean.
fn offset(json: &str, line: usize, column: usize) -> usize {
    let before: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(json.len());
    while !json.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn fault(text: &str, json: Range<usize>, at: usize, error: &serde_json::Error) -> Fault {
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or_default();
    let new = |what: &str, span: Range<usize>, label: Option<&str>| Fault {
        what: what.to_owned(),
        span,
        label: label.map(str::to_owned),
    };
    // A misspelt literal is noticed only behind it.
    let at = if message == "expected ident" { word_before(text, at) } else { at };
    let here = word_at(text, at, json.end);
    let found = text.get(here.clone()).unwrap_or_default();
    if error.is_eof() {
        let end = text.get(..json.end).map_or(json.end, |before| before.trim_end().len());
        return new("the JSON ends too early", last_char(text, end), Some("something is missing after this"));
    }
    if message == "trailing comma" {
        let comma = text.get(..at).and_then(|before| before.rfind(',')).unwrap_or(at);
        return new("a comma stands before the closing bracket", comma..comma + 1, Some("JSON wants none here"));
    }
    if let Some((what, label)) = foreign(found) {
        return new(what, here, Some(label));
    }
    let (what, label) = match message {
        "key must be a string" => ("a key is not in double quotes", Some("keys look like \"type\"")),
        "expected value" => ("a value is missing or unknown", Some("a string, number, object or array goes here")),
        "expected ident" => ("an unknown word", Some("JSON has true, false and null")),
        "expected `:`" => ("a : is missing after the key", None),
        "expected `,` or `}`" => ("a comma or a } is missing", Some("before this")),
        "expected `,` or `]`" => ("a comma or a ] is missing", Some("before this")),
        "recursion limit exceeded" => ("the JSON is nested too deeply", None),
        "trailing characters" => ("more text follows the JSON", None),
        _ if message.starts_with("control character") => {
            ("a line break or control character in a string", Some("write \\n"))
        }
        _ => (message, None),
    };
    new(what, here, label)
}

/// What other languages write and JSON does not.
fn foreign(found: &str) -> Option<(&'static str, &'static str)> {
    Some(match found {
        _ if found.starts_with('\'') => ("JSON strings stand in double quotes", "\" instead of '"),
        "True" => ("Python's True is JSON's true", "true"),
        "False" => ("Python's False is JSON's false", "false"),
        "None" | "nil" | "undefined" => ("JSON's word for nothing is null", "null"),
        _ if found.starts_with("//") || found.starts_with("/*") || found.starts_with('#') => {
            ("JSON has no comments", "take it away")
        }
        _ => return None,
    })
}

/// The word or the single character at a byte.
fn word_at(text: &str, at: usize, end: usize) -> Range<usize> {
    let rest = text.get(at..end).unwrap_or_default();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut length = rest.find(|c| !word(c)).unwrap_or(rest.len());
    if length == 0 {
        length = if rest.starts_with("//") || rest.starts_with("/*") {
            2
        } else {
            rest.chars().next().map_or(0, char::len_utf8)
        };
    }
    // serde_json points at the end of a word it could not read.
    let before = text.get(..at).unwrap_or_default();
    let start = if rest.chars().next().is_some_and(word) { before.trim_end_matches(word).len() } else { at };
    start..at + length
}

/// Where the word that ends at (or contains) a byte begins.
fn word_before(text: &str, at: usize) -> usize {
    text.get(..at).map_or(at, |before| before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len())
}

fn last_char(text: &str, end: usize) -> Range<usize> {
    let last = text.get(..end).and_then(|before| before.chars().next_back());
    end - last.map_or(0, char::len_utf8)..end
}

/// What a token of JSON is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonKind {
    Open,
    Close,
    Comma,
    Colon,
    /// A string before a colon.
    Key,
    String,
    /// A string without its end.
    OpenString,
    Number,
    Literal,
    /// Anything that JSON has not.
    Other,
}

/// The tokens between two bytes; white space is left out.
pub(super) fn tokens(text: &str, span: Range<usize>) -> Vec<(JsonKind, Range<usize>)> {
    let text = text.get(..span.end).unwrap_or(text);
    let mut tokens = Vec::new();
    let mut at = span.start;
    while let Some(c) = char_at(text, at) {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, end) = token(text, at, c);
        tokens.push((kind, at..end));
        at = end;
    }
    tokens
}

fn token(text: &str, at: usize, c: char) -> (JsonKind, usize) {
    let single = at + c.len_utf8();
    match c {
        '{' | '[' => (JsonKind::Open, single),
        '}' | ']' => (JsonKind::Close, single),
        ',' => (JsonKind::Comma, single),
        ':' => (JsonKind::Colon, single),
        '"' => match string_end(text, at) {
            None => (JsonKind::OpenString, text.len()),
            Some(end) => {
                let key = text.get(end..).is_some_and(|rest| rest.trim_start().starts_with(':'));
                (if key { JsonKind::Key } else { JsonKind::String }, end)
            }
        },
        _ => {
            let rest = text.get(at..).unwrap_or_default();
            let past = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '[' | ']' | ',' | ':' | '"');
            let word = rest.get(..rest.find(past).unwrap_or(rest.len())).unwrap_or_default();
            let kind = match word {
                "true" | "false" | "null" => JsonKind::Literal,
                _ if c == '-' || c.is_ascii_digit() => JsonKind::Number,
                _ => JsonKind::Other,
            };
            (kind, at + word.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn faults_are_said_plainly_and_where_they_are() {
        for (text, what, at) in [
            (r#"{"a": 1,}"#, "a comma stands before the closing bracket", ","),
            (r#"["a", ]"#, "a comma stands before the closing bracket", ","),
            (r#"{'type': 1}"#, "JSON strings stand in double quotes", "'"),
            (r#"{"type": 'KILL'}"#, "JSON strings stand in double quotes", "'"),
            (r#"{type: 1}"#, "a key is not in double quotes", "type"),
            (r#"{"a": True}"#, "Python's True is JSON's true", "True"),
            (r#"{"a": None}"#, "JSON's word for nothing is null", "None"),
            (r#"{"a": tru}"#, "an unknown word", "tru"),
            (r#"{"a": }"#, "a value is missing or unknown", "}"),
            (r#"{"a" 1}"#, "a : is missing after the key", "1"),
            (r#"{"a": 1 "b": 2}"#, "a comma or a } is missing", "\""),
            (r#"[1 2]"#, "a comma or a ] is missing", "2"),
            ("{\"a\": 1, // x\n}", "JSON has no comments", "//"),
            (r#"{"a": 1"#, "the JSON ends too early", "1"),
            ("{\n  \"é\": 1,\n  \"b\": oops\n}", "a value is missing or unknown", "oops"),
        ] {
            let fault = value(text, 0..text.len()).expect_err(text);
            assert_eq!((fault.what.as_str(), &text[fault.span]), (what, at), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let deep = "[".repeat(100_000);
        assert!(value(&deep, 0..deep.len()).is_err());
        let deep = deep + &"]".repeat(100_000);
        assert_eq!(value(&deep, 0..deep.len()).expect_err("deep").what, "the JSON is nested too deeply");
    }

    proptest! {
        #[test]
        fn any_text_has_tokens_and_sound_faults(text in r#"[a-c'"\\{}\[\]:,0-9é /#\n-]{0,20}"#) {
            let mut last = 0;
            for (_, span) in tokens(&text, 0..text.len()) {
                prop_assert!(span.start >= last && span.end > span.start && text.get(span.clone()).is_some());
                last = span.end;
            }
            if let Err(fault) = value(&text, 0..text.len()) {
                prop_assert!(text.get(fault.span).is_some());
            }
        }
    }
}
