//! A percentile of how long attempts take, followed in one word.

use std::time::Duration;

use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU32, AtomicU64};
use crate::sync::const_fn;

/// A percentile that moves with each sample: up when the sample is longer, down when it is not, by steps in the ratio
/// of p to 1 − p and in proportion to the samples' spread. It rests where a share p of the samples is below it.
///
/// A quantile by stochastic approximation, as in Jambon's moving quantile; the steps shrink over the first hundreds of samples
/// and then stay, so that it goes on following a server that changes.
#[derive(Debug)]
pub(super) struct Estimate {
    word: AtomicU64,
    /// The number of samples that there were, as far as that matters.
    samples: AtomicU32,
}

/// The time that an attempt took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    Exactly(Duration),
    /// It was dropped after this time.
    AtLeast(Duration),
}

/// The contents of the word, both in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct State {
    estimate: f32,
    /// The average distance of samples from the estimate.
    spread: f32,
}

impl Estimate {
    const_fn! {
        pub(super) fn new() -> Self {
            Self { word: AtomicU64::new(0), samples: AtomicU32::new(0) }
        }
    }

    /// The percentile, once enough is known.
    pub(super) fn get(&self) -> Option<Duration> {
        // Relaxed throughout this file: the word alone is the estimate, and a count that runs ahead of it by a sample changes
        // a step's length by little.
        if self.samples.load(Relaxed) < ENOUGH {
            return None;
        }
        let seconds = State::unpack(self.word.load(Relaxed)).estimate;
        Duration::try_from_secs_f32(seconds).ok()
    }

    /// Forgets all samples.
    pub(super) fn reset(&self) {
        self.samples.store(0, Relaxed);
        self.word.store(0, Relaxed);
    }

    /// Follows one more sample, of which a share `p` is to be below the estimate.
    pub(super) fn learn(&self, p: f64, sample: Sample) {
        let seen = self.samples.load(Relaxed);
        let seen = if seen < SETTLED { self.samples.fetch_add(1, Relaxed) } else { seen };
        let _ = self
            .word
            .fetch_update(Relaxed, Relaxed, |word| Some(State::unpack(word).after(p as f32, seen, sample)?.pack()));
    }
}

impl State {
    /// The state after one more sample; none if it says nothing. `seen` is how many there were before.
    fn after(self, p: f32, seen: u32, sample: Sample) -> Option<Self> {
        let (Sample::Exactly(time) | Sample::AtLeast(time)) = sample;
        let time = time.as_secs_f32().min(LONGEST);
        let is_longer = time > self.estimate;
        if matches!(sample, Sample::AtLeast(_)) && !is_longer {
            // It would have taken longer than that, nobody knows whether longer than the estimate.
            return None;
        }
        if seen == 0 {
            return Some(Self { estimate: time, spread: time / 2.0 });
        }
        let nth = (seen + 1) as f32;
        let floor = (self.estimate / 64.0).max(SHORTEST);
        let spread = self.spread.max(floor);
        // one attempt that hangs is no reason to make long steps, and many of them double it soon
        let distance = (time - self.estimate).abs().min(8.0 * spread);
        let spread = spread + (distance - spread) * (1.0 / nth).max(1.0 / 32.0);
        let gain = nth.sqrt().recip().max(GAIN) * spread;
        let step = if is_longer { gain * p } else { -gain * (1.0 - p) };
        Some(Self { estimate: (self.estimate + step).clamp(0.0, LONGEST), spread })
    }

    const fn pack(self) -> u64 {
        (self.estimate.to_bits() as u64) << 32 | self.spread.to_bits() as u64
    }

    const fn unpack(word: u64) -> Self {
        Self { estimate: f32::from_bits((word >> 32) as u32), spread: f32::from_bits(word as u32) }
    }
}

