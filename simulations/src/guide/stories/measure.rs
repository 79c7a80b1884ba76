//! A server that fails one attempt in ten, and is slow for a while: as the histograms tell it.

use std::sync::Arc;

use resilient::metrics::collect;
use resilient::{measure, retry};
use resilient_simulator::arrivals::{Stretch, poisson};
use resilient_simulator::calls::{CallError, Target, Wire};
use resilient_simulator::drive::{Call, open_loop};
use resilient_simulator::server::{Server, Setup, Slow};

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, SEED, at, client, quantile, seconds};

pub(in crate::guide) fn picture() -> Picture {
    let slow = Slow { from: seconds(8), until: seconds(16), factor: 5.0 };
    let setup = Setup { tail: false, errors: 0.1, slow: Some(slow), ..Setup::of(100) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    resilient::test::seed(SEED);
    let (calls, readings) = runtime.block_on(async {
        let wire = Wire::to(Server::start(setup, SEED));
        let client = Arc::new(Measured(runs::Line::to(wire.clone())));
        let arrivals = poisson(SEED, &[Stretch { rate: 200.0, time: seconds(24) }]);
        let (mut ticks, mut readings) = (0_u32, Vec::new());
        let clients = [client];
        let calls = open_loop(&arrivals, &clients, || {
            wire.server().tick();
            if ticks.is_multiple_of(2_000) {
                readings.push(["guide_calls", "guide_attempts"].map(buckets));
            }
            ticks += 1;
        })
        .await;
        (calls, readings)
    });
    let within = |which: usize| -> Vec<(f64, f64)> {
        let spans = readings.windows(2).enumerate();
        spans.map(|(span, pair)| (2.0 * span as f64 + 1.0, p99(&pair[0][which], &pair[1][which]))).collect()
    };
    let (of_calls, of_attempts) = (within(0), within(1));
    let truth = quantile(calls.iter().filter_map(Call::latency).collect(), 0.99);

    let alt = "The 99th percentile of calls and of attempts over time, from two histograms";
    let chart = Chart {
        across: Axis::even("time (s)", 24.0, 4.0),
        panels: vec![Panel {
            up: Axis::even("99 of 100 are faster (ms)", 600.0, 200.0),
            band: Some((8.0, 16.0, "five times slower")),
            lines: vec![
                Line::new(Tone::With, of_calls.clone(), ("calls (above the retry)", 4.2, 320.0)),
                Line::new(Tone::Beside, of_attempts.clone(), ("attempts (below it)", 4.2, 110.0)),
            ],
        }],
    };
    Picture {
        name: "measure",
        page: "policies/measure",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "Before the server is slow, the histograms say {:.0} ms for attempts and {:.0} ms for calls, because a call also waits between its \
             attempts. While it is slow they say {:.0} and {:.0} ms: the histogram of the attempts grows by a factor of {:.1}, that of the \
             calls by {:.1}. Over the whole run, one call in a hundred took longer than {truth:.0} ms.",
            at(&of_attempts, 5.0),
            at(&of_calls, 5.0),
            at(&of_attempts, 11.0),
            at(&of_calls, 11.0),
            at(&of_attempts, 11.0) / at(&of_attempts, 5.0),
            at(&of_calls, 11.0) / at(&of_calls, 5.0),
        ),
    }
}

/// Returns the upper bounds of a histogram and the calls that ended in each bucket so far, well or not.
fn buckets(name: &str) -> Vec<(f64, u64)> {
    let ours = collect().into_iter().filter(|sample| {
        sample.family.name == "resilient_duration_seconds" && sample.labels.is_some_and(|labels| labels.policy == name)
    });
    let mut sum: Vec<(f64, u64)> = Vec::new();
    for histogram in ours.filter_map(|sample| sample.histogram) {
        sum.resize(histogram.buckets.len(), (0.0, 0));
        for (all, (bound, count)) in sum.iter_mut().zip(&histogram.buckets) {
            *all = (*bound, all.1 + count);
        }
    }
    sum
}

/// Returns the 99th percentile between two readings in milliseconds, as a dashboard has it: on a straight line within its bucket.
fn p99(before: &[(f64, u64)], after: &[(f64, u64)]) -> f64 {
    let old = |bucket: usize| before.get(bucket).map_or(0, |(_, count)| *count);
    let counts: Vec<f64> = after.iter().enumerate().map(|(bucket, (_, count))| (count - old(bucket)) as f64).collect();
    let mut rest = 0.99 * counts.iter().sum::<f64>();
    let mut lower = 0.0;
    for ((upper, _), count) in after.iter().zip(counts) {
        if rest <= count && count > 0.0 {
            return (lower + (upper - lower) * rest / count) * 1e3;
        }
        rest -= count;
        lower = *upper;
    }
    0.0
}

client!(Measured, call);

#[measure(name = "guide_calls")]
async fn call(line: &runs::Line) -> Result<(), CallError> {
    attempts(line).await
}

#[retry]
#[measure(name = "guide_attempts")]
async fn attempts(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
