//! What a session remembers, one fact a record, as JSON: `{"at": MILLISECONDS, "<kind>": ...}`.
//!
//! Pure. What a fact means for the whole is [`super::kept`]'s business. No credentials: see [`super::redact`].

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::redact;
use crate::mesos::{FrameworkId, FrameworkInfo, TaskId, TaskInfo};

/// A fact, and when it came about.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counted from the session's start.
    pub at: Duration,
    /// The fact.
    pub fact: Fact,
}

/// What can be remembered.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The file's first: whose it is.
    Begin(Box<Begin>),
    /// A process works on it.
    Opened(Opened),
    /// What the framework says of itself from now on. Before its first SUBSCRIBE it has no id, only its mark.
    Framework(Box<Framework>),
    /// SUBSCRIBED came: the framework's id.
    Connected(Connected),
    /// The connection is gone, and the session tries to get another.
    Lost,
    /// The subscription is over.
    Left(Left),
    /// A call is about to be sent.
    Call(Box<Called>),
    /// A call was answered, or has never left.
    Answered(Answered),
    /// A status update came: the UPDATE event.
    Update(Bytes),
    /// It was acknowledged.
    Acknowledged(Acknowledged),
    /// An operation's status came: the UPDATE_OPERATION_STATUS event.
    Operation(Bytes),
}

/// Whose file it is.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Begin {
    /// The session's start, in milliseconds since 1970.
    pub started: u64,
    /// The session's name.
    pub session: String,
    /// The program that wrote it.
    pub program: String,
    /// The master or masters that it belongs to, as they were named, without credentials.
    pub master: String,
}

/// A process that works on the file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Opened {
    /// Its process id.
    pub pid: u32,
}

/// A framework, as it subscribes.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Framework {
    /// What it says of itself, with the id if it has one.
    pub info: FrameworkInfo,
    /// The label by which a master's list shows a framework whose id never reached us.
    pub mark: Option<String>,
}

/// A subscription that stands.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Connected {
    /// The framework's id.
    pub id: FrameworkId,
}

/// How a subscription ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// We left the framework running.
    Detached,
    /// Another client has it.
    Stolen,
    /// The master won't have it.
    Refused,
}

/// A call that leaves.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(default)]
pub struct Called {
    /// Counts the session's calls.
    pub call: u64,
    /// Its `type`.
    pub kind: String,
    /// The tasks that it launches, their credentials hidden.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskInfo>,
    /// The host of their agent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// The task that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Answered {
    /// Which.
    pub call: u64,
    /// Whether the master has taken it; otherwise it has had no effect.
    pub taken: bool,
}

/// An update that was acknowledged.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its task.
    pub task: TaskId,
    /// Its uuid in base64, as events have it.
    pub uuid: String,
}

/// A record as it is read: one of the fields is there.
#[derive(Deserialize)]
struct Line<'a> {
    at: u64,
    begin: Option<Box<Begin>>,
    opened: Option<Opened>,
    framework: Option<Box<Framework>>,
    connected: Option<Connected>,
    lost: Option<bool>,
    left: Option<Left>,
    call: Option<Box<Called>>,
    answered: Option<Answered>,
    #[serde(borrow)]
    update: Option<&'a RawValue>,
    acknowledged: Option<Acknowledged>,
    #[serde(borrow)]
    operation: Option<&'a RawValue>,
}

impl Entry {
    /// Writes it as a record's payload.
    pub fn write(&self, to: &mut Vec<u8>) {
        // Writing to memory can't fail.
        let _ = write!(to, "{{\"at\":{},\"{}\":", self.at.as_millis(), self.fact.kind());
        match &self.fact {
            Fact::Begin(fact) => json(to, fact),
            Fact::Opened(fact) => json(to, fact),
            Fact::Framework(fact) => json(to, fact),
            Fact::Connected(fact) => json(to, fact),
            Fact::Lost => to.extend_from_slice(b"true"),
            Fact::Left(fact) => json(to, fact),
            Fact::Call(fact) => json(to, fact),
            Fact::Answered(fact) => json(to, fact),
            Fact::Acknowledged(fact) => json(to, fact),
            Fact::Update(event) | Fact::Operation(event) => raw(to, event),
        }
        to.push(b'}');
    }

    /// Reads a record's payload; `None` if it isn't one.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let line: Line<'_> = serde_json::from_slice(payload).ok()?;
        let event = |raw: &RawValue| Bytes::copy_from_slice(raw.get().as_bytes());
        let fact = None
            .or(line.update.map(|raw| Fact::Update(event(raw))))
            .or(line.acknowledged.map(Fact::Acknowledged))
            .or(line.call.map(Fact::Call))
            .or(line.answered.map(Fact::Answered))
            .or(line.operation.map(|raw| Fact::Operation(event(raw))))
            .or(line.begin.map(Fact::Begin))
            .or(line.opened.map(Fact::Opened))
            .or(line.framework.map(Fact::Framework))
            .or(line.connected.map(Fact::Connected))
            .or(line.lost.map(|_| Fact::Lost))
            .or(line.left.map(Fact::Left))?;
        Some(Self { at: Duration::from_millis(line.at), fact })
    }
}

impl Fact {
    fn kind(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::Opened(_) => "opened",
            Self::Framework(_) => "framework",
            Self::Connected(_) => "connected",
            Self::Lost => "lost",
            Self::Left(_) => "left",
            Self::Call(_) => "call",
            Self::Answered(_) => "answered",
            Self::Update(_) => "update",
            Self::Acknowledged(_) => "acknowledged",
            Self::Operation(_) => "operation",
        }
    }

    /// About how many bytes it holds, for bounding what waits to be written.
    pub fn weight(&self) -> usize {
        match self {
            Self::Update(event) | Self::Operation(event) => event.len(),
            Self::Call(called) => 256 + 1024 * called.tasks.len(),
            _ => 128,
        }
    }
}

