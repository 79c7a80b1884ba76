//! The choices that the operator makes for all rules.

use std::fmt;
use std::time::Duration;

/// The operator's choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The share of calls that shall be answered, in percent.
    pub slo: f64,
    /// The job under which Prometheus scrapes the program; `None` for rules that hold for every job.
    pub job: Option<String>,
    /// The time between two scrapes. No window is shorter than twenty of them.
    pub interval: Duration,
    /// The factor for all windows, for tests that cannot wait.
    pub scale: f64,
    /// The address of the runbook. The anchor of each alert is added to it.
    pub runbook: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { slo: 99.9, job: None, interval: Duration::from_secs(15), scale: 1.0, runbook: None }
    }
}

/// An option with a value that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum BadOption {
    /// An objective that is not between 50 and 100.
    Slo(f64),
    /// A factor that is not above zero, or is above one.
    Scale(f64),
    /// Scrapes more often than ten times a second, or less than every ten minutes.
    Interval(Duration),
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slo(slo) => {
                write!(f, "the objective is a percentage of at least 50 and below 100, such as 99.9, and not {slo}")
            }
            Self::Scale(scale) => write!(f, "the scale of times is above 0 and at most 1, and not {scale}"),
            Self::Interval(time) => {
                write!(f, "the time between two scrapes is between 100ms and 10m, and not {time:?}")
            }
        }
    }
}

impl std::error::Error for BadOption {}

impl Options {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// If one makes no sense: an objective of 100 leaves nothing that may fail, and a scale of zero no time.
    pub fn check(&self) -> Result<(), BadOption> {
        if !(50.0..100.0).contains(&self.slo) {
            return Err(BadOption::Slo(self.slo));
        }
        if !(self.scale > 0.0 && self.scale <= 1.0) {
            return Err(BadOption::Scale(self.scale));
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(600)).contains(&self.interval) {
            return Err(BadOption::Interval(self.interval));
        }
        Ok(())
    }

    /// The share of calls that may fail.
    pub(crate) fn error_budget(&self) -> f64 {
        (100.0 - self.slo) / 100.0
    }

    /// A window of that length by the scale, which is long enough for twenty scrapes: a deploy or a restart costs two or three, and a
    /// sum over fewer would be far off.
    pub(crate) fn window(&self, time: Duration) -> Duration {
        whole_millis(time.mul_f64(self.scale).max(self.interval * 20))
    }

    /// A window of that length, or of five scrapes, for events that are still going on.
    pub(crate) fn recent(&self, time: Duration) -> Duration {
        whole_millis(time.max(self.interval * 5))
    }
}

/// The time as queries have it.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_room_for_twenty_scrapes_whatever_the_scale() {
        let options = Options { scale: 0.05, ..Options::default() };

        assert_eq!(options.window(Duration::from_secs(21_600)), Duration::from_secs(1_080));
        assert_eq!(options.window(Duration::from_secs(300)), Duration::from_secs(300));
        assert_eq!(options.recent(Duration::from_secs(3)), Duration::from_secs(75));
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        let bad = |options: Options| options.check().unwrap_err().to_string();

        assert_eq!(Options::default().check(), Ok(()));
        assert!(bad(Options { slo: 100.0, ..Options::default() }).ends_with("such as 99.9, and not 100"));
        assert!(bad(Options { slo: f64::NAN, ..Options::default() }).contains("percentage"));
        assert!(bad(Options { scale: 0.0, ..Options::default() }).contains("above 0"));
        assert!(bad(Options { interval: Duration::ZERO, ..Options::default() }).contains("between 100ms and 10m"));
    }
}
