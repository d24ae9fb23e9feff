//! What a master and an agent do alike over HTTP: who asks, which host is meant, bodies in and out, as libprocess does
//! it, and with its texts.
//!
//! Knows no route and no state. What a real Mesos doesn't do and this does: requests for a host that is no loopback
//! name are refused, so that a web page can't reach it under a name of its own (DNS rebinding).
//! (apache/mesos: 3rdparty/libprocess/src/http.cpp, encoder.hpp)

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    WWW_AUTHENTICATE,
};
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::wire::convert::decode_base64;
use crate::browser;

/// The longest body that is read, unpacked; the longest calls of large schedulers have some megabytes.
const LONGEST_BODY: usize = 64 << 20;
/// The shortest body that is packed for those who unpack it.
const SHORTEST_PACKED: u64 = 1024;
/// From this length on a body takes long to be packed.
const LONG: usize = 1 << 20;

const TEXT: &str = "text/plain; charset=utf-8";

/// A refusal on the way; boxed, since a response is large.
pub(super) type Refusal = Box<Response>;
/// A refusal on the way, or an answer at its end.
pub(super) type Answered = Result<Response, Refusal>;

/// No body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A body of that type.
pub(super) fn typed(status: u16, body: impl Into<Vec<u8>>, media_type: &'static str) -> Response {
    let mut response = empty(status);
    *response.body_mut() = Body::from(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Plain text, as libprocess sends errors.
pub(super) fn text(status: u16, body: impl Into<Vec<u8>>) -> Response {
    typed(status, body, TEXT)
}

/// A refusal in plain text, be it without a word.
pub(super) fn refused(status: u16, why: impl Into<Vec<u8>>) -> Refusal {
    Box::new(text(status, why))
}

pub(super) fn not_found() -> Refusal {
    refused(404, "404 Not Found.")
}

/// JSON, or a call of the function that the query names.
pub(super) fn json(value: &serde_json::Value, query: &HashMap<String, String>) -> Response {
    json_text(value.to_string().into_bytes(), query)
}

/// The same of JSON that is text already.
pub(super) fn json_text(text: Vec<u8>, query: &HashMap<String, String>) -> Response {
    match query.get("jsonp") {
        Some(name) => typed(200, [name.as_bytes(), b"(", &text, b")"].concat(), "text/javascript"),
        None => typed(200, text, "application/json"),
    }
}

/// Only these methods are for this path.
pub(super) fn must_be(method: &Method, allowed: &[&str]) -> Result<(), Refusal> {
    if allowed.contains(&method.as_str()) {
        return Ok(());
    }
    let list: Vec<String> = allowed.iter().map(|one| format!("'{one}'")).collect();
    let body = format!("405 Method Not Allowed. Expecting one of {{ {} }}, but received '{method}'.", list.join(", "));
    let mut response = text(405, body);
    if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
    Err(Box::new(response))
}

/// A page on the web can make a name of its own lead to 127.0.0.1, but the browser then says that name.
pub(super) fn check_host(headers: &HeaderMap, uri: &Uri, own: IpAddr, hostname: &str) -> Result<(), Refusal> {
    if browser::is_another_sites(headers) {
        return Err(refused(403, "This embedded Mesos answers no scripts of other sites' pages."));
    }
    let header = headers.get(HOST).map(|host| host.to_str().unwrap_or("?"));
    // Without any the request comes from no browser.
    let Some(host) = header.or_else(|| uri.authority().map(Authority::as_str)) else { return Ok(()) };
    let name = browser::host_name(host);
    let by_address = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == own || own.is_unspecified());
    if by_address || name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(hostname) {
        return Ok(());
    }
    let why = "This embedded Mesos answers under loopback names only, such as localhost and 127.0.0.1.";
    Err(refused(403, why))
}

/// Who asks, where that must be told.
pub(super) fn authenticate(
    credentials: &[(String, String)],
    required: bool,
    headers: &HeaderMap,
    realm: &str,
) -> Result<Option<String>, Refusal> {
    if !required {
        return Ok(None);
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let encoded = value.strip_prefix("Basic ").filter(|rest| !rest.contains(' '))?;
        let pair = String::from_utf8(decode_base64(encoded).ok()?).ok()?;
        let (principal, secret) = pair.split_once(':')?;
        // A secret with a colon is no secret to a real master.
        (!secret.contains(':')).then(|| (principal.to_owned(), secret.to_owned()))
    });
    let known = |given: &(String, String)| {
        // Every pair is looked at to its end, so that time tells nothing.
        credentials.iter().fold(false, |found, one| found | same(one, given))
    };
    match given.filter(known) {
        Some((principal, _)) => Ok(Some(principal)),
        None => {
            let mut response = text(401, "401 Unauthorized.");
            if let Ok(value) = HeaderValue::from_str(&format!("Basic realm=\"{realm}\"")) {
                response.headers_mut().insert(WWW_AUTHENTICATE, value);
            }
            Err(Box::new(response))
        }
    }
}

