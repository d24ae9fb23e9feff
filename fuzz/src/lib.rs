//! What each fuzz target does with its bytes. The same functions run over the corpus in the ordinary tests, which take
//! these files in by their path.
//!
//! A target panics when something that must hold doesn't. None of them reaches beyond this machine, and none runs a
//! command that its input names.

pub mod cluster;
pub mod engine;
pub mod frames;
