//! Calls about containers: started below an executor's, waited for, killed, removed, heard and spoken to.
//!
//! (apache/mesos: src/slave/http.cpp, src/slave/containerizer/mesos/io/switchboard.cpp)

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::mpsc;

use super::api::{self, RECORDIO, Speaks, answered, stopping};
use super::{Question, Shared};
use crate::embedded::agent::nested::{self, NotRemoved, NotStarted, Output, Start, path, root};
use crate::embedded::agent::user::User;
use crate::embedded::http::text;
use crate::embedded::wire::Format;
use crate::mesos::agent_api::{
    Call, CallType, ControlType, DataType, InputType, IoControl, IoData, IoHeartbeat, IoType, LaunchNestedContainer,
    ProcessIo,
};
use crate::mesos::{Base64, ContainerId, DurationInfo, Json};
use crate::recordio;

/// Between two heartbeats of a session, as with a real agent.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often it is looked whether an executor's container is still there.
const LOOK: Duration = Duration::from_millis(50);
/// No message of a request is longer.
const LONGEST: usize = 4 << 20;

/// Answers a call about containers; `None` for other calls.
pub(super) async fn answer(shared: &Shared, kind: &CallType, call: &Call, speaks: Speaks) -> Option<Response> {
    use CallType as Type;
    Some(match kind {
        Type::GetContainers => {
            let get = call.get_containers.clone().unwrap_or_default();
            let (nested, standalone) = (get.show_nested.unwrap_or(false), get.show_standalone.unwrap_or(false));
            show(shared, nested, standalone, speaks).await
        }
        Type::LaunchNestedContainer => launch(shared, call.launch_nested_container.clone()?, None).await,
        Type::LaunchNestedContainerSession => {
            launch(shared, call.launch_nested_container_session.clone()?, Some(speaks)).await
        }
        Type::LaunchContainer => {
            let given = call.launch_container.clone()?;
            let (container_id, command, container) = (given.container_id, given.command, given.container);
            let given = LaunchNestedContainer { container_id, command, container, ..LaunchNestedContainer::default() };
            launch(shared, given, None).await
        }
        Type::WaitNestedContainer => {
            wait(shared, kind, &call.wait_nested_container.as_ref()?.container_id, speaks).await
        }
        Type::WaitContainer => wait(shared, kind, &call.wait_container.as_ref()?.container_id, speaks).await,
        Type::KillNestedContainer => {
            let kill = call.kill_nested_container.as_ref()?;
            end(shared, &kill.container_id, kill.signal).await
        }
        Type::KillContainer => {
            let kill = call.kill_container.as_ref()?;
            end(shared, &kill.container_id, kill.signal).await
        }
        Type::RemoveNestedContainer => remove(shared, &call.remove_nested_container.as_ref()?.container_id).await,
        Type::RemoveContainer => remove(shared, &call.remove_container.as_ref()?.container_id).await,
        Type::AttachContainerOutput => {
            output(shared, &call.attach_container_output.as_ref()?.container_id, speaks).await
        }
        _ => return None,
    })
}

async fn show(shared: &Shared, nested: bool, standalone: bool, speaks: Speaks) -> Response {
    let Some(mut shown) = shared.ask(Question::ContainersV1).await else { return stopping() };
    if let Some(all) = shown.get_mut("containers").and_then(Json::as_array_mut) {
        for (id, pid) in shared.nested.running() {
            if id.parent.is_some() && nested || id.parent.is_none() && standalone {
                let status = json!({"container_id": id, "executor_pid": pid});
                // As the original: whose it is stands in its status.
                all.push(json!({"container_id": {"value": id.value}, "container_status": status}));
            }
        }
        if all.is_empty() {
            return answered(&CallType::GetContainers, Json::Null, speaks);
        }
    }
    answered(&CallType::GetContainers, shown, speaks)
}

/// The container that it is to be in, as the agent knows it: folder, user, and whether Docker has it.
async fn parent(shared: &Shared, id: &ContainerId) -> Result<Json, Response> {
    let known = shared.ask(Question::Container(root(id).to_owned())).await.ok_or_else(stopping)?;
    if known.is_null() {
        let why = format!("Root container {} not found", root(id));
        return Err(text(400, why));
    }
    Ok(known)
}

