//! The figures of a run, the worst of several seeds, and their table.

use std::fmt::Write as _;
use std::time::Duration;

use resilient::Reason;

use crate::calls::{CallError, SLO};
use crate::drive::{Call, Run};

/// When something was wrong, and how many calls a second the servers could serve then.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its beginning.
    pub from: Duration,
    /// Its end.
    pub until: Duration,
    /// Calls a second.
    pub capacity: f64,
}

/// What is said of a run, or of the worst of several.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Good answers while something was wrong, as a share of what the server could have given.
    pub goodput: f64,
    /// Good answers to all calls, as a share of the calls.
    pub good: f64,
    /// Attempts for each call.
    pub amplification: f64,
    /// From the end of the fault to the first of four seconds with 95 % good answers.
    pub recovery: Option<Duration>,
    /// Of the calls that succeeded, in time or not, from when they should have begun.
    pub p50: Duration,
    /// The same.
    pub p99: Duration,
    /// The share of calls that got an error before their time was over.
    pub refused: f64,
    /// The share of calls that got nothing in time.
    pub late: f64,
    /// How full the clients' own limits were on average.
    pub occupancy: f64,
    /// What the servers did for nothing, as a share of what they did.
    pub wasted: f64,
}

impl Figures {
    /// The figures of a run in which something was wrong.
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

    /// The worse of each.
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
    /// How long a call that succeeded took, from when it should have begun.
    pub fn latency(&self) -> Option<Duration> {
        match self.end {
            Some((end, Ok(()))) => Some(end.saturating_sub(self.at)),
            _ => None,
        }
    }

    /// Whether it succeeded within the SLO.
    pub fn is_good(&self) -> bool {
        self.latency().is_some_and(|latency| latency <= SLO)
    }

    /// Whether it got an error at once or soon.
    pub fn is_refused(&self) -> bool {
        match &self.end {
            Some((_, Err(CallError::Busy | CallError::Later { .. } | CallError::Lost | CallError::Unsent))) => true,
            Some((_, Err(CallError::Refused(rejection)))) => {
                !matches!(rejection.reason(), Reason::TimedOut { .. } | Reason::DeadlineExceeded)
            }
            _ => false,
        }
    }

    /// Not answered in time, be it with an error that says so.
    pub fn is_late(&self) -> bool {
        match &self.end {
            None | Some((_, Err(CallError::Late))) => true,
            Some((end, Ok(()))) => *end > self.at + SLO,
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

/// From `until` to the first of four consecutive seconds in each of which 95 % of the calls get a good answer.
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
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { title: title.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    /// What it is about.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The headings.
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The cells, row by row.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// The table of an overload.
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

    /// A row of the table of an overload.
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

    /// As Markdown, which reads well on a terminal too.
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

/// A share in per cent.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 0.1 { format!("{percent:.1} %") } else { format!("{percent:.3} %") }
}

/// A time in milliseconds; the longest there is stands for none.
pub fn millis(time: Duration) -> String {
    if time == Duration::MAX { "–".to_owned() } else { format!("{} ms", time.as_millis()) }
}

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);
