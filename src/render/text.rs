//! Documents as lines of text: the terminal's and the pipe's drawing, with colours or without.

use super::line::{Line, fit, flow, width};
use super::words::{self, Reading};
use super::{Page, Style, safe, safe_line, table, tree, trouble};
use crate::document::{Block, Cell, Document, Entry, EntryKind, Field, Fields, Log, Timeline, Tone};

/// Between a label and its value.
const GAP: usize = 2;
/// Below this much room beside its label, a value stands beneath it.
const VALUE_ROOM: usize = 16;

/// Below this, a story is no longer set in columns.
const NARROWEST: usize = 32;

/// Writes a whole document.
pub(super) fn write(document: &Document, page: &Page, out: &mut String) {
    let page = &Page { width: page.width.max(1), ..page.clone() };
    let mut earlier: Option<&Block> = None;
    for block in &document.blocks {
        if earlier.is_some_and(|earlier| is_apart(earlier, block)) {
            out.push('\n');
        }
        write_block(block, page, out);
        earlier = Some(block);
    }
}

/// Whether an empty line stands between two blocks: above headings, and between two pictures of which neither says
/// where it ends. Sentences stay with what they speak of.
fn is_apart(above: &Block, below: &Block) -> bool {
    let is_sentence = |block: &Block| matches!(block, Block::Text(_) | Block::Next(_) | Block::Heading(_));
    match (above, below) {
        (_, Block::Heading(_)) => true,
        (Block::Diagnostic(_), Block::Diagnostic(_)) => true,
        _ => !is_sentence(above) && !is_sentence(below),
    }
}

fn write_block(block: &Block, page: &Page, out: &mut String) {
    let lines = match block {
        Block::Text(pieces) => {
            let pieces: Vec<_> = pieces.iter().map(|piece| (Style::Tone(piece.tone), safe(&piece.text))).collect();
            flow(Line::default(), 0, page.width, pieces.iter().map(|(style, text)| (*style, text.as_ref())))
        }
        Block::Heading(text) => sentence(Style::Tone(Tone::Strong), text, page),
        Block::Table(table) if table.rows.is_empty() && !table.empty.is_empty() => {
            sentence(Style::PLAIN, &table.empty, page)
        }
        Block::Table(table) => return table::write(table, page, out),
        Block::Fields(fields) => self::fields(fields, page),
        Block::Json(value) => return tree::write(value, page.width, page.theme, out),
        Block::Log(log) => return write_log(log, page, out),
        Block::Timeline(timeline) => self::timeline(timeline, page),
        Block::Diagnostic(diagnostic) => trouble::lines(diagnostic, page),
        Block::Next(commands) => next(commands, page),
    };
    for line in lines {
        line.write(page.theme, out);
    }
}

fn sentence(style: Style, text: &str, page: &Page) -> Vec<Line> {
    flow(Line::default(), 0, page.width, [(style, safe(text).as_ref())])
}

/// Labels in a column, values beside them.
fn fields(fields: &Fields, page: &Page) -> Vec<Line> {
    let (margin, style) = if fields.is_glossary { (GAP, Style::Tone(Tone::Strong)) } else { (0, Style::Header) };
    let labels: Vec<_> = fields.rows.iter().map(|field| safe_line(&field.label)).collect();
    let column = margin + labels.iter().map(|label| width(label)).max().unwrap_or(0) + GAP;
    let is_narrow = page.width < column + VALUE_ROOM;
    let mut lines = Vec::new();
    for (field, label) in fields.rows.iter().zip(&labels) {
        let mut lead = Line::indented(margin);
        if is_narrow {
            lines.extend(flow(lead, margin + GAP, page.width, [(style, label.as_ref())]));
            lead = Line::indented(margin + GAP);
        } else {
            lead.push(style, label);
            lead.pad_to(column);
        }
        lines.extend(value(field, lead, page));
    }
    lines
}

fn value(field: &Field, lead: Line, page: &Page) -> Vec<Line> {
    let words = Reading { whole: true, zone: &page.zone, headed: false }.words(&field.value);
    let hang = lead.width();
    // A cell's words are one line; only text may have several, and here is room for them.
    let text = match &field.value {
        Cell::Text(text) => safe(text),
        _ => words.text,
    };
    let shown = if text.is_empty() { ("-", Style::Tone(Tone::Dim)) } else { (text.as_ref(), words.style) };
    flow(lead, hang, page.width, [(shown.1, shown.0)])
}

/// A story, a line each: who it is about, what it was, when, and what is known besides.
fn timeline(timeline: &Timeline, page: &Page) -> Vec<Line> {
    let name = safe_line(&timeline.name);
    let beside = if name.is_empty() { 0 } else { width(&name) + GAP };
    // A name too long to stand beside its story stands above it.
    let is_above = beside > page.width / 4 || timeline.entries.is_empty();
    let mut lines = Vec::new();
    if is_above && !name.is_empty() {
        lines.extend(sentence(Style::PLAIN, &name, page));
    }
    let columns = Columns::of(timeline, page);
    for (at, entry) in timeline.entries.iter().enumerate() {
        let mut lead = Line::default();
        if at == 0 && !is_above {
            lead.push(Style::PLAIN, &name);
        }
        lead.pad_to(if is_above && !name.is_empty() { GAP } else { beside });
        lines.extend(columns.entry(entry, lead, page));
    }
    lines
}

