//! A scheduler's call as a whole: which parts it must have.

use super::Check;
use crate::mesos::{CallMessage, CallType, FrameworkId};

fn text(id: Option<&FrameworkId>) -> &str {
    id.map_or("", |id| id.as_str())
}

/// Whether the call has what its type needs; what follows "Failed to validate scheduler::Call: ".
pub(in crate::embedded::master) fn check(call: &CallMessage, principal: Option<&str>) -> Check {
    let expecting = |field: &str| Err(format!("Expecting '{field}' to be present"));
    let Some(kind) = &call.r#type else { return expecting("type") };
    let framework = text(call.framework_id.as_ref());
    if *kind == CallType::Subscribe {
        let Some(subscribe) = &call.subscribe else { return expecting("subscribe") };
        let info = &subscribe.framework_info;
        if text(info.id.as_ref()) != framework {
            return Err("'framework_id' differs from 'subscribe.framework_info.id'".to_owned());
        }
        return same_principal(principal, info.principal.as_deref());
    }
    if call.framework_id.is_none() {
        return expecting("framework_id");
    }
    let (there, field) = match kind {
        CallType::Accept => (call.accept.is_some(), "accept"),
        CallType::Decline => (call.decline.is_some(), "decline"),
        CallType::AcceptInverseOffers => (call.accept_inverse_offers.is_some(), "accept_inverse_offers"),
        CallType::DeclineInverseOffers => (call.decline_inverse_offers.is_some(), "decline_inverse_offers"),
        CallType::Kill => (call.kill.is_some(), "kill"),
        CallType::Shutdown => (call.shutdown.is_some(), "shutdown"),
        CallType::Acknowledge => (call.acknowledge.is_some(), "acknowledge"),
        CallType::AcknowledgeOperationStatus => {
            (call.acknowledge_operation_status.is_some(), "acknowledge_operation_status")
        }
        CallType::Reconcile => (call.reconcile.is_some(), "reconcile"),
        CallType::ReconcileOperations => (call.reconcile_operations.is_some(), "reconcile_operations"),
        CallType::Message => (call.message.is_some(), "message"),
        CallType::Request => (call.request.is_some(), "request"),
        CallType::UpdateFramework => (call.update_framework.is_some(), "update_framework"),
        _ => (true, ""),
    };
    if !there {
        return expecting(field);
    }
    if let Some(acknowledge) = &call.acknowledge {
        uuid(&acknowledge.uuid.0)?;
    }
    if let Some(acknowledge) = &call.acknowledge_operation_status {
        uuid(&acknowledge.uuid.0)?;
        if acknowledge.agent_id.is_none() {
            return expecting("agent_id");
        }
    }
    if let Some(update) = &call.update_framework
        && text(update.framework_info.id.as_ref()) != framework
    {
        return Err("'framework_id' differs from 'update_framework.framework_info.id'".to_owned());
    }
    Ok(())
}

/// 16 bytes, of one of the versions that there are.
fn uuid(bytes: &[u8]) -> Check {
    let versioned = bytes.len() == 16 && (1..=5).contains(&(bytes[6] >> 4));
    if versioned { Ok(()) } else { Err("Not a valid UUID".to_owned()) }
}

/// Who asks must be who the framework says it is, where both are told.
pub(in crate::embedded::master) fn same_principal(authenticated: Option<&str>, said: Option<&str>) -> Check {
    match (authenticated, said) {
        (Some(authenticated), Some(said)) if authenticated != said => Err(format!(
            "Authenticated principal '{authenticated}' does not match principal '{said}' set in `FrameworkInfo`"
        )),
        _ => Ok(()),
    }
}
