//! The window: how many requests there were in the last two minutes, and how many of them the server took.

use crate::clock::Ticks;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

/// Requests and accepts in buckets of five seconds.
///
/// Relaxed throughout: each bucket is one word, and nothing is read on the strength of another.
#[derive(Debug)]
pub(super) struct Window {
    buckets: [AtomicU64; BUCKETS],
    /// The bucket's number of the last request that was not accepted, plus one; 0 if there was none.
    refused: AtomicU64,
}

/// The contents of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) accepts: u64,
}

/// A bucket's word: 24 bits of its number, which repeat after two and a half years, and 20 for each count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket {
    number: u64,
    requests: u64,
    accepts: u64,
}

impl Window {
    #[cfg(not(resilient_loom))]
    pub(super) const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], refused: AtomicU64::new(0) }
    }

    #[cfg(resilient_loom)]
    pub(super) fn new() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), refused: AtomicU64::new(0) }
    }

    /// Returns whether nothing in the window was refused, as far as that can be said without the clock.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.refused.load(Relaxed) == 0
    }

    pub(super) fn record(&self, accepted: bool, now: Ticks) {
        let number = now.0 / WIDTH;
        let word = &self.buckets[(number % BUCKETS as u64) as usize];
        let _ = word
            .fetch_update(Relaxed, Relaxed, |word| Bucket::unpack(word).counting(number, accepted).map(Bucket::pack));
        if !accepted {
            let newest = |refused: u64| if is_ahead(refused, number) { number + 1 } else { refused.max(number + 1) };
            let _ = self.refused.fetch_update(Relaxed, Relaxed, |refused| {
                let next = newest(refused);
                (next != refused).then_some(next)
            });
        }
    }

    /// Forgets every request.
    pub(super) fn clear(&self) {
        for bucket in &self.buckets {
            bucket.store(0, Relaxed);
        }
        self.refused.store(0, Relaxed);
    }

    /// Returns what there was in the last two minutes; the oldest bucket of them is about to leave, and counts as a whole.
    pub(super) fn tally(&self, now: Ticks) -> Tally {
        let number = now.0 / WIDTH;
        let refused = self.refused.load(Relaxed);
        if refused + BUCKETS as u64 <= number + 1 || is_ahead(refused, number) {
            // If it fails, something was refused again.
            let _ = self.refused.compare_exchange(refused, 0, Relaxed, Relaxed);
        }
        let buckets = self.buckets.iter().map(|word| Bucket::unpack(word.load(Relaxed)));
        buckets.filter(|bucket| bucket.age(number) < BUCKETS as u64).fold(Tally::default(), |tally, bucket| Tally {
            requests: tally.requests + bucket.requests,
            accepts: tally.accepts + bucket.accepts,
        })
    }
}

/// Returns whether the clock has gone back since the number was noted: by more than a window, which no thread's result is late.
const fn is_ahead(noted: u64, number: u64) -> bool {
    noted > number + 1 + BUCKETS as u64
}

impl Tally {
    /// The share of requests to drop: `max(0, (requests − k · accepts) / (requests + 1))`.
    pub(super) fn excess(self, k: f64) -> f64 {
        let requests = self.requests as f64;
        ((requests - k * self.accepts as f64) / (requests + 1.0)).max(0.0)
    }
}

impl Bucket {
    /// Number of buckets since it began; those of the future, of threads with a later clock, are as new as can be. One that is
    /// more than a window ahead is of a time to which the clock has not come again, and as old as can be.
    const fn age(self, number: u64) -> u64 {
        let age = number.wrapping_sub(self.number) & NUMBERS;
        let ahead = self.number.wrapping_sub(number) & NUMBERS;
        if ahead <= BUCKETS as u64 { 0 } else { age }
    }

    /// With one more request. `None` if that came so late that the bucket is of a newer time; one that is more than a
    /// window ahead begins anew, since the clock has gone back.
    fn counting(self, number: u64, accepted: bool) -> Option<Self> {
        let bucket = match self.number.wrapping_sub(number) & NUMBERS {
            0 => self,
            ROUND => return None,
            _ => Self { number: number & NUMBERS, requests: 0, accepts: 0 },
        };
        // Full, it keeps its ratio and loses half of its weight.
        let bucket = match bucket.requests {
            COUNTS => Self { requests: COUNTS / 2, accepts: bucket.accepts / 2, ..bucket },
            _ => bucket,
        };
        Some(Self { requests: bucket.requests + 1, accepts: bucket.accepts + u64::from(accepted), ..bucket })
    }

    const fn unpack(word: u64) -> Self {
        Self { number: word >> 40, requests: word >> 20 & COUNTS, accepts: word & COUNTS }
    }

