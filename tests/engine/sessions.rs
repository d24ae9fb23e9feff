//! Sessions that outlive their process: taken up again, listed, forgotten, and never taken from anybody else.

use std::path::Path;
use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::embedded::{Cluster, Config, Docker};
use mesos_repl::engine::{Collected, Engine, Memory, Notice, Options, Outcome, StartError, Target};
use mesos_repl::mesos::{FrameworkId, TaskState};
use mesos_repl::render::{self, Page};
use mesos_repl::session::{Closed, Phase};
use mesos_repl::store::{Folder, Naming};
use tokio_util::sync::CancellationToken;

use crate::support::within;

const DEADLINE: Duration = Duration::from_secs(60);

async fn cluster() -> Cluster {
    let allocation_interval = Duration::from_millis(50);
    Cluster::start(Config { agents: 1, docker: Docker::Never, allocation_interval, ..Config::default() }).await.unwrap()
}

/// Somebody at a prompt, whose sessions are in that folder.
struct Person(Engine);

impl Person {
    fn start(cluster: &Cluster, home: &Path, naming: Naming) -> Result<Self, StartError> {
        // To the engine it is a master like any other.
        let target = Target::new(Address::parse(&cluster.url()).unwrap());
        let folder = Folder::at(home.join("sessions"));
        let memory = Some(Memory { folder, naming, others: Naming::ByMaster });
        let options = Options { hints: false, patience: Duration::from_secs(30), memory, ..Options::default() };
        Engine::start(target, options).map(Self)
    }

    fn at(cluster: &Cluster, home: &Path) -> Self {
        Self::start(cluster, home, Naming::ByMaster).unwrap()
    }

    async fn take_up(&self) -> Vec<String> {
        let told: Vec<Notice> = within(DEADLINE, "taken up", self.0.take_up(None)).await;
        told.into_iter().map(|notice| notice.text).collect()
    }

    fn opening(&self) -> String {
        self.0.opening().into_iter().map(|notice| notice.text + "\n").collect()
    }

    async fn types(&self, line: &str) -> (Outcome, String) {
        let (mut output, cancel) = (Collected::default(), CancellationToken::new());
        let outcome = within(DEADLINE, line, self.0.execute(line, &mut output, &cancel)).await;
        let page = Page::plain(400);
        (outcome, output.documents.iter().map(|document| render::plain(document, &page)).collect())
    }

    async fn does(&self, line: &str) -> String {
        let (outcome, text) = self.types(line).await;
        assert_eq!(outcome, Outcome::Done, "{line}: {text}");
        text
    }

    async fn fails(&self, line: &str) -> String {
        let (outcome, text) = self.types(line).await;
        assert_eq!(outcome, Outcome::Failed, "{line}: {text}");
        text
    }

    fn id(&self) -> FrameworkId {
        self.0.session().read(|state| state.framework_id.clone()).unwrap()
    }

    fn state_of(&self, task: &str) -> Option<TaskState> {
        self.0.session().read(|state| state.tasks.get(task).map(|task| task.state.clone()))
    }

    async fn sees(&self, task: &str, state: TaskState) {
        let session = self.0.session();
        let reached = session.changed_until(|known| known.tasks.get(task).is_some_and(|task| task.state == state));
        within(DEADLINE, &format!("{task} is {state}"), reached).await;
    }

    /// Waits until everything that was said of these tasks has been acknowledged: what comes next isn't held back.
    async fn acknowledged(&self, tasks: &[&str]) {
        let session = self.0.session();
        let all = session.changed_until(|known| {
            tasks.iter().all(|task| {
                let latest = known.tasks.get(task).and_then(|task| task.latest());
                latest.is_some_and(|latest| latest.acknowledged_after.is_some())
            })
        });
        within(DEADLINE, "acknowledged", all).await;
    }

    /// The process is gone from one moment to the next: nobody says goodbye to the master.
    async fn dies(self) {
        self.0.close().await;
    }
}

