//! The v1 operator API: what it shows, what it does, and its stream of events.
//!
//! (apache/mesos: src/master/http.cpp, include/mesos/v1/master/master.proto)

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::actor::{Master, Timer, nanoseconds, seconds};
use super::agents::Agent;
use super::framework::{Framework, Task};
use super::maintenance::Machine;
use super::state::{AGENT_CAPABILITIES, full, version_info};
use super::stream::{Sender, Shaper, stream};
use super::validate::framework::roles;
use crate::embedded::resources::Resources;
use crate::embedded::wire::defaults;
use crate::mesos::message::{Json, enums, messages};
use crate::mesos::{
    AgentId, DrainConfig, DurationInfo, FrameworkId, MachineId, TaskId, TaskState, TaskStatus, Unavailability,
};

/// The most streams of events at a time; the oldest goes.
const SUBSCRIBERS: usize = 1000;

messages! {
    /// `master::Call`, as far as it is answered here.
    pub struct OperatorCall {
        r#type: opt OperatorCallType = 1;
        get_metrics: opt GetMetrics = 2;
        set_logging_level: opt SetLoggingLevel = 3;
        list_files: opt ListFiles = 4;
        read_file: opt ReadFile = 5;
        update_weights: opt Json = 6;
        reserve_resources: opt Json = 7;
        unreserve_resources: opt Json = 8;
        create_volumes: opt Json = 9;
        destroy_volumes: opt Json = 10;
        grow_volume: opt Json = 18;
        shrink_volume: opt Json = 19;
        update_maintenance_schedule: opt UpdateMaintenanceSchedule = 11;
        start_maintenance: opt Machines = 12;
        stop_maintenance: opt Machines = 13;
        drain_agent: opt DrainAgent = 21;
        deactivate_agent: opt OneAgent = 22;
        reactivate_agent: opt OneAgent = 23;
        update_quota: opt Json = 20;
        set_quota: opt Json = 14;
        remove_quota: opt Json = 15;
        teardown: opt OneFramework = 16;
        mark_agent_gone: opt OneAgent = 17;
    }

    /// `Call.GetMetrics`.
    pub struct GetMetrics {
        timeout: opt DurationInfo = 1;
    }

    /// `Call.SetLoggingLevel`.
    pub struct SetLoggingLevel {
        level: req u32 = 1;
        duration: req DurationInfo = 2;
    }

    /// `Call.ListFiles`.
    pub struct ListFiles {
        path: req String = 1;
    }

    /// `Call.ReadFile`.
    pub struct ReadFile {
        path: req String = 1;
        offset: req u64 = 2;
        length: opt u64 = 3;
    }

    /// `Call.UpdateMaintenanceSchedule`.
    pub struct UpdateMaintenanceSchedule {
        schedule: req Schedule = 1;
    }

    /// `maintenance.Schedule`.
    pub struct Schedule {
        windows: rep Window = 1;
    }

    /// `maintenance.Window`.
    pub struct Window {
        machine_ids: rep MachineId = 1;
        unavailability: req Unavailability = 2;
    }

    /// `Call.StartMaintenance` and `Call.StopMaintenance`.
    pub struct Machines {
        machines: rep MachineId = 1;
    }

    /// `Call.DrainAgent`.
    pub struct DrainAgent {
        agent_id: req AgentId = 1;
        max_grace_period: opt Json = 2;
        mark_gone: opt bool = 3;
    }

    /// Calls about one agent.
    pub struct OneAgent {
        agent_id: req AgentId = 1;
    }

    /// `Call.Teardown`.
    pub struct OneFramework {
        framework_id: req FrameworkId = 1;
    }
}

