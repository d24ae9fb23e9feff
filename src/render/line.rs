//! Lines that fit: text of several styles laid out within a width, broken between words.
//!
//! Takes safe text only. Widths are those of terminal cells, not of characters or bytes.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Style, Theme};

/// How many cells a text takes.
pub(super) fn width(text: &str) -> usize {
    // Safe text has no control characters, so plain ASCII is one cell each.
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text, or as much of it as fits with `…` at its end.
pub(super) fn fit(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    match room.checked_sub(1) {
        Some(room) => Cow::Owned(format!("{}…", text.get(..prefix(text, room)).unwrap_or_default())),
        None => Cow::Borrowed(""),
    }
}

/// The text, or as much of its end as fits with `…` before it.
pub(super) fn tail(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        start = at;
    }
    if room == 0 { Cow::Borrowed("") } else { Cow::Owned(format!("…{}", text.get(start..).unwrap_or_default())) }
}

/// Where the longest beginning ends that fits.
fn prefix(text: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            return at;
        }
    }
    text.len()
}

/// One line: stretches of text, each of one style.
#[derive(Debug, Default, Clone)]
pub(super) struct Line {
    spans: Vec<(Style, String)>,
    width: usize,
}

impl Line {
    /// A line that begins with so many blanks.
    pub(super) fn indented(by: usize) -> Self {
        let mut line = Line::default();
        line.blanks(by);
        line
    }

    /// How many cells it takes.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Adds text.
    pub(super) fn push(&mut self, style: Style, text: &str) {
        if text.is_empty() {
            return;
        }
        self.width += width(text);
        match self.spans.last_mut() {
            Some((same, earlier)) if *same == style => earlier.push_str(text),
            _ => self.spans.push((style, text.to_owned())),
        }
    }

    /// The same line with more text.
    #[must_use]
    pub(super) fn with(mut self, style: Style, text: &str) -> Self {
        self.push(style, text);
        self
    }

    /// Adds blanks, in the style of what stands before them, lest a sequence be spent on each word.
    fn blanks(&mut self, count: usize) {
        let style = self.spans.last().map_or(Style::PLAIN, |(style, _)| *style);
        self.push(style, &" ".repeat(count));
    }

    /// Adds blanks up to this cell.
    pub(super) fn pad_to(&mut self, cell: usize) {
        self.push(Style::PLAIN, &" ".repeat(cell.saturating_sub(self.width)));
    }

    /// Writes the line and its end, without blanks before that.
    pub(super) fn write(&self, theme: Theme, out: &mut String) {
        let last = self.spans.iter().rposition(|(_, text)| !text.trim_end_matches(' ').is_empty());
        for (at, (style, text)) in self.spans.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(at) == last { text.trim_end_matches(' ') } else { text };
            out.push_str(&theme.paint(*style, text));
        }
        out.push('\n');
    }
}

/// Lays text out behind a beginning: it breaks between words, further lines begin `hang` cells from the left.
///
/// Line breaks in the text are kept, and so is the indentation of its lines.
pub(super) fn flow<'t>(
    lead: Line,
    hang: usize,
    room: usize,
    text: impl IntoIterator<Item = (Style, &'t str)>,
) -> Vec<Line> {
    let hang = hang.min(room / 2);
    let mut flow =
        Flow { done: Vec::new(), line: lead, gap: 0, word: Line::default(), hang, indent: hang, room, fresh: 0 };
    flow.fresh = flow.line.width;
    for (style, text) in text {
        flow.add(style, text);
    }
    flow.end_word();
    flow.done.push(flow.line);
    flow.done
}

struct Flow {
    done: Vec<Line>,
    line: Line,
    /// Blanks before the next word.
    gap: usize,
    word: Line,
    hang: usize,
    /// Where further lines of this paragraph begin.
    indent: usize,
    room: usize,
    /// How wide the line was before anything of the text stood in it.
    fresh: usize,
}

impl Flow {
    fn add(&mut self, style: Style, text: &str) {
        for part in text.split_inclusive([' ', '\n', '\t']) {
            let word = part.trim_end_matches([' ', '\n', '\t']);
            self.word.push(style, word);
            match part.as_bytes().get(word.len()) {
                Some(b' ') => self.blank(1),
                // Stops are of use in columns; in a paragraph a tab is but a wide blank.
                Some(b'\t') => self.blank(4),
                Some(_) => {
                    self.end_word();
                    self.next_line(self.hang);
                    self.indent = self.hang;
                }
                None => {}
            }
        }
    }