    const fn pack(self) -> u64 {
        self.number << 40 | self.requests << 20 | self.accepts
    }
}

#[cfg(not(resilient_loom))]
const BUCKETS: usize = 24;
/// Fewer, so that the models stay small.
#[cfg(resilient_loom)]
const BUCKETS: usize = 2;
/// A bucket's next number comes so much later.
const ROUND: u64 = BUCKETS as u64;
/// Nanoseconds.
const WIDTH: u64 = 5_000_000_000;
const NUMBERS: u64 = (1 << 24) - 1;
const COUNTS: u64 = (1 << 20) - 1;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Ticks {
        Ticks((86_400 + seconds) * 1_000_000_000)
    }

    fn tally(window: &Window, seconds: u64) -> (u64, u64) {
        let Tally { requests, accepts } = window.tally(at(seconds));
        (requests, accepts)
    }

    #[test]
    fn slides_over_two_minutes() {
        let window = Window::new();
        for second in 0..300 {
            window.record(second % 2 == 0, at(second));
        }

        assert_eq!(tally(&window, 299), (120, 60));
        assert_eq!(tally(&window, 300), (115, 57));
        assert_eq!(tally(&window, 360), (55, 27));
        assert_eq!(tally(&window, 420), (0, 0));
    }

    #[test]
    fn a_year_idle_leaves_nothing() {
        let window = Window::new();
        window.record(false, at(0));

        let year = 365 * 86_400;
        assert_eq!(tally(&window, year), (0, 0));
        assert!(window.is_calm());
        window.record(true, at(year));
        assert_eq!(tally(&window, year), (1, 1));
    }

    #[test]
    fn a_refusal_disturbs_the_calm_until_it_leaves_the_window() {
        let window = Window::new();
        window.record(true, at(0));
        assert!(window.is_calm());

        window.record(false, at(1));
        assert!(!window.is_calm());
        assert_eq!(tally(&window, 119), (2, 1));
        assert!(!window.is_calm());
        assert_eq!(tally(&window, 120), (0, 0));
        assert!(window.is_calm());
    }

    #[test]
    fn a_refusal_after_the_clock_went_back_disturbs_the_calm_for_as_long() {
        let window = Window::new();
        window.record(false, at(3_600));

        window.record(false, at(0));

        assert_eq!(tally(&window, 119), (1, 0));
        assert!(!window.is_calm());
        assert_eq!(tally(&window, 120), (0, 0));
        assert!(window.is_calm());
    }

    #[test]
    fn a_refusal_of_a_later_clock_counts_unless_it_is_more_than_a_window_ahead() {
        let window = Window::new();

        window.record(false, at(120));
        assert_eq!(tally(&window, 0), (1, 0));
        assert!(!window.is_calm());

        window.record(false, at(125));
        assert_eq!(tally(&window, 0), (1, 0));
        assert!(window.is_calm());
    }

    #[test]
    fn a_result_that_comes_a_window_late_counts_nothing() {
        let window = Window::new();
        window.record(true, at(125));

        window.record(false, at(5));

        assert_eq!(tally(&window, 125), (1, 1));
    }

    #[test]
    fn a_full_bucket_keeps_its_ratio() {
        let full = Bucket { number: 7, requests: COUNTS, accepts: COUNTS / 4 };

        let next = full.counting(7, false).unwrap();

        assert_eq!(Bucket::unpack(next.pack()), next);
        assert_eq!((next.requests, next.accepts), (COUNTS / 2 + 1, COUNTS / 8));
    }

    #[test]
    fn drops_what_the_published_formula_says() {
        for (k, requests, accepts, share) in [
            (2.0, 100, 100, 0.0),
            (2.0, 100, 40, 0.198),
            (2.0, 100, 10, 0.792),
            (2.0, 100, 0, 0.990),
            (2.0, 0, 0, 0.0),
            (1.5, 100, 40, 0.396),
        ] {
            let excess = Tally { requests, accepts }.excess(k);
            assert!((excess - share).abs() < 0.000_5, "{requests}, {accepts}: {excess}");
        }
    }
}

#[cfg(all(test, resilient_loom))]
mod loom_models {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn loom_no_request_is_lost_where_a_bucket_changes() {
        loom::model(|| {
            let window = Arc::new(Window::new());
            let old = Ticks(WIDTH * 10);
            let new = Ticks(WIDTH * 12);
            window.record(true, old);

            let other = {
                let window = window.clone();
                thread::spawn(move || window.record(false, new))
            };
            window.record(true, new);
            other.join().unwrap();

            assert_eq!(window.tally(new), Tally { requests: 2, accepts: 1 });
            assert!(!window.is_calm());
        });
    }
}
