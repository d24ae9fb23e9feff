//! One task's life: fetched, started, watched, stopped, and told of at every step.
//!
//! Runs beside the agent's actor, which it tells everything and which alone keeps state.

use std::collections::BTreeMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::check::{self, Found, Place};
use super::docker::{self, Container, Engine};
use super::keeper::Keeper;
use super::process::{self, Adopted, Process};
use super::user::User;
use super::{checkpoint, fetch, options, volumes};
use crate::embedded::fault::active::Faults;
use crate::mesos::{
    CheckStatusInfo, CommandInfo, ContainerStatus, ExecutorId, FrameworkId, IpAddress, KillPolicy, NetworkInfo,
    StatusReason, StatusSource, TaskId, TaskInfo, TaskState, TaskStatus,
};

/// What a task is told.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Stop, with that much grace rather than its own if given.
    Kill(Option<KillPolicy>),
    /// Its executor has crashed.
    Crash,
}

/// What a task tells the actor.
#[derive(Debug)]
pub(super) struct Report {
    /// Whose it is.
    pub(super) framework_id: FrameworkId,
    /// Which.
    pub(super) executor_id: ExecutorId,
    /// Of that executor.
    pub(super) task_id: TaskId,
    /// What happened.
    pub(super) what: What,
}

/// What happened to a task.
#[derive(Debug)]
pub(super) enum What {
    /// Its process, or its container's first one.
    Pid(u32, Option<u64>),
    /// A status update; the actor adds ids, time and uuid.
    Status(Box<TaskStatus>),
    /// Nothing of it runs any more, and nothing more will come.
    Over,
}

/// How a task is run.
#[derive(Clone, Debug)]
pub(super) enum How {
    /// As a process.
    Process,
    /// As a container.
    Container(Engine),
    /// Not at all: only its states are shown.
    Simulated,
}

/// A task to run.
#[derive(Debug)]
pub(super) struct Job {
    /// Its framework.
    pub(super) framework_id: FrameworkId,
    /// Its executor.
    pub(super) executor_id: ExecutorId,
    /// The task.
    pub(super) task: Arc<TaskInfo>,
    /// How.
    pub(super) how: How,
    /// Its container's id.
    pub(super) container_id: String,
    /// Its folder, which exists.
    pub(super) sandbox: PathBuf,
    /// Its environment, without the command's own part; let go once it has started.
    pub(super) environment: BTreeMap<String, String>,
    /// Whom it runs as.
    pub(super) user: Option<User>,
    /// Whether its framework wants to hear of TASK_KILLING.
    pub(super) tells_killing: bool,
    /// Whether its executor is a default one, which words some things otherwise.
    pub(super) grouped: bool,
    /// The agent's work folder.
    pub(super) work_dir: Arc<Path>,
    /// Whether it outlives the agent.
    pub(super) survives: bool,
    /// Who ends it otherwise, should the agent be killed.
    pub(super) keeper: Option<Keeper>,
    /// What an earlier agent has left running.
    pub(super) left: Option<Left>,
    /// What goes wrong.
    pub(super) faults: Faults,
}

/// A task that an earlier agent started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// Its first process, and when that started.
    pub(super) process: Option<(u32, u64)>,
    /// Whether it has been told of as running.
    pub(super) told: bool,
    /// How long it has run.
    pub(super) ran: Duration,
}

/// Before that a command's end isn't told: a real executor looks for it every so often, so that a scheduler has heard of
/// the task as running by then. (apache/mesos: 3rdparty/libprocess/src/reap.cpp, `MIN_REAP_INTERVAL`)
const REAPED: Duration = Duration::from_millis(100);
/// Of a kill, unless the task or the call says otherwise.
const GRACE: Duration = Duration::from_secs(3);

/// Runs a task to its end.
pub(super) async fn run(mut job: Job, mut orders: mpsc::UnboundedReceiver<Order>, tell: mpsc::UnboundedSender<Report>) {
    let environment = std::mem::take(&mut job.environment);
    let mut life = Life::new(&job, environment, tell);
    life.run(&mut orders).await;
    life.tell(What::Over);
}