/// The ids of the frameworks that the master has, and whether they are connected.
async fn frameworks(cluster: &Cluster) -> Vec<(String, bool)> {
    let client = crate::support::real_mesos::plain_client();
    let url = format!("{}/api/v1", cluster.url().trim_end_matches('/'));
    let request = client.post(url).header("content-type", "application/json").body(r#"{"type":"GET_FRAMEWORKS"}"#);
    let answer = request.send().await.unwrap().bytes().await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let all = answer["get_frameworks"]["frameworks"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|one| {
            let id = one["framework_info"]["id"]["value"].as_str().unwrap().to_owned();
            (id, one["connected"].as_bool().unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_where_its_process_died() {
    let (cluster, home) = (cluster().await, tempfile::tempdir().unwrap());
    let first = Person::at(&cluster, home.path());
    assert_eq!((first.opening(), first.take_up().await), (String::new(), Vec::new()));
    first.does("run --cmd 'sleep 300' --name web; run --cmd 'sleep 1' --name job; run --cmd 'exit 0' --name done --until finished").await;
    first.does("run --cmd 'sleep 1; exit 3' --name bad").await;
    first.acknowledged(&["web", "job", "bad"]).await;
    let (id, name) = (first.id(), first.0.session().store().unwrap().name().to_owned());
    first.dies().await;
    // Nobody is there when the two end.
    tokio::time::sleep(Duration::from_millis(1500)).await;

    let second = Person::at(&cluster, home.path());
    let opening = second.opening();
    for words in [&name, "with 3 tasks", "left ", "the master keeps it for 60 min more"] {
        assert!(opening.contains(words), "{words}: {opening}");
    }
    // What was known is there before the master has answered.
    assert_eq!(second.state_of("done"), Some(TaskState::Finished));
    let told = second.take_up().await.join("\n");
    for words in ["is taken up again after", "job FINISHED", "bad FAILED", "still there: web RUNNING"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(second.id(), id);
    assert_eq!(frameworks(&cluster).await, [(id.to_string(), true)]);
    // Histories go on, times too, and no id is used twice.
    let story = second.does("task done").await;
    for words in ["ACCEPT", "TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED", "ACKNOWLEDGE"] {
        assert!(story.contains(words.trim_start_matches("TASK_")), "{words}: {story}");
    }
    second.does("run --cmd 'exit 0' --name done --until finished").await;
    assert_eq!(second.state_of("done-2"), Some(TaskState::Finished));
    second.fails("run --cmd true --id web").await;
    second.does("kill web").await;
    second.does("teardown").await;
    second.dies().await;
    // Nothing is left of a framework that is no more.
    let third = Person::at(&cluster, home.path());
    assert_eq!((third.opening(), third.take_up().await), (String::new(), Vec::new()));
    third.dies().await;
    assert_eq!(std::fs::read_dir(home.path().join("sessions")).unwrap().count(), 0);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_resumed_torn_down_and_forgotten() {
    let (cluster, home) = (cluster().await, tempfile::tempdir().unwrap());
    let mut left = Vec::new();
    for name in ["a", "b", "c"] {
        let person = Person::start(&cluster, home.path(), Naming::Named(name.to_owned())).unwrap();
        person.does(&format!("run --cmd 'sleep 300' --name {name}-task")).await;
        left.push(person.id());
        person.dies().await;
    }
    let person = Person::at(&cluster, home.path());
    let listed = person.does("sessions").await;
    for words in ["a ", "b ", "c ", "left behind", "1", "59m"] {
        assert!(listed.contains(words), "{words}: {listed}");
    }
    let told = person.does("sessions resume b").await;
    assert!(told.contains("taken up again") && told.contains("b-task RUNNING"), "{told}");
    assert_eq!(person.id(), left[1]);
    let listed = person.does("sessions").await;
    assert!(listed.contains("this one"), "{listed}");
    assert!(person.fails("sessions resume b").await.contains("is this session"));
    assert!(person.fails("sessions forget b").await.contains("is this session"));

    let told = person.does("sessions teardown a").await;
    assert!(told.contains(&format!("framework {} of session a is torn down", left[0])), "{told}");
    let told = person.does("sessions forget c").await;
    assert!(told.contains("is forgotten") && told.contains(left[2].as_str()), "{told}");
    let there: Vec<String> = frameworks(&cluster).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(there, [left[1].to_string(), left[2].to_string()], "forgetting ends nothing");
    for line in ["sessions resume a", "sessions forget c", "sessions teardown nope", "sessions resume ../x"] {
        let told = person.fails(line).await;
        assert!(told.contains("no session") || told.contains("no name"), "{line}: {told}");
    }
    // What is forgotten can be taken up by its id as ever.
    person.does(&format!("subscribe --id {}", left[2])).await;
    person.sees("c-task", TaskState::Running).await;
    person.does("teardown").await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prompts_on_one_master_are_two_sessions() {
    let (cluster, home) = (cluster().await, tempfile::tempdir().unwrap());
    let first = Person::at(&cluster, home.path());
    first.does("run --cmd 'sleep 300' --name one").await;
    let second = Person::at(&cluster, home.path());
    let opening = second.opening();
    assert!(opening.contains("in use by process") && opening.contains(".2"), "{opening}");
    second.does("subscribe").await;
    assert_ne!(first.id(), second.id());
    let listed = second.does("sessions").await;
    assert!(listed.contains("in use by process") && listed.contains("this one"), "{listed}");
    let name = first.0.session().store().unwrap().name().to_owned();
    for what in ["resume", "forget", "teardown"] {
        let told = second.fails(&format!("sessions {what} {name}")).await;
        assert!(told.contains("in use by process"), "{told}");
    }
    match Person::start(&cluster, home.path(), Naming::Named(name)) {
        Err(error) => assert!(error.to_string().contains("in use by process"), "{error}"),
        Ok(_) => panic!("two processes on one session"),
    }
    assert!(first.0.session().status().borrow().is_subscribed());
    first.does("teardown").await;
    second.does("teardown").await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_has_is_let_be() {
    let (cluster, home, elsewhere) = (cluster().await, tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, other) = (Person::at(&cluster, home.path()), Person::at(&cluster, elsewhere.path()));
    first.does("run --cmd 'sleep 300' --name web").await;
    let id = first.id();
    other.does(&format!("subscribe --id {id}")).await;
    let mut status = first.0.session().status();
    let lost = status.wait_for(|status| matches!(status.phase, Phase::Closed(_)));
    assert_eq!(within(DEADLINE, "told", lost).await.unwrap().phase, Phase::Closed(Closed::Stolen));
    let told = first.fails("run --cmd true").await;
    assert!(told.contains(&format!("subscribe --id {id}")), "{told}");
    first.dies().await;

    // The next start doesn't take it back by itself, and says how to.
    let again = Person::at(&cluster, home.path());
    let told = again.take_up().await.join("\n");
    assert!(told.contains("taken over by another client") && told.contains(&format!("subscribe --id {id}")), "{told}");
    assert!(other.0.session().status().borrow().is_subscribed());
    assert!(
        again.does("sessions").await.contains("another client's by now")
            || again.does("sessions").await.contains("this one")
    );
    again.dies().await;

    // Whoever detaches leaves it to whoever wants it.
    other.does("detach").await;
    let third = Person::start(&cluster, home.path(), Naming::Named("third".into())).unwrap();
    third.does(&format!("subscribe --id {id}")).await;
    other.dies().await;
    let other = Person::at(&cluster, elsewhere.path());
    let told = other.take_up().await.join("\n");
    assert!(told.contains("is connected to another client"), "{told}");
    assert!(third.0.session().status().borrow().is_subscribed());
    other.dies().await;
    third.does("detach").await;
    third.dies().await;
    // Once nobody has it, the next start takes it up.
    let other = Person::at(&cluster, elsewhere.path());
    let told = other.take_up().await.join("\n");
    assert!(told.contains("taken up again"), "{told}");
    other.does("teardown").await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_framework_that_is_gone_is_told_with_its_cure() {
    let (cluster, home) = (cluster().await, tempfile::tempdir().unwrap());
    let first = Person::at(&cluster, home.path());
    first.does("subscribe --failover-timeout 500ms").await;
    first.does("run --cmd 'sleep 300' --name web").await;
    let id = first.id();
    first.dies().await;
    crate::support::until(DEADLINE, "its time is over", async || frameworks(&cluster).await.is_empty().then_some(()))
        .await;
    let second = Person::at(&cluster, home.path());
    assert!(second.opening().contains("is over"), "{}", second.opening());
    let told = second.take_up().await.join("\n");
    for words in ["is no more", "its task web was killed", "subscribe --new"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    second.does("subscribe --new").await;
    assert_ne!(second.id(), id);
    second.does("teardown").await;

    let told = second.does("subscribe --failover-timeout 0s").await;
    assert!(told.contains("no failover timeout"), "{told}");
    second.does("teardown").await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_to_another_master_and_back_takes_up_what_was_left_there() {
    let (one, other, home) = (cluster().await, cluster().await, tempfile::tempdir().unwrap());
    let person = Person::at(&one, home.path());
    person.does("run --cmd 'sleep 300' --name web").await;
    let id = person.id();
    let told = person.does(&format!("connect {}", other.address())).await;
    assert!(told.contains("is left on the old master"), "{told}");
    person.does("subscribe").await;
    assert_ne!(person.id(), id);
    let told = person.does(&format!("connect {}", one.address())).await;
    assert!(told.contains("taken up again") && told.contains("web RUNNING"), "{told}");
    assert_eq!(person.id(), id);
    person.does("teardown").await;
    // The one at the other master is still remembered.
    let listed = person.does("sessions").await;
    assert!(listed.contains("left behind"), "{listed}");
    person.dies().await;
    one.shutdown().await;
    other.shutdown().await;
}
