//! Who is offered what: dominant resource fairness among roles and among the frameworks of a role, filters,
//! suppression, what is too little to offer.
//!
//! Pure: time comes in as an argument, offers go out as a list. Knows amounts, not tasks.
//! (apache/mesos: src/master/allocator/mesos/hierarchical.cpp)

use std::cmp::Ordering;
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

/// What a framework has refused of an agent, and until when.
#[derive(Debug)]
struct Refusal {
    role: String,
    resources: Resources,
    until: Instant,
}

#[derive(Debug)]
struct Framework {
    roles: Vec<String>,
    suppressed: HashSet<String>,
    active: bool,
    refusals: HashMap<AgentId, Vec<Refusal>>,
    constraints: Constraints,
    gpus: bool,
    shared: bool,
    revocable: bool,
    refinement: bool,
    /// By role: amounts of which one, wholly, makes an offer.
    minimum: HashMap<String, Vec<Amounts>>,
    /// How often it got something, by role.
    served: HashMap<String, u64>,
}

#[derive(Debug)]
struct Agent {
    info: AgentInfo,
    total: Resources,
    /// Offered or in use, by framework; marked with roles.
    given: HashMap<FrameworkId, Resources>,
    /// The same of all frameworks: its order decides in which one the rest is offered.
    all_given: Resources,
    active: bool,
    /// What follows from the rest, until that changes: a round over many agents of which few have changed is short.
    counted: Option<Counted>,
}

/// An agent's amounts.
#[derive(Debug)]
struct Counted {
    available: Resources,
    total: Amounts,
    /// By role and framework.
    given: Vec<(String, FrameworkId, Amounts)>,
}

/// Amounts by name, in thousandths.
type Amounts = BTreeMap<String, i64>;

impl Agent {
    fn count(&mut self) -> &Counted {
        let Self { total, given, all_given, counted, .. } = self;
        counted.get_or_insert_with(|| {
            let (available, mut amounts) = (total.minus(&all_given.unallocated()), Vec::new());
            for (framework, given) in given.iter() {
                for resource in given.list() {
                    let role = resource.allocation_info.as_ref().and_then(|info| info.role.clone());
                    let one = Resources::of(std::slice::from_ref(resource)).scalar_quantities();
                    amounts.push((role.unwrap_or_else(|| "*".to_owned()), framework.clone(), one));
                }
            }
            Counted { available, total: total.scalar_quantities(), given: amounts }
        })
    }

    fn give(&mut self, framework: &FrameworkId, resources: &Resources) {
        self.given.entry(framework.clone()).or_default().add(resources);
        self.all_given.add(resources);
        self.counted = None;
    }

    fn take_back(&mut self, framework: &FrameworkId, resources: &Resources) {
        let Some(given) = self.given.get_mut(framework) else { return };
        given.subtract(resources);
        if given.is_empty() {
            self.given.remove(framework);
        }
        self.all_given.subtract(resources);
        self.counted = None;
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
            refusals: HashMap::new(),
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
        framework.forget_refusals(&revived);
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
            if let Some(given) = agent.given.remove(id) {
                agent.all_given.subtract(&given);
                agent.counted = None;
            }
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
        let agent = Agent {
            info: info.clone(),
            total,
            given: HashMap::new(),
            all_given: Resources::default(),
            active: true,
            counted: None,
        };
        self.agents.insert(self.next_agent, (id.clone(), agent));
        self.keys.insert(id.clone(), self.next_agent);
        self.next_agent += 1;
    }

    pub(super) fn remove_agent(&mut self, id: &AgentId) {
        if let Some(key) = self.keys.remove(id) {
            self.agents.remove(&key);
        }
        for framework in self.frameworks.values_mut() {
            framework.refusals.remove(id);
        }
    }

    /// Whether the agent's resources are offered.
    pub(super) fn set_agent_active(&mut self, id: &AgentId, active: bool) {
        if let Some(agent) = self.agent_mut(id) {
            agent.active = active;
        }
    }

    /// An operation has made other resources of some of those that were offered; all of these are given anew.
    pub(super) fn convert(
        &mut self,
        id: &AgentId,
        framework: &FrameworkId,
        offered: &mut Resources,
        made: &[Conversion],
    ) {
        let Some(agent) = self.agent_mut(id) else { return };
        agent.take_back(framework, offered);
        for Conversion { from, to } in made {
            offered.subtract(from);
            offered.add(to);
            agent.total.subtract(&from.unallocated());
            agent.total.add(&to.unallocated());
        }
        agent.give(framework, offered);
    }

