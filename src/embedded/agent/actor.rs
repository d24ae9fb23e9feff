//! The agent's state and its only owner: messages from the master, from running tasks and from HTTP, one at a time.

mod custom;
mod drain;
mod refuse;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::fault::active::Faults;
use super::super::link::{FromAgent, Registration, Survivor, Survivors, ToAgent, ToMaster};
use super::Config;
use super::books::{Books, Executor, Kind, Task, is_terminal};
use super::checkpoint;
use super::docker::Engine;
use super::executor;
use super::keeper::Keeper;
use super::nested::{self, Nested};
use super::process::leader_in;
use super::rotate;
use super::sandbox::{Layout, create_nested};
use super::task::{self, How, Job, Left, Order, Report, What};
use super::updates::{Acknowledged, Updates};
use super::user::User;
use super::view::{self, Question};
use super::volumes;
use crate::mesos::{
    AgentId, AgentInfo, Base64, CommandInfo, ContainerId, ContainerStatus, ContainerType, DurationInfo, ExecutorId,
    ExecutorInfo, ExecutorType, FrameworkCapabilityType, FrameworkId, FrameworkInfo, IpAddress, Json, KillPolicy,
    NetworkInfo, Protocol, Resource, StatusReason, StatusSource, TaskId, TaskInfo, TaskState, TaskStatus,
};
pub(super) use custom::{ExecutorCall, Reply};

/// A question from HTTP, and where its answer goes.
#[derive(Debug)]
pub(super) struct Ask {
    /// What is asked.
    pub(super) question: Question,
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<Json>,
}

/// Where to send to a master.
pub(super) type Leader = mpsc::UnboundedSender<FromAgent>;

/// How long an agent that isn't wanted waits before it asks again.
const RETRY: Duration = Duration::from_secs(1);

/// What executors are told that are to come back to an agent that has started again: for how long they shall try, and
/// the longest pause between two attempts.
const RECONNECTION: [(&str, &str); 2] =
    [("MESOS_RECOVERY_TIMEOUT", "15mins"), ("MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs")];

/// The agent's state.
#[derive(Debug)]
pub(super) struct Actor {
    setup: Setup,
    books: Books,
    updates: Updates,
    id: watch::Sender<Option<AgentId>>,
    /// The leading master, and those that come to lead.
    master: mpsc::UnboundedSender<FromAgent>,
    masters: (mpsc::UnboundedSender<Leader>, mpsc::UnboundedReceiver<Leader>),
    /// What the master says; nobody has the other end before the registration.
    link: mpsc::UnboundedReceiver<ToAgent>,
    /// When to ask again a master that didn't want this agent.
    retry: Option<Instant>,
    asks: (mpsc::UnboundedSender<Ask>, mpsc::UnboundedReceiver<Ask>),
    /// Whether there is something to be written down.
    changed: bool,
    /// What the master is told once it is written down.
    outbox: Vec<ToMaster>,
    reports: (mpsc::UnboundedSender<Report>, mpsc::UnboundedReceiver<Report>),
    executors: (mpsc::UnboundedSender<executor::Report>, mpsc::UnboundedReceiver<executor::Report>),
    calls: (mpsc::UnboundedSender<ExecutorCall>, mpsc::UnboundedReceiver<ExecutorCall>),
    running: TaskTracker,
    stop: CancellationToken,
}

/// What doesn't change while an agent runs.
#[derive(Debug)]
pub(super) struct Setup {
    /// Its settings.
    pub(super) config: Config,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The Docker Engine, if containers are real.
    pub(super) engine: Option<Engine>,
    /// When it started, in seconds since 1970.
    pub(super) started: f64,
    /// What goes wrong.
    pub(super) faults: Faults,
    /// Containers that were started over the API.
    pub(super) nested: Nested,
    /// Ends what may not outlive this process, should it be killed.
    pub(super) keeper: Keeper,
}

impl Setup {
    /// Who ends tasks and executors should this process be killed; nobody where the next one takes them up.
    pub(super) fn keeper(&self) -> Option<Keeper> {
        (!self.config.recover).then(|| self.keeper.clone())
    }

    /// Its libprocess id.
    pub(super) fn pid(&self) -> String {
        format!("slave(1)@{}", self.address)
    }

