//! Who is offered what: dominant resource fairness among roles and among the frameworks of a role, filters,
//! suppression, what is too little to offer.
//!
//! Pure: time comes in as an argument, offers go out as a list. Knows amounts, not tasks.
//! (apache/mesos: src/master/allocator/mesos/hierarchical.cpp)

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::conversion::{Conversion, applied};
use super::operator::Quota;
use super::validate::constraints::Constraints;
use super::validate::framework::{can, roles};
use super::validate::role;
use crate::embedded::resources::{Resources, Rest, fixed, is_persistent_volume, reservation_role};
use crate::mesos::{
    AgentId, AgentInfo, Filters, FrameworkCapabilityType, FrameworkId, FrameworkInfo, Resource, ValueType,
};

/// `refuse_seconds` where none is said.
const DEFAULT_REFUSE: f64 = 5.0;
/// The longest that a filter may last: 365 days.
const LONGEST_REFUSE: f64 = 365.0 * 86_400.0;

/// Resources for one framework, from one agent, for one of its roles.
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) framework: FrameworkId,
    pub(super) role: String,
    pub(super) agent: AgentId,
    /// Marked with the role.
    pub(super) resources: Resources,
}

/// What a framework has refused, and until when.
#[derive(Debug)]
struct Refusal {
    role: String,
    agent: AgentId,
    resources: Resources,
    until: Instant,
}

#[derive(Debug)]
struct Framework {
    roles: Vec<String>,
    suppressed: HashSet<String>,
    active: bool,
    refusals: Vec<Refusal>,
    constraints: Constraints,
    gpus: bool,
    shared: bool,
    revocable: bool,
    refinement: bool,
    /// By role: amounts of which one, wholly, makes an offer.
    minimum: HashMap<String, Vec<BTreeMap<String, i64>>>,
    /// How often it got something, by role.
    served: HashMap<String, u64>,
}

#[derive(Debug)]
struct Agent {
    info: AgentInfo,
    total: Resources,
    /// Offered or in use, by framework; marked with roles.
    given: HashMap<FrameworkId, Resources>,
    active: bool,
}

impl Agent {
    fn available(&self) -> Resources {
        let mut rest = self.total.clone();
        for given in self.given.values() {
            rest.subtract(&given.unallocated());
        }
        rest
    }
}

/// The allocator's whole state.
#[derive(Debug)]
pub(super) struct Allocator {
    interval: Duration,
    frameworks: HashMap<FrameworkId, Framework>,
    agents: BTreeMap<usize, (AgentId, Agent)>,
    /// Their keys by id.
    keys: HashMap<AgentId, usize>,
    next_agent: usize,
    weights: HashMap<String, f64>,
    quotas: BTreeMap<String, Quota>,
}

