//! A database of eight connections, and an import that looks up ten times as many prices.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use resilient::batch;
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::drive::Call;
use resilient_simulator::server::Setup;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Plain, percent, plan, story};

pub(in crate::guide) fn picture() -> Picture {
    let setup = Setup { tail: false, ..Setup::of(8) };
    let plan = plan(setup, &[(150.0, 5), (1_500.0, 5), (150.0, 10)]);
    let without = story(&plan, Plain);
    let with = story(&plan, |line| Prices { line, next: AtomicU64::new(0) });

    let alt = "Good answers and queries a second during an import, with and without batches";
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![
            Panel {
                up: Axis::even("good answers a second", 1_800.0, 600.0),
                band: Some((5.0, 10.0, "1,500 look-ups a second")),
                lines: vec![
                    Line::new(Tone::Without, without.good(), ("without", 13.0, 350.0)),
                    Line::new(Tone::With, with.good(), ("with batches", 7.5, 1_250.0)),
                ],
            },
            Panel {
                up: Axis::even("queries a second at the database", 1_800.0, 600.0),
                band: Some((5.0, 10.0, "1,500 look-ups a second")),
                lines: vec![
                    Line::new(Tone::Without, without.attempts(), ("without", 7.5, 1_250.0)),
                    Line::new(Tone::With, with.attempts(), ("with batches", 7.5, 340.0)),
                ],
            },
        ],
    };
    Picture {
        name: "batch",
        page: "policies/batch",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "With batches, {:.0} queries a second answer 1,500 look-ups a second, {} of them within a second. Without, it is {}, and {} of \
             the look-ups in the ten seconds after it. At rest, a look-up takes {:.0} ms in the median with batches and {:.0} ms without.",
            with.attempts_within(5, 10),
            percent(with.share_good(5, 10)),
            percent(without.share_good(5, 10)),
            percent(without.share_good(10, 20)),
            at_rest(&with),
            at_rest(&without),
        ),
    }
}

/// Returns the median time before the import, in milliseconds.
fn at_rest(story: &runs::Story) -> f64 {
    let times = story.calls.iter().filter(|call| call.at < runs::seconds(5)).filter_map(Call::latency);
    runs::quantile(times.collect(), 0.5)
}

/// Look-ups of prices, each of another article.
struct Prices {
    line: runs::Line,
    next: AtomicU64,
}

impl Prices {
    #[batch(max_size = 100, max_wait = "10ms")]
    async fn load(&self, articles: Vec<u64>) -> Result<HashMap<u64, u64>, CallError> {
        self.line.send().await?;
        Ok(articles.into_iter().map(|article| (article, 995)).collect())
    }
}

impl Client for Prices {
    async fn call(&self) -> Result<(), CallError> {
        self.load_one(self.next.fetch_add(1, Relaxed)).await.map(drop)
    }
}
