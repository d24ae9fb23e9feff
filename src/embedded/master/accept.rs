//! ACCEPT: what becomes of offers that a framework uses.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::actor::{Master, Timer, event};
use super::authorization::{self, asked, task_user};
use super::conversion::{Conversion, applied, conversions};
use super::framework::{Operation as Applied, Task};
use super::validate::Check;
use super::validate::operation as check;
use super::validate::task::{self as check_task, Place, Taken};
use crate::embedded::authorize::Action;
use crate::embedded::link::{Applied as Kept, ToAgent};
use crate::embedded::resources::{Resources, upgraded};
use crate::mesos::{
    Accept, AgentId, AllocationInfo, EventMessage, EventType, ExecutorInfo, FrameworkId, FrameworkInfo,
    HealthCheckType, LaunchGroup, OfferId, Operation, OperationState, OperationStatus, OperationType, Resource,
    StatusReason, TaskInfo, TaskState, UpdateOperationStatus, Uuid,
};

/// Before an operation's status is sent a second time.
const RETRY: Duration = Duration::from_secs(10);
/// The longest time between two of its sendings.
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// Offers in use, while their operations are gone through.
struct Use {
    framework: FrameworkId,
    agent: AgentId,
    role: String,
    /// What is left.
    rest: Resources,
    /// What was offered, as operations have changed it.
    offered: Resources,
    /// What growing and shrinking volumes made, which this ACCEPT can't use any more.
    resized: Resources,
}

impl Master {
    /// ACCEPT.
    pub(super) fn accept(&mut self, id: &FrameworkId, accept: Accept) {
        for launch in accept.operations.iter().filter(|one| one.r#type == Some(OperationType::Launch)) {
            // One without tasks declines, says the original.
            let has_tasks = tasks(launch).is_some_and(|tasks| !tasks.is_empty());
            self.count(if has_tasks { "messages_launch_tasks" } else { "messages_decline_offers" });
        }
        if let Err(why) = self.check_offers(id, &accept.offer_ids) {
            return self.accept_invalid(id, &accept, &why);
        }
        let mut offered = Resources::default();
        let mut place = None;
        for offer in accept.offer_ids.iter().filter_map(|offer| self.take_offer(offer)) {
            offered.add(&Resources::of(&offer.resources));
            place = Some((offer.agent_id, offer.allocation_info.and_then(|info| info.role)));
        }
        let Some((agent, role)) = place else { return };
        if let Some(framework) = self.framework(id) {
            framework.counters.add("offers/accepted", accept.offer_ids.len() as u64);
        }
        let role = role.unwrap_or_else(|| "*".to_owned());
        let mut used = Use {
            framework: id.clone(),
            agent,
            role,
            rest: offered.clone(),
            offered: offered.clone(),
            resized: Resources::default(),
        };
        let operations: Vec<Operation> =
            accept.operations.into_iter().filter_map(|operation| self.prepare(&used, operation)).collect();
        for operation in operations {
            self.operation(&mut used, operation);
        }
        let converted = used.rest.plus(&used.resized).minus(&offered);
        let declined = used.rest.minus(&converted);
        let now = Instant::now();
        self.allocator.recover(id, &used.agent, &converted, None, now);
        let filters = accept.filters.unwrap_or_default();
        self.allocator.recover(id, &used.agent, &declined, Some(&filters), now);
    }