    fn blank(&mut self, count: usize) {
        self.end_word();
        self.gap += count;
    }

    fn next_line(&mut self, indent: usize) {
        self.done.push(std::mem::replace(&mut self.line, Line::indented(indent)));
        self.fresh = indent;
        self.gap = 0;
    }

    /// Sets the word that has come to its end.
    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.width == 0 && word.spans.is_empty() {
            return;
        }
        let is_first = self.line.width == self.fresh;
        if is_first {
            // A line that is indented stays so when it goes on below.
            self.indent = (self.hang + self.gap).min(self.room / 2);
        }
        if self.line.width + self.gap + word.width > self.room && (!is_first || self.line.width > self.indent) {
            self.next_line(self.indent);
        }
        let blanks = std::mem::take(&mut self.gap).min(self.room.saturating_sub(self.line.width + 1));
        self.set(&word, blanks);
    }

    /// Writes a word; one that is longer than a line is cut where the line ends.
    fn set(&mut self, word: &Line, blanks: usize) {
        match word.spans.first() {
            Some((style, _)) if self.line.spans.last().is_some_and(|(last, _)| last == style) => {
                self.line.blanks(blanks)
            }
            _ => self.line.push(Style::PLAIN, &" ".repeat(blanks)),
        }
        for (style, text) in &word.spans {
            let mut rest = text.as_str();
            while self.line.width + width(rest) > self.room {
                let cut = prefix(rest, self.room.saturating_sub(self.line.width));
                // A single character wider than the room can't be helped.
                let least =
                    if self.line.width > self.indent { 0 } else { rest.chars().next().map_or(0, char::len_utf8) };
                let (head, tail) = rest.split_at_checked(cut.max(least)).unwrap_or((rest, ""));
                self.line.push(*style, head);
                if tail.is_empty() {
                    rest = tail;
                    break;
                }
                rest = tail;
                self.next_line(self.indent);
            }
            self.line.push(*style, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::safe;
    use super::*;

    fn lines(lead: &str, hang: usize, room: usize, text: &str) -> String {
        let lead = Line::default().with(Style::Error, lead);
        let mut out = String::new();
        for line in flow(lead, hang, room, [(Style::PLAIN, text)]) {
            line.write(Theme::PLAIN, &mut out);
        }
        out
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        for (lead, hang, room, text, want) in [
            ("", 0, 10, "", "\n"),
            ("", 0, 10, "one two three", "one two\nthree\n"),
            ("", 0, 10, "exactlyten", "exactlyten\n"),
            ("", 0, 10, "exactlyten x", "exactlyten\nx\n"),
            ("", 0, 10, "0123456789abc d", "0123456789\nabc d\n"),
            ("", 0, 10, "a\nb\n\nc", "a\nb\n\nc\n"),
            ("", 0, 10, "  indented text", "  indented\n  text\n"),
            ("", 0, 10, "a   b", "a   b\n"),
            ("help: ", 6, 16, "try this or that", "help: try this\n      or that\n"),
            ("error: ", 2, 12, "unbreakable!", "error:\n  unbreakabl\n  e!\n"),
            ("", 0, 4, "日本語", "日本\n語\n"),
            ("", 0, 1, "日本", "日\n本\n"),
        ] {
            assert_eq!(lines(lead, hang, room, text), want, "{text:?} in {room}");
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        for (text, room, want) in [
            ("web", 3, "web"),
            ("webs", 3, "we…"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
        ] {
            assert_eq!(fit(text, room), want);
        }
    }

    #[test]
    fn styles_are_kept_across_lines() {
        let text = [(Style::Error, "one two"), (Style::PLAIN, ", three")];
        let mut out = String::new();
        for line in flow(Line::default(), 0, 8, text) {
            line.write(Theme { colour: true }, &mut out);
        }
        assert_eq!(out, "\x1b[1;31mone two\x1b[0m,\nthree\n");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_word_is_lost(text in any::<String>(), hang in 0_usize..20, room in 4_usize..60) {
            let text = safe(&text);
            let out = lines("", hang, room, &text);
            prop_assert!(out.lines().all(|line| width(line) <= room), "{out:?}");
            let letters = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t')).collect::<String>();
            prop_assert_eq!(letters(&out), letters(&text));
        }
    }
}
