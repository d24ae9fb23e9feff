//! The life of a subscription as a pure machine: where it stands, what came, what to do now.
//!
//! No IO, no clock and no chance: time and randomness are arguments. Every connection attempt has an epoch; what comes
//! from another epoch than the present one is dropped, since answers of a dead connection always arrive.

use std::time::Duration;

/// Intervals of silence after which a connection counts as dead. (apache/mesos: docs/scheduler-http-api.md, HEARTBEAT)
const MISSED_HEARTBEATS: u32 = 5;
/// What a master keeps that doesn't say.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Healthy for that long, and the next loss starts the backoff anew. (kube-rs: kube-runtime/src/watcher.rs)
const HEALTHY: Duration = Duration::from_secs(120);

/// Where a subscription stands. All times count from the session's start.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Nobody has asked for one.
    Idle,
    /// The last attempt failed or the connection was lost; the next one comes at `until`.
    Waiting {
        /// When.
        until: Duration,
        /// What happened.
        why: String,
    },
    /// SUBSCRIBE has been sent.
    Subscribing {
        /// This attempt.
        epoch: u64,
        /// When it began.
        since: Duration,
        /// When it is given up.
        until: Duration,
    },
    /// SUBSCRIBED has come.
    Subscribed {
        /// This connection.
        epoch: u64,
        /// Since when.
        since: Duration,
        /// The interval of heartbeats.
        heartbeat: Duration,
        /// When silence has lasted too long.
        silent_after: Duration,
    },
    /// Over, until somebody subscribes again.
    Closed(Closed),
}

/// Why a subscription is over for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// We tore the framework down.
    TornDown,
    /// We left it running.
    Detached,
    /// Another client has subscribed with the same framework id.
    Stolen,
    /// The master knows the framework as removed.
    Removed,
    /// The master won't have it, and would say the same again.
    Refused(String),
}

/// What can happen to a subscription.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Somebody wants one.
    Begin,
    /// SUBSCRIBED came on that connection.
    Subscribed {
        /// The connection.
        epoch: u64,
        /// The master's interval, where it told one.
        heartbeat: Option<Duration>,
    },
    /// Any other event came.
    Alive {
        /// The connection.
        epoch: u64,
    },
    /// The attempt failed or the connection ended; another may succeed.
    Lost {
        /// The connection.
        epoch: u64,
        /// What happened.
        why: String,
    },
    /// The master ended it with a reason that stays.
    Ended {
        /// The connection.
        epoch: u64,
        /// The reason.
        why: Closed,
    },
    /// Somebody doesn't want to wait for the next attempt, or doubts the connection that there is.
    Retry,
    /// We end it.
    Stop(Closed),
    /// Time has passed.
    Tick,
}

/// What the session has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Open a connection and send SUBSCRIBE.
    Connect {
        /// What its results must carry.
        epoch: u64,
    },
    /// Let go of the connection: its offers are void.
    Hangup,
    /// The subscription stands: compare what we know with what the master knows.
    Reconcile,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Where it stands.
    pub phase: Phase,
    epoch: u64,
    /// Failures in a row.
    failures: u32,
    /// How long an answer to SUBSCRIBE may take.
    patience: Duration,
}

impl Subscription {
    /// One that nobody has asked for; `patience` is how long an attempt may take.
    pub fn new(patience: Duration) -> Self {
        Self { phase: Phase::Idle, epoch: 0, failures: 0, patience }
    }

    /// The connection that counts now, if any does.
    pub fn epoch(&self) -> Option<u64> {
        match self.phase {
            Phase::Subscribing { epoch, .. } | Phase::Subscribed { epoch, .. } => Some(epoch),
            _ => None,
        }
    }

