//! Event streams: what the master puts on them, and what of it faults let through, and how.
//!
//! One record is one chunk, as a real master writes them, unless a fault wants it otherwise.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::document::Document;
use crate::embedded::fault::active::{Cut, Faults};
use crate::embedded::wire::Format;
use crate::mesos::EventMessage;
use crate::mesos::master::Event;
use crate::mesos::message::Message as _;
use crate::recordio;

/// A part of an event stream.
#[derive(Debug)]
pub(super) enum Record {
    /// A whole record, and when it may go out if not at once.
    Whole(Bytes, Option<Instant>),
    /// An operator's event that is yet to be written, in this format.
    Later(Box<Document>, Format, Option<Instant>),
    /// From here on it is to break off.
    Cut(Cut),
}

/// The end of an open stream that is written to. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// The stream's `Mesos-Stream-Id`.
    pub(super) id: String,
    records: mpsc::UnboundedSender<Record>,
    faults: Faults,
    /// Bytes that nobody has read yet; shared with the other end.
    unread: Arc<AtomicUsize>,
    /// Whether its reader is given up.
    given_up: Arc<AtomicBool>,
}

/// How much of a stream may wait for its reader. A real master lets it grow until it has no memory left.
const MOST_UNREAD: usize = 64 << 20;

/// A new stream: where it is written to, and what is sent of it.
pub(super) fn stream(faults: &Faults) -> (Sender, Shaper) {
    let (records, received) = mpsc::unbounded_channel();
    let id = uuid::Uuid::new_v4().to_string();
    let unread = Arc::<AtomicUsize>::default();
    let sender = Sender { id, records, faults: faults.clone(), unread: unread.clone(), given_up: Arc::default() };
    (sender, Shaper { records: received, faults: faults.clone(), unread, rest: Bytes::new(), cut: None })
}

impl Sender {
    /// Sends one event; a stream whose reader is gone swallows it, and is closed as soon as that is noticed.
    pub(super) fn send(&self, event: &[u8]) {
        let record = recordio::encode(event);
        let unread = self.unread.fetch_add(record.len(), Ordering::Relaxed).saturating_add(record.len());
        if unread > MOST_UNREAD && !self.given_up.swap(true, Ordering::Relaxed) {
            tracing::warn!(stream = self.id, unread, "nobody reads an event stream; it breaks off");
            self.cut(Cut::After(0));
        }
        if !self.is_given_up() {
            self.put(Record::Whole(record, self.due()));
        }
    }

    /// Sends an operator's event that takes long to be written, which is done at the other end.
    pub(super) fn send_later(&self, event: Document, format: Format) {
        self.put(Record::Later(Box::new(event), format, self.due()));
    }

    fn due(&self) -> Option<Instant> {
        let late = self.faults.delay();
        (!late.is_zero()).then(|| Instant::now() + late)
    }

    /// Whether too much of it has waited for its reader: nothing is sent on it any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Breaks it off.
    pub(super) fn cut(&self, cut: Cut) {
        self.put(Record::Cut(cut));
    }

    fn put(&self, record: Record) {
        if self.records.send(record).is_err() {
            tracing::debug!(stream = self.id, "an event for a stream that is gone");
        }
    }
}

/// A scheduler's open stream.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) format: Format,
    pub(super) sender: Sender,
}

impl Stream {
    /// Its `Mesos-Stream-Id`.
    pub(super) fn id(&self) -> &str {
        &self.sender.id
    }

    /// Sends one event.
    pub(super) fn send(&self, event: &EventMessage) {
        self.sender.send(&self.format.write(event));
    }
}

/// The end of a stream that is read from: its records as faults have them.
#[derive(Debug)]
pub(super) struct Shaper {
    records: mpsc::UnboundedReceiver<Record>,
    faults: Faults,
    unread: Arc<AtomicUsize>,
    /// What of a record hasn't gone out.
    rest: Bytes,
    cut: Option<Cut>,
}

