//! How a Rust cell ended when it didn't end well, in words: what happened, what was lost, what was kept.

use mesos_repl::render;

use super::mark::Bound;
use crate::bundle::Trouble;

/// What was heard of a cell while it ran.
#[derive(Debug, Default)]
pub struct Heard {
    reached: bool,
    unmarked: bool,
    /// What came last on stderr.
    errors: Vec<String>,
    /// The first line on stderr that tells of a crash.
    crash: Option<String>,
}

const KEPT: &str = "Variables from before this cell are kept; the framework and its tasks are untouched.";
const UNTOUCHED: &str = "The framework, its tasks and `mesos` are as they were.";

impl Heard {
    /// The mark behind the last statement was printed.
    pub fn has_reached_its_end(&mut self) {
        self.reached = true;
    }

    /// Whether it was.
    pub fn has_ended(&self) -> bool {
        self.reached
    }

    /// A line came on stderr.
    pub fn says(&mut self, line: &str) {
        let is_crash = CRASHES.iter().any(|start| line.starts_with(start)) || line.contains("has overflowed its stack");
        if is_crash && self.crash.is_none() {
            self.crash = Some(line.to_owned());
        }
    }

    /// Whether something told of a crash.
    pub fn has_crashed(&self) -> bool {
        self.crash.is_some()
    }

    /// What came last on stderr.
    pub fn said_last(&mut self, lines: Vec<String>) {
        self.errors = lines;
    }

    /// The cell has no mark: only a panic's message tells that it failed.
    pub fn unmarked(&mut self) {
        self.unmarked = true;
    }

    /// Whether the cell got to its end, as far as can be told.
    pub fn reached(&self) -> bool {
        self.reached || (self.unmarked && self.panic().is_none())
    }

    fn panic(&self) -> Option<usize> {
        self.errors.iter().position(|line| line.contains("panicked at"))
    }

    /// A cell that ended without reaching its end: a panic or a failed `?`.
    pub fn failure(&self) -> Trouble {
        match self.panic() {
            Some(at) => self.panicked(at),
            None => {
                // What the cell itself wrote before isn't why it ended.
                let first = self.errors.iter().rposition(|line| line.starts_with("error: ")).unwrap_or(0);
                let message = self.errors.get(first..).unwrap_or_default().join("\n");
                let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
                Trouble::new("Err", if message.is_empty() { "a ? met an error".to_owned() } else { message }).line(
                    "The `?` ended the cell here: variables that it would have set are not set, the others are kept.",
                )
            }
        }
    }

    fn panicked(&self, at: usize) -> Trouble {
        let first = self.errors.get(at).map(String::as_str).unwrap_or_default();
        let place = first.split("panicked at").nth(1).unwrap_or_default().trim().trim_end_matches(':');
        let rest = self.errors.iter().skip(at + 1);
        let message: Vec<&str> = rest.take_while(|line| !is_backtrace(line)).map(String::as_str).collect();
        let message = message.join("\n");
        let trouble = Trouble::new("Panic", if message.is_empty() { place.to_owned() } else { message });
        // A place in generated code says nothing to anybody.
        let trouble = if place.starts_with("src/lib.rs") {
            trouble
        } else {
            trouble.line(format!("at {}", render::safe_line(place)))
        };
        trouble.line(KEPT)
    }

    /// A cell whose process is gone.
    pub fn death(&self, why: &str, variables: &[String], killed: bool) -> Trouble {
        let mut lost: Vec<&str> = variables.iter().map(String::as_str).collect();
        lost.sort_unstable();
        let lost = match lost.as_slice() {
            [] => "No variables were lost".to_owned(),
            lost => format!("Lost: {}", lost.join(", ")),
        };
        let (name, value) = if killed {
            ("Interrupted", "the cell didn't stop, so its process was ended".to_owned())
        } else {
            ("ChildExit", how_it_ended(why, self.crash.as_deref()))
        };
        Trouble::new(name, value).line(format!("{lost}. {UNTOUCHED}"))
    }
}

/// What the cell waited for was cancelled, and it gave up.
pub fn stopped_in_place() -> Trouble {
    Trouble::new("Interrupted", "the cell was interrupted where it waited").line(KEPT)
}

/// The cell was still being compiled.
pub fn never_begun() -> Trouble {
    Trouble::new("Interrupted", "the cell was interrupted before it ran").line(KEPT)
}

fn is_backtrace(line: &str) -> bool {
    line.starts_with("stack backtrace:") || line.starts_with("note: ")
}

