//! Offers on their way out and back.

use tokio::time::Instant;

use super::actor::{Master, Timer, event};
use super::allocator::Allocation;
use crate::embedded::resources::Resources;
use crate::mesos::{
    Address, AllocationInfo, Decline, EventMessage, EventType, Filters, FrameworkCapabilityType, FrameworkId, Offer,
    OfferId, Offers, Rescind, Url,
};

impl Master {
    /// A round of offers: one OFFERS event for each framework that gets something.
    pub(super) fn allocate(&mut self) {
        let allocations = self.allocator.allocate(Instant::now());
        let mut by_framework: Vec<(FrameworkId, Vec<Allocation>)> = Vec::new();
        for allocation in allocations {
            match by_framework.iter_mut().find(|(id, _)| *id == allocation.framework) {
                Some((_, all)) => all.push(allocation),
                None => by_framework.push((allocation.framework.clone(), vec![allocation])),
            }
        }
        for (id, allocations) in by_framework {
            let offers: Vec<Offer> = allocations.into_iter().filter_map(|one| self.offer(one)).collect();
            if let Some(timeout) = self.settings.offer_timeout {
                let offers = offers.iter().map(|offer| offer.id.clone()).collect();
                self.after(timeout, Timer::Unanswered { offers });
            }
            let Some(framework) = self.framework_mut(&id) else { continue };
            framework.offers.extend(offers.iter().map(|offer| offer.id.clone()));
            framework.counters.add("offers/sent", offers.len() as u64);
            let sent = offers.iter().map(|offer| for_scheduler(offer, framework)).collect();
            let message = Offers { offers: sent, ..Offers::default() };
            framework.send(&EventMessage { offers: Some(message), ..event(EventType::Offers) });
            self.offers.extend(offers.into_iter().map(|offer| (offer.id.clone(), offer)));
        }
    }

    fn offer(&mut self, allocation: Allocation) -> Option<Offer> {
        let id = self.new_offer_id();
        let agent = self.agent(&allocation.agent)?;
        let framework = self.framework(&allocation.framework)?;
        let executors = framework.executors.get(&agent.id).map_or(&[][..], Vec::as_slice);
        Some(Offer {
            id,
            framework_id: allocation.framework,
            agent_id: agent.id.clone(),
            hostname: agent.info.hostname.clone(),
            url: Some(agent_url(&agent.pid, &agent.info.hostname)),
            domain: agent.info.domain.clone(),
            resources: allocation.resources.into_list(),
            attributes: agent.info.attributes.clone(),
            executor_ids: executors.iter().map(|executor| executor.executor_id.clone()).collect(),
            unavailability: self.maintenance.unavailability(&agent.machine()),
            allocation_info: Some(AllocationInfo { role: Some(allocation.role), ..AllocationInfo::default() }),
            ..Offer::default()
        })
    }

    /// Forgets an offer, its resources staying given; they are the caller's to use or give back.
    pub(super) fn take_offer(&mut self, id: &OfferId) -> Option<Offer> {
        let offer = self.offers.remove(id)?;
        if let Some(framework) = self.framework_mut(&offer.framework_id) {
            framework.offers.remove(id);
        }
        Some(offer)
    }

    /// Takes an offer back without a word, with what the framework said of the next ones.
    pub(super) fn discard(&mut self, id: &OfferId, filters: Option<&Filters>) {
        if let Some(offer) = self.take_offer(id) {
            let resources = Resources::of(&offer.resources);
            self.allocator.recover(&offer.framework_id, &offer.agent_id, &resources, filters, Instant::now());
        }
    }

    /// Takes an offer back and says so.
    pub(super) fn rescind(&mut self, id: &OfferId) {
        self.rescind_with(id, None);
    }

    /// The same, as if it had been declined with these filters.
    pub(super) fn rescind_with(&mut self, id: &OfferId, filters: Option<&Filters>) {
        let Some(framework) = self.offers.get(id).map(|offer| offer.framework_id.clone()) else { return };
        self.discard(id, filters);
        if let Some(framework) = self.framework(&framework) {
            framework.counters.count("offers/rescinded");
        }
        let rescind = Rescind { offer_id: id.clone(), ..Rescind::default() };
        self.send(&framework, &EventMessage { rescind: Some(rescind), ..event(EventType::Rescind) });
    }

    /// DECLINE.
    pub(super) fn decline(&mut self, id: &FrameworkId, decline: &Decline) {
        self.count("messages_decline_offers");
        let default = Filters::default();
        let filters = decline.filters.as_ref().unwrap_or(&default);
        for offer in &decline.offer_ids {
            if self.offers.get(offer).is_some_and(|offer| offer.framework_id == *id) {
                self.discard(offer, Some(filters));
                if let Some(framework) = self.framework(id) {
                    framework.counters.count("offers/declined");
                }
            }
        }
    }
}

/// An offer as the framework's capabilities let it see one.
fn for_scheduler(offer: &Offer, framework: &super::framework::Framework) -> Offer {
    let multi_role = framework.can(&FrameworkCapabilityType::MultiRole);
    let refinement = framework.can(&FrameworkCapabilityType::ReservationRefinement);
    let mut seen = Offer { resources: Resources::of(&offer.resources).for_schedulers(refinement), ..offer.clone() };
    if !multi_role {
        seen.allocation_info = None;
        seen.resources.iter_mut().for_each(|resource| resource.allocation_info = None);
    }
    seen
}

/// The IP address in a libprocess id such as `slave(1)@127.0.0.1:5051`.
pub(super) fn agent_ip(pid: &str) -> &str {
    let address = pid.split_once('@').map_or(pid, |(_, address)| address);
    address.rsplit_once(':').map_or(address, |(ip, _)| ip)
}

/// Where an agent's API is.
pub(super) fn agent_url(pid: &str, hostname: &str) -> Url {
    let (name, address) = pid.split_once('@').unwrap_or((pid, ""));
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
    Url {
        scheme: "http".to_owned(),
        address: Address {
            hostname: Some(hostname.to_owned()),
            ip: Some(agent_ip(pid).to_owned()),
            port,
            ..Address::default()
        },
        path: Some(format!("/{name}")),
        ..Url::default()
    }
}
