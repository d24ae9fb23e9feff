//! Resources and attributes: scalars, ranges, sets, reservations, disks.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{enums, messages};
use super::*;

messages! {
    /// `Value` of the v1 API.
    pub struct Value {
        r#type: req ValueType = 1;
        scalar: opt Scalar = 2;
        ranges: opt Ranges = 3;
        set: opt Set = 4;
        text: opt Text = 5;
    }

    /// `Value.Scalar` of the v1 API.
    pub struct Scalar {
        value: req f64 = 1;
    }

    /// `Value.Range` of the v1 API.
    pub struct Range {
        begin: req u64 = 1;
        end: req u64 = 2;
    }

    /// `Value.Ranges` of the v1 API.
    pub struct Ranges {
        range: rep Range = 1;
    }

    /// `Value.Set` of the v1 API.
    pub struct Set {
        item: rep String = 1;
    }

    /// `Value.Text` of the v1 API.
    pub struct Text {
        value: req String = 1;
    }

    /// `Attribute` of the v1 API.
    pub struct Attribute {
        name: req String = 1;
        r#type: req ValueType = 2;
        scalar: opt Scalar = 3;
        ranges: opt Ranges = 4;
        set: opt Set = 6;
        text: opt Text = 5;
    }

    /// `Resource` of the v1 API.
    pub struct Resource {
        provider_id: opt ResourceProviderId = 12;
        name: req String = 1;
        r#type: req ValueType = 2;
        scalar: opt Scalar = 3;
        ranges: opt Ranges = 4;
        set: opt Set = 5;
        role: opt String = 6;
        allocation_info: opt AllocationInfo = 11;
        reservation: opt ReservationInfo = 8;
        reservations: rep ReservationInfo = 13;
        disk: box DiskInfo = 7;
        revocable: opt RevocableInfo = 9;
        shared: opt SharedInfo = 10;
    }

    /// `Resource.AllocationInfo` of the v1 API.
    pub struct AllocationInfo {
        role: opt String = 1;
    }

    /// `Resource.ReservationInfo` of the v1 API.
    pub struct ReservationInfo {
        r#type: opt ReservationType = 4;
        role: opt String = 3;
        principal: opt String = 1;
        labels: opt Labels = 2;
    }

    /// `Resource.DiskInfo` of the v1 API.
    pub struct DiskInfo {
        persistence: opt Persistence = 1;
        volume: opt Volume = 2;
        source: opt DiskSource = 3;
    }

    /// `Resource.DiskInfo.Persistence` of the v1 API.
    pub struct Persistence {
        id: req String = 1;
        principal: opt String = 2;
    }

    /// `Resource.DiskInfo.Source` of the v1 API.
    pub struct DiskSource {
        r#type: req DiskSourceType = 1;
        path: opt DiskPath = 2;
        mount: opt DiskMount = 3;
        vendor: opt String = 7;
        id: opt String = 4;
        metadata: opt Labels = 5;
        profile: opt String = 6;
    }

    /// `Resource.DiskInfo.Source.Path` of the v1 API.
    pub struct DiskPath {
        root: opt String = 1;
    }

    /// `Resource.DiskInfo.Source.Mount` of the v1 API.
    pub struct DiskMount {
        root: opt String = 1;
    }

    /// `Resource.RevocableInfo` of the v1 API.
    pub struct RevocableInfo {
    }

    /// `Resource.SharedInfo` of the v1 API.
    pub struct SharedInfo {
    }

    /// `Request` of the v1 API.
    pub struct ResourceRequest {
        agent_id: opt AgentId = 1;
        resources: rep Resource = 2;
    }
}

enums! {
    /// `Value.Type` of the v1 API.
    pub enum ValueType {
        Scalar = "SCALAR", 0;
        Ranges = "RANGES", 1;
        Set = "SET", 2;
        Text = "TEXT", 3;
    }

    /// `Resource.ReservationInfo.Type` of the v1 API.
    pub enum ReservationType {
        Unknown = "UNKNOWN", 0;
        Static = "STATIC", 1;
        Dynamic = "DYNAMIC", 2;
    }

    /// `Resource.DiskInfo.Source.Type` of the v1 API.
    pub enum DiskSourceType {
        Unknown = "UNKNOWN", 0;
        Path = "PATH", 1;
        Mount = "MOUNT", 2;
        Block = "BLOCK", 3;
        Raw = "RAW", 4;
    }
}
