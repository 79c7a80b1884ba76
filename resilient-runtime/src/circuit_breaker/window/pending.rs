//! Successes that are counted without a look at the clock, until there are enough of them for one.

use super::buckets::{Buckets, in_window};
use crate::circuit_breaker::epoch::{Epoch, MAX_EPOCH};
use crate::packed_time::Moment;
use crate::rare::Rare;
use crate::striped::{Padded, STRIPES, stripe};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::const_fn;

/// A count for each stripe of threads, and when it was last moved into the buckets.
///
/// A thread that makes many calls moves every 32nd time, so that a success is one write to a line that is nearly its
/// own. As soon as calls come less often, each of them looks at the clock. So those that have not been moved ended
/// within half a bucket, or, if calls stopped all of a sudden, there are at most 31 of them, which are taken to have
/// ended evenly since the last look.
///
/// There is one stripe until two threads meet in it. From then on there are all, and the first is only read.
#[derive(Debug)]
pub(super) struct Pending {
    first: Stripe,
    stripes: Rare<Stripes>,
}

type Stripes = [Padded<Stripe>; STRIPES];

#[derive(Debug)]
struct Stripe {
    word: AtomicU64,
    /// Nanoseconds, as a [`Moment`].
    ///
    /// Relaxed: it is written after the word, and whoever reads the earlier time spreads a few calls a little wider.
    since: AtomicU64,
}

/// A stripe's word: epoch 17 bits, quick calls in a row 6, successes that were moved 36, and 5 for the calls that may yet
/// come before a look at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    epoch: Epoch,
    quick: u32,
    moved: u64,
    left: u32,
}

impl Pending {
    const_fn! {
        pub(super) fn new() -> Self {
            Self { first: Stripe::new(), stripes: Rare::new(Stripe::several) }
        }
    }

    /// This thread's stripe.
    #[inline]
    fn stripe(&self) -> &Stripe {
        match self.stripes.get() {
            Some(stripes) => &stripes[stripe()].0,
            None => &self.first,
        }
    }

    fn all_stripes(&self) -> impl Iterator<Item = &Stripe> {
        let others = self.stripes.get().map_or(&[][..], |stripes| &stripes[..]);
        std::iter::once(&self.first).chain(others.iter().map(|Padded(stripe)| stripe))
    }

    /// Counts a success of the epoch, unless it is time to look at the clock.
    #[inline]
    pub(super) fn count(&self, epoch: Epoch) -> bool {
        let word = &self.stripe().word;
        // Relaxed: a word of the epoch stays what it is until a later one takes its place, and the count is read where
        // a fence or nothing at all orders it.
        let mut seen = word.load(Relaxed);
        while Batch::is_running(seen, epoch) {
            match word.compare_exchange_weak(seen, seen - 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(newer) => {
                    self.divide();
                    seen = newer;
                }
            }
        }
        false
    }

    /// Gives each thread its stripe.
    #[cold]
    #[inline(never)]
    fn divide(&self) {
        self.stripes.get_or_make(Stripe::several);
    }

    /// Counts a success and moves it into the buckets with those before it.
    #[cold]
    pub(super) fn turn(&self, width: u64, epoch: Epoch, now: Moment, current: impl Fn() -> bool, buckets: &Buckets) {
        let Stripe { word, since } = self.stripe();
        // Acquire pairs with the Release below: whoever sees a later epoch's word also sees that state in `current`, and
        // one that sees none overwrites only what it has seen. So a late result never enters a newer epoch.
        let mut seen = word.load(Acquire);
        while current() {
            let batch = Batch::unpack(seen);
            let began = if batch.epoch == epoch { Moment(since.load(Relaxed)) } else { now };
            let (next, calls) = batch.next(epoch, now.0.saturating_sub(began.0), width);
            match word.compare_exchange_weak(seen, next.pack(), Release, Acquire) {
                Ok(_) => {
                    if let Some(calls) = calls {
                        since.store(now.0, Relaxed);
                        let began = if calls == 1 { now } else { began };
                        buckets.spread(width, epoch, calls, began, now, current);
                    }
                    break;
                }
                Err(newer) => seen = newer,
            }
        }
    }