    /// The same, of what nobody has.
    ///
    /// # Errors
    /// What isn't there.
    pub(super) fn exchange(&mut self, id: &AgentId, conversions: &[Conversion]) -> Result<(), String> {
        let Some(agent) = self.agent_mut(id) else { return Ok(()) };
        applied(&agent.count().available, conversions)?;
        agent.counted = None;
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
            agent.give(framework, resources);
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
        if let Some(agent) = self.agent_mut(agent) {
            agent.take_back(framework, resources);
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
        framework.refusals.entry(agent.clone()).or_default().push(Refusal {
            role: role.unwrap_or_else(|| "*".to_owned()),
            resources: resources.unallocated(),
            // A filter must outlive the next round, or it would be none.
            until: now + Duration::from_secs_f64(seconds).max(self.interval),
        });
    }

    /// No more offers for these roles; for all where none is named.
    pub(super) fn is_suppressed(&self, id: &FrameworkId, role: &str) -> bool {
        self.frameworks.get(id).is_some_and(|framework| framework.suppressed.contains(role))
    }

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
            framework.forget_refusals(&named);
        }
    }

    /// One round: roles get what they are promised, then everything that can be given goes to those who have least.
    pub(super) fn allocate(&mut self, now: Instant) -> Vec<Allocation> {
        for framework in self.frameworks.values_mut() {
            framework.refusals.retain(|_, refusals| {
                refusals.retain(|refusal| refusal.until > now);
                !refusals.is_empty()
            });
        }
        // Counted once a round, and kept up as it goes: a round over many agents would take their square otherwise.
        let Some(mut queue) = Queue::new(self) else { return Vec::new() };
        let mut headroom = Headroom::new(self);
        let agents: Vec<usize> =
            self.agents.iter().filter(|(_, (_, agent))| agent.active).map(|(key, _)| *key).collect();
        if !self.quotas.values().any(|quota| !quota.guarantees.is_empty()) {
            return self.stage(Stage::Fair, &agents, &mut queue, &mut headroom);
        }
        let mut allocations = self.stage(Stage::Promised, &agents, &mut queue, &mut headroom);
        allocations.extend(self.stage(Stage::Fair, &agents, &mut queue, &mut headroom));
        merged(allocations)
    }

    fn stage(&mut self, stage: Stage, agents: &[usize], queue: &mut Queue, headroom: &mut Headroom) -> Vec<Allocation> {
        let mut allocations = Vec::new();
        for key in agents {
            let Some((_, agent)) = self.agents.get_mut(key) else { continue };
            let counted = agent.count();
            if counted.available.is_empty() {
                continue;
            }
            let mut available = counted.available.clone();
            // In the order at the beginning: what this agent gives changes it for the next one.
            let mut given: Vec<(String, FrameworkId, Resources)> = Vec::new();
            for (role, framework) in queue.order() {
                if available.is_empty() {
                    break;
                }
                let Some(share) = self.share(stage, *key, &available, role, framework, headroom) else { continue };
                headroom.give(role, self.quotas.contains_key(role), &share);
                available.subtract(&share.resources);
                given.push((role.to_owned(), framework.clone(), share.resources));
            }
            for (role, framework, resources) in given {
                queue.give(&role, &framework, &resources.scalar_quantities());
                allocations.extend(self.grant(*key, resources, role, framework));
            }
        }
        allocations
    }

    /// What of an agent's rest goes to a role of a framework.
    fn share(
        &self,
        stage: Stage,
        key: usize,
        available: &Resources,
        role: &str,
        id: &FrameworkId,
        headroom: &Headroom,
    ) -> Option<Share> {
        let (agent_id, agent) = self.agents.get(&key)?;
        let framework = self.frameworks.get(id)?;
        let refusals = || framework.refusals.get(agent_id).into_iter().flatten().filter(|refusal| refusal.role == role);
        // Of what has been refused wholly, no part is wanted either.
        if refusals().any(|refusal| refusal.resources.contains(available)) {
            return None;
        }
        if framework.constraints.exclude(role, &agent.info) || !framework.gpus && agent.total.amount("gpus") > 0.0 {
            return None;
        }
        let fitting = available.filtered(|resource| framework.may_have(role, resource));
        if !framework.is_enough(role, &fitting) {
            return None;
        }
        let quota = self.quotas.get(role);
        let share = match stage {
            Stage::Promised => headroom.promised(quota, role, &fitting)?,
            Stage::Fair => headroom.fair(quota, role, &fitting),
        };
        let refused = refusals().any(|refusal| refusal.resources.contains(&share.resources));
        (framework.is_enough(role, &share.resources) && !refused).then_some(share)
    }

    fn grant(&mut self, key: usize, resources: Resources, role: String, id: FrameworkId) -> Option<Allocation> {
        let resources = resources.allocated(&role);
        let (agent_id, agent) = self.agents.get_mut(&key)?;
        agent.give(&id, &resources);
        let agent = agent_id.clone();
        *self.frameworks.get_mut(&id)?.served.entry(role.clone()).or_default() += 1;
        Some(Allocation { framework: id, role, agent, resources })
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
    /// Of these roles nothing is refused any more.
    fn forget_refusals(&mut self, roles: &[String]) {
        self.refusals.retain(|_, refusals| {
            refusals.retain(|refusal| !roles.contains(&refusal.role));
            !refusals.is_empty()
        });
    }

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
pub(super) fn holds(have: &Amounts, amounts: &Amounts) -> bool {
    amounts.iter().all(|(name, least)| have.get(name).copied().unwrap_or(0) >= *least)
}

/// A role's place in the tree: the share of each ancestor and its name, itself last.
type Path = Vec<(f64, String)>;

fn compare_paths(left: &Path, right: &Path) -> Ordering {
    for (left, right) in left.iter().zip(right) {
        if left.1 != right.1 {
            return left.0.total_cmp(&right.0).then_with(|| left.1.cmp(&right.1));
        }
    }
    left.len().cmp(&right.len())
}

/// A role and those above it.
fn ancestors(role: &str) -> impl Iterator<Item = &str> {
    role.match_indices('/').map(|(at, _)| at).chain([role.len()]).map(move |end| &role[..end])
}

/// Who wants something, those first who have the least of the cluster.
struct Queue {
    total: Amounts,
    /// What each role has, with all those below it.
    roles: HashMap<String, Amounts>,
    /// How much more than others a role may have.
    weights: HashMap<String, f64>,
    /// In order.
    wanting: Vec<Role>,
}

/// A role that somebody wants something for.
struct Role {
    name: String,
    path: Path,
    /// In order.
    frameworks: Vec<Wanting>,
}

/// A framework that wants something for a role.
struct Wanting {
    id: FrameworkId,
    given: Amounts,
    share: f64,
    /// How often it got something: of two that have as much, the one that was served less comes first.
    served: u64,
}

impl Queue {
    /// `None` if nobody wants anything.
    fn new(allocator: &mut Allocator) -> Option<Self> {
        let mut wanting: BTreeMap<String, Vec<Wanting>> = BTreeMap::new();
        for (id, framework) in allocator.frameworks.iter().filter(|(_, framework)| framework.active) {
            for role in framework.roles.iter().filter(|role| !framework.suppressed.contains(*role)) {
                let served = framework.served.get(role).copied().unwrap_or(0);
                let one = Wanting { id: id.clone(), given: Amounts::new(), share: 0.0, served };
                wanting.entry(role.clone()).or_default().push(one);
            }
        }
        if wanting.is_empty() {
            return None;
        }
        let mut queue = Self {
            total: Amounts::new(),
            roles: HashMap::new(),
            weights: allocator.weights.clone(),
            wanting: Vec::new(),
        };
        let mut given: HashMap<&str, HashMap<&FrameworkId, Amounts>> = HashMap::new();
        for (_, agent) in allocator.agents.values_mut() {
            agent.count();
        }
        for counted in allocator.agents.values().filter_map(|(_, agent)| agent.counted.as_ref()) {
            add(&mut queue.total, &counted.total);
            for (role, framework, amounts) in &counted.given {
                ancestors(role).for_each(|ancestor| queue.add_to_role(ancestor, amounts));
                add(given.entry(role).or_default().entry(framework).or_default(), amounts);
            }
        }
        for (name, mut frameworks) in wanting {
            let of_role = given.get(name.as_str());
            for one in &mut frameworks {
                one.given = of_role.and_then(|given| given.get(&one.id)).cloned().unwrap_or_default();
                one.share = dominant(&queue.total, &one.given);
            }
            queue.wanting.push(Role { name, path: Path::new(), frameworks });
        }
        queue.sort();
        Some(queue)
    }

    fn add_to_role(&mut self, role: &str, amounts: &Amounts) {
        match self.roles.get_mut(role) {
            Some(sum) => add(sum, amounts),
            None => drop(self.roles.insert(role.to_owned(), amounts.clone())),
        }
    }

    /// Roles and frameworks in their order.
    fn order(&self) -> impl Iterator<Item = (&str, &FrameworkId)> {
        self.wanting.iter().flat_map(|role| role.frameworks.iter().map(|one| (role.name.as_str(), &one.id)))
    }

    /// A framework got something; it comes later from now on.
    fn give(&mut self, name: &str, id: &FrameworkId, amounts: &Amounts) {
        ancestors(name).for_each(|ancestor| self.add_to_role(ancestor, amounts));
        let roles = self.wanting.iter_mut().filter(|role| role.name == name);
        if let Some(one) = roles.flat_map(|role| &mut role.frameworks).find(|one| one.id == *id) {
            add(&mut one.given, amounts);
            one.share = dominant(&self.total, &one.given);
            one.served += 1;
        }
        self.sort();
    }

    /// Nearly sorted already, mostly: that takes no longer than a look at each.
    fn sort(&mut self) {
        for role in &mut self.wanting {
            let weight = |ancestor: &str| self.weights.get(ancestor).copied().unwrap_or(1.0);
            let share = |ancestor: &str| {
                self.roles.get(ancestor).map_or(0.0, |given| dominant(&self.total, given) / weight(ancestor))
            };
            role.path = ancestors(&role.name).map(|ancestor| (share(ancestor), ancestor.to_owned())).collect();
            role.frameworks.sort_by(|left, right| {
                let shares = left.share.total_cmp(&right.share).then(left.served.cmp(&right.served));
                shares.then_with(|| left.id.cmp(&right.id))
            });
        }
        self.wanting.sort_by(|left, right| compare_paths(&left.path, &right.path));
    }
}

/// The largest part of any resource.
fn dominant(total: &Amounts, given: &Amounts) -> f64 {
    let parts = given.iter().filter_map(|(name, amount)| {
        let total = *total.get(name)?;
        (total > 0).then(|| *amount as f64 / total as f64)
    });
    parts.fold(0.0, f64::max)
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match sum.get_mut(name) {
            Some(known) => *known = known.saturating_add(*amount),
            None => drop(sum.insert(name.clone(), *amount)),
        }
    }
}

