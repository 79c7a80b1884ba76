//! Figures from the theory of the cumulative sum, and a sum of our own to compare them with.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Returns the positive root θ of p·e^θ + (1 − p)·e^(−θρ) = 1, where ρ = r / (1 − r). A sum reaches h with a probability of at
/// most e^(−θh).
pub(super) fn root(p: f64, rate: f64) -> f64 {
    let left = |theta: f64| p * theta.exp() + (1.0 - p) * (-theta * odds(rate)).exp();
    let (mut low, mut high) = (1e-9, 50.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if left(middle) <= 1.0 { low = middle } else { high = middle }
    }
    low
}

/// Returns the sum at which a breaker with the defaults opens, if this fraction of so many calls a second usually fails.
pub(super) fn needed(p: f64, rate: f64, pace: f64) -> f64 {
    let weight = (pace * SECONDS_BETWEEN).ln();
    (weight / root(p, rate)).ceil().max(FEWEST).max(pace * LEAST_SECONDS)
}

/// Returns the average seconds until the sum is so high, while this fraction fails (Wald): the height over the share that
/// a call adds.
pub(super) fn seconds(sum: f64, failing: f64, rate: f64, pace: f64) -> f64 {
    let each = failing - (1.0 - failing) * odds(rate);
    (sum / each / pace).max(LEAST_SECONDS)
}

/// Returns the number of calls between two times at which a sum of independent calls reaches a height and begins anew.
pub(super) fn calls_between(p: f64, rate: f64, height: f64, times: u32, seed: u64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut sum, mut calls, mut reached) = (0.0_f64, 0_u64, 0);
    while reached < times {
        calls += 1;
        sum = if random.random_bool(p) { sum + 1.0 } else { (sum - odds(rate)).max(0.0) };
        if sum >= height - 1e-9 {
            reached += 1;
            sum = 0.0;
        }
    }
    calls as f64 / f64::from(times)
}

fn odds(rate: f64) -> f64 {
    rate / (1.0 - rate)
}

/// The breaker's own numbers: a false trip in 2.7 million years, five failures, a quarter of a second.
const SECONDS_BETWEEN: f64 = 2_700_000.0 * 31_557_600.0;
const FEWEST: f64 = 5.0;
const LEAST_SECONDS: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_the_odds_where_a_success_weighs_as_much_as_a_failure() {
        for p in [0.001, 0.01, 0.2, 0.4] {
            assert!((root(p, 0.5) - ((1.0 - p) / p).ln()).abs() < 1e-6, "{p}");
        }
        assert!((root(0.2, 0.1) - 1e-9).abs() < 1e-6, "above the rate there is none");
    }

    #[test]
    fn sum_is_as_rarely_so_high_as_the_bound_says() {
        for (p, rate, height) in [(0.2, 0.5, 4.0), (0.3, 0.5, 6.0), (0.1, 0.2, 5.0), (0.4, 0.8, 12.0)] {
            let seen = calls_between(p, rate, height, 2_000, 1);

            let least = (root(p, rate) * height).exp();
            assert!(seen > least, "{p} {rate} {height}: {seen} for {least}");
            assert!(seen < least * 60.0, "{p} {rate} {height}: {seen} for {least}");
        }
    }
}
