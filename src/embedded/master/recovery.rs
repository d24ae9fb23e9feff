//! Agents as they come and come back, with what they run; what a master finds when it starts where one has been before.
//!
//! A master that starts knows of agents from its registry only. Tasks, and frameworks that have yet to subscribe again,
//! are what agents tell. (apache/mesos: src/master/master.cpp, `reregisterSlave`, `recoverFramework`)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::actor::{Master, Timer};
use super::agents::Agent;
use super::framework::{Framework, Operation, Task, is_terminal};
use super::maintenance::{Machine, Mode, machine_of};
use super::offers::agent_ip;
use super::registry::{Admitted, Registry};
use super::tasks::without_data;
use super::validate::constraints::Constraints;
use crate::embedded::link::{Applied, Registration, Survivor, Survivors, ToAgent};
use crate::embedded::resources::{Resources, upgraded_list};
use crate::mesos::{AgentId, AgentInfo, DrainConfig, FrameworkId, OperationState, Resource, StatusReason, TaskId};

/// Agents of the registry that haven't come back yet.
#[derive(Debug, Default)]
pub(super) struct Recovering(BTreeMap<AgentId, Admitted>);

impl Recovering {
    /// What the registry knows of them.
    pub(super) fn agents(&self) -> impl Iterator<Item = &Admitted> {
        self.0.values()
    }

    /// One of them is to drain when it is back.
    pub(super) fn drain(&mut self, id: &AgentId, config: &DrainConfig) {
        if let Some(admitted) = self.0.get_mut(id) {
            (admitted.deactivated, admitted.draining) = (true, Some(config.clone()));
        }
    }

    /// One of them is taken out, or back in; `false` if it is none of them, or was so already.
    pub(super) fn deactivate(&mut self, id: &AgentId, deactivated: bool) -> bool {
        let Some(admitted) = self.0.get_mut(id) else { return false };
        if !deactivated {
            admitted.draining = None;
        }
        std::mem::replace(&mut admitted.deactivated, deactivated) != deactivated
    }

    /// Whether a task may be on one of them: on this one, or on any where none is named.
    pub(super) fn may_have(&self, agent: Option<&AgentId>) -> bool {
        agent.map_or(!self.0.is_empty(), |id| self.0.contains_key(id))
    }
}

/// Whence an agent comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whence {
    /// It has never been here.
    New,
    /// It is registered, and registers again.
    Known,
    /// The registry knew it.
    Recovered,
    /// It was out of reach.
    Unreachable,
    /// It has been registered, but not with this master.
    Unknown,
}

impl Master {
    /// Takes up what an earlier master has left.
    pub(super) fn recover(&mut self, registry: Registry) {
        let Registry { agents, unreachable, gone, machines, schedule, weights, quotas } = registry;
        if !agents.is_empty() {
            self.after(self.settings.agent_reregister_timeout, Timer::Reregistration);
        }
        let with_id = |admitted: Admitted| Some((admitted.info.id.clone()?, admitted));
        self.recovering.0 = agents.into_iter().filter_map(with_id).collect();
        let time =
            |since: f64| Duration::try_from_secs_f64(since).map_or(SystemTime::now(), |it| SystemTime::UNIX_EPOCH + it);
        self.unreachable = unreachable.into_iter().map(|one| (one.id, time(one.since))).collect();
        self.gone = gone.into_iter().collect();
        let machine = |known: super::registry::Machine| Machine::new(known.id, known.mode, known.unavailability);
        self.maintenance.machines = machines.into_iter().map(machine).collect();
        self.maintenance.schedule = schedule;
        weights.iter().for_each(|(role, weight)| self.allocator.set_weight(role, *weight));
        self.allocator.set_quotas(quotas.clone());
        (self.weights, self.quotas) = (weights, quotas);
    }

    /// Agents that haven't come back by now are out of reach.
    pub(super) fn reregistration_over(&mut self) {
        for id in std::mem::take(&mut self.recovering.0).into_keys() {
            tracing::info!(agent = %id, "an agent of the registry hasn't come back");
            self.unreachable.insert(id, SystemTime::now());
            self.registry_changed = true;
        }
    }

