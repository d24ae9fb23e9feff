//! Documents as text: for a terminal, a pipe, a script or a notebook. **The one place where text from outside is made
//! safe to print.**
//!
//! Every renderer lets outside text through [`safe`] (or its format's own escape); none reads the environment, the
//! clock or the window: what it must know comes in a [`Page`]. Nothing here prints.

mod html;
mod line;
mod safe;
mod table;
mod text;
mod theme;
mod tree;
mod trouble;
mod words;
mod yaml;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use safe::{safe, safe_line};
use safe::{safe_json, safe_yaml};
pub use theme::{ColourFlag, Page, Style, Theme, colour_choice};

use crate::document::Document;

/// The document for a terminal: within the page's width, with our own colour sequences if the theme says so.
///
/// Logs and JSON keep their own lines, since broken ones could not be copied; a terminal wraps them.
pub fn ansi(document: &Document, page: &Page) -> String {
    let mut out = String::new();
    text::write(document, page, &mut out);
    out
}

/// The document without any control code but line breaks, in the page's width.
pub fn plain(document: &Document, page: &Page) -> String {
    ansi(document, &Page { theme: Theme::PLAIN, ..page.clone() })
}

/// The document's exact JSON, indented, with a line break at the end.
pub fn json(document: &Document) -> String {
    // `{:#}` is serde_json's own indented form.
    let mut text = format!("{:#}", document.to_json());
    text.push('\n');
    safe_json(&text).into_owned()
}

/// The document's exact JSON, indented and coloured, for a terminal.
pub fn json_coloured(document: &Document) -> String {
    let Ok(text) = colored_json::to_colored_json(&document.to_json(), colored_json::ColorMode::On) else {
        return json(document);
    };
    // An escape character in the text itself is written as \u001b: those that stand here begin our own colours.
    let parts: Vec<_> = text.split('\x1b').map(safe_json).collect();
    format!("{}\n", parts.join("\x1b"))
}

/// The document's exact JSON as YAML, with a line break at the end.
pub fn yaml(document: &Document) -> String {
    yaml::write(&document.to_json())
}

/// The document as self-contained HTML for a notebook, everything escaped.
pub fn html(document: &Document) -> String {
    html::write(document)
}
