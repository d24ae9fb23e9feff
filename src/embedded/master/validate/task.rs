//! Tasks and task groups, their executors, and whether they fit what was offered.

use serde_json::Value;

use super::{Check, because, command, id, resource};
use crate::embedded::resources::{Resources, printed};
use crate::embedded::wire::convert::truncated_unsigned;
use crate::mesos::{
    AgentId, ContainerInfo, ContainerType, ExecutorId, ExecutorInfo, ExecutorType, FrameworkId, HealthCheckType,
    TaskGroupInfo, TaskId, TaskInfo,
};

/// CPUs that an executor needs at least.
const MIN_CPUS: f64 = 0.01;
/// Its memory in megabytes.
const MIN_MEM: f64 = 32.0;

/// A task's id that can't be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded::master) enum Taken {
    /// The master knows such a task.
    Running,
    /// On an agent that can't be reached.
    Unreachable,
}

/// Where a task is to run, as far as the checks must know.
pub(in crate::embedded::master) struct Place<'a> {
    pub(in crate::embedded::master) framework: &'a FrameworkId,
    pub(in crate::embedded::master) agent: &'a AgentId,
    /// Whether a task's id is taken.
    pub(in crate::embedded::master) taken: &'a dyn Fn(&TaskId) -> Option<Taken>,
    /// The executor of that id that runs on the agent for the framework.
    pub(in crate::embedded::master) executor: &'a dyn Fn(&ExecutorId) -> Option<ExecutorInfo>,
    /// `share_cgroups` of the tasks that run under that executor.
    pub(in crate::embedded::master) shares: &'a dyn Fn(&ExecutorId) -> Vec<bool>,
    /// What is left of the offers.
    pub(in crate::embedded::master) offered: &'a Resources,
}

fn share_cgroups(container: Option<&ContainerInfo>) -> Option<bool> {
    container?.linux_info.as_ref()?.share_cgroups
}

/// A task of a LAUNCH.
pub(in crate::embedded::master) fn check(task: &TaskInfo, place: &Place<'_>) -> Check {
    common(task, place)?;
    with_executor(task, place)?;
    if share_cgroups(task.container.as_deref()) == Some(false) {
        return Err("Only tasks in a task group may have 'share_cgroups' set to 'false'".to_owned());
    }
    Ok(())
}

/// What holds for every task.
fn common(task: &TaskInfo, place: &Place<'_>) -> Check {
    let name = task.task_id.as_str();
    id(name)?;
    match (place.taken)(&task.task_id) {
        Some(Taken::Running) => return Err(format!("Task has duplicate ID: {name}")),
        Some(Taken::Unreachable) => return Err(format!("Task reuses the ID of an unreachable task: {name}")),
        None => {}
    }
    if task.agent_id != *place.agent {
        return Err(format!("Task uses invalid agent {} while agent {} is expected", task.agent_id, place.agent));
    }
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    if grace.is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("Task's 'kill_policy.grace_period' must be non-negative".to_owned());
    }
    if task.max_completion_time.as_ref().is_some_and(|time| time.nanoseconds < 0) {
        return Err("Task's `max_completion_time` must be non-negative".to_owned());
    }
    if let Some(check) = &task.check {
        because("Task uses invalid check: ", command::check(check))?;
    }
    if let Some(check) = &task.health_check {
        because("Task uses invalid health check: ", command::health_check(check))?;
    }
    resources(task)?;
    if let Some(run) = &task.command {
        because("Task's `CommandInfo` is invalid: ", command::command(run))?;
    }
    if let Some(container) = &task.container {
        because("Task's `ContainerInfo` is invalid: ", command::container(container))?;
    }
    limits(task)
}

fn resources(task: &TaskInfo) -> Check {
    if task.resources.is_empty() {
        return Err("Task uses no resources".to_owned());
    }
    because("Task uses invalid resources: ", resource::check(&task.resources))?;
    let sum = Resources::of(&task.resources);
    because("Task uses duplicate persistence ID: ", resource::unique_persistence(&sum))?;
    because("Invalid task resources: ", resource::one_role(&sum))?;
    because("Task mixes revocable and non-revocable resources: ", resource::revocable_apart(&sum))
}

