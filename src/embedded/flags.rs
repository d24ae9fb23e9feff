//! Values of flags as Apache Mesos writes them: durations, resources, attributes, credentials.
//!
//! Pure: text in, value or the reason out. (apache/mesos: src/common/values.cpp, src/common/resources.cpp,
//! src/credentials/credentials.hpp, 3rdparty/stout/include/stout/duration.hpp)

use std::time::Duration;

use serde_json::Value as Json;

use crate::mesos::{Attribute, Range, Ranges, Resource, Scalar, Set, Text, ValueType};

/// Units of time, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("secs", 1_000_000_000),
    ("mins", 60_000_000_000),
    ("hrs", 3_600_000_000_000),
    ("days", 86_400_000_000_000),
    ("weeks", 604_800_000_000_000),
];

/// A duration as a flag's value: in the largest unit that fits in, or the next smaller one where only that gives a whole
/// number.
pub fn printed(duration: Duration) -> String {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let at = UNITS.iter().rposition(|(_, unit)| *unit <= nanoseconds).unwrap_or(0);
    let is_whole = |at: usize| UNITS.get(at).is_some_and(|(_, unit)| nanoseconds.is_multiple_of(*unit));
    let at = if at > 0 && !is_whole(at) && is_whole(at - 1) { at - 1 } else { at };
    let (name, unit) = UNITS[at];
    format!("{}{name}", nanoseconds as f64 / unit as f64)
}

/// `100ms`, `15secs`, `1.5mins`.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: f64 = number.parse().map_err(|_| format!("Failed to convert '{number}' to number"))?;
    let unknown = || format!("Unknown duration unit '{unit}'");
    let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(unknown)?;
    Duration::try_from_secs_f64(number * *nanoseconds as f64 / 1e9).map_err(|error| error.to_string())
}

/// A value in its text form: a number, `[1-5, 9-9]`, `{a, b}`, or any other text.
enum Value {
    Scalar(f64),
    Ranges(Vec<(u64, u64)>),
    Set(Vec<String>),
    Text(String),
}

fn value(text: &str) -> Result<Value, String> {
    let plain: String = text.chars().filter(|c| *c != ' ').collect();
    if plain.is_empty() {
        return Err("Expecting non-empty string".to_owned());
    }
    let tokens = |separators: &'static [char]| plain.split(separators).filter(|token| !token.is_empty());
    match (plain.find('['), plain.find('{')) {
        (Some(0), _) => ranges(&tokens(&['[', ']', '-', ',', '\n']).collect::<Vec<_>>()).map(Value::Ranges),
        (Some(_), _) => Err("Unexpected '[' found".to_owned()),
        (None, Some(0)) => Ok(Value::Set(tokens(&['{', '}', ',', '\n']).map(str::to_owned).collect())),
        (None, Some(_)) => Err("Unexpected '{' found".to_owned()),
        (None, None) => match plain.parse::<f64>() {
            Ok(number) if !number.is_finite() || number < 0.0 => Err(format!("Invalid scalar value '{plain}'")),
            Ok(number) => Ok(Value::Scalar(number)),
            Err(_) => Ok(Value::Text(plain)),
        },
    }
}

fn ranges(tokens: &[&str]) -> Result<Vec<(u64, u64)>, String> {
    if !tokens.len().is_multiple_of(2) {
        return Err("Expecting one or more \"ranges\"".to_owned());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("Expecting non-negative integers in '{text}'"));
    tokens
        .chunks_exact(2)
        .map(|pair| match pair {
            [begin, end] => Ok((number(begin)?, number(end)?)),
            _ => Err("Expecting one or more \"ranges\"".to_owned()),
        })
        .collect()
}

fn ranges_of(ranges: Vec<(u64, u64)>) -> Ranges {
    let range = ranges.into_iter().map(|(begin, end)| Range { begin, end, ..Range::default() }).collect();
    Ranges { range, ..Ranges::default() }
}

/// `cpus:4;mem(role):512;ports:[31000-32000]`, or a JSON list of resources.
///
/// # Errors
/// What is wrong with it.
pub fn resources(text: &str) -> Result<Vec<Resource>, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text)
            .map_err(|error| format!("Some JSON resources were not formatted properly: {error}"));
    }
    text.split(';').filter(|one| !one.trim().is_empty()).map(resource).collect()
}

