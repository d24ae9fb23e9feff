//! Maintenance: machines' schedule, inverse offers for it, machines that are down, agents that drain.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::actor::{Master, event};
use super::offers::{agent_ip, agent_url};
use crate::mesos::{
    AgentId, EventMessage, EventType, Filters, FrameworkId, InverseOffer, InverseOffers, MachineId, OfferId,
    RescindInverseOffer, Unavailability,
};

/// Machines whose maintenance is planned or going on.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    pub(super) machines: Vec<Machine>,
    /// Frameworks that want to hear nothing more for a while, and of which agent.
    refused: HashMap<(FrameworkId, AgentId), Instant>,
}

/// A machine and when it is not to be used.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) id: MachineId,
    pub(super) unavailability: Unavailability,
    /// Whether maintenance has begun.
    pub(super) down: bool,
    /// What frameworks said of it: accepted or not.
    pub(super) answers: HashMap<FrameworkId, bool>,
}

impl Maintenance {
    /// The machine of that host name and address.
    pub(super) fn machine(&self, hostname: &str, ip: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| is(&machine.id, hostname, ip))
    }

    /// When a machine is not to be used.
    pub(super) fn unavailability(&self, hostname: &str, ip: &str) -> Option<Unavailability> {
        self.machine(hostname, ip).map(|machine| machine.unavailability.clone())
    }
}

fn is(id: &MachineId, hostname: &str, ip: &str) -> bool {
    id.hostname.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(hostname))
        && id.ip.as_deref().is_none_or(|address| address == ip)
        && (id.hostname.is_some() || id.ip.is_some())
}

impl Master {
    /// Asks frameworks for what they use on machines whose maintenance is planned.
    pub(super) fn offer_inverse(&mut self) {
        let now = Instant::now();
        self.maintenance.refused.retain(|_, until| *until > now);
        let mut new: Vec<InverseOffer> = Vec::new();
        for agent in self.agents.values() {
            let ip = agent_ip(&agent.pid);
            let Some(unavailability) = self.maintenance.unavailability(&agent.info.hostname, ip) else { continue };
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
            let Some((hostname, ip)) = self.place_of(&agent) else { continue };
            if let Some(machine) = self.maintenance.machines.iter_mut().find(|one| is(&one.id, &hostname, &ip)) {
                machine.answers.insert(id.clone(), accepted);
            }
        }
    }

    fn place_of(&self, agent: &AgentId) -> Option<(String, String)> {
        let agent = self.agent(agent)?;
        Some((agent.info.hostname.clone(), agent_ip(&agent.pid).to_owned()))
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

    /// Whether an agent that drains has nothing left; one that is to be marked gone then is.
    pub(super) fn drained(&mut self, id: &AgentId) {
        // Asked at every acknowledgement, mostly of agents that don't drain.
        let gone = self.agent(id).and_then(|agent| agent.draining.as_ref()).and_then(|config| config.mark_gone);
        let busy = || self.frameworks.iter().any(|framework| framework.tasks.values().any(|task| task.agent == *id));
        if gone == Some(true) && !busy() {
            self.mark_gone(id);
        }
    }
}
