//! What went wrong, as the session told it.

use std::fmt;

/// An answer, or what went wrong.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong. Shown whole, by `{}` and `{:?}` alike: what, details, what to try.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    what: String,
    text: String,
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        let what = what.into();
        Self { text: format!("error: {what}"), what }
    }

    pub(crate) fn told(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into() }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: &str) -> Self {
        self.text = format!("{}\n  help: {help}", self.text);
        self
    }

    /// The one sentence, without details.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
