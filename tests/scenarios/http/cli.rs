//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Puts clients with whole stacks of policies in front of real HTTP servers on loopback, breaks something, and compares
/// the results with those of clients that have no policy, a plain loop of retries, or tower's layers.
///
/// The seed decides when calls arrive and how long the servers work on them; everything else depends on the machine.
#[derive(Debug, Clone, Parser)]
#[command(name = "scenarios", disable_version_flag = true)]
#[command(after_help = "Exit code: 0 if every must was met, 1 if one was missed, 2 if it could not run.")]
pub(crate) struct Args {
    /// The scenarios to run; all of them but `plan` unless some are named
    scenarios: Vec<Scenario>,

    /// Fewer rows and shorter runs: about forty seconds for all
    #[arg(long)]
    pub(crate) quick: bool,

    /// The seed of the arrivals and of the servers' times; repeat for several runs, of which the worst counts
    #[arg(long = "seed", value_name = "NUMBER", default_values_t = [1])]
    pub(crate) seeds: Vec<u64>,

    /// The file for the report
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Write the tables as Markdown, too, and the plots to a folder beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

/// A scenario that has a form over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// A search of eight providers at once
    S1,
    /// A spike of ten times the calls
    S2,
    /// Failures that pass
    S3,
    /// An outage
    S4,
    /// A brown-out: service five times slower
    S5,
    /// A provider that throttles
    S6,
    /// Normal load
    S7,
    /// Three tiers of retries
    S9,
    /// Planned settings, and how well their simulation predicts these runs; only if it is named
    Plan,
}

impl Scenario {
    /// Returns the name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::S1 => "s1",
            Self::S2 => "s2",
            Self::S3 => "s3",
            Self::S4 => "s4",
            Self::S5 => "s5",
            Self::S6 => "s6",
            Self::S7 => "s7",
            Self::S9 => "s9",
            Self::Plan => "plan",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::S1 => "S1: a search of eight providers at once",
            Self::S2 => "S2: a spike of ten times the calls",
            Self::S3 => "S3: failures that pass",
            Self::S4 => "S4: an outage",
            Self::S5 => "S5: a brown-out",
            Self::S6 => "S6: a provider that throttles",
            Self::S7 => "S7: nothing is wrong",
            Self::S9 => "S9: three tiers of retries",
            Self::Plan => "Planned settings",
        }
    }
}

impl Args {
    /// Returns the scenarios to run, in their order.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        let is_asked_for = |scenario: &Scenario| {
            self.scenarios.contains(scenario) || (self.scenarios.is_empty() && *scenario != Scenario::Plan)
        };
        Scenario::value_variants().iter().copied().filter(is_asked_for).collect()
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.report.clone().unwrap_or_else(|| PathBuf::from("target/scenarios.html"))
    }
}
