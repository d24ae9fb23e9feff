//! What could stand at the cursor: verbs, options, values by their kind, field names inside JSON.
//!
//! Looks only at the text before the cursor. Live names come through [`Names`]; nothing here asks a session.

use std::collections::HashSet;
use std::ops::Range;

use super::input::{Word, WordKind};
use super::json::{self, JsonKind};
use super::kind::TASK_STATES;
use super::parse::{Forced, Shape, next_statement, shape, statements, verb_name};
use super::spec::{Arity, Kind, Opt, Positional, Verb, find};
use super::token::{self, Balance, Line};

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
    /// What to insert, quoted where it must be, without a space after it (a JSON key brings its colon).
    pub insert: String,
    /// What to show in a list.
    pub shown: String,
    /// A line about it; may be empty.
    pub about: String,
}

/// What could stand at the cursor (a byte; one within a character is moved back to its beginning).
pub fn complete(text: &str, cursor: usize, verbs: &[&Verb], names: &dyn Names) -> Completion {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = text.get(..cursor).unwrap_or_default();
    match place(before, verbs) {
        Place::Verb { start } => verb_candidates(before, start, verbs),
        Place::Json { start } => json_candidates(before, start, names),
        Place::Words { verb, line } => Words::new(before, verb, verbs, names).candidates(&line),
        Place::Elsewhere => Completion { span: cursor..cursor, candidates: Vec::new() },
    }
}

/// What to show dimly after the cursor at the text's end: the rest of the only candidate, or what comes next.
pub fn hint(text: &str, cursor: usize, verbs: &[&Verb], names: &dyn Names) -> Option<String> {
    if cursor != text.len() || text.is_empty() {
        return None;
    }
    let completion = complete(text, cursor, verbs, names);
    let typed = text.get(completion.span.clone())?;
    if !typed.is_empty() {
        let [only] = completion.candidates.as_slice() else { return None };
        return only.insert.strip_prefix(typed).filter(|rest| !rest.is_empty()).map(str::to_owned);
    }
    match place(text, verbs) {
        Place::Words { verb, line } => Words::new(text, verb, verbs, names).next_usage(&line),
        _ => None,
    }
}

/// Where in the language the end of a text is.
enum Place<'a> {
    Verb { start: usize },
    Json { start: usize },
    Words { verb: &'a Verb, line: Line },
    Elsewhere,
}

fn place<'a>(before: &str, verbs: &[&'a Verb]) -> Place<'a> {
    let Ok((forced, mut at)) = statements(before) else {
        return Place::Elsewhere;
    };
    while let Some(start) = next_statement(before, at, forced) {
        match shape(before, start, verbs, forced) {
            Shape::Rust => {
                // `off` may become a verb; `let` and `x.y` may not.
                return if alone(before, start) && forced != Some(Forced::Rust) {
                    Place::Verb { start }
                } else {
                    Place::Elsewhere
                };
            }
            Shape::Json => match token::balance(before, start) {
                Balance::Closed(end) => at = end,
                _ => return Place::Json { start },
            },
            kind => {
                let line = token::line(before, start);
                if line.next < before.len() || ended(before, &line) {
                    at = line.next;
                    continue;
                }
                return in_line(before, start, line, kind, verbs);
            }
        }
    }
    if in_comment(before) || forced == Some(Forced::Rust) {
        Place::Elsewhere
    } else {
        Place::Verb { start: before.len() }
    }
}

/// Whether the line's own separator is the text's last character.
fn ended(before: &str, line: &Line) -> bool {
    line.open.is_none() && line.comment.is_none() && line.end < before.len() && before.ends_with(['\n', ';'])
}

fn in_comment(before: &str) -> bool {
    before.lines().next_back().is_some_and(|line| line.trim_start().starts_with('#')) && !before.ends_with('\n')
}

/// Whether the statement is one word that the cursor touches.
fn alone(before: &str, start: usize) -> bool {
    before.get(start..).is_some_and(|word| word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':')))
}

