//! The master's HTTP: routes, and the checks that come before any state is asked.
//!
//! Answers are a real master's, with its texts. State is the actor's: it is asked, and nothing is kept here.
//! (apache/mesos: src/master/master.cpp, src/master/http.cpp)

mod endpoints;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};

use super::actor::{Answer, Input, Operation};
use super::operator::{self, Reply};
use super::stream::{Shaper, Stream, stream};
use super::validate::call as check;
use crate::embedded::config::Authenticate;
use crate::embedded::fault::active::{Faults, Standing};
use crate::embedded::fault::http::{self as fault, Desk};
use crate::embedded::http::{self, Answered, Refusal, accepted, empty, must_be, not_found, refused, text, typed};
use crate::embedded::wire::{Format, read};
use crate::mesos::master::{Call, Response as Shown};
use crate::mesos::message::Message as _;
use crate::mesos::{CallMessage, CallType};

const STREAM_ID: &str = "Mesos-Stream-Id";

/// What a request needs to be answered.
pub(super) struct Shared {
    pub(super) faults: Faults,
    pub(super) desk: Desk,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) hostname: String,
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    /// Principals and secrets.
    pub(super) credentials: Vec<(String, String)>,
    /// Of whom one is asked.
    pub(super) authenticate: Authenticate,
}

/// What is done at a path, for which it matters who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Realm {
    Scheduler,
    ReadOnly,
    ReadWrite,
    Nobodys,
}

impl Shared {
    /// Who asks, where that must be told.
    fn authenticate(&self, headers: &HeaderMap, realm: Realm) -> Result<Option<String>, Refusal> {
        let (required, name) = match realm {
            Realm::Scheduler => (self.authenticate.frameworks, "mesos-master-scheduler"),
            Realm::ReadOnly => (self.authenticate.readonly, "mesos-master-readonly"),
            Realm::ReadWrite => (self.authenticate.readwrite, "mesos-master-readwrite"),
            Realm::Nobodys => (false, ""),
        };
        http::authenticate(&self.credentials, required, headers, name)
    }

    /// Asks the actor something that only it knows.
    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.inputs.send(input(reply)).map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }
}

/// All that the master answers.
pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(shared))
}

async fn answer(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    http::keep_last(request.headers_mut());
    let unpacks = http::unpacking(request.headers());
    let response = route(&shared, request).await.unwrap_or_else(|refusal| *refusal);
    http::packed(unpacks, response).await
}

async fn route(shared: &Arc<Shared>, request: Request) -> Answered {
    http::check_host(request.headers(), request.uri(), shared.ip, &shared.hostname)?;
    let given = request.uri().path();
    if !given.starts_with('/') {
        return Err(refused(400, "Request URL path must start with '/'"));
    }
    if given.contains("/..") {
        return Err(not_found());
    }
    let path = path_of(given);
    if under(&path, "/api/v1/scheduler") {
        let principal = shared.authenticate(request.headers(), Realm::Scheduler)?;
        be_late(shared).await;
        check_standing(shared, &request)?;
        return scheduler(shared, request, principal).await;
    }
    if under(&path, "/api/v1") {
        let principal = shared.authenticate(request.headers(), Realm::ReadWrite)?;
        be_late(shared).await;
        check_standing(shared, &request)?;
        return operate(shared, request, principal).await;
    }
    if under(&path, fault::PATH) {
        shared.authenticate(request.headers(), Realm::ReadWrite)?;
        return faults(shared, request, &path).await;
    }
    endpoints::answer(shared, request, &path).await
}

/// Whether a path is a route's, or below it.
fn under(path: &str, route: &str) -> bool {
    path == route || path.strip_prefix(route).is_some_and(|rest| rest.starts_with('/'))
}

/// A fault may have every answer of the APIs come late.
async fn be_late(shared: &Shared) {
    let late = shared.faults.delay();
    if !late.is_zero() {
        tokio::time::sleep(late).await;
    }
}

