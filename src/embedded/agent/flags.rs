//! The agent's settings, named and printed as a real agent's flags are.
//!
//! What an embedded agent does without shows the value that a real one has by default.

use std::collections::BTreeMap;

use serde_json::json;

use super::actor::Setup;
use super::{fetch, options, user};
use crate::embedded::resources::Resources;
use crate::mesos::{Attribute, Json};

/// Flags that are always as a real agent has them by default.
const DEFAULTS: [(&str, &str); 69] = [
    ("appc_simple_discovery_uri_prefix", "http://"),
    ("appc_store_dir", "/tmp/mesos/store/appc"),
    ("authenticate_http_executors", "false"),
    ("authenticate_http_readonly", "false"),
    ("authenticate_http_readwrite", "false"),
    ("authenticatee", "crammd5"),
    ("authentication_backoff_factor", "1secs"),
    ("authentication_timeout_max", "1mins"),
    ("authentication_timeout_min", "5secs"),
    ("authorizer", "local"),
    ("cgroups_cpu_enable_pids_and_tids_count", "false"),
    ("cgroups_destroy_timeout", "1mins"),
    ("cgroups_enable_cfs", "false"),
    ("cgroups_hierarchy", "/sys/fs/cgroup"),
    ("cgroups_limit_swap", "false"),
    ("cgroups_root", "mesos"),
    ("container_disk_watch_interval", "15secs"),
    ("default_role", "*"),
    ("disallow_sharing_agent_ipc_namespace", "false"),
    ("disallow_sharing_agent_pid_namespace", "false"),
    ("disk_watch_interval", "1mins"),
    ("docker", "docker"),
    ("docker_ignore_runtime", "false"),
    ("docker_kill_orphans", "true"),
    ("docker_registry", "https://registry-1.docker.io"),
    ("docker_socket", "/var/run/docker.sock"),
    ("docker_stop_timeout", "0ns"),
    ("docker_store_dir", "/tmp/mesos/store/docker"),
    ("docker_volume_checkpoint_dir", "/var/run/mesos/isolators/docker/volume"),
    ("docker_volume_chown", "false"),
    ("enforce_container_disk_quota", "false"),
    ("executor_registration_timeout", "1mins"),
    ("executor_reregistration_timeout", "2secs"),
    ("executor_shutdown_grace_period", "5secs"),
    ("fetcher_cache_size", "2GB"),
    ("fetcher_stall_timeout", "1mins"),
    ("frameworks_home", ""),
    ("gc_delay", "1weeks"),
    ("gc_disk_headroom", "0.1"),
    ("gc_non_executor_container_sandboxes", "false"),
    ("help", "false"),
    ("hostname_lookup", "true"),
    ("http_command_executor", "false"),
    ("http_executor_domain_sockets", "false"),
    ("http_heartbeat_interval", "30secs"),
    ("initialize_driver_logging", "true"),
    ("isolation", "posix/cpu,posix/mem"),
    ("launcher", "posix"),
    ("logbufsecs", "0"),
    ("logging_level", "INFO"),
    ("max_completed_executors_per_framework", "150"),
    ("memory_profiling", "false"),
    ("network_cni_metrics", "true"),
    ("network_cni_root_dir_persist", "false"),
    ("oversubscribed_resources_interval", "15secs"),
    ("perf_duration", "10secs"),
    ("perf_interval", "1mins"),
    ("qos_correction_interval_min", "0ns"),
    ("quiet", "false"),
    ("reconfiguration_policy", "equal"),
    ("recover", "reconnect"),
    ("recovery_timeout", "15mins"),
    ("registration_backoff_factor", "1secs"),
    ("revocable_cpu_low_priority", "true"),
    ("strict", "true"),
    ("systemd_enable_support", "true"),
    ("systemd_runtime_directory", "/run/systemd/system"),
    ("version", "false"),
    ("zk_session_timeout", "10secs"),
];

/// What `/flags` shows.
pub(super) fn flags(setup: &Setup) -> Json {
    let config = &setup.config;
    let attributes = config.offers.attributes.iter().map(attribute);
    let attributes: Vec<_> = attributes.chain([format!("containers:{}", setup.containers())]).collect();
    let mut flags: BTreeMap<&str, String> = DEFAULTS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    flags.extend([
        ("attributes", attributes.join(";")),
        ("containerizers", if setup.engine.is_some() { "docker,mesos" } else { "mesos" }.to_owned()),
        // A container is removed as soon as it has ended.
        ("docker_remove_delay", "0ns".to_owned()),
        ("fetcher_cache_dir", fetch::cache_dir(&config.work_dir).display().to_string()),
        ("port", setup.address.port().to_string()),
        ("resources", Resources::of(&config.offers.resources).to_string().replace("; ", ";")),
        ("sandbox_directory", options::SANDBOX.to_owned()),
        ("switch_user", user::may_switch().to_string()),
        ("work_dir", config.work_dir.display().to_string()),
    ]);
    json!(flags)
}

fn attribute(attribute: &Attribute) -> String {
    let text = attribute.text.as_ref().map_or("", |text| text.value.as_str());
    let value = attribute.scalar.as_ref().map_or_else(|| text.to_owned(), |scalar| scalar.value.to_string());
    format!("{}:{value}", attribute.name)
}
