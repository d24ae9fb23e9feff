//! The embedded master: one task owns all of its state; HTTP, agents and timers send it messages.
//!
//! `validate` and `allocator` are pure; `actor` and the files beside it are what is done to the state; `http` checks
//! what needs no state. Nothing here runs a task: that is the agents'.

mod accept;
mod actor;
mod agents;
mod allocator;
mod fault;
mod framework;
mod http;
mod maintenance;
mod offers;
mod operator;
mod state;
mod subscribe;
mod survivors;
mod tasks;
mod text;
mod validate;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::Config;
use super::link::FromAgent;

pub use fault::Fault;

/// The host name that master and agents give of themselves.
pub(super) const HOSTNAME: &str = "localhost";

/// A master that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    address: SocketAddr,
    inputs: mpsc::WeakUnboundedSender<actor::Input>,
    standing: watch::Sender<http::Standing>,
    stop: DropGuard,
    server: JoinHandle<()>,
}

/// How long open connections may take to end after the master has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves a master on `listener`.
pub(super) fn start(
    listener: TcpListener,
    config: &Config,
    from_agents: mpsc::UnboundedReceiver<FromAgent>,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let master = actor::Master::new(actor::Settings {
        address,
        hostname: HOSTNAME.to_owned(),
        heartbeat: config.heartbeat,
        allocation_interval: config.allocation_interval,
        roles: config.roles.clone(),
        root_submissions: config.root_submissions,
        authenticate: !config.credentials.is_empty(),
    });
    let (inputs, received) = mpsc::unbounded_channel();
    let weak = inputs.downgrade();
    let (standing, stands) = watch::channel(http::Standing::Leading);
    let shared = http::Shared {
        standing: stands,
        inputs,
        hostname: HOSTNAME.to_owned(),
        ip: address.ip(),
        port: address.port(),
        credentials: config.credentials.clone(),
    };
    let app = http::router(shared);
    let app = match config.besides {
        Some(besides) => besides(address).fallback_service(app),
        None => app,
    };
    let stop = CancellationToken::new();
    let (serving, running) = (stop.clone(), stop.clone());
    tokio::spawn(async move {
        // Its streams end with the master's state.
        running.run_until_cancelled(master.run(received, from_agents)).await;
    });
    let server = tokio::spawn(async move {
        let serve = axum::serve(listener, app).with_graceful_shutdown(serving.cancelled_owned());
        if let Err(error) = serve.await {
            tracing::error!(%error, "the embedded master's server ended");
        }
    });
    Ok(Running { address, inputs: weak, standing, stop: stop.drop_guard(), server })
}

impl Running {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes something go wrong.
    pub(super) fn fault(&self, fault: Fault) {
        let standing = match &fault {
            Fault::Redirect(Some(place)) => Some(http::Standing::Elsewhere(place.clone())),
            Fault::NoLeader(true) => Some(http::Standing::NoLeader),
            Fault::Recovering(true) => Some(http::Standing::Recovering),
            Fault::Redirect(None) | Fault::NoLeader(false) | Fault::Recovering(false) => Some(http::Standing::Leading),
            _ => None,
        };
        if let Some(standing) = standing {
            self.standing.send_replace(standing);
        }
        if let Some(inputs) = self.inputs.upgrade() {
            // A master that stops has nothing left that could go wrong.
            let _ = inputs.send(actor::Input::Fault(fault));
        }
    }

    pub(super) async fn shutdown(self) {
        drop(self.stop);
        // A client that never finishes its request must not keep us.
        if tokio::time::timeout(LAST_WORDS, self.server).await.is_err() {
            tracing::debug!("a client keeps its connection to the embedded master");
        }
    }
}
