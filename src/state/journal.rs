//! What happened, in order: calls, events and notes, the newest of them in full.
//!
//! Bounded in number and in bytes: a session may live for weeks. It records; it interprets nothing.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

/// How many entries are kept.
const ENTRIES: usize = 2_000;
/// How many bytes of their text are kept.
const BYTES: usize = 16 << 20;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts up from 0 over the session's life, without gaps.
    pub number: u64,
    /// Time since the session's start.
    pub at: Duration,
    /// What it was.
    pub what: What,
}

/// The kinds of things that happen.
#[derive(Clone, Debug)]
pub enum What {
    /// An event came.
    Event {
        /// Its `type`.
        kind: Cow<'static, str>,
        /// The record.
        json: Bytes,
    },
    /// A record came that is no event.
    BadRecord {
        /// What is wrong with it.
        why: Box<str>,
        /// The record.
        json: Bytes,
    },
    /// A call was answered, or was not.
    Call {
        /// Its `type`.
        kind: Box<str>,
        /// The body that was sent.
        json: Bytes,
        /// The answer: status, or what happened instead.
        answer: Result<u16, Box<str>>,
    },
    /// Something of the session's own: connected, lost, waiting.
    Note(Box<str>),
}

/// The newest entries.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    bytes: usize,
    next: u64,
}

impl Journal {
    /// Adds an entry; the oldest make room.
    pub fn push(&mut self, at: Duration, what: What) {
        self.bytes += what.text().len();
        self.entries.push_back(Entry { number: self.next, at, what });
        self.next += 1;
        while self.entries.len() > ENTRIES || (self.bytes > BYTES && self.entries.len() > 1) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.what.text().len();
            }
        }
    }

    /// The entries from that number on, the oldest first.
    pub fn since(&self, number: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().skip(number.saturating_sub(self.first()) as usize)
    }

    /// The number of the oldest entry that is kept.
    pub fn first(&self) -> u64 {
        self.entries.front().map_or(self.next, |entry| entry.number)
    }

    /// The number that the next entry will have.
    pub fn next(&self) -> u64 {
        self.next
    }
}

impl What {
    /// The JSON or text behind it.
    pub fn text(&self) -> &[u8] {
        match self {
            Self::Event { json, .. } | Self::BadRecord { json, .. } | Self::Call { json, .. } => json,
            Self::Note(text) => text.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_the_oldest_first() {
        let mut journal = Journal::default();
        for number in 0..ENTRIES as u64 + 10 {
            journal.push(Duration::from_secs(number), What::Note("x".into()));
        }
        assert_eq!((journal.first(), journal.next()), (10, ENTRIES as u64 + 10));
        assert_eq!(journal.since(0).count(), ENTRIES);
        assert_eq!(
            journal.since(journal.next() - 1).map(|entry| entry.number).collect::<Vec<_>>(),
            [ENTRIES as u64 + 9]
        );
        let large = What::Event { kind: "OFFERS".into(), json: Bytes::from(vec![0; BYTES + 1]) };
        journal.push(Duration::ZERO, large);
        assert_eq!(journal.since(0).count(), 1);
    }
}
