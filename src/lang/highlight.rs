//! What the parts of a typed text are, so that a terminal can colour them while they are typed.
//!
//! Half-typed text is the rule here: nothing is an error, and an option is unknown only once a blank follows it.

use std::ops::Range;

use super::input::{Word, WordKind};
use super::json::{self, JsonKind};
use super::parse::{Shape, next_statement, shape, statements, verb_name};
use super::spec::{Verb, find};
use super::token::{self, Balance, Line};

/// What a stretch of typed text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A known verb, or a pasted tool that is understood.
    Verb,
    /// A first word that is no verb.
    UnknownVerb,
    /// An option that the verb has.
    Option,
    /// An option that the verb does not have.
    UnknownOption,
    /// A string in quotes.
    String,
    /// A number.
    Number,
    /// A key of a JSON object.
    JsonKey,
    /// `true`, `false` or `null` in JSON.
    Literal,
    /// A comment.
    Comment,
    /// Brackets, commas, colons, separators.
    Punctuation,
    /// A `%%json`, `%%mesos` or `%%rust`.
    Magic,
}

/// The parts worth a colour, in order and without overlap; what lies between them is plain.
pub fn highlight(text: &str, verbs: &[&Verb]) -> Vec<(Range<usize>, Role)> {
    let mut painter = Painter { text, verbs, parts: Vec::new() };
    let Ok((forced, mut at)) = statements(text) else {
        return Vec::new();
    };
    if forced.is_some() {
        let start = text.len() - text.trim_start().len();
        painter.add(start..at, Role::Magic);
    }
    while let Some(start) = next_statement(text, at, forced) {
        painter.between(at..start);
        match shape(text, start, verbs, forced) {
            // Rust is the kernel's language; its own editors colour it.
            Shape::Rust => return painter.parts,
            Shape::Json => {
                at = match token::balance(text, start) {
                    Balance::Closed(end) => end,
                    _ => text.len(),
                };
                painter.json(start..at);
            }
            shape => {
                let line = token::line(text, start);
                painter.line(start, &line, shape);
                at = line.next;
            }
        }
    }
    painter.between(at..text.len());
    painter.parts
}

struct Painter<'a> {
    text: &'a str,
    verbs: &'a [&'a Verb],
    parts: Vec<(Range<usize>, Role)>,
}

