//! The time window: ten buckets, each a tenth of it long.

use crate::circuit_breaker::config;
use crate::circuit_breaker::epoch::Epoch;
use crate::packed_time::Moment;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The counts of the last ten periods, of one kind of hit; period `p` lives in bucket `p mod 10`.
#[derive(Debug)]
pub(super) struct Buckets([AtomicU64; BUCKETS]);

/// The counts of a bucket: calls, and those of them that are hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub(super) calls: u32,
    pub(super) hits: u32,
}

/// One bucket's word: tag 28 bits, calls 18, hits 18.
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

    /// Empties them, for when time begins anew: the tags of the time before would come again.
    pub(super) fn clear(&self) {
        // Relaxed: a call that ends meanwhile may be counted before or after.
        self.0.iter().for_each(|bucket| bucket.store(0, Relaxed));
    }

    pub(super) fn record(&self, width: u64, epoch: Epoch, count: Count, now: Moment, current: impl Fn() -> bool) {
        let Place { index, tag } = Place::of(width, epoch, now);
        let bucket = &self.0[index];
        // Acquire pairs with the Release below: whoever sees a later epoch's word also sees that state in `current`,
        // and one that sees none overwrites only what it has seen. So a late result never enters a newer epoch.
        let mut seen = bucket.load(Acquire);
        while current() {
            let next = Bucket(seen).plus(tag, count);
            match bucket.compare_exchange_weak(seen, next.0, Release, Acquire) {
                Ok(_) => break,
                Err(newer) => seen = newer,
            }
        }
    }

    /// Records calls that ended at unknown times between two moments, as if evenly. What has left the window by
    /// now is not recorded.
    pub(super) fn spread(
        &self,
        width: u64,
        epoch: Epoch,
        calls: u32,
        since: Moment,
        now: Moment,
        current: impl Fn() -> bool,
    ) {
        let elapsed = now.0.saturating_sub(since.0);
        let mut left = in_window(width, calls, since, now);
        if elapsed > width {
            let each = (u128::from(calls) * u128::from(width) / u128::from(elapsed)) as u32;
            for back in (1..PERIODS).rev().filter(|back| back * width < elapsed) {
                let earlier = each.min(left);
                if earlier > 0 {
                    let then = Moment(now.0 - back * width);
                    self.record(width, epoch, Count { calls: earlier, hits: 0 }, then, &current);
                }
                left -= earlier;
            }
        }
        if left > 0 {
            self.record(width, epoch, Count { calls: left, hits: 0 }, now, current);
        }
    }

    pub(super) fn tally(&self, width: u64, epoch: Epoch, now: Moment) -> Count {
        let newest = Place::of(width, epoch, now);
        let mut sum = Count::default();
        for (index, bucket) in self.0.iter().enumerate() {
            // Relaxed: each word is complete in itself, and the caller's fence orders it after its own record.
            let Count { calls, hits } = Bucket(bucket.load(Relaxed)).count(newest.tags_at(index));
            sum.calls += calls;
            sum.hits += hits;
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

    /// The tags of a live word at `index`: buckets past the newest one are still of the round before.
    ///
    /// Another thread's clock may be past the edge of the next bucket already, and that bucket is live too. Otherwise two
    /// failures that race across the edge could each miss the other.
    fn tags_at(self, index: usize) -> [u64; 2] {
        let before = |tag: u64| tag.wrapping_sub(1) & MAX_TAG;
        let own = if index <= self.index { self.tag } else { before(self.tag) };
        let is_next = index == (self.index + 1) % BUCKETS;
        [own, if is_next { (own + 1) & MAX_TAG } else { own }]
    }
}

impl Bucket {
    const fn plus(self, tag: u64, more: Count) -> Self {
        let Count { mut calls, mut hits } = self.count([tag; 2]);
        // Half of each keeps the rate, and the window merely forgets how many calls there were.
        if (calls + more.calls) as u64 > MAX_COUNT {
            calls /= 2;
            hits /= 2;
        }
        Self(tag << TAG | ((calls + more.calls) as u64) << CALLS | (hits + more.hits) as u64)
    }

    const fn count(self, tags: [u64; 2]) -> Count {
        let tag = self.0 >> TAG;
        if tag == tags[0] || tag == tags[1] {
            Count { calls: (self.0 >> CALLS & MAX_COUNT) as u32, hits: (self.0 & MAX_COUNT) as u32 }
        } else {
            Count { calls: 0, hits: 0 }
        }
    }
}

/// Returns how many of the calls that ended between two moments, as if evenly, are in the window at the later one.
pub(super) fn in_window(width: u64, calls: u32, since: Moment, now: Moment) -> u32 {
    let (elapsed, window) = (now.0.saturating_sub(since.0), width.saturating_mul(PERIODS));
    if elapsed <= window { calls } else { (u128::from(calls) * u128::from(window) / u128::from(elapsed)) as u32 }
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
        buckets.record(WIDTH, epoch, one(failed), at(millis), || true);
    }

    fn tally(buckets: &Buckets, epoch: Epoch, millis: u64) -> (u32, u32) {
        let Count { calls, hits } = buckets.tally(WIDTH, epoch, at(millis));
        (calls, hits)
    }

    fn one(failed: bool) -> Count {
        Count { calls: 1, hits: u32::from(failed) }
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

        buckets.record(WIDTH, FIRST, one(true), at(0), || false);

        assert_eq!(tally(&buckets, FIRST, 0), (0, 0));
    }

    #[test]
    fn overflow_keeps_the_rate() {
        let mut bucket = Bucket(0);

        for call in 0..10_000_000_u32 {
            bucket = bucket.plus(7, one(call % 4 == 0));
        }

        let Count { calls, hits } = bucket.count([7; 2]);
        assert!(calls > 100_000);
        assert!((f64::from(hits) / f64::from(calls) - 0.25).abs() < 0.001);
    }

    #[test]
    fn full_bucket_halves_what_it_had_for_calls_that_do_not_fit() {
        let most = MAX_COUNT as u32;
        let bucket = Bucket(0).plus(7, Count { calls: most - 2, hits: most - 2 });

        let full = bucket.plus(7, Count { calls: 2, hits: 0 });
        assert_eq!(full.count([7; 2]), Count { calls: most, hits: most - 2 });
        let over = bucket.plus(7, Count { calls: 32, hits: 0 });
        assert_eq!(over.count([7; 2]), Count { calls: most / 2 + 31, hits: most / 2 - 1 });
    }

    #[test]
    fn sees_what_another_thread_recorded_just_past_the_edge() {
        let buckets = Buckets::new();
        for edge in [1_000, 9_000, 10_000, 11_000, 20_000] {
            record(&buckets, FIRST, edge, true);
            assert_eq!(tally(&buckets, FIRST, edge - 1).1, tally(&buckets, FIRST, edge).1, "{edge}");
        }
    }

    #[test]
    fn calls_of_unknown_times_leave_one_bucket_after_the_other() {
        let buckets = Buckets::new();

        buckets.spread(WIDTH, FIRST, 40, at(1_000), at(5_000), || true);

        let left = [5_000, 10_999, 12_000, 13_000, 14_000, 15_000].map(|millis| tally(&buckets, FIRST, millis).0);
        assert_eq!(left, [40, 40, 30, 20, 10, 0]);
    }

    #[test]
    fn calls_before_a_long_silence_are_mostly_gone() {
        let buckets = Buckets::new();

        buckets.spread(WIDTH, FIRST, 31, at(0), at(100_000), || true);
        assert_eq!(tally(&buckets, FIRST, 100_000), (3, 0));
        buckets.spread(WIDTH, Epoch(3), 31, at(100_000), at(365 * 86_400_000), || true);
        assert_eq!(tally(&buckets, Epoch(3), 365 * 86_400_000), (0, 0));
    }
}
