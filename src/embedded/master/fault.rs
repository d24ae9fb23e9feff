//! Faults on demand: what goes wrong in a cluster, when somebody wants to see it.
//!
//! Each is a request to the master's task, so that it happens between two other things and never inside one.

use std::time::SystemTime;

use super::actor::Master;
use super::agents::Agent;
use super::framework::is_terminal;
use crate::embedded::link::ToAgent;
use crate::embedded::resources::Resources;
use crate::mesos::{AgentId, ExecutorInfo, FrameworkId, StatusReason, TaskState};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Every scheduler's stream breaks off; inside a record if so wished.
    CutStreams {
        /// In the middle of a record.
        inside_a_record: bool,
    },
    /// Records are written byte by byte, each a chunk of its own.
    SplitStreams(bool),
    /// No more heartbeats, on any stream.
    MuteHeartbeats(bool),
    /// The APIs answer that another master leads, there.
    Redirect(Option<String>),
    /// The APIs answer that the master hasn't finished its recovery.
    Recovering(bool),
    /// The APIs answer that no master leads.
    NoLeader(bool),
    /// All offers are taken back.
    RescindOffers,
    /// An agent, by its place from 0, can't be reached any more; it lives on.
    PartitionAgent(usize),
    /// An agent that couldn't be reached is back, with what still runs on it.
    ReturnAgent(usize),
    /// An agent is gone for good.
    LoseAgent(usize),
    /// The next updates of agents get lost on the way; agents send them again.
    DropUpdates(u32),
    /// The next updates of agents arrive twice.
    DoubleUpdates(u32),
}

/// What currently goes wrong, as far as it goes on.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) split: bool,
    pub(super) mute: bool,
    pub(super) drop_updates: u32,
    pub(super) double_updates: u32,
}

/// An agent out of reach, and what was known of it.
#[derive(Debug)]
pub(super) struct Away {
    agent: Agent,
    total: Resources,
    executors: Vec<(FrameworkId, ExecutorInfo)>,
}

impl Master {
    /// Makes something go wrong. What concerns HTTP alone has been done before it gets here.
    pub(super) fn fault(&mut self, fault: &Fault) {
        match fault {
            Fault::CutStreams { inside_a_record } => {
                for framework in &self.frameworks {
                    if let Some(stream) = &framework.stream {
                        stream.cut(*inside_a_record);
                    }
                }
            }
            Fault::SplitStreams(on) => {
                self.faults.split = *on;
                for stream in self.frameworks.iter_mut().filter_map(|framework| framework.stream.as_mut()) {
                    stream.split = *on;
                }
            }
            Fault::MuteHeartbeats(on) => self.faults.mute = *on,
            Fault::RescindOffers => {
                let offers: Vec<_> = self.offers.keys().cloned().collect();
                offers.iter().for_each(|offer| self.rescind(offer));
            }
            Fault::PartitionAgent(index) => {
                if let Some(id) = self.agents.get(index).map(|agent| agent.id.clone()) {
                    self.mark_unreachable(&id, "health check timed out");
                }
            }
            Fault::ReturnAgent(index) => self.return_agent(*index),
            Fault::LoseAgent(index) => {
                if let Some(id) = self.agents.get(index).map(|agent| agent.id.clone()) {
                    self.remove_agent(&id, "health check timed out");
                }
            }
            Fault::DropUpdates(count) => self.faults.drop_updates = *count,
            Fault::DoubleUpdates(count) => self.faults.double_updates = *count,
            Fault::Redirect(_) | Fault::Recovering(_) | Fault::NoLeader(_) => {}
        }
    }

    /// An agent can't be reached. Its tasks may go on; nobody knows.
    pub(super) fn mark_unreachable(&mut self, id: &AgentId, message: &str) {
        let Some(place) = self.places.get(id).copied() else { return };
        let since = SystemTime::now();
        let total = self.allocator.total(id);
        self.unreachable.insert(id.clone(), since);
        let unreachable_time = self.unreachable_since(id);
        for (framework_id, aware, task) in self.tasks_on(id) {
            let state = if aware { TaskState::Unreachable } else { TaskState::Lost };
            let reason = Some(StatusReason::AgentRemoved);
            let mut status = self.status(&task, state, reason, Some(message.to_owned()));
            status.agent_id = Some(id.clone());
            status.unreachable_time.clone_from(&unreachable_time);
            let before = self.framework(&framework_id).and_then(|framework| framework.task(&task));
            let before = before.map(|task| task.state.clone());
            self.update_task(&framework_id, &task, &status);
            if let Some(framework) = self.framework_mut(&framework_id)
                && let Some(mut task) = framework.tasks.remove(&task)
            {
                task.before = before;
                framework.unreachable.push(task);
            }
            self.forward(&framework_id, &status);
        }
        let mut executors = Vec::new();
        for framework in &mut self.frameworks {
            let of_agent = framework.executors.remove(id).unwrap_or_default();
            executors.extend(of_agent.into_iter().map(|executor| (framework.id.clone(), executor)));
        }
        let agent = self.agents.remove(&place);
        self.places.remove(id);
        self.drop_agent(id);
        if let Some(agent) = agent {
            self.away.insert(place, Away { agent, total, executors });
        }
    }

    /// An agent is back, with its tasks.
    fn return_agent(&mut self, index: usize) {
        let Some(Away { mut agent, total, executors }) = self.away.remove(&index) else { return };
        let id = agent.id.clone();
        agent.reregistered = Some(SystemTime::now());
        self.unreachable.remove(&id);
        self.allocator.add_agent(&id, &agent.info, total);
        for (framework_id, executor) in executors {
            if let Some(framework) = self.framework_mut(&framework_id) {
                let resources = Resources::of(&executor.resources);
                framework.executors.entry(id.clone()).or_default().push(executor);
                self.allocator.give(&framework_id, &id, &resources);
            }
        }
        // It hasn't heard of frameworks that ended meanwhile.
        for framework in &self.completed {
            agent.tell(ToAgent::ShutdownFramework(framework.id.clone()));
        }
        self.places.insert(id.clone(), index);
        self.agents.insert(index, agent);
        self.back_again(&id);
        self.tell_operators("AGENT_ADDED", None, Some(&id));
        self.allocate();
    }

    /// Live tasks on an agent, with their framework and whether it knows partitions.
    pub(super) fn tasks_on(&self, agent: &AgentId) -> Vec<(FrameworkId, bool, crate::mesos::TaskId)> {
        let of = |framework: &super::framework::Framework| {
            let here = framework.tasks.values().filter(|task| task.agent == *agent && !is_terminal(&task.state));
            here.map(|task| (framework.id.clone(), framework.partition_aware(), task.id.clone())).collect::<Vec<_>>()
        };
        self.frameworks.iter().flat_map(of).collect()
    }
}
