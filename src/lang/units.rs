//! Values as people write them: memory, time, ports. Pure text to value; no defaults, no limits of Mesos's.

use std::time::Duration;

/// MiB from `100`, `512m`, `1g`, `1.5 GiB`, `100 MB` (which Mesos takes for MiB too); `None` for anything else.
pub fn mebibytes(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    let factor = match unit.to_lowercase().as_str() {
        "" | "m" | "mb" | "mib" => 1.0,
        "b" => 1.0 / 1_048_576.0,
        "k" | "kb" | "kib" => 1.0 / 1024.0,
        "g" | "gb" | "gib" => 1024.0,
        "t" | "tb" | "tib" => 1_048_576.0,
        _ => return None,
    };
    finite(number * factor)
}

/// A span of time from `30` (seconds), `500ms`, `30s`, `5m`, `1h30m`, `2 weeks`; `None` for anything else.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let past_number = rest.find(|c: char| !is_numeric(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(past_number)?;
        let after = after.trim_start();
        let past_unit = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(past_unit)?;
        seconds += number.parse::<f64>().ok()? * seconds_in(unit)?;
        rest = after.trim_start();
    }
    // An empty text has no number, and no time is not a time of nothing.
    if text.trim().is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

/// The units of people, and those that Mesos writes itself (`15secs`, `1weeks`).
fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

/// Port ranges from `9000`, `9000-10000`, `[9000-9010, 9050]`; `None` for anything else or a range upside down.
pub fn ports(text: &str) -> Option<Vec<(u64, u64)>> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    inner.split(',').map(range).collect()
}

fn range(text: &str) -> Option<(u64, u64)> {
    let (begin, end) = text.split_once('-').unwrap_or((text, text));
    let (begin, end) = (port(begin)?, port(end)?);
    (begin <= end).then_some((begin, end))
}

fn port(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A number that is no infinity and not below zero.
pub(super) fn finite(number: f64) -> Option<f64> {
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let past = text.find(|c: char| !is_numeric(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(past)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn memory() {
        for (text, want) in [
            ("100", Some(100.0)),
            ("512m", Some(512.0)),
            ("1g", Some(1024.0)),
            ("1.5 GiB", Some(1536.0)),
            ("100 MB", Some(100.0)),
            ("512k", Some(0.5)),
            ("1048576b", Some(1.0)),
            ("0", Some(0.0)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1x", None),
            ("1.2.3", None),
            ("two", None),
            ("inf", None),
        ] {
            assert_eq!(mebibytes(text), want, "{text}");
        }
    }

    #[test]
    fn time() {
        let ms = |ms| Some(Duration::from_millis(ms));
        for (text, want) in [
            ("30", ms(30_000)),
            ("0.5", ms(500)),
            ("500ms", ms(500)),
            ("30s", ms(30_000)),
            ("15secs", ms(15_000)),
            ("5m", ms(300_000)),
            ("1h30m", ms(5_400_000)),
            ("1 h 30 min", ms(5_400_000)),
            ("2 weeks", ms(1_209_600_000)),
            ("", None),
            ("s", None),
            ("-5", None),
            ("5x", None),
            ("5s6", None),
            ("1e300", None),
            ("nan", None),
        ] {
            assert_eq!(duration(text), want, "{text}");
        }
    }

    #[test]
    fn port_ranges() {
        for (text, want) in [
            ("9000", Some(vec![(9000, 9000)])),
            ("9000-10000", Some(vec![(9000, 10000)])),
            ("[9000-9010, 9050]", Some(vec![(9000, 9010), (9050, 9050)])),
            ("", None),
            ("9-8", None),
            ("-1", None),
            ("80:8080", None),
            ("+80", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(ports(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = (mebibytes(&text), duration(&text), ports(&text));
        }
    }
}
