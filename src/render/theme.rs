//! The few colours there are, whether to use them, and the page that a document is laid out on.

use std::borrow::Cow;

use crate::document::Tone;

/// Where a document is laid out.
#[derive(Debug, Clone)]
pub struct Page {
    /// Columns of the window; no line of ours is wider.
    pub width: usize,
    /// Whole ids and all columns, however wide.
    pub wide: bool,
    /// Colours.
    pub theme: Theme,
    /// The time zone in which moments are shown.
    pub zone: jiff::tz::TimeZone,
}

impl Page {
    /// A page of this width without colours, in UTC.
    pub fn plain(width: usize) -> Self {
        Page { width, wide: false, theme: Theme::PLAIN, zone: jiff::tz::TimeZone::UTC }
    }

    /// The same page with or without colours.
    #[must_use]
    pub fn coloured(mut self, colour: bool) -> Self {
        self.theme = Theme { colour };
        self
    }

    /// The same page in the machine's own time zone.
    #[must_use]
    pub fn local(mut self) -> Self {
        self.zone = jiff::tz::TimeZone::system();
        self
    }
}

/// Colours or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// Whether colour sequences are written.
    pub colour: bool,
}

/// What a stretch of output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// A word with a meaning.
    Tone(Tone),
    /// `error:`
    Error,
    /// The caret under an input and what is said beside it.
    Caret,
    /// `help:` and suggestions.
    Hint,
    /// A table's header line, a label.
    Header,
}

impl Style {
    /// Words without a meaning of their own.
    pub const PLAIN: Style = Style::Tone(Tone::Plain);
}

impl Theme {
    /// No colours.
    pub const PLAIN: Theme = Theme { colour: false };

    /// The text in its colour. It must be safe already: this adds sequences and removes none.
    pub fn paint<'a>(&self, style: Style, text: &'a str) -> Cow<'a, str> {
        match self.sequence(style) {
            "" => Cow::Borrowed(text),
            _ if text.is_empty() => Cow::Borrowed(text),
            sequence => Cow::Owned(format!("\x1b[{sequence}m{text}\x1b[0m")),
        }
    }

    /// The parameters of a style's SGR sequence; empty for none.
    fn sequence(self, style: Style) -> &'static str {
        if !self.colour {
            return "";
        }
        match style {
            Style::Tone(Tone::Plain) => "",
            Style::Tone(Tone::Waiting) => "90",
            Style::Tone(Tone::Running) => "32",
            Style::Tone(Tone::Good) => "94",
            Style::Tone(Tone::Bad) => "31",
            Style::Tone(Tone::Unsure) => "33",
            Style::Tone(Tone::Dim) | Style::Header | Style::Hint => "2",
            Style::Tone(Tone::Strong) => "1",
            Style::Error => "1;31",
            Style::Caret => "31",
        }
    }
}

/// What `--color` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourFlag {
    /// As the environment and the terminal would have it.
    #[default]
    Auto,
    /// Colours in any case.
    Always,
    /// None in any case.
    Never,
}

/// Whether to colour: a flag wins over the environment (`NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`), that over the tty.
pub fn colour_choice(flag: ColourFlag, env: impl Fn(&str) -> Option<String>, is_tty: bool) -> bool {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    match flag {
        ColourFlag::Always => true,
        ColourFlag::Never => false,
        ColourFlag::Auto if set("NO_COLOR") => false,
        ColourFlag::Auto if env("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") => true,
        ColourFlag::Auto => is_tty && env("TERM").as_deref() != Some("dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_chosen_by_flag_then_environment_then_terminal() {
        use ColourFlag::{Always, Auto, Never};
        for (flag, env, tty, want) in [
            (Auto, &[][..], true, true),
            (Auto, &[], false, false),
            (Auto, &[("NO_COLOR", "1")], true, false),
            (Auto, &[("NO_COLOR", "")], true, true),
            (Auto, &[("TERM", "dumb")], true, false),
            (Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
            (Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false, true),
            (Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ] {
            let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(colour_choice(flag, lookup, tty), want, "{flag:?} {env:?} tty {tty}");
        }
    }

    #[test]
    fn paint_without_colour_changes_nothing() {
        assert_eq!(Theme::PLAIN.paint(Style::Error, "x"), "x");
        assert_eq!(Theme { colour: true }.paint(Style::Error, "x"), "\x1b[1;31mx\x1b[0m");
        assert_eq!(Theme { colour: true }.paint(Style::Tone(Tone::Plain), "x"), "x");
    }
}
