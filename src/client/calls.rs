//! The connection that calls go over: one, kept alive, in order, and several calls on their way at once.
//!
//! HTTP/1.1 pipelining, as Mesos's own scheduler library does it: an acknowledgement doesn't wait for the answer to the
//! one before. Through a proxy, calls go one after the other by the ordinary client. Retries nothing.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use reqwest::header::HeaderValue;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::{Address, Answer, Client, ERROR_TEXT, JSON, RequestError, SCHEDULER, STREAM_ID, StreamId, called, tls};

/// Room for an answer's head.
const HEAD: usize = 16 << 10;
/// The longest body of an answer that is read on; beyond that the connection is given up.
const BODY: usize = 1 << 20;
const HEADERS: usize = 64;

/// A connection for calls, made when it is first needed and again after it was lost.
#[derive(Debug)]
pub struct CallLine {
    client: Client,
    open: Option<Open>,
}

/// A connection, encrypted or not.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Socket for T {}

#[derive(Debug)]
struct Open {
    address: Address,
    socket: Box<dyn Socket>,
    /// What came and isn't read yet.
    input: BytesMut,
}

impl CallLine {
    /// A line for that client's calls. Nothing is opened yet.
    pub fn new(client: Client) -> Self {
        Self { client, open: None }
    }

    /// Sends these calls, in this order; their answers, as many. After the first that got no answer, none of the
    /// others did.
    pub async fn send(
        &mut self,
        address: &Address,
        stream: Option<&StreamId>,
        bodies: &[Bytes],
    ) -> Vec<Result<Answer, RequestError>> {
        let mut answers = Vec::with_capacity(bodies.len());
        if self.client.inner.proxied {
            for body in bodies {
                answers.push(self.client.call(address, stream, body.clone()).await);
            }
            return answers;
        }
        let lost = match self.exchange(address, stream, bodies, &mut answers).await {
            Ok(()) => return answers,
            Err(lost) => lost,
        };
        self.open = None;
        while answers.len() < bodies.len() {
            answers.push(Err(lost.clone()));
        }
        answers
    }

    async fn exchange(
        &mut self,
        address: &Address,
        stream: Option<&StreamId>,
        bodies: &[Bytes],
        answers: &mut Vec<Result<Answer, RequestError>>,
    ) -> Result<(), RequestError> {
        let patience = self.client.inner.access.patience;
        let head = head(address, stream, self.client.authorization(address)?);
        let mut before = self.open.take().filter(|open| open.address == *address);
        if before.as_mut().is_some_and(|open| !open.is_usable()) {
            before = None;
        }
        let open = match before {
            Some(open) => open,
            None => Open::connect(&self.client, address).await?,
        };
        let open = self.open.insert(open);
        let unanswered = |why: String| RequestError::Unanswered { address: address.to_string(), why };
        open.write(&head, bodies).await.map_err(|error| unanswered(error.to_string()))?;
        let mut last = false;
        while answers.len() < bodies.len() {
            if last {
                return Err(unanswered("the connection was closed".to_owned()));
            }
            let read = tokio::time::timeout(patience.answer, open.read()).await;
            let silent = |_| unanswered(format!("silent for {} s", patience.answer.as_secs()));
            let answer = read.map_err(silent)?.map_err(unanswered)?;
            last = answer.last;
            answers.push(called(address, answer.status, answer.text));
        }
        if last {
            self.open = None;
        }
        Ok(())
    }
}

/// One answer as it came.
struct Raw {
    status: u16,
    text: String,
    /// No other comes on this connection.
    last: bool,
}

/// How long an answer's body is.
enum Length {
    Known(usize),
    Chunked,
    UntilTheEnd,
}

