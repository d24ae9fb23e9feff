//! From JSON to a typed message by its schema, as stout's protobuf.hpp does it, errors included.
//!
//! Unknown fields and enum values are dropped, lists flattened, one item taken for a list, numbers read from strings.
//! Pure. (apache/mesos: 3rdparty/stout/include/stout/protobuf.hpp)

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::json;
use crate::mesos::message::{FieldSchema, Kind, Label, Message, Schema};

/// Reads a message; the error is what follows "Failed to convert JSON into … protobuf: ".
pub(in crate::embedded) fn message<T: Message>(value: &Value) -> Result<T, String> {
    let Value::Object(fields) = value else { return Err("Expecting a JSON object".to_owned()) };
    let plain = object(T::schema(), fields)?;
    let missing = missing(T::schema(), &plain, "");
    if !missing.is_empty() {
        let named: Vec<String> = missing.into_iter().filter(|path| !path.is_empty()).collect();
        return Err(format!("Missing required fields: {}", named.join(", ")));
    }
    T::read(Value::Object(plain)).map_err(|error| error.to_string())
}

fn object(schema: &Schema, fields: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    // The original keeps fields sorted, which decides whose error is told.
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort_unstable();
    let mut plain = Map::new();
    for name in names {
        let Some(field) = schema.field(name) else { continue };
        let mut values = Vec::new();
        put(field, &fields[name], &mut values)?;
        let value = match field.label {
            Label::Repeated => Some(Value::Array(values)),
            Label::Map => {
                let maps = values.into_iter().filter_map(|value| match value {
                    Value::Object(entries) => Some(entries),
                    _ => None,
                });
                Some(Value::Object(maps.flatten().map(|(name, value)| (name, filled(field, value))).collect()))
            }
            _ => values.pop(),
        };
        if let Some(value) = value {
            plain.insert(name.clone(), value);
        }
    }
    Ok(plain)
}

/// An entry without its value has an empty one, if there may be such.
fn filled(field: &FieldSchema, value: Value) -> Value {
    match (field.kind)() {
        Kind::Message(schema) if value.is_null() && missing(schema, &Map::new(), "").is_empty() => {
            Value::Object(Map::new())
        }
        _ => value,
    }
}

/// Adds what `value` says to a field's values: none for null and unknown enum values, several for a list.
fn put(field: &FieldSchema, value: &Value, values: &mut Vec<Value>) -> Result<(), String> {
    let kind = (field.kind)();
    match value {
        Value::Null => Ok(()),
        _ if matches!(kind, Kind::Any) => {
            values.push(value.clone());
            Ok(())
        }
        Value::Array(items) => {
            // A map may come as a list of maps.
            if !matches!(field.label, Label::Repeated | Label::Map) {
                return Err(unexpected("array", field));
            }
            items.iter().try_for_each(|item| put(field, item, values))
        }
        Value::Object(fields) if field.label == Label::Map => {
            let mut entries = Map::new();
            let entry = FieldSchema { name: "value", label: Label::Optional, ..*field };
            for (name, value) in fields {
                let mut one = Vec::new();
                put(&entry, value, &mut one)?;
                // A null makes an entry too, without its value.
                let value = one.pop().or_else(|| matches!(kind, Kind::Message(_)).then_some(Value::Null));
                entries.extend(value.map(|value| (name.clone(), value)));
            }
            values.push(Value::Object(entries));
            Ok(())
        }
        Value::Object(fields) => match kind {
            Kind::Message(schema) => {
                values.push(Value::Object(object(schema, fields)?));
                Ok(())
            }
            _ => Err(unexpected("object", field)),
        },
        Value::String(text) => from_text(field, kind, text).map(|value| values.extend(value)),
        Value::Number(number) => from_number(field, kind, number).map(|value| values.push(value)),
        Value::Bool(_) => match kind {
            Kind::Bool => {
                values.push(value.clone());
                Ok(())
            }
            _ => Err(unexpected("boolean", field)),
        },
    }
}

fn unexpected(found: &str, field: &FieldSchema) -> String {
    format!("Not expecting a JSON {found} for field '{}'", field.name)
}

