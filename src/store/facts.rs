//! What is known of a task or an operation, as facts: for a file that is written anew. The reverse of [`super::kept`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use super::record::{Acknowledged, Answered, Called, Entry, Fact, without_credentials};
use crate::mesos::{Event, OperationStatus, TaskState, decode_event};
use crate::state::Task;

/// The number of the calls that stand for launches which were answered long ago.
const OLD: u64 = 0;

/// All that is known of a task.
pub fn of_task(task: &Task) -> Vec<Entry> {
    let mut facts = Vec::new();
    if let Some(launch) = &task.launch {
        let called = Called {
            call: OLD,
            kind: "ACCEPT".to_owned(),
            tasks: vec![without_credentials(&launch.task)],
            hostname: launch.hostname.clone(),
            task: None,
        };
        let taken = !(task.updates() == 0 && task.state == TaskState::Dropped);
        facts.push(Entry { at: launch.at, fact: Fact::Call(Box::new(called)) });
        facts.push(Entry { at: launch.at, fact: Fact::Answered(Answered { call: OLD, taken }) });
    }
    for recorded in task.history() {
        let event = Bytes::copy_from_slice(recorded.json);
        let acknowledged = recorded.acknowledged_after.and_then(|after| {
            let Ok(Event::Update(record)) = decode_event(event.clone()) else { return None };
            let uuid = STANDARD.encode(record.uuid?);
            let fact = Fact::Acknowledged(Acknowledged { task: task.id.clone(), uuid });
            Some(Entry { at: recorded.at + after, fact })
        });
        facts.push(Entry { at: recorded.at, fact: Fact::Update(event) });
        facts.extend(acknowledged);
    }
    facts
}

/// The newest status of an operation.
pub fn of_operation(status: &OperationStatus, at: Duration) -> Entry {
    let event = json!({"type": "UPDATE_OPERATION_STATUS", "update_operation_status": {"status": status}});
    Entry { at, fact: Fact::Operation(event.to_string().into()) }
}
