//! A failure for each policy, with the policy and without it.

pub(super) mod batch;
pub(super) mod bulkhead;
pub(super) mod cancel;
pub(super) mod circuit_breaker;
pub(super) mod coalesce;
pub(super) mod fallback;
pub(super) mod fan_out;
pub(super) mod hedge;
pub(super) mod measure;
pub(super) mod rate_limit;
pub(super) mod retry;
pub(super) mod throttle;
pub(super) mod timeout;
