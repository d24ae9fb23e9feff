//! What a running cell prints: passed on as it comes, but for the marks and for what becomes its error.

use std::time::{Duration, Instant};

use evcxr::EvalContextOutputs;

use super::evaluator::Teller;
use super::fate::Heard;
use super::mark;
use super::stop::Stopper;
use super::talk::Told;
use crate::iopub::Stream;

/// For how long a line on stderr may turn out to be what ended the cell.
const HELD: Duration = Duration::from_millis(150);
/// On a busy machine it may have been passed on before it turned out so: then it is told in both places.
const PASSED: Duration = Duration::from_millis(1000);
/// How long the slower of both pipes may lag behind.
const LAG: Duration = Duration::from_millis(5);
/// How long it may where a cell has failed: why is still to come, on a busy machine much later.
const LAG_OF_FAILURE: Duration = Duration::from_millis(1000);
/// When nothing has come for so long, a failure has said everything.
const SAID: Duration = Duration::from_millis(30);
/// Lines that are at hand together go out together, up to so many bytes.
const FULL: usize = 64 << 10;

/// Passes output on until told to stop and nothing is left. What stops it tells whether a cell with marks has run.
pub fn listen(
    outputs: &EvalContextOutputs,
    mark: &str,
    id: u64,
    teller: &Teller,
    stopper: &Stopper,
    stopped: &crossbeam_channel::Receiver<bool>,
) -> Heard {
    let heard = Heard::default();
    let mut listener = Listener {
        mark,
        id,
        teller,
        stopper,
        heard,
        text: String::new(),
        held: Vec::new(),
        passed: Vec::new(),
        panics: false,
    };
    let mut had_marks = false;
    loop {
        crossbeam_channel::select! {
            recv(outputs.stdout) -> line => match line {
                Ok(line) => listener.all_out(line, outputs),
                Err(_) => break,
            },
            recv(outputs.stderr) -> line => match line { Ok(line) => listener.error(line), Err(_) => break },
            recv(stopped) -> ran => {
                had_marks = ran.unwrap_or(false);
                break;
            }
            default(HELD) => listener.release(),
        }
    }
    while let Ok(line) = outputs.stdout.try_recv() {
        listener.all_out(line, outputs);
    }
    while let Ok(line) = outputs.stderr.recv_timeout(listener.patience(had_marks)) {
        listener.error(line);
    }
    listener.end()
}

struct Listener<'a> {
    mark: &'a str,
    id: u64,
    teller: &'a Teller,
    stopper: &'a Stopper,
    heard: Heard,
    /// Printed to stdout and not passed on yet.
    text: String,
    /// Lines of stderr that haven't been passed on yet.
    held: Vec<String>,
    /// Lines of stderr that have been passed on, and when.
    passed: Vec<(Instant, String)>,
    panics: bool,
}

impl Listener<'_> {
    fn pass(&self, stream: Stream, text: String) {
        if !text.is_empty() {
            self.teller.tell(&Told::Text { id: self.id, stream, text });
        }
    }

    /// Lets go of what came on stderr, unless it is a panic's.
    fn release(&mut self) {
        if !self.panics && !self.held.is_empty() {
            let lines = std::mem::take(&mut self.held);
            self.pass(Stream::Err, lines.join("\n") + "\n");
            let now = Instant::now();
            self.passed.retain(|(at, _)| at.elapsed() < PASSED);
            self.passed.extend(lines.into_iter().map(|line| (now, line)));
        }
    }

    /// Takes a line and all that are at hand behind it.
    fn all_out(&mut self, first: String, outputs: &EvalContextOutputs) {
        self.release();
        self.out(&first);
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
        if let Some(before) = mark::begins(line, self.mark) {
            self.stopper.has_begun();
            self.teller.does("the cell to end");
            self.text.push_str(before);
        } else if let Some(before) = mark::ends(line, self.mark) {
            self.heard.has_reached_its_end();
            self.text.push_str(before);
        } else {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// How long to wait for more on stderr of a cell that ran with marks, or without.
    fn patience(&self, had_marks: bool) -> Duration {
        match (had_marks && !self.heard.has_ended(), self.held.is_empty()) {
            (false, _) => LAG,
            (true, true) => LAG_OF_FAILURE,
            (true, false) => SAID,
        }
    }

    fn error(&mut self, line: String) {
        // A panic's message becomes the cell's error; its backtrace is all runtime.
        if line.contains("panicked at") {
            // The runtime puts an empty line before it.
            self.held.pop_if(|last| last.is_empty());
            self.release();
            self.panics = true;
        }
        self.heard.says(&line);
        self.held.push(line);
    }

    fn end(mut self) -> Heard {
        if self.heard.has_ended() {
            self.panics = false;
            self.release();
        }
        let mut lines = std::mem::take(&mut self.held);
        if !self.panics {
            let passed = self.passed.into_iter().filter(|(at, _)| at.elapsed() < PASSED).map(|(_, line)| line);
            lines.splice(0..0, passed);
        }
        self.heard.said_last(lines);
        self.heard
    }
}
