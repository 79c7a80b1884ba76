//! The limit of a bulkhead and its queue: good answers and their time, by the load.

use resilient::{Bulkhead, bulkhead, timeout};
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::server::{OnLeave, Setup};

use super::PAGE;
use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, at, ms, percent, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let setup = Setup { on_leave: OnLeave::GoOn, tail: false, ..Setup::of(4) };
    // the capacity without the tail, as a server that is never idle shows it
    let busy = plan(setup.clone(), &[(500.0, 12)]);
    let most =
        story(&busy, |line| Limited::new(line, Bulkhead::named("fetch").limit(12).queue(0))).share_good(2, 12) * 500.0;
    let kinds: [fn() -> Bulkhead; 3] = [
        || Bulkhead::named("fetch").limit(100_000),
        || Bulkhead::named("fetch").limit(8).queue(200).max_wait(seconds(1)),
        || Bulkhead::named("fetch").limit(8).queue(8).max_wait(ms(100)),
    ];
    let [none, long, short] = kinds.map(|limit| {
        let (mut good, mut times) = (Vec::new(), Vec::new());
        for load in LOADS {
            let run = story(&plan(setup.clone(), &[(load * most, 12)]), |line| Limited::new(line, limit()));
            good.push((100.0 * load, 100.0 * run.share_good(6, 12) * load));
            times.push((100.0 * load, run.quantile(0.99)));
        }
        (good, times)
    });

    let alt = "Good answers and their time by the offered load, for three limits";
    let chart = Chart {
        across: Axis::even("offered load, as a share of the capacity", 200.0, 50.0).unit(" %"),
        panels: vec![
            Panel {
                up: Axis::even("good answers, as a share of the capacity", 120.0, 40.0).unit(" %"),
                band: None,
                lines: vec![
                    Line::new(Tone::Without, none.0.clone(), ("no limit", 142.0, 42.0)),
                    Line::new(Tone::Beside, long.0.clone(), ("long queue", 170.0, 82.0)),
                    Line::new(Tone::With, short.0.clone(), ("short queue", 130.0, 112.0)),
                ],
            },
            Panel {
                up: Axis::even("time of a good answer (ms, 99 of 100 are faster)", 1_200.0, 400.0),
                band: None,
                lines: vec![
                    Line::new(Tone::Without, none.1.clone(), ("no limit", 88.0, 800.0)),
                    Line::new(Tone::Beside, long.1.clone(), ("long queue", 140.0, 1_120.0)),
                    Line::new(Tone::With, short.1.clone(), ("short queue", 150.0, 250.0)),
                ],
            },
        ],
    };
    Picture {
        name: "limit",
        page: PAGE,
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "At one and a half times the capacity, the server gives {} of its capacity as good answers without a limit, {} with a limit and a queue of a second, \
             and {} with a short queue. One answer in a hundred takes longer than {:.0} ms with the long queue, and than {:.0} ms with the short \
             one.",
            percent(at(&none.0, 150.0) / 100.0),
            percent(at(&long.0, 150.0) / 100.0),
            percent(at(&short.0, 150.0) / 100.0),
            at(&long.1, 150.0),
            at(&short.1, 150.0),
        ),
    }
}

const LOADS: [f64; 9] = [0.2, 0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0];

struct Limited {
    line: runs::Line,
    bulkhead: Bulkhead,
}

impl Limited {
    fn new(line: runs::Line, bulkhead: Bulkhead) -> Self {
        Self { line, bulkhead }
    }

    #[timeout(total = "1s")]
    #[bulkhead(with = self.bulkhead)]
    async fn fetch(&self) -> Result<(), CallError> {
        self.line.send().await
    }
}

impl Client for Limited {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}
