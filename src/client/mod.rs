//! HTTP with a master: the subscription's stream beside one ordered connection for calls, and reads of JSON.
//!
//! Knows statuses, redirects and headers; knows no session: it never retries and keeps no state between requests.

mod address;
mod calls;
mod status;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{RequestBuilder, Response, Url};

pub use address::{Address, BadAddress};
pub use calls::CallLine;
pub use status::{Meaning, Refusal, meaning};
pub use stream::{Batch, EventStream, Received, StreamEnd, StreamId};

const SCHEDULER: &str = "/api/v1/scheduler";
const OPERATOR: &str = "/api/v1";
const JSON: &str = "application/json";
const STREAM_ID: &str = "mesos-stream-id";
const REDIRECTS: usize = 5;
/// What of an error's text is kept.
const ERROR_TEXT: usize = 4096;
/// The largest JSON that is read from a master or agent: a /state of the largest clusters has some 100 MB.
const READ_LIMIT: usize = 512 << 20;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection to stand.
    pub connect: Duration,
    /// For the answer to a call or the head of a subscription; five heartbeats by Mesos's own habit.
    pub answer: Duration,
}

impl Default for Patience {
    /// 5 s and 75 s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(75) }
    }
}

/// A request that brought no answer of use.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No connection: nothing was sent.
    #[error("nothing answers at {address}: {why}")]
    Unreachable {
        /// Who was asked.
        address: String,
        /// The innermost cause.
        why: String,
    },
    /// The connection broke or stayed silent after the request was sent: it may or may not have arrived.
    #[error("no answer from {address}: {why}")]
    Unanswered {
        /// Who was asked.
        address: String,
        /// The innermost cause.
        why: String,
    },
    /// Answered, and not with success.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A redirect that can't be followed.
    #[error("the master at {from} redirects: {why}")]
    Redirect {
        /// Who redirected.
        from: String,
        /// Why it isn't followed.
        why: String,
    },
    /// Success, but not with what a Mesos master answers.
    #[error("{address} answers, but not as a Mesos master does: {why}")]
    NotMesos {
        /// Who was asked.
        address: String,
        /// What was missing or odd.
        why: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(String),
}

impl RequestError {
    /// What the refusal means, if it is one.
    pub fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Refused(refusal) => Some(refusal.meaning),
            _ => None,
        }
    }

    /// Whether nobody knows if the request had its effect: no answer came, or one that may be somebody's between.
    pub fn leaves_open(&self) -> bool {
        matches!(self, Self::Unanswered { .. }) || self.meaning() == Some(Meaning::Trouble)
    }
}

/// A subscription as it begins.
#[derive(Debug)]
pub struct Opened {
    /// The master that took it, after redirects.
    pub address: Address,
    /// What every further call must carry; masters before 0.28 give none.
    pub stream_id: Option<StreamId>,
    /// The events.
    pub events: EventStream,
}

/// A successful answer: 202 says only that the master has queued the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, mostly empty.
    pub text: String,
}

/// Speaks HTTP with one master. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// A pool of its own with one connection: calls must arrive in the order they were sent.
    calls: reqwest::Client,
    patience: Patience,
    /// The environment names a proxy, which the HTTP client heeds.
    proxied: bool,
}

