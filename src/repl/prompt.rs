//! The prompt's text: how the session stands, in colours and without.
//!
//! While a line is being typed the prompt can only change within its room, for the editor has measured it: then other
//! words are found, and the room that is left is filled. Draws nothing.

use unicode_width::UnicodeWidthStr as _;

use crate::document::Tone;
use crate::engine::Standing;
use crate::render::{Style, Theme, safe_line};

/// A prompt without colours, and as it is shown.
pub fn prompt(standing: &Standing, theme: Theme) -> (String, String) {
    written(&standing.label, &hand(standing), "", standing.tone, theme)
}

/// The prompt of now in the room of one of `columns`, as it is shown; none if there are no words that short.
pub(super) fn fitted(standing: &Standing, theme: Theme, columns: usize) -> Option<String> {
    let tasks = Standing { offers: 0, ..standing.clone() };
    let (all, tasks) = (hand(standing), hand(&tasks));
    // What doesn't fit is left out, offers first, or hinted at: rather that than a number of before.
    let hint = if all.is_empty() { "" } else { " | ..." };
    let hands = [&*all, if tasks.is_empty() { hint } else { &*tasks }, hint, ""];
    hands.into_iter().find_map(|hand| {
        std::iter::once(&standing.label).chain(&standing.shorter).find_map(|label| {
            let (plain, _) = written(label, hand, "", standing.tone, theme);
            let room = columns.checked_sub(plain.width())?;
            Some(written(label, hand, &" ".repeat(room), standing.tone, theme).1)
        })
    })
}

fn hand(standing: &Standing) -> String {
    match standing.in_hand() {
        text if text.is_empty() => text,
        text => format!(" | {text}"),
    }
}

fn written(label: &str, hand: &str, room: &str, tone: Tone, theme: Theme) -> (String, String) {
    let label = safe_line(label);
    let plain = format!("mesos {label}{hand}{room} > ");
    let label = theme.paint(Style::Tone(tone), &label).into_owned();
    let painted = format!("{} {label}{hand}{room} > ", theme.paint(Style::Tone(Tone::Strong), "mesos"));
    (plain, painted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(label: &str, shorter: &[&str], offers: usize, tasks: usize) -> Standing {
        let shorter = shorter.iter().map(|&label| label.to_owned()).collect();
        Standing { label: label.to_owned(), shorter, tone: Tone::Plain, alive: true, offers, tasks }
    }

    #[test]
    fn a_prompt_changes_within_its_room() {
        let lost = ["(lost, 60 min left)", "(lost, 60 min)", "(lost)"];
        let lost = |tasks| standing("(connection lost, 60 min left)", &lost, 0, tasks);
        let fits = |standing: &Standing, columns| fitted(standing, Theme::PLAIN, columns).unwrap_or_default();
        for (standing, columns, want) in [
            (standing("3f2a-0001", &[], 1, 0), 28, "mesos 3f2a-0001 | 1 offer > "),
            (standing("3f2a-0001", &[], 0, 0), 28, "mesos 3f2a-0001           > "),
            (standing("3f2a-0001", &[], 12, 3), 28, "mesos 3f2a-0001 | 3 tasks > "),
            (standing("3f2a-0001", &[], 12, 0), 28, "mesos 3f2a-0001 | ...     > "),
            (standing("3f2a-0001", &[], 12, 3), 25, "mesos 3f2a-0001 | ...  > "),
            (standing("3f2a-0001", &[], 2, 0), 18, "mesos 3f2a-0001 > "),
            (standing("3f2a-0001", &[], 2, 0), 17, ""),
            (lost(0), 40, "mesos (connection lost, 60 min left)  > "),
            (lost(0), 39, "mesos (connection lost, 60 min left) > "),
            (lost(2), 39, "mesos (lost, 60 min left) | 2 tasks  > "),
            (lost(2), 28, "mesos (lost) | 2 tasks    > "),
            (lost(0), 28, "mesos (lost, 60 min left) > "),
            (lost(0), 18, "mesos (lost)    > "),
        ] {
            assert_eq!(fits(&standing, columns), want, "{standing:?} in {columns}");
            assert!(want.is_empty() || want.len() == columns, "{want:?} isn't of {columns}");
        }
        let (plain, painted) = prompt(&lost(1), Theme::PLAIN);
        assert_eq!((plain.as_str(), painted), ("mesos (connection lost, 60 min left) | 1 task > ", plain.clone()));
    }
}
