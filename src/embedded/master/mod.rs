//! The embedded master: one task owns all of its state; HTTP, agents and timers send it messages.
//!
//! `validate` and `allocator` are pure; `actor` and the files beside it are what is done to the state; `http` checks
//! what needs no state. Nothing here runs a task: that is the agents'.

mod accept;
mod actor;
mod agents;
mod allocator;
mod authorization;
mod conversion;
mod document;
mod fault;
mod flags;
mod framework;
mod http;
mod maintenance;
mod metrics;
mod offers;
mod operator;
mod recovery;
mod registry;
mod roles;
mod state;
mod stream;
mod subscribe;
mod tasks;
mod text;
pub(super) mod validate;
mod view;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::Config;
use super::fault::active::Faults;
use super::fault::http::Desk;
use super::fault::{Effect, FaultError};
use super::link::FromAgent;

pub(super) use fault::{Act, ends_as};
pub(super) use registry::{Registry, Store};

/// The host name that master and agents give of themselves.
pub(super) const HOSTNAME: &str = "localhost";

/// A master that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    inputs: mpsc::WeakUnboundedSender<actor::Input>,
    stop: DropGuard,
    actor: JoinHandle<Registry>,
    server: JoinHandle<()>,
}

/// What a master is started with.
pub(super) struct Start<'a> {
    /// Where it listens.
    pub(super) listener: TcpListener,
    /// The cluster's settings.
    pub(super) config: &'a Config,
    /// What it doesn't have to learn anew.
    pub(super) registry: Registry,
    /// Where that is kept.
    pub(super) store: Store,
    /// What goes wrong.
    pub(super) faults: Faults,
    /// Where faults are asked for.
    pub(super) desk: Desk,
    /// What agents send it.
    pub(super) agents: mpsc::UnboundedReceiver<FromAgent>,
    /// What it serves besides its own API; these paths come first.
    pub(super) besides: Router,
}

/// How long open connections may take to end after the master has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves a master.
pub(super) fn start(start: Start<'_>) -> std::io::Result<Running> {
    let Start { listener, config, registry, store, faults, desk, agents, besides } = start;
    let address = listener.local_addr()?;
    let settings = actor::Settings {
        address,
        hostname: HOSTNAME.to_owned(),
        heartbeat: config.heartbeat,
        allocation_interval: config.allocation_interval,
        roles: config.roles.clone(),
        root_submissions: config.root_submissions,
        authenticate: config.authenticated(),
        acls: config.acls.clone(),
        offer_timeout: config.offer_timeout,
        agent_timeout: config.agent_timeout,
        agent_reregister_timeout: config.agent_reregister_timeout,
    };
    let master = actor::Master::new(settings, registry, store, faults.clone());
    let (inputs, received) = mpsc::unbounded_channel();
    let weak = inputs.downgrade();
    let shared = http::Shared {
        faults,
        desk,
        inputs,
        hostname: HOSTNAME.to_owned(),
        ip: address.ip(),
        port: address.port(),
        credentials: config.credentials.clone(),
        authenticate: config.authenticated(),
    };
    let app = besides.fallback_service(http::router(shared));
    let stop = CancellationToken::new();
    let (serving, running) = (stop.clone(), stop.clone());
    // Its streams end with the master's state.
    let actor = tokio::spawn(master.run(received, agents, running));
    let server = tokio::spawn(async move {
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let serve = axum::serve(listener, app).with_graceful_shutdown(serving.cancelled_owned());
        if let Err(error) = serve.await {
            tracing::error!(%error, "the embedded master's server ended");
        }
    });
    Ok(Running { inputs: weak, stop: stop.drop_guard(), actor, server })
}

impl Running {
    /// Makes something go wrong.
    pub(super) async fn act(&self, act: Act) -> Result<Effect, FaultError> {
        let (reply, effect) = oneshot::channel();
        let inputs = self.inputs.upgrade().ok_or(FaultError::Stopping)?;
        inputs.send(actor::Input::Fault { act, reply }).map_err(|_| FaultError::Stopping)?;
        drop(inputs);
        effect.await.unwrap_or(Err(FaultError::Stopping))
    }

    /// Ends it, and waits for it; what was in its registry.
    pub(super) async fn shutdown(self) -> Registry {
        drop(self.stop);
        let registry = self.actor.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the embedded master didn't end well");
            Registry::default()
        });
        // A client that never finishes its request must not keep us.
        if tokio::time::timeout(LAST_WORDS, self.server).await.is_err() {
            tracing::debug!("a client keeps its connection to the embedded master");
        }
        registry
    }
}