enums! {
    /// `Call.Type`.
    pub enum OperatorCallType {
        Unknown = "UNKNOWN", 0;
        GetHealth = "GET_HEALTH", 1;
        GetFlags = "GET_FLAGS", 2;
        GetVersion = "GET_VERSION", 3;
        GetMetrics = "GET_METRICS", 4;
        GetLoggingLevel = "GET_LOGGING_LEVEL", 5;
        SetLoggingLevel = "SET_LOGGING_LEVEL", 6;
        ListFiles = "LIST_FILES", 7;
        ReadFile = "READ_FILE", 8;
        GetState = "GET_STATE", 9;
        GetAgents = "GET_AGENTS", 10;
        GetFrameworks = "GET_FRAMEWORKS", 11;
        GetExecutors = "GET_EXECUTORS", 12;
        GetOperations = "GET_OPERATIONS", 33;
        GetTasks = "GET_TASKS", 13;
        GetRoles = "GET_ROLES", 14;
        GetWeights = "GET_WEIGHTS", 15;
        UpdateWeights = "UPDATE_WEIGHTS", 16;
        GetMaster = "GET_MASTER", 17;
        Subscribe = "SUBSCRIBE", 18;
        ReserveResources = "RESERVE_RESOURCES", 19;
        UnreserveResources = "UNRESERVE_RESOURCES", 20;
        CreateVolumes = "CREATE_VOLUMES", 21;
        DestroyVolumes = "DESTROY_VOLUMES", 22;
        GrowVolume = "GROW_VOLUME", 34;
        ShrinkVolume = "SHRINK_VOLUME", 35;
        GetMaintenanceStatus = "GET_MAINTENANCE_STATUS", 23;
        GetMaintenanceSchedule = "GET_MAINTENANCE_SCHEDULE", 24;
        UpdateMaintenanceSchedule = "UPDATE_MAINTENANCE_SCHEDULE", 25;
        StartMaintenance = "START_MAINTENANCE", 26;
        StopMaintenance = "STOP_MAINTENANCE", 27;
        DrainAgent = "DRAIN_AGENT", 37;
        DeactivateAgent = "DEACTIVATE_AGENT", 38;
        ReactivateAgent = "REACTIVATE_AGENT", 39;
        GetQuota = "GET_QUOTA", 28;
        UpdateQuota = "UPDATE_QUOTA", 36;
        SetQuota = "SET_QUOTA", 29;
        RemoveQuota = "REMOVE_QUOTA", 30;
        Teardown = "TEARDOWN", 31;
        MarkAgentGone = "MARK_AGENT_GONE", 32;
    }
}

/// What an operator's call is answered with.
#[derive(Debug)]
pub(super) enum Reply {
    /// 200 and JSON.
    Json(Value),
    /// 200 or 202 without a body.
    Done(u16),
    /// A status and text.
    Refused(u16, String),
    /// 200 and a stream of events, which this is the id of.
    Stream(String, Shaper),
}

/// An operator who gets events.
#[derive(Debug)]
pub(super) struct Subscriber(pub(super) Sender);

impl Subscriber {
    fn send(&self, event: &Value) {
        self.0.send(event.to_string().as_bytes());
    }
}

/// What a call must have; what follows "Failed to validate master::Call: ".
pub(super) fn check(call: &OperatorCall) -> Result<(), String> {
    use OperatorCallType as Type;
    let (there, field) = match call.r#type {
        None => (false, "type"),
        Some(Type::GetMetrics) => (call.get_metrics.is_some(), "get_metrics"),
        Some(Type::SetLoggingLevel) => (call.set_logging_level.is_some(), "set_logging_level"),
        Some(Type::ListFiles) => (call.list_files.is_some(), "list_files"),
        Some(Type::ReadFile) => (call.read_file.is_some(), "read_file"),
        Some(Type::UpdateWeights) => (call.update_weights.is_some(), "update_weights"),
        Some(Type::ReserveResources) => (call.reserve_resources.is_some(), "reserve_resources"),
        Some(Type::UnreserveResources) => (call.unreserve_resources.is_some(), "unreserve_resources"),
        Some(Type::CreateVolumes) => (call.create_volumes.is_some(), "create_volumes"),
        Some(Type::DestroyVolumes) => (call.destroy_volumes.is_some(), "destroy_volumes"),
        Some(Type::GrowVolume) => (call.grow_volume.is_some(), "grow_volume"),
        Some(Type::ShrinkVolume) => (call.shrink_volume.is_some(), "shrink_volume"),
        Some(Type::UpdateMaintenanceSchedule) => {
            (call.update_maintenance_schedule.is_some(), "update_maintenance_schedule")
        }
        Some(Type::StartMaintenance) => (call.start_maintenance.is_some(), "start_maintenance"),
        Some(Type::StopMaintenance) => (call.stop_maintenance.is_some(), "stop_maintenance"),
        Some(Type::DrainAgent) => (call.drain_agent.is_some(), "drain_agent"),
        Some(Type::DeactivateAgent) => (call.deactivate_agent.is_some(), "deactivate_agent"),
        Some(Type::ReactivateAgent) => (call.reactivate_agent.is_some(), "reactivate_agent"),
        Some(Type::UpdateQuota) => (call.update_quota.is_some(), "update_quota"),
        Some(Type::SetQuota) => (call.set_quota.is_some(), "set_quota"),
        Some(Type::RemoveQuota) => (call.remove_quota.is_some(), "remove_quota"),
        Some(Type::Teardown) => (call.teardown.is_some(), "teardown"),
        Some(Type::MarkAgentGone) => (call.mark_agent_gone.is_some(), "mark_agent_gone"),
        Some(_) => (true, ""),
    };
    if there { Ok(()) } else { Err(format!("Expecting '{field}' to be present")) }
}

