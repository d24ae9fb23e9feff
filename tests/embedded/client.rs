//! A bare HTTP client: what is written is what is sent, what comes back is shown as it came.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::within;

const DEADLINE: Duration = Duration::from_secs(20);

/// An answer: status, headers with lower-case names, body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// An open event stream. Dropping it closes the connection.
pub struct Stream {
    pub answer: Answer,
    events: mpsc::UnboundedReceiver<Value>,
    reader: tokio::task::JoinHandle<()>,
    /// Heartbeats that were passed over.
    heartbeats: usize,
    /// Offers that came and weren't rescinded.
    pub offers: Vec<Value>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Stream {
    pub fn id(&self) -> String {
        self.answer.header("mesos-stream-id").unwrap_or("").to_owned()
    }

    /// The next event, heartbeats passed over; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
        within(DEADLINE, "an event or the stream's end", async {
            loop {
                match self.events.recv().await {
                    Some(event) if event["type"] == "HEARTBEAT" => self.heartbeats += 1,
                    other => {
                        self.note(other.as_ref());
                        return other;
                    }
                }
            }
        })
        .await
    }

    /// What is there already, heartbeats passed over.
    pub fn try_next(&mut self) -> Option<Value> {
        loop {
            match self.events.try_recv() {
                Ok(event) if event["type"] == "HEARTBEAT" => self.heartbeats += 1,
                other => {
                    self.note(other.as_ref().ok());
                    return other.ok();
                }
            }
        }
    }

    /// Keeps the offers in hand, also of events that a test passes over.
    fn note(&mut self, event: Option<&Value>) {
        let Some(event) = event else { return };
        self.offers.extend(event["offers"]["offers"].as_array().cloned().unwrap_or_default());
        self.offers.retain(|offer| offer["id"] != event["rescind"]["offer_id"]);
    }

    /// How many heartbeats have been passed over.
    pub fn heartbeats(&self) -> usize {
        self.heartbeats
    }

    /// The next event of a type; what comes before is dropped.
    pub async fn wait(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Some(event) if event["type"] == kind => return event,
                Some(_) => {}
                None => panic!("the stream ended before {kind}"),
            }
        }
    }
}

/// How a request is answered.
pub enum Got {
    Whole(Answer),
    Stream(Stream),
}

impl Got {
    pub fn whole(self) -> Answer {
        match self {
            Self::Whole(answer) => answer,
            Self::Stream(_) => panic!("a stream, where an answer was expected"),
        }
    }

    pub fn stream(self) -> Stream {
        match self {
            Self::Stream(stream) => stream,
            Self::Whole(answer) => panic!("no stream: {} {}", answer.status, answer.text()),
        }
    }
}

/// Sends one request on a connection of its own.
pub async fn send(to: SocketAddr, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Got {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut socket = within(DEADLINE, "a connection", TcpStream::connect(to)).await.unwrap();
    socket.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    within(DEADLINE, "an answer", answer(socket, method)).await
}

async fn answer(mut socket: TcpStream, method: &str) -> Got {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        assert!(socket.read_buf(&mut bytes).await.unwrap() > 0, "no answer: {:?}", String::from_utf8_lossy(&bytes));
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut rest = bytes.split_off(end + 4);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|word| word.parse().ok()).unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    if answer.header("transfer-encoding") == Some("chunked") {
        let (sender, events) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move { chunks(socket, rest, &sender).await });
        return Got::Stream(Stream { answer, events, reader, heartbeats: 0, offers: Vec::new() });
    }
    let length = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while method != "HEAD" && rest.len() < length {
        assert!(socket.read_buf(&mut rest).await.unwrap() > 0, "a cut answer");
    }
    answer.body = rest;
    Got::Whole(answer)
}

/// Reads chunks; each holds exactly one record, as a real master writes them.
async fn chunks(mut socket: TcpStream, mut bytes: Vec<u8>, events: &mpsc::UnboundedSender<Value>) {
    loop {
        let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") else {
            if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
            continue;
        };
        let size = usize::from_str_radix(&String::from_utf8_lossy(&bytes[..line]), 16).unwrap();
        if bytes.len() < line + 2 + size + 2 {
            if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
            continue;
        }
        if size == 0 {
            return;
        }
        let chunk: Vec<u8> = bytes.drain(..line + 2 + size + 2).skip(line + 2).take(size).collect();
        let newline = chunk.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let length: Option<usize> = String::from_utf8_lossy(&chunk[..newline]).parse().ok();
        if length != Some(chunk.len() - newline - 1) {
            // Nothing that a real master does; the test that waits for an event will say so.
            let _ =
                events.send(serde_json::json!({"type": "NOT ONE RECORD", "chunk": String::from_utf8_lossy(&chunk)}));
            return;
        }
        let event = serde_json::from_slice(&chunk[newline + 1..]).unwrap_or_else(|_| {
            let hex: String = chunk[newline + 1..].iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::json!({"type": "BYTES", "hex": hex})
        });
        if events.send(event).is_err() {
            return;
        }
    }
}

/// A call as JSON.
pub async fn call(to: SocketAddr, stream: Option<&str>, body: &Value) -> Got {
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Accept".to_owned(), "application/json".to_owned()),
    ];
    headers.extend(stream.map(|id| ("Mesos-Stream-Id".to_owned(), id.to_owned())));
    send(to, "POST", "/api/v1/scheduler", &headers, body.to_string().as_bytes()).await
}
