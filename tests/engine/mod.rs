//! The engine on the embedded Mesos: text in, documents out.

mod examples;
mod faults;
mod input;
mod lost;

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::document::{Block, Diagnostic, Document};
use mesos_repl::embedded::{Cluster, Config, Docker};
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use tokio_util::sync::CancellationToken;

/// An embedded cluster without Docker, and an engine on it.
pub struct Bench {
    cluster: Cluster,
    pub engine: Engine,
}

impl Bench {
    pub async fn start(agents: usize) -> Self {
        let config = Config { agents, docker: Docker::Never, ..Config::default() };
        let cluster = Cluster::start(config).await.unwrap();
        let address = Address::parse(&cluster.url()).unwrap();
        let target = Target { address, label: Some("embedded".to_owned()), embedded: true };
        let engine = Engine::start(target, Options::default()).unwrap();
        Self { cluster, engine }
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
