//! Words of a command: quotes, escapes, JSON as one word, comments, separators. Any text has words; none is an error.
//!
//! Nothing here knows verbs or options. Spans are bytes of the whole text and lie on character boundaries.

use std::ops::Range;

use super::input::{Word, WordKind};
use super::parse::Open;

/// One command's words, up to the `;`, the line's end or the text's end.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Line {
    pub(super) words: Vec<Word>,
    /// A `# comment` at its end.
    pub(super) comment: Option<Range<usize>>,
    /// Where the words end.
    pub(super) end: usize,
    /// Where the next command may begin.
    pub(super) next: usize,
    /// What is not closed, and where it was opened.
    pub(super) open: Option<(Open, usize)>,
}

/// Takes one command's words, from `start` on.
pub(super) fn line(text: &str, start: usize) -> Line {
    let mut line = Line { end: start, ..Line::default() };
    let mut at = start;
    while let Some(c) = char_at(text, at) {
        match c {
            '\n' | ';' => {
                line.next = at + 1;
                return line;
            }
            '#' => {
                let end = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| at + n);
                line.comment = Some(at..end);
                at = end;
            }
            '\\' if continues(text, at).is_some() => at = continues(text, at).unwrap_or(at + 1),
            '\\' if at + 1 == text.len() => {
                line.open = Some((Open::Backslash, at));
                at += 1;
            }
            _ if c.is_whitespace() => at += c.len_utf8(),
            _ => {
                let (word, open) = word(text, at);
                at = word.span.end;
                line.end = at;
                line.words.push(word);
                line.open = open;
            }
        }
    }
    line.next = text.len();
    line
}

/// The character at a byte; `None` at the end (or within a character, which callers never ask).
pub(super) fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Past a backslash and the line break that it takes away.
fn continues(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    ["\\\n", "\\\r\n"].iter().find(|mark| rest.starts_with(**mark)).map(|mark| at + mark.len())
}

/// The word that begins at `start`, and what of it is not closed.
fn word(text: &str, start: usize) -> (Word, Option<(Open, usize)>) {
    if let Some('{' | '[') = char_at(text, start) {
        match balance(text, start) {
            Balance::Closed(end) if ends_word(text, end) => return (json_word(text, start..end), None),
            Balance::Open(why, at) => return (json_word(text, start..text.len()), Some((why, at))),
            Balance::Closed(_) | Balance::Crossed(_) => {}
        }
    }
    let mut scan = Scan { text, at: start, out: String::new(), open: None };
    while let Some(c) = char_at(text, scan.at) {
        if c.is_whitespace() || c == ';' {
            break;
        }
        scan.step(c, start);
    }
    let quoted = matches!(char_at(text, start), Some('"' | '\''));
    let kind = if quoted { WordKind::Quoted } else { WordKind::Bare };
    (Word { text: scan.out, span: start..scan.at, kind }, scan.open)
}

fn ends_word(text: &str, at: usize) -> bool {
    char_at(text, at).is_none_or(|c| c.is_whitespace() || c == ';')
}

fn json_word(text: &str, span: Range<usize>) -> Word {
    Word { text: text.get(span.clone()).unwrap_or_default().to_owned(), span, kind: WordKind::Json }
}

/// Reads a word that is not JSON, a piece at a time.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
    open: Option<(Open, usize)>,
}

