//! Additive increase, multiplicative decrease.

use super::bounds::{Bounds, is_half_used};
use super::window::Summary;

/// Adds one after a window without drops, and takes a tenth off after one with drops, as TCP Reno does with halves.
///
/// The numbers are those of Netflix's `AIMDLimit`. That one also takes slow calls for drops; here a time-out inside says
/// what is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aimd {
    limit: u32,
}

impl Aimd {
    pub(super) const fn new(initial: u32) -> Self {
        Self { limit: initial }
    }

    pub(super) fn limit(self) -> u32 {
        self.limit
    }

    pub(super) fn step(self, window: &Summary, bounds: Bounds) -> Self {
        let limit = if window.dropped {
            self.limit / KEPT.1 * KEPT.0 + self.limit % KEPT.1 * KEPT.0 / KEPT.1
        } else if is_half_used(window, f64::from(self.limit)) {
            self.limit.saturating_add(1)
        } else {
            self.limit
        };
        Self { limit: bounds.clamp(limit) }
    }
}

/// The part of the limit that a drop leaves: nine tenths.
const KEPT: (u32, u32) = (9, 10);
