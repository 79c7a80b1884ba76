//! What whole stacks must survive: spikes, brown-outs, throttling, tiers of retries, on the paused clock and seeded.
//!
//! `cargo test -p resilient-tests --test scenarios -- --nocapture` prints the tables; with `UPDATE_SCENARIOS=1` it also writes
//! `docs/scenarios.md`.

mod arrivals;
mod baselines;
mod calls;
mod drive;
mod latency;
mod provider;
mod report;
mod server;
mod spike;
mod throttled;
mod tiers;
