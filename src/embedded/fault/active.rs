//! The faults that go on: asked by whatever they concern, at the moment when it matters.
//!
//! The one thing that master, agents and HTTP share: a fault has no owner among them, and must outlive a master's end.
//! What a fault does is theirs; here is only whether it does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Fault, Ongoing, Order, Updates};
use crate::mesos::TaskId;

/// Where the APIs stand, when not as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::embedded) enum Standing {
    /// They answer.
    #[default]
    Leading,
    /// Another master leads, there.
    Elsewhere(String),
    /// Nobody leads.
    NoLeader,
    /// Not yet recovered.
    Recovering,
}

/// What becomes of an agent's update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) enum Fate {
    Pass,
    Drop,
    Double,
}

/// The faults of a cluster. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub(in crate::embedded) struct Faults(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    faults: BTreeMap<u64, Active>,
    last: u64,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    seed: u64,
    random: fastrand::Rng,
    since: SystemTime,
    until: Option<Instant>,
    /// Updates that are still to go wrong.
    left: Option<u32>,
}

impl Faults {
    fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at those of which the time isn't over.
    fn find<T>(&self, look: impl FnMut(&mut Active) -> Option<T>) -> Option<T> {
        self.book(|book| {
            // Most of the time nothing goes wrong.
            if book.faults.is_empty() {
                return None;
            }
            book.expire(Instant::now());
            book.faults.values_mut().rev().find_map(look)
        })
    }

    /// Begins one that lasts; its number.
    pub(in crate::embedded) fn begin(&self, order: &Order, seed: u64) -> u64 {
        let left = match &order.fault {
            Fault::Drop(updates) | Fault::Double(updates) => updates.count,
            _ => None,
        };
        let active = Active {
            fault: order.fault.clone(),
            seed,
            random: fastrand::Rng::with_seed(seed),
            since: SystemTime::now(),
            until: order.lasting.and_then(|time| Instant::now().checked_add(time)),
            left,
        };
        self.book(|book| {
            // A second one of a kind of which there can be but one takes its place.
            if let Some(only) = exclusive(&active.fault) {
                book.faults.retain(|_, known| exclusive(&known.fault) != Some(only));
            }
            book.last += 1;
            book.faults.insert(book.last, active);
            book.last
        })
    }

    /// Those that go on, the oldest first.
    pub(in crate::embedded) fn list(&self) -> Vec<Ongoing> {
        self.book(|book| {
            let now = Instant::now();
            book.expire(now);
            book.faults.iter().map(|(id, active)| active.told(*id, now)).collect()
        })
    }

    /// Ends those that `chosen` picks; they are returned.
    pub(in crate::embedded) fn end(&self, chosen: impl Fn(u64, &Fault) -> bool) -> Vec<Ongoing> {
        self.book(|book| {
            let now = Instant::now();
            book.expire(now);
            let ids: Vec<u64> = book.faults.iter().filter(|(id, it)| chosen(**id, &it.fault)).map(|it| *it.0).collect();
            ids.iter().filter_map(|id| Some(book.faults.remove(id)?.told(*id, now))).collect()
        })
    }

    /// Whether streams are written byte by byte.
    pub(in crate::embedded) fn split(&self) -> bool {
        self.find(|active| (active.fault == Fault::Split).then_some(())).is_some()
    }

    /// Whether heartbeats stay away.
    pub(in crate::embedded) fn mute(&self) -> bool {
        self.find(|active| (active.fault == Fault::Mute).then_some(())).is_some()
    }

    /// By how much the next event or answer is late.
    pub(in crate::embedded) fn delay(&self) -> Duration {
        let late = self.find(|active| match &active.fault {
            Fault::Delay { by, jitter } => Some(by.saturating_add(jitter.mul_f64(active.random.f64()))),
            _ => None,
        });
        late.unwrap_or_default()
    }

    /// How the APIs answer.
    pub(in crate::embedded) fn standing(&self) -> Standing {
        let standing = self.find(|active| match &active.fault {
            Fault::Redirect { to } => Some(Standing::Elsewhere(to.clone())),
            Fault::NoLeader => Some(Standing::NoLeader),
            Fault::Recovering => Some(Standing::Recovering),
            _ => None,
        });
        standing.unwrap_or_default()
    }

    /// How much longer the next image takes.
    pub(in crate::embedded) fn slow_pull(&self) -> Duration {
        let slow = self.find(|active| match &active.fault {
            Fault::SlowPull { by } => Some(*by),
            _ => None,
        });
        slow.unwrap_or_default()
    }

    /// Whether the next image is nowhere to be had.
    pub(in crate::embedded) fn no_image(&self) -> bool {
        self.find(|active| matches!(active.fault, Fault::NoImage).then_some(())).is_some()
    }