fn in_line<'a>(before: &str, start: usize, line: Line, kind: Shape, verbs: &[&'a Verb]) -> Place<'a> {
    let touches = line.words.len() == 1 && line.end == before.len();
    if line.comment.is_some() {
        Place::Elsewhere
    } else if touches && matches!(kind, Shape::Command | Shape::Unknown) {
        Place::Verb { start }
    } else if let Some(verb) = find(verbs, verb_name(before.get(start..).unwrap_or_default()).0) {
        Place::Words { verb, line }
    } else {
        Place::Elsewhere
    }
}

fn verb_candidates(before: &str, start: usize, verbs: &[&Verb]) -> Completion {
    let colon = usize::from(before.get(start..).is_some_and(|rest| rest.starts_with(':')));
    let start = (start + colon).min(before.len());
    let typed = before.get(start..).unwrap_or_default();
    let own = verbs.iter().map(|verb| (verb.name.to_owned(), verb.summary.to_owned()));
    let mut candidates = matching(typed, own, |name| name.to_owned());
    if candidates.is_empty() {
        // Aliases are for fingers that know them; they only clutter a list of verbs.
        let aliases = verbs
            .iter()
            .flat_map(|verb| verb.aliases.iter().map(|alias| ((*alias).to_owned(), verb.summary.to_owned())));
        candidates = matching(typed, aliases, |name| name.to_owned());
    }
    Completion { span: start..before.len(), candidates }
}

/// The names that begin with what was typed; if none does, those that do so in another case, or contain it.
fn matching(
    typed: &str,
    names: impl Iterator<Item = (String, String)>,
    insert: impl Fn(&str) -> String,
) -> Vec<Candidate> {
    let lower = typed.to_lowercase();
    let mut seen = HashSet::new();
    let names: Vec<_> = names.filter(|(name, _)| seen.insert(name.clone())).collect();
    let fits: [&dyn Fn(&str) -> bool; 3] = [
        &|name| name.starts_with(typed),
        &|name| name.to_lowercase().starts_with(&lower),
        // Ids share their beginnings, so their distinct ends must find them too.
        &|name| lower.len() >= 2 && name.to_lowercase().contains(&lower),
    ];
    for fit in fits {
        let found: Vec<_> = names.iter().filter(|(name, _)| fit(name)).collect();
        if !found.is_empty() {
            let candidate = |(name, about): &(String, String)| Candidate {
                insert: insert(name),
                shown: name.clone(),
                about: about.clone(),
            };
            return found.into_iter().map(candidate).collect();
        }
    }
    Vec::new()
}

/// Completion among the words of a known verb.
struct Words<'a> {
    before: &'a str,
    verb: &'a Verb,
    verbs: &'a [&'a Verb],
    names: &'a dyn Names,
}

/// What the words before the cursor ask for next.
#[derive(Default)]
struct Asked {
    /// An option that still wants its value.
    option: Option<&'static Opt>,
    /// The next positional.
    positional: Option<&'static Positional>,
    given: HashSet<&'static str>,
    only_positionals: bool,
}