/// Faults are made by this machine's own programs, and by no page in a browser: it can't send JSON elsewhere unasked.
async fn faults(shared: &Arc<Shared>, request: Request, path: &str) -> Answered {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    if !peer.is_some_and(|peer| peer.is_loopback()) {
        return Err(refused(403, "Faults are made from the machine that the embedded Mesos runs on."));
    }
    let method = request.method().clone();
    let is_json = format_of(request.headers()).is_ok_and(|format| format == Format::Json);
    if method == Method::POST && !is_json {
        return Err(refused(415, "Expecting 'Content-Type' of application/json"));
    }
    let body = body_of(request).await?;
    match shared.desk.answer(&method, path, &body).await {
        Ok(told) => Ok(typed(200, told.to_string(), Format::Json.media_type())),
        Err((status, why)) => Err(refused(status, why)),
    }
}

fn redirect(place: &str) -> Response {
    let mut response = empty(307);
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// Whether the APIs answer at all.
fn check_standing(shared: &Shared, request: &Request) -> Result<(), Refusal> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Err(match shared.faults.standing() {
        Standing::Leading => return Ok(()),
        Standing::Elsewhere(place) => Box::new(redirect(&format!("//{place}{path}"))),
        Standing::NoLeader => refused(503, "No leader elected"),
        Standing::Recovering => refused(503, "Master has not finished recovery"),
    })
}

/// Processes beside the master's own: their names stand first in their paths.
const OTHERS: [&str; 6] = ["files", "logging", "metrics", "profiler", "system", "version"];

/// A path as routes are named. Its first part may name a process, and is all that is decoded; what no process is named
/// by goes to the master.
fn path_of(path: &str) -> String {
    let first = path.split('/').find(|part| !part.is_empty()).unwrap_or("");
    let process = http::decoded(first);
    let is_other = OTHERS.contains(&process.as_str());
    let is_named = is_other || process == "master";
    // A doubled slash before it keeps the name of the process in the path.
    let rest = path.strip_prefix('/').and_then(|rest| rest.strip_prefix(first)).filter(|_| is_named).unwrap_or(path);
    let rest = rest.trim_matches('/');
    match (is_other, rest.is_empty()) {
        (true, true) => format!("/{process}"),
        (true, false) => format!("/{process}/{rest}"),
        // Another process's routes are none of the master's.
        (false, _) if OTHERS.iter().any(|other| under(&format!("/{rest}"), &format!("/{other}"))) => {
            format!("/master/{rest}")
        }
        (false, _) => format!("/{rest}"),
    }
}

/// The master is stopping, and its state is gone.
fn stopping() -> Refusal {
    refused(503, "The embedded master is stopping")
}

/// The body's format; the media type is compared as it stands, as a real master does.
fn format_of(headers: &HeaderMap) -> Result<Format, Refusal> {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return Err(refused(400, "Expecting 'Content-Type' to be present"));
    };
    let other = "Expecting 'Content-Type' of application/json or application/x-protobuf";
    Format::of(kind.as_bytes()).ok_or_else(|| refused(415, other))
}

async fn body_of(request: Request) -> Result<Bytes, Refusal> {
    let (parts, body) = request.into_parts();
    http::body(&parts.headers, body).await
}

