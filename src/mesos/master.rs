//! The operator API of a master: its calls, answers and events.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.
//! (apache/mesos: include/mesos/v1/master/master.proto, quota/quota.proto, maintenance/maintenance.proto)

use std::collections::BTreeMap;

use super::message::{Base64, enums, messages};
use super::{
    AgentCapability, AgentId, AgentInfo, ContainerInfo, DiscoveryInfo, DrainInfo, DurationInfo, ExecutorId,
    ExecutorInfo, FrameworkId, FrameworkInfo, HealthCheck, InverseOffer, KillPolicy, Labels, MachineId, MasterInfo,
    Offer, OfferConstraints, Operation, OperationStatus, Resource, Scalar, TaskId, TaskState, TaskStatus, TimeInfo,
    Unavailability, Uuid,
};

messages! {
    /// `master.Call` of the v1 API.
    pub struct Call {
        r#type: opt CallType = 1;
        get_metrics: opt GetMetrics = 2;
        set_logging_level: opt SetLoggingLevel = 3;
        list_files: opt ListFiles = 4;
        read_file: opt ReadFile = 5;
        update_weights: opt UpdateWeights = 6;
        reserve_resources: opt ReserveResources = 7;
        unreserve_resources: opt UnreserveResources = 8;
        create_volumes: opt CreateVolumes = 9;
        destroy_volumes: opt DestroyVolumes = 10;
        grow_volume: opt GrowVolume = 18;
        shrink_volume: opt ShrinkVolume = 19;
        update_maintenance_schedule: opt UpdateMaintenanceSchedule = 11;
        start_maintenance: opt StartMaintenance = 12;
        stop_maintenance: opt StopMaintenance = 13;
        drain_agent: opt DrainAgent = 21;
        deactivate_agent: opt DeactivateAgent = 22;
        reactivate_agent: opt ReactivateAgent = 23;
        update_quota: opt UpdateQuota = 20;
        teardown: opt Teardown = 16;
        mark_agent_gone: opt MarkAgentGone = 17;
        set_quota: opt SetQuota = 14;
        remove_quota: opt RemoveQuota = 15;
    }

    /// `master.Call.GetMetrics` of the v1 API.
    pub struct GetMetrics {
        timeout: opt DurationInfo = 1;
    }

    /// `master.Call.SetLoggingLevel` of the v1 API.
    pub struct SetLoggingLevel {
        level: req u32 = 1;
        duration: req DurationInfo = 2;
    }

    /// `master.Call.ListFiles` of the v1 API.
    pub struct ListFiles {
        path: req String = 1;
    }

    /// `master.Call.ReadFile` of the v1 API.
    pub struct ReadFile {
        path: req String = 1;
        offset: req u64 = 2;
        length: opt u64 = 3;
    }

    /// `master.Call.UpdateWeights` of the v1 API.
    pub struct UpdateWeights {
        weight_infos: rep WeightInfo = 1;
    }

    /// `master.Call.ReserveResources` of the v1 API.
    pub struct ReserveResources {
        agent_id: req AgentId = 1;
        source: rep Resource = 3;
        resources: rep Resource = 2;
    }

    /// `master.Call.UnreserveResources` of the v1 API.
    pub struct UnreserveResources {
        agent_id: req AgentId = 1;
        resources: rep Resource = 2;
    }

    /// `master.Call.CreateVolumes` of the v1 API.
    pub struct CreateVolumes {
        agent_id: req AgentId = 1;
        volumes: rep Resource = 2;
    }

    /// `master.Call.DestroyVolumes` of the v1 API.
    pub struct DestroyVolumes {
        agent_id: req AgentId = 1;
        volumes: rep Resource = 2;
    }

    /// `master.Call.GrowVolume` of the v1 API.
    pub struct GrowVolume {
        agent_id: opt AgentId = 1;
        volume: req Resource = 2;
        addition: req Resource = 3;
    }

    /// `master.Call.ShrinkVolume` of the v1 API.
    pub struct ShrinkVolume {
        agent_id: opt AgentId = 1;
        volume: req Resource = 2;
        subtract: req Scalar = 3;
    }

    /// `master.Call.UpdateMaintenanceSchedule` of the v1 API.
    pub struct UpdateMaintenanceSchedule {
        schedule: req Schedule = 1;
    }

    /// `master.Call.StartMaintenance` of the v1 API.
    pub struct StartMaintenance {
        machines: rep MachineId = 1;
    }

    /// `master.Call.StopMaintenance` of the v1 API.
    pub struct StopMaintenance {
        machines: rep MachineId = 1;
    }

    /// `master.Call.DrainAgent` of the v1 API.
    pub struct DrainAgent {
        agent_id: req AgentId = 1;
        max_grace_period: opt ProtobufDuration = 2;
        mark_gone: opt bool = 3;
    }

    /// `master.Call.DeactivateAgent` of the v1 API.
    pub struct DeactivateAgent {
        agent_id: req AgentId = 1;
    }

    /// `master.Call.ReactivateAgent` of the v1 API.
    pub struct ReactivateAgent {
        agent_id: req AgentId = 1;
    }

    /// `master.Call.UpdateQuota` of the v1 API.
    pub struct UpdateQuota {
        force: opt bool = 1;
        quota_configs: rep QuotaConfig = 2;
    }

    /// `master.Call.SetQuota` of the v1 API.
    pub struct SetQuota {
        quota_request: req QuotaRequest = 1;
    }

    /// `master.Call.RemoveQuota` of the v1 API.
    pub struct RemoveQuota {
        role: req String = 1;
    }

    /// `master.Call.Teardown` of the v1 API.
    pub struct Teardown {
        framework_id: req FrameworkId = 1;
    }

    /// `master.Call.MarkAgentGone` of the v1 API.
    pub struct MarkAgentGone {
        agent_id: req AgentId = 1;
    }

    /// `master.Response` of the v1 API.
    pub struct Response {
        r#type: opt ResponseType = 1;
        get_health: opt GetHealthAnswer = 2;
        get_flags: opt GetFlagsAnswer = 3;
        get_version: opt GetVersionAnswer = 4;
        get_metrics: opt GetMetricsAnswer = 5;
        get_logging_level: opt GetLoggingLevelAnswer = 6;
        list_files: opt ListFilesAnswer = 7;
        read_file: opt ReadFileAnswer = 8;
        get_state: opt GetStateAnswer = 9;
        get_agents: opt GetAgentsAnswer = 10;
        get_frameworks: opt GetFrameworksAnswer = 11;
        get_executors: opt GetExecutorsAnswer = 12;
        get_operations: opt GetOperationsAnswer = 20;
        get_tasks: opt GetTasksAnswer = 13;
        get_roles: opt GetRolesAnswer = 14;
        get_weights: opt GetWeightsAnswer = 15;
        get_master: opt GetMasterAnswer = 16;
        get_maintenance_status: opt GetMaintenanceStatusAnswer = 17;
        get_maintenance_schedule: opt GetMaintenanceScheduleAnswer = 18;
        get_quota: opt GetQuotaAnswer = 19;
    }

    /// `master.Response.GetHealth` of the v1 API.
    pub struct GetHealthAnswer {
        healthy: req bool = 1;
    }

    /// `master.Response.GetFlags` of the v1 API.
    pub struct GetFlagsAnswer {
        flags: rep Flag = 1;
    }

    /// `master.Response.GetVersion` of the v1 API.
    pub struct GetVersionAnswer {
        version_info: req VersionInfo = 1;
    }

    /// `master.Response.GetMetrics` of the v1 API.
    pub struct GetMetricsAnswer {
        metrics: rep Metric = 1;
    }

    /// `master.Response.GetLoggingLevel` of the v1 API.
    pub struct GetLoggingLevelAnswer {
        level: req u32 = 1;
    }

    /// `master.Response.ListFiles` of the v1 API.
    pub struct ListFilesAnswer {
        file_infos: rep FileInfo = 1;
    }

    /// `master.Response.ReadFile` of the v1 API.
    pub struct ReadFileAnswer {
        size: req u64 = 1;
        data: req Base64 = 2;
    }

    /// `master.Response.GetState` of the v1 API.
    pub struct GetStateAnswer {
        get_tasks: opt GetTasksAnswer = 1;
        get_executors: opt GetExecutorsAnswer = 2;
        get_frameworks: opt GetFrameworksAnswer = 3;
        get_agents: opt GetAgentsAnswer = 4;
    }

    /// `master.Response.GetAgents` of the v1 API.
    pub struct GetAgentsAnswer {
        agents: rep Agent = 1;
        recovered_agents: rep AgentInfo = 2;
    }

    /// `master.Response.GetFrameworks` of the v1 API.
    pub struct GetFrameworksAnswer {
        frameworks: rep Framework = 1;
        completed_frameworks: rep Framework = 2;
    }

    /// `master.Response.GetExecutors` of the v1 API.
    pub struct GetExecutorsAnswer {
        executors: rep Executor = 1;
    }

    /// `master.Response.GetOperations` of the v1 API.
    pub struct GetOperationsAnswer {
        operations: rep AppliedOperation = 1;
    }

    /// `master.Response.GetTasks` of the v1 API.
    pub struct GetTasksAnswer {
        tasks: rep Task = 2;
        unreachable_tasks: rep Task = 5;
        completed_tasks: rep Task = 3;
    }

    /// `master.Response.GetRoles` of the v1 API.
    pub struct GetRolesAnswer {
        roles: rep Role = 1;
    }

    /// `master.Response.GetWeights` of the v1 API.
    pub struct GetWeightsAnswer {
        weight_infos: rep WeightInfo = 1;
    }

    /// `master.Response.GetMaster` of the v1 API.
    pub struct GetMasterAnswer {
        master_info: opt MasterInfo = 1;
        start_time: opt f64 = 2;
        elected_time: opt f64 = 3;
    }

    /// `master.Response.GetMaintenanceStatus` of the v1 API.
    pub struct GetMaintenanceStatusAnswer {
        status: req ClusterStatus = 1;
    }

    /// `master.Response.GetMaintenanceSchedule` of the v1 API.
    pub struct GetMaintenanceScheduleAnswer {
        schedule: req Schedule = 1;
    }

    /// `master.Response.GetQuota` of the v1 API.
    pub struct GetQuotaAnswer {
        status: req QuotaStatus = 1;
    }

    /// `master.Response.GetAgents.Agent` of the v1 API.
    pub struct Agent {
        agent_info: req AgentInfo = 1;
        active: req bool = 2;
        deactivated: opt bool = 12;
        version: req String = 3;
        pid: opt String = 4;
        registered_time: opt TimeInfo = 5;
        reregistered_time: opt TimeInfo = 6;
        total_resources: rep Resource = 7;
        allocated_resources: rep Resource = 8;
        offered_resources: rep Resource = 9;
        capabilities: rep AgentCapability = 10;
        drain_info: opt DrainInfo = 13;
        estimated_drain_start_time: opt TimeInfo = 14;
    }

    /// `master.Response.GetFrameworks.Framework` of the v1 API.
    pub struct Framework {
        framework_info: req FrameworkInfo = 1;
        active: req bool = 2;
        connected: req bool = 3;
        recovered: req bool = 11;
        registered_time: opt TimeInfo = 4;
        reregistered_time: opt TimeInfo = 5;
        unregistered_time: opt TimeInfo = 6;
        offers: rep Offer = 7;
        inverse_offers: rep InverseOffer = 8;
        allocated_resources: rep Resource = 9;
        offered_resources: rep Resource = 10;
        offer_constraints: opt OfferConstraints = 12;
    }

    /// `master.Response.GetExecutors.Executor` of the v1 API.
    pub struct Executor {
        executor_info: req ExecutorInfo = 1;
        agent_id: req AgentId = 2;
    }

    /// `master.Event` of the v1 API.
    pub struct Event {
        r#type: opt EventType = 1;
        subscribed: opt Subscribed = 2;
        task_added: opt TaskAdded = 3;
        task_updated: opt TaskUpdated = 4;
        agent_added: opt AgentAdded = 5;
        agent_removed: opt AgentRemoved = 6;
        framework_added: opt FrameworkAdded = 7;
        framework_updated: opt FrameworkUpdated = 8;
        framework_removed: opt FrameworkRemoved = 9;
    }

    /// `master.Event.Subscribed` of the v1 API.
    pub struct Subscribed {
        get_state: opt GetStateAnswer = 1;
        heartbeat_interval_seconds: opt f64 = 2;
    }

    /// `master.Event.TaskAdded` of the v1 API.
    pub struct TaskAdded {
        task: req Task = 1;
    }

    /// `master.Event.TaskUpdated` of the v1 API.
    pub struct TaskUpdated {
        framework_id: req FrameworkId = 1;
        status: req TaskStatus = 2;
        state: req TaskState = 3;
    }

    /// `master.Event.FrameworkAdded` of the v1 API.
    pub struct FrameworkAdded {
        framework: req Framework = 1;
    }

    /// `master.Event.FrameworkUpdated` of the v1 API.
    pub struct FrameworkUpdated {
        framework: req Framework = 1;
    }

    /// `master.Event.FrameworkRemoved` of the v1 API.
    pub struct FrameworkRemoved {
        framework_info: req FrameworkInfo = 1;
    }

    /// `master.Event.AgentAdded` of the v1 API.
    pub struct AgentAdded {
        agent: req Agent = 1;
    }

    /// `master.Event.AgentRemoved` of the v1 API.
    pub struct AgentRemoved {
        agent_id: req AgentId = 1;
    }

    /// `Task` of the v1 API.
    pub struct Task {
        name: req String = 1;
        task_id: req TaskId = 2;
        framework_id: req FrameworkId = 3;
        executor_id: opt ExecutorId = 4;
        agent_id: req AgentId = 5;
        state: req TaskState = 6;
        resources: rep Resource = 7;
        statuses: rep TaskStatus = 8;
        status_update_state: opt TaskState = 9;
        status_update_uuid: opt Base64 = 10;
        labels: opt Labels = 11;
        discovery: opt DiscoveryInfo = 12;
        container: opt ContainerInfo = 13;
        health_check: opt HealthCheck = 15;
        kill_policy: opt KillPolicy = 16;
        user: opt String = 14;
        limits: map BTreeMap<String, Scalar> = 17;
    }

    /// `Role` of the v1 API.
    pub struct Role {
        name: req String = 1;
        weight: req f64 = 2;
        frameworks: rep FrameworkId = 3;
        resources: rep Resource = 4;
    }

    /// `WeightInfo` of the v1 API.
    pub struct WeightInfo {
        weight: req f64 = 1;
        role: opt String = 2;
    }

    /// `VersionInfo` of the v1 API.
    pub struct VersionInfo {
        version: req String = 1;
        build_date: opt String = 2;
        build_time: opt f64 = 3;
        build_user: opt String = 4;
        git_sha: opt String = 5;
        git_branch: opt String = 6;
        git_tag: opt String = 7;
    }

    /// `Flag` of the v1 API.
    pub struct Flag {
        name: req String = 1;
        value: opt String = 2;
    }

    /// `Metric` of the v1 API.
    pub struct Metric {
        name: req String = 1;
        value: opt f64 = 2;
    }

    /// `FileInfo` of the v1 API.
    pub struct FileInfo {
        path: req String = 1;
        nlink: opt i32 = 2;
        size: opt u64 = 3;
        mtime: opt TimeInfo = 4;
        mode: opt u32 = 5;
        uid: opt String = 6;
        gid: opt String = 7;
    }

    /// `Operation` of the v1 API: one that was applied, and how far it is.
    pub struct AppliedOperation {
        framework_id: opt FrameworkId = 1;
        agent_id: opt AgentId = 2;
        info: req Operation = 3;
        latest_status: req OperationStatus = 4;
        statuses: rep OperationStatus = 5;
        uuid: req Uuid = 6;
    }

    /// `quota.QuotaInfo` of the v1 API.
    pub struct QuotaInfo {
        role: opt String = 1;
        principal: opt String = 2;
        guarantee: rep Resource = 3;
    }

    /// `quota.QuotaRequest` of the v1 API.
    pub struct QuotaRequest {
        force: opt bool = 1;
        role: opt String = 2;
        guarantee: rep Resource = 3;
    }

    /// `quota.QuotaConfig` of the v1 API.
    pub struct QuotaConfig {
        role: req String = 1;
        guarantees: map BTreeMap<String, Scalar> = 2;
        limits: map BTreeMap<String, Scalar> = 3;
    }

    /// `quota.QuotaStatus` of the v1 API.
    pub struct QuotaStatus {
        infos: rep QuotaInfo = 1;
        configs: rep QuotaConfig = 2;
    }

    /// `maintenance.Window` of the v1 API.
    pub struct Window {
        machine_ids: rep MachineId = 1;
        unavailability: req Unavailability = 2;
    }

    /// `maintenance.Schedule` of the v1 API.
    pub struct Schedule {
        windows: rep Window = 1;
    }

    /// `maintenance.ClusterStatus` of the v1 API.
    pub struct ClusterStatus {
        draining_machines: rep DrainingMachine = 1;
        down_machines: rep MachineId = 2;
    }

    /// `maintenance.ClusterStatus.DrainingMachine` of the v1 API.
    pub struct DrainingMachine {
        id: req MachineId = 1;
        statuses: rep InverseOfferStatus = 2;
    }

    /// `allocator.InverseOfferStatus` of the v1 API.
    pub struct InverseOfferStatus {
        status: req InverseOfferAnswer = 1;
        framework_id: req FrameworkId = 2;
        timestamp: req TimeInfo = 3;
    }

    /// `google.protobuf.Duration`.
    pub struct ProtobufDuration {
        seconds: opt i64 = 1;
        nanos: opt i32 = 2;
    }
}

