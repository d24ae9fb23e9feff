//! What a file says in the whole: its facts, taken in one after the other, as a session would have lived them.
//!
//! Pure: no clock and no IO.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::record::{Begin, Called, Entry, Fact, Framework, Left};
use crate::mesos::{Event, FrameworkId, FrameworkInfo, StatusRecord, decode_event};
use crate::state::{Launch, State, Task};

/// What a session has remembered.
#[derive(Debug)]
pub struct Kept {
    /// The session's name.
    pub session: String,
    /// The master or masters that it belongs to, as they were named.
    pub master: String,
    /// Tasks with their histories, operations, the framework's id.
    pub state: State,
    /// What the framework says of itself.
    pub framework: Option<FrameworkInfo>,
    /// The label by which a master's list shows it.
    pub mark: Option<String>,
    /// Calls that left, or were about to, and of which no answer is known.
    pub open: BTreeMap<u64, Called>,
    /// The number of the last call.
    pub calls: u64,
    /// How the connection stood.
    pub standing: Standing,
    /// The newest fact, counted from the session's start.
    pub last: Duration,
    /// The process that worked on it last.
    pub pid: u32,
}

/// How a session's connection stood at the end of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has never had one.
    Never,
    /// It had one.
    Connected,
    /// It was lost at that time, and wanted back.
    Lost(Duration),
    /// It was let go of at that time.
    Left(Left, Duration),
}

impl Kept {
    /// What nothing is known of yet.
    pub fn new(begin: &Begin) -> Self {
        Self {
            session: begin.session.clone(),
            master: begin.master.clone(),
            state: State::new(SystemTime::UNIX_EPOCH + Duration::from_millis(begin.started)),
            framework: None,
            mark: None,
            open: BTreeMap::new(),
            calls: 0,
            standing: Standing::Never,
            last: Duration::ZERO,
            pid: 0,
        }
    }

    /// Reads the records of a file; `None` if none says whose they are.
    pub fn read<'a>(payloads: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut kept: Option<Self> = None;
        for entry in payloads.into_iter().filter_map(Entry::read) {
            match (&mut kept, entry.fact) {
                (_, Fact::Begin(begin)) => kept = Some(Self::new(&begin)),
                (Some(kept), fact) => kept.take(entry.at, fact),
                (None, _) => {}
            }
        }
        // What was counted belongs to the process that has gone.
        kept.map(|mut kept| {
            kept.state.counts = crate::state::Counts::default();
            kept
        })
    }

    /// The framework's id, if it ever had one.
    pub fn id(&self) -> Option<&FrameworkId> {
        self.state.framework_id.as_ref()
    }

    /// Whether there is a framework to take up, be it that only its mark is known.
    pub fn has_framework(&self) -> bool {
        self.framework.is_some()
    }

    /// Tasks that weren't over.
    pub fn active(&self) -> impl Iterator<Item = &Task> {
        self.state.tasks.iter().filter(|task| !task.is_over())
    }

    /// How long the master keeps the framework without a connection.
    pub fn failover_timeout(&self) -> Duration {
        self.framework.as_ref().map(FrameworkInfo::failover_time).unwrap_or_default()
    }

    pub(super) fn take(&mut self, at: Duration, fact: Fact) {
        self.last = self.last.max(at);
        match fact {
            Fact::Begin(_) => {}
            Fact::Opened(opened) => self.pid = opened.pid,
            Fact::Framework(framework) => self.framework(*framework),
            Fact::Connected(connected) => {
                self.state.framework_id = Some(connected.id);
                self.standing = Standing::Connected;
            }
            Fact::Lost => self.standing = Standing::Lost(at),
            Fact::Left(left) => self.standing = Standing::Left(left, at),
            Fact::Call(called) => self.called(at, *called),
            Fact::Answered(answered) => {
                let called = self.open.remove(&answered.call);
                for task in called.into_iter().filter(|_| !answered.taken).flat_map(|called| called.tasks) {
                    self.state.tasks.unlaunched(task.task_id.as_str());
                }
            }
            Fact::Update(event) => {
                if let Ok(Event::Update(record)) = decode_event(event)
                    && !self.has(&record, at)
                {
                    self.state.tasks.update(&record, at);
                }
            }
            Fact::Acknowledged(acknowledged) => {
                let mut uuid = [0; 18];
                if let Ok(16) = STANDARD.decode_slice(&acknowledged.uuid, &mut uuid)
                    && let Some(uuid) = uuid.first_chunk::<16>()
                {
                    self.state.tasks.acknowledged(acknowledged.task.as_str(), uuid, at);
                }
            }
            Fact::Operation(event) => {
                if let Ok(event @ Event::UpdateOperationStatus(_)) = decode_event(event) {
                    self.state.apply(event, at, None);
                }
            }
        }
    }

    /// Whether that very update is known: what came while the file was written anew stands in it twice.
    fn has(&self, record: &StatusRecord, at: Duration) -> bool {
        let task = self.state.tasks.get(record.task_id.as_str());
        task.is_some_and(|task| task.history().any(|known| known.at == at && known.json == record.json))
    }

    fn framework(&mut self, framework: Framework) {
        let id = framework.info.id.clone();
        if framework.mark != self.mark || id != self.state.framework_id {
            self.state.forget_framework();
            self.state.framework_id = id;
            self.open.clear();
            self.standing = Standing::Never;
        }
        self.framework = Some(framework.info);
        self.mark = framework.mark;
    }

    fn called(&mut self, at: Duration, called: Called) {
        self.calls = self.calls.max(called.call);
        for task in called.tasks.clone() {
            self.state.tasks.launched(Launch { task, hostname: called.hostname.clone(), at });
        }
        self.open.insert(called.call, called);
    }
}
