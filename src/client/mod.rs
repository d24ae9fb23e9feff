//! HTTP with a master: the subscription's stream beside one ordered connection for calls, and reads of JSON.
//!
//! Knows statuses, redirects, headers, and who may be told who we are; knows no session: it never retries, and keeps
//! nothing between requests but whom it knows.

mod access;
mod address;
mod calls;
mod status;
mod stream;
mod tls;
mod trust;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response, Url};

pub use access::{Access, Credentials, TokenScheme};
pub use address::{Address, BadAddress};
pub use calls::CallLine;
pub use status::{Meaning, Refusal, meaning};
pub use stream::{Batch, EventStream, Received, StreamEnd, StreamId};
pub use tls::{BadTlsFile, Tls};
use trust::{Onward, Trust};

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
    /// The other side isn't who it should be, or doesn't take us for whom we say.
    #[error("no trust between us and {address}: {why}")]
    Untrusted {
        /// Who was asked.
        address: String,
        /// What TLS found.
        why: String,
    },
    /// It wants to know who we are, and nobody has said that it may.
    #[error("{address} wants to know who we are (401), and wasn't told: {why}")]
    Withheld {
        /// Who was asked.
        address: String,
        /// Why it isn't told.
        why: String,
    },
    /// It was told who we are, and doesn't take that for true.
    #[error("{address} doesn't believe that we are {who} (401)")]
    Disbelieved {
        /// Who was asked.
        address: String,
        /// Who we said we are.
        who: String,
    },
    /// Not sent: anybody on the way could read the credentials.
    #[error("nothing sent to {address}: the credentials would cross the network unencrypted")]
    Exposed {
        /// Who was to be asked.
        address: String,
    },
    /// Several masters were asked, and none answered with use.
    #[error("none of {count} masters answers with use: {reasons}")]
    Nobody {
        /// How many.
        count: usize,
        /// What each of them did.
        reasons: String,
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

/// Speaks HTTP with masters and agents. Cheap to clone; clones know the same hosts.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    access: Access,
    trust: Trust,
    authorization: Option<HeaderValue>,
    plain: Pools,
    /// Made when it is first needed: reading the system's certificates takes longer than everything else a short
    /// command does.
    secure: OnceLock<Result<Secure, String>>,
    /// The environment names a proxy, which the HTTP client heeds.
    proxied: bool,
}

#[derive(Debug)]
struct Pools {
    reads: reqwest::Client,
    /// With one connection: calls must arrive in the order they were sent.
    calls: reqwest::Client,
}

#[derive(Debug)]
struct Secure {
    pools: Pools,
    config: Arc<rustls::ClientConfig>,
}

impl Client {
    /// A client that speaks so. It knows nobody yet; see [`Client::name`].
    ///
    /// # Errors
    /// [`RequestError::Setup`].
    pub fn new(access: Access) -> Result<Self, RequestError> {
        let proxied = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        let trust = Trust::new(&access);
        let authorization = access.credentials.as_ref().map(Credentials::header).transpose()?;
        let plain = Pools::new(&access, &trust, None).map_err(RequestError::Setup)?;
        let secure = OnceLock::new();
        Ok(Self { inner: Arc::new(Inner { access, trust, authorization, plain, secure, proxied }) })
    }

    /// The settings it was made with.
    pub fn access(&self) -> &Access {
        &self.inner.access
    }

    /// Takes in an address that a person has named: it is contacted wherever it is, and told who we are.
    pub fn name(&self, address: &Address) {
        self.inner.trust.name(address);
    }

    /// Takes in a master that ZooKeeper has named: it is told who we are.
    ///
    /// # Errors
    /// Why such an address isn't contacted.
    pub fn learn(&self, address: &Address) -> Result<(), String> {
        self.inner.trust.learn(address)
    }

    /// Takes in an agent that a master lists: whether it may be contacted. It is told who we are only if
    /// [`Access::trust_agents`] says so.
    ///
    /// # Errors
    /// [`RequestError::Redirect`].
    pub fn admit_agent(&self, master: &Address, agent: &Address) -> Result<(), RequestError> {
        let refused = |why: String| RequestError::Redirect {
            from: master.to_string(),
            why: format!("to the agent {agent}, which isn't contacted: {why}"),
        };
        self.inner.trust.may_lead_to(agent, Some(master)).map_err(refused)?;
        self.inner.trust.admit(agent);
        if self.inner.access.trust_agents { self.learn(agent).map_err(refused) } else { Ok(()) }
    }

    /// Whether it is told who we are.
    pub fn knows(&self, address: &Address) -> bool {
        self.inner.trust.knows(address)
    }

    fn secure(&self) -> Result<&Secure, RequestError> {
        let made = self.inner.secure.get_or_init(|| {
            let config = self.inner.access.tls.config()?;
            let pools = Pools::new(&self.inner.access, &self.inner.trust, Some(&config))?;
            Ok(Secure { pools, config: Arc::new(config) })
        });
        made.as_ref().map_err(|why| RequestError::Setup(why.clone()))
    }

    fn pools(&self, address: &Address) -> Result<&Pools, RequestError> {
        if address.is_https() { self.secure().map(|secure| &secure.pools) } else { Ok(&self.inner.plain) }
    }

    /// What says who we are to that address, if it may know.
    fn authorization(&self, address: &Address) -> Result<Option<&HeaderValue>, RequestError> {
        let Some(value) = self.inner.authorization.as_ref().filter(|_| self.knows(address)) else { return Ok(None) };
        let stays_here = self.inner.trust.is_loopback(address) && !self.inner.proxied;
        if address.is_https() || stays_here || self.inner.access.plain_credentials {
            Ok(Some(value))
        } else {
            Err(RequestError::Exposed { address: address.to_string() })
        }
    }

