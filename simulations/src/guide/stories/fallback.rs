//! Prices from a server that is down for ten seconds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilient::{circuit_breaker, fallback};
use resilient_simulator::calls::{CallError, Client, Target};
use resilient_simulator::server::{Down, Setup};
use tokio::time::Instant;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, client, percent, plan, rates, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let is_down = Down { from: seconds(5), until: seconds(15), hangs: false };
    let plan = plan(Setup { tail: false, down: vec![is_down], ..Setup::of(40) }, &[(200.0, 20)]);
    let without = story(&plan, Bare);
    let ages: Arc<Mutex<Vec<(Duration, Duration)>>> = Arc::default();
    let with =
        story(&plan, |line| Prices { line, next: AtomicU64::new(0), start: Instant::now(), ages: Arc::clone(&ages) });
    let ages = ages.lock().expect("nobody panics");
    let old: Vec<&(Duration, Duration)> = ages.iter().filter(|(_, age)| *age > Duration::ZERO).collect();
    let oldest = old.iter().map(|(_, age)| age.as_secs_f64()).fold(0.0, f64::max);

    let alt = "Errors and old answers a second during an outage, with and without a fallback";
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![Panel {
            up: Axis::even("calls a second", 300.0, 100.0),
            band: Some((5.0, 15.0, "the server is down")),
            lines: vec![
                Line::new(Tone::Without, without.bad(), ("errors without", 3.4, 130.0)),
                Line::new(
                    Tone::Beside,
                    rates(old.iter().map(|(at, _)| *at), seconds(20)),
                    ("old answers with a fallback", 10.0, 265.0),
                ),
                Line::new(Tone::With, with.bad(), ("errors with a fallback", 10.0, 28.0)),
            ],
        }],
    };
    Picture {
        name: "fallback",
        page: "policies/fallback",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "Without a fallback, {} of the calls of these ten seconds get an answer. With it, {} do; the oldest price was {oldest:.1} s old. \
             An error is left for the articles that nobody had asked for before the outage.",
            percent(without.share_good(5, 15)),
            percent(with.share_good(5, 15)),
        ),
    }
}

client!(Bare, bare);

#[circuit_breaker]
async fn bare(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

/// Callers of four hundred articles, which note the age of each price.
struct Prices {
    line: runs::Line,
    next: AtomicU64,
    start: Instant,
    ages: Arc<Mutex<Vec<(Duration, Duration)>>>,
}

impl Client for Prices {
    async fn call(&self) -> Result<(), CallError> {
        // the square makes some articles far more usual than others
        let number = self.next.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let article = (number % 1_000).pow(2) * 400 / 1_000_000;
        let begun = Instant::now();
        let fresh_since = price(&self.line, article).await?;
        let age = begun.saturating_duration_since(fresh_since);
        self.ages.lock().expect("nobody panics").push((self.start.elapsed(), age));
        Ok(())
    }
}

/// Returns the time at which the price was true.
#[fallback(stale = "60s", key = article, shared_across(line))]
#[circuit_breaker]
async fn price(line: &runs::Line, article: u64) -> Result<Instant, CallError> {
    let _ = article;
    line.send().await?;
    Ok(Instant::now())
}
