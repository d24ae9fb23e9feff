//! Where a command's answers appear: a terminal, whose last picture can be redrawn in place, or a pipe, which gets no
//! control code at all.
//!
//! Lays nothing out itself: [`crate::render`] makes every text safe; only this program's own sequences are added here.

use std::io::{self, Write};
use std::time::Duration;

use crate::cli::Format;
use crate::document::{Block, Document, Tone};
use crate::engine::Output;
use crate::render::{self, Page, Style, Theme, safe_line};

/// A pipe has no width; this is wider than any table.
const ENDLESS: usize = 2000;
/// Waits shorter than that are not worth a word.
const SOON: Duration = Duration::from_millis(300);

/// What answers are drawn for.
#[derive(Debug, Clone)]
pub struct Look {
    /// How answers are written.
    pub format: Format,
    /// Whole ids and all columns.
    pub wide: bool,
    /// Colours of answers.
    pub theme: Theme,
    /// Colours of errors, where they go elsewhere.
    pub error_theme: Theme,
    /// Whether a terminal shows the answers, so that pictures can be redrawn.
    pub live: bool,
    /// Whether errors go to the standard error, as scripts want it.
    pub errors_apart: bool,
}

/// Columns and rows of the window, if there is one.
pub type Window = fn() -> Option<(usize, usize)>;

/// The window of this process.
pub fn window() -> Option<(usize, usize)> {
    use terminal_size::{Height, Width, terminal_size};
    let (Width(columns), Height(rows)) = terminal_size()?;
    // Some pseudo-terminals say 0 by 0.
    (columns > 0 && rows > 0).then_some((usize::from(columns), usize::from(rows)))
}

/// The screen, for the time of one input.
#[derive(Debug)]
pub struct Screen<O: Write, E: Write> {
    out: O,
    errors: E,
    look: Look,
    window: Window,
    /// The newest picture, not final yet.
    picture: Option<Document>,
    /// How many rows of it stand above the cursor.
    drawn: usize,
    /// Whether the cursor's row says what is being waited for.
    waiting: bool,
    /// Whether nobody reads any more.
    closed: bool,
    /// What has been said in plain words, for telling nothing twice.
    said: String,
}

impl Screen<io::Stdout, io::Stderr> {
    /// The standard output and error.
    pub fn standard(look: Look) -> Self {
        Self::new(io::stdout(), io::stderr(), look, window)
    }
}

impl<O: Write, E: Write> Screen<O, E> {
    /// A screen that writes there.
    pub fn new(out: O, errors: E, look: Look, window: Window) -> Self {
        let (picture, said) = (None, String::new());
        Self { out, errors, look, window, picture, drawn: 0, waiting: false, closed: false, said }
    }

    /// Whether the reader of the answers has gone.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// All that was said, in plain words.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// A line of our own, such as a command that a demonstration types. `text` must be safe.
    pub fn line(&mut self, text: &str) {
        let erase = self.erase();
        self.write(&format!("{erase}{text}\n"));
    }

    /// The page that documents are laid out on now.
    pub fn page(&self) -> Page {
        let width = if self.look.live { (self.window)().map(|(columns, _)| columns) } else { None };
        let page = Page::plain(width.unwrap_or(ENDLESS)).local();
        Page { wide: self.look.wide, theme: self.look.theme, ..page }
    }

    fn draw(&self, document: &Document) -> String {
        match self.look.format {
            Format::Table => render::ansi(document, &self.page()),
            Format::Json if self.look.theme.colour => render::json_coloured(document),
            Format::Json => render::json(document),
            Format::Yaml => format!("---\n{}", render::yaml(document)),
        }
    }

    fn answer(&mut self, document: Document) {
        let (answer, errors) = if self.look.errors_apart { apart(document) } else { (document, Document::new()) };
        let mut erase = self.erase();
        if !answer.is_empty() {
            let text = self.draw(&answer);
            self.note(&answer);
            self.write(&format!("{erase}{text}"));
            erase.clear();
        }
        if !errors.is_empty() {
            self.write(&erase);
            let page = Page { theme: self.look.error_theme, ..self.page() };
            let text = render::ansi(&errors, &page);
            self.note(&errors);
            // Where errors can't be told, the exit status still says it.
            let _ = self.errors.write_all(text.as_bytes()).and_then(|()| self.errors.flush());
        }
    }