/// Our own facts hold string keys and finite numbers, so that writing them can't fail; a defect here would leave a
/// record that reading skips.
fn json(to: &mut Vec<u8>, fact: &impl Serialize) {
    if serde_json::to_writer(&mut *to, fact).is_err() {
        to.extend_from_slice(b"null");
    }
}

/// An event as it came, but for credentials in the addresses that it names.
fn raw(to: &mut Vec<u8>, event: &[u8]) {
    // There may be a hundred thousand of them.
    static ADDRESS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));
    if ADDRESS.find(event).is_none() {
        return to.extend_from_slice(event);
    }
    match std::str::from_utf8(event) {
        Ok(text) => to.extend_from_slice(redact::without_userinfo(text).as_bytes()),
        // Events are JSON, and thus text.
        Err(_) => to.extend_from_slice(b"null"),
    }
}

/// A task as it may be remembered: its credentials hidden.
pub fn without_credentials(task: &TaskInfo) -> TaskInfo {
    let hidden = serde_json::to_value(task).and_then(|mut value| {
        redact::hide(&mut value);
        serde_json::from_value(value)
    });
    // Hiding changes texts and takes optional fields away, so that a task stays one; if not, its head is enough.
    hidden.unwrap_or_else(|_| TaskInfo {
        name: task.name.clone(),
        task_id: task.task_id.clone(),
        agent_id: task.agent_id.clone(),
        resources: task.resources.clone(),
        ..TaskInfo::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn round(fact: Fact) -> String {
        let entry = Entry { at: Duration::from_millis(1234), fact };
        let mut payload = Vec::new();
        entry.write(&mut payload);
        let read = Entry::read(&payload).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&payload)));
        assert_eq!(read.at, entry.at);
        assert_eq!(format!("{:?}", read.fact), format!("{:?}", entry.fact));
        String::from_utf8(payload).unwrap()
    }

    #[test]
    fn facts_are_read_as_they_were_written() {
        let begin = Begin { started: 5, session: "a".into(), program: "0.1.0".into(), master: "http://m:5050".into() };
        round(Fact::Begin(Box::new(begin)));
        round(Fact::Opened(Opened { pid: 7 }));
        let info = FrameworkInfo { name: "x".into(), user: "root".into(), id: Some("F".into()), ..Default::default() };
        round(Fact::Framework(Box::new(Framework { info, mark: Some("m".into()) })));
        round(Fact::Connected(Connected { id: "F".into() }));
        assert_eq!(round(Fact::Lost), r#"{"at":1234,"lost":true}"#);
        assert_eq!(round(Fact::Left(Left::Stolen)), r#"{"at":1234,"left":"stolen"}"#);
        let task = TaskInfo { task_id: "t".into(), name: "t".into(), agent_id: "S".into(), ..Default::default() };
        let called = Called { call: 3, kind: "ACCEPT".into(), tasks: vec![task], hostname: "h".into(), task: None };
        round(Fact::Call(Box::new(called)));
        round(Fact::Call(Box::new(Called { kind: "KILL".into(), task: Some("t".into()), ..Called::default() })));
        round(Fact::Answered(Answered { call: 3, taken: true }));
        round(Fact::Acknowledged(Acknowledged { task: "t".into(), uuid: "AAECAwQFBgcICQoLDA0ODw==".into() }));
        let update = Bytes::from_static(br#"{ "type":"UPDATE", "new": 1e400 }"#);
        assert_eq!(round(Fact::Update(update)), r#"{"at":1234,"update":{ "type":"UPDATE", "new": 1e400 }}"#);
        round(Fact::Operation(Bytes::from_static(b"{}")));
        for bad in [&b""[..], b"{}", b"{\"at\":1}", b"{\"at\":1,\"new\":2}", b"[]", b"{\"at\":-1,\"lost\":true}"] {
            assert!(Entry::read(bad).is_none());
        }
    }

    #[test]
    fn no_credentials_are_written() {
        let event = json!({"type": "UPDATE", "message": "can't fetch https://me:hunter2@host/x"}).to_string();
        let written = {
            let mut payload = Vec::new();
            Entry { at: Duration::ZERO, fact: Fact::Update(event.into()) }.write(&mut payload);
            String::from_utf8(payload).unwrap()
        };
        assert!(written.contains("https://***@host/x") && !written.contains("hunter2"), "{written}");
        let task: TaskInfo =
            serde_json::from_value(json!({"name": "web", "task_id": {"value": "w"}, "agent_id": {"value": "S"},
            "data": "aHVudGVyMg==", "command": {"value": "x --token hunter2", "environment": {"variables": [
                {"name": "PASSWORD", "value": "hunter2"}]}},
            "container": {"type": "MESOS", "mesos": {"image": {"type": "DOCKER", "docker": {"name": "i", "config":
                {"type": "VALUE", "value": {"data": "aHVudGVyMg=="}}}}}}}))
            .unwrap();
        let hidden = serde_json::to_string(&without_credentials(&task)).unwrap();
        assert!(!hidden.contains("hunter2") && !hidden.contains("aHVudGVyMg"), "{hidden}");
        assert!(hidden.contains("\"web\"") && hidden.contains("PASSWORD"), "{hidden}");
    }
}
