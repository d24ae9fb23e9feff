//! The master's settings, named and printed as a real master's flags are.
//!
//! What an embedded master does without shows the value that a real one has by default.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::actor::Master;
use crate::embedded::flags::printed;

/// Flags that are always as a real master has them by default.
const DEFAULTS: [(&str, &str); 38] = [
    ("allocator", "hierarchical"),
    ("allocator_agent_recovery_factor", "0.8"),
    ("allocator_recovery_timeout", "10mins"),
    ("authenticate_agents", "false"),
    ("authenticate_frameworks", "false"),
    ("authentication_v0_timeout", "15secs"),
    ("authenticators", "crammd5"),
    ("authorizers", "local"),
    ("filter_gpu_resources", "true"),
    ("framework_sorter", "drf"),
    ("help", "false"),
    ("hostname_lookup", "true"),
    ("http_authenticators", "basic"),
    ("initialize_driver_logging", "true"),
    ("log_auto_initialize", "true"),
    ("logbufsecs", "0"),
    ("logging_level", "INFO"),
    ("max_completed_frameworks", "50"),
    ("max_completed_tasks_per_framework", "1000"),
    ("max_operator_event_stream_subscribers", "1000"),
    ("max_unreachable_tasks_per_framework", "1000"),
    ("memory_profiling", "false"),
    ("min_allocatable_resources", "cpus:0.01|mem:32"),
    ("offer_constraints_re2_max_mem", "4KB"),
    ("offer_constraints_re2_max_program_size", "100"),
    ("publish_per_framework_metrics", "true"),
    ("quiet", "false"),
    ("recovery_agent_removal_limit", "100%"),
    ("registry_fetch_timeout", "1mins"),
    ("registry_gc_interval", "15mins"),
    ("registry_max_agent_age", "2weeks"),
    ("registry_max_agent_count", "102400"),
    ("registry_store_timeout", "20secs"),
    ("registry_strict", "false"),
    ("require_agent_domain", "false"),
    ("role_sorter", "drf"),
    ("version", "false"),
    ("zk_session_timeout", "10secs"),
];

/// As many pings an agent may miss before it counts as out of reach.
const PINGS: u32 = 5;

impl Master {
    /// What `/flags` shows.
    pub(super) fn flags(&self) -> Value {
        let settings = &self.settings;
        let mut flags: BTreeMap<&str, String> =
            DEFAULTS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        flags.extend([
            ("agent_ping_timeout", printed(settings.agent_timeout / PINGS)),
            ("agent_reregister_timeout", printed(settings.agent_reregister_timeout)),
            ("allocation_interval", printed(settings.allocation_interval)),
            ("authenticate_http_frameworks", settings.authenticate.frameworks.to_string()),
            ("authenticate_http_readonly", settings.authenticate.readonly.to_string()),
            ("authenticate_http_readwrite", settings.authenticate.readwrite.to_string()),
            ("hostname", settings.hostname.clone()),
            ("max_agent_ping_timeouts", PINGS.to_string()),
            ("port", settings.address.port().to_string()),
            ("registry", self.registry_name().to_owned()),
            ("root_submissions", settings.root_submissions.to_string()),
        ]);
        flags.extend(settings.roles.as_ref().map(|roles| ("roles", roles.join(","))));
        flags.extend(settings.offer_timeout.map(|timeout| ("offer_timeout", printed(timeout))));
        json!(flags)
    }
}
