//! The embedded master: one task owns all of its state; HTTP, agents and timers send it messages.

mod http;
#[allow(dead_code, reason = "asked by what comes next")]
mod text;
#[allow(dead_code, reason = "asked by what comes next")]
mod validate;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::Config;
use super::link::FromAgent;

/// A master that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    address: SocketAddr,
    stop: DropGuard,
    server: JoinHandle<()>,
}

/// How long open connections may take to end after the master has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves a master on `listener`.
pub(super) fn start(
    listener: TcpListener,
    _config: &Config,
    mut from_agents: mpsc::UnboundedReceiver<FromAgent>,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let server = tokio::spawn(async move {
        let serve = axum::serve(listener, http::router()).with_graceful_shutdown(stopped.cancelled_owned());
        if let Err(error) = serve.await {
            tracing::error!(%error, "the embedded master's server ended");
        }
    });
    tokio::spawn(async move { while from_agents.recv().await.is_some() {} });
    Ok(Running { address, stop: stop.drop_guard(), server })
}

impl Running {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn shutdown(self) {
        drop(self.stop);
        // A client that never finishes its request must not keep us.
        let _ = tokio::time::timeout(LAST_WORDS, self.server).await;
    }
}
