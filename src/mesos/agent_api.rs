//! The operator API of an agent: its calls, answers, and what goes in and out of a container's process.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.
//! (apache/mesos: include/mesos/v1/agent/agent.proto)

use std::collections::BTreeMap;

use super::master::{
    GetFlagsAnswer, GetHealthAnswer, GetLoggingLevelAnswer, GetMetrics, GetMetricsAnswer, GetVersionAnswer, ListFiles,
    ListFilesAnswer, ReadFile, ReadFileAnswer, SetLoggingLevel, Task,
};
use super::message::{Base64, enums, messages};
use super::{
    AgentInfo, Attribute, CommandInfo, ContainerId, ContainerInfo, ContainerStatus, DrainConfig, DurationInfo,
    ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, Image, Operation, Resource, ResourceProviderId, Scalar,
    TimeInfo, TtyInfo,
};

messages! {
    /// `agent.Call` of the v1 API.
    pub struct Call {
        r#type: opt CallType = 1;
        get_metrics: opt GetMetrics = 2;
        set_logging_level: opt SetLoggingLevel = 3;
        list_files: opt ListFiles = 4;
        read_file: opt ReadFile = 5;
        get_containers: opt GetContainers = 20;
        launch_nested_container: opt LaunchNestedContainer = 6;
        wait_nested_container: opt OneContainer = 7;
        kill_nested_container: opt KillContainer = 8;
        remove_nested_container: opt OneContainer = 12;
        launch_nested_container_session: opt LaunchNestedContainer = 9;
        attach_container_input: opt AttachContainerInput = 10;
        attach_container_output: opt OneContainer = 11;
        launch_container: opt LaunchContainer = 13;
        wait_container: opt OneContainer = 14;
        kill_container: opt KillContainer = 15;
        remove_container: opt OneContainer = 16;
        add_resource_provider_config: opt ProviderConfig = 17;
        update_resource_provider_config: opt ProviderConfig = 18;
        remove_resource_provider_config: opt ProviderName = 19;
        mark_resource_provider_gone: opt ProviderGone = 22;
        prune_images: opt PruneImages = 21;
    }

    /// `agent.Call.GetContainers` of the v1 API.
    pub struct GetContainers {
        show_nested: opt bool = 1;
        show_standalone: opt bool = 2;
    }

    /// `agent.Call.LaunchNestedContainer` and `...Session` of the v1 API.
    pub struct LaunchNestedContainer {
        container_id: req ContainerId = 1;
        command: opt CommandInfo = 2;
        container: opt ContainerInfo = 3;
    }

    /// The calls about one container that need nothing else.
    pub struct OneContainer {
        container_id: req ContainerId = 1;
    }

    /// `agent.Call.KillContainer` and `KillNestedContainer` of the v1 API.
    pub struct KillContainer {
        container_id: req ContainerId = 1;
        signal: opt i32 = 2;
    }

    /// `agent.Call.LaunchContainer` of the v1 API.
    pub struct LaunchContainer {
        container_id: req ContainerId = 1;
        command: opt CommandInfo = 2;
        resources: rep Resource = 3;
        container: opt ContainerInfo = 4;
        limits: map BTreeMap<String, Scalar> = 5;
    }

    /// `agent.Call.AttachContainerInput` of the v1 API.
    pub struct AttachContainerInput {
        r#type: opt InputType = 1;
        container_id: opt ContainerId = 2;
        process_io: opt ProcessIo = 3;
    }

    /// `agent.Call.AddResourceProviderConfig` and `Update...` of the v1 API.
    pub struct ProviderConfig {
        info: req ProviderInfo = 1;
    }

    /// What is read here of `ResourceProviderInfo` of the v1 API.
    pub struct ProviderInfo {
        id: opt ResourceProviderId = 1;
        attributes: rep Attribute = 2;
        r#type: req String = 3;
        name: req String = 4;
    }

    /// `agent.Call.RemoveResourceProviderConfig` of the v1 API.
    pub struct ProviderName {
        r#type: req String = 1;
        name: req String = 2;
    }

    /// `agent.Call.MarkResourceProviderGone` of the v1 API.
    pub struct ProviderGone {
        resource_provider_id: req ResourceProviderId = 1;
    }

    /// `agent.Call.PruneImages` of the v1 API.
    pub struct PruneImages {
        excluded_images: rep Image = 1;
    }

    /// `agent.ProcessIO` of the v1 API.
    pub struct ProcessIo {
        r#type: opt IoType = 1;
        data: opt IoData = 2;
        control: opt IoControl = 3;
    }

    /// `agent.ProcessIO.Data` of the v1 API.
    pub struct IoData {
        r#type: opt DataType = 1;
        data: opt Base64 = 2;
    }

    /// `agent.ProcessIO.Control` of the v1 API.
    pub struct IoControl {
        r#type: opt ControlType = 1;
        tty_info: opt TtyInfo = 2;
        heartbeat: opt IoHeartbeat = 3;
    }

    /// `agent.ProcessIO.Control.Heartbeat` of the v1 API.
    pub struct IoHeartbeat {
        interval: opt DurationInfo = 1;
    }

    /// `agent.Response` of the v1 API.
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
        get_containers: opt GetContainersAnswer = 10;
        get_frameworks: opt GetFrameworksAnswer = 11;
        get_executors: opt GetExecutorsAnswer = 12;
        get_operations: opt GetOperationsAnswer = 18;
        get_tasks: opt GetTasksAnswer = 13;
        get_agent: opt GetAgentAnswer = 15;
        get_resource_providers: opt GetResourceProvidersAnswer = 17;
        wait_nested_container: opt WaitAnswer = 14;
        wait_container: opt WaitAnswer = 16;
    }

    /// `agent.Response.GetState` of the v1 API.
    pub struct GetStateAnswer {
        get_tasks: opt GetTasksAnswer = 1;
        get_executors: opt GetExecutorsAnswer = 2;
        get_frameworks: opt GetFrameworksAnswer = 3;
    }

    /// `agent.Response.GetContainers` of the v1 API.
    pub struct GetContainersAnswer {
        containers: rep ShownContainer = 1;
    }

    /// `agent.Response.GetContainers.Container` of the v1 API, without the statistics.
    pub struct ShownContainer {
        framework_id: opt FrameworkId = 1;
        executor_id: opt ExecutorId = 2;
        executor_name: opt String = 3;
        container_id: req ContainerId = 4;
        container_status: opt ContainerStatus = 5;
    }

    /// `agent.Response.GetFrameworks` of the v1 API.
    pub struct GetFrameworksAnswer {
        frameworks: rep ShownFramework = 1;
        completed_frameworks: rep ShownFramework = 2;
    }

    /// `agent.Response.GetFrameworks.Framework` of the v1 API.
    pub struct ShownFramework {
        framework_info: req FrameworkInfo = 1;
    }

    /// `agent.Response.GetExecutors` of the v1 API.
    pub struct GetExecutorsAnswer {
        executors: rep ShownExecutor = 1;
        completed_executors: rep ShownExecutor = 2;
    }

    /// `agent.Response.GetExecutors.Executor` of the v1 API.
    pub struct ShownExecutor {
        executor_info: req ExecutorInfo = 1;
    }

    /// `agent.Response.GetOperations` of the v1 API.
    pub struct GetOperationsAnswer {
        operations: rep Operation = 1;
    }

    /// `agent.Response.GetTasks` of the v1 API.
    pub struct GetTasksAnswer {
        pending_tasks: rep Task = 1;
        queued_tasks: rep Task = 2;
        launched_tasks: rep Task = 3;
        terminated_tasks: rep Task = 4;
        completed_tasks: rep Task = 5;
    }

    /// `agent.Response.GetAgent` of the v1 API.
    pub struct GetAgentAnswer {
        agent_info: opt AgentInfo = 1;
        drain_config: opt DrainConfig = 2;
        estimated_drain_start_time: opt TimeInfo = 3;
    }

    /// `agent.Response.GetResourceProviders` of the v1 API.
    pub struct GetResourceProvidersAnswer {
        resource_providers: rep ShownProvider = 1;
    }

    /// `agent.Response.GetResourceProviders.ResourceProvider` of the v1 API.
    pub struct ShownProvider {
        resource_provider_info: req ProviderInfo = 1;
        total_resources: rep Resource = 2;
    }

    /// `agent.Response.WaitContainer` and `WaitNestedContainer` of the v1 API, as far as it is told here.
    pub struct WaitAnswer {
        exit_status: opt i32 = 1;
    }
}

