//! A verb's words held against what it takes: typed values with spans, or a diagnostic that points at the fault.
//!
//! Everything that the text alone can tell is checked here, once; whether an id exists is the command's own question.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::input::{Invocation, Spanned, Word, WordKind};
use super::kind;
use super::spec::{Arity, Kind, Opt, Positional, Verb, nearest};
use crate::document::Diagnostic;

/// What a command was given, checked by kind. Options and positionals share one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    source: Arc<str>,
    verb: Spanned<String>,
    given: Vec<(&'static str, Spanned<String>)>,
}

/// Holds a command's words against what its verb takes. Options may stand anywhere; `--` ends them.
///
/// # Errors
/// A diagnostic with a caret: an unknown or repeated option, a missing or ill-formed value, too many or too few words.
pub fn parse_args(verb: &Verb, invocation: &Invocation) -> Result<Args, Diagnostic> {
    let args = Args { source: invocation.source.clone(), verb: invocation.verb.clone(), given: Vec::new() };
    let mut reader = Reader { verb, invocation, args, at: 0, placed: 0 };
    reader.read()?;
    reader.missing()?;
    Ok(reader.args)
}

/// Walks over the words once.
struct Reader<'a> {
    verb: &'a Verb,
    invocation: &'a Invocation,
    args: Args,
    /// The next word.
    at: usize,
    /// How many positionals have been filled; a repeating one is never passed.
    placed: usize,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), Diagnostic> {
        let mut options = true;
        while let Some(word) = self.word() {
            if self.at_rest() {
                return self.rest();
            }
            self.at += 1;
            let bare = options && word.kind == WordKind::Bare;
            if bare && word.text == "--" {
                options = false;
            } else if let Some(long) = word.text.strip_prefix("--").filter(|_| bare) {
                self.long(word, long)?;
            } else if bare && is_short(&word.text) {
                self.shorts(word)?;
            } else {
                self.place(word)?;
            }
        }
        Ok(())
    }

    fn word(&self) -> Option<&'a Word> {
        self.invocation.words.get(self.at)
    }

    /// Whether the next word begins the verbatim rest.
    fn at_rest(&self) -> bool {
        let next = self.verb.positionals.get(self.placed);
        let option = self.word().is_some_and(|word| {
            // An option of the verb's own may stand before the rest, not within it.
            let long = word.text.strip_prefix("--").map(|long| long.split('=').next().unwrap_or(long));
            word.kind == WordKind::Bare && long.is_some_and(|long| self.verb.option(long).is_some())
        });
        next.is_some_and(|next| next.arity == Arity::Rest) && !option
    }

    fn rest(&mut self) -> Result<(), Diagnostic> {
        let (Some(positional), Some(word)) = (self.verb.positionals.get(self.placed), self.word()) else {
            return Ok(());
        };
        let end = self.invocation.words.last().map_or(word.span.end, |last| last.span.end);
        let span = word.span.start..end;
        let text = self.invocation.source.get(span.clone()).unwrap_or_default();
        // A single quoted word stands for what is in it.
        let alone = self.at + 1 == self.invocation.words.len();
        let text = if alone { word.text.clone() } else { text.to_owned() };
        self.put_positional(positional, Spanned::new(text, span))?;
        self.at = self.invocation.words.len();
        Ok(())
    }

    /// `--name`, `--name=value` or `--name value`.
    fn long(&mut self, word: &Word, long: &str) -> Result<(), Diagnostic> {
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        // The name has no quotes or escapes unless somebody is playing; then spans only lose precision.
        let name_span = word.span.start..(word.span.start + 2 + name.len()).min(word.span.end);
        let Some(option) = self.verb.option(name) else {
            return Err(self.unknown(&format!("--{name}"), name_span));
        };
        let attached = attached.map(|value| Spanned::new(value.to_owned(), self.value_span(word)));
        self.option(option, name_span, attached)
    }

    /// Where the value of `--name=value` stands.
    fn value_span(&self, word: &Word) -> Range<usize> {
        let raw = self.invocation.source.get(word.span.clone()).unwrap_or_default();
        let start = raw.find('=').map_or(word.span.start, |at| word.span.start + at + 1);
        // An empty value has no place of its own: the caret goes under the option.
        if start == word.span.end { word.span.clone() } else { start..word.span.end }
    }

    /// `-f`, `-n5`, `-xyz`.
    fn shorts(&mut self, word: &Word) -> Result<(), Diagnostic> {
        for (at, letter) in word.text.char_indices().skip(1) {
            let start = (word.span.start + at).min(word.span.end);
            let span = start..(start + letter.len_utf8()).min(word.span.end);
            let Some(option) = self.verb.short_option(letter) else {
                return Err(self.unknown(&format!("-{letter}"), word.span.clone()));
            };
            let rest = word.text.get(at + letter.len_utf8()..).unwrap_or_default();
            if option.value.is_some() && !rest.is_empty() {
                let value = Spanned::new(rest.to_owned(), span.end..word.span.end);
                return self.option(option, span, Some(value));
            }
            self.option(option, span, None)?;
        }
        Ok(())
    }

    fn option(
        &mut self,
        option: &Opt,
        span: Range<usize>,
        attached: Option<Spanned<String>>,
    ) -> Result<(), Diagnostic> {
        if !option.repeated && self.args.has(option.long) {
            let what = format!("--{} stands here twice", option.long);
            return Err(self.invocation.wrong(span, what).label("once is enough"));
        }
        let Some((metavar, kind)) = option.value else {
            if let Some(value) = attached {
                let what = format!("--{} takes no value", option.long);
                return Err(self.invocation.wrong(value.span, what));
            }
            self.args.given.push((option.long, Spanned::new(String::new(), span)));
            return Ok(());
        };
        let Some(value) = attached.or_else(|| self.next_value()) else {
            let what = format!("--{} wants {}", option.long, kind::wants(kind));
            return Err(self.invocation.wrong(span, what).label(format!("{metavar} is missing")));
        };
        self.check(&format!("--{}", option.long), kind, &value)?;
        self.args.given.push((option.long, value));
        Ok(())
    }

    /// The next word as an option's value, unless it is an option itself.
    fn next_value(&mut self) -> Option<Spanned<String>> {
        let word = self.word()?;
        let short = word.text.chars().nth(1).filter(|_| is_short(&word.text));
        let option = word.text.starts_with("--") || short.is_some_and(|c| self.verb.short_option(c).is_some());
        if word.kind == WordKind::Bare && option {
            return None;
        }
        self.at += 1;
        Some(Spanned::new(word.text.clone(), word.span.clone()))
    }

    fn place(&mut self, word: &Word) -> Result<(), Diagnostic> {
        let Some(positional) = self.verb.positionals.get(self.placed) else {
            let what = match self.verb.positionals.len() {
                0 => format!("{} takes no arguments", self.verb.name),
                n => format!("{} takes {n} argument{}, no more", self.verb.name, if n == 1 { "" } else { "s" }),
            };
            return Err(self.invocation.wrong(word.span.clone(), what).label("one too many").help(self.usage()));
        };
        if !matches!(positional.arity, Arity::Many | Arity::Any) {
            self.placed += 1;
        }
        self.put_positional(positional, Spanned::new(word.text.clone(), word.span.clone()))
    }

    fn put_positional(&mut self, positional: &Positional, value: Spanned<String>) -> Result<(), Diagnostic> {
        self.check(&positional.name.to_uppercase(), positional.kind, &value)?;
        self.args.given.push((positional.name, value));
        Ok(())
    }

    fn check(&self, name: &str, kind: Kind, value: &Spanned<String>) -> Result<(), Diagnostic> {
        kind::check(kind, &value.value).map_err(|fault| {
            let what = format!("{name} wants {}, not '{}'", kind::wants(kind), kind::shortened(&value.value));
            let diagnostic = self.invocation.wrong(value.span.clone(), what);
            if fault.is_empty() { diagnostic } else { diagnostic.label(fault) }
        })
    }

    fn missing(&self) -> Result<(), Diagnostic> {
        let missing =
            self.verb.positionals.iter().find(|positional| {
                matches!(positional.arity, Arity::One | Arity::Many) && !self.args.has(positional.name)
            });
        let Some(positional) = missing else {
            return Ok(());
        };
        let name = positional.name.to_uppercase();
        let what = format!("{} wants {} {name}", self.verb.name, article(&name));
        let diagnostic = self.invocation.wrong(self.invocation.verb.span.clone(), what);
        Err(diagnostic.label(positional.about).help(self.usage()))
    }

    fn unknown(&self, typed: &str, span: Range<usize>) -> Diagnostic {
        let diagnostic = self.invocation.wrong(span, format!("{} has no option {typed}", self.verb.name));
        let known = self.verb.options.iter().map(|option| option.long);
        match nearest(typed.trim_start_matches('-'), known) {
            Some(near) => diagnostic.label(format!("did you mean --{near}?")),
            None if self.verb.options.is_empty() => diagnostic.help(self.usage()),
            None => {
                let all: Vec<String> = self.verb.options.iter().map(|option| format!("--{}", option.long)).collect();
                diagnostic.help(format!("{} has {}", self.verb.name, all.join(", ")))
            }
        }
    }

    fn usage(&self) -> String {
        format!("usage: {}", self.verb.usage())
    }
}

