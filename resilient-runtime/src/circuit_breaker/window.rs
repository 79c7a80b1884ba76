//! The outcomes that the rates are taken from.

mod buckets;
mod pending;
mod ring;

use self::buckets::{Buckets, Count};
use self::pending::Pending;
use self::ring::Ring;
use super::config::Span;
use super::epoch::Epoch;
use super::tally::Tally;
use crate::packed_time::Moment;
use crate::rare::Rare;
use crate::sync::const_fn;

/// Both kinds of window; the configuration says which of them is used.
///
/// Every word in them carries the epoch of the state that it belongs to. Words of an earlier epoch count nothing, which
/// is how the window is empty after a change of state without anybody having to empty it.
#[derive(Debug)]
pub(super) struct Window {
    pending: Pending,
    failures: Buckets,
    other: Rare<Other>,
}

/// The outcomes that only some breakers count.
#[derive(Debug)]
struct Other {
    /// For breakers that time their calls.
    slow: Buckets,
    /// For breakers with a window of calls.
    ring: Rare<Ring>,
}

/// An outcome as the window sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) failed: bool,
    /// Set if the call took too long, if calls are timed.
    pub(super) slow: Option<bool>,
}

impl Window {
    const_fn! {
        pub(super) fn new() -> Self {
            Self {
                pending: Pending::new(),
                failures: Buckets::new(),
                other: Rare::new(Other::new),
            }
        }
    }

    /// Forgets the calls that it holds. All successes of the epoch are still [counted](Self::successes).
    pub(super) fn clear(&self) {
        self.failures.clear();
        self.pending.clear();
        if let Some(other) = self.other.get() {
            other.slow.clear();
            if let Some(ring) = other.ring.get() {
                ring.clear();
            }
        }
    }

    /// Adds a success of the given epoch to a window of time, unless it is time for a look at the clock.
    #[inline]
    pub(super) fn count(&self, epoch: Epoch) -> bool {
        self.pending.count(epoch)
    }

    /// Adds a success of the given epoch that was not [counted](Self::count), for a breaker that does not time its calls.
    pub(super) fn succeed(&self, span: Span, epoch: Epoch, now: impl FnOnce() -> Moment, current: impl Fn() -> bool) {
        match span {
            Span::Time { bucket } => self.pending.turn(bucket, epoch, now(), current, &self.failures),
            Span::Calls(calls) => self.ring().record(calls, epoch, [false, false], current),
        }
    }

    /// Adds an outcome of the given epoch, for as long as `current` says that the epoch lasts.
    pub(super) fn record(&self, span: Span, epoch: Epoch, mark: Mark, now: Moment, current: impl Fn() -> bool) {
        match span {
            Span::Time { bucket } => {
                let count = |hit| Count { calls: 1, hits: u32::from(hit) };
                self.failures.record(bucket, epoch, count(mark.failed), now, &current);
                if !mark.failed {
                    self.pending.note(epoch, &current);
                }
                if let Some(slow) = mark.slow {
                    self.other().slow.record(bucket, epoch, count(slow), now, current);
                }
            }
            Span::Calls(calls) => {
                self.ring().record(calls, epoch, [mark.failed, mark.slow == Some(true)], current);
            }
        }
    }

    /// The successes since the given epoch began, which only windows of time count.
    pub(super) fn successes(&self, epoch: Epoch) -> u64 {
        self.pending.all(epoch)
    }

    fn other(&self) -> &Other {
        self.other.get_or_make(Other::new)
    }

    fn ring(&self) -> &Ring {
        self.other().ring.get_or_make(Ring::new)
    }

    /// Returns what the window holds of the given epoch; `timed` says whether any calls can have been slow.
    pub(super) fn tally(&self, span: Span, epoch: Epoch, now: Moment, timed: bool) -> Tally {
        match span {
            Span::Time { bucket } => {
                let moved = self.failures.tally(bucket, epoch, now);
                let calls = moved.calls + self.pending.calls(bucket, epoch, now);
                let slow =
                    self.other.get().filter(|_| timed).map_or(0, |other| other.slow.tally(bucket, epoch, now).hits);
                Tally { calls, failures: moved.hits, slow }
            }
            Span::Calls(_) => self
                .other
                .get()
                .and_then(|other| other.ring.get())
                .map_or_else(Tally::default, |ring| ring.tally(epoch)),
        }
    }
}

impl Other {
    fn new() -> Self {
        Self { slow: Buckets::new(), ring: Rare::new(Ring::new) }
    }
}