/// What runs.
enum Running {
    Process(Process),
    Adopted(Adopted),
    Container { container: Container, ended: AbortOnDropHandle<Result<i64, String>>, output: JoinHandle<()> },
    Simulated,
}

/// How it ended: with success, and in words.
struct Ended {
    well: bool,
    words: String,
}

/// A kill that is under way.
struct Killing {
    since: Instant,
    escalate: Option<Instant>,
    why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Asked,
    Unhealthy,
    TooLong,
    Crashed,
}

struct Life<'a> {
    job: &'a Job,
    environment: BTreeMap<String, String>,
    reports: mpsc::UnboundedSender<Report>,
    healthy: Option<bool>,
    check: Option<CheckStatusInfo>,
    ip: Option<String>,
}

impl<'a> Life<'a> {
    fn new(job: &'a Job, environment: BTreeMap<String, String>, reports: mpsc::UnboundedSender<Report>) -> Self {
        let check = job.task.check.as_ref().map(|check| check::nothing_found(check.r#type.as_ref()));
        Self { job, environment, reports, healthy: None, check, ip: None }
    }

    fn tell(&self, what: What) {
        let report = Report {
            framework_id: self.job.framework_id.clone(),
            executor_id: self.job.executor_id.clone(),
            task_id: self.job.task.task_id.clone(),
            what,
        };
        // The actor outlives its tasks; when it doesn't, nobody is left to hear.
        let _ = self.reports.send(report);
    }

    fn status(&self, state: TaskState) -> TaskStatus {
        let network = self.ip.as_ref().map(|ip| NetworkInfo {
            ip_addresses: vec![IpAddress { ip_address: Some(ip.clone()), ..Default::default() }],
            ..self.job.task.container.as_ref().and_then(|own| own.network_infos.first()).cloned().unwrap_or_default()
        });
        TaskStatus {
            task_id: self.job.task.task_id.clone(),
            state,
            source: Some(StatusSource::Executor),
            check_status: self.job.task.check.as_ref().map(|check| check::nothing_found(check.r#type.as_ref())),
            container_status: network
                .map(|network| ContainerStatus { network_infos: vec![network], ..Default::default() }),
            ..Default::default()
        }
    }

    fn update(&self, status: TaskStatus) {
        self.tell(What::Status(Box::new(status)));
    }

    async fn run(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) {
        if let Some(left) = self.job.left {
            return Box::pin(self.take_up(left, orders)).await;
        }
        // What only the beginning needs isn't kept for the whole of a life, which may be long: hence the boxes.
        let prepared = tokio::select! {
            prepared = Box::pin(self.prepare()) => prepared,
            Some(order) = orders.recv() => return match order {
                Order::Kill(_) => self.killed_before_start(),
                Order::Crash => self.crashed(),
            },
        };
        if let Err(error) = prepared {
            return self.failed_to_launch(error);
        }
        // A process starts in no time, and its status names its id; a container takes its time.
        let started = if matches!(self.job.how, How::Process) { Some(Box::pin(self.start()).await) } else { None };
        if let Some(Ok(Running::Process(process))) = &started {
            self.tell_pid(process.pid());
        }
        // A default executor says so before it launches anything; see `prepare`.
        if !self.job.grouped {
            self.update(self.status(TaskState::Starting));
        }
        let started = match started {
            Some(started) => started,
            None => Box::pin(self.start()).await,
        };
        let mut running = match started {
            Ok(running) => running,
            Err(message) => {
                return self.update(TaskStatus { message: Some(message), ..self.status(TaskState::Failed) });
            }
        };
        Box::pin(self.started(&running)).await;
        let seen = Instant::now() + REAPED;
        let (ended, killing) = self.watch(&mut running, orders).await;
        if matches!(running, Running::Process(_)) {
            tokio::time::sleep_until(seen).await;
        }
        Box::pin(self.clean_up(running)).await;
        self.ended(ended, killing);
    }

    /// Goes on with what an earlier agent started, or says that it is lost.
    async fn take_up(&mut self, left: Left, orders: &mut mpsc::UnboundedReceiver<Order>) {
        let Some(mut running) = self.find(left).await else {
            return self.update(TaskStatus {
                message: Some("Abnormal executor termination: unknown container".to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(StatusReason::ExecutorTerminated),
                ..self.status(TaskState::Failed)
            });
        };
        if !left.told {
            self.started(&running).await;
        } else if let Running::Container { container, .. } = &running {
            // Its checks go there.
            self.ip = container.inspect().await.ok().and_then(|inspected| inspected.ip);
        }
        let (ended, killing) = self.watch(&mut running, orders).await;
        self.clean_up(running).await;
        self.ended(ended, killing);
    }

    async fn find(&self, left: Left) -> Option<Running> {
        match &self.job.how {
            How::Simulated => Some(Running::Simulated),
            How::Process => {
                let (pid, started) = left.process.filter(|_| self.job.survives)?;
                let exit = checkpoint::exit_path(&self.job.work_dir, &self.job.container_id);
                Some(Running::Adopted(Adopted::new(pid, started, exit)))
            }
            How::Container(engine) => {
                let container = engine.find_container(&self.name()).await?;
                Some(self.attend(container))
            }
        }
    }

    /// Its container's name.
    fn name(&self) -> String {
        format!("mesos-{}", self.job.container_id)
    }

    /// Waits for a container, and keeps its output.
    fn attend(&self, container: Container) -> Running {
        let (waited, kept, sandbox) = (container.clone(), container.clone(), self.job.sandbox.clone());
        let ended = AbortOnDropHandle::new(tokio::spawn(async move { waited.wait().await }));
        let output = tokio::spawn(async move { kept.keep_output(&sandbox).await });
        Running::Container { container, ended, output }
    }

    fn killed_before_start(&self) {
        self.update(TaskStatus {
            message: Some("Killed before delivery to the executor".to_owned()),
            source: Some(StatusSource::Agent),
            reason: Some(StatusReason::TaskKilledDuringLaunch),
            ..self.status(TaskState::Killed)
        });
    }

    fn crashed(&self) {
        self.update(TaskStatus {
            message: Some("Executor terminated".to_owned()),
            source: Some(StatusSource::Agent),
            reason: Some(StatusReason::ExecutorTerminated),
            ..self.status(TaskState::Failed)
        });
    }

    fn failed_to_launch(&self, error: String) {
        let status = self.status(TaskState::Failed);
        self.update(if self.job.grouped {
            TaskStatus { message: Some(error), ..status }
        } else {
            TaskStatus {
                message: Some(format!("Failed to launch container: {error}")),
                source: Some(StatusSource::Agent),
                reason: Some(StatusReason::ContainerLaunchFailed),
                check_status: None,
                ..status
            }
        });
    }

    fn command(&self) -> CommandInfo {
        self.job.task.command.clone().unwrap_or_default()
    }

    /// What must be there before the task may start.
    async fn prepare(&self) -> Result<(), String> {
        if self.job.grouped {
            self.update(self.status(TaskState::Starting));
        }
        if !matches!(self.job.how, How::Process) {
            tokio::time::sleep(self.job.faults.slow_pull()).await;
            if let Some(info) = self.docker().filter(|_| self.job.faults.no_image()) {
                return Err(docker::unknown(&info.image));
            }
        }
        if matches!(self.job.how, How::Simulated) {
            return Ok(());
        }
        // Without its root folder a command would be run in another place than it was made for.
        let image = self.job.task.container.as_ref().and_then(|container| container.mesos.as_ref()?.image.as_ref());
        if let Some(image) = image {
            return Err(format!("Unsupported container image type: {}", image.r#type));
        }
        let cache = fetch::cache_dir(&self.job.work_dir);
        if fetch::fetch(&self.command().uris, &self.job.sandbox, self.job.user.as_ref(), &cache).await.is_err() {
            let container = &self.job.container_id;
            return Err(format!("Failed to fetch all URIs for container '{container}': exited with status 1"));
        }
        // A container has them bound into its own view of the sandbox.
        if matches!(self.job.how, How::Process) {
            let job = self.job;
            volumes::mount(&volumes::root(&job.work_dir), &job.task.resources, &job.sandbox, job.user.as_ref())?;
        }
        if let (How::Container(engine), Some(info)) = (&self.job.how, self.docker()) {
            engine.pull(&info.image, info.force_pull_image.unwrap_or(false)).await?;
        }
        Ok(())
    }

    fn docker(&self) -> Option<&crate::mesos::DockerInfo> {
        self.job.task.container.as_ref()?.docker.as_ref()
    }

    /// The whole environment of a process.
    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        let command = self.command();
        for variable in command.environment.iter().flat_map(|own| &own.variables) {
            // A secret that nobody resolves is left out, as by a real executor.
            if let Some(value) = &variable.value {
                environment.insert(variable.name.clone(), value.clone());
            }
        }
        environment
    }

    async fn start(&self) -> Result<Running, String> {
        let job = self.job;
        match &job.how {
            How::Simulated => {
                self.say_simulated();
                Ok(Running::Simulated)
            }
            How::Process => {
                let (command, environment) = (self.command(), self.environment());
                let exit = job.survives.then(|| checkpoint::exit_path(&job.work_dir, &job.container_id));
                let start = process::Start {
                    command: &command,
                    environment: &environment,
                    sandbox: &job.sandbox,
                    user: job.user.as_ref(),
                    exit: exit.as_deref(),
                    keeper: job.keeper.as_ref(),
                };
                Process::start(&start).map(Running::Process)
            }
            How::Container(engine) => {
                let name = self.name();
                let told = |error| format!("Failed to create docker run options: {error}");
                let volumes = volumes::of(&volumes::root(&job.work_dir), &job.task.resources).map_err(told)?;
                let mut body = options::container(&job.task, &job.sandbox, &volumes, &name).map_err(told)?;
                docker::own(&mut body, job.survives.then_some(&*job.work_dir));
                let container = match engine.run(&name, body).await {
                    Ok(container) => container,
                    Err((code, words)) => {
                        self.write("stderr", &format!("docker: Error response from daemon: {words}.\n"));
                        return Err(format!("Container exited with status {code}"));
                    }
                };
                Ok(self.attend(container))
            }
        }
    }

    fn say_simulated(&self) {
        let image = self.docker().map_or("", |info| &info.image);
        let command = self.command().value.unwrap_or_else(|| "the image's own command".to_owned());
        let text = format!(
            "(simulated: no Docker Engine answers, so image {image} is not run; nothing executes \"{command}\". \
             The task counts as running until it is killed.)\n"
        );
        self.write("stdout", &text);
        self.write("stderr", "");
    }

    fn write(&self, name: &str, text: &str) {
        use std::io::Write as _;
        let opened = process::open_output(&self.job.sandbox, name, self.job.user.as_ref());
        if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            tracing::warn!(%error, sandbox = %self.job.sandbox.display(), "can't write to a sandbox");
        }
    }

    async fn started(&mut self, running: &Running) {
        let mut status = self.status(TaskState::Running);
        match running {
            Running::Process(_) | Running::Adopted(_) => {}
            Running::Simulated => {
                status.message = Some("(simulated: no Docker Engine answers, nothing is executed)".to_owned());
            }
            Running::Container { container, .. } => match container.inspect().await {
                Ok(inspected) => {
                    if let Some(pid) = inspected.pid {
                        self.tell_pid(pid);
                    }
                    self.ip = inspected.ip;
                    status = self.status(TaskState::Running);
                    status.data = Some(crate::mesos::Base64(inspected.text.into_bytes()));
                }
                Err(error) => tracing::warn!(%error, "can't inspect a container"),
            },
        }
        self.update(status);
    }

    fn tell_pid(&self, pid: u32) {
        let started = i32::try_from(pid).ok().and_then(process::listed).map(|process| process.started);
        self.tell(What::Pid(pid, started));
    }

    /// Starts the checks; what they find comes from the receiver, of which there is none without any.
    fn checks(&self, running: &Running) -> Option<(mpsc::UnboundedReceiver<Found>, Vec<AbortOnDropHandle<()>>)> {
        if self.job.task.health_check.is_none() && self.job.task.check.is_none() {
            return None;
        }
        let (sender, found) = mpsc::unbounded_channel();
        let place = match running {
            Running::Process(_) | Running::Adopted(_) => Place::Sandbox {
                folder: self.job.sandbox.clone(),
                environment: self.environment(),
                user: self.job.user.clone(),
            },
            Running::Container { container, .. } => {
                let ip = self.ip.as_ref().and_then(|ip| ip.parse().ok());
                Place::Container { container: container.clone(), ip }
            }
            // Nothing is there to be looked at.
            Running::Simulated => return None,
        };
        let mut running = Vec::new();
        if let Some(health) = self.job.task.health_check.clone() {
            let run = check::health(*health, place.clone(), sender.clone());
            running.push(AbortOnDropHandle::new(tokio::spawn(run)));
        }
        if let Some(check) = self.job.task.check.clone() {
            running.push(AbortOnDropHandle::new(tokio::spawn(check::check(*check, place, sender))));
        }
        Some((found, running))
    }

    /// Waits for the task's end while checks run and kills come.
    async fn watch(
        &mut self,
        running: &mut Running,
        orders: &mut mpsc::UnboundedReceiver<Order>,
    ) -> (Ended, Option<Killing>) {
        let mut checks = self.checks(running);
        self.environment = BTreeMap::new();
        let limit = self.job.task.max_completion_time.as_ref().map(|limit| nanoseconds(limit.nanoseconds));
        let ran = self.job.left.map_or(Duration::ZERO, |left| left.ran);
        let limit = limit.filter(|limit| !limit.is_zero()).map(|limit| limit.saturating_sub(ran));
        let mut too_long = limit.and_then(|left| Instant::now().checked_add(left));
        let mut killing: Option<Killing> = None;
        loop {
            let escalate = killing.as_ref().and_then(|killing| killing.escalate);
            let (why, grace) = tokio::select! {
                ended = running.ended(killing.is_some()) => return (ended, killing),
                Some(order) = orders.recv() => match order {
                    Order::Kill(policy) => (Why::Asked, self.grace(policy.as_ref())),
                    Order::Crash => (Why::Crashed, Duration::ZERO),
                },
                Some(found) = found(&mut checks) => match self.found(found) {
                    Some(why) => (why, self.grace(None)),
                    None => continue,
                },
                () = at(too_long) => (Why::TooLong, Duration::ZERO),
                () = at(escalate) => {
                    running.kill();
                    if let Some(killing) = &mut killing {
                        killing.escalate = None;
                    }
                    continue;
                }
            };
            too_long = None;
            match &mut killing {
                Some(killing) => {
                    killing.shorten(grace);
                    if why == Why::Crashed {
                        killing.why = why;
                    }
                }
                None => {
                    checks = None;
                    killing = Some(self.kill(running, why, grace));
                }
            }
        }
    }

    /// Of a kill: the call's own, or the task's, or the default.
    fn grace(&self, policy: Option<&KillPolicy>) -> Duration {
        let own = policy.or(self.job.task.kill_policy.as_ref()).and_then(|policy| policy.grace_period.as_ref());
        own.map_or(GRACE, |grace| nanoseconds(grace.nanoseconds))
    }

    fn kill(&self, running: &Running, why: Why, grace: Duration) -> Killing {
        if self.job.tells_killing && !matches!(why, Why::TooLong | Why::Crashed) {
            self.update(self.status(TaskState::Killing));
        }
        let since = Instant::now();
        let mut escalate = since.checked_add(grace);
        let first = if why == Why::Crashed { Signal::SIGKILL } else { Signal::SIGTERM };
        match running {
            Running::Process(process) => process.signal(first),
            Running::Adopted(process) => process.signal(first),
            Running::Container { container, .. } => {
                // The Engine escalates by itself.
                escalate = None;
                let container = container.clone();
                tokio::spawn(async move {
                    if let Err(error) = container.stop(grace).await {
                        tracing::warn!(%error, "can't stop a container");
                    }
                });
            }
            Running::Simulated => {}
        }
        Killing { since, escalate, why }
    }

    /// Tells what a check found; says so if the task must go for it.
    fn found(&mut self, found: Found) -> Option<Why> {
        let (reason, kill) = match found {
            Found::Health { healthy, kill } => {
                self.healthy = Some(healthy);
                (StatusReason::TaskHealthCheckStatusUpdated, kill)
            }
            Found::Check(status) => {
                self.check = Some(*status);
                (StatusReason::TaskCheckStatusUpdated, false)
            }
        };
        let status = self.status(TaskState::Running);
        self.update(TaskStatus {
            reason: Some(reason),
            healthy: self.healthy,
            check_status: self.check.clone(),
            ..status
        });
        kill.then_some(Why::Unhealthy)
    }

    async fn clean_up(&self, running: Running) {
        if let Running::Container { container, output, .. } = running {
            docker::last_output(output).await;
            container.remove().await;
        }
    }

    fn ended(&self, ended: Ended, killing: Option<Killing>) {
        let why = killing.map(|killing| killing.why);
        if why == Some(Why::Crashed) {
            return self.crashed();
        }
        let state = match why {
            Some(Why::TooLong) => TaskState::Failed,
            Some(_) => TaskState::Killed,
            None if ended.well => TaskState::Finished,
            None => TaskState::Failed,
        };
        let reason = match why {
            Some(Why::TooLong) => Some(StatusReason::MaxCompletionTimeReached),
            None if !ended.well && matches!(self.job.how, How::Process) && !self.job.grouped => {
                Some(StatusReason::CommandExecutorFailed)
            }
            _ => None,
        };
        let healthy = (why == Some(Why::Unhealthy)).then_some(false);
        self.update(TaskStatus { message: Some(ended.words), reason, healthy, ..self.status(state) });
    }
}

impl Running {
    /// Waits for the end. What is simulated ends when it is killed.
    async fn ended(&mut self, killed: bool) -> Ended {
        match self {
            Self::Process(process) => match process.wait().await {
                Ok(status) => Ended { well: status.success(), words: format!("Command {}", process::told(status)) },
                Err(error) => Ended { well: false, words: format!("Failed to get exit status for Command: {error}") },
            },
            Self::Adopted(process) => match process.wait().await {
                Some(status) => Ended { well: status.success(), words: format!("Command {}", process::told(status)) },
                // Killed with the shell that would have noted it.
                None if killed => Ended { well: false, words: "Command terminated with signal Killed".to_owned() },
                None => Ended { well: false, words: "Failed to get exit status for Command".to_owned() },
            },
            Self::Container { ended, .. } => match ended.await {
                Ok(Ok(code)) => Ended { well: code == 0, words: format!("Container exited with status {code}") },
                Ok(Err(error)) => {
                    Ended { well: false, words: format!("Failed to get exit status of container: {error}") }
                }
                Err(error) => Ended { well: false, words: format!("Failed to get exit status of container: {error}") },
            },
            Self::Simulated if killed => Ended {
                well: false,
                words: "Container exited with status 143 (simulated: no Docker Engine)".to_owned(),
            },
            Self::Simulated => pending().await,
        }
    }

    fn kill(&self) {
        match self {
            Self::Process(process) => process.signal(Signal::SIGKILL),
            Self::Adopted(process) => process.signal(Signal::SIGKILL),
            Self::Container { .. } | Self::Simulated => {}
        }
    }
}

impl Killing {
    /// A second kill may only shorten the time that is left.
    fn shorten(&mut self, grace: Duration) {
        if let (Some(escalate), Some(sooner)) = (self.escalate, self.since.checked_add(grace)) {
            self.escalate = Some(escalate.min(sooner));
        }
    }
}

/// The next thing that checks find, if there are any.
async fn found(checks: &mut Option<(mpsc::UnboundedReceiver<Found>, Vec<AbortOnDropHandle<()>>)>) -> Option<Found> {
    match checks {
        Some((found, _)) => found.recv().await,
        None => pending().await,
    }
}

fn nanoseconds(count: i64) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(0))
}

/// Waits for a moment, or for ever where there is none.
pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => pending().await,
    }
}
