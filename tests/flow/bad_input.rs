//! What people get wrong: each gets a clear answer, and leaves session and tasks as they were.

use super::*;

/// What is typed, and words that the answer has.
const TABLE: &[(&str, &[&str])] = &[
    ("ofers", &["offers"]),
    ("kill nosuchtask", &["nosuchtask"]),
    ("kill", &["task"]),
    ("task na nope", &["nope"]),
    ("accept nosuchoffer --cmd true", &["nosuchoffer"]),
    ("run --cmd true --cpus many", &["many"]),
    ("run --cmd true --cpus -1", &["-1"]),
    ("run --cmd true --mem 12parsecs", &["12parsecs"]),
    ("run --cmd true --cpus 1000", &["1000", "cpus", "the largest agent"]),
    ("run --cmd true --mem 900g", &["mem"]),
    ("run --cmd true --port 1", &["port 1", "no later offer", "--port any"]),
    ("run --cmd true --port 70000", &["70000", "65535"]),
    ("get /nosuch", &["/nosuch", "/state"]),
    ("get /vesion", &["did you mean /version"]),
    ("get /nosuch --agent localhost", &["/nosuch"]),
    ("run --cmd true --prot 1", &["--port"]),
    ("run --cmd 'unterminated", &["quote"]),
    ("run", &["--cmd"]),
    ("connect host:port:more", &["host:port:more"]),
    ("connect ftp://x", &["http"]),
    ("connect 127.0.0.1:1", &["nothing answers"]),
    ("wait nap dancing", &["dancing"]),
    ("get .slaves[0", &["["]),
    ("get .slaves[9].id", &["9"]),
    ("{\"type\": \"REVIVE\"", &[""]),
    ("{\"type\": \"REVIVE\"}}", &[""]),
    ("{\"type\": \"NONSENSE\"}", &["NONSENSE"]),
    ("{\"type\": \"UNKNOWN\"}", &["UNKNOWN"]),
    ("{\"type\": \"DECLINE\", \"declin\": {}}", &["declin", "decline"]),
    ("{\"type\": \"KILL\", \"kill\": {\"task_id\": 5}}", &["task_id"]),
    ("{\"type\": \"ACCEPT\", \"accept\": {\"offer_ids\": \"all\"}}", &["offer_ids"]),
    (
        "{\"type\": \"DECLINE\", \"decline\": {\"offer_ids\": [], \"filters\": {\"refuse_secs\": 5}}}",
        &["refuse_secs", "refuse_seconds"],
    ),
];

pub async fn try_all(person: &Person) {
    person.does("subscribe --name steady").await;
    person.does("run --cmd 'sleep 300' --name nap").await;
    let before = known(person);
    for (line, words) in TABLE {
        let text = person.fails(line, words).await;
        assert!(!text.trim().is_empty(), "{line} failed without a word");
        assert!(!text.contains('\u{1b}'), "{line}: {text:?}");
        assert_eq!(known(person), before, "after {line}");
    }
    // With offers in hand, it says for each what is short.
    let session = person.engine.session();
    session.want_offers().await.unwrap();
    crate::support::within(DEADLINE, "an offer", session.changed_until(|state| !state.offers.is_empty())).await;
    person.fails("run --cmd true --cpus 1000", &["no offer fits", "short of 996"]).await;
    assert_eq!(person.state_of("nap"), Some(TaskState::Running));
    person.does("kill nap").await;
}

/// The subscription, the tasks and the master in use.
fn known(person: &Person) -> (String, Vec<String>, String) {
    let session = person.engine.session();
    let phase = session.status().borrow().is_subscribed();
    let tasks = session.read(|state| state.tasks.iter().map(|task| format!("{} {}", task.id, task.state)).collect());
    (
        format!("{phase} {:?}", session.read(|state| state.framework_id.clone())),
        tasks,
        person.engine.target().masters.to_string(),
    )
}