/// Before so many samples there is no estimate.
const ENOUGH: u32 = 20;
/// After so many samples the steps stay as they are: `GAIN` is one by its root.
const SETTLED: u32 = 400;
const GAIN: f32 = 0.05;
/// A day, in seconds: no attempt that matters takes longer.
const LONGEST: f32 = 86_400.0;
/// A microsecond: steps must not shrink to nothing.
const SHORTEST: f32 = 1e-6;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random;

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// Uniform from 10 to 110 ms.
    fn draw() -> Duration {
        micros(10_000 + random::next() % 100_000)
    }

    fn settled(p: f64) -> f64 {
        random::seed(7);
        let estimate = Estimate::new();
        for _ in 0..5_000 {
            estimate.learn(p, Sample::Exactly(draw()));
        }
        let rest: Vec<f64> = (0..5_000)
            .map(|_| {
                estimate.learn(p, Sample::Exactly(draw()));
                estimate.get().unwrap().as_secs_f64()
            })
            .collect();
        rest.iter().sum::<f64>() / rest.len() as f64
    }

    #[test]
    fn rests_where_the_percentile_is() {
        for (p, expected) in [(0.50, 0.060), (0.90, 0.100), (0.95, 0.105), (0.99, 0.109)] {
            let found = settled(p);
            assert!((found - expected).abs() < 0.004, "{p}: {found}, not {expected}");
        }
    }

    #[test]
    fn says_nothing_before_twenty_samples() {
        let estimate = Estimate::new();
        for _ in 0..19 {
            estimate.learn(0.95, Sample::Exactly(micros(10_000)));
            assert_eq!(estimate.get(), None);
        }

        estimate.learn(0.95, Sample::Exactly(micros(10_000)));

        let found = estimate.get().unwrap();
        assert!((micros(9_000)..=micros(11_000)).contains(&found), "{found:?}");
    }

    #[test]
    fn follows_a_server_that_becomes_ten_times_slower_and_back() {
        random::seed(7);
        let estimate = Estimate::new();
        let learn = |times: u32, factor: u32| {
            (0..times).for_each(|_| estimate.learn(0.95, Sample::Exactly(draw() * factor)));
            estimate.get().unwrap().as_secs_f64()
        };

        let before = learn(2_000, 1);
        let during = learn(300, 10);
        let after = learn(3_000, 1);

        assert!((before / 0.105 - 1.0).abs() < 0.15, "{before}");
        assert!((during / 1.05 - 1.0).abs() < 0.25, "{during}");
        assert!((after / 0.105 - 1.0).abs() < 0.25, "{after}");
    }

    #[test]
    fn steps_shrink_with_the_samples_and_grow_with_their_spread() {
        let after = |estimate, spread, seen, seconds| {
            let next = State { estimate, spread }.after(0.5, seen, Sample::Exactly(Duration::from_secs(seconds)));
            next.map(|State { estimate, spread }| (estimate, spread)).unwrap()
        };

        assert_eq!(after(0.0, 0.0, 0, 8), (8.0, 4.0), "the first is all there is");
        assert_eq!(after(8.0, 4.0, 3, 16), (9.25, 5.0), "a quarter of the way from the spread to the distance");
        assert_eq!(after(64.0, 2.0, 1_023, 128), (64.0 + 0.025 * 2.4375, 2.4375), "eight spreads at the most");
        assert_eq!(after(64.0, 0.0, 1_023, 128), (64.0 + 0.025 * 1.21875, 1.21875), "a spread of a 64th at the least");
    }

    #[test]
    fn a_loser_counts_only_if_it_has_taken_longer() {
        let state = State { estimate: 0.1, spread: 0.01 };

        assert_eq!(state.after(0.95, 1_000, Sample::AtLeast(micros(99_000))), None);
        assert!(state.after(0.95, 1_000, Sample::AtLeast(micros(101_000))).unwrap().estimate > 0.1);
        assert!(state.after(0.95, 1_000, Sample::Exactly(micros(99_000))).unwrap().estimate < 0.1);
    }

    #[test]
    fn losers_keep_it_from_drifting_down() {
        random::seed(7);
        let (with, without) = (Estimate::new(), Estimate::new());
        for _ in 0..20_000 {
            let first = draw();
            for (estimate, counts_losers) in [(&with, true), (&without, false)] {
                let delay = estimate.get().unwrap_or(Duration::MAX);
                if first <= delay {
                    estimate.learn(0.95, Sample::Exactly(first));
                } else {
                    // the second attempt wins
                    estimate.learn(0.95, Sample::Exactly(micros(10_000)));
                    if counts_losers {
                        estimate.learn(0.95, Sample::AtLeast(delay + micros(10_000)));
                    }
                }
            }
        }

        let (with, without) = (with.get().unwrap(), without.get().unwrap());
        assert!((micros(98_000)..micros(112_000)).contains(&with), "{with:?}");
        assert!(without < micros(20_000), "{without:?}");
    }

    proptest! {
        #[test]
        fn stays_a_time_whatever_comes(
            p in 0.5..0.999_f64,
            samples in proptest::collection::vec((any::<u64>(), any::<bool>()), 1..500),
        ) {
            let estimate = Estimate::new();
            for (nanos, exact) in samples {
                let time = Duration::from_nanos(nanos);
                estimate.learn(p, if exact { Sample::Exactly(time) } else { Sample::AtLeast(time) });
                let State { estimate, spread } = State::unpack(estimate.word.load(Relaxed));
                prop_assert!((0.0..=LONGEST).contains(&estimate), "{estimate}");
                prop_assert!(spread.is_finite() && spread >= 0.0, "{spread}");
            }
        }
    }
}
