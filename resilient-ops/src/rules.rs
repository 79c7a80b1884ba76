//! The file of rules for Prometheus.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alerts::{self, Alert};
use crate::options::Options;
use crate::query::promql_time;
use crate::snapshot::Snapshot;

/// The error of a value that cannot be written as YAML.
pub type YamlError = serde_saphyr::ser::Error;

#[derive(Debug, Serialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Rule {
    Record {
        record: String,
        expr: String,
        labels: BTreeMap<&'static str, String>,
    },
    Alert {
        alert: &'static str,
        expr: String,
        #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
        hold: Option<String>,
        labels: BTreeMap<&'static str, String>,
        annotations: BTreeMap<&'static str, String>,
    },
}

/// Returns the recording and alert rules for a program with those policies, as YAML.
///
/// # Errors
///
/// If a value cannot be written as YAML.
pub fn file(snapshot: &Snapshot, options: &Options) -> Result<String, YamlError> {
    let of = options.job.as_ref().map_or_else(String::new, |job| format!(" of {job}"));
    let mut groups = Vec::new();
    let records: Vec<Rule> = alerts::objective::of(snapshot, options)
        .iter()
        .flat_map(|objective| {
            let rules = objective.records().into_iter().map(|(record, expr, function)| Rule::Record {
                record,
                expr,
                labels: BTreeMap::from([("function", function.to_owned())]),
            });
            rules.collect::<Vec<Rule>>()
        })
        .collect();
    // the burn rates stand in the group that records what they read, so that they read what is new
    let (burns, others): (Vec<Alert>, Vec<Alert>) =
        alerts::of(snapshot, options).into_iter().partition(|alert| alert.window.is_some());
    if !records.is_empty() {
        let burns = burns.into_iter().map(|alert| rule(alert, options));
        groups.push(Group {
            name: format!("resilient objectives{of}"),
            rules: records.into_iter().chain(burns).collect(),
        });
    }
    let policies = others.into_iter().map(|alert| rule(alert, options)).collect();
    groups.push(Group { name: format!("resilient policies{of}"), rules: policies });
    yaml(&File { groups })
}

fn rule(alert: Alert, options: &Options) -> Rule {
    // those of the policy as well, though the result has them: without, promtool takes two policies' rules for one that is there twice
    let own = alert.labels().into_iter().filter(|(name, _)| *name != "alertname");
    let mut labels: BTreeMap<&str, String> = own.map(|(name, value)| (name, alerts::literal(&value))).collect();
    labels.insert("severity", alert.severity.to_string());
    let mut annotations = BTreeMap::from([("summary", alert.summary), ("description", alert.description)]);
    let runbook = options.runbook.as_ref().map(|runbook| format!("{runbook}#{}", alert.kind.name.to_lowercase()));
    annotations.extend(runbook.map(|runbook| ("runbook_url", runbook)));
    Rule::Alert { alert: alert.kind.name, expr: alert.expr, hold: alert.hold.map(promql_time), labels, annotations }
}

pub(crate) fn yaml(value: &impl Serialize) -> Result<String, YamlError> {
    serde_saphyr::to_string(value)
}
