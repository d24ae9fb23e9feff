//! Faults on demand: each does what it says to a scheduler that looks, and the same again with the same seed.

use std::time::Duration;

use mesos_repl::embedded::{Cluster, Fault, Order, Updates};
use serde_json::{Value, json};

use super::client::{Answer, Got, call, send};
use super::scheduler::{Framework, SOON, page, quick};
use crate::support::until;

fn subscribe() -> Value {
    json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "faults"}}})
}

/// What the endpoint answers.
async fn ask(cluster: &Cluster, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let path = format!("/embedded/faults{path}");
    send(cluster.address(), "POST", &path, &headers, body.to_string().as_bytes()).await.whole()
}

/// The raw bytes of a stream's chunks up to where it ends, and whether it ended as HTTP says.
async fn raw(cluster: &Cluster) -> (Vec<Vec<u8>>, bool) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let body = subscribe().to_string();
    let mut socket = tokio::net::TcpStream::connect(cluster.address()).await.unwrap();
    let head = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    crate::support::within(SOON, "the stream's end", socket.read_to_end(&mut bytes)).await.unwrap();
    let start = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (mut rest, mut chunks) = (&bytes[start..], Vec::new());
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (chunks, true);
        }
        chunks.push(rest[line + 2..line + 2 + size].to_vec());
        rest = &rest[line + 4 + size..];
    }
    (chunks, false)
}

#[tokio::test]
async fn a_stream_breaks_off_at_any_byte_from_its_beginning() {
    let cluster = super::start(quick(1)).await;
    for at in [1, 2, 3, 50, 200] {
        cluster.fault(Fault::Cut { after: Some(at), inside: false, next: true }).await.unwrap();
        let (chunks, ended) = raw(&cluster).await;
        assert_eq!((chunks.concat().len() as u64, ended), (at, false), "cut after {at}");
    }
    assert!(cluster.faults().is_empty(), "each cuts one stream");
    cluster.shutdown().await;
}

#[tokio::test]
async fn open_streams_break_off_inside_a_record_as_the_seed_has_it() {
    let cluster = super::start(quick(1)).await;
    let mut cut = Vec::new();
    for seed in [5, 5, 6] {
        let mut framework = Framework::new(&cluster, json!({})).await;
        framework.offer().await;
        let order = Order::from(Fault::Cut { after: None, inside: true, next: false }).seeded(seed);
        let effect = cluster.fault(order).await.unwrap();
        assert_eq!(effect.seed, Some(seed));
        let torn = framework.stream.wait("NOT ONE RECORD").await["chunk"].as_str().unwrap().to_owned();
        assert!("20\n{\"type\":\"HEARTBEAT\"}".starts_with(&torn), "{torn}");
        assert_eq!(framework.stream.next().await, None);
        cut.push(torn.len());
    }
    assert_eq!(cut[0], cut[1]);
    let unseeded = cluster.fault(Fault::Cut { after: None, inside: true, next: false }).await.unwrap();
    assert!(unseeded.seed.is_some(), "it tells the seed that repeats it");
    cluster.shutdown().await;
}

