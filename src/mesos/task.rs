//! Tasks, executors and what becomes of them.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{Base64, enums, messages};
use super::*;
use std::collections::BTreeMap;

messages! {
    /// `ExecutorInfo` of the v1 API.
    pub struct ExecutorInfo {
        r#type: opt ExecutorType = 15;
        executor_id: req ExecutorId = 1;
        framework_id: opt FrameworkId = 8;
        command: opt CommandInfo = 7;
        container: box ContainerInfo = 11;
        resources: rep Resource = 5;
        name: opt String = 9;
        source: opt String = 10;
        data: opt Base64 = 4;
        discovery: box DiscoveryInfo = 12;
        shutdown_grace_period: opt DurationInfo = 13;
        labels: opt Labels = 14;
    }

    /// `TaskInfo` of the v1 API.
    pub struct TaskInfo {
        name: req String = 1;
        task_id: req TaskId = 2;
        agent_id: req AgentId = 3;
        resources: rep Resource = 4;
        executor: box ExecutorInfo = 5;
        command: opt CommandInfo = 7;
        container: box ContainerInfo = 9;
        health_check: box HealthCheck = 8;
        check: box CheckInfo = 13;
        kill_policy: opt KillPolicy = 12;
        data: opt Base64 = 6;
        labels: opt Labels = 10;
        discovery: box DiscoveryInfo = 11;
        max_completion_time: opt DurationInfo = 14;
        limits: map BTreeMap<String, Scalar> = 15;
    }

    /// `TaskGroupInfo` of the v1 API.
    pub struct TaskGroupInfo {
        tasks: rep TaskInfo = 1;
    }

    /// `TaskResourceLimitation` of the v1 API.
    pub struct TaskResourceLimitation {
        resources: rep Resource = 1;
    }

    /// `OperationStatus` of the v1 API.
    pub struct OperationStatus {
        operation_id: opt OperationId = 1;
        state: req OperationState = 2;
        message: opt String = 3;
        converted_resources: rep Resource = 4;
        uuid: opt Uuid = 5;
        agent_id: opt AgentId = 6;
        resource_provider_id: opt ResourceProviderId = 7;
    }

    /// `TaskStatus` of the v1 API.
    pub struct TaskStatus {
        task_id: req TaskId = 1;
        state: req TaskState = 2;
        message: opt String = 4;
        source: opt StatusSource = 9;
        reason: opt StatusReason = 10;
        data: opt Base64 = 3;
        agent_id: opt AgentId = 5;
        executor_id: opt ExecutorId = 7;
        timestamp: opt f64 = 6;
        uuid: opt Base64 = 11;
        healthy: opt bool = 8;
        check_status: opt CheckStatusInfo = 15;
        labels: opt Labels = 12;
        container_status: opt ContainerStatus = 13;
        unreachable_time: opt TimeInfo = 14;
        limitation: opt TaskResourceLimitation = 16;
    }
}

