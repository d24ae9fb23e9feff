//! Where in a JSON text a value or a field's name stands: for carets under what is wrong inside it.
//!
//! The text has been parsed before; nothing here judges it, and what can't be found has no place.

use std::ops::Range;

use super::token::string_end;

/// One step from a JSON value to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// An object's field.
    Field(&'a str),
    /// A list's item.
    Item(usize),
}

/// The bytes of the value that `path` leads to from the one at `span`; with `name`, of the last field's name.
pub fn locate(text: &str, span: Range<usize>, path: &[Key<'_>], name: bool) -> Option<Range<usize>> {
    let mut walk = Walk { text: text.get(..span.end)?, at: span.start };
    for (index, key) in path.iter().enumerate() {
        walk.blank();
        let last = index + 1 == path.len();
        match key {
            Key::Field(field) => {
                let found = walk.field(field)?;
                if last && name {
                    return Some(found);
                }
            }
            Key::Item(item) => walk.item(*item)?,
        }
    }
    walk.blank();
    let start = walk.at;
    walk.value()?;
    Some(start..walk.at)
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Steps over one byte, blanks around it included.
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.blank();
        if self.peek()? != byte {
            return None;
        }
        self.at += 1;
        self.blank();
        Some(())
    }

    fn string(&mut self) -> Option<Range<usize>> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at;
        self.at = string_end(self.text, start)?;
        Some(start..self.at)
    }

    /// Steps into the field of this name; where the name stands.
    fn field(&mut self, name: &str) -> Option<Range<usize>> {
        self.eat(b'{')?;
        loop {
            let key = self.string()?;
            self.eat(b':')?;
            let text: String = serde_json::from_str(self.text.get(key.clone())?).ok()?;
            if text == name {
                return Some(key);
            }
            self.value()?;
            self.eat(b',')?;
        }
    }

    fn item(&mut self, number: usize) -> Option<()> {
        self.eat(b'[')?;
        for _ in 0..number {
            self.value()?;
            self.eat(b',')?;
        }
        Some(())
    }

    /// Steps over a value.
    fn value(&mut self) -> Option<()> {
        self.blank();
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => {
                    let rest = self.text.get(self.at..)?;
                    let end = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '}' | ']' | '{' | '[' | '"');
                    self.at += rest.find(end).unwrap_or(rest.len()).max(1);
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Key::{Field, Item};
    use super::*;

    #[test]
    fn values_and_names_are_found() {
        let text = r#"call {"a": [1, {"b\u0063": "x, y"} , -2.5e3], "d" : {}} "#;
        let find = |path: &[Key<'_>], name| locate(text, 5..text.len(), path, name).map(|span| &text[span]);
        assert_eq!(find(&[Field("a"), Item(0)], false), Some("1"));
        assert_eq!(find(&[Field("a"), Item(1), Field("bc")], false), Some(r#""x, y""#));
        assert_eq!(find(&[Field("a"), Item(1), Field("bc")], true), Some(r#""b\u0063""#));
        assert_eq!(find(&[Field("a"), Item(2)], false), Some("-2.5e3"));
        assert_eq!(find(&[Field("d")], false), Some("{}"));
        assert_eq!(find(&[Field("d")], true), Some(r#""d""#));
        assert_eq!(find(&[Field("e")], true), None);
        assert_eq!(find(&[Field("a"), Item(7)], false), None);
        assert_eq!(find(&[], false).map(str::len), Some(text.len() - 6));
    }
}
