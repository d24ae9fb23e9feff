//! How a session stands, in the few words that a prompt has room for. Draws nothing.

use std::time::Duration;

use super::Engine;
use crate::document::{Tone, span};
use crate::session::{Closed, Phase};
use crate::view;

/// How the session stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The framework's short id while the subscription stands, otherwise what is the matter in brackets.
    pub label: String,
    /// What the label means.
    pub tone: Tone,
    /// Whether the master knows a framework of ours that nobody has torn down or let go of.
    pub alive: bool,
    /// Offers in hand.
    pub offers: usize,
    /// Tasks that are not over.
    pub tasks: usize,
}

impl Standing {
    /// What is in hand: `1 offer, 2 tasks`; empty where there is nothing.
    pub fn in_hand(&self) -> String {
        let parts = [counted(self.offers, "offer"), counted(self.tasks, "task")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// `1 task`, `2 tasks`; nothing for none.
fn counted(count: usize, what: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    }
}

impl Engine {
    /// How the session stands now.
    pub fn standing(&self) -> Standing {
        let session = self.session();
        let status = session.status().borrow().clone();
        let left = status.time_left(session.now());
        let phase = status.phase;
        session.read(|state| {
            let id = state.framework_id.as_ref();
            let over = matches!(phase, Phase::Idle | Phase::Closed(_));
            let (label, tone) = match (&phase, id) {
                (Phase::Subscribed { .. }, Some(id)) => (view::short_framework(id.as_str()), Tone::Plain),
                _ => (format!("({}{})", told(&phase, id.is_some()), countdown(&phase, left)), tone(&phase)),
            };
            let tasks = if over { 0 } else { state.tasks.active() };
            Standing { label, tone, alive: id.is_some() && !over, offers: state.offers.len(), tasks }
        })
    }
}

fn told(phase: &Phase, known: bool) -> &'static str {
    match phase {
        Phase::Idle => "not subscribed",
        Phase::Subscribed { .. } | Phase::Subscribing { .. } if !known => "subscribing",
        Phase::Subscribed { .. } | Phase::Subscribing { .. } => "reconnecting",
        Phase::Waiting { .. } if !known => "no master yet",
        Phase::Waiting { .. } => "connection lost",
        Phase::Closed(Closed::TornDown) => "torn down",
        Phase::Closed(Closed::Detached) => "detached",
        Phase::Closed(Closed::Stolen) => "taken over",
        Phase::Closed(Closed::Removed) => "framework removed",
        Phase::Closed(Closed::Refused(_)) => "refused",
    }
}

/// For how long the master still keeps a framework that has lost its connection.
fn countdown(phase: &Phase, left: Option<Duration>) -> String {
    match (phase, left) {
        (Phase::Waiting { .. } | Phase::Subscribing { .. }, Some(Duration::ZERO)) => ", timeout over".to_owned(),
        (Phase::Waiting { .. } | Phase::Subscribing { .. }, Some(left)) => format!(", {} left", span(left)),
        _ => String::new(),
    }
}

fn tone(phase: &Phase) -> Tone {
    match phase {
        Phase::Idle | Phase::Closed(Closed::TornDown | Closed::Detached) => Tone::Dim,
        Phase::Subscribing { .. } | Phase::Subscribed { .. } => Tone::Waiting,
        Phase::Waiting { .. } => Tone::Unsure,
        Phase::Closed(_) => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_hand_is_counted() {
        for (offers, tasks, want) in [(0, 0, ""), (1, 0, "1 offer"), (0, 2, "2 tasks"), (3, 1, "3 offers, 1 task")] {
            let standing = Standing { label: String::new(), tone: Tone::Plain, alive: true, offers, tasks };
            assert_eq!(standing.in_hand(), want);
        }
    }
}