impl Allocator {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            frameworks: HashMap::new(),
            agents: BTreeMap::new(),
            keys: HashMap::new(),
            next_agent: 0,
            weights: HashMap::new(),
            quotas: BTreeMap::new(),
        }
    }

    /// How much more than others a role may have.
    pub(super) fn set_weight(&mut self, role: &str, weight: f64) {
        self.weights.insert(role.to_owned(), weight);
    }

    /// What roles are promised, and what they may have.
    pub(super) fn set_quotas(&mut self, quotas: BTreeMap<String, Quota>) {
        self.quotas = quotas;
    }

    pub(super) fn add_framework(
        &mut self,
        id: &FrameworkId,
        info: &FrameworkInfo,
        suppressed: &[String],
        constraints: Constraints,
    ) {
        let framework = Framework {
            roles: Vec::new(),
            suppressed: HashSet::new(),
            active: false,
            refusals: Vec::new(),
            constraints: Constraints::default(),
            gpus: false,
            shared: false,
            revocable: false,
            refinement: false,
            minimum: HashMap::new(),
            served: HashMap::new(),
        };
        self.frameworks.insert(id.clone(), framework);
        self.update_framework(id, info, suppressed, constraints);
    }

    pub(super) fn update_framework(
        &mut self,
        id: &FrameworkId,
        info: &FrameworkInfo,
        suppressed: &[String],
        constraints: Constraints,
    ) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        framework.roles = roles(info);
        // A role that is suppressed no more is as if it had been revived: its filters go.
        let revived: Vec<String> =
            framework.suppressed.iter().filter(|role| !suppressed.contains(role)).cloned().collect();
        framework.refusals.retain(|refusal| !revived.contains(&refusal.role));
        framework.suppressed = suppressed.iter().cloned().collect();
        framework.constraints = constraints;
        framework.gpus = can(info, &FrameworkCapabilityType::GpuResources);
        framework.shared = can(info, &FrameworkCapabilityType::SharedResources);
        framework.revocable = can(info, &FrameworkCapabilityType::RevocableResources);
        framework.refinement = can(info, &FrameworkCapabilityType::ReservationRefinement);
        framework.minimum = info
            .offer_filters
            .iter()
            .filter_map(|(role, filters)| {
                let minimum = filters.min_allocatable_resources.as_ref()?;
                let amounts = minimum.quantities.iter().map(|quantities| {
                    quantities.quantities.iter().map(|(name, scalar)| (name.clone(), fixed(scalar.value))).collect()
                });
                Some((role.clone(), amounts.collect()))
            })
            .collect();
    }

    pub(super) fn remove_framework(&mut self, id: &FrameworkId) {
        self.frameworks.remove(id);
        for (_, agent) in self.agents.values_mut() {
            agent.given.remove(id);
        }
    }

    /// Whether the framework gets offers at all; one that comes or goes has no filters.
    pub(super) fn set_active(&mut self, id: &FrameworkId, active: bool) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.active = active;
            if !active {
                framework.refusals.clear();
                framework.suppressed.clear();
            }
        }
    }

    pub(super) fn add_agent(&mut self, id: &AgentId, info: &AgentInfo, total: Resources) {
        let agent = Agent { info: info.clone(), total, given: HashMap::new(), active: true };
        self.agents.insert(self.next_agent, (id.clone(), agent));
        self.keys.insert(id.clone(), self.next_agent);
        self.next_agent += 1;
    }

    pub(super) fn remove_agent(&mut self, id: &AgentId) {
        if let Some(key) = self.keys.remove(id) {
            self.agents.remove(&key);
        }
        for framework in self.frameworks.values_mut() {
            framework.refusals.retain(|refusal| refusal.agent != *id);
        }
    }

    /// Whether the agent's resources are offered.
    pub(super) fn set_agent_active(&mut self, id: &AgentId, active: bool) {
        if let Some(agent) = self.agent_mut(id) {
            agent.active = active;
        }
    }

    /// An operation has made other resources of some of the agent's.
    pub(super) fn convert(&mut self, id: &AgentId, framework: &FrameworkId, from: &Resources, to: &Resources) {
        let Some(agent) = self.agent_mut(id) else { return };
        agent.total.subtract(&from.unallocated());
        agent.total.add(&to.unallocated());
        let given = agent.given.entry(framework.clone()).or_default();
        given.subtract(from);
        given.add(to);
    }

    /// The same, of what nobody has.
    ///
    /// # Errors
    /// What isn't there.
    pub(super) fn exchange(&mut self, id: &AgentId, conversions: &[Conversion]) -> Result<(), String> {
        let Some(agent) = self.agent_mut(id) else { return Ok(()) };
        applied(&agent.available(), conversions)?;
        for Conversion { from, to } in conversions {
            agent.total.subtract(from);
            agent.total.add(to);
        }
        Ok(())
    }

    fn agent_mut(&mut self, id: &AgentId) -> Option<&mut Agent> {
        self.agents.get_mut(self.keys.get(id)?).map(|(_, agent)| agent)
    }

    /// The agent's resources, whoever has them.
    pub(super) fn total(&self, id: &AgentId) -> Resources {
        let agent = self.keys.get(id).and_then(|key| self.agents.get(key));
        agent.map_or_else(Resources::default, |(_, agent)| agent.total.clone())
    }

    /// Resources that nobody has asked for come to a framework: those of tasks that an agent brings along.
    pub(super) fn give(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources) {
        if let Some(agent) = self.agent_mut(agent) {
            agent.given.entry(framework.clone()).or_default().add(resources);
        }
    }

    /// Resources come back: unused from an offer, with what the framework said of new ones, or from a task that ended.
    pub(super) fn recover(
        &mut self,
        framework: &FrameworkId,
        agent: &AgentId,
        resources: &Resources,
        filters: Option<&Filters>,
        now: Instant,
    ) {
        if let Some(agent) = self.agent_mut(agent)
            && let Some(given) = agent.given.get_mut(framework)
        {
            given.subtract(resources);
            if given.is_empty() {
                agent.given.remove(framework);
            }
        }
        let Some(filters) = filters.filter(|_| !resources.is_empty()) else { return };
        let Some(framework) = self.frameworks.get_mut(framework) else { return };
        let seconds = match filters.refuse_seconds.unwrap_or(DEFAULT_REFUSE) {
            seconds if seconds > LONGEST_REFUSE => LONGEST_REFUSE,
            seconds if seconds >= 0.0 => seconds,
            // Negative, or no number.
            _ => DEFAULT_REFUSE,
        };
        if seconds < 1e-9 {
            return;
        }
        let role = resources.list().iter().find_map(|resource| resource.allocation_info.as_ref()?.role.clone());
        framework.refusals.push(Refusal {
            role: role.unwrap_or_else(|| "*".to_owned()),
            agent: agent.clone(),
            resources: resources.unallocated(),
            // A filter must outlive the next round, or it would be none.
            until: now + Duration::from_secs_f64(seconds).max(self.interval),
        });
    }

    /// No more offers for these roles; for all where none is named.
    pub(super) fn suppress(&mut self, id: &FrameworkId, roles: &[String]) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            let named = if roles.is_empty() { framework.roles.clone() } else { roles.to_vec() };
            framework.suppressed.extend(named);
        }
    }

    /// Offers again, whatever was refused.
    pub(super) fn revive(&mut self, id: &FrameworkId, roles: &[String]) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            let named = if roles.is_empty() { framework.roles.clone() } else { roles.to_vec() };
            framework.suppressed.retain(|role| !named.contains(role));
            framework.refusals.retain(|refusal| !named.contains(&refusal.role));
        }
    }

    /// One round: roles get what they are promised, then everything that can be given goes to those who have least.
    pub(super) fn allocate(&mut self, now: Instant) -> Vec<Allocation> {
        for framework in self.frameworks.values_mut() {
            framework.refusals.retain(|refusal| refusal.until > now);
        }
        let mut allocations: Vec<Allocation> = Vec::new();
        // Counted once a round, and kept up as it goes: a round over many agents would take their square otherwise.
        let mut shares = Shares::new(self);
        let mut headroom = Headroom::new(self);
        let agents: Vec<usize> =
            self.agents.iter().filter(|(_, (_, agent))| agent.active).map(|(key, _)| *key).collect();
        let promised = self.quotas.values().any(|quota| !quota.guarantees.is_empty());
        for first in [true, false].into_iter().filter(|first| promised || !first) {
            for key in &agents {
                let Some((_, agent)) = self.agents.get(key) else { continue };
                let mut available = agent.available();
                if available.is_empty() {
                    continue;
                }
                for (role, framework) in self.queue(&shares) {
                    if available.is_empty() {
                        break;
                    }
                    let Some(fitting) = self.fitting(*key, &available, &role, &framework) else { continue };
                    let wanted = match first {
                        true => headroom.promised(self.quotas.get(&role), &role, &fitting),
                        false => Some(headroom.fair(self.quotas.get(&role), &role, &fitting)),
                    };
                    let Some(Share { resources, guaranteed, counted }) = wanted else { continue };
                    if !self.is_welcome(*key, &resources, &role, &framework) {
                        continue;
                    }
                    headroom.give(&role, self.quotas.contains_key(&role), &guaranteed, &counted);
                    available.subtract(&resources);
                    shares.give(&role, &framework, resources.scalar_quantities());
                    allocations.extend(self.grant(*key, resources, role, framework));
                }
            }
        }
        merged(allocations)
    }

    fn grant(&mut self, key: usize, resources: Resources, role: String, id: FrameworkId) -> Option<Allocation> {
        let resources = resources.allocated(&role);
        let (agent_id, agent) = self.agents.get_mut(&key)?;
        agent.given.entry(id.clone()).or_default().add(&resources);
        let agent = agent_id.clone();
        *self.frameworks.get_mut(&id)?.served.entry(role.clone()).or_default() += 1;
        Some(Allocation { framework: id, role, agent, resources })
    }

    /// What of an agent's rest may go to a role of a framework.
    fn fitting(&self, key: usize, available: &Resources, role: &str, id: &FrameworkId) -> Option<Resources> {
        let (_, agent) = self.agents.get(&key)?;
        let framework = self.frameworks.get(id)?;
        if framework.constraints.exclude(role, &agent.info) {
            return None;
        }
        if !framework.gpus && agent.total.amount("gpus") > 0.0 {
            return None;
        }
        let resources = available.filtered(|resource| framework.may_have(role, resource));
        framework.is_enough(role, &resources).then_some(resources)
    }

    /// Whether a framework wants to be offered this.
    fn is_welcome(&self, key: usize, resources: &Resources, role: &str, id: &FrameworkId) -> bool {
        let (Some((agent_id, _)), Some(framework)) = (self.agents.get(&key), self.frameworks.get(id)) else {
            return false;
        };
        let refused = framework
            .refusals
            .iter()
            .any(|refusal| refusal.role == role && refusal.agent == *agent_id && refusal.resources.contains(resources));
        framework.is_enough(role, resources) && !refused
    }

    /// Roles and frameworks that want something, those with the least first.
    fn queue(&self, shares: &Shares) -> Vec<(String, FrameworkId)> {
        let mut queue: Vec<_> = self
            .frameworks
            .iter()
            .filter(|(_, framework)| framework.active)
            .flat_map(|(id, framework)| {
                let wanted = framework.roles.iter().filter(|role| !framework.suppressed.contains(*role));
                wanted.map(move |role| (framework, id, role))
            })
            .map(|(framework, id, role)| {
                let served = framework.served.get(role).copied().unwrap_or(0);
                (shares.of_role(role), (shares.of_framework(role, id), served), role.clone(), id.clone())
            })
            .collect();
        queue.sort_by(|left, right| {
            let roles = compare_paths(&left.0, &right.0);
            let shares = left.1.0.total_cmp(&right.1.0).then(left.1.1.cmp(&right.1.1));
            roles.then(shares).then_with(|| left.3.cmp(&right.3))
        });
        queue.into_iter().map(|(_, _, role, id)| (role, id)).collect()
    }
}

