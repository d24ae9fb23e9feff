//! A page to look at: a master's agents, frameworks, tasks and sandboxes, drawn from any master's JSON.
//!
//! The server reads what the page needs from the master and its agents, and nothing else: it is no open proxy, and
//! changes nothing. The page sets everything as text; it fetches nothing from elsewhere.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use crate::browser;
use crate::client::{Access, Address, Client, RequestError};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Scripts and styles come from this server alone; nothing may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The master that leads now, if anybody does.
pub type Leader = Arc<dyn Fn() -> Option<Address> + Send + Sync>;

struct Source {
    leader: Leader,
    client: Client,
}

impl Source {
    fn master(&self) -> Result<Address, RequestError> {
        let nobody = || RequestError::Unreachable { address: "the master".to_owned(), why: "nobody leads".to_owned() };
        (self.leader)().ok_or_else(nobody)
    }

    async fn get(&self, path: &str) -> Result<bytes::Bytes, RequestError> {
        self.client.get(&self.master()?, path).await
    }
}

/// The page of a master without encryption at this address, as the embedded one is.
///
/// # Errors
/// When the address can't be one, or the HTTP client can't be made.
pub fn of(master: SocketAddr) -> Result<Router, Box<dyn Error>> {
    let address = Address::parse(&format!("http://{master}"))?;
    let client = Client::new(Access::default())?;
    client.name(&address);
    Ok(router(Arc::new(move || Some(address.clone())), client))
}

/// The page of an embedded master. Without it the master still answers everything else.
pub fn beside(master: SocketAddr) -> Router {
    of(master).unwrap_or_else(|error| {
        tracing::error!(%error, "no page at /");
        Router::new()
    })
}

/// The page at `/` and what it reads, below `/ui/`.
pub fn router(leader: Leader, client: Client) -> Router {
    Router::new()
        .route("/", get(|| async { text("text/html; charset=utf-8", PAGE) }))
        .route("/ui/page.css", get(|| async { text("text/css; charset=utf-8", STYLE) }))
        .route("/ui/page.js", get(|| async { text("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/ui/state", get(state))
        .route("/ui/agents/{agent}/{*path}", get(agent))
        .layer(middleware::from_fn(guard))
        .with_state(Arc::new(Source { leader, client }))
}

/// A page elsewhere whose name was made to point here must not read a cluster through somebody's browser, nor may another
/// site's page by a script.
async fn guard(request: Request, next: Next) -> Response {
    let refused = |why: &'static str| (StatusCode::FORBIDDEN, why).into_response();
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_address(host) {
        return refused("this server answers to localhost and to addresses, not to names\n");
    }
    if browser::is_another_sites(headers) {
        return refused("this server answers no scripts of other sites' pages\n");
    }
    next.run(request).await
}

/// Whether a Host header is an address, or localhost: no name that somebody else can point here.
fn is_address(host: &str) -> bool {
    let name = browser::host_name(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

fn text(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (HeaderName::from_static("content-security-policy"), POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ];
    (headers, body).into_response()
}

async fn state(State(source): State<Arc<Source>>) -> Response {
    passed_on(source.get("/state").await)
}

/// The few paths of an agent that the page reads.
async fn agent(
    State(source): State<Arc<Source>>,
    Path((agent, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let is_file = matches!(path.as_str(), "files/browse" | "files/read");
    if !is_file && path != "state" {
        return (StatusCode::NOT_FOUND, "no such path\n").into_response();
    }
    let (address, process) = match find(&source, &agent).await {
        Ok(Some(found)) => found,
        Ok(None) => return (StatusCode::NOT_FOUND, "the master knows no such agent\n").into_response(),
        Err(error) => return passed_on(Err(error)),
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let path = if is_file { format!("/{path}{query}") } else { format!("/{process}/state") };
    passed_on(source.client.get(&address, &path).await)
}

/// An agent's address by the master's word: `slave(1)@10.0.0.7:5051`.
async fn find(source: &Source, id: &str) -> Result<Option<(Address, String)>, RequestError> {
    let master = source.master()?;
    let body = source.client.get(&master, "/slaves").await?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut agents = answer.get("slaves").and_then(Value::as_array).into_iter().flatten();
    let found = agents.find(|agent| agent.get("id").and_then(Value::as_str) == Some(id));
    let pid = found.and_then(|agent| agent.get("pid")).and_then(Value::as_str);
    let scheme = if master.is_https() { "https" } else { "http" };
    let found = pid.and_then(|pid| pid.split_once('@')).and_then(|(process, at)| {
        Address::parse(&format!("{scheme}://{at}")).ok().map(|address| (address, process.to_owned()))
    });
    if let Some((address, _)) = &found {
        source.client.admit_agent(&master, address)?;
    }
    Ok(found)
}

fn passed_on(answer: Result<bytes::Bytes, RequestError>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-content-type-options"), axum::http::HeaderValue::from_static("nosniff"));
    match answer {
        Ok(body) => {
            headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/json"));
            (headers, body).into_response()
        }
        Err(RequestError::Refused(refusal)) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, headers, refusal.text).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, headers, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_not_answered() {
        for (host, want) in [
            ("localhost:5050", true),
            ("127.0.0.1:5050", true),
            ("[::1]:5050", true),
            ("LOCALHOST", true),
            ("10.0.0.7:5050", true),
            ("example.org:5050", false),
            ("127.0.0.1.example.org", false),
            ("", false),
        ] {
            assert_eq!(is_address(host), want, "{host}");
        }
    }

    #[test]
    fn the_page_fetches_nothing_from_elsewhere() {
        for part in [PAGE, STYLE, SCRIPT] {
            assert!(!part.contains("http://") && !part.contains("https://"), "an address of somebody else's");
        }
        assert!(!SCRIPT.contains("innerHTML"), "markup from a cluster");
    }
}
