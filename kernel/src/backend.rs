//! What the cells work on: the engine, on the master that the environment names or on an embedded one.

use mesos_repl::client::Address;
use mesos_repl::document::Diagnostic;
use mesos_repl::embedded::{Cluster, Config, Docker};
use mesos_repl::engine::{Engine, Options, Target};
use tracing::info;

/// Names the master; without it there is an embedded one.
pub const MASTER: &str = "MESOS_MASTER";

/// The engine, and the embedded Mesos that lives as long as it.
#[derive(Debug)]
pub struct Backend {
    /// Runs commands.
    pub engine: Engine,
    cluster: Option<Cluster>,
}

impl Backend {
    /// Starts on the named master, or on an embedded Mesos.
    ///
    /// # Errors
    /// What to show instead of every command's result.
    pub async fn start(master: Option<&str>, docker: Docker) -> Result<Self, Diagnostic> {
        let (target, cluster) = match master.filter(|master| !master.is_empty()) {
            Some(master) => (named(master)?, None),
            None => {
                let (target, cluster) = embedded(docker).await?;
                (target, Some(cluster))
            }
        };
        info!("the master is {}", target.address);
        let options = Options { hints: false, ..Options::default() };
        let engine = Engine::start(target, options).map_err(|error| Diagnostic::from_error(&error))?;
        Ok(Self { engine, cluster })
    }

    /// Ends the session and the embedded Mesos, if there is one.
    pub async fn close(self) {
        self.engine.close().await;
        if let Some(cluster) = self.cluster {
            cluster.shutdown().await;
        }
    }
}

fn named(master: &str) -> Result<Target, Diagnostic> {
    let address = Address::parse(master).map_err(|error| {
        Diagnostic::from_error(&error).detail(format!("{MASTER}={master}")).help("HOST:PORT, such as 10.0.0.1:5050")
    })?;
    Ok(Target { address, label: None, embedded: false })
}

async fn embedded(docker: Docker) -> Result<(Target, Cluster), Diagnostic> {
    let cluster = Cluster::start(Config { docker, besides: Some(mesos_repl::ui::beside), ..Config::default() })
        .await
        .map_err(|error| {
        Diagnostic::from_error(&error)
            .help(format!("{MASTER}=HOST:PORT in the environment names a Mesos to use instead"))
    })?;
    let address = Address::parse(&cluster.address().to_string()).map_err(|error| Diagnostic::from_error(&error))?;
    Ok((Target { address, label: Some("an embedded Mesos".to_owned()), embedded: true }, cluster))
}