/// Two stages may give a framework something of one agent; it gets one offer of it.
fn merged(allocations: Vec<Allocation>) -> Vec<Allocation> {
    let mut merged: Vec<Allocation> = Vec::with_capacity(allocations.len());
    let mut places: HashMap<(FrameworkId, String, AgentId), usize> = HashMap::new();
    for one in allocations {
        let key = (one.framework.clone(), one.role.clone(), one.agent.clone());
        match places.get(&key).and_then(|at| merged.get_mut(*at)) {
            Some(before) => before.resources.add(&one.resources),
            None => {
                places.insert(key, merged.len());
                merged.push(one);
            }
        }
    }
    merged
}

impl Framework {
    /// Whether it is enough to be offered.
    fn is_enough(&self, role: &str, resources: &Resources) -> bool {
        match self.minimum.get(role) {
            Some(minimum) => {
                minimum.is_empty() || minimum.iter().any(|amounts| holds(&resources.quantities(), amounts))
            }
            None => resources.amount("cpus") >= 0.01 || resources.amount("mem") >= 32.0,
        }
    }

    fn may_have(&self, role: &str, resource: &Resource) -> bool {
        let reserved = reservation_role(resource);
        let for_role = reserved == "*" || reserved == role || role::is_below(role, reserved);
        for_role
            && (self.refinement || resource.reservations.len() <= 1)
            && (self.revocable || resource.revocable.is_none())
            && (self.shared || resource.shared.is_none())
            && (resource.shared.is_none() || is_persistent_volume(resource))
    }
}

