//! Tables in a window: which columns stay, how wide each is, and the rows.
//!
//! Where room is short, columns go by their priority and words are cut with `…`; numbers are cut last. A wide page keeps
//! all as it is.

use super::line::{fit, width};
use super::words::{Reading, Words};
use super::{Page, Style, safe_line};
use crate::document::{Align, Table};

/// Between columns.
const GAP: usize = 2;
/// A column of words that always stays is not cut below this before others go.
const FLOOR_KEPT: usize = 24;
/// A column of words that may go is not cut below this before it does.
const FLOOR_DROPPED: usize = 14;

/// A column as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lane {
    /// Which of the table's.
    column: usize,
    width: usize,
    align: Align,
}

/// Writes the table: a header line and the rows.
pub(super) fn write(table: &Table, page: &Page, out: &mut String) {
    let reading = Reading { whole: page.wide, zone: &page.zone, headed: true };
    let titles: Vec<String> = table.columns.iter().map(|column| safe_line(&column.title).to_uppercase()).collect();
    let rows: Vec<Vec<Words<'_>>> = table
        .rows
        .iter()
        .map(|row| row.iter().take(table.columns.len()).map(|cell| reading.words(cell)).collect())
        .collect();
    let measured = measure(&titles, &rows);
    let lanes = if page.wide { whole(table, &measured) } else { lay_out(table, &measured, page.width) };
    let room = if page.wide { usize::MAX } else { page.width };

    line(&lanes, room, out, page, |column| titles.get(column).map(|title| (title.as_str(), Style::Header)));
    for row in &rows {
        line(&lanes, room, out, page, |column| row.get(column).map(|words| (words.text.as_ref(), words.style)));
    }
}

/// What each column would like to have.
#[derive(Debug, Clone, Copy)]
struct Measure {
    title: usize,
    cells: usize,
}

impl Measure {
    fn natural(self) -> usize {
        self.title.max(self.cells)
    }
}

