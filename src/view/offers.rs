//! Offers and resources as a person reads them.

use std::time::Duration;

use crate::document::{Cell, Column, Document, Table};
use crate::mesos::{Attribute, InverseOffer, Offer, OfferId, Resource};
use crate::state::{HeldOffer, State};

use super::{short, since};

/// Resources added up by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// Processors.
    pub cpus: f64,
    /// Graphics processors.
    pub gpus: f64,
    /// Memory in MiB.
    pub mem: f64,
    /// Disk in MiB.
    pub disk: f64,
    /// Port ranges, both ends included.
    pub ports: Vec<(u64, u64)>,
    /// Scalars of other names.
    pub others: Vec<(String, f64)>,
}

/// Adds resources up.
pub fn resources_of(resources: &[Resource]) -> Resources {
    let mut sum = Resources::default();
    for resource in resources {
        let value = resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value);
        match resource.name.as_str() {
            "cpus" => sum.cpus += value,
            "gpus" => sum.gpus += value,
            "mem" => sum.mem += value,
            "disk" => sum.disk += value,
            "ports" => {
                let ranges = resource.ranges.iter().flat_map(|ranges| &ranges.range);
                sum.ports.extend(ranges.map(|range| (range.begin, range.end)));
            }
            other if resource.scalar.is_some() => match sum.others.iter_mut().find(|(name, _)| name == other) {
                Some((_, total)) => *total += value,
                None => sum.others.push((other.to_owned(), value)),
            },
            _ => {}
        }
    }
    sum.ports.sort_unstable();
    sum
}

/// The offers in hand, and one's likely next step.
pub fn offers(state: &State, now: Duration) -> Document {
    let mut table = Table::new(
        [
            Column::new("Offer").key("id"),
            Column::new("Agent").key("agent"),
            Column::number("CPUs").measured(),
            Column::number("Mem").measured(),
            Column::number("Disk").measured().drops(4),
            Column::new("Ports").drops(3),
            Column::new("Attributes").drops(5),
            Column::new("Role").drops(6),
            Column::number("Age").drops(2),
            Column::number("Lease").drops(1),
        ],
        "no offers in hand",
    )
    .named("offers");
    let held = state.offers.in_order();
    for held in &held {
        match held.record.offer() {
            Ok(offer) => table.push(row(held, &offer, now)),
            Err(error) => table.push([id(&held.record.id), Cell::text(format!("can't be read: {error}"))]),
        }
    }
    let document = Document::from(table);
    match held.first() {
        Some(first) => {
            let id = short(first.record.id.as_str());
            document.with_next([
                format!("accept {id} --docker nginx:alpine --cpus 0.2 --mem 100"),
                format!("hold {id}"),
                format!("decline {id}"),
            ])
        }
        None => document,
    }
}

/// An offer as it was made, whatever has become of it since.
pub fn offer(offer: &Offer) -> Document {
    let columns = [
        Column::new("Offer").key("id"),
        Column::new("Agent").key("agent"),
        Column::number("CPUs").measured(),
        Column::number("Mem").measured(),
        Column::number("Disk").measured().drops(3),
        Column::new("Ports").drops(2),
        Column::new("Attributes").drops(4),
        Column::new("Role").drops(5),
    ];
    let mut table = Table::new(columns, "").named("offers");
    table.push(what(offer));
    table.into()
}

/// What is offered.
fn what(offer: &Offer) -> Vec<Cell> {
    let resources = resources_of(&offer.resources);
    vec![
        id(&offer.id),
        Cell::text(format!("{} {}", short(offer.agent_id.as_str()), offer.hostname)),
        Cell::Cpus(resources.cpus),
        Cell::Mebibytes(resources.mem),
        Cell::Mebibytes(resources.disk),
        Cell::Ports(resources.ports),
        Cell::Pairs(offer.attributes.iter().map(attribute).collect()),
        Cell::maybe(offer.allocation_info.as_ref().and_then(|info| info.role.clone()), Cell::text),
    ]
}

fn row(held: &HeldOffer, offer: &Offer, now: Duration) -> Vec<Cell> {
    let lease = match held.lease_until {
        Some(until) => Cell::Left(until.saturating_sub(now)),
        None => Cell::text("held"),
    };
    let mut cells = what(offer);
    cells.extend([Cell::Ago(since(held.at, now)), lease]);
    cells
}

fn id(id: &OfferId) -> Cell {
    Cell::id(id.as_str(), short(id.as_str()))
}

/// An attribute's name and value.
fn attribute(attribute: &Attribute) -> (String, String) {
    let value = if let Some(text) = &attribute.text {
        text.value.clone()
    } else if let Some(scalar) = &attribute.scalar {
        scalar.value.to_string()
    } else if let Some(ranges) = &attribute.ranges {
        let ranges: Vec<_> = ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
        ranges.join(",")
    } else {
        attribute.set.as_ref().map(|set| set.item.join(",")).unwrap_or_default()
    };
    (attribute.name.clone(), value)
}

/// An offer in one line: `agent1: 4 cpus, 4096 MiB`.
pub fn offer_line(held: &HeldOffer) -> String {
    match held.record.offer() {
        Ok(offer) => {
            let resources = resources_of(&offer.resources);
            format!("{}: {} cpus, {} MiB", offer.hostname, resources.cpus, resources.mem)
        }
        Err(_) => String::new(),
    }
}

/// Inverse offers: what an operator asks back.
pub fn inverse_offers<'a>(offers: impl Iterator<Item = &'a (InverseOffer, Duration)>, now: Duration) -> Table {
    let columns = [Column::new("Inverse offer").key("id"), Column::new("Agent"), Column::number("Age")];
    let mut table = Table::new(columns, "no inverse offers").named("inverse_offers");
    for (offer, at) in offers {
        let agent = offer.agent_id.as_ref().map_or("", |agent| agent.as_str());
        table.push([id(&offer.id), Cell::id(agent, short(agent)), Cell::Ago(since(*at, now))]);
    }
    table
}
