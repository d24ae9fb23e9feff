//! Offers, inverse offers, and the operations that an ACCEPT carries.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{enums, messages};
use super::*;

messages! {
    /// `Offer` of the v1 API.
    pub struct Offer {
        id: req OfferId = 1;
        framework_id: req FrameworkId = 2;
        agent_id: req AgentId = 3;
        hostname: req String = 4;
        url: opt Url = 8;
        domain: opt DomainInfo = 11;
        resources: rep Resource = 5;
        attributes: rep Attribute = 7;
        executor_ids: rep ExecutorId = 6;
        unavailability: opt Unavailability = 9;
        allocation_info: opt AllocationInfo = 10;
    }

    /// `Offer.Operation` of the v1 API.
    pub struct Operation {
        r#type: opt OperationType = 1;
        id: opt OperationId = 12;
        launch: opt Launch = 2;
        launch_group: opt LaunchGroup = 7;
        reserve: opt Reserve = 3;
        unreserve: opt Unreserve = 4;
        create: opt Create = 5;
        destroy: opt Destroy = 6;
        grow_volume: opt GrowVolume = 13;
        shrink_volume: opt ShrinkVolume = 14;
        create_disk: opt CreateDisk = 15;
        destroy_disk: opt DestroyDisk = 16;
    }

    /// `Offer.Operation.Launch` of the v1 API.
    pub struct Launch {
        task_infos: rep TaskInfo = 1;
    }

    /// `Offer.Operation.LaunchGroup` of the v1 API.
    pub struct LaunchGroup {
        executor: req ExecutorInfo = 1;
        task_group: req TaskGroupInfo = 2;
    }

    /// `Offer.Operation.Reserve` of the v1 API.
    pub struct Reserve {
        source: rep Resource = 2;
        resources: rep Resource = 1;
    }

    /// `Offer.Operation.Unreserve` of the v1 API.
    pub struct Unreserve {
        resources: rep Resource = 1;
    }

    /// `Offer.Operation.Create` of the v1 API.
    pub struct Create {
        volumes: rep Resource = 1;
    }

    /// `Offer.Operation.Destroy` of the v1 API.
    pub struct Destroy {
        volumes: rep Resource = 1;
    }

    /// `Offer.Operation.GrowVolume` of the v1 API.
    pub struct GrowVolume {
        volume: req Resource = 1;
        addition: req Resource = 2;
    }

    /// `Offer.Operation.ShrinkVolume` of the v1 API.
    pub struct ShrinkVolume {
        volume: req Resource = 1;
        subtract: req Scalar = 2;
    }

    /// `Offer.Operation.CreateDisk` of the v1 API.
    pub struct CreateDisk {
        source: req Resource = 1;
        target_type: req DiskSourceType = 2;
        target_profile: opt String = 3;
    }

    /// `Offer.Operation.DestroyDisk` of the v1 API.
    pub struct DestroyDisk {
        source: req Resource = 1;
    }

    /// `InverseOffer` of the v1 API.
    pub struct InverseOffer {
        id: req OfferId = 1;
        url: opt Url = 2;
        framework_id: req FrameworkId = 3;
        agent_id: opt AgentId = 4;
        unavailability: req Unavailability = 5;
        resources: rep Resource = 6;
    }

    /// `Filters` of the v1 API.
    pub struct Filters {
        refuse_seconds: opt f64 = 1;
    }
}

enums! {
    /// `Offer.Operation.Type` of the v1 API.
    pub enum OperationType {
        Unknown = "UNKNOWN", 0;
        Launch = "LAUNCH", 1;
        LaunchGroup = "LAUNCH_GROUP", 6;
        Reserve = "RESERVE", 2;
        Unreserve = "UNRESERVE", 3;
        Create = "CREATE", 4;
        Destroy = "DESTROY", 5;
        GrowVolume = "GROW_VOLUME", 11;
        ShrinkVolume = "SHRINK_VOLUME", 12;
        CreateDisk = "CREATE_DISK", 13;
        DestroyDisk = "DESTROY_DISK", 14;
    }
}