    /// What becomes of an update of that task.
    pub(in crate::embedded) fn update(&self, task: &TaskId) -> Fate {
        let fate = self.find(|active| {
            let (updates, fate) = match &active.fault {
                Fault::Drop(updates) => (updates, Fate::Drop),
                Fault::Double(updates) => (updates, Fate::Double),
                _ => return None,
            };
            let Updates { chance, task: of, .. } = updates;
            if of.as_ref().is_some_and(|of| of != task.as_str()) {
                return None;
            }
            if let Some(chance) = *chance {
                return (active.random.f64() < chance).then_some(fate);
            }
            if let Some(left) = &mut active.left {
                *left = left.checked_sub(1)?;
            }
            Some(fate)
        });
        fate.unwrap_or(Fate::Pass)
    }

    /// After how many bytes the stream that begins now breaks off, if it does. Only one stream does so.
    pub(in crate::embedded) fn take_cut(&self) -> Option<Cut> {
        self.book(|book| {
            book.expire(Instant::now());
            let next = |active: &Active| matches!(&active.fault, Fault::Cut { .. });
            let id = book.faults.iter().find(|(_, active)| next(active)).map(|(id, _)| *id)?;
            let mut active = book.faults.remove(&id)?;
            match active.fault {
                Fault::Cut { after, inside, .. } => Some(Cut::new(after, inside, &mut active.random)),
                _ => None,
            }
        })
    }
}

/// Where a stream breaks off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::embedded) enum Cut {
    /// After so many bytes.
    After(u64),
    /// Inside the next record, at this part of it, from 0 to 1.
    Inside(f64),
}

impl Cut {
    /// As a [`Fault::Cut`] says it.
    pub(in crate::embedded) fn new(after: Option<u64>, inside: bool, random: &mut fastrand::Rng) -> Self {
        match (inside, after) {
            (true, _) => Self::Inside(random.f64()),
            (false, after) => Self::After(after.unwrap_or(0)),
        }
    }
}

/// Of these, one at a time: the newest.
fn exclusive(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::Redirect { .. } | Fault::NoLeader | Fault::Recovering => Some("standing"),
        Fault::Split | Fault::Mute | Fault::Delay { .. } | Fault::SlowPull { .. } | Fault::NoImage => {
            Some(fault.kind())
        }
        _ => None,
    }
}

impl Book {
    fn expire(&mut self, now: Instant) {
        let over = |active: &Active| active.until.is_some_and(|until| until <= now) || active.left == Some(0);
        // An agent's return is something to be done: the cluster ends these itself.
        self.faults.retain(|_, active| matches!(active.fault, Fault::Partition { .. }) || !over(active));
    }
}

impl Active {
    fn told(&self, id: u64, now: Instant) -> Ongoing {
        Ongoing {
            id,
            fault: self.fault.clone(),
            since: self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            left: self.until.map(|until| until.saturating_duration_since(now).as_secs_f64()),
            updates_left: self.left,
            seed: self.fault.is_random().then_some(self.seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(faults: &Faults, fault: Fault) -> u64 {
        faults.begin(&fault.into(), 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_ends_with_its_time_or_when_it_is_cleared() {
        let faults = Faults::default();
        faults.begin(&Order::from(Fault::NoLeader).lasting(Duration::from_secs(5)), 1);
        begin(&faults, Fault::Mute);
        assert_eq!(faults.standing(), Standing::NoLeader);
        assert_eq!(faults.list().iter().map(|one| one.left).collect::<Vec<_>>(), [Some(5.0), None]);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(faults.standing(), Standing::Leading);
        assert!(faults.mute());
        assert_eq!(faults.end(|_, _| true).len(), 1);
        assert!(!faults.mute() && faults.list().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_a_kind_counts() {
        let faults = Faults::default();
        begin(&faults, Fault::NoLeader);
        begin(&faults, Fault::Recovering);
        let by = Duration::from_secs;
        begin(&faults, Fault::Delay { by: by(1), jitter: by(0) });
        begin(&faults, Fault::Delay { by: by(2), jitter: by(0) });
        assert_eq!((faults.standing(), faults.delay()), (Standing::Recovering, by(2)));
        assert_eq!(faults.list().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn updates_go_wrong_by_number_by_task_and_by_chance() {
        let faults = Faults::default();
        let fate = |task: &str| faults.update(&task.into());
        begin(&faults, Fault::Drop(Updates { count: Some(2), task: Some("a".to_owned()), ..Updates::default() }));
        assert_eq!([fate("b"), fate("a"), fate("a"), fate("a")], [Fate::Pass, Fate::Drop, Fate::Drop, Fate::Pass]);
        assert!(faults.list().is_empty(), "used up");
        let chance = Fault::Double(Updates { chance: Some(0.5), ..Updates::default() });
        let run = |seed| {
            let faults = Faults::default();
            faults.begin(&chance.clone().into(), seed);
            (0..200).filter(|_| faults.update(&"a".into()) == Fate::Double).collect::<Vec<i32>>()
        };
        assert_eq!(run(7), run(7), "a seed repeats it");
        assert_ne!(run(7), run(8));
        assert!((60..140).contains(&run(7).len()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_stream_is_cut_at_its_beginning() {
        let faults = Faults::default();
        begin(&faults, Fault::Cut { after: Some(3), inside: false, next: true });
        assert_eq!((faults.take_cut(), faults.take_cut()), (Some(Cut::After(3)), None));
    }
}