/// Whether there is at least so much of everything.
pub(super) fn holds(have: &BTreeMap<String, i64>, amounts: &BTreeMap<String, i64>) -> bool {
    amounts.iter().all(|(name, least)| have.get(name).copied().unwrap_or(0) >= *least)
}

/// A role's place in the tree: the share of each ancestor and its name, itself last.
type Path = Vec<(f64, String)>;

fn compare_paths(left: &Path, right: &Path) -> std::cmp::Ordering {
    for (left, right) in left.iter().zip(right) {
        if left.1 != right.1 {
            return left.0.total_cmp(&right.0).then_with(|| left.1.cmp(&right.1));
        }
    }
    left.len().cmp(&right.len())
}

/// Who has how much of the cluster.
struct Shares {
    total: BTreeMap<String, i64>,
    /// By role, then by framework.
    given: HashMap<String, HashMap<FrameworkId, BTreeMap<String, i64>>>,
    weights: HashMap<String, f64>,
}

impl Shares {
    fn new(allocator: &Allocator) -> Self {
        let weights = allocator.weights.clone();
        let mut shares = Self { total: BTreeMap::new(), given: HashMap::new(), weights };
        for (_, agent) in allocator.agents.values() {
            add(&mut shares.total, agent.total.scalar_quantities());
            for (framework, given) in &agent.given {
                for resource in given.list() {
                    let role = resource.allocation_info.as_ref().and_then(|info| info.role.clone());
                    let one = Resources::of(std::slice::from_ref(resource));
                    shares.give(role.as_deref().unwrap_or("*"), framework, one.scalar_quantities());
                }
            }
        }
        shares
    }

