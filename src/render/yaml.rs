//! Exact JSON as YAML, for people who like to read it so. Nothing a terminal would obey or hide stands in it bare.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;

use super::safe::is_unsafe;
use super::safe_yaml;

/// The value, with a line break at the end.
pub(super) fn write(value: &Value) -> String {
    let block = if has_hostile_key(value) { None } else { serde_saphyr::to_string(&Guarded(value)).ok() };
    // JSON is YAML too, so what the library writes bare, or not at all, is answered exactly as well.
    let mut text = block.unwrap_or_else(|| format!("{value:#}"));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    safe_yaml(&text).into_owned()
}

/// Whether some key needs escapes: the library quotes values on demand, keys as it thinks right.
fn has_hostile_key(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(key, value)| is_hostile(key) || has_hostile_key(value)),
        Value::Array(values) => values.iter().any(has_hostile_key),
        _ => false,
    }
}

fn is_hostile(text: &str) -> bool {
    text.chars().any(|c| is_unsafe(c) && c != '\n')
}

/// A value whose hostile texts are double-quoted, so that [`safe_yaml`] can escape them without changing them.
struct Guarded<'a>(&'a Value);

impl Serialize for Guarded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if is_hostile(text) => DoubleQuoted(text).serialize(serializer),
            Value::Array(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Guarded(value))?;
                }
                list.end()
            }
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, &Guarded(value))?;
                }
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::tree::tests::any_json;
    use super::*;

    #[test]
    fn it_reads_well_and_hides_nothing() {
        let value =
            json!([{"id": "web", "cpus": 0.2, "labels": {}, "note": "yes", "odd": "a\u{202e}b\u{e0041}"}, null]);
        assert_eq!(
            write(&value),
            "- id: web\n  cpus: 0.2\n  labels: {}\n  note: \"yes\"\n  odd: \"a\\u202eb\\U000e0041\"\n- null\n"
        );
    }

    proptest! {
        #[test]
        fn it_stays_the_same_value(value in any_json()) {
            let out = write(&value);
            prop_assert!(!out.chars().any(|c| is_unsafe(c) && c != '\n'), "{out:?}");
            let back: Value = serde_saphyr::from_str(&out).unwrap();
            prop_assert_eq!(back, value, "{}", out);
        }
    }
}
