//! The behaviour of annotated functions on the paused clock: one module for each policy.

mod batch;
mod books;
mod bulkhead;
mod cancel;
mod circuit_breaker;
mod classify;
mod coalesce;
mod crate_path;
mod defaults;
mod events;
mod fallback;
mod fan_out;
mod hedge;
mod modes;
mod objects;
mod pairs;
mod profile;
mod rate_limit;
mod retry;
mod rounds;
mod sizes;
mod stack;
mod test_kit;
mod throttle;
mod timeout;
mod timers;
