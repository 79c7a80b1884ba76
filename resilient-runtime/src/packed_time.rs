//! Times that share an atomic word with other things: short, modulo some length, and compared with that in mind.

use std::time::Duration;

use crate::clock::nanos;

/// Nanoseconds since an origin of the owner's, such as a breaker's first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

/// A [`Moment`] in whole milliseconds, modulo 2³⁷ (4.3 years), short enough to share a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) u64);

impl Moment {
    pub(crate) const fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }

    /// Rounded up, so that what waits for it is never early, and exact for a whole number.
    pub(crate) const fn round_up(self) -> Millis {
        Millis(self.0.div_ceil(NANOS_PER_MILLI) & MAX_MILLIS)
    }

    /// The time left until `end`, which was set to be at most `longest` ahead; `None` from the end on.
    ///
    /// So an end that lies further ahead than that is one long past, before the milliseconds went round.
    #[inline]
    pub(crate) fn until(self, end: Millis, longest: Millis) -> Option<Duration> {
        let (now, into) = (self.0 / NANOS_PER_MILLI, self.0 % NANOS_PER_MILLI);
        let ahead = end.0.wrapping_sub(now) & MAX_MILLIS;
        // one more for the rounding
        if ahead == 0 || ahead > longest.0 + 1 {
            return None;
        }
        // At least a nanosecond, since `into` is less than a millisecond.
        Some(Duration::from_nanos(ahead * NANOS_PER_MILLI - into))
    }
}

impl Millis {
    /// The time, rounded up, and no longer than can be told apart from one in the past: two years.
    pub(crate) const fn of(time: Duration) -> Self {
        Self::of_nanos(nanos(time))
    }

    /// As [`of`](Self::of), of so many nanoseconds.
    pub(crate) const fn of_nanos(nanos: u64) -> Self {
        let millis = nanos.div_ceil(NANOS_PER_MILLI);
        Self(if millis > MAX_WAIT { MAX_WAIT } else { millis })
    }

    pub(crate) const fn plus(self, time: Duration) -> Self {
        Self((self.0 + Self::of(time).0) & MAX_MILLIS)
    }
}

/// The most that 37 bits can hold.
pub(crate) const MAX_MILLIS: u64 = (1 << 37) - 1;
/// Half of that: no longer ahead than can be told apart from the past.
pub(crate) const MAX_WAIT: u64 = MAX_MILLIS / 2;
pub(crate) const NANOS_PER_MILLI: u64 = 1_000_000;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn moment_is_rounded_up_to_a_millisecond_that_goes_round() {
        assert_eq!([0, 1, 1_000_000, 1_000_001].map(|nanos| Moment(nanos).round_up().0), [0, 1, 1, 2]);
        assert_eq!(Moment(MAX_MILLIS * NANOS_PER_MILLI + 1).round_up(), Millis(0));
        assert_eq!(Millis(MAX_MILLIS).plus(Duration::from_millis(3)), Millis(2));
    }

    #[test]
    fn end_is_ahead_by_its_longest_time_and_the_rounding_at_the_most() {
        let left = |nanos, end| Moment(nanos).until(Millis(end), Millis(1_000)).map(|left| left.as_nanos());

        assert_eq!(left(5_000_000, 6), Some(1_000_000));
        assert_eq!(left(5_999_999, 6), Some(1));
        assert_eq!(left(6_000_000, 6), None);
        assert_eq!((left(0, 1_001), left(0, 1_002)), (Some(1_001_000_000), None));
        assert_eq!(left(MAX_MILLIS * NANOS_PER_MILLI, 1), Some(2_000_000), "it goes round");
    }

    #[test]
    fn time_is_rounded_up_to_milliseconds_and_no_longer_than_two_years() {
        let years = |years: u64| Duration::from_secs(years * 365 * 86_400);

        assert_eq!(Millis::of(Duration::from_nanos(1)), Millis(1));
        assert_eq!(Millis::of(Duration::from_millis(7)), Millis(7));
        assert_eq!(Millis::of(years(2)), Millis(2 * 365 * 86_400_000));
        assert_eq!(Millis::of(years(3)), Millis(MAX_WAIT));
        assert_eq!(Millis::of(Duration::MAX), Millis(MAX_WAIT));
    }
}
