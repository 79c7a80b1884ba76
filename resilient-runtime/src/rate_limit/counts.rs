//! The counts: what a rate limit has done.

use super::meter::Blocked;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// The counts of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateCounts {
    /// Requests that it let through, ever.
    pub admitted: u64,
    /// The number of those that had to wait.
    pub waited: u64,
    /// Requests that it refused because the rate was used up, ever.
    pub limited: u64,
    /// Requests that it refused because it was paused, ever.
    pub paused: u64,
    /// Requests that it refused because they weigh more than the burst, ever.
    pub too_heavy: u64,
    /// The number of times that a pause began, ever.
    pub pauses: u64,
    /// The number of times that the rate was halved, ever.
    pub slowed: u64,
    /// Callers that wait now.
    pub waiting: u32,
}

/// The number of times that each thing happened, ever.
///
/// Relaxed throughout: nothing is decided on them.
#[derive(Debug)]
pub(super) struct Counters {
    /// Beside the meter, which the same call has just written: a line of its own for each thread would be 512 bytes a key.
    admitted: AtomicU64,
    pub(super) waited: AtomicU64,
    pub(super) limited: AtomicU64,
    pub(super) paused: AtomicU64,
    pub(super) too_heavy: AtomicU64,
    pub(super) pauses: AtomicU64,
    pub(super) slowed: AtomicU64,
}

impl Counters {
    const_fn! {
        pub(super) fn new() -> Self {
            Self {
                admitted: AtomicU64::new(0),
                waited: AtomicU64::new(0),
                limited: AtomicU64::new(0),
                paused: AtomicU64::new(0),
                too_heavy: AtomicU64::new(0),
                pauses: AtomicU64::new(0),
                slowed: AtomicU64::new(0),
            }
        }
    }

    #[inline]
    pub(super) fn admit(&self) {
        self.admitted.fetch_add(1, Relaxed);
    }

    pub(super) fn refuse(&self, blocked: Blocked) {
        let total = match blocked {
            Blocked { outweighed: Some(_), .. } => &self.too_heavy,
            Blocked { paused: Some(_), .. } => &self.paused,
            _ => &self.limited,
        };
        total.fetch_add(1, Relaxed);
    }

    pub(super) fn counts(&self, waiting: u32) -> RateCounts {
        RateCounts {
            admitted: self.admitted.load(Relaxed),
            waited: self.waited.load(Relaxed),
            limited: self.limited.load(Relaxed),
            paused: self.paused.load(Relaxed),
            too_heavy: self.too_heavy.load(Relaxed),
            pauses: self.pauses.load(Relaxed),
            slowed: self.slowed.load(Relaxed),
            waiting,
        }
    }
}
