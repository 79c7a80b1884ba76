//! A length of time in few bytes.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::clock::nanos;

/// A length of time in eight bytes, also where there may be none: half of what a [`Duration`] takes, since each policy of a
/// key has several.
///
/// It is exact up to 584 years. What is longer lasts for ever, as [`Duration::MAX`] does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length(
    /// Nanoseconds, and one more.
    NonZeroU64,
);

impl Length {
    pub(crate) const ZERO: Self = Self(NonZeroU64::MIN);

    pub(crate) const fn of(time: Duration) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanos(time)))
    }

    pub(crate) const fn time(self) -> Duration {
        if self.0.get() == u64::MAX { Duration::MAX } else { Duration::from_nanos(self.0.get() - 1) }
    }

    /// Nanoseconds, saturating after 584 years.
    pub(crate) const fn nanos(self) -> u64 {
        self.0.get() - 1
    }

    pub(crate) const fn is_longer_than(self, other: Self) -> bool {
        self.0.get() > other.0.get()
    }
}

impl fmt::Debug for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.time().fmt(f)
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn is_exact_until_it_lasts_for_ever() {
        let longest = Duration::from_nanos(u64::MAX - 2);
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(86_400 * 365), longest] {
            assert_eq!(Length::of(time).time(), time);
        }

        for time in [longest + Duration::from_nanos(1), Duration::from_secs(u64::MAX), Duration::MAX] {
            assert_eq!(Length::of(time).time(), Duration::MAX);
        }
    }

    #[test]
    fn takes_no_more_where_there_may_be_none() {
        assert_eq!([size_of::<Length>(), size_of::<Option<Length>>()], [8, 8]);
        assert_eq!(Length::ZERO, Length::of(Duration::ZERO));
    }
}
