//! Maintenance: machines' schedule, inverse offers for it, machines that are down, agents that drain.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::actor::{Master, event};
use super::offers::agent_url;
use crate::mesos::master::Window;
use crate::mesos::{
    AgentId, EventMessage, EventType, Filters, FrameworkId, InverseOffer, InverseOffers, MachineId, OfferId,
    RescindInverseOffer, Unavailability,
};

/// Machines, and what is planned for them.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    /// The schedule as it was given.
    pub(super) schedule: Vec<Window>,
    /// All machines that were ever named or have had an agent.
    pub(super) machines: Vec<Machine>,
    /// Frameworks that want to hear nothing more for a while, and of which agent.
    refused: HashMap<(FrameworkId, AgentId), Instant>,
}

/// What a machine is used for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum Mode {
    /// Everything.
    #[default]
    Up,
    /// Its maintenance is planned.
    Draining,
    /// Nothing: maintenance has begun.
    Down,
}

/// A machine and when it is not to be used.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// As it was first named.
    pub(super) id: MachineId,
    pub(super) mode: Mode,
    pub(super) unavailability: Option<Unavailability>,
    /// What frameworks said of it, and when: accepted or not.
    pub(super) answers: HashMap<FrameworkId, (bool, SystemTime)>,
}

impl Machine {
    pub(super) fn new(id: MachineId, mode: Mode, unavailability: Option<Unavailability>) -> Self {
        Self { id, mode, unavailability, answers: HashMap::new() }
    }
}

impl Maintenance {
    /// The machine of that name and address.
    pub(super) fn find(&self, id: &MachineId) -> Option<&Machine> {
        self.machines.iter().find(|machine| is(&machine.id, id))
    }

    /// The same, known from now on.
    pub(super) fn entry(&mut self, id: &MachineId) -> &mut Machine {
        let at = self.machines.iter().position(|machine| is(&machine.id, id)).unwrap_or_else(|| {
            self.machines.push(Machine::new(id.clone(), Mode::Up, None));
            self.machines.len() - 1
        });
        &mut self.machines[at]
    }

    /// When a machine is not to be used.
    pub(super) fn unavailability(&self, id: &MachineId) -> Option<Unavailability> {
        self.find(id)?.unavailability.clone()
    }

    /// What frameworks said of an agent's maintenance holds no longer.
    pub(super) fn forget_refusals(&mut self, agent: &AgentId) {
        self.refused.retain(|(_, refused), _| refused != agent);
    }
}

/// Whether two are one machine: host names don't differ by their case.
pub(super) fn is(left: &MachineId, right: &MachineId) -> bool {
    let hostname = |id: &MachineId| id.hostname.as_deref().unwrap_or("").to_ascii_lowercase();
    hostname(left) == hostname(right) && left.ip.as_deref().unwrap_or("") == right.ip.as_deref().unwrap_or("")
}

/// The machine of an agent.
pub(super) fn machine_of(hostname: &str, ip: &str) -> MachineId {
    MachineId { hostname: Some(hostname.to_owned()), ip: Some(ip.to_owned()), ..MachineId::default() }
}

impl Master {
    /// Asks frameworks for what they use on machines whose maintenance is planned.
    pub(super) fn offer_inverse(&mut self) {
        let now = Instant::now();
        self.maintenance.refused.retain(|_, until| *until > now);
        let mut new: Vec<InverseOffer> = Vec::new();
        for agent in self.agents.values() {
            let Some(unavailability) = self.maintenance.unavailability(&agent.machine()) else { continue };
            for framework in self.frameworks.iter().filter(|framework| framework.stream.is_some()) {
                let key = (framework.id.clone(), agent.id.clone());
                let open = framework.inverse_offers.iter().filter_map(|id| self.inverse_offers.get(id));
                let asked = open.into_iter().any(|offer| offer.agent_id.as_ref() == Some(&agent.id));
                let uses = !framework.used(Some(&agent.id)).is_empty()
                    || self
                        .offers
                        .values()
                        .any(|offer| offer.framework_id == framework.id && offer.agent_id == agent.id);
                if uses && !asked && !self.maintenance.refused.contains_key(&key) {
                    new.push(InverseOffer {
                        framework_id: framework.id.clone(),
                        agent_id: Some(agent.id.clone()),
                        url: Some(agent_url(&agent.pid, &agent.info.hostname)),
                        unavailability: unavailability.clone(),
                        ..InverseOffer::default()
                    });
                }
            }
        }
        for mut offer in new {
            offer.id = self.new_offer_id();
            let Some(framework) = self.framework_mut(&offer.framework_id) else { continue };
            framework.inverse_offers.insert(offer.id.clone());
            let message = InverseOffers { inverse_offers: vec![offer.clone()], ..InverseOffers::default() };
            framework.send(&EventMessage { inverse_offers: Some(message), ..event(EventType::InverseOffers) });
            self.inverse_offers.insert(offer.id.clone(), offer);
        }
    }

