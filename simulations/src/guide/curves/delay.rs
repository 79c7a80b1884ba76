//! The delay of a hedge: the time of the slowest calls, and the extra requests.

use resilient::{Hedge, hedge};
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::server::Setup;

use super::PAGE;
use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, at, ms, plan, story};

pub(in crate::guide) fn picture() -> Picture {
    let plan = plan(Setup::of(40), &[(200.0, 12)]);
    let (mut slowest, mut extra) = (Vec::new(), Vec::new());
    for delay in [5_u64, 8, 10, 15, 20, 25, 30, 40, 60, 100, 200, 500] {
        let run = story(&plan, |line| Hedged { line, hedge: Hedge::named("search").after(ms(delay)).ratio(1.0) });
        slowest.push((delay as f64, run.quantile(0.99)));
        extra.push((delay as f64, 100.0 * (run.sent.len() as f64 / run.calls.len() as f64 - 1.0)));
    }

    let alt = "Time of the slowest calls and extra requests by the delay of the hedge";
    let chart = Chart {
        across: Axis::ratios("delay before the second attempt (ms)", &[5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]),
        panels: vec![
            Panel {
                up: Axis::even("time of a call (ms, 99 of 100 are faster)", 200.0, 50.0),
                band: None,
                lines: vec![Line::new(Tone::With, slowest.clone(), ("time", 60.0, 115.0))],
            },
            Panel {
                up: Axis::even("extra requests", 100.0, 25.0).unit(" %"),
                band: None,
                lines: vec![Line::new(Tone::Without, extra.clone(), ("extra requests", 26.0, 60.0))],
            },
        ],
    };
    Picture {
        name: "delay",
        page: PAGE,
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "After 10 ms, one call in a hundred takes longer than {:.0} ms, for {:.0} % more requests. After 30 ms it is {:.0} ms for \
             {:.1} %; after 100 ms {:.0} ms for {:.1} %.",
            at(&slowest, 10.0),
            at(&extra, 10.0),
            at(&slowest, 30.0),
            at(&extra, 30.0),
            at(&slowest, 100.0),
            at(&extra, 100.0),
        ),
    }
}

struct Hedged {
    line: runs::Line,
    hedge: Hedge,
}

impl Hedged {
    #[hedge(idempotent, with = self.hedge)]
    async fn search(&self) -> Result<(), CallError> {
        self.line.send().await
    }
}

impl Client for Hedged {
    async fn call(&self) -> Result<(), CallError> {
        self.search().await
    }
}
