//! The main job from the first command to the last, typed as a person would: the same steps on a real Apache Mesos and
//! on the embedded one.

mod bad_input;
mod embedded;
mod real;
mod steps;
mod survival;

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::document::Document;
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use mesos_repl::mesos::TaskState;
use mesos_repl::render::{self, Page};
use tokio_util::sync::CancellationToken;

/// For anything that a cluster does.
const DEADLINE: Duration = Duration::from_secs(90);

/// Somebody at a prompt.
pub struct Person {
    pub engine: Engine,
}

impl Person {
    pub fn at(address: &str) -> Self {
        let target = Target::new(Address::parse(address).unwrap());
        // Tests look at answers, not at suggestions.
        let options = Options { hints: false, patience: Duration::from_secs(60), ..Options::default() };
        Self { engine: Engine::start(target, options).unwrap() }
    }

    /// What a line answers, as it is read in a pipe, and how it ended.
    pub async fn types(&self, line: &str) -> (Outcome, String) {
        let mut output = Collected::default();
        let never = CancellationToken::new();
        let run = self.engine.execute(line, &mut output, &never);
        let outcome = crate::support::within(DEADLINE, line, run).await;
        let page = Page::plain(160);
        let text: String = output.documents.iter().map(|document: &Document| render::plain(document, &page)).collect();
        (outcome, text)
    }

    /// A line that must succeed.
    pub async fn does(&self, line: &str) -> String {
        let (outcome, text) = self.types(line).await;
        assert!(matches!(outcome, Outcome::Done), "{line}\n{outcome:?}\n{text}");
        text
    }

    /// A line that must fail, saying all of these words.
    pub async fn fails(&self, line: &str, words: &[&str]) -> String {
        let (outcome, text) = self.types(line).await;
        assert!(matches!(outcome, Outcome::Failed | Outcome::Misused), "{line}\n{outcome:?}\n{text}");
        // A page breaks lines.
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(one_line.contains(word), "{line}\nsays nothing of {word:?}:\n{text}");
        }
        text
    }

    /// The state of a task whose id begins so.
    pub fn state_of(&self, id: &str) -> Option<TaskState> {
        self.engine.session().read(|state| {
            let task = state.tasks.iter().find(|task| task.id.as_str().starts_with(id))?;
            Some(task.state.clone())
        })
    }

    /// Waits until a task is in one of these states.
    pub async fn sees(&self, id: &str, wanted: &[TaskState]) {
        let session = self.engine.session();
        let reached = session.changed_until(|state| {
            state.tasks.iter().any(|task| task.id.as_str().starts_with(id) && wanted.contains(&task.state))
        });
        crate::support::within(DEADLINE, &format!("{id} is one of {wanted:?}"), reached).await;
    }
}
