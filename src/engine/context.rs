//! What a running command has at hand: the session, the output, and waiting with progress.
//!
//! Waiting is always for a condition with a limit, shows what for, and ends with the input's cancellation.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Caused, Engine, Leave, Options, Output, Question, StartError, Target, explain};
use crate::client::{Address, Client, RequestError};
use crate::document::{Diagnostic, Document, span};
use crate::mesos::FrameworkInfo;
use crate::session::{CallError, Closed, Phase, Session};
use crate::state::State;
use crate::store::Trouble;

/// How often a wait says how long it has lasted.
const BEAT: Duration = Duration::from_millis(200);
/// A wait for a master that is kept up so long is told of where nobody sees it.
const HELD_UP: Duration = Duration::from_secs(2);
/// How long a read waits for a master to lead.
const LEADER: Duration = Duration::from_secs(10);

/// Why a command didn't end well.
#[derive(Debug)]
pub enum Failure {
    /// To be shown.
    Diagnostic(Box<Diagnostic>),
    /// To be shown: what was written makes no sense, whatever it would meet.
    Usage(Box<Diagnostic>),
    /// Shown already.
    Shown,
    /// Interrupted.
    Cancelled,
    /// No failure: the person wants to leave.
    Quit(Leave),
}

impl Failure {
    pub(super) fn usage(diagnostic: Diagnostic) -> Self {
        Self::Usage(Box::new(diagnostic))
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostic(Box::new(diagnostic))
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        explain::request_failed(&error).into()
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Diagnostic::from(&error).into()
    }
}

impl From<Trouble> for Failure {
    fn from(error: Trouble) -> Self {
        explain::trouble(&error).into()
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        explain::call_failed(&error).into()
    }
}

pub(super) struct Context<'a> {
    engine: &'a Engine,
    output: &'a mut dyn Output,
    cancel: &'a CancellationToken,
    /// How long the command may take, and until when, where it was told.
    told: Option<(Duration, Instant)>,
}

impl<'a> Context<'a> {
    pub fn new(engine: &'a Engine, output: &'a mut dyn Output, cancel: &'a CancellationToken) -> Self {
        Self { engine, output, cancel, told: None }
    }

    /// Waits no longer than this from now on, whatever for: a connection, an answer, an effect.
    pub fn limit(&mut self, limit: Option<Duration>) {
        self.told = limit.map(|limit| (limit, Instant::now() + limit));
    }

    /// What is left of the time that the command was given.
    fn left(&self) -> Option<Duration> {
        self.told.map(|(_, until)| until.saturating_duration_since(Instant::now()))
    }

