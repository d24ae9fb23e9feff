//! Lists of resources: their form, their disks and reservations.

use std::collections::HashSet;

use super::{Check, because, id, role};
use crate::embedded::resources::{Printed, Resources, is_dynamically_reserved, is_persistent_volume, reservation_role};
use crate::mesos::{DiskSourceType, ReservationType, Resource, ValueType, VolumeMode};

/// Whether each is well formed, and which isn't.
pub(in crate::embedded::master) fn form(resources: &[Resource]) -> Check {
    resources.iter().try_for_each(|resource| {
        one(resource).map_err(|why| format!("Resource '{}' is invalid: {why}", Printed(resource)))
    })
}

/// One resource, without its name before the answer.
pub(in crate::embedded::master) fn one(resource: &Resource) -> Check {
    if resource.name.is_empty() {
        return Err("Empty resource name".to_owned());
    }
    amount(resource)?;
    disk(resource)?;
    reservations(resource)?;
    if resource.shared.is_some() {
        if resource.name != "disk" {
            return Err(format!("Resource {} cannot be shared", resource.name));
        }
        if !is_persistent_volume(resource) {
            return Err("Only persistent volumes can be shared".to_owned());
        }
    }
    Ok(())
}

fn amount(resource: &Resource) -> Check {
    let given = (resource.scalar.is_some(), resource.ranges.is_some(), resource.set.is_some());
    match resource.r#type {
        ValueType::Scalar if given != (true, false, false) => Err("Invalid scalar resource".to_owned()),
        ValueType::Scalar => {
            let value = resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value);
            if value != 0.0 && crate::embedded::resources::fixed(value) <= 0 {
                return Err("Invalid scalar resource: value <= 0".to_owned());
            }
            Ok(())
        }
        ValueType::Ranges if given != (false, true, false) => Err("Invalid ranges resource".to_owned()),
        ValueType::Ranges => ranges(resource),
        ValueType::Set if given != (false, false, true) => Err("Invalid set resource".to_owned()),
        ValueType::Set => {
            let mut seen = HashSet::new();
            let mut items = resource.set.iter().flat_map(|set| &set.item);
            if items.all(|item| seen.insert(item)) {
                Ok(())
            } else {
                Err("Invalid set resource: duplicated elements".to_owned())
            }
        }
        // A real 1.11.0 master aborts while it prints such a resource; a newer one answers so.
        _ => Err("Unsupported resource type".to_owned()),
    }
}

fn ranges(resource: &Resource) -> Check {
    let ranges = resource.ranges.as_ref().map_or(&[][..], |ranges| &ranges.range);
    for (index, range) in ranges.iter().enumerate() {
        if range.begin > range.end {
            return Err("Invalid ranges resource: begin > end".to_owned());
        }
        if ranges[index + 1..].iter().any(|later| (range.begin..=range.end).contains(&later.begin)) {
            return Err("Invalid ranges resource: overlapping ranges".to_owned());
        }
    }
    Ok(())
}

