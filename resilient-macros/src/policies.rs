//! The table of the policies: to add one, write its file and its row.

mod batch;
mod bulkhead;
mod cancel;
mod circuit_breaker;
mod coalesce;
mod fallback;
mod fan_out;
mod fleet;
mod hedge;
mod measure;
mod rate_limit;
mod retry;
mod sharing;
mod throttle;
mod timeout;

use crate::policy::Kind;
use crate::wording::{list, nearest};

/// Every policy.
pub(crate) const KINDS: &[&Kind] = &[
    &retry::KIND,
    &circuit_breaker::KIND,
    &hedge::KIND,
    &bulkhead::KIND,
    &rate_limit::KIND,
    &throttle::KIND,
    &timeout::KIND,
    &cancel::KIND,
    &coalesce::KIND,
    &fallback::KIND,
    &fan_out::KIND,
    &batch::KIND,
    &measure::KIND,
];

/// The policy of that name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name).copied()
}

/// The message about a policy of that name, which there is none of.
pub(crate) fn unknown_policy(name: &str) -> String {
    let names = KINDS.iter().map(|kind| kind.name);
    match nearest(name, names.clone()) {
        Some(meant) => format!("unknown policy `{name}`: did you mean `{meant}`?"),
        None => format!("unknown policy `{name}`: the policies are {}", list(names)),
    }
}
