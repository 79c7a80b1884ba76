//! The time-out of an attempt: the time of the slowest calls, and the attempts that are cut off.

use std::time::Duration;

use resilient::{Retry, Timeout, retry, timeout};
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::server::Setup;

use super::PAGE;
use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, at, ms, percent, plan, story};

pub(in crate::guide) fn picture() -> Picture {
    let plan = plan(Setup::of(40), &[(200.0, 12)]);
    let (mut once, mut again, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for limit in TIMES {
        let single = story(&plan, |line| Limited::new(line, ms(limit), None));
        let retried = story(&plan, |line| Limited::new(line, ms(limit), Some(Retry::named("fetch"))));
        let limit = limit as f64;
        once.push((limit, 100.0 * (1.0 - single.share_good(0, 12))));
        failed.push((limit, 100.0 * (1.0 - retried.share_good(0, 12))));
        again.push((limit, retried.quantile(0.99)));
    }

    let alt = "Failed calls and the time of the slowest calls by the time-out of an attempt";
    let times = [20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];
    let chart = Chart {
        across: Axis::ratios("time-out of an attempt (ms)", &times),
        panels: vec![
            Panel {
                up: Axis::even("failed calls", 20.0, 5.0).unit(" %"),
                band: None,
                lines: vec![
                    Line::new(Tone::Without, once.clone(), ("without a retry", 29.0, 17.0)),
                    Line::new(Tone::With, failed.clone(), ("with a retry", 60.0, 1.6)),
                ],
            },
            Panel {
                up: Axis::even("time of a call with a retry (ms, 99 of 100 are faster)", 600.0, 200.0),
                band: None,
                lines: vec![Line::new(Tone::With, again.clone(), ("with a retry", 180.0, 330.0))],
            },
        ],
    };
    Picture {
        name: "attempt",
        page: PAGE,
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "At 50 ms, {} of the calls fail without a retry and {} with one, and one call in a hundred takes longer than {:.0} ms. At 200 ms it is {} and {}, \
             and {:.0} ms; at 1,000 ms {} and {}, and {:.0} ms.",
            percent(at(&once, 50.0) / 100.0),
            percent(at(&failed, 50.0) / 100.0),
            at(&again, 50.0),
            percent(at(&once, 200.0) / 100.0),
            percent(at(&failed, 200.0) / 100.0),
            at(&again, 200.0),
            percent(at(&once, 1_000.0) / 100.0),
            percent(at(&failed, 1_000.0) / 100.0),
            at(&again, 1_000.0),
        ),
    }
}

const TIMES: [u64; 11] = [20, 25, 30, 40, 50, 70, 100, 200, 350, 500, 1_000];

struct Limited {
    line: runs::Line,
    limit: Timeout,
    retry: Option<Retry>,
}

impl Limited {
    fn new(line: runs::Line, limit: Duration, retry: Option<Retry>) -> Self {
        Self { line, limit: Timeout::named("fetch", limit), retry }
    }

    #[timeout(with = self.limit)]
    async fn once(&self) -> Result<(), CallError> {
        self.line.send().await
    }

    #[retry(with = *retry)]
    async fn again(&self, retry: &Retry) -> Result<(), CallError> {
        self.once().await
    }
}

impl Client for Limited {
    async fn call(&self) -> Result<(), CallError> {
        match &self.retry {
            Some(retry) => self.again(retry).await,
            None => self.once().await,
        }
    }
}
