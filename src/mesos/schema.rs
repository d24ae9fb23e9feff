//! The strict reading of what a person wrote: every field must exist and be of its type.
//!
//! Mesos ignores a field it doesn't know, so that a typo in an optional field is never reported by a master; here it is.
//! What a master takes and means well (numbers in quotes, one item for a list, nested lists, nulls) passes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::message::{FieldSchema, Kind, Label, Message, Schema};

/// One step from a JSON value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An object's field.
    Field(String),
    /// A list's item.
    Item(usize),
}

/// Where in the JSON, as `accept.operations[0].type`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(pub Vec<Step>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if index == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

/// Something that a master would ignore or refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Whether the place is a field's name rather than its value.
    pub at_name: bool,
    /// Whether something that must be there is not.
    pub missing: bool,
    /// What is wrong, as a sentence without its end.
    pub what: String,
    /// What to write instead, where that can be told.
    pub help: Option<String>,
}

/// What is wrong with `value` as a message of type `T`, in the order of the text.
pub fn check<T: Message>(value: &Value) -> Vec<Problem> {
    check_against(T::schema(), value)
}

/// The same for a schema at hand.
pub fn check_against(schema: &'static Schema, value: &Value) -> Vec<Problem> {
    let mut check = Check { place: Vec::new(), problems: Vec::new() };
    check.message(schema, value);
    check.problems
}

