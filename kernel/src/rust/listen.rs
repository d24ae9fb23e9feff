//! What a running cell prints: passed on as it comes, but for the marks and for what becomes its error.

use std::time::Duration;

use evcxr::EvalContextOutputs;

use super::evaluator::Teller;
use super::fate::Heard;
use super::mark;
use super::stop::Stopper;
use super::talk::Told;
use crate::iopub::Stream;

/// For how long a line on stderr may turn out to be what ended the cell.
const HELD: Duration = Duration::from_millis(40);
/// How long the slower of both pipes may lag behind.
const LAG: Duration = Duration::from_millis(5);
/// Lines that are at hand together go out together, up to so many bytes.
const FULL: usize = 64 << 10;

/// Passes output on until told to stop and nothing is left.
pub fn listen(
    outputs: &EvalContextOutputs,
    mark: &str,
    id: u64,
    teller: &Teller,
    stopper: &Stopper,
    stopped: &crossbeam_channel::Receiver<()>,
) -> Heard {
    let heard = Heard::default();
    let mut listener = Listener { mark, id, teller, stopper, heard, text: String::new(), held: Vec::new(), panics: false };
    loop {
        crossbeam_channel::select! {
            recv(outputs.stdout) -> line => match line {
                Ok(line) => listener.all_out(line, outputs),
                Err(_) => break,
            },
            recv(outputs.stderr) -> line => match line { Ok(line) => listener.error(line), Err(_) => break },
            recv(stopped) -> _ => break,
            default(HELD) => listener.release(),
        }
    }
    while let Ok(line) = outputs.stdout.try_recv() {
        listener.all_out(line, outputs);
    }
    while let Ok(line) = outputs.stderr.recv_timeout(LAG) {
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

    fn error(&mut self, line: String) {
        // A panic's message becomes the cell's error; its backtrace is all runtime.
        if line.contains("panicked at") {
            // The runtime puts an empty line before it.
            self.held.pop_if(|last| last.is_empty());
            self.release();
            self.panics = true;
        }
        self.held.push(line);
    }

    fn end(mut self) -> Heard {
        if self.heard.has_ended() {
            self.panics = false;
            self.release();
        }
        self.heard.said_last(std::mem::take(&mut self.held));
        self.heard
    }
}