    fn give(&mut self, role: &str, framework: &FrameworkId, more: BTreeMap<String, i64>) {
        let of_role = self.given.entry(role.to_owned()).or_default();
        add(of_role.entry(framework.clone()).or_default(), more);
    }

    /// The largest part of any resource.
    fn dominant(&self, given: &BTreeMap<String, i64>) -> f64 {
        let parts = given.iter().filter_map(|(name, amount)| {
            let total = *self.total.get(name)?;
            (total > 0).then(|| *amount as f64 / total as f64)
        });
        parts.fold(0.0, f64::max)
    }

    fn of_framework(&self, role: &str, id: &FrameworkId) -> f64 {
        self.given.get(role).and_then(|frameworks| frameworks.get(id)).map_or(0.0, |given| self.dominant(given))
    }

    fn of_role(&self, role: &str) -> Path {
        let mut path = Path::new();
        let ends = role.match_indices('/').map(|(at, _)| at).chain([role.len()]);
        for end in ends {
            let ancestor = &role[..end];
            let mut sum = BTreeMap::new();
            for (other, frameworks) in &self.given {
                if other == ancestor || role::is_below(other, ancestor) {
                    frameworks.values().for_each(|given| add(&mut sum, given.clone()));
                }
            }
            let weight = self.weights.get(ancestor).copied().unwrap_or(1.0);
            path.push((self.dominant(&sum) / weight, ancestor.to_owned()));
        }
        path
    }
}

