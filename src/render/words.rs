//! Cells as words: units that people read, ids as short as they may be. Text from outside leaves here safe.
//!
//! The same words stand in a terminal, in a pipe and in a notebook; nothing here knows widths or colour codes.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use super::{Style, safe_line};
use crate::document::{Cell, Tone, Unit};

/// How cells are read out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Ids as Mesos knows them.
    pub whole: bool,
    /// Where moments are told.
    pub zone: &'a TimeZone,
    /// Whether the words stand under a heading that says what they are (`AGE`), or must say so themselves.
    pub headed: bool,
}

/// What a cell says, safe to print, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// What it means.
    pub style: Style,
}

impl<'a> Words<'a> {
    fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Words { text: text.into(), style: Style::Tone(Tone::Plain) }
    }

    fn toned(text: impl Into<Cow<'a, str>>, tone: Tone) -> Self {
        Words { text: text.into(), style: Style::Tone(tone) }
    }
}

impl Reading<'_> {
    /// Reads a cell out.
    pub(super) fn words<'c>(&self, cell: &'c Cell) -> Words<'c> {
        match cell {
            Cell::Empty => Words::plain(""),
            Cell::Text(text) => Words::plain(safe_line(text)),
            Cell::Toned(piece) => Words::toned(safe_line(&piece.text), piece.tone),
            Cell::Id { whole, short } => Words::plain(safe_line(if self.whole { whole } else { short })),
            Cell::Cpus(number) | Cell::Number(number) => Words::plain(decimal(*number, 3)),
            Cell::Mebibytes(number) => Words::plain(mebibytes(*number)),
            Cell::Bytes(number) => Words::plain(bytes(*number)),
            Cell::Count(number) => Words::plain(number.to_string()),
            Cell::Ports(ranges) => Words::plain(ports(ranges)),
            Cell::State { name, tone } => Words::toned(safe_line(state(name)), *tone),
            Cell::Ago(time) if self.headed => Words::plain(coarse(*time)),
            Cell::Ago(time) => Words::plain(format!("{} ago", coarse(*time))),
            Cell::Left(time) if self.headed => Words::plain(coarse(*time)),
            Cell::Left(time) => Words::plain(format!("{} left", coarse(*time))),
            Cell::Lasted(time) => Words::plain(fine(*time)),
            Cell::Time(time) => Words::plain(moment(*time, self.zone)),
            Cell::Pairs(pairs) => Words::plain(named(pairs)),
            Cell::Share { used, total, unit } => Words::plain(share(*used, *total, *unit)),
            Cell::Bool(yes) => Words::plain(if *yes { "yes" } else { "no" }),
            Cell::List(cells) => self.list(cells),
            Cell::Json(value) => Words::plain(safe_line(&value.to_string()).into_owned()),
        }
    }

    /// Several values with commas between; of one tone if they share it.
    fn list<'c>(&self, cells: &'c [Cell]) -> Words<'c> {
        let words: Vec<_> = cells.iter().map(|cell| self.words(cell)).filter(|words| !words.text.is_empty()).collect();
        let style = match words.split_first() {
            Some((first, rest)) if rest.iter().all(|words| words.style == first.style) => first.style,
            _ => Style::Tone(Tone::Plain),
        };
        let texts: Vec<&str> = words.iter().map(|words| words.text.as_ref()).collect();
        Words { text: texts.join(", ").into(), style }
    }
}

