//! JSON that folds: the first level is open, what is small stands in one line.

use serde_json::Value;

use super::markup::Markup;
use super::opening;
use crate::document::Tone;
use crate::render::tree;

/// In characters: what fits stands in one line.
const SMALL: usize = 80;

/// A value as nested `<details>`.
pub(super) fn tree(value: &Value, out: &mut Markup) {
    out.raw("<div style=\"font-family:monospace;white-space:pre-wrap;overflow-wrap:break-word\">");
    member(None, value, true, out);
    out.raw("</div>");
}

/// A value with its key before it, if it has one.
fn member(key: Option<&str>, value: &Value, is_open: bool, out: &mut Markup) {
    let (count, what) = match value {
        Value::Object(members) if !tree::is_small(value, SMALL) => (members.len(), "{ } "),
        Value::Array(values) if !tree::is_small(value, SMALL) => (values.len(), "[ ] "),
        _ => {
            out.raw("<div>");
            self::key(key, out);
            inline(value, out);
            out.raw("</div>");
            return;
        }
    };
    out.raw(if is_open { "<details open>" } else { "<details>" }).raw("<summary>");
    self::key(key, out);
    out.raw("<span style=\"opacity:0.65\">").raw(what).line(&count.to_string()).raw("</span></summary>");
    out.raw("<div style=\"padding-left:18px\">");
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| member(Some(key), value, false, out)),
        Value::Array(values) => values.iter().for_each(|value| member(None, value, false, out)),
        _ => {}
    }
    out.raw("</div></details>");
}

fn key(key: Option<&str>, out: &mut Markup) {
    if let Some(key) = key {
        out.raw("<span style=\"opacity:0.65\">").line(&tree::quoted(key)).raw(": </span>");
    }
}

/// A small value in one line.
fn inline(value: &Value, out: &mut Markup) {
    match value {
        Value::Object(members) => {
            out.raw("{");
            for (at, (name, value)) in members.iter().enumerate() {
                out.raw(if at > 0 { ", " } else { "" });
                key(Some(name), out);
                inline(value, out);
            }
            out.raw("}");
        }
        Value::Array(values) => {
            out.raw("[");
            for (at, value) in values.iter().enumerate() {
                out.raw(if at > 0 { ", " } else { "" });
                inline(value, out);
            }
            out.raw("]");
        }
        Value::String(text) => {
            let tone = Tone::of_task_state(tree::task_state(text));
            out.raw(opening(tone)).line(&tree::quoted(text)).raw("</span>");
        }
        other => _ = out.line(&other.to_string()),
    }
}
