//! How values show themselves as a cell's last expression: as HTML, plain text and JSON.

use std::io::Write as _;

use crate::json::Value;

/// A value as the session drew it.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Drawn {
    pub plain: String,
    pub html: String,
    pub json: Value,
}

impl Drawn {
    pub fn from(answer: &Value) -> Self {
        Self {
            plain: answer.get("plain").text().to_owned(),
            html: answer.get("html").text().to_owned(),
            json: answer.get("json").clone(),
        }
    }

    /// Plain words.
    pub fn words(plain: impl Into<String>) -> Self {
        Self { plain: plain.into(), ..Self::default() }
    }

    /// Hands the value to the notebook, in the way that evcxr reads from a cell's stdout.
    pub fn show(&self) {
        let json = if self.json == Value::Null { String::new() } else { self.json.to_string() };
        let parts = [("text/plain", &self.plain), ("text/html", &self.html), ("application/vnd.mesos+json", &json)];
        let mut out = std::io::stdout().lock();
        for (kind, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
            // A closed stdout has nobody to show anything to.
            let _ = writeln!(out, "EVCXR_BEGIN_CONTENT {kind}\n{text}\nEVCXR_END_CONTENT");
        }
    }
}

/// The environment variable that holds what the kernel looks for.
const MARK: &str = "MESOS_CELL_MARK";

/// Tells the kernel that a cell begins to run. The kernel writes the call itself; nobody else needs it.
#[allow(clippy::print_stdout, reason = "the kernel reads it there")]
pub fn begun() {
    if let Ok(mark) = std::env::var(MARK) {
        println!("{mark} begins");
    }
}

/// Tells the kernel that a cell has got this far. The kernel writes the call itself; nobody else needs it.
#[allow(clippy::print_stdout, reason = "the kernel reads it there")]
pub fn reached<T>(value: T) -> T {
    if let Ok(mark) = std::env::var(MARK) {
        println!("{mark}");
    }
    value
}

macro_rules! shown {
    ($($type:ty),*) => {$(
        impl $type {
            /// Shows the value in the notebook; evcxr calls it for a cell's last expression.
            pub fn evcxr_display(&self) {
                self.drawn().show();
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.drawn().plain)
            }
        }
    )*};
}
pub(crate) use shown;
