//! Documents as HTML for notebooks: self-contained, without scripts, links or style sheets.
//!
//! Text and background are the page's own, so light and dark themes follow; what carries colour is tinted so that it
//! reads on both, and says its meaning in words too. Only elements and inline styles that JupyterLab's sanitiser lets
//! through are used (no `<style>`, no `<svg>`, no `var()`): a saved notebook looks the same before it is trusted.

mod json;
mod markup;
mod strip;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::time::SystemTime;

use markup::Markup;

use super::words::{self, Reading};
use super::{text, trouble};
use crate::document::{
    Align, Block, Cell, Diagnostic, Document, EntryKind, Fields, Log, Piece, Table, Timeline, Tone, Unit,
};

/// Moments are told in UTC and say so: a notebook is read elsewhere and later.
const READING: Reading<'static> = Reading { whole: false, zone: &jiff::tz::TimeZone::UTC, headed: true };
/// In characters, for the excerpts of diagnostics.
const EXCERPT: usize = 100;

/// The whole document.
pub(super) fn write(document: &Document) -> String {
    let mut out = Markup::default();
    out.raw("<div class=\"mesos-repl\" style=\"line-height:1.5;text-align:left\">\n");
    for block in &document.blocks {
        self::block(block, &mut out);
        out.raw("\n");
    }
    out.raw("</div>\n");
    out.finish()
}

fn block(block: &Block, out: &mut Markup) {
    match block {
        Block::Text(pieces) => {
            out.raw("<div style=\"white-space:pre-wrap\">");
            pieces.iter().for_each(|piece| toned(piece, out));
            out.raw("</div>");
        }
        Block::Heading(text) => {
            out.raw("<div style=\"font-weight:bold;margin:8px 0 2px 0\">").line(text).raw("</div>");
        }
        Block::Table(table) if table.rows.is_empty() && !table.empty.is_empty() => {
            out.raw("<div>").text(&table.empty).raw("</div>");
        }
        Block::Table(table) => self::table(table, out),
        Block::Fields(fields) => self::fields(fields, out),
        Block::Json(value) => json::tree(value, out),
        Block::Log(log) => self::log(log, out),
        Block::Timeline(timeline) => self::timeline(timeline, out),
        Block::Diagnostic(diagnostic) => self::diagnostic(diagnostic, out),
        Block::Next(commands) => next(commands, out),
    }
}

/// Words of a tone.
fn toned(piece: &Piece, out: &mut Markup) {
    out.raw(opening(piece.tone)).text(&piece.text).raw("</span>");
}

/// Colours that read on white and on black alike (contrast above 3.5 on both).
fn opening(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain | Tone::Waiting => "<span>",
        Tone::Running => "<span style=\"color:#2b9348\">",
        Tone::Good => "<span style=\"color:#3b82f6\">",
        Tone::Bad => "<span style=\"color:#e5484d\">",
        Tone::Unsure => "<span style=\"color:#b7791f\">",
        Tone::Dim => "<span style=\"opacity:0.65\">",
        Tone::Strong => "<span style=\"font-weight:bold\">",
    }
}

/// A state: its word on a tint of its meaning.
fn chip(name: &str, tone: Tone, out: &mut Markup) {
    out.raw("<span style=\"display:inline-block;padding:0 7px;border-radius:9px;white-space:nowrap;background-color:");
    out.raw(match tone {
        Tone::Running => "rgba(43,147,72,0.25)",
        Tone::Good => "rgba(59,130,246,0.25)",
        Tone::Bad => "rgba(229,72,77,0.28)",
        Tone::Unsure => "rgba(217,145,20,0.30)",
        Tone::Waiting | Tone::Plain | Tone::Dim | Tone::Strong => "rgba(128,128,128,0.22)",
    });
    out.raw("\">").line(words::state(name)).raw("</span>");
}

