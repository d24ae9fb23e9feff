//! Which master leads, as ZooKeeper knows it: the masters' nodes, watched, and reads of any node.
//!
//! It only tells: nobody is contacted but ZooKeeper. Whatever happens there, it says so in words and tries on.
//! (apache/mesos: src/master/detector/zookeeper.cpp, src/zookeeper/group.cpp)

mod group;
mod reader;
mod url;
mod watcher;

use std::fmt;

pub use group::{BadNode, Registered, decode, is_master};
pub use reader::{ReadError, Reader, Stat};
pub use url::{BadUrl, Url};
pub use watcher::watch;

/// What is known of the masters.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// All that are registered, the leader first.
    pub masters: Vec<Registered>,
    /// How it stands.
    pub standing: Standing,
}

/// How it stands with ZooKeeper and the masters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing has been heard yet.
    Connecting,
    /// A master leads.
    Led,
    /// ZooKeeper answers, and knows no leader; the reason.
    Leaderless(String),
    /// ZooKeeper is away for now; what was known last counts as long as its session may live.
    Away,
    /// ZooKeeper can't be asked; the reason.
    Silent(String),
}

impl Seen {
    pub(crate) fn new(standing: Standing) -> Self {
        Self { masters: Vec::new(), standing }
    }

    /// The leader, as far as is known.
    pub fn leader(&self) -> Option<&Registered> {
        match self.standing {
            Standing::Led | Standing::Away => self.masters.first(),
            _ => None,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("ZooKeeper is being asked"),
            Self::Led => f.write_str("a master leads"),
            Self::Leaderless(why) => write!(f, "no master leads: {why}"),
            Self::Away => f.write_str("ZooKeeper is away; the leader it knew last counts for now"),
            Self::Silent(why) => write!(f, "ZooKeeper can't be asked: {why}"),
        }
    }
}
