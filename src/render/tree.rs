//! JSON for the eye: what is small stands in one line, keys recede, states have their colour.
//!
//! Still exact JSON, so that it can be copied: what a terminal would obey is written as a JSON escape.

use serde_json::Value;

use super::line::width;
use super::{Style, Theme, safe_json};
use crate::document::Tone;

/// Longer lines are hard to read, however wide the window.
const LONGEST: usize = 100;

/// Writes a value and a line break; only texts that don't fit by themselves make lines wider than the room.
pub(super) fn write(value: &Value, room: usize, theme: Theme, out: &mut String) {
    let mut tree = Tree { theme, room: room.min(LONGEST), out };
    tree.value(value, 0, 0);
    out.push('\n');
}

struct Tree<'o> {
    theme: Theme,
    room: usize,
    out: &'o mut String,
}

impl Tree<'_> {
    /// Writes a value whose first line has so many cells before it, and one behind it.
    fn value(&mut self, value: &Value, indent: usize, used: usize) {
        let is_small = is_small(value, self.room.saturating_sub(used + 1));
        match value {
            Value::Object(members) if !is_small => {
                self.out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    self.next_line(indent + 2, at > 0);
                    let key = quoted(key);
                    self.paint(Style::Header, &format!("{key}:"));
                    self.out.push(' ');
                    self.value(value, indent + 2, indent + 4 + width(&key));
                }
                self.next_line(indent, false);
                self.out.push('}');
            }
            Value::Array(values) if !is_small => {
                self.out.push('[');
                for (at, value) in values.iter().enumerate() {
                    self.next_line(indent + 2, at > 0);
                    self.value(value, indent + 2, indent + 2);
                }
                self.next_line(indent, false);
                self.out.push(']');
            }
            _ => self.inline(value),
        }
    }

    fn inline(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                self.out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.paint(Style::Header, &format!("{}:", quoted(key)));
                    self.out.push(' ');
                    self.inline(value);
                }
                self.out.push('}');
            }
            Value::Array(values) => {
                self.out.push('[');
                for (at, value) in values.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.inline(value);
                }
                self.out.push(']');
            }
            Value::String(text) => self.paint(Style::Tone(Tone::of_task_state(task_state(text))), &quoted(text)),
            Value::Null => self.paint(Style::Tone(Tone::Dim), "null"),
            Value::Bool(_) | Value::Number(_) => self.out.push_str(&value.to_string()),
        }
    }

    fn paint(&mut self, style: Style, text: &str) {
        self.out.push_str(&self.theme.paint(style, text));
    }

    fn next_line(&mut self, indent: usize, is_after_another: bool) {
        self.out.push_str(if is_after_another { ",\n" } else { "\n" });
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A text that names a task state for certain; a task may be called `RUNNING`.
pub(super) fn task_state(text: &str) -> &str {
    if text.starts_with("TASK_") { text } else { "" }
}

/// A text as JSON has it, without what a terminal would obey.
pub(super) fn quoted(text: &str) -> String {
    safe_json(&Value::from(text).to_string()).into_owned()
}

/// Whether a value in one line fits.
pub(super) fn is_small(value: &Value, room: usize) -> bool {
    small(value, room).is_some()
}

/// What is left of the room behind a value in one line; `None` if it doesn't fit. Looks no further than the room.
fn small(value: &Value, room: usize) -> Option<usize> {
    match value {
        Value::Object(members) => members.iter().try_fold(room.checked_sub(2)?, |room, (key, value)| {
            small(value, room.checked_sub(width(&quoted(key)) + 2)?)?.checked_sub(2)
        }),
        Value::Array(values) => {
            values.iter().try_fold(room.checked_sub(2)?, |room, value| small(value, room)?.checked_sub(2))
        }
        // No text is shorter in cells than a quarter of its bytes.
        Value::String(text) if text.len() / 4 > room => None,
        Value::String(text) => room.checked_sub(width(&quoted(text))),
        _ => room.checked_sub(value.to_string().len()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn drawn(value: &Value, room: usize, colour: bool) -> String {
        let mut out = String::new();
        write(value, room, Theme { colour }, &mut out);
        out
    }

    #[test]
    fn what_is_small_stands_in_one_line() {
        let call =
            json!({"type": "KILL", "kill": {"task_id": {"value": "web"}, "agent_id": {"value": "S0"}}, "ids": []});
        assert_eq!(
            drawn(&call, 60, false),
            r#"{
  "type": "KILL",
  "kill": {
    "task_id": {"value": "web"},
    "agent_id": {"value": "S0"}
  },
  "ids": []
}
"#
        );
        assert_eq!(drawn(&json!({"a": [1, 2.5, null]}), 60, false), "{\"a\": [1, 2.5, null]}\n");
        assert_eq!(drawn(&json!("x"), 1, false), "\"x\"\n");
    }

    #[test]
    fn states_have_their_colour_and_names_do_not() {
        let value = json!({"state": "TASK_FAILED", "name": "FAILED"});
        assert_eq!(
            drawn(&value, 60, true),
            "{\x1b[2m\"state\":\x1b[0m \x1b[31m\"TASK_FAILED\"\x1b[0m, \x1b[2m\"name\":\x1b[0m \"FAILED\"}\n"
        );
    }

    pub(in crate::render) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~\u{200b}-\u{202f}\u{7f}-\u{9f}\u{e0000}-\u{e007f}\n]*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_stays_the_same_json(value in any_json(), room in 1_usize..200) {
            let out = drawn(&value, room, false);
            prop_assert!(!out.chars().any(|c| super::super::safe::is_unsafe(c) && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), value);
        }
    }
}