async fn launch(shared: &Shared, given: LaunchNestedContainer, session: Option<Speaks>) -> Response {
    let id = given.container_id;
    let bad = |why: String| text(400, why);
    let container = given.container.as_ref();
    if container.is_some_and(|it| it.r#type == crate::mesos::ContainerType::Docker || it.mesos.is_some()) {
        return bad("The provided ContainerInfo is not supported".to_owned());
    }
    let (mut folder, user) = match &id.parent {
        None => (shared.work_dir.join("containers"), "root".to_owned()),
        Some(_) => {
            let known = match parent(shared, &id).await {
                Ok(known) => known,
                Err(refused) => return refused,
            };
            if known["docker"] == true {
                return bad("The provided ContainerInfo is not supported".to_owned());
            }
            let text = |name: &str| known[name].as_str().unwrap_or_default().to_owned();
            (std::path::PathBuf::from(text("directory")), text("user"))
        }
    };
    for name in nested::path(&id).split('.').skip(usize::from(id.parent.is_some())) {
        folder = if id.parent.is_some() { folder.join("containers").join(name) } else { folder.join(name) };
    }
    let command = given.command.unwrap_or_default();
    let user = match User::of_task(command.user.as_deref(), &user) {
        Ok(user) => user,
        Err(why) => return bad(why),
    };
    let tty = given.container.and_then(|container| container.tty_info);
    let start = Start { id: id.clone(), command, folder, user, session: session.is_some(), tty };
    match (shared.nested.start(start), session) {
        (Err(NotStarted::Runs), _) => StatusCode::ACCEPTED.into_response(),
        (Err(NotStarted::Failed(why)), _) => bad(format!("Failed to launch container: {why}")),
        (Ok(_), None) => StatusCode::OK.into_response(),
        (Ok(output), Some(speaks)) => {
            // Its life is the connection's.
            let guard = Guard { shared: shared.clone(), id };
            stream(output, speaks, Some(guard))
        }
    }
}

/// Kills a session's container when its connection goes.
struct Guard {
    shared: Shared,
    id: ContainerId,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.nested.signal(&self.id, Signal::SIGKILL);
    }
}

