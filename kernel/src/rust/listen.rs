//! What a running cell prints: passed on as it comes, but for the marks and for what becomes its error.
//!
//! Nothing here tells by the clock why a cell failed: a cell with marks says on stderr where it was left, and what came
//! last before that is the reason. The clock only tells how long a line may be held back that could be the last.

use std::time::{Duration, Instant};

use evcxr::EvalContextOutputs;

use super::evaluator::Teller;
use super::fate::Heard;
use super::mark;
use super::stop::Stopper;
use super::talk::Told;
use crate::iopub::Stream;

/// How long what comes on stderr is held back: it may turn out to be what ended the cell, and then it isn't told twice.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Any line.
    pub line: Duration,
    /// One that looks like an error.
    pub error: Duration,
    /// How long the slower of both pipes may lag behind where the cell doesn't say that it was left.
    pub lag: Duration,
    /// How long it may where the cell has yet to say so. Only a stderr that is closed is ever so late.
    pub end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            line: Duration::from_millis(250),
            error: Duration::from_secs(3),
            lag: Duration::from_millis(20),
            end: Duration::from_secs(10),
        }
    }
}

/// Lines that are at hand together go out together, up to so many bytes.
const FULL: usize = 64 << 10;

/// How the handle's errors begin, and those of most programs.
const ERROR: &str = "error: ";

/// The cell that is listened to.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    /// Its number.
    pub id: u64,
    /// What its marks begin with.
    pub mark: &'a str,
    /// Who is told.
    pub teller: &'a Teller,
    /// Who wants to know that it runs.
    pub stopper: &'a Stopper,
}

/// How a cell came to its end, as far as evcxr can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It ran, with marks.
    Marked,
    /// It ran, without.
    Unmarked,
    /// It didn't compile, or its process is gone.
    No,
}

/// Passes output on until told how the cell came to its end and nothing is left.
pub fn listen(
    outputs: &EvalContextOutputs,
    cell: Cell<'_>,
    patience: &Patience,
    stopped: &crossbeam_channel::Receiver<Ran>,
) -> Heard {
    let mut listener = Listener::new(cell, *patience);
    let mut ran = Ran::No;
    loop {
        crossbeam_channel::select! {
            recv(outputs.stdout) -> line => match line {
                Ok(line) => listener.all_out(&line, outputs),
                Err(_) => break,
            },
            recv(outputs.stderr) -> line => match line { Ok(line) => listener.error(line), Err(_) => break },
            recv(stopped) -> how => {
                ran = how.unwrap_or(ran);
                break;
            }
            default(listener.until_release()) => listener.release_if_due(),
        }
    }
    while let Ok(line) = outputs.stdout.try_recv() {
        listener.all_out(&line, outputs);
    }
    while let Ok(line) = outputs.stderr.recv_timeout(listener.until_end(ran)) {
        listener.error(line);
    }
    listener.end(ran)
}

struct Listener<'a> {
    cell: Cell<'a>,
    patience: Patience,
    heard: Heard,
    /// Printed to stdout and not passed on yet.
    text: String,
    /// Lines of stderr that haven't been passed on yet, and since when the first of them waits.
    held: Vec<String>,
    since: Instant,
    /// The lines of stderr that were passed on last.
    passed: Vec<String>,
    panics: bool,
    /// The cell was left: what stderr says from here on isn't why.
    left: bool,
    /// What it says so, from threads that the cell has left behind.
    after: Vec<String>,
}

impl<'a> Listener<'a> {
    fn new(cell: Cell<'a>, patience: Patience) -> Self {
        Self {
            cell,
            patience,
            heard: Heard::default(),
            text: String::new(),
            held: Vec::new(),
            since: Instant::now(),
            passed: Vec::new(),
            panics: false,
            left: false,
            after: Vec::new(),
        }
    }

    fn pass(&self, stream: Stream, text: String) {
        if !text.is_empty() {
            self.cell.teller.tell(&Told::Text { id: self.cell.id, stream, text });
        }
    }

    /// Lets go of what came on stderr.
    fn release(&mut self) {
        if !self.held.is_empty() {
            self.passed = std::mem::take(&mut self.held);
            self.pass(Stream::Err, self.passed.join("\n") + "\n");
        }
    }

    /// How long to wait for more before something is to be let go.
    fn until_release(&self) -> Duration {
        const IDLE: Duration = Duration::from_secs(3600);
        if self.held.is_empty() || self.panics || self.left {
            return IDLE;
        }
        let error = self.held.iter().any(|line| line.starts_with(ERROR));
        let most = if error { self.patience.error } else { self.patience.line };
        most.saturating_sub(self.since.elapsed())
    }

    fn release_if_due(&mut self) {
        if self.until_release().is_zero() {
            self.release();
        }
    }

