//! The executor API of an agent: what an executor of a framework's own says and hears.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{Base64, enums, messages};
use super::{
    AgentInfo, ContainerId, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy, TaskGroupInfo, TaskId,
    TaskInfo, TaskStatus,
};

messages! {
    /// `executor.Call` of the v1 API.
    pub struct Call {
        executor_id: req ExecutorId = 1;
        framework_id: req FrameworkId = 2;
        r#type: opt CallType = 3;
        subscribe: opt Subscribe = 4;
        update: opt Update = 5;
        message: opt Message = 6;
    }

    /// `executor.Call.Subscribe` of the v1 API.
    pub struct Subscribe {
        unacknowledged_tasks: rep TaskInfo = 1;
        unacknowledged_updates: rep Update = 2;
    }

    /// `executor.Call.Update` of the v1 API.
    pub struct Update {
        status: req TaskStatus = 1;
    }

    /// `executor.Call.Message` of the v1 API.
    pub struct Message {
        data: req Base64 = 2;
    }

    /// `executor.Event` of the v1 API.
    pub struct Event {
        r#type: opt EventType = 1;
        subscribed: opt Subscribed = 2;
        acknowledged: opt Acknowledged = 3;
        launch: opt Launch = 4;
        launch_group: opt LaunchGroup = 8;
        kill: opt Kill = 5;
        message: opt MessageEvent = 6;
        error: opt Error = 7;
    }

    /// `executor.Event.Subscribed` of the v1 API.
    pub struct Subscribed {
        executor_info: req ExecutorInfo = 1;
        framework_info: req FrameworkInfo = 2;
        agent_info: req AgentInfo = 3;
        container_id: opt ContainerId = 4;
    }

    /// `executor.Event.Launch` of the v1 API.
    pub struct Launch {
        task: req TaskInfo = 1;
    }

    /// `executor.Event.LaunchGroup` of the v1 API.
    pub struct LaunchGroup {
        task_group: req TaskGroupInfo = 1;
    }

    /// `executor.Event.Kill` of the v1 API.
    pub struct Kill {
        task_id: req TaskId = 1;
        kill_policy: opt KillPolicy = 2;
    }

    /// `executor.Event.Acknowledged` of the v1 API.
    pub struct Acknowledged {
        task_id: req TaskId = 1;
        uuid: req Base64 = 2;
    }

    /// `executor.Event.Message` of the v1 API.
    pub struct MessageEvent {
        data: req Base64 = 1;
    }

    /// `executor.Event.Error` of the v1 API.
    pub struct Error {
        message: req String = 1;
    }
}

enums! {
    /// `executor.Call.Type` of the v1 API.
    pub enum CallType {
        Unknown = "UNKNOWN", 0;
        Subscribe = "SUBSCRIBE", 1;
        Update = "UPDATE", 2;
        Message = "MESSAGE", 3;
        Heartbeat = "HEARTBEAT", 4;
    }

    /// `executor.Event.Type` of the v1 API.
    pub enum EventType {
        Unknown = "UNKNOWN", 0;
        Subscribed = "SUBSCRIBED", 1;
        Launch = "LAUNCH", 2;
        LaunchGroup = "LAUNCH_GROUP", 8;
        Kill = "KILL", 3;
        Acknowledged = "ACKNOWLEDGED", 4;
        Message = "MESSAGE", 5;
        Error = "ERROR", 6;
        Shutdown = "SHUTDOWN", 7;
        Heartbeat = "HEARTBEAT", 9;
    }
}