impl Scan<'_> {
    fn step(&mut self, c: char, start: usize) {
        match c {
            '\'' => self.single(),
            '"' => self.double(),
            '\\' => self.backslash(),
            '{' | '[' if self.after_option_name(start) => self.json(c),
            _ => self.take(c),
        }
    }

    fn take(&mut self, c: char) {
        self.out.push(c);
        self.at += c.len_utf8();
    }

    /// `--name=` stands before the cursor: JSON may begin here as it may begin a word.
    fn after_option_name(&self, start: usize) -> bool {
        let before = self.text.get(start..self.at).unwrap_or_default();
        before.starts_with("--") && before.find('=') == Some(before.len() - 1)
    }

    fn json(&mut self, c: char) {
        match balance(self.text, self.at) {
            Balance::Closed(end) => self.through(end),
            Balance::Open(why, at) => {
                self.through(self.text.len());
                self.open = Some((why, at));
            }
            Balance::Crossed(_) => self.take(c),
        }
    }

    fn through(&mut self, end: usize) {
        self.out.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// As a shell does: nothing is special within single quotes.
    fn single(&mut self) {
        let opened = self.at;
        self.at += 1;
        match self.text.get(self.at..).and_then(|rest| rest.find('\'')) {
            Some(length) => {
                self.through(self.at + length);
                self.at += 1;
            }
            None => {
                self.through(self.text.len());
                self.open = Some((Open::Quote, opened));
            }
        }
    }

    fn double(&mut self) {
        let opened = self.at;
        self.at += 1;
        while let Some(c) = char_at(self.text, self.at) {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => self.escape(),
                _ => self.take(c),
            }
        }
        self.open = Some((Open::Quote, opened));
    }

    /// A backslash within double quotes; before a character that needs none it stays (`"\d+"`).
    fn escape(&mut self) {
        self.at += 1;
        let Some(c) = char_at(self.text, self.at) else {
            return;
        };
        match c {
            'n' => self.out.push('\n'),
            't' => self.out.push('\t'),
            'r' => self.out.push('\r'),
            '"' | '\\' | '\'' | '$' | '`' => self.out.push(c),
            '\n' => {}
            _ => {
                self.out.push('\\');
                self.out.push(c);
            }
        }
        self.at += c.len_utf8();
    }

    /// A backslash outside quotes: the next character means itself; a line break goes away.
    fn backslash(&mut self) {
        if let Some(past) = continues(self.text, self.at) {
            self.at = past;
            return;
        }
        let opened = self.at;
        self.at += 1;
        match char_at(self.text, self.at) {
            Some(c) => self.take(c),
            None => self.open = Some((Open::Backslash, opened)),
        }
    }
}

/// How the brackets that open at some place end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Balance {
    /// Past the bracket that closes the first.
    Closed(usize),
    /// Not closed: what and where, innermost.
    Open(Open, usize),
    /// A closing bracket of the wrong kind.
    Crossed(usize),
}

