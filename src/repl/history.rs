//! The lines that were typed, kept for the next time: in a file that only its owner reads, without credentials.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The file: `mesos-repl/history` in the state folder of the XDG base directories, made if need be.
///
/// # Errors
/// When there is no home, or the folder can't be made.
pub fn file() -> io::Result<PathBuf> {
    let base = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    let folder = base.state_dir().unwrap_or_else(|| base.data_dir()).join("mesos-repl");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder.join("history"))
}

/// Whether a line seems to hold a secret. Rather one line too many forgotten than one secret kept.
pub fn holds_credentials(line: &str) -> bool {
    const WORDS: [&str; 9] =
        ["authorization", "password", "passwd", "secret", "token", "bearer ", "credential", "private_key", "api_key"];
    let lower = line.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || has_userinfo(&lower) || curl_user(&lower)
}

/// `https://user:pass@host` or `user:pass@host`.
fn has_userinfo(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).any(|word| {
        let authority = match word.split_once("//") {
            // ZooKeeper's passwords may have slashes: there the last @ counts.
            Some((scheme, rest)) if scheme.ends_with("zk:") => rest,
            Some((_, rest)) => rest.split('/').next().unwrap_or(rest),
            None => word.split('/').next().unwrap_or(word),
        };
        // An image's digest (`busybox@sha256:...`) has its colon behind the @.
        authority.rsplit_once('@').is_some_and(|(user, host)| user.contains(':') && !host.is_empty())
    })
}

/// `curl -u user:pass`.
fn curl_user(line: &str) -> bool {
    let mut words = line.split_whitespace();
    line.trim_start().starts_with("curl") && words.any(|word| word.starts_with("-u") || word.starts_with("--user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_secrets_are_known() {
        for (line, secret) in [
            ("connect http://me:hunter2@master:5050", true),
            ("connect me:hunter2@master:5050", true),
            ("connect zk://me:hunter/2@a:2181,b:2181/mesos", true),
            ("mesos-leader --zk=zk://me:hunter2@a:2181/mesos", true),
            ("connect zk://a:2181,b:2181/mesos", false),
            ("curl -u me:hunter2 http://m:5050/state", true),
            ("curl -H 'Authorization: Basic bWU6aHVudGVyMg==' http://m", true),
            ("connect m:5050 --principal me --secret hunter2", true),
            (r#"{"type": "X", "password": "hunter2"}"#, true),
            ("run --env API_TOKEN=abc --docker x", true),
            ("connect http://master:5050", false),
            ("run --docker busybox@sha256:0123 --name web", false),
            ("run --docker registry:5000/a/b:1 --cmd 'sleep 5'", false),
            ("offers", false),
        ] {
            assert_eq!(holds_credentials(line), secret, "{line}");
        }
    }
}
