//! What the master counts, and `/metrics/snapshot`, under the names that a real master has.
//!
//! Counters and states only: how long things take inside a real master (its allocator's runs, its registrar's writes, its
//! event queues) means nothing here and is left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::actor::Master;
use super::allocator::Allocator;
use super::framework::{Framework, is_terminal};
use super::validate::framework::roles;
use crate::embedded::resources::Resources;
use crate::mesos::{FrameworkId, TaskState, TaskStatus};

/// Counters by name; those that never counted aren't there.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<BTreeMap<Cow<'static, str>, u64>>);

impl Counters {
    /// Counts one more.
    pub(super) fn count(&self, name: impl Into<Cow<'static, str>>) {
        self.add(name, 1);
    }

    /// Counts so many more.
    pub(super) fn add(&self, name: impl Into<Cow<'static, str>>, many: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.into()).or_default() += many;
    }

    fn all(&self) -> BTreeMap<Cow<'static, str>, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counters that a real master shows from its start on. Those of what an embedded one never does stay at nought.
const COUNTERS: [&str; 64] = [
    "dropped_messages",
    "http_cache_hits",
    "invalid_executor_to_framework_messages",
    "invalid_framework_to_executor_messages",
    "invalid_operation_status_update_acknowledgements",
    "invalid_operation_status_updates",
    "invalid_status_update_acknowledgements",
    "invalid_status_updates",
    "messages_authenticate",
    "messages_deactivate_framework",
    "messages_decline_offers",
    "messages_executor_to_framework",
    "messages_exited_executor",
    "messages_framework_to_executor",
    "messages_kill_task",
    "messages_launch_tasks",
    "messages_operation_status_update",
    "messages_operation_status_update_acknowledgement",
    "messages_reconcile_operations",
    "messages_reconcile_tasks",
    "messages_register_framework",
    "messages_register_slave",
    "messages_reregister_framework",
    "messages_reregister_slave",
    "messages_resource_request",
    "messages_revive_offers",
    "messages_status_update",
    "messages_status_update_acknowledgement",
    "messages_suppress_offers",
    "messages_unregister_framework",
    "messages_unregister_slave",
    "messages_update_slave",
    "recovery_slave_removals",
    "slave_registrations",
    "slave_removals",
    "slave_removals/reason_registered",
    "slave_removals/reason_unhealthy",
    "slave_removals/reason_unregistered",
    "slave_reregistrations",
    "slave_shutdowns_canceled",
    "slave_shutdowns_completed",
    "slave_shutdowns_scheduled",
    "slave_unreachable_canceled",
    "slave_unreachable_completed",
    "slave_unreachable_scheduled",
    "slaves_disconnected",
    "tasks_dropped",
    "tasks_error",
    "tasks_failed",
    "tasks_finished",
    "tasks_gone",
    "tasks_gone_by_operator",
    "tasks_killed",
    "tasks_lost",
    "valid_executor_to_framework_messages",
    "valid_framework_to_executor_messages",
    "valid_operation_status_update_acknowledgements",
    "valid_operation_status_updates",
    "valid_status_update_acknowledgements",
    "valid_status_updates",
    "cpus_revocable_total",
    "disk_revocable_total",
    "gpus_revocable_total",
    "mem_revocable_total",
];

/// Kinds of operations that have counters of their states.
const OPERATIONS: [&str; 8] =
    ["create", "create_disk", "destroy", "destroy_disk", "grow_volume", "reserve", "shrink_volume", "unreserve"];
/// The states of operations that are counted.
const STATES: [&str; 8] =
    ["dropped", "error", "failed", "finished", "gone_by_operator", "pending", "recovering", "unreachable"];

/// What is counted of every framework.
const OF_FRAMEWORK: [&str; 57] = [
    "calls",
    "calls/accept",
    "calls/accept_inverse_offers",
    "calls/acknowledge",
    "calls/acknowledge_operation_status",
    "calls/decline",
    "calls/decline_inverse_offers",
    "calls/kill",
    "calls/message",
    "calls/reconcile",
    "calls/reconcile_operations",
    "calls/request",
    "calls/revive",
    "calls/shutdown",
    "calls/subscribe",
    "calls/suppress",
    "calls/teardown",
    "calls/update_framework",
    "events",
    "events/error",
    "events/failure",
    "events/heartbeat",
    "events/inverse_offers",
    "events/message",
    "events/offers",
    "events/rescind",
    "events/rescind_inverse_offer",
    "events/subscribed",
    "events/update",
    "events/update_operation_status",
    "offers/accepted",
    "offers/declined",
    "offers/rescinded",
    "offers/sent",
    "operations",
    "operations/create",
    "operations/create_disk",
    "operations/destroy",
    "operations/destroy_disk",
    "operations/grow_volume",
    "operations/launch",
    "operations/launch_group",
    "operations/reserve",
    "operations/shrink_volume",
    "operations/unreserve",
    "tasks/active/task_killing",
    "tasks/active/task_unknown",
    "tasks/active/task_unreachable",
    "tasks/terminal/task_dropped",
    "tasks/terminal/task_error",
    "tasks/terminal/task_failed",
    "tasks/terminal/task_finished",
    "tasks/terminal/task_gone",
    "tasks/terminal/task_gone_by_operator",
    "tasks/terminal/task_killed",
    "tasks/terminal/task_lost",
    "subscribed",
];

/// States of tasks that run or will.
const ACTIVE: [TaskState; 4] = [TaskState::Staging, TaskState::Starting, TaskState::Running, TaskState::Killing];

impl Framework {
    /// Counts a call, an event or an operation of a framework, by itself and among its kind.
    pub(super) fn count(&self, what: &'static str, kind: &str) {
        self.counters.count(what);
        self.counters.count(format!("{what}/{}", kind.to_ascii_lowercase()));
    }