#[tokio::test]
async fn streams_are_split_muted_and_late() {
    let cluster = super::start(quick(1)).await;
    cluster.fault(Fault::Split).await.unwrap();
    cluster.fault(Fault::Cut { after: Some(30), inside: false, next: true }).await.unwrap();
    let (chunks, _) = raw(&cluster).await;
    assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), vec![1; 30]);
    assert_eq!(cluster.clear_faults().await.len(), 1);

    cluster.fault(Fault::Mute).await.unwrap();
    let mut framework = Framework::new(&cluster, json!({})).await;
    framework.offer().await;
    // Three heartbeats' time passes; `try_next` passes heartbeats over, so what came is looked at as it came.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(framework.stream.heartbeats(), 0);
    cluster.clear_faults().await;
    until(SOON, "a heartbeat", async || {
        framework.stream.try_next();
        (framework.stream.heartbeats() > 0).then_some(())
    })
    .await;

    let by = Duration::from_millis(300);
    cluster.fault(Fault::Delay { by, jitter: Duration::ZERO }).await.unwrap();
    let start = std::time::Instant::now();
    framework.call(json!({"type": "REVIVE"})).await;
    assert!(start.elapsed() >= by, "an answer: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    page(cluster.address(), "/state").await;
    assert!(start.elapsed() < by, "what only looks isn't late: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    cluster.fault(Fault::Rescind { offers: Vec::new() }).await.unwrap();
    framework.stream.wait("RESCIND").await;
    assert!(start.elapsed() >= by, "an event: {:?}", start.elapsed());
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_master_that_does_not_lead_has_no_streams_and_says_so() {
    let cluster = super::start(quick(1)).await;
    let to = cluster.address();
    for (fault, status, place) in [
        (Fault::Redirect { to: "other:5050".to_owned() }, 307, Some("//other:5050/api/v1/scheduler")),
        (Fault::NoLeader, 503, None),
        (Fault::Recovering, 503, None),
    ] {
        let mut framework = Framework::new(&cluster, json!({})).await;
        let effect = cluster.fault(fault).await.unwrap();
        assert!(effect.told.contains("cut: 1 stream"), "{effect:?}");
        while framework.stream.next().await.is_some() {}
        let Got::Whole(answer) = call(to, None, &subscribe()).await else { panic!("a stream") };
        assert_eq!((answer.status, answer.header("location")), (status, place));
        assert_eq!(page(to, "/version").await["version"], "1.11.0", "what needs no leader is answered");
        assert_eq!(cluster.clear_faults().await.len(), 1);
    }
    // One that ends by itself.
    cluster.fault(Order::from(Fault::NoLeader).lasting(Duration::from_millis(100))).await.unwrap();
    until(SOON, "a leader again", async || (call(to, None, &json!({})).await.whole().status == 400).then_some(()))
        .await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn offers_are_taken_back_all_or_one() {
    let cluster = super::start(quick(2)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    let offers = framework.stream.wait("OFFERS").await["offers"]["offers"].clone();
    let id = offers[1]["id"]["value"].as_str().unwrap();
    let short = id.rsplit('-').next().unwrap().to_owned();
    cluster.fault(Fault::Rescind { offers: vec![short] }).await.unwrap();
    assert_eq!(framework.stream.wait("RESCIND").await["rescind"]["offer_id"]["value"], id);
    let error = cluster.fault(Fault::Rescind { offers: vec!["O999".to_owned()] }).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no offer 'O999'");
    cluster.shutdown().await;
}

#[tokio::test]
async fn updates_get_lost_and_double() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    let of = |count, task: &str| Updates { count: Some(count), chance: None, task: Some(task.to_owned()) };
    cluster.fault(Fault::Double(of(1, "twice"))).await.unwrap();
    cluster.fault(Fault::Drop(of(1, "late"))).await.unwrap();
    framework.launch("twice", "sleep 1000").await;
    let first = framework.stream.wait("UPDATE").await;
    assert_eq!(framework.stream.wait("UPDATE").await, first);
    framework.acknowledge(&first["update"]["status"]).await;
    framework.until("TASK_RUNNING").await;
    let start = std::time::Instant::now();
    framework.launch("late", "sleep 1000").await;
    assert_eq!(framework.until("TASK_STARTING").await["task_id"]["value"], "late");
    let waited = start.elapsed();
    assert!((9..15).contains(&waited.as_secs()), "the agent sends it again after 10 s: {waited:?}");
    assert!(cluster.faults().is_empty(), "both are used up");
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_agent_is_away_and_comes_back_with_what_happened_meanwhile() {
    let cluster = super::start(quick(2)).await;
    for (capabilities, gone) in [(json!([{"type": "PARTITION_AWARE"}]), "TASK_UNREACHABLE"), (json!([]), "TASK_LOST")] {
        let mut framework = Framework::new(&cluster, json!({"capabilities": capabilities})).await;
        let agent = framework.launch("runs", "sleep 1000").await;
        framework.until("TASK_RUNNING").await;
        let on = Framework::at_agent(&agent);
        let ends = format!("ends-{gone}");
        framework.launch_on(&ends, "sleep 0.3", &on).await;
        framework.until("TASK_RUNNING").await;
        let effect = cluster.fault(Fault::Partition { agent: Some(on.clone()) }).await.unwrap();
        assert_eq!(effect.agents.iter().map(ToString::to_string).collect::<Vec<_>>(), [on.as_str()]);
        for _ in 0..2 {
            let status = framework.update().await;
            assert_eq!(
                (&status["state"], &status["reason"]),
                (&json!(gone), &json!("REASON_AGENT_REMOVED")),
                "{status}"
            );
        }
        assert_eq!(framework.stream.wait("FAILURE").await["failure"]["agent_id"], agent);
        let error = cluster.fault(Fault::Partition { agent: Some(on.clone()) }).await.unwrap_err();
        assert!(error.to_string().contains("can be reached"), "{error}");
        // The task ends where nobody sees it.
        let address = cluster.agents();
        until(SOON, "the task's end, by its agent's word", async || {
            for to in address {
                let state = page(*to, "/state").await.to_string();
                if state.contains(&format!("\"{ends}\"")) && state.contains("TASK_FINISHED") {
                    return Some(());
                }
            }
            None
        })
        .await;
        cluster.fault(Fault::Return { agent: None }).await.unwrap();
        assert!(cluster.faults().is_empty());
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let status = framework.update().await;
            let text = |name: &str| status[name].as_str().unwrap_or("").to_owned();
            seen.push((status["task_id"]["value"].as_str().unwrap().to_owned(), text("state"), text("reason")));
        }
        seen.sort();
        let told = |task: &str, state: &str, reason: &str| (task.to_owned(), state.to_owned(), reason.to_owned());
        let want = [
            told(&ends, "TASK_FINISHED", ""),
            told(&ends, "TASK_FINISHED", "REASON_AGENT_REREGISTERED"),
            told("runs", "TASK_RUNNING", "REASON_AGENT_REREGISTERED"),
        ];
        assert_eq!(seen, want);
        framework.call(json!({"type": "KILL", "kill": {"task_id": {"value": "runs"}}})).await;
        framework.until("TASK_KILLED").await;
        framework.call(json!({"type": "TEARDOWN"})).await;
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_framework_that_ended_meanwhile_runs_nothing_on_an_agent_that_returns() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    cluster.fault(Order::from(Fault::Partition { agent: None }).seeded(1)).await.unwrap();
    framework.call(json!({"type": "TEARDOWN"})).await;
    let agent = cluster.agents()[0];
    assert_eq!(page(agent, "/state").await["frameworks"][0]["executors"][0]["tasks"][0]["id"], "t");
    assert_eq!(cluster.clear_faults().await.len(), 1, "clearing brings it back");
    until(SOON, "the agent ends the task", async || {
        page(agent, "/state").await["frameworks"].as_array()?.is_empty().then_some(())
    })
    .await;
    assert_eq!(page(cluster.address(), "/slaves").await["slaves"].as_array().unwrap().len(), 1);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_lost_agent_takes_its_tasks_along() {
    let cluster = super::start(quick(2)).await;
    let aware = json!({"capabilities": [{"type": "PARTITION_AWARE"}]});
    let mut framework = Framework::new(&cluster, aware).await;
    let agent = framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    cluster.fault(Fault::Lose { agent: Some(Framework::at_agent(&agent)) }).await.unwrap();
    assert_eq!(framework.until("TASK_GONE").await["reason"], "REASON_AGENT_REMOVED");
    assert_eq!(page(cluster.address(), "/slaves").await["slaves"].as_array().unwrap().len(), 1);
    let error = cluster.fault(Fault::Return { agent: None }).await.unwrap_err();
    assert_eq!(error.to_string(), "no agent is out of reach");
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_executor_crashes_and_its_tasks_with_it() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    framework.launch("t", "trap '' TERM; while :; do sleep 0.1; done").await;
    framework.until("TASK_RUNNING").await;
    cluster.fault(Fault::Crash { task: Some("t".to_owned()) }).await.unwrap();
    let status = framework.until("TASK_FAILED").await;
    assert_eq!((&status["reason"], &status["source"]), (&json!("REASON_EXECUTOR_TERMINATED"), &json!("SOURCE_AGENT")));
    let error = cluster.fault(Fault::Crash { task: Some("t".to_owned()) }).await.unwrap_err();
    assert!(error.to_string().contains("no task 't' runs"), "{error}");
    // A group's executor is one for all its tasks, and the scheduler hears of its end.
    framework.launch_group("E", &[("a", "sleep 1000"), ("b", "sleep 1000")]).await;
    for _ in 0..2 {
        framework.until("TASK_RUNNING").await;
    }
    cluster.fault(Fault::Crash { task: Some("a".to_owned()) }).await.unwrap();
    let (mut failed, mut status) = (0, Value::Null);
    while failed < 2 || status.is_null() {
        let event = framework.stream.next().await.unwrap();
        match event["type"].as_str().unwrap() {
            "UPDATE" if event["update"]["status"]["state"] == "TASK_FAILED" => {
                assert_eq!(event["update"]["status"]["reason"], "REASON_EXECUTOR_TERMINATED", "{event}");
                framework.acknowledge(&event["update"]["status"]).await;
                failed += 1;
            }
            "FAILURE" => status = event["failure"]["status"].clone(),
            _ => {}
        }
    }
    assert_eq!(status, 9);
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_image_takes_its_time() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    let by = Duration::from_millis(400);
    cluster.fault(Fault::SlowPull { by }).await.unwrap();
    let start = std::time::Instant::now();
    framework
        .launch_with(
            "t",
            json!({"command": {"shell": false},
        "container": {"type": "DOCKER", "docker": {"image": "any"}}}),
        )
        .await;
    framework.until("TASK_RUNNING").await;
    assert!(start.elapsed() >= by, "{:?}", start.elapsed());
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_image_is_nowhere_to_be_had_until_it_is() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    let docker = json!({"command": {"shell": false}, "container": {"type": "DOCKER", "docker": {"image": "any:1"}}});
    cluster.fault(Fault::NoImage).await.unwrap();
    framework.launch_with("t", docker.clone()).await;
    let status = framework.until("TASK_FAILED").await;
    assert_eq!(status["reason"], "REASON_CONTAINER_LAUNCH_FAILED", "{status}");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("pull any:1") && message.contains("manifest unknown"), "{message}");
    // What needs no image runs, and the image is there when the fault is over.
    framework.launch_with("u", json!({"command": {"value": "sleep 60"}})).await;
    framework.until("TASK_RUNNING").await;
    cluster.clear_faults().await;
    framework.launch_with("v", docker).await;
    framework.until("TASK_RUNNING").await;
    cluster.shutdown().await;
}

/// A framework, its task, its reservation and its unanswered operation, after a master that ended without a word.
#[tokio::test]
async fn a_master_restarts_with_and_without_its_registry() {
    for registry in [true, false] {
        let cluster = super::start(quick(2)).await;
        let to = cluster.address();
        let roles = json!({"roles": ["web"], "failover_timeout": 3600,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]});
        let mut framework = Framework::new(&cluster, roles.clone()).await;
        let offer = framework.offer().await;
        let reserved = json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 1},
            "reservations": [{"type": "DYNAMIC", "role": "web"}]});
        let reserve = json!({"type": "RESERVE", "id": {"value": "op"}, "reserve": {"resources": [reserved]}});
        framework.accept(&offer, reserve).await;
        let done = framework.stream.wait("UPDATE_OPERATION_STATUS").await["update_operation_status"]["status"].clone();
        assert_eq!(done["state"], "OPERATION_FINISHED");
        framework.launch_on("t", "sleep 1000", &Framework::at_agent(&offer["agent_id"])).await;
        framework.until("TASK_STARTING").await;
        let running = framework.stream.wait("UPDATE").await["update"]["status"].clone();
        // An agent that is away all the while.
        let before = page(to, "/slaves").await;
        let busy = running["agent_id"]["value"].as_str().unwrap();
        let all = before["slaves"].as_array().unwrap();
        let idle = all.iter().find(|agent| agent["id"] != busy).unwrap()["id"].as_str().unwrap().to_owned();
        cluster.fault(Fault::Partition { agent: Some(idle.clone()) }).await.unwrap();
        let old = page(to, "/state").await["id"].clone();

        cluster.fault(Fault::Restart { registry, down: Duration::from_millis(200) }).await.unwrap();
        while framework.stream.next().await.is_some() {}
        let state = until(SOON, "the agent with its task", async || {
            let Ok(socket) = tokio::net::TcpStream::connect(to).await else { return None };
            drop(socket);
            let state = page(to, "/state").await;
            (state["slaves"][0]["id"] == busy && state["id"] != old).then_some(state)
        })
        .await;
        let known = &state["frameworks"][0];
        assert_eq!((&known["id"], &known["recovered"]), (&framework.id["value"], &json!(true)), "{state}");
        assert_eq!((&known["tasks"][0]["id"], &known["tasks"][0]["state"]), (&json!("t"), &json!("TASK_RUNNING")));
        assert_eq!(state["slaves"][0]["reserved_resources"]["web"]["cpus"], 1.0, "{state}");
        let unreachable = state["unreachable_slaves"].as_f64();
        assert_eq!(unreachable, Some(if registry { 1.0 } else { 0.0 }));

        let mut more = roles;
        more["id"] = framework.id.clone();
        let mut back = Framework::at(to, more).await;
        assert_eq!(back.id, framework.id);
        // What was not acknowledged comes again: of tasks and of operations.
        let (mut update, mut operation) = (Value::Null, Value::Null);
        while update.is_null() || operation.is_null() {
            let event = back.stream.next().await.unwrap();
            match event["type"].as_str().unwrap() {
                "UPDATE" => update = event["update"]["status"].clone(),
                "UPDATE_OPERATION_STATUS" => operation = event["update_operation_status"]["status"].clone(),
                _ => {}
            }
        }
        assert_eq!((&update["uuid"], &operation["uuid"]), (&running["uuid"], &done["uuid"]));
        back.acknowledge(&update).await;
        // Of an agent that can't be reached a master without its registry knows nothing.
        let asked = json!({"task_id": {"value": "x"}, "agent_id": {"value": idle}});
        back.call(json!({"type": "RECONCILE", "reconcile": {"tasks": [asked]}})).await;
        let answer = back.update().await;
        assert_eq!(answer["state"], "TASK_LOST");
        assert_eq!(answer["message"].as_str().unwrap().contains("unreachable"), registry, "{answer}");
        back.call(json!({"type": "KILL", "kill": {"task_id": {"value": "t"}}})).await;
        back.until("TASK_KILLED").await;
        cluster.shutdown().await;
    }
}

