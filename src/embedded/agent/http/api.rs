//! The agent's v1 operator API: what a call must have, and what answers it, in a real agent's words.
//!
//! (apache/mesos: src/slave/http.cpp, src/slave/validation.cpp)

use axum::body::{self, Body};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, json};

use super::files::refusal;
use super::view;
use super::{Question, Shared, containers};
use crate::embedded::http::{accepted, accepts, must_be, text};
use crate::embedded::master::validate::{self, command, resource};
use crate::embedded::wire::{Format, convert, json as strict};
use crate::mesos::agent_api::{Call, CallType, Response as Shown};
use crate::mesos::message::Message as _;
use crate::mesos::{ContainerId, Json, protobuf};

/// No call of this API is longer.
const LONGEST: usize = 4 << 20;

pub(super) const RECORDIO: &str = "application/recordio";

/// How a request is written and its answer wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaks {
    /// The format of the request, or of the messages in it.
    pub(super) content: Format,
    /// Whether it is a stream of messages.
    streams_in: bool,
    /// The format of the answer, or of the messages in it.
    pub(super) accept: Format,
    /// Whether the answer is wanted as a stream of messages.
    pub(super) streams_out: bool,
}

/// Answers `POST /api/v1`.
pub(super) async fn answer(shared: &Shared, method: &Method, headers: &HeaderMap, body: Body) -> Response {
    if let Err(refused) = must_be(method, &["POST"]) {
        return *refused;
    }
    let speaks = match speaks(headers) {
        Ok(speaks) => speaks,
        Err((status, why)) => return text(status, why),
    };
    if speaks.streams_in {
        return containers::input(shared, body, speaks).await;
    }
    let Ok(bytes) = body::to_bytes(body, LONGEST).await else {
        return text(400, "Failed to read the request's body");
    };
    let call = match read(speaks.content, &bytes) {
        Ok(call) => call,
        Err(why) => return text(400, why),
    };
    let kind = match check(&call) {
        Ok(kind) => kind,
        Err(why) => return text(400, format!("Failed to validate agent::Call: {why}")),
    };
    let may_stream = matches!(kind, CallType::AttachContainerOutput | CallType::LaunchNestedContainerSession);
    if speaks.streams_out && !may_stream {
        return text(406, format!("Streaming response is not supported for {kind} call"));
    }
    dispatch(shared, kind, call, speaks).await
}

type Wrong = (u16, &'static str);

fn speaks(headers: &HeaderMap) -> Result<Speaks, Wrong> {
    let of = |name: &str| headers.get(name).map(|value| Format::of(value.as_bytes()));
    let given = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    let bad = |why| (400, why);
    let unsupported = |why| (415, why);
    let streams_in = given.ok_or_else(|| bad("Expecting 'Content-Type' to be present"))? == RECORDIO.as_bytes();
    let content = match (streams_in, of("message-content-type")) {
        (true, None) => return Err(bad("Expecting 'Message-Content-Type' to be set for streaming requests")),
        (true, Some(format)) => format.ok_or_else(|| {
            unsupported("Expecting 'Message-Content-Type' of application/json or application/x-protobuf")
        })?,
        (false, message) => {
            let why = "Expecting 'Content-Type' of application/json or application/x-protobuf or application/recordio";
            let format = of("content-type").flatten().ok_or_else(|| unsupported(why))?;
            if message.is_some() {
                return Err(unsupported("Expecting 'Message-Content-Type' to be not set for non-streaming requests"));
            }
            format
        }
    };
    let refused = |why| (406, why);
    let accept = [Format::Json, Format::Protobuf].into_iter().find(|format| accepted(headers, format.media_type()));
    match accept {
        Some(_) if headers.contains_key("message-accept") => {
            Err(refused("Expecting 'Message-Accept' to be not set for non-streaming responses"))
        }
        Some(accept) => Ok(Speaks { content, streams_in, accept, streams_out: false }),
        None if accepted(headers, RECORDIO) => {
            let why = "Expecting 'Message-Accept' to allow application/json or application/x-protobuf";
            let accept = match headers.get("message-accept") {
                None => Format::Json,
                Some(value) => [Format::Json, Format::Protobuf]
                    .into_iter()
                    .find(|format| accepts(Some(value), format.media_type()))
                    .ok_or_else(|| refused(why))?,
            };
            Ok(Speaks { content, streams_in, accept, streams_out: true })
        }
        None => Err(refused(
            "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio",
        )),
    }
}

/// Reads a call.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Call, String> {
    match format {
        Format::Json => {
            let why = |why: Vec<u8>| format!("Failed to parse body into JSON: {}", String::from_utf8_lossy(&why));
            convert::message(&strict::parse(bytes).map_err(why)?)
        }
        Format::Protobuf => protobuf::decode(Call::schema(), bytes)
            .and_then(|value| convert::message(&value).ok())
            .ok_or_else(|| "Failed to parse body into a protobuf object".to_owned()),
    }
}