enums! {
    /// `master.Call.Type` of the v1 API.
    pub enum CallType {
        Unknown = "UNKNOWN", 0;
        GetHealth = "GET_HEALTH", 1;
        GetFlags = "GET_FLAGS", 2;
        GetVersion = "GET_VERSION", 3;
        GetMetrics = "GET_METRICS", 4;
        GetLoggingLevel = "GET_LOGGING_LEVEL", 5;
        SetLoggingLevel = "SET_LOGGING_LEVEL", 6;
        ListFiles = "LIST_FILES", 7;
        ReadFile = "READ_FILE", 8;
        GetState = "GET_STATE", 9;
        GetAgents = "GET_AGENTS", 10;
        GetFrameworks = "GET_FRAMEWORKS", 11;
        GetExecutors = "GET_EXECUTORS", 12;
        GetOperations = "GET_OPERATIONS", 33;
        GetTasks = "GET_TASKS", 13;
        GetRoles = "GET_ROLES", 14;
        GetWeights = "GET_WEIGHTS", 15;
        UpdateWeights = "UPDATE_WEIGHTS", 16;
        GetMaster = "GET_MASTER", 17;
        Subscribe = "SUBSCRIBE", 18;
        ReserveResources = "RESERVE_RESOURCES", 19;
        UnreserveResources = "UNRESERVE_RESOURCES", 20;
        CreateVolumes = "CREATE_VOLUMES", 21;
        DestroyVolumes = "DESTROY_VOLUMES", 22;
        GrowVolume = "GROW_VOLUME", 34;
        ShrinkVolume = "SHRINK_VOLUME", 35;
        GetMaintenanceStatus = "GET_MAINTENANCE_STATUS", 23;
        GetMaintenanceSchedule = "GET_MAINTENANCE_SCHEDULE", 24;
        UpdateMaintenanceSchedule = "UPDATE_MAINTENANCE_SCHEDULE", 25;
        StartMaintenance = "START_MAINTENANCE", 26;
        StopMaintenance = "STOP_MAINTENANCE", 27;
        DrainAgent = "DRAIN_AGENT", 37;
        DeactivateAgent = "DEACTIVATE_AGENT", 38;
        ReactivateAgent = "REACTIVATE_AGENT", 39;
        GetQuota = "GET_QUOTA", 28;
        UpdateQuota = "UPDATE_QUOTA", 36;
        SetQuota = "SET_QUOTA", 29;
        RemoveQuota = "REMOVE_QUOTA", 30;
        Teardown = "TEARDOWN", 31;
        MarkAgentGone = "MARK_AGENT_GONE", 32;
    }

    /// `master.Response.Type` of the v1 API.
    pub enum ResponseType {
        Unknown = "UNKNOWN", 0;
        GetHealth = "GET_HEALTH", 1;
        GetFlags = "GET_FLAGS", 2;
        GetVersion = "GET_VERSION", 3;
        GetMetrics = "GET_METRICS", 4;
        GetLoggingLevel = "GET_LOGGING_LEVEL", 5;
        ListFiles = "LIST_FILES", 6;
        ReadFile = "READ_FILE", 7;
        GetState = "GET_STATE", 8;
        GetAgents = "GET_AGENTS", 9;
        GetFrameworks = "GET_FRAMEWORKS", 10;
        GetExecutors = "GET_EXECUTORS", 11;
        GetOperations = "GET_OPERATIONS", 19;
        GetTasks = "GET_TASKS", 12;
        GetRoles = "GET_ROLES", 13;
        GetWeights = "GET_WEIGHTS", 14;
        GetMaster = "GET_MASTER", 15;
        GetMaintenanceStatus = "GET_MAINTENANCE_STATUS", 16;
        GetMaintenanceSchedule = "GET_MAINTENANCE_SCHEDULE", 17;
        GetQuota = "GET_QUOTA", 18;
    }

    /// `master.Event.Type` of the v1 API.
    pub enum EventType {
        Unknown = "UNKNOWN", 0;
        Subscribed = "SUBSCRIBED", 1;
        TaskAdded = "TASK_ADDED", 2;
        TaskUpdated = "TASK_UPDATED", 3;
        AgentAdded = "AGENT_ADDED", 4;
        AgentRemoved = "AGENT_REMOVED", 5;
        FrameworkAdded = "FRAMEWORK_ADDED", 6;
        FrameworkUpdated = "FRAMEWORK_UPDATED", 7;
        FrameworkRemoved = "FRAMEWORK_REMOVED", 8;
        Heartbeat = "HEARTBEAT", 9;
    }

    /// `allocator.InverseOfferStatus.Status` of the v1 API.
    pub enum InverseOfferAnswer {
        Unknown = "UNKNOWN", 1;
        Accept = "ACCEPT", 2;
        Decline = "DECLINE", 3;
    }
}