enums! {
    /// `agent.Call.Type` of the v1 API.
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
        GetContainers = "GET_CONTAINERS", 10;
        GetFrameworks = "GET_FRAMEWORKS", 11;
        GetExecutors = "GET_EXECUTORS", 12;
        GetOperations = "GET_OPERATIONS", 31;
        GetTasks = "GET_TASKS", 13;
        GetAgent = "GET_AGENT", 20;
        GetResourceProviders = "GET_RESOURCE_PROVIDERS", 26;
        LaunchNestedContainer = "LAUNCH_NESTED_CONTAINER", 14;
        WaitNestedContainer = "WAIT_NESTED_CONTAINER", 15;
        KillNestedContainer = "KILL_NESTED_CONTAINER", 16;
        RemoveNestedContainer = "REMOVE_NESTED_CONTAINER", 21;
        LaunchNestedContainerSession = "LAUNCH_NESTED_CONTAINER_SESSION", 17;
        AttachContainerInput = "ATTACH_CONTAINER_INPUT", 18;
        AttachContainerOutput = "ATTACH_CONTAINER_OUTPUT", 19;
        LaunchContainer = "LAUNCH_CONTAINER", 22;
        WaitContainer = "WAIT_CONTAINER", 23;
        KillContainer = "KILL_CONTAINER", 24;
        RemoveContainer = "REMOVE_CONTAINER", 25;
        AddResourceProviderConfig = "ADD_RESOURCE_PROVIDER_CONFIG", 27;
        UpdateResourceProviderConfig = "UPDATE_RESOURCE_PROVIDER_CONFIG", 28;
        RemoveResourceProviderConfig = "REMOVE_RESOURCE_PROVIDER_CONFIG", 29;
        MarkResourceProviderGone = "MARK_RESOURCE_PROVIDER_GONE", 32;
        PruneImages = "PRUNE_IMAGES", 30;
    }

    /// `agent.Response.Type` of the v1 API.
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
        GetContainers = "GET_CONTAINERS", 9;
        GetFrameworks = "GET_FRAMEWORKS", 10;
        GetExecutors = "GET_EXECUTORS", 11;
        GetOperations = "GET_OPERATIONS", 17;
        GetTasks = "GET_TASKS", 12;
        GetAgent = "GET_AGENT", 14;
        GetResourceProviders = "GET_RESOURCE_PROVIDERS", 16;
        WaitNestedContainer = "WAIT_NESTED_CONTAINER", 13;
        WaitContainer = "WAIT_CONTAINER", 15;
    }

    /// `agent.Call.AttachContainerInput.Type` of the v1 API.
    pub enum InputType {
        Unknown = "UNKNOWN", 0;
        ContainerId = "CONTAINER_ID", 1;
        ProcessIo = "PROCESS_IO", 2;
    }

    /// `agent.ProcessIO.Type` of the v1 API.
    pub enum IoType {
        Unknown = "UNKNOWN", 0;
        Data = "DATA", 1;
        Control = "CONTROL", 2;
    }

    /// `agent.ProcessIO.Data.Type` of the v1 API.
    pub enum DataType {
        Unknown = "UNKNOWN", 0;
        Stdin = "STDIN", 1;
        Stdout = "STDOUT", 2;
        Stderr = "STDERR", 3;
    }

    /// `agent.ProcessIO.Control.Type` of the v1 API.
    pub enum ControlType {
        Unknown = "UNKNOWN", 0;
        TtyInfo = "TTY_INFO", 1;
        Heartbeat = "HEARTBEAT", 2;
    }
}
