//! What a browser says of a request: under which name it came, and which page makes it. Other clients say nothing of the
//! kind, or what they like.
//!
//! Pure. For all that listens: whoever answers decides what the answers mean for it.

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;

/// Whether another site's page makes it, other than by a link that somebody followed. Such a page could read what is
/// answered to a script (`jsonp`), and send what needs no asking before. (W3C: Fetch Metadata Request Headers)
pub(crate) fn is_another_sites(headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| headers.get(name).is_some_and(|value| value.as_bytes() == word.as_bytes());
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("?"));
    (says("sec-fetch-site", "cross-site") && !says("sec-fetch-mode", "navigate"))
        || origin.is_some_and(|origin| !is_of_this_machine(origin))
}

/// Whether an origin is a server of this machine, such as Jupyter's. Browsers say it that don't say the above yet.
fn is_of_this_machine(origin: &str) -> bool {
    let Some((_, host)) = origin.split_once("://") else { return false };
    let name = host_name(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The name in a `Host` header, or an origin's: without a port, an IPv6 address without its brackets.
pub(crate) fn host_name(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_site_s_page_is_refused() {
        for (site, mode, want) in [
            (None, None, false),
            (Some("none"), Some("navigate"), false),
            (Some("same-origin"), Some("cors"), false),
            (Some("same-site"), Some("no-cors"), false),
            (Some("cross-site"), Some("navigate"), false),
            (Some("cross-site"), Some("no-cors"), true),
            (Some("cross-site"), Some("cors"), true),
            (Some("cross-site"), None, true),
        ] {
            let mut headers = HeaderMap::new();
            site.map(|site| headers.insert("sec-fetch-site", site.parse().unwrap()));
            mode.map(|mode| headers.insert("sec-fetch-mode", mode.parse().unwrap()));
            assert_eq!(is_another_sites(&headers), want, "{site:?} {mode:?}");
        }
    }

    #[test]
    fn a_name_goes_without_port_and_brackets() {
        for (host, want) in [
            ("localhost:5050", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:5050", "::1"),
            ("[::1]", "::1"),
            ("[::1].evil.example", "[::1].evil.example"),
            ("evil.example:x", "evil.example:x"),
            ("", ""),
        ] {
            assert_eq!(host_name(host), want, "{host}");
        }
    }

    #[test]
    fn an_origin_is_a_server_of_this_machine_or_refused() {
        for (origin, want) in [
            ("http://127.0.0.1:8888", false),
            ("http://[::1]:8888", false),
            ("https://localhost", false),
            ("https://localhost.evil.example", true),
            ("https://evil.example:5050", true),
            ("null", true),
            ("", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().unwrap());
            assert_eq!(is_another_sites(&headers), want, "{origin}");
        }
    }
}
