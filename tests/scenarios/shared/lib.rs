//! The common parts of both forms of the scenarios: clients, servers, arrivals, the books and the figures.
//!
//! The tests of this package run them on the paused clock, and `cargo run --release --example scenarios` over HTTP.

pub use resilient_simulator::{arrivals, calls, drive, report, server};

pub mod baselines;
pub mod callers;
pub mod outage;
pub mod provider;
pub mod quota;
pub mod recoveries;
pub mod search;
pub mod settings;
pub mod stack;
pub mod transient;
