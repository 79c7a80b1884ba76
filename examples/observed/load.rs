//! The load: a few hundred searches in three phases, and a last one during which the service stops.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::client::Client;
use crate::service::Offer;
use crate::upstream::{Upstream, Weather};

/// The answer to a search, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Complete,
    WithoutPrices,
    Empty,
    Unavailable,
    /// The caller did not wait for it.
    NotAwaited,
}

/// Runs the phases against the service at `url`, and returns a table of its answers.
pub(crate) async fn run(url: &str, client: &Client, upstreams: &[Upstream]) -> Result<String, Box<dyn Error>> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut table = String::new();
    for (name, weather) in [("fine", Weather::Fair), ("outage", Weather::Outage), ("recovered", Weather::Fair)] {
        set(upstreams, weather);
        let mut calls = JoinSet::new();
        let mut pace = interval(PHASE / PAIRS);
        for number in 0..PAIRS {
            pace.tick().await;
            // two callers want the same at the same time, and some are impatient
            let word = WORDS[number as usize % WORDS.len()];
            let patience = if number % 10 == 9 { IMPATIENT } else { PATIENT };
            for patience in [PATIENT, patience] {
                calls.spawn(search(http.clone(), format!("{url}/search?q={word}"), patience));
            }
        }
        tell(&mut table, name, calls.join_all().await)?;
    }

    set(upstreams, Weather::Still);
    let mut calls = JoinSet::new();
    for word in WORDS {
        calls.spawn(search(http.clone(), format!("{url}/search?q={word}"), PATIENT));
    }
    sleep(BEFORE_STOP).await;
    client.stop.cancel();
    tell(&mut table, "stopped", calls.join_all().await)?;
    Ok(table)
}

/// Gets a page of the service.
pub(crate) async fn get(url: &str) -> reqwest::Result<String> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    http.get(url).send().await?.error_for_status()?.text().await
}

async fn search(http: reqwest::Client, url: String, patience: Duration) -> reqwest::Result<Answer> {
    let asked = async {
        let response = http.get(url).send().await?;
        let status = response.status();
        Ok((status, response.bytes().await?))
    };
    let Ok(asked) = timeout(patience, asked).await else { return Ok(Answer::NotAwaited) };
    let (status, body) = asked?;
    let offers: Vec<Offer> = match status {
        StatusCode::OK => serde_json::from_slice(&body).unwrap_or_default(),
        _ => return Ok(Answer::Unavailable),
    };
    Ok(match offers.as_slice() {
        [] => Answer::Empty,
        offers if offers.iter().any(|offer| offer.price.is_none()) => Answer::WithoutPrices,
        _ => Answer::Complete,
    })
}

fn set(upstreams: &[Upstream], weather: Weather) {
    for upstream in upstreams {
        upstream.set(weather);
    }
}

/// Adds a line for a phase.
fn tell(table: &mut String, name: &str, answers: Vec<reqwest::Result<Answer>>) -> Result<(), Box<dyn Error>> {
    let mut counts: BTreeMap<Answer, u32> = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer?).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(answer, count)| format!("{count} {answer}")).collect();
    writeln!(table, "{name:<9}  {}", counts.join(", "))?;
    Ok(())
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::WithoutPrices => "without all prices",
            Self::Empty => "empty",
            Self::Unavailable => "refused with 503",
            Self::NotAwaited => "not awaited",
        })
    }
}

const WORDS: [&str; 5] = ["tides", "snow", "maps", "ferries", "clocks"];
/// The length of a phase.
const PHASE: Duration = Duration::from_secs(1);
/// Pairs of calls in a phase.
const PAIRS: u32 = 55;
const PATIENT: Duration = Duration::from_secs(5);
const IMPATIENT: Duration = Duration::from_millis(4);
/// The time that the last searches are under way before the service stops.
const BEFORE_STOP: Duration = Duration::from_millis(50);
