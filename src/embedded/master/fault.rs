//! Faults that happen at once and are the master's to carry out: streams that break off, offers taken back, agents out of
//! reach, executors that crash.
//!
//! Each is a request to the master's task, so that it happens between two other things and never inside one.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::actor::{Master, Timer, event};
use super::framework::{Framework, is_terminal};
use super::operator::Subscriber;
use crate::embedded::fault::active::Cut;
use crate::embedded::fault::{Effect, FaultError};
use crate::embedded::link::ToAgent;
use crate::mesos::{AgentId, EventType, FrameworkId, OfferId, StatusReason, TaskId, TaskState};

/// Something that the master is to make go wrong.
#[derive(Debug)]
pub(in crate::embedded) enum Act {
    /// Schedulers' streams break off.
    Cut(Cut),
    /// All streams break off at once, operators' too: the master doesn't lead any more.
    StepDown,
    /// Offers are taken back: these, or all.
    Rescind(Vec<String>),
    /// An agent can't be reached.
    Partition(AgentId),
    /// An agent is gone.
    Lose(AgentId),
    /// A task's executor crashes; of one that the seed chooses where none is named.
    Crash { task: Option<String>, seed: u64 },
}

impl Master {
    /// Makes something go wrong.
    pub(super) fn act(&mut self, act: Act) -> Result<Effect, FaultError> {
        match act {
            Act::Cut(cut) => Ok(self.cut(cut)),
            Act::StepDown => Ok(self.step_down()),
            Act::Rescind(offers) => self.rescind_some(&offers),
            Act::Partition(agent) => {
                let tasks = self.tasks_on(&agent).len();
                self.known(&agent)?;
                let noticed = self.silence(&agent);
                let told = format!("agent {agent} can't be reached, with {}{noticed}", counted(tasks, "task"));
                Ok(Effect { agents: vec![agent], ..Effect::told(told) })
            }
            Act::Lose(agent) => {
                let tasks = self.tasks_on(&agent).len();
                self.known(&agent)?;
                self.remove_agent(&agent, "health check timed out");
                let told = format!("agent {agent} is gone, and with it {}", counted(tasks, "task"));
                Ok(Effect { agents: vec![agent], ..Effect::told(told) })
            }
            Act::Crash { task, seed } => self.crash(task.as_deref(), seed),
        }
    }

    fn known(&self, agent: &AgentId) -> Result<(), FaultError> {
        match self.agent(agent) {
            Some(_) => Ok(()),
            None => Err(FaultError::Wrong(format!("agent {agent} isn't registered"))),
        }
    }

    fn cut(&self, cut: Cut) -> Effect {
        let mut streams = 0;
        for stream in self.frameworks.iter().filter_map(|framework| framework.stream.as_ref()) {
            stream.sender.cut(cut);
            if let Cut::Inside(_) = cut {
                // It needs a record to be inside of.
                stream.send(&event(EventType::Heartbeat));
            }
            streams += 1;
        }
        let streams = counted(streams, "scheduler's stream");
        Effect::told(match cut {
            Cut::After(0) => format!("cut: {streams}"),
            Cut::After(bytes) => format!("to break off after {}: {streams}", counted(bytes as usize, "more byte")),
            Cut::Inside(_) => format!("cut inside a record: {streams}"),
        })
    }

    fn step_down(&self) -> Effect {
        let schedulers = self.frameworks.iter().filter_map(|framework| Some(&framework.stream.as_ref()?.sender));
        let all: Vec<_> = schedulers.chain(self.operators.iter().map(Subscriber::sender)).collect();
        all.iter().for_each(|sender| sender.cut(Cut::After(0)));
        Effect::told(format!("cut: {}", counted(all.len(), "stream")))
    }

    fn rescind_some(&mut self, named: &[String]) -> Result<Effect, FaultError> {
        let mut chosen: Vec<OfferId> = Vec::new();
        for name in named {
            let is = |id: &&OfferId| ends_as(id.as_str(), name);
            let found = self.offers.keys().find(is).cloned();
            chosen.push(found.ok_or_else(|| format!("there is no offer '{name}'"))?);
        }
        if named.is_empty() {
            chosen.extend(self.offers.keys().cloned());
        }
        chosen.iter().for_each(|offer| self.rescind(offer));
        Ok(Effect::told(format!("rescinded: {}", counted(chosen.len(), "offer"))))
    }

