//! The master's own checks and their texts, as pure functions: what is wrong, or nothing.
//!
//! (apache/mesos: src/master/validation.cpp, src/common/validation.cpp, src/common/roles.cpp)

pub(super) mod call;
pub(super) mod command;
pub(super) mod constraints;
pub(super) mod framework;
pub(super) mod operation;
mod pattern;
pub(super) mod resource;
pub(super) mod role;
pub(super) mod task;

/// Nothing, or why not, in the words that a scheduler gets to read.
pub(super) type Check = Result<(), String>;

/// Puts words before what is wrong.
pub(super) fn because(prefix: &str, check: Check) -> Check {
    check.map_err(|why| format!("{prefix}{why}"))
}

/// What every id must keep to: it becomes a folder's name.
pub(super) fn id(id: &str) -> Check {
    if id.is_empty() {
        return Err("ID must not be empty".to_owned());
    }
    if id.len() > 255 {
        return Err("ID must not be greater than 255 characters".to_owned());
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.bytes().any(|byte| byte.is_ascii_control() || byte == b'/' || byte == b'\\') {
        return Err(format!("'{id}' contains invalid characters"));
    }
    Ok(())
}

/// Whether a number of seconds fits a duration in nanoseconds.
pub(super) fn is_duration(seconds: f64) -> bool {
    let nanoseconds = seconds * 1e9;
    (-9_223_372_036_854_775_808.0..=9_223_372_036_854_775_807.0).contains(&nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let long = "x".repeat(256);
        let cases = [
            ("", "ID must not be empty"),
            (long.as_str(), "ID must not be greater than 255 characters"),
            (".", "'.' is disallowed"),
            ("..", "'..' is disallowed"),
            ("a/b", "'a/b' contains invalid characters"),
            ("a\\b", "'a\\b' contains invalid characters"),
            ("a\u{7f}", "'a\u{7f}' contains invalid characters"),
        ];
        for (text, why) in cases {
            assert_eq!(id(text), Err(why.to_owned()));
        }
        for text in ["a b", "...", "a\u{9b}31m", &long[1..]] {
            assert_eq!(id(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn durations() {
        assert!(is_duration(-1.0) && is_duration(9.2e9) && !is_duration(9.3e9) && !is_duration(f64::NAN));
    }
}
