//! A Mesos of its own in this process: a master and agents, spoken to over TCP on loopback like any other.
//!
//! Knows nothing of sessions and commands. What is simulated says so.

#[allow(dead_code, reason = "master and agents come next")]
mod link;
