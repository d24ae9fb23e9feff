//! What every libprocess serves beside its own routes: the machine's load and memory, and a profiler that isn't there.
//!
//! (apache/mesos: 3rdparty/libprocess/include/process/system.hpp, profiler.cpp)

use std::collections::HashMap;

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::http::{json as shown, text};

/// Answers these paths, and no others.
pub(super) fn answer(path: &str, query: &HashMap<String, String>) -> Option<Response> {
    match path {
        "/system/stats.json" => Some(shown(&stats(), query)),
        "/profiler/start" | "/profiler/stop" => {
            let why = "Perftools is disabled. To enable perftools, configure libprocess with --enable-perftools.\n";
            Some(text(400, why))
        }
        _ => None,
    }
}

/// The machine's load and memory, as far as it tells.
fn stats() -> Value {
    let mut stats = Map::new();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let loads = load.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    for (name, load) in ["avg_load_1min", "avg_load_5min", "avg_load_15min"].into_iter().zip(loads) {
        stats.insert(name.to_owned(), json!(load));
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    stats.insert("cpus_total".to_owned(), json!(cpus as f64));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    for (name, key) in [("mem_total_bytes", "MemTotal:"), ("mem_free_bytes", "MemFree:")] {
        let line = memory.lines().find_map(|line| line.strip_prefix(key));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        if let Some(kilobytes) = kilobytes {
            stats.insert(name.to_owned(), json!((kilobytes * 1024) as f64));
        }
    }
    Value::Object(stats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_paths_are_answered() {
        let query = HashMap::new();
        assert_eq!(answer("/system/stats.json", &query).map(|it| it.status().as_u16()), Some(200));
        assert_eq!(answer("/profiler/start", &query).map(|it| it.status().as_u16()), Some(400));
        assert!(answer("/system/stats", &query).is_none());
        assert!(stats()["cpus_total"].as_f64().unwrap() >= 1.0);
    }
}
