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
    /// The same in fewer words, ever fewer of them, for where there is less room.
    pub shorter: Vec<String>,
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

/// How long the master keeps a framework for somebody to take up that nobody is connected for, with that timeout.
pub fn waits(timeout: Duration) -> String {
    if timeout.is_zero() {
        return "the master ends it at once, for it has no failover timeout".to_owned();
    }
    format!("the master waits {} for somebody to take it up", span(timeout))
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
            let (label, shorter, tone) = match (&phase, id) {
                (Phase::Subscribed { .. }, Some(id)) => (view::short_framework(id.as_str()), Vec::new(), Tone::Plain),
                _ => {
                    let left = countdown(&phase, left);
                    let label = format!("({}{left})", told(&phase, id.is_some()));
                    (label, shorter(&phase, id.is_some(), &left), tone(&phase))
                }
            };
            let tasks = if over { 0 } else { state.tasks.active() };
            Standing { label, shorter, tone, alive: id.is_some() && !over, offers: state.offers.len(), tasks }
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

/// The same in fewer words, and then in one.
fn shorter(phase: &Phase, known: bool, left: &str) -> Vec<String> {
    let word = match phase {
        Phase::Subscribing { .. } | Phase::Waiting { .. } if known => "lost",
        Phase::Idle | Phase::Subscribing { .. } | Phase::Subscribed { .. } => "none yet",
        Phase::Waiting { .. } => "no master",
        Phase::Closed(Closed::TornDown) => "ended",
        Phase::Closed(Closed::Detached) => "left",
        Phase::Closed(Closed::Stolen) => "taken",
        Phase::Closed(Closed::Removed) => "removed",
        Phase::Closed(Closed::Refused(_)) => "refused",
    };
    let word_alone = format!("({word})");
    match left.strip_suffix(" left") {
        Some(brief) => vec![format!("({word}{left})"), format!("({word}{brief})"), word_alone],
        None if left.is_empty() => vec![word_alone],
        None => vec![format!("({word}{left})"), word_alone],
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
            let standing =
                Standing { label: String::new(), shorter: Vec::new(), tone: Tone::Plain, alive: true, offers, tasks };
            assert_eq!(standing.in_hand(), want);
        }
    }
}
