//! Whether text looks like Rust, and whether its brackets, strings and comments are closed.
//!
//! A guess for telling cells apart and for multi-line editing, never a check: compiling is the kernel's affair.

use std::ops::Range;

use super::parse::Open;
use super::token::char_at;

/// Words that begin Rust statements and items.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "const", "crate", "dyn", "enum", "extern", "fn", "for", "if", "impl", "let", "loop",
    "match", "mod", "move", "mut", "pub", "return", "self", "static", "struct", "super", "trait", "type", "union",
    "unsafe", "use", "where", "while",
];

/// Whether text begins as Rust would, rather than as a mistyped command.
pub(super) fn plausible(text: &str) -> bool {
    let text = text.trim_start();
    if ["//", "/*", "#[", "#![", "(", "&", "|", "::", "*", "!"].iter().any(|start| text.starts_with(start)) {
        return true;
    }
    let past = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, after) = text.split_at(past);
    if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let glued = ["::", "(", "[", ".", "?", "!(", "![", "!{", "!{"].iter().any(|mark| after.starts_with(mark));
    (KEYWORDS.contains(&word) && after.starts_with([' ', '\n', '{', '(', ':', ';'])) || glued || assigns(after)
}

/// Whether what follows a name assigns to it, compares it or calculates with it.
pub(super) fn assigns(after: &str) -> bool {
    let after = after.trim_start_matches([' ', '\t']);
    let mut chars = after.chars();
    match chars.next() {
        Some('=') => true,
        Some('+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '!' | '<' | '>') => chars.next() == Some('='),
        _ => false,
    }
}

/// What is open at the end of Rust text; `Err` is a closing bracket that closes nothing.
pub(super) fn open(text: &str, span: Range<usize>) -> Result<Option<Open>, usize> {
    let text = text.get(..span.end).unwrap_or(text);
    let mut stack = Vec::new();
    let mut at = span.start;
    while let Some(c) = char_at(text, at) {
        match lexeme(text, at, c) {
            Lexeme::Until(end) => at = end,
            Lexeme::Unclosed(what) => return Ok(Some(what)),
        }
        match c {
            '{' | '[' | '(' => stack.push(c),
            '}' | ']' | ')' if stack.pop() != Some(opener(c)) => return Err(at - 1),
            _ => {}
        }
    }
    Ok(stack.pop().map(|opener| match opener {
        '[' => Open::Bracket,
        '(' => Open::Paren,
        _ => Open::Brace,
    }))
}

fn opener(closer: char) -> char {
    match closer {
        ']' => '[',
        ')' => '(',
        _ => '{',
    }
}

/// How far the thing at some place reaches.
enum Lexeme {
    Until(usize),
    Unclosed(Open),
}

fn lexeme(text: &str, at: usize, c: char) -> Lexeme {
    let rest = text.get(at..).unwrap_or_default();
    match c {
        '/' if rest.starts_with("//") => Lexeme::Until(at + rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => block_comment(rest, at),
        '"' => string(rest, at),
        '\'' => Lexeme::Until(at + quote(rest)),
        _ if c.is_alphanumeric() || c == '_' => word(text, rest, at),
        _ => Lexeme::Until(at + c.len_utf8()),
    }
}

/// A name or number, or a raw string (`r#"..."#`) that begins like a name.
fn word(text: &str, rest: &str, at: usize) -> Lexeme {
    let past = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, after) = rest.split_at(past);
    let hashes = after.len() - after.trim_start_matches('#').len();
    let quote = at + past + hashes;
    if !matches!(name, "r" | "br" | "cr") || char_at(text, quote) != Some('"') {
        return Lexeme::Until(at + past);
    }
    let closer = format!("\"{}", "#".repeat(hashes));
    match text.get(quote + 1..).and_then(|body| body.find(&closer)) {
        Some(length) => Lexeme::Until(quote + 1 + length + closer.len()),
        None => Lexeme::Unclosed(Open::Quote),
    }
}

fn string(rest: &str, at: usize) -> Lexeme {
    match super::token::string_end(rest, 0) {
        Some(length) => Lexeme::Until(at + length),
        None => Lexeme::Unclosed(Open::Quote),
    }
}

/// The length of a character literal, or of a lifetime's quote.
fn quote(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((escaped, c))) => {
            let after = escaped + c.len_utf8();
            let close = rest.get(after..).and_then(|tail| tail.find(['\'', '\n']));
            close.map_or(1, |length| after + length + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn block_comment(rest: &str, at: usize) -> Lexeme {
    let mut depth = 0_usize;
    let mut chars = rest.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match (c, chars.peek().map(|(_, next)| *next)) {
            ('/', Some('*')) => {
                depth += 1;
                chars.next();
            }
            ('*', Some('/')) => {
                depth -= 1;
                chars.next();
                if depth == 0 {
                    return Lexeme::Until(at + i + 2);
                }
            }
            _ => {}
        }
    }
    Lexeme::Unclosed(Open::Comment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rust_looks_like_rust() {
        for text in [
            "let x = 1;",
            "fn main() {}",
            "use std::fmt;",
            "web.logs()?.tail(20)",
            "println!(\"x\")",
            "x = 3",
            "x += 3",
            "#[derive(Debug)]\nstruct A;",
            "// a remark",
            "foo(1)",
            "a::b",
            "&x",
            "for x in y {}",
            "vec![1]",
            "x == y",
        ] {
            assert!(plausible(text), "{text}");
        }
        for text in ["offer", "acept O0 --cpus=2", "5", "what is this", "mesos-master:5050", "", "lets go", "\"x\""] {
            assert!(!plausible(text), "{text}");
        }
    }

    #[test]
    fn what_is_open_in_rust() {
        for (text, want) in [
            ("let x = 1;", Ok(None)),
            ("fn f() {", Ok(Some(Open::Brace))),
            ("f(1,", Ok(Some(Open::Paren))),
            ("[1,", Ok(Some(Open::Bracket))),
            ("\"abc", Ok(Some(Open::Quote))),
            ("/* a /* b */", Ok(Some(Open::Comment))),
            ("/* a /* b */ */", Ok(None)),
            ("// {", Ok(None)),
            ("'{'", Ok(None)),
            ("'\\''", Ok(None)),
            ("fn f<'a>(x: &'a str) {}", Ok(None)),
            (r##"r#"{"type""##, Ok(Some(Open::Quote))),
            (r##"f(r#"{"a": 1}"#)"##, Ok(None)),
            (r#""a\"{""#, Ok(None)),
            ("f(}", Err(2)),
            (")", Err(0)),
        ] {
            assert_eq!(open(text, 0..text.len()), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r##"[a-cr'"\\#/*{}()\[\]é\n ]{0,24}"##) {
            let _ = (plausible(&text), open(&text, 0..text.len()));
        }
    }
}
