//! The ratio of a retry's budget: the failures that are recovered, and the load in an outage.

use resilient::{Budget, Retry, retry};
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::server::{Down, Setup};

use super::PAGE;
use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Plain, at, percent, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let setup = Setup { tail: false, ..Setup::of(60) };
    let is_down = Down { from: seconds(0), until: seconds(60), hangs: false };
    let flaky = plan(Setup { errors: 0.2, ..setup.clone() }, &[(500.0, 6)]);
    let down = plan(Setup { down: vec![is_down], ..setup }, &[(500.0, 6)]);
    let failing = story(&flaky, Plain).share_good(2, 6);
    let (mut recovered, mut extra) = (Vec::new(), Vec::new());
    for per_cent in [0_u32, 5, 10, 15, 20, 25, 30, 40, 50] {
        let ratio = f64::from(per_cent);
        let good = story(&flaky, |line| Budgeted::new(line, ratio / 100.0)).share_good(2, 6);
        let load = story(&down, |line| Budgeted::new(line, ratio / 100.0)).attempts_within(2, 6) / 500.0;
        recovered.push((ratio, 100.0 * (good - failing) / (1.0 - failing)));
        extra.push((ratio, 100.0 * (load - 1.0)));
    }

    let alt = "Recovered calls and extra load in an outage by the ratio of the budget";
    let chart = Chart {
        across: Axis::even("ratio of the budget", 50.0, 10.0).unit(" %"),
        panels: vec![Panel {
            up: Axis::even("share of the failed calls, and of the usual load", 100.0, 25.0).unit(" %"),
            band: None,
            lines: vec![
                Line::new(Tone::With, recovered.clone(), ("recovered, where a fifth of the attempts fail", 33.0, 88.0)),
                Line::new(Tone::Without, extra.clone(), ("extra load, where all fail", 40.0, 32.0)),
            ],
        }],
    };
    Picture {
        name: "budget",
        page: PAGE,
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "With a ratio of 10 % the retries recover {} of the failed calls, with 20 % {}, with 30 % {}. In an outage they add {}, {} and {} to the load.",
            percent(at(&recovered, 10.0) / 100.0),
            percent(at(&recovered, 20.0) / 100.0),
            percent(at(&recovered, 30.0) / 100.0),
            percent(at(&extra, 10.0) / 100.0),
            percent(at(&extra, 20.0) / 100.0),
            percent(at(&extra, 30.0) / 100.0),
        ),
    }
}

struct Budgeted {
    line: runs::Line,
    retry: Retry,
}

impl Budgeted {
    fn new(line: runs::Line, ratio: f64) -> Self {
        // without the reserve for quiet clients, which is next to nothing beside so many calls
        let budget = Box::leak(Box::new(Budget::new().ratio(ratio).reserve(0)));
        Self { line, retry: Retry::named("fetch").budget(budget) }
    }

    #[retry(with = self.retry)]
    async fn fetch(&self) -> Result<(), CallError> {
        self.line.send().await
    }
}

impl Client for Budgeted {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}
