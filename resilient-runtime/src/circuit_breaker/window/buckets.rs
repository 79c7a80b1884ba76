//! The time window: ten buckets, each a tenth of it long.

use crate::circuit_breaker::config;
use crate::circuit_breaker::state::{Epoch, Moment, Tally};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The counts of the last ten periods; period `p` lives in bucket `p mod 10`.
#[derive(Debug)]
pub(super) struct Buckets([AtomicU64; BUCKETS]);

/// One bucket's word: tag 28 bits, calls 18, failures 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket(u64);

/// A bucket's index, and the tag that its word has if it is about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: usize,
    tag: u64,
}

impl Buckets {
    #[cfg(not(resilient_loom))]
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }

    #[cfg(resilient_loom)]
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    #[inline]
    pub(super) fn record(&self, width: u64, epoch: Epoch, failed: bool, now: Moment, current: impl Fn() -> bool) {
        let Place { index, tag } = Place::of(width, epoch, now);
        let bucket = &self.0[index];
        // Acquire pairs with the Release below: whoever sees a later epoch's word also sees that state in `current`,
        // and one that sees none overwrites only what it has seen. So a late result never enters a newer epoch.
        let mut seen = bucket.load(Acquire);
        while current() {
            let next = Bucket(seen).plus(tag, failed);
            match bucket.compare_exchange_weak(seen, next.0, Release, Acquire) {
                Ok(_) => break,
                Err(newer) => seen = newer,
            }
        }
    }

    pub(super) fn tally(&self, width: u64, epoch: Epoch, now: Moment) -> Tally {
        let newest = Place::of(width, epoch, now);
        let mut sum = Tally::default();
        for (index, bucket) in self.0.iter().enumerate() {
            // Relaxed: each word is complete in itself, and the caller's fence orders it after its own record.
            let Tally { calls, failures } = Bucket(bucket.load(Relaxed)).tally(newest.tag_at(index));
            sum.calls += calls;
            sum.failures += failures;
        }
        sum
    }
}

impl Place {
    /// The tag counts rounds through the buckets, moved on by the epoch. Time never goes back and two closed states
    /// are at least three epochs apart, so no older one has used a tag that the new state looks for, until 2²⁸ rounds have
    /// passed (85 years of a 10 s window) or the epochs have gone round.
    #[inline]
    fn of(width: u64, epoch: Epoch, now: Moment) -> Self {
        let period = now.0 / width;
        let round = period / PERIODS;
        let index = (period % PERIODS) as usize;
        Self { index, tag: round.wrapping_add(u64::from(epoch.0)) & MAX_TAG }
    }

    /// The tag of a live word at `index`: buckets past the newest one are still of the round before.
    fn tag_at(self, index: usize) -> u64 {
        if index <= self.index { self.tag } else { self.tag.wrapping_sub(1) & MAX_TAG }
    }
}

impl Bucket {
    const fn plus(self, tag: u64, failed: bool) -> Self {
        let (mut calls, mut failures) = if self.0 >> TAG == tag { (self.calls(), self.failures()) } else { (0, 0) };
        // Half of each keeps the rate, and the window merely forgets how many calls there were.
        if calls as u64 == MAX_COUNT {
            calls /= 2;
            failures /= 2;
        }
        Self(tag << TAG | (calls as u64 + 1) << CALLS | (failures as u64 + failed as u64))
    }

    const fn tally(self, tag: u64) -> Tally {
        if self.0 >> TAG == tag {
            Tally { calls: self.calls(), failures: self.failures() }
        } else {
            Tally { calls: 0, failures: 0 }
        }
    }

    const fn calls(self) -> u32 {
        (self.0 >> CALLS & MAX_COUNT) as u32
    }

    const fn failures(self) -> u32 {
        (self.0 & MAX_COUNT) as u32
    }
}

const BUCKETS: usize = config::BUCKETS as usize;
const PERIODS: u64 = config::BUCKETS as u64;
const TAG: u32 = 36;
const CALLS: u32 = 18;
const MAX_TAG: u64 = (1 << 28) - 1;
const MAX_COUNT: u64 = (1 << 18) - 1;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    const WIDTH: u64 = 1_000_000_000;
    const FIRST: Epoch = Epoch(0);

    fn at(millis: u64) -> Moment {
        Moment(millis * 1_000_000)
    }

    fn record(buckets: &Buckets, epoch: Epoch, millis: u64, failed: bool) {
        buckets.record(WIDTH, epoch, failed, at(millis), || true);
    }

    fn tally(buckets: &Buckets, epoch: Epoch, millis: u64) -> (u32, u32) {
        let Tally { calls, failures } = buckets.tally(WIDTH, epoch, at(millis));
        (calls, failures)
    }

    #[test]
    fn forgets_one_bucket_after_the_other() {
        let buckets = Buckets::new();
        for millis in [0, 999, 1_000, 5_500] {
            record(&buckets, FIRST, millis, true);
        }

        let seen = [5_500, 9_999, 10_000, 10_999, 11_000, 14_999, 15_000].map(|millis| tally(&buckets, FIRST, millis));

        assert_eq!(seen, [(4, 4), (4, 4), (2, 2), (2, 2), (1, 1), (1, 1), (0, 0)]);
    }

    #[test]
    fn one_failure_a_year_is_one_failure() {
        let buckets = Buckets::new();

        for year in 0..50 {
            let now = year * 365 * 86_400_000;
            record(&buckets, FIRST, now, true);
            assert_eq!(tally(&buckets, FIRST, now), (1, 1));
        }
    }

    #[test]
    fn reuses_a_bucket_without_its_old_counts() {
        let buckets = Buckets::new();
        record(&buckets, FIRST, 3_000, true);

        record(&buckets, FIRST, 13_000, false);

        assert_eq!(tally(&buckets, FIRST, 13_000), (1, 0));
    }

    #[test]
    fn later_epoch_starts_empty_at_the_same_moment() {
        let buckets = Buckets::new();
        for millis in (0..10_000).step_by(500) {
            record(&buckets, FIRST, millis, true);
        }

        assert_eq!(tally(&buckets, FIRST, 9_500), (20, 20));
        assert_eq!(tally(&buckets, Epoch(3), 9_500), (0, 0));
        assert_eq!(tally(&buckets, Epoch(3), 12_500), (0, 0));
    }

    #[test]
    fn drops_an_outcome_whose_epoch_has_passed() {
        let buckets = Buckets::new();

        buckets.record(WIDTH, FIRST, true, at(0), || false);

        assert_eq!(tally(&buckets, FIRST, 0), (0, 0));
    }

    #[test]
    fn overflow_keeps_the_rate() {
        let mut bucket = Bucket(0);

        for call in 0..10_000_000_u32 {
            bucket = bucket.plus(7, call % 4 == 0);
        }

        let tally = bucket.tally(7);
        assert!(tally.calls > 100_000);
        assert!((tally.rate().unwrap() - 0.25).abs() < 0.001);
    }
}
