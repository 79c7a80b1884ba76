//! The use of a provider's quota.

use std::time::Duration;

use crate::drive::Call;
use crate::provider::{Ledger, Terms};
use crate::report::{Table, millis, percent};

/// The figures of a run against a provider, or the worst of several runs.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// The share of attempts that got a 429.
    pub refused: f64,
    /// The served calls, as a share of those that the provider allows in the long run.
    pub used: f64,
    /// The number of attempts before the time that any caller had been told.
    pub early: usize,
    /// The most attempts in any 100 ms of the two seconds after the reset.
    pub herd: usize,
    /// The median time of the calls that succeeded.
    pub p50: Duration,
    /// The 99th percentile of their times.
    pub p99: Duration,
    /// The share of calls that were good.
    pub good: f64,
}

impl Used {
    /// Returns the figures of a run of that length.
    pub fn of(calls: &[Call], ledger: &Ledger, terms: &Terms, time: Duration) -> Self {
        let served = ledger.arrived.iter().filter(|(_, served)| *served).count();
        let is_early = |at: &&Duration| ledger.told.iter().any(|(from, until)| from < *at && *at < until);
        let closed = terms.closed.map_or(Duration::ZERO, |(from, until)| until.saturating_sub(from));
        let open = time.saturating_sub(closed).as_secs_f64();
        let mut latencies: Vec<Duration> = calls.iter().filter_map(Call::latency).collect();
        latencies.sort_unstable();
        let at = |percent| latencies.get(latencies.len() * percent / 100).copied().unwrap_or(Duration::MAX);
        Self {
            refused: 1.0 - served as f64 / ledger.arrived.len() as f64,
            used: served as f64 / (open * terms.rate),
            early: ledger.sent.iter().filter(is_early).count(),
            herd: terms.closed.map_or(0, |(_, opens)| most_at_once(ledger, opens)),
            p50: at(50),
            p99: at(99),
            good: calls.iter().filter(|call| call.is_good()).count() as f64 / calls.len() as f64,
        }
    }

    /// Returns the worse of each figure.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self {
            refused: self.refused.max(other.refused),
            used: self.used.min(other.used),
            early: self.early.max(other.early),
            herd: self.herd.max(other.herd),
            p50: self.p50.max(other.p50),
            p99: self.p99.max(other.p99),
            good: self.good.min(other.good),
        }
    }
}

/// Returns the table of a provider's callers.
pub fn table(title: impl Into<String>) -> Table {
    Table::new(title, &["client", "429s", "quota used", "too early", "most in 100 ms", "p50", "p99", "good"])
}

/// Adds a row to that table.
pub fn row(table: &mut Table, client: &str, used: Used) {
    table.row(vec![
        client.to_owned(),
        percent(used.refused),
        percent(used.used),
        used.early.to_string(),
        used.herd.to_string(),
        millis(used.p50),
        millis(used.p99),
        percent(used.good),
    ]);
}

/// Returns the most attempts in any 100 ms of the two seconds from `from` on.
fn most_at_once(ledger: &Ledger, from: Duration) -> usize {
    let times = ledger.arrived.iter().map(|(at, _)| *at);
    let times: Vec<Duration> = times.filter(|&at| from <= at && at < from + 2 * SECOND).collect();
    let until = |at: Duration| times.partition_point(|&other| other < at + Duration::from_millis(100));
    times.iter().enumerate().map(|(index, &at)| until(at) - index).max().unwrap_or(0)
}

const SECOND: Duration = Duration::from_secs(1);
