//! What an HTTP status from a master means: one table for SUBSCRIBE and for all other calls.
//!
//! Decides nothing about what to do next; that is the session's.

use std::fmt;

/// An answer other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What the master said, at most 4 KiB of it.
    pub text: String,
    /// What it means.
    pub meaning: Meaning,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The call is malformed or not allowed now: sending it again changes nothing.
    Wrong,
    /// The master doesn't know this framework (any more).
    UnknownFramework,
    /// The framework is known, its subscription is not: subscribe again.
    NotSubscribed,
    /// The stream id is not the framework's: another client has subscribed since.
    StreamTaken,
    /// Who we are is missing or unknown.
    Unauthenticated,
    /// We may not.
    Forbidden,
    /// Later: no leader, still recovering, routes not yet up, too much asked.
    NotNow,
    /// This is no Mesos master, or not this path of one.
    NotMesos,
    /// What was to be read isn't there.
    NotFound,
    /// The master's own trouble.
    Trouble,
}

impl Meaning {
    /// Whether the same request may succeed later.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::NotNow | Self::Trouble)
    }
}

/// What the answer to a read means: another path may be there, so 404 doesn't say "later" as it does of a call.
pub(super) fn meaning_of_read(status: u16, text: &str) -> Meaning {
    match status {
        404 => Meaning::NotFound,
        _ => meaning(status, text),
    }
}

/// Reads a status and its text. (apache/mesos: src/master/http.cpp, `scheduler()`; recorded with 1.11.0)
pub fn meaning(status: u16, text: &str) -> Meaning {
    match status {
        // No master answers so; a page, a gateway or a login does.
        ..400 => Meaning::NotMesos,
        400 if text.contains("Framework cannot be found") => Meaning::UnknownFramework,
        400 if text.contains("didn't match the stream ID") => Meaning::StreamTaken,
        401 => Meaning::Unauthenticated,
        403 if text.contains("not subscribed") => Meaning::NotSubscribed,
        403 => Meaning::Forbidden,
        // Mesos's own 404 has this text; it is sent while the routes come up.
        404 if text.starts_with("404 Not Found") => Meaning::NotNow,
        404 | 405 | 501 => Meaning::NotMesos,
        // Of somebody between.
        408 | 425 | 429 | 503 => Meaning::NotNow,
        400..=428 => Meaning::Wrong,
        _ => Meaning::Trouble,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the master answered {}", self.status)?;
        let status = self.status.to_string();
        match title(&self.text) {
            Some(title) => write!(f, ": {}", title.strip_prefix(&status).unwrap_or(title).trim_start()),
            None if self.text.is_empty() => Ok(()),
            None => write!(f, ": {}", self.text),
        }
    }
}

/// What a page says in its title: a proxy's answer is one, and people want its words only.
fn title(text: &str) -> Option<&str> {
    let page = text.trim_start().strip_prefix('<')?;
    let (_, rest) = page.split_once("<title>")?;
    let title = rest.split_once("</title>")?.0.trim();
    (!title.is_empty() && !title.contains('<')).then_some(title)
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_page_its_title_is_told() {
        let told = |text: &str| Refusal { status: 400, text: text.to_owned(), meaning: Meaning::Wrong }.to_string();
        let page = "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body>x</body>";
        assert_eq!(told(page), "the master answered 400: No required SSL certificate was sent");
        for text in ["<html><title></title>", "<title>a<b></title>", "Expecting <title>x</title>"] {
            assert_eq!(told(text), format!("the master answered 400: {text}"));
        }
        assert_eq!(told(""), "the master answered 400");
    }

    #[test]
    fn each_status_has_its_meaning() {
        for (status, text, expected) in [
            (400, "Framework cannot be found", Meaning::UnknownFramework),
            (
                400,
                "The stream ID 'x' included in this request didn't match the stream ID currently",
                Meaning::StreamTaken,
            ),
            (400, "Failed to validate scheduler::Call: Expecting 'type' to be present", Meaning::Wrong),
            (401, "401 Unauthorized.", Meaning::Unauthenticated),
            (403, "Framework is not subscribed", Meaning::NotSubscribed),
            (403, "no", Meaning::Forbidden),
            (404, "404 Not Found.", Meaning::NotNow),
            (404, "<html>", Meaning::NotMesos),
            (204, "", Meaning::NotMesos),
            (302, "", Meaning::NotMesos),
            (406, "", Meaning::Wrong),
            (408, "", Meaning::NotNow),
            (413, "", Meaning::Wrong),
            (429, "", Meaning::NotNow),
            (500, "", Meaning::Trouble),
            (503, "No leader elected", Meaning::NotNow),
        ] {
            assert_eq!(meaning(status, text), expected, "{status} {text}");
        }
        assert_eq!(meaning_of_read(404, "404 Not Found."), Meaning::NotFound);
        assert_eq!(meaning_of_read(503, ""), Meaning::NotNow);
        assert!(meaning(503, "").is_temporary() && !meaning(400, "").is_temporary());
    }
}
