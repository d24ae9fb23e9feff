//! What a session records before it acts: on real sockets and a real disk, with a master that fails in between.

use std::path::{Path, PathBuf};

use super::*;
use crate::support::hostile::{FRAMEWORK, offers, update};
use mesos_repl::mesos::{Accept, Call, Kill, Launch, Operation, OperationType, TaskInfo};
use mesos_repl::store::{self, Folder, Kept, Naming};
use serde_json::json;

const DEADLINE: Duration = Duration::from_secs(30);

fn open(home: &Path, master: &Hostile) -> store::Found {
    store::open(&Folder::at(home), &Naming::Named("test".to_owned()), &master.address.to_string()).unwrap()
}

fn start(home: &Path, master: &Hostile) -> Session {
    Session::resume(Config { lease: None, idle: None, ..config(master) }, open(home, master)).unwrap()
}

/// A new session of a new file, subscribed.
async fn begun() -> (tempfile::TempDir, Hostile, Session) {
    let (home, master) = (tempfile::tempdir().unwrap(), Hostile::start([BEAT]).await);
    let session = start(home.path(), &master);
    session.subscribe(info()).await;
    subscribed(&session).await;
    (home, master, session)
}

/// The session of that file, taken up again.
async fn taken_up(home: &Path, master: &Hostile) -> Session {
    master.then(BEAT);
    let session = start(home, master);
    assert!(session.take_up().await);
    subscribed(&session).await;
    session
}

/// A session whose SUBSCRIBE nobody has answered, and the mark that it has on the disk.
async fn unanswered(answer: Answer) -> (tempfile::TempDir, Hostile, Session, String) {
    let (home, master) = (tempfile::tempdir().unwrap(), Hostile::start([answer]).await);
    let session = start(home.path(), &master);
    session.subscribe(info()).await;
    let mark = mark(&master.call("SUBSCRIBE", 0).await);
    (home, master, session, mark)
}

/// What the file says at this moment, were the process to die now.
fn kept(home: &Path) -> Kept {
    Folder::at(home).look("test").unwrap().unwrap().kept.unwrap().unwrap()
}

async fn subscribed(session: &Session) {
    within(DEADLINE, "subscribed", session.subscribed()).await.unwrap();
}

