//! The agent's executor API over HTTP, in JSON and protobuf; what is said is the actor's to judge.

use std::convert::Infallible;

use axum::body::{self, Body};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::super::actor::{ExecutorCall, Reply};
use super::{Shared, not_allowed, takes, text};
use crate::embedded::wire::{self, Format};
use crate::mesos::executor::{Call, CallType};

/// No call of this API is longer.
const LONGEST: usize = 64 << 20;

/// Answers `POST /slave(1)/api/v1/executor`.
pub(super) async fn answer(shared: &Shared, method: &Method, headers: &HeaderMap, body: Body) -> Response {
    if *method != Method::POST {
        return not_allowed(method);
    }
    let format = match headers.get(header::CONTENT_TYPE).map(|value| Format::of(value.as_bytes())) {
        None => return text(StatusCode::BAD_REQUEST, "Expecting 'Content-Type' to be present"),
        Some(None) => {
            let why = "Expecting 'Content-Type' of application/json or application/x-protobuf";
            return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
        }
        Some(Some(format)) => format,
    };
    let Ok(bytes) = body::to_bytes(body, LONGEST).await else {
        return text(StatusCode::BAD_REQUEST, "Failed to read the request's body");
    };
    let call: Call = match wire::read(format, &bytes, "Call") {
        Ok(call) => call,
        Err(why) => return text(StatusCode::BAD_REQUEST, &String::from_utf8_lossy(&why)),
    };
    if let Err(why) = check(&call) {
        return text(StatusCode::BAD_REQUEST, &format!("Failed to validate Executor::Call: {why}"));
    }
    if call.r#type == Some(CallType::Heartbeat) {
        return StatusCode::ACCEPTED.into_response();
    }
    let wanted = [Format::Json, Format::Protobuf].into_iter().find(|format| takes(headers, format.media_type()));
    if call.r#type == Some(CallType::Subscribe) && wanted.is_none() {
        let why = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
        return text(StatusCode::NOT_ACCEPTABLE, why);
    }
    let format = wanted.unwrap_or(Format::Json);
    let (reply, answered) = oneshot::channel();
    let stopping = || text(StatusCode::SERVICE_UNAVAILABLE, "The agent stops.");
    if shared.executors.send(ExecutorCall { call, format, reply }).is_err() {
        return stopping();
    }
    match answered.await {
        Ok(Reply::Accepted) => StatusCode::ACCEPTED.into_response(),
        Ok(Reply::Refused(code, why)) => text(StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST), why),
        Ok(Reply::Events(events)) => stream(events, format),
        Err(_) => stopping(),
    }
}

/// What must be there for each type of call.
fn check(call: &Call) -> Result<(), &'static str> {
    match call.r#type.as_ref() {
        None => Err("Expecting 'type' to be present"),
        Some(CallType::Subscribe) if call.subscribe.is_none() => Err("Expecting 'subscribe' to be present"),
        Some(CallType::Message) if call.message.is_none() => Err("Expecting 'message' to be present"),
        Some(CallType::Update) => {
            let status = &call.update.as_ref().ok_or("Expecting 'update' to be present")?.status;
            let uuid = status.uuid.as_ref().ok_or("Expecting 'uuid' to be present")?;
            if uuid.0.len() != 16 {
                return Err("Not a valid UUID");
            }
            if status.timestamp.is_none() {
                return Err("Expecting 'timestamp' to be present");
            }
            if status.state == crate::mesos::TaskState::Staging {
                return Err("TASK_STAGING is only allowed from the agent");
            }
            Ok(())
        }
        Some(CallType::Unknown | CallType::Other(_)) => Err("Unknown call type"),
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
