//! A server that sheds what it has no room for, and four times as many calls as it can serve.

use resilient::throttle;
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::server::Setup;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Plain, client, percent, plan, story};

pub(in crate::guide) fn picture() -> Picture {
    let setup = Setup { tail: false, shed_at: Some(50), ..Setup::of(2) };
    let plan = plan(setup, &[(50.0, 10), (500.0, 30), (50.0, 40)]);
    let (without, with) = (story(&plan, Plain), story(&plan, Throttled));

    let alt = "Requests a second at a server that sheds, and its good answers, with and without a throttle";
    let chart = Chart {
        across: Axis::even("time (s)", 80.0, 20.0),
        panels: vec![
            Panel {
                up: Axis::even("requests a second at the server", 600.0, 200.0),
                band: Some((10.0, 40.0, "500 calls a second")),
                lines: vec![
                    Line::new(Tone::Without, without.attempts(), ("without", 47.0, 470.0)),
                    Line::new(Tone::With, with.attempts(), ("with a throttle", 25.0, 190.0)),
                ],
            },
            Panel {
                up: Axis::even("good answers a second", 200.0, 100.0),
                band: Some((10.0, 40.0, "500 calls a second")),
                lines: vec![
                    Line::new(Tone::Without, without.good(), ("without", 55.0, 95.0)),
                    Line::new(Tone::With, with.good(), ("with a throttle", 63.0, 8.0)),
                ],
            },
        ],
    };
    Picture {
        name: "throttle",
        page: "policies/throttle",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "At the end of the peak the server gets {:.0} requests a second with a throttle and {:.0} without. It gives {} of the good answers that it gives \
             without a throttle, and {} of the calls of the twenty seconds after the peak end well, in place of {}.",
            with.attempts_within(30, 40),
            without.attempts_within(30, 40),
            percent(with.share_good(10, 40) / without.share_good(10, 40)),
            percent(with.share_good(40, 60)),
            percent(without.share_good(40, 60)),
        ),
    }
}

client!(Throttled, throttled);

#[throttle]
async fn throttled(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
