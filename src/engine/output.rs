//! Where a command's answers go: a front implements it. Nothing in the engine draws or prints.

use std::pin::Pin;
use std::time::Duration;

use crate::document::Document;

/// Something that only the person can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked. It holds text from outside as it came: only renderers let it out.
    pub text: String,
    /// Whether the answer must not be seen, like a password.
    pub secret: bool,
}

/// What an input has brought about that will make itself heard after the input's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caused {
    /// It has launched these tasks; [`super::Engine::picture`] draws what became of them, and so do the live pictures
    /// that follow, up to the next [`Output::settle`].
    Tasks(Vec<String>),
    /// It has subscribed.
    Subscription,
}

/// An answer that comes when the person gives it; `None` where nobody can be asked.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;

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

    /// What keeps a wait from its end, told once it is known: a front without a place for what is waited for may tell it
    /// aside.
    fn held_up(&mut self, _why: &str) {}

    /// What the input has brought about: a front that can may show under it what happens later.
    fn caused(&mut self, _what: Caused) {}

    /// Asks the person. A front that can't says so, and then the words that were typed are all that counts.
    fn ask(&mut self, _question: Question) -> Answering<'_> {
        Box::pin(std::future::ready(None))
    }
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