/// Whether a word is letters after one dash, rather than `-` (standard input) or a negative number.
fn is_short(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next() == Some('-') && chars.next().is_some_and(|c| c != '-' && !c.is_ascii_digit() && c != '.')
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
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

    /// The text of a positional that must be there ([`Arity::One`]); parsing has made sure it is.
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

    /// The number given for a [`Kind::Number`] or [`Kind::Cpus`].
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.trim().parse().ok()
    }

    /// The number given for a [`Kind::Count`].
    pub fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }

    /// The MiB given for a [`Kind::Mem`].
    pub fn mebibytes(&self, name: &str) -> Option<f64> {
        super::units::mebibytes(self.text(name)?)
    }

    /// The time given for a [`Kind::Duration`].
    pub fn duration(&self, name: &str) -> Option<Duration> {
        super::units::duration(self.text(name)?)
    }

    /// All ranges given for a [`Kind::Ports`], in order.
    pub fn ports(&self, name: &str) -> Vec<(u64, u64)> {
        self.all(name).filter_map(|given| super::units::ports(&given.value)).flatten().collect()
    }

    /// All pairs given for a [`Kind::KeyValue`], in order.
    pub fn pairs(&self, name: &str) -> Vec<(&str, &str)> {
        self.all(name).filter_map(|given| given.value.split_once('=')).collect()
    }

    /// The value given for a [`Kind::Json`].
    pub fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.text(name)?).ok()
    }

    /// The task state given for a [`Kind::TaskState`], by its protocol name (`TASK_RUNNING`).
    pub fn task_state(&self, name: &str) -> Option<String> {
        self.text(name).map(kind::task_state)
    }

    /// Where its (last) value stands; the verb's own place if it was not given, so that a caret always finds one.
    pub fn span(&self, name: &str) -> Range<usize> {
        self.spanned(name).map_or_else(|| self.verb.span.clone(), |given| given.span.clone())
    }

    /// The verb as it was typed, and where.
    pub fn verb(&self) -> &Spanned<String> {
        &self.verb
    }

    /// The whole input, which spans count in.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// A diagnostic that points at this argument: for what only the command can know, such as an unknown id.
    pub fn wrong(&self, name: &str, what: impl Into<String>) -> Diagnostic {
        self.wrong_at(self.span(name), what)
    }

    /// A diagnostic that points at one of several values, from [`all`](Self::all).
    pub fn wrong_at(&self, span: Range<usize>, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(what).at(&*self.source, span)
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
