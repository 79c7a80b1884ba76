//! A provider that allows a hundred calls a second, and a job that wants more for ten seconds.

use resilient::{rate_limit, retry, timeout};
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::server::{Quota, Setup};

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Story, client, percent, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let quota = Quota { from: seconds(0), until: seconds(60), rate: 100.0, burst: 20.0 };
    let plan = plan(Setup { tail: false, quota: vec![quota], ..Setup::of(40) }, &[(60.0, 5), (160.0, 10), (60.0, 5)]);
    let (without, with) = (story(&plan, Hasty), story(&plan, Patient));

    let alt = "Requests a second at a provider that allows a hundred, with and without a rate limit";
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![Panel {
            up: Axis::even("requests a second at the provider", 400.0, 100.0),
            band: Some((5.0, 15.0, "a job wants 160 a second")),
            lines: vec![
                Line::new(Tone::Without, without.attempts(), ("without", 10.0, 330.0)),
                Line::new(Tone::With, with.attempts(), ("with a rate limit", 10.0, 60.0)),
            ],
        }],
    };
    Picture {
        name: "rate_limit",
        page: "policies/rate_limit",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "The provider refuses {} of the requests without a limit, and {} with it. Of the calls of the ten seconds, {} end \
             well without a limit and {} with it: at most {} could, since the provider gives no more than its hundred a second.",
            percent(refused(&without)),
            percent(refused(&with)),
            percent(without.share_good(5, 15)),
            percent(with.share_good(5, 15)),
            percent(100.0 / 160.0),
        ),
    }
}

fn refused(story: &Story) -> f64 {
    story.run.seen.refused as f64 / story.run.seen.arrived as f64
}

client!(Hasty, hasty);
client!(Patient, patient);

#[timeout(total = "5s")]
#[retry]
async fn hasty(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

#[timeout(total = "5s")]
#[retry]
#[rate_limit("100/s", burst = 10, max_wait = "200ms")]
async fn patient(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
