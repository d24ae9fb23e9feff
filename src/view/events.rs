//! The journal as a person reads it.

use serde_json::Value;

use super::short;
use crate::document::{Cell, Tone};
use crate::mesos::{Event, decode_event};
use crate::state::{Entry, What};

/// What happened, in a word and a line.
pub fn summary(what: &What) -> (String, String) {
    match what {
        What::Event { kind, json } => (kind.to_string(), event_line(json.clone())),
        What::BadRecord { why, .. } => ("bad record".to_owned(), why.to_string()),
        What::Call { kind, answer: Ok(status), .. } => (kind.to_string(), format!("answered {status}")),
        What::Call { kind, answer: Err(why), .. } => (kind.to_string(), why.to_string()),
        What::Note(text) => ("session".to_owned(), text.to_string()),
    }
}

/// A row of the journal: number, age, direction, kind, line.
pub fn entry(entry: &Entry, now: std::time::Duration) -> Vec<Cell> {
    let (kind, line) = summary(&entry.what);
    let (direction, tone) = match &entry.what {
        What::Event { .. } => ("<-", Tone::Plain),
        What::BadRecord { .. } => ("<-", Tone::Bad),
        What::Call { answer: Ok(_), .. } => ("->", Tone::Plain),
        What::Call { .. } => ("->", Tone::Bad),
        What::Note(_) => ("--", Tone::Dim),
    };
    vec![
        Cell::Count(entry.number),
        Cell::Ago(super::since(entry.at, now)),
        Cell::text(direction),
        Cell::toned(kind, tone),
        Cell::text(line),
    ]
}

fn event_line(json: bytes::Bytes) -> String {
    let Ok(event) = decode_event(json.clone()) else { return String::new() };
    match event {
        Event::Subscribed(subscribed) => format!("framework {}", subscribed.framework_id),
        Event::Offers(offers) => match offers.as_slice() {
            [one] => format!("{} of agent {}", short(one.id.as_str()), short(one.agent_id.as_str())),
            many => format!("{} offers", many.len()),
        },
        Event::InverseOffers(offers) => format!("{} inverse offers", offers.len()),
        Event::Rescind(id) | Event::RescindInverseOffer(id) => short(id.as_str()).to_owned(),
        Event::Update(record) => {
            let message = record.status().ok().and_then(|status| status.message).unwrap_or_default();
            format!("{} {} {message}", record.task_id, record.state).trim_end().to_owned()
        }
        Event::UpdateOperationStatus(status) => {
            let id = status.operation_id.as_ref().map_or("", |id| id.as_str());
            format!("{id} {}", status.state)
        }
        Event::Message(message) => format!("{} bytes from executor {}", message.data.0.len(), message.executor_id),
        Event::Failure(failure) => {
            let agent = failure.agent_id.as_ref().map_or("?", |id| short(id.as_str()));
            match &failure.executor_id {
                Some(executor) => format!("executor {executor} on agent {agent}"),
                None => format!("agent {agent}"),
            }
        }
        Event::Error(message) => message,
        Event::Heartbeat => String::new(),
        Event::Unknown { json, .. } => {
            serde_json::from_slice::<Value>(&json).map(|json| json.to_string()).unwrap_or_default()
        }
    }
}
