//! A server on loopback that says what a test tells it to, byte by byte, and remembers what it was asked.
//!
//! To a session it is a master, a broken one, or none at all. It knows just enough HTTP to read requests.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// What a SUBSCRIBE is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200, a stream id, SUBSCRIBED with that heartbeat interval; then what the test pushes.
    Stream { heartbeat: f64 },
    /// 200 and a stream id, and nothing before the test pushes it.
    Silent,
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// Nothing at all, the connection open.
    Nothing,
}

impl Answer {
    /// A status with a plain body.
    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
    }
}

/// What a test puts on the newest stream.
#[derive(Debug)]
enum Wire {
    Bytes(Vec<u8>),
    /// The end of the body, as HTTP says it.
    End,
    /// The end of the connection, as TCP says it.
    Cut,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Counts the connections.
    pub connection: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or("").to_owned()
    }
}

#[derive(Debug, Default)]
struct Script {
    subscriptions: VecDeque<Answer>,
    /// Answers to the next call of a kind.
    calls: Vec<(String, Vec<u8>)>,
    stream: Option<mpsc::UnboundedSender<Wire>>,
    /// The pieces that bodies of streams are sent in.
    piece: usize,
    streams: usize,
}

/// The server. Ends with the runtime.
#[derive(Clone, Debug)]
pub struct Hostile {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
    asked: watch::Sender<Vec<Asked>>,
}

pub const FRAMEWORK: &str = "hostile-0000";

impl Hostile {
    /// One that answers each SUBSCRIBE with the next of these, and afterwards with 503.
    pub async fn start(subscriptions: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script =
            Script { subscriptions: subscriptions.into_iter().collect(), piece: usize::MAX, ..Script::default() };
        let hostile = Self {
            address: listener.local_addr().unwrap(),
            script: Arc::new(Mutex::new(script)),
            asked: watch::Sender::new(Vec::new()),
        };
        let server = hostile.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                socket.set_nodelay(true).unwrap();
                tokio::spawn(server.clone().serve(socket, connection));
            }
        });
        hostile
    }

    /// Streams go out in pieces of so many bytes from now on.
    pub fn in_pieces(&self, bytes: usize) {
        self.script.lock().unwrap().piece = bytes.max(1);
    }

    /// One more answer to a SUBSCRIBE.
    pub fn then(&self, answer: Answer) {
        self.script.lock().unwrap().subscriptions.push_back(answer);
    }

    /// The next call of that kind is answered so.
    pub fn answer(&self, kind: &str, status: u16, text: &str) {
        let Answer::Bytes(bytes) = Answer::status(status, "", text) else { return };
        self.script.lock().unwrap().calls.push((kind.to_owned(), bytes));
    }

    /// The next call of that kind gets no answer.
    pub fn silent(&self, kind: &str) {
        self.script.lock().unwrap().calls.push((kind.to_owned(), Vec::new()));
    }

    /// Sends an event on the newest stream.
    pub fn event(&self, event: &Value) {
        self.bytes(&record(event));
    }

    /// Sends bytes on the newest stream, within HTTP's chunks.
    pub fn bytes(&self, bytes: &[u8]) {
        self.wire(Wire::Bytes(bytes.to_vec()));
    }

    /// Ends the newest stream as HTTP does.
    pub fn end(&self) {
        self.wire(Wire::End);
    }

    /// Cuts the newest stream's connection.
    pub fn cut(&self) {
        self.wire(Wire::Cut);
    }

    fn wire(&self, wire: Wire) {
        let script = self.script.lock().unwrap();
        script.stream.as_ref().expect("a stream is open").send(wire).expect("the stream still stands");
    }

    /// The `number`th (from 0) call of that kind, as soon as it has come.
    pub async fn call(&self, kind: &str, number: usize) -> Asked {
        let mut asked = self.asked.subscribe();
        let find = |all: &Vec<Asked>| all.iter().filter(|asked| asked.kind() == kind).nth(number).cloned();
        let what = format!("{kind} number {number}");
        let wait = asked.wait_for(|all| find(all).is_some());
        let all = super::within(Duration::from_secs(3600), &what, wait).await.unwrap();
        find(&all).unwrap()
    }

    /// The kinds of all calls so far.
    pub fn kinds(&self) -> Vec<String> {
        self.asked.borrow().iter().map(Asked::kind).collect()
    }

    /// All calls of that kind so far.
    pub fn all(&self, kind: &str) -> Vec<Asked> {
        self.asked.borrow().iter().filter(|asked| asked.kind() == kind).cloned().collect()
    }

    /// How many calls of that kind have come.
    pub fn count(&self, kind: &str) -> usize {
        self.asked.borrow().iter().filter(|asked| asked.kind() == kind).count()
    }

    async fn serve(self, mut socket: TcpStream, connection: usize) {
        let mut buffer = Vec::new();
        while let Some(asked) = read_request(&mut socket, &mut buffer, connection).await {
            let kind = asked.kind();
            if kind == "SUBSCRIBE" {
                // Known before it is told: a test that hears of the call may push at once.
                let (answer, stream, piece) = self.open();
                self.asked.send_modify(|all| all.push(asked));
                return subscription(socket, answer, stream, piece).await;
            }
            let answer = {
                let mut script = self.script.lock().unwrap();
                let found = script.calls.iter().position(|(of, _)| *of == kind);
                found.map(|at| script.calls.remove(at).1)
            };
            self.asked.send_modify(|all| all.push(asked));
            let accepted = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_vec();
            if socket.write_all(&answer.unwrap_or(accepted)).await.is_err() {
                return;
            }
        }
    }

    fn open(&self) -> (Answer, mpsc::UnboundedReceiver<Wire>, usize) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut script = self.script.lock().unwrap();
        let answer = script.subscriptions.pop_front().unwrap_or_else(|| Answer::status(503, "", "No leader elected"));
        script.streams += 1;
        if matches!(answer, Answer::Stream { .. } | Answer::Silent) {
            script.stream = Some(sender);
        }
        (answer, receiver, script.piece)
    }
}

