//! The master's HTTP: routes, and the checks that come before any state is asked.
//!
//! Answers are a real master's, with its texts. What it doesn't do and this does: requests for a host that is no
//! loopback name are refused, so that a web page can't reach the master under a name of its own (DNS rebinding).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::{mpsc, oneshot};

use super::actor::{Answer, Input};
use super::operator::{self, OperatorCall, Reply};
use super::state::PAGES;
use super::stream::{Shaper, Stream, stream};
use super::validate::call as check;
use crate::embedded::browser;
use crate::embedded::fault::active::{Faults, Standing};
use crate::embedded::fault::http::{self as fault, Desk};
use crate::embedded::wire::{Format, read};
use crate::mesos::{CallMessage, CallType};

/// The longest body that is read; the longest calls of large schedulers have some megabytes.
const LONGEST_BODY: usize = 64 << 20;

const STREAM_ID: &str = "Mesos-Stream-Id";
const TEXT: &str = "text/plain; charset=utf-8";

/// What a request needs to be answered.
pub(super) struct Shared {
    pub(super) faults: Faults,
    pub(super) desk: Desk,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) hostname: String,
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    /// Principals and secrets; empty asks nobody.
    pub(super) credentials: Vec<(String, String)>,
}

/// All that the master answers.
pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(shared))
}

/// A refusal on the way, or an answer at its end.
type Answered = Result<Response, Refusal>;

/// Boxed, since a response is large.
type Refusal = Box<Response>;

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    route(&shared, request).await.unwrap_or_else(|refusal| *refusal)
}

async fn route(shared: &Arc<Shared>, request: Request) -> Answered {
    check_host(shared, &request)?;
    let path = path_of(request.uri().path());
    let under = |route: &str| path == route || path.strip_prefix(route).is_some_and(|rest| rest.starts_with('/'));
    if path.split('/').any(|part| part == "..") {
        return Err(refused(not_found()));
    }
    if under("/api/v1/scheduler") {
        let principal = authenticate(shared, request.headers(), "mesos-master-scheduler")?;
        be_late(shared).await;
        check_standing(shared, &request)?;
        return scheduler(shared, request, principal).await;
    }
    if under("/api/v1") {
        authenticate(shared, request.headers(), "mesos-master-readwrite")?;
        be_late(shared).await;
        check_standing(shared, &request)?;
        return operate(shared, request).await;
    }
    if under(fault::PATH) {
        authenticate(shared, request.headers(), "mesos-master-readwrite")?;
        return faults(shared, request, &path).await;
    }
    if under("/redirect") {
        return Ok(redirect(&format!("//{}:{}", shared.hostname, shared.port)));
    }
    if under("/health") {
        return Ok(empty(200));
    }
    let Some(page) = PAGES.iter().filter(|page| under(page)).max_by_key(|page| page.len()) else {
        return Err(refused(not_found()));
    };
    if *page != "/version" {
        authenticate(shared, request.headers(), "mesos-master-readonly")?;
    }
    let query = query_of(request.uri().query().unwrap_or(""));
    show(shared, query, (*page).to_owned()).await
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
        return Err(refused(text(403, "Faults are made from the machine that the embedded Mesos runs on.")));
    }
    let method = request.method().clone();
    let is_json = format_of(request.headers()).is_ok_and(|format| format == Format::Json);
    if method == Method::POST && !is_json {
        return Err(refused(text(415, "Expecting 'Content-Type' of application/json")));
    }
    let body = body_of(request).await?;
    match shared.desk.answer(&method, path, &body).await {
        Ok(told) => Ok(json(200, told.to_string(), Format::Json.media_type())),
        Err((status, why)) => Err(refused(text(status, why))),
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
    Err(refused(match shared.faults.standing() {
        Standing::Leading => return Ok(()),
        Standing::Elsewhere(place) => redirect(&format!("//{place}{path}")),
        Standing::NoLeader => text(503, "No leader elected"),
        Standing::Recovering => text(503, "Master has not finished recovery"),
    }))
}

/// A path without doubled slashes, trailing ones, and the name of the process.
fn path_of(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let parts = parts.strip_prefix(&["master"]).unwrap_or(&parts);
    format!("/{}", parts.join("/"))
}

