//! Where a command's answers go: a front implements it. Nothing in the engine draws or prints.

use std::time::Duration;

use crate::document::Document;

/// A front's ear for one running input. Calls come from one task, in the order of what happened.
pub trait Output: Send {
    /// An answer, or a part of one, to be shown below the others.
    fn show(&mut self, document: Document);

    /// A picture that replaces the last one of the same input: `watch`, a launch in progress. A front that can't
    /// replace may show the last one only; [`Output::settle`] tells which that is.
    fn live(&mut self, document: Document);

    /// The newest live picture is final: what comes next stands below it.
    fn settle(&mut self);

    /// What is being waited for, and since when; to be shown where it doesn't stay. Comes a few times a second.
    fn waiting(&mut self, what: &str, elapsed: Duration);
}

/// Collects everything: for tests, and for fronts that show all at the end.
#[derive(Debug, Default)]
pub struct Collected {
    /// Answers, in order; of live pictures the settled ones.
    pub documents: Vec<Document>,
    live: Option<Document>,
}

impl Output for Collected {
    fn show(&mut self, document: Document) {
        self.settle();
        self.documents.push(document);
    }

    fn live(&mut self, document: Document) {
        self.live = Some(document);
    }

    fn settle(&mut self) {
        self.documents.extend(self.live.take());
    }

    fn waiting(&mut self, _what: &str, _elapsed: Duration) {}
}
