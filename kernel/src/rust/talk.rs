//! What the kernel and the process that evaluates Rust cells say to each other: a line of JSON each.
//!
//! The kernel asks over the process's stdin and listens to its stdout. Everything that answers carries the number of
//! what was asked.

use mesos_repl::lang::{Candidate, Completion};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bundle::Trouble;
use crate::iopub::Stream;

/// The argument that turns this program into the process that evaluates Rust cells.
pub const COMMAND: &str = "evaluate";
/// Names the session's socket.
pub const SESSION: &str = "MESOS_SESSION";
/// What cells may take of memory, such as `2GiB`: an allocation beyond it fails.
pub const MEMORY: &str = "MESOS_CELL_MEMORY";

/// The kernel asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Run a cell.
    Cell {
        /// The number of what is asked.
        id: u64,
        /// Its text.
        code: String,
    },
    /// What could stand at byte `at`?
    Complete {
        /// The number of what is asked.
        id: u64,
        /// The text so far.
        code: String,
        /// The cursor.
        at: usize,
    },
    /// What is known of the name that ends at byte `at`?
    Inspect {
        /// The number of what is asked.
        id: u64,
        /// The text.
        code: String,
        /// The name's end.
        at: usize,
    },
    /// The person's answer to [`Told::Question`].
    Answer {
        /// What they typed.
        text: String,
    },
    /// End the running cell.
    Interrupt {
        /// The cell.
        id: u64,
    },
}

/// The evaluator tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// Cells can run without waiting.
    Ready,
    /// What it does, for who waits.
    Doing {
        /// Such as `Rust to start`.
        what: String,
    },
    /// A cell printed.
    Text {
        /// The cell.
        id: u64,
        /// Where to.
        stream: Stream,
        /// What.
        text: String,
    },
    /// A cell asks the person something; it waits for [`Ask::Answer`].
    Question {
        /// The cell.
        id: u64,
        /// What to ask.
        prompt: String,
        /// Whether the answer is secret.
        password: bool,
    },
    /// [`Ask::Interrupt`] has been heard: however the cell ends from now on, it was interrupted.
    Interrupting {
        /// The cell.
        id: u64,
    },
    /// A cell has ended.
    Done {
        /// The cell.
        id: u64,
        /// Its value as a bundle; null for none.
        value: Value,
        /// Why it failed.
        trouble: Option<Trouble>,
    },
    /// Candidates.
    Completed {
        /// The number of what was asked.
        id: u64,
        /// The bytes that they replace.
        start: usize,
        /// Where those end.
        end: usize,
        /// What could stand there, and its kind.
        candidates: Vec<(String, String, String)>,
    },
    /// What is known of a name, as a bundle.
    Inspected {
        /// The number of what was asked.
        id: u64,
        /// Null if nothing is.
        value: Value,
    },
}

impl Told {
    /// The number of what this answers.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Ready | Self::Doing { .. } => None,
            Self::Text { id, .. }
            | Self::Question { id, .. }
            | Self::Interrupting { id }
            | Self::Done { id, .. }
            | Self::Completed { id, .. }
            | Self::Inspected { id, .. } => Some(*id),
        }
    }

    /// Candidates as they are told.
    pub fn completed(id: u64, found: Completion) -> Self {
        let told = |candidate: Candidate| (candidate.insert, candidate.shown, candidate.about);
        let candidates = found.candidates.into_iter().map(told).collect();
        Self::Completed { id, start: found.span.start, end: found.span.end, candidates }
    }

    /// Candidates as they were told.
    pub fn into_completion(self) -> Option<Completion> {
        let Self::Completed { start, end, candidates, .. } = self else { return None };
        let candidates = candidates.into_iter().map(|(insert, shown, about)| Candidate { insert, shown, about });
        Some(Completion { span: start..end, candidates: candidates.collect() })
    }
}

/// A message as it goes over the pipe.
pub fn line(message: &impl Serialize) -> String {
    // Strings, numbers and JSON values always become JSON.
    let mut text = serde_json::to_string(message).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for ask in [
            Ask::Cell { id: 1, code: "let a = \"\n\";".to_owned() },
            Ask::Complete { id: 2, code: "é".to_owned(), at: 2 },
            Ask::Answer { text: String::new() },
            Ask::Interrupt { id: 3 },
        ] {
            let line = line(&ask);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(serde_json::from_str::<Ask>(&line).unwrap(), ask);
        }
        let trouble = Trouble::new("Panic", "boom").line("at 1");
        for told in [
            Told::Ready,
            Told::Interrupting { id: 3 },
            Told::Text { id: 1, stream: Stream::Err, text: "a\nb\n".to_owned() },
            Told::Done { id: 1, value: Value::Null, trouble: Some(trouble) },
            Told::completed(
                3,
                Completion {
                    span: 1..2,
                    candidates: vec![Candidate { insert: "a".into(), shown: "b".into(), about: "c".into() }],
                },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Told>(&line(&told)).unwrap(), told);
        }
    }
}
