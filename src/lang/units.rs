//! Values as people write them: memory, time, ports. Pure text to value; no defaults, no limits of Mesos's.

use std::time::Duration;

/// MiB from `100`, `512m`, `1g`, `1.5 GiB`, `100 MB` (which Mesos takes for MiB too); `None` for anything else.
pub fn mebibytes(text: &str) -> Option<f64> {
    let _ = text;
    None
}

/// A span of time from `30` (seconds), `500ms`, `30s`, `5m`, `1h30m`, `2 weeks`; `None` for anything else.
pub fn duration(text: &str) -> Option<Duration> {
    let _ = text;
    None
}

/// Port ranges from `9000`, `9000-10000`, `[9000-9010, 9050]`; `None` for anything else or a range upside down.
pub fn ports(text: &str) -> Option<Vec<(u64, u64)>> {
    let _ = text;
    None
}
