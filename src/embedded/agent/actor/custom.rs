//! Executors of a framework's own: their tasks handed over, their updates passed on, their end.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{Actor, has_capability};
use crate::embedded::agent::books::{Executor, Kind, Queued, Subscriber, Task, is_terminal};
use crate::embedded::agent::executor::{self, Ended, Stop};
use crate::embedded::agent::process::{Adopted, leader_in, listed};
use crate::embedded::agent::volumes;
use crate::embedded::link::ToMaster;
use crate::embedded::wire::Format;
use crate::mesos::executor::{
    Acknowledged, Call, CallType, Event, EventType, Kill, Launch, LaunchGroup, MessageEvent, Subscribed,
};
use crate::mesos::{
    Base64, ContainerId, ExecutorId, ExecutorInfo, FrameworkCapabilityType, FrameworkId, FrameworkInfo, KillPolicy,
    StatusReason, StatusSource, TaskGroupInfo, TaskId, TaskInfo, TaskState, TaskStatus,
};

/// A call from an executor, and where its answer goes.
#[derive(Debug)]
pub(in crate::embedded::agent) struct ExecutorCall {
    /// The call, complete for its type.
    pub(in crate::embedded::agent) call: Call,
    /// How the executor wants its events.
    pub(in crate::embedded::agent) format: Format,
    /// Where the answer goes.
    pub(in crate::embedded::agent) reply: oneshot::Sender<Reply>,
}