fn same(left: &(String, String), right: &(String, String)) -> bool {
    let differ = |left: &str, right: &str| {
        let bytes = left.bytes().zip(right.bytes()).fold(0, |sum, (left, right)| sum | (left ^ right));
        bytes != 0 || left.len() != right.len()
    };
    !(differ(&left.0, &right.0) | differ(&left.1, &right.1))
}

/// A whole body, unpacked if it came packed.
pub(super) async fn body(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let too_long = || refused(413, format!("The embedded Mesos reads bodies of at most {LONGEST_BODY} bytes"));
    let undecodable = || refused(500, "failed to decode body");
    let collected =
        Limited::new(body, LONGEST_BODY).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
            true => too_long(),
            false => undecodable(),
        })?;
    if collected.trailers().is_some() {
        return Err(undecodable());
    }
    let bytes = collected.to_bytes();
    if headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding.as_bytes() != b"gzip") {
        return Ok(bytes);
    }
    // What is no gzip is known by its first two bytes.
    if bytes.len() > 1 && !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(undecodable());
    }
    let mut unpacked = Vec::new();
    let limit = u64::try_from(LONGEST_BODY).unwrap_or(u64::MAX).saturating_add(1);
    let mut packed = GzDecoder::new(bytes.as_ref()).take(limit);
    packed.read_to_end(&mut unpacked).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => refused(500, "Failed to decompress body"),
        _ => undecodable(),
    })?;
    if unpacked.len() > LONGEST_BODY {
        return Err(too_long());
    }
    let rest: &[u8] = packed.into_inner().into_inner();
    if rest.is_empty() { Ok(unpacked.into()) } else { Err(undecodable()) }
}

/// Of a header that comes more than once the last one is meant.
pub(super) fn keep_last(headers: &mut HeaderMap) {
    let many: Vec<HeaderName> =
        headers.keys().filter(|name| headers.get_all(*name).iter().count() > 1).cloned().collect();
    for name in many {
        if let Some(last) = headers.get_all(&name).iter().next_back().cloned() {
            headers.insert(name, last);
        }
    }
}

/// Whether a header with a list of wishes allows something, as libprocess reads it.
fn allows(header: &HeaderValue, candidates: &[String]) -> bool {
    let wishes: String =
        String::from_utf8_lossy(header.as_bytes()).chars().filter(|c| !c.is_ascii_whitespace()).collect();
    for candidate in candidates {
        for one in wishes.split(',').filter(|one| !one.is_empty()) {
            let mut parts = one.split(';').filter(|part| !part.is_empty());
            if parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(candidate)) {
                let mut quality = parts.filter_map(pair).filter(|(name, _)| *name == "q");
                return match (quality.next(), quality.next()) {
                    (Some((_, value)), None) => value.parse::<f64>().is_ok_and(|value| value > 0.0),
                    _ => true,
                };
            }
        }
    }
    false
}

/// A name and a value: what has more parts, or fewer, is no pair.
fn pair(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('=').filter(|part| !part.is_empty());
    let pair = (parts.next()?, parts.next()?);
    parts.next().is_none().then_some(pair)
}

/// Whether an `Accept` header, or one like it, allows a media type; a missing one does.
pub(super) fn accepts(header: Option<&HeaderValue>, media_type: &str) -> bool {
    let Some(header) = header else { return true };
    let general = media_type.split_once('/').map_or("*", |(general, _)| general);
    allows(header, &[media_type.to_owned(), format!("{general}/*"), "*/*".to_owned()])
}

/// The same of a request's `Accept`.
pub(super) fn accepted(headers: &HeaderMap, media_type: &str) -> bool {
    accepts(headers.get(ACCEPT), media_type)
}

/// Packs a longer body for those who say that they unpack it. What has no end isn't touched.
pub(super) async fn packed(wish: Option<HeaderValue>, response: Response) -> Response {
    let unpacks = wish.is_some_and(|wish| allows(&wish, &["gzip".to_owned(), "*".to_owned()]));
    let long = response.body().size_hint().exact().is_some_and(|length| length >= SHORTEST_PACKED);
    if !unpacks || !long || response.headers().contains_key("content-disposition") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return empty(500) };
    let whole = bytes.clone();
    let pack = move || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&whole).and_then(|()| encoder.finish()).ok()
    };
    // A long one takes a while: not on the threads that serve everybody.
    let packed = if bytes.len() < LONG { pack() } else { tokio::task::spawn_blocking(pack).await.ok().flatten() };
    let Some(packed) = packed else { return Response::from_parts(parts, Body::from(bytes)) };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(packed))
}