fn wanted(headers: &HeaderMap) -> Result<Format, Refusal> {
    [Format::Json, Format::Protobuf]
        .into_iter()
        .find(|format| accepted(headers, format.media_type()))
        .ok_or_else(|| refused(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"))
}

async fn scheduler(shared: &Arc<Shared>, request: Request, principal: Option<String>) -> Answered {
    must_be(request.method(), &["POST"])?;
    let headers = request.headers().clone();
    // The original parses before it looks whether it knows the type.
    let format = format_of(&headers)?;
    let body = body_of(request).await?;
    let call: CallMessage = read(format, &body, "Call").map_err(|why| refused(400, why))?;
    check::check(&call, principal.as_deref())
        .map_err(|why| refused(400, format!("Failed to validate scheduler::Call: {why}")))?;
    let streams = matches!(call.r#type, Some(CallType::Subscribe | CallType::ReconcileOperations));
    let format = if streams { wanted(&headers)? } else { Format::Json };
    if call.r#type == Some(CallType::Subscribe) {
        if headers.contains_key(STREAM_ID) {
            return Err(refused(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header"));
        }
        return subscribe(shared, call, principal, format);
    }
    let stream = headers.get(STREAM_ID).map(|id| id.as_bytes().to_vec());
    let Answer { status, body } =
        shared.ask(|reply| Input::Call { call: Box::new(call), principal, stream, reply }).await?;
    Ok(if body.is_empty() { empty(status) } else { text(status, body) })
}

fn subscribe(shared: &Arc<Shared>, call: CallMessage, principal: Option<String>, format: Format) -> Answered {
    let (sender, events) = stream(&shared.faults);
    let id = sender.id.clone();
    let stream = Stream { format, sender };
    let input = Input::Subscribe { call: Box::new(call), principal, stream };
    shared.inputs.send(input).map_err(|_| stopping())?;
    Ok(stream_of(shared, id, events, format.media_type()))
}

/// Tells the master when nobody reads a stream any more.
struct Open {
    stream: String,
    inputs: mpsc::UnboundedSender<Input>,
}

impl Drop for Open {
    fn drop(&mut self) {
        // A master that has stopped has closed it already.
        let _ = self.inputs.send(Input::Closed { stream: std::mem::take(&mut self.stream) });
    }
}

/// An answer that goes on.
fn stream_of(shared: &Arc<Shared>, id: String, events: Shaper, media_type: &'static str) -> Response {
    let header = HeaderValue::from_str(&id);
    let open = Open { stream: id, inputs: shared.inputs.clone() };
    let records = futures_util::stream::unfold((events, open), |(mut events, open)| async move {
        let piece = events.next().await?;
        Some((piece, (events, open)))
    });
    let mut response = empty(200);
    *response.body_mut() = Body::from_stream(records);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = header {
        response.headers_mut().insert("mesos-stream-id", value);
    }
    response
}

async fn operate(shared: &Arc<Shared>, request: Request, principal: Option<String>) -> Answered {
    must_be(request.method(), &["POST"])?;
    let headers = request.headers().clone();
    let format = format_of(&headers)?;
    let body = body_of(request).await?;
    let call: Call = read(format, &body, "Call").map_err(|why| refused(400, why))?;
    operator::check(&call).map_err(|why| refused(400, format!("Failed to validate master::Call: {why}")))?;
    let format = wanted(&headers)?;
    let call = Box::new(Operation::Call(Box::new(call), format));
    let reply = shared.ask(|reply| Input::Operate { call, principal, reply }).await?;
    Ok(replied(shared, reply, format).await)
}

async fn replied(shared: &Arc<Shared>, reply: Reply, format: Format) -> Response {
    match (reply, format) {
        (Reply::Json(document), format) => match document.written(format, Shown::schema()).await {
            Some(body) => typed(200, body, format.media_type()),
            None => empty(500),
        },
        (Reply::Done(status), _) => empty(status),
        (Reply::Refused(status, why), _) => *refused(status, why),
        (Reply::Stream(id, events), _) => stream_of(shared, id, events, format.media_type()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let cases = [
            ("//api/v1/scheduler", "/api/v1/scheduler"),
            ("/master/api/v1/scheduler/", "/api/v1/scheduler"),
            ("/", "/"),
            ("/master", "/"),
            ("/%76ersion", "/version"),
            ("//version", "/version/version"),
            ("/master/version", "/master/version"),
            ("//master/api/v1", "/master/api/v1"),
            ("/api//v1/", "/api//v1"),
            ("/api/v1/%73cheduler", "/api/v1/%73cheduler"),
            ("/a%2f+b", "/a%2f+b"),
        ];
        for (path, plain) in cases {
            assert_eq!(path_of(path), plain);
        }
    }
}