    fn url(&self, address: &Address, path: &str) -> Url {
        let mut url = address.url(path);
        if let Some(ip) = self.inner.trust.mapped(address) {
            // The host was an address before, so it can be one.
            let _ = url.set_ip_host(ip);
        }
        url
    }

    /// Opens a subscription; follows up to five redirects to the leading master.
    ///
    /// # Errors
    /// See [`RequestError`]. A subscription that a master refuses mostly succeeds here and brings an ERROR event.
    pub async fn subscribe(&self, address: &Address, body: Vec<u8>) -> Result<Opened, RequestError> {
        let body = Bytes::from(body);
        let http = &self.pools(address)?.reads;
        let request = |url: Url| http.post(url).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON).body(body.clone());
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
        let calls = &self.pools(address)?.calls;
        let mut request = calls.post(self.url(address, SCHEDULER)).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON);
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
        let http = &self.pools(address)?.reads;
        let request = |url: Url| http.post(url).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON).body(body.clone());
        let (address, response) = self.follow(address, path, request).await?;
        whole(&address, response).await
    }

    /// Reads a path, redirects followed; the body.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn get(&self, address: &Address, path: &str) -> Result<Bytes, RequestError> {
        let http = &self.pools(address)?.reads;
        let (address, response) = self.follow(address, path, |url| http.get(url)).await?;
        whole(&address, response).await.map_err(|error| match error {
            RequestError::Refused(Refusal { status, text, .. }) => {
                let meaning = status::meaning_of_read(status, &text);
                RequestError::Refused(Refusal { status, text, meaning })
            }
            other => other,
        })
    }

    /// Who leads by a master's word: itself, or whom its `/redirect` names. That one isn't contacted.
    ///
    /// # Errors
    /// See [`RequestError`]; a master that knows no leader is a refusal.
    pub async fn leader_by(&self, address: &Address) -> Result<Address, RequestError> {
        let request = self.pools(address)?.reads.get(self.url(address, "/redirect"));
        let response = self.send(address, request).await?;
        match response.status().as_u16() {
            307 => redirected(address, &response),
            200 => Ok(address.clone()),
            _ => Err(refusal(response).await),
        }
    }

    async fn follow(
        &self,
        address: &Address,
        path: &str,
        request: impl Fn(Url) -> RequestBuilder,
    ) -> Result<(Address, Response), RequestError> {
        let mut address = address.clone();
        // Whoever is asked first was named for that, be it for this one request; an agent was not.
        let mut known = self.inner.trust.may_redirect(&address);
        for _ in 0..=REDIRECTS {
            let response = self.send(&address, request(self.url(&address, path))).await?;
            if response.status().as_u16() != 307 {
                return Ok((address, response));
            }
            let next = redirected(&address, &response)?;
            let onward = self.inner.trust.onward(&address, &next, known, self.inner.access.trust_redirects)?;
            known = onward == Onward::Known;
            address = next;
        }
        let why = format!("after {REDIRECTS} redirects there is another");
        Err(RequestError::Redirect { from: address.to_string(), why })
    }

    async fn send(&self, address: &Address, request: RequestBuilder) -> Result<Response, RequestError> {
        let asked = address.to_string();
        let authorization = self.authorization(address)?;
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        };
        let response = match tokio::time::timeout(self.inner.access.patience.answer, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failed(asked, &error)),
            Err(_) => {
                let why = format!("silent for {} s", self.inner.access.patience.answer.as_secs());
                return Err(RequestError::Unanswered { address: asked, why });
            }
        };
        if response.status().as_u16() == 401 && authorization.is_none() && self.inner.authorization.is_some() {
            let why = "nobody has named it".to_owned();
            return Err(RequestError::Withheld { address: asked, why });
        }
        if let (401, Some(_), Some(who)) = (response.status().as_u16(), authorization, &self.inner.access.credentials) {
            return Err(RequestError::Disbelieved { address: asked, who: who.to_string() });
        }
        Ok(response)
    }
}

/// What a request that brought no answer met.
fn failed(address: String, error: &reqwest::Error) -> RequestError {
    match tls::trouble(error) {
        Some(why) => RequestError::Untrusted { address, why },
        None if error.is_connect() => RequestError::Unreachable { address, why: tls::ended(innermost(error)) },
        None if error.is_builder() => RequestError::Setup(innermost(error)),
        None => RequestError::Unanswered { address, why: innermost(error) },
    }
}

fn redirected(address: &Address, response: &Response) -> Result<Address, RequestError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let refused = |error: BadAddress| RequestError::Redirect { from: address.to_string(), why: error.to_string() };
    address.redirected(location).map_err(refused)
}

impl Pools {
    fn new(access: &Access, trust: &Trust, tls: Option<&rustls::ClientConfig>) -> Result<Self, String> {
        let made = |idle| http_client(access, trust, tls, idle);
        Ok(Self { reads: made(8)?, calls: made(1)? })
    }
}

fn http_client(
    access: &Access,
    trust: &Trust,
    tls: Option<&rustls::ClientConfig>,
    idle: usize,
) -> Result<reqwest::Client, String> {
    // A second installation fails and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(access.patience.connect)
        .dns_resolver(trust.clone())
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(None)
        .http1_only()
        .user_agent(concat!("mesos-repl/", env!("CARGO_PKG_VERSION")));
    let builder = match tls {
        Some(config) => builder.tls_backend_preconfigured(config.clone()).https_only(true),
        None => builder.tls_certs_only([]),
    };
    builder.build().map_err(|error| innermost(&error))
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
