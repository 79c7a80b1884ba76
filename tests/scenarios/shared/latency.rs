//! The time that the server works on a call: a lognormal body with a Pareto tail.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};

/// Draws service times: 97 % lognormal with a median of 15 ms, 3 % Pareto from 80 ms, cut at 3 s. The mean is 21 ms.
///
/// Of every hundred, three are from the tail, and of every twenty from the tail, one is from each twentieth of it: with
/// independent draws a server's capacity would differ by some per cent from one seed to the next, which is as much as
/// stacks differ by.
#[derive(Debug)]
pub(crate) struct Latency {
    body: LogNormal<f64>,
    has_tail: bool,
    /// The rest of the current hundred: for each call, whether its time is from the tail.
    kinds: Vec<bool>,
    /// The rest of the current twentieths of the tail.
    strata: Vec<u32>,
    generator: SmallRng,
}

impl Latency {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            body: LogNormal::new(0.015_f64.ln(), 0.4).expect("a finite deviation"),
            has_tail: true,
            kinds: Vec::new(),
            strata: Vec::new(),
            generator: SmallRng::seed_from_u64(seed),
        }
    }

    /// Draws all times from the lognormal body.
    pub(crate) fn without_tail(self) -> Self {
        Self { has_tail: false, ..self }
    }

    /// Returns `true` with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.generator.random::<f64>() < probability
    }

    /// Draws the next service time, in seconds.
    pub(crate) fn draw(&mut self) -> f64 {
        if !self.has_tail {
            return self.body.sample(&mut self.generator);
        }
        if self.kinds.is_empty() {
            self.kinds.extend((0..100).map(|n| n < TAIL));
            self.kinds.shuffle(&mut self.generator);
        }
        if self.kinds.pop() == Some(true) { self.tail() } else { self.body.sample(&mut self.generator) }
    }

    fn tail(&mut self) -> f64 {
        if self.strata.is_empty() {
            self.strata.extend(0..STRATA);
            self.strata.shuffle(&mut self.generator);
        }
        let stratum = f64::from(self.strata.pop().unwrap_or_default());
        let longer = (stratum + self.generator.random::<f64>()) / f64::from(STRATA);
        (SHORTEST * longer.powf(-1.0 / SHAPE)).min(LONGEST)
    }
}

/// The mean service time, in seconds.
pub(crate) const MEAN: f64 = 0.020_97;
/// The number of calls in a hundred whose times are from the tail.
const TAIL: u32 = 3;
const STRATA: u32 = 20;
const SHORTEST: f64 = 0.080;
const SHAPE: f64 = 1.8;
const LONGEST: f64 = 3.0;

#[test]
fn the_server_is_as_slow_as_the_scenarios_say() {
    let mut latency = Latency::seeded(1);
    let mut times: Vec<f64> = (0..200_000).map(|_| latency.draw()).collect();
    times.sort_by(f64::total_cmp);

    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let at = |share: f64| times[(share * times.len() as f64) as usize];

    assert!((mean / MEAN - 1.0).abs() < 0.01, "mean {mean}");
    for (share, seconds) in [(0.50, 0.015), (0.95, 0.034), (0.99, 0.146), (0.999, 0.522)] {
        assert!((at(share) / seconds - 1.0).abs() < 0.06, "{share}: {}", at(share));
    }
}
