//! Operations on offered resources: reservations and volumes.

use super::{Check, because, resource};
use crate::embedded::resources::{
    Printed, Resources, fixed, is_dynamically_reserved, is_persistent_volume, reservation_role,
};
use crate::mesos::{
    CreateDisk, DestroyDisk, DiskSourceType, FrameworkInfo, GrowVolume, Operation, OperationType, Reserve, Resource,
    ShrinkVolume,
};

/// Whether an operation has its part, with well-formed resources; it comes before the other checks.
pub(in crate::embedded::master) fn form(operation: &Operation) -> Check {
    let kind = operation.r#type.as_ref().map_or("", |kind| kind.as_str());
    let must = |article: &str, what: &str, end: &str| {
        Err(format!(
            "{article} {kind} {what} must have the Offer.Operation.{} field set{end}",
            kind.to_ascii_lowercase()
        ))
    };
    let offer = |there: bool| if there { Ok(()) } else { must("A", "offer operation", ".") };
    match operation.r#type {
        Some(OperationType::Reserve) => {
            offer(operation.reserve.is_some())?;
            let Some(reserve) = &operation.reserve else { return Ok(()) };
            resource::form(&reserve.resources)?;
            resource::form(&reserve.source)
        }
        Some(OperationType::Unreserve) => match &operation.unreserve {
            Some(unreserve) => resource::form(&unreserve.resources),
            None => must("An", "offer operation", "."),
        },
        Some(OperationType::Create) => {
            offer(operation.create.is_some())?;
            operation.create.iter().try_for_each(|create| resource::form(&create.volumes))
        }
        Some(OperationType::Destroy) => {
            offer(operation.destroy.is_some())?;
            operation.destroy.iter().try_for_each(|destroy| resource::form(&destroy.volumes))
        }
        Some(OperationType::GrowVolume) => match &operation.grow_volume {
            Some(grow) => resource::one(&grow.volume).and_then(|()| resource::one(&grow.addition)),
            None => must("A", "operation", ""),
        },
        Some(OperationType::ShrinkVolume) => match &operation.shrink_volume {
            Some(shrink) => resource::one(&shrink.volume),
            None => must("A", "offer operation", ""),
        },
        Some(OperationType::CreateDisk) => {
            offer(operation.create_disk.is_some())?;
            operation.create_disk.iter().try_for_each(|create| resource::one(&create.source))
        }
        Some(OperationType::DestroyDisk) => {
            offer(operation.destroy_disk.is_some())?;
            operation.destroy_disk.iter().try_for_each(|destroy| resource::one(&destroy.source))
        }
        Some(OperationType::Launch) => {
            offer(operation.launch.is_some())?;
            operation.launch.iter().flat_map(|launch| &launch.task_infos).try_for_each(task_form)
        }
        Some(OperationType::LaunchGroup) => {
            offer(operation.launch_group.is_some())?;
            let Some(launch) = &operation.launch_group else { return Ok(()) };
            resource::form(&launch.executor.resources)?;
            launch.task_group.tasks.iter().try_for_each(task_form)
        }
        _ => Err("Unknown offer operation".to_owned()),
    }
}

fn task_form(task: &crate::mesos::TaskInfo) -> Check {
    resource::form(&task.resources)?;
    task.executor.iter().try_for_each(|executor| resource::form(&executor.resources))
}

/// RESERVE.
pub(in crate::embedded::master) fn reserve(
    reserve: &Reserve,
    principal: Option<&str>,
    framework: Option<&FrameworkInfo>,
) -> Check {
    because("Invalid resources: ", resource::check(&reserve.resources))?;
    because("Invalid source: ", resource::check(&reserve.source))?;
    if !reserve.source.is_empty() {
        because("Invalid source: ", one_reservation(&reserve.source))?;
        because("Invalid resources: ", one_reservation(&reserve.resources))?;
        let plain = |list: &[Resource]| {
            let plain = |one: &Resource| Resource { reservations: Vec::new(), ..one.clone() };
            Resources::of(&list.iter().map(plain).collect::<Vec<_>>())
        };
        let (source, target) = (plain(&reserve.source), plain(&reserve.resources));
        if source != target {
            return Err(format!(
                "Source and target resources should refer to identical resource quantities: {source} vs. {target}"
            ));
        }
    }
    because("Invalid resources: ", resource::one_provider(&reserve.resources))?;
    let roles = framework.map(super::framework::roles);
    for resource in &reserve.resources {
        reserve_one(resource, roles.as_deref(), principal)?;
    }
    if framework.is_none() {
        return Ok(());
    }
    because("Invalid reservation resources: ", resource::one_role(&Resources::of(&reserve.resources)))
}

/// All have the same reservations.
fn one_reservation(resources: &[Resource]) -> Check {
    let Some(first) = resources.first() else { return Err("Resource cannot be empty".to_owned()) };
    if resources.iter().any(|resource| resource.reservations != first.reservations) {
        let shown: Vec<String> = resources.iter().map(|resource| Printed(resource).to_string()).collect();
        return Err(format!("Mixed reservations are not supported{{ {} }}", shown.join(", ")));
    }
    Ok(())
}

