//! The input language: what a person types or pastes, told apart and taken apart, with byte spans throughout.
//!
//! Text goes in, [`Input`]s, [`Args`], completions and highlights come out; everything is a pure function of its
//! arguments. Nothing here performs a command, reads a file or knows a session: live names come through [`Names`].
//!
//! A verb is one [`Verb`] constant; parsing, help, completion, highlighting and docs/commands.md read the same one.

mod args;
mod complete;
mod help;
mod highlight;
mod input;
mod json;
mod kind;
mod locate;
mod parse;
mod paste;
mod rust;
mod spec;
mod token;
mod units;

pub use args::{Args, parse_args};
pub use complete::{Candidate, Completion, Names, NoNames, complete, hint};
pub use help::{help_for, help_index, reference_markdown};
pub use highlight::{Role, highlight};
pub use input::{Header, Input, Invocation, JsonCall, Paste, PasteKind, RustText, Spanned, Word, WordKind};
pub use locate::{Key, locate};
pub use parse::{Completeness, Open, completeness, parse, parse_cell};
pub use spec::{Arity, Example, Kind, Opt, Positional, Verb, find, nearest};
pub use units::{duration, mebibytes, ports};