impl Master {
    /// Answers an operator's call.
    pub(super) fn operate(&mut self, call: OperatorCall) -> Reply {
        use OperatorCallType as Type;
        let kind = call.r#type.clone().unwrap_or_default();
        let name = kind.as_str().to_ascii_lowercase();
        let answer = |value: Value| {
            let mut fields = Map::new();
            fields.insert("type".to_owned(), json!(name.to_ascii_uppercase()));
            fields.insert(name.clone(), value);
            Reply::Json(Value::Object(fields))
        };
        match kind {
            Type::GetHealth => answer(json!({"healthy": true})),
            Type::GetFlags => answer(json!({"flags": named(&self.flags())})),
            Type::GetVersion => answer(json!({"version_info": version_info()})),
            Type::GetMetrics => answer(json!({"metrics": named(&self.metrics())})),
            Type::GetLoggingLevel => answer(json!({"level": 0})),
            Type::GetState => answer(self.get_state()),
            Type::GetAgents => answer(self.get_agents()),
            Type::GetFrameworks => answer(self.get_frameworks()),
            Type::GetExecutors => answer(self.get_executors()),
            Type::GetOperations => answer(self.get_operations()),
            Type::GetTasks => answer(self.get_tasks()),
            Type::GetRoles => answer(self.get_roles()),
            Type::GetWeights => Reply::Json(json!({"type": "GET_WEIGHTS"})),
            Type::GetQuota => answer(json!({"status": {}})),
            Type::GetMaster => {
                let started = seconds(self.started);
                answer(json!({"master_info": self.master_info(), "start_time": started, "elected_time": started}))
            }
            Type::GetMaintenanceStatus => answer(json!({"status": self.maintenance_status()})),
            Type::GetMaintenanceSchedule => answer(json!({"schedule": self.maintenance_schedule()})),
            Type::Subscribe => self.subscribe_operator(),
            // A master without files; nothing of this machine is shown.
            Type::ListFiles | Type::ReadFile => Reply::Refused(404, String::new()),
            // Its log is this process's, whose level is not an operator's to set.
            Type::SetLoggingLevel => Reply::Done(200),
            Type::Unknown | Type::Other(_) => Reply::Refused(501, "501 Not Implemented.".to_owned()),
            Type::Teardown => self.operator_teardown(&call.teardown.unwrap_or_default().framework_id),
            Type::MarkAgentGone => self.operator_gone(&call.mark_agent_gone.unwrap_or_default().agent_id),
            Type::DrainAgent => self.drain(&call.drain_agent.unwrap_or_default()),
            Type::DeactivateAgent => self.set_agent(&call.deactivate_agent.unwrap_or_default().agent_id, false),
            Type::ReactivateAgent => self.set_agent(&call.reactivate_agent.unwrap_or_default().agent_id, true),
            Type::UpdateMaintenanceSchedule => {
                self.schedule(&call.update_maintenance_schedule.unwrap_or_default().schedule)
            }
            Type::StartMaintenance => self.down(&call.start_maintenance.unwrap_or_default().machines, true),
            Type::StopMaintenance => self.down(&call.stop_maintenance.unwrap_or_default().machines, false),
            Type::UpdateWeights
            | Type::ReserveResources
            | Type::UnreserveResources
            | Type::CreateVolumes
            | Type::DestroyVolumes
            | Type::GrowVolume
            | Type::ShrinkVolume
            | Type::UpdateQuota
            | Type::SetQuota
            | Type::RemoveQuota => {
                Reply::Refused(501, format!("The embedded master doesn't simulate {}", kind.as_str()))
            }
        }
    }