    /// Its containers, as its attribute says.
    pub(super) fn containers(&self) -> &'static str {
        if self.engine.is_some() { "docker" } else { "simulated" }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Makes an executor end at once, and its tasks with it.
fn crash(executor: &mut Executor) {
    executor.crashed = true;
    for task in &executor.tasks {
        order(task, Order::Crash);
    }
    if let Some(stop) = &executor.stop {
        // One that has just ended is as good as crashed.
        let _ = stop.send(super::executor::Stop::Now);
    }
}

/// Where a launched task belongs.
struct Place {
    framework_id: FrameworkId,
    executor_id: ExecutorId,
    container_id: ContainerId,
    sandbox: PathBuf,
    user: Option<User>,
    group: usize,
}

impl Actor {
    /// An agent that has yet to register.
    pub(super) fn new(setup: Setup, master: Leader, stop: CancellationToken) -> Self {
        Self {
            setup,
            books: Books::default(),
            updates: Updates::default(),
            id: watch::Sender::new(None),
            master,
            masters: mpsc::unbounded_channel(),
            link: mpsc::unbounded_channel().1,
            retry: None,
            asks: mpsc::unbounded_channel(),
            changed: false,
            outbox: Vec::new(),
            reports: mpsc::unbounded_channel(),
            executors: mpsc::unbounded_channel(),
            calls: mpsc::unbounded_channel(),
            running: TaskTracker::new(),
            stop,
        }
    }

    /// Where HTTP asks.
    pub(super) fn asks(&self) -> mpsc::UnboundedSender<Ask> {
        self.asks.0.clone()
    }

    /// Where executors' calls go.
    pub(super) fn executor_calls(&self) -> mpsc::UnboundedSender<ExecutorCall> {
        self.calls.0.clone()
    }

    /// Where it is told that another master leads.
    pub(super) fn masters(&self) -> mpsc::UnboundedSender<Leader> {
        self.masters.0.clone()
    }

    fn agent_info(&self) -> AgentInfo {
        let info = self.setup.config.info(self.setup.address.port(), self.setup.containers());
        AgentInfo { id: self.books.agent_id.clone(), ..info }
    }

    /// Its id, once it has one.
    pub(super) fn id(&self) -> watch::Receiver<Option<AgentId>> {
        self.id.subscribe()
    }

