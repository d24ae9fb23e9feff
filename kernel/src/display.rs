//! One cell's outputs: documents, live pictures that are replaced in place, progress that vanishes, and its error.
//!
//! Implements the engine's [`Output`]. A document is held back until it is known whether it is the cell's last, which
//! becomes its result; whatever else happens lets it go first, so nothing is ever late.

use std::sync::Arc;
use std::time::Duration;

use mesos_repl::document::{Block, Diagnostic, Document};
use mesos_repl::engine::{Answering, Caused, Output, Question};
use mesos_repl::render;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bundle::{self, Trouble};
use crate::iopub::{Iopub, Stream};
use crate::late::{Late, Left, Picture};
use crate::stdin::Stdin;
use crate::wire::{Parent, Request};

/// Between two changes of a live picture.
const PACE: Duration = Duration::from_millis(200);
/// A wait shorter than this isn't worth a word.
const SHORT: Duration = Duration::from_millis(1000);

/// A place in the notebook that can be written to again.
#[derive(Debug)]
struct Place {
    id: String,
    /// What stands there.
    shown: Value,
    at: Instant,
    /// A newer picture, too early to be shown.
    next: Option<Document>,
    /// Whether it only tells of waiting: the next output takes its place.
    only_waiting: bool,
}

/// The outputs of one cell, while it runs.
#[derive(Debug)]
pub struct Display {
    iopub: Iopub,
    parent: Parent,
    count: u32,
    silent: bool,
    place: Option<Place>,
    held: Option<Document>,
    trouble: Option<Diagnostic>,
    result: Option<Value>,
    /// Whether anything stands in the cell's output but a word of waiting.
    shown: bool,
    /// Whether the last thing shown was printed: a word of waiting below it would leave an empty line.
    printed: bool,
    asker: Option<Asker>,
    /// Told at once of what the cell launches: its fate is news of this cell only.
    late: Option<Late>,
    launched: Vec<Launched>,
    subscribed: bool,
}

/// Tasks that the cell has launched together.
#[derive(Debug)]
struct Launched {
    tasks: Vec<String>,
    /// The picture of them that stands in the cell's output: its name, and what it shows.
    picture: Option<(String, Value)>,
    /// Whether live pictures are of them still.
    open: bool,
}

/// Asks the person at the front end that sent the cell.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The channel to them.
    pub stdin: Arc<Stdin>,
    /// The cell.
    pub request: Request,
}

impl Display {
    /// For the cell that `parent` asked for. A silent one shows nothing.
    pub fn new(iopub: Iopub, parent: Parent, count: u32, silent: bool) -> Self {
        Self {
            iopub,
            parent,
            count,
            silent,
            place: None,
            held: None,
            trouble: None,
            result: None,
            shown: false,
            printed: false,
            asker: None,
            late: None,
            launched: Vec::new(),
            subscribed: false,
        }
    }

    /// With somebody to ask, and somebody who keeps outputs alive.
    #[must_use]
    pub fn with(mut self, asker: Asker, late: Late) -> Self {
        (self.asker, self.late) = (Some(asker), Some(late));
        self
    }

    /// Whose outputs these are.
    pub fn parent(&self) -> &Parent {
        &self.parent
    }

    fn send(&self, kind: &'static str, content: Value) {
        if !self.silent {
            self.iopub.send(kind, &self.parent, content);
        }
    }

    /// Lets go of what was held back, as a part of the cell's output.
    fn release(&mut self) {
        if let Some(document) = self.held.take() {
            self.put(bundle::of(&document), false);
        }
    }

    /// Takes a word of waiting back, if one stands there.
    fn stop_waiting(&mut self, more_comes: bool) {
        let Some(place) = self.place.take_if(|place| place.only_waiting) else { return };
        if self.shown {
            self.update(&place.id, bundle::words(""));
        } else {
            self.send("clear_output", json!({"wait": more_comes}));
        }
    }

    fn put(&mut self, data: Value, result: bool) {
        if self.shown
            && let Some(place) = self.place.take_if(|place| place.only_waiting)
        {
            return self.update(&place.id, data);
        }
        self.stop_waiting(true);
        self.shown = true;
        if result {
            self.send("execute_result", json!({"execution_count": self.count, "data": data, "metadata": {}}));
        } else {
            self.send("display_data", json!({"data": data, "metadata": {}, "transient": {}}));
        }
    }

    fn update(&self, id: &str, data: Value) {
        let content = json!({"data": data, "metadata": {}, "transient": {"display_id": id}});
        self.send("update_display_data", content);
    }

    /// Shows a bundle at the living place, which is made if there is none.
    fn draw(&mut self, data: Value, only_waiting: bool) {
        let at = Instant::now();
        if !only_waiting {
            self.stop_waiting(true);
            self.shown = true;
        }
        match &mut self.place {
            Some(place) => {
                place.at = at;
                place.only_waiting = only_waiting;
                if place.shown != data {
                    place.shown = data.clone();
                    let id = place.id.clone();
                    self.update(&id, data);
                }
            }
            None => {
                let id = uuid::Uuid::new_v4().to_string();
                let content = json!({"data": data, "metadata": {}, "transient": {"display_id": id}});
                self.send("display_data", content);
                self.place = Some(Place { id, shown: data, at, next: None, only_waiting });
            }
        }
    }

    /// Prints, below what was shown before.
    pub fn print(&mut self, stream: Stream, text: impl Into<String>) {
        self.settle();
        self.release();
        self.stop_waiting(true);
        (self.shown, self.printed) = (true, true);
        if !self.silent {
            self.iopub.print(stream, &self.parent, text);
        }
    }