impl<'a> Words<'a> {
    fn new(before: &'a str, verb: &'a Verb, verbs: &'a [&'a Verb], names: &'a dyn Names) -> Self {
        Words { before, verb, verbs, names }
    }

    fn candidates(&self, line: &Line) -> Completion {
        let (done, partial) = self.split(line);
        let asked = self.asked(done);
        let Some(word) = partial else {
            let end = self.before.len();
            return self.fresh(&asked, end..end);
        };
        if word.kind == WordKind::Json {
            return json_candidates(self.before, word.span.start, self.names);
        }
        if word.kind == WordKind::Bare
            && !asked.only_positionals
            && asked.option.is_none()
            && word.text.starts_with('-')
        {
            return self.dashed(word, &asked);
        }
        match asked.option.and_then(|option| option.value).map(|(_, kind)| kind).or(asked.positional.map(|p| p.kind)) {
            Some(kind) => self.values(kind, &word.text, word.span.clone()),
            None => Completion { span: word.span.clone(), candidates: Vec::new() },
        }
    }

    /// The words before the one that the cursor touches, and that one.
    fn split<'l>(&self, line: &'l Line) -> (&'l [Word], Option<&'l Word>) {
        let words = line.words.get(1..).unwrap_or_default();
        let open_word = !matches!(line.open, None | Some((super::Open::Backslash, _)));
        match words.split_last() {
            Some((last, done)) if last.span.end == self.before.len() || open_word => (done, Some(last)),
            _ => (words, None),
        }
    }

    fn asked(&self, words: &[Word]) -> Asked {
        let mut asked = Asked::default();
        let mut placed = 0;
        for word in words {
            let bare = word.kind == WordKind::Bare && !asked.only_positionals;
            if asked.option.take().is_some() {
                continue;
            }
            if bare && word.text == "--" {
                asked.only_positionals = true;
            } else if let Some(option) = self.option_of(word).filter(|_| bare) {
                asked.given.insert(option.long);
                asked.option = Some(option).filter(|option| option.value.is_some() && !word.text.contains('='));
            } else if !(bare && word.text.starts_with('-') && word.text.len() > 1) {
                placed += usize::from(self.repeats(placed).is_none());
            }
        }
        asked.positional = self.verb.positionals.get(placed);
        asked
    }

    fn repeats(&self, placed: usize) -> Option<&'static Positional> {
        self.verb.positionals.get(placed).filter(|p| matches!(p.arity, Arity::Many | Arity::Any | Arity::Rest))
    }

    fn option_of(&self, word: &Word) -> Option<&'static Opt> {
        let text = word.text.as_str();
        match text.strip_prefix("--") {
            Some(long) => self.verb.option(long.split('=').next().unwrap_or(long)),
            None => text
                .strip_prefix('-')
                .and_then(|letters| letters.chars().next_back())
                .and_then(|c| self.verb.short_option(c)),
        }
    }

    /// Nothing typed yet: values that are asked for, then options.
    fn fresh(&self, asked: &Asked, span: Range<usize>) -> Completion {
        if let Some((_, kind)) = asked.option.and_then(|option| option.value) {
            return self.values(kind, "", span);
        }
        let mut candidates =
            asked.positional.map_or_else(Vec::new, |p| self.values(p.kind, "", span.clone()).candidates);
        let must = asked.positional.is_some_and(|p| p.arity == Arity::One);
        if !asked.only_positionals && (candidates.is_empty() || !must) {
            candidates.extend(self.options("", asked));
        }
        Completion { span, candidates }
    }

    /// `-`, `--cp` or `--mem=`.
    fn dashed(&self, word: &Word, asked: &Asked) -> Completion {
        let raw = self.before.get(word.span.clone()).unwrap_or_default();
        match (self.option_of(word).and_then(|option| option.value), raw.find('=')) {
            (Some((_, kind)), Some(equals)) => {
                let start = word.span.start + equals + 1;
                let value = word.text.split_once('=').map_or("", |(_, value)| value);
                if value.starts_with(['{', '[']) {
                    return json_candidates(self.before, start, self.names);
                }
                self.values(kind, value, start..word.span.end)
            }
            (None, Some(_)) => Completion { span: word.span.clone(), candidates: Vec::new() },
            (_, None) => Completion { span: word.span.clone(), candidates: self.options(&word.text, asked) },
        }
    }

    fn options(&self, typed: &str, asked: &Asked) -> Vec<Candidate> {
        let free = self.verb.options.iter().filter(|option| option.repeated || !asked.given.contains(option.long));
        matching(typed, free.map(|option| (format!("--{}", option.long), option.about.to_owned())), str::to_owned)
    }

    fn values(&self, kind: Kind, typed: &str, span: Range<usize>) -> Completion {
        let live = self.names.candidates(kind);
        let fixed: Vec<(String, String)> = match kind {
            Kind::Choice(words) => words.iter().map(|word| ((*word).to_owned(), String::new())).collect(),
            Kind::Verb => self.verbs.iter().map(|verb| (verb.name.to_owned(), verb.summary.to_owned())).collect(),
            // People type states without TASK_; whoever types it gets it.
            Kind::TaskState if typed.to_uppercase().starts_with("TASK") => pairs(TASK_STATES, |name| name.to_owned()),
            Kind::TaskState => pairs(TASK_STATES, |name| name.trim_start_matches("TASK_").to_owned()),
            _ => Vec::new(),
        };
        Completion { span, candidates: matching(typed, live.into_iter().chain(fixed), quoted) }
    }

    /// What comes next, as usage: `OFFER [--docker IMAGE]...` shortened to the next thing.
    fn next_usage(&self, line: &Line) -> Option<String> {
        let (done, None) = self.split(line) else { return None };
        let asked = self.asked(done);
        if let Some((metavar, _)) = asked.option.and_then(|option| option.value) {
            return Some(metavar.to_owned());
        }
        asked.positional.map(Positional::usage)
    }
}

