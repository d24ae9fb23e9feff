//! What the cells work on: the engine, on the master that the environment names or on an embedded one.

use mesos_repl::client::Address;
use mesos_repl::document::Diagnostic;
use mesos_repl::embedded::{Cluster, Config, Docker};
use mesos_repl::engine::{Engine, Options, Target};
use mesos_repl::settings::{File, Origin, Place, Profile, Said};
use tracing::{info, warn};

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
        let settings = File::usual();
        let (target, cluster) = match named(master.filter(|master| !master.is_empty()), settings.as_ref())? {
            Some(place) => (Target::from(place), None),
            None => {
                let (target, cluster) = embedded(docker).await?;
                (target, Some(cluster))
            }
        };
        info!("the master is {}", target.masters);
        let options = Options { hints: false, settings, ..Options::default() };
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

/// What was typed, the environment and the profile that they name say of a cluster, if they say anything. Nobody is asked
/// for a secret: it comes from a file or the environment.
fn named(master: Option<&str>, file: Option<&File>) -> Result<Option<Place>, Diagnostic> {
    let env = |name: &str| std::env::var(name).ok();
    let typed = Profile { master: master.map(str::to_owned), ..Profile::default() };
    let said = Said::default().then(Origin::Environment(MASTER), typed).then_environment(&env);
    let said = said.then_profile(env("MESOS_PROFILE").as_deref(), file)?;
    if said.pick(|profile| profile.master.clone()).is_some_and(|master| master.value == "embedded") {
        return Ok(None);
    }
    let place = said.place(&mut |_| None).map_err(|error| error.help("HOST:PORT, such as 10.0.0.1:5050"))?;
    for warning in place.iter().flat_map(|place| &place.warnings) {
        warn!("{warning}");
    }
    Ok(place)
}

async fn embedded(docker: Docker) -> Result<(Target, Cluster), Diagnostic> {
    let cluster = Cluster::start(Config { docker, besides: Some(mesos_repl::ui::beside), ..Config::default() })
        .await
        .map_err(|error| {
        Diagnostic::from_error(&error)
            .help(format!("{MASTER}=HOST:PORT in the environment names a Mesos to use instead"))
    })?;
    let address = Address::parse(&cluster.address().to_string()).map_err(|error| Diagnostic::from_error(&error))?;
    Ok((Target { label: Some("an embedded Mesos".to_owned()), embedded: true, ..Target::new(address) }, cluster))
}