    fn operator_teardown(&mut self, id: &FrameworkId) -> Reply {
        if self.framework(id).is_none() {
            return Reply::Refused(400, "No framework found with specified ID".to_owned());
        }
        self.remove_framework(id);
        Reply::Done(200)
    }

    fn operator_gone(&mut self, id: &AgentId) -> Reply {
        if self.gone.contains(id) {
            return Reply::Done(200);
        }
        if self.agent(id).is_none() && !self.unreachable.contains_key(id) {
            return Reply::Refused(404, format!("Agent {id} not found"));
        }
        self.mark_gone(id);
        Reply::Done(200)
    }

    fn drain(&mut self, drain: &DrainAgent) -> Reply {
        let id = &drain.agent_id;
        let nanoseconds = drain.max_grace_period.as_ref().map(|period| {
            let seconds = period.get("seconds").and_then(Value::as_i64).unwrap_or(0);
            let more = period.get("nanos").and_then(Value::as_i64).unwrap_or(0);
            seconds.saturating_mul(1_000_000_000).saturating_add(more)
        });
        let Some(agent) = self.agent_mut(id) else {
            return Reply::Refused(404, format!("Agent {id} not found"));
        };
        agent.draining = Some(DrainConfig {
            max_grace_period: nanoseconds.map(|nanoseconds| DurationInfo { nanoseconds, ..DurationInfo::default() }),
            mark_gone: Some(drain.mark_gone.unwrap_or(false)),
            ..DrainConfig::default()
        });
        self.set_agent(id, false);
        let policy = nanoseconds.map(|nanoseconds| crate::mesos::KillPolicy {
            grace_period: Some(DurationInfo { nanoseconds, ..DurationInfo::default() }),
            ..crate::mesos::KillPolicy::default()
        });
        if let Some(agent) = self.agent(id) {
            for framework in &self.frameworks {
                for task in framework.tasks.values().filter(|task| task.agent == *id) {
                    agent.tell(crate::embedded::link::ToAgent::Kill {
                        framework_id: framework.id.clone(),
                        task_id: task.id.clone(),
                        policy: policy.clone(),
                    });
                }
            }
        }
        self.drained(id);
        Reply::Done(200)
    }

    fn set_agent(&mut self, id: &AgentId, active: bool) -> Reply {
        let Some(agent) = self.agent_mut(id) else {
            return Reply::Refused(404, format!("Agent {id} not found"));
        };
        agent.active = active;
        agent.deactivated = !active;
        if active {
            agent.draining = None;
        }
        self.registry_changed = true;
        self.allocator.set_agent_active(id, active);
        if !active {
            let offers: Vec<_> =
                self.offers.values().filter(|offer| offer.agent_id == *id).map(|offer| offer.id.clone()).collect();
            offers.iter().for_each(|offer| self.rescind(offer));
        }
        Reply::Done(200)
    }

