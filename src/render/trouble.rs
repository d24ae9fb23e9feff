//! Diagnostics as rustc draws them: what is wrong, the input with a caret under the part that is to blame, what to try.

use super::line::{Line, flow, width};
use super::{Page, Style, safe, safe_line};
use crate::document::{Diagnostic, Excerpt, Tone};

/// Blanks before everything beneath the first line.
const INDENT: usize = 2;
/// A caret's label needs this much room beside it; otherwise it goes below.
const LABEL_ROOM: usize = 16;

/// The lines of a diagnostic.
pub(super) fn lines(diagnostic: &Diagnostic, page: &Page) -> Vec<Line> {
    let lead = Line::default().with(Style::Error, "error:").with(Style::PLAIN, " ");
    let mut lines = flow(lead, INDENT, page.width, [(Style::Tone(Tone::Strong), safe(&diagnostic.what).as_ref())]);
    if let Some(input) = &diagnostic.input {
        lines.extend(excerpt(input, page.width));
    }
    let mut say = |word: &str, style: Style, text: &str| {
        let mut lead = Line::indented(INDENT);
        if !word.is_empty() {
            lead = lead.with(style, word).with(Style::PLAIN, " ");
        }
        let hang = lead.width();
        lines.extend(flow(lead, hang, page.width, [(Style::PLAIN, safe(text).as_ref())]));
    };
    for detail in &diagnostic.details {
        say("", Style::PLAIN, detail);
    }
    for cause in &diagnostic.causes {
        say("because:", Style::Hint, cause);
    }
    for help in &diagnostic.help {
        say("help:", Style::Hint, help);
    }
    lines
}

/// The line of the input that is meant, and the caret under it.
pub(super) fn excerpt(input: &Excerpt, room: usize) -> Vec<Line> {
    let shown = Shown::of(input);
    let mut margin = Line::indented(INDENT);
    if let Some(number) = shown.number {
        margin.push(Style::Hint, &format!("{number} | "));
    }
    let gutter = margin.width();
    let window = shown.window(room.saturating_sub(gutter).max(1));
    let mut caret = Line::indented(gutter + window.before);
    caret.push(Style::Caret, &"^".repeat(window.carets));

    let mut lines = vec![margin.with(Style::PLAIN, &window.text)];
    let label = input.label.as_deref().map(safe).unwrap_or_default();
    if label.is_empty() {
        lines.push(caret);
    } else if room.saturating_sub(caret.width() + 1) >= width(&label).min(LABEL_ROOM) {
        let hang = caret.width() + 1;
        lines.extend(flow(caret.with(Style::Caret, " "), hang, room, [(Style::Caret, label.as_ref())]));
    } else {
        // Below, as near to the caret as it fits.
        let indent = (gutter + window.before).min(room.saturating_sub(width(&label))).max(gutter);
        lines.push(caret);
        lines.extend(flow(Line::indented(indent), gutter, room, [(Style::Caret, label.as_ref())]));
    }
    lines
}

/// The one line of an input that is shown: what stands before the part meant, the part, and what is behind it.
struct Shown {
    /// Its number, where the input has several.
    number: Option<usize>,
    before: String,
    meant: String,
    after: String,
}

/// As much of a line as fits, with the caret's place under it.
struct Window {
    text: String,
    before: usize,
    carets: usize,
}

impl Shown {
    fn of(input: &Excerpt) -> Shown {
        let text = input.text.trim_end_matches(['\n', '\r']);
        // A span is sound (Excerpt::new), but its fields are public: nothing here may panic on another.
        let start = input.span.start.min(text.len());
        let end = input.span.end.clamp(start, text.len());
        let head = text.get(..start).unwrap_or(text);
        let before = head.rsplit('\n').next().unwrap_or(head);
        let has_several = text.contains('\n');
        let meant = text.get(head.len()..end).unwrap_or("");
        let (meant, goes_on) = meant.split_once('\n').map_or((meant, false), |(line, _)| (line, true));
        let behind = if goes_on { "" } else { text.get(head.len() + meant.len()..).unwrap_or("") };
        let after = behind.split('\n').next().unwrap_or("");
        let number = has_several.then(|| head.matches('\n').count() + 1);
        Shown { number, before: one_line(before), meant: one_line(meant), after: one_line(after) }
    }