    /// Takes an agent in, with what it runs already.
    pub(super) fn register(&mut self, index: usize, registration: Registration) {
        let Registration { mut info, pid, link, resources, survivors, operations } = registration;
        if let Some((why, again)) = self.unwanted(info.id.as_ref(), &info.hostname, agent_ip(&pid)) {
            // One that has gone meanwhile needs no telling.
            let _ = link.send(ToAgent::Refused { why, again });
            return;
        }
        let former = info.id.take();
        self.count(if former.is_none() { "messages_register_slave" } else { "messages_reregister_slave" });
        self.count("messages_update_slave");
        let id = former.clone().unwrap_or_else(|| self.new_agent_id());
        let admitted = self.recovering.0.remove(&id);
        let whence = match former {
            None => Whence::New,
            Some(_) if self.agent(&id).is_some() => Whence::Known,
            Some(_) if admitted.is_some() => Whence::Recovered,
            Some(_) if self.unreachable.remove(&id).is_some() => Whence::Unreachable,
            Some(_) => Whence::Unknown,
        };
        info.id = Some(id.clone());
        info.resources = upgraded_list(&info.resources);
        let total = resources.unwrap_or_else(|| info.resources.clone());
        self.put_agent(index, whence, admitted, Agent::new(id.clone(), info, pid, link), &total);
        self.take_survivors(&id, whence, survivors);
        self.take_operations(&id, operations);
        self.tell_operators("AGENT_ADDED", None, Some(&id));
        self.allocate();
    }

    /// Why an agent may not register, and whether it may ask again.
    fn unwanted(&self, id: Option<&AgentId>, hostname: &str, ip: &str) -> Option<(&'static str, bool)> {
        if id.is_some_and(|id| self.gone.contains(id)) {
            return Some(("Agent has been marked gone", false));
        }
        let down = self.maintenance.find(&machine_of(hostname, ip)).is_some_and(|machine| machine.mode == Mode::Down);
        down.then_some(("Machine is `DOWN`", true))
    }

    fn put_agent(&mut self, index: usize, whence: Whence, admitted: Option<Admitted>, new: Agent, total: &[Resource]) {
        let now = SystemTime::now();
        let id = new.id.clone();
        let before = self.agents.remove(&index);
        if let Some(other) = before.as_ref().filter(|before| before.id != id) {
            self.places.remove(&other.id);
        }
        let before = before.filter(|before| before.id == id);
        let (deactivated, draining) = match (&before, admitted) {
            (Some(before), _) => (before.deactivated, before.draining.clone()),
            (None, Some(admitted)) => (admitted.deactivated, admitted.draining),
            (None, None) => (false, None),
        };
        self.maintenance.entry(&new.machine());
        if let Some(config) = &draining {
            new.tell(ToAgent::Drain(Box::new(config.clone())));
        }
        let agent = Agent {
            drain_started: draining.is_some().then_some(now),
            registered: before.as_ref().map_or(now, |before| before.registered),
            reregistered: (whence != Whence::New).then_some(now),
            active: !deactivated,
            deactivated,
            draining,
            ..new
        };
        match whence {
            Whence::New => self.count("slave_registrations"),
            Whence::Known => {}
            _ => self.count("slave_reregistrations"),
        }
        agent.tell(ToAgent::Registered(id.clone()));
        if whence != Whence::Known {
            self.allocator.add_agent(&id, &agent.info, Resources::of(total));
        }
        self.allocator.set_agent_active(&id, !deactivated);
        self.places.insert(id, index);
        self.agents.insert(index, agent);
        self.registry_changed = true;
    }

