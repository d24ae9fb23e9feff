//! The scheduler API's calls, typed, and as the JSON that is sent.
//!
//! Also the two calls that abort a real master; nothing here sends anything.

use serde_json::{Map, Value};

use super::*;

/// A call to a master's scheduler API.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// Opens the event stream; answered with 200 and the stream.
    Subscribe(Box<Subscribe>),
    /// Ends the framework and kills its tasks.
    Teardown,
    /// Uses offers; what the operations leave is declined.
    Accept(Box<Accept>),
    /// Gives offers back.
    Decline(Decline),
    /// Agrees to maintenance.
    AcceptInverseOffers(AcceptInverseOffers),
    /// Objects to maintenance.
    DeclineInverseOffers(DeclineInverseOffers),
    /// Asks for offers again and clears the filters.
    Revive(Revive),
    /// Asks for no more offers.
    Suppress(Suppress),
    /// Kills a task.
    Kill(Kill),
    /// Shuts a custom executor down.
    Shutdown(Shutdown),
    /// Tells the agent that an update has been recorded.
    Acknowledge(Acknowledge),
    /// The same for an operation's status.
    AcknowledgeOperationStatus(AcknowledgeOperationStatus),
    /// Asks for the states of tasks: of those listed, or of all.
    Reconcile(Reconcile),
    /// Asks for the states of operations.
    ReconcileOperations(ReconcileOperations),
    /// Sends bytes to an executor; may be lost.
    Message(Message),
    /// Asks for resources; Mesos's own allocator ignores it.
    Request(RequestCall),
    /// Replaces the FrameworkInfo of a live framework.
    UpdateFramework(Box<UpdateFramework>),
    /// Any call as the person wrote it, its `type` among its fields.
    Raw(Map<String, Value>),
}

impl Call {
    /// Its `type` on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Teardown => "TEARDOWN",
            Self::Accept(_) => "ACCEPT",
            Self::Decline(_) => "DECLINE",
            Self::AcceptInverseOffers(_) => "ACCEPT_INVERSE_OFFERS",
            Self::DeclineInverseOffers(_) => "DECLINE_INVERSE_OFFERS",
            Self::Revive(_) => "REVIVE",
            Self::Suppress(_) => "SUPPRESS",
            Self::Kill(_) => "KILL",
            Self::Shutdown(_) => "SHUTDOWN",
            Self::Acknowledge(_) => "ACKNOWLEDGE",
            Self::AcknowledgeOperationStatus(_) => "ACKNOWLEDGE_OPERATION_STATUS",
            Self::Reconcile(_) => "RECONCILE",
            Self::ReconcileOperations(_) => "RECONCILE_OPERATIONS",
            Self::Message(_) => "MESSAGE",
            Self::Request(_) => "REQUEST",
            Self::UpdateFramework(_) => "UPDATE_FRAMEWORK",
            Self::Raw(fields) => fields.get("type").and_then(Value::as_str).unwrap_or(""),
        }
    }

    /// The body to send: the call's fields, its type, and the framework's id where a call carries one.
    pub fn to_json(&self, framework: Option<&FrameworkId>) -> Vec<u8> {
        let mut message = CallMessage {
            framework_id: framework.cloned(),
            r#type: Some(CallType::from_name(self.kind())),
            ..CallMessage::default()
        };
        match self.clone() {
            Self::Subscribe(body) => message.subscribe = Some(*body),
            Self::Teardown => {}
            Self::Accept(body) => message.accept = Some(*body),
            Self::Decline(body) => message.decline = Some(body),
            Self::AcceptInverseOffers(body) => message.accept_inverse_offers = Some(body),
            Self::DeclineInverseOffers(body) => message.decline_inverse_offers = Some(body),
            Self::Revive(body) => message.revive = Some(body),
            Self::Suppress(body) => message.suppress = Some(body),
            Self::Kill(body) => message.kill = Some(body),
            Self::Shutdown(body) => message.shutdown = Some(body),
            Self::Acknowledge(body) => message.acknowledge = Some(body),
            Self::AcknowledgeOperationStatus(body) => message.acknowledge_operation_status = Some(body),
            Self::Reconcile(body) => message.reconcile = Some(body),
            Self::ReconcileOperations(body) => message.reconcile_operations = Some(body),
            Self::Message(body) => message.message = Some(body),
            Self::Request(body) => message.request = Some(body),
            Self::UpdateFramework(body) => message.update_framework = Some(*body),
            Self::Raw(mut fields) => {
                if let Some(id) = framework {
                    fields.entry("framework_id").or_insert_with(|| serde_json::json!({"value": id.as_str()}));
                }
                return serialized(&fields);
            }
        }
        serialized(&message)
    }

    /// The call as a JSON value, for showing and checking.
    pub fn to_value(&self, framework: Option<&FrameworkId>) -> Value {
        serde_json::from_slice(&self.to_json(framework)).unwrap_or(Value::Null)
    }

    /// Why this call must not be sent, if a real master would abort on it.
    pub fn fatal_to_a_master(&self) -> Option<String> {
        match self {
            // The only typed calls that carry resources.
            Self::Accept(_) | Self::Raw(_) => fatal_to_a_master(&self.to_value(None)),
            _ => None,
        }
    }
}

/// Our own messages hold string keys and finite numbers, so that writing them can't fail; an empty body, which every
/// master refuses with 400, is what a defect here would send.
fn serialized(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Why a real master would abort on this call: its `type` is UNKNOWN (a failed check in its metrics), or a resource in
/// it is of type TEXT (a failed check in its arithmetic). Seen on 1.11.0.
pub fn fatal_to_a_master(call: &Value) -> Option<String> {
    if call.get("type").and_then(Value::as_str) == Some("UNKNOWN") {
        return Some("a call of type UNKNOWN aborts the whole master, with everybody's frameworks".to_owned());
    }
    text_resource(call).map(|name| format!("the resource '{name}' is of type TEXT, which aborts the whole master"))
}

/// The name of a resource of type TEXT anywhere below `value`. Attributes may be TEXT, and have no place in a call.
fn text_resource(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(text_resource),
        Value::Object(fields) => {
            let is_text = fields.get("type").is_some_and(|kind| kind == "TEXT");
            if is_text && fields.contains_key("name") && !fields.contains_key("predicate") {
                return Some(fields.get("name").and_then(Value::as_str).unwrap_or("?").to_owned());
            }
            fields.values().find_map(text_resource)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_carries_its_type_and_the_framework() {
        let call = Call::Kill(Kill { task_id: "web".into(), ..Kill::default() });
        assert_eq!(
            call.to_value(Some(&"F".into())),
            json!({"framework_id": {"value": "F"}, "type": "KILL", "kill": {"task_id": {"value": "web"}}})
        );
        let raw = json!({"type": "REVIVE", "new_field": 1});
        let Value::Object(fields) = raw else { panic!() };
        assert_eq!(
            Call::Raw(fields).to_value(Some(&"F".into())),
            json!({"type": "REVIVE", "new_field": 1, "framework_id": {"value": "F"}})
        );
    }

    #[test]
    fn what_aborts_a_master_is_found() {
        assert!(fatal_to_a_master(&json!({"type": "UNKNOWN"})).is_some());
        assert!(fatal_to_a_master(&json!({"type": "REVIVE"})).is_none());
        let text = json!({"type": "ACCEPT", "accept": {"operations": [{"launch": {"task_infos": [
            {"resources": [[{"name": "os", "type": "TEXT", "text": {"value": "x"}}]]}]}}]}});
        assert!(fatal_to_a_master(&text).is_some_and(|why| why.contains("'os'")));
    }
}