    /// When [`Input::Tick`] is wanted at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Waiting { until, .. } | Phase::Subscribing { until, .. } => Some(until),
            Phase::Subscribed { silent_after, .. } => Some(silent_after),
            Phase::Idle | Phase::Closed(_) => None,
        }
    }

    /// Takes what happened at `now`; `chance` in [0, 1) spreads the backoff.
    pub fn step(&mut self, input: Input, now: Duration, chance: f64) -> Vec<Action> {
        match input {
            Input::Begin if self.epoch().is_none() => {
                self.failures = 0;
                self.connect(now)
            }
            Input::Subscribed { epoch, heartbeat } if self.epoch() == Some(epoch) => {
                let heartbeat = heartbeat.filter(|interval| !interval.is_zero()).unwrap_or(HEARTBEAT);
                let silent_after = now + heartbeat * MISSED_HEARTBEATS;
                self.phase = Phase::Subscribed { epoch, since: now, heartbeat, silent_after };
                vec![Action::Reconcile]
            }
            Input::Alive { epoch } => {
                if let Phase::Subscribed { epoch: current, heartbeat, ref mut silent_after, .. } = self.phase
                    && current == epoch
                {
                    *silent_after = now + heartbeat * MISSED_HEARTBEATS;
                }
                Vec::new()
            }
            Input::Lost { epoch, why } if self.epoch() == Some(epoch) => self.lost(why, now, chance),
            Input::Ended { epoch, why } if self.epoch() == Some(epoch) => self.close(why),
            Input::Retry => self.retry(now),
            Input::Stop(why) => self.close(why),
            Input::Tick => self.tick(now, chance),
            // Of another epoch, or nothing new.
            Input::Begin | Input::Subscribed { .. } | Input::Lost { .. } | Input::Ended { .. } => Vec::new(),
        }
    }

    fn tick(&mut self, now: Duration, chance: f64) -> Vec<Action> {
        match self.phase {
            Phase::Waiting { until, .. } if now >= until => self.connect(now),
            Phase::Subscribing { until, since, .. } if now >= until => {
                self.lost(format!("no SUBSCRIBED for {} s", (now - since).as_secs()), now, chance)
            }
            Phase::Subscribed { silent_after, heartbeat, .. } if now >= silent_after => {
                let silence = heartbeat * MISSED_HEARTBEATS;
                self.lost(format!("no heartbeat for {} s", silence.as_secs_f64()), now, chance)
            }
            _ => Vec::new(),
        }
    }

    /// Begins an attempt now, in the place of what there is. Failures are counted on: asking often is no cure.
    fn retry(&mut self, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Waiting { .. } => self.connect(now),
            Phase::Subscribing { .. } | Phase::Subscribed { .. } => {
                let mut actions = vec![Action::Hangup];
                actions.extend(self.connect(now));
                actions
            }
            Phase::Idle | Phase::Closed(_) => Vec::new(),
        }
    }

    fn connect(&mut self, now: Duration) -> Vec<Action> {
        self.epoch += 1;
        self.phase = Phase::Subscribing { epoch: self.epoch, since: now, until: now + self.patience };
        vec![Action::Connect { epoch: self.epoch }]
    }

    fn lost(&mut self, why: String, now: Duration, chance: f64) -> Vec<Action> {
        if let Phase::Subscribed { since, .. } = self.phase
            && now.saturating_sub(since) >= HEALTHY
        {
            self.failures = 0;
        }
        self.failures += 1;
        self.phase = Phase::Waiting { until: now + backoff(self.failures, chance), why };
        vec![Action::Hangup]
    }

    fn close(&mut self, why: Closed) -> Vec<Action> {
        self.phase = Phase::Closed(why);
        vec![Action::Hangup]
    }
}

/// The shortest wait before the next attempt, and the longest.
const SHORTEST: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_secs(30);

/// The wait before the next attempt: from 0.8 s on, doubled with each failure, up to 30 s; the second half of it is
/// left to chance, so that a master that comes back isn't met by everybody at once.
pub fn backoff(failures: u32, chance: f64) -> Duration {
    let least = SHORTEST * 2u32.saturating_pow(failures.saturating_sub(1).min(5));
    least.min(LONGEST / 2).mul_f64(1.0 + chance.clamp(0.0, 1.0))
}

