//! Protobuf's wire format, told by a schema: to and from the JSON form that the typed messages read and write.
//!
//! Pure; lengths are checked against what is there, and depth is bounded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::message::{FieldSchema, Kind, Label, Schema};

/// How deep messages may lie in each other, as protobuf's own limit.
const DEPTH: usize = 100;

/// Reads a message; `None` when the bytes aren't one.
pub fn decode(schema: &Schema, bytes: &[u8]) -> Option<Value> {
    decode_message(schema, bytes, DEPTH, Map::new()).map(Value::Object)
}

/// What a key announces.
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Reads into what is there already: a message that comes twice is one with the fields of both.
fn decode_message(
    schema: &Schema,
    mut bytes: &[u8],
    depth: usize,
    mut fields: Map<String, Value>,
) -> Option<Map<String, Value>> {
    let depth = depth.checked_sub(1)?;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        let wire = match key & 7 {
            0 => Wire::Varint(varint(&mut bytes)?),
            1 => Wire::Fixed64(u64::from_le_bytes(*take(&mut bytes, 8)?.first_chunk()?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            3 => {
                skip_group(&mut bytes, number, depth)?;
                continue;
            }
            5 => Wire::Fixed32(u32::from_le_bytes(*take(&mut bytes, 4)?.first_chunk()?)),
            _ => return None,
        };
        // A field of another wire type counts as one that isn't known.
        let known = schema.fields.iter().find(|field| field.number == number);
        if let Some(field) = known.filter(|field| fits(field, &wire)) {
            put(field, &wire, &mut fields, depth)?;
        }
    }
    Some(fields)
}

/// Passes over a group, which no message has: up to its end, with the groups in it.
fn skip_group(bytes: &mut &[u8], of: u32, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    loop {
        let key = varint(bytes)?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        match key & 7 {
            0 => drop(varint(bytes)?),
            1 => drop(take(bytes, 8)?),
            2 => {
                let length = usize::try_from(varint(bytes)?).ok()?;
                take(bytes, length)?;
            }
            3 => skip_group(bytes, number, depth)?,
            4 => return (number == of).then_some(()),
            5 => drop(take(bytes, 4)?),
            _ => return None,
        }
    }
}

/// Whether a field may come so.
fn fits(field: &FieldSchema, wire: &Wire<'_>) -> bool {
    if field.label == Label::Map {
        return matches!(wire, Wire::Bytes(_));
    }
    let may_be_packed = field.label == Label::Repeated;
    match (field.kind)() {
        Kind::String | Kind::Bytes | Kind::Message(_) => matches!(wire, Wire::Bytes(_)),
        Kind::Bool | Kind::Enum(_) | Kind::Integer { .. } => {
            matches!(wire, Wire::Varint(_)) || may_be_packed && matches!(wire, Wire::Bytes(_))
        }
        Kind::Double => matches!(wire, Wire::Fixed64(_) | Wire::Fixed32(_)),
        Kind::Any => true,
    }
}

fn put(field: &FieldSchema, wire: &Wire<'_>, fields: &mut Map<String, Value>, depth: usize) -> Option<()> {
    let name = field.name.to_owned();
    match field.label {
        Label::Repeated => {
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?;
            match ((field.kind)(), wire) {
                (kind @ (Kind::Integer { .. } | Kind::Enum(_) | Kind::Bool), Wire::Bytes(packed)) => {
                    let mut rest = *packed;
                    while !rest.is_empty() {
                        list.extend(scalar(kind, &Wire::Varint(varint(&mut rest)?), depth)?);
                    }
                }
                (kind, wire) => list.extend(scalar(kind, wire, depth)?),
            }
        }
        Label::Map => {
            let Wire::Bytes(entry) = wire else { return None };
            let (key, value) = map_entry((field.kind)(), entry, depth)?;
            fields.entry(name).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?.insert(key, value);
        }
        _ => match ((field.kind)(), wire, fields.remove(&name)) {
            (Kind::Message(schema), Wire::Bytes(bytes), Some(Value::Object(before))) => {
                fields.insert(name, Value::Object(decode_message(schema, bytes, depth, before)?));
            }
            (kind, wire, before) => {
                fields.extend(scalar(kind, wire, depth)?.or(before).map(|value| (name, value)));
            }
        },
    }
    Some(())
}

fn map_entry(kind: Kind, mut bytes: &[u8], depth: usize) -> Option<(String, Value)> {
    let (mut name, mut value) = (String::new(), Value::Object(Map::new()));
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        if key & 7 != 2 {
            return None;
        }
        let length = usize::try_from(varint(&mut bytes)?).ok()?;
        let content = take(&mut bytes, length)?;
        match key >> 3 {
            1 => name = String::from_utf8_lossy(content).into_owned(),
            2 => value = scalar(kind, &Wire::Bytes(content), depth)??,
            _ => {}
        }
    }
    Some((name, value))
}

/// One value; `Some(None)` for an enum value that isn't known, which is dropped.
fn scalar(kind: Kind, wire: &Wire<'_>, depth: usize) -> Option<Option<Value>> {
    Some(match (kind, wire) {
        (Kind::String, Wire::Bytes(bytes)) => Some(Value::String(String::from_utf8_lossy(bytes).into_owned())),
        (Kind::Bytes, Wire::Bytes(bytes)) => Some(Value::String(STANDARD.encode(bytes))),
        (Kind::Message(schema), Wire::Bytes(bytes)) => {
            Some(Value::Object(decode_message(schema, bytes, depth, Map::new())?))
        }
        (Kind::Bool, Wire::Varint(number)) => Some(Value::Bool(*number != 0)),
        (Kind::Double, Wire::Fixed64(bits)) => Some(double(f64::from_bits(*bits))),
        (Kind::Double, Wire::Fixed32(bits)) => Some(double(f64::from(f32::from_bits(*bits)))),
        (Kind::Integer { signed: true, .. }, Wire::Varint(number)) => Some(Value::Number((*number as i64).into())),
        (Kind::Integer { signed: false, .. }, Wire::Varint(number)) => Some(Value::Number((*number).into())),
        (Kind::Enum(schema), Wire::Varint(number)) => schema
            .values
            .iter()
            .find(|(_, known)| i64::from(*known) == *number as i64)
            .map(|(name, _)| Value::String((*name).to_owned())),
        // A branch that the schema doesn't describe is passed over.
        (Kind::Any, _) => None,
        _ => return None,
    })
}

