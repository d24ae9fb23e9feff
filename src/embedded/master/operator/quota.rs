//! Quota: what a role is promised at least, and what it gets at most.
//!
//! (apache/mesos: src/master/quota_handler.cpp, src/master/quota.cpp)

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Answered, Reply};
use crate::embedded::authorize::{Action, Approver};
use crate::embedded::master::actor::Master;
use crate::embedded::master::allocator::holds;
use crate::embedded::master::validate::{Check, because, framework, resource, role};
use crate::embedded::resources::{Resources, fixed, floating, printed, upgraded};
use crate::mesos::master::{QuotaConfig, QuotaRequest, UpdateQuota};
use crate::mesos::{Offer, Scalar, ValueType};

/// Amounts by name, in thousandths.
type Amounts = BTreeMap<String, i64>;

/// A role's quota.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(in crate::embedded::master) struct Quota {
    pub(in crate::embedded::master) guarantees: Amounts,
    /// What isn't named has no limit.
    pub(in crate::embedded::master) limits: Amounts,
}

impl Quota {
    fn of(config: &QuotaConfig) -> Self {
        let amounts = |map: &BTreeMap<String, Scalar>| {
            map.iter().map(|(name, scalar)| (name.clone(), fixed(scalar.value))).collect::<Amounts>()
        };
        let mut quota = Self { guarantees: amounts(&config.guarantees), limits: amounts(&config.limits) };
        quota.guarantees.retain(|_, amount| *amount != 0);
        quota
    }

    /// Whether a role may have so much.
    fn allows(&self, amounts: &Amounts) -> bool {
        self.limits.iter().all(|(name, limit)| amounts.get(name).copied().unwrap_or(0) <= *limit)
    }
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let entry = sum.entry(name.clone()).or_default();
        *entry = entry.saturating_add(*amount);
    }
}

fn subtract(sum: &mut Amounts, less: &Amounts) {
    for (name, amount) in less {
        let entry = sum.entry(name.clone()).or_default();
        *entry = entry.saturating_sub(*amount).max(0);
    }
    sum.retain(|_, amount| *amount > 0);
}

fn shown_amount(amount: i64) -> String {
    printed(floating(amount), 15)
}

/// `cpus:4; mem:64`.
fn shown(amounts: &Amounts) -> String {
    if amounts.is_empty() {
        return "{}".to_owned();
    }
    let all = amounts.iter().map(|(name, amount)| format!("{name}:{}", shown_amount(*amount)));
    all.collect::<Vec<_>>().join("; ")
}

/// `{ cpus: 4, mem: 64 }`.
fn shown_map(map: &BTreeMap<String, Scalar>) -> String {
    let all = map.iter().map(|(name, scalar)| format!("{name}: {}", shown_amount(fixed(scalar.value))));
    format!("{{ {} }}", all.collect::<Vec<_>>().join(", "))
}

/// One exabyte in megabytes.
const EXABYTE: f64 = 1_099_511_627_776.0;
/// One trillion.
const TRILLION: f64 = 1e12;

fn check(config: &QuotaConfig) -> Check {
    because("Invalid 'QuotaConfig.role': ", role::check(&config.role))?;
    because("Invalid 'QuotaConfig.guarantees': ", not_too_large(&config.guarantees))?;
    because("Invalid 'QuotaConfig.limits': ", not_too_large(&config.limits))?;
    for (what, map) in [("guarantee", &config.guarantees), ("limit", &config.limits)] {
        for (name, scalar) in map {
            let amount = shown_amount(fixed(scalar.value));
            framework::quantity(scalar.value)
                .map_err(|why| format!("Invalid {what} configuration {{'{name}': {amount}}}: {why}"))?;
        }
    }
    let quota = Quota::of(config);
    if !quota.allows(&quota.guarantees) {
        return Err(format!(
            "'QuotaConfig.guarantees' {} is not contained within the 'QuotaConfig.limits' {}",
            shown_map(&config.guarantees),
            shown_map(&config.limits)
        ));
    }
    Ok(())
}

fn not_too_large(map: &BTreeMap<String, Scalar>) -> Check {
    for (name, scalar) in map {
        let (most, told) = match name.as_str() {
            "mem" | "disk" => (EXABYTE, "1 exabyte (1099511627776)"),
            _ => (TRILLION, "1 trillion (1000000000000)"),
        };
        if scalar.value > most {
            let amount = shown_amount(fixed(scalar.value));
            return Err(format!("{{'{name}': {amount}}} is invalid: values greater than {told} are not supported"));
        }
    }
    Ok(())
}

