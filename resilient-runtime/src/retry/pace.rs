//! The time that attempts take: a running median in one atomic word.

use std::time::Duration;

use crate::clock::nanos;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// A running estimate of the median attempt.
///
/// Each sample moves it by a small part of itself towards the sample, as often up as down when it stands at the median
/// ("frugal streaming", Ma, Muthukrishnan and Sandler, 2013, with steps in proportion). The first sample sets it.
#[derive(Debug)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(AtomicU64::new(UNKNOWN))
        }
    }

    /// The median so far, if there has been a sample.
    pub(super) fn median(&self) -> Option<Duration> {
        // Relaxed: an estimate on which nothing else depends.
        match self.0.load(Relaxed) {
            UNKNOWN => None,
            median => Some(Duration::from_nanos(median)),
        }
    }

    pub(super) fn sample(&self, attempt: Duration) {
        let attempt = nanos(attempt).max(1);
        // Relaxed as above; a sample that is lost to a race is only one of many.
        let _ = self.0.fetch_update(Relaxed, Relaxed, |median| Some(toward(median, attempt)));
    }
}

fn toward(median: u64, attempt: u64) -> u64 {
    if median == UNKNOWN {
        return attempt;
    }
    let step = (median / STEPS).max(1);
    if attempt > median { median.saturating_add(step).min(attempt) } else { (median - step).max(attempt) }
}

const UNKNOWN: u64 = 0;
/// A sample moves the estimate by a sixteenth.
const STEPS: u64 = 16;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn settles_near_the_median_whatever_the_tail() {
        let mut median = UNKNOWN;
        let mut estimates = Vec::new();
        for n in 0..4_000_u64 {
            // 1 … 100 ms in a scattered order, and every tenth is ten seconds
            let millis = if n % 10 == 0 { 10_000 } else { n * 37 % 100 + 1 };
            median = toward(median, millis * 1_000_000);
            estimates.push(median / 1_000_000);
        }

        let late = &estimates[1_000..];
        let mean = late.iter().sum::<u64>() / late.len() as u64;
        assert!((45..66).contains(&mean), "the median is 56 ms: {mean}");
    }

    #[test]
    fn follows_a_change() {
        let mut median = 1_000_000;

        for _ in 0..50 {
            median = toward(median, 10_000_000);
        }

        assert_eq!(median, 10_000_000);
    }
}
