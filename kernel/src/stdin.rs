//! Questions to the person at the front end, over the stdin channel: one at a time, each with its answer.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::wire::{Request, Sender};
use crate::zmtp::RouterSender;

/// The stdin channel.
#[derive(Debug)]
pub struct Stdin {
    router: RouterSender,
    sender: Arc<Sender>,
    /// Who waits, and for whose answer.
    waiting: Mutex<Option<(bytes::Bytes, oneshot::Sender<String>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Stdin {
    /// Over this router.
    pub fn new(router: RouterSender, sender: Arc<Sender>) -> Self {
        Self { router, sender, waiting: Mutex::new(None), turn: tokio::sync::Mutex::new(()) }
    }

    /// Takes the answers in.
    pub async fn listen(self: Arc<Self>, mut replies: mpsc::Receiver<Request>) {
        while let Some(reply) = replies.recv().await {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if reply.kind == "input_reply"
                && let Some((_, answer)) = waiting.take_if(|(peer, _)| *peer == reply.peer)
            {
                // Whoever asked may have been interrupted.
                let _ = answer.send(reply.text("value").unwrap_or_default().to_owned());
            }
        }
    }

    /// Asks the client that sent `request`; `None` if it can't be asked.
    pub async fn ask(&self, request: &Request, prompt: &str, password: bool) -> Option<String> {
        if !request.flag("allow_stdin", true) {
            return None;
        }
        let _turn = self.turn.lock().await;
        let (answer, answered) = oneshot::channel();
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some((request.peer.clone(), answer));
        let content = json!({"prompt": prompt, "password": password});
        let frames = self.sender.frames("input_request", &request.parent, &json!({}), &content);
        let all: Vec<&[u8]> = request.route.iter().chain(&frames).map(|frame| frame.as_ref()).collect();
        self.router.send(&request.peer, all.into_iter());
        answered.await.ok()
    }
}