fn accept(task: &str) -> Call {
    let info = TaskInfo { name: task.into(), task_id: task.into(), agent_id: "S0".into(), ..TaskInfo::default() };
    let launch = Launch { task_infos: vec![info], ..Launch::default() };
    let operation = Operation { r#type: Some(OperationType::Launch), launch: Some(launch), ..Operation::default() };
    Call::Accept(Box::new(Accept { offer_ids: vec!["O1".into()], operations: vec![operation], ..Accept::default() }))
}

fn mark(asked: &crate::support::hostile::Asked) -> String {
    let labels = asked.json()["subscribe"]["framework_info"]["labels"]["labels"].clone();
    let mark = labels.as_array().unwrap().iter().find(|label| label["key"] == "mesos-repl-session");
    mark.unwrap()["value"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fact_is_on_the_disk_before_it_is_acted_upon() {
    let (home, master) = (tempfile::tempdir().unwrap(), Hostile::start([BEAT]).await);
    let session = start(home.path(), &master);
    session.subscribe(info()).await;
    // As soon as the master hears of the framework, its mark is known here; before any other call leaves, its id is.
    let asked = master.call("SUBSCRIBE", 0).await;
    assert_eq!(kept(home.path()).mark, Some(mark(&asked)));
    subscribed(&session).await;
    master.event(&offers(&["O1"]));
    within(DEADLINE, "an offer", session.changed_until(|state| !state.offers.is_empty())).await;
    master.silent("ACCEPT");
    let launching = tokio::spawn({
        let session = session.clone();
        async move { session.call(accept("web")).await }
    });
    master.call("ACCEPT", 0).await;
    let now = kept(home.path());
    assert_eq!(now.id().unwrap().as_str(), FRAMEWORK);
    assert_eq!(now.state.tasks.get("web").unwrap().state, TaskState::Staging);
    let open: Vec<_> = now.open.values().map(|called| called.kind.as_str()).collect();
    assert_eq!(open, ["ACCEPT"]);
    master.event(&update("web", "TASK_RUNNING", Some(1)));
    master.event(&update("web", "TASK_FINISHED", Some(2)));
    task_is(&session, "web", TaskState::Finished).await;
    // The line that calls have is held up by the ACCEPT that has no answer.
    assert_eq!(master.count("ACKNOWLEDGE"), 0);
    launching.abort();
    session.close().await;

    // The next process knows all of it, and asks for nothing a second time.
    master.then(BEAT);
    let again = start(home.path(), &master);
    assert!(again.take_up().await);
    subscribed(&again).await;
    let asked = master.call("SUBSCRIBE", 1).await;
    assert_eq!(asked.json()["framework_id"]["value"], FRAMEWORK);
    master.event(&update("web", "TASK_RUNNING", Some(1)));
    let acknowledged = master.call("ACKNOWLEDGE", 0).await;
    assert_eq!(acknowledged.json()["acknowledge"]["task_id"]["value"], "web");
    assert_eq!(master.count("ACCEPT"), 1);
    let (history, repeats) = again.read(|state| {
        let task = state.tasks.get("web").unwrap();
        (task.updates(), task.history().map(|one| one.repeats).collect::<Vec<_>>())
    });
    assert_eq!((history, repeats), (2, vec![1, 0]), "shown once, acknowledged again");
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_on_the_disk_before_it_is_acknowledged() {
    let (home, master, session) = begun().await;
    for number in 0..50u8 {
        master.event(&update(&format!("t{number}"), "TASK_RUNNING", Some(number + 1)));
        master.call("ACKNOWLEDGE", usize::from(number)).await;
        // Once it is acknowledged, nobody will ever say it again.
        let now = kept(home.path());
        assert_eq!(now.state.tasks.get(&format!("t{number}")).map(|task| task.updates()), Some(1), "{number}");
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_whose_answer_was_lost_is_found_and_not_repeated() {
    // The master takes the framework in, and the answer never arrives.
    let (_home, master, session, mark) = unanswered(Answer::Bytes(Vec::new())).await;
    waiting(&session).await;
    let listed = |id: &str, mark: &str| {
        json!({"type": "GET_FRAMEWORKS", "get_frameworks": {"frameworks": [
            {"framework_info": {"id": {"value": "another"}, "name": "x", "user": "y"}},
            {"framework_info": {"id": {"value": id}, "labels": {"labels": [{"key": "mesos-repl-session", "value": mark}]}}}]}})
        .to_string()
    };
    master.answer("GET_FRAMEWORKS", 200, &listed("found", &mark));
    master.then(BEAT);
    session.reconnect().await;
    subscribed(&session).await;
    let second = master.call("SUBSCRIBE", 1).await;
    assert_eq!(second.json()["framework_id"]["value"], "found");
    session.close().await;

    // The same when the process dies in between.
    let (home, master, session, mark) = unanswered(Answer::Nothing).await;
    session.close().await;
    let again = start(home.path(), &master);
    master.answer("GET_FRAMEWORKS", 200, &listed("found", &mark));
    master.then(BEAT);
    assert!(again.take_up().await);
    subscribed(&again).await;
    assert_eq!(master.call("SUBSCRIBE", 1).await.json()["framework_id"]["value"], "found");
    again.close().await;

    // A master that has never heard of it registers it now, under the same mark.
    let (home, master, session, mark) = unanswered(Answer::Nothing).await;
    session.close().await;
    let again = start(home.path(), &master);
    master.answer("GET_FRAMEWORKS", 200, &listed("found", "another mark"));
    master.then(BEAT);
    assert!(again.take_up().await);
    subscribed(&again).await;
    let second = master.call("SUBSCRIBE", 1).await;
    assert_eq!((second.json().get("framework_id"), self::mark(&second)), (None, mark));
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_it_ended_is_remembered() {
    use mesos_repl::store::{Left, Standing};
    let (home, master, session) = begun().await;
    master.cut();
    waiting(&session).await;
    session.close().await;
    assert!(matches!(kept(home.path()).standing, Standing::Lost(_)));

    let session = taken_up(home.path(), &master).await;
    master.event(&json!({"type": "ERROR", "error": {"message": "Framework failed over"}}));
    closed(&session).await;
    session.close().await;
    assert!(matches!(kept(home.path()).standing, Standing::Left(Left::Stolen, _)));

    let session = taken_up(home.path(), &master).await;
    session.detach().await;
    session.close().await;
    assert!(matches!(kept(home.path()).standing, Standing::Left(Left::Detached, _)));

    // A TEARDOWN that isn't answered is no teardown; one that is leaves nothing.
    let session = taken_up(home.path(), &master).await;
    master.silent("TEARDOWN");
    let tearing = tokio::spawn({
        let session = session.clone();
        async move { session.teardown().await }
    });
    master.call("TEARDOWN", 0).await;
    assert_eq!(kept(home.path()).open.values().map(|call| call.kind.as_str()).collect::<Vec<_>>(), ["TEARDOWN"]);
    tearing.abort();
    session.close().await;
    let session = taken_up(home.path(), &master).await;
    session.teardown().await.unwrap();
    session.close().await;
    assert!(Folder::at(home.path()).look("test").unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_tasks_and_calls_stay_out_of_the_file() {
    let (home, master, session) = begun().await;
    let json = json!({"type": "ACCEPT", "accept": {"offer_ids": [{"value": "O1"}], "operations": [{"type": "LAUNCH",
        "launch": {"task_infos": [{"name": "web", "task_id": {"value": "web"}, "agent_id": {"value": "S0"}, "resources": [],
            "command": {"value": "x --password hunter2", "environment": {"variables": [{"name": "API_TOKEN", "value": "hunter2"}]}}}]}}]}});
    let serde_json::Value::Object(fields) = json else { panic!() };
    session.call(Call::Raw(fields)).await.unwrap();
    let sent = master.call("ACCEPT", 0).await;
    assert!(String::from_utf8_lossy(&sent.body).contains("hunter2"), "the master gets it as it is");
    master.event(&json!({"type": "UPDATE", "update": {"status": {"task_id": {"value": "web"}, "state": "TASK_FAILED",
        "message": "can't fetch https://me:hunter2@host/x"}}}));
    task_is(&session, "web", TaskState::Failed).await;
    session.call(Call::Kill(Kill { task_id: "web".into(), ..Kill::default() })).await.unwrap();
    session.close().await;
    let text = std::fs::read_to_string(file(home.path())).unwrap();
    assert!(text.contains("can't fetch") && !text.contains("hunter2"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_whose_answer_says_nothing_is_told_by_its_task_and_not_remembered_as_a_call() {
    let (home, master, session) = begun().await;
    for number in 0..5 {
        master.answer("ACCEPT", 502, "a gateway's");
        session.call(accept(&format!("t{number}"))).await.unwrap_err();
    }
    session.close().await;
    let now = kept(home.path());
    assert!(now.open.is_empty(), "{:?}", now.open);
    // The next process asks the master about them.
    assert_eq!(now.active().count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_does_not_grow_with_each_life_of_its_session() {
    const REWRITE: u64 = 4096;
    let (home, master, session) = begun().await;
    session.close().await;
    let size = || std::fs::metadata(file(home.path())).unwrap().len();
    let mut rewritten = 0;
    for _ in 0..40 {
        let (found, before) = (open(home.path(), &master), size());
        let config = Config { lease: None, idle: None, rewrite: REWRITE, ..config(&master) };
        master.then(BEAT);
        let session = Session::resume(config, found).unwrap();
        assert!(session.take_up().await);
        subscribed(&session).await;
        if before >= REWRITE {
            crate::support::until(DEADLINE, "the file is written anew", async || (size() < before).then_some(())).await;
        }
        session.close().await;
        // It may have been sooner: what is recorded is weighed, not measured.
        rewritten += usize::from(size() < before);
        assert!(size() < 2 * REWRITE, "{} bytes", size());
    }
    assert!(rewritten > 0);
    let now = kept(home.path());
    assert_eq!(now.id().unwrap().as_str(), FRAMEWORK);
}

fn file(home: &Path) -> PathBuf {
    home.join("test.session")
}