    /// Cuts the line so that the part meant is in view.
    fn window(&self, room: usize) -> Window {
        let (before, meant) = (width(&self.before), width(&self.meant));
        if before + meant.max(1) <= room {
            // The part meant is in view from the line's beginning; only what is behind may be too long.
            let text = format!("{}{}{}", self.before, self.meant, self.after);
            return Window { text: super::line::fit(&text, room).into_owned(), before, carets: meant.max(1) };
        }
        // Some words before stay for orientation, more of them where little stands behind.
        let spare = room.saturating_sub(meant.max(1));
        let tail = super::line::tail(&self.before, spare.saturating_sub(width(&self.after)).max(room / 3).min(spare));
        let before = width(&tail);
        let text = format!("{tail}{}{}", self.meant, self.after);
        let text = super::line::fit(&text, room).into_owned();
        let carets = meant.max(1).min(room.saturating_sub(before).max(1));
        Window { text, before, carets }
    }
}

/// Safe in one line; tabs are blanks, since they only indent.
fn one_line(text: &str) -> String {
    safe_line(&text.trim_end_matches('\r').replace('\t', "    ")).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::Theme;
    use super::*;

    fn drawn(diagnostic: &Diagnostic, room: usize) -> String {
        let mut out = String::new();
        for line in lines(diagnostic, &Page::plain(room)) {
            line.write(Theme::PLAIN, &mut out);
        }
        out
    }

    #[test]
    fn the_caret_stands_under_what_is_meant() {
        let long = format!("accept O3 --env {} --cpu 0.2", "A=1 ".repeat(30));
        let at = long.find("--cpu").unwrap();
        let json = "{\n\t\"type\": \"KIL\"\n}";
        let kil = json.find("\"KIL\"").unwrap();
        for (diagnostic, room, want) in [
            (
                Diagnostic::new("accept has no option --cpu")
                    .at("accept O3 --docker nginx --cpu 0.2", 25..30)
                    .label("did you mean --cpus?"),
                80,
                "
error: accept has no option --cpu
  accept O3 --docker nginx --cpu 0.2
                           ^^^^^ did you mean --cpus?
",
            ),
            (
                Diagnostic::new("accept wants an offer").at("accept", 6..6).help("offers lists them"),
                80,
                "
error: accept wants an offer
  accept
        ^
  help: offers lists them
",
            ),
            (
                Diagnostic::new("no call has this type").at(json, kil..kil + 5).label("did you mean KILL?"),
                80,
                "
error: no call has this type
  2 |     \"type\": \"KIL\"
                  ^^^^^ did you mean KILL?
",
            ),
            (
                Diagnostic::new("no option --cpu").at(long, at..at + 5).label("did you mean --cpus?"),
                40,
                "
error: no option --cpu
  …=1 A=1 A=1 A=1 A=1 A=1 A=1  --cpu 0.2
                               ^^^^^
                    did you mean --cpus?
",
            ),
            (Diagnostic::new("naïve").at("日本 x", 7..8), 40, "\nerror: naïve\n  日本 x\n       ^\n"),
            (
                Diagnostic::new("no offer fits: 64 cpus wanted")
                    .detail("O3 agent2  has 8 cpus")
                    .cause(&std::io::Error::other("reset"))
                    .help("wait"),
                80,
                "
error: no offer fits: 64 cpus wanted
  O3 agent2  has 8 cpus
  because: reset
  help: wait
",
            ),
        ] {
            assert_eq!(format!("\n{}", drawn(&diagnostic, room)), want);
        }
    }

    proptest! {
        #[test]
        fn any_input_can_be_shown(
            text in any::<String>(), start in 0_usize..60, len in 0_usize..40, room in 8_usize..100,
            what in any::<String>(), label in any::<String>(),
        ) {
            let mut diagnostic = Diagnostic::new(what.clone()).at(text, start..start + len).label(label);
            let out = drawn(&diagnostic, room);
            prop_assert!(out.lines().all(|line| width(line) <= room), "{out}");
            prop_assert!(out.contains('^'));
            // Fields are public: a span that is no longer sound must not panic.
            if let Some(input) = &mut diagnostic.input {
                input.span = start..start + len;
            }
            drawn(&diagnostic, room);
        }
    }
}
