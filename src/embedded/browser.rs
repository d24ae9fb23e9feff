//! What a browser says of the page that makes a request; other clients say nothing of the kind.
//!
//! Pure.

use axum::http::HeaderMap;

/// Whether another site's page makes it, other than by a link that somebody followed. Such a page could read what is
/// answered to a script (`jsonp`), and send what needs no asking before. (W3C: Fetch Metadata Request Headers)
pub(super) fn is_another_sites(headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| headers.get(name).is_some_and(|value| value.as_bytes() == word.as_bytes());
    says("sec-fetch-site", "cross-site") && !says("sec-fetch-mode", "navigate")
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
}