/// What a request says of packing.
pub(super) fn unpacking(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(ACCEPT_ENCODING).cloned()
}

/// `a=b&c=d`, decoded: of a query, or of a form in a body.
pub(super) fn pairs(text: &str) -> HashMap<String, String> {
    let pairs = text.split(['&', ';']).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn accept_headers() {
        let cases = [
            ("*/*", true),
            ("application/*", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("application/json;q=0.1", true),
            ("application/json;q=", true),
            ("application/json;q=x", false),
            ("application/json;q==0", false),
            ("application/json;q=0;q=1", true),
            ("application/json;q=0,*/*", false),
            ("text/html, APPLICATION/JSON", true),
            ("", false),
        ];
        for (value, allowed) in cases {
            assert_eq!(accepts(Some(&HeaderValue::from_static(value)), "application/json"), allowed, "{value}");
        }
        assert!(accepts(None, "application/json"));
    }

    #[test]
    fn the_last_of_a_header_counts() {
        let mut headers = HeaderMap::new();
        for value in ["text/plain", "application/json"] {
            headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
        }
        keep_last(&mut headers);
        assert_eq!(headers.get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), ["application/json"]);
    }

    #[test]
    fn queries() {
        let query = pairs("a=1&path=%2Ftmp%2fx+y&bad=%zz&no");
        assert_eq!(query["path"], "/tmp/x y");
        assert_eq!((query["bad"].as_str(), query["no"].as_str()), ("%zz", ""));
    }

    #[test]
    fn only_own_names_pass() {
        let own = "127.0.0.1".parse().unwrap();
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
                headers.insert(HOST, host.parse().unwrap());
            }
            assert_eq!(check_host(&headers, &Uri::from_static("/"), own, "localhost").is_ok(), expected, "{host:?}");
        }
    }

    #[tokio::test]
    async fn bodies_are_unpacked_and_packed() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"{}").unwrap();
        let small = encoder.finish().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(body(&headers, Body::from(small.clone())).await.unwrap().as_ref(), b"{}");
        let cases = [
            (b"{}".to_vec(), "failed to decode body"),
            ([small.clone(), small.clone()].concat(), "failed to decode body"),
            (small[..12].to_vec(), "Failed to decompress body"),
            (Vec::new(), "Failed to decompress body"),
        ];
        for (bytes, why) in cases {
            let refusal = body(&headers, Body::from(bytes)).await.unwrap_err();
            assert_eq!(refusal.status().as_u16(), 500);
            assert_eq!(refusal.into_body().collect().await.unwrap().to_bytes(), why);
        }
        let long = "x".repeat(2000);
        let wish = Some(HeaderValue::from_static("deflate, gzip"));
        let response = packed(wish.clone(), text(200, long.clone())).await;
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        assert_eq!(body(&headers, Body::from(bytes)).await.unwrap().as_ref(), long.as_bytes());
        for (wish, length) in [(wish, 1023), (None, 2000), (Some(HeaderValue::from_static("gzip;q=0")), 2000)] {
            assert!(!packed(wish, text(200, "x".repeat(length))).await.headers().contains_key(CONTENT_ENCODING));
        }
    }

    #[test]
    fn who_asks_must_be_known() {
        let known = [("alice".to_owned(), "s".to_owned())];
        let said = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            authenticate(&known, true, &headers, "r")
        };
        let ask = |value: &str| said(&format!("Basic {}", STANDARD.encode(value)));
        assert_eq!(ask("alice:s").unwrap().as_deref(), Some("alice"));
        for wrong in ["alice:", "alice:ss", "alic:es", "alice", "bob:s", "alice:s:"] {
            assert_eq!(ask(wrong).unwrap_err().status().as_u16(), 401, "{wrong}");
        }
        // What follows the padding is no matter, nor is missing padding.
        for value in ["Basic YWxpY2U6cw", "Basic YWxpY2U6cw=", "Basic YWxpY2U6cw==!", "Basic YWxp\tY2U6cw=="] {
            assert_eq!(said(value).unwrap().as_deref(), Some("alice"), "{value}");
        }
        for value in ["Basic  YWxpY2U6cw==", "Basic YWxp Y2U6cw==", "basic YWxpY2U6cw==", "Basic !YWxpY2U6cw=="] {
            assert_eq!(said(value).unwrap_err().status().as_u16(), 401, "{value}");
        }
        assert_eq!(authenticate(&known, false, &HeaderMap::new(), "r").unwrap(), None);
    }
}
