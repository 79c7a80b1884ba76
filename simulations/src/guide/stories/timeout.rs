//! A service of fifty workers, of whose requests every second one needs a server that hangs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use resilient::timeout;
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::server::{Down, Setup};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, ms, percent, plain, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let hangs = Down { from: seconds(5), until: seconds(10), hangs: true };
    let plan = plan(Setup { tail: false, down: vec![hangs], ..Setup::of(40) }, &[(200.0, 15)]);
    let without = story(&plan, |line| Service::new(line, false));
    let with = story(&plan, |line| Service::new(line, true));

    let alt = "Good answers a second of a service whose dependency hangs for five seconds, with and without a time-out";
    let chart = Chart {
        across: Axis::even("time (s)", 15.0, 5.0),
        panels: vec![Panel {
            up: Axis::even("good answers a second, of 200 requests", 300.0, 100.0),
            band: Some((5.0, 10.0, "the dependency hangs")),
            lines: vec![
                Line::new(Tone::Without, without.good(), ("without", 8.0, 22.0)),
                Line::new(Tone::With, with.good(), ("with a time-out of 250 ms", 7.5, 140.0)),
            ],
        }],
    };
    Picture {
        name: "timeout",
        page: "policies/timeout",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "While the dependency hangs, the service answers {} of its requests with a time-out, which are those that do not need the \
             dependency, and {} without. After that it answers {} with a time-out. Without, it answers {}: its workers wait for answers that \
             never come.",
            percent(with.share_good(6, 9)),
            percent(without.share_good(6, 9)),
            percent(with.share_good(11, 15)),
            percent(without.share_good(11, 15)),
        ),
    }
}

/// A service, each worker of which handles one request at a time.
struct Service {
    line: runs::Line,
    workers: Semaphore,
    requests: AtomicU64,
    has_limit: bool,
}

impl Service {
    fn new(line: runs::Line, has_limit: bool) -> Self {
        Self { line, workers: Semaphore::new(50), requests: AtomicU64::new(0), has_limit }
    }
}

impl Client for Service {
    async fn call(&self) -> Result<(), CallError> {
        let _worker = self.workers.acquire().await.expect("it stays open");
        if self.requests.fetch_add(1, Relaxed).is_multiple_of(2) {
            sleep(ms(10)).await;
            return Ok(());
        }
        if self.has_limit { limited(&self.line).await } else { plain(&self.line).await }
    }
}

#[timeout("250ms")]
async fn limited(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
