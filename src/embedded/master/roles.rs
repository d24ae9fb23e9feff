//! Roles as the master knows them: which there are, who is in them, what they have.

use std::collections::{BTreeMap, BTreeSet};

use super::actor::Master;
use super::validate::framework::roles;
use super::validate::role;
use crate::embedded::resources::{Resources, reservation_role};
use crate::mesos::{FrameworkId, Resource};

/// What a role and those below it have.
#[derive(Debug, Default)]
pub(super) struct OfRole {
    /// In use.
    pub(super) allocated: Resources,
    /// In offers.
    pub(super) offered: Resources,
    /// Reserved, used or not.
    pub(super) reserved: Resources,
    /// Reserved and in use.
    reserved_in_use: Resources,
    /// The frameworks that are in the role itself.
    pub(super) frameworks: Vec<FrameworkId>,
}

impl OfRole {
    /// How much of its quota is used up: what is in use, and what is reserved and nobody else can have.
    pub(super) fn consumed(&self) -> BTreeMap<String, i64> {
        let mut sum = self.allocated.quantities();
        let in_use = self.reserved_in_use.quantities();
        for (name, amount) in self.reserved.quantities() {
            let idle = amount.saturating_sub(in_use.get(&name).copied().unwrap_or(0)).max(0);
            let entry = sum.entry(name).or_default();
            *entry = entry.saturating_add(idle);
        }
        sum.retain(|_, amount| *amount > 0);
        sum
    }
}

/// A role and all above it.
fn with_ancestors(name: &str) -> impl Iterator<Item = String> {
    let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
    ends.map(|end| name[..end].to_owned())
}

fn is_of(role: &str, name: Option<&str>) -> bool {
    name.is_some_and(|name| name == role || role::is_below(name, role))
}

fn allocated_to(resource: &Resource) -> Option<&str> {
    resource.allocation_info.as_ref().and_then(|info| info.role.as_deref())
}

impl Master {
    /// Whether `--roles` lets a role be.
    pub(super) fn is_allowed_role(&self, role: &str) -> bool {
        role == "*" || self.settings.roles.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one == role))
    }

    /// Whether a framework is in the role, or has something of it.
    pub(super) fn is_role_in_use(&self, role: &str) -> bool {
        self.frameworks.iter().any(|framework| {
            roles(&framework.info).iter().any(|one| one == role)
                || framework.used(None).list().iter().any(|resource| allocated_to(resource) == Some(role))
        })
    }

    /// All roles that there are: those of `--roles`, or else those that somebody is in, has something reserved, a
    /// weight or quota for; and those above them.
    pub(super) fn known_roles(&self) -> BTreeSet<String> {
        if let Some(allowed) = &self.settings.roles {
            let all = allowed.iter().map(String::as_str).chain(["*"]);
            return all.flat_map(with_ancestors).collect();
        }
        let mut names: BTreeSet<String> = BTreeSet::new();
        for framework in &self.frameworks {
            names.extend(roles(&framework.info));
            names.extend(framework.used(None).list().iter().filter_map(allocated_to).map(str::to_owned));
        }
        for agent in self.agents.values() {
            let total = self.allocator.total(&agent.id);
            let reserved = total.list().iter().filter(|resource| !resource.reservations.is_empty());
            names.extend(reserved.map(|resource| reservation_role(resource).to_owned()));
        }
        names.extend(self.weights.keys().chain(self.quotas.keys()).cloned());
        names.iter().flat_map(|name| with_ancestors(name)).collect()
    }

    /// What a role and those below it have.
    pub(super) fn of_role(&self, role: &str) -> OfRole {
        let to_role = |resource: &Resource| is_of(role, allocated_to(resource));
        let reserved_for =
            |resource: &Resource| !resource.reservations.is_empty() && is_of(role, Some(reservation_role(resource)));
        let mut sum = OfRole { offered: self.offered(None, None).filtered(to_role).unallocated(), ..OfRole::default() };
        for framework in &self.frameworks {
            let used = framework.used(None);
            sum.allocated.add(&used.filtered(to_role).unallocated());
            sum.reserved_in_use.add(&used.filtered(reserved_for).unallocated());
            if roles(&framework.info).iter().any(|one| one == role) {
                sum.frameworks.push(framework.id.clone());
            }
        }
        for agent in self.agents.values() {
            sum.reserved.add(&self.allocator.total(&agent.id).filtered(reserved_for));
        }
        sum
    }
}