    /// ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS.
    pub(super) fn answer_inverse(
        &mut self,
        id: &FrameworkId,
        offers: &[OfferId],
        accepted: bool,
        filters: Option<&Filters>,
    ) {
        for offer_id in offers {
            let own = self.inverse_offers.get(offer_id).is_some_and(|offer| offer.framework_id == *id);
            let Some(offer) = own.then(|| self.take_inverse(offer_id)).flatten() else { continue };
            let Some(agent) = offer.agent_id else { continue };
            let seconds = filters.and_then(|filters| filters.refuse_seconds).unwrap_or(5.0).clamp(0.0, 31_536_000.0);
            let until = Instant::now() + Duration::from_secs_f64(seconds).max(self.settings.allocation_interval);
            self.maintenance.refused.insert((id.clone(), agent.clone()), until);
            let Some(machine) = self.agent(&agent).map(super::agents::Agent::machine) else { continue };
            self.maintenance.entry(&machine).answers.insert(id.clone(), (accepted, SystemTime::now()));
        }
    }

    fn take_inverse(&mut self, id: &OfferId) -> Option<InverseOffer> {
        let offer = self.inverse_offers.remove(id)?;
        if let Some(framework) = self.framework_mut(&offer.framework_id) {
            framework.inverse_offers.remove(id);
        }
        Some(offer)
    }

    /// Forgets a framework's inverse offers without a word.
    pub(super) fn drop_inverse_offers(&mut self, id: &FrameworkId) {
        let ids: Vec<_> = self
            .inverse_offers
            .values()
            .filter(|offer| offer.framework_id == *id)
            .map(|offer| offer.id.clone())
            .collect();
        for id in ids {
            self.take_inverse(&id);
        }
    }

    /// Rescinds the inverse offers of an agent.
    pub(super) fn drop_inverse_offers_of(&mut self, agent: &AgentId) {
        let ids: Vec<_> = self
            .inverse_offers
            .values()
            .filter(|offer| offer.agent_id.as_ref() == Some(agent))
            .map(|offer| offer.id.clone())
            .collect();
        for id in ids {
            let Some(offer) = self.take_inverse(&id) else { continue };
            let rescind = RescindInverseOffer { inverse_offer_id: id, ..RescindInverseOffer::default() };
            let event = EventMessage { rescind_inverse_offer: Some(rescind), ..event(EventType::RescindInverseOffer) };
            self.send(&offer.framework_id, &event);
        }
    }

    /// Whether an agent has tasks or operations that somebody waits for.
    pub(super) fn is_busy(&self, id: &AgentId) -> bool {
        self.frameworks.iter().any(|framework| {
            framework.tasks.values().any(|task| task.agent() == id)
                || framework.operations.iter().any(|operation| operation.agent == *id)
        })
    }

    /// Whether an agent that drains has nothing left; one that is to be marked gone then is.
    pub(super) fn drained(&mut self, id: &AgentId) {
        // Asked at every acknowledgement, mostly of agents that don't drain.
        let gone = self.agent(id).and_then(|agent| agent.draining.as_ref()).and_then(|config| config.mark_gone);
        if gone == Some(true) && !self.is_busy(id) {
            self.mark_gone(id);
        }
    }
}
