//! A master on loopback that keeps books: tasks, offers and updates as a real one handles them, and every rule that a
//! session has broken.
//!
//! What it answers may be replaced call by call, what it streams may be anything: the books stay right, so that a test
//! can compare what the session knows with what is so. It runs nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::hostile::{Asked, read_request, record};

pub const FRAMEWORK: &str = "books-0000";
pub const AGENT: &str = "S0";

/// How a request is answered instead of as usual.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What is written; nothing at all leaves the other side waiting.
    pub bytes: Vec<u8>,
    /// Whether the connection ends then.
    pub end: bool,
    /// Whether the connection is reset instead of closed.
    pub reset: bool,
    /// Whether the call counts all the same: its answer is what gets lost.
    pub taken: bool,
}

impl Reply {
    /// These bytes, and the connection stays.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), end: false, reset: false, taken: false }
    }

    /// A refusal with a body.
    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::bytes(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
    }

    /// The same, and the connection ends.
    pub fn then_end(mut self) -> Self {
        self.end = true;
        self
    }

    /// The same, and the connection is reset.
    pub fn then_reset(mut self) -> Self {
        (self.end, self.reset) = (true, true);
        self
    }

    /// The same, and the call has been taken.
    pub fn but_taken(mut self) -> Self {
        self.taken = true;
        self
    }
}

/// How a stream is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Status line and headers of the answer, without the last empty line.
    pub head: String,
    /// Whether the body goes in chunks, or as it is.
    pub chunked: bool,
    /// Bytes of the body before SUBSCRIBED.
    pub before: Vec<u8>,
    /// Whether SUBSCRIBED comes by itself.
    pub subscribed: bool,
    /// Whether the stream ends then.
    pub end: bool,
}

impl Default for Opening {
    fn default() -> Self {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
        Self { head: head.to_owned(), chunked: true, before: Vec::new(), subscribed: true, end: false }
    }
}

#[derive(Debug)]
enum Wire {
    Bytes(Vec<u8>),
    End,
    Cut,
}

/// An update on its way to the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub state: String,
    pub uuid: [u8; 16],
}

#[derive(Debug, Default)]
struct TaskBook {
    /// What the master would answer to a reconciliation.
    state: String,
    /// Not yet acknowledged; only the first is on its way.
    pending: VecDeque<Sent>,
    /// All that were ever on their way, in order.
    sent: Vec<Sent>,
    acknowledged: BTreeSet<[u8; 16]>,
}

#[derive(Debug)]
struct Line {
    id: String,
    wire: mpsc::UnboundedSender<Wire>,
}

#[derive(Debug, Default)]
struct Books {
    framework: Option<String>,
    /// The session has named it, so it knows it.
    named: bool,
    removed: bool,
    heartbeat: f64,
    tasks: BTreeMap<String, TaskBook>,
    /// Offers that were made, and whether they still hold.
    offers: HashMap<String, bool>,
    used: HashMap<String, String>,
    line: Option<Line>,
    lines: usize,
    uuids: u128,
    /// New updates go on the stream; otherwise they wait for whoever subscribes next.
    silent: bool,
    replies: Vec<(String, Reply)>,
    openings: VecDeque<Result<Opening, Reply>>,
    broken: Vec<String>,
}

/// The master. Ends with the runtime.
#[derive(Clone, Debug)]
pub struct Master {
    pub address: SocketAddr,
    books: Arc<Mutex<Books>>,
    asked: watch::Sender<Vec<Asked>>,
}

/// What the master knows of a task: its state, the uuids that were sent in order, how many wait for acknowledgement.
pub type Known = (String, Vec<[u8; 16]>, usize);

