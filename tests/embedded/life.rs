//! What the recordings don't show: several frameworks, time running out, maintenance, agents that come and go.

use mesos_repl::embedded::{Cluster, Fault};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{call, send};
use super::scheduler::{Framework, SOON, operate, page, quick};
use crate::support::{until, within};

#[tokio::test]
async fn a_framework_that_stays_away_is_removed_with_its_tasks() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({"failover_timeout": 0.2})).await;
    framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let (to, id) = (framework.to, framework.id.clone());
    drop(framework);
    until(SOON, "the framework is removed", async || {
        let frameworks = page(to, "/frameworks").await;
        let completed = frameworks["completed_frameworks"].as_array()?.first()?.clone();
        assert_eq!(completed["id"], id["value"]);
        assert_eq!(completed["completed_tasks"][0]["state"], "TASK_KILLED");
        Some(())
    })
    .await;
    let agent = cluster.agents()[0];
    until(SOON, "the agent has ended the task", async || {
        let state = page(agent, "/state").await;
        state["frameworks"].as_array()?.is_empty().then_some(())
    })
    .await;
    let body = json!({"type": "SUBSCRIBE", "framework_id": id, "subscribe": {"framework_info":
        {"user": "root", "name": "life", "id": id}}});
    let mut again = call(to, None, &body).await.stream();
    assert_eq!(again.wait("ERROR").await["error"]["message"], "Framework has been removed");
    assert!(again.next().await.is_none());
    cluster.shutdown().await;
}

#[tokio::test]
async fn updates_wait_for_a_framework_that_comes_back() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({"failover_timeout": 60})).await;
    framework.launch("t", "sleep 1000").await;
    let starting = framework.stream.wait("UPDATE").await["update"]["status"].clone();
    assert_eq!(starting["state"], "TASK_STARTING");
    let (id, to) = (framework.id.clone(), framework.to);
    drop(framework);
    until(SOON, "the master sees it go", async || {
        (page(to, "/frameworks").await["frameworks"][0]["connected"] == false).then_some(())
    })
    .await;
    let mut back = Framework::new(&cluster, json!({"failover_timeout": 60, "id": id})).await;
    assert_eq!(back.id, id);
    // The first update was never acknowledged, so nothing newer has come meanwhile; acknowledged, the next one comes.
    back.acknowledge(&starting).await;
    assert_eq!(back.update().await["state"], "TASK_RUNNING");
    cluster.shutdown().await;
}

