//! Each HTTP status to each kind of call: the call fails and says so, the session goes on, and subscribes again only
//! where the status says that the subscription is gone.

use mesos_repl::client::RequestError;
use mesos_repl::session::{CallError, Closed};
use serde_json::{Value, json};

use super::Table;
use super::rig::{Rig, Setup, accept, raw, so};
use crate::support::books::{AGENT, Reply};

pub const STATUSES: [u16; 17] = [307, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 429, 500, 501, 502, 503, 504];

/// Every kind of call that can be made while subscribed, and one that doesn't exist yet.
pub fn calls() -> Vec<Value> {
    let inverse = json!({"inverse_offer_ids": [{"value": "I"}]});
    vec![
        json!({"type": "ACCEPT"}),
        json!({"type": "DECLINE"}),
        json!({"type": "ACCEPT_INVERSE_OFFERS", "accept_inverse_offers": inverse}),
        json!({"type": "DECLINE_INVERSE_OFFERS", "decline_inverse_offers": inverse}),
        json!({"type": "REVIVE"}),
        json!({"type": "SUPPRESS"}),
        json!({"type": "KILL", "kill": {"task_id": {"value": "nobody"}}}),
        json!({"type": "SHUTDOWN", "shutdown": {"executor_id": {"value": "e"}, "agent_id": {"value": AGENT}}}),
        json!({"type": "ACKNOWLEDGE"}),
        json!({"type": "ACKNOWLEDGE_OPERATION_STATUS"}),
        json!({"type": "RECONCILE", "reconcile": {"tasks": []}}),
        json!({"type": "RECONCILE_OPERATIONS", "reconcile_operations": {}}),
        json!({"type": "MESSAGE", "message": {"agent_id": {"value": AGENT}, "executor_id": {"value": "e"}, "data": "aGk="}}),
        json!({"type": "REQUEST", "request": {"requests": []}}),
        json!({"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": {"user": "root", "name": "faults"}}}),
        json!({"type": "TEARDOWN"}),
        json!({"type": "DANCE", "dance": {}}),
    ]
}

pub fn kind(call: &Value) -> String {
    call["type"].as_str().unwrap().to_owned()
}

/// Makes a call of that kind, the session itself where it is the one who makes it; what it was told, where it is.
pub async fn make(rig: &Rig, call: &Value) -> Option<Result<(), CallError>> {
    let kind = kind(call);
    let call = match kind.as_str() {
        "ACCEPT" => accept(&rig.offered("k").await, "k"),
        "DECLINE" => json!({"type": "DECLINE", "decline": {"offer_ids": [{"value": rig.offered("k").await}]}}),
        "ACKNOWLEDGE" => {
            rig.master.moves("k", "TASK_RUNNING");
            rig.master.call(&kind, 0).await;
            return None;
        }
        "ACKNOWLEDGE_OPERATION_STATUS" => {
            rig.master.event(&operation("op"));
            rig.master.call(&kind, 0).await;
            return None;
        }
        _ => call.clone(),
    };
    Some(rig.session.call(raw(call)).await.map(|_| ()))
}

/// An operation's status, to be acknowledged.
pub fn operation(id: &str) -> Value {
    json!({"type": "UPDATE_OPERATION_STATUS", "update_operation_status": {"status": {"operation_id": {"value": id},
        "state": "OPERATION_FINISHED", "uuid": {"value": "AAECAwQFBgcICQoLDA0ODw=="}, "agent_id": {"value": AGENT}}}})
}

async fn refused(call: Value, status: u16) {
    let rig = Rig::new(Setup::default()).await;
    let before = rig.launched("before").await;
    rig.settled().await;
    let kind = kind(&call);
    let location = if status == 307 { "Location: //127.0.0.1:1/api/v1/scheduler\r\n" } else { "" };
    rig.master.reply(&kind, Reply::status(status, location, "no"));
    match make(&rig, &call).await {
        None => {}
        Some(Err(CallError::Request(RequestError::Refused(refusal)))) => assert_eq!(refusal.status, status),
        Some(Err(CallError::Request(RequestError::Redirect { .. }))) => assert_eq!(status, 307),
        other => panic!("{other:?}"),
    }
    let subscribes = if status == 307 { 2 } else { 1 };
    so("as often subscribed as it should be", || rig.master.count("SUBSCRIBE") == subscribes).await;
    rig.master.moves(&before, "TASK_FINISHED");
    rig.goes_on(subscribes..=subscribes).await;
}

/// A status of 5xx may come from somebody between, when the master has long taken the call.
async fn refused_but_taken(call: Value, status: u16) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.reply(&kind(&call), Reply::status(status, "", "<html>gateway</html>").but_taken());
    make(&rig, &call).await;
    rig.goes_on(1..=1).await;
}

async fn ended(call: Value, reply: Reply, is: fn(&Closed) -> bool) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.reply(&kind(&call), reply);
    make(&rig, &call).await;
    rig.closed(is).await;
}

async fn again(call: Value, reply: Reply) {
    let rig = Rig::new(Setup::default()).await;
    rig.master.reply(&kind(&call), reply);
    make(&rig, &call).await;
    so("subscribed again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.goes_on(2..=2).await;
}

pub fn table(table: &mut Table) {
    for call in calls() {
        for status in STATUSES {
            table.case(format!("{status} to {}", kind(&call)), refused(call.clone(), status));
        }
        let name = kind(&call);
        // A master that has just begun to lead knows nobody yet: the next SUBSCRIBE tells whether the framework is gone.
        table.case(
            format!("unknown framework to {name}"),
            again(call.clone(), Reply::status(400, "", "Framework cannot be found")),
        );
        table.case(
            format!("not subscribed to {name}"),
            again(call.clone(), Reply::status(403, "", "Framework is not subscribed")),
        );
        let other = "The stream ID 'x' included in this request didn't match the stream ID currently associated with framework ID y";
        table.case(
            format!("another's stream id to {name}"),
            ended(call.clone(), Reply::status(400, "", other), |why| *why == Closed::Stolen),
        );
        if name != "TEARDOWN" {
            for status in [500, 502, 504] {
                table.case(format!("{status} to {name}, taken all the same"), refused_but_taken(call.clone(), status));
            }
        }
    }
}
