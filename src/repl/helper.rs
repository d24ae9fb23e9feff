//! What the line editor asks while somebody types: completions, hints, colours, and whether the input is all there.
//!
//! The engine knows all that; here it is only put into the editor's terms, and made safe to show.

use std::borrow::Cow;
use std::sync::PoisonError;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use unicode_width::UnicodeWidthStr as _;

use super::editor::Says;
use crate::document::Tone;
use crate::engine::Engine;
use crate::lang::{Candidate, Completeness, Completion, Role};
use crate::render::{Style, Theme, safe_line};

/// A list longer than that helps nobody.
const MOST: usize = 400;
/// Up to so many candidates are described, a line each.
const DESCRIBED: usize = 30;

/// The editor's helper.
pub(super) struct Typing {
    pub engine: Engine,
    pub theme: Theme,
    pub columns: fn() -> usize,
    /// The prompt is a question of ours, not the place for commands.
    pub question: bool,
    /// What the prompt says by now.
    pub says: Says,
}

impl Helper for Typing {}

impl Completer for Typing {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if self.question {
            return Ok((at, Vec::new()));
        }
        let completion = self.engine.complete(line, at);
        Ok((completion.span.start, pairs(completion, line, at, (self.columns)())))
    }
}

/// Candidates for the editor. One that a terminal would obey is left out: nobody could check what it inserts.
fn pairs(completion: Completion, line: &str, at: usize, columns: usize) -> Vec<Pair> {
    let safe = |candidate: &Candidate| safe_line(&candidate.insert) == candidate.insert;
    let candidates: Vec<_> = completion.candidates.into_iter().filter(safe).take(MOST).collect();
    if let [only] = candidates.as_slice() {
        // What is complete is followed by the next word, unless something follows already.
        let follows = line.get(at..).is_some_and(|rest| !rest.is_empty());
        let space = if follows || only.insert.ends_with([' ', '=', '/', '.']) { "" } else { " " };
        return vec![Pair { display: only.shown.clone(), replacement: format!("{}{space}", only.insert) }];
    }
    let described = candidates.len() <= DESCRIBED;
    let names = candidates.iter().map(|candidate| candidate.shown.width()).max().unwrap_or(0);
    let display = |candidate: &Candidate| {
        let shown = safe_line(&candidate.shown).into_owned();
        if !described || candidate.about.is_empty() {
            return shown;
        }
        let pad = names.saturating_sub(shown.width()) + 2;
        let line = format!("{shown}{:pad$}{}", "", safe_line(&candidate.about));
        cut(&line, columns.saturating_sub(3))
    };
    candidates.iter().map(|c| Pair { display: display(c), replacement: c.insert.clone() }).collect()
}

fn cut(line: &str, columns: usize) -> String {
    let mut width = 0;
    line.chars()
        .take_while(|c| {
            width += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            width <= columns
        })
        .collect()
}

/// Dim words behind the cursor; the right arrow takes them only if they finish what was begun.
pub(super) struct Shown {
    text: String,
    finishes: bool,
}

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.finishes.then_some(&self.text)
    }
}

impl Hinter for Typing {
    type Hint = Shown;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<Shown> {
        if self.question || line.contains('\n') {
            return None;
        }
        let text = self.engine.hint(line, at)?;
        let finishes = !self.engine.complete(line, at).span.is_empty();
        (safe_line(&text) == text).then_some(Shown { text, finishes })
    }
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        if self.question {
            return Ok(ValidationResult::Valid(None));
        }
        // What can't be made right by more lines is run all the same: the engine says what is wrong, with a caret.
        Ok(match self.engine.completeness(context.input()) {
            Completeness::Incomplete { .. } => ValidationResult::Incomplete,
            Completeness::Complete | Completeness::Invalid(_) => ValidationResult::Valid(None),
        })
    }
}

impl Highlighter for Typing {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        let says = self.says.lock().unwrap_or_else(PoisonError::into_inner);
        match says.clone() {
            Some(text) if default => Cow::Owned(text),
            _ => Cow::Borrowed(prompt),
        }
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.question || !self.theme.colour {
            return Cow::Borrowed(line);
        }
        let mut painted = String::with_capacity(line.len() + 32);
        let mut at = 0;
        for (span, role) in self.engine.highlight(line) {
            painted.push_str(line.get(at..span.start).unwrap_or_default());
            painted.push_str(&self.theme.paint(style(role), line.get(span.clone()).unwrap_or_default()));
            at = span.end;
        }
        painted.push_str(line.get(at..).unwrap_or_default());
        Cow::Owned(painted)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.theme.paint(Style::Hint, hint)
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.theme.colour && kind != CmdKind::MoveCursor
    }
}

fn style(role: Role) -> Style {
    Style::Tone(match role {
        Role::Verb | Role::Magic => Tone::Strong,
        Role::UnknownVerb | Role::UnknownOption => Tone::Bad,
        Role::Option | Role::JsonKey => Tone::Good,
        Role::String => Tone::Running,
        Role::Number | Role::Literal => Tone::Unsure,
        Role::Comment | Role::Punctuation => Tone::Dim,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(insert: &str, about: &str) -> Candidate {
        Candidate { insert: insert.to_owned(), shown: insert.to_owned(), about: about.to_owned() }
    }

    #[test]
    fn candidates_are_described_and_safe() {
        let list = |candidates: Vec<Candidate>, line: &str| {
            let completion = Completion { span: 0..line.len(), candidates };
            pairs(completion, line, line.len(), 24)
                .into_iter()
                .map(|pair| (pair.display, pair.replacement))
                .collect::<Vec<_>>()
        };
        let one = list(vec![candidate("offers", "what is offered")], "off");
        assert_eq!(one, [("offers".to_owned(), "offers ".to_owned())]);
        assert_eq!(list(vec![candidate("\"type\": ", "")], "{\"t")[0].1, "\"type\": ");
        let hostile = vec![candidate("evil\x1b[2J", ""), candidate("web", "a\x1b[2Jb"), candidate("worker", "")];
        let two = list(hostile, "w");
        assert_eq!(two[0], ("web     a\\x1b[2Jb".to_owned(), "web".to_owned()));
        assert_eq!(two.len(), 2);
        let long = list(vec![candidate("a", "a description that is long"), candidate("b", "")], "");
        assert_eq!(long[0].0, "a  a description that");
    }
}