fn pairs(names: &[(&str, &str)], name: impl Fn(&str) -> String) -> Vec<(String, String)> {
    names.iter().map(|(full, about)| (name(full), (*about).to_owned())).collect()
}

/// A value as a word of the language.
fn quoted(value: &str) -> String {
    let plain = |c: char| !(c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | ';'));
    let begins = !value.starts_with(['{', '[', '#', '-']);
    if value.chars().all(plain) && begins && !value.is_empty() {
        return value.to_owned();
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// An object or array around the cursor.
struct Frame {
    object: bool,
    key: Option<String>,
    /// The keys that the object has already.
    keys: HashSet<String>,
    /// Whether a key (or a value without a key) comes next.
    expects_key: bool,
    expects_value: bool,
}

fn json_candidates(before: &str, start: usize, names: &dyn Names) -> Completion {
    let tokens = json::tokens(before, start..before.len());
    let (done, partial) = match tokens.split_last() {
        Some(((JsonKind::OpenString | JsonKind::Other, span), done)) if span.end == before.len() => {
            (done, Some(span.clone()))
        }
        _ => (tokens.as_slice(), None),
    };
    let frames = frames(before, done);
    let span = partial.unwrap_or(before.len()..before.len());
    let typed = before.get(span.clone()).unwrap_or_default().trim_start_matches('"');
    let Some(frame) = frames.last() else {
        return Completion { span, candidates: Vec::new() };
    };
    let path: Vec<String> = frames.iter().filter_map(|frame| frame.key.clone()).collect();
    let candidates = if frame.object && frame.expects_key {
        let free = names.fields(&path).into_iter().filter(|(name, _)| !frame.keys.contains(name));
        matching(typed, free, |name| format!("{}: ", json_string(name)))
    } else if frame.expects_value {
        matching(typed, names.values(&path).into_iter(), json_string)
    } else {
        Vec::new()
    };
    Completion { span, candidates }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn frames(before: &str, tokens: &[(JsonKind, Range<usize>)]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (kind, span) in tokens {
        let text = before.get(span.clone()).unwrap_or_default();
        match kind {
            JsonKind::Open => {
                let object = text == "{";
                let (key, keys) = (None, HashSet::new());
                frames.push(Frame { object, key, keys, expects_key: object, expects_value: !object });
                continue;
            }
            JsonKind::Close => drop(frames.pop()),
            _ => {}
        }
        let Some(frame) = frames.last_mut() else { continue };
        frame.step(*kind, text);
    }
    frames
}

impl Frame {
    fn step(&mut self, kind: JsonKind, text: &str) {
        match kind {
            JsonKind::Key if self.object => {
                let key: String = serde_json::from_str(text).unwrap_or_default();
                self.keys.insert(key.clone());
                self.key = Some(key);
                self.expects_key = false;
            }
            JsonKind::Colon => self.expects_value = true,
            JsonKind::Comma => {
                self.key = None;
                self.expects_key = self.object;
                self.expects_value = !self.object;
            }
            _ => {
                self.expects_value = false;
                self.expects_key = false;
            }
        }
    }
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
