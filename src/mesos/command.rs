//! What a task or executor runs: commands, URIs, checks, kill policies.
//!
//! Names, numbers and presence are those of the v1 protocol; nothing here does anything.

use super::message::{enums, messages};
use super::*;

messages! {
    /// `CheckInfo` of the v1 API.
    pub struct CheckInfo {
        r#type: opt CheckType = 1;
        command: opt CommandCheck = 2;
        http: opt HttpCheck = 3;
        tcp: opt TcpCheck = 7;
        delay_seconds: opt f64 = 4;
        interval_seconds: opt f64 = 5;
        timeout_seconds: opt f64 = 6;
    }

    /// `CheckInfo.Command` of the v1 API.
    pub struct CommandCheck {
        command: req CommandInfo = 1;
    }

    /// `CheckInfo.Http` of the v1 API.
    pub struct HttpCheck {
        port: req u32 = 1;
        path: opt String = 2;
    }

    /// `CheckInfo.Tcp` of the v1 API.
    pub struct TcpCheck {
        port: req u32 = 1;
    }

    /// `HealthCheck` of the v1 API.
    pub struct HealthCheck {
        delay_seconds: opt f64 = 2;
        interval_seconds: opt f64 = 3;
        timeout_seconds: opt f64 = 4;
        consecutive_failures: opt u32 = 5;
        grace_period_seconds: opt f64 = 6;
        r#type: opt HealthCheckType = 8;
        command: opt CommandInfo = 7;
        http: opt HttpHealthCheck = 1;
        tcp: opt TcpHealthCheck = 9;
    }

    /// `HealthCheck.HTTPCheckInfo` of the v1 API.
    pub struct HttpHealthCheck {
        protocol: opt Protocol = 5;
        scheme: opt String = 3;
        port: req u32 = 1;
        path: opt String = 2;
        statuses: rep u32 = 4;
    }

    /// `HealthCheck.TCPCheckInfo` of the v1 API.
    pub struct TcpHealthCheck {
        protocol: opt Protocol = 2;
        port: req u32 = 1;
    }

    /// `KillPolicy` of the v1 API.
    pub struct KillPolicy {
        grace_period: opt DurationInfo = 1;
    }

    /// `CommandInfo` of the v1 API.
    pub struct CommandInfo {
        uris: rep CommandUri = 1;
        environment: opt Environment = 2;
        shell: opt bool = 6;
        value: opt String = 3;
        arguments: rep String = 7;
        user: opt String = 5;
    }

    /// `CommandInfo.URI` of the v1 API.
    pub struct CommandUri {
        value: req String = 1;
        executable: opt bool = 2;
        extract: opt bool = 3;
        cache: opt bool = 4;
        output_file: opt String = 5;
    }

    /// `CheckStatusInfo` of the v1 API.
    pub struct CheckStatusInfo {
        r#type: opt CheckType = 1;
        command: opt CommandCheckStatus = 2;
        http: opt HttpCheckStatus = 3;
        tcp: opt TcpCheckStatus = 4;
    }

    /// `CheckStatusInfo.Command` of the v1 API.
    pub struct CommandCheckStatus {
        exit_code: opt i32 = 1;
    }

    /// `CheckStatusInfo.Http` of the v1 API.
    pub struct HttpCheckStatus {
        status_code: opt u32 = 1;
    }

    /// `CheckStatusInfo.Tcp` of the v1 API.
    pub struct TcpCheckStatus {
        succeeded: opt bool = 1;
    }
}

enums! {
    /// `CheckInfo.Type` of the v1 API.
    pub enum CheckType {
        Unknown = "UNKNOWN", 0;
        Command = "COMMAND", 1;
        Http = "HTTP", 2;
        Tcp = "TCP", 3;
    }

    /// `HealthCheck.Type` of the v1 API.
    pub enum HealthCheckType {
        Unknown = "UNKNOWN", 0;
        Command = "COMMAND", 1;
        Http = "HTTP", 2;
        Tcp = "TCP", 3;
    }
}
