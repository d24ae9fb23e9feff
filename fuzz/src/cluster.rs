//! Bytes to an embedded Mesos, over sockets as everybody's: calls in JSON and protobuf, and HTTP as raw as can be.
//!
//! The cluster that raw bytes go to has no agents, so that nothing can be launched on it. The other one gets calls whose
//! every command has been replaced by `true`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use mesos_repl::embedded::{AgentConfig, Cluster, Config, Docker};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::engine::Target;

/// The targets of this file.
pub const TARGETS: [(&str, Target); 3] = [("call", call), ("http", http), ("agent_http", agent_http)];

/// An input that takes longer has found something that doesn't end.
const DEADLINE: Duration = Duration::from_secs(20);
const THREAD: &str = "embedded-fuzz";

struct World {
    runtime: Runtime,
    /// Without agents.
    bare: Cluster,
    /// With one.
    full: Cluster,
    framework: tokio::sync::Mutex<Option<Framework>>,
}

/// Somebody subscribed, so that calls get beyond the first checks.
struct Framework {
    id: String,
    stream: String,
    socket: TcpStream,
    read: String,
}

/// Panics of the clusters' own tasks, which tokio catches.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some(THREAD) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            before(info);
        }));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name(THREAD).enable_all().build().expect("a runtime");
        let config = |agents| Config {
            agents,
            docker: Docker::Never,
            allocation_interval: Duration::from_millis(20),
            agent: AgentConfig::of("cpus:1000;mem:1000000", "").expect("an agent"),
            ..Config::default()
        };
        let bare = runtime.block_on(Cluster::start(config(0))).expect("a master");
        let full = runtime.block_on(Cluster::start(config(1))).expect("a cluster");
        World { runtime, bare, full, framework: tokio::sync::Mutex::new(None) }
    })
}

/// One at a time: what goes wrong is this input's doing.
fn alone(run: impl AsyncFnOnce(&'static World)) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let world = world();
    world.runtime.block_on(async {
        tokio::time::timeout(DEADLINE, run(world)).await.expect("it doesn't end");
        for cluster in [&world.bare, &world.full] {
            let answer = get(cluster.address(), "/health").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "the master is gone: {answer}");
        }
    });
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "a task of the cluster panicked");
}

async fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(to).await.expect("a connection");
    // Thousands a second would wait for their last packets otherwise.
    let _ = socket.set_zero_linger();
    let _ = socket.set_nodelay(true);
    socket
}

/// What comes until the end, or until there is enough to tell that it is an answer.
async fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if head.contains("transfer-encoding") || body.len() >= length.unwrap_or(0) {
                return text.into_owned();
            }
        }
        if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

async fn get(to: SocketAddr, path: &str) -> String {
    let mut socket = connect(to).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("to be read");
    answer(&mut socket).await
}

async fn raw(to: SocketAddr, data: &[u8]) {
    let mut socket = connect(to).await;
    // A server may hang up in the middle of what it doesn't like.
    let _ = socket.write_all(data).await;
    let _ = socket.shutdown().await;
    let answer = answer(&mut socket).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer:?}");
    assert!(!answer.contains("panicked"), "{answer}");
}

/// Bytes to the master, as they are.
pub fn http(data: &[u8]) {
    alone(async |world| raw(world.bare.address(), data).await);
}

/// Bytes to an agent, as they are. It offers nothing there that would start a process.
pub fn agent_http(data: &[u8]) {
    alone(async |world| match world.full.agents().first() {
        Some(agent) => raw(*agent, data).await,
        None => panic!("no agent"),
    });
}

