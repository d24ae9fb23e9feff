//! Messages in protobuf's text form, which some of the master's own answers quote.

use serde_json::Value;

use crate::mesos::message::{FieldSchema, Kind, Label, Message, Schema};

/// The whole message, a field a line.
pub(super) fn printed<T: Message + serde::Serialize>(message: &T) -> String {
    let mut text = String::new();
    if let Ok(value) = serde_json::to_value(message) {
        print(T::schema(), &value, 0, &mut text);
    }
    text
}

fn print(schema: &Schema, value: &Value, depth: usize, text: &mut String) {
    let mut fields: Vec<&FieldSchema> = schema.fields.iter().collect();
    fields.sort_by_key(|field| field.number);
    for field in fields {
        match (field.label, value.get(field.name)) {
            (_, None) => {}
            (Label::Repeated, Some(Value::Array(items))) => {
                items.iter().for_each(|item| print_field(field, item, depth, text));
            }
            (Label::Map, Some(Value::Object(entries))) => {
                for (key, value) in entries {
                    let indent = "  ".repeat(depth);
                    text.push_str(&format!("{indent}{} {{\n{indent}  key: {}\n", field.name, quoted(key)));
                    let entry = FieldSchema { name: "value", label: Label::Optional, ..*field };
                    print_field(&entry, value, depth + 1, text);
                    text.push_str(&format!("{indent}}}\n"));
                }
            }
            (_, Some(value)) => print_field(field, value, depth, text),
        }
    }
}

fn print_field(field: &FieldSchema, value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    // The master's own messages still call agents slaves.
    let name = if field.name == "agent_id" { "slave_id" } else { field.name };
    match ((field.kind)(), value) {
        (Kind::Message(schema), value) => {
            text.push_str(&format!("{indent}{name} {{\n"));
            print(schema, value, depth + 1, text);
            text.push_str(&format!("{indent}}}\n"));
        }
        (Kind::Enum(_), Value::String(value)) => text.push_str(&format!("{indent}{name}: {value}\n")),
        (_, Value::String(value)) => text.push_str(&format!("{indent}{name}: {}\n", quoted(value))),
        (Kind::Double, value) => {
            let number = crate::embedded::resources::printed(value.as_f64().unwrap_or(0.0), 15);
            text.push_str(&format!("{indent}{name}: {number}\n"));
        }
        (_, value) => text.push_str(&format!("{indent}{name}: {value}\n")),
    }
}

/// A string as C writes it, bytes beyond ASCII in octal.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\'' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text.push('"');
    text
}
