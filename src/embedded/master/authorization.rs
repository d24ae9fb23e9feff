//! What schedulers' and operators' wishes mean to the authorizer: which action, on which object.
//!
//! Pure. (apache/mesos: src/master/authorization.cpp)

use serde_json::json;

use crate::embedded::authorize::Action;
use crate::embedded::resources::{is_persistent_volume, reservation_role};
use crate::mesos::{FrameworkInfo, Operation, OperationType, Reserve, Resource, TaskInfo};

/// Something that must be allowed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) action: Action,
    /// The object; `None` is any.
    pub(super) value: Option<String>,
    resource: Option<Resource>,
}

impl Asked {
    fn of(action: Action, value: &str, resource: &Resource) -> Self {
        Self { action, value: Some(value.to_owned()), resource: Some(resource.clone()) }
    }

    fn any(action: Action) -> Self {
        Self { action, value: None, resource: None }
    }

    /// As a refusal tells it.
    pub(super) fn told(&self) -> String {
        let action = match self.action {
            Action::ReserveResources => "RESERVE_RESOURCES",
            Action::UnreserveResources => "UNRESERVE_RESOURCES",
            Action::CreateVolume => "CREATE_VOLUME",
            Action::DestroyVolume => "DESTROY_VOLUME",
            Action::ResizeVolume => "RESIZE_VOLUME",
            Action::CreateBlockDisk => "CREATE_BLOCK_DISK",
            Action::DestroyBlockDisk => "DESTROY_BLOCK_DISK",
            Action::CreateMountDisk => "CREATE_MOUNT_DISK",
            Action::DestroyMountDisk => "DESTROY_MOUNT_DISK",
            _ => "DESTROY_RAW_DISK",
        };
        match &self.value {
            None => format!("perform action {action} on ANY object"),
            Some(value) => {
                format!("perform action {action} on object {}", json!({"value": value, "resource": self.resource}))
            }
        }
    }
}

/// A task's user, as far as it has one of its own.
pub(super) fn task_user(task: &TaskInfo) -> Option<&str> {
    let own = task.command.as_ref().and_then(|command| command.user.as_deref());
    let executor = || task.executor.as_ref()?.command.as_ref()?.user.as_deref();
    own.or_else(executor)
}

/// A launch, as a refusal tells it.
pub(super) fn launch(task: &TaskInfo, framework: &FrameworkInfo) -> String {
    let id = framework.id.clone().unwrap_or_default();
    let user = task_user(task).unwrap_or(&framework.user);
    format!("launch task {} of framework {id} under user '{user}'", task.task_id)
}

/// What an operation asks for, each thing once.
pub(super) fn asked(operation: &Operation) -> Vec<Asked> {
    let mut all = match operation {
        Operation { reserve: Some(reserve), r#type: Some(OperationType::Reserve), .. } => reserved(reserve),
        Operation { unreserve: Some(unreserve), r#type: Some(OperationType::Unreserve), .. } => {
            unreserved(&unreserve.resources)
        }
        Operation { create: Some(create), r#type: Some(OperationType::Create), .. } => {
            or_any(create.volumes.iter().map(|it| by_role(Action::CreateVolume, it)).collect(), Action::CreateVolume)
        }
        Operation { destroy: Some(destroy), r#type: Some(OperationType::Destroy), .. } => {
            let volumes = destroy.volumes.iter().filter(|volume| is_persistent_volume(volume));
            let of = |volume: &Resource| {
                let persistence = volume.disk.as_ref().and_then(|disk| disk.persistence.as_ref());
                let creator = persistence.and_then(|persistence| persistence.principal.as_deref());
                Asked::of(Action::DestroyVolume, creator.unwrap_or(""), volume)
            };
            or_any(volumes.map(of).collect(), Action::DestroyVolume)
        }
        Operation { grow_volume: Some(grow), r#type: Some(OperationType::GrowVolume), .. } => {
            vec![by_role(Action::ResizeVolume, &grow.volume)]
        }
        Operation { shrink_volume: Some(shrink), r#type: Some(OperationType::ShrinkVolume), .. } => {
            vec![by_role(Action::ResizeVolume, &shrink.volume)]
        }
        _ => Vec::new(),
    };
    let mut seen: Vec<(Action, Option<String>)> = Vec::new();
    all.retain(|one| {
        let key = (one.action, one.value.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    all
}

fn by_role(action: Action, resource: &Resource) -> Asked {
    Asked::of(action, reservation_role(resource), resource)
}

fn or_any(asked: Vec<Asked>, action: Action) -> Vec<Asked> {
    if asked.is_empty() { vec![Asked::any(action)] } else { asked }
}

fn unreserved(resources: &[Resource]) -> Vec<Asked> {
    let reserver = |resource: &Resource| resource.reservations.last().and_then(|last| last.principal.clone());
    let mut all: Vec<Asked> = resources
        .iter()
        .filter_map(|resource| Some(Asked::of(Action::UnreserveResources, &reserver(resource)?, resource)))
        .collect();
    if resources.iter().any(|resource| reserver(resource).is_none()) {
        all.push(Asked::any(Action::UnreserveResources));
    }
    all
}

/// A reservation that starts from another one is the end of that one, down to what both have in common, and new ones
/// from there.
fn reserved(reserve: &Reserve) -> Vec<Asked> {
    let (Some(source), Some(target)) = (reserve.source.first(), reserve.resources.first()) else {
        return reserve.resources.iter().map(|resource| by_role(Action::ReserveResources, resource)).collect();
    };
    let (from, to) = (&source.reservations, &target.reservations);
    let common = from.iter().zip(to).take_while(|(left, right)| left == right).count();
    let upto = |resource: &Resource, count: usize| {
        let reservations = resource.reservations.iter().take(count).cloned().collect();
        Resource { reservations, ..resource.clone() }
    };
    let ended = (common + 1..=from.len()).rev().flat_map(|count| unreserved(&[upto(source, count)]));
    let made = (common + 1..=to.len()).map(|count| by_role(Action::ReserveResources, &upto(target, count)));
    ended.chain(made).collect()
}