    fn check_offers(&self, id: &FrameworkId, offers: &[OfferId]) -> Check {
        if offers.is_empty() {
            return Err("No offers specified".to_owned());
        }
        for (index, offer) in offers.iter().enumerate() {
            if offers[..index].contains(offer) {
                return Err(format!("Duplicate offer {offer} in offer list"));
            }
        }
        let known: Result<Vec<_>, _> = offers
            .iter()
            .map(|offer| self.offers.get(offer).ok_or_else(|| format!("Offer {offer} is no longer valid")))
            .collect();
        let known = known?;
        if let Some(offer) = known.iter().find(|offer| offer.framework_id != *id) {
            return Err(format!(
                "Offer {} has invalid framework {} while framework {id} is expected",
                offer.id, offer.framework_id
            ));
        }
        let role = |offer: &crate::mesos::Offer| {
            offer.allocation_info.as_ref().and_then(|info| info.role.clone()).unwrap_or_default()
        };
        let first = known[0];
        if let Some(other) = known.iter().find(|offer| role(offer) != role(first)) {
            // The unbalanced quotes are the original's.
            return Err(format!(
                "Aggregated offers must be allocated to the same role. Offer {} uses role '{} but another is using \
                 role '{}",
                other.id,
                role(other),
                role(first)
            ));
        }
        if let Some(other) = known.iter().find(|offer| offer.agent_id != first.agent_id) {
            return Err(format!(
                "Aggregated offers must belong to one single agent. Offer {} uses agent {} and agent {}",
                other.id, other.agent_id, first.agent_id
            ));
        }
        Ok(())
    }

    /// Offers that can't be used: what they were for is lost, and what is still offered comes back.
    fn accept_invalid(&mut self, id: &FrameworkId, accept: &Accept, why: &str) {
        for offer in &accept.offer_ids {
            if self.offers.get(offer).is_some_and(|offer| offer.framework_id == *id) {
                self.discard(offer, None);
            }
        }
        let aware = self.framework(id).is_some_and(super::framework::Framework::partition_aware);
        let state = if aware { TaskState::Dropped } else { TaskState::Lost };
        for operation in &accept.operations {
            match tasks(operation) {
                Some(tasks) => {
                    let message = format!("Task launched with invalid offers: {why}");
                    self.refuse_tasks(id, tasks, &state, StatusReason::InvalidOffers, &message);
                }
                None => self.refuse(id, operation, &format!("Operation attempted with invalid offers: {why}")),
            }
        }
    }