fn limits(task: &TaskInfo) -> Check {
    let (cpus, mem) = (task.limits.get("cpus"), task.limits.get("mem"));
    if task.limits.len() > usize::from(cpus.is_some()) + usize::from(mem.is_some()) {
        return Err("Only cpus and mem may be included in a task's resource limits".to_owned());
    }
    let have = Resources::of(&task.resources);
    if let Some(limit) = cpus {
        match have.scalar("cpus") {
            None => return Err("When a CPU limit is specified, a CPU request must also be specified".to_owned()),
            Some(request) if limit.value < request => {
                return Err("The cpu limit must be greater than or equal to the cpu request".to_owned());
            }
            Some(_) => {}
        }
    }
    if let Some(limit) = mem {
        match have.scalar("mem") {
            None => {
                return Err("When a memory limit is specified, a memory request must also be specified".to_owned());
            }
            // Whole megabytes in bytes, as far as 64 bits go.
            Some(request) if !limit.value.is_infinite() && bytes(limit.value) < bytes(request) => {
                return Err("The memory limit must be greater than or equal to the memory request".to_owned());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn bytes(megabytes: f64) -> u64 {
    truncated_unsigned(megabytes).wrapping_mul(1 << 20)
}

/// The task's executor, and whether both fit.
fn with_executor(task: &TaskInfo, place: &Place<'_>) -> Check {
    if task.executor.is_some() == task.command.is_some() {
        return Err("Task should have at least one (but not both) of CommandInfo or ExecutorInfo present".to_owned());
    }
    let own = Resources::of(&task.resources);
    let mut total = own.clone();
    let mut both = own.clone();
    if let Some(info) = &task.executor {
        executor(info, place)?;
        if info.r#type.as_ref().is_some_and(|kind| *kind != ExecutorType::Custom) {
            return Err("'ExecutorInfo.type' must be 'CUSTOM'".to_owned());
        }
        if info.command.is_none() {
            return Err("'ExecutorInfo.command' must be set".to_owned());
        }
        let executors = Resources::of(&info.resources);
        let shared = executors.list().iter().any(|resource| resource.shared.is_some());
        if shared {
            return Err(format!("Executor resources {executors} should not contain any shared resources"));
        }
        if share_cgroups(info.container.as_deref()) == Some(true) {
            return Err("The 'share_cgroups' field cannot be set to 'true' on executor containers".to_owned());
        }
        both.add(&executors);
        if (place.executor)(&info.executor_id).is_none() {
            total.add(&executors);
        }
        because("Task and its executor use invalid resources: ", resource::check(both.list()))?;
        if resource::overlap(&[own.clone(), executors.clone()]) {
            return Err(format!(
                "There are overlapping resources in the task resources {} and executor resources {}",
                json(&task.resources),
                json(&info.resources)
            ));
        }
    }
    because("Task and its executor use duplicate persistence ID: ", resource::unique_persistence(&both))?;
    because("Task and its executor mix revocable and non-revocable resources: ", resource::revocable_apart(&both))?;
    if !place.offered.contains(&total) {
        return Err(format!(
            "Total resources {total} required by task and its executor is more than available {}",
            place.offered
        ));
    }
    Ok(())
}

/// A list as the original prints those that it hasn't summed up.
fn json(resources: &[crate::mesos::Resource]) -> String {
    let mut value = serde_json::to_value(resources).unwrap_or(Value::Null);
    value.sort_all_objects();
    value.to_string()
}

/// An executor by itself, and against one of the same id.
fn executor(info: &ExecutorInfo, place: &Place<'_>) -> Check {
    executor_type(info)?;
    id(info.executor_id.as_str())?;
    if info.shutdown_grace_period.as_ref().is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("ExecutorInfo's 'shutdown_grace_period' must be non-negative".to_owned());
    }
    if let Some(run) = &info.command {
        because("Executor's `CommandInfo` is invalid: ", command::command(run))?;
    }
    if let Some(container) = &info.container {
        because("Executor's `ContainerInfo` is invalid: ", command::container(container))?;
    }
    match &info.framework_id {
        None => return Err("'ExecutorInfo.framework_id' must be set".to_owned()),
        Some(framework) if framework != place.framework => {
            return Err(format!(
                "ExecutorInfo has an invalid FrameworkID (Actual: {framework} vs Expected: {})",
                place.framework
            ));
        }
        Some(_) => {}
    }
    because("Executor uses invalid resources: ", resource::check(&info.resources))?;
    let sum = Resources::of(&info.resources);
    because("Executor uses duplicate persistence ID: ", resource::unique_persistence(&sum))?;
    because("Invalid executor resources: ", resource::one_role(&sum))?;
    because("Executor mixes revocable and non-revocable resources: ", resource::revocable_apart(&sum))?;
    match (place.executor)(&info.executor_id) {
        Some(existing) if existing != *info => {
            let line = "-".repeat(60);
            Err(format!(
                "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n{line}\nExisting \
                 ExecutorInfo:\n{}\n{line}\nExecutorInfo:\n{}\n{line}\n",
                super::super::text::printed(&existing),
                super::super::text::printed(info)
            ))
        }
        _ => Ok(()),
    }
}

fn executor_type(info: &ExecutorInfo) -> Check {
    match &info.r#type {
        Some(ExecutorType::Default) => {
            if info.command.is_some() {
                return Err("'ExecutorInfo.command' must not be set for 'DEFAULT' executor".to_owned());
            }
            let Some(container) = &info.container else { return Ok(()) };
            if container.r#type != ContainerType::Mesos {
                return Err("'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor".to_owned());
            }
            if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
                return Err("'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor".to_owned());
            }
            Ok(())
        }
        Some(ExecutorType::Custom) if info.command.is_none() => {
            Err("'ExecutorInfo.command' must be set for 'CUSTOM' executor".to_owned())
        }
        _ => Ok(()),
    }
}