    fn schedule(&mut self, schedule: &Schedule) -> Reply {
        let mut machines: Vec<Machine> = Vec::new();
        for window in &schedule.windows {
            if window.machine_ids.is_empty() {
                return Reply::Refused(400, "List of machines in the maintenance window is empty".to_owned());
            }
            for id in &window.machine_ids {
                if id.hostname.is_none() && id.ip.is_none() {
                    return Reply::Refused(400, "Both 'hostname' and 'ip' for a machine are empty".to_owned());
                }
                if machines.iter().any(|machine| machine.id == *id) {
                    return Reply::Refused(400, "Machine appears more than once in the schedule".to_owned());
                }
                let before = self.maintenance.machines.iter().find(|machine| machine.id == *id);
                machines.push(Machine {
                    id: id.clone(),
                    unavailability: window.unavailability.clone(),
                    down: before.is_some_and(|machine| machine.down),
                    answers: HashMap::new(),
                });
            }
        }
        let removed_down =
            self.maintenance.machines.iter().any(|old| old.down && !machines.iter().any(|new| new.id == old.id));
        if removed_down {
            return Reply::Refused(400, "Machines that are down can't leave the schedule".to_owned());
        }
        self.maintenance.machines = machines;
        self.registry_changed = true;
        // Offers of these machines are made again, with their unavailability; inverse offers follow.
        let affected: Vec<AgentId> = self.agents.values().map(|agent| agent.id.clone()).collect();
        for agent in affected {
            let offers: Vec<_> =
                self.offers.values().filter(|offer| offer.agent_id == agent).map(|offer| offer.id.clone()).collect();
            offers.iter().for_each(|offer| self.rescind(offer));
            self.drop_inverse_offers_of(&agent);
        }
        Reply::Done(200)
    }

    fn down(&mut self, machines: &[MachineId], down: bool) -> Reply {
        if machines.is_empty() {
            return Reply::Refused(400, "List of machines is empty".to_owned());
        }
        for id in machines {
            let planned = self.maintenance.machines.iter().find(|machine| machine.id == *id);
            match planned {
                None => return Reply::Refused(400, "Machine is not part of a maintenance schedule".to_owned()),
                Some(machine) if machine.down == down => {
                    let must = if down { "DRAINING" } else { "DOWN" };
                    return Reply::Refused(400, format!("Machine is not in {must} mode"));
                }
                Some(_) => {}
            }
        }
        self.registry_changed = true;
        for id in machines {
            if !down {
                self.maintenance.machines.retain(|machine| machine.id != *id);
                continue;
            }
            if let Some(machine) = self.maintenance.machines.iter_mut().find(|machine| machine.id == *id) {
                machine.down = true;
            }
            let there: Vec<AgentId> = self
                .agents
                .values()
                .filter(|agent| {
                    let ip = super::offers::agent_ip(&agent.pid);
                    let machine = self.maintenance.machine(&agent.info.hostname, ip);
                    machine.is_some_and(|machine| machine.id == *id)
                })
                .map(|agent| agent.id.clone())
                .collect();
            for agent in there {
                self.refuse_agent(&agent, "Operator initiated 'Machine DOWN'", true);
                self.remove_agent(&agent, "maintenance started");
            }
        }
        Reply::Done(200)
    }

    /// `/maintenance/schedule`.
    pub(super) fn maintenance_schedule(&self) -> Value {
        let mut windows: Vec<Window> = Vec::new();
        for machine in &self.maintenance.machines {
            match windows.iter_mut().find(|window| window.unavailability == machine.unavailability) {
                Some(window) => window.machine_ids.push(machine.id.clone()),
                None => windows.push(Window {
                    machine_ids: vec![machine.id.clone()],
                    unavailability: machine.unavailability.clone(),
                    ..Window::default()
                }),
            }
        }
        if windows.is_empty() { json!({}) } else { json!({"windows": windows}) }
    }

    /// `/maintenance/status`.
    pub(super) fn maintenance_status(&self) -> Value {
        let (down, draining): (Vec<&Machine>, Vec<&Machine>) =
            self.maintenance.machines.iter().partition(|machine| machine.down);
        let mut fields = Map::new();
        if !draining.is_empty() {
            let shown = draining.iter().map(|machine| {
                let answers: Vec<Value> = machine
                    .answers
                    .iter()
                    .map(|(id, accepted)| {
                        json!({"status": if *accepted { "ACCEPT" } else { "DECLINE" }, "framework_id": id})
                    })
                    .collect();
                if answers.is_empty() {
                    json!({"id": machine.id})
                } else {
                    json!({"id": machine.id, "statuses": answers})
                }
            });
            fields.insert("draining_machines".to_owned(), json!(shown.collect::<Vec<_>>()));
        }
        if !down.is_empty() {
            let ids: Vec<&MachineId> = down.iter().map(|machine| &machine.id).collect();
            fields.insert("down_machines".to_owned(), json!(ids));
        }
        Value::Object(fields)
    }