impl Client {
    /// A client for that address's scheme.
    ///
    /// # Errors
    /// [`RequestError::Setup`].
    pub fn new(address: &Address, patience: Patience) -> Result<Self, RequestError> {
        let proxied =
            ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].iter().any(|name| std::env::var_os(name).is_some());
        let (http, calls) = (http_client(address, patience, 8)?, http_client(address, patience, 1)?);
        Ok(Self { http, calls, patience, proxied })
    }

    /// Opens a subscription; follows up to five redirects to the leading master.
    ///
    /// # Errors
    /// See [`RequestError`]. A subscription that a master refuses mostly succeeds here and brings an ERROR event.
    pub async fn subscribe(&self, address: &Address, body: Vec<u8>) -> Result<Opened, RequestError> {
        let body = Bytes::from(body);
        let request = |url: Url| self.http.post(url).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON).body(body.clone());
        let (address, response) = self.follow(address, SCHEDULER, request).await?;
        let not_mesos = |why: &str| RequestError::NotMesos { address: address.to_string(), why: why.to_owned() };
        if response.status().as_u16() != 200 {
            return Err(refusal(response).await);
        }
        if !is_json(response.headers()) {
            return Err(not_mesos("its answer to SUBSCRIBE is no application/json"));
        }
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(not_mesos(&format!("its answer is in {encoding}, which nobody has asked for")));
        }
        let stream_id = response.headers().get(STREAM_ID).cloned().map(StreamId);
        Ok(Opened { address, stream_id, events: EventStream::new(response) })
    }

    /// Sends a call on the subscription's behalf. Calls sent one after the other arrive in that order.
    ///
    /// # Errors
    /// See [`RequestError`]; a redirect is one, since the stream id is worth nothing elsewhere.
    pub async fn call(
        &self,
        address: &Address,
        stream: Option<&StreamId>,
        body: impl Into<Bytes>,
    ) -> Result<Answer, RequestError> {
        let mut request = self.calls.post(address.url(SCHEDULER)).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON);
        if let Some(StreamId(id)) = stream {
            request = request.header(STREAM_ID, id.clone());
        }
        let response = self.send(address, request.body(body.into())).await?;
        called(address, response.status().as_u16(), text(response).await)
    }

    /// Calls the operator API, the master's at `/api/v1` or an agent's at `<prefix>/api/v1`; the answer's body.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn operator(&self, address: &Address, prefix: &str, body: Vec<u8>) -> Result<Bytes, RequestError> {
        self.post(address, &format!("{prefix}{OPERATOR}"), body).await
    }

    /// Posts JSON to a path, redirects followed; the answer's body.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn post(&self, address: &Address, path: &str, body: Vec<u8>) -> Result<Bytes, RequestError> {
        let body = Bytes::from(body);
        let request = |url: Url| self.http.post(url).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON).body(body.clone());
        let (address, response) = self.follow(address, path, request).await?;
        whole(&address, response).await
    }

    /// Reads a path, redirects followed; the body.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn get(&self, address: &Address, path: &str) -> Result<Bytes, RequestError> {
        let (address, response) = self.follow(address, path, |url| self.http.get(url)).await?;
        whole(&address, response).await.map_err(|error| match error {
            RequestError::Refused(Refusal { status, text, .. }) => {
                let meaning = status::meaning_of_read(status, &text);
                RequestError::Refused(Refusal { status, text, meaning })
            }
            other => other,
        })
    }

    async fn follow(
        &self,
        address: &Address,
        path: &str,
        request: impl Fn(Url) -> RequestBuilder,
    ) -> Result<(Address, Response), RequestError> {
        let mut address = address.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send(&address, request(address.url(path))).await?;
            if response.status().as_u16() != 307 {
                return Ok((address, response));
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("");
            let next = address.redirected(location);
            address =
                next.map_err(|error| RequestError::Redirect { from: address.to_string(), why: error.to_string() })?;
        }
        let why = format!("after {REDIRECTS} redirects there is another");
        Err(RequestError::Redirect { from: address.to_string(), why })
    }

    async fn send(&self, address: &Address, request: RequestBuilder) -> Result<Response, RequestError> {
        let asked = address.to_string();
        match tokio::time::timeout(self.patience.answer, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => {
                Err(RequestError::Unreachable { address: asked, why: innermost(&error) })
            }
            Ok(Err(error)) if error.is_builder() => Err(RequestError::Setup(innermost(&error))),
            Ok(Err(error)) => Err(RequestError::Unanswered { address: asked, why: innermost(&error) }),
            Err(_) => {
                let why = format!("silent for {} s", self.patience.answer.as_secs());
                Err(RequestError::Unanswered { address: asked, why })
            }
        }
    }
}

fn http_client(address: &Address, patience: Patience, idle: usize) -> Result<reqwest::Client, RequestError> {
    // A second installation fails and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(patience.connect)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(None)
        .http1_only()
        .user_agent(concat!("mesos-repl/", env!("CARGO_PKG_VERSION")));
    if !address.is_https() {
        // Reading the system's certificates takes longer than everything else a short command does.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| RequestError::Setup(innermost(&error)))
}

/// The body of a successful answer, up to the limit.
async fn whole(address: &Address, mut response: Response) -> Result<Bytes, RequestError> {
    if !matches!(response.status().as_u16(), 200 | 202) {
        return Err(refusal(response).await);
    }
    let unanswered = |why: String| RequestError::Unanswered { address: address.to_string(), why };
    let mut body = bytes::BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(innermost(&error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > READ_LIMIT {
            return Err(unanswered(format!("its answer is longer than {READ_LIMIT} bytes")));
        }
    }
    Ok(body.freeze())
}

/// What the answer to a call is.
fn called(address: &Address, status: u16, text: String) -> Result<Answer, RequestError> {
    match status {
        200 | 202 => Ok(Answer { status, text }),
        307 => Err(RequestError::Redirect {
            from: address.to_string(),
            why: "it leads no more; the session has to subscribe with the new leader".to_owned(),
        }),
        _ => Err(RequestError::Refused(Refusal { status, meaning: meaning(status, &text), text })),
    }
}

async fn refusal(response: Response) -> RequestError {
    let status = response.status().as_u16();
    let text = text(response).await;
    RequestError::Refused(Refusal { status, meaning: meaning(status, &text), text })
}

/// The start of a short body. One that breaks off is as good as its start: it is shown, never parsed.
async fn text(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ERROR_TEXT {
            body.truncate(ERROR_TEXT);
            break;
        }
    }
    String::from_utf8_lossy(&body).trim_end().to_owned()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with(JSON))
}

/// The innermost cause: the outer ones repeat the URL and say "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