    /// Shows a bundle that somebody else made.
    pub fn show_bundle(&mut self, data: Value, result: bool) {
        self.settle();
        self.release();
        if result {
            self.result = Some(data.clone());
        }
        self.put(data, result);
    }

    /// Shows what became of the tasks that the cell has launched, where their picture doesn't stand there already.
    pub fn picture(&mut self, draw: impl FnOnce(&[String]) -> Document) {
        self.settle();
        let (mut seen, unseen): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.launched).into_iter().partition(|launched| launched.picture.is_some());
        let tasks: Vec<String> = unseen.into_iter().flat_map(|launched| launched.tasks).collect();
        if !self.silent && !tasks.is_empty() {
            let data = bundle::of(&draw(&tasks));
            self.release();
            self.stop_waiting(true);
            self.shown = true;
            let id = uuid::Uuid::new_v4().to_string();
            self.send("display_data", json!({"data": data, "metadata": {}, "transient": {"display_id": id}}));
            seen.push(Launched { tasks, picture: Some((id, data)), open: false });
        }
        self.launched = seen;
    }

    /// What lives on after the cell.
    pub fn left(self) -> Vec<Left> {
        let parent = &self.parent;
        let picture = |launched: Launched| {
            let (display, shown) = launched.picture?;
            Some(Left::Picture(Picture { parent: parent.clone(), display, shown, tasks: launched.tasks }))
        };
        let subscription =
            (self.subscribed && !self.silent).then(|| Left::Subscription(parent.clone(), Instant::now()));
        self.launched.into_iter().filter_map(picture).chain(subscription).collect()
    }

    /// The bundle that was shown as the cell's result.
    pub fn take_result(&mut self) -> Option<Value> {
        self.result.take()
    }

    /// The end of a cell that failed.
    pub fn fail(&mut self, trouble: &Trouble) {
        self.trouble = None;
        self.settle();
        self.release();
        self.stop_waiting(true);
        self.send("error", trouble.content());
    }

    /// Clears the cell's output, at once or when something new comes.
    pub fn clear(&mut self, wait: bool) {
        (self.place, self.held, self.shown) = (None, None, false);
        self.send("clear_output", json!({"wait": wait}));
    }

    /// The last thing that went wrong and hasn't been shown.
    pub fn take_trouble(&mut self) -> Option<Diagnostic> {
        self.trouble.take()
    }

    /// The end: the last document becomes the cell's result.
    pub fn finish(&mut self) {
        if let Some(diagnostic) = self.trouble.take() {
            self.show(diagnostic.into());
        }
        self.settle();
        if let Some(document) = self.held.take() {
            self.put(bundle::of(&document), true);
        }
        self.stop_waiting(false);
    }
}

impl Output for Display {
    fn show(&mut self, document: Document) {
        self.settle();
        self.release();
        if let Some(diagnostic) = self.trouble.take() {
            self.put(bundle::of(&diagnostic.into()), false);
        }
        match document.blocks.as_slice() {
            // Likely what ends the cell: it is shown as its error then.
            [Block::Diagnostic(diagnostic)] => self.trouble = Some(diagnostic.clone()),
            _ if document.is_empty() => {}
            _ => self.held = Some(document),
        }
    }

    fn live(&mut self, document: Document) {
        self.release();
        if let Some(place) = &mut self.place
            && place.at.elapsed() < PACE
            && !place.only_waiting
        {
            place.next = Some(document);
            return;
        }
        self.draw(bundle::of(&document), false);
    }

    fn settle(&mut self) {
        if self.place.as_ref().is_none_or(|place| place.only_waiting) {
            self.launched.iter_mut().for_each(|launched| launched.open = false);
            return;
        }
        if let Some(document) = self.place.as_mut().and_then(|place| place.next.take()) {
            self.draw(bundle::of(&document), false);
        }
        if let Some(place) = self.place.take()
            && let Some(launched) = self.launched.last_mut().filter(|launched| launched.open)
        {
            (launched.picture, launched.open) = (Some((place.id, place.shown)), false);
        }
    }

    fn waiting(&mut self, what: &str, elapsed: Duration) {
        let next = match &mut self.place {
            Some(place) if place.at.elapsed() < PACE => return,
            Some(place) if !place.only_waiting => {
                // A picture that lives tells by itself; only what was too early for it is still to be shown.
                let Some(next) = place.next.take() else { return };
                Some(next)
            }
            _ => None,
        };
        self.release();
        match next {
            Some(document) => self.draw(bundle::of(&document), false),
            None if elapsed >= SHORT && !(self.printed && self.place.is_none()) => {
                let text = format!("waiting for {}, {} s", render::safe_line(what), elapsed.as_secs());
                self.draw(bundle::words(&text), true);
            }
            None => {}
        }
    }

    fn caused(&mut self, what: Caused) {
        match what {
            Caused::Tasks(tasks) => {
                if let Some(late) = &self.late {
                    late.keep(Left::Launched(tasks.clone()));
                }
                self.launched.push(Launched { tasks, picture: None, open: true });
            }
            Caused::Subscription => self.subscribed = true,
        }
    }

    fn ask(&mut self, question: Question) -> Answering<'_> {
        self.settle();
        self.release();
        self.stop_waiting(true);
        let asker = self.asker.clone();
        Box::pin(async move {
            let asker = asker?;
            asker.stdin.ask(&asker.request, &render::safe_line(&question.text), question.secret).await
        })
    }
}