fn from_text(field: &FieldSchema, kind: Kind, text: &str) -> Result<Option<Value>, String> {
    let parse = |wanted: &str| {
        json::parse(text.as_bytes()).map_err(|why| {
            let why = String::from_utf8_lossy(&why).into_owned();
            format!("Failed to parse '{text}' as a JSON {wanted} for field '{}': {why}", field.name)
        })
    };
    let other = |wanted: &str| {
        format!("Failed to parse '{text}' as a JSON {wanted} for field '{}': Unexpected JSON type parsed", field.name)
    };
    match kind {
        Kind::String => Ok(Some(Value::String(text.to_owned()))),
        Kind::Bytes => decode_base64(text)
            .map(|bytes| Some(Value::String(STANDARD.encode(bytes))))
            .map_err(|why| format!("Failed to base64 decode bytes field '{}': {why}", field.name)),
        // A name ends where a C string does.
        Kind::Enum(schema) => {
            let name = text.split('\0').next().unwrap_or(text);
            match schema.values.iter().any(|(known, _)| *known == name) {
                true => Ok(Some(Value::String(name.to_owned()))),
                false if field.label == Label::Required => Err(format!("Failed to find enum for '{text}'")),
                false => Ok(None),
            }
        }
        Kind::Double if text == "Infinity" || text == "-Infinity" => Ok(Some(Value::String(text.to_owned()))),
        Kind::Double | Kind::Integer { .. } => match parse("number")? {
            Value::Number(number) => from_number(field, kind, &number).map(Some),
            _ => Err(other("number")),
        },
        Kind::Bool => match parse("boolean")? {
            value @ Value::Bool(_) => Ok(Some(value)),
            _ => Err(other("boolean")),
        },
        Kind::Message(_) | Kind::Any => Err(unexpected("string", field)),
    }
}

/// What the processor makes of a number that doesn't fit: the least of all.
fn truncated(double: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&double);
    if fits { double as i64 } else { i64::MIN }
}

/// The same without a sign: what is too large for one with a sign is taken without its upper half, and put back.
pub(in crate::embedded) fn truncated_unsigned(double: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if double < HALF { truncated(double) as u64 } else { truncated(double - HALF) as u64 ^ 1 << 63 }
}

/// A number as a C++ cast makes it on x86-64: what doesn't fit is what the processor makes of it.
fn from_number(field: &FieldSchema, kind: Kind, number: &Number) -> Result<Value, String> {
    let double = number.as_f64().unwrap_or(0.0);
    match kind {
        Kind::Double => Ok(Number::from_f64(double).map_or(Value::Null, Value::Number)),
        Kind::Integer { signed: true, bits } => {
            let fits = (-2_147_483_649.0..2_147_483_648.0).contains(&double);
            let whole = match number.as_i64() {
                Some(whole) => whole,
                None if bits == 32 && !fits => i64::from(i32::MIN),
                None => truncated(double),
            };
            Ok(Value::Number(if bits == 32 { Number::from(whole as i32) } else { Number::from(whole) }))
        }
        Kind::Integer { signed: false, bits } => {
            let whole = number
                .as_u64()
                .or_else(|| number.as_i64().map(|n| n as u64))
                .unwrap_or_else(|| if bits == 32 { truncated(double) as u64 } else { truncated_unsigned(double) });
            Ok(Value::Number(if bits == 32 { Number::from(whole as u32) } else { Number::from(whole) }))
        }
        _ => Err(unexpected("number", field)),
    }
}

/// Base64 as stout reads it: white space and missing padding are no matter, and padding ends it.
pub(in crate::embedded) fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let (mut bits, mut have) = (0u32, 0);
    for byte in text.bytes().take_while(|byte| *byte != b'=') {
        let value = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => continue,
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(format!("Invalid character '{}'", char::from(byte))),
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
        }
    }
    Ok(bytes)
}

