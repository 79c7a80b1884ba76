//! The algorithms by one name.

use super::aimd::Aimd;
use super::bounds::Bounds;
use super::gradient::Gradient;
use super::vegas::Vegas;
use super::window::{Probe, Summary};

/// The knowledge of one of the algorithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Algorithm {
    Aimd(Aimd),
    Vegas(Vegas),
    Gradient(Gradient),
}

impl Algorithm {
    /// Returns its knowledge after another window; the lot spreads the times of probes.
    pub(super) fn step(self, window: &Summary, bounds: Bounds, lot: impl FnOnce() -> u64) -> Self {
        match self {
            Self::Aimd(aimd) => Self::Aimd(aimd.step(window, bounds)),
            Self::Vegas(vegas) => Self::Vegas(vegas.step(window, bounds, lot)),
            Self::Gradient(gradient) => Self::Gradient(gradient.step(window, bounds)),
        }
    }

    /// The limit of the window to come.
    pub(super) fn limit(&self, bounds: Bounds) -> u32 {
        match self {
            Self::Aimd(aimd) => aimd.limit(),
            Self::Vegas(vegas) => vegas.limit(bounds),
            Self::Gradient(gradient) => gradient.limit(),
        }
    }

    /// Returns the probe that the next window makes, if it is one.
    pub(super) fn probe(&self) -> Option<Probe> {
        match self {
            Self::Vegas(vegas) => vegas.probe(),
            Self::Aimd(_) | Self::Gradient(_) => None,
        }
    }
}
