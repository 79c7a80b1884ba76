//! The time that the server works on a call: the times of the scenarios, or times that were measured.

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
    /// Measured times in place of all that, and the rest of the current shares of them.
    measured: Option<Measured>,
    shares: Vec<u32>,
    generator: SmallRng,
}

/// Times that were measured: the share of the calls that take at most so many seconds, in ascending order.
///
/// Between two of them, the logarithm of the time is a straight line over the normal score of the share, as it is for lognormal
/// times. Below the first and above the last, the line goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured(Vec<(f64, f64)>);

impl Measured {
    /// Returns the times through these points, or `None` unless there are two of them, and shares and seconds rise.
    ///
    /// Shares are above 0 and below 1, and seconds above 0.
    pub fn through(points: &[(f64, f64)]) -> Option<Self> {
        let valid = |&(share, seconds): &(f64, f64)| 0.0 < share && share < 1.0 && seconds > 0.0 && seconds.is_finite();
        let rises = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        (points.len() >= 2 && rises && points.iter().all(valid)).then(|| Self(points.to_vec()))
    }

    /// Returns the time within which that share of the calls ends, in seconds. The longest is that of one call in ten thousand.
    pub fn at(&self, share: f64) -> f64 {
        let share = share.clamp(1e-4, 1.0 - 1e-4);
        let upper = self.0.partition_point(|&(known, _)| known < share).clamp(1, self.0.len() - 1);
        let ((from, low), (to, high)) = (self.0[upper - 1], self.0[upper]);
        let (from, to) = (normal_score(from), normal_score(to));
        let way = (normal_score(share) - from) / (to - from);
        (low.ln() + way * (high.ln() - low.ln())).exp()
    }

    /// Returns the mean time, in seconds.
    pub fn mean(&self) -> f64 {
        (0..FINE).map(|step| self.at((f64::from(step) + 0.5) / f64::from(FINE))).sum::<f64>() / f64::from(FINE)
    }
}

/// Returns the number of deviations from the mean below which that share of a normal distribution lies.
///
/// It is Acklam's approximation by fractions, whose relative error is below 1.2e-9.
pub fn normal_score(share: f64) -> f64 {
    const A: [f64; 6] = [
        -39.696_830_286_653_76,
        220.946_098_424_520_5,
        -275.928_510_446_968_7,
        138.357_751_867_269,
        -30.664_798_066_147_16,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -54.476_098_798_224_06,
        161.585_836_858_040_9,
        -155.698_979_859_886_6,
        66.801_311_887_719_72,
        -13.280_681_552_885_72,
    ];
    const C: [f64; 6] = [
        -0.007_784_894_002_430_293,
        -0.322_396_458_041_136_5,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [0.007_784_695_709_041_462, 0.322_467_129_070_039_8, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let series = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient);
    if share > 0.5 {
        return -normal_score(1.0 - share);
    }
    if share < 0.024_25 {
        let x = (-2.0 * share.ln()).sqrt();
        return series(&C, x) / (series(&D, x) * x + 1.0);
    }
    let x = share - 0.5;
    series(&A, x * x) * x / (series(&B, x * x) * x * x + 1.0)
}

impl Latency {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            body: LogNormal::new(0.015_f64.ln(), 0.4).expect("a finite deviation"),
            has_tail: true,
            kinds: Vec::new(),
            strata: Vec::new(),
            measured: None,
            shares: Vec::new(),
            generator: SmallRng::seed_from_u64(seed),
        }
    }

    /// Draws all times from the lognormal body.
    pub(crate) fn without_tail(self) -> Self {
        Self { has_tail: false, ..self }
    }

    /// Draws all times from those that were measured.
    pub(crate) fn measured(self, measured: Measured) -> Self {
        Self { measured: Some(measured), ..self }
    }

    /// Returns `true` with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.generator.random::<f64>() < probability
    }

    /// Draws the next service time, in seconds.
    pub(crate) fn draw(&mut self) -> f64 {
        if let Some(measured) = &self.measured {
            if self.shares.is_empty() {
                self.shares.extend(0..SHARES);
                self.shares.shuffle(&mut self.generator);
            }
            let share = f64::from(self.shares.pop().unwrap_or_default()) + self.generator.random::<f64>();
            return measured.at(share / f64::from(SHARES));
        }
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
/// The parts of equal size of which measured times come in turn.
const SHARES: u32 = 400;
/// The steps by which a mean is added up.
const FINE: u32 = 20_000;
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

#[test]
fn measured_times_go_through_their_points() {
    let measured = Measured::through(&[(0.5, 0.015), (0.95, 0.034), (0.99, 0.146)]).unwrap();

    for (share, seconds) in [(0.5, 0.015), (0.95, 0.034), (0.99, 0.146)] {
        assert!((measured.at(share) / seconds - 1.0).abs() < 1e-6, "{share}: {}", measured.at(share));
    }
    // where the scenarios' times have 522 ms, and a mean of 20.97 ms
    assert!((0.3..1.0).contains(&measured.at(0.999)), "{}", measured.at(0.999));
    assert!((measured.mean() / MEAN - 1.0).abs() < 0.1, "{}", measured.mean());
}

#[test]
fn times_that_fall_are_no_measurement() {
    for points in [&[(0.5, 0.1)][..], &[(0.5, 0.1), (0.9, 0.05)], &[(0.9, 0.1), (0.5, 0.2)], &[(0.5, 0.0), (0.9, 1.0)]]
    {
        assert_eq!(Measured::through(points), None, "{points:?}");
    }
}

#[test]
fn servers_are_as_slow_as_was_measured() {
    let measured = Measured::through(&[(0.5, 0.015), (0.95, 0.034), (0.99, 0.146)]).unwrap();
    let mut latency = Latency::seeded(7).measured(measured.clone());

    let mut times: Vec<f64> = (0..40_000).map(|_| latency.draw()).collect();

    times.sort_by(f64::total_cmp);
    for share in [0.5, 0.95, 0.99] {
        let seen = times[(share * times.len() as f64) as usize];
        assert!((seen / measured.at(share) - 1.0).abs() < 0.03, "{share}: {seen}");
    }
}

#[test]
fn normal_scores_are_those_of_the_tables() {
    for (share, score) in [(0.5, 0.0), (0.841_344_746, 1.0), (0.95, 1.644_854), (0.99, 2.326_348), (0.999, 3.090_232)] {
        assert!((normal_score(share) - score).abs() < 1e-5, "{share}: {}", normal_score(share));
        assert!((normal_score(1.0 - share) + score).abs() < 1e-5, "{share}");
    }
}
