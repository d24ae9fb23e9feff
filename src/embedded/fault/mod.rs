//! Faults on demand: what can go wrong in an embedded Mesos when somebody wants to see it, and how it is told.
//!
//! Data only: [`active`] keeps what goes on, `cluster` and the master carry out what happens at once, [`http`] lets
//! other programs on this machine ask for it.

pub(super) mod active;
pub(super) mod http;
mod storm;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mesos::AgentId;

pub(super) use storm::storm;

/// Something that goes wrong.
///
/// Agents are named by id, by its end (`S0`), or by their place among the cluster's agents, from 0; where none is named,
/// the seed chooses. JSON holds it as `{"kind": "cut", "after": 10}`, durations in seconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Schedulers' streams break off, at once where nothing else is said.
    Cut {
        /// After so many more bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        /// Inside a record, at a byte that the seed chooses.
        #[serde(default)]
        inside: bool,
        /// Not the streams that are open but the next one that begins, counted from its first byte.
        #[serde(default)]
        next: bool,
    },
    /// Streams are written byte by byte, each a chunk of its own.
    Split,
    /// No heartbeats, on any stream.
    Mute,
    /// Events, and answers to calls, come later.
    Delay {
        /// By so much.
        #[serde(with = "seconds")]
        by: Duration,
        /// And by up to so much more, as the seed has it; events stay in order.
        #[serde(default, with = "seconds")]
        jitter: Duration,
    },
    /// The APIs answer that another master leads.
    Redirect {
        /// Its host and port.
        to: String,
    },
    /// The APIs answer that the master hasn't finished its recovery.
    Recovering,
    /// The APIs answer that no master leads.
    NoLeader,
    /// Offers are taken back: these, or all.
    Rescind {
        /// Their ids.
        #[serde(default)]
        offers: Vec<String>,
    },
    /// An agent is gone for good, and all that ran on it.
    Lose {
        /// Which.
        #[serde(default)]
        agent: Option<String>,
    },
    /// An agent can't be reached any more; it and its tasks live on.
    Partition {
        /// Which.
        #[serde(default)]
        agent: Option<String>,
    },
    /// An agent that couldn't be reached is back, with what runs on it; all that were away where none is named.
    Return {
        /// Which.
        #[serde(default)]
        agent: Option<String>,
    },
    /// Images take longer to be pulled, simulated ones too.
    SlowPull {
        /// By so much.
        #[serde(with = "seconds")]
        by: Duration,
    },
    /// No registry has the images that are asked for, not even simulated ones.
    NoImage,
    /// Agents' updates get lost on the way to the master; agents send them again after 10 s, 20 s, ...
    Drop(Updates),
    /// Agents' updates arrive twice.
    Double(Updates),
    /// The executor of a task crashes, and its tasks with it.
    Crash {
        /// A task's id; where none is named, the seed chooses among those that run.
        #[serde(default)]
        task: Option<String>,
    },
    /// The master ends without a word and starts again.
    Restart {
        /// Whether it still knows what a real one keeps in its registry: agents, those that are gone or can't be
        /// reached, the maintenance schedule.
        #[serde(default = "yes")]
        registry: bool,
        /// How long nothing listens.
        #[serde(default, with = "seconds")]
        down: Duration,
    },
    /// One fault after the other, as the seed has it; none that a scheduler which does everything right can't get over.
    Storm {
        /// About so often.
        #[serde(default = "often", with = "seconds")]
        every: Duration,
    },
}

/// Which updates.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// How many; all of them where neither this nor `chance` is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// With this probability, from 0 to 1, as the seed has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Of this task only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

fn yes() -> bool {
    true
}

fn often() -> Duration {
    Duration::from_secs(2)
}

/// Durations as seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)
    }

    /// The same where there may be none.
    pub(super) mod maybe {
        use std::time::Duration;

        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

        pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
            duration.map(|duration| duration.as_secs_f64()).serialize(to)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
            let seconds = Option::<f64>::deserialize(from)?;
            seconds.map(|seconds| Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)).transpose()
        }
    }
}

impl Fault {
    /// What each is called, in the order in which they are told of.
    pub const KINDS: &[&str] = &[
        "cut",
        "split",
        "mute",
        "delay",
        "redirect",
        "recovering",
        "no-leader",
        "rescind",
        "lose",
        "partition",
        "return",
        "slow-pull",
        "no-image",
        "drop",
        "double",
        "crash",
        "restart",
        "storm",
    ];