    /// Adds a success of the epoch that the buckets have already, so that it is one of [all](Self::all).
    #[inline]
    pub(super) fn note(&self, epoch: Epoch, current: impl Fn() -> bool) {
        let word = &self.stripe().word;
        // Acquire and Release as above.
        let mut seen = word.load(Acquire);
        while current() {
            match word.compare_exchange_weak(seen, Batch::noted(seen, epoch), Release, Acquire) {
                Ok(_) => break,
                Err(newer) => seen = newer,
            }
        }
    }

    /// Forgets the calls that have not been moved; they stay among [all](Self::all).
    pub(super) fn clear(&self) {
        for Stripe { word, .. } in self.all_stripes() {
            // Acquire and Release as above.
            let _ = word.fetch_update(Release, Acquire, |word| Some(Batch::unpack(word).without_pending().pack()));
        }
    }

    /// The successes since the epoch began, however long ago; they go round after 7·10¹⁰ a stripe.
    pub(super) fn all(&self, epoch: Epoch) -> u64 {
        // Relaxed: each word is complete in itself, and the caller's fence orders it after its own record.
        let stripes = self.all_stripes().map(|stripe| Batch::unpack(stripe.word.load(Relaxed)).all(epoch));
        stripes.fold(0, u64::wrapping_add)
    }

    /// The calls of the window that have not been moved.
    pub(super) fn calls(&self, width: u64, epoch: Epoch, now: Moment) -> u32 {
        let stripes = self.all_stripes().map(|stripe| {
            // Relaxed: each word is complete in itself, and the caller's fence orders it after its own record.
            let batch = Batch::unpack(stripe.word.load(Relaxed));
            match batch.pending(epoch) {
                0 => 0,
                calls => in_window(width, calls, Moment(stripe.since.load(Relaxed)), now),
            }
        });
        stripes.sum()
    }
}

impl Stripe {
    const_fn! {
        fn new() -> Self {
            Self { word: AtomicU64::new(0), since: AtomicU64::new(0) }
        }
    }

    fn several() -> Stripes {
        std::array::from_fn(|_| Padded(Self::new()))
    }
}

impl Batch {
    #[inline]
    const fn is_running(word: u64, epoch: Epoch) -> bool {
        word >> EPOCH == epoch.0 as u64 && word & LEFT != 0
    }

    /// Returns what follows when the next call ends, and how many calls that moves; none if another thread has just done so.
    const fn next(self, epoch: Epoch, elapsed: u64, width: u64) -> (Self, Option<u32>) {
        if self.epoch.0 != epoch.0 {
            return (Self { epoch, quick: 0, moved: 1, left: 0 }, Some(1));
        }
        if self.left > 0 {
            return (Self { left: self.left - 1, ..self }, None);
        }
        // As many calls at this pace take half a bucket.
        let calls = if self.quick == STRIDE { STRIDE } else { 1 };
        let quick = elapsed <= width / 2 / STRIDE as u64 * calls as u64;
        let quick = if !quick {
            0
        } else if self.quick < STRIDE {
            self.quick + 1
        } else {
            STRIDE
        };
        let moved = self.moved.wrapping_add(calls as u64);
        (Self { epoch, quick, moved, left: if quick == STRIDE { STRIDE - 1 } else { 0 } }, Some(calls))
    }

    /// The word with one more that was moved.
    const fn noted(word: u64, epoch: Epoch) -> u64 {
        if word >> EPOCH == epoch.0 as u64 {
            word & !(MAX_MOVED << MOVED) | word.wrapping_add(1 << MOVED) & MAX_MOVED << MOVED
        } else {
            Self { epoch, quick: 0, moved: 1, left: 0 }.pack()
        }
    }

    const fn all(self, epoch: Epoch) -> u64 {
        if self.epoch.0 == epoch.0 { self.moved.wrapping_add(self.pending(epoch) as u64) } else { 0 }
    }

    const fn pending(self, epoch: Epoch) -> u32 {
        if self.epoch.0 == epoch.0 && self.quick == STRIDE { STRIDE - 1 - self.left } else { 0 }
    }

