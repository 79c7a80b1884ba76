//! The troubles that whole stacks must survive: spikes, brown-outs, throttling, tiers of retries; on the paused clock and seeded.
//!
//! `cargo test -p resilient-scenarios -- --nocapture` prints the tables; with `UPDATE_SCENARIOS=1` it writes
//! `docs/scenarios.md` as well.

mod batched;
mod brown_out;
mod normal;
mod outage;
mod page;
mod reliability;
mod search;
mod shared_work;
mod spike;
mod throttled;
mod tiers;
mod transient;