fn resource(text: &str) -> Result<Resource, String> {
    let bad = || format!("Bad value for resources, missing or extra ':' in {text}");
    let (name, of) = text.split_once(':').ok_or_else(bad)?;
    let (name, role) = match name.split_once('(') {
        Some((name, role)) => (name, role.trim().strip_suffix(')').ok_or_else(bad)?),
        None => (name, "*"),
    };
    let (name, role) = (name.trim().to_owned(), Some(role.trim().to_owned()));
    let plain = Resource { name, role, ..Resource::default() };
    let failed = |why| format!("Failed to parse resource {} value {of} error {why}", plain.name);
    Ok(match value(of).map_err(failed)? {
        Value::Scalar(value) => {
            Resource { r#type: ValueType::Scalar, scalar: Some(Scalar { value, ..Scalar::default() }), ..plain }
        }
        Value::Ranges(ranges) => Resource { r#type: ValueType::Ranges, ranges: Some(ranges_of(ranges)), ..plain },
        Value::Set(item) => Resource { r#type: ValueType::Set, set: Some(Set { item, ..Set::default() }), ..plain },
        Value::Text(_) => return Err(format!("Bad type for resource {} value {of} type TEXT", plain.name)),
    })
}

/// `rack:r2d2;level:10;range:[1-2]`.
///
/// # Errors
/// What is wrong with it.
pub fn attributes(text: &str) -> Result<Vec<Attribute>, String> {
    let all = text.split([';', '\n']).filter(|one| !one.trim().is_empty());
    all.map(|one| {
        let (name, of) = one.split_once(':').ok_or_else(|| format!("Invalid attribute key:value pair '{one}'"))?;
        let plain = Attribute { name: name.trim().to_owned(), ..Attribute::default() };
        Ok(match value(of).map_err(|why| format!("Failed to parse attribute {name} text {of} error {why}"))? {
            Value::Scalar(value) => {
                Attribute { r#type: ValueType::Scalar, scalar: Some(Scalar { value, ..Scalar::default() }), ..plain }
            }
            Value::Ranges(ranges) => Attribute { r#type: ValueType::Ranges, ranges: Some(ranges_of(ranges)), ..plain },
            Value::Text(value) => {
                Attribute { r#type: ValueType::Text, text: Some(Text { value, ..Text::default() }), ..plain }
            }
            Value::Set(_) => return Err(format!("Bad type for attribute {name} text {of} type SET")),
        })
    })
    .collect()
}

/// Principals and secrets: `{"credentials": [{"principal": "a", "secret": "b"}]}`, or a pair a line.
///
/// # Errors
/// What is wrong with it; no secret is quoted.
pub fn credentials(text: &str) -> Result<Vec<(String, String)>, String> {
    if let Ok(json) = serde_json::from_str::<Json>(text) {
        let list = json.get("credentials").and_then(Json::as_array).ok_or("there is no list 'credentials'")?;
        let pair = |one: &Json| {
            let field = |name: &str| one.get(name).and_then(Json::as_str).map(str::to_owned);
            Some((field("principal")?, field("secret").unwrap_or_default()))
        };
        return list.iter().map(pair).collect::<Option<_>>().ok_or_else(|| "a credential has no principal".to_owned());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
            match words.as_slice() {
                [principal, secret] => Ok(((*principal).to_owned(), (*secret).to_owned())),
                _ => Err(format!("Invalid credential format at line {}", number + 1)),
            }
        })
        .collect()
}

/// `a,b,c/d`.
#[must_use]
pub fn roles(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_are_printed_in_the_unit_that_suits() {
        let ms = Duration::from_millis;
        let cases = [
            (ms(0), "0ns"),
            (ms(100), "100ms"),
            (ms(1_000), "1secs"),
            (ms(1_500), "1500ms"),
            (ms(15_000), "15secs"),
            (ms(75_000), "75secs"),
            (ms(90_000), "90secs"),
            (ms(600_000), "10mins"),
            (ms(3_600_000), "1hrs"),
            (Duration::from_secs(1_209_600), "2weeks"),
            (Duration::from_nanos(1_500), "1500ns"),
        ];
        for (duration, text) in cases {
            assert_eq!(printed(duration), text);
            assert_eq!(super::duration(text), Ok(duration));
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [("100ms", 100), ("15secs", 15_000), ("1.5mins", 90_000), ("0ns", 0), ("2hrs", 7_200_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "5 secs", "secs", "-1secs", "1e9secs", "x", "1.2.3secs", "99999999999999999999weeks"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn resources_have_values_and_roles() {
        let all = resources("cpus:4; mem(eng/web):0.5;ports:[1-2, 5-5];s:{a, b}").unwrap();
        assert_eq!(
            json!(all),
            json!([
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.0}, "role": "*"},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 0.5}, "role": "eng/web"},
                {"name": "ports", "type": "RANGES", "role": "*",
                 "ranges": {"range": [{"begin": 1, "end": 2}, {"begin": 5, "end": 5}]}},
                {"name": "s", "type": "SET", "set": {"item": ["a", "b"]}, "role": "*"}])
        );
        let from_json = resources(r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]"#).unwrap();
        assert_eq!(from_json[0].scalar.as_ref().map(|scalar| scalar.value), Some(1.0));
        for text in
            ["cpus", "cpus:", "cpus:x", "cpus:-1", "cpus:inf", "ports:[1]", "ports:[a-b]", "p:x[1-2]", "m(a:1", "[x]"]
        {
            assert!(resources(text).is_err(), "{text}");
        }
    }

    #[test]
    fn attributes_have_types() {
        let all = attributes("rack:r2d2;pod:demo,dev\nlevel:10;r:[1-2]").unwrap();
        let kinds: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.r#type.as_str())).collect();
        assert_eq!(kinds, [("rack", "TEXT"), ("pod", "TEXT"), ("level", "SCALAR"), ("r", "RANGES")]);
        assert!(attributes("rack").is_err() && attributes("s:{a}").is_err() && attributes("").unwrap().is_empty());
    }

    #[test]
    fn credentials_come_as_json_and_as_lines() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let text = r#"{"credentials": [{"principal": "alice", "secret": "s"}, {"principal": "bob"}]}"#;
        assert_eq!(credentials(text), Ok(vec![pair("alice", "s"), pair("bob", "")]));
        assert_eq!(credentials("alice s\n\nbob t\n"), Ok(vec![pair("alice", "s"), pair("bob", "t")]));
        assert_eq!(credentials("alice s\nbob"), Err("Invalid credential format at line 2".to_owned()));
        assert!(credentials("{}").is_err());
        assert_eq!(roles("a, b,,c/d"), ["a", "b", "c/d"]);
    }
}