#[tokio::test]
async fn faults_are_asked_for_over_http_from_this_machine_by_no_web_page() {
    let cluster = super::start(quick(1)).await;
    let answer = ask(&cluster, "", &json!({"fault": {"kind": "mute"}, "for": 60})).await;
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(1)), "{}", answer.text());
    let listed = page(cluster.address(), "/embedded/faults").await;
    assert_eq!(listed["faults"][0]["fault"], json!({"kind": "mute"}));
    assert!(listed["faults"][0]["left"].as_f64().is_some_and(|left| left > 50.0));
    let answer = ask(&cluster, "/clear", &json!({"kind": "split"})).await.json();
    assert_eq!(answer, json!({"cleared": []}));
    let answer = ask(&cluster, "/clear", &json!({"id": 1})).await.json();
    assert_eq!(answer["cleared"][0]["id"], 1);
    for (body, why) in [
        (json!({"fault": {"kind": "burn"}}), "unknown variant `burn`"),
        (json!({"fault": {"kind": "rescind"}, "for": 3}), "lasts no time"),
        (json!({"fault": {"kind": "lose", "agent": "S9"}}), "there is no agent 'S9'"),
    ] {
        let answer = ask(&cluster, "", &body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    // What a browser may send without asking first.
    let plain = [("Content-Type".to_owned(), "text/plain".to_owned())];
    let body = br#"{"fault": {"kind": "mute"}}"#;
    let answer = send(cluster.address(), "POST", "/embedded/faults", &plain, body).await.whole();
    assert_eq!(answer.status, 415);
    assert!(cluster.faults().is_empty());
    assert_eq!(send(cluster.address(), "PUT", "/embedded/faults", &[], b"").await.whole().status, 405);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_storm_is_told_beforehand_and_can_be_called_off() {
    let cluster = super::start(quick(2)).await;
    let storm =
        || Order::from(Fault::Storm { every: Duration::from_secs(1) }).lasting(Duration::from_secs(600)).seeded(3);
    let effect = cluster.fault(storm()).await.unwrap();
    assert!(effect.planned.len() > 300);
    assert_eq!(cluster.fault(storm()).await.unwrap().planned, effect.planned, "a seed is a storm");
    assert_eq!(cluster.clear_faults().await.len(), 2);
    assert!(cluster.faults().is_empty());
    cluster.shutdown().await;
}