    fn get_state(&self) -> Value {
        json!({
            "get_tasks": self.get_tasks(),
            "get_executors": self.get_executors(),
            "get_frameworks": self.get_frameworks(),
            "get_agents": self.get_agents(),
        })
    }

    fn get_agents(&self) -> Value {
        let agents: Vec<Value> = self.agents.values().map(|agent| self.agent_v1(agent)).collect();
        let recovered: Vec<Value> = self.recovering.agents().map(|admitted| defaults::shown(&admitted.info)).collect();
        json!({"agents": agents, "recovered_agents": recovered})
    }

    fn agent_v1(&self, agent: &Agent) -> Value {
        let mut info = defaults::shown(&agent.info);
        if let Value::Object(fields) = &mut info {
            fields.insert("checkpoint".to_owned(), json!(true));
        }
        let mut shown = json!({
            "agent_info": info,
            "active": agent.active,
            "deactivated": agent.deactivated,
            "version": super::actor::VERSION,
            "pid": agent.pid,
            "registered_time": {"nanoseconds": nanoseconds(agent.registered)},
        });
        let Value::Object(fields) = &mut shown else { return shown };
        if let Some(time) = agent.reregistered {
            fields.insert("reregistered_time".to_owned(), json!({"nanoseconds": nanoseconds(time)}));
        }
        fields.insert("total_resources".to_owned(), full(self.allocator.total(&agent.id).list()));
        put(fields, "allocated_resources", &self.used_on(&agent.id));
        put(fields, "offered_resources", &self.offered(Some(&agent.id), None));
        let capabilities: Vec<Value> = AGENT_CAPABILITIES.iter().map(|kind| json!({"type": kind})).collect();
        fields.insert("capabilities".to_owned(), json!(capabilities));
        if let Some(config) = &agent.draining {
            let busy = self.frameworks.iter().any(|one| one.tasks.values().any(|task| task.agent == agent.id));
            let state = if busy { "DRAINING" } else { "DRAINED" };
            fields.insert("drain_info".to_owned(), json!({"state": state, "config": config}));
        }
        shown
    }

    fn get_frameworks(&self) -> Value {
        let live: Vec<Value> = self.frameworks.iter().map(|one| self.framework_v1(one)).collect();
        let mut shown = json!({"frameworks": live});
        if let Value::Object(fields) = &mut shown
            && !self.completed.is_empty()
        {
            let completed: Vec<Value> = self.completed.iter().map(|one| self.framework_v1(one)).collect();
            fields.insert("completed_frameworks".to_owned(), json!(completed));
        }
        shown
    }

    fn framework_v1(&self, framework: &Framework) -> Value {
        let connected = framework.stream.is_some();
        let mut shown = json!({
            "framework_info": defaults::shown(&framework.info),
            "active": connected,
            "connected": connected,
            "recovered": framework.recovered,
            "registered_time": {"nanoseconds": nanoseconds(framework.registered)},
            "reregistered_time": {"nanoseconds": nanoseconds(framework.reregistered)},
        });
        let Value::Object(fields) = &mut shown else { return shown };
        if let Some(time) = framework.unregistered {
            fields.insert("unregistered_time".to_owned(), json!({"nanoseconds": nanoseconds(time)}));
        }
        let offers: Vec<_> = self.offers.values().filter(|offer| offer.framework_id == framework.id).cloned().collect();
        if !offers.is_empty() {
            fields.insert("offers".to_owned(), json!(offers));
        }
        put(fields, "allocated_resources", &framework.used(None));
        put(fields, "offered_resources", &self.offered(None, Some(&framework.id)));
        let suppressed = self.allocator.suppressed(&framework.id);
        if !suppressed.is_empty() {
            fields.insert("suppressed_roles".to_owned(), json!(suppressed));
        }
        fields.insert("offer_constraints".to_owned(), json!({}));
        shown
    }