    fn note(&mut self, document: &Document) {
        self.said.push_str(&render::plain(document, &Page::plain(ENDLESS)));
    }

    /// What takes the waiting line away, if there is one.
    fn erase(&mut self) -> String {
        if std::mem::take(&mut self.waiting) { "\r\x1b[K".to_owned() } else { String::new() }
    }

    /// What takes the last picture away, with what waits below it.
    fn erase_picture(&mut self) -> String {
        let mut codes = self.erase();
        match std::mem::take(&mut self.drawn) {
            0 => {}
            rows => codes.push_str(&format!("\r\x1b[{rows}A\x1b[J")),
        }
        codes
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() || self.closed {
            return;
        }
        // A reader that has gone (`| head`) is no error of ours: the rest is simply not wanted.
        self.closed = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err();
    }

    /// Draws the picture where the last one stood; one that is higher than the window loses its last lines.
    fn redraw(&mut self, document: &Document) {
        let text = self.draw(document);
        let (columns, rows) = (self.window)().unwrap_or((80, 24));
        let mut shown = String::new();
        let mut drawn = 0;
        for line in text.lines() {
            let height = rows_of(line, columns);
            if drawn + height > rows.saturating_sub(2) {
                shown.push_str(&self.look.theme.paint(Style::Hint, "..."));
                shown.push('\n');
                drawn += 1;
                break;
            }
            shown.push_str(line);
            shown.push('\n');
            drawn += height;
        }
        let erase = self.erase_picture();
        self.write(&format!("{erase}{shown}"));
        self.drawn = drawn;
    }
}

impl<O: Write + Send, E: Write + Send> Output for Screen<O, E> {
    fn show(&mut self, document: Document) {
        self.settle();
        self.answer(document);
    }

    fn live(&mut self, document: Document) {
        if self.look.live && self.look.format == Format::Table {
            self.redraw(&document);
        }
        self.picture = Some(document);
    }

    fn settle(&mut self) {
        let Some(document) = self.picture.take() else {
            let erase = self.erase();
            return self.write(&erase);
        };
        let erase = self.erase_picture();
        self.write(&erase);
        self.answer(document);
    }

    fn held_up(&mut self, why: &str) {
        // A terminal shows what is waited for.
        if !self.look.live {
            let line = self.look.error_theme.paint(Style::Tone(Tone::Unsure), &safe_line(why)).into_owned();
            // Where it can't be told, the wait's end tells.
            let _ = self.errors.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.errors.flush());
        }
    }

    fn waiting(&mut self, what: &str, elapsed: Duration) {
        if !self.look.live || elapsed < SOON {
            return;
        }
        let columns = (self.window)().map_or(80, |(columns, _)| columns);
        let line = waiting_line(what, elapsed, columns.saturating_sub(1));
        let line = self.look.theme.paint(Style::Hint, &line).into_owned();
        self.write(&format!("\r\x1b[K{line}"));
        self.waiting = true;
    }
}

/// `waiting 12 s for an offer that fits (Ctrl-C ends the wait)`, cut to the window.
fn waiting_line(what: &str, elapsed: Duration, columns: usize) -> String {
    const TURNS: [char; 4] = ['|', '/', '-', '\\'];
    let turn = TURNS.get((elapsed.as_millis() / 250) as usize % TURNS.len()).copied().unwrap_or('|');
    let line = format!("{turn} {} s  {}  (Ctrl-C stops)", elapsed.as_secs(), safe_line(what));
    let mut width = 0;
    line.chars()
        .take_while(|c| {
            width += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            width <= columns
        })
        .collect()
}