    fn refuse_tasks<'a>(
        &self,
        id: &FrameworkId,
        tasks: impl IntoIterator<Item = &'a TaskInfo>,
        state: &TaskState,
        reason: StatusReason,
        message: &str,
    ) {
        for task in tasks {
            let mut status = self.status(&task.task_id, state.clone(), Some(reason.clone()), Some(message.to_owned()));
            status.agent_id = Some(task.agent_id.clone());
            self.count_end(&status);
            self.forward(id, &status);
        }
    }

    /// An operation that isn't done; only one with an id has somebody who waits for it.
    fn refuse(&self, id: &FrameworkId, operation: &Operation, why: &str) {
        tracing::debug!(%id, why, "an operation is dropped");
        if let Some(operation_id) = &operation.id {
            self.send_status(
                id,
                OperationStatus {
                    operation_id: Some(operation_id.clone()),
                    state: OperationState::Error,
                    message: Some(why.to_owned()),
                    ..OperationStatus::default()
                },
            );
        }
    }

    fn send_status(&self, id: &FrameworkId, status: OperationStatus) {
        let update = UpdateOperationStatus { status, ..UpdateOperationStatus::default() };
        let event = EventMessage { update_operation_status: Some(update), ..event(EventType::UpdateOperationStatus) };
        self.send(id, &event);
    }

    /// The first checks of an operation, and what the master fills in.
    fn prepare(&self, used: &Use, mut operation: Operation) -> Option<Operation> {
        let id = &used.framework;
        let kind = operation.r#type.clone();
        if matches!(kind, None | Some(OperationType::Unknown | OperationType::Other(_))) {
            return None;
        }
        let reservation_update = operation.reserve.as_ref().is_some_and(|reserve| !reserve.source.is_empty());
        let checked = check::form(&operation).and_then(|()| match kind {
            Some(OperationType::Reserve) if reservation_update => {
                Err("Reservation updates are not yet implemented for the scheduler API.".to_owned())
            }
            _ => Ok(()),
        });
        let reason = if kind == Some(OperationType::Launch) {
            StatusReason::TaskInvalid
        } else {
            StatusReason::TaskGroupInvalid
        };
        let is_launch = matches!(kind, Some(OperationType::Launch | OperationType::LaunchGroup));
        match checked {
            Err(why) if is_launch => {
                self.refuse_tasks(id, tasks(&operation).into_iter().flatten(), &TaskState::Error, reason, &why);
                return None;
            }
            Err(why) => {
                self.refuse(id, &operation, &format!("Operation attempted with invalid resources: {why}"));
                return None;
            }
            Ok(()) if is_launch && operation.id.is_some() => {
                let name = kind.as_ref().map_or("", |kind| kind.as_str());
                let why = format!("The `id` field cannot be set on {name} operations");
                self.refuse_tasks(id, tasks(&operation).into_iter().flatten(), &TaskState::Error, reason, &why);
                return None;
            }
            Ok(()) => {}
        }
        each_resource(&mut operation, |resource| {
            let mut whole = upgraded(std::mem::take(resource));
            whole
                .allocation_info
                .get_or_insert_with(|| AllocationInfo { role: Some(used.role.clone()), ..AllocationInfo::default() });
            *resource = whole;
        });
        fill_in(&mut operation, id);
        Some(operation)
    }

    fn operation(&mut self, used: &mut Use, operation: Operation) {
        match operation.r#type {
            Some(OperationType::Launch) => {
                for task in operation.launch.into_iter().flat_map(|launch| launch.task_infos) {
                    self.launch(used, task);
                }
            }
            Some(OperationType::LaunchGroup) => {
                if let Some(launch) = operation.launch_group {
                    self.launch_group(used, launch);
                }
            }
            _ => match self.convert(used, &operation) {
                Ok(()) => self.applied(used, operation),
                Err(why) => self.refuse(&used.framework, &operation, &why),
            },
        }
    }

    /// Runs a check against what the master knows of the place.
    fn with_place(&self, used: &Use, check: impl FnOnce(&Place<'_>) -> Check) -> Check {
        let Some(framework) = self.framework(&used.framework) else { return Ok(()) };
        let agent = &used.agent;
        check(&Place {
            framework: &used.framework,
            agent,
            taken: &|id| match framework.task(id) {
                Some(_) => Some(Taken::Running),
                None if framework.unreachable.iter().any(|task| task.id() == id) => Some(Taken::Unreachable),
                None => None,
            },
            executor: &|id| framework.executor(agent, id).cloned(),
            shares: &|id| {
                let under =
                    framework.tasks.values().filter(|task| task.agent() == agent && task.executor.as_ref() == Some(id));
                under
                    .map(|task| {
                        let linux = task.info.container.as_ref().and_then(|container| container.linux_info.as_ref());
                        linux.and_then(|linux| linux.share_cgroups).unwrap_or(true)
                    })
                    .collect()
            },
            offered: &used.rest,
        })
    }

    fn launch(&mut self, used: &mut Use, task: TaskInfo) {
        let tasks = std::slice::from_ref(&task);
        if let Err(what) = self.may_launch(&used.framework, &task) {
            let principal = self.framework(&used.framework).and_then(|framework| framework.info.principal.clone());
            let why = format!("Principal '{}' no authorized to {what}", principal.unwrap_or_default());
            let reason = StatusReason::TaskUnauthorized;
            return self.refuse_tasks(&used.framework, tasks, &TaskState::Error, reason, &why);
        }
        if let Err(why) = self.with_place(used, |place| check_task::check(&task, place)) {
            self.refuse_tasks(&used.framework, tasks, &TaskState::Error, StatusReason::TaskInvalid, &why);
            return;
        }
        if let Some(executor) = &task.executor {
            self.add_executor(used, executor);
        }
        let task = Arc::new(task);
        self.add_task(used, &task);
        let Some(info) = self.framework(&used.framework).map(|framework| framework.info.clone()) else { return };
        self.count_operation(&used.framework, "LAUNCH");
        if let Some(agent) = self.agent(&used.agent) {
            agent.tell(ToAgent::Launch { framework: info, task });
        }
    }

    fn launch_group(&mut self, used: &mut Use, launch: LaunchGroup) {
        let (group, executor) = (launch.task_group, launch.executor);
        let refused = |task: &TaskInfo| Some((task.task_id.clone(), self.may_launch(&used.framework, task).err()?));
        // The last one is told of, and without a space, as in the original.
        if let Some((task, what)) = group.tasks.iter().filter_map(refused).next_back() {
            let why = format!("Task '{task}' is not authorized to{what}");
            let reason = StatusReason::TaskGroupUnauthorized;
            return self.refuse_tasks(&used.framework, &group.tasks, &TaskState::Error, reason, &why);
        }
        if let Err(why) = self.with_place(used, |place| check_task::check_group(&group, &executor, place)) {
            let reason = StatusReason::TaskGroupInvalid;
            self.refuse_tasks(&used.framework, &group.tasks, &TaskState::Error, reason, &why);
            return;
        }
        // A real master starts an executor without tasks, which idles until it is shut down; nobody hears of it.
        if group.tasks.is_empty() {
            return;
        }
        self.add_executor(used, &executor);
        let tasks: Vec<_> = group.tasks.into_iter().map(Arc::new).collect();
        tasks.iter().for_each(|task| self.add_task(used, task));
        let Some(info) = self.framework(&used.framework).map(|framework| framework.info.clone()) else { return };
        self.count_operation(&used.framework, "LAUNCH_GROUP");
        if let Some(agent) = self.agent(&used.agent) {
            agent.tell(ToAgent::LaunchGroup { framework: info, executor: Box::new(executor), tasks });
        }
    }

    fn add_executor(&mut self, used: &mut Use, executor: &ExecutorInfo) {
        let agent = used.agent.clone();
        let Some(framework) = self.framework_mut(&used.framework) else { return };
        if framework.executor(&agent, &executor.executor_id).is_none() {
            framework.executors.entry(agent).or_default().push(executor.clone());
            used.rest.subtract(&Resources::of(&executor.resources));
        }
    }

    fn add_task(&mut self, used: &mut Use, task: &Arc<TaskInfo>) {
        used.rest.subtract(&Resources::of(&task.resources));
        if let Some(framework) = self.framework_mut(&used.framework) {
            framework.tasks.insert(task.task_id.clone(), Arc::new(Task::new(task.clone())));
        }
        self.tell_task_added(&used.framework, &task.task_id);
    }

    /// Checks an operation on resources and does it to what is left of the offers.
    fn convert(&mut self, used: &mut Use, operation: &Operation) -> Check {
        let framework = self.framework(&used.framework);
        let info = framework.map(|framework| framework.info.clone()).unwrap_or_default();
        let agent = self.agent(&used.agent).map(super::agents::Agent::printed).unwrap_or_default();
        self.check_conversion(used, operation, &info).map_err(|why| format!("{why}; on agent {agent}"))?;
        self.authorized(operation, &info)?;
        let made = conversions(operation);
        match &operation.r#type {
            Some(kind @ (OperationType::GrowVolume | OperationType::ShrinkVolume)) => {
                for Conversion { from, to } in &made {
                    if !used.rest.contains(from) {
                        return Err(format!("Invalid {kind} operation: {} does not contain {from}", used.rest));
                    }
                    used.rest.subtract(from);
                    used.resized.add(to);
                }
            }
            Some(kind @ (OperationType::CreateDisk | OperationType::DestroyDisk)) => {
                let source = match operation {
                    Operation { create_disk: Some(create), .. } => Some(&create.source),
                    Operation { destroy_disk: Some(destroy), .. } => Some(&destroy.source),
                    _ => None,
                };
                let source = Resources::of(&source.cloned().into_iter().collect::<Vec<_>>());
                // No agent has a resource provider here, so none of its resources is ever there.
                return Err(format!("Invalid {kind} Operation: {} does not contain {source}", used.rest));
            }
            _ => used.rest = applied(&used.rest, &made)?,
        }
        self.allocator.convert(&used.agent, &used.framework, &mut used.offered, &made);
        Ok(())
    }

    fn check_conversion(&self, used: &Use, operation: &Operation, info: &FrameworkInfo) -> Check {
        let (volumes, principal) = (self.volumes(&used.agent), info.principal.as_deref());
        match operation {
            Operation { reserve: Some(reserve), r#type: Some(OperationType::Reserve), .. } => {
                check::reserve(reserve, principal, Some(info))
            }
            Operation { unreserve: Some(unreserve), r#type: Some(OperationType::Unreserve), .. } => {
                check::unreserve(&unreserve.resources)
            }
            Operation { create: Some(create), r#type: Some(OperationType::Create), .. } => {
                check::create(&create.volumes, &volumes, principal, Some(info))
            }
            Operation { destroy: Some(destroy), r#type: Some(OperationType::Destroy), .. } => {
                check::destroy(&destroy.volumes, &volumes, &self.used_on(&used.agent))
            }
            Operation { grow_volume: Some(grow), r#type: Some(OperationType::GrowVolume), .. } => check::grow(grow),
            Operation { shrink_volume: Some(shrink), r#type: Some(OperationType::ShrinkVolume), .. } => {
                check::shrink(shrink)
            }
            Operation { create_disk: Some(create), r#type: Some(OperationType::CreateDisk), .. } => {
                check::create_disk(create)
            }
            Operation { destroy_disk: Some(destroy), r#type: Some(OperationType::DestroyDisk), .. } => {
                check::destroy_disk(destroy)
            }
            _ => Err("Unknown offer operation".to_owned()),
        }
    }

    /// Whether the framework's principal may do this.
    fn authorized(&self, operation: &Operation, info: &FrameworkInfo) -> Check {
        let principal = info.principal.as_deref();
        let who = self.approver(principal);
        match asked(operation).into_iter().find(|one| !who.may(one.action, one.value.as_deref())) {
            Some(one) => Err(format!("Principal '{}' no authorized to {}", principal.unwrap_or(""), one.told())),
            None => Ok(()),
        }
    }

    /// Whether the framework's principal may run this; the refusal tells what.
    fn may_launch(&self, id: &FrameworkId, task: &TaskInfo) -> Check {
        let Some(framework) = self.framework(id) else { return Ok(()) };
        let user = task_user(task).unwrap_or(&framework.info.user);
        if self.approver(framework.info.principal.as_deref()).may(Action::RunTask, Some(user)) {
            return Ok(());
        }
        Err(authorization::launch(task, &framework.info))
    }

    /// An operation is done. Its status goes out as an agent's would: after this call, again until acknowledged.
    fn applied(&mut self, used: &Use, operation: Operation) {
        self.count_operation(&used.framework, operation.r#type.as_ref().map_or("", |kind| kind.as_str()));
        let wanted = operation.id.is_some();
        let uuid = uuid::Uuid::new_v4().as_bytes().to_vec();
        // The agent keeps them: it is there again when a master has ended.
        self.keep_resources(&used.agent);
        if let Some(agent) = self.agent(&used.agent).filter(|_| wanted) {
            let (framework_id, info, uuid) = (used.framework.clone(), operation.clone(), uuid.clone());
            agent.tell(ToAgent::Applied(Box::new(Kept { framework_id, info, uuid })));
        }
        if !wanted {
            return;
        }
        if let Some(framework) = self.framework_mut(&used.framework) {
            framework.operations.push(Applied {
                agent: used.agent.clone(),
                info: operation,
                state: OperationState::Finished,
                uuid: uuid.clone(),
                own_uuid: uuid::Uuid::new_v4().as_bytes().to_vec(),
                sent: 0,
            });
        }
        self.after(Duration::ZERO, Timer::Operation { framework: used.framework.clone(), uuid });
    }

    /// Sends an operation's status, and sees to its being sent again.
    pub(super) fn send_operation(&mut self, id: &FrameworkId, uuid: &[u8]) {
        let Some(framework) = self.framework_mut(id) else { return };
        let Some(operation) = framework.operations.iter_mut().find(|operation| operation.uuid == uuid) else {
            return;
        };
        let status = OperationStatus {
            operation_id: operation.info.id.clone(),
            state: operation.state.clone(),
            uuid: Some(Uuid { value: crate::mesos::Base64(uuid.to_vec()), ..Uuid::default() }),
            agent_id: Some(operation.agent.clone()),
            ..OperationStatus::default()
        };
        let delay = RETRY.saturating_mul(1 << operation.sent.min(10)).min(LONGEST_RETRY);
        operation.sent += 1;
        self.send_status(id, status);
        self.after(delay, Timer::Operation { framework: id.clone(), uuid: uuid.to_vec() });
    }
}

/// The tasks of an operation that launches.
fn tasks(operation: &Operation) -> Option<&[TaskInfo]> {
    match operation.r#type {
        Some(OperationType::Launch) => Some(operation.launch.as_ref().map_or(&[], |launch| &launch.task_infos)),
        Some(OperationType::LaunchGroup) => {
            Some(operation.launch_group.as_ref().map_or(&[], |launch| &launch.task_group.tasks))
        }
        _ => None,
    }
}