    /// Counts a task whose state this is now, if it is one that stays.
    pub(super) fn count_task(&self, state: &TaskState) {
        if is_terminal(state) {
            self.counters.count(format!("tasks/terminal/{}", state.as_str().to_ascii_lowercase()));
        }
    }

    /// What is counted of this framework, each by its name.
    fn metrics(&self, allocator: &Allocator, put: &mut impl FnMut(&str, f64)) {
        let prefix = format!("frameworks/{}/{}", encoded(&self.info.name), self.id);
        let mut put = |metric: &str, value: f64| put(&format!("{prefix}/{metric}"), value);
        OF_FRAMEWORK.iter().for_each(|metric| put(metric, 0.0));
        for (metric, value) in self.counters.all() {
            put(&metric, value as f64);
        }
        for state in ACTIVE {
            let count = self.tasks.values().filter(|task| task.state == state).count();
            put(&format!("tasks/active/{}", state.as_str().to_ascii_lowercase()), count as f64);
        }
        put("tasks/active/task_unreachable", self.unreachable.len() as f64);
        put("subscribed", f64::from(u8::from(self.stream.is_some())));
        for role in roles(&self.info) {
            let is_suppressed = allocator.is_suppressed(&self.id, &role);
            put(&format!("roles/{role}/suppressed"), f64::from(u8::from(is_suppressed)));
        }
    }
}

/// A framework's name as it stands in its metrics' names. (apache/mesos: libprocess' `http::encode`)
fn encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if !(0x20..0x80).contains(&byte) || b"$&+,/:;=?@ \"<>#%{}|\\^~[]`".contains(&byte) {
            // Writing into a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        } else {
            encoded.push(char::from(byte));
        }
    }
    encoded
}

impl Master {
    /// Counts one more of these.
    pub(super) fn count(&self, counter: &'static str) {
        self.counters.count(counter);
    }

    /// Counts an operation that a framework's ACCEPT asked for.
    pub(super) fn count_operation(&self, id: &FrameworkId, kind: &str) {
        if let Some(framework) = self.framework(id) {
            framework.count("operations", kind);
        }
    }

