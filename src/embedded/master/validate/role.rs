//! Role names.

use super::Check;

/// Space, tab, newlines, form feed and delete: what a role's component may not hold.
const FORBIDDEN: [char; 7] = ['\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{7f}'];

/// Whether it is a role's name.
pub(in crate::embedded::master) fn check(role: &str) -> Check {
    if role == "*" {
        return Ok(());
    }
    if role.starts_with('/') {
        return Err(format!("Role '{role}' cannot start with a slash"));
    }
    if role.ends_with('/') {
        return Err(format!("Role '{role}' cannot end with a slash"));
    }
    if role.contains("//") {
        return Err(format!("Role '{role}' cannot contain two adjacent slashes"));
    }
    if role.is_empty() {
        return Err("Role names cannot be the empty string".to_owned());
    }
    role.split('/').try_for_each(|component| {
        if matches!(component, "." | ".." | "*") {
            return Err(format!("Role '{role}' cannot include '{component}' as a component"));
        }
        if component.starts_with('-') {
            return Err(format!("Role component '{component}' is invalid because it starts with a dash"));
        }
        if component.contains(FORBIDDEN) {
            return Err(format!("Role component '{component}' is invalid because it contains backspace or whitespace"));
        }
        Ok(())
    })
}

/// Whether `role` lies below `ancestor`.
pub(in crate::embedded::master) fn is_below(role: &str, ancestor: &str) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}
