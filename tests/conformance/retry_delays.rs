//! Replays `retry_delays.toml` on the back-offs.

use std::time::Duration;

use resilient::Backoff;
use serde::Deserialize;

use crate::table::{self, Script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    backoff: Rules,
    /// The value of each random draw; without it, the waits must not depend on the draws.
    fraction: Option<f64>,
    #[serde(default)]
    from: usize,
    #[serde(default)]
    waits: Vec<f64>,
    #[serde(default)]
    sums: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    formula: Formula,
    base: f64,
    cap: Option<f64>,
    jitter: Option<f64>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Formula {
    Fixed,
    Linear,
    Exp,
    ExpJitter,
    FullJitter,
    DecorrelatedV2,
}

impl Script for Replay {
    fn expects_something(&self) -> bool {
        !self.waits.is_empty() || !self.sums.is_empty()
    }
}

impl Replay {
    fn run(&self) -> Result<(), String> {
        let fractions = self.fraction.map_or(vec![0.0, 0.7], |fraction| vec![fraction]);
        for fraction in fractions {
            let delays = self.backoff.build().delays(|| fraction).map(|delay| delay.as_secs_f64());
            let waits: Vec<f64> = delays.skip(self.from).take(self.waits.len().max(self.sums.len())).collect();
            let sums = waits.iter().scan(0.0, |sum, wait| {
                *sum += wait;
                Some(*sum)
            });
            compare("waits", &self.waits, waits.iter().copied())?;
            compare("sums", &self.sums, sums)?;
        }
        Ok(())
    }
}

impl Rules {
    fn build(&self) -> Backoff {
        let make = match self.formula {
            Formula::Fixed => Backoff::fixed,
            Formula::Linear => Backoff::linear,
            Formula::Exp => Backoff::exp,
            Formula::ExpJitter => Backoff::exp_jitter,
            Formula::FullJitter => Backoff::full_jitter,
            Formula::DecorrelatedV2 => Backoff::decorrelated_v2,
        };
        let mut backoff = make(Duration::from_secs_f64(self.base));
        if let Some(cap) = self.cap {
            backoff = backoff.cap(Duration::from_secs_f64(cap));
        }
        if let Some(jitter) = self.jitter {
            backoff = backoff.jitter(Duration::from_secs_f64(jitter));
        }
        backoff
    }
}

/// Compares figures that the table gives to three digits or more.
fn compare(what: &str, expected: &[f64], found: impl Iterator<Item = f64>) -> Result<(), String> {
    let found: Vec<f64> = found.take(expected.len()).collect();
    let same = expected.iter().zip(&found).all(|(expected, found)| (expected - found).abs() < 0.000_6);
    if same && found.len() == expected.len() { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}")) }
}

#[tokio::test]
async fn every_case_of_the_table_holds() {
    let cases = table::read::<Replay>(include_str!("retry_delays.toml")).unwrap();

    table::replay(&cases, async |replay: &Replay| replay.run()).await;
}
