//! What whole stacks must survive: spikes, brown-outs, throttling, tiers of retries, on the paused clock and seeded.
//!
//! `cargo test -p resilient-scenarios -- --nocapture` prints the tables; with `UPDATE_SCENARIOS=1` it writes
//! `docs/scenarios.md` as well.

mod arrivals;
mod baselines;
mod brown_out;
mod calls;
mod drive;
mod latency;
mod normal;
mod page;
mod provider;
mod report;
mod search;
mod server;
mod settings;
mod spike;
mod stack;
mod throttled;
mod tiers;
