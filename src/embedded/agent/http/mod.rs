//! What the agent answers over HTTP: paths, the checks before them, and errors in a real agent's words.
//!
//! State is the actor's: it is asked, and nothing is kept here. No request can make this panic.

mod api;
mod containers;
mod executor;
mod files;

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{mpsc, oneshot, watch};

use super::actor::{Ask, ExecutorCall};
use super::nested::Nested;
use super::view::{self, Question};
use crate::embedded::http::{check_host, json, not_found, pairs};
use crate::mesos::{AgentId, Json};
use files::Files;

/// An agent has no other name.
const LOCALHOST: &str = "localhost";

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
    pub(super) work_dir: std::sync::Arc<std::path::Path>,
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
            answer_json(
                &uri,
                all.map(|all| chosen(all, query(&uri).get("container_id").map(String::as_str), is("/containers"))),
            )
        }
        Some(question) => answer_json(&uri, shared.ask(question).await),
        None if is("/health") => StatusCode::OK.into_response(),
        None if own.is_none() && is("/version") => answer_json(&uri, Some(Json::Object(view::version()))),
        None if own.is_none() && is("/files") => shared.files().answer(&uri).await,
        None => *not_found(),
    }
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
    match answer {
        Some(answer) => json(&answer, &query(uri)),
        None => api::stopping(),
    }
}

fn query(uri: &Uri) -> HashMap<String, String> {
    pairs(uri.query().unwrap_or_default())
}

/// A page in a browser may reach this port under a name of its own making; only the agent's own names pass.
async fn refuse_foreign_hosts(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    match check_host(request.headers(), request.uri(), address.ip(), LOCALHOST) {
        Ok(()) => next.run(request).await,
        Err(refused) => *refused,
    }
}