    fn crash(&self, named: Option<&str>, seed: u64) -> Result<Effect, FaultError> {
        let runs = |task: &super::framework::Task| !is_terminal(&task.state);
        let all =
            self.frameworks.iter().flat_map(|framework| framework.tasks.values().map(move |task| (framework, task)));
        let live: Vec<_> = all.filter(|(_, task)| runs(task) && self.agent(task.agent()).is_some()).collect();
        let chosen = match named {
            Some(name) => live.iter().find(|(_, task)| task.id().as_str() == name),
            None => fastrand::Rng::with_seed(seed).choice(&live),
        };
        let Some((framework, task)) = chosen else {
            return Err(FaultError::Wrong(match named {
                Some(name) => format!("no task '{name}' runs on an agent that can be reached"),
                None => "no task runs".to_owned(),
            }));
        };
        if let Some(agent) = self.agent(task.agent()) {
            let (framework_id, task_id) = (framework.id.clone(), task.id().clone());
            agent.tell(ToAgent::Crash { framework_id, task_id });
        }
        Ok(Effect {
            agents: vec![task.agent().clone()],
            ..Effect::told(format!("the executor of task {} on agent {} crashes", task.id(), task.agent()))
        })
    }

    /// Nothing comes from an agent and nothing gets to it, which is noticed at once or later: when is what this says.
    fn silence(&mut self, id: &AgentId) -> String {
        let timeout = self.settings.agent_timeout;
        if timeout.is_zero() {
            self.mark_unreachable(id, "health check timed out");
            return String::new();
        }
        let place = self.places.get(id).copied();
        if let Some(agent) = place.and_then(|place| self.agents.get_mut(&place)) {
            agent.link = mpsc::unbounded_channel().0;
            agent.silent = Some(Instant::now());
        }
        self.after(timeout, Timer::Silent { agent: id.clone() });
        format!(", which the master notices after {} s", timeout.as_secs_f64())
    }

    /// An agent hasn't answered for so long that it counts as unreachable, unless it has come back meanwhile.
    pub(super) fn silent_too_long(&mut self, id: &AgentId) {
        let since = self.agent(id).and_then(|agent| agent.silent);
        if since.is_some_and(|since| since.elapsed() >= self.settings.agent_timeout) {
            self.mark_unreachable(id, "health check timed out");
        }
    }

    /// An agent can't be reached. Its tasks may go on; nobody knows.
    pub(super) fn mark_unreachable(&mut self, id: &AgentId, message: &str) {
        for counter in ["slave_unreachable_scheduled", "slave_unreachable_completed", "slave_removals"] {
            self.count(counter);
        }
        self.count("slave_removals/reason_unhealthy");
        let since = SystemTime::now();
        self.unreachable.insert(id.clone(), since);
        let unreachable_time = self.unreachable_since(id);
        for (framework_id, aware, task) in self.tasks_on(id) {
            let state = if aware { TaskState::Unreachable } else { TaskState::Lost };
            let reason = Some(StatusReason::AgentRemoved);
            let mut status = self.status(&task, state, reason, Some(message.to_owned()));
            status.agent_id = Some(id.clone());
            status.unreachable_time.clone_from(&unreachable_time);
            let status = Arc::new(status);
            self.update_task(&framework_id, &task, &status, None);
            if let Some(framework) = self.framework_mut(&framework_id)
                && let Some(task) = framework.tasks.remove(&task)
            {
                framework.unreachable.push(task);
            }
            self.forward(&framework_id, &status);
        }
        self.drop_agent(id);
    }

    /// Live tasks on an agent, with their framework and whether it knows partitions.
    pub(super) fn tasks_on(&self, agent: &AgentId) -> Vec<(FrameworkId, bool, TaskId)> {
        let of = |framework: &Framework| {
            let here = framework.tasks.values().filter(|task| task.agent() == agent && !is_terminal(&task.state));
            here.map(|task| (framework.id.clone(), framework.partition_aware(), task.id().clone())).collect::<Vec<_>>()
        };
        self.frameworks.iter().flat_map(of).collect()
    }
}

/// Whether an id is this one, or ends so behind a dash.
pub(in crate::embedded) fn ends_as(id: &str, name: &str) -> bool {
    id == name || id.strip_suffix(name).is_some_and(|before| before.ends_with('-'))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