/// What a call must have; its type if that is all there.
pub(super) fn check(call: &Call) -> Result<CallType, String> {
    use CallType as Type;
    let kind = call.r#type.clone().ok_or("Expecting 'type' to be present")?;
    let there = match kind {
        Type::GetMetrics => call.get_metrics.is_some(),
        Type::SetLoggingLevel => call.set_logging_level.is_some(),
        Type::ListFiles => call.list_files.is_some(),
        Type::ReadFile => call.read_file.is_some(),
        Type::LaunchNestedContainer => call.launch_nested_container.is_some(),
        Type::WaitNestedContainer => call.wait_nested_container.is_some(),
        Type::KillNestedContainer => call.kill_nested_container.is_some(),
        Type::RemoveNestedContainer => call.remove_nested_container.is_some(),
        Type::LaunchNestedContainerSession => call.launch_nested_container_session.is_some(),
        Type::AttachContainerInput => call.attach_container_input.is_some(),
        Type::AttachContainerOutput => call.attach_container_output.is_some(),
        Type::LaunchContainer => call.launch_container.is_some(),
        Type::WaitContainer => call.wait_container.is_some(),
        Type::KillContainer => call.kill_container.is_some(),
        Type::RemoveContainer => call.remove_container.is_some(),
        Type::AddResourceProviderConfig => call.add_resource_provider_config.is_some(),
        Type::UpdateResourceProviderConfig => call.update_resource_provider_config.is_some(),
        Type::RemoveResourceProviderConfig => call.remove_resource_provider_config.is_some(),
        Type::MarkResourceProviderGone => call.mark_resource_provider_gone.is_some(),
        _ => true,
    };
    let name = kind.as_str().to_ascii_lowercase();
    if !there {
        return Err(format!("Expecting '{name}' to be present"));
    }
    let nested = matches!(
        kind,
        Type::LaunchNestedContainer
            | Type::LaunchNestedContainerSession
            | Type::WaitNestedContainer
            | Type::KillNestedContainer
            | Type::RemoveNestedContainer
    );
    if let Some(id) = container_of(call, &kind) {
        container_id(id).map_err(|why| format!("'{name}.container_id' is invalid: {why}"))?;
        if nested && id.parent.is_none() {
            return Err(format!("Expecting '{name}.container_id.parent' to be present"));
        }
    }
    launch(call, &kind, &name)?;
    Ok(kind)
}

fn launch(call: &Call, kind: &CallType, name: &str) -> Result<(), String> {
    let launch = match kind {
        CallType::LaunchNestedContainer => call.launch_nested_container.as_ref(),
        CallType::LaunchNestedContainerSession => call.launch_nested_container_session.as_ref(),
        _ => None,
    };
    let standalone = call.launch_container.as_ref().filter(|_| *kind == CallType::LaunchContainer);
    let info = launch.and_then(|it| it.command.as_ref()).or_else(|| standalone.and_then(|it| it.command.as_ref()));
    if let Some(info) = info {
        command::command(info).map_err(|why| format!("'{name}.command' is invalid: {why}"))?;
    }
    if let Some(standalone) = standalone {
        resource::check(&standalone.resources)?;
    }
    let info = launch.and_then(|it| it.container.as_ref()).or_else(|| standalone.and_then(|it| it.container.as_ref()));
    match info {
        Some(info) => command::container(info).map_err(|why| format!("'{name}.container' is invalid: {why}")),
        None => Ok(()),
    }
}

/// The container that a call is about.
fn container_of<'a>(call: &'a Call, kind: &CallType) -> Option<&'a ContainerId> {
    use CallType as Type;
    match kind {
        Type::LaunchNestedContainer => call.launch_nested_container.as_ref().map(|it| &it.container_id),
        Type::LaunchNestedContainerSession => call.launch_nested_container_session.as_ref().map(|it| &it.container_id),
        Type::LaunchContainer => call.launch_container.as_ref().map(|it| &it.container_id),
        Type::WaitNestedContainer => call.wait_nested_container.as_ref().map(|it| &it.container_id),
        Type::WaitContainer => call.wait_container.as_ref().map(|it| &it.container_id),
        Type::KillNestedContainer => call.kill_nested_container.as_ref().map(|it| &it.container_id),
        Type::KillContainer => call.kill_container.as_ref().map(|it| &it.container_id),
        Type::RemoveNestedContainer => call.remove_nested_container.as_ref().map(|it| &it.container_id),
        Type::RemoveContainer => call.remove_container.as_ref().map(|it| &it.container_id),
        Type::AttachContainerOutput => call.attach_container_output.as_ref().map(|it| &it.container_id),
        _ => None,
    }
}

