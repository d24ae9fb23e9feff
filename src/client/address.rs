//! Where a master is: what people write (`host:port`, a URL), and what a `Location` header says.
//!
//! Parsing only; nothing is looked up.

use std::fmt;

use reqwest::Url;

/// A master's address as a base URL: scheme, host and port, no path.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Url);

/// Text that names no master.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no address of a master: {why}")]
pub struct BadAddress {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Address {
    /// Reads `host`, `host:port`, `http://host:port` or `https://...`; the port is 5050 unless told.
    ///
    /// # Errors
    /// [`BadAddress`], which says what to write.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        Self::parse_as("http", text)
    }

    /// The same, with a scheme for those that name none.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn parse_as(scheme: &str, text: &str) -> Result<Self, BadAddress> {
        let bad = |why: &str| BadAddress { text: shown(text), why: why.to_owned() };
        let trimmed = text.trim();
        if trimmed.starts_with("zk://") {
            return Err(bad("a ZooKeeper address names no single master"));
        }
        let has_scheme = trimmed.contains("://");
        let with_scheme = if has_scheme { trimmed.to_owned() } else { format!("{scheme}://{trimmed}") };
        let mut url =
            Url::parse(&with_scheme).map_err(|error| bad(&format!("{error}; write HOST:PORT or http://HOST:PORT")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("only http and https are spoken"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("credentials have no place in an address, where histories and logs would keep them"));
        }
        if url.port().is_none() && !has_explicit_port(&with_scheme) {
            // An http URL without a port means Mesos's own port here, as everywhere around Mesos.
            let _ = url.set_port(Some(5050));
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The address that a 307 from this one names: `http://h:p/path`, `//h:p/path` or `h:p`. The scheme stays.
    ///
    /// # Errors
    /// [`BadAddress`] when it names no host, or another scheme.
    pub fn redirected(&self, location: &str) -> Result<Self, BadAddress> {
        let rest = match location.split_once("//") {
            Some(("", rest)) => rest,
            Some((scheme, rest)) if scheme == format!("{}:", self.0.scheme()) => rest,
            Some(_) => {
                return Err(BadAddress {
                    text: shown(location),
                    why: format!("a redirect must stay with {}", self.0.scheme()),
                });
            }
            None => location,
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        Self::parse(&format!("{}://{host}", self.0.scheme()))
    }

    /// The URL of a path on this host; `path` starts with a slash.
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host as a URL has it: a name, an address, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or("")
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(5050)
    }

    /// `host:port`.
    pub fn host_port(&self) -> String {
        format!("{}:{}", self.host(), self.port())
    }
}

/// The text as an error may repeat it: what stands before an @ may be a password, whatever the rest is.
fn shown(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("***@{host}"))
}

/// Whether the text names a port, be it the scheme's own, which `Url` drops.
fn has_explicit_port(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // With the port even where it is the scheme's own: read again, an address without one means Mesos's.
        write!(f, "{}://{}", self.0.scheme(), self.host_port())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write() {
        for (text, address) in [
            ("localhost", "http://localhost:5050"),
            ("10.0.0.1:5051", "http://10.0.0.1:5051"),
            ("http://10.0.0.1:5050/", "http://10.0.0.1:5050"),
            ("http://mesos-master:5050/state?x=1", "http://mesos-master:5050"),
            ("https://m", "https://m:5050"),
            ("https://m:443", "https://m:443"),
            ("http://m:80", "http://m:80"),
            ("[::1]:5050", "http://[::1]:5050"),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()), Ok(address.to_owned()));
        }
        for text in [
            "",
            "http://",
            "ftp://x",
            "zk://a:2181/mesos",
            "a b",
            "host:port",
            "http://u:secret@h:5050",
            "http://u:secret@h\u{2}x",
            "u:secret@",
            "zk://u:secret@h",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_a_location_says() {
        let here = Address::parse("http://a:5050").unwrap();
        for location in ["//b:5051/api/v1/scheduler", "http://b:5051/x", "b:5051"] {
            assert_eq!(here.redirected(location).unwrap().to_string(), "http://b:5051");
        }
        for location in ["", "https://b:5051/", "//", "ftp://b"] {
            assert!(here.redirected(location).is_err(), "{location}");
        }
    }

    proptest! {
        /// Whatever a Location says: the scheme stays, what comes out names a host and no user, and reads the same again.
        #[test]
        fn a_redirect_leads_to_a_host_of_the_same_scheme(
            https in any::<bool>(),
            start in prop::sample::select(vec!["", "//", "http://", "https://", "HTTP://", "ftp://", "///", "\\\\", "javascript:"]),
            rest in "[a-c@:/?#.%0-9\\[\\] é-]{0,24}",
        ) {
            let here = Address::parse(if https { "https://here:5050" } else { "http://here:5050" }).unwrap();
            if let Ok(next) = here.redirected(&format!("{start}{rest}")) {
                prop_assert_eq!(next.is_https(), https);
                prop_assert!(!next.host().is_empty() && !next.to_string().contains(['@', ' ']));
                prop_assert_eq!(Address::parse(&next.to_string()), Ok(next));
            }
        }
    }
}
