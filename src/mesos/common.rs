//! Small messages that many others carry: addresses, times, labels, parameters, secrets.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{Base64, enums, messages};

messages! {
    /// `ContainerID` of the v1 API.
    pub struct ContainerId {
        value: req String = 1;
        parent: box ContainerId = 2;
    }

    /// `TimeInfo` of the v1 API.
    pub struct TimeInfo {
        nanoseconds: req i64 = 1;
    }

    /// `DurationInfo` of the v1 API.
    pub struct DurationInfo {
        nanoseconds: req i64 = 1;
    }

    /// `Address` of the v1 API.
    pub struct Address {
        hostname: opt String = 1;
        ip: opt String = 2;
        port: req i32 = 3;
    }

    /// `URL` of the v1 API.
    pub struct Url {
        scheme: req String = 1;
        address: req Address = 2;
        path: opt String = 3;
        query: rep Parameter = 4;
        fragment: opt String = 5;
    }

    /// `Unavailability` of the v1 API.
    pub struct Unavailability {
        start: req TimeInfo = 1;
        duration: opt DurationInfo = 2;
    }

    /// `MachineID` of the v1 API.
    pub struct MachineId {
        hostname: opt String = 1;
        ip: opt String = 2;
    }

    /// `DomainInfo` of the v1 API.
    pub struct DomainInfo {
        fault_domain: opt FaultDomain = 1;
    }

    /// `DomainInfo.FaultDomain` of the v1 API.
    pub struct FaultDomain {
        region: req RegionInfo = 1;
        zone: req ZoneInfo = 2;
    }

    /// `DomainInfo.FaultDomain.RegionInfo` of the v1 API.
    pub struct RegionInfo {
        name: req String = 1;
    }

    /// `DomainInfo.FaultDomain.ZoneInfo` of the v1 API.
    pub struct ZoneInfo {
        name: req String = 1;
    }

    /// `Parameter` of the v1 API.
    pub struct Parameter {
        key: req String = 1;
        value: req String = 2;
    }

    /// `Parameters` of the v1 API.
    pub struct Parameters {
        parameter: rep Parameter = 1;
    }

    /// `Labels` of the v1 API.
    pub struct Labels {
        labels: rep Label = 1;
    }

    /// `Label` of the v1 API.
    pub struct Label {
        key: req String = 1;
        value: opt String = 2;
    }

    /// `Credential` of the v1 API.
    pub struct Credential {
        principal: req String = 1;
        secret: opt String = 2;
    }

    /// `Secret` of the v1 API.
    pub struct Secret {
        r#type: opt SecretType = 1;
        reference: opt SecretReference = 2;
        value: opt SecretValue = 3;
    }

    /// `Secret.Reference` of the v1 API.
    pub struct SecretReference {
        name: req String = 1;
        key: opt String = 2;
    }

    /// `Secret.Value` of the v1 API.
    pub struct SecretValue {
        data: req Base64 = 1;
    }

    /// `Environment` of the v1 API.
    pub struct Environment {
        variables: rep Variable = 1;
    }

    /// `Environment.Variable` of the v1 API.
    pub struct Variable {
        name: req String = 1;
        r#type: opt VariableType = 3;
        value: opt String = 2;
        secret: opt Secret = 4;
    }

    /// `Port` of the v1 API.
    pub struct Port {
        number: req u32 = 1;
        name: opt String = 2;
        protocol: opt String = 3;
        visibility: opt Visibility = 4;
        labels: opt Labels = 5;
    }

    /// `Ports` of the v1 API.
    pub struct Ports {
        ports: rep Port = 1;
    }

    /// `DiscoveryInfo` of the v1 API.
    pub struct DiscoveryInfo {
        visibility: req Visibility = 1;
        name: opt String = 2;
        environment: opt String = 3;
        location: opt String = 4;
        version: opt String = 5;
        ports: opt Ports = 6;
        labels: opt Labels = 7;
    }

    /// `UUID` of the v1 API.
    pub struct Uuid {
        value: req Base64 = 1;
    }

    /// `MasterInfo` of the v1 API.
    pub struct MasterInfo {
        id: req String = 1;
        ip: req u32 = 2;
        port: req u32 = 3;
        pid: opt String = 4;
        hostname: opt String = 5;
        version: opt String = 6;
        address: opt Address = 7;
        domain: opt DomainInfo = 8;
        capabilities: rep MasterCapability = 9;
    }

    /// `MasterInfo.Capability` of the v1 API.
    pub struct MasterCapability {
        r#type: opt MasterCapabilityType = 1;
    }
}

enums! {
    /// `Secret.Type` of the v1 API.
    pub enum SecretType {
        Unknown = "UNKNOWN", 0;
        Reference = "REFERENCE", 1;
        Value = "VALUE", 2;
    }

    /// `Environment.Variable.Type` of the v1 API.
    pub enum VariableType {
        Unknown = "UNKNOWN", 0;
        Value = "VALUE", 1;
        Secret = "SECRET", 2;
    }

    /// `DiscoveryInfo.Visibility` of the v1 API.
    pub enum Visibility {
        Framework = "FRAMEWORK", 0;
        Cluster = "CLUSTER", 1;
        External = "EXTERNAL", 2;
    }

    /// `MasterInfo.Capability.Type` of the v1 API.
    pub enum MasterCapabilityType {
        Unknown = "UNKNOWN", 0;
        AgentUpdate = "AGENT_UPDATE", 1;
        AgentDraining = "AGENT_DRAINING", 2;
        QuotaV2 = "QUOTA_V2", 3;
    }
}
