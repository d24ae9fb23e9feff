//! The gate between outside text and a terminal: control and invisible characters become visible escapes.
//!
//! Task names, labels, messages and sandbox files are written by whoever runs tasks, and a terminal obeys what it is
//! sent (CVE-2021-25743). Nothing here knows documents or colours.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text that may stand in several lines: everything but `\n` and `\t` that a terminal would obey or hide is escaped.
pub fn safe(text: &str) -> Cow<'_, str> {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// Text that must stay in its line: `\n` and `\t` are escaped too.
pub fn safe_line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

fn escape(text: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    replace(text, |c| is_unsafe(c) && !allowed(c), push_visible)
}

fn replace(text: &str, harmful: impl Fn(char) -> bool, push: impl Fn(&mut String, char)) -> Cow<'_, str> {
    // Most text is plain ASCII, and for that a look at its bytes is enough.
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) || !text.chars().any(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if harmful(c) { push(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// JSON or YAML text in which everything unsafe stands in double quotes: there it becomes an escape of the same meaning,
/// so the text stays exact. Line breaks between the values stay as they are.
pub(super) fn safe_json(json: &str) -> Cow<'_, str> {
    replace(json, is_unsafe_in_lines, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// The same for YAML, which knows no surrogates.
pub(super) fn safe_yaml(yaml: &str) -> Cow<'_, str> {
    replace(yaml, is_unsafe_in_lines, |out, c| {
        let code = u32::from(c);
        // Writing to a String cannot fail.
        let _ = if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
    })
}

/// Writes a character as one would in Rust source, so that it can be seen and searched for.
fn push_visible(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => {
            let code = u32::from(c);
            // Writing to a String cannot fail.
            let _ = if code < 0x100 { write!(out, "\\x{code:02x}") } else { write!(out, "\\u{{{code:x}}}") };
        }
    }
}

fn is_unsafe_in_lines(c: char) -> bool {
    is_unsafe(c) && c != '\n'
}

/// Whether a terminal would obey, reorder or hide this character.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Bidirectional controls and characters without a glyph: they make text read as what it is not.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_shown() {
        for (text, lines, line) in [
            ("web", "web", "web"),
            ("a\tb\nc", "a\tb\nc", r"a\tb\nc"),
            ("\x1b[31mred", r"\x1b[31mred", r"\x1b[31mred"),
            ("bell\x07 back\x08 del\x7f", r"bell\x07 back\x08 del\x7f", r"bell\x07 back\x08 del\x7f"),
            ("over\rwritten", r"over\rwritten", r"over\rwritten"),
            ("\u{9b}31m", r"\x9b31m", r"\x9b31m"),
            ("a\u{202e}b", r"a\u{202e}b", r"a\u{202e}b"),
            ("no\u{200b}thing\u{feff}", r"no\u{200b}thing\u{feff}", r"no\u{200b}thing\u{feff}"),
            ("naïve 日本 🦀", "naïve 日本 🦀", "naïve 日本 🦀"),
        ] {
            assert_eq!(safe(text), lines);
            assert_eq!(safe_line(text), line);
        }
    }

    proptest! {
        #[test]
        fn nothing_unsafe_passes(text in any::<String>()) {
            prop_assert!(!safe_line(&text).chars().any(is_unsafe));
            prop_assert!(!safe(&text).chars().any(|c| is_unsafe(c) && c != '\n' && c != '\t'));
        }

        #[test]
        fn ordinary_text_is_untouched(text in "[ -~äöü日本]*") {
            prop_assert!(matches!(safe_line(&text), Cow::Borrowed(same) if same == text));
        }
    }
}
