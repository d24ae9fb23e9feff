//! What a person is told when something went wrong: what, where in the input, and what to try.
//!
//! Built with short sentences at the place that knows them; drawn by [`crate::render`] only, the same in every front.

use std::error::Error;
use std::fmt;
use std::ops::Range;

/// Something that went wrong, for a person to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// One sentence: what is wrong. No capital, no full stop, no `error:` in front.
    pub what: String,
    /// The input that caused it and the part of it that is to blame. Boxed, since diagnostics travel in `Result`s.
    pub input: Option<Box<Excerpt>>,
    /// More facts, a line each.
    pub details: Vec<String>,
    /// What to try, a line each.
    pub help: Vec<String>,
    /// What lies beneath, outermost first.
    pub causes: Vec<String>,
}

/// Input text with the part of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The whole input, possibly of several lines.
    pub text: String,
    /// The bytes meant; always inside the text and on character boundaries.
    pub span: Range<usize>,
    /// Said beside the caret under the input.
    pub label: Option<String>,
}

impl Excerpt {
    /// An excerpt; a span that lies outside the text or within a character is moved to the nearest sound place.
    pub fn new(text: impl Into<String>, span: Range<usize>) -> Self {
        let text = text.into();
        let start = floor(&text, span.start);
        let end = floor(&text, span.end).max(start);
        Excerpt { text, span: start..end, label: None }
    }
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Diagnostic {
    /// A diagnostic that says what is wrong and no more.
    pub fn new(what: impl Into<String>) -> Self {
        Diagnostic { what: what.into(), ..Self::default() }
    }

    /// A diagnostic from an error, with the chain of its sources as causes.
    pub fn from_error(error: &dyn Error) -> Self {
        let diagnostic = Self::new(error.to_string());
        match error.source() {
            Some(source) => diagnostic.cause(source),
            None => diagnostic,
        }
    }

    /// Where in the input it went wrong (bytes of `text`).
    #[must_use]
    pub fn at(mut self, text: impl Into<String>, span: Range<usize>) -> Self {
        self.input = Some(Box::new(Excerpt::new(text, span)));
        self
    }

    /// What to say beside the caret; without an [`at`](Self::at) before it there is none, and it becomes a detail.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        match &mut self.input {
            Some(input) => input.label = Some(label.into()),
            None => self.details.push(label.into()),
        }
        self
    }

    /// One more fact.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// One more thing to try.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// What lies beneath: the error and the chain of its sources. A text already said is not repeated.
    #[must_use]
    pub fn cause(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if text != self.what && self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }
}

impl fmt::Display for Diagnostic {
    /// The one sentence, as an error of its own level says it; [`crate::render`] draws the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is tried")]
    fn spans_are_made_sound() {
        let text = "aé b";
        for (span, want) in [(0..2, 0..1), (2..3, 1..3), (3..99, 3..5), (Range { start: 9, end: 2 }, 5..5)] {
            assert_eq!(Excerpt::new(text, span.clone()).span, want, "{span:?}");
        }
    }

    #[test]
    fn causes_follow_the_chain_and_say_nothing_twice() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the stream broke")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let outer = Outer(std::io::Error::other("connection reset"));
        assert_eq!(Diagnostic::new("no answer").cause(&outer).causes, ["the stream broke", "connection reset"]);
        let from = Diagnostic::from_error(&outer);
        assert_eq!((from.what.as_str(), from.causes), ("the stream broke", vec!["connection reset".to_owned()]));
    }
}
