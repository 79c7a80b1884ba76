//! A server that fails one attempt in twenty and restarts once; then one that is down for four seconds.

use resilient::retry;
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::server::{Down, Setup};

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone, number};
use crate::guide::runs::{self, Plain, client, ms, percent, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let setup = Setup { tail: false, errors: 0.05, ..Setup::of(40) };
    let restarts = Down { from: seconds(5), until: ms(5_300), hangs: false };
    let restarting = plan(Setup { down: vec![restarts], ..setup.clone() }, &[(200.0, 12)]);
    let is_down = Down { from: seconds(5), until: seconds(9), hangs: false };
    let down = plan(Setup { down: vec![is_down], ..setup }, &[(200.0, 12)]);
    let (without, with) = (story(&restarting, Plain), story(&restarting, Restarting));
    let (unbounded, bounded) = (story(&down, Unbounded), story(&down, Bounded));

    let alt = "Failed calls a second with and without a retry, and attempts a second at a server that is down with and without a budget";
    let chart = Chart {
        across: Axis::even("time (s)", 12.0, 2.0),
        panels: vec![
            Panel {
                up: Axis::even("failed calls a second", 150.0, 50.0),
                band: Some((5.0, 5.3, "the server restarts")),
                lines: vec![
                    Line::new(Tone::Without, without.bad(), ("without", 3.0, 25.0)),
                    Line::new(Tone::With, with.bad(), ("with a retry", 7.0, 20.0)),
                ],
            },
            Panel {
                up: Axis::even("attempts a second", 1_000.0, 500.0),
                band: Some((5.0, 9.0, "the server is down")),
                lines: vec![
                    Line::new(Tone::Without, unbounded.attempts(), ("without a budget", 7.0, 900.0)),
                    Line::new(Tone::With, bounded.attempts(), ("with the default budget", 7.0, 130.0)),
                ],
            },
        ],
    };
    Picture {
        name: "retry",
        page: "policies/retry",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "Above: of {} calls, {} fail without a retry and {} with it. Below: during the outage the server gets {:.1} times the usual \
             calls where retries have no budget, and {:.1} times where they have one. Neither helps a server that is down: \
             {} and {} of these calls end well.",
            number(without.calls.len() as f64),
            failed(&without),
            failed(&with),
            unbounded.attempts_within(6, 9) / 200.0,
            bounded.attempts_within(6, 9) / 200.0,
            percent(unbounded.share_good(5, 8)),
            percent(bounded.share_good(5, 8)),
        ),
    }
}

fn failed(story: &runs::Story) -> usize {
    story.calls.iter().filter(|call| !call.is_good()).count()
}

client!(Restarting, restarting);
client!(Unbounded, unbounded);
client!(Bounded, bounded);

#[retry]
async fn restarting(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

#[retry(budget = none)]
async fn unbounded(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

#[retry]
async fn bounded(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