    /// Serves until told to stop, then stops all that runs.
    pub(super) async fn run(mut self) {
        self.register();
        let mut rotation = tokio::time::interval(rotate::GLANCE);
        rotation.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.send_out();
            let due = self.updates.next_due();
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(master) = self.masters.1.recv() => {
                    self.master = master;
                    self.register();
                }
                () = task::at(self.retry) => self.register(),
                Some(message) = self.link.recv() => self.on_master(message),
                Some(report) = self.reports.1.recv() => self.on_task(report),
                _ = rotation.tick(), if !self.books.frameworks.is_empty() => self.rotate(),
                Some(report) = self.executors.1.recv() => self.on_executor(report),
                Some(call) = self.calls.1.recv() => self.executor_call(call),
                Some(ask) = self.asks.1.recv() => self.answer(ask),
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.send_again(),
            }
            self.setup.nested.end_all_but(|id| id.parent.is_none() || view::is_running(&self.books, nested::root(id)));
        }
        self.setup.nested.end_all_but(|_| false);
        self.end().await;
    }

    /// Comes to the leading master. What another one said and wasn't heard yet is void.
    fn register(&mut self) {
        let (link, received) = mpsc::unbounded_channel();
        (self.link, self.retry) = (received, None);
        let registration = Registration {
            info: self.agent_info(),
            pid: self.setup.pid(),
            link,
            resources: self.books.resources.clone(),
            survivors: self.survivors(),
            operations: self.books.operations.clone(),
        };
        self.tell(ToMaster::Register(Box::new(registration)));
    }

    fn rotate(&self) {
        let executors = self.books.frameworks.values().flat_map(|framework| framework.executors.values());
        let folders = executors.flat_map(|executor| {
            std::iter::once(&executor.directory).chain(executor.tasks.iter().map(|task| &task.sandbox))
        });
        let mut sandboxes: Vec<_> = folders.cloned().collect();
        sandboxes.sort_unstable();
        sandboxes.dedup();
        // The disk may be slow: not on the threads that serve everybody.
        tokio::task::spawn_blocking(move || rotate::rotate(&sandboxes));
    }

    /// Writes down what has changed, then tells the master: what it knows must survive this process.
    fn send_out(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.write_down();
        }
        for message in self.outbox.drain(..) {
            // A master that is gone needs no telling.
            let _ = self.master.send((self.setup.config.index, message));
        }
    }

    fn write_down(&self) {
        if !self.setup.config.recover {
            return;
        }
        let written = checkpoint::Written {
            agent_id: self.books.agent_id.as_ref(),
            frameworks: self.books.frameworks.values().collect(),
            updates: self.updates.all().map(|(id, status)| (id, &**status)).collect(),
            port: self.setup.address.port(),
            resources: self.books.resources.as_ref(),
            operations: &self.books.operations,
            draining: self.books.draining.as_ref(),
        };
        if let Err(error) = checkpoint::write(&self.setup.config.work_dir, &written) {
            tracing::error!(%error, "an agent can't write down what it runs");
        }
    }

    /// Takes up what an earlier run of this agent has written down.
    pub(super) async fn recover(&mut self, read: checkpoint::Read) {
        let work_dir = self.setup.config.work_dir.clone();
        self.books.agent_id.clone_from(&read.agent_id);
        (self.books.resources, self.books.operations) = (read.resources, read.operations);
        let draining = read.draining;
        self.id.send_replace(read.agent_id);
        for (framework_id, status) in read.updates {
            self.updates.push(&framework_id, Arc::new(status), Instant::now());
        }
        let mut containers = Vec::new();
        for framework in read.frameworks {
            let Some(id) = framework.info.id.clone() else { continue };
            containers.extend(framework.executors.values().map(|executor| format!("mesos-{}", executor.container_id)));
            self.books.frameworks.insert(id, framework);
        }
        if let Some(engine) = &self.setup.engine {
            engine.remove_strays(&work_dir, &containers).await;
        }
        let ids: Vec<_> = self.books.frameworks.keys().cloned().collect();
        for id in &ids {
            self.take_up(id);
            self.settle(id);
        }
        if let Some(draining) = draining {
            self.drain(draining.config);
        }
    }

    /// Goes on with a framework's tasks that haven't ended.
    fn take_up(&mut self, framework_id: &FrameworkId) {
        let Some(framework) = self.books.frameworks.get(framework_id) else { return };
        let (mut jobs, mut custom) = (Vec::new(), Vec::new());
        for (executor_id, executor) in &framework.executors {
            if executor.kind == Kind::Custom {
                custom.push(executor_id.clone());
                continue;
            }
            for task in executor.tasks.iter().filter(|task| !is_terminal(&task.state())) {
                let user = task.info.command.as_ref().and_then(|command| command.user.as_deref());
                let place = Place {
                    framework_id: framework_id.clone(),
                    executor_id: executor_id.clone(),
                    container_id: task.container_id.clone(),
                    sandbox: task.sandbox.clone(),
                    user: User::of_task(user, &framework.info.user).unwrap_or_default(),
                    group: task.group,
                };
                let how = match (&self.setup.engine, executor.kind) {
                    (_, Kind::Docker) if task.simulated => How::Simulated,
                    (Some(engine), Kind::Docker) => How::Container(engine.clone()),
                    _ => How::Process,
                };
                let running = task.statuses.iter().find(|status| status.state == TaskState::Running);
                let since = running.and_then(|status| status.timestamp).unwrap_or_else(now);
                let left = Left {
                    // A container whose Engine is gone is none that could be taken up. A process may have started
                    // and its number not been written down.
                    process: (executor.kind != Kind::Docker)
                        .then(|| task.pid.zip(task.started).or_else(|| leader_in(&task.sandbox)))
                        .flatten(),
                    told: running.is_some(),
                    ran: Duration::try_from_secs_f64(now() - since).unwrap_or_default(),
                };
                let grouped = executor.kind == Kind::Default;
                let killing = task.state() == TaskState::Killing;
                jobs.push((self.job(&framework.info, place, task.info.clone(), how, grouped), left, killing));
            }
        }
        for executor_id in custom {
            self.take_up_custom(framework_id, &executor_id);
        }
        for (job, left, killing) in jobs {
            let (orders, ordered) = mpsc::unbounded_channel();
            if killing {
                // Nobody is left who would kill it after its grace period.
                let _ = orders.send(Order::Kill(None));
            }
            if let Some(task) = self.books.task(&job.framework_id, &job.executor_id, &job.task.task_id) {
                task.orders = Some(orders);
            }
            self.running.spawn(task::run(Job { left: Some(left), ..job }, ordered, self.reports.0.clone()));
        }
    }

    /// What a master that doesn't know them needs to hear of tasks that survived.
    fn survivors(&self) -> Vec<Survivors> {
        let executors = self.books.frameworks.values().flat_map(|framework| {
            let executors = framework.executors.values().filter(|executor| !executor.tasks.is_empty());
            executors.map(move |executor| (framework, executor))
        });
        let survivors = executors.map(|(framework, executor)| Survivors {
            framework: framework.info.clone(),
            executor: executor.own.as_deref().cloned(),
            tasks: executor.tasks.iter().map(|task| self.survivor(&executor.framework_id, task)).collect(),
        });
        survivors.collect()
    }

    fn survivor(&self, framework_id: &FrameworkId, task: &Task) -> Survivor {
        let pending = self.updates.of(framework_id, &task.info.task_id).next();
        let sent = pending.or(task.statuses.last());
        Survivor {
            info: task.info.clone(),
            statuses: task.statuses.clone(),
            sent: sent.and_then(|status| Some((status.state.clone(), status.uuid.as_ref()?.0.clone()))),
        }
    }

    async fn end(mut self) {
        self.tell(ToMaster::Unregister);
        self.send_out();
        self.shut_down_all();
        self.running.close();
        self.running.wait().await;
        // Nothing runs any more that the next run of this agent could take up.
        self.books.frameworks.clear();
        self.updates = Updates::default();
        self.write_down();
    }

    fn tell(&mut self, message: ToMaster) {
        self.outbox.push(message);
    }

    fn answer(&mut self, ask: Ask) {
        if let Question::Kill(container) = &ask.question {
            let killed = self.crash_container(container);
            let _ = ask.answer.send(Json::Bool(killed));
            return;
        }
        // Who no longer waits for the answer needs none.
        let _ = ask.answer.send(view::answer(&self.setup, &self.books, &self.updates, ask.question));
    }

    fn on_master(&mut self, message: ToAgent) {
        self.changed = true;
        match message {
            ToAgent::Registered(id) => self.registered(id),
            ToAgent::Launch { framework, task } => self.launch(&framework, task),
            ToAgent::LaunchGroup { framework, executor, tasks } => self.launch_group(&framework, *executor, tasks),
            ToAgent::Kill { framework_id, task_id, policy } => self.kill(&framework_id, &task_id, policy),
            ToAgent::Acknowledge { framework_id, task_id, uuid } => self.acknowledge(&framework_id, &task_id, &uuid),
            ToAgent::Message { framework_id, executor_id, data } => {
                self.message_custom(&framework_id, &executor_id, data);
            }
            ToAgent::ShutdownExecutor { framework_id, executor_id } => self.shut_down(&framework_id, &executor_id),
            ToAgent::ShutdownFramework(id) => self.shut_down_framework(&id),
            ToAgent::Framework(info) => {
                let known = info.id.as_ref().and_then(|id| self.books.frameworks.get_mut(id));
                if let Some(framework) = known {
                    framework.info = info;
                }
            }
            ToAgent::Resources(resources) => self.convert(resources),
            ToAgent::Applied(applied) => self.books.operations.push(*applied),
            ToAgent::OperationAcknowledged(uuid) => {
                self.books.operations.retain(|known| known.uuid != uuid);
                self.end_drain();
            }
            ToAgent::Reconcile { framework, tasks } => self.reconcile(&framework, tasks),
            ToAgent::Drain(config) => self.drain(*config),
            ToAgent::Refused { why, again } => self.refused(why, again),
            ToAgent::Crash { framework_id, task_id } => self.crash(&framework_id, &task_id),
        }
    }

    /// The master takes tasks for live of which this agent knows nothing: it has never heard of them, or they are over.
    fn reconcile(&mut self, framework: &Arc<FrameworkInfo>, tasks: Vec<TaskId>) {
        let Some(framework_id) = framework.id.clone() else { return };
        for task_id in tasks {
            let is_known = self.books.executor_of(&framework_id, &task_id).is_some();
            if is_known || self.updates.pending(&framework_id, &task_id) {
                continue;
            }
            self.books.framework(framework, &framework_id);
            let status = TaskStatus {
                task_id,
                state: Self::lost_state(framework),
                message: Some("Reconciliation: task unknown to the agent".to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(StatusReason::Reconciliation),
                ..Default::default()
            };
            self.send(&framework_id, None, status);
            self.settle(&framework_id);
        }
    }

    /// Operations have made something else of the agent's resources.
    fn convert(&mut self, resources: Vec<Resource>) {
        let before = self.books.resources.take().unwrap_or_default();
        if let Err(error) = volumes::follow(&self.setup.config.work_dir, &before, &resources) {
            // A task that uses it fails and says so.
            tracing::error!(%error, "a persistent volume can't be made or removed");
        }
        self.books.resources = Some(resources);
    }

    /// The master doesn't want this agent: it ends all that it runs, as a real one ends itself.
    fn refused(&mut self, why: &str, again: bool) {
        tracing::info!(why, index = self.setup.config.index, "an agent isn't wanted");
        self.shut_down_all();
        self.retry = again.then(|| Instant::now() + RETRY);
    }

    fn shut_down_all(&mut self) {
        let ids: Vec<_> = self.books.frameworks.keys().cloned().collect();
        for framework in ids {
            self.shut_down_framework(&framework);
        }
    }

    /// A fault: a task's executor crashes, with all its tasks.
    fn crash(&mut self, framework_id: &FrameworkId, task_id: &TaskId) {
        let Some(id) = self.books.executor_of(framework_id, task_id).cloned() else { return };
        let Some(executor) = self.books.executor(framework_id, &id) else { return };
        crash(executor);
    }

    /// Makes the executor of a container end at once; tells whether there is one.
    fn crash_container(&mut self, container: &str) -> bool {
        let found = view::of_container(&self.books, container)
            .map(|(framework, executor)| (framework.clone(), executor.id.clone()));
        let Some(executor) = found.and_then(|(framework, id)| self.books.executor(&framework, &id)) else {
            return false;
        };
        crash(executor);
        true
    }

    fn registered(&mut self, id: AgentId) {
        if self.books.agent_id.as_ref().is_some_and(|known| *known != id) {
            // The master has forgotten this agent, and so whatever it runs.
            self.shut_down_all();
        }
        self.books.agent_id = Some(id.clone());
        self.id.send_replace(Some(id));
        for (framework_id, status) in self.updates.resend(Instant::now()) {
            self.forward(framework_id, status);
        }
    }

    fn send_again(&mut self) {
        for (framework_id, status) in self.updates.due(Instant::now()) {
            self.forward(framework_id, status);
        }
    }

    fn launch(&mut self, framework: &Arc<FrameworkInfo>, task: Arc<TaskInfo>) {
        let Some(framework_id) = framework.id.clone() else { return };
        if self.refuses_launch(framework, std::slice::from_ref(&task)) {
            return;
        }
        let is_docker = task.container.as_ref().is_some_and(|container| container.r#type == ContainerType::Docker);
        let how = match (&self.setup.engine, is_docker) {
            (_, false) => How::Process,
            (Some(engine), true) => How::Container(engine.clone()),
            (None, true) => How::Simulated,
        };
        let kind = if is_docker { Kind::Docker } else { Kind::Command };
        let executor_id = ExecutorId::new(task.task_id.as_str());
        self.books.framework(framework, &framework_id);
        if let Some(executor) = task.executor.clone() {
            return self.launch_custom(framework, &framework_id, *executor, vec![task], false);
        }
        let command = task.command.clone().unwrap_or_default();
        let container_id = ContainerId { value: uuid::Uuid::new_v4().to_string(), ..Default::default() };
        let made = self.make_sandbox(framework, &framework_id, &executor_id, &command, &container_id.value);
        let (sandbox, user) = match made {
            Ok(made) => made,
            Err(error) => {
                return self.refuse(framework, &framework_id, &task, &error, StatusReason::ExecutorTerminated);
            }
        };
        let executor = Executor {
            container_id: container_id.value.clone(),
            directory: sandbox.clone(),
            ..Executor::new(framework_id.clone(), executor_id.clone(), kind)
        };
        self.books.framework(framework, &framework_id).executors.insert(executor_id.clone(), Box::new(executor));
        let place = Place { framework_id, executor_id, container_id, sandbox, user, group: 0 };
        self.start(framework, place, task, how, false);
    }

    /// Makes an executor's sandbox, for the user its command names.
    fn make_sandbox(
        &self,
        framework: &FrameworkInfo,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        command: &CommandInfo,
        container_id: &str,
    ) -> Result<(PathBuf, Option<User>), String> {
        let agent_id = self.books.agent_id.clone().ok_or("the agent isn't registered")?;
        let layout = Layout::new(&self.setup.config.work_dir, agent_id);
        let told = |error: std::io::Error| format!("Failed to create executor directory: {error}");
        let path = layout.run(framework_id, executor_id, container_id).map_err(told)?;
        let named = command.user.as_deref().unwrap_or(&framework.user);
        let user = User::of_task(command.user.as_deref(), &framework.user).map_err(|error| {
            let path = path.display();
            format!("Failed to create executor directory '{path}': Failed to chown directory to '{named}': {error}")
        })?;
        let made = layout.create(framework_id, executor_id, container_id, user.as_ref());
        made.map(|sandbox| (sandbox, user))
            .map_err(|error| format!("Failed to create executor directory '{}': {error}", path.display()))
    }

    /// A task that is not even begun.
    fn refuse(
        &mut self,
        framework: &FrameworkInfo,
        framework_id: &FrameworkId,
        task: &TaskInfo,
        message: &str,
        reason: StatusReason,
    ) {
        let status = TaskStatus {
            task_id: task.task_id.clone(),
            state: Self::lost_state(framework),
            message: Some(message.to_owned()),
            source: Some(StatusSource::Agent),
            reason: Some(reason),
            ..Default::default()
        };
        let executor_id = task.executor.as_ref().map(|executor| executor.executor_id.clone());
        let executor_id = executor_id.unwrap_or_else(|| ExecutorId::new(task.task_id.as_str()));
        self.send(framework_id, Some(&executor_id), status);
        self.settle(framework_id);
    }

    fn launch_group(&mut self, framework: &Arc<FrameworkInfo>, executor: ExecutorInfo, tasks: Vec<Arc<TaskInfo>>) {
        let Some(framework_id) = framework.id.clone() else { return };
        if self.refuses_launch(framework, &tasks) {
            return;
        }
        let executor_id = executor.executor_id.clone();
        self.books.framework(framework, &framework_id);
        if executor.r#type.as_ref().is_some_and(|kind| *kind == ExecutorType::Custom) {
            return self.launch_custom(framework, &framework_id, executor, tasks, true);
        }
        if let Err(error) = self.make_default_executor(framework, &framework_id, executor) {
            for task in &tasks {
                self.refuse(framework, &framework_id, task, &error, StatusReason::ExecutorTerminated);
            }
            return;
        }
        let Some(executor) = self.books.executor(&framework_id, &executor_id) else { return };
        let (directory, parent) = (executor.directory.clone(), executor.container_id.clone());
        let known = executor.tasks.iter().chain(&executor.completed).map(|task| task.group + 1);
        let group = known.max().unwrap_or(0);
        for task in tasks {
            let parent = ContainerId { value: parent.clone(), ..Default::default() };
            let value = uuid::Uuid::new_v4().to_string();
            let container_id = ContainerId { value, parent: Some(Box::new(parent)), ..Default::default() };
            let own = task.command.as_ref().and_then(|command| command.user.as_deref());
            let made = User::of_task(own, &framework.user).and_then(|user| {
                let made = create_nested(&directory, &container_id.value, task.task_id.as_str(), user.as_ref());
                made.map(|sandbox| (sandbox, user)).map_err(|error| error.to_string())
            });
            match made {
                Ok((sandbox, user)) => {
                    let (framework_id, executor_id) = (framework_id.clone(), executor_id.clone());
                    let place = Place { framework_id, executor_id, container_id, sandbox, user, group };
                    self.start(framework, place, task, How::Process, true);
                }
                Err(error) => self.refuse(framework, &framework_id, &task, &error, StatusReason::ExecutorTerminated),
            }
        }
    }

    fn make_default_executor(
        &mut self,
        framework: &Arc<FrameworkInfo>,
        framework_id: &FrameworkId,
        mut info: ExecutorInfo,
    ) -> Result<(), String> {
        let id = info.executor_id.clone();
        if self.books.executor(framework_id, &id).is_some() {
            return Ok(());
        }
        info.framework_id = Some(framework_id.clone());
        let container_id = uuid::Uuid::new_v4().to_string();
        let command = info.command.clone().unwrap_or_default();
        let (directory, _) = self.make_sandbox(framework, framework_id, &id, &command, &container_id)?;
        let executor = Executor {
            own: Some(Box::new(info)),
            container_id,
            directory,
            ..Executor::new(framework_id.clone(), id.clone(), Kind::Default)
        };
        self.books.framework(framework, framework_id).executors.insert(id, Box::new(executor));
        Ok(())
    }

    fn start(&mut self, framework: &FrameworkInfo, place: Place, task: Arc<TaskInfo>, how: How, grouped: bool) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let entry = Task {
            info: task.clone(),
            container_id: place.container_id.clone(),
            statuses: Vec::new(),
            group: place.group,
            sandbox: place.sandbox.clone(),
            pid: None,
            started: None,
            simulated: matches!(how, How::Simulated),
            orders: Some(orders),
        };
        let Some(executor) = self.books.executor(&place.framework_id, &place.executor_id) else { return };
        executor.tasks.push(entry);
        let job = self.job(framework, place, task, how, grouped);
        self.running.spawn(task::run(job, ordered, self.reports.0.clone()));
    }

    fn job(&self, framework: &FrameworkInfo, place: Place, task: Arc<TaskInfo>, how: How, grouped: bool) -> Job {
        let environment = match how {
            How::Process => {
                self.environment(&place.sandbox, &place.framework_id, &place.executor_id, &task.resources, framework)
            }
            // A container has the Engine's.
            How::Container(_) | How::Simulated => BTreeMap::new(),
        };
        Job {
            framework_id: place.framework_id,
            executor_id: place.executor_id,
            task,
            how,
            container_id: place.container_id.value,
            sandbox: place.sandbox,
            environment,
            user: place.user,
            tells_killing: has_capability(framework, &FrameworkCapabilityType::TaskKillingState),
            grouped,
            work_dir: self.setup.config.work_dir.clone(),
            survives: self.setup.config.recover,
            keeper: self.setup.keeper(),
            left: None,
            faults: self.setup.faults.clone(),
        }
    }

    /// What a task finds in its environment. Of the agent's own only PATH: the rest may hold secrets.
    fn environment(
        &self,
        sandbox: &Path,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        resources: &[Resource],
        framework: &FrameworkInfo,
    ) -> BTreeMap<String, String> {
        let sandbox = sandbox.display().to_string();
        let agent_id = self.books.agent_id.as_ref().map_or("", AgentId::as_str);
        let allocation = resources.first().and_then(|resource| resource.allocation_info.as_ref());
        let role = allocation.and_then(|allocation| allocation.role.as_deref()).unwrap_or("*");
        let checkpoint = framework.checkpoint.unwrap_or(false);
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
        let endpoint = self.setup.address.to_string();
        [
            ("PATH", path.as_str()),
            ("LIBPROCESS_IP", &self.setup.address.ip().to_string()),
            ("LIBPROCESS_PORT", "0"),
            ("MESOS_AGENT_ENDPOINT", &endpoint),
            ("MESOS_ALLOCATION_ROLE", role),
            ("MESOS_CHECKPOINT", if checkpoint { "1" } else { "0" }),
            ("MESOS_DIRECTORY", &sandbox),
            ("MESOS_EXECUTOR_ID", executor_id.as_str()),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
            ("MESOS_FRAMEWORK_ID", framework_id.as_str()),
            ("MESOS_HTTP_COMMAND_EXECUTOR", "0"),
            ("MESOS_SANDBOX", &sandbox),
            ("MESOS_SLAVE_ID", agent_id),
            ("MESOS_SLAVE_PID", &self.setup.pid()),
        ]
        .into_iter()
        .chain(RECONNECTION.into_iter().filter(|_| checkpoint))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    fn on_task(&mut self, report: Report) {
        self.changed = true;
        let Report { framework_id, executor_id, task_id, what } = report;
        match what {
            What::Pid(pid, started) => {
                if let Some(task) = self.books.task(&framework_id, &executor_id, &task_id) {
                    (task.pid, task.started) = (Some(pid), started);
                }
            }
            What::Status(mut status) => {
                let state = status.state.clone();
                self.mark_unhealthy(&framework_id, &executor_id, &mut status);
                self.send(&framework_id, Some(&executor_id), *status);
                if matches!(state, TaskState::Failed | TaskState::Killed) {
                    self.end_group(&framework_id, &executor_id, &task_id);
                }
            }
            What::Over => {
                if let Some(task) = self.books.task(&framework_id, &executor_id, &task_id) {
                    task.orders = None;
                    if self.setup.config.recover {
                        let exit = checkpoint::exit_path(&self.setup.config.work_dir, &task.container_id.value);
                        // A container never made one.
                        let _ = std::fs::remove_file(exit);
                    }
                }
                self.executor_exited(&framework_id, &executor_id);
                self.settle(&framework_id);
            }
        }
    }

    /// Completes a status, keeps it, and sends it on if none of its task is on the way.
    fn send(&mut self, framework_id: &FrameworkId, executor_id: Option<&ExecutorId>, mut status: TaskStatus) {
        let Some(framework) = self.books.frameworks.get(framework_id) else { return };
        let terminating = framework.terminating;
        let is_partition_aware = has_capability(&framework.info, &FrameworkCapabilityType::PartitionAware);
        Self::tell_drained(self.books.draining.as_ref(), is_partition_aware, &mut status);
        status.agent_id.clone_from(&self.books.agent_id);
        status.executor_id = executor_id.cloned();
        // A framework's own executor has set these itself.
        status.timestamp.get_or_insert_with(now);
        status.uuid.get_or_insert_with(|| Base64(uuid::Uuid::new_v4().as_bytes().to_vec()));
        let known = executor_id.and_then(|id| self.books.executor(framework_id, id));
        let is_docker = known.is_some_and(|executor| executor.kind == Kind::Docker);
        let mut task = executor_id.and_then(|id| self.books.task(framework_id, id, &status.task_id));
        if let Some(task) = task.as_deref().filter(|_| status.source == Some(StatusSource::Executor)) {
            let pid = task.pid.filter(|_| !is_docker);
            let told = status.container_status.take().unwrap_or_default();
            status.container_status = Some(container_status(told, &task.container_id, pid));
        }
        let status = Arc::new(status);
        if let Some(task) = &mut task {
            task.statuses.push(status.clone());
        }
        if terminating {
            return;
        }
        if let Some(status) = self.updates.push(framework_id, status, Instant::now()) {
            self.forward(framework_id.clone(), status);
        }
    }

    /// A default executor that has killed a task for its health says of all that end from then on that they were sick.
    fn mark_unhealthy(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, status: &mut TaskStatus) {
        let executor = self.books.executor(framework_id, executor_id);
        let Some(executor) = executor.filter(|it| it.kind == Kind::Default && is_terminal(&status.state)) else {
            return;
        };
        executor.unhealthy |= status.healthy == Some(false);
        if executor.unhealthy && status.source == Some(StatusSource::Executor) {
            status.healthy = Some(false);
        }
    }

    /// Sends an update on, and with it how the task stands by now: its end may wait behind updates that nobody
    /// acknowledges, and what it used is free all the same. (apache/mesos: src/slave/slave.cpp, `forward`)
    fn forward(&mut self, framework_id: FrameworkId, status: Arc<TaskStatus>) {
        let executor = status.executor_id.as_ref();
        let task = executor.and_then(|id| self.books.task(&framework_id, id, &status.task_id));
        let latest = task.map(|task| task.state());
        self.tell(ToMaster::Update { framework_id, status, latest });
    }

    /// When one task of a group fails or is killed, the others go too.
    fn end_group(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, task_id: &TaskId) {
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        if executor.kind != Kind::Default {
            return;
        }
        let group = executor.tasks.iter().find(|task| task.info.task_id == *task_id).map(|task| task.group);
        for task in &executor.tasks {
            if Some(task.group) == group && task.info.task_id != *task_id && !is_terminal(&task.state()) {
                order(task, Order::Kill(None));
            }
        }
    }

    /// A default executor ends with its last task; the master wants to know.
    fn executor_exited(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId) {
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        if executor.kind == Kind::Default && executor.tasks.iter().all(|task| task.orders.is_none()) {
            // As the system's wait status says it: a signal's number, or nothing wrong.
            let status = if executor.crashed { Signal::SIGKILL as i32 } else { 0 };
            let (framework_id, executor_id) = (framework_id.clone(), executor_id.clone());
            self.tell(ToMaster::ExecutorExited { framework_id, executor_id, status });
        }
    }

    fn settle(&mut self, framework_id: &FrameworkId) {
        let updates = &self.updates;
        self.books.settle(framework_id, |task| updates.pending(framework_id, task));
        self.end_drain();
    }

    fn acknowledge(&mut self, framework_id: &FrameworkId, task_id: &TaskId, uuid: &[u8]) {
        match self.updates.acknowledge(framework_id, task_id, uuid, Instant::now()) {
            Acknowledged::Nothing => {}
            Acknowledged::Next { next, .. } => {
                self.forward(framework_id.clone(), next);
            }
            Acknowledged::All { .. } => self.settle(framework_id),
        }
    }

    fn kill(&mut self, framework_id: &FrameworkId, task_id: &TaskId, policy: Option<KillPolicy>) {
        // As on a real agent: of a framework that is unknown here nobody can be told.
        let Some(framework) = self.books.frameworks.get(framework_id).filter(|known| !known.terminating) else {
            return;
        };
        let lost_state = Self::lost_state(&framework.info);
        let Some(executor_id) = self.books.executor_of(framework_id, task_id).cloned() else {
            let status = TaskStatus {
                task_id: task_id.clone(),
                state: lost_state,
                message: Some("Cannot find executor".to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(StatusReason::ExecutorTerminated),
                ..Default::default()
            };
            return self.send(framework_id, None, status);
        };
        if self.books.executor(framework_id, &executor_id).is_some_and(|it| it.kind == Kind::Custom) {
            return self.kill_custom(framework_id, &executor_id, task_id, policy);
        }
        if let Some(task) = self.books.task(framework_id, &executor_id, task_id) {
            order(task, Order::Kill(policy));
        }
    }

    fn shut_down(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId) {
        if let Some(executor) = self.books.executor(framework_id, executor_id) {
            for task in &executor.tasks {
                order(task, shutdown());
            }
        }
        self.stop_custom(framework_id, executor_id);
    }

    fn shut_down_framework(&mut self, framework_id: &FrameworkId) {
        self.updates.forget(framework_id);
        let Some(framework) = self.books.frameworks.get_mut(framework_id) else { return };
        framework.terminating = true;
        let ids: Vec<_> = framework.executors.keys().cloned().collect();
        for id in &ids {
            self.shut_down(framework_id, id);
        }
        self.settle(framework_id);
    }
}

/// Whatever grace a task wants: with its executor it has this long, as on a real agent.
fn shutdown() -> Order {
    let grace = DurationInfo { nanoseconds: 3_000_000_000, ..Default::default() };
    Order::Kill(Some(KillPolicy { grace_period: Some(grace), ..Default::default() }))
}

fn order(task: &Task, order: Order) {
    if let Some(orders) = &task.orders {
        // A task that has just ended is as good as stopped.
        let _ = orders.send(order);
    }
}

fn has_capability(framework: &FrameworkInfo, wanted: &FrameworkCapabilityType) -> bool {
    framework.capabilities.iter().any(|capability| capability.r#type.as_ref() == Some(wanted))
}

/// Adds the container's id and, where the container has no address of its own, the agent's.
fn container_status(told: ContainerStatus, container_id: &ContainerId, pid: Option<u32>) -> ContainerStatus {
    let mut networks = told.network_infos;
    if networks.is_empty() {
        let address = IpAddress {
            protocol: Some(Protocol::Ipv4),
            ip_address: Some("127.0.0.1".to_owned()),
            ..Default::default()
        };
        networks.push(NetworkInfo { ip_addresses: vec![address], ..Default::default() });
    }
    ContainerStatus {
        container_id: Some(container_id.clone()),
        network_infos: networks,
        executor_pid: pid,
        ..Default::default()
    }
}
