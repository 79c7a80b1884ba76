//! The breaker's trips, seen in simulated time.

use resilient::CircuitBreaker;

use super::DAY;
use super::setting::{Setting, Span};
use crate::document::number;
use crate::traffic::{Call, StoppedClock, Traffic};

/// Calls of which the same part always fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quiet {
    pub(super) failing: f64,
    /// The calls a second.
    pub(super) pace: f64,
    /// The number of calls.
    pub(super) calls: u64,
}

/// Calls of which more fail from some moment on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outage {
    pub(super) before: f64,
    pub(super) failing: f64,
    pub(super) pace: f64,
}

/// The number of trips, and the days in which they came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trips {
    pub(super) trips: u32,
    pub(super) days: f64,
}

/// The seconds into an outage until the breaker opened; `None` if it did not open while it was watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) median: Option<f64>,
    pub(super) p95: Option<f64>,
}

impl Trips {
    /// Returns the bound that the true rate is below, by these figures alone and with 95 % confidence, if there were no trips.
    pub(super) fn bound(&self) -> f64 {
        -0.05_f64.ln() / self.days
    }

    pub(super) fn per_day(&self) -> String {
        match self.trips {
            0 => format!("< {}", number(self.bound())),
            1..10 => format!("~{}", number(f64::from(self.trips) / self.days)),
            trips => number(f64::from(trips) / self.days),
        }
    }
}

/// Counts the trips of a breaker whose window was full of the same traffic at first.
pub(super) fn quiet(setting: &Setting, quiet: Quiet, seed: u64) -> Trips {
    let clock = StoppedClock::new();
    let mut traffic = Traffic::new(&clock, seed, quiet.pace, quiet.failing);
    let (breaker, mut calls) = warmed_up(setting, &mut traffic, quiet.pace);
    let (began, end) = (traffic.elapsed(), calls + quiet.calls);

    let mut trips = 0;
    while calls < end && trips < ENOUGH {
        match traffic.call(&breaker) {
            Call::Succeeded => {}
            Call::Failed { opened } => trips += u32::from(opened),
            Call::Refused(rejection) => traffic.skip(rejection.retry_after().expect("it is not held open")),
        }
        calls += 1;
    }
    Trips { trips, days: (traffic.elapsed() - began) / DAY }
}

/// Measures the times that breakers need to open after the error rate jumps.
pub(super) fn outages(setting: &Setting, outage: Outage, first_seed: u64) -> Times {
    let watched = LONGEST.max(MOST_CALLS / outage.pace);
    let mut times: Vec<f64> = (first_seed..)
        .take(SEEDS)
        .map(|seed| {
            let clock = StoppedClock::new();
            let mut traffic = Traffic::new(&clock, seed, outage.pace, outage.before);
            let (breaker, _) = warmed_up(setting, &mut traffic, outage.pace);
            let began = traffic.elapsed();
            traffic.fail(outage.failing);
            loop {
                let opened = matches!(traffic.call(&breaker), Call::Failed { opened: true });
                match traffic.elapsed() - began {
                    time if opened => break time,
                    time if time > watched => break f64::INFINITY,
                    _ => {}
                }
            }
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let quantile =
        |fraction: f64| Some(times[(fraction * (SEEDS - 1) as f64) as usize]).filter(|time| time.is_finite());
    Times { median: quantile(0.5), p95: quantile(0.95) }
}

/// Returns the part of `starts` breakers with an empty window that open before it is filled.
#[cfg(test)]
pub(super) fn starts(setting: &Setting, failing: f64, starts: u32) -> f64 {
    let clock = StoppedClock::new();
    let mut traffic = Traffic::new(&clock, 9, 10_000.0, failing);
    let opened = (0..starts).filter(|_| {
        let breaker = setting.breaker();
        (0..super::expected::first_calls(setting))
            .any(|_| matches!(traffic.call(&breaker), Call::Failed { opened: true }))
    });
    opened.count() as f64 / f64::from(starts)
}

/// Returns a closed breaker with a full window, and the calls that it took. One that opens on the way is replaced by a new one;
/// if nearly all do, the last one is taken as it is.
fn warmed_up(setting: &Setting, traffic: &mut Traffic<'_>, pace: f64) -> (CircuitBreaker, u64) {
    let fill = match setting.span {
        Span::Seconds(seconds) => (1.1 * f64::from(seconds) * pace).ceil(),
        Span::Calls(calls) => f64::from(calls),
    };
    let mut calls = 0;
    for _ in 0..FRESH_STARTS {
        let breaker = setting.breaker();
        let mut filled = 0.0;
        loop {
            calls += 1;
            filled += 1.0;
            match traffic.call(&breaker) {
                Call::Failed { opened: true } => break,
                _ if filled >= fill => return (breaker, calls),
                _ => {}
            }
        }
    }
    (setting.breaker(), calls)
}

/// The number of trips that show well enough how often a breaker opens.
const ENOUGH: u32 = 1_000;
const FRESH_STARTS: u32 = 20;
const SEEDS: usize = 101;
/// The seconds for which an outage is watched. If `MOST_CALLS` calls take longer, they are the limit.
const LONGEST: f64 = 60.0;
const MOST_CALLS: f64 = 600.0;
