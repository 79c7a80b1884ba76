//! What annotated functions do, on the paused clock: one module a policy.

mod bulkhead;
mod cancel;
mod circuit_breaker;
mod classify;
mod events;
mod fallback;
mod fan_out;
mod profile;
mod rate_limit;
mod retry;
mod sizes;
mod stack;
mod test_kit;
mod timeout;
