//! The agent's state and its only owner: messages from the master, from executors and from HTTP, one at a time.

use std::net::SocketAddr;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::link::{FromAgent, ToAgent, ToMaster};
use super::Config;
use crate::mesos::AgentId;

/// A question from HTTP.
#[derive(Debug)]
pub(super) enum Ask {}

/// The agent's state.
#[derive(Debug)]
pub(super) struct Actor {
    config: Config,
    address: SocketAddr,
    id: Option<AgentId>,
    master: mpsc::UnboundedSender<FromAgent>,
    link: (mpsc::UnboundedSender<ToAgent>, mpsc::UnboundedReceiver<ToAgent>),
    asks: (mpsc::UnboundedSender<Ask>, mpsc::UnboundedReceiver<Ask>),
    stop: CancellationToken,
}

impl Actor {
    /// An agent that has yet to register.
    pub(super) fn new(
        config: Config,
        address: SocketAddr,
        master: mpsc::UnboundedSender<FromAgent>,
        stop: CancellationToken,
    ) -> Self {
        let (link, asks) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        Self { config, address, id: None, master, link, asks, stop }
    }

    /// Where HTTP asks.
    pub(super) fn asks(&self) -> mpsc::UnboundedSender<Ask> {
        self.asks.0.clone()
    }

    /// Serves until told to stop.
    pub(super) async fn run(mut self) {
        self.tell(ToMaster::Register {
            info: Box::new(self.config.info(self.address.port(), "simulated")),
            pid: format!("slave(1)@{}", self.address),
            link: self.link.0.clone(),
        });
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(message) = self.link.1.recv() => self.from_master(message),
                Some(ask) = self.asks.1.recv() => match ask {},
            }
        }
        self.tell(ToMaster::Unregister);
    }

    fn tell(&self, message: ToMaster) {
        // A master that is gone needs no telling.
        let _ = self.master.send((self.config.index, message));
    }

    fn from_master(&mut self, message: ToAgent) {
        match message {
            ToAgent::Registered(id) => self.id = Some(id),
            other => tracing::debug!(?other, "not handled yet"),
        }
    }
}
