//! That the HTML is well formed, of harmless elements only, and says what the terminal says.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::super::safe::is_unsafe;
use super::super::tests::any_document;
use super::*;
use crate::document::{Column, Document};

/// What JupyterLab's sanitiser lets through, and we use.
const ELEMENTS: &[&str] =
    &["div", "span", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "details", "summary", "img"];
const ATTRIBUTES: &[&str] = &["class", "style", "scope", "title", "open", "alt", "src"];

/// Walks the tags and returns the text between them; an error for whatever isn't ours.
fn check(html: &str) -> Result<String, String> {
    let mut open: Vec<&str> = Vec::new();
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = tag.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            (open.pop() == Some(name)).then_some(()).ok_or(format!("</{name}> closes another"))?;
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        ELEMENTS.contains(&name).then_some(()).ok_or(format!("<{name}> is none of ours"))?;
        attributes_are_ours(attributes)?;
        if name != "img" {
            open.push(name);
        }
    }
    text.push_str(rest);
    if open.is_empty() && !text.contains(['<', '>', '"', '\'']) { Ok(text) } else { Err(format!("{open:?} left")) }
}

fn attributes_are_ours(mut rest: &str) -> Result<(), String> {
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("open") {
            rest = after.trim_start();
            continue;
        }
        let (name, value) = rest.split_once("=\"").ok_or(format!("odd attributes {rest:?}"))?;
        let (_, after) = value.split_once('"').ok_or("a value without an end")?;
        ATTRIBUTES.contains(&name).then_some(()).ok_or(format!("{name}= is none of ours"))?;
        rest = after.trim_start();
    }
    Ok(())
}

#[test]
fn tables_have_headers_with_a_scope_and_states_in_words() {
    let table = Table::new([Column::new("Task"), Column::new("State"), Column::number("CPUs")], "").row([
        "<b>web</b>".into(),
        Cell::task_state("TASK_RUNNING"),
        Cell::Share { used: 1.0, total: 4.0, unit: Unit::Cpus },
    ]);
    let html = write(&table.into());
    for part in [
        "<th scope=\"col\"",
        "<th scope=\"row\"",
        "&lt;b&gt;web&lt;/b&gt;",
        ">RUNNING</span>",
        "width:25.0%",
        ">1/4 <span",
        "text-align:right",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert!(check(&html).is_ok());
}

#[test]
fn ids_are_whole_where_one_points() {
    let html = write(&Table::new([Column::new("Offer")], "").row([Cell::id("m\"-O1", "O1")]).into());
    assert!(html.contains("<span title=\"m&quot;-O1\">O1</span>"), "{html}");
}

#[test]
fn json_folds_below_its_first_level() {
    let inner: Vec<_> = (0..40).map(|n| json!({"id": n, "state": "TASK_FAILED"})).collect();
    let html = write(&json!({"tasks": inner, "small": [1, 2]}).into());
    assert_eq!((html.matches("<details open>").count(), html.matches("<details>").count()), (1, 1));
    assert!(html.contains("[1, 2]"), "{html}");
    assert!(html.contains("color:#e5484d\">&quot;TASK_FAILED&quot;"), "{html}");
}

#[test]
fn a_story_is_a_picture_and_words() {
    let story = Timeline::new("web")
        .call(Duration::ZERO, "ACCEPT", "")
        .update(Duration::from_secs(1), "TASK_RUNNING", "<script>")
        .ack(Duration::from_secs(1), "");
    let html = write(&story.into());
    let encoded = html.split("base64,").nth(1).unwrap().split('"').next().unwrap();
    let svg = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    assert!(svg.contains("<circle") && svg.contains(">RUNNING 1.0s</text>"), "{svg}");
    assert!(html.contains("alt=\"timeline: ACCEPT 0.0s, RUNNING 1.0s, ACK 1.0s\""), "{html}");
    assert!(html.contains("&lt;script&gt;"), "{html}");
}

proptest! {
    #[test]
    fn whatever_a_document_holds_the_markup_is_ours(document in any_document()) {
        let html = write(&document);
        prop_assert!(!html.chars().any(|c| is_unsafe(c) && c != '\n'));
        let text = check(&html);
        prop_assert!(text.is_ok(), "{:?} in {}", text, html);
    }

    #[test]
    fn text_comes_through_whole(text in any::<String>()) {
        let out = check(&write(&Document::text(text.clone()))).unwrap();
        let back = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        let (back, want) = (back.replace("&amp;", "&"), super::super::safe(&text).replace('\t', "    "));
        prop_assert_eq!(back.trim_matches('\n'), want.trim_matches('\n'));
    }
}

#[test]
fn a_measured_column_has_bars_against_its_largest() {
    let columns = [Column::new("Offer"), Column::number("CPUs").measured(), Column::number("Mem")];
    let mut table = crate::document::Table::new(columns, "");
    for (name, cpus) in [("a", 4.0), ("b", 1.0), ("c", 0.0)] {
        table.push([Cell::text(name), Cell::Cpus(cpus), Cell::Mebibytes(64.0)]);
    }
    let html = write(&table.into());
    for (width, count) in [("width:100.0%", 1), ("width:25.0%", 1), ("width:0.0%", 1)] {
        assert_eq!(html.matches(width).count(), count, "{width}: {html}");
    }
}
