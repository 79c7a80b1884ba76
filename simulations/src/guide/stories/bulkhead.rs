//! A server of eight workers that becomes five times slower for ten seconds.

use resilient::bulkhead;
use resilient_simulator::calls::{CallError, SLO, Target};
use resilient_simulator::server::{OnLeave, Setup, Slow};
use tokio::time::timeout;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, client, percent, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let slow = Slow { from: seconds(5), until: seconds(15), factor: 5.0 };
    let setup = Setup { on_leave: OnLeave::GoOn, slow: Some(slow), ..Setup::of(8) };
    let capacity = setup.capacity();
    let plan = plan(setup, &[(0.7 * capacity, 40)]);
    let (without, with) = (story(&plan, Unlimited), story(&plan, Limited));

    let alt = "Good answers a second of a server that is slow for ten seconds, with and without a bulkhead";
    let slow_capacity = vec![(5.0, capacity / 5.0), (15.0, capacity / 5.0)];
    let chart = Chart {
        across: Axis::even("time (s)", 40.0, 10.0),
        panels: vec![Panel {
            up: Axis::even("good answers a second", 400.0, 100.0),
            band: Some((5.0, 15.0, "five times slower")),
            lines: vec![
                Line::new(Tone::Beside, slow_capacity, ("the server can give", 10.0, 118.0)),
                Line::new(Tone::Without, without.good(), ("without", 23.0, 22.0)),
                Line::new(Tone::With, with.good(), ("with a bulkhead", 23.0, 330.0)),
            ],
        }],
    };
    Picture {
        name: "bulkhead",
        page: "policies/bulkhead",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "While it is slow, the server can serve {:.0} of the {:.0} calls that come in a second. With a bulkhead, {} of the calls of this time end well, and {} of those of the ten \
             seconds after it. Without, it is {} and {}: the server works off a queue of calls whose callers have given up after a \
             second.",
            capacity / 5.0,
            0.7 * capacity,
            percent(with.share_good(6, 15)),
            percent(with.share_good(15, 25)),
            percent(without.share_good(6, 15)),
            percent(without.share_good(15, 25)),
        ),
    }
}

client!(Unlimited, unlimited);
client!(Limited, limited);

async fn unlimited(line: &runs::Line) -> Result<(), CallError> {
    impatient(line).await
}

#[bulkhead(limit = 24, max_wait = "100ms")]
async fn limited(line: &runs::Line) -> Result<(), CallError> {
    impatient(line).await
}

/// Gives up after a second, and does not tell the server so.
async fn impatient(line: &runs::Line) -> Result<(), CallError> {
    timeout(SLO, line.send()).await.unwrap_or(Err(CallError::Late))
}
