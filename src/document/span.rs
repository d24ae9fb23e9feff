//! A span of time as people say it, for sentences. Tables have their own cells for it.

use std::time::Duration;

/// `0.5 s`, `30 s`, `48 min`, `90 min`, `2 h`, `7 days`: to the unit that matters.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 10.0 && s.fract() >= 0.05 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 && s % 3600.0 != 0.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_as_people_do() {
        for (seconds, want) in [
            (0.0, "0 s"),
            (0.5, "0.5 s"),
            (5.0, "5 s"),
            (30.4, "30 s"),
            (2880.0, "48 min"),
            (3600.0, "1 h"),
            (5400.0, "90 min"),
            (7200.0, "2 h"),
            (604_800.0, "7 days"),
        ] {
            assert_eq!(span(Duration::from_secs_f64(seconds)), want);
        }
    }
}
