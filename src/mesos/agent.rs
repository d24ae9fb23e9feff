//! Agents as a master describes them.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{enums, messages};
use super::*;

messages! {
    /// `AgentInfo` of the v1 API.
    pub struct AgentInfo {
        hostname: req String = 1;
        port: opt i32 = 8;
        resources: rep Resource = 3;
        attributes: rep Attribute = 5;
        id: opt AgentId = 6;
        domain: opt DomainInfo = 10;
    }

    /// `AgentInfo.Capability` of the v1 API.
    pub struct AgentCapability {
        r#type: opt AgentCapabilityType = 1;
    }

    /// `DrainConfig` of the v1 API.
    pub struct DrainConfig {
        max_grace_period: opt DurationInfo = 1;
        mark_gone: opt bool = 2;
    }

    /// `DrainInfo` of the v1 API.
    pub struct DrainInfo {
        state: req DrainState = 1;
        config: req DrainConfig = 2;
    }
}

enums! {
    /// `AgentInfo.Capability.Type` of the v1 API.
    pub enum AgentCapabilityType {
        Unknown = "UNKNOWN", 0;
        MultiRole = "MULTI_ROLE", 1;
        HierarchicalRole = "HIERARCHICAL_ROLE", 2;
        ReservationRefinement = "RESERVATION_REFINEMENT", 3;
        ResourceProvider = "RESOURCE_PROVIDER", 4;
        ResizeVolume = "RESIZE_VOLUME", 5;
        AgentOperationFeedback = "AGENT_OPERATION_FEEDBACK", 6;
        AgentDraining = "AGENT_DRAINING", 7;
        TaskResourceLimits = "TASK_RESOURCE_LIMITS", 8;
    }

    /// `DrainState` of the v1 API.
    pub enum DrainState {
        Unknown = "UNKNOWN", 0;
        Draining = "DRAINING", 1;
        Drained = "DRAINED", 2;
    }
}