/// How many rows of the window a line takes; our colour sequences take no room.
fn rows_of(line: &str, columns: usize) -> usize {
    let mut width = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            width += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        }
    }
    width.div_ceil(columns.max(1)).max(1)
}

/// The answer, and what went wrong.
fn apart(document: Document) -> (Document, Document) {
    let (errors, answer) = document.blocks.into_iter().partition(|block| matches!(block, Block::Diagnostic(_)));
    (Document { blocks: answer }, Document { blocks: errors })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Diagnostic;

    fn look(live: bool, format: Format) -> Look {
        let (theme, error_theme) = (Theme::PLAIN, Theme::PLAIN);
        Look { format, wide: false, theme, error_theme, live, errors_apart: !live }
    }

    fn shown(look: Look, run: impl FnOnce(&mut Screen<Vec<u8>, Vec<u8>>)) -> (String, String) {
        let mut screen = Screen::new(Vec::new(), Vec::new(), look, || Some((20, 6)));
        run(&mut screen);
        (String::from_utf8(screen.out).unwrap(), String::from_utf8(screen.errors).unwrap())
    }

    #[test]
    fn a_pipe_gets_settled_pictures_and_no_control_codes() {
        let (out, errors) = shown(look(false, Format::Table), |screen| {
            screen.waiting("an offer", Duration::from_secs(3));
            screen.live(Document::text("web STAGING"));
            screen.live(Document::text("web RUNNING"));
            screen.show(Document::text("done"));
            screen.show(Diagnostic::new("no such task").into());
        });
        assert_eq!(out, "web RUNNING\ndone\n");
        assert_eq!(errors.trim_end(), "error: no such task");
    }

    #[test]
    fn a_terminal_redraws_in_place() {
        let (out, _) = shown(look(true, Format::Table), |screen| {
            screen.live(Document::text("one"));
            screen.waiting("RUNNING", Duration::from_secs(3));
            screen.live(Document::text("two"));
            screen.settle();
            screen.show(Diagnostic::new("bad").into());
        });
        let mut terminal = vt100::Parser::new(6.try_into().unwrap(), 20.try_into().unwrap(), 0);
        terminal.process(out.replace('\n', "\r\n").as_bytes());
        assert_eq!(terminal.screen().contents().trim_end(), "two\nerror: bad");
    }

    #[test]
    fn a_picture_higher_than_the_window_is_cut_until_it_is_final() {
        let lines = |n: usize| (0..n).map(|i| format!("line {i}")).collect::<Vec<_>>().join("\n");
        let (out, _) = shown(look(true, Format::Table), |screen| {
            screen.live(Document::text(lines(9)));
            screen.live(Document::text(lines(9)));
            screen.settle();
        });
        let mut terminal = vt100::Parser::new(6.try_into().unwrap(), 20.try_into().unwrap(), 50);
        terminal.process(out.replace('\n', "\r\n").as_bytes());
        assert!(terminal.screen().contents().contains("line 8"));
        assert_eq!(out.matches("line 8").count(), 1);
        assert_eq!(out.matches("...").count(), 2);
    }

    #[test]
    fn json_documents_stand_one_below_the_other() {
        let (out, errors) = shown(look(false, Format::Json), |screen| {
            screen.show(serde_json::json!({"a": 1}).into());
            screen.show(Diagnostic::new("bad").into());
            screen.show(serde_json::json!([2]).into());
        });
        let documents: Vec<serde_json::Value> =
            serde_json::Deserializer::from_str(&out).into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(documents, [serde_json::json!({"a": 1}), serde_json::json!([2])]);
        assert!(errors.contains("bad"));
    }

    #[test]
    fn lines_are_measured_without_their_colours() {
        for (line, rows) in [("", 1), ("12345", 1), ("123456", 2), ("\x1b[31m12345\x1b[0m", 1), ("日本語", 2)] {
            assert_eq!(rows_of(line, 5), rows, "{line:?}");
        }
        assert_eq!(waiting_line("日本\x1b", Duration::from_secs(2), 12), "| 2 s  日本\\");
    }
}
