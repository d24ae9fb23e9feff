//! Documents as MIME bundles and tracebacks: what a notebook shows and keeps.

use mesos_repl::document::{Block, Diagnostic, Document};
use mesos_repl::render::{self, Page};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The exact JSON of a document. A type of our own beside `application/json`, which JupyterLab would draw instead of
/// the table.
pub const JSON: &str = "application/vnd.mesos+json";

/// Columns of the plain text; consoles are rarely narrower.
const WIDTH: usize = 100;

/// The bundle of a document.
pub fn of(document: &Document) -> Value {
    let mut bundle = json!({"text/plain": plain(document), "text/html": render::html(document)});
    let json = document.to_json();
    // Words alone have no JSON worth keeping.
    if !json.is_null() && !json.is_string() {
        // JSON itself is drawn by the front end; everything else has a better picture.
        let only_json = matches!(document.blocks.as_slice(), [Block::Json(_)]);
        bundle[if only_json { "application/json" } else { JSON }] = json;
    }
    bundle
}

/// Plain text, without the line break at its end.
pub fn plain(document: &Document) -> String {
    render::plain(document, &Page::plain(WIDTH)).trim_end().to_owned()
}

/// A bundle of words alone.
pub fn words(text: &str) -> Value {
    json!({"text/plain": text})
}

/// What went wrong in a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Its kind, such as `MesosError`.
    pub name: String,
    /// One sentence.
    pub value: String,
    /// Lines to show, which may have colours.
    pub traceback: Vec<String>,
}

impl Trouble {
    /// With a text of its own to show.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        let value = render::safe(&value.into()).into_owned();
        Self { traceback: vec![format!("\x1b[1;31m{name}\x1b[0m: {value}")], name: name.to_owned(), value }
    }

    /// One more line to show.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.traceback.push(line.into());
        self
    }

    /// As the terminal would show it.
    pub fn from_diagnostic(diagnostic: &Diagnostic) -> Self {
        let shown = render::ansi(&diagnostic.clone().into(), &Page::plain(WIDTH).coloured(true));
        Self {
            name: "MesosError".to_owned(),
            value: render::safe(&diagnostic.what).into_owned(),
            traceback: shown.lines().map(str::to_owned).collect(),
        }
    }

    /// The content of an `error` message, and the heart of an `execute_reply`.
    pub fn content(&self) -> Value {
        json!({"ename": self.name, "evalue": self.value, "traceback": self.traceback})
    }
}
