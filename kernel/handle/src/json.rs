//! Just enough JSON: what the socket carries, read and written.

use std::fmt::{self, Write as _};

/// A JSON value. Objects keep their order.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Names and values.
    Object(Vec<(String, Value)>),
}

/// Deeper nesting than the session ever sends.
const DEEPEST: usize = 128;

impl Value {
    /// Reads JSON; `None` if it isn't.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let value = reader.value(0)?;
        reader.blank();
        reader.rest.is_empty().then_some(value)
    }

    /// A field of an object; null if there is none.
    pub fn get(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| key == name).map_or(NULL, |(_, value)| value),
            _ => NULL,
        }
    }

    /// A field of a field.
    pub fn at(&self, path: &[&str]) -> &Value {
        path.iter().fold(self, |value, name| value.get(name))
    }

    /// A text; empty if it isn't one.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// A number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A list's items; none if it isn't one.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Sets a field of an object.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let Self::Object(fields) = self else { return };
        match fields.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => fields.push((name.to_owned(), value)),
        }
    }
}

impl crate::show::Show for Value {
    fn evcxr_display(&self) {
        crate::show::Drawn::of("json", self.clone(), || self.to_string()).show();
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Number(number) if number.is_finite() => write!(f, "{number}"),
            Self::Number(_) => f.write_str("null"),
            Self::Text(text) => quote(f, text),
            Self::List(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { "," } else { "" })?;
                }
                f.write_char(']')
            }
            Self::Object(fields) => {
                f.write_char('{')?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if at > 0 { "," } else { "" })?;
                    quote(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c if c < ' ' => write!(f, "\\u{:04x}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes `mark` if it comes next.
    fn take(&mut self, mark: &str) -> bool {
        self.blank();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if self.take("{") {
            return self.fields(depth);
        }
        if self.take("[") {
            return self.list(depth);
        }
        if self.take("\"") {
            return self.string().map(Value::Text);
        }
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.take(word) {
                return Some(value);
            }
        }
        let past = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (number, rest) = self.rest.split_at(past.unwrap_or(self.rest.len()));
        self.rest = rest;
        number.parse().ok().map(Value::Number)
    }

    fn fields(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Vec::new();
        if self.take("}") {
            return Some(Value::Object(fields));
        }
        loop {
            if !self.take("\"") {
                return None;
            }
            let name = self.string()?;
            if !self.take(":") {
                return None;
            }
            fields.push((name, self.value(depth + 1)?));
            if self.take("}") {
                return Some(Value::Object(fields));
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        if self.take("]") {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take("]") {
                return Some(Value::List(items));
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    /// The rest of a string whose opening quote is taken.
    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let plain = self.rest.find(['"', '\\'])?;
            text.push_str(&self.rest[..plain]);
            let escaped = self.rest[plain..].starts_with('\\');
            self.rest = &self.rest[plain + 1..];
            if !escaped {
                return Some(text);
            }
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            text.push(match c {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => self.unicode()?,
                other => other,
            });
        }
    }

    /// What follows `\u`, a second half of a pair included.
    fn unicode(&mut self) -> Option<char> {
        let first = self.four()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let second = self.four()?;
        let point = 0x10000 + ((first - 0xd800) << 10) + second.checked_sub(0xdc00)?;
        Some(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for text in
            ["null", "true", "-1.5", r#""a\"\\\u0001é😀""#, "[]", "[1,[2],{}]", r#"{"a":{"b":[null,false]},"c":"d"}"#]
        {
            assert_eq!(Value::parse(text).map(|value| value.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Value::parse(r#""\ud83d\ude00\n""#), Some("😀\n".into()));
        for text in ["", "{", "[1", "\"a", "{\"a\"}", "tru", "1 2", "[1,]", &"[".repeat(1000)] {
            assert_eq!(Value::parse(text), None, "{text}");
        }
    }

    #[test]
    fn fields_are_found_or_null() {
        let value = Value::parse(r#"{"a": {"b": "c"}, "n": 1}"#).unwrap_or_default();
        assert_eq!(value.at(&["a", "b"]).text(), "c");
        assert_eq!(value.at(&["a", "x", "y"]), &Value::Null);
        assert_eq!(value.get("n").number(), Some(1.0));
    }
}
