//! Sends a session's calls one after the other over one connection: what a person asked for first, acknowledgements
//! when nothing else waits.
//!
//! Knows nothing of what a call means; a call of an epoch that is over isn't sent.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::CallError;
use crate::client::{Address, Answer, CallLine, Client, RequestError, StreamId};
use crate::mesos::{AgentId, FrameworkId, TaskId};
use crate::store::Store;

/// Where the calls of one epoch go.
#[derive(Debug)]
pub(super) struct Line {
    pub epoch: u64,
    pub address: Address,
    pub stream: Option<StreamId>,
    pub framework: FrameworkId,
}

/// A call on its way.
#[derive(Debug)]
pub(super) struct Outgoing<T> {
    pub line: Arc<Line>,
    pub body: Bytes,
    pub token: T,
    /// What the store must have on the disk before.
    pub mark: u64,
}

/// An update to be acknowledged.
#[derive(Debug)]
pub(super) struct Acknowledgement {
    pub line: Arc<Line>,
    pub agent: AgentId,
    pub task: TaskId,
    pub uuid: [u8; 16],
    /// What the store must have on the disk before: the update itself.
    pub mark: u64,
}

impl Acknowledgement {
    /// The call's body. Written by hand: there may be a hundred thousand of them.
    pub fn body(&self) -> Bytes {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        Bytes::from(format!(
            r#"{{"framework_id":{{"value":{}}},"type":"ACKNOWLEDGE","acknowledge":{{"agent_id":{{"value":{}}},"task_id":{{"value":{}}},"uuid":"{}"}}}}"#,
            quoted(self.line.framework.as_str()),
            quoted(self.agent.as_str()),
            quoted(self.task.as_str()),
            STANDARD.encode(self.uuid),
        ))
    }
}

/// What came of a call.
#[derive(Debug)]
pub(super) enum Done<T> {
    Call {
        epoch: u64,
        token: T,
        body: Bytes,
        result: Result<Answer, CallError>,
    },
    /// Some of one epoch, in their order.
    Acknowledged {
        acknowledgements: Vec<Acknowledgement>,
        results: Vec<Result<Answer, CallError>>,
    },
}

/// The queues' sending ends.
#[derive(Debug)]
pub(super) struct Queues<T> {
    pub calls: mpsc::UnboundedSender<Outgoing<T>>,
    pub acknowledgements: mpsc::UnboundedSender<Acknowledgement>,
}

/// The queues' receiving ends, and what is needed to send.
pub(super) struct Caller<T> {
    pub client: Client,
    pub store: Option<Store>,
    /// The epoch whose calls may be sent; 0 for none.
    pub epoch: watch::Receiver<u64>,
    pub calls: mpsc::UnboundedReceiver<Outgoing<T>>,
    pub acknowledgements: mpsc::UnboundedReceiver<Acknowledgement>,
    pub done: mpsc::UnboundedSender<Done<T>>,
}

/// How many acknowledgements go out before the answers are awaited. What a person asks for waits no longer than that.
const TOGETHER: usize = 128;

impl<T> Caller<T> {
    /// Ends with `stop`, whatever it waits for.
    pub async fn run(self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.work()).await;
    }

    async fn work(mut self) {
        let mut line = CallLine::new(self.client.clone());
        loop {
            let mut acknowledgements = Vec::with_capacity(TOGETHER);
            let done = tokio::select! {
                biased;
                Some(call) = self.calls.recv() => {
                    self.recorded(call.mark).await;
                    let mut results = self.send(&mut line, &call.line, std::slice::from_ref(&call.body)).await;
                    let result = results.pop().unwrap_or(Err(CallError::Lost));
                    Done::Call { epoch: call.line.epoch, token: call.token, body: call.body, result }
                }
                count = self.acknowledgements.recv_many(&mut acknowledgements, TOGETHER) => {
                    if count == 0 {
                        return;
                    }
                    self.recorded(acknowledgements.iter().map(|one| one.mark).max().unwrap_or(0)).await;
                    let results = self.acknowledge(&mut line, &acknowledgements).await;
                    Done::Acknowledged { acknowledgements, results }
                }
            };
            if self.done.send(done).is_err() {
                return;
            }
        }
    }

    /// Waits until what a call rests on can't be forgotten any more.
    async fn recorded(&self, mark: u64) {
        if let Some(store) = &self.store {
            store.durable(mark).await;
        }
    }

    /// Of one epoch at a time: others' results are those of another connection.
    async fn acknowledge(&self, line: &mut CallLine, all: &[Acknowledgement]) -> Vec<Result<Answer, CallError>> {
        let mut results = Vec::with_capacity(all.len());
        for of_one in all.chunk_by(|a, b| a.line.epoch == b.line.epoch) {
            let Some(first) = of_one.first() else { continue };
            let bodies: Vec<_> = of_one.iter().map(Acknowledgement::body).collect();
            results.extend(self.send(line, &first.line, &bodies).await);
        }
        results
    }

    async fn send(&self, calls: &mut CallLine, line: &Line, bodies: &[Bytes]) -> Vec<Result<Answer, CallError>> {
        let mut epoch = self.epoch.clone();
        if *epoch.borrow_and_update() != line.epoch {
            return bodies.iter().map(|_| Err(CallError::Lost)).collect();
        }
        tokio::select! {
            answers = calls.send(&line.address, line.stream.as_ref(), bodies) => {
                return answers.into_iter().map(|answer| Ok(answer?)).collect();
            }
            // An answer that may never come must not hold up what belongs to the next subscription.
            _ = epoch.wait_for(|epoch| *epoch != line.epoch) => {}
        }
        *calls = CallLine::new(self.client.clone());
        let lost = || RequestError::Unanswered {
            address: line.address.to_string(),
            why: "the subscription was lost before the answer".to_owned(),
        };
        bodies.iter().map(|_| Err(lost().into())).collect()
    }
}
