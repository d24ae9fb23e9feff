//! The agent's executor API over HTTP, in JSON and protobuf; what is said is the actor's to judge.

use std::convert::Infallible;

use axum::body::{self, Body};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::super::actor::{ExecutorCall, Reply};
use super::Shared;
use super::api::stopping;
use crate::embedded::http::{accepted, must_be, text};
use crate::embedded::wire::{self, Format};
use crate::mesos::executor::{Call, CallType};
use crate::mesos::{StatusSource, TaskState};

/// No call of this API is longer.
const LONGEST: usize = 64 << 20;

/// Answers `POST /slave(1)/api/v1/executor`.
pub(super) async fn answer(shared: &Shared, method: &Method, headers: &HeaderMap, body: Body) -> Response {
    if let Err(refused) = must_be(method, &["POST"]) {
        return *refused;
    }
    let format = match headers.get(header::CONTENT_TYPE).map(|value| Format::of(value.as_bytes())) {
        None => return text(400, "Expecting 'Content-Type' to be present"),
        Some(None) => {
            let why = "Expecting 'Content-Type' of application/json or application/x-protobuf";
            return text(415, why);
        }
        Some(Some(format)) => format,
    };
    let Ok(bytes) = body::to_bytes(body, LONGEST).await else {
        return text(400, "Failed to read the request's body");
    };
    let call: Call = match wire::read(format, &bytes, "Call") {
        Ok(call) => call,
        Err(why) => return text(400, why),
    };
    if let Err(why) = check(&call) {
        return text(400, format!("Failed to validate Executor::Call: {why}"));
    }
    if call.r#type == Some(CallType::Heartbeat) {
        return StatusCode::ACCEPTED.into_response();
    }
    let wanted = [Format::Json, Format::Protobuf].into_iter().find(|format| accepted(headers, format.media_type()));
    if call.r#type == Some(CallType::Subscribe) && wanted.is_none() {
        let why = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
        return text(406, why);
    }
    let format = wanted.unwrap_or(Format::Json);
    let (reply, answered) = oneshot::channel();
    if shared.executors.send(ExecutorCall { call, format, reply }).is_err() {
        return stopping();
    }
    match answered.await {
        Ok(Reply::Accepted) => StatusCode::ACCEPTED.into_response(),
        Ok(Reply::Refused(code, why)) => text(code, why),
        Ok(Reply::Events(events)) => stream(events, format),
        Err(_) => stopping(),
    }
}

/// What must be there for each type of call.
fn check(call: &Call) -> Result<(), String> {
    let (executor, framework) = (&call.executor_id, &call.framework_id);
    match call.r#type.as_ref() {
        None => Err("Expecting 'type' to be present".to_owned()),
        Some(CallType::Subscribe) if call.subscribe.is_none() => Err("Expecting 'subscribe' to be present".to_owned()),
        Some(CallType::Message) if call.message.is_none() => Err("Expecting 'message' to be present".to_owned()),
        Some(CallType::Update) => {
            let status = &call.update.as_ref().ok_or("Expecting 'update' to be present")?.status;
            let uuid = status.uuid.as_ref().ok_or("Expecting 'uuid' to be present")?;
            if uuid.0.len() != 16 {
                return Err("Not a valid UUID".to_owned());
            }
            if let Some(other) = status.executor_id.as_ref().filter(|other| *other != executor) {
                return Err(format!("ExecutorID in Call: {executor} does not match ExecutorID in TaskStatus: {other}"));
            }
            if status.source != Some(StatusSource::Executor) {
                return Err(format!(
                    "Received Call from executor {executor} of framework {framework} with invalid source, expecting \
                     'SOURCE_EXECUTOR'"
                ));
            }
            if status.state == TaskState::Staging {
                return Err(format!(
                    "Received TASK_STAGING from executor {executor} of framework {framework} which is not allowed"
                ));
            }
            Ok(())
        }
        Some(CallType::Unknown | CallType::Other(_)) => Err("Unknown call type".to_owned()),
        Some(_) => Ok(()),
    }
}

fn stream(events: mpsc::UnboundedReceiver<Bytes>, format: Format) -> Response {
    let records = futures_util::stream::unfold(events, |mut events| async move {
        let record = events.recv().await?;
        Some((Ok::<_, Infallible>(record), events))
    });
    let mut response = Body::from_stream(records).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    response
}
