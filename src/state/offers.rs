//! The offers that the session holds: each from its arrival until it is used, declined, rescinded or void.

use std::time::Duration;

use hashbrown::HashMap;

use crate::mesos::{OfferId, OfferRecord};

/// An offer in hand.
#[derive(Clone, Debug)]
pub struct HeldOffer {
    /// The offer.
    pub record: OfferRecord,
    /// When it came, since the session's start.
    pub at: Duration,
    /// Counts up with each offer that came.
    pub number: u64,
    /// When it is declined by itself, since the session's start; `None` while it is held on purpose.
    pub lease_until: Option<Duration>,
}

/// All offers in hand.
#[derive(Debug, Default)]
pub struct Offers {
    held: HashMap<OfferId, HeldOffer>,
    next: u64,
}

impl Offers {
    pub(super) fn add(&mut self, record: OfferRecord, at: Duration, lease: Option<Duration>) {
        let held = HeldOffer { at, number: self.next, lease_until: lease.map(|lease| at + lease), record };
        self.next += 1;
        self.held.insert(held.record.id.clone(), held);
    }

    pub(super) fn remove(&mut self, id: &OfferId) -> Option<HeldOffer> {
        self.held.remove(id)
    }

    pub(super) fn clear(&mut self) -> usize {
        let count = self.held.len();
        self.held.clear();
        count
    }

    /// Keeps an offer until it is used or declined; whether it is in hand.
    pub fn hold(&mut self, id: &OfferId) -> bool {
        self.held.get_mut(id).map(|offer| offer.lease_until = None).is_some()
    }

    /// The offers whose lease has run out.
    pub fn expired(&self, now: Duration) -> Vec<OfferId> {
        let over = self.held.values().filter(|offer| offer.lease_until.is_some_and(|until| until <= now));
        over.map(|offer| offer.record.id.clone()).collect()
    }

    /// When the next lease runs out.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.held.values().filter_map(|offer| offer.lease_until).min()
    }

    /// The offer of that id.
    pub fn get(&self, id: &str) -> Option<&HeldOffer> {
        self.held.get(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// In the order they came.
    pub fn in_order(&self) -> Vec<&HeldOffer> {
        let mut offers: Vec<_> = self.held.values().collect();
        offers.sort_unstable_by_key(|offer| offer.number);
        offers
    }

    /// The ids, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &OfferId> {
        self.held.keys()
    }
}
