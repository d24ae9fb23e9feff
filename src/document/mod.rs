//! What a command answers with: plain data that carries meaning, never looks.
//!
//! A [`Document`] says that a cell is a task state that went well; whether that is blue, a chip or a JSON string is for
//! [`crate::render`] to decide. Nothing here prints, knows a terminal's width, or makes outside text safe: documents
//! hold text exactly as the cluster sent it, and only renderers let it out.

mod diagnostic;
mod json;
mod span;
mod table;
mod timeline;

pub use diagnostic::{Diagnostic, Excerpt};
pub use json::cell_json;
pub use span::span;
pub use table::{Align, Cell, Column, Field, Fields, Table, Unit};
pub use timeline::{Entry, EntryKind, Timeline};

/// What one command answers: blocks, from top to bottom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// The parts, in reading order.
    pub blocks: Vec<Block>,
}

/// One part of a [`Document`].
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph; a line break inside it is kept.
    Text(Vec<Piece>),
    /// A short heading above what follows.
    Heading(String),
    /// Rows under columns.
    Table(Table),
    /// One thing's properties, a label and a value each.
    Fields(Fields),
    /// JSON, kept whole.
    Json(serde_json::Value),
    /// Text of a file or a stream, such as a task's stdout.
    Log(Log),
    /// What happened to one thing, and when.
    Timeline(Timeline),
    /// Something that went wrong, or that deserves a warning.
    Diagnostic(Diagnostic),
    /// Commands that a person would likely type next; no part of the answer itself, so exact output leaves it out.
    Next(Vec<String>),
}

/// A stretch of text of one tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// What they mean.
    pub tone: Tone,
}

impl Piece {
    /// Words with a meaning.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Piece { text: text.into(), tone }
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Piece::new(text, Tone::Plain)
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Piece::new(text, Tone::Plain)
    }
}

/// What a word or a state means for the person who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tone {
    /// On its way: not there yet, nothing wrong.
    Waiting,
    /// Alive and doing its work.
    Running,
    /// Ended as it should.
    Good,
    /// Failed.
    Bad,
    /// Nobody knows: lost, unreachable.
    Unsure,
    /// No meaning beyond the words.
    #[default]
    Plain,
    /// Said for completeness; may be overlooked.
    Dim,
    /// The words that matter most in their line.
    Strong,
}

impl Tone {
    /// The tone of a task state's name, with or without its `TASK_`; names from the future are [`Tone::Plain`].
    pub fn of_task_state(name: &str) -> Tone {
        match name.strip_prefix("TASK_").unwrap_or(name) {
            "STAGING" | "STARTING" | "KILLING" => Tone::Waiting,
            "RUNNING" => Tone::Running,
            "FINISHED" => Tone::Good,
            "FAILED" | "ERROR" | "DROPPED" | "GONE" | "GONE_BY_OPERATOR" => Tone::Bad,
            "LOST" | "UNREACHABLE" | "UNKNOWN" => Tone::Unsure,
            _ => Tone::Plain,
        }
    }
}

/// Text of a file or a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What it is, such as `web stdout`; may be empty.
    pub name: String,
    /// Its text as it was read.
    pub text: String,
}

impl Document {
    /// An answer without words.
    pub fn new() -> Self {
        Self::default()
    }

    /// One paragraph.
    pub fn text(text: impl Into<Piece>) -> Self {
        Self::new().with_text(text)
    }

    /// Adds a block.
    pub fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push(block.into());
    }

    /// This document with another block below.
    #[must_use]
    pub fn with(mut self, block: impl Into<Block>) -> Self {
        self.push(block);
        self
    }

    /// This document with another paragraph below.
    #[must_use]
    pub fn with_text(self, text: impl Into<Piece>) -> Self {
        self.with(Block::Text(vec![text.into()]))
    }

    /// This document with a paragraph of several tones below.
    #[must_use]
    pub fn with_pieces(self, pieces: impl IntoIterator<Item = Piece>) -> Self {
        self.with(Block::Text(pieces.into_iter().collect()))
    }

    /// This document with a heading below.
    #[must_use]
    pub fn with_heading(self, heading: impl Into<String>) -> Self {
        self.with(Block::Heading(heading.into()))
    }

    /// This document with commands that one would likely type next.
    #[must_use]
    pub fn with_next<S: Into<String>>(self, commands: impl IntoIterator<Item = S>) -> Self {
        let commands: Vec<String> = commands.into_iter().map(Into::into).collect();
        if commands.is_empty() { self } else { self.with(Block::Next(commands)) }
    }

    /// Everything of another document, below this one.
    #[must_use]
    pub fn and(mut self, other: Document) -> Self {
        self.blocks.extend(other.blocks);
        self
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The same document without suggestions (`set hints off`).
    #[must_use]
    pub fn without_next(mut self) -> Self {
        self.blocks.retain(|block| !matches!(block, Block::Next(_)));
        self
    }

    /// The exact JSON of this document: whole ids, numbers without units, durations in seconds, times in RFC 3339.
    ///
    /// One table is an array of objects, fields are one object, JSON is itself. Several parts become an object if each
    /// has a natural name (see [`Table::named`]), otherwise an array in reading order. Suggestions are left out.
    pub fn to_json(&self) -> serde_json::Value {
        json::document(self)
    }
}

macro_rules! block_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Block {
            fn from(value: $type) -> Self {
                Block::$variant(value)
            }
        }
        impl From<$type> for Document {
            fn from(value: $type) -> Self {
                Document { blocks: vec![Block::$variant(value)] }
            }
        }
    )*};
}
block_from!(Table => Table, Fields => Fields, Log => Log, Timeline => Timeline, Diagnostic => Diagnostic,
    serde_json::Value => Json);