impl Master {
    /// Starts with that interval of heartbeats told; none is sent unless [`Self::beat`] is called.
    pub async fn start(heartbeat: f64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let master = Self {
            address: listener.local_addr().unwrap(),
            books: Arc::new(Mutex::new(Books { heartbeat, ..Books::default() })),
            asked: watch::Sender::new(Vec::new()),
        };
        let server = master.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                socket.set_nodelay(true).unwrap();
                tokio::spawn(server.clone().serve(socket, connection));
            }
        });
        master
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    // ---- what a test asks for ----

    /// Heartbeats from now on, on whatever stream there is.
    pub fn beat(&self, every: Duration) -> tokio::task::JoinHandle<()> {
        let master = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                master.event(&json!({"type": "HEARTBEAT"}));
            }
        })
    }

    /// Updates that nobody has acknowledged are sent again, as agents do it.
    pub fn resend(&self, every: Duration) -> tokio::task::JoinHandle<()> {
        let master = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                master.send_pending();
            }
        })
    }

    /// The next call of that kind is answered so.
    pub fn reply(&self, kind: &str, reply: Reply) {
        self.books().replies.push((kind.to_owned(), reply));
    }

    /// The next SUBSCRIBE is refused so.
    pub fn refuse(&self, reply: Reply) {
        self.books().openings.push_back(Err(reply));
    }

    /// The next stream begins so.
    pub fn open(&self, opening: Opening) {
        self.books().openings.push_back(Ok(opening));
    }

    /// Offers of one agent.
    pub fn offer(&self, ids: &[&str]) {
        let mut books = self.books();
        books.offers.extend(ids.iter().map(|id| ((*id).to_owned(), true)));
        let offers: Vec<_> = ids
            .iter()
            .map(|id| {
                json!({"id": {"value": id}, "framework_id": {"value": FRAMEWORK}, "agent_id": {"value": AGENT},
                    "hostname": "a", "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.0}}]})
            })
            .collect();
        books.event(&json!({"type": "OFFERS", "offers": {"offers": offers}}));
    }

    /// Takes an offer back; whether the scheduler hears of it.
    pub fn rescind(&self, id: &str, told: bool) {
        let mut books = self.books();
        books.offers.insert(id.to_owned(), false);
        if told {
            books.event(&json!({"type": "RESCIND", "rescind": {"offer_id": {"value": id}}}));
        }
    }

    /// A task moves on, by its agent's word: to be acknowledged.
    pub fn moves(&self, task: &str, state: &str) {
        self.books().moves(task, state);
    }

    /// A task moves on by the master's own word: never acknowledged, never repeated.
    pub fn says(&self, task: &str, state: &str, reason: &str, told: bool) {
        let mut books = self.books();
        books.tasks.entry(task.to_owned()).or_default().state = state.to_owned();
        if told {
            books.says(task, state, reason);
        }
    }

    /// What is known of a task is forgotten, as a master does that was started anew.
    pub fn forget(&self, task: &str) {
        self.books().tasks.remove(task);
    }

    /// Tasks whose end has been acknowledged, as a master forgets them: their names, states and uuids.
    pub fn retire(&self) -> Vec<(String, Known)> {
        let over = ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR"];
        let mut books = self.books();
        let (retired, kept): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut books.tasks)
            .into_iter()
            .partition(|(_, task)| task.pending.is_empty() && over.contains(&task.state.as_str()));
        books.tasks = kept;
        drop(books);
        let known = |task: TaskBook| (task.state, task.sent.iter().map(|sent| sent.uuid).collect(), task.pending.len());
        retired.into_iter().map(|(id, task)| (id, known(task))).collect()
    }

    /// What was asked so far is forgotten too, and offers that hold no longer: a test of days would keep too much.
    pub fn forget_asked(&self) {
        self.asked.send_modify(Vec::clear);
        let mut books = self.books();
        books.offers.retain(|_, holds| *holds);
        books.used.clear();
    }

    /// The framework ends by somebody else's hand.
    pub fn remove(&self) {
        let mut books = self.books();
        books.removed = true;
        if let Some(line) = books.line.take() {
            let _ = line.wire.send(Wire::End);
        }
    }

    /// Updates aren't put on the stream any more, or are again.
    pub fn hush(&self, silent: bool) {
        self.books().silent = silent;
    }

    /// Sends an event on the stream, if there is one.
    pub fn event(&self, event: &Value) {
        self.books().event(event);
    }

    /// Sends bytes on the stream, if there is one.
    pub fn bytes(&self, bytes: &[u8]) {
        self.books().wire(Wire::Bytes(bytes.to_vec()));
    }

    /// Ends the stream as HTTP does.
    pub fn end(&self) {
        self.books().wire(Wire::End);
    }

    /// Cuts the stream's connection.
    pub fn cut(&self) {
        self.books().wire(Wire::Cut);
    }

    /// The first update of each task that nobody has acknowledged, as its JSON.
    pub fn pending(&self) -> Vec<Value> {
        let books = self.books();
        books.tasks.iter().filter_map(|(id, task)| Some(update(id, task.pending.front()?))).collect()
    }

    /// Puts those on the stream.
    pub fn send_pending(&self) {
        let events = self.pending();
        let mut books = self.books();
        events.iter().for_each(|event| books.event(event));
    }

    // ---- what a test looks at ----

    /// How many calls of that kind have come.
    pub fn count(&self, kind: &str) -> usize {
        self.asked.borrow().iter().filter(|asked| asked.kind() == kind).count()
    }

    /// Waits for the `number`th (from 0) call of that kind.
    pub async fn call(&self, kind: &str, number: usize) -> Asked {
        let mut asked = self.asked.subscribe();
        let find = |all: &Vec<Asked>| all.iter().filter(|asked| asked.kind() == kind).nth(number).cloned();
        let what = format!("{kind} number {number}");
        let come = asked.wait_for(|all| find(all).is_some());
        let all = super::within(Duration::from_secs(20), &what, come).await.unwrap();
        find(&all).unwrap()
    }

    /// Whether a stream is open now.
    pub fn has_stream(&self) -> bool {
        self.books().line.is_some()
    }

    /// What is so.
    pub fn tasks(&self) -> BTreeMap<String, Known> {
        let books = self.books();
        let known = |task: &TaskBook| {
            (task.state.clone(), task.sent.iter().map(|sent| sent.uuid).collect(), task.pending.len())
        };
        books.tasks.iter().map(|(id, task)| (id.clone(), known(task))).collect()
    }

    /// The rules that were broken.
    pub fn broken(&self) -> Vec<String> {
        self.books().broken.clone()
    }

    // ---- the wire ----

    async fn serve(self, mut socket: TcpStream, connection: usize) {
        let mut buffer = Vec::new();
        while let Some(asked) = read_request(&mut socket, &mut buffer, connection).await {
            let kind = asked.kind();
            if kind == "SUBSCRIBE" {
                let opened = self.books().subscribe(&asked);
                self.asked.send_modify(|all| all.push(asked));
                match opened {
                    Ok((opening, first, id, stream)) => {
                        self.stream(&mut socket, opening, first, stream).await;
                        self.books().closed(&id);
                        return;
                    }
                    Err(reply) if write(&mut socket, &reply).await => continue,
                    Err(_) => return,
                }
            }
            let reply = self.books().answer(&asked);
            self.asked.send_modify(|all| all.push(asked));
            if !write(&mut socket, &reply).await {
                return;
            }
        }
    }

    async fn stream(
        &self,
        socket: &mut TcpStream,
        opening: Opening,
        first: Vec<u8>,
        mut wires: mpsc::UnboundedReceiver<Wire>,
    ) {
        let mut start = opening.head.clone().into_bytes();
        start.extend_from_slice(b"\r\n");
        for part in [&opening.before, &first].into_iter().filter(|part| !part.is_empty()) {
            start.extend_from_slice(&body(part, opening.chunked));
        }
        if socket.write_all(&start).await.is_err() {
            return;
        }
        if opening.end {
            let _ = socket.write_all(if opening.chunked { b"0\r\n\r\n" } else { b"" }).await;
            return;
        }
        let mut byte = [0; 1];
        loop {
            let wire = tokio::select! {
                wire = wires.recv() => wire,
                // The other side has gone.
                _ = socket.read(&mut byte) => return,
            };
            match wire {
                Some(Wire::Bytes(bytes)) => {
                    if socket.write_all(&body(&bytes, opening.chunked)).await.is_err() {
                        return;
                    }
                }
                Some(Wire::End) => {
                    let _ = socket.write_all(if opening.chunked { b"0\r\n\r\n" } else { b"" }).await;
                    return;
                }
                Some(Wire::Cut) | None => return,
            }
        }
    }
}

