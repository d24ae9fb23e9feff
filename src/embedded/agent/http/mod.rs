//! What the agent answers over HTTP: paths, the checks before them, and errors in a real agent's words.
//!
//! State is the actor's: it is asked, and nothing is kept here. No request can make this panic.

mod api;
mod containers;
mod executor;
mod files;

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{mpsc, oneshot, watch};

use super::actor::{Ask, ExecutorCall};
use super::nested::Nested;
use super::view::{self, Question};
use crate::mesos::{AgentId, Json};
use files::Files;

/// What every handler may use.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// Where the actor is asked.
    pub(super) asks: mpsc::UnboundedSender<Ask>,
    /// Where executors' calls go.
    pub(super) executors: mpsc::UnboundedSender<ExecutorCall>,
    /// The agent's id, once it has one.
    pub(super) id: watch::Receiver<Option<AgentId>>,
    /// Where sandboxes lie.
    pub(super) work_dir: std::path::PathBuf,
    /// Where the agent listens.
    pub(super) address: SocketAddr,
    /// Containers that were started over the API.
    pub(super) nested: Nested,
}

impl Shared {
    async fn ask(&self, question: Question) -> Option<Json> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(Ask { question, answer }).ok()?;
        answered.await.ok()
    }

    fn files(&self) -> Files {
        Files::new(&self.work_dir, self.id.borrow().as_ref())
    }
}

/// All that the agent answers.
pub(super) fn router(shared: Shared) -> Router {
    let guard = middleware::from_fn_with_state(shared.address, refuse_foreign_hosts);
    Router::new().fallback(route).with_state(shared).layer(guard)
}

/// One place for all paths, since libprocess serves each with and without the agent's name, and below it.
async fn route(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
    let path = uri.path();
    let own = path.strip_prefix("/slave(1)").or_else(|| path.strip_prefix("/slave%281%29")).filter(|it| !it.is_empty());
    let is = |wanted: &str| {
        let path = own.unwrap_or(path);
        path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if is("/api/v1/executor") {
        return executor::answer(&shared, &method, &headers, body).await;
    }
    if is("/api/v1") {
        return api::answer(&shared, &method, &headers, body).await;
    }
    let question = if is("/state") {
        Some(Question::State)
    } else if is("/containers") || is("/monitor/statistics") {
        Some(Question::Containers)
    } else if is("/flags") {
        Some(Question::Flags)
    } else if own.is_none() && is("/metrics/snapshot") {
        Some(Question::Metrics)
    } else if own.is_none() && is("/files/debug") {
        Some(Question::Files)
    } else {
        None
    };
    match question {
        Some(Question::Containers) => {
            let all = shared.ask(Question::Containers).await;
            answer_json(&uri, all.map(|all| chosen(all, query(&uri, "container_id").as_deref(), is("/containers"))))
        }
        Some(question) => answer_json(&uri, shared.ask(question).await),
        None if is("/health") => StatusCode::OK.into_response(),
        None if own.is_none() && is("/version") => answer_json(&uri, Some(Json::Object(view::version()))),
        None if own.is_none() && is("/files") => shared.files().answer(&uri).await,
        None => not_found(),
    }
}

fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "404 Not Found.")
}

fn not_allowed(method: &Method) -> Response {
    let wanted = if *method == Method::GET { "POST" } else { "GET" };
    let told = format!("405 Method Not Allowed. Expecting one of {{ '{wanted}' }}, but received '{method}'.");
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, &told);
    response
        .headers_mut()
        .insert(header::ALLOW, axum::http::HeaderValue::from_static(if wanted == "POST" { "POST" } else { "GET" }));
    response
}

/// Plain text, as libprocess sends errors.
fn text(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.to_owned()).into_response()
}

/// The containers that are asked for; `/monitor/statistics` tells less of each.
fn chosen(mut all: Json, id: Option<&str>, whole: bool) -> Json {
    if let Json::Array(all) = &mut all {
        all.retain(|container| id.is_none_or(|id| container["container_id"] == id));
        for fields in all.iter_mut().filter_map(Json::as_object_mut).filter(|_| !whole) {
            fields.retain(|name, _| !matches!(name.as_str(), "container_id" | "status"));
        }
    }
    all
}

/// JSON, wrapped in a function call if `jsonp` is asked for.
fn answer_json(uri: &Uri, answer: Option<Json>) -> Response {
    let Some(answer) = answer else { return text(StatusCode::SERVICE_UNAVAILABLE, "The agent stops.") };
    match query(uri, "jsonp") {
        Some(name) => {
            let body = format!("{name}({answer})");
            ([(header::CONTENT_TYPE, "text/javascript")], body).into_response()
        }
        None => json(&answer),
    }
}

fn json(answer: &Json) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::from(answer.to_string())).into_response()
}

/// Whether a client takes a media type; it does when it says nothing.
fn takes(headers: &HeaderMap, media_type: &str) -> bool {
    headers.get(header::ACCEPT).is_none_or(|accept| allows(accept.to_str().unwrap_or(""), media_type))
}

/// Whether such a list of media types has one.
fn allows(accept: &str, media_type: &str) -> bool {
    let ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or("").trim());
    ranges.into_iter().any(|range| matches!(range, "" | "*/*" | "application/*") || range == media_type)
}

/// One value of a query, decoded.
fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = reqwest::Url::parse(&format!("http://agent/?{}", uri.query()?)).ok()?;
    pairs.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A page in a browser may reach this port under a name of its own making; only the agent's own names pass.
async fn refuse_foreign_hosts(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    if crate::embedded::browser::is_another_sites(request.headers()) {
        return text(StatusCode::FORBIDDEN, "This agent answers no scripts of other sites' pages.");
    }
    if is_own_host(request.headers(), request.uri(), address) {
        return next.run(request).await;
    }
    text(StatusCode::FORBIDDEN, "The Host header names another machine than this agent's.")
}

fn is_own_host(headers: &HeaderMap, uri: &Uri, address: SocketAddr) -> bool {
    let header = headers.get(header::HOST).map(|value| value.to_str().unwrap_or("?"));
    // Without one the request comes from no browser.
    let Some(host) = header.or_else(|| uri.authority().map(|authority| authority.as_str())) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback() || ip == address.ip() || address.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_own_names_pass() {
        let address = "127.0.0.1:5051".parse().unwrap();
        let cases = [
            (Some("127.0.0.1:5051"), true),
            (Some("localhost:5051"), true),
            (Some("LOCALHOST"), true),
            (Some("[::1]:5051"), true),
            (None, true),
            (Some("evil.example:5051"), false),
            (Some("10.0.0.1:5051"), false),
            (Some("localhost.evil.example"), false),
            (Some(""), false),
        ];
        for (host, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(header::HOST, host.parse().unwrap());
            }
            assert_eq!(is_own_host(&headers, &Uri::from_static("/"), address), expected, "{host:?}");
        }
    }
}