fn measure(titles: &[String], rows: &[Vec<Words<'_>>]) -> Vec<Measure> {
    let mut measures: Vec<Measure> = titles.iter().map(|title| Measure { title: width(title), cells: 0 }).collect();
    for row in rows {
        for (measure, words) in measures.iter_mut().zip(row) {
            measure.cells = measure.cells.max(width(&words.text));
        }
    }
    measures
}

fn whole(table: &Table, measured: &[Measure]) -> Vec<Lane> {
    let lane = |(column, (of, measure)): (usize, (&crate::document::Column, &Measure))| Lane {
        column,
        width: measure.natural(),
        align: of.align,
    };
    table.columns.iter().zip(measured).enumerate().map(lane).collect()
}

/// A column while it is decided upon.
struct Plan {
    lane: Lane,
    natural: usize,
    priority: u8,
    is_empty: bool,
}

/// The columns that fit, in their order.
fn lay_out(table: &Table, measured: &[Measure], room: usize) -> Vec<Lane> {
    let mut plans: Vec<Plan> = whole(table, measured)
        .into_iter()
        .zip(measured.iter().zip(&table.columns))
        .map(|(lane, (measure, column))| {
            let floor = if column.priority == 0 { FLOOR_KEPT } else { FLOOR_DROPPED };
            let width = match lane.align {
                Align::Left => measure.natural().min(floor.max(measure.title)),
                Align::Right => measure.natural(),
            };
            Plan {
                lane: Lane { width, ..lane },
                natural: measure.natural(),
                priority: column.priority,
                is_empty: measure.cells == 0,
            }
        })
        .collect();
    while total(&plans) > room
        && let Some(at) = next_to_go(&plans)
    {
        plans.remove(at);
    }
    squeeze(&mut plans, room);
    stretch(&mut plans, room);
    plans.into_iter().map(|plan| plan.lane).collect()
}

fn total(plans: &[Plan]) -> usize {
    let gaps = GAP * plans.len().saturating_sub(1);
    plans.iter().map(|plan| plan.lane.width).sum::<usize>() + gaps
}

/// What goes first: an empty column, then the highest priority, of several the one furthest right.
fn next_to_go(plans: &[Plan]) -> Option<usize> {
    let droppable = plans.iter().enumerate().filter(|(_, plan)| plan.priority > 0);
    droppable.max_by_key(|(at, plan)| (plan.is_empty, plan.priority, *at)).map(|(at, _)| at)
}

/// Takes from the widest until the rest fits: from words first, from numbers where nothing else is left.
fn squeeze(plans: &mut [Plan], room: usize) {
    for (only, least) in [(Some(Align::Left), 6), (None, 1)] {
        while total(plans) > room {
            let able = plans.iter_mut().filter(|plan| only.is_none_or(|align| plan.lane.align == align));
            match able.filter(|plan| plan.lane.width > least).max_by_key(|plan| plan.lane.width) {
                Some(widest) => widest.lane.width -= 1,
                None => break,
            }
        }
    }
}

/// Gives what is left to the columns that were cut, to those first that want little.
fn stretch(plans: &mut [Plan], room: usize) {
    let mut left = room.saturating_sub(total(plans));
    let mut wanting: Vec<&mut Plan> = plans.iter_mut().filter(|plan| plan.natural > plan.lane.width).collect();
    wanting.sort_by_key(|plan| plan.natural - plan.lane.width);
    let mut sharers = wanting.len();
    for plan in wanting {
        let part = (plan.natural - plan.lane.width).min(left / sharers);
        plan.lane.width += part;
        left -= part;
        sharers -= 1;
    }
}

/// Writes one line of cells, no wider than the room and without blanks at its end.
fn line<'t>(
    lanes: &[Lane],
    room: usize,
    out: &mut String,
    page: &Page,
    cell: impl Fn(usize) -> Option<(&'t str, Style)>,
) {
    let mut used = 0;
    let mut blanks = 0;
    for (at, lane) in lanes.iter().enumerate() {
        blanks += if at == 0 { 0 } else { GAP };
        let (text, style) = cell(lane.column).unwrap_or(("", Style::PLAIN));
        // Where even the narrowest columns are too many, the last ones have no room.
        let text = fit(text.trim_end_matches(' '), lane.width.min(room.saturating_sub(used + blanks)));
        let padding = lane.width.saturating_sub(width(&text));
        let (before, after) = if lane.align == Align::Right { (padding, 0) } else { (0, padding) };
        if text.is_empty() {
            blanks += lane.width;
            continue;
        }
        let before = (blanks + before).min(room.saturating_sub(used + width(&text)));
        out.extend(std::iter::repeat_n(' ', before));
        out.push_str(&page.theme.paint(style, &text));
        used += before + width(&text);
        blanks = after;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::document::{Cell, Column};

    fn offers() -> Table {
        let columns = [
            Column::new("Offer"),
            Column::new("Agent"),
            Column::number("CPUs"),
            Column::number("Mem"),
            Column::new("Ports").drops(3),
            Column::new("Attributes").drops(5),
            Column::new("Role").drops(6),
            Column::number("Age").drops(2),
        ];
        let ports = || Cell::Ports(vec![(31000, 32000)]);
        let rack = || Cell::Pairs(vec![("rack".into(), "r2d2".into()), ("pod".into(), "demo,dev".into())]);
        let age = |seconds| Cell::Ago(Duration::from_secs(seconds));
        let id = |end: &str| Cell::id(format!("48ba5286-94c4-47a0-b6b4-bb4e6b0d4a7e-{end}"), end);
        Table::new(columns, "no offers")
            .row([
                id("O0"),
                "S0 agent1".into(),
                Cell::Cpus(4.0),
                Cell::Mebibytes(4096.0),
                ports(),
                rack(),
                "*".into(),
                age(2),
            ])
            .row([id("O10"), "S1 agent2.example.com".into(), Cell::Cpus(0.5), Cell::Mebibytes(100.0), ports()])
    }

    fn drawn(table: &Table, page: &Page) -> String {
        let mut out = String::new();
        write(table, page, &mut out);
        out
    }

    #[test]
    fn columns_stand_in_place_and_go_by_priority() {
        let wide = "
OFFER  AGENT                  CPUS      MEM  PORTS        ATTRIBUTES              ROLE  AGE
O0     S0 agent1                 4    4 GiB  31000-32000  rack=r2d2 pod=demo,dev  *      2s
O10    S1 agent2.example.com   0.5  100 MiB  31000-32000
";
        let cut = "
OFFER  AGENT                  CPUS      MEM  PORTS        ATTRIBUTES      ROLE  AGE
O0     S0 agent1                 4    4 GiB  31000-32000  rack=r2d2 pod…  *      2s
O10    S1 agent2.example.com   0.5  100 MiB  31000-32000
";
        let dropped = "
OFFER  AGENT                  CPUS      MEM  PORTS        AGE
O0     S0 agent1                 4    4 GiB  31000-32000   2s
O10    S1 agent2.example.com   0.5  100 MiB  31000-32000
";
        let squeezed = "
OFFER  AGENT   CPUS      MEM
O0     S0 ag…     4    4 GiB
O10    S1 ag…   0.5  100 MiB
";
        for (width, want) in [(120, wide), (91, wide), (83, cut), (64, dropped), (28, squeezed)] {
            let got = drawn(&offers(), &Page::plain(width));
            assert_eq!(format!("\n{got}"), want, "in {width}");
        }
    }

    #[test]
    fn a_wide_page_shows_whole_ids_however_narrow_the_window() {
        let page = Page { wide: true, ..Page::plain(20) };
        let out = drawn(&offers(), &page);
        assert!(out.contains("48ba5286-94c4-47a0-b6b4-bb4e6b0d4a7e-O10  S1 agent2.example.com   0.5"), "{out}");
        assert!(out.contains("rack=r2d2 pod=demo,dev"), "{out}");
    }

    #[test]
    fn colours_do_not_move_columns() {
        let table = Table::new([Column::new("Task"), Column::new("State"), Column::new("Agent")], "").row([
            "web".into(),
            Cell::task_state("TASK_FAILED"),
            "S0".into(),
        ]);
        let page = Page::plain(80).coloured(true);
        assert_eq!(
            drawn(&table, &page),
            "\x1b[2mTASK\x1b[0m  \x1b[2mSTATE\x1b[0m   \x1b[2mAGENT\x1b[0m\nweb   \x1b[31mFAILED\x1b[0m  S0\n"
        );
    }

    #[test]
    fn outside_text_stays_in_its_cell() {
        let table = Table::new([Column::new("Task"), Column::new("Message")], "")
            .row(["a\nb\x1b[2J".into(), "日本\u{202e}x".into()])
            .row(["naïve".into(), "y".into()]);
        assert_eq!(
            drawn(&table, &Page::plain(80)),
            "TASK         MESSAGE\na\\nb\\x1b[2J  日本\\u{202e}x\nnaïve        y\n"
        );
    }

    fn any_table() -> impl Strategy<Value = Table> {
        let column = ("[\\PC]{0,12}", any::<bool>(), 0_u8..4).prop_map(|(title, is_number, priority)| {
            if is_number { Column::number(title).drops(priority) } else { Column::new(title).drops(priority) }
        });
        let cell = prop_oneof![
            any::<String>().prop_map(Cell::from),
            any::<f64>().prop_map(Cell::Cpus),
            any::<f64>().prop_map(Cell::Mebibytes),
            Just(Cell::Empty),
        ];
        let rows = prop::collection::vec(prop::collection::vec(cell, 0..8), 0..5);
        (prop::collection::vec(column, 0..8), rows).prop_map(|(columns, rows)| Table {
            name: String::new(),
            columns,
            rows,
            empty: String::new(),
        })
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_window(table in any_table(), room in 1_usize..100) {
            let out = drawn(&table, &Page::plain(room));
            prop_assert_eq!(out.lines().count(), table.rows.len() + 1);
            for line in out.lines() {
                prop_assert!(width(line) <= room, "{:?} is {} wide, not {}", line, width(line), room);
                prop_assert_eq!(line.trim_end_matches(' '), line);
            }
        }
    }
}
