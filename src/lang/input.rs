//! What input turns out to be: commands, v1 calls, pasted text, Rust. Plain data with byte spans into the whole text.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::document::Diagnostic;

/// A value with the bytes of the input that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Bytes of the whole input.
    pub span: Range<usize>,
}

impl<T> Spanned<T> {
    /// A value and where it stood.
    pub fn new(value: T, span: Range<usize>) -> Self {
        Spanned { value, span }
    }
}

/// One thing to do, as it stood in the input.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A known verb with its words.
    Command(Invocation),
    /// A JSON object or array: a v1 call, or a part of one.
    Call(JsonCall),
    /// Something out of a tutorial or another tool's manual.
    Paste(Paste),
    /// What looks like Rust.
    Rust(RustText),
}

impl Input {
    /// The bytes of the whole input that it takes.
    pub fn span(&self) -> Range<usize> {
        match self {
            Input::Command(invocation) => invocation.span.clone(),
            Input::Call(call) => call.span.clone(),
            Input::Paste(paste) => paste.span.clone(),
            Input::Rust(rust) => rust.span.clone(),
        }
    }

    /// Its text as it was typed.
    pub fn text(&self) -> &str {
        let source = match self {
            Input::Command(invocation) => &invocation.source,
            Input::Call(call) => &call.source,
            Input::Paste(paste) => &paste.source,
            Input::Rust(rust) => &rust.source,
        };
        source.get(self.span()).unwrap_or_default()
    }
}

/// A verb with its words, not yet held against what the verb takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The verb as it was typed, without a leading `:`; possibly an alias.
    pub verb: Spanned<String>,
    /// What follows the verb.
    pub words: Vec<Word>,
    /// The bytes of the command, without what separates it from others.
    pub span: Range<usize>,
    /// The whole input, which all spans count in.
    pub source: Arc<str>,
}

impl Invocation {
    /// The command as it was typed.
    pub fn text(&self) -> &str {
        self.source.get(self.span.clone()).unwrap_or_default()
    }

    /// A diagnostic that points at a part of this command.
    pub fn wrong(&self, span: Range<usize>, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(what).at(&*self.source, span)
    }
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its text without quotes and escapes.
    pub text: String,
    /// Its bytes in the whole input, quotes included.
    pub span: Range<usize>,
    /// How it was written.
    pub kind: WordKind,
}

/// How a [`Word`] was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WordKind {
    /// Without quotes at its beginning; only such a word can be an option.
    Bare,
    /// In quotes from its first character on.
    Quoted,
    /// A JSON object or array.
    Json,
}

/// A JSON value at the place of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonCall {
    /// The value; an object is a v1 call.
    pub value: Value,
    /// Its bytes in the whole input.
    pub span: Range<usize>,
    /// The whole input.
    pub source: Arc<str>,
}

/// Something out of a tutorial or another tool's manual.
#[derive(Debug, Clone, PartialEq)]
pub struct Paste {
    /// What it asks for.
    pub kind: PasteKind,
    /// Its bytes in the whole input.
    pub span: Range<usize>,
    /// The whole input.
    pub source: Arc<str>,
}

/// What a pasted line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum PasteKind {
    /// An HTTP request, as `curl` would send it.
    Http {
        /// The address, with a scheme.
        url: Spanned<String>,
        /// `GET`, or `POST` when there is a body, or what `-X` says.
        method: String,
        /// Headers in their order.
        headers: Vec<Header>,
        /// The body; one that begins with `@` names a file.
        body: Option<Spanned<String>>,
        /// What curl or the shell would have done besides, and nobody does here: options, a pipe's other end.
        ignored: Vec<Spanned<String>>,
    },
    /// A look into ZooKeeper, as `zkCli.sh` would do it.
    ZooKeeper {
        /// `HOST:PORT`, several with commas, as `-server` has them; zkCli.sh's own default otherwise.
        servers: Spanned<String>,
        /// `get`, `ls` or another of its commands, with its path; `None` only opens the client.
        command: Option<(String, Spanned<String>)>,
    },
    /// Which master leads, as `mesos-leader` or `mesos-resolve` would answer.
    Leader {
        /// The `zk://...` address.
        zk: Option<Spanned<String>>,
        /// Whether all masters are asked for (`-a`).
        all: bool,
    },
    /// An address alone: `http://...`, `https://...`, `zk://...` or `HOST:PORT/PATH`.
    Address(Spanned<String>),
}

/// An HTTP header of a pasted request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Text that looks like Rust, or that `%%rust` says is.
#[derive(Debug, Clone, PartialEq)]
pub struct RustText {
    /// Its bytes in the whole input.
    pub span: Range<usize>,
    /// The whole input.
    pub source: Arc<str>,
}
