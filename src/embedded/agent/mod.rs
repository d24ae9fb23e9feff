//! An embedded agent: launches tasks, runs them as processes and containers, keeps their sandboxes, serves its HTTP.
//!
//! One task owns the agent's state ([`actor`]); one more runs each executor and reports to it. The master is told
//! everything through [`super::link`]; nothing here knows how the master keeps its books.

mod actor;
mod books;
mod check;
mod checkpoint;
mod docker;
mod executor;
mod fetch;
mod flags;
mod http;
mod keeper;
mod nested;
mod options;
mod process;
mod rotate;
mod sandbox;
mod task;
mod terminal;
#[cfg(test)]
mod tests;
mod updates;
mod user;
mod view;
mod volumes;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::config::{AgentConfig, Docker};
use super::fault::active::Faults;
use crate::mesos::{AgentId, AgentInfo, Attribute, Text, ValueType};
pub(super) use docker::Engine;
pub(super) use user::may_switch;

/// How an agent is set up.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// Its place among the cluster's agents, from 0.
    pub(super) index: usize,
    /// Where it listens.
    pub(super) address: IpAddr,
    /// Its port; 0 takes any free one.
    pub(super) port: u16,
    /// The host name it gives of itself.
    pub(super) hostname: String,
    /// Where sandboxes are kept; each agent has its own.
    pub(super) work_dir: Arc<Path>,
    /// The Docker Engine for containers; without one they are simulated.
    pub(super) engine: Option<Engine>,
    /// Whether what it runs outlives this process, to be taken up from the work folder by its next run.
    pub(super) recover: bool,
    /// What it offers.
    pub(super) offers: AgentConfig,
    /// What goes wrong.
    pub(super) faults: Faults,
}

/// A running agent. Dropping it stops its server and kills its tasks; [`Agent::shutdown`] also waits for them.
#[derive(Debug)]
pub(super) struct Agent {
    address: SocketAddr,
    docker: Option<String>,
    id: watch::Receiver<Option<AgentId>>,
    masters: mpsc::UnboundedSender<actor::Leader>,
    stop: DropGuard,
    actor: JoinHandle<()>,
}

impl Agent {
    /// Starts an agent: it listens when this returns, and has sent its registration.
    ///
    /// # Errors
    /// When it can't listen, or can't make its work folder.
    pub(super) async fn start(config: Config, master: actor::Leader) -> io::Result<Self> {
        tokio::fs::create_dir_all(&config.work_dir).await?;
        let config = Config { work_dir: tokio::fs::canonicalize(&config.work_dir).await?.into(), ..config };
        let left = if config.recover { checkpoint::take_up(&config.work_dir)? } else { None };
        let listener = listen(&config, left.as_ref().map_or(0, |left| left.port)).await?;
        let address = listener.local_addr()?;
        let docker = config.engine.as_ref().map(|engine| engine.version().to_owned());
        let stop = CancellationToken::new();
        let (work_dir, faults) = (config.work_dir.clone(), config.faults.clone());
        let keeper = keeper::Keeper::default();
        let nested = nested::Nested::new(keeper.clone());
        let containers = nested.clone();
        let engine = config.engine.clone();
        let setup = actor::Setup { engine, config, address, started: actor::now(), faults, nested, keeper };
        let mut actor = actor::Actor::new(setup, master, stop.clone());
        if let Some(left) = left {
            actor.recover(left).await;
        }
        let (id, masters) = (actor.id(), actor.masters());
        let router = http::router(http::Shared {
            asks: actor.asks(),
            executors: actor.executor_calls(),
            id: actor.id(),
            work_dir,
            address,
            nested: containers,
        });
        let stopped = stop.clone();
        tokio::spawn(async move {
            let serve = axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned());
            if let Err(error) = serve.await {
                tracing::error!(%error, "an embedded agent's server ended");
            }
        });
        let actor = tokio::spawn(actor.run());
        Ok(Self { address, docker, id, masters, stop: stop.drop_guard(), actor })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its id, once it has one.
    pub(super) fn id(&self) -> Option<AgentId> {
        self.id.borrow().clone()
    }

    /// Tells it that another master leads, or that one can be reached again.
    pub(super) fn connect(&self, master: actor::Leader) {
        if self.masters.send(master).is_err() {
            tracing::debug!("an agent that has ended hears of no master");
        }
    }

    /// The Docker Engine's version, if its containers are real.
    pub(super) fn docker(&self) -> Option<&str> {
        self.docker.as_deref()
    }

    /// Kills everything it runs, removes the containers, and waits until that is done.
    pub(super) async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.actor.await {
            tracing::error!(%error, "an embedded agent didn't end well");
        }
    }
}

/// Listens at the port that was asked for, or at the one of the agent's earlier run: its executors look for it there.
async fn listen(config: &Config, former: u16) -> io::Result<TcpListener> {
    if config.port == 0 && former != 0 {
        match TcpListener::bind((config.address, former)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => tracing::warn!(%error, former, "an agent's former port isn't free; it takes another"),
        }
    }
    TcpListener::bind((config.address, config.port)).await
}

/// The Docker Engine that containers are to run on, if they are to be real and one answers. What dead processes left
/// on it is removed.
pub(super) async fn engine(docker: Docker) -> Option<Engine> {
    if docker == Docker::Never {
        return None;
    }
    let engine = Engine::find().await?;
    let orphans = engine.clone();
    tokio::spawn(async move { orphans.remove_orphans().await });
    Some(engine)
}

impl Config {
    /// What the agent tells of itself.
    fn info(&self, port: u16, containers: &str) -> AgentInfo {
        let text = |name: &str, value: &str| Attribute {
            name: name.to_owned(),
            r#type: ValueType::Text,
            text: Some(Text { value: value.to_owned(), ..Default::default() }),
            ..Default::default()
        };
        AgentInfo {
            hostname: self.hostname.clone(),
            port: Some(port.into()),
            resources: self.offers.resources.clone(),
            attributes: self.offers.attributes.iter().cloned().chain([text("containers", containers)]).collect(),
            ..Default::default()
        }
    }
}
