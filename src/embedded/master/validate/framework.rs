//! What a framework says of itself.

use std::collections::HashSet;

use super::{Check, id, is_duration, role};
use crate::embedded::resources::printed;
use crate::mesos::{FrameworkCapabilityType, FrameworkInfo, OfferFilters};

/// Whether the framework has a capability.
pub(in crate::embedded::master) fn can(info: &FrameworkInfo, capability: &FrameworkCapabilityType) -> bool {
    info.capabilities.iter().any(|have| have.r#type.as_ref() == Some(capability))
}

/// The roles a framework has, each once and in its order.
pub(in crate::embedded::master) fn roles(info: &FrameworkInfo) -> Vec<String> {
    if can(info, &FrameworkCapabilityType::MultiRole) {
        let mut seen = HashSet::new();
        info.roles.iter().filter(|role| seen.insert(*role)).cloned().collect()
    } else {
        vec![info.role.clone().unwrap_or_else(|| "*".to_owned())]
    }
}

/// Whether a framework may be as it says.
pub(in crate::embedded::master) fn check(info: &FrameworkInfo) -> Check {
    check_roles(info)?;
    if let Some(framework) = info.id.as_ref().filter(|id| !id.as_str().is_empty()) {
        id(framework.as_str())?;
    }
    info.offer_filters.values().try_for_each(offer_filters)
}

/// Whether its failover timeout is a duration.
pub(in crate::embedded::master) fn failover_timeout(info: &FrameworkInfo) -> Check {
    let failover = info.failover_timeout.unwrap_or(0.0);
    if !is_duration(failover) {
        return Err(format!("The framework failover_timeout ({}) is invalid", printed(failover, 6)));
    }
    Ok(())
}

/// Whether a number may be an amount of something.
pub(in crate::embedded::master) fn quantity(value: f64) -> Check {
    Err(match value {
        value if value.is_infinite() => "Infinite values not supported",
        value if value.is_nan() => "NaN not supported",
        value if value.is_subnormal() => "Subnormal values not supported",
        value if value < 0.0 => "Negative values not supported",
        _ => return Ok(()),
    }
    .to_owned())
}

fn check_roles(info: &FrameworkInfo) -> Check {
    if !can(info, &FrameworkCapabilityType::MultiRole) {
        if !info.roles.is_empty() {
            return Err("'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".to_owned());
        }
        return role::check(info.role.as_deref().unwrap_or("*"))
            .map_err(|why| format!("'FrameworkInfo.role' is not a valid role: {why}"));
    }
    if info.role.is_some() {
        return Err("'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable".to_owned());
    }
    let mut seen = HashSet::new();
    let mut twice: Vec<&str> = Vec::new();
    for role in &info.roles {
        if !seen.insert(role) && !twice.contains(&role.as_str()) {
            twice.push(role);
        }
    }
    if !twice.is_empty() {
        // The original's set gives the newest first.
        twice.reverse();
        return Err(format!("'FrameworkInfo.roles' contains duplicate items: {{ {} }}", twice.join(", ")));
    }
    info.roles.iter().try_for_each(|name| {
        role::check(name).map_err(|why| format!("'FrameworkInfo.roles' contains invalid role: {why}"))
    })
}

fn offer_filters(filters: &OfferFilters) -> Check {
    for quantities in filters.min_allocatable_resources.iter().flat_map(|minimum| &minimum.quantities) {
        if quantities.quantities.is_empty() {
            return Err("Resource quantities must contain at least one quantity".to_owned());
        }
        for (name, amount) in &quantities.quantities {
            quantity(amount.value).map_err(|why| format!("Invalid resource quantity for '{name}': {why}"))?;
        }
    }
    Ok(())
}

/// Suppressed roles must be among the framework's.
pub(in crate::embedded::master) fn suppressed(roles: &[String], suppressed: &[String]) -> Check {
    match suppressed.iter().find(|role| !roles.contains(role)) {
        Some(role) => Err(format!("Suppressed role '{role}' is not contained in the list of roles")),
        None => Ok(()),
    }
}

/// Whether a framework keeps its principal.
pub(in crate::embedded::master) fn principal(old: &FrameworkInfo, new: &FrameworkInfo) -> Check {
    if old.principal != new.principal {
        return Err("Changing framework's principal is not allowed.".to_owned());
    }
    Ok(())
}

/// Whether a framework that is known may become what it now says.
pub(in crate::embedded::master) fn update(old: &FrameworkInfo, new: &FrameworkInfo) -> Check {
    principal(old, new)?;
    let unsupported = |field: &str, from: &str, to: &str| {
        Err(format!("Updating 'FrameworkInfo.{field}' is unsupported; attempted to update from '{from}' to '{to}'"))
    };
    if old.user != new.user {
        return unsupported("user", &old.user, &new.user);
    }
    let (from, to) = (old.checkpoint.unwrap_or(false), new.checkpoint.unwrap_or(false));
    if from != to {
        return unsupported("checkpoint", &from.to_string(), &to.to_string());
    }
    Ok(())
}
