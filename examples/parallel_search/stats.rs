//! Percentiles and shares.

use std::time::Duration;

/// Durations in ascending order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sorted(Vec<Duration>);

impl FromIterator<Duration> for Sorted {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut sorted: Vec<Duration> = durations.into_iter().collect();
        sorted.sort_unstable();
        Self(sorted)
    }
}

impl Sorted {
    /// Returns the smallest duration that at least `percent` of all do not exceed (nearest rank); zero if there are none.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or_default()
    }

    pub(crate) fn max(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }

    pub(crate) fn as_slice(&self) -> &[Duration] {
        &self.0
    }
}

/// Returns `part` of `whole` between 0 and 1; 0 of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { real(part) / real(whole) }
}

/// Returns `part` of `whole` between 0 and 1; 0 of nothing.
pub(crate) fn share_of_time(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() }
}

/// Returns a duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Returns a count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of a run of seconds are far below 2^52")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(millis: impl IntoIterator<Item = u64>) -> Sorted {
        millis.into_iter().map(Duration::from_millis).collect()
    }

    #[test]
    fn takes_the_nearest_rank() {
        let hundred = sorted((1..=100).rev());

        for (percent, millis) in [(0.0, 1), (1.0, 1), (50.0, 50), (95.0, 95), (99.0, 99), (99.5, 100), (100.0, 100)] {
            assert_eq!(hundred.percentile(percent), Duration::from_millis(millis), "p{percent}");
        }
        assert_eq!(sorted([1, 2, 3, 4]).percentile(50.0), Duration::from_millis(2));
    }

    #[test]
    fn one_is_every_percentile_and_none_is_zero() {
        assert_eq!(sorted([7]).percentile(1.0), sorted([7]).percentile(99.0));
        assert_eq!(sorted([]).percentile(99.0), Duration::ZERO);
        assert_eq!(sorted([]).max(), Duration::ZERO);
    }

    #[test]
    fn a_share_of_nothing_is_zero() {
        assert!(share(0, 0).abs() < f64::EPSILON);
        assert!((share(1, 4) - 0.25).abs() < f64::EPSILON);
    }
}