fn disk(resource: &Resource) -> Check {
    let Some(disk) = &resource.disk else { return Ok(()) };
    if resource.name != "disk" {
        return Err(format!("DiskInfo should not be set for {} resource", resource.name));
    }
    let Some(source) = &disk.source else { return Ok(()) };
    match source.r#type {
        DiskSourceType::Block | DiskSourceType::Raw if source.mount.is_some() => {
            Err(format!("Mount should not be set for {} disk source", source.r#type))
        }
        DiskSourceType::Block | DiskSourceType::Raw if source.path.is_some() => {
            Err(format!("Path should not be set for {} disk source", source.r#type))
        }
        DiskSourceType::Path | DiskSourceType::Mount | DiskSourceType::Block | DiskSourceType::Raw => Ok(()),
        _ => Err(format!("Unsupported 'DiskInfo.Source.Type' in '{}'", source.r#type)),
    }
}

fn reservations(resource: &Resource) -> Check {
    let Some((first, refined)) = resource.reservations.split_first() else { return old_form(resource) };
    for reservation in &resource.reservations {
        if reservation.r#type.is_none() {
            return Err("Invalid reservation: 'Resource.ReservationInfo.type' field must be set.".to_owned());
        }
        let Some(name) = &reservation.role else {
            return Err("Invalid reservation: 'Resource.ReservationInfo.role' field must be set.".to_owned());
        };
        role::check(name)?;
        if name == "*" {
            return Err("Invalid reservation: role \"*\" cannot be reserved".to_owned());
        }
    }
    let mut ancestor = first.role.as_deref().unwrap_or("");
    for reservation in refined {
        if reservation.r#type == Some(ReservationType::Static) {
            return Err("Invalid refined reservation: A refined reservation cannot be STATIC".to_owned());
        }
        let descendant = reservation.role.as_deref().unwrap_or("");
        if !role::is_below(descendant, ancestor) {
            return Err(format!(
                "Invalid refined reservation: role '{descendant}' is not a refinement of '{ancestor}'"
            ));
        }
        ancestor = descendant;
    }
    both_forms(resource)
}

/// The form with `role` and `reservation`.
fn old_form(resource: &Resource) -> Check {
    let name = resource.role.as_deref().unwrap_or("*");
    role::check(name)?;
    let Some(reservation) = &resource.reservation else { return Ok(()) };
    let unset = |field: &str| {
        format!("'Resource.ReservationInfo.{field}' must not be set for the 'Resource.reservation' field")
    };
    if reservation.r#type.is_some() {
        return Err(unset("type"));
    }
    if reservation.role.is_some() {
        return Err(unset("role"));
    }
    if name == "*" {
        return Err("Invalid reservation: role \"*\" cannot be dynamically reserved".to_owned());
    }
    Ok(())
}

/// The old form beside the new one must say the same.
fn both_forms(resource: &Resource) -> Check {
    let bad = |why: &str| Err(format!("Invalid resource format: {why}"));
    let [only] = resource.reservations.as_slice() else {
        let more = "must not be set if there is more than one reservation in 'Resource.reservations'";
        return match (&resource.role, &resource.reservation) {
            (Some(_), _) => bad(&format!("'Resource.role' {more}")),
            (_, Some(_)) => bad(&format!("'Resource.reservation' {more}")),
            _ => Ok(()),
        };
    };
    let reserved = only.role.as_deref().unwrap_or("");
    if let Some(role) = resource.role.as_deref().filter(|role| *role != reserved) {
        return bad(&format!(
            "'Resource.role' field with '{role}' does not match the role '{reserved}' in 'Resource.reservations'"
        ));
    }
    match only.r#type {
        Some(ReservationType::Static) if resource.reservation.is_some() => {
            bad("'Resource.reservation' must not be set if the single reservation in 'Resource.reservations' is STATIC")
        }
        Some(ReservationType::Static) => Ok(()),
        Some(ReservationType::Dynamic) => {
            if resource.role.is_some() != resource.reservation.is_some() {
                return bad("'Resource.role' and 'Resource.reservation' must either be both set or both not set if \
                            the single reservation in 'Resource.reservations' is DYNAMIC");
            }
            let principal = |info: &crate::mesos::ReservationInfo| info.principal.clone().unwrap_or_default();
            match &resource.reservation {
                Some(old) if principal(old) != principal(only) => bad(&format!(
                    "'Resource.reservation.principal' field with '{}' does not match the principal '{}' in \
                     'Resource.reservations'",
                    principal(old),
                    principal(only)
                )),
                _ => Ok(()),
            }
        }
        _ => Err("Unsupported 'Resource.ReservationInfo.Type'".to_owned()),
    }
}

/// All that a task's, executor's or operation's resources must keep to.
pub(in crate::embedded) fn check(resources: &[Resource]) -> Check {
    because("Invalid resources: ", form(resources))?;
    let gpus = Resources::of(resources).amount("gpus");
    if (gpus * 1000.0) as i64 % 1000 != 0 {
        return Err("Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer".to_owned());
    }
    because("Invalid DiskInfo: ", disk_info(resources))?;
    for resource in resources {
        if is_dynamically_reserved(resource) && resource.revocable.is_some() {
            return Err(format!(
                "Invalid ReservationInfo: Dynamically reserved resource {} cannot be created from revocable resources",
                Printed(resource)
            ));
        }
    }
    Ok(())
}

fn disk_info(resources: &[Resource]) -> Check {
    for resource in resources {
        let Some(disk) = &resource.disk else { continue };
        let Some(persistence) = &disk.persistence else {
            match (&disk.volume, &disk.source) {
                (Some(_), _) => return Err("Non-persistent volume not supported".to_owned()),
                (None, None) => return Err("DiskInfo is set but empty".to_owned()),
                _ => continue,
            }
        };
        if resource.revocable.is_some() {
            return Err("Persistent volumes cannot be created from revocable resources".to_owned());
        }
        if resource.reservations.is_empty() {
            return Err("Persistent volumes cannot be created from unreserved resources".to_owned());
        }
        let Some(volume) = &disk.volume else {
            return Err("Expecting 'volume' to be set for persistent volume".to_owned());
        };
        if volume.host_path.is_some() {
            return Err("Expecting 'host_path' to be unset for persistent volume".to_owned());
        }
        because("Invalid persistence ID for persistent volume: ", id(&persistence.id))?;
    }
    Ok(())
}

/// No two volumes of one role may have one id.
pub(in crate::embedded::master) fn unique_persistence(resources: &Resources) -> Check {
    let mut seen = HashSet::new();
    for resource in resources.list() {
        let Some(persistence) = resource.disk.as_ref().and_then(|disk| disk.persistence.as_ref()) else { continue };
        if !seen.insert((reservation_role(resource), &persistence.id)) {
            return Err(format!("Persistence ID '{}' is not unique", persistence.id));
        }
    }
    Ok(())
}

/// All must be given to one role.
pub(in crate::embedded::master) fn one_role(resources: &Resources) -> Check {
    let mut first = None;
    for resource in resources.list() {
        let Some(role) = resource.allocation_info.as_ref().and_then(|info| info.role.as_deref()) else {
            return Err("The resources are not allocated to a role".to_owned());
        };
        let first = *first.get_or_insert(role);
        if role != first {
            return Err(format!(
                "The resources have multiple allocation roles ('{role}' and '{first}') but only one allocation role \
                 is allowed"
            ));
        }
    }
    Ok(())
}

/// A resource's name must stand for revocable ones or for others, not both.
pub(in crate::embedded::master) fn revocable_apart(resources: &Resources) -> Check {
    for name in resources.names() {
        let mut of_name = resources.list().iter().filter(|resource| resource.name == name);
        let revocable = of_name.clone().any(|resource| resource.revocable.is_some());
        if revocable && of_name.any(|resource| resource.revocable.is_none()) {
            return Err(format!("Cannot use both revocable and non-revocable '{name}' at the same time"));
        }
    }
    Ok(())
}

/// Whether adding these up loses something, which tells that ranges or sets overlap.
pub(in crate::embedded::master) fn overlap(parts: &[Resources]) -> bool {
    let mut sum = Resources::default();
    let mut amounts = std::collections::BTreeMap::<String, i64>::new();
    for part in parts {
        for (name, amount) in part.quantities() {
            *amounts.entry(name).or_default() += amount;
        }
        sum.add(part);
    }
    sum.quantities() != amounts
}

/// All must be persistent volumes that can be written.
pub(in crate::embedded::master) fn volumes(resources: &[Resource]) -> Check {
    for resource in resources {
        let Some(disk) = &resource.disk else {
            return Err(format!("Resource {} does not have DiskInfo", Printed(resource)));
        };
        if disk.persistence.is_none() {
            return Err("'persistence' is not set in DiskInfo".to_owned());
        }
        let Some(volume) = &disk.volume else {
            return Err("Expecting 'volume' to be set for persistent volume".to_owned());
        };
        if volume.mode == VolumeMode::Ro {
            return Err("Read-only persistent volume not supported".to_owned());
        }
    }
    Ok(())
}

/// All must come from one provider, the agent itself being one.
pub(in crate::embedded::master) fn one_provider(resources: &[Resource]) -> Check {
    let providers: HashSet<_> = resources.iter().map(|resource| resource.provider_id.as_ref()).collect();
    if providers.len() == 1 {
        return Ok(());
    }
    if providers.contains(&None) {
        return Err("Some resources have a resource provider and some do not".to_owned());
    }
    let names: Vec<&str> = providers.into_iter().flatten().map(|id| id.as_str()).collect();
    Err(format!("The resources have multiple resource providers: {}", names.join(", ")))
}