fn container_id(id: &ContainerId) -> Result<(), String> {
    validate::id(&id.value)?;
    match &id.parent {
        Some(parent) => container_id(parent).map_err(|why| format!("'ContainerID.parent' is invalid: {why}")),
        None => Ok(()),
    }
}

async fn dispatch(shared: &Shared, kind: CallType, call: Call, speaks: Speaks) -> Response {
    use CallType as Type;
    if let Some(answer) = containers::answer(shared, &kind, &call, speaks).await {
        return answer;
    }
    let question = match kind {
        Type::GetState => Some(Question::StateV1),
        Type::GetTasks => Some(Question::Tasks),
        Type::GetExecutors => Some(Question::Executors),
        Type::GetFrameworks => Some(Question::Frameworks),
        Type::GetAgent => Some(Question::Agent),
        Type::GetFlags => Some(Question::Flags),
        Type::GetMetrics => Some(Question::Metrics),
        _ => None,
    };
    if let Some(question) = question {
        return match shared.ask(question).await {
            Some(answer) => {
                let answer = match kind {
                    Type::GetFlags => json!({"flags": named(answer.get("flags"))}),
                    Type::GetMetrics => json!({"metrics": named(Some(&answer))}),
                    _ => answer,
                };
                answered(&kind, answer, speaks)
            }
            None => stopping(),
        };
    }
    match kind {
        Type::GetHealth => answered(&kind, json!({"healthy": true}), speaks),
        Type::GetVersion => answered(&kind, json!({"version_info": view::version()}), speaks),
        Type::GetLoggingLevel => answered(&kind, json!({"level": 0}), speaks),
        Type::GetOperations | Type::GetResourceProviders => answered(&kind, json!({}), speaks),
        // There is no log of its own, and no store of images.
        Type::SetLoggingLevel | Type::PruneImages => StatusCode::OK.into_response(),
        Type::ListFiles => list_files(shared, call, speaks).await,
        Type::ReadFile => read_file(shared, call, speaks).await,
        Type::AttachContainerInput => {
            let why = "Expecting 'Content-Type' to be application/recordio for ATTACH_CONTAINER_INPUT call";
            text(415, why)
        }
        _ => text(501, "501 Not Implemented."),
    }
}

pub(super) fn stopping() -> Response {
    text(503, "The agent stops.")
}

/// An answer with its type and the field that is named like it; without anything in it only its type.
pub(super) fn answered(kind: &CallType, answer: Json, speaks: Speaks) -> Response {
    let mut whole = Map::new();
    whole.insert("type".to_owned(), json!(kind.as_str()));
    if !answer.is_null() {
        whole.insert(kind.as_str().to_ascii_lowercase(), answer);
    }
    let whole = Json::Object(whole);
    let body = match speaks.accept {
        Format::Json => whole.to_string().into_bytes(),
        Format::Protobuf => protobuf::encode(Shown::schema(), &whole),
    };
    ([(header::CONTENT_TYPE, speaks.accept.media_type())], body).into_response()
}

/// A map as a list of names and values.
fn named(map: Option<&Json>) -> Vec<Json> {
    let all = map.and_then(Json::as_object).into_iter().flatten();
    all.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

async fn list_files(shared: &Shared, call: Call, speaks: Speaks) -> Response {
    let path = call.list_files.unwrap_or_default().path;
    let files = shared.files();
    match tokio::task::spawn_blocking(move || files.list_v1(&path)).await {
        Ok(Ok(infos)) if infos.is_empty() => answered(&CallType::ListFiles, json!({}), speaks),
        Ok(Ok(infos)) => answered(&CallType::ListFiles, json!({"file_infos": infos}), speaks),
        Ok(Err(refused)) => refusal(refused),
        Err(error) => text(500, error.to_string()),
    }
}

async fn read_file(shared: &Shared, call: Call, speaks: Speaks) -> Response {
    let asked = call.read_file.unwrap_or_default();
    let files = shared.files();
    match tokio::task::spawn_blocking(move || files.read_v1(&asked.path, asked.offset, asked.length)).await {
        Ok(Ok(answer)) => answered(&CallType::ReadFile, answer, speaks),
        Ok(Err(refused)) => refusal(refused),
        Err(error) => text(500, error.to_string()),
    }
}