fn table(table: &Table, out: &mut Markup) {
    const TABLE: &str = "<table style=\"border-collapse:collapse;table-layout:auto;width:auto;margin:4px 0\">";
    out.raw(TABLE).raw("<thead><tr>");
    for column in &table.columns {
        out.raw("<th scope=\"col\" style=\"padding:2px 14px 2px 0;font-weight:normal;white-space:nowrap;");
        out.raw("border-bottom:1px solid rgba(128,128,128,0.5);").raw(side(column.align));
        out.raw("\"><span style=\"opacity:0.65\">").line(&column.title).raw("</span></th>");
    }
    out.raw("</tr></thead><tbody>");
    let largest: Vec<Option<f64>> = (0..table.columns.len()).map(|at| largest(table, at)).collect();
    for row in &table.rows {
        out.raw("\n<tr>");
        let cells = row.iter().chain(std::iter::repeat(&Cell::Empty));
        for (at, (column, cell)) in table.columns.iter().zip(cells).enumerate() {
            let is_first = at == 0;
            // The first cell names its row.
            out.raw(if is_first { "<th scope=\"row\"" } else { "<td" });
            out.raw(" style=\"padding:2px 14px 2px 0;font-weight:normal;vertical-align:top;").raw(side(column.align));
            out.raw("\">");
            self::cell(cell, &READING, out);
            if let (Some(largest), Some(amount)) = (largest.get(at).copied().flatten(), amount(cell)) {
                bar(amount / largest, out);
            }
            out.raw(if is_first { "</th>" } else { "</td>" });
        }
        out.raw("</tr>");
    }
    out.raw("</tbody></table>");
}

/// The largest amount of a column that is measured.
fn largest(table: &Table, at: usize) -> Option<f64> {
    table.columns.get(at).filter(|column| column.is_measured)?;
    let amounts = table.rows.iter().filter_map(|row| row.get(at).and_then(amount));
    amounts.max_by(f64::total_cmp).filter(|largest| *largest > 0.0)
}

fn amount(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Cpus(amount) | Cell::Mebibytes(amount) | Cell::Number(amount) => {
            Some(*amount).filter(|it| it.is_finite())
        }
        _ => None,
    }
}

fn side(align: Align) -> &'static str {
    match align {
        Align::Left => "text-align:left",
        Align::Right => "text-align:right;white-space:nowrap",
    }
}

fn fields(fields: &Fields, out: &mut Markup) {
    const LABEL: &str = "\n<tr><th scope=\"row\" style=\"text-align:left;font-weight:normal;vertical-align:top;padding:1px 16px 1px 0\">";
    const VALUE: &str = "</th><td style=\"text-align:left;vertical-align:top;padding:1px 0;white-space:pre-wrap\">";
    out.raw("<table style=\"border-collapse:collapse;table-layout:auto;width:auto;margin:4px 0\"><tbody>");
    for field in &fields.rows {
        out.raw(LABEL);
        if fields.is_glossary {
            out.raw("<code>").line(field.label.trim_end()).raw("</code>");
        } else {
            out.raw("<span style=\"opacity:0.65\">").line(&field.label).raw("</span>");
        }
        out.raw(VALUE);
        match &field.value {
            Cell::Text(text) => _ = out.text(text),
            Cell::Empty => _ = out.raw("<span style=\"opacity:0.65\">-</span>"),
            value => cell(value, &Reading { whole: true, headed: false, ..READING }, out),
        }
        out.raw("</td></tr>");
    }
    out.raw("</tbody></table>");
}

/// A value: what the terminal says of it, drawn where a picture says it better, exact where one points.
fn cell(cell: &Cell, reading: &Reading<'_>, out: &mut Markup) {
    let words = reading.words(cell);
    match cell {
        Cell::State { name, tone } => chip(name, *tone, out),
        Cell::Toned(piece) => toned(piece, out),
        Cell::Share { used, total, unit } => share(*used, *total, *unit, &words.text, out),
        Cell::Id { whole, .. } if !reading.whole => {
            out.raw("<span").attribute("title", whole).raw(">").line(&words.text).raw("</span>");
        }
        Cell::Time(time) => {
            out.raw("<span").attribute("title", &exact(*time)).raw(">").line(&words.text).raw("</span>");
        }
        Cell::List(cells) => {
            for (at, one) in cells.iter().enumerate() {
                out.raw(if at > 0 { ", " } else { "" });
                self::cell(one, reading, out);
            }
        }
        Cell::Json(value) => json::tree(value, out),
        _ => _ = out.line(&words.text),
    }
}

fn exact(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| String::new(), |time| time.to_string())
}

