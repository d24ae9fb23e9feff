//! How values show themselves as a cell's last expression: as HTML, plain text and JSON.

use std::io::Write as _;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::json::Value;
use crate::link::{ask, op};

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

    /// As the session draws such a value; in `words` where there is no session.
    pub fn of(what: &str, value: Value, words: impl FnOnce() -> String) -> Self {
        let request = op("draw", [("what", what.into()), ("value", value)]);
        ask(request, Duration::ZERO).map_or_else(|_| Self::words(words()), |answer| Self::from(&answer))
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

/// Asks the person at the notebook for a line of text. Only in a notebook: elsewhere nobody hears the question.
pub fn input(question: &str) -> String {
    asked("EVCXR_INPUT_REQUEST", question)
}

/// Asks the person at the notebook for something that must not be seen. Only in a notebook.
pub fn password(question: &str) -> String {
    asked("EVCXR_INPUT_REQUEST_PASSWORD", question)
}

/// As evcxr has it: a line on stdout, the answer on stdin.
#[allow(clippy::print_stdout, reason = "evcxr reads it there")]
fn asked(kind: &str, question: &str) -> String {
    // A colon or a line break would end the question.
    println!("{kind}:{}", question.replace([':', '\n'], " ").trim_end());
    let mut line = String::new();
    // No answer is an empty one.
    let _ = std::io::stdin().read_line(&mut line);
    line.trim_end_matches(['\r', '\n']).to_owned()
}

/// What a notebook calls for a cell's last expression. The values of this crate have it, and so have options, results
/// and lists of them.
pub trait Show {
    /// Shows the value in the notebook.
    fn evcxr_display(&self);
}

impl<T: Show> Show for Option<T> {
    fn evcxr_display(&self) {
        match self {
            Some(value) => value.evcxr_display(),
            None => Drawn::words("None").show(),
        }
    }
}

impl<T: Show> Show for Result<T> {
    fn evcxr_display(&self) {
        match self {
            Ok(value) => value.evcxr_display(),
            Err(error) => error.evcxr_display(),
        }
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn evcxr_display(&self) {
        T::evcxr_display(self);
    }
}

impl Show for Error {
    fn evcxr_display(&self) {
        Drawn::words(self.to_string()).show();
    }
}

/// Values that are drawn, here or by the session: as a cell's result, by `{}`, and by `{:?}` where nothing better is
/// derived.
macro_rules! shown {
    ($($type:ty),*) => {$(
        impl $crate::show::Show for $type {
            fn evcxr_display(&self) {
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

/// Values that `{:?}` says as `{}` does: there is nothing more to see in them.
macro_rules! spoken {
    ($($type:ty),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}
pub(crate) use spoken;

/// Lists: `for offer in &offers`, `for offer in offers`, and `{:?}` as `{}`.
macro_rules! list {
    ($($list:ty: $item:ty),*) => {$(
        impl std::ops::Deref for $list {
            type Target = [$item];
            fn deref(&self) -> &[$item] {
                &self.list
            }
        }
        impl IntoIterator for $list {
            type Item = $item;
            type IntoIter = std::vec::IntoIter<$item>;
            fn into_iter(self) -> Self::IntoIter {
                self.list.into_iter()
            }
        }
        impl<'a> IntoIterator for &'a $list {
            type Item = &'a $item;
            type IntoIter = std::slice::Iter<'a, $item>;
            fn into_iter(self) -> Self::IntoIter {
                self.list.iter()
            }
        }
        impl std::fmt::Debug for $list {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}
pub(crate) use list;
