//! A storm: one fault after the other, wholly decided by its seed.

use std::time::Duration;

use super::{Fault, Order, Updates};

/// The faults of a storm, and when each comes, for a cluster of so many agents. None of them takes anything from a
/// scheduler that subscribes again, acknowledges and reconciles: no task ends by it.
pub(in crate::embedded) fn storm(
    seed: u64,
    lasting: Duration,
    every: Duration,
    agents: usize,
) -> Vec<(Duration, Order)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut series = Vec::new();
    let mut at = every.mul_f64(random.f64());
    while at < lasting {
        let left = lasting - at;
        series.push((at, one(&mut random, left.min(every), agents)));
        at += every.mul_f64(0.5 + random.f64());
    }
    series
}

fn one(random: &mut fastrand::Rng, longest: Duration, agents: usize) -> Order {
    // What lasts is over before the next one comes, mostly: overlapping ones are worth seeing too.
    let some_time = longest.mul_f64(0.2 + random.f64());
    let few = random.u32(1..4);
    let seed = random.u64(..);
    let agent = (agents > 0).then(|| random.usize(..agents).to_string());
    let (fault, lasts) = match random.u8(0..13) {
        0 => (Fault::Cut { after: Some(random.u64(0..2000)), inside: false, next: false }, false),
        1 => (Fault::Cut { after: None, inside: true, next: false }, false),
        2 => (Fault::Cut { after: Some(random.u64(0..400)), inside: false, next: true }, true),
        3 => (Fault::Split, true),
        4 => (Fault::Mute, true),
        5 => (Fault::Delay { by: some_time.mul_f64(0.2), jitter: some_time.mul_f64(0.2) }, true),
        6 => (Fault::NoLeader, true),
        7 => (Fault::Recovering, true),
        8 => (Fault::Rescind { offers: Vec::new() }, false),
        9 => (Fault::Partition { agent }, true),
        10 => (Fault::Double(Updates { count: Some(few), ..Updates::default() }), true),
        11 => (Fault::Drop(Updates { count: Some(few), ..Updates::default() }), true),
        _ => (Fault::Restart { registry: random.bool(), down: some_time.mul_f64(0.5) }, false),
    };
    Order { fault, lasting: lasts.then_some(some_time), seed: Some(seed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_storm() {
        let storm = |seed| storm(seed, Duration::from_secs(60), Duration::from_secs(2), 3);
        assert_eq!(storm(1), storm(1));
        assert_ne!(storm(1), storm(2));
        assert!((20..80).contains(&storm(1).len()), "{}", storm(1).len());
        let times: Vec<_> = storm(3).into_iter().map(|(at, _)| at).collect();
        assert!(times.is_sorted() && times.iter().all(|at| *at < Duration::from_secs(60)));
        for (_, order) in (0..50).flat_map(storm) {
            assert_eq!(order.check(), Ok(()), "{order:?}");
        }
    }
}
