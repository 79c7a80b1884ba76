//! The cases, one module a policy.

mod batch;
mod blocking;
mod bulkhead;
mod circuit_breaker;
mod coalesce;
mod fan_out;
mod hedge;
mod measure;
mod rate_limit;
mod retry;
mod scrape;
mod stack;
mod timeout;

use crate::case::Table;

/// The name of a policy, and its tables.
pub(crate) type Policy = (&'static str, fn() -> Vec<Table>);

/// The policies that can be asked for, in the order in which they are documented.
pub(crate) const POLICIES: &[Policy] = &[
    ("retry", retry::tables),
    ("circuit_breaker", circuit_breaker::tables),
    ("timeout", timeout::tables),
    ("fan_out", fan_out::tables),
    ("batch", batch::tables),
    ("bulkhead", bulkhead::tables),
    ("rate_limit", rate_limit::tables),
    ("coalesce", coalesce::tables),
    ("hedge", hedge::tables),
    ("measure", measure::tables),
    ("stack", stack::tables),
    ("blocking", blocking::tables),
    ("scrape", scrape::tables),
];