enums! {
    /// `ExecutorInfo.Type` of the v1 API.
    pub enum ExecutorType {
        Unknown = "UNKNOWN", 0;
        Default = "DEFAULT", 1;
        Custom = "CUSTOM", 2;
    }

    /// `TaskState` of the v1 API.
    pub enum TaskState {
        Staging = "TASK_STAGING", 6;
        Starting = "TASK_STARTING", 0;
        Running = "TASK_RUNNING", 1;
        Killing = "TASK_KILLING", 8;
        Finished = "TASK_FINISHED", 2;
        Failed = "TASK_FAILED", 3;
        Killed = "TASK_KILLED", 4;
        Error = "TASK_ERROR", 7;
        Lost = "TASK_LOST", 5;
        Dropped = "TASK_DROPPED", 9;
        Unreachable = "TASK_UNREACHABLE", 10;
        Gone = "TASK_GONE", 11;
        GoneByOperator = "TASK_GONE_BY_OPERATOR", 12;
        Unknown = "TASK_UNKNOWN", 13;
    }

    /// `OperationState` of the v1 API.
    pub enum OperationState {
        Unsupported = "OPERATION_UNSUPPORTED", 0;
        Pending = "OPERATION_PENDING", 1;
        Finished = "OPERATION_FINISHED", 2;
        Failed = "OPERATION_FAILED", 3;
        Error = "OPERATION_ERROR", 4;
        Dropped = "OPERATION_DROPPED", 5;
        Unreachable = "OPERATION_UNREACHABLE", 6;
        GoneByOperator = "OPERATION_GONE_BY_OPERATOR", 7;
        Recovering = "OPERATION_RECOVERING", 8;
        Unknown = "OPERATION_UNKNOWN", 9;
    }

    /// `TaskStatus.Source` of the v1 API.
    pub enum StatusSource {
        Master = "SOURCE_MASTER", 0;
        Agent = "SOURCE_AGENT", 1;
        Executor = "SOURCE_EXECUTOR", 2;
    }

    /// `TaskStatus.Reason` of the v1 API.
    pub enum StatusReason {
        CommandExecutorFailed = "REASON_COMMAND_EXECUTOR_FAILED", 0;
        ContainerLaunchFailed = "REASON_CONTAINER_LAUNCH_FAILED", 21;
        ContainerLimitation = "REASON_CONTAINER_LIMITATION", 19;
        ContainerLimitationDisk = "REASON_CONTAINER_LIMITATION_DISK", 20;
        ContainerLimitationMemory = "REASON_CONTAINER_LIMITATION_MEMORY", 8;
        ContainerPreempted = "REASON_CONTAINER_PREEMPTED", 17;
        ContainerUpdateFailed = "REASON_CONTAINER_UPDATE_FAILED", 22;
        MaxCompletionTimeReached = "REASON_MAX_COMPLETION_TIME_REACHED", 33;
        ExecutorRegistrationTimeout = "REASON_EXECUTOR_REGISTRATION_TIMEOUT", 23;
        ExecutorReregistrationTimeout = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT", 24;
        ExecutorTerminated = "REASON_EXECUTOR_TERMINATED", 1;
        ExecutorUnregistered = "REASON_EXECUTOR_UNREGISTERED", 2;
        FrameworkRemoved = "REASON_FRAMEWORK_REMOVED", 3;
        GcError = "REASON_GC_ERROR", 4;
        InvalidFrameworkid = "REASON_INVALID_FRAMEWORKID", 5;
        InvalidOffers = "REASON_INVALID_OFFERS", 6;
        IoSwitchboardExited = "REASON_IO_SWITCHBOARD_EXITED", 27;
        MasterDisconnected = "REASON_MASTER_DISCONNECTED", 7;
        Reconciliation = "REASON_RECONCILIATION", 9;
        ResourcesUnknown = "REASON_RESOURCES_UNKNOWN", 18;
        AgentDisconnected = "REASON_AGENT_DISCONNECTED", 10;
        AgentDraining = "REASON_AGENT_DRAINING", 34;
        AgentRemoved = "REASON_AGENT_REMOVED", 11;
        AgentRemovedByOperator = "REASON_AGENT_REMOVED_BY_OPERATOR", 31;
        AgentReregistered = "REASON_AGENT_REREGISTERED", 32;
        AgentRestarted = "REASON_AGENT_RESTARTED", 12;
        AgentUnknown = "REASON_AGENT_UNKNOWN", 13;
        TaskKilledDuringLaunch = "REASON_TASK_KILLED_DURING_LAUNCH", 30;
        TaskCheckStatusUpdated = "REASON_TASK_CHECK_STATUS_UPDATED", 28;
        TaskHealthCheckStatusUpdated = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED", 29;
        TaskGroupInvalid = "REASON_TASK_GROUP_INVALID", 25;
        TaskGroupUnauthorized = "REASON_TASK_GROUP_UNAUTHORIZED", 26;
        TaskInvalid = "REASON_TASK_INVALID", 14;
        TaskUnauthorized = "REASON_TASK_UNAUTHORIZED", 15;
        TaskUnknown = "REASON_TASK_UNKNOWN", 16;
    }
}