fn add(sum: &mut BTreeMap<String, i64>, more: BTreeMap<String, i64>) {
    for (name, amount) in more {
        let entry = sum.entry(name).or_default();
        *entry = entry.saturating_add(amount);
    }
}

/// What a role gets of an agent.
struct Share {
    resources: Resources,
    /// What of it was promised.
    guaranteed: BTreeMap<String, i64>,
    /// What of it counts for quota.
    counted: BTreeMap<String, i64>,
}

/// What must be kept free for roles that have less than they are promised.
struct Headroom {
    /// What roles with quota have of it.
    consumed: HashMap<String, BTreeMap<String, i64>>,
    required: BTreeMap<String, i64>,
    available: BTreeMap<String, i64>,
}

/// Whether quota speaks of a resource: of amounts that nobody has reserved, and that stay.
fn counts(resource: &Resource) -> bool {
    resource.r#type == ValueType::Scalar && resource.reservations.is_empty() && resource.revocable.is_none()
}

fn top(role: &str) -> &str {
    role.split('/').next().unwrap_or(role)
}

impl Headroom {
    fn new(allocator: &Allocator) -> Self {
        let mut headroom = Self { consumed: HashMap::new(), required: BTreeMap::new(), available: BTreeMap::new() };
        if allocator.quotas.is_empty() {
            return headroom;
        }
        for (_, agent) in allocator.agents.values() {
            add(&mut headroom.available, agent.available().filtered(counts).quantities());
            for resource in agent.total.list().iter().filter(|resource| !resource.reservations.is_empty()) {
                // What is reserved is had, used or not.
                let one = Resources::of(std::slice::from_ref(resource)).scalar_quantities();
                headroom.consume(reservation_role(resource), &one);
            }
            for given in agent.given.values() {
                for resource in given.list().iter().filter(|resource| counts(resource)) {
                    let role = resource.allocation_info.as_ref().and_then(|info| info.role.as_deref());
                    let one = Resources::of(std::slice::from_ref(resource)).quantities();
                    headroom.consume(role.unwrap_or("*"), &one);
                }
            }
        }
        for (role, quota) in &allocator.quotas {
            let missing = less(&quota.guarantees, &headroom.of(role));
            add(&mut headroom.required, missing);
        }
        headroom
    }

    fn consume(&mut self, role: &str, amounts: &BTreeMap<String, i64>) {
        let top = top(role);
        add(self.consumed.entry(top.to_owned()).or_default(), amounts.clone());
        if top != role {
            add(self.consumed.entry(role.to_owned()).or_default(), amounts.clone());
        }
    }

    fn of(&self, role: &str) -> BTreeMap<String, i64> {
        self.consumed.get(role).cloned().unwrap_or_default()
    }

    /// The first stage: what a role is promised and doesn't have, with what its limits and others' promises allow.
    fn promised(&self, quota: Option<&Quota>, role: &str, fitting: &Resources) -> Option<Share> {
        let quota = quota.filter(|quota| !quota.guarantees.is_empty())?;
        let missing = less(&quota.guarantees, &self.of(role));
        let plain = fitting.filtered(counts);
        let guaranteed = plain.shrunk(&missing, Rest::Nothing);
        if guaranteed.is_empty() {
            return None;
        }
        let mut more = plain.minus(&guaranteed);
        if !quota.limits.is_empty() {
            let mut had = self.of(role);
            add(&mut had, guaranteed.quantities());
            more = more.shrunk(&left(&quota.limits, &had), Rest::All);
        }
        if !self.required.is_empty() {
            more = more.shrunk(&less(&self.available, &self.required), Rest::Nothing);
        }
        let own = |resource: &Resource| {
            let reserved = !resource.reservations.is_empty();
            if reserved { reservation_role(resource) == role } else { !counts(resource) }
        };
        let counted = guaranteed.plus(&more);
        Some(Share {
            resources: guaranteed.plus(&fitting.filtered(own)).plus(&more),
            guaranteed: guaranteed.quantities(),
            counted: counted.quantities(),
        })
    }