impl Shaper {
    /// The next piece; an error is where the stream breaks off.
    pub(super) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if self.cut == Some(Cut::After(0)) {
                // What came before goes out first: a body that isn't ready is what makes the server write.
                tokio::task::yield_now().await;
                return Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted)));
            }
            if !self.rest.is_empty() {
                return Some(Ok(self.piece()));
            }
            match self.records.recv().await? {
                Record::Whole(bytes, due) => {
                    self.unread.fetch_sub(bytes.len(), Ordering::Relaxed);
                    self.take(bytes, due).await;
                }
                Record::Later(event, format, due) => {
                    let Some(event) = event.written(format, Event::schema()).await else {
                        self.cut = Some(Cut::After(0));
                        continue;
                    };
                    self.take(recordio::encode(&event), due).await;
                }
                Record::Cut(cut) => self.cut = Some(cut),
            }
        }
    }

    async fn take(&mut self, bytes: Bytes, due: Option<Instant>) {
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        if let Some(Cut::Inside(part)) = self.cut {
            self.cut = Some(Cut::After(inside(bytes.len(), part)));
        }
        self.rest = bytes;
    }

    fn piece(&mut self) -> Bytes {
        let mut length = if self.faults.split() { 1 } else { self.rest.len() };
        if let Some(Cut::After(left)) = &mut self.cut {
            length = length.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= length as u64;
        }
        self.rest.split_to(length)
    }
}

/// A place inside a record of that length: never before its first byte, never behind its last.
fn inside(length: usize, part: f64) -> u64 {
    let places = length.saturating_sub(1) as f64;
    1 + ((places * part) as u64).min((length as u64).saturating_sub(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::fault::Fault;

    /// All that comes of a stream, and whether it broke off.
    async fn all(mut shaper: Shaper) -> (Vec<Bytes>, bool) {
        let mut pieces = Vec::new();
        loop {
            match shaper.next().await {
                Some(Ok(piece)) => pieces.push(piece),
                Some(Err(_)) => return (pieces, true),
                None => return (pieces, false),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_is_a_chunk() {
        let (sender, shaper) = stream(&Faults::default());
        sender.send(b"one");
        sender.send(b"two");
        drop(sender);
        assert_eq!(all(shaper).await, (vec![Bytes::from("3\none"), Bytes::from("3\ntwo")], false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_may_go_on_for_ever_and_what_is_not_breaks_off() {
        let (sender, mut shaper) = stream(&Faults::default());
        let event = vec![b' '; MOST_UNREAD / 4];
        for _ in 0..10 {
            sender.send(&event);
            sender.send(&event);
            for _ in 0..2 {
                assert!(shaper.next().await.is_some_and(|piece| piece.is_ok()));
            }
        }
        assert!(!sender.is_given_up());
        for _ in 0..10 {
            sender.send(&event);
        }
        assert!(sender.is_given_up());
        let (pieces, broken) = all(shaper).await;
        assert_eq!((pieces.len(), broken), (3, true), "what was kept comes, and then the end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_breaks_off_at_every_byte() {
        for at in 0..=10 {
            let (sender, shaper) = stream(&Faults::default());
            sender.cut(Cut::After(at));
            sender.send(b"one");
            sender.send(b"two");
            // A sender that goes ends a stream as HTTP does, which a cut one never comes to.
            drop(sender);
            let (pieces, broken) = all(shaper).await;
            assert_eq!((pieces.concat(), broken), (b"3\none3\ntwo"[..at as usize].to_vec(), true), "at {at}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn inside_a_record_is_inside_one() {
        for part in [0.0, 0.3, 0.999_999] {
            let (sender, shaper) = stream(&Faults::default());
            sender.send(b"one");
            sender.cut(Cut::Inside(part));
            sender.send(b"two");
            let (pieces, broken) = all(shaper).await;
            let length = pieces.concat().len();
            assert!(broken && (6..=9).contains(&length), "{part}: {pieces:?}");
        }
        assert_eq!(inside(1, 0.5), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_split_and_delay() {
        let faults = Faults::default();
        faults.begin(&Fault::Split.into(), 1);
        let by = std::time::Duration::from_secs(3);
        faults.begin(&Fault::Delay { by, jitter: by }.into(), 1);
        let (sender, shaper) = stream(&faults);
        let start = Instant::now();
        sender.send(b"one");
        drop(sender);
        let (pieces, _) = all(shaper).await;
        assert_eq!(pieces.len(), 5);
        assert!((3.0..=6.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
    }
}
