//! The one writer of IOPub: every output of every cell, in order, with printed text gathered into few messages.
//!
//! Whoever has output hands it to an [`Iopub`] and goes on; a single task batches streams, signs and publishes. Nobody
//! ever waits here for a client that reads slowly.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::wire::{Parent, Sender};
use crate::zmtp::{Publisher, Subscription};

/// How long printed text is gathered.
const GATHER: Duration = Duration::from_millis(80);
/// How long at most, where it comes in floods: few messages matter more than the moment then.
const GATHER_FLOOD: Duration = Duration::from_millis(640);
/// More than this at a time is a flood.
const FLOOD: usize = 4 << 10;
/// How much printed text one message carries at most, roughly.
const FULL: usize = 64 << 10;

/// Which stream text is printed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// `stdout`
    Out,
    /// `stderr`
    Err,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
        }
    }
}

enum Item {
    Message { kind: &'static str, parent: Parent, metadata: Value, content: Value },
    Text { stream: Stream, parent: Parent, text: String },
    Flush(oneshot::Sender<()>),
}

/// A handle to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Iopub {
    items: mpsc::UnboundedSender<Item>,
}

impl Iopub {
    /// Starts the writer.
    pub fn start(
        publisher: Publisher,
        subscriptions: mpsc::UnboundedReceiver<Subscription>,
        sender: Arc<Sender>,
    ) -> Self {
        let (items, receiver) = mpsc::unbounded_channel();
        tokio::spawn(Writer { publisher, sender, gathered: None, gather: GATHER }.run(receiver, subscriptions));
        Self { items }
    }

    fn push(&self, item: Item) {
        // The writer ends only when the last handle has gone.
        let _ = self.items.send(item);
    }

    /// Publishes a message.
    pub fn send(&self, kind: &'static str, parent: &Parent, content: Value) {
        self.push(Item::Message { kind, parent: parent.clone(), metadata: json!({}), content });
    }

    /// Publishes `busy`, `idle` or `starting`.
    pub fn status(&self, state: &str, parent: &Parent) {
        self.send("status", parent, json!({"execution_state": state}));
    }

    /// Prints.
    pub fn print(&self, stream: Stream, parent: &Parent, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.push(Item::Text { stream, parent: parent.clone(), text });
        }
    }

    /// Waits until all that came before has been handed to the sockets.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.push(Item::Flush(done));
        let _ = flushed.await;
    }
}

struct Gathered {
    stream: Stream,
    parent: Parent,
    text: String,
    until: Instant,
}

struct Writer {
    publisher: Publisher,
    sender: Arc<Sender>,
    gathered: Option<Gathered>,
    /// How long the next text is gathered.
    gather: Duration,
}

impl Writer {
    async fn run(
        mut self,
        mut items: mpsc::UnboundedReceiver<Item>,
        mut subscriptions: mpsc::UnboundedReceiver<Subscription>,
    ) {
        loop {
            let due = self.gathered.as_ref().map_or_else(Instant::now, |gathered| gathered.until);
            tokio::select! {
                biased;
                Some(subscription) = subscriptions.recv() => self.welcome(&subscription),
                () = tokio::time::sleep_until(due), if self.gathered.is_some() => self.release(),
                item = items.recv() => match item {
                    Some(item) => self.take(item),
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Text { stream, parent, text } => self.gather(stream, parent, text),
            Item::Message { kind, parent, metadata, content } => {
                self.release();
                self.publish(kind, &parent, &metadata, &content);
            }
            Item::Flush(done) => {
                self.release();
                let _ = done.send(());
            }
        }
    }

    fn gather(&mut self, stream: Stream, parent: Parent, text: String) {
        if self.gathered.as_ref().is_some_and(|old| old.stream != stream || !old.parent.is(&parent)) {
            self.release();
        }
        match &mut self.gathered {
            Some(gathered) => gathered.text.push_str(&text),
            none => *none = Some(Gathered { stream, parent, text, until: Instant::now() + self.gather }),
        }
        if self.gathered.as_ref().is_some_and(|gathered| gathered.text.len() >= FULL) {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(Gathered { stream, parent, text, .. }) = self.gathered.take() {
            self.gather = if text.len() > FLOOD { (self.gather * 2).min(GATHER_FLOOD) } else { GATHER };
            self.publish("stream", &parent, &json!({}), &json!({"name": stream.name(), "text": text}));
        }
    }

    fn publish(&self, kind: &str, parent: &Parent, metadata: &Value, content: &Value) {
        let frames = self.sender.frames(kind, parent, metadata, content);
        let all: Vec<&[u8]> =
            std::iter::once(kind.as_bytes()).chain(frames.iter().map(|frame| frame.as_ref())).collect();
        self.publisher.publish(all.into_iter());
    }

    /// Greets a new subscriber (JEP 65), so that it knows from when on it misses nothing.
    fn welcome(&self, subscription: &Subscription) {
        let topic = String::from_utf8_lossy(&subscription.topic);
        let content = json!({"subscription": topic});
        let frames = self.sender.frames("iopub_welcome", &Parent::none(), &json!({}), &content);
        let all: Vec<&[u8]> =
            std::iter::once(subscription.topic.as_ref()).chain(frames.iter().map(|frame| frame.as_ref())).collect();
        self.publisher.welcome(subscription, all.into_iter());
    }
}