    /// Takes in what an agent has gone on running. As on a real master its frameworks are disconnected ones, which
    /// nobody removes before they have been back.
    fn take_survivors(&mut self, agent: &AgentId, whence: Whence, survivors: Vec<Survivors>) {
        let mut reported: Vec<(FrameworkId, TaskId)> = Vec::new();
        for Survivors { framework: info, executor, tasks } in survivors {
            let Some(id) = info.id.clone() else { continue };
            if self.completed.iter().any(|framework| framework.id == id) {
                // It hasn't heard of the framework's end.
                if let Some(agent) = self.agent(agent) {
                    agent.tell(ToAgent::ShutdownFramework(id));
                }
                continue;
            }
            if self.framework(&id).is_none() {
                self.allocator.add_framework(&id, &info, &[], Constraints::default());
                self.allocator.set_active(&id, false);
                self.frameworks.push(Framework {
                    recovered: true,
                    ..Framework::new(id.clone(), crate::mesos::FrameworkInfo::clone(&info))
                });
            }
            let mut used = Resources::default();
            let Some(framework) = self.framework_mut(&id) else { continue };
            let executor_id = executor.as_ref().map(|executor| executor.executor_id.clone());
            if let Some(executor) = executor.filter(|it| framework.executor(agent, &it.executor_id).is_none()) {
                used.add(&Resources::of(&executor.resources));
                framework.executors.entry(agent.clone()).or_default().push(executor);
            }
            for survivor in tasks {
                let task_id = survivor.info.task_id.clone();
                reported.push((id.clone(), task_id.clone()));
                if framework.task(&task_id).is_some() {
                    continue;
                }
                framework.unreachable.retain(|task| *task.id() != task_id);
                let task = Task { executor: executor_id.clone(), ..as_told(survivor) };
                if !is_terminal(&task.state) {
                    used.add_list(&task.info.resources);
                }
                framework.tasks.insert(task_id, Arc::new(task));
            }
            self.allocator.give(&id, agent, &used);
        }
        match whence {
            Whence::Unreachable => self.tell_back(&reported, "Unreachable agent re-reregistered"),
            Whence::Unknown => self.tell_back(&reported, "Unknown agent reregistered"),
            Whence::Known => self.reconcile_with(agent, &reported),
            Whence::New | Whence::Recovered => {}
        }
        // What it doesn't tell of has ended while nobody could see it.
        for framework in &mut self.frameworks {
            framework.unreachable.retain(|task| task.agent() != agent);
        }
    }

    /// An agent that has lost what it was told must hear of it: tasks that it doesn't know are over.
    fn reconcile_with(&self, id: &AgentId, reported: &[(FrameworkId, TaskId)]) {
        let Some(agent) = self.agent(id) else { return };
        for framework in &self.frameworks {
            let live = framework.tasks.values().filter(|task| task.agent() == id && !is_terminal(&task.state));
            let told = |task: &&Arc<Task>| !reported.iter().any(|(of, one)| *of == framework.id && one == task.id());
            let tasks: Vec<TaskId> = live.filter(told).map(|task| task.id().clone()).collect();
            if !tasks.is_empty() {
                agent.tell(ToAgent::Reconcile { framework: framework.info.clone(), tasks });
            }
        }
    }

    /// Schedulers hear how tasks are that nobody could tell of for a while.
    fn tell_back(&self, tasks: &[(FrameworkId, TaskId)], why: &str) {
        for (framework_id, task_id) in tasks {
            let Some(task) = self.framework(framework_id).and_then(|framework| framework.task(task_id)) else {
                continue;
            };
            let reason = Some(StatusReason::AgentReregistered);
            let mut status = self.status(task_id, task.state.clone(), reason, Some(why.to_owned()));
            status.agent_id = Some(task.agent().clone());
            self.forward(framework_id, &status);
        }
    }

    /// Operations that are done and of which schedulers haven't heard, as far as this master knows.
    fn take_operations(&mut self, agent: &AgentId, operations: Vec<Applied>) {
        for applied in operations {
            let Some(framework) = self.framework_mut(&applied.framework_id) else { continue };
            if framework.operations.iter().any(|known| known.uuid == applied.uuid) {
                continue;
            }
            framework.operations.push(Operation {
                agent: agent.clone(),
                info: applied.info,
                state: OperationState::Finished,
                uuid: applied.uuid.clone(),
                own_uuid: uuid::Uuid::new_v4().as_bytes().to_vec(),
                sent: 0,
            });
            self.after(Duration::ZERO, Timer::Operation { framework: applied.framework_id, uuid: applied.uuid });
        }
    }
}

impl Agent {
    fn new(id: AgentId, info: AgentInfo, pid: String, link: mpsc::UnboundedSender<ToAgent>) -> Self {
        Self {
            id,
            info,
            pid,
            link,
            registered: SystemTime::now(),
            reregistered: None,
            active: true,
            deactivated: false,
            draining: None,
            drain_started: None,
            silent: None,
        }
    }
}

/// A task as its agent tells of it.
fn as_told(survivor: Survivor) -> Task {
    let Survivor { info, statuses, sent } = survivor;
    let mut task = Task::new(info);
    task.state = statuses.last().map_or(task.state, |status| status.state.clone());
    task.sent = sent;
    // As in `update_task`: data isn't kept.
    task.statuses = statuses.iter().map(without_data).collect();
    task
}
