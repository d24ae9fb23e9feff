//! What somebody who asks may see, and the sums that many answers need. Computes only.

use std::collections::HashMap;

use super::actor::Master;
use crate::embedded::authorize::Approver;
use crate::embedded::resources::Resources;
use crate::mesos::{AgentId, FrameworkId};

/// Who looks, and who uses and is offered how much, counted in one pass: asked of each agent and framework by itself, it
/// would take the product of agents and tasks.
pub(super) struct View<'a> {
    pub(super) who: Approver<'a>,
    used: HashMap<AgentId, Resources>,
    used_by: HashMap<FrameworkId, Resources>,
    offered: HashMap<AgentId, Resources>,
    offered_to: HashMap<FrameworkId, Resources>,
}

impl<'a> View<'a> {
    pub(super) fn of(master: &Master, who: Approver<'a>) -> Self {
        let (used, used_by, offered, offered_to) = Default::default();
        let mut view = Self { who, used, used_by, offered, offered_to };
        for framework in &master.frameworks {
            let mut of_framework = Resources::default();
            for task in framework.tasks.values().filter(|task| !task.is_over()) {
                view.used.entry(task.agent().clone()).or_default().add_list(&task.info.resources);
                of_framework.add_list(&task.info.resources);
            }
            for (agent, executors) in &framework.executors {
                let used = view.used.entry(agent.clone()).or_default();
                executors.iter().for_each(|executor| used.add_list(&executor.resources));
                executors.iter().for_each(|executor| of_framework.add_list(&executor.resources));
            }
            view.used_by.insert(framework.id.clone(), of_framework);
        }
        for offer in master.offers.values() {
            let resources = Resources::of(&offer.resources);
            view.offered.entry(offer.agent_id.clone()).or_default().add(&resources);
            view.offered_to.entry(offer.framework_id.clone()).or_default().add(&resources);
        }
        view
    }

    pub(super) fn used(&self, agent: &AgentId) -> Resources {
        self.used.get(agent).cloned().unwrap_or_default()
    }

    pub(super) fn used_by(&self, framework: &FrameworkId) -> Resources {
        self.used_by.get(framework).cloned().unwrap_or_default()
    }

    pub(super) fn offered(&self, agent: &AgentId) -> Resources {
        self.offered.get(agent).cloned().unwrap_or_default()
    }

    pub(super) fn offered_to(&self, framework: &FrameworkId) -> Resources {
        self.offered_to.get(framework).cloned().unwrap_or_default()
    }
}