    fn get_executors(&self) -> Value {
        let all = self.frameworks.iter().flat_map(|framework| {
            framework.executors.iter().flat_map(|(agent, executors)| {
                executors
                    .iter()
                    .map(move |executor| json!({"executor_info": defaults::shown(executor), "agent_id": agent}))
            })
        });
        json!({"executors": all.collect::<Vec<_>>()})
    }

    fn get_operations(&self) -> Value {
        let all: Vec<Value> = self
            .frameworks
            .iter()
            .flat_map(|framework| {
                framework.operations.iter().map(|operation| {
                    json!({
                        "framework_id": framework.id,
                        "agent_id": operation.agent,
                        "info": operation.info,
                        "latest_status": {"operation_id": operation.info.id, "state": operation.state.as_str(),
                                          "agent_id": operation.agent},
                    })
                })
            })
            .collect();
        if all.is_empty() { json!({}) } else { json!({"operations": all}) }
    }

    fn get_tasks(&self) -> Value {
        let everyone = || self.frameworks.iter().chain(&self.completed);
        let live: Vec<Value> =
            everyone().flat_map(|one| one.tasks.values().map(|task| task_v1(&one.id, task))).collect();
        let unreachable: Vec<Value> =
            everyone().flat_map(|one| one.unreachable.iter().map(|task| task_v1(&one.id, task))).collect();
        let completed: Vec<Value> =
            everyone().flat_map(|one| one.completed.iter().map(|task| task_v1(&one.id, task))).collect();
        json!({"tasks": live, "unreachable_tasks": unreachable, "completed_tasks": completed})
    }

    fn get_roles(&self) -> Value {
        let shown = self.roles().into_iter().map(|(role, _)| {
            let of_role: Vec<&Framework> =
                self.frameworks.iter().filter(|one| roles(&one.info).contains(&role)).collect();
            let ids: Vec<&FrameworkId> = of_role.iter().map(|one| &one.id).collect();
            let mut resources = Resources::default();
            for framework in of_role {
                let all = framework.used(None).plus(&self.offered(None, Some(&framework.id)));
                let given = |one: &crate::mesos::Resource| {
                    one.allocation_info.as_ref().and_then(|info| info.role.as_ref()) == Some(&role)
                };
                resources.add(&all.filtered(given).unallocated());
            }
            let mut role = json!({"name": role, "weight": 1.0, "frameworks": ids});
            if let Value::Object(fields) = &mut role
                && !resources.is_empty()
            {
                fields.insert("resources".to_owned(), json!(resources.list()));
            }
            role
        });
        json!({"roles": shown.collect::<Vec<_>>()})
    }

    fn subscribe_operator(&mut self) -> Reply {
        let (sender, events) = stream(&self.faults);
        let stream = sender.id.clone();
        let subscriber = Subscriber(sender);
        let interval = self.settings.heartbeat.as_secs_f64();
        subscriber.send(&json!({"type": "SUBSCRIBED",
            "subscribed": {"get_state": self.get_state(), "heartbeat_interval_seconds": interval}}));
        subscriber.send(&json!({"type": "HEARTBEAT"}));
        if self.operators.len() == SUBSCRIBERS {
            self.operators.remove(0);
        }
        self.operators.push(subscriber);
        self.after(self.settings.heartbeat, Timer::OperatorHeartbeat { stream: stream.clone() });
        Reply::Stream(stream, events)
    }

    pub(super) fn operator_heartbeat(&mut self, stream: &str) {
        if let Some(operator) = self.operators.iter().find(|operator| operator.0.id == stream) {
            if !self.faults.mute() {
                operator.send(&json!({"type": "HEARTBEAT"}));
            }
            self.after(self.settings.heartbeat, Timer::OperatorHeartbeat { stream: stream.to_owned() });
        }
    }