/// The fields that may stand in the message reached by `path` from `schema`, lists passed through.
pub fn fields_at(schema: &'static Schema, path: &[String]) -> &'static [FieldSchema] {
    let mut schema = schema;
    for name in path {
        match schema.field(name).map(|field| (field.kind)()) {
            Some(Kind::Message(next)) => schema = next,
            _ => return &[],
        }
    }
    schema.fields
}

struct Check {
    place: Vec<Step>,
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, what: String, help: Option<String>) {
        self.problems.push(Problem { place: Place(self.place.clone()), at_name: false, missing: false, what, help });
    }

    fn message(&mut self, schema: &'static Schema, value: &Value) {
        let Value::Object(fields) = value else {
            let help = match (schema.fields, value) {
                ([only], Value::String(_) | Value::Number(_)) if only.name == "value" => {
                    Some(format!("write {{\"value\": {value}}}"))
                }
                _ => None,
            };
            return self.problem(format!("{} wants an object, not {}", schema.name, named(value)), help);
        };
        for (name, value) in fields {
            self.place.push(Step::Field(name.clone()));
            match schema.field(name) {
                Some(field) => self.field(field, value),
                None => self.unknown(schema, name),
            }
            self.place.pop();
        }
        for field in schema.fields.iter().filter(|field| field.label == Label::Required) {
            if fields.get(field.name).is_none_or(Value::is_null) {
                let what = format!("{} needs '{}'", schema.name, field.name);
                let place = Place(self.place.clone());
                self.problems.push(Problem { place, at_name: false, missing: true, what, help: None });
            }
        }
    }

    fn unknown(&mut self, schema: &'static Schema, name: &str) {
        let help = closest(name, schema.fields.iter().map(|field| field.name))
            .map(|near| format!("did you mean \"{near}\"?"))
            .or_else(|| {
                let names: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
                Some(if names.is_empty() {
                    "it has no fields".to_owned()
                } else {
                    format!("it has {}", names.join(", "))
                })
            });
        let what = format!("{} has no field '{name}': Mesos would ignore it in silence", schema.name);
        self.problems.push(Problem { place: Place(self.place.clone()), at_name: true, missing: false, what, help });
    }

    fn field(&mut self, field: &FieldSchema, value: &Value) {
        match (field.label, value) {
            (_, Value::Null) => {}
            (Label::Repeated, Value::Array(items)) => self.items(field, items),
            (Label::Map, Value::Object(entries)) => {
                for (key, value) in entries {
                    self.place.push(Step::Field(key.clone()));
                    self.value((field.kind)(), value);
                    self.place.pop();
                }
            }
            (_, value) => self.value((field.kind)(), value),
        }
    }

    /// A master flattens lists in lists.
    fn items(&mut self, field: &FieldSchema, items: &[Value]) {
        for (index, item) in items.iter().enumerate() {
            self.place.push(Step::Item(index));
            match item {
                Value::Array(inner) => self.items(field, inner),
                item => self.value((field.kind)(), item),
            }
            self.place.pop();
        }
    }

    fn value(&mut self, kind: Kind, value: &Value) {
        let wanted = match (kind, value) {
            (Kind::Any, _) | (Kind::String, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => return,
            (Kind::Message(schema), value) => return self.message(schema, value),
            (Kind::Enum(schema), Value::String(name)) => {
                if !schema.values.iter().any(|(known, _)| known == name) {
                    let near = closest(name, schema.values.iter().map(|(known, _)| *known));
                    let all = || schema.values.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
                    let help =
                        near.map_or_else(|| format!("one of {}", all()), |near| format!("did you mean \"{near}\"?"));
                    self.problem(format!("'{name}' is no {}", schema.name), Some(help));
                }
                return;
            }
            (Kind::Bytes, Value::String(text)) if STANDARD.decode(text).is_ok() => return,
            (Kind::Double, Value::Number(_)) => return,
            (Kind::Double, Value::String(text)) if text.parse::<f64>().is_ok() => return,
            (Kind::Integer { signed, .. }, value) if is_whole(value, signed) => return,
            (Kind::Bool, Value::String(text)) if text == "true" || text == "false" => return,
            (Kind::String, _) => "text in quotes",
            (Kind::Bool, _) => "true or false",
            (Kind::Double, _) => "a number",
            (Kind::Integer { signed: true, .. }, _) => "a whole number",
            (Kind::Integer { .. }, _) => "a whole number, not negative",
            (Kind::Bytes, _) => "base64 text",
            (Kind::Enum(_), _) => "a name in quotes",
        };
        self.problem(format!("wants {wanted}, not {}", named(value)), None);
    }
}

fn is_whole(value: &Value, signed: bool) -> bool {
    match value {
        Value::Number(number) => {
            number.is_u64()
                || signed && number.is_i64()
                || number.as_f64().is_some_and(|n| n.fract() == 0.0 && (signed || n >= 0.0))
        }
        Value::String(text) => text.parse::<u64>().is_ok() || signed && text.parse::<i64>().is_ok(),
        _ => false,
    }
}

/// A value in words, short enough for a sentence.
fn named(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.chars().count() <= 40 => format!("the text \"{text}\""),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// The name nearest to what was written, if near enough to be what was meant.
pub fn closest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long garbage is no typo, and comparing it would cost its square.
    if written.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&plain(written), &plain(name)), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(written.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::CallMessage;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_master_takes_passes() {
        let call = json!({"type": "ACCEPT", "framework_id": null, "accept": {"offer_ids": {"value": "O0"},
            "filters": {"refuse_seconds": "5"},
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": [{"name": "x", "task_id": {"value": "1"},
            "agent_id": {"value": "S0"}, "resources": [[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}]],
            "limits": {"mem": {"value": "Infinity"}}}]}}]}});
        assert_eq!(check::<CallMessage>(&call), []);
    }

    #[test]
    fn a_problem_says_where_what_and_what_instead() {
        let cases = [
            (json!({"tpye": "KILL"}), "tpye", "did you mean \"type\"?"),
            (json!({"type": "KIL"}), "type", "did you mean \"KILL\"?"),
            (json!({"framework_id": "F"}), "framework_id", "write {\"value\": \"F\"}"),
            (
                json!({"kill": {"taskId": {"value": "1"}, "task_id": {"value": "1"}}}),
                "kill.taskId",
                "did you mean \"task_id\"?",
            ),
        ];
        for (call, place, help) in cases {
            let problems = check::<CallMessage>(&call);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].place.to_string(), place);
            assert_eq!(problems[0].help.as_deref(), Some(help));
        }
        let problems = check::<CallMessage>(&json!({"kill": {"kill_policy": {"grace_period": {"nanoseconds": "x"}}}}));
        assert_eq!(problems[0].place.to_string(), "kill.kill_policy.grace_period.nanoseconds");
        assert_eq!(problems[0].what, "wants a whole number, not the text \"x\"");
        assert_eq!(problems[1].what, "Kill needs 'task_id'");
    }

    #[test]
    fn fields_are_found_by_path() {
        let path = ["accept".to_owned(), "operations".to_owned(), "launch".to_owned()];
        let fields = fields_at(<CallMessage as Message>::schema(), &path);
        assert_eq!(fields.iter().map(|field| field.name).collect::<Vec<_>>(), ["task_infos"]);
        assert!(fields_at(<CallMessage as Message>::schema(), &["nope".to_owned()]).is_empty());
    }
}
