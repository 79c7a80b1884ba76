//! The bounds of a limit that adapts, and when a window may raise it.

use super::window::{MAX_IN_FLIGHT, Summary};

/// Between which numbers the limit stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Bounds {
    pub(super) const fn new(min: u32, max: u32, initial: u32) -> Self {
        assert!(min >= 1, "`min_limit` must be at least 1: with no call at all there would be nothing to learn from");
        assert!(min <= max, "`max_limit` must not be less than `min_limit`");
        assert!(max <= MAX_LIMIT, "`max_limit` must be at most 1000000");
        assert!(min <= initial && initial <= max, "`initial_limit` must lie between `min_limit` and `max_limit`");
        Self { min, max }
    }

    pub(super) fn clamp(self, limit: u32) -> u32 {
        // not `clamp`, which panics if the bounds are the wrong way round
        limit.min(self.max).max(self.min)
    }

    pub(super) fn clamp_exact(self, limit: f64) -> f64 {
        limit.min(f64::from(self.max)).max(f64::from(self.min))
    }
}

/// The most that a limit can be, which fits what a window remembers of the calls in flight.
const MAX_LIMIT: u32 = 1_000_000;
const _: () = assert!(MAX_LIMIT <= MAX_IN_FLIGHT);

/// Returns whether the calls in flight were at least half of the limit: if not, a window says nothing about a greater one.
pub(super) fn is_half_used(window: &Summary, limit: f64) -> bool {
    2.0 * f64::from(window.in_flight) >= limit
}
