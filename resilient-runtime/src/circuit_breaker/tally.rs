//! The calls that a decision goes by.

/// Calls that have ended, how many of them failed, and how many were slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

impl Tally {
    /// The fraction that failed; `None` of no calls.
    pub(super) fn rate(self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.failures) / f64::from(self.calls))
    }

    /// The fraction that was slow; `None` of no calls.
    pub(super) fn slow_rate(self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.slow) / f64::from(self.calls))
    }
}