    /// The second stage: all that is free, as far as the role's limits and others' promises allow.
    fn fair(&self, quota: Option<&Quota>, role: &str, fitting: &Resources) -> Share {
        let mut more = fitting.filtered(counts);
        // As in the original a limit holds for the role itself, not for those below it.
        if let Some(quota) = quota.filter(|quota| !quota.limits.is_empty()) {
            more = more.shrunk(&left(&quota.limits, &self.of(role)), Rest::All);
        }
        if !self.required.is_empty() {
            more = more.shrunk(&less(&self.available, &self.required), Rest::Nothing);
        }
        let resources = fitting.filtered(|resource| !counts(resource)).plus(&more);
        Share { resources, guaranteed: BTreeMap::new(), counted: more.quantities() }
    }

    fn give(&mut self, role: &str, quota: bool, guaranteed: &BTreeMap<String, i64>, counted: &BTreeMap<String, i64>) {
        if quota {
            self.consume(role, counted);
        }
        self.required = less(&self.required, guaranteed);
        self.available = less(&self.available, counted);
    }
}

/// What is left, nothing being less than none of something; names of which none is left go.
fn less(have: &BTreeMap<String, i64>, subtract: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let mut rest = left(have, subtract);
    rest.retain(|_, amount| *amount > 0);
    rest
}

