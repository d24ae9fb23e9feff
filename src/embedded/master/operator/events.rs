//! The operators' stream of events: frameworks, agents and tasks that come, change and go.
//!
//! (apache/mesos: src/master/master.cpp, `Master::Subscribers`)

use serde_json::{Map, Value, json};

use super::Reply;
use super::show::{TaskV1, sees_framework, sees_task};
use crate::embedded::authorize::Approver;
use crate::embedded::master::actor::{Master, Timer};
use crate::embedded::master::document::Document;
use crate::embedded::master::stream::{Sender, stream};
use crate::embedded::master::view::View;
use crate::embedded::wire::Format;
use crate::mesos::master::Event;
use crate::mesos::message::Message as _;
use crate::mesos::{AgentId, FrameworkId, TaskId, TaskState, TaskStatus, protobuf};

/// The most streams of events at a time; the oldest goes.
const SUBSCRIBERS: usize = 1000;

/// An operator who gets events.
#[derive(Debug)]
pub(in crate::embedded::master) struct Subscriber {
    sender: Sender,
    format: Format,
    principal: Option<String>,
}

impl Subscriber {
    fn send(&self, event: &Value) {
        match self.format {
            Format::Json => self.sender.send(event.to_string().as_bytes()),
            Format::Protobuf => self.sender.send(&protobuf::encode(Event::schema(), event)),
        }
    }

    /// Where its events go.
    pub(in crate::embedded::master) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Its stream's id.
    pub(in crate::embedded::master) fn stream(&self) -> &str {
        &self.sender.id
    }
}

fn event(kind: &str, body: Value) -> Value {
    let mut event = Map::new();
    event.insert("type".to_owned(), json!(kind));
    event.insert(kind.to_ascii_lowercase(), body);
    Value::Object(event)
}

impl Master {
    /// SUBSCRIBE of an operator.
    pub(in crate::embedded::master) fn subscribe_operator(&mut self, principal: Option<&str>, format: Format) -> Reply {
        let (sender, events) = stream(&self.faults);
        let stream = sender.id.clone();
        let subscriber = Subscriber { sender, format, principal: principal.map(str::to_owned) };
        let interval = self.settings.heartbeat.as_secs_f64();
        let state = self.get_state(self.approver(principal));
        let subscribed = Document::object(|event| {
            event.put("type", &"SUBSCRIBED");
            event.with("subscribed", |body| {
                body.put_object(|body| {
                    body.with("get_state", |part| part.put_document(state));
                    body.put("heartbeat_interval_seconds", &interval);
                });
            });
        });
        subscriber.sender.send_later(subscribed, format);
        subscriber.send(&json!({"type": "HEARTBEAT"}));
        if self.operators.len() == SUBSCRIBERS {
            self.operators.remove(0);
        }
        self.operators.push(subscriber);
        self.after(self.settings.heartbeat, Timer::OperatorHeartbeat { stream: stream.clone() });
        Reply::Stream(stream, events)
    }

    pub(in crate::embedded::master) fn operator_heartbeat(&mut self, stream: &str) {
        self.operators.retain(|operator| !operator.sender.is_given_up());
        if let Some(operator) = self.operators.iter().find(|operator| operator.stream() == stream) {
            if !self.faults.mute() {
                operator.send(&json!({"type": "HEARTBEAT"}));
            }
            self.after(self.settings.heartbeat, Timer::OperatorHeartbeat { stream: stream.to_owned() });
        }
    }

    /// Tells each operator what it may see.
    fn broadcast(&self, event: impl Fn(Approver<'_>) -> Option<Value>) {
        for operator in &self.operators {
            if let Some(event) = event(self.approver(operator.principal.as_deref())) {
                operator.send(&event);
            }
        }
    }

    /// Tells operators that a framework or an agent has come, changed or gone.
    pub(in crate::embedded::master) fn tell_operators(
        &self,
        kind: &str,
        framework: Option<&FrameworkId>,
        agent: Option<&AgentId>,
    ) {
        if self.operators.is_empty() {
            return;
        }
        let everyone = || self.frameworks.iter().chain(&self.completed);
        let framework = framework.and_then(|id| everyone().find(|one| one.id == *id));
        self.broadcast(|who| match (kind, framework, agent) {
            (_, Some(framework), _) if !sees_framework(who, &framework.info) => None,
            ("FRAMEWORK_REMOVED", Some(framework), _) => {
                let info = crate::embedded::wire::defaults::shown(&*framework.info);
                Some(event(kind, json!({"framework_info": info})))
            }
            (_, Some(framework), _) => {
                let mut shown = self.framework_v1(framework, &View::of(self, who));
                if let Value::Object(fields) = &mut shown {
                    // As the original makes it here: a time always, and no constraints.
                    fields.entry("unregistered_time").or_insert_with(|| json!({"nanoseconds": 0}));
                    fields.remove("offer_constraints");
                }
                Some(event(kind, json!({"framework": shown})))
            }
            ("AGENT_REMOVED", _, Some(id)) => Some(event(kind, json!({"agent_id": id}))),
            (_, _, Some(id)) => {
                let agent = self.agent(id)?;
                Some(event(kind, json!({"agent": self.agent_v1(agent, &View::of(self, who))})))
            }
            _ => None,
        });
    }

    /// Tells operators of a new task.
    pub(in crate::embedded::master) fn tell_task_added(&self, framework: &FrameworkId, task: &TaskId) {
        if self.operators.is_empty() {
            return;
        }
        let Some(framework) = self.framework(framework) else { return };
        let Some(task) = framework.task(task) else { return };
        self.broadcast(|who| {
            let sees = sees_framework(who, &framework.info) && sees_task(who, task, &framework.info);
            sees.then(|| event("TASK_ADDED", json!({"task": TaskV1(&framework.id, task)})))
        });
    }

    /// Tells operators of a task's new state.
    pub(in crate::embedded::master) fn tell_task_updated(
        &self,
        framework: &FrameworkId,
        task: &TaskId,
        status: &TaskStatus,
    ) {
        if self.operators.is_empty() {
            return;
        }
        let Some(framework) = self.framework(framework) else { return };
        let known = framework.task(task);
        let state = known.map_or(&TaskState::Unknown, |task| &task.state);
        self.broadcast(|who| {
            let sees =
                sees_framework(who, &framework.info) && known.is_none_or(|task| sees_task(who, task, &framework.info));
            let body = json!({"framework_id": framework.id, "status": status, "state": state.as_str()});
            sees.then(|| event("TASK_UPDATED", body))
        });
    }
}