/// A state's name as people say it: every task state begins with `TASK_`, so that tells nothing.
pub(super) fn state(name: &str) -> &str {
    name.strip_prefix("TASK_").filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// A number with as many decimals as it needs, up to some. Sums of tenths lose their noise, small numbers don't vanish.
fn decimal(number: f64, decimals: usize) -> String {
    let size = number.abs();
    let rounds_to_nothing = size > 0.0 && size < 0.5 * 0.1_f64.powi(i32::try_from(decimals).unwrap_or(3));
    if !number.is_finite() {
        number.to_string()
    } else if rounds_to_nothing || size >= 1e15 {
        format!("{number:e}")
    } else {
        let text = format!("{number:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

/// An amount of MiB in the unit in which it is short.
fn mebibytes(number: f64) -> String {
    scaled(number, &["MiB", "GiB", "TiB", "PiB"]).unwrap_or_else(|| format!("{} KiB", decimal(number * 1024.0, 1)))
}

/// An amount of bytes in the unit in which it is short.
pub(super) fn bytes(number: u64) -> String {
    // What an f64 loses above 2^53 is far behind the one decimal shown.
    scaled(number as f64, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]).unwrap_or_else(|| "0 B".to_owned())
}

/// The number in the largest unit that leaves it at one or above; `None` if it is below one of the smallest.
fn scaled(number: f64, units: &[&str]) -> Option<String> {
    if number == 0.0 {
        return units.first().map(|unit| format!("0 {unit}"));
    }
    let mut number = number;
    let mut units = units.iter().peekable();
    let mut unit = units.next()?;
    // 1023.96 would be written as 1024.0, which is one of the next unit.
    while number.abs() >= 1023.95
        && let Some(larger) = units.next()
    {
        number /= 1024.0;
        unit = larger;
    }
    (number.abs() >= 0.95 || !number.is_finite()).then(|| format!("{} {unit}", decimal(number, 1)))
}

fn ports(ranges: &[(u64, u64)]) -> String {
    let range = |(begin, end): &(u64, u64)| {
        if begin == end { begin.to_string() } else { format!("{begin}-{end}") }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(",")
}

/// A span of time as one says it of an age: a second here or there doesn't matter, more than two units never do.
pub(super) fn coarse(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit}{small}{small_unit}") }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..600 => two(minutes, "m", seconds % 60, "s"),
        600..3600 => format!("{minutes}m"),
        3600..36_000 => two(hours, "h", minutes % 60, "m"),
        36_000..172_800 => format!("{hours}h"),
        172_800..864_000 => two(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

/// A span of time as one says it of a measurement.
pub(super) fn fine(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0 => "0s".to_owned(),
        _ if seconds < 0.01 => format!("{}ms", decimal(seconds * 1e3, 1)),
        _ if seconds < 0.9995 => format!("{:.0}ms", seconds * 1e3),
        _ if seconds < 59.95 => format!("{}s", decimal(seconds, 1)),
        _ => coarse(Duration::from_secs(time.as_secs() + u64::from(time.subsec_millis() >= 500))),
    }
}

/// How long after a beginning: with tenths while they can be told apart, and always, so that a column of them is even.
pub(super) fn offset(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 99.95 { format!("{seconds:.1}s") } else { coarse(time) }
}

fn moment(time: SystemTime, zone: &TimeZone) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        // Only a clock beyond the year 9999 comes here.
        Err(_) => "beyond the calendar".to_owned(),
    }
}

fn named(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", safe_line(name), safe_line(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join(" ")
}

fn share(used: f64, total: f64, unit: Unit) -> String {
    match unit {
        Unit::Cpus | Unit::Count => format!("{}/{}", decimal(used, 3), decimal(total, 3)),
        Unit::Mebibytes => {
            let (used, total) = (mebibytes(used), mebibytes(total));
            // `1/4 GiB` says it; the unit is needed twice only where it differs.
            match (used.split_once(' '), total.split_once(' ')) {
                (Some((part, unit)), Some((_, same))) if unit == same => format!("{part}/{total}"),
                (Some(("0", _)), _) => format!("0/{total}"),
                _ => format!("{used}/{total}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &Cell, headed: bool) -> String {
        let zone = TimeZone::UTC;
        Reading { whole: false, zone: &zone, headed }.words(cell).text.into_owned()
    }

    #[test]
    fn cells_read_as_people_say_them() {
        let seconds = Duration::from_secs;
        let share = |used, total, unit| Cell::Share { used, total, unit };
        let pairs = Cell::Pairs(vec![("rack".into(), "r2\n".into()), ("pod".into(), "a".into())]);
        for (cell, want) in [
            (Cell::Empty, ""),
            (Cell::from("a\nb"), "a\\nb"),
            (Cell::id("48ba-O1", "O1"), "O1"),
            (Cell::Cpus(0.2), "0.2"),
            (Cell::Cpus(4.0), "4"),
            (Cell::Cpus(0.1 + 0.2), "0.3"),
            (Cell::Cpus(100.0), "100"),
            (Cell::Cpus(0.0001), "1e-4"),
            (Cell::Number(-1.5), "-1.5"),
            (Cell::Number(1e300), "1e300"),
            (Cell::Mebibytes(0.0), "0 MiB"),
            (Cell::Mebibytes(0.5), "512 KiB"),
            (Cell::Mebibytes(100.0), "100 MiB"),
            (Cell::Mebibytes(1023.99), "1 GiB"),
            (Cell::Mebibytes(4096.0), "4 GiB"),
            (Cell::Mebibytes(10_035.0), "9.8 GiB"),
            (Cell::Mebibytes(3_145_728.0), "3 TiB"),
            (Cell::Bytes(0), "0 B"),
            (Cell::Bytes(1), "1 B"),
            (Cell::Bytes(3500), "3.4 KiB"),
            (Cell::Bytes(u64::MAX), "16384 PiB"),
            (Cell::Count(50_000), "50000"),
            (Cell::Ports(vec![(31000, 32000), (9000, 9000)]), "31000-32000,9000"),
            (Cell::task_state("TASK_RUNNING"), "RUNNING"),
            (Cell::task_state("TASK_"), "TASK_"),
            (Cell::Ago(seconds(3)), "3s"),
            (Cell::Left(seconds(120)), "2m"),
            (Cell::Lasted(Duration::from_millis(4)), "4ms"),
            (Cell::Time(SystemTime::UNIX_EPOCH + seconds(3600)), "1970-01-01 01:00:00 UTC"),
            (pairs, "rack=r2\\n pod=a"),
            (share(0.2, 4.0, Unit::Cpus), "0.2/4"),
            (share(1024.0, 4096.0, Unit::Mebibytes), "1/4 GiB"),
            (share(100.0, 4096.0, Unit::Mebibytes), "100 MiB/4 GiB"),
            (share(0.0, 4096.0, Unit::Mebibytes), "0/4 GiB"),
            (Cell::Bool(true), "yes"),
            (Cell::List(vec![Cell::Cpus(0.2), Cell::Empty, Cell::Mebibytes(64.0)]), "0.2, 64 MiB"),
            (Cell::Json(serde_json::json!({"a": "\u{202e}"})), "{\"a\":\"\\u{202e}\"}"),
        ] {
            assert_eq!(read(&cell, true), want, "{cell:?}");
        }
        assert_eq!(read(&Cell::Ago(seconds(3)), false), "3s ago");
        assert_eq!(read(&Cell::Left(seconds(61)), false), "1m1s left");
    }

    #[test]
    fn time_is_told_in_few_units() {
        for (seconds, want) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (125, "2m5s"),
            (1500, "25m"),
            (3600, "1h"),
            (3900, "1h5m"),
            (90_000, "25h"),
            (180_000, "2d2h"),
            (8_640_000, "100d"),
        ] {
            assert_eq!(coarse(Duration::from_secs(seconds)), want);
        }
        for (micros, want) in [
            (0, "0s"),
            (400, "0.4ms"),
            (4_000, "4ms"),
            (250_400, "250ms"),
            (999_600, "1s"),
            (3_140_000, "3.1s"),
            (15_000_000, "15s"),
            (59_960_000, "1m"),
            (125_000_000, "2m5s"),
        ] {
            assert_eq!(fine(Duration::from_micros(micros)), want);
        }
        for (millis, want) in [(0, "0.0s"), (3_140, "3.1s"), (99_960, "1m39s"), (99_900, "99.9s")] {
            assert_eq!(offset(Duration::from_millis(millis)), want);
        }
    }
}