    /// What it is called, one of [`Self::KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cut { .. } => "cut",
            Self::Split => "split",
            Self::Mute => "mute",
            Self::Delay { .. } => "delay",
            Self::Redirect { .. } => "redirect",
            Self::Recovering => "recovering",
            Self::NoLeader => "no-leader",
            Self::Rescind { .. } => "rescind",
            Self::Lose { .. } => "lose",
            Self::Partition { .. } => "partition",
            Self::Return { .. } => "return",
            Self::SlowPull { .. } => "slow-pull",
            Self::NoImage => "no-image",
            Self::Drop(_) => "drop",
            Self::Double(_) => "double",
            Self::Crash { .. } => "crash",
            Self::Restart { .. } => "restart",
            Self::Storm { .. } => "storm",
        }
    }

    /// Whether it goes on until it is cleared, used up, or its time is over.
    pub fn lasts(&self) -> bool {
        match self {
            Self::Cut { next, .. } => *next,
            Self::Split
            | Self::Mute
            | Self::Delay { .. }
            | Self::Redirect { .. }
            | Self::Recovering
            | Self::NoLeader
            | Self::Partition { .. }
            | Self::SlowPull { .. }
            | Self::NoImage
            | Self::Drop(_)
            | Self::Double(_)
            | Self::Storm { .. } => true,
            Self::Rescind { .. }
            | Self::Lose { .. }
            | Self::Return { .. }
            | Self::Crash { .. }
            | Self::Restart { .. } => false,
        }
    }

    /// Whether a number that nobody has chosen decides something in it.
    pub fn is_random(&self) -> bool {
        match self {
            Self::Cut { inside, .. } => *inside,
            Self::Delay { jitter, .. } => !jitter.is_zero(),
            Self::Lose { agent } | Self::Partition { agent } => agent.is_none(),
            Self::Drop(updates) | Self::Double(updates) => updates.chance.is_some(),
            Self::Crash { task } => task.is_none(),
            Self::Storm { .. } => true,
            _ => false,
        }
    }

    /// Why it makes no sense, if it doesn't.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Cut { after: Some(_), inside: true, .. } => {
                Err("a stream is cut after a number of bytes or inside a record, not both".to_owned())
            }
            Self::Redirect { to } if to.parse::<axum::http::uri::Authority>().is_err() => {
                Err(format!("'{to}' is no HOST:PORT to redirect to"))
            }
            Self::Drop(updates) | Self::Double(updates) => match (updates.count, updates.chance) {
                (Some(_), Some(_)) => Err("updates are chosen by their number or by chance, not both".to_owned()),
                (_, Some(chance)) if !(0.0..=1.0).contains(&chance) => Err("a chance is from 0 to 1".to_owned()),
                (Some(0), _) => Err("no updates at all".to_owned()),
                _ => Ok(()),
            },
            Self::Storm { every } if every.is_zero() => Err("a storm without a pause".to_owned()),
            _ => Ok(()),
        }
    }
}

/// A fault, and what is asked of it besides.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What goes wrong.
    pub fault: Fault,
    /// How long it goes on, of one that does; until it is cleared otherwise. A storm lasts 30 s unless told.
    #[serde(default, rename = "for", with = "seconds::maybe", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Duration>,
    /// Decides whatever is random in it; the same seed decides the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl From<Fault> for Order {
    fn from(fault: Fault) -> Self {
        Self { fault, lasting: None, seed: None }
    }
}

impl Order {
    /// The same for so long.
    #[must_use]
    pub fn lasting(self, time: Duration) -> Self {
        Self { lasting: Some(time), ..self }
    }

    /// The same as this seed has it.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Why it makes no sense, if it doesn't.
    pub(super) fn check(&self) -> Result<(), String> {
        self.fault.check()?;
        if self.lasting.is_some() && !self.fault.lasts() {
            return Err(format!("{} happens at once and lasts no time", self.fault.kind()));
        }
        Ok(())
    }
}

/// What a fault did.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Effect {
    /// In words.
    pub told: String,
    /// Its number, if it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What decided whatever was random in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The agents that it concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// The faults to come, of a storm: in how many seconds, and what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<(f64, Order)>,
}

impl Effect {
    /// Nothing but words.
    pub(super) fn told(told: impl Into<String>) -> Self {
        Self { told: told.into(), ..Self::default() }
    }
}

/// A fault that goes on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Ongoing {
    /// Its number.
    pub id: u64,
    /// What goes wrong.
    pub fault: Fault,
    /// When it began, in seconds since 1970.
    pub since: f64,
    /// How many seconds are left of it, if it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<f64>,
    /// How many updates are left to go wrong, if they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates_left: Option<u32>,
    /// What decides whatever is random in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Why a fault can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// It makes no sense, or there is nothing of that name.
    #[error("{0}")]
    Wrong(String),
    /// The cluster is stopping.
    #[error("the embedded Mesos is stopping")]
    Stopping,
}

impl From<String> for FaultError {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_read_and_written_under_its_name() {
        for kind in Fault::KINDS {
            let mut fault = json!({"kind": kind});
            match *kind {
                "delay" | "slow-pull" => fault["by"] = json!(0.5),
                "redirect" => fault["to"] = json!("other:5050"),
                _ => {}
            }
            let read: Fault = serde_json::from_value(fault).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(read.kind(), *kind);
            assert_eq!(read.check(), Ok(()), "{kind}");
            let written = serde_json::to_value(&read).unwrap();
            assert_eq!(written["kind"], *kind);
            assert_eq!(serde_json::from_value::<Fault>(written).unwrap(), read);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let cases = [
            json!({"fault": {"kind": "burn"}}),
            json!({"fault": {"kind": "cut", "inside": true, "after": 3}}),
            json!({"fault": {"kind": "cut", "afer": 3}}),
            json!({"fault": {"kind": "redirect", "to": "a b"}}),
            json!({"fault": {"kind": "drop", "chance": 2}}),
            json!({"fault": {"kind": "drop", "count": 1, "chance": 0.5}}),
            json!({"fault": {"kind": "double", "count": 0}}),
            json!({"fault": {"kind": "delay", "by": -1}}),
            json!({"fault": {"kind": "storm", "every": 0}}),
            json!({"fault": {"kind": "rescind"}, "for": 3}),
            json!({"fault": {"kind": "mute"}, "fro": 3}),
        ];
        for case in cases {
            let order = serde_json::from_value::<Order>(case.clone());
            assert!(order.is_err() || order.is_ok_and(|order| order.check().is_err()), "{case}");
        }
    }
}