/// How a process says that it has crashed.
const CRASHES: [&str; 4] = ["Segmentation fault.", "Illegal instruction.", "Bus error.", "memory allocation of"];

/// The end of a process in words: its status, and what it said of a crash.
fn how_it_ended(why: &str, crash: Option<&str>) -> String {
    let status = why.rsplit("Subprocess terminated with status: ").next().unwrap_or(why).trim();
    let ended = "the process that runs Rust cells ended";
    match crash {
        Some(crash) => format!("{ended}: {} ({status})", crash.trim().trim_end_matches('.')),
        // Nobody here sends it to a cell that wasn't interrupted.
        None if status.contains("signal: 9") => format!("{ended}: {status}; the system kills so when memory runs out"),
        None => format!("{ended}: {status}"),
    }
}

/// The compiler's errors with the places in the cell, of which it was given another form.
pub fn compilation(code: &str, given: &Bound, errors: &[evcxr::CompilationError]) -> Trouble {
    let first = errors.first();
    let mut trouble = Trouble::new("CompileError", first.map(evcxr::CompilationError::message).unwrap_or_default());
    trouble.traceback.clear();
    for error in errors {
        trouble.traceback.push(format!("\x1b[1;31merror\x1b[0m\x1b[1m: {}\x1b[0m", error.message()));
        let mut shown = 0;
        for spanned in error.spanned_messages() {
            let Some(span) = &spanned.span else { continue };
            if let Some(line) = code.lines().nth(span.start_line.saturating_sub(1)) {
                if span.start_line != shown {
                    trouble.traceback.push(format!("{:>4} | {line}", span.start_line));
                }
                shown = span.start_line;
                let column = |column| given.column(span.start_line, column);
                let end = (span.end_line == span.start_line).then(|| column(span.end_column));
                let carets = carets(line, column(span.start_column), end, &spanned.label);
                trouble.traceback.push(format!("     | {carets}"));
            }
        }
        trouble.traceback.extend(error.help().into_iter().map(|help| format!("help: {help}")));
        trouble.traceback.extend(error.evcxr_extra_hint().map(|hint| format!("help: {hint}")));
    }
    trouble
}

/// Marks a part of a line, from one column (counted from 1) up to another, or to its end.
fn carets(line: &str, start: usize, end: Option<usize>, label: &str) -> String {
    let start = start.saturating_sub(1);
    let end = end.map_or_else(|| line.chars().count(), |end| end.saturating_sub(1));
    format!("{}\x1b[31m{} {label}\x1b[0m", " ".repeat(start), "^".repeat(end.saturating_sub(start).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(errors: &[&str]) -> Heard {
        let mut heard = Heard { errors: errors.iter().map(ToString::to_string).collect(), ..Heard::default() };
        errors.iter().for_each(|line| heard.says(line));
        heard
    }

    #[test]
    fn ends_in_words() {
        for (errors, name, value) in [
            (&["thread 'main' panicked at src/lib.rs:1:1:", "boom", "stack backtrace:", "0: x"][..], "Panic", "boom"),
            (&["error: no agent"], "Err", "no agent"),
            (&["on my way", "error: no agent", "  help: none"], "Err", "no agent\n  help: none"),
            (&[], "Err", "a ? met an error"),
        ] {
            let trouble = heard(errors).failure();
            assert_eq!((trouble.name.as_str(), trouble.value.as_str()), (name, value));
        }
        for (why, errors, says) in [
            ("Subprocess terminated with status: exit status: 3", &[][..], "exit status: 3"),
            ("x", &["memory allocation of 8 bytes failed"], "memory allocation of 8 bytes failed (x)"),
            ("Subprocess terminated with status: signal: 9 (SIGKILL)", &[], "when memory runs out"),
        ] {
            let trouble = heard(errors).death(why, &["b".into(), "a".into()], false);
            assert!(trouble.value.contains(says), "{}", trouble.value);
            assert!(trouble.traceback.concat().contains("Lost: a, b."), "{:?}", trouble.traceback);
        }
    }

    #[test]
    fn a_cell_without_marks_fails_by_its_panic_only() {
        let mut cell = heard(&["careful"]);
        assert!(!cell.reached());
        cell.unmarked();
        assert!(cell.reached());
        let mut cell = heard(&["thread 'main' panicked at x:", "boom"]);
        cell.unmarked();
        assert!(!cell.reached());
    }
}