    /// As if what is pending had been moved.
    const fn without_pending(self) -> Self {
        Self { quick: 0, moved: self.moved.wrapping_add(self.pending(self.epoch) as u64), left: 0, ..self }
    }

    const fn pack(self) -> u64 {
        let moved = self.moved & MAX_MOVED;
        (self.epoch.0 as u64) << EPOCH | (self.quick as u64) << QUICK | moved << MOVED | self.left as u64
    }

    const fn unpack(word: u64) -> Self {
        Self {
            epoch: Epoch((word >> EPOCH) as u32 & MAX_EPOCH),
            quick: (word >> QUICK & MAX_QUICK) as u32,
            moved: word >> MOVED & MAX_MOVED,
            left: (word & LEFT) as u32,
        }
    }
}

/// After so many quick calls, so many are counted between two looks at the clock.
const STRIDE: u32 = 32;
const EPOCH: u32 = 47;
const QUICK: u32 = 41;
const MAX_QUICK: u64 = (1 << 6) - 1;
const MOVED: u32 = 5;
const MAX_MOVED: u64 = (1 << 36) - 1;
const LEFT: u64 = (1 << MOVED) - 1;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    const WIDTH: u64 = 1_000_000_000;
    const FIRST: Epoch = Epoch(0);

    /// A count and its buckets.
    struct Window(Pending, Buckets);

    impl Window {
        fn new() -> Self {
            Self(Pending::new(), Buckets::new())
        }

        /// Returns whether that took a look at the clock.
        fn succeed(&self, epoch: Epoch, millis: u64) -> bool {
            let looks = !self.0.count(epoch);
            if looks {
                self.0.turn(WIDTH, epoch, at(millis), || true, &self.1);
            }
            looks
        }

        fn calls(&self, epoch: Epoch, millis: u64) -> u32 {
            self.0.calls(WIDTH, epoch, at(millis)) + self.1.tally(WIDTH, epoch, at(millis)).calls
        }
    }

    fn at(millis: u64) -> Moment {
        Moment(millis * 1_000_000)
    }

    #[test]
    fn many_calls_look_at_the_clock_once_in_32() {
        let window = Window::new();

        let epoch = Epoch(3);

        let looks = (0..33 + 32_000).filter(|call| window.succeed(epoch, call / 100)).count();

        assert_eq!(looks, 33 + 1_000);
        assert_eq!(window.calls(epoch, 320), 33 + 32_000);
    }

    #[test]
    fn few_calls_look_at_the_clock_each_time() {
        let window = Window::new();

        for second in 0..100 {
            for call in 0..32 {
                assert!(window.succeed(FIRST, second * 1_000 + call * 17), "{second} {call}");
            }
        }
        assert_eq!(window.calls(FIRST, 99_999), 320);
    }

    #[test]
    fn calls_that_become_rare_look_again() {
        let window = Window::new();
        (0..1_000).for_each(|call| _ = window.succeed(FIRST, call));

        let looks: Vec<_> = (0..64).map(|call| window.succeed(FIRST, 1_000 + call * 500)).collect();

        let batched = looks.iter().take_while(|looks| !**looks).count();
        assert!(batched < 32, "{looks:?}");
        assert!(looks[batched..].iter().all(|looks| *looks), "{looks:?}");
    }

    #[test]
    fn all_successes_are_counted_however_long_ago() {
        let window = Window::new();

        (0..1_000).for_each(|call| _ = window.succeed(FIRST, call));
        (0..7).for_each(|_| window.0.note(FIRST, || true));
        (0..1_000).for_each(|call| _ = window.succeed(FIRST, call * 1_000_000));
        assert_eq!(window.0.all(FIRST), 2_007);
        assert_eq!(window.0.all(Epoch(3)), 0);

        window.0.note(FIRST, || false);
        assert_eq!(window.0.all(FIRST), 2_007);
        window.0.note(Epoch(3), || true);
        assert_eq!(window.0.all(Epoch(3)), 1);
    }

    #[test]
    fn calls_that_are_forgotten_stay_among_all_successes() {
        let window = Window::new();
        (0..32 + 40).for_each(|_| _ = window.succeed(FIRST, 0));
        assert_eq!((window.0.calls(WIDTH, FIRST, at(0)), window.0.all(FIRST)), (8, 72));

        window.0.clear();

        assert_eq!((window.0.calls(WIDTH, FIRST, at(0)), window.0.all(FIRST)), (0, 72));
        assert!(window.succeed(FIRST, 0), "it looks at the clock again");
        assert_eq!(window.0.all(FIRST), 73);
    }

    /// Thirty-two calls at this pace take half a bucket.
    #[test]
    fn calls_are_counted_without_the_clock_where_half_a_bucket_holds_so_many() {
        let pace = WIDTH / 2 / u64::from(STRIDE);
        let batch = |quick, left| Batch { epoch: FIRST, quick, moved: 7, left };
        let next = |quick, elapsed| {
            let (next, calls) = batch(quick, 0).next(FIRST, elapsed, WIDTH);
            (next.quick, next.left, next.moved - 7, calls)
        };

        assert_eq!(next(3, pace), (4, 0, 1, Some(1)));
        assert_eq!(next(3, pace + 1), (0, 0, 1, Some(1)));
        assert_eq!(next(STRIDE - 1, pace), (STRIDE, STRIDE - 1, 1, Some(1)));
        assert_eq!(next(STRIDE, WIDTH / 2), (STRIDE, STRIDE - 1, 32, Some(STRIDE)));
        assert_eq!(next(STRIDE, WIDTH / 2 + 1), (0, 0, 32, Some(STRIDE)));
        assert_eq!(batch(STRIDE, 9).next(FIRST, 0, WIDTH), (batch(STRIDE, 8), None), "another thread has moved them");
    }

    #[test]
    fn success_that_is_noted_changes_nothing_but_their_number() {
        let batch = |moved| Batch { epoch: Epoch(3), quick: 5, moved, left: 9 };
        let noted = |moved| Batch::unpack(Batch::noted(batch(moved).pack(), Epoch(3)));

        assert_eq!(noted(7), batch(8));
        assert_eq!(noted(MAX_MOVED - 2), batch(MAX_MOVED - 1));
        assert_eq!(noted(MAX_MOVED), batch(0), "it goes round");
    }

    #[test]
    fn calls_of_all_threads_add_up() {
        let window = Window::new();
        std::thread::scope(|threads| {
            for _ in 0..16 {
                threads.spawn(|| (0..10_007).for_each(|_| _ = window.succeed(FIRST, 5)));
            }
        });

        assert_eq!(window.calls(FIRST, 5), 16 * 10_007);
    }

    #[test]
    fn later_epoch_starts_empty() {
        let window = Window::new();
        (0..100).for_each(|_| _ = window.succeed(FIRST, 0));
        let next = Epoch(3);

        assert_eq!(window.calls(next, 0), 0);
        assert!(window.succeed(next, 0), "the first call tells when it began");
        assert_eq!(window.calls(next, 0), 1);
    }

    #[test]
    fn success_whose_epoch_has_passed_is_dropped() {
        let window = Window::new();
        assert!(window.succeed(Epoch(3), 0));

        assert!(!window.0.count(FIRST));
        window.0.turn(WIDTH, FIRST, at(0), || false, &window.1);

        assert_eq!(window.calls(Epoch(3), 0), 1);
        assert_eq!(window.calls(FIRST, 0), 0);
    }

    #[test]
    fn moved_goes_round_without_a_trace() {
        let full = Batch { epoch: Epoch(3), quick: 7, moved: MAX_MOVED, left: 5 };

        assert_eq!(Batch::unpack(Batch::noted(full.pack(), Epoch(3))), Batch { moved: 0, ..full });
    }

    #[test]
    fn word_keeps_every_field_at_its_limits() {
        for epoch in [0, 1, MAX_EPOCH].map(Epoch) {
            for (quick, left) in [(0, 0), (1, 0), (STRIDE, 0), (STRIDE, STRIDE - 1)] {
                for moved in [0, 1, MAX_MOVED] {
                    let batch = Batch { epoch, quick, moved, left };
                    assert_eq!(Batch::unpack(batch.pack()), batch);
                }
            }
        }
    }
}
