//! The threats that SECURITY.md names, each attacked: a cluster whose every word is an attack, web pages that reach for
//! the embedded Mesos, masters that send bombs, clients that never end.
//!
//! What is attacked where the code stands (paths of sandboxes, addresses, sockets) has its tests there; SECURITY.md lists
//! all of them, and a test here holds that list true.

mod embedded;
mod promises;
mod shown;
mod taken;
