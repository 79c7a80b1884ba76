//! Whole stacks in virtual time: clients, a server, arrivals, the books and the figures.
//!
//! The scenarios in `tests/scenarios` run on it, and so does `cargo resilient plan`. Time is tokio's paused clock, and all chance
//! comes from a seed, so that a run can be repeated.

pub mod arrivals;
pub mod calls;
pub mod drive;
pub mod latency;
pub mod report;
pub mod server;