async fn wait(shared: &Shared, kind: &CallType, id: &ContainerId, speaks: Speaks) -> Response {
    if let Some(mut ended) = shared.nested.ended(id) {
        let status = ended.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        return answered(kind, status.map_or_else(|| json!({}), |status| json!({"exit_status": status})), speaks);
    }
    let mut known = false;
    loop {
        let asked = match id.parent {
            None => shared.ask(Question::Container(id.value.clone())).await,
            Some(_) => Some(Json::Null),
        };
        match asked {
            None => return stopping(),
            Some(Json::Null) if known => return answered(kind, json!({}), speaks),
            Some(Json::Null) => {
                return text(404, format!("Container {} cannot be found", path(id)));
            }
            Some(_) => known = true,
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Signals a container. An executor's own is killed whatever the signal is.
async fn end(shared: &Shared, id: &ContainerId, signal: Option<i32>) -> Response {
    let signal = Signal::try_from(signal.unwrap_or(9)).unwrap_or(Signal::SIGKILL);
    if shared.nested.signal(id, signal) {
        return StatusCode::OK.into_response();
    }
    if id.parent.is_none() {
        match shared.ask(Question::Kill(id.value.clone())).await {
            None => return stopping(),
            Some(Json::Bool(true)) => return StatusCode::OK.into_response(),
            Some(_) => {}
        }
    }
    let why = format!("Container '{}' cannot be found (or is already killed)", path(id));
    text(404, why)
}

async fn remove(shared: &Shared, id: &ContainerId) -> Response {
    let failed = |why: &str| text(500, why);
    match shared.nested.remove(id) {
        Err(NotRemoved::Runs) => return failed("Nested container has not terminated yet"),
        Err(NotRemoved::Failed(why)) => return failed(&why),
        Ok(()) => {}
    }
    match shared.ask(Question::Container(root(id).to_owned())).await {
        None => stopping(),
        Some(Json::Null) => failed(&format!("Root container {} not found", root(id))),
        Some(_) => StatusCode::OK.into_response(),
    }
}

async fn output(shared: &Shared, id: &ContainerId, speaks: Speaks) -> Response {
    if let (Some(mut pieces), Some(mut ended)) = (shared.nested.output(id), shared.nested.ended(id)) {
        let (sender, received) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let piece = tokio::select! {
                    biased;
                    piece = pieces.recv() => piece,
                    _ = ended.wait_for(Option::is_some) => return,
                };
                let Ok(piece) = piece else { return };
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        return stream(received, speaks, None);
    }
    match shared.ask(Question::Container(id.value.clone())).await {
        None => stopping(),
        Some(known) if !shared.nested.runs(id) && (known.is_null() || id.parent.is_some()) => {
            text(404, format!("Container {} cannot be found", path(id)))
        }
        // As a real agent without an I/O switchboard: a task's output is in its sandbox.
        Some(_) => text(500, "Not supported in local mode"),
    }
}

fn record(message: &ProcessIo, format: Format) -> Bytes {
    recordio::encode(&format.write(message))
}

fn stream(output: mpsc::Receiver<Output>, speaks: Speaks, guard: Option<Guard>) -> Response {
    let format = speaks.accept;
    let mut beats = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let records =
        futures_util::stream::unfold((output, beats, guard), move |(mut output, mut beats, guard)| async move {
            let message = tokio::select! {
                biased;
                piece = output.recv() => {
                    let Output { from, data } = piece?;
                    let data = IoData { r#type: Some(from), data: Some(Base64(data.to_vec())), ..IoData::default() };
                    ProcessIo { r#type: Some(IoType::Data), data: Some(data), ..ProcessIo::default() }
                }
                _ = beats.tick() => heartbeat(),
            };
            Some((Ok::<_, Infallible>(record(&message, format)), (output, beats, guard)))
        });
    let mut response = Body::from_stream(records).into_response();
    let headers = response.headers_mut();
    let media_type = if speaks.streams_out { RECORDIO } else { format.media_type() };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if speaks.streams_out {
        headers.insert("message-content-type", HeaderValue::from_static(format.media_type()));
    }
    response
}

fn heartbeat() -> ProcessIo {
    let nanoseconds = i64::try_from(HEARTBEAT.as_nanos()).unwrap_or(i64::MAX);
    let interval = Some(DurationInfo { nanoseconds, ..DurationInfo::default() });
    let control = IoControl {
        r#type: Some(ControlType::Heartbeat),
        heartbeat: Some(IoHeartbeat { interval, ..IoHeartbeat::default() }),
        ..IoControl::default()
    };
    ProcessIo { r#type: Some(IoType::Control), control: Some(control), ..ProcessIo::default() }
}

/// A request that is a stream of calls: `ATTACH_CONTAINER_INPUT`, first whom to, then what.
pub(super) async fn input(shared: &Shared, body: Body, speaks: Speaks) -> Response {
    let bad = |why: &str| text(400, why);
    let mut chunks = body.into_data_stream();
    let mut decoder = recordio::Decoder::with_limit(LONGEST);
    let mut to: Option<ContainerId> = None;
    loop {
        match decoder.next_record() {
            Ok(Some(record)) => {
                let call = match api::read(speaks.content, &record) {
                    Ok(call) => call,
                    Err(why) => return bad(&why),
                };
                if let Err(refused) = said(shared, &call, &mut to).await {
                    return refused;
                }
            }
            Ok(None) => match chunks.next().await {
                Some(Ok(chunk)) => decoder.push(chunk),
                Some(Err(_)) => return bad("Failed to read the request's body"),
                None if to.is_none() => return bad("Received EOF while reading request body"),
                None => return StatusCode::OK.into_response(),
            },
            Err(error) => return bad(&format!("Failed to decode the request's body: {error}")),
        }
    }
}

/// One message of such a stream.
async fn said(shared: &Shared, call: &Call, to: &mut Option<ContainerId>) -> Result<(), Response> {
    let invalid = |why: &str| text(400, format!("Failed to validate agent::Call: {why}"));
    let kind = api::check(call).map_err(|why| invalid(&why))?;
    let Some(attach) = call.attach_container_input.as_ref().filter(|_| kind == CallType::AttachContainerInput) else {
        let why = format!("Streaming 'Content-Type' {RECORDIO} is not supported for {kind} call");
        return Err(text(415, why));
    };
    match (&attach.r#type, &*to) {
        (Some(InputType::ContainerId), None) => {
            let id = attach
                .container_id
                .clone()
                .ok_or_else(|| invalid("Expecting 'attach_container_input.container_id' to be present"))?;
            if !shared.nested.runs(&id) {
                return Err(text(404, format!("Container {} cannot be found", path(&id))));
            }
            *to = Some(id);
            Ok(())
        }
        (_, None) => Err(invalid("Expecting 'attach_container_input.type' to be CONTAINER_ID first")),
        (Some(InputType::ProcessIo), Some(id)) => {
            if let Some(io) = attach.process_io.as_ref().filter(|io| io.r#type == Some(IoType::Control)) {
                return controlled(shared, id, io).map_err(|why| text(400, why));
            }
            let data = attach.process_io.as_ref().and_then(|io| io.data.as_ref());
            let Some(data) = data.filter(|data| data.r#type == Some(DataType::Stdin)) else { return Ok(()) };
            let bytes = data.data.as_ref().map_or(&[][..], |data| &data.0);
            if shared.nested.write(id, bytes).await {
                return Ok(());
            }
            Err(text(500, "The container takes no input"))
        }
        (_, Some(_)) => Err(invalid("Expecting 'attach_container_input.type' to be PROCESS_IO")),
    }
}

/// A message that is no input: a sign of life, or another size of the terminal's window. The error is its answer's text.
fn controlled(shared: &Shared, id: &ContainerId, io: &ProcessIo) -> Result<(), String> {
    let missing = |what: &str| format!("Expecting '{what}' to be present");
    let control = io.control.as_ref().ok_or_else(|| missing("process_io.control"))?;
    if control.r#type != Some(ControlType::TtyInfo) {
        return Ok(());
    }
    let tty = control.tty_info.as_ref().ok_or_else(|| missing("process_io.control.tty_info"))?;
    let size = tty.window_size.as_ref().ok_or_else(|| missing("tty_info.window_size"))?;
    shared.nested.resize(id, size).map_err(|error| format!("Unable to set the window size: {error}"))
}