/// Goes over all resources that an operation names.
fn each_resource(operation: &mut Operation, mut change: impl FnMut(&mut Resource)) {
    let mut lists: Vec<&mut Vec<Resource>> = Vec::new();
    let mut ones: Vec<&mut Resource> = Vec::new();
    if let Some(launch) = &mut operation.launch {
        lists.extend(launch.task_infos.iter_mut().flat_map(task_lists));
    }
    if let Some(launch) = &mut operation.launch_group {
        lists.push(&mut launch.executor.resources);
        lists.extend(launch.task_group.tasks.iter_mut().flat_map(task_lists));
    }
    if let Some(reserve) = &mut operation.reserve {
        lists.extend([&mut reserve.resources, &mut reserve.source]);
    }
    lists.extend(operation.unreserve.iter_mut().map(|unreserve| &mut unreserve.resources));
    lists.extend(operation.create.iter_mut().map(|create| &mut create.volumes));
    lists.extend(operation.destroy.iter_mut().map(|destroy| &mut destroy.volumes));
    if let Some(grow) = &mut operation.grow_volume {
        ones.extend([&mut grow.volume, &mut grow.addition]);
    }
    ones.extend(operation.shrink_volume.iter_mut().map(|shrink| &mut shrink.volume));
    ones.extend(operation.create_disk.iter_mut().map(|create| &mut create.source));
    ones.extend(operation.destroy_disk.iter_mut().map(|destroy| &mut destroy.source));
    lists.into_iter().flatten().chain(ones).for_each(&mut change);
}

fn task_lists(task: &mut TaskInfo) -> impl Iterator<Item = &mut Vec<Resource>> {
    std::iter::once(&mut task.resources).chain(task.executor.iter_mut().map(|executor| &mut executor.resources))
}

/// What a scheduler may leave out: executors' framework and tasks' executor, a health check's type.
fn fill_in(operation: &mut Operation, id: &FrameworkId) {
    for task in operation.launch.iter_mut().flat_map(|launch| &mut launch.task_infos) {
        if let Some(executor) = &mut task.executor {
            executor.framework_id.get_or_insert_with(|| id.clone());
        }
        if let Some(check) = task.health_check.as_mut().filter(|check| check.r#type.is_none()) {
            check.r#type = match (&check.command, &check.http) {
                (Some(_), None) => Some(HealthCheckType::Command),
                (None, Some(_)) => Some(HealthCheckType::Http),
                _ => None,
            };
        }
    }
    if let Some(launch) = &mut operation.launch_group {
        for task in &mut launch.task_group.tasks {
            task.executor.get_or_insert_with(|| Box::new(launch.executor.clone()));
        }
    }
}