    /// Takes a line and all that are at hand behind it.
    fn all_out(&mut self, first: &str, outputs: &EvalContextOutputs) {
        // What was printed on both pipes shall be shown in that order. Not so the beginning, which may be heard of after
        // what the cell says first on the other pipe, nor what ends it, before which the slower pipe may have more.
        let error = self.held.iter().any(|line| line.starts_with(ERROR));
        let may_be_the_last = error && self.since.elapsed() < self.patience.line;
        if mark::begins(first, self.cell.mark) != Some("") && !may_be_the_last && !self.panics && !self.left {
            self.release();
        }
        self.out(first);
        while self.text.len() < FULL
            && let Ok(line) = outputs.stdout.try_recv()
        {
            self.out(&line);
        }
        let text = std::mem::take(&mut self.text);
        self.pass(Stream::Out, text);
    }

    fn out(&mut self, line: &str) {
        // A mark stands behind what was printed without a line break.
        if let Some(before) = mark::begins(line, self.cell.mark) {
            self.cell.stopper.has_begun();
            self.cell.teller.does("the cell to end");
            self.text.push_str(before);
        } else if let Some(before) = mark::ends(line, self.cell.mark) {
            self.heard.has_reached_its_end();
            self.text.push_str(before);
        } else {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// How long to wait for more on stderr of a cell that has ended.
    fn until_end(&self, ran: Ran) -> Duration {
        match (ran, self.left) {
            (Ran::Marked, false) => self.patience.end,
            // Nothing was lost: whatever comes now has the next cell to show up with.
            (Ran::Marked, true) => Duration::ZERO,
            (Ran::Unmarked | Ran::No, _) => self.patience.lag,
        }
    }

    fn error(&mut self, line: String) {
        if self.left {
            self.after.push(line);
            return;
        }
        if let Some(before) = mark::leaves(&line, self.cell.mark, self.cell.id) {
            if !before.is_empty() {
                self.says(before.to_owned());
            }
            self.left = true;
            return;
        }
        self.says(line);
    }

    fn says(&mut self, line: String) {
        // A panic's message becomes the cell's error; its backtrace is all runtime.
        if line.contains("panicked at") {
            // The runtime puts an empty line before it.
            self.held.pop_if(|last| last.is_empty());
            self.release();
            self.panics = true;
        } else if line.starts_with(ERROR) && !self.panics {
            // What the cell wrote before isn't why it ended.
            self.release();
        }
        if self.held.is_empty() {
            self.since = Instant::now();
        }
        self.heard.says(&line);
        self.held.push(line);
    }

    fn end(mut self, ran: Ran) -> Heard {
        let failed = ran == Ran::Marked && !self.heard.has_ended();
        let says_why = failed || self.heard.has_crashed() || (self.panics && !self.heard.has_ended());
        if !says_why {
            self.release();
        }
        // On a busy machine the reason may have been passed on before it turned out to be that: it is told in both places.
        let why = if self.held.is_empty() && failed { &mut self.passed } else { &mut self.held };
        let why = std::mem::take(why);
        self.heard.said_last(why);
        self.held = std::mem::take(&mut self.after);
        self.release();
        self.heard
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader};
    use std::os::fd::OwnedFd;

    use super::*;

    const MARK: &str = "mark";
    const FOREVER: Duration = Duration::from_secs(3600);
    const PATIENT: Patience = Patience { line: FOREVER, error: FOREVER, lag: Duration::ZERO, end: FOREVER };
    const HASTY: Patience = Patience { line: Duration::ZERO, error: Duration::ZERO, ..PATIENT };

    /// What happens to a listener.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A line comes on stdout.
        Out(&'static str),
        /// A line comes on stderr.
        Err(&'static str),
        /// Nothing comes until this was passed on.
        Shown(&'static str),
        /// evcxr says that the cell ended.
        Ends(Ran),
    }
    use Step::{Ends, Err, Out, Shown};

    const BEGIN: Step = Out("mark begins");
    const REACHED: Step = Out("mark");
    const LEFT: Step = Err("mark 7 ended");
    const MARKED: Step = Ends(Ran::Marked);

    /// Goes through the steps, one after the other: each line is taken before the next is sent. All that was shown, and
    /// what the cell said last if it didn't get to its end.
    fn heard(patience: Patience, steps: &[Step]) -> (String, Option<String>) {
        let (reader, writer) = std::io::pipe().unwrap();
        let teller = Teller::new(File::from(OwnedFd::from(writer)));
        let mut told = BufReader::new(reader).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let mut texts = std::iter::from_fn(move || {
            told.find_map(|told| match told {
                Told::Text { text, stream, .. } => {
                    Some(if matches!(stream, Stream::Err) { format!("!{text}") } else { text })
                }
                _ => None,
            })
        });
        let (stdout, out) = crossbeam_channel::bounded(0);
        let (stderr, error) = crossbeam_channel::bounded(0);
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let outputs = EvalContextOutputs { stdout: out, stderr: error };
        let stopper = Stopper::default();
        let mut shown = String::new();
        let heard = std::thread::scope(|scope| {
            let cell = Cell { id: 7, mark: MARK, teller: &teller, stopper: &stopper };
            let (outputs, stopped) = (&outputs, &stopped);
            let listener = scope.spawn(move || listen(outputs, cell, &patience, stopped));
            for step in steps {
                match step {
                    Out(line) => stdout.send((*line).to_owned()).unwrap(),
                    Err(line) => stderr.send((*line).to_owned()).unwrap(),
                    Shown(text) => {
                        let next = texts.next().unwrap();
                        assert_eq!(next, *text, "{steps:?}");
                        shown += &next;
                    }
                    Ends(ran) => stop.send(*ran).unwrap(),
                }
            }
            listener.join().unwrap()
        });
        drop(teller);
        shown.extend(texts);
        (shown, (!heard.reached()).then(|| heard.failure().value))
    }

    #[test]
    fn a_reason_is_found_however_late_the_slower_pipe_is() {
        let failed = |why: &str| Some(why.to_owned());
        for (name, patience, steps, shown, why) in [
            ("nothing", PATIENT, &[BEGIN, REACHED, LEFT, MARKED][..], "", None),
            ("in order", PATIENT, &[BEGIN, Err("error: no"), LEFT, MARKED], "", failed("no")),
            ("stderr lags behind the end", PATIENT, &[BEGIN, MARKED, Err("error: no"), LEFT], "", failed("no")),
            ("and in several lines", PATIENT, &[BEGIN, MARKED, Err("a"), Err("b"), LEFT], "", failed("a\nb")),
            ("stdout lags", PATIENT, &[Err("error: no"), LEFT, BEGIN, Out("x"), MARKED], "x\n", failed("no")),
            (
                "stdout lags, error first",
                PATIENT,
                &[Err("error: no"), BEGIN, Out("x"), LEFT, MARKED],
                "x\n",
                failed("no"),
            ),
            (
                "what was said before is shown",
                PATIENT,
                &[BEGIN, Err("hm"), Err("error: no"), Err("  help: x"), LEFT, MARKED],
                "!hm\n",
                failed("no\n  help: x"),
            ),
            (
                "the last error counts",
                PATIENT,
                &[BEGIN, Err("error: one"), Err("error: two"), LEFT, MARKED],
                "!error: one\n",
                failed("two"),
            ),
            (
                "passed on before its time, and a reason all the same",
                HASTY,
                &[BEGIN, Err("error: no"), Shown("!error: no\n"), LEFT, MARKED],
                "!error: no\n",
                failed("no"),
            ),
            (
                "so is one that doesn't look like an error",
                HASTY,
                &[BEGIN, Err("a"), Shown("!a\n"), Err("b"), Shown("!b\n"), LEFT, MARKED],
                "!a\n!b\n",
                failed("b"),
            ),
            ("without a line break", PATIENT, &[BEGIN, REACHED, Err("xmark 7 ended"), MARKED], "!x\n", None),
            (
                "what isn't why is shown in order",
                PATIENT,
                &[BEGIN, Err("a"), Out("b"), Err("c"), REACHED, LEFT, MARKED],
                "!a\nb\n!c\n",
                None,
            ),
            (
                "an error that was got over",
                PATIENT,
                &[BEGIN, Err("error: no"), REACHED, LEFT, MARKED],
                "!error: no\n",
                None,
            ),
            (
                "an end of another cell",
                PATIENT,
                &[Err("mark 6 ended"), BEGIN, REACHED, LEFT, MARKED],
                "!mark 6 ended\n",
                None,
            ),
            (
                "threads that go on",
                PATIENT,
                &[BEGIN, Err("error: no"), LEFT, Err("tick"), MARKED],
                "!tick\n",
                failed("no"),
            ),
            (
                "a panic",
                HASTY,
                &[
                    BEGIN,
                    Err("hm"),
                    Shown("!hm\n"),
                    Err(""),
                    Shown("!\n"),
                    Err("thread 'm' panicked at x:"),
                    Err("boom"),
                    LEFT,
                    MARKED,
                ],
                "!hm\n!\n",
                failed("boom"),
            ),
            (
                "a panic that was caught",
                PATIENT,
                &[BEGIN, Err("thread 'm' panicked at x:"), Out("on"), REACHED, LEFT, MARKED],
                "on\n!thread 'm' panicked at x:\n",
                None,
            ),
        ] {
            assert_eq!(heard(patience, steps), (shown.to_owned(), why), "{name}");
        }
    }

    #[test]
    fn a_cell_without_marks_shows_all_it_says() {
        // Whether it failed is told by a panic alone, which the evaluator knows how to ask for.
        for (ran, lines, shown) in [
            (Ran::Unmarked, &[Err("careful")][..], "!careful\n"),
            (Ran::No, &[Out("x"), Err("careful")], "x\n!careful\n"),
            (Ran::No, &[Err("Segmentation fault."), Err("   0: x")], ""),
            (Ran::Unmarked, &[Err("thread 'm' panicked at x:")], ""),
        ] {
            let steps = [lines, &[Ends(ran)]].concat();
            assert_eq!(heard(PATIENT, &steps).0, shown, "{steps:?}");
        }
    }
}