/// A call of somebody who is subscribed. In JSON, `@F`, `@O`, `@A` and `@T` stand for ids that there are; anything else
/// goes as protobuf, to the master without agents.
pub fn call(data: &[u8]) {
    alone(async |world| {
        let Ok(text) = std::str::from_utf8(data) else { return protobuf(world, data).await };
        let Ok(call) = serde_json::from_str::<Value>(text) else { return protobuf(world, data).await };
        let mut framework = world.framework.lock().await;
        let known = match framework.take() {
            Some(known) if known.is_open() => framework.insert(known),
            _ => framework.insert(Framework::subscribe(world.full.address()).await),
        };
        known.read_on().await;
        let call = tame(known.filled(call));
        let body = call.to_string();
        let stream =
            if call["type"] == "SUBSCRIBE" { String::new() } else { format!("Mesos-Stream-Id: {}\r\n", known.stream) };
        let answer = post(world.full.address(), "application/json", &stream, body.as_bytes()).await;
        let status = answer.get(9..12).unwrap_or_default();
        assert!(
            answer.starts_with("HTTP/1.1 ") && !matches!(status, "500" | "501" | "503") || call["type"] == "UNKNOWN",
            "{body}: {answer}"
        );
    });
}

async fn protobuf(world: &'static World, data: &[u8]) {
    let answer = post(world.bare.address(), "application/x-protobuf", "", data).await;
    assert!(answer.starts_with("HTTP/1.1 "), "{answer:?}");
}

async fn post(to: SocketAddr, kind: &str, headers: &str, body: &[u8]) -> String {
    let mut socket = connect(to).await;
    let head = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), body].concat()).await.expect("to be read");
    answer(&mut socket).await
}

/// No command, image or file of the input's own: what runs is `true`.
fn tame(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let value = match name.as_str() {
                        "command" if !value.is_null() => json!({"value": "true"}),
                        "user" => json!("root"),
                        "uris" | "volumes" | "health_check" | "check" | "shell" => Value::Null,
                        _ => tame(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(tame).collect()),
        other => other,
    }
}

impl Framework {
    async fn subscribe(to: SocketAddr) -> Self {
        let mut socket = connect(to).await;
        let body = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info":
            {"user": "root", "name": "fuzz", "roles": ["*"], "failover_timeout": 0.0, "capabilities": [{"type": "MULTI_ROLE"}]}}})
        .to_string();
        let head = format!(
            "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await.expect("to be read");
        let mut known = Self { id: String::new(), stream: String::new(), socket, read: String::new() };
        while !known.read.contains("\"SUBSCRIBED\"") {
            let mut bytes = Vec::new();
            assert!(matches!(known.socket.read_buf(&mut bytes).await, Ok(1..)), "no subscription: {}", known.read);
            known.read.push_str(&String::from_utf8_lossy(&bytes));
        }
        known.stream = between(&known.read.to_ascii_lowercase(), "mesos-stream-id: ", "\r\n");
        known.id = between(&known.read, "\"framework_id\":{\"value\":\"", "\"");
        known
    }

    /// What has come meanwhile; the newest of it is where ids are taken from.
    async fn read_on(&mut self) {
        let mut bytes = Vec::new();
        while let Ok(read) = self.socket.try_read_buf(&mut bytes) {
            if read == 0 {
                break;
            }
        }
        self.read.push_str(&String::from_utf8_lossy(&bytes));
        let keep = self.read.len().saturating_sub(64 << 10);
        let keep = (keep..self.read.len()).find(|at| self.read.is_char_boundary(*at)).unwrap_or(self.read.len());
        self.read.drain(..keep);
    }

    fn is_open(&self) -> bool {
        let mut byte = [0];
        // A stream that has ended can be read from: nothing.
        !matches!(self.socket.try_read(&mut byte), Ok(0)) && !self.read.contains("\"ERROR\"")
    }

    fn filled(&self, value: Value) -> Value {
        let last = |before: &str| {
            self.read.rsplit_once(before).map(|(_, rest)| rest.split('"').next().unwrap_or_default().to_owned())
        };
        match value {
            Value::String(text) => Value::String(match text.as_str() {
                "@F" => self.id.clone(),
                "@O" => last("\"id\":{\"value\":\"").unwrap_or(text),
                "@A" => last("\"agent_id\":{\"value\":\"").unwrap_or(text),
                "@T" => last("\"task_id\":{\"value\":\"").unwrap_or(text),
                "@U" => last("\"uuid\":\"").unwrap_or(text),
                _ => text,
            }),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.filled(item)).collect()),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, value)| (name, self.filled(value))).collect())
            }
            other => other,
        }
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split_once(after).map_or("", |(found, _)| found).to_owned()
}