/// Quota first, then fair shares.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Promised,
    Fair,
}

/// What a role gets of an agent.
struct Share {
    resources: Resources,
    /// What of it was promised.
    guaranteed: Amounts,
    /// What of it counts for quota.
    counted: Amounts,
}

/// What must be kept free for roles that have less than they are promised.
struct Headroom {
    /// What roles with quota have of it.
    consumed: HashMap<String, Amounts>,
    required: Amounts,
    available: Amounts,
}

/// Whether quota speaks of a resource: of amounts that nobody has reserved, and that stay.
fn counts(resource: &Resource) -> bool {
    resource.r#type == ValueType::Scalar && resource.reservations.is_empty() && resource.revocable.is_none()
}

fn top(role: &str) -> &str {
    role.split('/').next().unwrap_or(role)
}

impl Headroom {
    fn new(allocator: &mut Allocator) -> Self {
        let mut headroom = Self { consumed: HashMap::new(), required: Amounts::new(), available: Amounts::new() };
        if allocator.quotas.is_empty() {
            return headroom;
        }
        for (_, agent) in allocator.agents.values_mut() {
            add(&mut headroom.available, &agent.count().available.filtered(counts).quantities());
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
            add(&mut headroom.required, &missing);
        }
        headroom
    }

    fn consume(&mut self, role: &str, amounts: &Amounts) {
        let top = top(role);
        add(self.consumed.entry(top.to_owned()).or_default(), amounts);
        if top != role {
            add(self.consumed.entry(role.to_owned()).or_default(), amounts);
        }
    }

    fn of(&self, role: &str) -> Amounts {
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
            add(&mut had, &guaranteed.quantities());
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
        Share { resources, guaranteed: Amounts::new(), counted: more.quantities() }
    }

    fn give(&mut self, role: &str, has_quota: bool, share: &Share) {
        if has_quota {
            self.consume(role, &share.counted);
        }
        self.required = less(&self.required, &share.guaranteed);
        self.available = less(&self.available, &share.counted);
    }
}

/// What is left, nothing being less than none of something; names of which none is left go.
fn less(have: &Amounts, subtract: &Amounts) -> Amounts {
    let mut rest = left(have, subtract);
    rest.retain(|_, amount| *amount > 0);
    rest
}

/// The same, with the names of which none is left.
fn left(have: &Amounts, subtract: &Amounts) -> Amounts {
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
        assert!(allocator.frameworks[&FrameworkId::from("F")].suppressed.contains("a"));
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