/// The tasks of a LAUNCH_GROUP and their executor.
pub(in crate::embedded::master) fn check_group(group: &TaskGroupInfo, info: &ExecutorInfo, place: &Place<'_>) -> Check {
    for task in &group.tasks {
        in_group(task, place).map_err(|why| format!("Task '{}' is invalid: {why}", task.task_id))?;
    }
    group_executor(group, info, place)?;
    group_cgroups(group, info, place)
}

fn in_group(task: &TaskInfo, place: &Place<'_>) -> Check {
    common(task, place)?;
    if task.executor.is_none() {
        return Err("'TaskInfo.executor' must be set".to_owned());
    }
    if let Some(container) = &task.container {
        let by_network = task
            .health_check
            .as_ref()
            .is_some_and(|check| matches!(check.r#type, Some(HealthCheckType::Http | HealthCheckType::Tcp)));
        if !container.network_infos.is_empty() && by_network {
            return Err("HTTP and TCP health checks are not supported for nested containers not joining parent's \
                        network"
                .to_owned());
        }
        if container.r#type == ContainerType::Docker {
            return Err("Docker ContainerInfo is not supported on the task".to_owned());
        }
    }
    if !task.limits.is_empty() && share_cgroups(task.container.as_deref()) != Some(false) {
        return Err("Resource limits may only be set for tasks within a task group when the 'share_cgroups' field is \
                    set to 'false'."
            .to_owned());
    }
    Ok(())
}

fn group_executor(group: &TaskGroupInfo, info: &ExecutorInfo, place: &Place<'_>) -> Check {
    executor(info, place)?;
    let name = &info.executor_id;
    match &info.r#type {
        None => return Err("'ExecutorInfo.type' must be set".to_owned()),
        Some(ExecutorType::Default | ExecutorType::Custom) => {}
        Some(_) => return Err("Unknown executor type".to_owned()),
    }
    if info.container.as_ref().is_some_and(|container| container.r#type == ContainerType::Docker) {
        return Err("Docker ContainerInfo is not supported on the executor".to_owned());
    }
    if let Some(task) = group.tasks.iter().find(|task| task.executor.as_ref().is_some_and(|own| **own != *info)) {
        return Err(format!("The `ExecutorInfo` of task '{}' is different from executor '{name}'", task.task_id));
    }
    let executors = Resources::of(&info.resources);
    minimum(&executors, name)?;
    let tasks: Vec<Resources> = group.tasks.iter().map(|task| Resources::of(&task.resources)).collect();
    let mut total = Resources::default();
    tasks.iter().for_each(|task| total.add(task));
    let all = total.plus(&executors);
    because("Task group and executor use duplicate persistence ID: ", resource::unique_persistence(&all))?;
    because("Task group and executor mix revocable and non-revocable resources: ", resource::revocable_apart(&all))?;
    let mut parts = tasks.clone();
    parts.push(executors.clone());
    if resource::overlap(&parts) {
        let tasks: Vec<String> = tasks.iter().map(Resources::to_string).collect();
        return Err(format!(
            "There are overlapping resources in the task group's task resources [ {} ] and/or executor resources {}",
            tasks.join(", "),
            json(&info.resources)
        ));
    }
    if (place.executor)(name).is_none() {
        total = all;
    }
    if !place.offered.contains(&total) {
        return Err(format!(
            "Total resources {total} required by task group and its executor are more than available {}",
            place.offered
        ));
    }
    if let Some(run) = &info.command {
        // The missing space is the original's.
        because(&format!("Executor '{name}'contains an invalid command: "), command::command(run))?;
    }
    Ok(())
}

