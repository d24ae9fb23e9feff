//! Finds an agent.