/// A page on the web can make a name of its own lead to 127.0.0.1, but the browser then says that name.
fn check_host(shared: &Shared, request: &Request) -> Result<(), Refusal> {
    if browser::is_another_sites(request.headers()) {
        return Err(refused(text(403, "This embedded Mesos answers no scripts of other sites' pages.")));
    }
    let Some(host) = request.headers().get(HOST) else { return Ok(()) };
    let host = host.to_str().unwrap_or("");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let by_address = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == shared.ip);
    let by_name = name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(&shared.hostname);
    if by_address || by_name {
        Ok(())
    } else {
        Err(refused(text(
            403,
            "This embedded Mesos answers under loopback names only, such as localhost and 127.0.0.1.",
        )))
    }
}

/// Who asks, where that must be told.
fn authenticate(shared: &Shared, headers: &HeaderMap, realm: &str) -> Result<Option<String>, Refusal> {
    if shared.credentials.is_empty() {
        return Ok(None);
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
        let pair = String::from_utf8(decoded).ok()?;
        let (principal, secret) = pair.split_once(':')?;
        // A secret with a colon is no secret to a real master.
        (!secret.contains(':')).then(|| (principal.to_owned(), secret.to_owned()))
    });
    match given.filter(|given| shared.credentials.contains(given)) {
        Some((principal, _)) => Ok(Some(principal)),
        None => {
            let mut response = text(401, "401 Unauthorized.");
            if let Ok(value) = HeaderValue::from_str(&format!("Basic realm=\"{realm}\"")) {
                response.headers_mut().insert(WWW_AUTHENTICATE, value);
            }
            Err(refused(response))
        }
    }
}

fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn text(status: u16, body: impl Into<Vec<u8>>) -> Response {
    let mut response = empty(status);
    *response.body_mut() = Body::from(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}

fn refused(response: Response) -> Refusal {
    Box::new(response)
}

fn not_found() -> Response {
    text(404, "404 Not Found.")
}

fn json(status: u16, body: impl Into<Vec<u8>>, media_type: &'static str) -> Response {
    let mut response = empty(status);
    *response.body_mut() = Body::from(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The master is stopping, and its state is gone.
fn stopping() -> Refusal {
    refused(text(503, "The embedded master is stopping"))
}

fn must_post(method: &Method) -> Result<(), Refusal> {
    if method == Method::POST {
        return Ok(());
    }
    let body = format!("405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{method}'.");
    let mut response = text(405, body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    Err(refused(response))
}

/// The body's format; the media type is compared as it stands, as a real master does.
fn format_of(headers: &HeaderMap) -> Result<Format, Refusal> {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return Err(refused(text(400, "Expecting 'Content-Type' to be present")));
    };
    let other = "Expecting 'Content-Type' of application/json or application/x-protobuf";
    Format::of(kind.as_bytes()).ok_or_else(|| refused(text(415, other)))
}

async fn body_of(request: Request) -> Result<Bytes, Refusal> {
    axum::body::to_bytes(request.into_body(), LONGEST_BODY)
        .await
        .map_err(|_| refused(text(413, format!("The embedded master reads bodies of at most {LONGEST_BODY} bytes"))))
}

/// Whether an `Accept` header allows a media type, as libprocess reads it.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let Some(accept) = headers.get(ACCEPT) else { return true };
    let accept: String =
        String::from_utf8_lossy(accept.as_bytes()).chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let general = media_type.split_once('/').map_or("*", |(general, _)| general);
    for candidate in [media_type.to_owned(), format!("{general}/*"), "*/*".to_owned()] {
        for one in accept.split(',').filter(|one| !one.is_empty()) {
            let mut parts = one.split(';').filter(|part| !part.is_empty());
            if parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(&candidate)) {
                let mut quality = parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| *name == "q");
                return match (quality.next(), quality.next()) {
                    (Some((_, value)), None) => value.parse::<f64>().is_ok_and(|value| value > 0.0),
                    _ => true,
                };
            }
        }
    }
    false
}

