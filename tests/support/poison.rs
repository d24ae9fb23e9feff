//! A proxy that turns an honest cluster into a hostile one: every text that comes back has an attack behind it.
//!
//! What is asked gets the attack taken away again, so that ids and paths still lead where they led: nothing but what is
//! shown can be harmed. Words of the protocol (types, states, resource names) stay as they are, or nothing would work.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mesos_repl::recordio::Decoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::hostile::{Asked, chunks, read_request};

/// Clears the screen, names the window, colours in eight bits, writes backwards, runs a script, leaves an attribute,
/// begins a new line.
pub const ATTACK: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\r\n<script>alert(1)</script><img/src=x/onerror=alert(1)>\"'&{{7*7}}";

/// What the protocol itself needs.
const WORDS: [&str; 7] = ["type", "state", "uuid", "task_id", "source", "reason", "mode"];

/// The proxy; ends with the runtime.
#[derive(Clone, Debug)]
pub struct Poison {
    pub address: SocketAddr,
    upstream: SocketAddr,
    /// Places to name instead of others, such as an agent's proxy instead of the agent.
    places: Arc<Mutex<Vec<(String, String)>>>,
}

impl Poison {
    /// One before that server.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let poison = Self { address: listener.local_addr().unwrap(), upstream, places: Arc::default() };
        let server = poison.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(socket));
            }
        });
        poison
    }

    /// A proxy before a whole cluster: its master and its agents.
    pub async fn of_cluster(master: SocketAddr, agents: &[SocketAddr]) -> Self {
        let poison = Self::start(master).await;
        for agent in agents {
            let before = Self::start(*agent).await;
            let place = (agent.to_string(), before.address.to_string());
            poison.places.lock().unwrap().push(place);
        }
        poison
    }

    async fn serve(self, mut socket: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(asked) = read_request(&mut socket, &mut buffer, 0).await {
            let Some(mut answer) = Upstream::ask(self.upstream, &asked).await else { return };
            if asked.kind() == "SUBSCRIBE" && answer.head.starts_with("HTTP/1.1 200") {
                let head = format!("{}\r\n\r\n", answer.head);
                if socket.write_all(head.as_bytes()).await.is_ok() {
                    self.stream(&mut socket, &mut answer).await;
                }
                return;
            }
            let mut body = Vec::new();
            while let Some(part) = answer.part().await {
                body.extend_from_slice(&part);
            }
            let body = self.poisoned(&body).unwrap_or(body);
            let kept = answer.head.lines().filter(|line| {
                let line = line.to_ascii_lowercase();
                !["content-length:", "transfer-encoding:", "connection:"].iter().any(|name| line.starts_with(name))
            });
            let head = kept.collect::<Vec<_>>().join("\r\n");
            let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len());
            if socket.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                return;
            }
        }
    }

    async fn stream(&self, socket: &mut TcpStream, answer: &mut Upstream) {
        let mut decoder = Decoder::default();
        loop {
            let part = tokio::select! {
                part = answer.part() => part,
                // The other side has gone.
                _ = socket.readable() => return,
            };
            let Some(part) = part else { return };
            decoder.push(Bytes::from(part));
            while let Ok(Some(record)) = decoder.next_record() {
                let record = self.poisoned(&record).unwrap_or_else(|| record.to_vec());
                let framed = [format!("{}\n", record.len()).as_bytes(), &record].concat();
                chunks(socket, &framed, usize::MAX).await;
            }
        }
    }

    /// JSON with the attack behind each of its texts; anything else is left.
    fn poisoned(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut value: Value = serde_json::from_slice(body).ok()?;
        let places = self.places.lock().unwrap().clone();
        poison(&mut value, &places);
        serde_json::to_vec(&value).ok()
    }
}

fn poison(value: &mut Value, places: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (place, instead) in places {
                *text = text.replace(place, instead);
            }
            text.push_str(ATTACK);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, places)),
        Value::Object(fields) => {
            let is_resource = ["scalar", "ranges", "set"].iter().any(|kind| fields.contains_key(*kind));
            let is_event = fields.contains_key("uuid");
            for (name, value) in fields {
                match name.as_str() {
                    "pid" => {
                        for (place, instead) in places {
                            *value = value.as_str().unwrap_or_default().replace(place, instead).into();
                        }
                    }
                    "name" | "role" if is_resource => {}
                    // Bytes in base64, which aren't shown; and the end of a file is where nothing comes any more.
                    "data" if is_event || value == "" => {}
                    // The roles that were asked for must be those that are offered for.
                    "role" | "roles" => {}
                    name if WORDS.contains(&name) => {}
                    _ => poison(value, places),
                }
            }
        }
        _ => {}
    }
}

/// Without the attack, however it is written there.
fn cured(asked: &Asked) -> (String, Vec<u8>) {
    let encoded: String = ATTACK.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = decoded(&asked.path).replace(ATTACK, "");
    let path = if asked.path.contains('%') { reencoded(&path) } else { asked.path.replace(&encoded, "") };
    let body = match serde_json::from_slice::<Value>(&asked.body) {
        Ok(mut value) => {
            cure(&mut value);
            value.to_string().into_bytes()
        }
        Err(_) => asked.body.clone(),
    };
    (path, body)
}

fn cure(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace(ATTACK, ""),
        Value::Array(items) => items.iter_mut().for_each(cure),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| cure(value)),
        _ => {}
    }
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let code: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.push(u8::from_str_radix(&code, 16).unwrap_or(b'?'));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn reencoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?=&()@:".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// An answer, read as it comes.
struct Upstream {
    socket: TcpStream,
    buffer: Vec<u8>,
    head: String,
    /// Bytes that are still to come, where that was said.
    left: Option<usize>,
}

impl Upstream {
    async fn ask(to: SocketAddr, asked: &Asked) -> Option<Self> {
        let mut socket = TcpStream::connect(to).await.ok()?;
        let (path, body) = cured(asked);
        let mut head = format!("{} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n", asked.method);
        for (name, value) in &asked.headers {
            if !["host", "connection", "content-length", "accept-encoding"].contains(&name.as_str()) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        socket.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
        let mut buffer = Vec::new();
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if socket.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(buffer.drain(..end + 4).collect()).ok()?.trim_end().to_owned();
        let field = |name: &str| {
            head.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let left = match field("transfer-encoding") {
            Some(_) => None,
            None => Some(field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)),
        };
        Some(Self { socket, buffer, head, left })
    }

    /// The next piece of the body.
    async fn part(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.left {
                Some(0) => return None,
                Some(left) if !self.buffer.is_empty() => {
                    let part: Vec<u8> = self.buffer.drain(..left.min(self.buffer.len())).collect();
                    self.left = Some(left - part.len());
                    return Some(part);
                }
                Some(_) => {}
                None => {
                    if let Some(at) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                        let line = String::from_utf8_lossy(&self.buffer[..at]).into_owned();
                        let size = usize::from_str_radix(line.trim(), 16).ok()?;
                        if size == 0 {
                            return None;
                        }
                        if self.buffer.len() >= at + 2 + size + 2 {
                            let part = self.buffer[at + 2..at + 2 + size].to_vec();
                            self.buffer.drain(..at + 2 + size + 2);
                            return Some(part);
                        }
                    }
                }
            }
            if !matches!(self.socket.read_buf(&mut self.buffer).await, Ok(1..)) {
                return None;
            }
        }
    }
}