/// The columns of a story.
struct Columns {
    label: usize,
    time: usize,
    /// Whether somebody else than the cluster speaks; who it is needs saying only then.
    is_mixed: bool,
}

impl Columns {
    fn of(timeline: &Timeline, page: &Page) -> Columns {
        let entries = &timeline.entries;
        let label = |entry: &Entry| width(&safe_line(words::state(&entry.label)));
        Columns {
            label: entries.iter().map(label).max().unwrap_or(0).min(page.width / 3),
            time: entries.iter().map(|entry| words::offset(entry.at).len()).max().unwrap_or(0),
            is_mixed: entries.iter().any(|entry| entry.kind != EntryKind::Update),
        }
    }

    fn entry(&self, entry: &Entry, mut line: Line, page: &Page) -> Vec<Line> {
        let label = safe_line(words::state(&entry.label));
        let time = words::offset(entry.at);
        let text = safe(&entry.text);
        if self.is_mixed {
            line.push(Style::Hint, arrow(entry.kind));
            line.push(Style::PLAIN, " ");
        }
        let end = line.width() + self.label + GAP;
        if page.width < NARROWEST.max(end + self.time) {
            let words = format!("{label} {time} {text}");
            return flow(line, GAP, page.width, [(Style::PLAIN, words.trim_end())]);
        }
        line.push(Style::Tone(entry.tone), &fit(&label, self.label));
        line.pad_to(end + self.time.saturating_sub(time.len()));
        line.push(Style::Hint, &time);
        line.pad_to(line.width() + if text.is_empty() { 0 } else { GAP });
        let hang = line.width();
        let tone = if entry.kind == EntryKind::Note { Tone::Dim } else { Tone::Plain };
        flow(line, hang, page.width, [(Style::Tone(tone), text.as_ref())])
    }
}

/// Which way it went: from us, to us, or neither.
fn arrow(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Call | EntryKind::Ack => "->",
        EntryKind::Update => "<-",
        EntryKind::Note => "--",
    }
}

/// A log's own lines, however long: broken ones could neither be copied nor searched for, and a terminal wraps.
fn write_log(log: &Log, page: &Page, out: &mut String) {
    if !log.name.is_empty() {
        for line in sentence(Style::Header, &log.name, page) {
            line.write(page.theme, out);
        }
    }
    for line in log.text.lines() {
        out.push_str(&log_line(line));
        out.push('\n');
    }
}

/// A line of a log: colours that a program wrote are dropped, tabs become blanks up to their stops, all else that a
/// terminal would obey is shown.
pub(super) fn log_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (at, part) in without_colours(line).split('\t').enumerate() {
        if at > 0 {
            let here = width(&out);
            out.extend(std::iter::repeat_n(' ', 8 - here % 8));
        }
        out.push_str(&safe_line(part));
    }
    out
}

/// The text without SGR sequences (`ESC [ 31 m`): they only colour, and shown as escapes they hide the words.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        let (head, sequence) = rest.split_at(at);
        let parameters = sequence.trim_start_matches("\x1b[");
        let is_single = sequence.len() == parameters.len() + 2;
        let end = parameters.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
        out.push_str(head);
        match end.filter(|end| is_single && parameters.as_bytes().get(*end) == Some(&b'm')) {
            Some(end) => rest = parameters.get(end + 1..).unwrap_or(""),
            None => {
                out.push_str("\x1b[");
                rest = sequence.get(2..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}

/// What to type next, as many in a line as fit; a command isn't broken where it can be helped.
fn next(commands: &[String], page: &Page) -> Vec<Line> {
    const LEAD: &str = "Next: ";
    const BETWEEN: &str = "  |  ";
    let hang = LEAD.len().min(page.width / 2);
    let mut lines = Vec::new();
    let mut line = Line::default().with(Style::Hint, LEAD);
    let mut is_fresh = true;
    for command in commands {
        let command = safe_line(command);
        let between = if is_fresh { "" } else { BETWEEN };
        if !is_fresh && line.width() + between.len() + width(&command) > page.width {
            lines.push(std::mem::replace(&mut line, Line::indented(hang)));
            is_fresh = true;
        }
        line.push(Style::Hint, if is_fresh { "" } else { BETWEEN });
        let mut laid = flow(line, hang, page.width, [(Style::Hint, command.as_ref())]);
        line = laid.pop().unwrap_or_default();
        lines.extend(laid);
        is_fresh = false;
    }
    lines.push(line);
    lines
}
