//! What must not be written to a disk: credentials in tasks and in what others say.
//!
//! Rather one text too many hidden than one secret kept: what is hidden is only ever shown, never sent again.

use std::borrow::Cow;

use serde_json::Value;

/// What stands in a secret's place.
const HIDDEN: &str = "***";
const WORDS: [&str; 9] =
    ["authorization", "password", "passwd", "secret", "token", "bearer ", "credential", "private_key", "api_key"];

/// Hides credentials in JSON that a person wrote: values of secret names, text that looks like holding some.
pub fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // Secrets, a container's configuration for pulling its image, and bytes that nobody can look into.
            fields.retain(|name, _| !matches!(name.as_str(), "secret" | "config" | "data"));
            let named = fields.get("name").or(fields.get("key")).and_then(Value::as_str).is_some_and(is_secret);
            for (name, value) in fields.iter_mut() {
                match value {
                    // What a thing is called is how it is known.
                    _ if name == "name" || name == "key" || name.ends_with("_id") => {}
                    Value::String(text) if is_secret(name) || (named && name == "value") => HIDDEN.clone_into(text),
                    value => hide(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(text) if is_secret(text) => HIDDEN.clone_into(text),
        Value::String(text) => {
            if let Cow::Owned(hidden) = without_userinfo(text) {
                *text = hidden;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret(text: &str) -> bool {
    let lower = text.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// Text with the user and password of each URL in it hidden: `http://***@host`. Works on JSON as it stands, too.
pub fn without_userinfo(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut hidden = String::new();
    while let Some(at) = memchr::memmem::find(rest.as_bytes(), b"://") {
        let (before, authority) = rest.split_at(at + 3);
        let end = authority.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '\\' | '<' | '>' | '?'));
        let (authority, after) = authority.split_at(end.unwrap_or(authority.len()));
        hidden.push_str(before);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                hidden.push_str(HIDDEN);
                hidden.push('@');
                hidden.push_str(host);
            }
            None => hidden.push_str(authority),
        }
        rest = after;
    }
    if hidden.len() + rest.len() == text.len() && !hidden.contains(HIDDEN) {
        return Cow::Borrowed(text);
    }
    hidden.push_str(rest);
    Cow::Owned(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn urls_lose_their_users() {
        for (text, want) in [
            ("http://me:hunter2@host:80/x", "http://***@host:80/x"),
            (
                "get zk://a:b@h1:2181,h2:2181/mesos and https://t@g/x?y",
                "get zk://***@h1:2181,h2:2181/mesos and https://***@g/x?y",
            ),
            (
                r#"{"message":"Failed to fetch 'ftp://u:p@h/f': 404"}"#,
                r#"{"message":"Failed to fetch 'ftp://***@h/f': 404"}"#,
            ),
            ("busybox@sha256:0123", "busybox@sha256:0123"),
            ("http://host/a@b", "http://host/a@b"),
            ("", ""),
            ("://", "://"),
            ("a://@", "a://***@"),
        ] {
            assert_eq!(without_userinfo(text), want);
        }
    }

    #[test]
    fn what_a_task_carries_of_secrets_is_hidden() {
        let mut task = json!({"name": "web", "task_id": {"value": "token-service"},
            "command": {"value": "run --password hunter2", "uris": [{"value": "https://me:hunter2@host/a"}], "environment":
                {"variables": [{"name": "API_TOKEN", "value": "hunter2"}, {"name": "PORT", "value": "80"},
                               {"name": "X", "type": "SECRET", "secret": {"value": {"data": "aHVudGVyMg=="}}}]}},
            "labels": {"labels": [{"key": "db_password", "value": "hunter2"}, {"key": "team", "value": "a"}]},
            "container": {"mesos": {"image": {"docker": {"config": {"value": {"data": "aHVudGVyMg=="}}}}}}});
        hide(&mut task);
        let text = task.to_string();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        for kept in ["\"web\"", "token-service", "PORT", "\"80\"", "https://***@host/a", "API_TOKEN", "\"a\""] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }
}
