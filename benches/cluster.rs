//! The embedded Mesos under load: 1,000 agents, 100 frameworks, 50,000 simulated tasks.
//!
//!     cargo bench --bench cluster                               all of it
//!     cargo bench --bench cluster -- AGENTS FRAMEWORKS TASKS    a smaller one
//!     cargo bench --bench cluster -- start                      what a start costs
//!
//! The cluster runs in a process of its own, so that its memory and processor time are its own; the frameworks share
//! another one. Each takes at most ten tasks an offer, declines what it doesn't need, and acknowledges everything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement talks, and ends with the first thing that isn't as it should be"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mesos_repl::client::{Access, Address, CallLine, Client};
use mesos_repl::embedded::{Cluster, Config, Docker};
use serde::Deserialize;
use serde_json::{Value, json};

/// Tasks in one offer, at most.
const PER_OFFER: usize = 10;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", agents] => serve(agents.parse().unwrap()),
        ["start"] => start(),
        [agents, frameworks, tasks] => {
            load(agents.parse().unwrap(), frameworks.parse().unwrap(), tasks.parse().unwrap());
        }
        [] => {
            start();
            load(1000, 100, 50_000);
        }
        _ => panic!("usage: cluster [start | AGENTS FRAMEWORKS TASKS]"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// What somebody waits for who starts `mesos-repl` without a master: the cluster, until it answers.
fn start() {
    for docker in [Docker::Never, Docker::Auto] {
        let mut times: Vec<Duration> = (0..20)
            .map(|_| {
                runtime().block_on(async {
                    let started = Instant::now();
                    let cluster = Cluster::start(Config { docker, ..Config::default() }).await.unwrap();
                    let took = started.elapsed();
                    cluster.shutdown().await;
                    took
                })
            })
            .collect();
        times.sort();
        let milliseconds = |at: usize| times[at].as_secs_f64() * 1e3;
        println!("start, {docker:?}: median {:.1} ms, longest of 20 {:.1} ms", milliseconds(10), milliseconds(19));
    }
}

/// The cluster's process: tells its address, serves until its input ends.
fn serve(agents: usize) {
    runtime().block_on(async {
        let started = Instant::now();
        let cluster = Cluster::start(Config { agents, docker: Docker::Never, ..Config::default() }).await.unwrap();
        println!("{} {:.3}", cluster.url(), started.elapsed().as_secs_f64());
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()).unwrap()).await.unwrap();
        cluster.shutdown().await;
    });
}

/// The cluster's process, seen from outside.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(agents: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["serve", &agents.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (url, seconds) = line.trim().split_once(' ').unwrap();
        println!("{agents} agents started in {seconds} s");
        Self { child, url: url.to_owned() }
    }

    /// Resident megabytes.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Processor seconds so far.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        let started = Instant::now();
        assert!(self.child.wait().unwrap().success());
        println!("shut down in {:.2} s", started.elapsed().as_secs_f64());
    }
}

fn load(agents: usize, frameworks: usize, tasks: usize) {
    let served = Served::start(agents);
    let idle = served.memory();
    let (before, started) = (served.processor(), Instant::now());
    let seen = runtime().block_on(run(&served.url, frameworks, tasks));
    let (took, processor) = (started.elapsed().as_secs_f64(), served.processor() - before);
    let spread = |name: &str, mut times: Vec<Duration>| {
        times.sort();
        let seconds = |at: usize| times[at.min(times.len() - 1)].as_secs_f64();
        println!(
            "{name}: median {:.3} s, first {:.3} s, last {:.3} s",
            seconds(times.len() / 2),
            seconds(0),
            seconds(usize::MAX)
        );
    };
    spread("SUBSCRIBE to first offers", seen.iter().map(|one| one.offered).collect());
    spread("first ACCEPT to first TASK_RUNNING", seen.iter().map(|one| one.running - one.accepted).collect());
    let updates: usize = seen.iter().map(|one| one.updates).sum();
    println!(
        "{tasks} tasks of {frameworks} frameworks on {agents} agents run after {took:.2} s: {updates} updates, each acknowledged, \
         {:.0} a second; {processor:.2} s of processor time in the cluster, {:.0} µs a task",
        updates as f64 / took,
        processor * 1e6 / tasks as f64
    );
    let grown = served.memory() - idle;
    println!(
        "memory: {idle:.0} MB idle ({:.0} kB an agent), {:.0} MB with the tasks ({:.1} kB a task)",
        idle * 1024.0 / agents as f64,
        idle + grown,
        grown * 1024.0 / tasks as f64
    );
    for path in ["/state", "/state-summary", "/slaves", "/tasks", "/metrics/snapshot"] {
        let started = Instant::now();
        let length = runtime().block_on(async {
            let address = Address::parse(&served.url).unwrap();
            Client::new(Access::default()).unwrap().get(&address, path).await.unwrap().len()
        });
        println!("GET {path}: {:.3} s, {:.1} MB", started.elapsed().as_secs_f64(), length as f64 / 1e6);
    }
    served.stop();
}

/// What one framework saw.
struct Seen {
    offered: Duration,
    accepted: Duration,
    running: Duration,
    updates: usize,
}

