//! What was typed, kept across starts: a line of JSON per cell in a file that only its owner reads.
//!
//! A history that can't be written is a history in memory: nothing fails for it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Map, Value, json};
use tracing::warn;

/// How many cells are kept.
const KEPT: usize = 20_000;
/// A longer cell isn't kept: it is data, not something typed.
const LONGEST: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    session: i64,
    line: i64,
    source: String,
}

impl Cell {
    fn parse(line: &str) -> Option<Self> {
        let (session, line, source) = serde_json::from_str(line).ok()?;
        Some(Self { session, line, source })
    }

    fn to_json(&self) -> Value {
        json!([self.session, self.line, self.source])
    }
}

/// The cells of this and earlier sessions, oldest first.
#[derive(Debug)]
pub struct History {
    cells: Vec<Cell>,
    session: i64,
    file: Option<File>,
}

impl History {
    /// Reads what there is; a new session begins.
    pub fn open(path: Option<&Path>) -> Self {
        let mut cells = path.map(read).unwrap_or_default();
        cells.drain(..cells.len().saturating_sub(KEPT));
        let session = cells.iter().map(|cell: &Cell| cell.session).max().unwrap_or(0) + 1;
        let file = path.and_then(|path| match append(path) {
            Ok(file) => Some(file),
            Err(error) => {
                warn!("{}: {error}; the history is kept in memory only", path.display());
                None
            }
        });
        Self { cells, session, file }
    }

    /// Adds a cell of this session.
    pub fn add(&mut self, line: u32, source: &str) {
        if source.len() > LONGEST {
            return;
        }
        let cell = Cell { session: self.session, line: line.into(), source: source.to_owned() };
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{}", cell.to_json())
        {
            warn!("the history can't be written: {error}");
            self.file = None;
        }
        self.cells.push(cell);
    }

    /// Answers a history request's content: a list of (session, line, source), with `(source, null)` as the source if
    /// outputs are asked for, which aren't kept.
    pub fn answer(&self, request: &Map<String, Value>) -> Vec<Value> {
        let flag = |name: &str| request.get(name).and_then(Value::as_bool).unwrap_or(false);
        let number = |name: &str| request.get(name).and_then(Value::as_i64);
        let n = number("n").and_then(|n| usize::try_from(n).ok());
        let found: Vec<&Cell> = match request.get("hist_access_type").and_then(Value::as_str) {
            Some("range") => self.range(number("session").unwrap_or(0), number("start"), number("stop")),
            Some("search") => {
                let pattern = request.get("pattern").and_then(Value::as_str).unwrap_or("*");
                last(self.search(pattern, flag("unique")), n.unwrap_or(usize::MAX))
            }
            _ => last(self.cells.iter().collect(), n.unwrap_or(10)),
        };
        let output = flag("output");
        let entry = |cell: &&Cell| {
            let source = if output { json!([cell.source, null]) } else { json!(cell.source) };
            json!([cell.session, cell.line, source])
        };
        found.iter().map(entry).collect()
    }

    /// Session 0 is this one, -1 the one before.
    fn range(&self, session: i64, start: Option<i64>, stop: Option<i64>) -> Vec<&Cell> {
        let session = if session <= 0 { self.session.saturating_add(session) } else { session };
        let lines = start.unwrap_or(1)..stop.unwrap_or(i64::MAX);
        self.cells.iter().filter(|cell| cell.session == session && lines.contains(&cell.line)).collect()
    }

    fn search(&self, pattern: &str, unique: bool) -> Vec<&Cell> {
        let mut found: Vec<&Cell> = self.cells.iter().filter(|cell| matches(pattern, &cell.source)).collect();
        if unique {
            let mut known = std::collections::HashSet::new();
            found.reverse();
            found.retain(|cell| known.insert(&cell.source));
            found.reverse();
        }
        found
    }
}

fn last<T>(mut list: Vec<T>, n: usize) -> Vec<T> {
    list.split_off(list.len().saturating_sub(n))
}

fn read(path: &Path) -> Vec<Cell> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    // A line that two kernels wrote into each other is skipped.
    BufReader::new(file).lines().map_while(Result::ok).filter_map(|line| Cell::parse(&line)).collect()
}

fn append(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Whether the text fits the pattern, in which `*` is any text and `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                // Let the last star take one character more.
                let Some((at, taken)) = star else { return false };
                (p, t) = (at + 1, taken + 1);
                star = Some((at, taken + 1));
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(history: &History, request: Value) -> Value {
        history.answer(request.as_object().unwrap()).into()
    }

    #[test]
    fn patterns() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("?", "é", true),
            ("*off*", "wait for offers", true),
            ("off", "offers", false),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn sessions_are_kept_and_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/history.jsonl");
        let mut first = History::open(Some(&path));
        first.add(1, "subscribe");
        first.add(2, "offers");
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"not json\n").unwrap();
        let mut second = History::open(Some(&path));
        second.add(1, "offers");
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for (request, want) in [
            (json!({"hist_access_type": "tail", "n": 2}), json!([[1, 2, "offers"], [2, 1, "offers"]])),
            (json!({"hist_access_type": "tail", "n": 1, "output": true}), json!([[2, 1, ["offers", null]]])),
            (json!({"hist_access_type": "range", "session": 0}), json!([[2, 1, "offers"]])),
            (json!({"hist_access_type": "range", "session": -1, "start": 1, "stop": 2}), json!([[1, 1, "subscribe"]])),
            (json!({"hist_access_type": "search", "pattern": "off*", "unique": true}), json!([[2, 1, "offers"]])),
            (
                json!({"hist_access_type": "search", "pattern": "*"}),
                json!([[1, 1, "subscribe"], [1, 2, "offers"], [2, 1, "offers"]]),
            ),
        ] {
            assert_eq!(ask(&second, request.clone()), want, "{request}");
        }
    }
}
