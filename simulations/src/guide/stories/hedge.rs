//! A server at which three calls in a hundred take far longer than the rest.

use resilient::hedge;
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::server::Setup;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Plain, Story, client, plan, story};

pub(in crate::guide) fn picture() -> Picture {
    let plan = plan(Setup::of(20), &[(200.0, 40)]);
    let (without, with) = (story(&plan, Plain), story(&plan, Hedged));

    let alt = "Times of calls from the median to the longest in a thousand, with and without a hedge";
    let chart = Chart {
        across: Axis::nines("share of the calls that take no longer"),
        panels: vec![Panel {
            up: Axis::ratios("time of a call (ms)", &[10.0, 30.0, 100.0, 300.0, 1_000.0]),
            band: None,
            lines: vec![
                Line::new(Tone::Without, times(&without), ("without", 0.97, 330.0)),
                Line::new(Tone::With, times(&with), ("with a hedge", 0.987, 34.0)),
            ],
        }],
    };
    Picture {
        name: "hedge",
        page: "policies/hedge",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "One call in a hundred takes longer than {:.0} ms without a hedge, and longer than {:.0} ms with it. The medians are {:.0} ms and {:.0} ms. \
             The server gets {:.1} % more requests.",
            without.quantile(0.99),
            with.quantile(0.99),
            without.quantile(0.5),
            with.quantile(0.5),
            (with.sent.len() as f64 / with.calls.len() as f64 - 1.0) * 100.0,
        ),
    }
}

fn times(story: &Story) -> Vec<(f64, f64)> {
    let shares = (0..=60).map(|step| 1.0 - 0.5 * 0.002_f64.powf(f64::from(step) / 60.0));
    shares.map(|share| (share, story.quantile(share))).collect()
}

client!(Hedged, hedged);

#[hedge(idempotent)]
async fn hedged(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