/// A record of a stream.
pub fn record(event: &Value) -> Vec<u8> {
    let text = event.to_string();
    format!("{}\n{text}", text.len()).into_bytes()
}

/// The first event of a stream.
pub fn subscribed(heartbeat: f64) -> Value {
    json!({"type": "SUBSCRIBED", "subscribed": {"framework_id": {"value": FRAMEWORK}, "heartbeat_interval_seconds": heartbeat}})
}

/// A status update; `uuid` is sixteen times that byte.
pub fn update(task: &str, state: &str, uuid: Option<u8>) -> Value {
    use base64::Engine as _;
    let mut status = json!({"task_id": {"value": task}, "state": state, "agent_id": {"value": "S0"}});
    if let Some(byte) = uuid {
        status["uuid"] = base64::engine::general_purpose::STANDARD.encode([byte; 16]).into();
    }
    json!({"type": "UPDATE", "update": {"status": status}})
}

/// One offer of one agent.
pub fn offers(ids: &[&str]) -> Value {
    let offers: Vec<_> = ids
        .iter()
        .map(|id| {
            json!({"id": {"value": id}, "framework_id": {"value": FRAMEWORK}, "agent_id": {"value": "S0"}, "hostname": "a",
                "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.0}}]})
        })
        .collect();
    json!({"type": "OFFERS", "offers": {"offers": offers}})
}

async fn subscription(mut socket: TcpStream, answer: Answer, mut stream: mpsc::UnboundedReceiver<Wire>, piece: usize) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMesos-Stream-Id: 0123\r\nTransfer-Encoding: chunked\r\n\r\n";
    match answer {
        Answer::Bytes(bytes) => {
            let _ = socket.write_all(&bytes).await;
            return;
        }
        Answer::Nothing => {
            let _ = socket.read(&mut [0; 1]).await;
            return;
        }
        Answer::Silent => socket.write_all(head.as_bytes()).await.unwrap_or_default(),
        Answer::Stream { heartbeat } => {
            socket.write_all(head.as_bytes()).await.unwrap_or_default();
            chunks(&mut socket, &record(&subscribed(heartbeat)), piece).await;
        }
    }
    let mut byte = [0; 1];
    loop {
        let wire = tokio::select! {
            wire = stream.recv() => wire,
            // The other side has gone.
            _ = socket.read(&mut byte) => return,
        };
        match wire {
            Some(Wire::Bytes(bytes)) => chunks(&mut socket, &bytes, piece).await,
            Some(Wire::End) => {
                let _ = socket.write_all(b"0\r\n\r\n").await;
                return;
            }
            Some(Wire::Cut) => return,
            // A newer subscription has taken its place; this one stays open, as a forgotten connection does.
            None => {
                let _ = socket.read(&mut byte).await;
                return;
            }
        }
    }
}

/// Errors are the other side's leaving, which the session's side shows.
pub async fn chunks(socket: &mut TcpStream, bytes: &[u8], piece: usize) {
    for part in bytes.chunks(piece.min(bytes.len().max(1))) {
        let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
        chunk.extend_from_slice(part);
        chunk.extend_from_slice(b"\r\n");
        if socket.write_all(&chunk).await.is_err() || socket.flush().await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub async fn read_request(socket: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> Option<Asked> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..head_end).collect()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < length {
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked { method, path, headers, body: buffer.drain(..length).collect(), connection })
}