fn body(bytes: &[u8], chunked: bool) -> Vec<u8> {
    if !chunked || bytes.is_empty() {
        return bytes.to_vec();
    }
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Whether the connection goes on.
async fn write(socket: &mut TcpStream, reply: &Reply) -> bool {
    if reply.reset {
        let _ = socket.set_zero_linger();
    }
    socket.write_all(&reply.bytes).await.is_ok() && !reply.end
}

/// An update as an event.
pub fn update(task: &str, sent: &Sent) -> Value {
    json!({"type": "UPDATE", "update": {"status": {"task_id": {"value": task}, "state": sent.state,
        "agent_id": {"value": AGENT}, "source": "SOURCE_EXECUTOR", "uuid": STANDARD.encode(sent.uuid)}}})
}

type Opened = (Opening, Vec<u8>, String, mpsc::UnboundedReceiver<Wire>);

impl Books {
    fn event(&mut self, event: &Value) {
        self.wire(Wire::Bytes(record(event)));
    }

    fn wire(&mut self, wire: Wire) {
        if let Some(line) = &self.line {
            // A stream that has just ended is put away by its own task.
            let _ = line.wire.send(wire);
        }
    }

    fn subscribe(&mut self, asked: &Asked) -> Result<Opened, Reply> {
        let call = asked.json();
        let (outer, inner) = (&call["framework_id"]["value"], &call["subscribe"]["framework_info"]["id"]["value"]);
        if asked.header("mesos-stream-id").is_some() {
            self.broken.push("SUBSCRIBE carries a stream id".to_owned());
        }
        if outer != inner {
            self.broken.push(format!("SUBSCRIBE as {outer} and {inner}"));
        }
        if let Some(known) = &self.framework
            && self.named
            && inner.as_str() != Some(known)
        {
            self.broken.push(format!("SUBSCRIBE as {inner}, and {known} is lost"));
        }
        let opening = match self.openings.pop_front() {
            Some(Err(reply)) => return Err(reply),
            Some(Ok(opening)) => opening,
            None => Opening::default(),
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        if let Some(old) = self.line.take() {
            let over = json!({"type": "ERROR", "error": {"message": "Framework failed over"}});
            let _ = old.wire.send(Wire::Bytes(record(&over)));
            let _ = old.wire.send(Wire::End);
        }
        // Offers belong to their subscription.
        self.offers.values_mut().for_each(|holds| *holds = false);
        self.lines += 1;
        let id = format!("stream-{}", self.lines);
        if self.removed {
            let first = record(&json!({"type": "ERROR", "error": {"message": "Framework has been removed"}}));
            let opening = Opening { end: true, ..opening };
            return Ok((opening, first, id, receiver));
        }
        let mut first = Vec::new();
        if opening.subscribed {
            self.framework = Some(FRAMEWORK.to_owned());
            first = record(&json!({"type": "SUBSCRIBED", "subscribed": {"framework_id": {"value": FRAMEWORK},
                "heartbeat_interval_seconds": self.heartbeat}}));
        }
        self.line = Some(Line { id: id.clone(), wire: sender });
        if opening.subscribed && !self.silent {
            // Agents send again what nobody has acknowledged.
            let events: Vec<_> =
                self.tasks.iter().filter_map(|(id, task)| Some(update(id, task.pending.front()?))).collect();
            events.iter().for_each(|event| self.event(event));
        }
        let mut opening = opening;
        if !opening.head.to_ascii_lowercase().contains("mesos-stream-id") {
            opening.head.push_str(&format!("Mesos-Stream-Id: {id}\r\n"));
        }
        Ok((opening, first, id, receiver))
    }

    fn closed(&mut self, id: &str) {
        if self.line.as_ref().is_some_and(|line| line.id == id) {
            self.line = None;
            self.offers.values_mut().for_each(|holds| *holds = false);
        }
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let call = asked.json();
        let kind = asked.kind();
        let found = self.replies.iter().position(|(of, _)| *of == kind).map(|at| self.replies.remove(at).1);
        match found {
            Some(reply) if !reply.taken => reply,
            Some(reply) => {
                self.take(&kind, &call, asked.header("mesos-stream-id"));
                reply
            }
            None => self.take(&kind, &call, asked.header("mesos-stream-id")),
        }
    }

    /// As a real master: `src/master/http.cpp`, `scheduler()`.
    fn take(&mut self, kind: &str, call: &Value, stream: Option<&str>) -> Reply {
        let framework = call["framework_id"]["value"].as_str().unwrap_or("");
        if self.removed || self.framework.as_deref() != Some(framework) {
            return Reply::status(400, "", "Framework cannot be found");
        }
        self.named = true;
        let Some(line) = &self.line else { return Reply::status(403, "", "Framework is not subscribed") };
        if stream != Some(line.id.as_str()) {
            let given = stream.unwrap_or("");
            return Reply::status(
                400,
                "",
                &format!(
                    "The stream ID '{given}' included in this request didn't match the stream ID currently associated with framework ID {framework}"
                ),
            );
        }
        match kind {
            "ACCEPT" => self.accept(&call["accept"]),
            "DECLINE" => {
                for id in ids(&call["decline"]["offer_ids"]) {
                    self.spend(&id, "DECLINE");
                }
            }
            "ACKNOWLEDGE" => self.acknowledge(&call["acknowledge"]),
            "KILL" => {
                let task = call["kill"]["task_id"]["value"].as_str().unwrap_or("").to_owned();
                if self.tasks.contains_key(&task) {
                    self.moves(&task, "TASK_KILLED");
                } else {
                    self.says(&task, "TASK_LOST", "REASON_RECONCILIATION");
                }
            }
            "RECONCILE" => self.reconcile(&call["reconcile"]["tasks"]),
            "TEARDOWN" => {
                self.removed = true;
                if let Some(line) = self.line.take() {
                    let _ = line.wire.send(Wire::End);
                }
            }
            "UPDATE_FRAMEWORK" => return Reply::status(200, "", ""),
            _ => {}
        }
        Reply::bytes("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    }

    fn accept(&mut self, accept: &Value) {
        let offers = ids(&accept["offer_ids"]);
        let holds: Vec<_> = offers.iter().map(|id| self.spend(id, "ACCEPT")).collect();
        let tasks: Vec<String> = accept["operations"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|operation| operation["launch"]["task_infos"].as_array().cloned().unwrap_or_default())
            .filter_map(|task| task["task_id"]["value"].as_str().map(str::to_owned))
            .collect();
        for task in tasks {
            if self.tasks.contains_key(&task) {
                self.broken.push(format!("{task} was launched twice"));
            }
            if !offers.is_empty() && holds.iter().all(|holds| *holds) {
                self.moves(&task, "TASK_STARTING");
                self.moves(&task, "TASK_RUNNING");
            } else {
                self.tasks.entry(task.clone()).or_default().state = "TASK_LOST".to_owned();
                self.says(&task, "TASK_LOST", "REASON_INVALID_OFFERS");
            }
        }
    }

    /// Whether it holds; an offer may be named once.
    fn spend(&mut self, id: &str, by: &str) -> bool {
        if let Some(before) = self.used.insert(id.to_owned(), by.to_owned()) {
            self.broken.push(format!("offer {id} was used by {before} and by {by}"));
        }
        self.offers.insert(id.to_owned(), false).unwrap_or(false)
    }

    fn acknowledge(&mut self, acknowledge: &Value) {
        let task = acknowledge["task_id"]["value"].as_str().unwrap_or("").to_owned();
        let uuid = acknowledge["uuid"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let uuid: Option<[u8; 16]> = uuid.and_then(|bytes| bytes.try_into().ok());
        let Some(uuid) = uuid else {
            self.broken.push(format!("an acknowledgement of {task} without a uuid"));
            return;
        };
        let silent = self.silent;
        let Some(book) = self.tasks.get_mut(&task) else { return };
        if acknowledge["agent_id"]["value"] != AGENT {
            self.broken.push(format!("an acknowledgement of {task} for another agent"));
        }
        match book.pending.front() {
            Some(first) if first.uuid == uuid => {
                book.pending.pop_front();
                book.acknowledged.insert(uuid);
                let next = book.pending.front().cloned();
                if let Some(next) = next {
                    book.sent.push(next.clone());
                    book.state.clone_from(&next.state);
                    let event = update(&task, &next);
                    if !silent {
                        self.event(&event);
                    }
                }
            }
            _ if book.acknowledged.contains(&uuid) => {}
            _ => self.broken.push(format!("an acknowledgement of {task} that nobody sent")),
        }
    }

    fn reconcile(&mut self, tasks: &Value) {
        let asked: Vec<String> = tasks
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|task| task["task_id"]["value"].as_str().map(str::to_owned))
            .collect();
        if asked.is_empty() {
            let known: Vec<_> = self.tasks.iter().map(|(id, task)| (id.clone(), task.state.clone())).collect();
            known.iter().for_each(|(id, state)| self.says(id, state, "REASON_RECONCILIATION"));
        }
        for id in asked {
            let state = self.tasks.get(&id).map_or("TASK_LOST".to_owned(), |task| task.state.clone());
            self.says(&id, &state, "REASON_RECONCILIATION");
        }
    }

    fn moves(&mut self, task: &str, state: &str) {
        self.uuids += 1;
        let sent = Sent {
            state: state.to_owned(),
            uuid: self.uuids.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes(),
        };
        let book = self.tasks.entry(task.to_owned()).or_default();
        book.pending.push_back(sent.clone());
        if book.pending.len() == 1 {
            book.sent.push(sent.clone());
            book.state = state.to_owned();
            let event = update(task, &sent);
            if !self.silent {
                self.event(&event);
            }
        }
    }

    fn says(&mut self, task: &str, state: &str, reason: &str) {
        self.event(&json!({"type": "UPDATE", "update": {"status": {"task_id": {"value": task}, "state": state,
            "source": "SOURCE_MASTER", "reason": reason, "message": "by the master"}}}));
    }
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|id| id["value"].as_str().map(str::to_owned)).collect()
}
