//! Cursor positions: Jupyter counts code points, Rust bytes.

/// The byte at which code point number `at` begins; the end if there is none.
pub fn byte(text: &str, at: usize) -> usize {
    text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
}

/// The number of code points before byte `at`.
pub fn point(text: &str, at: usize) -> usize {
    text.char_indices().take_while(|(byte, _)| *byte < at).count()
}

/// The word around byte `at`: what could be a verb, an id or a Rust path.
pub fn word(text: &str, at: usize) -> &str {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = before.rfind(|c| !part(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let end = before.len() + after.find(|c| !part(c)).unwrap_or(after.len());
    text.get(start..end).unwrap_or_default().trim_matches(['.', ':'])
}

/// Where the name that byte `at` is in, or just behind, ends.
pub fn name_end(text: &str, at: usize) -> usize {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '!');
    before.len() + after.find(|c| !part(c)).unwrap_or(after.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_bytes_and_code_points() {
        let text = "ae\u{301}😀b";
        for (points, bytes) in [(0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (5, 9)] {
            assert_eq!((byte(text, points), point(text, bytes)), (bytes, points));
        }
        assert_eq!(byte(text, 99), 9);
    }

    #[test]
    fn names_end_where_they_end() {
        for (text, at, want) in [("let abc = f(x);", 5, 7), ("f(x)", 1, 1), ("é.map(", 4, 6), ("x", 9, 1)] {
            assert_eq!(name_end(text, at), want, "{text}");
        }
    }

    #[test]
    fn words_around_a_cursor() {
        for (text, at, want) in [
            ("accept O0 --docker", 8, "O0"),
            ("accept O0", 9, "O0"),
            ("é web-1 x", 4, "web-1"),
            ("", 0, ""),
            ("a.b()", 2, "a.b"),
            ("x", 5, "x"),
        ] {
            assert_eq!(word(text, at), want, "{text}");
        }
    }
}