    /// Counts a task that has ended, by its state and by why; one whose scheduler hasn't heard of its end isn't counted,
    /// as by a real master. (apache/mesos: src/master/master.cpp, `updateTask`)
    pub(super) fn count_end(&self, status: &TaskStatus) {
        let state = status.state.as_str().to_ascii_lowercase();
        if is_terminal(&status.state) {
            // Such as `tasks_failed`.
            self.counters.count(state.replacen("task_", "tasks_", 1));
        }
        if let Some(reason) = &status.reason {
            let source = status.source.as_ref().map_or("source_master", |source| source.as_str()).to_ascii_lowercase();
            self.counters.count(format!("{state}/{source}/{}", reason.as_str().to_ascii_lowercase()));
        }
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> Value {
        let mut metrics: BTreeMap<String, f64> = BTreeMap::new();
        let mut put = |name: &str, value: f64| {
            metrics.insert(format!("master/{name}"), value);
        };
        COUNTERS.iter().for_each(|name| put(name, 0.0));
        for (name, value) in self.counters.all() {
            put(&name, value as f64);
        }
        self.members(&mut put);
        let amounts = self.amounts();
        amounts.iter().for_each(|amount| amount.of_master(&mut put));
        self.operations_counted(&mut put);
        for framework in self.frameworks.iter().chain(&self.completed) {
            framework.metrics(&self.allocator, &mut put);
        }
        amounts.iter().for_each(|amount| amount.of_allocator(&mut metrics));
        json!(metrics)
    }

    fn members(&self, put: &mut impl FnMut(&str, f64)) {
        put("uptime_secs", SystemTime::now().duration_since(self.started).unwrap_or_default().as_secs_f64());
        put("elected", 1.0);
        put("slaves_connected", self.agents.len() as f64);
        put("slaves_active", self.agents.values().filter(|agent| agent.active).count() as f64);
        put("slaves_inactive", self.agents.values().filter(|agent| !agent.active).count() as f64);
        put("slaves_unreachable", self.unreachable.len() as f64);
        let connected = self.frameworks.iter().filter(|one| one.stream.is_some()).count();
        put("frameworks_connected", connected as f64);
        put("frameworks_active", connected as f64);
        put("frameworks_disconnected", (self.frameworks.len() - connected) as f64);
        put("frameworks_inactive", (self.frameworks.len() - connected) as f64);
        put("outstanding_offers", self.offers.len() as f64);
        put("operator_event_stream_subscribers", self.operators.len() as f64);
        for state in ACTIVE {
            let tasks = self.frameworks.iter().flat_map(|one| one.tasks.values());
            let name = state.as_str().to_ascii_lowercase().replacen("task_", "tasks_", 1);
            put(&name, tasks.filter(|one| one.state == state).count() as f64);
        }
        put("tasks_unreachable", self.frameworks.iter().map(|one| one.unreachable.len()).sum::<usize>() as f64);
    }

    fn amounts(&self) -> [Amount; 4] {
        let totals: Vec<Resources> = self.agents.values().map(|agent| self.allocator.total(&agent.id)).collect();
        let used: Vec<Resources> = self.frameworks.iter().map(|one| one.used(None)).collect();
        let offered = self.offered(None, None);
        let sum = |of: &[Resources], name: &str| of.iter().map(|one| one.amount(name)).sum::<f64>();
        ["cpus", "gpus", "mem", "disk"].map(|name| Amount {
            name,
            total: sum(&totals, name),
            used: sum(&used, name),
            offered: offered.amount(name),
        })
    }

    fn operations_counted(&self, put: &mut impl FnMut(&str, f64)) {
        let all: Vec<(String, String)> = self
            .frameworks
            .iter()
            .flat_map(|framework| &framework.operations)
            .map(|operation| {
                let kind = operation.info.r#type.as_ref().map_or("", |kind| kind.as_str());
                let state = operation.state.as_str().trim_start_matches("OPERATION_");
                (kind.to_ascii_lowercase(), state.to_ascii_lowercase())
            })
            .collect();
        let count = |kind: Option<&str>, state: Option<&str>| {
            let fits = |one: &&(String, String)| {
                kind.is_none_or(|kind| one.0 == kind) && state.is_none_or(|state| one.1 == state)
            };
            all.iter().filter(fits).count() as f64
        };
        for kind in OPERATIONS.iter().copied().map(Some).chain([None]) {
            let prefix = kind.map_or("operations".to_owned(), |kind| format!("operations/{kind}"));
            put(&format!("{prefix}/total"), count(kind, None));
            STATES.iter().for_each(|state| put(&format!("{prefix}/{state}"), count(kind, Some(state))));
        }
    }
}

/// How much there is of a resource, is in use, and is offered.
struct Amount {
    name: &'static str,
    total: f64,
    used: f64,
    offered: f64,
}

impl Amount {
    fn of_master(&self, put: &mut impl FnMut(&str, f64)) {
        let Self { name, total, used, .. } = *self;
        put(&format!("{name}_total"), total);
        put(&format!("{name}_used"), used);
        put(&format!("{name}_percent"), if total > 0.0 { used / total } else { 0.0 });
        // Agents here offer nothing that they may take back.
        put(&format!("{name}_revocable_used"), 0.0);
        put(&format!("{name}_revocable_percent"), 0.0);
    }

    fn of_allocator(&self, metrics: &mut BTreeMap<String, f64>) {
        let Self { name, total, used, offered } = *self;
        // A real allocator leaves GPUs out.
        if name != "gpus" {
            metrics.insert(format!("allocator/mesos/resources/{name}/offered_or_allocated"), used + offered);
            metrics.insert(format!("allocator/mesos/resources/{name}/total"), total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_as_libprocess_does() {
        assert_eq!(encoded("Example HTTP Framework"), "Example%20HTTP%20Framework");
        assert_eq!(encoded("a/b.c-d_e~é"), "a%2Fb.c-d_e%7E%C3%A9");
    }
}
