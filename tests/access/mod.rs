//! Whom a session speaks to, how, and who is told who we are: TLS, credentials, redirects, names; and what never appears
//! anywhere.

mod authentication;
mod redirects;
mod shown;
mod tls;

use std::time::Duration;

use mesos_repl::client::{Access, Credentials};
use mesos_repl::document::Document;
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use mesos_repl::mesos::FrameworkInfo;
use mesos_repl::render::{self, Page};
use mesos_repl::secret::Secret;
use mesos_repl::session::{Config, Masters, Session};
use tokio_util::sync::CancellationToken;

use crate::support::within;

/// For anything that a cluster does.
const DEADLINE: Duration = Duration::from_secs(90);

const PRINCIPAL: &str = "alice";
/// Nothing that a session writes may hold it, nor what HTTP makes of it.
const SECRET: &str = "wonder-land?";
const BASIC: &str = "YWxpY2U6d29uZGVyLWxhbmQ/";

fn credentials() -> Option<Credentials> {
    Some(Credentials::Basic { principal: PRINCIPAL.to_owned(), secret: Secret::new(SECRET) })
}

fn alice() -> Access {
    Access { credentials: credentials(), ..Access::default() }
}

fn session(masters: &str, access: Access) -> Session {
    let masters = Masters::parse(masters, false).unwrap();
    Session::start(Config { access, lease: None, idle: None, ..Config::new(masters) }).unwrap()
}

fn info() -> FrameworkInfo {
    FrameworkInfo { user: "root".into(), name: "test".into(), ..FrameworkInfo::default() }
}

/// Somebody at a prompt.
struct Person {
    engine: Engine,
}

impl Person {
    fn at(masters: &str, access: Access) -> Self {
        let options = Options { hints: false, patience: Duration::from_secs(60), ..Options::default() };
        let target = Target { access, ..Target::new(Masters::parse(masters, false).unwrap()) };
        Self { engine: Engine::start(target, options).unwrap() }
    }

    async fn types(&self, line: &str) -> (Outcome, String) {
        let mut output = Collected::default();
        let never = CancellationToken::new();
        let outcome = within(DEADLINE, line, self.engine.execute(line, &mut output, &never)).await;
        let page = Page::plain(160);
        let text: String = output.documents.iter().map(|document: &Document| render::plain(document, &page)).collect();
        for secret in [SECRET, BASIC] {
            assert!(!text.contains(secret), "{line}: {text}");
        }
        // A page breaks lines.
        (outcome, text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    async fn does(&self, line: &str) -> String {
        let (outcome, text) = self.types(line).await;
        assert_eq!(outcome, Outcome::Done, "{line}: {text}");
        text
    }

    async fn fails(&self, line: &str, words: &[&str]) {
        let (outcome, text) = self.types(line).await;
        assert_eq!(outcome, Outcome::Failed, "{line}: {text}");
        for word in words {
            assert!(text.contains(word), "{line} says nothing of {word:?}: {text}");
        }
    }

    /// Everything that one does with a task.
    async fn works(&self) {
        self.does("subscribe").await;
        self.does("run --cmd 'echo hello; sleep 300' --name web").await;
        self.does("kill web").await;
        for number in 0..5 {
            self.does(&format!("run --cmd true --name t{number} --until finished")).await;
        }
        self.does("teardown").await;
    }
}
