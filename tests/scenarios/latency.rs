//! How long the server works on a call: a lognormal body with a Pareto tail.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal, Pareto};

/// Draws service times: 97 % lognormal with a median of 15 ms, 3 % Pareto from 80 ms, cut at 3 s. The mean is 21 ms.
#[derive(Debug)]
pub(crate) struct Latency {
    body: LogNormal<f64>,
    tail: Pareto<f64>,
    generator: SmallRng,
}

impl Latency {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            body: LogNormal::new(0.015_f64.ln(), 0.4).expect("a finite deviation"),
            tail: Pareto::new(0.080, 1.8).expect("positive"),
            generator: SmallRng::seed_from_u64(seed),
        }
    }

    /// The next service time, in seconds.
    pub(crate) fn draw(&mut self) -> f64 {
        let generator = &mut self.generator;
        if generator.random_bool(TAIL) { self.tail.sample(generator).min(LONGEST) } else { self.body.sample(generator) }
    }
}

/// The mean service time, in seconds.
pub(crate) const MEAN: f64 = 0.020_97;
const TAIL: f64 = 0.03;
const LONGEST: f64 = 3.0;

#[test]
fn the_server_is_as_slow_as_the_scenarios_say() {
    let mut latency = Latency::seeded(1);
    let mut times: Vec<f64> = (0..400_000).map(|_| latency.draw()).collect();
    times.sort_by(f64::total_cmp);

    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let at = |share: f64| times[(share * times.len() as f64) as usize];

    assert!((mean / MEAN - 1.0).abs() < 0.01, "mean {mean}");
    for (share, seconds) in [(0.50, 0.015), (0.95, 0.034), (0.99, 0.146), (0.999, 0.522)] {
        assert!((at(share) / seconds - 1.0).abs() < 0.06, "{share}: {}", at(share));
    }
}
