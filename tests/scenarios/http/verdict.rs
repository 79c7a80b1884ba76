//! The figures that were asked for, the figures that were reached, and the verdict.

use std::fmt;
use std::time::Duration;

use resilient_scenarios::report::{Figures, Table, percent};

/// One figure beside the value that it must have and the value that it should have.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    what: String,
    must: String,
    aim: String,
    reached: String,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Aim,
    Must,
    /// The aim is not reached, and there is no must.
    Short,
    Missed,
}

impl Check {
    /// Checks a figure that should be as low as possible.
    pub(crate) fn most<T: PartialOrd + Copy>(
        what: impl Into<String>,
        reached: T,
        must: T,
        aim: T,
        show: impl Fn(T) -> String,
    ) -> Self {
        let verdict = verdict(reached <= must, reached <= aim);
        let limit = |limit| format!("≤ {}", show(limit));
        Self { what: what.into(), must: limit(must), aim: limit(aim), reached: show(reached), verdict }
    }

    /// Checks a figure that should be as high as possible.
    pub(crate) fn least<T: PartialOrd + Copy>(
        what: impl Into<String>,
        reached: T,
        must: T,
        aim: T,
        show: impl Fn(T) -> String,
    ) -> Self {
        let verdict = verdict(reached >= must, reached >= aim);
        let limit = |limit| format!("≥ {}", show(limit));
        Self { what: what.into(), must: limit(must), aim: limit(aim), reached: show(reached), verdict }
    }

    /// Makes it a figure with an aim and no must.
    pub(crate) fn only_aim(mut self) -> Self {
        "–".clone_into(&mut self.must);
        if matches!(self.verdict, Verdict::Missed | Verdict::Must) {
            self.verdict = Verdict::Short;
        }
        self
    }

    /// Checks the books of the runs.
    pub(crate) fn books(what: impl Into<String>, imbalances: Vec<String>) -> Self {
        let reached = imbalances.first().cloned().unwrap_or_else(|| "balanced".to_owned());
        let verdict = verdict(imbalances.is_empty(), imbalances.is_empty());
        Self { what: what.into(), must: "balanced".into(), aim: "balanced".into(), reached, verdict }
    }

    /// Checks the goodput and the recovery of an overload.
    pub(crate) fn of_fault(what: &str, figures: &Figures, goodput: [f64; 2], recovery: [u64; 2]) -> [Self; 2] {
        let recovery = recovery.map(Duration::from_millis);
        let reached = figures.recovery.unwrap_or(Duration::MAX);
        [
            Self::least(format!("{what}: goodput"), figures.goodput, goodput[0], goodput[1], percent),
            Self::most(format!("{what}: recovery"), reached, recovery[0], recovery[1], seconds),
        ]
    }

    pub(crate) fn table(checks: &[Self]) -> Table {
        let mut table = Table::new("What was asked for", &["figure", "must", "aim", "reached", "verdict"]);
        for Self { what, must, aim, reached, verdict } in checks {
            table.row(vec![what.clone(), must.clone(), aim.clone(), reached.clone(), verdict.to_string()]);
        }
        table
    }

    pub(crate) fn missed(&self) -> Option<String> {
        let Self { what, must, reached, .. } = self;
        (self.verdict == Verdict::Missed).then(|| format!("{what}: {reached}, must be {must}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aim => "aim reached",
            Self::Must => "must met",
            Self::Short => "aim not reached",
            Self::Missed => "**MISSED**",
        })
    }
}

const fn verdict(must: bool, aim: bool) -> Verdict {
    match (must, aim) {
        (true, true) => Verdict::Aim,
        (true, false) => Verdict::Must,
        (false, _) => Verdict::Missed,
    }
}

pub(crate) fn seconds(time: Duration) -> String {
    if time == Duration::MAX { "never".to_owned() } else { format!("{:.1} s", time.as_secs_f64()) }
}

pub(crate) fn times(factor: f64) -> String {
    format!("{factor:.2}")
}
