//! The v1 operator API: what a call must have, who may make it, and what answers it.
//!
//! The old endpoints' work is done here too: they are other ways to write the same calls.
//! (apache/mesos: src/master/http.cpp, include/mesos/v1/master/master.proto)

mod agents;
mod events;
mod machines;
mod quota;
mod resources;
mod show;
mod weights;

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::actor::{Master, seconds};
use super::document::Document;
use super::state::version_info;
use super::stream::Shaper;
use super::validate::resource;
use crate::embedded::authorize::{Action, Approver};
use crate::embedded::wire::Format;
use crate::mesos::FrameworkId;
use crate::mesos::master::{Call, CallType, SetLoggingLevel};

pub(super) use events::Subscriber;
pub(in crate::embedded::master) use quota::Quota;
pub(super) use show::{TaskV1, sees_executor, sees_framework, sees_resource, sees_task};

/// What an operator's call is answered with.
#[derive(Debug)]
pub(super) enum Reply {
    /// 200 and JSON, or its protobuf.
    Json(Document),
    /// 200 or 202 without a body.
    Done(u16),
    /// A status and text.
    Refused(u16, String),
    /// 200 and a stream of events, which this is the id of.
    Stream(String, Shaper),
}

impl Reply {
    /// The principal may not do this.
    pub(super) fn forbidden() -> Self {
        Self::Refused(403, "403 Forbidden.".to_owned())
    }

    fn bad(why: impl Into<String>) -> Self {
        Self::Refused(400, why.into())
    }
}

/// A refusal on the way, or what was asked for.
type Answered = Result<Reply, Reply>;

/// What a call must have; what follows "Failed to validate master::Call: ".
pub(super) fn check(call: &Call) -> Result<(), String> {
    use CallType as Type;
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
    if !there {
        return Err(format!("Expecting '{field}' to be present"));
    }
    let of_agent = "Expecting 'agent_id' to be present; only agent default resources are supported right now";
    match (&call.r#type, &call.reserve_resources, &call.unreserve_resources) {
        (Some(Type::ReserveResources), Some(reserve), _) => resource::form(&reserve.resources),
        (Some(Type::UnreserveResources), _, Some(unreserve)) => resource::form(&unreserve.resources),
        (Some(Type::GrowVolume), ..) if call.grow_volume.as_ref().is_some_and(|grow| grow.agent_id.is_none()) => {
            Err(of_agent.to_owned())
        }
        (Some(Type::ShrinkVolume), ..)
            if call.shrink_volume.as_ref().is_some_and(|shrink| shrink.agent_id.is_none()) =>
        {
            Err(of_agent.to_owned())
        }
        _ => Ok(()),
    }
}

/// An answer with its type and the field that is named like it.
fn answer(kind: &CallType, value: Document) -> Reply {
    Reply::Json(Document::object(|answer| {
        answer.put("type", &kind.as_str());
        answer.with(&kind.as_str().to_ascii_lowercase(), |field| field.put_document(value));
    }))
}

