//! The session from a Rust cell.