fn reserve_one(resource: &Resource, roles: Option<&[String]>, principal: Option<&str>) -> Check {
    let shown = Printed(resource);
    if !is_dynamically_reserved(resource) {
        return Err(format!("Resource {shown} is not dynamically reserved"));
    }
    let tried = "A reserve operation was attempted";
    let reserved_by = resource.reservations.last().and_then(|last| last.principal.as_deref());
    match (principal, reserved_by) {
        (Some(principal), None) => {
            return Err(format!(
                "{tried} by principal '{principal}', but there is a reserved resource in the request with no \
                 principal set"
            ));
        }
        (Some(principal), Some(other)) if principal != other => {
            return Err(format!(
                "{tried} by authenticated principal '{principal}', which does not match a reserved resource in the \
                 request with principal '{other}'"
            ));
        }
        _ => {}
    }
    let Some(roles) = roles else {
        return match resource.allocation_info {
            Some(_) => Err(format!(
                "{tried} with an allocated resource, but the operator API only allows reservations to be made to \
                 unallocated resources"
            )),
            None => Ok(()),
        };
    };
    let Some(allocated) = resource.allocation_info.as_ref().and_then(|info| info.role.as_deref()) else {
        return Err(format!(
            "{tried} on unallocated resource {shown}, but frameworks can only perform reservations on allocated \
             resources"
        ));
    };
    let role = reservation_role(resource);
    if allocated != role {
        return Err(format!(
            "{tried} for a resource with role '{role}', but the resource was allocated to role '{allocated}'"
        ));
    }
    if !roles.iter().any(|have| have == allocated) {
        return Err(format!(
            "{tried} for a resource allocated to role '{allocated}', but the framework only has roles '{{ {} }}'",
            roles.join(", ")
        ));
    }
    Ok(())
}

/// UNRESERVE.
pub(in crate::embedded::master) fn unreserve(resources: &[Resource]) -> Check {
    because("Invalid resources: ", resource::check(resources))?;
    because("Invalid resources: ", resource::one_provider(resources))?;
    for resource in resources {
        let shown = Printed(resource);
        if !is_dynamically_reserved(resource) {
            return Err(format!("Resource {shown} is not dynamically reserved"));
        }
        if is_persistent_volume(resource) {
            return Err(format!(
                "A dynamically reserved persistent volume {shown} cannot be unreserved directly. Please destroy the \
                 persistent volume first then unreserve the resource"
            ));
        }
    }
    Ok(())
}

/// CREATE; `there` are the agent's volumes.
pub(in crate::embedded::master) fn create(
    volumes: &[Resource],
    there: &Resources,
    principal: Option<&str>,
    framework: Option<&FrameworkInfo>,
) -> Check {
    because("Invalid resources: ", resource::check(volumes))?;
    because("Invalid resources: ", resource::one_provider(volumes))?;
    because("Not a persistent volume: ", resource::volumes(volumes))?;
    resource::unique_persistence(&there.plus(&Resources::of(volumes).unallocated()))?;
    for volume in volumes {
        let shares = crate::mesos::FrameworkCapabilityType::SharedResources;
        if let Some(info) = framework.filter(|info| volume.shared.is_some() && !super::framework::can(info, &shares)) {
            return Err(format!(
                "Create volume operation for '{}' has been attempted by framework '{}' with no SHARED_RESOURCES \
                 capability",
                Printed(volume),
                info.id.clone().unwrap_or_default()
            ));
        }
        let Some(principal) = principal else { continue };
        let of_volume = volume.disk.as_ref().and_then(|disk| disk.persistence.as_ref()?.principal.as_ref());
        match of_volume {
            None => {
                return Err(format!(
                    "Create volume operation attempted by principal '{principal}', but there is a volume in the \
                     operation with no principal set in 'disk.persistence'"
                ));
            }
            Some(other) if other.as_str() != principal => {
                return Err(format!(
                    "Create volume operation attempted by authenticated principal '{principal}', which does not \
                     match a volume in the operation with principal '{other}' set in 'disk.persistence'"
                ));
            }
            Some(_) => {}
        }
    }
    if framework.is_none() {
        return Ok(());
    }
    because("Invalid volume resources: ", resource::one_role(&Resources::of(volumes)))
}

/// DESTROY; `there` are the agent's volumes, `used` what runs on it.
pub(in crate::embedded::master) fn destroy(volumes: &[Resource], there: &Resources, used: &Resources) -> Check {
    let volumes = Resources::of(volumes).unallocated();
    because("Invalid resources: ", resource::check(volumes.list()))?;
    because("Invalid resources: ", resource::one_provider(volumes.list()))?;
    because("Not a persistent volume: ", resource::volumes(volumes.list()))?;
    let used = used.unallocated();
    for volume in volumes.list() {
        let one = Resources::of(std::slice::from_ref(volume));
        if volume.provider_id.is_none() && !there.contains(&one) {
            return Err("Persistent volumes not found".to_owned());
        }
        if used.contains(&one) {
            return Err("Persistent volumes in use".to_owned());
        }
    }
    Ok(())
}