impl Master {
    /// Answers an operator's call.
    pub(super) fn operate(&mut self, call: Call, principal: Option<&str>, format: Format) -> Reply {
        if call.r#type == Some(CallType::Subscribe) {
            return self.subscribe_operator(principal, format);
        }
        self.operated(call, principal).unwrap_or_else(|refusal| refusal)
    }

    /// What `principal` may see and do.
    pub(super) fn approver<'a>(&'a self, principal: Option<&'a str>) -> Approver<'a> {
        Approver::new(&self.settings.acls, principal)
    }

    fn operated(&mut self, call: Call, principal: Option<&str>) -> Answered {
        use CallType as Type;
        let kind = call.r#type.clone().unwrap_or_default();
        if let Some(shown) = self.shown(&kind, &call, principal) {
            return shown.map(|value| answer(&kind, value));
        }
        match kind {
            Type::GetWeights => Ok(self.get_weights(principal)),
            Type::SetLoggingLevel => self.set_logging_level(&call.set_logging_level.unwrap_or_default(), principal),
            Type::Teardown => self.operator_teardown(&call.teardown.unwrap_or_default().framework_id, principal),
            Type::MarkAgentGone => self.operator_gone(&call.mark_agent_gone.unwrap_or_default().agent_id, principal),
            Type::DrainAgent => self.drain(&call.drain_agent.unwrap_or_default(), principal),
            Type::DeactivateAgent => self.deactivate(&call.deactivate_agent.unwrap_or_default().agent_id, principal),
            Type::ReactivateAgent => self.reactivate(&call.reactivate_agent.unwrap_or_default().agent_id, principal),
            Type::UpdateMaintenanceSchedule => {
                self.schedule(&call.update_maintenance_schedule.unwrap_or_default().schedule, principal)
            }
            Type::StartMaintenance => self.bring_down(&call.start_maintenance.unwrap_or_default().machines, principal),
            Type::StopMaintenance => self.bring_up(&call.stop_maintenance.unwrap_or_default().machines, principal),
            Type::UpdateWeights => {
                self.update_weights(&call.update_weights.unwrap_or_default().weight_infos, principal)
            }
            Type::UpdateQuota => self.update_quota(&call.update_quota.unwrap_or_default(), principal),
            Type::SetQuota => self.set_quota(call.set_quota.unwrap_or_default().quota_request, principal),
            Type::RemoveQuota => self.remove_quota(&call.remove_quota.unwrap_or_default().role, principal),
            Type::ReserveResources
            | Type::UnreserveResources
            | Type::CreateVolumes
            | Type::DestroyVolumes
            | Type::GrowVolume
            | Type::ShrinkVolume => self.convert_resources(call, principal),
            // A master without a log of its own has no files.
            Type::ListFiles | Type::ReadFile => Err(Reply::Refused(404, String::new())),
            _ => Err(Reply::Refused(501, "501 Not Implemented.".to_owned())),
        }
    }

    /// The calls that only show something.
    fn shown(&self, kind: &CallType, call: &Call, principal: Option<&str>) -> Option<Result<Document, Reply>> {
        use CallType as Type;
        let who = self.approver(principal);
        Some(Ok(Document::from(match kind {
            Type::GetHealth => json!({"healthy": true}),
            Type::GetFlags if !who.may(Action::ViewFlags, None) => return Some(Err(Reply::forbidden())),
            Type::GetFlags => json!({"flags": show::named(&self.flags())}),
            Type::GetVersion => json!({"version_info": version_info()}),
            Type::GetMetrics => {
                let late = call.get_metrics.as_ref().and_then(|get| get.timeout.as_ref());
                if late.is_some_and(|timeout| timeout.nanoseconds < 0) {
                    return Some(Err(Reply::bad("Invalid timeout")));
                }
                json!({"metrics": show::named(&self.metrics())})
            }
            Type::GetLoggingLevel => json!({"level": self.logging_level()}),
            Type::GetState => return Some(Ok(self.get_state(who))),
            Type::GetAgents => return Some(Ok(self.get_agents(who))),
            Type::GetFrameworks => self.get_frameworks(who),
            Type::GetExecutors => return Some(Ok(self.get_executors(who))),
            Type::GetOperations => self.get_operations(who),
            Type::GetTasks => return Some(Ok(self.get_tasks(who))),
            Type::GetRoles => self.get_roles(who),
            Type::GetQuota => json!({"status": self.quota_status(who)}),
            Type::GetMaster => {
                let started = seconds(self.started);
                json!({"master_info": self.master_info(), "start_time": started, "elected_time": started})
            }
            Type::GetMaintenanceStatus => json!({"status": self.maintenance_status(who)}),
            Type::GetMaintenanceSchedule => json!({"schedule": self.maintenance_schedule(who)}),
            _ => return None,
        })))
    }

    /// SET_LOGGING_LEVEL. The log is this process's, and its level not an operator's to set: the level is kept, shown,
    /// and forgotten when its time is over.
    pub(super) fn set_logging_level(&mut self, set: &SetLoggingLevel, principal: Option<&str>) -> Answered {
        if !self.approver(principal).may(Action::SetLogLevel, None) {
            return Err(Reply::forbidden());
        }
        let duration = Duration::from_nanos(u64::try_from(set.duration.nanoseconds).unwrap_or(0));
        self.logging = Instant::now().checked_add(duration).map(|until| (set.level, until));
        Ok(Reply::Done(200))
    }

    /// The level of the log, as it is shown.
    pub(super) fn logging_level(&self) -> u32 {
        self.logging.filter(|(_, until)| *until > Instant::now()).map_or(0, |(level, _)| level)
    }

    pub(super) fn operator_teardown(&mut self, id: &FrameworkId, principal: Option<&str>) -> Answered {
        let Some(framework) = self.framework(id) else {
            return Err(Reply::bad("No framework found with specified ID"));
        };
        let object = framework.info.principal.as_deref();
        if !self.approver(principal).may(Action::TeardownFramework, object) {
            return Err(Reply::forbidden());
        }
        self.remove_framework(id);
        Ok(Reply::Done(200))
    }
}
