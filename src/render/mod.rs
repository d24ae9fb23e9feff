//! Documents as text: for a terminal, a pipe, a script or a notebook. **The one place where text from outside is made
//! safe to print.**
//!
//! Every renderer lets outside text through [`safe`] (or its format's own escape); none reads the environment, the
//! clock or the window: what it must know comes in a [`Page`]. Nothing here prints.

mod safe;
mod theme;

pub use safe::{safe, safe_line};
pub use theme::{ColourFlag, Page, Style, Theme, colour_choice};

use crate::document::Document;

/// The document for a terminal: within the page's width, with our own colour sequences if the theme says so.
pub fn ansi(document: &Document, page: &Page) -> String {
    let _ = (document, page);
    String::new()
}

/// The document without any control code but line breaks, in the page's width.
pub fn plain(document: &Document, page: &Page) -> String {
    ansi(document, &Page { theme: Theme::PLAIN, ..page.clone() })
}

/// The document's exact JSON, indented, with a line break at the end.
pub fn json(document: &Document) -> String {
    let _ = document;
    String::new()
}

/// The document's exact JSON as YAML, with a line break at the end.
pub fn yaml(document: &Document) -> String {
    let _ = document;
    String::new()
}

/// The document as self-contained HTML for a notebook, everything escaped.
pub fn html(document: &Document) -> String {
    let _ = document;
    String::new()
}
