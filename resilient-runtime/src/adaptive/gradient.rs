//! The gradient between what calls have taken for long and what they take now.

use super::bounds::{Bounds, is_half_used};
use super::window::Summary;

/// Multiplies the limit by how much faster calls were over the last minutes than now, adds a little to probe for more, and
/// goes a fifth of the way there.
///
/// The formula and its numbers are those of Netflix's `Gradient2Limit`. That one does not look at drops; here a
/// window with drops has the lowest gradient and nothing is added, which leaves nine tenths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gradient {
    limit: f64,
    long: Average,
}

/// The mean of the first values, and an exponential average from then on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Average {
    value: f64,
    /// The number of initial values so far.
    first: u32,
}

impl Gradient {
    pub(super) const fn new(initial: u32) -> Self {
        Self { limit: initial as f64, long: Average { value: 0.0, first: 0 } }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit as u32
    }

    #[cfg(all(test, not(resilient_loom)))]
    pub(super) fn exact_limit(&self) -> f64 {
        self.limit
    }

    pub(super) fn step(self, window: &Summary, bounds: Bounds) -> Self {
        let long = match window.mean {
            Some(time) => self.long.plus(time).drifted(time),
            None => self.long,
        };
        let limit = match window.mean {
            _ if window.dropped => self.toward(self.limit * LOWEST),
            Some(time) if is_half_used(window, self.limit) => {
                let gradient = (TOLERANCE * long.value / time).clamp(LOWEST, 1.0);
                self.toward(self.limit * gradient + HEADROOM)
            }
            _ => self.limit,
        };
        Self { limit: bounds.clamp_exact(limit), long }
    }

    fn toward(self, limit: f64) -> f64 {
        self.limit * (1.0 - SMOOTHING) + limit * SMOOTHING
    }
}

impl Average {
    fn plus(self, time: f64) -> Self {
        if self.first < FIRST {
            let first = self.first + 1;
            let value = self.value + (time - self.value) / f64::from(first);
            Self { value, first }
        } else {
            let weight = 2.0 / (LONG + 1.0);
            Self { value: self.value * (1.0 - weight) + time * weight, ..self }
        }
    }

    /// Comes down at once when calls have become much faster, since its own weight would take ten minutes.
    fn drifted(self, time: f64) -> Self {
        if self.value / time > 2.0 { Self { value: self.value * DRIFT, ..self } } else { self }
    }
}

/// By so much calls may take longer before the limit shrinks.
const TOLERANCE: f64 = 1.5;
const LOWEST: f64 = 0.5;
/// Calls that may wait at the server, for the limit to find out whether there is room for more.
const HEADROOM: f64 = 4.0;
const SMOOTHING: f64 = 0.2;
/// Windows that the average reaches back.
const LONG: f64 = 600.0;
const FIRST: u32 = 10;
const DRIFT: f64 = 0.95;