/// What a role is guaranteed must hold what those below it are.
fn check_tree(quotas: &BTreeMap<String, Quota>) -> Check {
    for (name, quota) in quotas_and_ancestors(quotas) {
        let mut below = Amounts::new();
        let children = quotas_and_ancestors(quotas);
        for (other, child) in &children {
            let is_child = other.strip_prefix(&name).and_then(|rest| rest.strip_prefix('/'));
            if is_child.is_some_and(|rest| !rest.contains('/')) {
                add(&mut below, &child.guarantees);
            }
        }
        if !holds(&quota.guarantees, &below) {
            let last = name.rsplit('/').next().unwrap_or(&name);
            return Err(format!(
                "Invalid quota configuration. Parent role '{last}' with guarantees ({}) does not contain the sum of \
                 its children's guarantees ({})",
                shown(&quota.guarantees),
                shown(&below)
            ));
        }
    }
    Ok(())
}

fn quotas_and_ancestors(quotas: &BTreeMap<String, Quota>) -> BTreeMap<String, Quota> {
    let mut all = quotas.clone();
    for name in quotas.keys() {
        for (at, _) in name.match_indices('/') {
            all.entry(name[..at].to_owned()).or_default();
        }
    }
    all
}

/// What all roles together are promised: those at the top hold what is below them.
fn promised(quotas: &BTreeMap<String, Quota>) -> Amounts {
    let mut sum = Amounts::new();
    quotas.iter().filter(|(name, _)| !name.contains('/')).for_each(|(_, quota)| add(&mut sum, &quota.guarantees));
    sum
}

fn check_request(request: &QuotaRequest) -> Check {
    because("QuotaInfo with invalid role: ", role::check(request.role.as_deref().unwrap_or("")))?;
    if request.guarantee.is_empty() {
        return Err("QuotaInfo with empty 'guarantee'".to_owned());
    }
    let mut names: Vec<&str> = Vec::new();
    for resource in &request.guarantee {
        if !resource.reservations.is_empty() {
            return Err("QuotaInfo must not contain any ReservationInfo".to_owned());
        }
        if resource.disk.is_some() {
            return Err("QuotaInfo must not contain DiskInfo".to_owned());
        }
        if resource.revocable.is_some() {
            return Err("QuotaInfo must not contain RevocableInfo".to_owned());
        }
        if resource.r#type != ValueType::Scalar {
            return Err("QuotaInfo must not include non-scalar resources".to_owned());
        }
        if names.contains(&resource.name.as_str()) {
            return Err(format!("QuotaInfo contains duplicate resource name '{}'", resource.name));
        }
        names.push(&resource.name);
    }
    Ok(())
}

impl Master {
    /// What GET_QUOTA and `/quota` show.
    pub(in crate::embedded::master) fn quota_status(&self, who: Approver<'_>) -> Value {
        let (mut infos, mut configs) = (Vec::new(), Vec::new());
        let scalar = |amount: &i64| json!({"value": floating(*amount)});
        for (role, quota) in self.quotas.iter().filter(|(role, _)| who.may(Action::GetQuota, Some(role))) {
            let guarantee: Vec<Value> = quota
                .guarantees
                .iter()
                .map(|(name, amount)| json!({"name": name, "type": "SCALAR", "scalar": scalar(amount)}))
                .collect();
            let (mut info, mut config) = (Map::new(), Map::new());
            info.insert("role".to_owned(), json!(role));
            if !guarantee.is_empty() {
                info.insert("guarantee".to_owned(), json!(guarantee));
            }
            config.insert("role".to_owned(), json!(role));
            for (field, amounts) in [("guarantees", &quota.guarantees), ("limits", &quota.limits)] {
                let amounts: Map<String, Value> =
                    amounts.iter().map(|(name, amount)| (name.clone(), scalar(amount))).collect();
                if !amounts.is_empty() {
                    config.insert(field.to_owned(), Value::Object(amounts));
                }
            }
            infos.push(Value::Object(info));
            configs.push(Value::Object(config));
        }
        if infos.is_empty() { json!({}) } else { json!({"infos": infos, "configs": configs}) }
    }

