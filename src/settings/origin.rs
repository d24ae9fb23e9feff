//! Where a value came from.

use std::fmt;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// Nobody said anything.
    #[default]
    Default,
    /// This variable.
    Environment(&'static str),
    /// The profile of this name.
    Profile(String),
    /// The record of the session of this name.
    Session(String),
    /// The command line.
    Flag,
}

impl Origin {
    /// Whether a profile said it.
    pub fn is_profile(&self) -> bool {
        matches!(self, Self::Profile(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment(name) => f.write_str(name),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Session(name) => write!(f, "session {name}"),
            Self::Flag => f.write_str("the command line"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}
