//! The events that the policies report, one function each, so that every policy speaks the same words.
//!
//! They go to `tracing`, and with the test kit to the recorders of the thread.

use std::time::Duration;

use crate::Class;
#[cfg(any(test, feature = "test-util"))]
use crate::test::{Report, note};

/// The delay before another attempt begins.
pub(crate) fn retrying(policy: &'static str, retry: u32, delay: Duration, class: Class) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Retrying(crate::Retrying { policy, retry, class, delay }));
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, retry, ?delay, class = class.as_str(), "retrying");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, retry, delay, class);
}

/// A call that ends with a failure although it was worth another attempt.
pub(crate) fn gave_up(policy: &'static str, retries: u32, class: Class, why: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::GaveUp { policy, retries, class, why });
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "resilient", policy, retries, class = class.as_str(), why, "gave up");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, retries, class, why);
}

/// A breaker's change of state, the calls it was decided on, and how long it will be open if it is.
pub(crate) fn transition(
    policy: &'static str,
    from: &'static str,
    to: &'static str,
    failures: u32,
    calls: u32,
    open_for: Option<Duration>,
) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Transition { policy, from, to });
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: "resilient", policy, from, to, failures, calls, open_for = open_for.map(tracing::field::debug),
        "circuit breaker"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, from, to, failures, calls, open_for);
}

/// A policy that shares its name, and not its settings, with another.
pub(crate) fn conflict(conflict: &crate::Conflict) {
    #[cfg(feature = "tracing")]
    tracing::error!(
        target: "resilient", policy = conflict.name(), kind = ?conflict.policy(), first = %conflict.first(),
        second = %conflict.second(), "settings differ"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = conflict;
}

/// A body that did not end in time.
pub(crate) fn timed_out(policy: &'static str, limit: Duration) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::TimedOut { policy, limit });
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, ?limit, "timed out");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, limit);
}

/// A body that was not started, or given up, because of a deadline from further out.
pub(crate) fn deadline_exceeded(policy: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, "deadline exceeded");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// The start of an attempt beside others.
pub(crate) fn hedging(policy: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Hedging { policy });
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, "hedging");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// A call that waits for what another one runs, or takes what it has brought.
pub(crate) fn joined(policy: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Joined { policy });
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, "joined");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// A call that runs for others because whoever did so before is gone.
pub(crate) fn handed_over(policy: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::HandedOver { policy });
    #[cfg(feature = "tracing")]
    tracing::info!(target: "resilient", policy, "handed over");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// A call that shares nothing, because there are too many keys already.
pub(crate) fn overflowed(policy: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Overflowed { policy });
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "resilient", policy, "too many keys");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// A batch that is asked for: how many keys, and for how many callers.
pub(crate) fn batched(policy: &'static str, keys: usize, callers: usize) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Batched { policy, keys, callers });
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, keys, callers, "batched");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, keys, callers);
}

/// The first call whose end a limit that adapts is not told, and what would tell it.
pub(crate) fn learns_nothing(policy: &'static str, called: &'static str, instead: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::LearnsNothing { policy });
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "resilient", policy, called, instead, "limit learns nothing");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, called, instead);
}

/// A body that was stopped by a signal.
pub(crate) fn cancelled(policy: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Cancelled { policy });
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, "cancelled");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// A failed call whose outcome was replaced, and by what.
pub(crate) fn fell_back(policy: &'static str, class: Class, answer: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::FellBack { policy, class, answer });
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "resilient", policy, class = class.as_str(), answer, "fell back");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, class, answer);
}

/// A failed call that had nothing to fall back to.
pub(crate) fn unanswered(policy: &'static str, class: Class) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Unanswered { policy, class });
    #[cfg(feature = "tracing")]
    tracing::debug!(target: "resilient", policy, class = class.as_str(), "nothing to fall back to");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, class);
}

/// The beginning of a pause that the server asked for, and how long it is to be.
pub(crate) fn paused(policy: &'static str, time: Duration) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Paused { policy, time });
    #[cfg(feature = "tracing")]
    tracing::info!(target: "resilient", policy, ?time, "paused");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, time);
}

/// A rate that was halved because the server asked for less, and what is left of it.
pub(crate) fn slowed(policy: &'static str, share: f64) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Slowed { policy, share });
    #[cfg(feature = "tracing")]
    tracing::info!(target: "resilient", policy, share, "slowed");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, share);
}