/// The answer to an executor's call.
#[derive(Debug)]
pub(in crate::embedded::agent) enum Reply {
    /// Taken.
    Accepted,
    /// Not taken: a status code and why.
    Refused(u16, &'static str),
    /// Subscribed: the events, framed.
    Events(mpsc::UnboundedReceiver<Bytes>),
}

/// When a process started.
fn started(pid: u32) -> Option<u64> {
    i32::try_from(pid).ok().and_then(listed).map(|process| process.started)
}

fn event(kind: EventType) -> Event {
    Event { r#type: Some(kind), ..Event::default() }
}

impl Actor {
    /// Hands tasks to their framework's own executor, which is started if it doesn't run.
    pub(super) fn launch_custom(
        &mut self,
        framework: &Arc<FrameworkInfo>,
        framework_id: &FrameworkId,
        info: ExecutorInfo,
        tasks: Vec<Arc<TaskInfo>>,
        grouped: bool,
    ) {
        let executor_id = info.executor_id.clone();
        let started = self.start_custom(framework, framework_id, info);
        if let Err(error) = started.and_then(|()| self.mount_custom(framework_id, &executor_id, &tasks)) {
            for task in &tasks {
                self.refuse(framework, framework_id, task, &error, StatusReason::ExecutorTerminated);
            }
            return;
        }
        let Some(executor) = self.books.executor(framework_id, &executor_id) else { return };
        for task in &tasks {
            let container_id = ContainerId { value: executor.container_id.clone(), ..ContainerId::default() };
            executor.tasks.push(Task {
                info: task.clone(),
                container_id,
                statuses: Vec::new(),
                group: 0,
                sandbox: executor.directory.clone(),
                pid: executor.pid,
                started: None,
                simulated: false,
                orders: None,
            });
        }
        executor.queued.push(Queued { tasks, grouped });
        deliver(executor);
    }

    /// Tasks' volumes stand in their executor's sandbox.
    fn mount_custom(
        &mut self,
        framework_id: &FrameworkId,
        id: &ExecutorId,
        tasks: &[Arc<TaskInfo>],
    ) -> Result<(), String> {
        let volumes = volumes::root(&self.setup.config.work_dir);
        let Some(executor) = self.books.executor(framework_id, id) else { return Ok(()) };
        tasks.iter().try_for_each(|task| volumes::mount(&volumes, &task.resources, &executor.directory, None))
    }

    fn start_custom(
        &mut self,
        framework: &Arc<FrameworkInfo>,
        framework_id: &FrameworkId,
        mut info: ExecutorInfo,
    ) -> Result<(), String> {
        let id = info.executor_id.clone();
        if self.books.executor(framework_id, &id).is_some_and(|executor| executor.stop.is_some()) {
            return Ok(());
        }
        if info.container.as_ref().is_some_and(|it| it.docker.is_some()) {
            return Err("This agent runs executors as processes only, not in containers".to_owned());
        }
        info.framework_id = Some(framework_id.clone());
        let container_id = uuid::Uuid::new_v4().to_string();
        let command = info.command.clone().unwrap_or_default();
        let (directory, user) = self.make_sandbox(framework, framework_id, &id, &command, &container_id)?;
        let volumes = volumes::root(&self.setup.config.work_dir);
        volumes::mount(&volumes, &info.resources, &directory, user.as_ref())?;
        let environment = self.environment(&directory, framework_id, &id, &info.resources, framework);
        let (stop, stopped) = mpsc::unbounded_channel();
        let job = executor::Job {
            framework_id: framework_id.clone(),
            executor_id: id.clone(),
            command,
            cache: crate::embedded::agent::fetch::cache_dir(&self.setup.config.work_dir),
            container_id: container_id.clone(),
            sandbox: directory.clone(),
            environment,
            user,
            keeper: self.setup.keeper(),
        };
        self.running.spawn(executor::run(job, stopped, self.executors.0.clone()));
        let executor = Executor {
            own: Some(Box::new(info)),
            container_id,
            directory,
            stop: Some(stop),
            ..Executor::new(framework_id.clone(), id.clone(), Kind::Custom)
        };
        self.books.framework(framework, framework_id).executors.insert(id, Box::new(executor));
        Ok(())
    }

    /// What an executor's process came to.
    pub(super) fn on_executor(&mut self, report: executor::Report) {
        let executor::Report { framework_id, executor_id, what } = report;
        self.changed = true;
        match what {
            executor::What::Pid(pid) => {
                if let Some(executor) = self.books.executor(&framework_id, &executor_id) {
                    (executor.pid, executor.started) = (Some(pid), started(pid));
                    for task in &mut executor.tasks {
                        task.pid = Some(pid);
                    }
                }
            }
            executor::What::Late => self.register_timeout(&framework_id, &executor_id),
            executor::What::Ended(ended) => self.custom_ended(&framework_id, &executor_id, ended),
        }
    }

    fn register_timeout(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId) {
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        if executor.subscriber.is_some() {
            return;
        }
        if executor.returning {
            let reason = StatusReason::ExecutorReregistrationTimeout;
            let limit = executor::REREGISTRATION.as_secs();
            let message = format!("Executor did not reregister within {limit}secs");
            self.lose_tasks(framework_id, executor_id, reason, &message);
            self.stop_custom(framework_id, executor_id);
        } else if executor.queued.iter().any(|queued| !queued.tasks.is_empty()) {
            let reason = StatusReason::ExecutorRegistrationTimeout;
            self.lose_tasks(framework_id, executor_id, reason, "Executor did not register within 1mins");
            self.stop_custom(framework_id, executor_id);
        }
    }

    fn custom_ended(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, ended: Ended) {
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        (executor.stop, executor.subscriber) = (None, None);
        executor.queued.clear();
        let (reason, message, status) = match ended {
            Ended::Exited(status) => (StatusReason::ExecutorTerminated, "Executor terminated".to_owned(), status),
            Ended::NotLaunched(why) => {
                (StatusReason::ContainerLaunchFailed, format!("Failed to launch container: {why}"), 1 << 8)
            }
        };
        self.lose_tasks(framework_id, executor_id, reason, &message);
        let (framework_id, executor_id) = (framework_id.clone(), executor_id.clone());
        self.tell(ToMaster::ExecutorExited { framework_id: framework_id.clone(), executor_id, status });
        self.settle(&framework_id);
    }

    /// Fails what an executor hadn't ended.
    fn lose_tasks(&mut self, framework: &FrameworkId, executor: &ExecutorId, reason: StatusReason, message: &str) {
        let Some(known) = self.books.executor(framework, executor) else { return };
        let live = known.tasks.iter().filter(|task| !is_terminal(&task.state()));
        let ids: Vec<TaskId> = live.map(|task| task.info.task_id.clone()).collect();
        for task_id in ids {
            let status = TaskStatus {
                task_id,
                state: TaskState::Failed,
                message: Some(message.to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(reason.clone()),
                ..TaskStatus::default()
            };
            self.send(framework, Some(executor), status);
        }
    }

    /// Answers an executor's call.
    pub(super) fn executor_call(&mut self, asked: ExecutorCall) {
        self.changed = true;
        let ExecutorCall { call, format, reply } = asked;
        let answer = self.executor_answer(call, format);
        // Who no longer waits for the answer needs none.
        let _ = reply.send(answer);
    }

    fn executor_answer(&mut self, call: Call, format: Format) -> Reply {
        let (framework_id, executor_id) = (call.framework_id, call.executor_id);
        if !self.books.frameworks.contains_key(&framework_id) {
            return Reply::Refused(400, "Framework cannot be found");
        }
        let Some(executor) = self.books.executor(&framework_id, &executor_id).filter(|it| it.kind == Kind::Custom)
        else {
            return Reply::Refused(400, "Executor cannot be found");
        };
        if call.r#type == Some(CallType::Subscribe) {
            let subscribe = call.subscribe.unwrap_or_default();
            for update in subscribe.unacknowledged_updates {
                self.executor_update(&framework_id, &executor_id, update.status);
            }
            self.drop_undelivered(&framework_id, &executor_id, &subscribe.unacknowledged_tasks);
            return self.subscribed(&framework_id, &executor_id, format);
        }
        if executor.subscriber.is_none() {
            return Reply::Refused(403, "Executor is not subscribed");
        }
        if let Some(update) = call.update {
            self.executor_update(&framework_id, &executor_id, update.status);
        }
        if let Some(message) = call.message {
            self.tell(ToMaster::Message { framework_id, executor_id, data: message.data.0 });
        }
        Reply::Accepted
    }

    /// Tasks that an earlier agent had taken and hadn't handed to the executor when it ended.
    fn drop_undelivered(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, known: &[TaskInfo]) {
        let lost_state = self.books.frameworks.get(framework_id).map(|framework| Self::lost_state(&framework.info));
        let Some((state, executor)) = lost_state.zip(self.books.executor(framework_id, executor_id)) else { return };
        if !std::mem::take(&mut executor.returning) {
            return;
        }
        let delivered =
            |task: &Task| !task.statuses.is_empty() || known.iter().any(|it| it.task_id == task.info.task_id);
        let lost: Vec<TaskId> =
            executor.tasks.iter().filter(|task| !delivered(task)).map(|task| task.info.task_id.clone()).collect();
        for task_id in lost {
            let status = TaskStatus {
                task_id,
                state: state.clone(),
                message: Some("Task launched during agent restart".to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(StatusReason::AgentRestarted),
                ..TaskStatus::default()
            };
            self.send(framework_id, Some(executor_id), status);
        }
    }

    fn subscribed(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, format: Format) -> Reply {
        let agent = self.agent_info();
        let framework = self.books.frameworks.get(framework_id).map(|it| (it.info.clone(), it.terminating));
        let Some((framework, terminating)) = framework else { return Reply::Refused(400, "Framework cannot be found") };
        let Some(executor) = self.books.executor(framework_id, executor_id) else {
            return Reply::Refused(400, "Executor cannot be found");
        };
        let (sender, events) = mpsc::unbounded_channel();
        // An earlier stream ends with its sender.
        executor.subscriber = Some(Subscriber { format, sender });
        if terminating || executor.stop.is_none() {
            tell(executor, &event(EventType::Shutdown));
            executor.subscriber = None;
            return Reply::Events(events);
        }
        let subscribed = Subscribed {
            executor_info: executor.info().into_owned(),
            framework_info: (*framework).clone(),
            agent_info: agent,
            container_id: Some(ContainerId { value: executor.container_id.clone(), ..ContainerId::default() }),
            ..Subscribed::default()
        };
        tell(executor, &Event { subscribed: Some(subscribed), ..event(EventType::Subscribed) });
        deliver(executor);
        Reply::Events(events)
    }

    /// An executor's update is its agent's from now on, which says so.
    fn executor_update(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, mut status: TaskStatus) {
        let Some(uuid) = status.uuid.clone() else { return };
        let task_id = status.task_id.clone();
        let known = self.books.task(framework_id, executor_id, &task_id).is_some_and(|task| {
            // One that came before is only acknowledged again.
            task.statuses.iter().any(|seen| seen.uuid.as_ref() == Some(&uuid))
        });
        if !known {
            status.source = Some(StatusSource::Executor);
            self.send(framework_id, Some(executor_id), status);
        }
        if let Some(executor) = self.books.executor(framework_id, executor_id) {
            let acknowledged = Acknowledged { task_id, uuid, ..Acknowledged::default() };
            tell(executor, &Event { acknowledged: Some(acknowledged), ..event(EventType::Acknowledged) });
        }
    }

    /// Kills a task of such an executor: it is told, or the task is taken out of its queue.
    pub(super) fn kill_custom(
        &mut self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        task_id: &TaskId,
        policy: Option<KillPolicy>,
    ) {
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        let queued = executor.queued.iter().position(|queued| queued.tasks.iter().any(|it| it.task_id == *task_id));
        let Some(at) = queued else {
            let kill = Kill { task_id: task_id.clone(), kill_policy: policy, ..Kill::default() };
            return tell(executor, &Event { kill: Some(kill), ..event(EventType::Kill) });
        };
        let queued = executor.queued.remove(at);
        let idle = executor.queued.is_empty() && executor.tasks.len() == queued.tasks.len();
        let message = if queued.grouped {
            "A task within the task group was killed before delivery to the executor"
        } else {
            "Killed before delivery to the executor"
        };
        for task in queued.tasks {
            let status = TaskStatus {
                task_id: task.task_id.clone(),
                state: TaskState::Killed,
                message: Some(message.to_owned()),
                source: Some(StatusSource::Agent),
                reason: Some(StatusReason::TaskKilledDuringLaunch),
                ..TaskStatus::default()
            };
            self.send(framework_id, Some(executor_id), status);
        }
        if idle {
            self.stop_custom(framework_id, executor_id);
        }
    }

    /// Tells an executor to end; it is killed if it doesn't.
    pub(super) fn stop_custom(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId) {
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        let told = executor.subscriber.is_some();
        tell(executor, &event(EventType::Shutdown));
        if let Some(stop) = &executor.stop {
            // One that has just ended is as good as stopped.
            let _ = stop.send(if told { Stop::Asked } else { Stop::Now });
        }
    }

    /// Passes a scheduler's bytes on.
    pub(super) fn message_custom(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId, data: Vec<u8>) {
        match self.books.executor(framework_id, executor_id).filter(|executor| executor.subscriber.is_some()) {
            Some(executor) => {
                let message = MessageEvent { data: Base64(data), ..MessageEvent::default() };
                tell(executor, &Event { message: Some(message), ..event(EventType::Message) });
            }
            // Messages are not kept for anybody, on a real agent neither.
            None => tracing::debug!(%framework_id, %executor_id, "a message for an executor that doesn't listen"),
        }
    }

    /// Waits for an executor that an earlier agent started to come back, if its process still runs.
    pub(super) fn take_up_custom(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId) {
        let reports = self.executors.0.clone();
        let Some(executor) = self.books.executor(framework_id, executor_id) else { return };
        let noted = executor.pid.zip(executor.started).or_else(|| leader_in(&executor.directory));
        let left = noted.filter(|(pid, since)| started(*pid) == Some(*since));
        let Some((pid, since)) = left else {
            let message = "Abnormal executor termination: unknown container";
            self.lose_tasks(framework_id, executor_id, StatusReason::ExecutorTerminated, message);
            return;
        };
        let (stop, stopped) = mpsc::unbounded_channel();
        (executor.stop, executor.returning) = (Some(stop), true);
        (executor.pid, executor.started) = (Some(pid), Some(since));
        // Nobody has noted its end.
        let process = Adopted::new(pid, since, executor.directory.join(".no-note"));
        let whose = (framework_id.clone(), executor_id.clone());
        self.running.spawn(executor::adopt(whose, process, stopped, reports));
    }

    /// Whether a framework hears of TASK_DROPPED rather than TASK_LOST.
    pub(super) fn lost_state(framework: &FrameworkInfo) -> TaskState {
        let aware = has_capability(framework, &FrameworkCapabilityType::PartitionAware);
        if aware { TaskState::Dropped } else { TaskState::Lost }
    }
}

/// Sends a subscribed executor what it was not sent yet.
fn deliver(executor: &mut Executor) {
    if executor.subscriber.is_none() {
        return;
    }
    for Queued { tasks, grouped } in std::mem::take(&mut executor.queued) {
        if grouped {
            let tasks = tasks.into_iter().map(Arc::unwrap_or_clone).collect();
            let task_group = TaskGroupInfo { tasks, ..TaskGroupInfo::default() };
            let launch_group = Some(LaunchGroup { task_group, ..LaunchGroup::default() });
            tell(executor, &Event { launch_group, ..event(EventType::LaunchGroup) });
            continue;
        }
        for task in tasks {
            let launch = Some(Launch { task: Arc::unwrap_or_clone(task), ..Launch::default() });
            tell(executor, &Event { launch, ..event(EventType::Launch) });
        }
    }
}

fn tell(executor: &Executor, event: &Event) {
    if let Some(Subscriber { format, sender }) = &executor.subscriber {
        // A stream that nobody reads: the executor subscribes again, or has ended.
        let _ = sender.send(crate::recordio::encode(&format.write(event)));
    }
}
