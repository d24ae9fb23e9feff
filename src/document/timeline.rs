//! What happened to one thing, and when: the story of a task from its launch to its end.
//!
//! Offsets count from the first entry's moment; a timeline knows no clock.

use std::time::Duration;

use super::Tone;

/// What happened to one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Whose story it is, such as a task's name; empty when lines go on from an earlier timeline.
    pub name: String,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

/// One moment of a [`Timeline`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How long after the beginning.
    pub at: Duration,
    /// Who spoke.
    pub kind: EntryKind,
    /// What it was, in a word: a call's type, a state's protocol name.
    pub label: String,
    /// What that means.
    pub tone: Tone,
    /// What is known besides; may be empty.
    pub text: String,
}

/// Who spoke in a [`Timeline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// We called the master.
    Call,
    /// The cluster told us of a state.
    Update,
    /// We acknowledged.
    Ack,
    /// Anything else worth a line.
    Note,
}

impl EntryKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Call => "call",
            EntryKind::Update => "update",
            EntryKind::Ack => "ack",
            EntryKind::Note => "note",
        }
    }
}

impl Timeline {
    /// A story without events yet.
    pub fn new(name: impl Into<String>) -> Self {
        Timeline { name: name.into(), entries: Vec::new() }
    }

    /// The same story with a status update: its protocol name (`TASK_RUNNING`), and what the update said.
    #[must_use]
    pub fn update(self, at: Duration, state: &str, text: impl Into<String>) -> Self {
        self.entry(at, EntryKind::Update, state, Tone::of_task_state(state), text)
    }

    /// The same story with a call.
    #[must_use]
    pub fn call(self, at: Duration, call: &str, text: impl Into<String>) -> Self {
        self.entry(at, EntryKind::Call, call, Tone::Plain, text)
    }

    /// The same story with an acknowledgement.
    #[must_use]
    pub fn ack(self, at: Duration, text: impl Into<String>) -> Self {
        self.entry(at, EntryKind::Ack, "ACK", Tone::Dim, text)
    }

    /// The same story with a remark.
    #[must_use]
    pub fn note(self, at: Duration, text: impl Into<String>) -> Self {
        self.entry(at, EntryKind::Note, "", Tone::Dim, text)
    }

    /// The same story with one more entry.
    #[must_use]
    pub fn entry(
        mut self,
        at: Duration,
        kind: EntryKind,
        label: impl Into<String>,
        tone: Tone,
        text: impl Into<String>,
    ) -> Self {
        self.entries.push(Entry { at, kind, label: label.into(), tone, text: text.into() });
        self
    }
}
