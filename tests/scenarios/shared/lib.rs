//! The common parts of both forms of the scenarios: clients, servers, arrivals, the books and the figures.
//!
//! The tests of this package run them on the paused clock, and `cargo run --release --example scenarios` over HTTP.

pub mod arrivals;
pub mod baselines;
pub mod callers;
pub mod calls;
pub mod drive;
mod latency;
pub mod provider;
pub mod quota;
pub mod recoveries;
pub mod report;
pub mod server;
pub mod settings;
pub mod stack;
