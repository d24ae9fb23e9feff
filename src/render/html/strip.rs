//! A task's story as one strip: its states as a coloured line through time, calls above, updates below,
//! acknowledgements as ticks.
//!
//! An SVG within an `<img>`: it survives the sanitiser, a saved notebook and an export, and no text in it can act.

use base64::Engine as _;

use super::markup::Markup;
use crate::document::{Entry, EntryKind, Timeline, Tone};
use crate::render::line::{fit, width};
use crate::render::words;

const WIDTH: f64 = 640.0;
const MARGIN: f64 = 8.0;
/// Of one character of a label.
const LETTER: f64 = 6.2;
const ROW: f64 = 14.0;
/// Labels find room in so many rows, or aren't written; the list beneath has all.
const ROWS: usize = 4;
const LONGEST_LABEL: usize = 24;

/// The picture, and the same in words for who can't see it.
pub(super) fn picture(timeline: &Timeline, out: &mut Markup) {
    let svg = draw(&timeline.entries);
    let encoded = base64::engine::general_purpose::STANDARD.encode(svg);
    let said: Vec<String> = timeline
        .entries
        .iter()
        .map(|entry| format!("{} {}", words::state(&entry.label), words::offset(entry.at)))
        .collect();
    out.raw("<img style=\"display:block;max-width:100%\"");
    out.attribute("alt", &format!("timeline: {}", said.join(", ")));
    out.attribute("src", &format!("data:image/svg+xml;base64,{encoded}")).raw(">");
}

/// Labels in rows, none over another.
#[derive(Default)]
struct Rows {
    ends: Vec<f64>,
}

impl Rows {
    /// The row in which a label at `x` has room.
    fn place(&mut self, x: f64, label: &str) -> Option<usize> {
        let end = x + (width(label) as f64 + 1.5) * LETTER;
        let row = self.ends.iter().position(|taken| *taken <= x).unwrap_or(self.ends.len());
        if row >= ROWS {
            return None;
        }
        match self.ends.get_mut(row) {
            Some(taken) => *taken = end,
            None => self.ends.push(end),
        }
        Some(row)
    }

    fn height(&self) -> f64 {
        self.ends.len() as f64 * ROW
    }
}

fn draw(entries: &[Entry]) -> String {
    let end = entries.iter().map(|entry| entry.at.as_secs_f64()).fold(0.0, f64::max);
    // The last state gets a stretch too, and its label some room.
    let scale = if end > 0.0 { (WIDTH - 2.0 * MARGIN) * 0.84 / end } else { 0.0 };
    let x = |entry: &Entry| MARGIN + entry.at.as_secs_f64() * scale;

    let (mut above, mut below) = (Rows::default(), Rows::default());
    let mut placed = Vec::new();
    for entry in entries {
        let label = fit(words::state(&entry.label), LONGEST_LABEL).into_owned();
        let label = format!("{label} {}", words::offset(entry.at));
        let row = match entry.kind {
            EntryKind::Call => above.place(x(entry), &label),
            EntryKind::Update => below.place(x(entry), &label),
            EntryKind::Ack | EntryKind::Note => None,
        };
        placed.push((entry, label, row));
    }
    let line = above.height() + 8.0;
    let mut out = Markup::default();
    out.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"").number(WIDTH).raw("\" height=\"");
    out.number(line + below.height() + 12.0).raw("\" font-family=\"sans-serif\" font-size=\"11\">");
    states(entries, x, line, &mut out);
    for (entry, label, row) in &placed {
        mark(entry, x(entry), line, &mut out);
        let Some(row) = row else { continue };
        let y = match entry.kind {
            EntryKind::Call => line - 10.0 - *row as f64 * ROW,
            _ => line + 18.0 + *row as f64 * ROW,
        };
        out.raw("<text fill=\"#808080\" x=\"").number(x(entry)).raw("\" y=\"").number(y).raw("\">");
        out.line(label).raw("</text>");
    }
    out.raw("</svg>");
    out.finish()
}

/// The line itself: from each update on in the colour of its state.
fn states(entries: &[Entry], x: impl Fn(&Entry) -> f64, y: f64, out: &mut Markup) {
    let updates: Vec<&Entry> = entries.iter().filter(|entry| entry.kind == EntryKind::Update).collect();
    let right = WIDTH - MARGIN;
    let first = updates.first().map_or(right, |first| x(first));
    bar(MARGIN, first, y, "#b0b0b0", out);
    for (at, update) in updates.iter().enumerate() {
        let end = updates.get(at + 1).map_or(right, |next| x(next));
        bar(x(update), end, y, colour(update.tone), out);
    }
}

fn bar(from: f64, to: f64, y: f64, colour: &'static str, out: &mut Markup) {
    out.raw("<rect x=\"").number(from).raw("\" width=\"").number((to - from).max(0.0)).raw("\" y=\"").number(y - 2.0);
    out.raw("\" height=\"4\" fill=\"").raw(colour).raw("\"/>");
}

/// What stands on the line: a dot for a state, a tick for an acknowledgement, a triangle for a call.
fn mark(entry: &Entry, x: f64, y: f64, out: &mut Markup) {
    match entry.kind {
        EntryKind::Update => {
            out.raw("<circle r=\"4\" cx=\"").number(x).raw("\" cy=\"").number(y).raw("\" fill=\"");
            out.raw(colour(entry.tone)).raw("\"/>");
        }
        EntryKind::Ack => {
            out.raw("<rect width=\"1.5\" height=\"12\" fill=\"#808080\" x=\"").number(x - 0.7).raw("\" y=\"");
            out.number(y - 6.0).raw("\"/>");
        }
        EntryKind::Call => {
            out.raw("<path fill=\"#808080\" d=\"M").number(x - 4.0).raw(" ").number(y - 8.0).raw("h8l-4 6z\"/>");
        }
        EntryKind::Note => {}
    }
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Running => "#2b9348",
        Tone::Good => "#3b82f6",
        Tone::Bad => "#e5484d",
        Tone::Unsure => "#d99114",
        Tone::Waiting | Tone::Plain | Tone::Dim | Tone::Strong => "#9a9a9a",
    }
}
