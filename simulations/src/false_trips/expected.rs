//! The trips of a breaker in the theory of independent failures.

use super::setting::{Setting, Span};

/// Returns the runs of so many failures a second, each run taken for itself: λ·(1 − p)·pᵏ / (1 − pᵏ).
///
/// The figure is one over the mean number of trials until the first run (Feller, volume 1, XIII.7), times the pace.
pub(super) fn runs_per_second(p: f64, pace: f64, length: u32) -> f64 {
    let run = p.powf(length.into());
    pace * (1.0 - p) * run / (1.0 - run)
}

/// Returns an upper bound of the trips a second once the window is full.
///
/// Over a window of time, it counts the failed calls (a breaker opens on nothing else) at which one of the two rules holds, if
/// opening changed nothing. Calls in the window are Poisson, failures among them binomial. Over the last n calls, it counts how
/// often the failures among them rise to the limit k, λ·p·(1 − p)·P(Bin(n − 1, p) = k − 1). Both count a bad minute as often as
/// it would open the breaker.
pub(super) fn at_most_per_second(setting: &Setting, p: f64, pace: f64) -> f64 {
    match setting.span {
        Span::Calls(calls) => {
            let limit = limit(setting.failure_rate, calls);
            pace * p * (1.0 - p) * ln_binomial(calls - 1, limit - 1, p).exp()
        }
        Span::Seconds(seconds) => {
            // The window moves by a tenth of itself at a time.
            let lengths = (0..10).map(|tenth| f64::from(seconds) * (0.905 + 0.01 * f64::from(tenth)));
            pace * lengths.map(|length| chance_at_a_call(setting, p, pace * length)).sum::<f64>() / 10.0
        }
    }
}

/// Returns the chance that a call fails and a rule holds, with so many calls in the window on average.
fn chance_at_a_call(setting: &Setting, p: f64, mean: f64) -> f64 {
    let reach = 12.0 * mean.sqrt() + 60.0;
    let (fewest, most) = ((mean - reach).max(0.0) as u32, (mean + reach) as u32 + 2 * setting.min_calls);
    let run = setting.consecutive.map_or(0.0, |length| p.powf(length.into()));
    (fewest..=most)
        .map(|others| {
            let calls = others + 1;
            let holds = if calls < setting.min_calls {
                run
            } else {
                p * tail(others, limit(setting.failure_rate, calls) - 1, p)
            };
            ln_poisson(others, mean).exp() * holds
        })
        .sum()
}

/// Returns the chance that a breaker with an empty window opens within its [first calls](first_calls), if they come at once.
pub(super) fn chance_of_a_start(setting: &Setting, p: f64) -> f64 {
    let run = setting.consecutive.unwrap_or(u32::MAX);
    // The chances by failures so far and by failures in a row, for a breaker that is still closed.
    let longest = run.min(setting.min_calls) as usize;
    let mut states = vec![vec![0.0; longest + 1]];
    states[0][0] = 1.0;
    let mut opened = 0.0;
    for calls in 1..=first_calls(setting) {
        let mut next = vec![vec![0.0; longest + 1]; calls as usize + 1];
        for (failures, rows) in states.iter().enumerate() {
            for (row, chance) in rows.iter().enumerate().filter(|(_, chance)| **chance > 0.0) {
                next[failures][0] += chance * (1.0 - p);
                let opens = if calls < setting.min_calls {
                    row + 1 >= run as usize
                } else {
                    failures as u32 + 1 >= limit(setting.failure_rate, calls)
                };
                if opens {
                    opened += chance * p;
                } else {
                    next[failures + 1][(row + 1).min(longest)] += chance * p;
                }
            }
        }
        states = next;
    }
    opened
}

/// Returns the number of calls that are taken for a start: a whole window of calls, or the first calls of a window of time.
pub(super) fn first_calls(setting: &Setting) -> u32 {
    match setting.span {
        Span::Calls(calls) => calls,
        Span::Seconds(_) => 400,
    }
}

/// Returns the fewest failures of so many calls that reach the rate.
fn limit(rate: f64, calls: u32) -> u32 {
    let near = (rate * f64::from(calls)) as u32;
    (near.saturating_sub(1)..=near + 1)
        .find(|&failures| f64::from(failures) / f64::from(calls) >= rate)
        .unwrap_or(near + 1)
}

/// Returns P(Bin(n, p) ≥ k).
fn tail(n: u32, k: u32, p: f64) -> f64 {
    let mut sum = 0.0;
    for failures in k..=n {
        let term = ln_binomial(n, failures, p).exp();
        sum += term;
        if f64::from(failures) > f64::from(n) * p && term <= sum * 1e-12 {
            break;
        }
    }
    sum.min(1.0)
}

fn ln_binomial(n: u32, k: u32, p: f64) -> f64 {
    let (n, k) = (f64::from(n), f64::from(k));
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k) + k * p.ln() + (n - k) * (-p).ln_1p()
}

fn ln_poisson(k: u32, mean: f64) -> f64 {
    let k = f64::from(k);
    k * mean.ln() - mean - ln_factorial(k)
}

/// Returns ln n!: by Stirling's series from ten on, and by the product below.
fn ln_factorial(n: f64) -> f64 {
    if n < 10.0 {
        return (1..=n as u32).map(|factor| f64::from(factor).ln()).sum();
    }
    let x = n + 1.0;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
        + 1.0 / (1_260.0 * x.powi(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64) -> bool {
        (value / expected - 1.0).abs() < 1e-6
    }

    #[test]
    fn knows_the_textbook_values() {
        // Factorials of 5, 10 and 20.
        assert!(is_near(ln_factorial(5.0).exp(), 120.0));
        assert!(is_near(ln_factorial(10.0).exp(), 3_628_800.0));
        assert!(is_near(ln_factorial(20.0).exp(), 2_432_902_008_176_640_000.0));
        // At least 3 heads of 5; at least 10 of 20 failures at one in five.
        assert!(is_near(tail(5, 3, 0.5), 0.5));
        assert!((tail(20, 10, 0.2) - 0.002_594_8).abs() < 1e-6, "{}", tail(20, 10, 0.2));
        // Two heads in a row take six throws on average.
        assert!(is_near(runs_per_second(0.5, 1.0, 2), 1.0 / 6.0));
    }

    #[test]
    fn limit_is_the_first_count_that_reaches_the_rate() {
        assert_eq!(
            [(0.5, 20), (0.5, 21), (0.2, 100), (0.2, 101), (1.0, 7)].map(|(r, n)| limit(r, n)),
            [10, 11, 20, 21, 7]
        );
    }
}