async fn run(url: &str, frameworks: usize, tasks: usize) -> Vec<Seen> {
    let address = Address::parse(url).unwrap();
    // Those that are done stay until all are: their end would kill their tasks.
    let done = std::sync::Arc::new(tokio::sync::Barrier::new(frameworks + 1));
    let each = |number: usize| tasks / frameworks + usize::from(number < tasks % frameworks);
    let running: Vec<_> = (0..frameworks)
        .map(|number| tokio::spawn(framework(address.clone(), number, each(number), done.clone())))
        .collect();
    done.wait().await;
    let mut seen = Vec::new();
    for one in running {
        seen.push(one.await.unwrap());
    }
    seen
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    update: Update<'a>,
}

#[derive(Deserialize)]
struct Update<'a> {
    #[serde(borrow)]
    status: Status<'a>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    task_id: &'a serde_json::value::RawValue,
    #[serde(borrow)]
    agent_id: &'a serde_json::value::RawValue,
    uuid: Option<&'a str>,
    state: &'a str,
}

async fn framework(address: Address, number: usize, tasks: usize, done: std::sync::Arc<tokio::sync::Barrier>) -> Seen {
    let client = Client::new(Access::default()).unwrap();
    let info = json!({"user": "root", "name": format!("load-{number}"), "failover_timeout": 3600});
    let subscribe = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
    let started = Instant::now();
    let mut opened = client.subscribe(&address, subscribe.to_string().into_bytes()).await.unwrap();
    let mut line = CallLine::new(client);
    let (mut id, mut launched, mut ran) = (Value::Null, 0, 0);
    let mut seen = Seen { offered: Duration::ZERO, accepted: Duration::ZERO, running: Duration::ZERO, updates: 0 };
    while ran < tasks {
        let mut calls: Vec<Bytes> = Vec::new();
        for received in opened.events.next_batch().await.unwrap() {
            let text = std::str::from_utf8(&received.json).unwrap();
            if text.starts_with("{\"type\":\"UPDATE\"") {
                let status = serde_json::from_str::<Record<'_>>(text).unwrap().update.status;
                seen.updates += 1;
                if status.state == "TASK_RUNNING" {
                    ran += 1;
                    if ran == 1 {
                        seen.running = started.elapsed();
                    }
                } else {
                    assert_eq!(status.state, "TASK_STARTING", "{text}");
                }
                let (task, agent, uuid) = (status.task_id, status.agent_id, status.uuid.unwrap());
                calls.push(
                    format!(
                        r#"{{"framework_id":{id},"type":"ACKNOWLEDGE","acknowledge":{{"task_id":{task},"agent_id":{agent},"uuid":"{uuid}"}}}}"#
                    )
                    .into(),
                );
            } else if text.starts_with("{\"type\":\"OFFERS\"") {
                let event: Value = serde_json::from_str(text).unwrap();
                if seen.offered.is_zero() {
                    seen.offered = started.elapsed();
                }
                answer(&event["offers"]["offers"], &id, tasks, &mut launched, &mut calls);
                if seen.accepted.is_zero() && launched > 0 {
                    seen.accepted = started.elapsed();
                }
            } else if text.starts_with("{\"type\":\"SUBSCRIBED\"") {
                let event: Value = serde_json::from_str(text).unwrap();
                id = event["subscribed"]["framework_id"].clone();
            }
        }
        for answer in line.send(&address, opened.stream_id.as_ref(), &calls).await {
            assert_eq!(answer.unwrap().status, 202);
        }
    }
    done.wait().await;
    seen
}

/// Uses offers as far as there is something to launch, and declines the others.
fn answer(offers: &Value, id: &Value, tasks: usize, launched: &mut usize, calls: &mut Vec<Bytes>) {
    let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let mut declined = Vec::new();
    for offer in offers.as_array().unwrap() {
        let cpus = offer["resources"].as_array().unwrap().iter().find(|one| one["name"] == "cpus");
        let room = cpus.map_or(0.0, |cpus| cpus["scalar"]["value"].as_f64().unwrap() / 0.05) as usize;
        let count = room.min(PER_OFFER).min(tasks - *launched);
        if count == 0 {
            declined.push(&offer["id"]);
            continue;
        }
        let infos: Vec<Value> = (*launched..*launched + count)
            .map(|task| {
                json!({"name": "load", "task_id": {"value": format!("{task}")}, "agent_id": offer["agent_id"],
                    "container": {"type": "DOCKER", "docker": {"image": "load"}}, "command": {"shell": false},
                    "resources": [scalar("cpus", 0.05), scalar("mem", 32.0)]})
            })
            .collect();
        *launched += count;
        let accept = json!({"offer_ids": [offer["id"]], "operations": [{"type": "LAUNCH", "launch": {"task_infos": infos}}],
            "filters": {"refuse_seconds": 0}});
        calls.push(json!({"framework_id": id, "type": "ACCEPT", "accept": accept}).to_string().into());
    }
    if !declined.is_empty() {
        let refuse = if *launched == tasks { 3600 } else { 1 };
        let decline = json!({"offer_ids": declined, "filters": {"refuse_seconds": refuse}});
        calls.push(json!({"framework_id": id, "type": "DECLINE", "decline": decline}).to_string().into());
    }
    if *launched == tasks {
        calls.push(json!({"framework_id": id, "type": "SUPPRESS"}).to_string().into());
    }
}