fn double(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value > 0.0 => Value::String("Infinity".to_owned()),
        None if value < 0.0 => Value::String("-Infinity".to_owned()),
        None => Value::String("NaN".to_owned()),
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f).checked_shl(shift).unwrap_or(0);
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Writes a message from its JSON form; what the schema doesn't name is left out.
pub fn encode(schema: &Schema, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Value::Object(fields) = value {
        encode_fields(schema, fields, &mut bytes);
    }
    bytes
}

fn encode_fields(schema: &Schema, fields: &Map<String, Value>, bytes: &mut Vec<u8>) {
    let mut known: Vec<(&FieldSchema, &Value)> =
        schema.fields.iter().filter_map(|field| Some((field, fields.get(field.name)?))).collect();
    known.sort_by_key(|(field, _)| field.number);
    for (field, value) in known {
        let kind = (field.kind)();
        match (field.label, value) {
            (Label::Repeated, Value::Array(items)) => {
                items.iter().for_each(|item| encode_one(field.number, kind, item, bytes));
            }
            (Label::Map, Value::Object(entries)) => {
                for (key, value) in entries {
                    let mut entry = Vec::new();
                    put_bytes(1, key.as_bytes(), &mut entry);
                    encode_one(2, kind, value, &mut entry);
                    put_bytes(field.number, &entry, bytes);
                }
            }
            (_, value) => encode_one(field.number, kind, value, bytes),
        }
    }
}

fn encode_one(number: u32, kind: Kind, value: &Value, bytes: &mut Vec<u8>) {
    match (kind, value) {
        (Kind::String, Value::String(text)) => put_bytes(number, text.as_bytes(), bytes),
        (Kind::Bytes, Value::String(text)) => put_bytes(number, &STANDARD.decode(text).unwrap_or_default(), bytes),
        (Kind::Message(schema), value) => put_bytes(number, &encode(schema, value), bytes),
        (Kind::Bool, Value::Bool(value)) => put_varint_field(number, u64::from(*value), bytes),
        (Kind::Double, value) => {
            let double = match value {
                Value::String(text) => text.parse().unwrap_or(f64::NAN),
                value => value.as_f64().unwrap_or(0.0),
            };
            put_varint(u64::from(number) << 3 | 1, bytes);
            bytes.extend(double.to_le_bytes());
        }
        (Kind::Integer { .. }, Value::Number(whole)) => {
            let value = whole.as_u64().or_else(|| whole.as_i64().map(|n| n as u64)).unwrap_or(0);
            put_varint_field(number, value, bytes);
        }
        (Kind::Enum(schema), Value::String(name)) => {
            if let Some((_, value)) = schema.values.iter().find(|(known, _)| known == name) {
                put_varint_field(number, i64::from(*value) as u64, bytes);
            }
        }
        _ => {}
    }
}

fn put_varint_field(number: u32, value: u64, bytes: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3, bytes);
    put_varint(value, bytes);
}

fn put_bytes(number: u32, content: &[u8], bytes: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | 2, bytes);
    put_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

fn put_varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::CallMessage;
    use crate::mesos::message::Message as _;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_call_survives_the_wire() {
        let call = json!({"framework_id": {"value": "F"}, "type": "ACCEPT", "accept": {"offer_ids": [{"value": "O"}],
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": [{"name": "x", "task_id": {"value": "t"},
            "agent_id": {"value": "S"}, "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}],
            "data": "AAEC", "limits": {"mem": {"value": "Infinity"}},
            "kill_policy": {"grace_period": {"nanoseconds": -1}}}]}}]}});
        let bytes = encode(CallMessage::schema(), &call);
        assert_eq!(decode(CallMessage::schema(), &bytes), Some(call));
        for cut in 1..bytes.len() {
            // A cut may fall between fields; inside one it must be told.
            let _ = decode(CallMessage::schema(), &bytes[..cut]);
        }
        assert_eq!(decode(CallMessage::schema(), b"\xff\xfe"), None);
        assert_eq!(decode(CallMessage::schema(), b""), Some(json!({})));
        assert_eq!(decode(CallMessage::schema(), b"\x10\x03"), Some(json!({"type": "ACCEPT"})));
    }

    #[test]
    fn what_comes_twice_is_merged() {
        let parts = [
            json!({"decline": {"offer_ids": [{"value": "A"}], "filters": {"refuse_seconds": 1.0}}}),
            json!({"decline": {"offer_ids": [{"value": "B"}], "filters": {"refuse_seconds": 2.0}}}),
        ];
        let bytes: Vec<u8> = parts.iter().flat_map(|part| encode(CallMessage::schema(), part)).collect();
        let whole =
            json!({"decline": {"offer_ids": [{"value": "A"}, {"value": "B"}], "filters": {"refuse_seconds": 2.0}}});
        assert_eq!(decode(CallMessage::schema(), &bytes), Some(whole));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(CallMessage::schema(), &bytes);
        }
    }
}