/// What a group's executor must have.
fn minimum(resources: &Resources, name: &ExecutorId) -> Check {
    let cpus = resources.scalar("cpus");
    if cpus.is_none_or(|cpus| cpus < MIN_CPUS) {
        let has = cpus.map_or("None".to_owned(), |cpus| printed(cpus, 6));
        return Err(format!("Executor '{name}' uses less CPUs ({has}) than the minimum required ({MIN_CPUS})"));
    }
    let mem = resources.scalar("mem");
    if mem.is_none_or(|mem| mem < MIN_MEM) {
        let has = mem.map_or("None".to_owned(), |mem| megabytes(mem.floor()));
        return Err(format!(
            "Executor '{name}' uses less memory ({has}) than the minimum required ({})",
            megabytes(MIN_MEM)
        ));
    }
    if resources.scalar("disk").is_none() {
        return Err(format!("Executor '{name}' uses no disk"));
    }
    Ok(())
}

/// Megabytes in the largest unit that loses nothing, as the original prints them.
fn megabytes(value: f64) -> String {
    let mut bytes = (value * 1_048_576.0) as u64;
    let mut units = ["B", "KB", "MB", "GB", "TB"].into_iter().peekable();
    let mut unit = units.next().unwrap_or("B");
    while bytes > 0 && bytes.is_multiple_of(1024) && units.peek().is_some() {
        bytes /= 1024;
        unit = units.next().unwrap_or(unit);
    }
    format!("{bytes}{unit}")
}

fn group_cgroups(group: &TaskGroupInfo, info: &ExecutorInfo, place: &Place<'_>) -> Check {
    if share_cgroups(info.container.as_deref()) == Some(true) {
        return Err("The 'share_cgroups' field cannot be set to 'true' on executor containers".to_owned());
    }
    let new = group.tasks.iter().map(|task| share_cgroups(task.container.as_deref()).unwrap_or(true));
    let mut all = new.chain((place.shares)(&info.executor_id));
    if let Some(first) = all.next()
        && all.any(|other| other != first)
    {
        return Err(
            "If set, the value of 'share_cgroups' must be the same for all tasks in each task group and under \
                    a single executor"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_its_largest_unit() {
        assert_eq!(megabytes(16.0), "16MB");
        assert_eq!(megabytes(1024.0), "1GB");
        assert_eq!(megabytes(16.5), "16896KB");
        assert_eq!(megabytes(0.0), "0B");
    }
}