/// Follows `{` and `[` from `start`, over strings, to the bracket that closes the first.
pub(super) fn balance(text: &str, start: usize) -> Balance {
    let mut stack: Vec<(char, usize)> = Vec::new();
    let mut at = start;
    while let Some(c) = char_at(text, at) {
        match c {
            '{' => stack.push(('}', at)),
            '[' => stack.push((']', at)),
            '}' | ']' => match stack.pop() {
                Some((closer, _)) if closer == c && stack.is_empty() => return Balance::Closed(at + 1),
                Some((closer, _)) if closer == c => {}
                _ => return Balance::Crossed(at),
            },
            '"' => match string_end(text, at) {
                Some(end) => {
                    at = end;
                    continue;
                }
                None => return Balance::Open(Open::Quote, at),
            },
            // JSON has no single quotes, but people paste Python; brackets in such strings count no more than in others.
            '\'' => {
                at = python_string_end(text, at).unwrap_or(at + 1);
                continue;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    match stack.pop() {
        Some((']', at)) => Balance::Open(Open::Bracket, at),
        Some((_, at)) => Balance::Open(Open::Brace, at),
        None => Balance::Crossed(start),
    }
}

/// Past the `"` that closes the string opened at `start`.
pub(super) fn string_end(text: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.get(start + 1..)?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(start + 1 + i + 1),
            _ => {}
        }
    }
    None
}

/// Past the `'` that closes a string within its line.
fn python_string_end(text: &str, start: usize) -> Option<usize> {
    let line = text.get(start + 1..)?.lines().next()?;
    line.find('\'').map(|length| start + 1 + length + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<(String, &str, WordKind)> {
        let words = line(text, 0).words;
        words.into_iter().map(|word| (word.text, &text[word.span], word.kind)).collect()
    }

    #[test]
    fn words_are_told_apart() {
        use WordKind::{Bare, Json, Quoted};
        for (text, want) in [
            ("", vec![]),
            ("offers", vec![("offers", "offers", Bare)]),
            ("kill a  b", vec![("kill", "kill", Bare), ("a", "a", Bare), ("b", "b", Bare)]),
            (r#"--name "a b""#, vec![("--name", "--name", Bare), ("a b", r#""a b""#, Quoted)]),
            (r#"--name="a b" c"#, vec![("--name=a b", r#"--name="a b""#, Bare), ("c", "c", Bare)]),
            (r#"'a "b" \n'"#, vec![(r#"a "b" \n"#, r#"'a "b" \n'"#, Quoted)]),
            (r#""a\"b\n\d""#, vec![("a\"b\n\\d", r#""a\"b\n\d""#, Quoted)]),
            (r"a\ b \;", vec![("a b", r"a\ b", Bare), (";", r"\;", Bare)]),
            ("a # b", vec![("a", "a", Bare)]),
            ("a#b", vec![("a#b", "a#b", Bare)]),
            ("a; b", vec![("a", "a", Bare)]),
            ("a\nb", vec![("a", "a", Bare)]),
            ("a \\\n b", vec![("a", "a", Bare), ("b", "b", Bare)]),
            ("a\\\r\nb", vec![("ab", "a\\\r\nb", Bare)]),
            (
                r#"call {"a": "}"} x"#,
                vec![("call", "call", Bare), (r#"{"a": "}"}"#, r#"{"a": "}"}"#, Json), ("x", "x", Bare)],
            ),
            ("[9000-9010]", vec![("[9000-9010]", "[9000-9010]", Json)]),
            ("[0].id", vec![("[0].id", "[0].id", Bare)]),
            ("{a] b", vec![("{a]", "{a]", Bare), ("b", "b", Bare)]),
            (r#"--json={"a": 1} b"#, vec![(r#"--json={"a": 1}"#, r#"--json={"a": 1}"#, Bare), ("b", "b", Bare)]),
            (".slaves[0].id", vec![(".slaves[0].id", ".slaves[0].id", Bare)]),
            ("'it'\\''s'", vec![("it's", "'it'\\''s'", Quoted)]),
            ("日本 é", vec![("日本", "日本", Bare), ("é", "é", Bare)]),
        ] {
            let want: Vec<_> = want.into_iter().map(|(t, s, k)| (t.to_owned(), s, k)).collect();
            assert_eq!(words(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_open_is_known() {
        for (text, want) in [
            ("a", None),
            ("a 'b", Some((Open::Quote, 2))),
            ("a \"b", Some((Open::Quote, 2))),
            ("a \\", Some((Open::Backslash, 2))),
            ("a\\", Some((Open::Backslash, 1))),
            ("call {\"a\": [1", Some((Open::Bracket, 11))),
            ("call {\"a\": \"x", Some((Open::Quote, 11))),
            ("--json={", Some((Open::Brace, 7))),
            ("a # 'b", None),
        ] {
            assert_eq!(line(text, 0).open, want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn words_cover_what_they_say(text in r#"[a-c'"\\ ;#\n{}\[\]=é日-]{0,24}"#) {
            let mut at = 0;
            while at < text.len() {
                let line = line(&text, at);
                prop_assert!(line.next > at && line.next <= text.len() && text.is_char_boundary(line.next));
                let mut last = at;
                for word in &line.words {
                    prop_assert!(word.span.start >= last && word.span.end > word.span.start);
                    prop_assert!(text.get(word.span.clone()).is_some());
                    last = word.span.end;
                }
                prop_assert!(line.end >= last && line.end <= line.next);
                at = line.next;
            }
        }
    }
}
