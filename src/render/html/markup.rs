//! Markup that can't be broken from outside: only constants enter it bare, every text is made safe and escaped.

use super::super::{safe, safe_line};

/// HTML (or SVG) under construction.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    /// Our own markup, as it is.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// A text, which may have several lines.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(&safe(text), &mut self.out);
        self
    }

    /// A text in one line.
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        escape(&safe_line(text), &mut self.out);
        self
    }

    /// An attribute of the tag that is open.
    pub(super) fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.line(value);
        self.out.push('"');
        self
    }

    /// A number.
    pub(super) fn number(&mut self, number: f64) -> &mut Self {
        // One decimal of a pixel or a percent is more than anyone sees.
        let number = if number.is_finite() { number } else { 0.0 };
        self.out.push_str(&format!("{number:.1}"));
        self
    }

    /// What has been built.
    pub(super) fn finish(self) -> String {
        self.out
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // In a paragraph a tab is but a wide blank, as in a terminal.
            '\t' => out.push_str("    "),
            _ => out.push(c),
        }
    }
}
