//! The times when calls arrive: an open loop, Poisson, at a rate that changes.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp1};

/// A time with a constant rate of calls.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// The calls a second.
    pub rate: f64,
    /// The length of the time.
    pub time: Duration,
}

/// Returns the intended arrivals from the start, in order. They do not wait for the answers of earlier ones.
pub fn poisson(seed: u64, stretches: &[Stretch]) -> Vec<Duration> {
    let mut generator = SmallRng::seed_from_u64(seed);
    let mut arrivals = Vec::new();
    let mut begin = 0.0;
    for stretch in stretches {
        let end = begin + stretch.time.as_secs_f64();
        let mut at = begin;
        loop {
            let gap: f64 = Exp1.sample(&mut generator);
            at += gap / stretch.rate;
            if at >= end {
                break;
            }
            arrivals.push(Duration::from_secs_f64(at));
        }
        begin = end;
    }
    arrivals
}

#[test]
fn arrivals_come_at_the_rates_given() {
    let second = Duration::from_secs(1);
    let stretches = [Stretch { rate: 1_000.0, time: 10 * second }, Stretch { rate: 10_000.0, time: second }];

    let arrivals = poisson(1, &stretches);

    let before = arrivals.iter().filter(|&&at| at < 10 * second).count();
    assert!(before.abs_diff(10_000) < 400, "{before}");
    assert!((arrivals.len() - before).abs_diff(10_000) < 400, "{}", arrivals.len());
    assert!(arrivals.is_sorted());
}