impl Open {
    async fn connect(client: &Client, address: &Address) -> Result<Self, RequestError> {
        let unreachable = |why: String| RequestError::Unreachable { address: address.to_string(), why };
        let patience = client.inner.access.patience.connect;
        let late = |_| unreachable(format!("no connection within {} s", patience.as_secs()));
        let connecting = async {
            let places = client.inner.trust.lookup(address.host(), address.port()).await;
            let places = places.map_err(|error| unreachable(error.to_string()))?;
            let socket = TcpStream::connect(places.as_slice()).await.map_err(|error| unreachable(error.to_string()))?;
            socket.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
            if !address.is_https() {
                return Ok(Box::new(socket) as Box<dyn Socket>);
            }
            let host = address.host().trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host).map_err(|error| unreachable(error.to_string()))?;
            let connector = TlsConnector::from(client.secure()?.config.clone());
            match connector.connect(name, socket).await {
                Ok(socket) => Ok(Box::new(socket) as Box<dyn Socket>),
                Err(error) => Err(match tls::trouble(&error) {
                    Some(why) => RequestError::Untrusted { address: address.to_string(), why },
                    None => unreachable(error.to_string()),
                }),
            }
        };
        let socket = tokio::time::timeout(patience, connecting).await.map_err(late)??;
        Ok(Self { address: address.clone(), socket, input: BytesMut::new() })
    }

    /// Whether nothing came unasked, the end included: a master may close an idle connection at any time.
    fn is_usable(&mut self) -> bool {
        self.input.is_empty() && self.socket.read(&mut [0; 1]).now_or_never().is_none()
    }

    async fn write(&mut self, head: &str, bodies: &[Bytes]) -> std::io::Result<()> {
        let mut output = BytesMut::with_capacity(bodies.iter().map(|body| head.len() + body.len() + 24).sum());
        for body in bodies {
            output.extend_from_slice(head.as_bytes());
            output.extend_from_slice(format!("{}\r\n\r\n", body.len()).as_bytes());
            output.extend_from_slice(body);
        }
        self.socket.write_all(&output).await
    }

    async fn read(&mut self) -> Result<Raw, String> {
        loop {
            if let Some((status, length, last)) = self.head()? {
                // "100 Continue" and its like come before the answer.
                if (100..200).contains(&status) {
                    continue;
                }
                let (body, last) = match length {
                    Length::Known(length) => (self.body(length).await?, last),
                    Length::Chunked => (self.chunked().await?, last),
                    Length::UntilTheEnd => (self.rest().await?, true),
                };
                return Ok(Raw { status, text: shortened(&body), last });
            }
            if self.input.len() > HEAD {
                return Err("the head of its answer goes on and on".to_owned());
            }
            self.more().await?;
        }
    }

    /// Reads a head off the input, if it has come: status, the body's length, whether the connection ends with it.
    fn head(&mut self) -> Result<Option<(u16, Length, bool)>, String> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&self.input).map_err(|error| format!("its answer is no HTTP: {error}"))?;
        let httparse::Status::Complete(end) = parsed else { return Ok(None) };
        let status = response.code.unwrap_or_default();
        let mut last = response.version == Some(0);
        let mut length = Length::UntilTheEnd;
        for header in response.headers.iter() {
            let value = std::str::from_utf8(header.value).unwrap_or_default().trim();
            if header.name.eq_ignore_ascii_case("content-length") && !matches!(length, Length::Chunked) {
                let told = value.parse().map_err(|_| format!("its answer is {value:?} bytes long"))?;
                // One of them would let somebody's text stand as the next answer.
                if let Length::Known(before) = length
                    && before != told
                {
                    return Err(format!("its answer is {before} bytes long, and {told}"));
                }
                length = Length::Known(told);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                length = Length::Chunked;
            } else if header.name.eq_ignore_ascii_case("connection") {
                last |= value.eq_ignore_ascii_case("close");
            }
        }
        if matches!(status, 100..200 | 204 | 304) {
            length = Length::Known(0);
        }
        self.input.advance(end);
        Ok(Some((status, length, last)))
    }

    async fn body(&mut self, length: usize) -> Result<Bytes, String> {
        if length > BODY {
            return Err(format!("its answer is {length} bytes long"));
        }
        while self.input.len() < length {
            self.more().await?;
        }
        Ok(self.input.split_to(length).freeze())
    }

    async fn chunked(&mut self) -> Result<Bytes, String> {
        let mut body = BytesMut::new();
        loop {
            let size = self.line().await?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(size, 16).map_err(|_| format!("its answer has a chunk of {size:?} bytes"))?;
            if size == 0 {
                // Trailers end with an empty line.
                while !self.line().await?.is_empty() {}
                return Ok(body.freeze());
            }
            let room = BODY.saturating_sub(body.len());
            if size > room {
                return Err(format!("its answer is longer than {BODY} bytes"));
            }
            body.extend_from_slice(&self.body(size).await?);
            self.line().await?;
        }
    }

    async fn rest(&mut self) -> Result<Bytes, String> {
        while self.input.len() < BODY {
            // An end that is an error is an end.
            if self.more().await.is_err() {
                break;
            }
        }
        Ok(self.input.split().freeze())
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.input) {
                let line = self.input.split_to(at + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.input.len() > HEAD {
                return Err("its answer is no HTTP: a line without an end".to_owned());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), String> {
        self.input.reserve(4096);
        match self.socket.read_buf(&mut self.input).await {
            Ok(0) => Err("the connection was closed before the answer".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Everything of a request up to the length of its body.
fn head(address: &Address, stream: Option<&StreamId>, authorization: Option<&HeaderValue>) -> Zeroizing<String> {
    let agent = concat!("mesos-repl/", env!("CARGO_PKG_VERSION"));
    let host = address.host_port();
    let line = |name: &str, value: Option<&HeaderValue>| match value.and_then(|value| value.to_str().ok()) {
        Some(value) => format!("{name}: {value}\r\n"),
        None => String::new(),
    };
    let id = line(STREAM_ID, stream.map(|StreamId(id)| id));
    let who = Zeroizing::new(line("authorization", authorization));
    let head = format!(
        "POST {SCHEDULER} HTTP/1.1\r\nhost: {host}\r\nuser-agent: {agent}\r\ncontent-type: {JSON}\r\naccept: {JSON}\r\n{id}{}content-length: ",
        who.as_str()
    );
    Zeroizing::new(head)
}

fn shortened(body: &[u8]) -> String {
    let start = body.get(..ERROR_TEXT).unwrap_or(body);
    String::from_utf8_lossy(start).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::client::{Access, Meaning, Patience};
    use tokio::net::TcpListener;

    /// What three calls get from a server that says these bytes, in pieces of so many, and closes.
    async fn answers(says: &[u8], piece: usize) -> Vec<Result<Answer, RequestError>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::parse(&listener.local_addr().unwrap().to_string()).unwrap();
        let says = says.to_vec();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            // The client hangs up as soon as it has read enough; what it wrote before can be read all the same.
            for part in says.chunks(piece) {
                let _ = socket.write_all(part).await;
                tokio::task::yield_now().await;
            }
            let _ = socket.shutdown().await;
            let mut asked = Vec::new();
            let _ = socket.read_to_end(&mut asked).await;
            String::from_utf8(asked).unwrap()
        });
        let patience = Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(5) };
        let mut line = CallLine::new(Client::new(Access { patience, ..Access::default() }).unwrap());
        let bodies = [Bytes::from("{}"), Bytes::from("[]"), Bytes::from("{1}")];
        let answers = line.send(&address, None, &bodies).await;
        drop(line);
        let asked = server.await.unwrap();
        assert_eq!(asked.matches("POST /api/v1/scheduler HTTP/1.1\r\n").count(), 3);
        answers
    }

    #[tokio::test]
    async fn answers_come_in_the_order_of_the_calls() {
        let says = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n\
            HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno\
            HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nyes\r\n2\r\n!!\r\n0\r\na: b\r\n\r\n";
        for piece in [1, 2, 7, 1000] {
            let answers = answers(says, piece).await;
            assert_eq!(answers[0].as_ref().unwrap(), &Answer { status: 202, text: String::new() });
            assert_eq!(answers[1].as_ref().unwrap_err().meaning(), Some(Meaning::Wrong));
            assert_eq!(answers[2].as_ref().unwrap(), &Answer { status: 200, text: "yes!!".to_owned() });
        }
    }

    #[tokio::test]
    async fn after_the_first_without_an_answer_none_has_one() {
        let accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        let closing = "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let until_the_end = "HTTP/1.0 202 Accepted\r\n\r\nfine";
        for (second, answered) in [
            ("", 1),
            ("HTTP/1.1 202 Acc", 1),
            ("HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nab", 1),
            ("HTTP/1.1 202 Accepted\r\nContent-Length: -5\r\n\r\n", 1),
            ("HTTP/1.1 202 Accepted\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 1),
            ("HTTP/1.1 202 Accepted\r\nContent-Length: 99999999999999999999\r\n\r\n", 1),
            ("HTTP/1.1 202 Accepted\r\nContent-Length: 999999999\r\n\r\n", 1),
            ("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 1),
            ("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 1),
            ("SSH-2.0-OpenSSH_9.2\r\n", 1),
            ("\u{0}\u{0}\u{0}", 1),
            (closing, 2),
            (until_the_end, 2),
        ] {
            let answers = answers(format!("{accepted}{second}").as_bytes(), 1000).await;
            let kinds: Vec<_> = answers.iter().map(|answer| answer.is_ok()).collect();
            assert_eq!(kinds, [true, answered > 1, false], "{second:?}");
            assert!(matches!(answers[2], Err(RequestError::Unanswered { .. })), "{second:?}: {:?}", answers[2]);
        }
        let endless = format!("{accepted}HTTP/1.1 202 Accepted\r\na: {}", "x".repeat(3 * HEAD));
        assert!(answers(endless.as_bytes(), 1000).await[1].is_err());
    }
}
