//! `zk://[user:password@]host:port,host:port/path`, as Mesos reads it.
//!
//! Parsing only. It never shows the password. (apache/mesos: include/mesos/zookeeper/url.hpp)

use std::fmt;

use crate::secret::Secret;

const SCHEME: &str = "zk://";

/// ZooKeeper's servers and a path there.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    servers: Vec<String>,
    path: String,
    /// `user:password` of the `digest` scheme.
    digest: Option<Secret>,
}

/// Text that is no ZooKeeper address; it isn't repeated, since it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no ZooKeeper address: {0}")]
pub struct BadUrl(pub String);

impl Url {
    /// Whether text means to be one.
    pub fn is_meant(text: &str) -> bool {
        text.trim_start().starts_with(SCHEME)
    }

    /// Reads one; the port is 2181 unless told.
    ///
    /// # Errors
    /// [`BadUrl`], which says what to write.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let bad = |why: &str| BadUrl(format!("{why}; write zk://HOST:PORT,HOST:PORT/PATH"));
        let rest = text.trim().strip_prefix(SCHEME).ok_or_else(|| bad("it doesn't begin with zk://"))?;
        let (place, path) = match rest.rfind('@') {
            Some(at) => (rest.get(at + 1..).unwrap_or_default(), Some(rest.get(..at).unwrap_or_default())),
            None => (rest, None),
        };
        let digest = path.map(|digest| match digest.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => Ok(Secret::new(digest)),
            _ => Err(bad("before the @ stands no USER:PASSWORD")),
        });
        let (servers, path) = match place.find('/') {
            Some(at) => place.split_at(at),
            None => (place, "/"),
        };
        let servers = servers.split(',').map(server).collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let path = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        is_path(path).map_err(bad)?;
        Ok(Self { servers, path: path.to_owned(), digest: digest.transpose()? })
    }

    /// Servers alone, as `zkCli.sh -server` takes them.
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn of_servers(text: &str) -> Result<Self, BadUrl> {
        Self::parse(&format!("{SCHEME}{}", text.trim().trim_start_matches(SCHEME)))
    }

    /// The servers, each with its port.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether somebody logs in.
    pub fn has_credentials(&self) -> bool {
        self.digest.is_some()
    }

    pub(super) fn digest(&self) -> Option<&Secret> {
        self.digest.as_ref()
    }

    /// What the ZooKeeper library takes.
    pub(super) fn cluster(&self) -> String {
        self.servers.join(",")
    }
}

fn server(text: &str) -> Result<String, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((_, "")) => (text, None),
            Some((_, port)) => (text.strip_suffix(port).unwrap_or(text), port.strip_prefix(':')),
            None => return Err("a ] is missing"),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() || host == "[]" {
        return Err("a server has no name");
    }
    if host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a server's name has blanks in it");
    }
    match port.unwrap_or("2181").parse::<u16>() {
        Ok(port) if port > 0 => Ok(format!("{host}:{port}")),
        _ => Err("a server's port is no port"),
    }
}

/// ZooKeeper's own rules for paths.
pub(super) fn is_path(path: &str) -> Result<(), &'static str> {
    if path == "/" {
        return Ok(());
    }
    let parts = path.strip_prefix('/').ok_or("the path doesn't begin with /")?.split('/');
    for part in parts {
        match part {
            "" => return Err("the path has two slashes with nothing between, or ends with one"),
            "." | ".." => return Err("the path has . or .. in it"),
            _ if part.contains(char::is_control) => return Err("the path has control characters in it"),
            _ => {}
        }
    }
    Ok(())
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.digest.is_some() { "***@" } else { "" };
        write!(f, "{SCHEME}{who}{}{}", self.servers.join(","), self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_mesos_takes_is_taken() {
        for (text, shown, digest) in [
            ("zk://h:2181/mesos", "zk://h:2181/mesos", None),
            ("zk://h/mesos", "zk://h:2181/mesos", None),
            ("zk://h", "zk://h:2181/", None),
            ("zk://a:1,b:2,c/mesos/vagrant/", "zk://a:1,b:2,c:2181/mesos/vagrant", None),
            ("zk://u:p@a:1,b:2/m", "zk://***@a:1,b:2/m", Some("u:p")),
            ("zk://u:p@:/ss@a:1/m", "zk://***@a:1/m", Some("u:p@:/ss")),
            ("zk://[::1]:2181,[::2]/m", "zk://[::1]:2181,[::2]:2181/m", None),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.digest().map(Secret::reveal)), (shown, digest), "{text}");
            assert_eq!(format!("{url:?}"), shown);
        }
    }

    #[test]
    fn what_it_isn_t_is_said_without_the_password() {
        for (text, why) in [
            ("http://h/mesos", "zk://"),
            ("zk://", "no name"),
            ("zk:///mesos", "no name"),
            ("zk://a:1,,b:2/m", "no name"),
            ("zk://a:0/m", "no port"),
            ("zk://a:99999/m", "no port"),
            ("zk://a:b:c/m", "no port"),
            ("zk://[::1/m", "]"),
            ("zk://[::1]x/m", "zk://"),
            ("zk://hunter2@a:1/m", "USER:PASSWORD"),
            ("zk://u:hunter2@a:1//m", "two slashes"),
            ("zk://u:hunter2@a:1/../m", ".."),
        ] {
            match Url::parse(text) {
                Err(BadUrl(error)) => assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}"),
                Ok(url) => assert_eq!(text, "zk://[::1]x/m", "{url}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail_or_tell(user in "[a-z]{1,8}", password in "[!-~]{4,12}", rest in "\\PC{0,30}") {
            if let Ok(url) = Url::parse(&format!("zk://{user}:{password}@h:1/{rest}")) {
                // A @ further on makes more of it the password, never less.
                let shown = format!("{url} {url:?}");
                let pair = format!("{user}:{password}");
                prop_assert!(!shown.contains(&pair));
                prop_assert_eq!(Url::parse(&url.to_string().replacen("***", "a:b", 1)).map(|again| again.path), Ok(url.path));
            }
        }
    }
}
