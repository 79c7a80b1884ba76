//! The budget of a hedge: so many further attempts for so many calls, and nothing by time.

use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// Parts of a token, which begin at none.
///
/// Relaxed throughout: nothing is read on the strength of the balance but the balance itself.
#[derive(Debug)]
pub(super) struct Bucket(AtomicU32);

impl Bucket {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Pays in so many parts of a token, unless it is full. Threads that do so at once may each add to the last drop: far less
    /// than it takes to reach the end of the word.
    #[inline]
    pub(super) fn deposit(&self, parts: u32) {
        if self.0.load(Relaxed) < FULL {
            self.0.fetch_add(parts, Relaxed);
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn withdraw(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |parts| parts.checked_sub(TOKEN)).is_ok()
    }

    /// Pays back a token that was not used.
    pub(super) fn put_back(&self) {
        self.0.fetch_add(TOKEN, Relaxed);
    }

    /// Empties it.
    pub(super) fn reset(&self) {
        self.0.store(0, Relaxed);
    }

    /// In tokens.
    pub(super) fn balance(&self) -> f64 {
        f64::from(self.0.load(Relaxed)) / f64::from(TOKEN)
    }
}

/// One token in parts.
pub(super) const TOKEN: u32 = 10_000;
/// No more is paid in above a hundred tokens: a long quiet must not pay for a storm.
const FULL: u32 = 100 * TOKEN;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn begins_with_nothing_and_saves_a_hundred() {
        let bucket = Bucket::new();
        assert!(!bucket.withdraw());

        (0..1_000_000).for_each(|_| bucket.deposit(500));

        assert_eq!((0..1_000).filter(|_| bucket.withdraw()).count(), 100);
    }

    #[test]
    fn one_that_is_full_gets_no_more() {
        let bucket = Bucket::new();
        bucket.deposit(FULL - 1);
        assert!((bucket.balance() - 99.999_9).abs() < 1e-9);

        bucket.deposit(1);
        bucket.deposit(1);

        assert!((bucket.balance() - 100.0).abs() < 1e-9, "a hundred tokens: {}", bucket.balance());
        bucket.reset();
        assert!(bucket.balance() < 1e-9 && !bucket.withdraw());
    }

    proptest! {
        #[test]
        fn never_grants_more_than_the_share_of_the_calls(
            parts in 1..=TOKEN,
            calls in proptest::collection::vec(any::<bool>(), 0..2_000),
        ) {
            let bucket = Bucket::new();
            let (mut paid, mut granted) = (0_u64, 0_u64);
            for hedges in calls {
                bucket.deposit(parts);
                paid += u64::from(parts);
                granted += u64::from(hedges && bucket.withdraw());
                prop_assert!(granted * u64::from(TOKEN) <= paid);
            }
        }
    }
}
