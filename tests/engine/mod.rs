//! The engine on the embedded Mesos: text in, documents out.

mod examples;
mod faults;
mod input;
mod lost;
mod sessions;

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::document::{Block, Diagnostic, Document};
use mesos_repl::embedded::{Cluster, Config, Docker};
use mesos_repl::engine::{Collected, Engine, Memory, Options, Outcome, Target};
use mesos_repl::store::{Folder, Naming};
use tokio_util::sync::CancellationToken;

/// An embedded cluster without Docker, and an engine on it.
pub struct Bench {
    cluster: Cluster,
    /// Where its file of settings is.
    _folder: tempfile::TempDir,
    pub engine: Engine,
}

impl Bench {
    pub async fn start(agents: usize) -> Self {
        let config = Config { agents, docker: Docker::Never, ..Config::default() };
        let cluster = Cluster::start(config).await.unwrap();
        let address = Address::parse(&cluster.url()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = Some(mesos_repl::settings::File::at(folder.path().join("config.toml")));
        let target = Target { label: Some("embedded".to_owned()), embedded: true, ..Target::new(address) };
        let sessions = Folder::at(folder.path().join("sessions"));
        let memory = Some(Memory { folder: sessions, naming: Naming::ByMaster, others: Naming::ByMaster });
        let engine = Engine::start(target, Options { settings, memory, ..Options::default() }).unwrap();
        Self { cluster, _folder: folder, engine }
    }

    /// Runs text to its end, which a defect must not put off for ever.
    pub async fn run(&self, text: &str) -> (Outcome, Vec<Document>) {
        let mut output = Collected::default();
        let cancel = CancellationToken::new();
        let run = self.engine.execute(text, &mut output, &cancel);
        let ended = tokio::time::timeout(Duration::from_secs(60), run).await;
        let outcome = ended.unwrap_or_else(|_| panic!("still running after 60 s: {text}"));
        (outcome, output.documents)
    }

    /// Runs text that must succeed; what it answered, as JSON.
    pub async fn done(&self, text: &str) -> Vec<serde_json::Value> {
        let (outcome, documents) = self.run(text).await;
        assert!(matches!(outcome, Outcome::Done | Outcome::Quit(_)), "{text}: {outcome:?} {documents:#?}");
        documents.iter().map(Document::to_json).collect()
    }

    /// Runs text that must fail; why it did.
    pub async fn failed(&self, text: &str) -> Diagnostic {
        let (outcome, documents) = self.run(text).await;
        assert!(matches!(outcome, Outcome::Failed | Outcome::Misused), "{text}: {documents:#?}");
        let blocks = documents.into_iter().flat_map(|document| document.blocks);
        let diagnostic = |block| match block {
            Block::Diagnostic(diagnostic) => Some(diagnostic),
            _ => None,
        };
        blocks.filter_map(diagnostic).next_back().unwrap_or_else(|| panic!("{text} failed without a word"))
    }

    pub async fn stop(self) {
        self.engine.close().await;
        self.cluster.shutdown().await;
    }
}
