//! Builds tasks.