/// A part of a whole: the words, and a thin bar that ends where those of other rows end.
fn share(used: f64, total: f64, unit: Unit, words: &str, out: &mut Markup) {
    out.line(words);
    if unit == Unit::Count {
        return;
    }
    bar(if total > 0.0 { used / total } else { 0.0 }, out);
}

/// A thin bar, full at 1.
fn bar(part: f64, out: &mut Markup) {
    let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    out.raw(" <span style=\"display:inline-block;width:56px;height:6px;border-radius:3px;margin-left:6px;vertical-align:middle;");
    out.raw("background-color:rgba(128,128,128,0.25)\"><span style=\"display:block;height:6px;border-radius:3px;");
    out.raw("background-color:#3b82f6;width:").number(part * 100.0).raw("%\"></span></span>");
}

fn log(log: &Log, out: &mut Markup) {
    if !log.name.is_empty() {
        out.raw("<div style=\"opacity:0.65\">").line(&log.name).raw("</div>");
    }
    out.raw("<pre style=\"margin:2px 0;max-height:420px;overflow:auto;white-space:pre-wrap\">");
    for line in log.text.lines() {
        out.text(&text::log_line(line)).raw("\n");
    }
    out.raw("</pre>");
}

/// A strip to take in at a glance, and the same in words.
fn timeline(timeline: &Timeline, out: &mut Markup) {
    if !timeline.name.is_empty() {
        out.raw("<div style=\"font-weight:bold\">").line(&timeline.name).raw("</div>");
    }
    if timeline.entries.is_empty() {
        return;
    }
    strip::picture(timeline, out);
    out.raw("<table style=\"border-collapse:collapse;table-layout:auto;width:auto;margin:2px 0\"><tbody>");
    for entry in &timeline.entries {
        const CELL: &str = "<td style=\"text-align:left;vertical-align:top;padding:1px 14px 1px 0\">";
        out.raw("\n<tr><td style=\"text-align:right;vertical-align:top;padding:1px 14px 1px 0;opacity:0.65\">");
        out.line(&words::offset(entry.at)).raw("</td>").raw(CELL).raw("<span style=\"opacity:0.65\">");
        out.raw(who(entry.kind)).raw("</span></td>").raw(CELL);
        match entry.kind {
            EntryKind::Update => chip(&entry.label, entry.tone, out),
            _ => _ = out.line(&entry.label),
        }
        out.raw("</td>").raw(CELL).text(&entry.text).raw("</td></tr>");
    }
    out.raw("</tbody></table>");
}

fn who(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Call => "call",
        EntryKind::Update => "update",
        EntryKind::Ack => "acknowledged",
        EntryKind::Note => "",
    }
}

fn diagnostic(diagnostic: &Diagnostic, out: &mut Markup) {
    out.raw("<div style=\"border-left:3px solid #e5484d;padding:1px 0 1px 10px;margin:4px 0\">");
    out.raw("<div style=\"white-space:pre-wrap\"><span style=\"font-weight:bold;color:#e5484d\">error:</span> ");
    out.raw("<span style=\"font-weight:bold\">").text(&diagnostic.what).raw("</span></div>");
    if let Some(input) = &diagnostic.input {
        out.raw("<pre style=\"margin:2px 0;white-space:pre;overflow:auto\">");
        for line in trouble::excerpt(input, EXCERPT) {
            let mut text = String::new();
            line.write(super::Theme::PLAIN, &mut text);
            out.text(&text);
        }
        out.raw("</pre>");
    }
    let mut say = |lines: &[String], word: &'static str| {
        for line in lines {
            out.raw("<div style=\"white-space:pre-wrap\"><span style=\"opacity:0.65\">").raw(word).raw("</span>");
            out.text(line).raw("</div>");
        }
    };
    say(&diagnostic.details, "");
    say(&diagnostic.causes, "because: ");
    say(&diagnostic.help, "help: ");
    out.raw("</div>");
}

fn next(commands: &[String], out: &mut Markup) {
    out.raw("<div style=\"opacity:0.75;margin-top:2px\">Next:");
    for (at, command) in commands.iter().enumerate() {
        out.raw(if at > 0 { " &#160;|&#160; " } else { " " });
        out.raw("<code>").line(command).raw("</code>");
    }
    out.raw("</div>");
}
