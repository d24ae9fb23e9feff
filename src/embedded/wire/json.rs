//! JSON as picojson 1.3 reads it, which Mesos builds on: the same texts accepted, the same errors.
//!
//! Strings that aren't UTF-8 are taken with replacement characters. Pure; depth is bounded, so that no body can
//! exhaust the stack. (apache/mesos: 3rdparty/stout/include/stout/json.hpp)

use serde_json::{Map, Number, Value};

/// How deep lists and objects may lie in each other.
const DEPTH: usize = 200;

/// Why a text is refused: a syntax error at the place that was reached, or a number out of range.
enum Failure {
    Syntax,
    Range,
}

type Parsed<T> = Result<T, Failure>;

/// Reads a whole body; the error is the text after "Failed to parse body into JSON: ".
pub(in crate::embedded) fn parse(body: &[u8]) -> Result<Value, Vec<u8>> {
    let mut input = Input { body, at: 0, last: None, ungot: false, line: 1 };
    match value(&mut input, DEPTH) {
        Ok(value) => {
            let white = |byte: &u8| b" \t\n\r\x0b\x0c".contains(byte);
            let end = body.iter().rposition(|byte| !white(byte)).map_or(0, |last| last + 1);
            if input.at == end {
                return Ok(value);
            }
            let rest = if input.at < end { &body[input.at..end] } else { &body[input.at..] };
            Err([b"Parsed JSON included non-whitespace trailing characters: ", rest].concat())
        }
        Err(Failure::Range) => Err(b"Value out of range".to_vec()),
        Err(Failure::Syntax) => {
            let mut text = format!("syntax error at line {} near: ", input.line).into_bytes();
            while let Some(byte) = input.get() {
                match byte {
                    b'\n' => break,
                    b' '.. => text.push(byte),
                    _ => {}
                }
            }
            Err(text)
        }
    }
}

/// Bytes with one step back, as the original keeps them: the line it names depends on it.
struct Input<'a> {
    body: &'a [u8],
    at: usize,
    last: Option<u8>,
    ungot: bool,
    line: usize,
}

impl Input<'_> {
    fn get(&mut self) -> Option<u8> {
        if self.ungot {
            self.ungot = false;
            return self.last;
        }
        let Some(&byte) = self.body.get(self.at) else {
            self.last = None;
            return None;
        };
        if self.last == Some(b'\n') {
            self.line += 1;
        }
        self.last = Some(byte);
        self.at += 1;
        Some(byte)
    }

    fn unget(&mut self) {
        self.ungot = self.last.is_some();
    }

    fn skip_white(&mut self) {
        while matches!(self.get(), Some(b' ' | b'\t' | b'\n' | b'\r')) {}
        self.unget();
    }

    fn expect(&mut self, byte: u8) -> bool {
        self.skip_white();
        let there = self.get() == Some(byte);
        if !there {
            self.unget();
        }
        there
    }

    fn must(&mut self, byte: u8) -> Parsed<()> {
        if self.expect(byte) { Ok(()) } else { Err(Failure::Syntax) }
    }

    fn word(&mut self, rest: &[u8], value: Value) -> Parsed<Value> {
        for byte in rest {
            if self.get() != Some(*byte) {
                self.unget();
                return Err(Failure::Syntax);
            }
        }
        Ok(value)
    }
}

fn value(input: &mut Input<'_>, depth: usize) -> Parsed<Value> {
    input.skip_white();
    match input.get() {
        Some(b'n') => input.word(b"ull", Value::Null),
        Some(b'f') => input.word(b"alse", Value::Bool(false)),
        Some(b't') => input.word(b"rue", Value::Bool(true)),
        Some(b'"') => string(input).map(Value::String),
        Some(b'[') => array(input, depth.checked_sub(1).ok_or(Failure::Syntax)?),
        Some(b'{') => object(input, depth.checked_sub(1).ok_or(Failure::Syntax)?),
        Some(b'0'..=b'9' | b'-') => {
            input.unget();
            number(input)
        }
        _ => {
            input.unget();
            Err(Failure::Syntax)
        }
    }
}

fn array(input: &mut Input<'_>, depth: usize) -> Parsed<Value> {
    let mut items = Vec::new();
    if input.expect(b']') {
        return Ok(Value::Array(items));
    }
    loop {
        items.push(value(input, depth)?);
        if !input.expect(b',') {
            break;
        }
    }
    input.must(b']').map(|()| Value::Array(items))
}