#[tokio::test]
async fn two_frameworks_share_two_agents() {
    let cluster = super::start(quick(2)).await;
    let mut first = Framework::new(&cluster, json!({})).await;
    let offers = first.stream.wait("OFFERS").await;
    assert_eq!(offers["offers"]["offers"].as_array().unwrap().len(), 2, "alone, it gets all");
    let mut second = Framework::new(&cluster, json!({})).await;
    let ids: Vec<Value> =
        offers["offers"]["offers"].as_array().unwrap().iter().map(|offer| offer["id"].clone()).collect();
    first.call(json!({"type": "DECLINE", "decline": {"offer_ids": ids, "filters": {"refuse_seconds": 0}}})).await;
    let agent = |offers: &Value| {
        let offers = offers["offers"]["offers"].as_array().unwrap();
        assert_eq!(offers.len(), 1);
        offers[0]["agent_id"].clone()
    };
    let of_first = agent(&first.stream.wait("OFFERS").await);
    let of_second = agent(&second.stream.wait("OFFERS").await);
    assert_ne!(of_first, of_second);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_role_is_suppressed_and_revived_by_itself() {
    let cluster = super::start(quick(1)).await;
    let more = json!({"roles": ["eng/web", "ops"], "capabilities": [{"type": "MULTI_ROLE"}]});
    let mut framework = Framework::new(&cluster, more).await;
    let offer = framework.offer().await;
    let role = offer["allocation_info"]["role"].as_str().unwrap().to_owned();
    assert_eq!(offer["resources"][0]["allocation_info"]["role"], role.as_str());
    framework.call(json!({"type": "SUPPRESS", "suppress": {"roles": [role]}})).await;
    let decline = |offer: &Value| json!({"type": "DECLINE", "decline": {"offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0}}});
    framework.call(decline(&offer)).await;
    let other = framework.offer().await;
    assert_ne!(other["allocation_info"]["role"], role.as_str());
    framework.call(json!({"type": "SUPPRESS"})).await;
    framework.call(decline(&other)).await;
    framework.call(json!({"type": "REVIVE", "revive": {"roles": [role]}})).await;
    assert_eq!(framework.offer().await["allocation_info"]["role"], role.as_str());
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_partitioned_agent_comes_back_with_its_task() {
    let cluster = super::start(quick(1)).await;
    let aware = json!({"capabilities": [{"type": "PARTITION_AWARE"}]});
    let mut framework = Framework::new(&cluster, aware).await;
    let agent = framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    cluster.fault(Fault::Partition { agent: None }).await.unwrap();
    let lost = framework.update().await;
    assert_eq!((&lost["state"], &lost["reason"]), (&json!("TASK_UNREACHABLE"), &json!("REASON_AGENT_REMOVED")));
    assert!(lost["unreachable_time"]["nanoseconds"].is_number() && lost.get("uuid").is_none(), "{lost}");
    assert_eq!(framework.stream.wait("FAILURE").await["failure"]["agent_id"], agent);
    let reconcile =
        json!({"type": "RECONCILE", "reconcile": {"tasks": [{"task_id": {"value": "t"}, "agent_id": agent}]}});
    framework.call(reconcile).await;
    assert_eq!(framework.update().await["state"], "TASK_UNREACHABLE");
    cluster.fault(Fault::Return { agent: None }).await.unwrap();
    let back = framework.update().await;
    assert_eq!((&back["state"], &back["reason"]), (&json!("TASK_RUNNING"), &json!("REASON_AGENT_REREGISTERED")));
    framework.call(json!({"type": "KILL", "kill": {"task_id": {"value": "t"}}})).await;
    framework.until("TASK_KILLED").await;
    cluster.shutdown().await;
}

/// Nobody waits any more for an agent that an operator gives up while it can't be reached.
#[tokio::test]
async fn an_unreachable_agent_that_is_marked_gone_takes_its_tasks_along() {
    let cluster = super::start(quick(1)).await;
    let to = cluster.address();
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let mut events = send(to, "POST", "/api/v1", &headers, br#"{"type": "SUBSCRIBE"}"#).await.stream();
    let mut aware = Framework::new(&cluster, json!({"capabilities": [{"type": "PARTITION_AWARE"}]})).await;
    let agent = aware.launch("aware", "sleep 1000").await;
    aware.until("TASK_RUNNING").await;
    // What is left of the agent is the other one's.
    aware.call(json!({"type": "SUPPRESS"})).await;
    aware.call(json!({"type": "RECONCILE", "reconcile": {"tasks": []}})).await;
    assert_eq!(aware.update().await["reason"], "REASON_RECONCILIATION");
    let ids: Vec<Value> = aware.stream.offers.drain(..).map(|offer| offer["id"].clone()).collect();
    if !ids.is_empty() {
        aware.call(json!({"type": "DECLINE", "decline": {"offer_ids": ids}})).await;
    }
    let mut plain = Framework::new(&cluster, json!({})).await;
    plain.launch("plain", "sleep 1000").await;
    plain.until("TASK_RUNNING").await;
    cluster.fault(Fault::Partition { agent: None }).await.unwrap();
    assert_eq!(aware.update().await["state"], "TASK_UNREACHABLE");
    assert_eq!(plain.update().await["state"], "TASK_LOST");
    let gone = json!({"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": agent}});
    assert_eq!(operate(to, gone.clone()).await.status, 200);
    let told = |status: Value| {
        let text = |name: &str| status[name].as_str().unwrap_or("").to_owned();
        (text("state"), text("reason"), text("source"), text("message"))
    };
    let update = |state: &str, reason: &str| {
        (state.to_owned(), reason.to_owned(), "SOURCE_MASTER".to_owned(), "Agent has been marked gone".to_owned())
    };
    assert_eq!(told(aware.update().await), update("TASK_GONE_BY_OPERATOR", "REASON_AGENT_REMOVED_BY_OPERATOR"));
    assert_eq!(told(plain.update().await), update("TASK_LOST", "REASON_AGENT_REMOVED"));
    let state = page(to, "/state").await;
    let tasks = operate(to, json!({"type": "GET_TASKS"})).await.json()["get_tasks"].clone();
    assert_eq!((&tasks["tasks"], &tasks["unreachable_tasks"]), (&json!([]), &json!([])), "{tasks}");
    for (number, name, ended) in [(0, "aware", "TASK_GONE_BY_OPERATOR"), (1, "plain", "TASK_LOST")] {
        let framework = &state["frameworks"][number];
        assert_eq!((&framework["tasks"], &framework["unreachable_tasks"]), (&json!([]), &json!([])), "{framework}");
        for task in [&framework["completed_tasks"][0], &tasks["completed_tasks"][number]] {
            assert_eq!(task["name"], name);
            assert_eq!(task["state"], ended, "{task}");
        }
    }
    assert_eq!(state["unreachable_slaves"], 0.0);
    // A task that can't be reached isn't lost, and was counted when it could no longer be.
    let metrics = page(to, "/metrics/snapshot").await;
    let count = |name: &str| metrics[format!("master/tasks_{name}")].as_f64();
    assert_eq!((count("lost"), count("gone_by_operator"), count("unreachable")), (Some(1.0), Some(0.0), Some(0.0)));
    let mut last = Value::Null;
    while last != "TASK_GONE_BY_OPERATOR" {
        last = events.wait("TASK_UPDATED").await["task_updated"]["state"].clone();
    }
    // It is out for good, and saying so twice changes nothing.
    cluster.fault(Fault::Return { agent: None }).await.unwrap();
    assert_eq!(operate(to, gone).await.status, 200);
    let asked = json!({"task_id": {"value": "aware"}, "agent_id": agent});
    aware.call(json!({"type": "RECONCILE", "reconcile": {"tasks": [asked]}})).await;
    assert_eq!(aware.update().await["state"], "TASK_GONE_BY_OPERATOR");
    assert_eq!(page(to, "/slaves").await["slaves"], json!([]));
    cluster.shutdown().await;
}

/// A master that has started again waits for the agents of its registry, for so long.
#[tokio::test]
async fn an_agent_that_does_not_come_back_to_a_new_master_is_unreachable() {
    // That it can't be reached isn't noticed before the master ends.
    let long = std::time::Duration::from_secs(1000);
    let wait = std::time::Duration::from_millis(700);
    let config = mesos_repl::embedded::Config { agent_timeout: long, agent_reregister_timeout: wait, ..quick(2) };
    let cluster = super::start(config).await;
    let to = cluster.address();
    let info = json!({"failover_timeout": 1000, "capabilities": [{"type": "PARTITION_AWARE"}]});
    let mut framework = Framework::new(&cluster, info.clone()).await;
    let agent = framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let name = Some(Framework::at_agent(&agent));
    cluster.fault(Fault::Partition { agent: name.clone() }).await.unwrap();
    let down = std::time::Duration::ZERO;
    cluster.fault(Fault::Restart { registry: true, down }).await.unwrap();
    assert!(framework.stream.next().await.is_none_or(|event| event["type"] != "UPDATE"));
    let slaves = |state: &Value| {
        let number = |name: &str| state[name].as_array().map_or(0, Vec::len);
        (number("slaves"), number("recovered_slaves"), state["unreachable_slaves"].as_f64())
    };
    let waits = async || {
        tokio::net::TcpStream::connect(to).await.ok()?;
        (slaves(&page(to, "/state").await) == (1, 1, Some(0.0))).then_some(())
    };
    until(SOON, "the new master waits for one of two agents", waits).await;
    let mut more = info;
    more["id"] = framework.id.clone();
    let mut framework = Framework::at(to, more).await;
    let gone = async || (slaves(&page(to, "/state").await) == (1, 0, Some(1.0))).then_some(());
    until(SOON, "it waits no more", gone).await;
    let asked = json!({"task_id": {"value": "t"}, "agent_id": agent});
    framework.call(json!({"type": "RECONCILE", "reconcile": {"tasks": [asked]}})).await;
    let status = framework.update().await;
    assert_eq!(status["state"], "TASK_UNREACHABLE", "{status}");
    assert!(status["unreachable_time"]["nanoseconds"].is_number(), "{status}");
    cluster.fault(Fault::Return { agent: name }).await.unwrap();
    let back = framework.update().await;
    assert_eq!((&back["state"], &back["reason"]), (&json!("TASK_RUNNING"), &json!("REASON_AGENT_REREGISTERED")));
    assert_eq!(slaves(&page(to, "/state").await), (2, 0, Some(0.0)));
    cluster.shutdown().await;
}

#[tokio::test]
async fn maintenance_asks_and_then_takes() {
    let cluster = super::start(quick(1)).await;
    let to = cluster.address();
    let mut framework = Framework::new(&cluster, json!({})).await;
    let agent = framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let machine = json!({"hostname": "localhost", "ip": "127.0.0.1"});
    let window = json!({"machine_ids": [machine], "unavailability": {"start": {"nanoseconds": 0}}});
    let schedule = json!({"type": "UPDATE_MAINTENANCE_SCHEDULE",
        "update_maintenance_schedule": {"schedule": {"windows": [window]}}});
    assert_eq!(operate(to, schedule).await.status, 200);
    let asked = framework.stream.wait("INVERSE_OFFERS").await["inverse_offers"]["inverse_offers"][0].clone();
    assert_eq!(asked["agent_id"], agent);
    let accept = json!({"type": "ACCEPT_INVERSE_OFFERS",
        "accept_inverse_offers": {"inverse_offer_ids": [asked["id"]], "filters": {"refuse_seconds": 3600}}});
    framework.call(accept).await;
    let status = operate(to, json!({"type": "GET_MAINTENANCE_STATUS"})).await.json();
    let draining = &status["get_maintenance_status"]["status"]["draining_machines"][0];
    assert_eq!(draining["statuses"][0]["status"], "ACCEPT", "{status}");
    let start = json!({"type": "START_MAINTENANCE", "start_maintenance": {"machines": [machine]}});
    assert_eq!(operate(to, start).await.status, 200);
    assert_eq!(framework.until("TASK_LOST").await["reason"], "REASON_AGENT_REMOVED");
    // The machine's agent ends what it runs, and is there again as soon as the machine is.
    let agents = async || page(to, "/slaves").await["slaves"].as_array().map(Vec::len);
    until(SOON, "the task's process has ended", async || {
        page(cluster.agents()[0], "/state").await["frameworks"].as_array()?.is_empty().then_some(())
    })
    .await;
    assert_eq!(agents().await, Some(0));
    let stop = json!({"type": "STOP_MAINTENANCE", "stop_maintenance": {"machines": [machine]}});
    assert_eq!(operate(to, stop).await.status, 200);
    until(SOON, "the agent is back", async || (agents().await == Some(1)).then_some(())).await;
    assert_eq!(framework.offer().await["agent_id"], agent, "under its own id");
    cluster.shutdown().await;
}

/// Whoever types `mesos-repl` waits for it.
#[tokio::test]
async fn a_start_takes_no_time() {
    let mut best = std::time::Duration::MAX;
    for _ in 0..10 {
        let started = std::time::Instant::now();
        let cluster = Cluster::start(quick(1)).await.unwrap();
        best = best.min(started.elapsed());
        cluster.shutdown().await;
    }
    assert!(best < std::time::Duration::from_millis(30), "the shortest of ten: {best:?}");
}

#[tokio::test]
async fn a_drained_agent_ends_its_tasks_and_offers_nothing() {
    let cluster = super::start(quick(1)).await;
    let to = cluster.address();
    let mut framework = Framework::new(&cluster, json!({})).await;
    let agent = framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let drain = json!({"type": "DRAIN_AGENT", "drain_agent": {"agent_id": agent}});
    assert_eq!(operate(to, drain).await.status, 200);
    framework.until("TASK_KILLED").await;
    until(SOON, "drained", async || {
        (page(to, "/slaves").await["slaves"][0]["drain_info"]["state"] == "DRAINED").then_some(())
    })
    .await;
    let unknown = json!({"type": "DRAIN_AGENT", "drain_agent": {"agent_id": {"value": "nobody"}}});
    assert_eq!(operate(to, unknown).await.status, 400);
    cluster.shutdown().await;
}

#[tokio::test]
async fn operators_get_events() {
    let cluster = super::start(quick(1)).await;
    let to = cluster.address();
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let mut events = send(to, "POST", "/api/v1", &headers, br#"{"type": "SUBSCRIBE"}"#).await.stream();
    let first = events.wait("SUBSCRIBED").await;
    assert_eq!(first["subscribed"]["get_state"]["get_agents"]["agents"].as_array().unwrap().len(), 1);
    let mut framework = Framework::new(&cluster, json!({})).await;
    let added = events.wait("FRAMEWORK_ADDED").await;
    assert_eq!(added["framework_added"]["framework"]["framework_info"]["id"], framework.id);
    framework.launch("t", "true").await;
    assert_eq!(events.wait("TASK_ADDED").await["task_added"]["task"]["task_id"]["value"], "t");
    framework.until("TASK_FINISHED").await;
    let mut last = Value::Null;
    while last != "TASK_FINISHED" {
        last = events.wait("TASK_UPDATED").await["task_updated"]["state"].clone();
    }
    framework.call(json!({"type": "TEARDOWN"})).await;
    events.wait("FRAMEWORK_REMOVED").await;
    cluster.shutdown().await;
}

/// What a page on the web could make a browser send, and what is no HTTP at all.
#[tokio::test]
async fn the_network_can_do_no_harm() {
    let cluster = super::start(quick(1)).await;
    let to = cluster.address();
    for (host, status) in [("evil.example", 403), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:5050", 200)] {
        let mut socket = tokio::net::TcpStream::connect(to).await.unwrap();
        let request = format!("GET /state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(SOON, "an answer", socket.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    // A script of another site's page, of the master and of an agent: `jsonp` would hand it the answer.
    for to in [to, cluster.agents()[0]] {
        for (mode, status) in [("no-cors", 403), ("navigate", 200)] {
            let headers = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", mode)];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let answer = send(to, "GET", "/state?jsonp=leak", &headers, b"").await.whole();
            assert_eq!(answer.status, status, "{to} {mode}");
        }
    }
    for junk in
        [&b"\x00\xff\x16\x03\x01"[..], b"GET / HTTP/9.9\r\n\r\n", b"POST /api/v1/scheduler HTTP/1.1\r\n\r\n", b"{"]
    {
        let mut socket = tokio::net::TcpStream::connect(to).await.unwrap();
        socket.write_all(junk).await.unwrap();
        drop(socket);
    }
    let deep = "[".repeat(200_000);
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    assert_eq!(send(to, "POST", "/api/v1/scheduler", &headers, deep.as_bytes()).await.whole().status, 400);
    assert_eq!(page(to, "/version").await["version"], "1.11.0");
    cluster.shutdown().await;
}

#[tokio::test]
async fn protobuf_is_spoken_too() {
    let cluster = super::start(quick(1)).await;
    // type = SUBSCRIBE, subscribe.framework_info {user: "root", name: "pb"}.
    let body = [&[0x10, 1, 0x1a, 12, 0x0a, 10, 0x0a, 4][..], b"root", &[0x12, 2][..], b"pb"].concat();
    let mut socket = tokio::net::TcpStream::connect(cluster.address()).await.unwrap();
    let head = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n\
         Accept: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut got = Vec::new();
    let heartbeat = b"2\n\x08\x08";
    within(SOON, "a heartbeat in protobuf", async {
        while !got.windows(heartbeat.len()).any(|bytes| bytes == heartbeat) {
            assert!(socket.read_buf(&mut got).await.unwrap() > 0);
        }
    })
    .await;
    let text = String::from_utf8_lossy(&got);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("content-type: application/x-protobuf"), "{text}");
    cluster.shutdown().await;
}

/// A record as the agent's API takes it in a stream.
fn record(call: &Value) -> Vec<u8> {
    let text = call.to_string();
    format!("{}\n{text}", text.len()).into_bytes()
}

#[tokio::test]
async fn a_command_beside_a_task_is_heard_and_spoken_to() {
    let cluster = super::start(quick(1)).await;
    let agent = cluster.agents()[0];
    let mut framework = Framework::new(&cluster, json!({})).await;
    framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let parent = page(agent, "/containers").await[0]["container_id"].clone();
    let id = json!({"value": "shell", "parent": {"value": parent}});
    let launch = json!({"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session":
        {"container_id": id, "command": {"value": "read line; echo \"heard $line\"; echo done >&2; exec sleep 1000"}}});
    let headers = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let json_in = ("Content-Type", "application/json");
    let recordio = [json_in, ("Accept", "application/recordio"), ("Message-Accept", "application/json")];
    let api = "/slave(1)/api/v1";
    let got = send(agent, "POST", api, &headers(&recordio), launch.to_string().as_bytes()).await;
    let mut session = got.stream();
    assert_eq!(session.answer.header("content-type"), Some("application/recordio"));
    assert_eq!(session.answer.header("message-content-type"), Some("application/json"));
    let attach = |input: Value| json!({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": input});
    let said = [
        record(&attach(json!({"type": "CONTAINER_ID", "container_id": id}))),
        record(&attach(json!({"type": "PROCESS_IO",
            "process_io": {"type": "DATA", "data": {"type": "STDIN", "data": "aGkK"}}}))),
    ];
    let streamed = [("Content-Type", "application/recordio"), ("Message-Content-Type", "application/json")];
    let got = send(agent, "POST", api, &headers(&streamed), &said.concat()).await.whole();
    assert_eq!((got.status, got.text().as_str()), (200, ""));
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let io = session.next().await.unwrap();
        heard.push(format!("{} {}", io["data"]["type"], io["data"]["data"]));
    }
    heard.sort();
    assert_eq!(heard, ["\"STDERR\" \"ZG9uZQo=\"", "\"STDOUT\" \"aGVhcmQgaGkK\""]);
    // Its life is the connection's.
    drop(session);
    let wait = json!({"type": "WAIT_NESTED_CONTAINER", "wait_nested_container": {"container_id": id}});
    let got = send(agent, "POST", api, &headers(&[json_in]), wait.to_string().as_bytes()).await.whole();
    assert_eq!(got.json()["wait_nested_container"], json!({"exit_status": 9}));
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_s_end_frees_what_it_used_before_its_scheduler_has_heard_of_it() {
    let cluster = super::start(quick(1)).await;
    let mut framework = Framework::new(&cluster, json!({})).await;
    framework.launch("brief", "exit 3").await;
    let starting = framework.stream.wait("UPDATE").await["update"]["status"].clone();
    framework.acknowledge(&starting).await;
    // Nobody acknowledges this one, so that the task's end waits behind it.
    let running = framework.stream.wait("UPDATE").await["update"]["status"].clone();
    assert_eq!(running["state"], "TASK_RUNNING");
    let again = framework.stream.wait("UPDATE").await["update"]["status"].clone();
    assert_eq!((&again["uuid"], &again["state"]), (&running["uuid"], &running["state"]));
    let task = page(framework.to, "/tasks").await["tasks"][0].clone();
    assert_eq!(task["state"], "TASK_FAILED");
    let told: Vec<_> = task["statuses"].as_array().unwrap().iter().map(|status| &status["state"]).collect();
    assert_eq!(told, ["TASK_STARTING", "TASK_RUNNING"]);
    // Of who asks, what was told is said.
    assert_eq!(framework.call(json!({"type": "RECONCILE", "reconcile": {"tasks": []}})).await, 202);
    assert_eq!(framework.stream.wait("UPDATE").await["update"]["status"]["state"], "TASK_RUNNING");
    let free = page(framework.to, "/slaves").await["slaves"][0]["used_resources"]["cpus"].clone();
    assert_eq!(free, json!(0.0));
    framework.acknowledge(&running).await;
    assert_eq!(framework.update().await["state"], "TASK_FAILED");
    cluster.shutdown().await;
}

/// As a real master counted the same steps.
#[tokio::test]
async fn what_happens_is_counted() {
    let cluster = super::start(quick(1)).await;
    let roles = json!({"name": "a b", "roles": ["r"], "capabilities": [{"type": "MULTI_ROLE"}]});
    let mut framework = Framework::new(&cluster, roles).await;
    // Long enough to be heard of as running before it ends: the end of one that ended before isn't counted.
    framework.launch("ends", "sleep 1; exit 3").await;
    framework.until("TASK_FAILED").await;
    framework.launch("runs", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    framework.launch_with("bad", json!({"command": {"value": "x"}, "resources": []})).await;
    assert_eq!(framework.update().await["state"], "TASK_ERROR");
    assert_eq!(framework.call(json!({"type": "SUPPRESS"})).await, 202);
    let of = format!("master/frameworks/a%20b/{}", framework.id["value"].as_str().unwrap());
    let expected = |metrics: &Value, wanted: &[(&str, f64)]| {
        for (name, value) in wanted {
            assert_eq!(metrics[name.replace('@', &of)], *value, "{name}: {metrics:#}");
        }
    };
    let metrics = page(framework.to, "/metrics/snapshot").await;
    expected(
        &metrics,
        &[
            ("@/calls/subscribe", 1.0),
            ("@/calls/accept", 3.0),
            ("@/calls/acknowledge", 5.0),
            ("@/calls/teardown", 0.0),
            ("@/events/subscribed", 1.0),
            ("@/events/update", 6.0),
            ("@/operations/launch", 2.0),
            ("@/offers/accepted", 3.0),
            ("@/roles/r/suppressed", 1.0),
            ("@/tasks/active/task_running", 1.0),
            ("@/tasks/terminal/task_failed", 1.0),
            ("@/subscribed", 1.0),
            ("master/messages_launch_tasks", 3.0),
            ("master/messages_register_framework", 1.0),
            ("master/messages_reregister_framework", 0.0),
            ("master/messages_register_slave", 1.0),
            ("master/messages_status_update", 5.0),
            ("master/valid_status_updates", 5.0),
            ("master/valid_status_update_acknowledgements", 5.0),
            ("master/task_failed/source_executor/reason_command_executor_failed", 1.0),
            ("master/task_error/source_master/reason_task_invalid", 1.0),
            ("master/tasks_failed", 1.0),
            ("master/tasks_running", 1.0),
            ("master/operations/reserve/total", 0.0),
        ],
    );
    assert_eq!(framework.call(json!({"type": "TEARDOWN"})).await, 202);
    let metrics = page(framework.to, "/metrics/snapshot").await;
    expected(
        &metrics,
        &[
            ("@/calls/teardown", 1.0),
            ("@/subscribed", 0.0),
            ("@/tasks/terminal/task_killed", 1.0),
            ("master/task_killed/source_master/reason_framework_removed", 1.0),
            ("master/tasks_killed", 1.0),
            ("master/frameworks_active", 0.0),
        ],
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_command_beside_a_task_has_a_terminal_of_the_size_that_is_asked_for() {
    let cluster = super::start(quick(1)).await;
    let agent = cluster.agents()[0];
    let mut framework = Framework::new(&cluster, json!({})).await;
    framework.launch("t", "sleep 1000").await;
    framework.until("TASK_RUNNING").await;
    let parent = page(agent, "/containers").await[0]["container_id"].clone();
    let id = json!({"value": "shell", "parent": {"value": parent}});
    let size = |rows: u32, columns: u32| json!({"window_size": {"rows": rows, "columns": columns}});
    // Without a controlling terminal there would be no `/dev/tty`.
    let command = "stty size; read line; stty size > /dev/tty; echo \"heard $line\" >&2; read line; exec sleep 1000";
    let launch = json!({"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session":
        {"container_id": id, "command": {"value": command}, "container": {"type": "MESOS", "tty_info": size(24, 80)}}});
    let headers = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let json_in = ("Content-Type", "application/json");
    let recordio = [json_in, ("Accept", "application/recordio"), ("Message-Accept", "application/json")];
    let api = "/slave(1)/api/v1";
    let mut session = send(agent, "POST", api, &headers(&recordio), launch.to_string().as_bytes()).await.stream();
    let mut shown = String::new();
    let mut until_shown = async |wanted: &str| {
        while !shown.contains(wanted) {
            let io = session.next().await.unwrap();
            assert_eq!(io["data"]["type"], "STDOUT", "{io}");
            let data = io["data"]["data"].as_str().unwrap();
            let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
            shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    };
    until_shown("24 80\r\n").await;
    let attach = |input: Value| json!({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": input});
    let io = |io: Value| record(&attach(json!({"type": "PROCESS_IO", "process_io": io})));
    let whom = record(&attach(json!({"type": "CONTAINER_ID", "container_id": id})));
    let typed = |text: &str| io(json!({"type": "DATA", "data": {"type": "STDIN", "data": text}}));
    let resized = io(json!({"type": "CONTROL", "control": {"type": "TTY_INFO", "tty_info": size(50, 132)}}));
    let streamed = [("Content-Type", "application/recordio"), ("Message-Content-Type", "application/json")];
    let said = [&whom[..], &resized, &typed("aGkK")].concat();
    assert_eq!(send(agent, "POST", api, &headers(&streamed), &said).await.whole().status, 200);
    until_shown("50 132\r\nheard hi\r\n").await;
    let unsized_ = io(json!({"type": "CONTROL", "control": {"type": "TTY_INFO", "tty_info": {}}}));
    let got = send(agent, "POST", api, &headers(&streamed), &[&whom[..], &unsized_].concat()).await.whole();
    assert_eq!((got.status, got.text().as_str()), (400, "Expecting 'tty_info.window_size' to be present"));
    // Ctrl-C interrupts what runs in it.
    assert_eq!(
        send(agent, "POST", api, &headers(&streamed), &[&whom[..], &typed("Aw==")].concat()).await.whole().status,
        200
    );
    let wait = json!({"type": "WAIT_NESTED_CONTAINER", "wait_nested_container": {"container_id": id}});
    let got = send(agent, "POST", api, &headers(&[json_in]), wait.to_string().as_bytes()).await.whole();
    assert_eq!(got.json()["wait_nested_container"], json!({"exit_status": 2}));
    cluster.shutdown().await;
}
