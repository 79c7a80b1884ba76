//! The events that the policies report, one function each, so that every policy speaks the same words.
//!
//! They go to `tracing`, and with the test kit to the recorders of the thread.
//!
//! An event of one call is `DEBUG`, however bad it is: in an outage it happens to all of them. Above that is only what
//! has a beginning, and of one policy, or of the policies of all its keys, no more than ten lines a minute.

use std::panic::Location;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[cfg(feature = "tracing")]
use crate::clock::Ticks;
#[cfg(any(test, feature = "test-util"))]
use crate::test::{Report, note};
use crate::{Class, State};

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
    tracing::debug!(target: "resilient", policy, retries, class = class.as_str(), why, "gave up");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, retries, class, why);
}

/// A breaker's change of state.
pub(crate) struct Transition {
    pub(crate) policy: &'static str,
    /// Source location of the policy.
    pub(crate) place: &'static Location<'static>,
    pub(crate) from: State,
    pub(crate) to: State,
    /// The calls that it was decided on.
    pub(crate) failures: u32,
    pub(crate) calls: u32,
    /// Time it will be open, if it is.
    pub(crate) open_for: Option<Duration>,
}

/// An outage begins with a line of level `WARN` and ends with one of `INFO`; how it is probed meanwhile is `DEBUG`.
pub(crate) fn transition(transition: &Transition) {
    let &Transition { policy, place, from, to, failures, calls, open_for } = transition;
    let (old, new) = (from.as_str(), to.as_str());
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Transition { policy, from: old, to: new });
    #[cfg(feature = "tracing")]
    {
        macro_rules! say {
            ($level:ident) => {
                tracing::$level!(
                    target: "resilient", policy, from = old, to = new, failures, calls,
                    open_for = open_for.map(tracing::field::debug), "circuit breaker"
                )
            };
        }
        say_safely(|| match (from, to) {
            (State::Closed, State::Open) if may_be_loud(place) => say!(warn),
            (_, State::Closed | State::ForcedOpen | State::Disabled) if may_be_loud(place) => say!(info),
            _ => say!(debug),
        });
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, place, old, new, failures, calls, open_for);
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
    tracing::debug!(target: "resilient", policy, "handed over");
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// A call that shares nothing, because there are too many keys already.
pub(crate) fn overflowed(policy: &'static str) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Overflowed { policy });
    #[cfg(feature = "tracing")]
    if may_be_loud(policy) {
        tracing::warn!(target: "resilient", policy, "too many keys");
    } else {
        tracing::debug!(target: "resilient", policy, "too many keys");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = policy;
}

/// More keys than there is room for, after a time in which there was, and how many calls had none so far.
pub(crate) fn full(policy: &'static str, capacity: usize, overflowed: u64) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Overflowed { policy });
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "resilient", policy, capacity, overflowed, "too many keys");
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, capacity, overflowed);
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
    tracing::debug!(target: "resilient", policy, class = class.as_str(), answer, "fell back");
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
pub(crate) fn paused(policy: &'static str, place: &'static Location<'static>, time: Duration) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Paused { policy, time });
    #[cfg(feature = "tracing")]
    if may_be_loud(place) {
        tracing::info!(target: "resilient", policy, ?time, "paused");
    } else {
        tracing::debug!(target: "resilient", policy, ?time, "paused");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, place, time);
}

/// A rate that was halved because the server asked for less, and what is left of it.
pub(crate) fn slowed(policy: &'static str, place: &'static Location<'static>, share: f64) {
    #[cfg(any(test, feature = "test-util"))]
    note(Report::Slowed { policy, share });
    #[cfg(feature = "tracing")]
    if may_be_loud(place) {
        tracing::info!(target: "resilient", policy, share, "slowed");
    } else {
        tracing::debug!(target: "resilient", policy, share, "slowed");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (policy, place, share);
}

/// Says something where a permit may be dropped by a panic. A subscriber that panics as well must not end the process.
#[cfg(feature = "tracing")]
fn say_safely(say: impl FnOnce()) {
    if std::thread::panicking() {
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(say)));
    } else {
        say();
    }
}

/// Whether the policies of that origin, a place in the source or a name, may say one more thing above `DEBUG`: ten at once, and ten a
/// minute.
///
/// Each origin has one of 64 words, which says when all that was said is paid for (the generic cell rate algorithm).
/// Origins that share a word share its ten.
#[cfg(feature = "tracing")]
fn may_be_loud<T: ?Sized>(origin: &'static T) -> bool {
    const EACH: u64 = 6_000_000_000;
    const MOST: u64 = 10 * EACH;

    let now = Ticks::now().0;
    let hash = std::ptr::from_ref(origin).addr().wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize);
    let more = |paid: u64| {
        // One further ahead than it can be was written by a clock that has been set back, as tests do.
        let paid = if paid > now + MOST { now } else { paid.max(now) };
        (paid + EACH <= now + MOST).then_some(paid + EACH)
    };
    // Relaxed: nothing else depends on it.
    with_words(|words| words[hash >> (usize::BITS - 6)].fetch_update(Relaxed, Relaxed, more).is_ok())
}

#[cfg(all(feature = "tracing", not(any(test, feature = "test-util"))))]
fn with_words<R>(read: impl FnOnce(&[AtomicU64; 64]) -> R) -> R {
    static WORDS: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];
    read(&WORDS)
}

/// Tests run beside each other, each on a thread with a clock of its own.
#[cfg(all(feature = "tracing", any(test, feature = "test-util")))]
fn with_words<R>(read: impl FnOnce(&[AtomicU64; 64]) -> R) -> R {
    thread_local! {
        static WORDS: [AtomicU64; 64] = const { [const { AtomicU64::new(0) }; 64] };
    }
    WORDS.with(read)
}

#[cfg(all(test, not(resilient_loom), feature = "tracing"))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_lines_at_once_and_ten_a_minute_are_loud() {
        let place = Location::caller();
        let loud = || (0..1_000).filter(|_| may_be_loud(place)).count();

        assert_eq!(loud(), 10);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(loud(), 1);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(loud(), 10);
    }
}
