//! The figures of a run, the worst of several seeds, and their table.

use std::fmt::Write as _;
use std::time::Duration;

use resilient::Reason;

use crate::calls::CallError;
use crate::drive::{Call, Run};

/// The time when something was wrong, and the rate that the servers could serve then.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The beginning.
    pub from: Duration,
    /// The end.
    pub until: Duration,
    /// The calls a second that can be served.
    pub capacity: f64,
}

/// The figures of a run, or the worst of several runs.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Good answers while something was wrong, as a share of those that the server could have given.
    pub goodput: f64,
    /// Good answers to all calls, as a share of the calls.
    pub good: f64,
    /// Attempts for each call.
    pub amplification: f64,
    /// The time from the end of the fault to the first of four seconds with 95 % good answers.
    pub recovery: Option<Duration>,
    /// The median time of the calls that succeeded, in time or not, from their intended beginning.
    pub p50: Duration,
    /// The 99th percentile of these times.
    pub p99: Duration,
    /// The share of calls that got an error before their time was over.
    pub refused: f64,
    /// The share of calls that got no answer in time.
    pub late: f64,
    /// The average share of the clients' own limits that was in use.
    pub occupancy: f64,
    /// The work that the servers did for nothing, as a share of all their work.
    pub wasted: f64,
}

impl Figures {
    /// Returns the figures of a run in which something was wrong.
    pub fn of(run: &Run, fault: Fault) -> Self {
        let calls = run.calls.len() as f64;
        let good = run.calls.iter().filter(|call| call.is_good());
        let during = good.clone().filter(|call| call.ended_within(fault.from, fault.until)).count();
        let possible = fault.capacity * fault.until.saturating_sub(fault.from).as_secs_f64();
        let refused = run.calls.iter().filter(|call| call.is_refused()).count() as f64 / calls;
        let good = good.count() as f64;
        let wasted = 1.0 - good / run.seen.served as f64;
        let good = good / calls;
        let mut latencies: Vec<Duration> = run.calls.iter().filter_map(Call::latency).collect();
        latencies.sort_unstable();
        let at =
            |share: f64| latencies.get((share * latencies.len() as f64) as usize).copied().unwrap_or(Duration::MAX);
        Self {
            goodput: during as f64 / possible,
            good,
            amplification: run.attempts as f64 / calls,
            recovery: recovery(&run.calls, fault.until),
            p50: at(0.50),
            p99: at(0.99),
            refused,
            late: run.calls.iter().filter(|call| call.is_late()).count() as f64 / calls,
            occupancy: run.occupancy,
            wasted,
        }
    }

    /// Returns the worse of each figure.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self {
            goodput: self.goodput.min(other.goodput),
            good: self.good.min(other.good),
            amplification: self.amplification.max(other.amplification),
            recovery: self.recovery.zip(other.recovery).map(|(one, two)| one.max(two)),
            p50: self.p50.max(other.p50),
            p99: self.p99.max(other.p99),
            refused: self.refused.max(other.refused),
            late: self.late.max(other.late),
            occupancy: self.occupancy.max(other.occupancy),
            wasted: self.wasted.max(other.wasted),
        }
    }
}

impl Call {
    /// Returns the time of a call that succeeded, from its intended beginning.
    pub fn latency(&self) -> Option<Duration> {
        match self.end {
            Some((end, Ok(()))) => Some(end.saturating_sub(self.at)),
            _ => None,
        }
    }

    /// Returns whether the call succeeded within its time.
    pub fn is_good(&self) -> bool {
        self.latency().is_some_and(|latency| latency <= self.slo)
    }

    /// Returns whether the call got an error at once or soon.
    pub fn is_refused(&self) -> bool {
        match &self.end {
            Some((_, Err(CallError::Busy | CallError::Later { .. } | CallError::Lost | CallError::Unsent))) => true,
            Some((_, Err(CallError::Refused(rejection)))) => {
                !matches!(rejection.reason(), Reason::TimedOut { .. } | Reason::DeadlineExceeded)
            }
            _ => false,
        }
    }

    /// Returns whether the call was not answered in time, even if its error says so.
    pub fn is_late(&self) -> bool {
        match &self.end {
            None | Some((_, Err(CallError::Late))) => true,
            Some((end, Ok(()))) => *end > self.at + self.slo,
            Some((_, Err(CallError::Refused(rejection)))) => {
                matches!(rejection.reason(), Reason::TimedOut { .. } | Reason::DeadlineExceeded)
            }
            Some(_) => false,
        }
    }

    fn ended_within(&self, from: Duration, until: Duration) -> bool {
        self.end.as_ref().is_some_and(|(end, _)| (from..until).contains(end))
    }
}

/// Returns the time from `until` to the first of four seconds in a row in each of which 95 % of the calls get a good answer.
pub fn recovery(calls: &[Call], until: Duration) -> Option<Duration> {
    let last = calls.last()?.at;
    let is_well = |from: Duration| {
        let first = calls.partition_point(|call| call.at < from);
        let end = calls.partition_point(|call| call.at < from + SECOND);
        let good = calls[first..end].iter().filter(|call| call.is_good()).count();
        good as f64 >= 0.95 * (end - first) as f64
    };
    (0..).map(|step| until + STEP * step).take_while(|&from| from + 4 * SECOND <= last).find_map(|from| {
        let well = (0..4).all(|second| is_well(from + SECOND * second));
        well.then(|| from.saturating_sub(until))
    })
}

/// Rows of figures under one heading.
#[derive(Debug)]
pub struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table without rows.
    pub fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { title: title.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Returns the subject of the table.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the headings.
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// Returns the cells, row by row.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Returns the table of an overload.
    pub fn of_faults(title: impl Into<String>) -> Self {
        Self::new(title, &["client", "goodput", "amplification", "recovery", "p50", "p99", "refused", "late"])
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// Unless there is a cell for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }

    /// Adds a row to the table of an overload.
    pub fn figures(&mut self, client: &str, figures: Figures) {
        self.row(vec![
            client.to_owned(),
            percent(figures.goodput),
            format!("{:.2}", figures.amplification),
            figures.recovery.map_or_else(|| "never".to_owned(), |time| format!("{:.1} s", time.as_secs_f64())),
            millis(figures.p50),
            millis(figures.p99),
            percent(figures.refused),
            percent(figures.late),
        ]);
    }

    /// Returns the table as Markdown, which reads well on a terminal too.
    pub fn to_markdown(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(self.columns[column].chars().count()).max(3)
        };
        let mut text = format!("{}\n\n", self.title);
        let mut line = |cells: &[&str]| {
            for (column, cell) in cells.iter().enumerate() {
                let pad = " ".repeat(width(column) - cell.chars().count());
                let _ = if column == 0 { write!(text, "| {cell}{pad} ") } else { write!(text, "| {pad}{cell} ") };
            }
            text.push_str("|\n");
        };
        line(&self.columns);
        let rules: Vec<String> = (0..self.columns.len())
            .map(|column| if column == 0 { "-".repeat(width(0)) } else { "-".repeat(width(column) - 1) + ":" })
            .collect();
        line(&rules.iter().map(String::as_str).collect::<Vec<_>>());
        for row in &self.rows {
            line(&row.iter().map(String::as_str).collect::<Vec<_>>());
        }
        text
    }
}

/// Writes a share in per cent.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 0.1 { format!("{percent:.1} %") } else { format!("{percent:.3} %") }
}

/// Writes a time in milliseconds. `Duration::MAX` stands for no time at all.
pub fn millis(time: Duration) -> String {
    if time == Duration::MAX { "–".to_owned() } else { format!("{} ms", time.as_millis()) }
}

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);