fn scalar(resource: &Resource) -> i64 {
    fixed(resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value))
}

/// The resource without what makes it a persistent volume.
pub(in crate::embedded::master) fn stripped(volume: &Resource) -> Resource {
    let mut plain = volume.clone();
    match &mut plain.disk {
        Some(disk) if disk.source.is_some() => (disk.persistence, disk.volume) = (None, None),
        _ => plain.disk = None,
    }
    plain
}

/// GROW_VOLUME.
pub(in crate::embedded::master) fn grow(grow: &GrowVolume) -> Check {
    because("Invalid resource in the 'GrowVolume.volume' field: ", resource::one(&grow.volume))?;
    because("Invalid resource in the 'GrowVolume.addition' field: ", resource::one(&grow.addition))?;
    if scalar(&grow.addition) <= 0 {
        return Err("The size of 'GrowVolume.addition' field must be greater than zero".to_owned());
    }
    if grow.volume.provider_id.is_some() {
        return Err("Growing a volume from a resource provider is not supported".to_owned());
    }
    because(
        "Invalid persistent volume in the 'GrowVolume.volume' field: ",
        resource::volumes(std::slice::from_ref(&grow.volume)),
    )?;
    if grow.volume.shared.is_some() {
        return Err("Growing a shared persistent volume is not supported".to_owned());
    }
    if Resources::of(&[stripped(&grow.volume), grow.addition.clone()]).list().len() != 1 {
        return Err("Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields".to_owned());
    }
    Ok(())
}

/// SHRINK_VOLUME.
pub(in crate::embedded::master) fn shrink(shrink: &ShrinkVolume) -> Check {
    because("Invalid resource in the 'ShrinkVolume.volume' field: ", resource::one(&shrink.volume))?;
    let less = fixed(shrink.subtract.value);
    if less <= 0 {
        return Err("Value of 'ShrinkVolume.subtract' must be greater than zero".to_owned());
    }
    if scalar(&shrink.volume) <= less {
        return Err(
            "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'".to_owned()
        );
    }
    if shrink.volume.provider_id.is_some() {
        return Err("Shrinking a volume from a resource provider is not supported".to_owned());
    }
    let source = shrink.volume.disk.as_ref().and_then(|disk| disk.source.as_ref());
    if source.is_some_and(|source| source.r#type == DiskSourceType::Mount) {
        return Err("Shrinking a volume on a MOUNT disk is not supported".to_owned());
    }
    because(
        "Invalid persistent volume in the 'ShrinkVolume.volume' field: ",
        resource::volumes(std::slice::from_ref(&shrink.volume)),
    )?;
    if shrink.volume.shared.is_some() {
        return Err("Shrinking a shared persistent volume is not supported".to_owned());
    }
    Ok(())
}

fn disk_type(resource: &Resource) -> Option<&DiskSourceType> {
    Some(&resource.disk.as_ref()?.source.as_ref()?.r#type)
}

/// CREATE_DISK.
pub(in crate::embedded::master) fn create_disk(create: &CreateDisk) -> Check {
    let source = &create.source;
    because("Invalid resource: ", resource::check(std::slice::from_ref(source)))?;
    if source.provider_id.is_none() {
        return Err("'source' is not managed by a resource provider".to_owned());
    }
    if disk_type(source) != Some(&DiskSourceType::Raw) {
        return Err("'source' is not a RAW disk resource".to_owned());
    }
    if !matches!(create.target_type, DiskSourceType::Mount | DiskSourceType::Block) {
        return Err("'target_type' is neither MOUNT or BLOCK".to_owned());
    }
    let profile = source.disk.as_ref().and_then(|disk| disk.source.as_ref()?.profile.as_ref());
    match (profile.is_some(), create.target_profile.is_some()) {
        (true, true) => Err("'target_profile' must not be set when 'source' has a profile".to_owned()),
        (false, false) => Err("'target_profile' must be set when 'source' has no profile".to_owned()),
        _ => Ok(()),
    }
}

/// DESTROY_DISK.
pub(in crate::embedded::master) fn destroy_disk(destroy: &DestroyDisk) -> Check {
    let source = &destroy.source;
    because("Invalid resource: ", resource::check(std::slice::from_ref(source)))?;
    if source.provider_id.is_none() {
        return Err("'source' is not managed by a resource provider".to_owned());
    }
    if !matches!(disk_type(source), Some(DiskSourceType::Mount | DiskSourceType::Block | DiskSourceType::Raw)) {
        return Err("'source' is neither a MOUNT, BLOCK or RAW disk resource".to_owned());
    }
    if source.disk.as_ref().and_then(|disk| disk.source.as_ref()?.id.as_ref()).is_none() {
        return Err("'source' is not backed by a CSI volume".to_owned());
    }
    if is_persistent_volume(source) {
        return Err(format!(
            "A disk resource containing a persistent volume {} cannot be destroyed directly. Please destroy the \
             persistent volume first then destroy the disk resource",
            Printed(source)
        ));
    }
    Ok(())
}
