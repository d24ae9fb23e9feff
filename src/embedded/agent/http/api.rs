//! The agent's v1 operator API: the calls that ask, in a real agent's words.

use axum::body::{self, Body};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, json};

use super::files::refusal;
use super::view;
use super::{Question, Shared, json as json_response, not_allowed, takes, text};
use crate::mesos::Json;

/// No call of this API is longer.
const LONGEST: usize = 4 << 20;

/// Answers `POST /api/v1`.
pub(super) async fn answer(shared: &Shared, method: &Method, headers: &HeaderMap, body: Body) -> Response {
    if *method != Method::POST {
        return not_allowed(method);
    }
    match headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes()) {
        None => return text(StatusCode::BAD_REQUEST, "Expecting 'Content-Type' to be present"),
        Some(b"application/json") => {}
        Some(_) => {
            return text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Expecting 'Content-Type' of application/json or application/x-protobuf or application/recordio",
            );
        }
    }
    if !takes(headers, "application/json") {
        return text(
            StatusCode::NOT_ACCEPTABLE,
            "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio",
        );
    }
    let Ok(bytes) = body::to_bytes(body, LONGEST).await else {
        return text(StatusCode::BAD_REQUEST, "Failed to read the request's body");
    };
    let call = match serde_json::from_slice::<Json>(&bytes) {
        Ok(Json::Object(call)) => call,
        Ok(_) => return text(StatusCode::BAD_REQUEST, "Failed to parse body into JSON: Expecting a JSON object"),
        Err(error) => return text(StatusCode::BAD_REQUEST, &format!("Failed to parse body into JSON: {error}")),
    };
    dispatch(shared, &call).await
}

async fn dispatch(shared: &Shared, call: &Map<String, Json>) -> Response {
    let Some(kind) = call.get("type").and_then(Json::as_str) else {
        return invalid("Missing required fields: type");
    };
    let asked = match kind {
        "GET_STATE" => Some(("get_state", Question::StateV1)),
        "GET_TASKS" => Some(("get_tasks", Question::Tasks)),
        "GET_EXECUTORS" => Some(("get_executors", Question::Executors)),
        "GET_FRAMEWORKS" => Some(("get_frameworks", Question::Frameworks)),
        "GET_AGENT" => Some(("get_agent", Question::Agent)),
        "GET_CONTAINERS" => Some(("get_containers", Question::ContainersV1)),
        _ => None,
    };
    if let Some((field, question)) = asked {
        return match shared.ask(question).await {
            Some(answer) => answered(kind, field, answer),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "The agent stops."),
        };
    }
    match kind {
        "GET_HEALTH" => answered(kind, "get_health", json!({"healthy": true})),
        "GET_VERSION" => answered(kind, "get_version", json!({"version_info": view::version()})),
        "GET_FLAGS" => match shared.ask(Question::Flags).await {
            Some(flags) => answered(kind, "get_flags", flags_v1(&flags)),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "The agent stops."),
        },
        "GET_METRICS" => match shared.ask(Question::Metrics).await {
            Some(metrics) => answered(kind, "get_metrics", metrics_v1(&metrics)),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "The agent stops."),
        },
        "GET_LOGGING_LEVEL" => answered(kind, "get_logging_level", json!({"level": 0})),
        "GET_OPERATIONS" => answered(kind, "get_operations", json!({"operations": []})),
        "GET_RESOURCE_PROVIDERS" => answered(kind, "get_resource_providers", json!({"resource_providers": []})),
        "LIST_FILES" => list_files(shared, call).await,
        "READ_FILE" => read_file(shared, call).await,
        _ => text(StatusCode::NOT_IMPLEMENTED, &format!("This agent doesn't answer {kind}")),
    }
}

fn invalid(why: &str) -> Response {
    text(StatusCode::BAD_REQUEST, &format!("Failed to validate agent::Call: {why}"))
}

fn answered(kind: &str, field: &str, answer: Json) -> Response {
    let mut whole = Map::new();
    whole.insert("type".to_owned(), json!(kind));
    whole.insert(field.to_owned(), answer);
    json_response(&Json::Object(whole)).into_response()
}

/// Flags as a list of names and values.
fn flags_v1(flags: &Json) -> Json {
    let all = flags.get("flags").and_then(Json::as_object).into_iter().flatten();
    json!({"flags": all.map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()})
}

fn metrics_v1(metrics: &Json) -> Json {
    let all = metrics.as_object().into_iter().flatten();
    json!({"metrics": all.map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()})
}

async fn list_files(shared: &Shared, call: &Map<String, Json>) -> Response {
    let Some(path) = field(call, "list_files", "path").and_then(Json::as_str).map(str::to_owned) else {
        return invalid("Expecting 'list_files' to be present");
    };
    let files = shared.files();
    match tokio::task::spawn_blocking(move || files.list_v1(&path)).await {
        Ok(Ok(infos)) => answered("LIST_FILES", "list_files", json!({"file_infos": infos})),
        Ok(Err(refused)) => refusal(refused),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn read_file(shared: &Shared, call: &Map<String, Json>) -> Response {
    let Some(path) = field(call, "read_file", "path").and_then(Json::as_str).map(str::to_owned) else {
        return invalid("Expecting 'read_file' to be present");
    };
    let number = |name: &str| field(call, "read_file", name).and_then(Json::as_u64);
    let (offset, length) = (number("offset").unwrap_or(0), number("length"));
    let files = shared.files();
    match tokio::task::spawn_blocking(move || files.read_v1(&path, offset, length)).await {
        Ok(Ok(answer)) => answered("READ_FILE", "read_file", answer),
        Ok(Err(refused)) => refusal(refused),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn field<'a>(call: &'a Map<String, Json>, message: &str, name: &str) -> Option<&'a Json> {
    call.get(message)?.get(name)
}
