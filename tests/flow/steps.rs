//! The steps, and what must be seen after each.

use super::*;

/// How a step ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ends {
    Well,
    Badly,
}
use Ends::{Badly, Well};

/// What is typed, how it ends, words that the answer has, and the state of a task afterwards.
pub type Step = (&'static str, Ends, &'static [&'static str], Option<(&'static str, TaskState)>);

/// From the first connection to a command task's end.
pub fn commands() -> Vec<Step> {
    use TaskState::{Failed, Finished, Killed, Running};
    vec![
        ("connect", Well, &["127.0.0.1"], None),
        ("version", Well, &["1.11.0"], None),
        ("agents", Well, &["CPUS"], None),
        ("subscribe --name flow", Well, &["flow"], None),
        ("status", Well, &["subscribed"], None),
        ("frameworks", Well, &["flow"], None),
        ("offers", Well, &["localhost", "4"], None),
        ("hold --all", Well, &[], None),
        (
            "run --cmd 'echo hello; echo oops >&2; sleep 300' --name nap --cpus 0.1 --mem 32",
            Well,
            &["RUNNING"],
            Some(("nap", Running)),
        ),
        ("wait nap running", Well, &["RUNNING"], Some(("nap", Running))),
        ("tasks", Well, &["nap", "RUNNING"], None),
        ("task nap", Well, &["nap", "STARTING", "RUNNING"], None),
        ("show nap", Well, &["task_id", "TASK_RUNNING"], None),
        ("logs nap", Well, &["hello"], None),
        ("logs nap --stderr", Well, &["oops"], None),
        ("files nap", Well, &["stdout", "stderr"], None),
        ("reconcile", Well, &[], Some(("nap", Running))),
        ("kill nap", Well, &["KILLED"], Some(("nap", Killed))),
        ("run --cmd 'echo done' --name quick --until finished", Well, &["FINISHED"], Some(("quick", Finished))),
        (
            "run --cmd 'exit 3' --name bad --until finished",
            Badly,
            &["FAILED", "exited with status 3"],
            Some(("bad", Failed)),
        ),
        ("run --cmd true --name big --cpus 1000", Badly, &["1000", "cpus"], None),
        ("events -n 100 --kind UPDATE", Well, &["TASK_"], None),
        ("get .frameworks[0].name", Well, &["flow"], None),
        ("heartbeat", Well, &["heartbeat"], None),
        ("suppress", Well, &[], None),
        ("revive", Well, &[], None),
    ]
}

/// A Docker task from a small image, and one whose image nobody has.
pub fn containers() -> Vec<Step> {
    use TaskState::{Failed, Killed, Running};
    vec![
        (
            "run --docker busybox:latest --cmd 'echo from a box; sleep 300' --name box --network host --cpus 0.1 --mem 32",
            Well,
            &["RUNNING"],
            Some(("box", Running)),
        ),
        ("logs box", Well, &["from a box"], None),
        ("kill box", Well, &["KILLED"], Some(("box", Killed))),
        (
            "run --docker no-such-image-anywhere:none --name missing --network host",
            Badly,
            &["FAILED"],
            Some(("missing", Failed)),
        ),
    ]
}

/// Types them one after the other.
pub async fn walk(person: &Person, steps: &[Step]) {
    for (line, ends, words, after) in steps {
        match ends {
            Badly => drop(person.fails(line, words).await),
            Well => {
                // Logs and offers come in their own time: asked again until they are there.
                let started = std::time::Instant::now();
                loop {
                    let text = person.does(line).await;
                    if words.iter().all(|word| text.contains(word)) {
                        break;
                    }
                    assert!(
                        started.elapsed() < Duration::from_secs(20),
                        "{line}\ndoesn't say all of {words:?}:\n{text}"
                    );
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        if let Some((task, state)) = after {
            assert_eq!(person.state_of(task).as_ref(), Some(state), "after {line}");
        }
    }
}

/// An offer that has been used can't be used again; what the master makes of it is shown.
pub async fn used_up_offer(person: &Person) {
    let session = person.engine.session();
    session.want_offers().await.unwrap();
    crate::support::within(DEADLINE, "an offer", session.changed_until(|state| !state.offers.is_empty())).await;
    let (offer, agent) = session.read(|state| {
        let held = state.offers.in_order()[0];
        (held.record.id.clone(), held.record.agent_id.clone())
    });
    person.does(&format!("decline {offer}")).await;
    let call = serde_json::json!({"type": "ACCEPT", "accept": {"offer_ids": [{"value": offer.as_str()}], "operations": [
        {"type": "LAUNCH", "launch": {"task_infos": [{"name": "late", "task_id": {"value": "late"}, "agent_id": {"value": agent.as_str()},
            "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}], "command": {"value": "true"}}]}}]}});
    // The session knows better than to send it; sent all the same, the master says what it makes of it.
    person.fails(&call.to_string(), &["there is no offer", "nothing was sent"]).await;
    assert_eq!(person.state_of("late"), None);
    person.fails(&format!("call --force {call}"), &["invalid offers", "no longer holds"]).await;
    assert_eq!(person.state_of("late"), Some(TaskState::Dropped));
}

/// Ends the framework; the master must agree that it is gone.
pub async fn teardown(person: &Person) {
    let id = person.engine.session().read(|state| state.framework_id.clone()).unwrap();
    person.does("teardown").await;
    let gone = async || {
        let text = person.does("get /frameworks .completed_frameworks").await;
        text.contains(id.as_str()).then_some(())
    };
    crate::support::until(Duration::from_secs(20), "the framework is among the completed ones", gone).await;
}