fn object(input: &mut Input<'_>, depth: usize) -> Parsed<Value> {
    let mut fields = Map::new();
    if input.expect(b'}') {
        return Ok(Value::Object(fields));
    }
    loop {
        input.must(b'"')?;
        let name = string(input)?;
        input.must(b':')?;
        fields.insert(name, value(input, depth)?);
        if !input.expect(b',') {
            break;
        }
    }
    input.must(b'}').map(|()| Value::Object(fields))
}

fn number(input: &mut Input<'_>) -> Parsed<Value> {
    let mut text = String::new();
    while let Some(byte @ (b'0'..=b'9' | b'+' | b'-' | b'e' | b'E' | b'.')) = input.get() {
        text.push(char::from(byte));
    }
    input.unget();
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(Value::Number(whole.into()));
    }
    let number: f64 = text.parse().map_err(|_| Failure::Syntax)?;
    Number::from_f64(number).map(Value::Number).ok_or(Failure::Range)
}

fn string(input: &mut Input<'_>) -> Parsed<String> {
    let mut bytes = Vec::new();
    loop {
        match input.get() {
            Some(b'"') => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Some(b'\\') => escape(input, &mut bytes)?,
            Some(byte @ b' '..) => bytes.push(byte),
            _ => {
                input.unget();
                return Err(Failure::Syntax);
            }
        }
    }
}

fn escape(input: &mut Input<'_>, bytes: &mut Vec<u8>) -> Parsed<()> {
    let byte = match input.get() {
        Some(byte @ (b'"' | b'\\' | b'/')) => byte,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => {
            let point = code_point(input)?;
            bytes.extend(point.encode_utf8(&mut [0; 4]).bytes());
            return Ok(());
        }
        _ => return Err(Failure::Syntax),
    };
    bytes.push(byte);
    Ok(())
}

fn code_point(input: &mut Input<'_>) -> Parsed<char> {
    let mut point = quad(input)?;
    if (0xdc00..=0xdfff).contains(&point) {
        return Err(Failure::Syntax);
    }
    if (0xd800..0xdc00).contains(&point) {
        if input.get() != Some(b'\\') || input.get() != Some(b'u') {
            input.unget();
            return Err(Failure::Syntax);
        }
        let second = quad(input)?;
        if !(0xdc00..=0xdfff).contains(&second) {
            return Err(Failure::Syntax);
        }
        point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
    }
    char::from_u32(point).ok_or(Failure::Syntax)
}

fn quad(input: &mut Input<'_>) -> Parsed<u32> {
    let mut point = 0;
    for _ in 0..4 {
        let Some(byte) = input.get() else { return Err(Failure::Syntax) };
        let Some(digit) = char::from(byte).to_digit(16) else {
            input.unget();
            return Err(Failure::Syntax);
        };
        point = point * 16 + digit;
    }
    Ok(point)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        String::from_utf8_lossy(&parse(body.as_bytes()).unwrap_err()).into_owned()
    }

    #[test]
    fn errors_are_picojsons() {
        let near = |line: usize, rest: &str| format!("syntax error at line {line} near: {rest}");
        let cases = [
            ("", near(1, "")),
            ("nul", near(1, "")),
            ("malformed", near(1, "malformed")),
            ("[1,]", near(1, "]")),
            ("{'a':1}", near(1, "'a':1}")),
            ("{\"a\":\n\n}", near(3, "}")),
            ("{\"a\":NaN}", near(1, "NaN}")),
            ("{\"a\":0x1}", near(1, "x1}")),
            ("{\"a\":\"\u{1}b\"}", near(1, "b\"}")),
            ("\"\\ud800\"", near(1, "\"")),
            ("{} x", "Parsed JSON included non-whitespace trailing characters:  x".to_owned()),
            ("{}//x", "Parsed JSON included non-whitespace trailing characters: //x".to_owned()),
            ("[1e999]", "Value out of range".to_owned()),
        ];
        for (body, text) in cases {
            assert_eq!(error(body), text, "{body}");
        }
    }

    #[test]
    fn nesting_ends_at_200() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(200).as_bytes()).is_ok());
        assert!(error(&nested(201)).starts_with("syntax error at line 1 near: ]"));
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn what_picojson_takes_is_taken() {
        let value = parse(b" {\"a\": 01, \"a\": -2.5e1, \"s\": \"\\u00e9\\ud83d\\ude00\\n\xff\"}\n").unwrap();
        assert_eq!(value, serde_json::json!({"a": -25.0, "s": "\u{e9}\u{1f600}\n\u{fffd}"}));
    }
}