    fn broadcast(&self, event: &Value) {
        self.operators.iter().for_each(|operator| operator.send(event));
    }

    /// Tells operators that a framework or an agent has come, changed or gone.
    pub(super) fn tell_operators(&self, kind: &str, framework: Option<&FrameworkId>, agent: Option<&AgentId>) {
        if self.operators.is_empty() {
            return;
        }
        let everyone = || self.frameworks.iter().chain(&self.completed);
        let framework = framework.and_then(|id| everyone().find(|one| one.id == *id));
        let body = match (kind, framework, agent) {
            ("FRAMEWORK_REMOVED", Some(framework), _) => json!({"framework_info": defaults::shown(&framework.info)}),
            (_, Some(framework), _) => json!({"framework": self.framework_v1(framework)}),
            ("AGENT_REMOVED", _, Some(id)) => json!({"agent_id": id}),
            (_, _, Some(id)) => match self.agent(id) {
                Some(agent) => json!({"agent": self.agent_v1(agent)}),
                None => return,
            },
            _ => return,
        };
        let mut event = Map::new();
        event.insert("type".to_owned(), json!(kind));
        event.insert(kind.to_ascii_lowercase(), body);
        self.broadcast(&Value::Object(event));
    }

    /// Tells operators of a new task.
    pub(super) fn tell_task_added(&self, framework: &FrameworkId, task: &TaskId) {
        if self.operators.is_empty() {
            return;
        }
        if let Some(task) = self.framework(framework).and_then(|framework| framework.task(task)) {
            self.broadcast(&json!({"type": "TASK_ADDED", "task_added": {"task": task_v1(framework, task)}}));
        }
    }

    /// Tells operators of a task's new state.
    pub(super) fn tell_task_updated(&self, framework: &FrameworkId, task: &TaskId, status: &TaskStatus) {
        if self.operators.is_empty() {
            return;
        }
        let known = self.framework(framework).and_then(|framework| framework.task(task));
        let state = known.map_or(&TaskState::Unknown, |task| &task.state);
        self.broadcast(&json!({"type": "TASK_UPDATED",
            "task_updated": {"framework_id": framework, "status": status, "state": state.as_str()}}));
    }
}

fn put(fields: &mut Map<String, Value>, name: &str, resources: &Resources) {
    if !resources.is_empty() {
        fields.insert(name.to_owned(), full(resources.list()));
    }
}

/// A map as a list of names and values.
fn named(map: &Value) -> Vec<Value> {
    let fields = map.as_object().into_iter().flatten();
    fields.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn task_v1(framework: &FrameworkId, task: &Task) -> Value {
    let mut shown = json!({
        "name": task.name,
        "task_id": task.id,
        "framework_id": framework,
    });
    let Value::Object(fields) = &mut shown else { return shown };
    if let Some(executor) = &task.executor {
        fields.insert("executor_id".to_owned(), json!(executor));
    }
    fields.insert("agent_id".to_owned(), json!(task.agent));
    fields.insert("state".to_owned(), json!(task.state.as_str()));
    fields.insert("resources".to_owned(), json!(task.resources));
    if !task.statuses.is_empty() {
        fields.insert("statuses".to_owned(), json!(task.statuses));
    }
    if let Some((state, uuid)) = &task.sent {
        let uuid = crate::mesos::Base64(uuid.clone());
        fields.insert("status_update_state".to_owned(), json!(state.as_str()));
        fields.insert("status_update_uuid".to_owned(), json!(format!("{uuid:?}")));
    }
    for (name, value) in [
        ("labels", task.labels.as_ref().map(defaults::shown)),
        ("discovery", task.discovery.as_ref().map(defaults::shown)),
        ("container", task.container.as_ref().map(defaults::shown)),
        ("health_check", task.health_check.as_ref().map(defaults::shown)),
        ("check", task.check.as_ref().map(defaults::shown)),
        ("kill_policy", task.kill_policy.as_ref().map(defaults::shown)),
        ("user", task.user.as_ref().map(|user| json!(user))),
    ] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
    shown
}
