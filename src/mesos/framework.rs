//! What a scheduler says of itself.
//!
//! Names, numbers and presence are those of the v1 protocol.

use super::message::{enums, messages};
use super::*;
use std::collections::BTreeMap;
use std::time::Duration;

messages! {
    /// `FrameworkInfo` of the v1 API.
    pub struct FrameworkInfo {
        user: req String = 1;
        name: req String = 2;
        id: opt FrameworkId = 3;
        failover_timeout: opt f64 = 4;
        checkpoint: opt bool = 5;
        role: opt String = 6;
        roles: rep String = 12;
        hostname: opt String = 7;
        principal: opt String = 8;
        webui_url: opt String = 9;
        capabilities: rep FrameworkCapability = 10;
        labels: opt Labels = 11;
        offer_filters: map BTreeMap<String, OfferFilters> = 13;
    }

    /// `FrameworkInfo.Capability` of the v1 API.
    pub struct FrameworkCapability {
        r#type: opt FrameworkCapabilityType = 1;
    }

    /// `OfferFilters` of the v1 API.
    pub struct OfferFilters {
        min_allocatable_resources: opt MinAllocatableResources = 1;
    }

    /// `OfferFilters.ResourceQuantities` of the v1 API.
    pub struct ResourceQuantities {
        quantities: map BTreeMap<String, Scalar> = 1;
    }

    /// `OfferFilters.MinAllocatableResources` of the v1 API.
    pub struct MinAllocatableResources {
        quantities: rep ResourceQuantities = 1;
    }
}

enums! {
    /// `FrameworkInfo.Capability.Type` of the v1 API.
    pub enum FrameworkCapabilityType {
        Unknown = "UNKNOWN", 0;
        RevocableResources = "REVOCABLE_RESOURCES", 1;
        TaskKillingState = "TASK_KILLING_STATE", 2;
        GpuResources = "GPU_RESOURCES", 3;
        SharedResources = "SHARED_RESOURCES", 4;
        PartitionAware = "PARTITION_AWARE", 5;
        MultiRole = "MULTI_ROLE", 6;
        ReservationRefinement = "RESERVATION_REFINEMENT", 7;
        RegionAware = "REGION_AWARE", 8;
    }
}

impl FrameworkInfo {
    /// How long a master keeps the framework without a connection. What is no time is none.
    pub fn failover_time(&self) -> Duration {
        Duration::try_from_secs_f64(self.failover_timeout.unwrap_or(0.0)).unwrap_or_default()
    }
}