fn accepted(headers: &HeaderMap) -> Result<Format, Refusal> {
    [Format::Json, Format::Protobuf]
        .into_iter()
        .find(|format| accepts(headers, format.media_type()))
        .ok_or_else(|| refused(text(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")))
}

async fn scheduler(shared: &Arc<Shared>, request: Request, principal: Option<String>) -> Answered {
    must_post(request.method())?;
    let headers = request.headers().clone();
    // The original parses before it looks whether it knows the type.
    let format = format_of(&headers)?;
    let body = body_of(request).await?;
    let call: CallMessage = read(format, &body, "Call").map_err(|why| refused(text(400, why)))?;
    check::check(&call, principal.as_deref())
        .map_err(|why| refused(text(400, format!("Failed to validate scheduler::Call: {why}"))))?;
    let streams = matches!(call.r#type, Some(CallType::Subscribe | CallType::ReconcileOperations));
    let format = if streams { accepted(&headers)? } else { Format::Json };
    if call.r#type == Some(CallType::Subscribe) {
        if headers.contains_key(STREAM_ID) {
            let why = "Subscribe calls should not include the 'Mesos-Stream-Id' header";
            return Err(refused(text(400, why)));
        }
        return subscribe(shared, call, principal, format);
    }
    let stream = headers.get(STREAM_ID).map(|id| id.as_bytes().to_vec());
    let (reply, answer) = oneshot::channel();
    let input = Input::Call { call: Box::new(call), principal, stream, reply };
    shared.inputs.send(input).map_err(|_| stopping())?;
    let Answer { status, body } = answer.await.map_err(|_| stopping())?;
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

async fn operate(shared: &Arc<Shared>, request: Request) -> Answered {
    must_post(request.method())?;
    let headers = request.headers().clone();
    let format = format_of(&headers)?;
    let body = body_of(request).await?;
    let call: OperatorCall = read(format, &body, "Call").map_err(|why| refused(text(400, why)))?;
    operator::check(&call).map_err(|why| refused(text(400, format!("Failed to validate master::Call: {why}"))))?;
    if accepted(&headers)? != Format::Json {
        let why = "The embedded master answers operators in application/json only";
        return Err(refused(text(406, why)));
    }
    let (reply, answer) = oneshot::channel();
    shared.inputs.send(Input::Operate { call: Box::new(call), reply }).map_err(|_| stopping())?;
    Ok(match answer.await.map_err(|_| stopping())? {
        Reply::Json(value) => json(200, value.to_string(), Format::Json.media_type()),
        Reply::Done(status) => empty(status),
        Reply::Refused(status, why) => text(status, why),
        Reply::Stream(id, events) => stream_of(shared, id, events, Format::Json.media_type()),
    })
}

async fn show(shared: &Arc<Shared>, query: HashMap<String, String>, path: String) -> Answered {
    let callback = query.get("jsonp").cloned();
    let (reply, page) = oneshot::channel();
    shared.inputs.send(Input::Get { path, query, reply }).map_err(|_| stopping())?;
    let Some(page) = page.await.map_err(|_| stopping())? else { return Err(refused(not_found())) };
    let is_name = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte));
    Ok(match callback.filter(is_name) {
        Some(name) => json(200, format!("{name}({page});"), "text/javascript"),
        None => json(200, page.to_string(), Format::Json.media_type()),
    })
}

/// `a=b&c=d`, percent-decoded.
fn query_of(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
        ];
        for (path, plain) in cases {
            assert_eq!(path_of(path), plain);
        }
    }

    #[test]
    fn accept_headers() {
        let headers = |value: &'static str| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
        let cases = [
            ("*/*", true),
            ("application/*", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("application/json;q=0.1", true),
            ("text/html, APPLICATION/JSON", true),
            ("", false),
        ];
        for (value, allowed) in cases {
            assert_eq!(accepts(&headers(value), "application/json"), allowed, "{value}");
        }
        assert!(accepts(&HeaderMap::new(), "application/json"));
    }

    #[test]
    fn queries() {
        let query = query_of("a=1&path=%2Ftmp%2fx+y&bad=%zz&no");
        assert_eq!(query["path"], "/tmp/x y");
        assert_eq!(query["bad"], "%zz");
    }
}
