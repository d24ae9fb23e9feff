//! What a browser says of the page that makes a request; other clients say nothing of the kind.
//!
//! Pure.

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;

/// Whether another site's page makes it, other than by a link that somebody followed. Such a page could read what is
/// answered to a script (`jsonp`), and send what needs no asking before. (W3C: Fetch Metadata Request Headers)
pub(super) fn is_another_sites(headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| headers.get(name).is_some_and(|value| value.as_bytes() == word.as_bytes());
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("?"));
    (says("sec-fetch-site", "cross-site") && !says("sec-fetch-mode", "navigate"))
        || origin.is_some_and(|origin| !is_of_this_machine(origin))
}

/// Whether an origin is a server of this machine, such as Jupyter's. Browsers say it that don't say the above yet.
fn is_of_this_machine(origin: &str) -> bool {
    let Some((_, host)) = origin.split_once("://") else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