impl Painter<'_> {
    fn add(&mut self, span: Range<usize>, role: Role) {
        if !span.is_empty() {
            self.parts.push((span, role));
        }
    }

    /// Comments and separators between statements.
    fn between(&mut self, span: Range<usize>) {
        let mut at = span.start;
        while at < span.end {
            let rest = self.text.get(at..span.end).unwrap_or_default();
            let length = match rest.chars().next() {
                Some('#') => {
                    let length = rest.find('\n').unwrap_or(rest.len());
                    self.add(at..at + length, Role::Comment);
                    length
                }
                Some(';') => {
                    self.add(at..at + 1, Role::Punctuation);
                    1
                }
                Some(other) => other.len_utf8(),
                None => return,
            };
            at += length;
        }
    }

    fn line(&mut self, start: usize, line: &Line, shape: Shape) {
        let rest = self.text.get(start..).unwrap_or_default();
        let (name, coloned) = verb_name(rest);
        let verb = find(self.verbs, name).filter(|_| shape == Shape::Command);
        if let Some(first) = line.words.first() {
            let colon = usize::from(coloned);
            self.add(start..start + colon, Role::Punctuation);
            let known = if shape == Shape::Unknown { Role::UnknownVerb } else { Role::Verb };
            self.add(start + colon..first.span.end, known);
        }
        for word in line.words.iter().skip(1) {
            self.word(word, verb);
        }
        if let Some(comment) = &line.comment {
            self.add(comment.clone(), Role::Comment);
        }
        if line.next > 0
            && self.text.get(line.next - 1..line.next) == Some(";")
            && line.comment.is_none()
            && line.open.is_none()
            && line.next > line.end
        {
            self.add(line.next - 1..line.next, Role::Punctuation);
        }
    }

    fn word(&mut self, word: &Word, verb: Option<&Verb>) {
        match word.kind {
            WordKind::Quoted => self.add(word.span.clone(), Role::String),
            WordKind::Json => self.json(word.span.clone()),
            WordKind::Bare if word.text.starts_with('-') && word.text.len() > 1 => self.option(word, verb),
            WordKind::Bare if word.text.parse::<f64>().is_ok() => self.add(word.span.clone(), Role::Number),
            WordKind::Bare => {}
        }
    }

    fn option(&mut self, word: &Word, verb: Option<&Verb>) {
        let raw = self.text.get(word.span.clone()).unwrap_or_default();
        if raw.parse::<f64>().is_ok() {
            return self.add(word.span.clone(), Role::Number);
        }
        let name = raw.split('=').next().unwrap_or(raw);
        let typing = word.span.end == self.text.len() && !raw.contains('=');
        let known = verb.is_none_or(|verb| match name.strip_prefix("--") {
            Some("") => true,
            Some(long) => {
                verb.option(long).is_some() || (typing && verb.options.iter().any(|o| o.long.starts_with(long)))
            }
            None => name.chars().nth(1).is_some_and(|letter| verb.short_option(letter).is_some()),
        });
        let end = word.span.start + name.len();
        self.add(word.span.start..end, if known { Role::Option } else { Role::UnknownOption });
        if raw.len() > name.len() {
            self.add(end..end + 1, Role::Punctuation);
            let value = raw.get(name.len() + 1..).unwrap_or_default();
            match value.chars().next() {
                Some('"' | '\'') => self.add(end + 1..word.span.end, Role::String),
                Some('{' | '[') => self.json(end + 1..word.span.end),
                _ if value.parse::<f64>().is_ok() => self.add(end + 1..word.span.end, Role::Number),
                _ => {}
            }
        }
    }

    fn json(&mut self, span: Range<usize>) {
        for (kind, span) in json::tokens(self.text, span) {
            let role = match kind {
                JsonKind::Open | JsonKind::Close | JsonKind::Comma | JsonKind::Colon => Role::Punctuation,
                JsonKind::Key => Role::JsonKey,
                JsonKind::String | JsonKind::OpenString => Role::String,
                JsonKind::Number => Role::Number,
                JsonKind::Literal => Role::Literal,
                JsonKind::Other => continue,
            };
            self.add(span, role);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::{Kind, Opt};

    const VERBS: &[&Verb] = &[
        &Verb {
            options: &[Opt::value("cpus", "N", Kind::Cpus, ""), Opt::switch("follow", "").short('f')],
            ..Verb::new("accept")
        },
        &Verb::new("call"),
    ];

    #[test]
    fn parts() {
        use Role::{
            Comment, JsonKey, Literal, Magic, Number, Option, Punctuation, String, UnknownOption, UnknownVerb, Verb,
        };
        for (text, want) in [
            ("accept O0", vec![("accept", Verb)]),
            (
                ":accept; x # y",
                vec![(":", Punctuation), ("accept", Verb), (";", Punctuation), ("x", UnknownVerb), ("# y", Comment)],
            ),
            ("accept --cpus 0.2 -f", vec![("accept", Verb), ("--cpus", Option), ("0.2", Number), ("-f", Option)]),
            ("accept --cpus=2", vec![("accept", Verb), ("--cpus", Option), ("=", Punctuation), ("2", Number)]),
            ("accept --cpu", vec![("accept", Verb), ("--cpu", Option)]),
            ("accept --cpu ", vec![("accept", Verb), ("--cpu", UnknownOption)]),
            ("accept 'a b", vec![("accept", Verb), ("'a b", String)]),
            ("# a\naccept", vec![("# a", Comment), ("accept", Verb)]),
            (
                "{\"a\": true}",
                vec![("{", Punctuation), ("\"a\"", JsonKey), (":", Punctuation), ("true", Literal), ("}", Punctuation)],
            ),
            (
                "call {\"a\": \"x",
                vec![("call", Verb), ("{", Punctuation), ("\"a\"", JsonKey), (":", Punctuation), ("\"x", String)],
            ),
            ("curl http://h/", vec![("curl", Verb)]),
            ("let x = 1;", vec![]),
            ("%%json\n[1]", vec![("%%json", Magic), ("[", Punctuation), ("1", Number), ("]", Punctuation)]),
            ("acept O0", vec![("acept", UnknownVerb)]),
        ] {
            let parts: Vec<_> = highlight(text, VERBS).into_iter().map(|(span, role)| (&text[span], role)).collect();
            assert_eq!(parts, want, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1000)))]
        #[test]
        fn parts_are_in_order_and_on_boundaries(text in crate::lang::parse::tests::nearly()) {
            let mut last = 0;
            for (span, _) in highlight(&text, VERBS) {
                prop_assert!(span.start >= last && span.end > span.start && text.get(span.clone()).is_some(), "{:?}", span);
                last = span.end;
            }
        }
    }
}
