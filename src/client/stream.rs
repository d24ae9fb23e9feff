//! The event stream of one subscription: bytes from the wire to decoded events, in batches.
//!
//! Reads as fast as the wire gives; it never waits for a person. Says how the stream ended.

use bytes::Bytes;
use futures_util::FutureExt as _;
use reqwest::Response;

use crate::mesos::{BadEvent, Event, decode_event};
use crate::recordio::{Decoder, End, FramingError};

/// Bytes of the stream after which a batch is given out though more has come: who takes it shall have work meanwhile.
const TOGETHER: usize = 256 << 10;
/// A piece up to that size is copied: it is a small part of a large buffer, which would live as long as a record of it.
const COPIED: usize = 32 << 10;

/// The id that a master gave one subscription; every other call must carry it.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamId(pub(super) reqwest::header::HeaderValue);

impl std::fmt::Debug for StreamId {
    /// Whoever knows it can speak as the framework: logs show its start only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_str().unwrap_or("?");
        write!(f, "{}...", text.get(..8).unwrap_or("?"))
    }
}

/// The events of one subscription.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    decoder: Decoder,
    ended: Option<StreamEnd>,
}

/// One record of the stream: its text, and the event that it is.
#[derive(Debug)]
pub struct Received {
    /// The record as it came.
    pub json: Bytes,
    /// What it says; a record that is no event costs itself, not the stream.
    pub event: Result<Event, BadEvent>,
}

/// The records that came in one piece of the stream.
pub type Batch = Vec<Received>;

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamEnd {
    /// The master closed it after a whole record.
    #[error("the master closed the stream")]
    Closed,
    /// It ended inside a record.
    #[error("the stream was cut inside a record ({have} bytes of {} had come)", .want.map_or("its length line".to_owned(), |want| want.to_string()))]
    Cut {
        /// Bytes of the record, or of its length line, that came.
        have: u64,
        /// Bytes it should have had.
        want: Option<u64>,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The framing is none.
    #[error("the stream can't be read: {0}")]
    Framing(#[from] FramingError),
}

impl EventStream {
    pub(super) fn new(response: Response) -> Self {
        Self { response, decoder: Decoder::default(), ended: None }
    }

    /// The next events, as many as have come by now, within limits; never an empty batch.
    ///
    /// # Errors
    /// [`StreamEnd`], once everything that came whole before it has been given out.
    pub async fn next_batch(&mut self) -> Result<Batch, StreamEnd> {
        let mut batch = Batch::new();
        let mut bytes = 0;
        loop {
            // Waits only while there is nothing to give.
            let next = if batch.is_empty() {
                if let Some(end) = &self.ended {
                    return Err(end.clone());
                }
                self.response.chunk().await
            } else {
                let full = bytes >= TOGETHER || self.ended.is_some();
                match (!full).then(|| self.response.chunk().now_or_never()).flatten() {
                    Some(next) => next,
                    None => return Ok(batch),
                }
            };
            match next {
                Ok(Some(chunk)) => {
                    bytes += chunk.len();
                    self.decoder.push(if chunk.len() <= COPIED { Bytes::copy_from_slice(&chunk) } else { chunk });
                }
                Ok(None) => self.ended = Some(self.end(None)),
                Err(error) => self.ended = Some(self.end(Some(&error))),
            }
            self.decode(&mut batch);
        }
    }

    fn decode(&mut self, batch: &mut Batch) {
        loop {
            match self.decoder.next_record() {
                Ok(Some(json)) => batch.push(Received { event: decode_event(json.clone()), json }),
                Ok(None) => return,
                Err(error) => {
                    self.ended.get_or_insert(StreamEnd::Framing(error));
                    return;
                }
            }
        }
    }

    fn end(&self, error: Option<&reqwest::Error>) -> StreamEnd {
        match (self.decoder.end(), error) {
            (End::Cut { have, want }, _) => StreamEnd::Cut { have, want },
            (End::Clean, None) => StreamEnd::Closed,
            (End::Clean, Some(error)) => StreamEnd::Broken(match super::innermost(error) {
                // hyper's words for a master that is gone.
                why if why.starts_with("unexpected EOF") => "the other side closed it without a word".to_owned(),
                why => why,
            }),
        }
    }
}
