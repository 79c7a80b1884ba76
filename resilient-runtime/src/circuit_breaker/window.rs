//! The outcomes that the failure rate is taken from.

mod buckets;
mod ring;

use self::buckets::Buckets;
use self::ring::Ring;
use super::config::Span;
use super::state::{Epoch, Moment, Tally};
use crate::sync::const_fn;

/// Both kinds of window; the configuration says which of them is used.
///
/// Every word in them carries the epoch of the closed state that it belongs to. Words of an earlier epoch count
/// nothing, which is how the window is empty after a close without anybody having to empty it.
#[derive(Debug)]
pub(super) struct Window {
    buckets: Buckets,
    ring: Ring,
}

impl Window {
    const_fn! {
        pub(super) fn new() -> Self {
            Self { buckets: Buckets::new(), ring: Ring::new() }
        }
    }

    /// Adds an outcome of the given epoch, for as long as `current` says that the epoch lasts.
    #[inline]
    pub(super) fn record(
        &self,
        span: Span,
        epoch: Epoch,
        failed: bool,
        now: impl FnOnce() -> Moment,
        current: impl Fn() -> bool,
    ) {
        match span {
            Span::Time { bucket } => self.buckets.record(bucket, epoch, failed, now(), current),
            Span::Calls(calls) => self.ring.record(calls, epoch, failed, current),
        }
    }

    /// What the window holds of the given epoch.
    pub(super) fn tally(&self, span: Span, epoch: Epoch, now: impl FnOnce() -> Moment) -> Tally {
        match span {
            Span::Time { bucket } => self.buckets.tally(bucket, epoch, now()),
            Span::Calls(_) => self.ring.tally(epoch),
        }
    }
}