    fn capacity(&self) -> Amounts {
        let mut sum = Amounts::new();
        for agent in self.agents.values() {
            let total = self.allocator.total(&agent.id);
            add(
                &mut sum,
                &total.filtered(|one| one.revocable.is_none() && one.r#type == ValueType::Scalar).quantities(),
            );
        }
        sum
    }

    /// UPDATE_QUOTA.
    pub(super) fn update_quota(&mut self, update: &UpdateQuota, principal: Option<&str>) -> Answered {
        let configs = &update.quota_configs;
        let bad = |why: String| Reply::bad(format!("Invalid QuotaConfig: {why}"));
        for config in configs {
            if !self.is_allowed_role(&config.role) {
                return Err(bad(format!("'{}' is not on the roles whitelist", config.role)));
            }
            if config.role.contains('/') {
                let role = &config.role;
                return Err(Reply::bad(format!("Updating quota on nested role '{role}' is not supported yet")));
            }
            check(config).map_err(bad)?;
        }
        let forced = update.force.unwrap_or(false);
        for config in configs.iter().filter(|_| !forced) {
            let (limits, consumed) = (Quota::of(config), self.of_role(&config.role).consumed());
            if !limits.allows(&consumed) {
                return Err(bad(format!(
                    "Role '{}' is already consuming '{}'; this is more than the requested limits '{}' (use 'force' \
                     flag to bypass this check)",
                    config.role,
                    shown(&consumed),
                    shown(&limits.limits)
                )));
            }
        }
        let mut after = self.quotas.clone();
        after.extend(configs.iter().map(|config| (config.role.clone(), Quota::of(config))));
        check_tree(&after).map_err(bad)?;
        let (promised, capacity) = (promised(&after), self.capacity());
        if !forced && !holds(&capacity, &promised) {
            return Err(bad(format!(
                "total quota guarantees '{}' exceed cluster capacity '{}' (use 'force' flag to bypass this check)",
                shown(&promised),
                shown(&capacity)
            )));
        }
        let who = self.approver(principal);
        if !configs.iter().all(|config| who.may(Action::UpdateQuota, Some(&config.role))) {
            return Err(Reply::forbidden());
        }
        self.take_quotas(after);
        configs.iter().for_each(|config| self.make_room(&config.role, &Quota::of(config)));
        Ok(Reply::Done(200))
    }

    fn take_quotas(&mut self, quotas: BTreeMap<String, Quota>) {
        self.allocator.set_quotas(quotas.clone());
        self.quotas = quotas;
        self.registry_changed = true;
    }

    /// Takes offers back: the role's that are more than it may have now, and others' that hold what it is promised.
    fn make_room(&mut self, role: &str, quota: &Quota) {
        let of_role = self.of_role(role);
        let mut has = of_role.consumed();
        add(&mut has, &of_role.offered.quantities());
        let below = |offer: &Offer| {
            let of = offer.allocation_info.as_ref().and_then(|info| info.role.as_deref()).unwrap_or("*");
            of == role || role::is_below(of, role)
        };
        let (own, others): (Vec<Offer>, Vec<Offer>) = self.offers.values().cloned().partition(below);
        for offer in own {
            if quota.allows(&has) {
                break;
            }
            subtract(&mut has, &Resources::of(&offer.resources).quantities());
            self.rescind(&offer.id);
        }
        for offer in others {
            if holds(&has, &quota.guarantees) {
                break;
            }
            add(&mut has, &Resources::of(&offer.resources).quantities());
            self.rescind(&offer.id);
        }
    }

    /// SET_QUOTA, and POST of `/quota`.
    pub(in crate::embedded::master) fn set_quota(
        &mut self,
        mut request: QuotaRequest,
        principal: Option<&str>,
    ) -> Answered {
        let bad = |why: String| Reply::bad(format!("Failed to validate set quota request: {why}"));
        because("QuotaInfo with invalid resource: ", resource::form(&request.guarantee)).map_err(bad)?;
        request.guarantee = request.guarantee.into_iter().map(upgraded).collect();
        check_request(&request).map_err(bad)?;
        let role = request.role.clone().unwrap_or_default();
        if !self.is_allowed_role(&role) {
            return Err(bad(format!("Unknown role '{role}'")));
        }
        if self.quotas.contains_key(&role) {
            return Err(bad(format!("Cannot set quota for role '{role}' which already has quota")));
        }
        let amounts: Amounts = request
            .guarantee
            .iter()
            .filter_map(|one| Some((one.name.clone(), fixed(one.scalar.as_ref()?.value))))
            .collect();
        let mut quota = Quota { guarantees: amounts.clone(), limits: amounts };
        quota.guarantees.retain(|_, amount| *amount != 0);
        let mut after = self.quotas.clone();
        after.insert(role.clone(), quota.clone());
        check_tree(&after).map_err(bad)?;
        if !self.approver(principal).may(Action::UpdateQuota, Some(&role)) {
            return Err(Reply::forbidden());
        }
        let (promised, capacity) = (promised(&after), self.capacity());
        if !request.force.unwrap_or(false) && !holds(&capacity, &promised) {
            let why = format!(
                "Quota guarantees overcommit the cluster (use 'force' to bypass this check): Total quota guarantees \
                 '{}' exceed cluster capacity '{}'",
                shown(&promised),
                shown(&capacity)
            );
            return Err(Reply::Refused(409, why));
        }
        self.take_quotas(after);
        self.take_back_for(&role, &quota.guarantees);
        Ok(Reply::Done(200))
    }

    /// Takes whole agents' offers back, until there are as many agents as the role has frameworks, and as much as it
    /// was promised.
    fn take_back_for(&mut self, role: &str, guarantees: &Amounts) {
        let connected = self.frameworks.iter().filter(|one| one.stream.is_some());
        let wanting = connected.filter(|one| framework::roles(&one.info).iter().any(|has| has == role)).count();
        let (mut rescinded, mut visited) = (Amounts::new(), 0);
        let agents: Vec<_> = self.agents.values().filter(|agent| agent.active).map(|agent| agent.id.clone()).collect();
        for agent in agents {
            if holds(&rescinded, guarantees) && visited >= wanting {
                break;
            }
            let offers: Vec<Offer> = self.offers.values().filter(|offer| offer.agent_id == agent).cloned().collect();
            visited += usize::from(!offers.is_empty());
            for offer in offers {
                add(&mut rescinded, &Resources::of(&offer.resources).quantities());
                self.rescind(&offer.id);
            }
        }
    }

    /// REMOVE_QUOTA. A real master aborts when the role has none; it means to say what is said here.
    pub(super) fn remove_quota(&mut self, role: &str, principal: Option<&str>) -> Answered {
        if !self.quotas.contains_key(role) {
            return Err(Reply::bad(format!("Failed to remove quota: Role '{role}' has no quota set")));
        }
        if !self.approver(principal).may(Action::UpdateQuota, Some(role)) {
            return Err(Reply::forbidden());
        }
        let mut after = self.quotas.clone();
        after.remove(role);
        self.take_quotas(after);
        Ok(Reply::Done(200))
    }

    /// DELETE of `/quota/ROLE`.
    pub(in crate::embedded::master) fn delete_quota(&mut self, path: &str, principal: Option<&str>) -> Answered {
        let path = if path.starts_with("/master") { path.to_owned() } else { format!("/master{path}") };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let Some((_, role)) = parts.split_at_checked(2).filter(|(_, role)| !role.is_empty()) else {
            return Err(Reply::bad(format!(
                "Failed to parse remove quota request for path '{path}': expected 3 tokens, found {} tokens",
                parts.len()
            )));
        };
        let role = role.join("/");
        let failed = |what: &str, why: String| Reply::bad(format!("Failed to {what} for path '{path}': {why}"));
        if !self.is_allowed_role(&role) {
            return Err(failed("validate remove quota request", format!("Unknown role '{role}'")));
        }
        if !self.quotas.contains_key(&role) {
            return Err(failed("remove quota", format!("Role '{role}' has no quota set")));
        }
        let mut after = self.quotas.clone();
        after.remove(&role);
        check_tree(&after).map_err(|why| failed("remove quota", why))?;
        self.remove_quota(&role, principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(all: &[(&str, f64)]) -> Amounts {
        all.iter().map(|(name, amount)| ((*name).to_owned(), fixed(*amount))).collect()
    }

    #[test]
    fn a_role_must_hold_what_is_below_it() {
        let quota = |cpus| Quota { guarantees: amounts(&[("cpus", cpus)]), limits: Amounts::new() };
        let tree = |all: &[(&str, f64)]| {
            check_tree(&all.iter().map(|(role, cpus)| ((*role).to_owned(), quota(*cpus))).collect())
        };
        assert_eq!(tree(&[("a", 2.0), ("a/b", 1.0), ("a/c", 1.0), ("b", 1.0)]), Ok(()));
        assert_eq!(
            tree(&[("a", 1.0), ("a/b", 1.0), ("a/c", 0.5)]),
            Err("Invalid quota configuration. Parent role 'a' with guarantees (cpus:1) does not contain the sum of \
                 its children's guarantees (cpus:1.5)"
                .to_owned())
        );
        assert!(tree(&[("a/b/c", 1.0)]).is_err());
    }

    #[test]
    fn amounts_are_shown_by_name() {
        assert_eq!(shown(&amounts(&[("mem", 64.0), ("cpus", 0.5)])), "cpus:0.5; mem:64");
        assert_eq!(shown(&Amounts::new()), "{}");
    }

    #[test]
    fn no_limit_is_none() {
        let quota = Quota { guarantees: Amounts::new(), limits: amounts(&[("cpus", 1.0)]) };
        assert!(quota.allows(&amounts(&[("mem", 1e6), ("cpus", 1.0)])) && !quota.allows(&amounts(&[("cpus", 1.001)])));
    }
}