    pub fn engine(&self) -> &'a Engine {
        self.engine
    }

    pub fn options(&self) -> &'a Options {
        self.engine.options()
    }

    pub fn session(&self) -> Session {
        self.engine.session()
    }

    pub fn target(&self) -> Target {
        self.engine.target()
    }

    pub fn client(&self) -> Client {
        self.session().client().clone()
    }

    /// The master that is asked now, if there is one.
    pub fn known_address(&self) -> Option<Address> {
        self.session().status().borrow().address.clone()
    }

    /// The leading master where a subscription stands or ZooKeeper knows one; otherwise the first of those named that
    /// answers. Waits a while for somebody to lead.
    pub async fn address(&mut self) -> Result<Address, Failure> {
        let session = self.session();
        let named = self.target().masters.named().to_vec();
        if named.len() > 1 && !session.status().borrow().is_subscribed() {
            let client = self.client();
            return self.answering(&client, &named).await;
        }
        let mut status = session.status();
        let limit = Instant::now() + LEADER.min(self.options().patience);
        loop {
            let (address, why) = {
                let status = status.borrow_and_update();
                (status.address.clone(), status.master())
            };
            if let Some(address) = address {
                return Ok(address);
            }
            let changed = tokio::time::timeout_at(limit, status.changed());
            if !matches!(self.during(&why, changed).await?, Ok(Ok(()))) {
                let diagnostic = Diagnostic::new(format!("there is no master to ask: {why}"));
                return Err(diagnostic.help("the session goes on looking for one; status shows how it stands").into());
            }
        }
    }

    /// The first master that was named, whoever leads; the leading one behind ZooKeeper.
    pub async fn named_address(&mut self) -> Result<Address, Failure> {
        match self.target().masters.named().first() {
            Some(first) => Ok(first.clone()),
            None => self.address().await,
        }
    }

    /// The first that answers, or what the first one did if none does.
    pub async fn answering(&mut self, client: &Client, named: &[Address]) -> Result<Address, Failure> {
        let mut failure = None;
        for address in named {
            match self.during(&format!("{address}"), client.get(address, "/version")).await? {
                Ok(_) => return Ok(address.clone()),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.map_or_else(|| Diagnostic::new("no master is named").into(), Failure::from))
    }

    pub fn show(&mut self, document: impl Into<Document>) {
        let document = document.into();
        self.output.show(if self.engine.shows_hints() { document } else { document.without_next() });
    }

    pub fn live(&mut self, document: impl Into<Document>) {
        self.output.live(document.into());
    }

    pub fn settle(&mut self) {
        self.output.settle();
    }

    /// What this input has brought about.
    pub fn caused(&mut self, what: Caused) {
        self.output.caused(what);
    }

    /// Asks before something is done to what isn't this session's own. Where nobody can be asked, it was typed, and that
    /// is enough.
    pub async fn confirmed(&mut self, what: String) -> Result<(), Failure> {
        let question = Question { text: format!("{what} [y/N] "), secret: false };
        let answer = match self.cancel.run_until_cancelled(self.output.ask(question)).await {
            Some(Some(answer)) => answer,
            Some(None) => return Ok(()),
            None => return Err(Failure::Cancelled),
        };
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Diagnostic::new("not confirmed: nothing was sent").help("y confirms; --yes asks nothing").into())
    }

    /// The session, subscribed: as the default framework if nobody has subscribed yet.
    pub async fn subscribed(&mut self) -> Result<Session, Failure> {
        let engine = self.engine;
        self.during("whether another client has the framework", engine.decided()).await?;
        let session = self.session();
        let phase = session.status().borrow().phase.clone();
        match phase {
            Phase::Subscribed { .. } => {}
            Phase::Idle => super::command::subscribe::default(self).await?,
            Phase::Closed(why) => return Err(explain::closed(&why, &session).into()),
            Phase::Waiting { .. } | Phase::Subscribing { .. } => {
                let limit = self.left().unwrap_or(self.options().patience);
                self.until_subscribed(&session, limit).await?;
            }
        }
        Ok(session)
    }

    /// Waits until the subscription stands, and says what it is waiting for.
    pub async fn until_subscribed(&mut self, session: &Session, limit: Duration) -> Result<(), Failure> {
        let status = session.status();
        let (mut shown, mut told) = (String::new(), false);
        let reached = {
            let subscribed = session.subscribed();
            tokio::pin!(subscribed);
            let start = Instant::now();
            loop {
                let what = match &status.borrow().phase {
                    Phase::Waiting { why, .. } => {
                        shown.clone_from(why);
                        format!("a master at {} ({why})", status.borrow().master())
                    }
                    _ => format!("SUBSCRIBED from {}", status.borrow().master()),
                };
                tokio::select! {
                    result = &mut subscribed => break Some(result),
                    () = tokio::time::sleep(BEAT) => self.output.waiting(&what, start.elapsed()),
                    () = self.cancel.cancelled() => return Err(Failure::Cancelled),
                }
                if !told && !shown.is_empty() && start.elapsed() >= HELD_UP {
                    told = true;
                    self.output.held_up(&format!("no subscription yet: {shown}; trying on for {}", span(limit)));
                }
                if start.elapsed() >= limit {
                    break None;
                }
            }
        };
        match reached {
            Some(Ok(_)) => Ok(()),
            Some(Err(crate::session::SubscribeError::Closed(why))) => Err(explain::closed(&why, session).into()),
            Some(Err(error)) => Err(Diagnostic::from_error(&error).into()),
            None => {
                let why = if shown.is_empty() { "the master doesn't answer".to_owned() } else { shown };
                Err(Diagnostic::new(format!("not subscribed after {}: {why}", span(limit)))
                    .help("the session keeps trying in the background; status shows how it stands, reconnect tries now")
                    .into())
            }
        }
    }

    /// Waits until `look` gives something, at most `limit`; `None` when the time is over. `look` runs after each change.
    pub async fn wait_for<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let session = self.session();
        let mut changes = session.changes();
        let start = Instant::now();
        let limit = self.left().map_or(limit, |left| left.min(limit));
        loop {
            changes.mark_unchanged();
            if let Some(found) = session.read(&mut look) {
                return Ok(Some(found));
            }
            let phase = session.status().borrow().phase.clone();
            if let Phase::Closed(why) = phase
                && why != Closed::TornDown
            {
                return Err(explain::closed(&why, &session).into());
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return Err(CallError::SessionClosed.into()) },
                () = tokio::time::sleep(BEAT.min(left)) => self.output.waiting(what, start.elapsed()),
                () = self.cancel.cancelled() => return Err(Failure::Cancelled),
            }
        }
    }

    /// Waits for something with no limit but its own and the command's, saying what.
    pub async fn during<T>(&mut self, what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::pin!(future);
        let start = Instant::now();
        loop {
            let left = self.left();
            tokio::select! {
                result = &mut future => return Ok(result),
                () = tokio::time::sleep(left.map_or(BEAT, |left| left.min(BEAT))) => self.output.waiting(what, start.elapsed()),
                () = self.cancel.cancelled() => return Err(Failure::Cancelled),
            }
            if let (Some((limit, _)), Some(Duration::ZERO)) = (self.told, self.left()) {
                return Err(Diagnostic::new(format!("{what} didn't come within {}", span(limit)))
                    .detail("what was sent stays sent, and may have arrived")
                    .help("status and tasks show what is known")
                    .into());
            }
        }
    }

    /// JSON from the master.
    pub async fn get_json(&mut self, path: &str) -> Result<Value, Failure> {
        let (client, address) = (self.client(), self.address().await?);
        self.get_json_from(&client, &address, path).await
    }

    /// JSON from anywhere that speaks it.
    pub async fn get_json_from(&mut self, client: &Client, address: &Address, path: &str) -> Result<Value, Failure> {
        let body = self.during(&format!("{address}{path}"), client.get(address, path)).await??;
        self.json_of(&body, address, path)
    }

    /// What was read from there, as JSON.
    pub fn json_of(&self, body: &[u8], address: &Address, path: &str) -> Result<Value, Failure> {
        serde_json::from_slice(body).map_err(|error| {
            Diagnostic::new(format!("{address}{path} answers, but not with JSON"))
                .cause(&error)
                .help("is it a Mesos master or agent? GET /version should answer with its version")
                .into()
        })
    }

    /// What a framework says of itself where nobody says otherwise.
    pub fn default_framework(&self) -> FrameworkInfo {
        let mut info = self.options().framework.clone();
        let target = self.target();
        // A profile that was turned to has its own words; those of the start are in the options already.
        for said in target.said.iter().filter(|said| said.origin.is_profile()) {
            match said.name {
                "name" => info.name.clone_from(&said.value),
                "user" => info.user.clone_from(&said.value),
                "role" => info.roles = vec![said.value.clone()],
                _ => {}
            }
        }
        // Reservations and access lists go by it; a master refuses any other than who we are.
        let credentials = target.access.credentials.as_ref();
        info.principal = credentials.and_then(|credentials| credentials.principal()).map(str::to_owned);
        if info.user.is_empty() {
            info.user = current_user();
        }
        info
    }
}

/// Who runs this process: tasks run as the same user on the agents, unless told.
fn current_user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    user.map_or_else(|| "root".to_owned(), |user| user.name)
}
