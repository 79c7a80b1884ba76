//! Tests for `promtool test rules`: each alert fires at a value beyond its threshold and is silent at one below it, over a restart and
//! a deploy.
//!
//! A case has three parts: a process runs; it is restarted, so that its counters begin at zero; and another instance takes its place
//! after a gap without any scrape. An alert that fires does so in all of them.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::alerts::{self, Alert};
use crate::options::Options;
use crate::proof::{Change, Proof, Quantity};
use crate::query::{promql_time, quoted};
use crate::rules;
use crate::snapshot::Snapshot;

#[derive(Debug, Serialize)]
struct File {
    rule_files: Vec<String>,
    evaluation_interval: String,
    tests: Vec<Test>,
}

#[derive(Debug, Serialize)]
struct Test {
    name: String,
    interval: String,
    input_series: Vec<Series>,
    #[serde(rename = "promql_expr_test")]
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Series {
    series: String,
    values: String,
}

#[derive(Debug, Serialize)]
struct Check {
    expr: String,
    eval_time: String,
    exp_samples: Vec<Expected>,
}

#[derive(Debug, Serialize)]
struct Expected {
    labels: String,
    value: f64,
}

/// Returns the file of tests for the rules of [`rules::file`], which is to be beside it under the name `rules`.
///
/// # Errors
///
/// If a value cannot be written as YAML.
pub fn file(snapshot: &Snapshot, options: &Options, rules: &str) -> Result<String, rules::YamlError> {
    let step = options.interval;
    let tests = alerts::of(snapshot, options)
        .iter()
        .flat_map(|alert| {
            let Proof { third, sick, well } = &alert.proof;
            [
                Course { step, steps: steps(*third, step), job: options.job.as_deref() }.test(alert, sick, true),
                Course { step, steps: steps(*third, step), job: options.job.as_deref() }.test(alert, well, false),
            ]
        })
        .collect();
    let file = File { rule_files: vec![rules.to_owned()], evaluation_interval: promql_time(step * 2), tests };
    rules::yaml(&file)
}

fn steps(time: Duration, step: Duration) -> u32 {
    (time.as_secs_f64() / step.as_secs_f64()).ceil() as u32
}

/// The times of a case.
struct Course<'a> {
    step: Duration,
    /// The steps of each part.
    steps: u32,
    job: Option<&'a str>,
}

impl Course<'_> {
    fn test(&self, alert: &Alert, series: &[Quantity], fires: bool) -> Test {
        let selector: Vec<String> =
            alert.labels().iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        let name = alert.kind.name;
        let expr = format!("max by (alertname) (ALERTS{{alertstate=\"firing\",{}}})", selector.join(","));
        let checks = self.moments(alert.proof.sick.is_empty()).into_iter().map(|moment| Check {
            expr: expr.clone(),
            eval_time: promql_time(self.step * moment),
            exp_samples: if fires {
                vec![Expected { labels: format!("{{alertname=\"{name}\"}}"), value: 1.0 }]
            } else {
                Vec::new()
            },
        });
        Test {
            name: format!("{}: {}", alert.summary, if fires { "fires" } else { "is silent" }),
            interval: promql_time(self.step),
            checks: checks.collect(),
            input_series: series.iter().flat_map(|quantity| self.both(quantity)).collect(),
        }
    }

    /// The steps at which the alert is looked at: at the end of the first part, about the restart, and about the deploy, if `throughout`
    /// is false; and for an alert that has no series, at the ends.
    fn moments(&self, at_ends: bool) -> Vec<u32> {
        let restart = self.steps;
        let deploy = 2 * self.steps + 1;
        let end = 3 * self.steps + GAP;
        if at_ends {
            return vec![restart, deploy + GAP / 2, end];
        }
        let about_deploy =
            (0..=GAP + 2).chain([self.steps / 4, self.steps / 2, self.steps * 3 / 4]).map(|more| deploy + more);
        [restart, restart + 1, restart + 2, restart + self.steps / 2]
            .into_iter()
            .chain(about_deploy)
            .chain([end])
            .collect()
    }

    /// The series of the two instances.
    fn both(&self, quantity: &Quantity) -> [Series; 2] {
        let more = self.steps;
        let (first, second) = match quantity.change {
            Change::Rises(each) => {
                let each = each * self.step.as_secs_f64();
                (format!("0+{each}x{more} 0+{each}x{more} stale"), format!("0+{each}x{more}"))
            }
            Change::Stays(value) => (format!("{value}x{} stale", 2 * more + 1), format!("{value}x{more}")),
        };
        // the second begins when the first has been gone for the gap
        let absent = format!("_x{}", 2 * more + 1 + GAP);
        [
            Series { series: self.named(quantity, "old:9000"), values: first },
            Series { series: self.named(quantity, "new:9000"), values: format!("{absent} {second}") },
        ]
    }

    fn named(&self, quantity: &Quantity, instance: &str) -> String {
        let mut name = format!("{}{}{{", quantity.family.name, quantity.suffix);
        let _ = write!(name, "job={},instance={}", quoted(self.job.unwrap_or("any")), quoted(instance));
        for (label, value) in quantity.labels.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(name, ",{label}={}", quoted(value));
        }
        name.push('}');
        name
    }
}

/// The scrapes between an instance and the next.
const GAP: u32 = 2;