/// What the message of an ERROR event means for the subscription.
/// (apache/mesos: src/master/master.cpp, `failoverFramework` and `subscribe`)
pub fn meaning_of_error(message: &str) -> Closed {
    if message.starts_with("Framework failed over") {
        Closed::Stolen
    } else if message.starts_with("Framework has been removed") {
        Closed::Removed
    } else {
        Closed::Refused(message.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn subscribed(at: Duration) -> Subscription {
        let mut subscription = Subscription::new(s(75));
        assert_eq!(subscription.step(Input::Begin, at, 0.0), [Action::Connect { epoch: 1 }]);
        let heartbeat = Some(s(15));
        assert_eq!(subscription.step(Input::Subscribed { epoch: 1, heartbeat }, at, 0.0), [Action::Reconcile]);
        subscription
    }

    #[test]
    fn silence_of_five_intervals_is_a_loss() {
        let mut subscription = subscribed(s(0));
        assert_eq!(subscription.deadline(), Some(s(75)));
        subscription.step(Input::Alive { epoch: 1 }, s(10), 0.0);
        assert_eq!(subscription.step(Input::Tick, s(84), 0.0), []);
        assert_eq!(subscription.step(Input::Tick, s(85), 0.0), [Action::Hangup]);
        assert!(matches!(&subscription.phase, Phase::Waiting { why, .. } if why == "no heartbeat for 75 s"));
        assert_eq!(subscription.step(Input::Tick, s(86), 0.0), [Action::Connect { epoch: 2 }]);
    }

    #[test]
    fn who_asks_for_it_gets_an_attempt_at_once() {
        let mut subscription = Subscription::new(s(75));
        assert_eq!(subscription.step(Input::Retry, s(0), 0.0), []);
        let mut subscription = subscribed(s(0));
        assert_eq!(subscription.step(Input::Retry, s(1), 0.0), [Action::Hangup, Action::Connect { epoch: 2 }]);
        subscription.step(Input::Lost { epoch: 2, why: String::new() }, s(2), 0.0);
        assert_eq!(subscription.deadline(), Some(s(2) + SHORTEST));
        assert_eq!(subscription.step(Input::Retry, s(2), 0.0), [Action::Connect { epoch: 3 }]);
        // The next wait is longer all the same.
        subscription.step(Input::Lost { epoch: 3, why: String::new() }, s(3), 0.0);
        assert_eq!(subscription.deadline(), Some(s(3) + 2 * SHORTEST));
        subscription.step(Input::Stop(Closed::Stolen), s(3), 0.0);
        assert_eq!(subscription.step(Input::Retry, s(3), 0.0), []);
    }

    #[test]
    fn a_takeover_is_not_a_loss() {
        for (message, closed) in [
            ("Framework failed over", Closed::Stolen),
            ("Framework has been removed", Closed::Removed),
            ("User 'root' is not allowed", Closed::Refused("User 'root' is not allowed".to_owned())),
        ] {
            let mut subscription = subscribed(s(0));
            let why = meaning_of_error(message);
            assert_eq!(subscription.step(Input::Ended { epoch: 1, why }, s(1), 0.0), [Action::Hangup]);
            assert_eq!(subscription.phase, Phase::Closed(closed));
            // The stream's own end comes after the event, and changes nothing.
            let end = Input::Lost { epoch: 1, why: "closed".to_owned() };
            assert_eq!(subscription.step(end, s(1), 0.0), []);
            assert_eq!(subscription.step(Input::Tick, s(1000), 0.0), []);
            assert_eq!(subscription.step(Input::Begin, s(1000), 0.0), [Action::Connect { epoch: 2 }]);
        }
    }

    #[test]
    fn what_a_dead_connection_says_is_dropped() {
        let mut subscription = subscribed(s(0));
        subscription.step(Input::Lost { epoch: 1, why: "cut".to_owned() }, s(1), 0.0);
        subscription.step(Input::Tick, s(2), 0.0);
        let before = subscription.clone();
        for input in [
            Input::Subscribed { epoch: 1, heartbeat: None },
            Input::Lost { epoch: 1, why: String::new() },
            Input::Ended { epoch: 1, why: Closed::Stolen },
            Input::Alive { epoch: 1 },
            Input::Begin,
        ] {
            assert_eq!(subscription.step(input, s(2), 0.0), []);
        }
        assert_eq!(subscription, before);
    }

    #[test]
    fn the_backoff_grows_and_starts_anew_after_health() {
        let mut subscription = subscribed(s(0));
        let mut now = s(0);
        let mut waits = Vec::new();
        for epoch in 1..8 {
            subscription.step(Input::Lost { epoch, why: String::new() }, now, 0.0);
            let Phase::Waiting { until, .. } = subscription.phase else { panic!() };
            waits.push((until - now).as_millis());
            now = until;
            subscription.step(Input::Tick, now, 0.0);
        }
        assert_eq!(waits, [800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
        // A connection that soon breaks again is no health.
        subscription.step(Input::Subscribed { epoch: 8, heartbeat: None }, now, 0.0);
        subscription.step(Input::Lost { epoch: 8, why: String::new() }, now + s(119), 1.0);
        assert_eq!(subscription.deadline(), Some(now + s(119) + LONGEST));
        now += s(200);
        subscription.step(Input::Tick, now, 0.0);
        subscription.step(Input::Subscribed { epoch: 9, heartbeat: None }, now, 0.0);
        subscription.step(Input::Lost { epoch: 9, why: String::new() }, now + s(120), 0.0);
        assert_eq!(subscription.deadline(), Some(now + s(120) + SHORTEST));
    }

    #[test]
    fn an_attempt_without_answer_is_given_up() {
        let mut subscription = Subscription::new(s(75));
        subscription.step(Input::Begin, s(0), 0.0);
        assert_eq!(subscription.step(Input::Tick, s(75), 0.0), [Action::Hangup]);
        assert_eq!(subscription.step(Input::Stop(Closed::Detached), s(75), 0.0), [Action::Hangup]);
        assert_eq!(subscription.deadline(), None);
    }

    proptest! {
        #[test]
        fn a_wait_is_between_0_8_and_30_s(failures in 0u32..100, chance in 0.0f64..1.0) {
            let wait = backoff(failures, chance);
            prop_assert!((SHORTEST..=LONGEST).contains(&wait));
            prop_assert!(wait <= backoff(failures.saturating_add(1), chance));
        }

        /// Whatever comes in whatever order: at most one connection counts, epochs only grow, and time always moves it on.
        #[test]
        fn it_never_gets_stuck(steps in prop::collection::vec((0u8..8, 0u64..6, 0u64..100), 0..60)) {
            let mut subscription = Subscription::new(s(75));
            let (mut now, mut epoch) = (s(0), 0);
            for (kind, of, seconds) in steps {
                now += s(seconds);
                let input = match kind {
                    0 => Input::Begin,
                    1 => Input::Subscribed { epoch: of, heartbeat: None },
                    2 => Input::Alive { epoch: of },
                    3 => Input::Lost { epoch: of, why: String::new() },
                    4 => Input::Ended { epoch: of, why: Closed::Stolen },
                    5 => Input::Stop(Closed::Detached),
                    6 => Input::Retry,
                    _ => Input::Tick,
                };
                for action in subscription.step(input, now, 0.5) {
                    if let Action::Connect { epoch: next } = action {
                        prop_assert!(next > epoch);
                        epoch = next;
                    }
                }
                let settled = matches!(subscription.phase, Phase::Idle | Phase::Closed(_));
                prop_assert_eq!(subscription.deadline().is_none(), settled);
            }
        }
    }
}