/// The same, with the names of which none is left.
fn left(have: &BTreeMap<String, i64>, subtract: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let rest = |(name, amount): (&String, &i64)| {
        (name.clone(), amount.saturating_sub(subtract.get(name).copied().unwrap_or(0)).max(0))
    };
    have.iter().map(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::resources::{scalar_resource, upgraded};
    use crate::mesos::FrameworkCapability;

    fn framework(roles: &[&str]) -> FrameworkInfo {
        let capability =
            FrameworkCapability { r#type: Some(FrameworkCapabilityType::MultiRole), ..FrameworkCapability::default() };
        FrameworkInfo {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            capabilities: vec![capability],
            ..FrameworkInfo::default()
        }
    }

    fn cluster(agents: usize, frameworks: &[(&str, &[&str])]) -> Allocator {
        let mut allocator = Allocator::new(Duration::from_secs(1));
        for index in 0..agents {
            let total = Resources::of(&[scalar_resource("cpus", 4.0), scalar_resource("mem", 1024.0)]);
            allocator.add_agent(&format!("S{index}").into(), &AgentInfo::default(), total);
        }
        for (id, roles) in frameworks {
            allocator.add_framework(&(*id).into(), &framework(roles), &[], Constraints::default());
            allocator.set_active(&(*id).into(), true);
        }
        allocator
    }

    fn told(allocations: &[Allocation]) -> Vec<String> {
        allocations.iter().map(|a| format!("{} {} {} {}", a.framework, a.role, a.agent, a.resources)).collect()
    }

    fn refuse(seconds: f64) -> Filters {
        Filters { refuse_seconds: Some(seconds), ..Filters::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_offer_comes_again_when_its_filter_is_over() {
        let mut allocator = cluster(1, &[("F", &["a"])]);
        let now = Instant::now();
        let first = allocator.allocate(now).remove(0);
        assert_eq!(first.resources.to_string(), "cpus(allocated: a):4; mem(allocated: a):1024");
        assert!(allocator.allocate(now).is_empty());
        allocator.recover(&first.framework, &first.agent, &first.resources, Some(&refuse(10.0)), now);
        assert!(allocator.allocate(now + Duration::from_secs(9)).is_empty());
        assert_eq!(allocator.allocate(now + Duration::from_secs(10)).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn revive_clears_filters_and_suppress_stops() {
        let mut allocator = cluster(1, &[("F", &["a"])]);
        let now = Instant::now();
        let first = allocator.allocate(now).remove(0);
        allocator.recover(&first.framework, &first.agent, &first.resources, Some(&refuse(3600.0)), now);
        allocator.suppress(&"F".into(), &[]);
        allocator.revive(&"F".into(), &[]);
        let again = allocator.allocate(now).remove(0);
        allocator.recover(&again.framework, &again.agent, &again.resources, None, now);
        allocator.suppress(&"F".into(), &["a".to_owned()]);
        assert!(allocator.allocate(now).is_empty());
        assert_eq!(allocator.suppressed(&"F".into()), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_less_is_served_first() {
        let mut allocator = cluster(2, &[("F", &["a"]), ("G", &["b"])]);
        let now = Instant::now();
        assert_eq!(
            told(&allocator.allocate(now)),
            [
                "F a S0 cpus(allocated: a):4; mem(allocated: a):1024",
                "G b S1 cpus(allocated: b):4; mem(allocated: b):1024"
            ]
        );
        let half = Resources::of(&[scalar_resource("cpus", 2.0), scalar_resource("mem", 512.0)]);
        allocator.recover(&"F".into(), &"S0".into(), &half.clone().allocated("a"), None, now);
        allocator.recover(&"G".into(), &"S1".into(), &half.allocated("b"), None, now);
        let small = [scalar_resource("cpus", 1.0), scalar_resource("mem", 256.0)];
        let small = Resources::of(&small).allocated("b");
        allocator.recover(&"G".into(), &"S1".into(), &small, None, now);
        // G has less, so it is asked first, and takes S0's rest; then F has less.
        let told = told(&allocator.allocate(now));
        assert!(told[0].starts_with("G b S0") && told[1].starts_with("F a S1"), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reservation_is_for_its_role_and_those_below() {
        let mut allocator = Allocator::new(Duration::from_secs(1));
        let mut reserved = scalar_resource("cpus", 1.0);
        reserved.role = Some("eng".to_owned());
        let total = Resources::of(&[upgraded(reserved), scalar_resource("cpus", 0.001)]);
        allocator.add_agent(&"S".into(), &AgentInfo::default(), total);
        for (id, role) in [("F", "ops"), ("G", "eng/web")] {
            allocator.add_framework(&id.into(), &framework(&[role]), &[], Constraints::default());
            allocator.set_active(&id.into(), true);
        }
        let allocations = allocator.allocate(Instant::now());
        assert_eq!(allocations.len(), 1);
        assert_eq!(allocations[0].framework.as_str(), "G");
        assert_eq!(allocations[0].resources.list().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_subtree_shares_what_its_root_has() {
        let mut allocator = cluster(3, &[("F", &["a/x"]), ("G", &["a/y"]), ("H", &["b"])]);
        let told = told(&allocator.allocate(Instant::now()));
        let order: Vec<&str> = told.iter().map(|line| &line[..1]).collect();
        // a/x, then b since a has something, then a/y.
        assert_eq!(order, ["F", "H", "G"]);
    }

    #[tokio::test(start_paused = true)]
    async fn too_little_is_not_offered() {
        let mut allocator = Allocator::new(Duration::from_secs(1));
        let total = Resources::of(&[scalar_resource("cpus", 0.009), scalar_resource("mem", 31.0)]);
        allocator.add_agent(&"S".into(), &AgentInfo::default(), total);
        allocator.add_framework(&"F".into(), &framework(&["a"]), &[], Constraints::default());
        allocator.set_active(&"F".into(), true);
        assert!(allocator.allocate(Instant::now()).is_empty());
    }
}
