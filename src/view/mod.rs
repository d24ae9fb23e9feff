//! What is known, as documents: offers, tasks, events, agents. One place decides which columns and words a thing has.
//!
//! Reads the state and the master's JSON; never the clock (`now` is an argument), the session or a terminal.

mod cluster;
mod events;
mod offers;
mod reasons;
mod tasks;

pub use cluster::{agents, frameworks};
pub use events::{entry, summary};
pub use offers::{Resources, inverse_offers, offer, offer_line, offers, resources_of};
pub use reasons::{reason_in_words, verdict};
pub use tasks::{progress, task, tasks, update_line};

use std::time::Duration;

/// The end of an id that tells it from its siblings: Mesos's ids begin with the master's own (`<uuid>-O5`).
pub fn short(id: &str) -> &str {
    match id.rsplit_once('-') {
        // A master's id is a UUID of 36 characters; only behind one is the rest enough.
        Some((master, end)) if master.len() >= 36 && !end.is_empty() => end,
        _ => id,
    }
}

/// A framework's id as a prompt has room for: the first four characters of the master's id and its own number.
pub fn short_framework(id: &str) -> String {
    match id.rsplit_once('-') {
        Some((master, end)) if master.len() >= 36 => format!("{}-{end}", master.get(..4).unwrap_or(master)),
        _ => id.chars().take(12).collect(),
    }
}

/// The time between two moments of the session.
fn since(at: Duration, now: Duration) -> Duration {
    now.saturating_sub(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shortened_where_that_is_safe() {
        let master = "48ba5286-94c4-47a0-b6b4-bb4e6b0d4a7e";
        assert_eq!(short(&format!("{master}-O5")), "O5");
        assert_eq!(short("my-task"), "my-task");
        assert_eq!(short(master), master);
        assert_eq!(short_framework(&format!("{master}-0000")), "48ba-0000");
        assert_eq!(short_framework("marathon-on-this-cluster"), "marathon-on-");
    }
}
