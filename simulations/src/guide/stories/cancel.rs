//! A service that is stopped while its reports take long.

use resilient::cancel;
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::drive::Plan;
use resilient_simulator::latency::Measured;
use resilient_simulator::server::Setup;
use tokio::time::{Instant, sleep_until};

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Plain, Story, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let times = Measured::through(&[(0.5, 2.0), (0.99, 12.0)]);
    let plan = Plan { slo: seconds(30), ..plan(Setup { times, ..Setup::of(200) }, &[(20.0, 10)]) };
    let without = story(&plan, Plain);
    let with = story(&plan, |line| Reports { line, stop: Stop(Instant::now() + seconds(10)) });

    let alt = "Reports under way after the signal to stop, with and without a cancellation";
    let under_way = |story: &Story| story.under_way_until(seconds(20));
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![Panel {
            up: Axis::even("reports under way", 80.0, 20.0),
            band: Some((10.0, 15.0, "the time to stop")),
            lines: vec![
                Line::new(Tone::Without, under_way(&without), ("without", 12.6, 32.0)),
                Line::new(Tone::With, under_way(&with), ("with a cancellation", 12.4, 8.0)),
            ],
        }],
    };
    Picture {
        name: "cancel",
        page: "policies/cancel",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "At the signal {:.0} reports are under way. With a cancellation all have ended by the next look, a tenth of a second later. Without, {:.0} are \
             left when the platform ends the process five seconds later, in the middle of whatever they do.",
            without.under_way_at(seconds(10)),
            without.under_way_at(seconds(15)),
        ),
    }
}

/// The signal to stop, at a time.
struct Stop(Instant);

impl Stop {
    async fn cancelled(&self) {
        sleep_until(self.0).await;
    }
}

struct Reports {
    line: runs::Line,
    stop: Stop,
}

impl Client for Reports {
    async fn call(&self) -> Result<(), CallError> {
        report(&self.line, &self.stop).await
    }
}

#[cancel(stop)]
async fn report(line: &runs::Line, stop: &Stop) -> Result<(), CallError> {
    line.send().await
}