/// Paths of the required fields that aren't there, in protobuf's order; one that has no name is empty.
pub(in crate::embedded) fn missing(schema: &Schema, fields: &Map<String, Value>, prefix: &str) -> Vec<String> {
    let required = schema.fields.iter().filter(|field| field.label == Label::Required);
    let mut paths: Vec<String> = required
        .filter(|field| !fields.contains_key(field.name))
        .map(|field| format!("{prefix}{}", field.name))
        .collect();
    let mut inner: Vec<(&FieldSchema, &'static Schema)> = schema
        .fields
        .iter()
        .filter_map(|field| match (field.kind)() {
            Kind::Message(schema) => Some((field, schema)),
            _ => None,
        })
        .collect();
    inner.sort_by_key(|(field, _)| field.number);
    for (field, schema) in inner {
        let name = field.name;
        match (field.label, fields.get(name)) {
            (Label::Map, Some(Value::Object(entries))) => {
                for (index, value) in entries.values().enumerate() {
                    match value {
                        Value::Object(value) => {
                            paths.extend(missing(schema, value, &format!("{prefix}{name}[{index}].value.")))
                        }
                        // The original knows that something is missing, and not what.
                        _ => paths.push(String::new()),
                    }
                }
            }
            (_, Some(Value::Object(value))) => paths.extend(missing(schema, value, &format!("{prefix}{name}."))),
            (_, Some(Value::Array(items))) => {
                for (index, value) in items.iter().filter_map(Value::as_object).enumerate() {
                    paths.extend(missing(schema, value, &format!("{prefix}{name}[{index}].")));
                }
            }
            _ => {}
        }
    }
    paths
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mesos::CallMessage;
    use serde_json::json;

    #[test]
    fn errors_are_stouts() {
        let info = |more: Value| json!({"subscribe": {"framework_info": more}});
        let cases = [
            (json!([]), "Expecting a JSON object"),
            (json!({"type": 1}), "Not expecting a JSON number for field 'type'"),
            (json!({"type": ["KILL"]}), "Not expecting a JSON array for field 'type'"),
            (json!({"framework_id": "x"}), "Not expecting a JSON string for field 'framework_id'"),
            (json!({"framework_id": {}}), "Missing required fields: framework_id.value"),
            (json!({"reconcile": {"tasks": [{}]}}), "Missing required fields: reconcile.tasks[0].task_id"),
            (info(json!({})), "Missing required fields: subscribe.framework_info.user, subscribe.framework_info.name"),
            (
                info(json!({"checkpoint": "yes"})),
                "Failed to parse 'yes' as a JSON boolean for field 'checkpoint': syntax error at line 1 near: yes",
            ),
            (
                json!({"acknowledge": {"uuid": "!!!!"}}),
                "Failed to base64 decode bytes field 'uuid': Invalid character '!'",
            ),
            (
                json!({"accept": {"operations": {"reserve": {"resources": {"type": "FOO"}}}}}),
                "Failed to find enum for 'FOO'",
            ),
        ];
        for (value, error) in cases {
            assert_eq!(message::<CallMessage>(&value).unwrap_err(), error, "{value}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_what_the_processor_makes_of_them() {
        let signed = [(1.5, 1), (-1.5, -1), (1e300, i64::MIN), (-1e300, i64::MIN)];
        for (double, whole) in signed {
            assert_eq!(truncated(double), whole, "{double}");
        }
        let unsigned = [(1.5, 1), (-1.0, u64::MAX), (1e19, 10_000_000_000_000_000_000), (1e300, 0), (-1e300, 1 << 63)];
        for (double, whole) in unsigned {
            assert_eq!(truncated_unsigned(double), whole, "{double}");
        }
    }

    #[test]
    fn what_stout_takes_is_taken() {
        let value = json!({"type": "KIL", "zzz": 1, "kill": null, "framework_id": {"value": "F"},
            "decline": {"offer_ids": [[{"value": "a"}], {"value": "b"}], "filters": {"refuse_seconds": "5"}},
            "acknowledge": {"agent_id": {"value": ""}, "task_id": {"value": ""}, "uuid": "AA A"}});
        let call: CallMessage = message(&value).unwrap();
        assert_eq!(call.r#type, None);
        let decline = call.decline.unwrap();
        assert_eq!(decline.offer_ids.len(), 2);
        assert_eq!(decline.filters.unwrap().refuse_seconds, Some(5.0));
        assert_eq!(call.acknowledge.unwrap().uuid.0, [0, 0]);
    }
}
