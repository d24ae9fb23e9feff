//! What a SUBSCRIBE can meet: statuses, redirects, things that are no Mesos.

use super::*;
use crate::support::hostile::subscribed;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again() {
    let routes_to_come = Answer::status(404, "Content-Type: text/plain\r\n", "404 Not Found.");
    for (answer, expected) in [
        (Answer::status(503, "", "No leader elected"), "No leader elected"),
        (Answer::status(503, "", "Master has not finished recovery"), "recovery"),
        (Answer::status(500, "", "oops"), "500"),
        (Answer::status(429, "", ""), "429"),
        (routes_to_come, "404"),
        (Answer::status(307, "Location: ftp://elsewhere/\r\n", ""), "redirect"),
        (Answer::status(307, "", ""), "redirect"),
        (Answer::Bytes(Vec::new()), "no answer from"),
        (Answer::Bytes(b"HTTP/1.1 200 O".to_vec()), "no answer from"),
        (Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "no answer from"),
        (Answer::Nothing, "for 75 s"),
        (Answer::Silent, "no SUBSCRIBED for 75 s"),
    ] {
        let master = Hostile::start([answer.clone(), BEAT]).await;
        let session = Session::start(config(&master)).unwrap();
        session.subscribe(info()).await;
        let why = waiting(&session).await;
        assert!(why.contains(expected), "{answer:?}: {why}");
        epoch(&session, 2).await;
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_told_once() {
    for (answer, expected) in [
        (Answer::status(400, "", "Failed to validate scheduler::Call: Expecting 'type' to be present"), "validate"),
        (
            Answer::status(401, "WWW-Authenticate: Basic realm=\"mesos-master-scheduler\"\r\n", "401 Unauthorized."),
            "401",
        ),
        (Answer::status(403, "", ""), "403"),
        (Answer::status(404, "Content-Type: text/html\r\n", "<html>no such page</html>"), "404"),
        (Answer::status(405, "", "405 Method Not Allowed."), "405"),
        (Answer::status(200, "Content-Type: text/html\r\n", "<html>welcome</html>"), "not as a Mesos master does"),
        (Answer::status(200, "", "hello"), "not as a Mesos master does"),
    ] {
        let master = Hostile::start([answer.clone(), BEAT]).await;
        let session = Session::start(config(&master)).unwrap();
        session.subscribe(info()).await;
        match closed(&session).await {
            Closed::Refused(why) => assert!(why.contains(expected), "{answer:?}: {why}"),
            other => panic!("{answer:?}: {other:?}"),
        }
        tokio::time::sleep(LONG).await;
        assert_eq!(master.count("SUBSCRIBE"), 1, "{answer:?}");
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_after_200_is_the_refusal_that_it_is() {
    for (message, expected) in [
        ("Framework has been removed", Closed::Removed),
        (
            "Roles {x} are not present in the master's --roles",
            Closed::Refused("Roles {x} are not present in the master's --roles".into()),
        ),
    ] {
        let master = Hostile::start([Answer::Silent]).await;
        let session = Session::start(config(&master)).unwrap();
        session.subscribe(info()).await;
        master.call("SUBSCRIBE", 0).await;
        master.event(&json!({"type": "ERROR", "error": {"message": message}}));
        master.end();
        assert_eq!(closed(&session).await, expected);
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_followed_to_the_leader_where_calls_then_go() {
    let leader = Hostile::start([BEAT]).await;
    for location in ["http://LEADER/api/v1/scheduler", "//LEADER/api/v1/scheduler", "LEADER"] {
        leader.then(BEAT);
        let location = location.replace("LEADER", &leader.address.to_string());
        let answer = Answer::status(307, &format!("Location: {location}\r\n"), "");
        let (standby, before) = (Hostile::start([answer]).await, leader.count("TEARDOWN"));
        let session = Session::start(config(&standby)).unwrap();
        session.subscribe(info()).await;
        within(LONG, "subscribed", session.subscribed()).await.unwrap();
        let led = session.status().borrow().address.clone().unwrap();
        assert_eq!(led.host_port(), leader.address.to_string());
        session.teardown().await.unwrap();
        assert_eq!((standby.count("TEARDOWN"), leader.count("TEARDOWN")), (0, before + 1));
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_in_a_circle_end() {
    let master = Hostile::start([]).await;
    let circle = Answer::status(307, &format!("Location: //{}/api/v1/scheduler\r\n", master.address), "");
    (0..6).for_each(|_| master.then(circle.clone()));
    master.then(BEAT);
    let session = Session::start(config(&master)).unwrap();
    session.subscribe(info()).await;
    // Masters that don't agree who leads may do so soon.
    assert!(waiting(&session).await.contains("redirect"));
    epoch(&session, 2).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_said_and_tried_again() {
    let port = crate::support::free_port();
    let session = Session::start(Config::new(Address::parse(&format!("127.0.0.1:{port}")).unwrap())).unwrap();
    session.subscribe(info()).await;
    let why = waiting(&session).await;
    assert!(why.starts_with(&format!("nothing answers at http://127.0.0.1:{port}")), "{why}");
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn any_chunking_gives_the_same_session() {
    for piece in [1, 2, 3, 7, 64, 1000] {
        let master = Hostile::start([Answer::Silent]).await;
        master.in_pieces(piece);
        let session = Session::start(Config { lease: None, idle: None, ..config(&master) }).unwrap();
        session.subscribe(info()).await;
        master.call("SUBSCRIBE", 0).await;
        master.event(&subscribed(15.0));
        let mut events = 1;
        for (file, line, step) in crate::golden::steps() {
            if file == "docker-task.jsonl" && step.get("event").is_some_and(|event| event["type"] != "SUBSCRIBED") {
                assert!(line > 0);
                master.event(&step["event"]);
                events += 1;
            }
        }
        let all = session.changed_until(|state| state.counts.events == events);
        within(LONG, &format!("{events} events in pieces of {piece}"), all).await;
        let seen =
            session.read(|state| (state.tasks.len(), state.counts.updates, state.counts.offers, state.counts.bad));
        assert_eq!(seen, (1, 3, 2, 0), "pieces of {piece}");
        session.close().await;
    }
}
