//! The failure rate of a breaker: the calls that it loses on a usual day, and those that fail before it notices an outage.

use resilient::CircuitBreaker;

use super::PAGE;
use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{SEED, at, percent};
use crate::traffic::{Call, StoppedClock, Traffic};

pub(in crate::guide) fn picture() -> Picture {
    let rates = [20_u32, 22, 25, 27, 30, 35, 40, 50, 60, 70, 80, 90];
    let points = |of: fn(f64) -> f64| -> Vec<(f64, f64)> {
        rates.iter().map(|&rate| (f64::from(rate), of(f64::from(rate) / 100.0))).collect()
    };
    let lost = points(lost);
    let mut unseen = points(unseen);
    let blind = unseen.iter().find(|(_, time)| *time >= WATCHED).expect("some rate is too high").0;
    unseen.retain(|(_, time)| *time < WATCHED);

    let alt = "Calls lost on a usual day and calls that fail before the breaker opens by its failure rate";
    let chart = Chart {
        across: Axis::even("failure rate at which the breaker opens", 100.0, 20.0).unit(" %"),
        panels: vec![
            Panel {
                up: Axis::even("calls refused for nothing, while a fifth fails as usual", 50.0, 10.0).unit(" %"),
                band: None,
                lines: vec![Line::new(Tone::Without, lost.clone(), ("refused for nothing", 40.0, 15.0))],
            },
            Panel {
                up: Axis::ratios("seconds until it opens, when 70 % fail", &[0.3, 1.0, 3.0, 10.0, 30.0, 100.0]),
                band: None,
                lines: vec![Line::new(Tone::With, unseen.clone(), ("seconds", 50.0, 2.6))],
            },
        ],
    };
    Picture {
        name: "rate",
        page: PAGE,
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "A breaker that opens at 20 % refuses {} of the calls of a server that fails one call in five as usual; at 30 % it is {}, at 35 % {}. When seven of ten \
             calls fail it opens after {:.1} s at 20 %, {:.1} s at 35 %, {:.1} s at 50 % and {:.1} s at 70 %; at {blind:.0} % it does not open within a minute.",
            percent(at(&lost, 20.0) / 100.0),
            percent(at(&lost, 30.0) / 100.0),
            percent(at(&lost, 35.0) / 100.0),
            at(&unseen, 20.0),
            at(&unseen, 35.0),
            at(&unseen, 50.0),
            at(&unseen, 70.0),
        ),
    }
}

fn breaker(rate: f64) -> CircuitBreaker {
    CircuitBreaker::named("fetch").failure_rate(rate).min_calls(20).consecutive(10)
}

/// Returns the calls in a hundred that are refused while a fifth of them fails, at ten a second.
fn lost(rate: f64) -> f64 {
    let clock = StoppedClock::new();
    let mut traffic = Traffic::new(&clock, SEED, PACE, USUAL);
    let breaker = breaker(rate);
    let refused = (0..40_000).filter(|_| matches!(traffic.call(&breaker), Call::Refused(_))).count();
    refused as f64 / 400.0
}

/// Returns the mean seconds until the breaker opens after the share of failures has risen to 70 %, or a minute if it never does.
fn unseen(rate: f64) -> f64 {
    let times = (SEED..=20).map(|seed| {
        let clock = StoppedClock::new();
        let mut traffic = Traffic::new(&clock, seed, PACE, USUAL);
        let breaker = breaker(rate);
        while traffic.elapsed() < 30.0 {
            traffic.call(&breaker);
        }
        traffic.fail(0.7);
        let began = traffic.elapsed();
        while traffic.elapsed() < began + WATCHED {
            if matches!(traffic.call(&breaker), Call::Failed { opened: true } | Call::Refused(_)) {
                break;
            }
        }
        traffic.elapsed() - began
    });
    times.sum::<f64>() / 20.0
}

/// The time after which a breaker has missed an outage, in seconds.
const WATCHED: f64 = 60.0;
const PACE: f64 = 10.0;
const USUAL: f64 = 0.2;
