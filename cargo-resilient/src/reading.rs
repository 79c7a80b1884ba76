//! Measurements in files: a histogram as CSV, the metrics of Prometheus, and the snapshot of a program's policies.

use std::collections::BTreeMap;

use resilient_simulator::latency::Measured;
use resilient_words::parse_duration;
use serde::Deserialize;

use crate::written::{Argument, Value, Written};

/// The contents of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The times.
    pub times: Measured,
    /// The share of attempts that failed, if the file knows it.
    pub errors: Option<f64>,
    /// The present stack, if the file knows it.
    pub stack: Option<Vec<Written>>,
}

/// Reads a file by its name: `.json` is a snapshot, `.csv` a histogram, and all else are metrics. `name` is the function of the
/// snapshot, or the histogram of the metrics.
///
/// # Errors
///
/// A message about the line or the field that is missing.
pub fn read(file: &str, text: &str, name: Option<&str>) -> Result<Reading, String> {
    let has = |extension: &str| {
        std::path::Path::new(file).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
    };
    if has("json") {
        snapshot(text, name)
    } else if has("csv") {
        histogram(text)
    } else {
        metrics(text, name)
    }
}

/// Reads lines of an upper bound and the number of calls between it and the bound before.
fn histogram(text: &str) -> Result<Reading, String> {
    let mut buckets = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = line.split([',', ';', '\t']).map(str::trim).collect();
        let [bound, count, ..] = cells[..] else {
            return Err(format!("line {}: a bound and a count are two columns: `{line}`", number + 1));
        };
        let (Some(bound), Ok(count)) = (seconds(bound), count.parse::<f64>()) else {
            if buckets.is_empty() && number == 0 {
                continue; // the names of the columns
            }
            return Err(format!("line {}: `{line}` is no bound in seconds, or with a unit, and a count", number + 1));
        };
        if count.is_nan() || count < 0.0 {
            return Err(format!("line {}: a count is not below zero: `{line}`", number + 1));
        }
        buckets.push((bound, count));
    }
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    Ok(Reading { times: times(&buckets)?, errors: None, stack: None })
}

/// Reads a bound: seconds, or a time with its unit.
fn seconds(text: &str) -> Option<f64> {
    match text.parse::<f64>() {
        Ok(seconds) => (seconds > 0.0).then_some(seconds),
        Err(_) => parse_duration(text).ok().map(|time| time.as_secs_f64()),
    }
}

/// Reads the buckets of one histogram, added up over its other labels.
fn metrics(text: &str, wanted: Option<&str>) -> Result<Reading, String> {
    // the cumulative counts by name, outcome and bound; a float has no order, so its bits stand for it
    let mut all: BTreeMap<String, BTreeMap<String, BTreeMap<u64, f64>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(|c: char| c.is_whitespace()).and_then(|(series, value)| {
            // a time may stand behind the value
            match series.trim_end().rsplit_once('}') {
                Some((series, before)) if !before.trim().is_empty() => Some((series, before.trim())),
                Some((series, _)) => Some((series, value)),
                None => None,
            }
        }) else {
            continue;
        };
        let Some((name, labels)) = series.split_once('{') else { continue };
        let Some(name) = name.strip_suffix("_bucket") else { continue };
        let label = |label: &str| {
            labels.split("\",").find_map(|pair| {
                let (key, value) = pair.split_once("=\"")?;
                (key.trim().trim_start_matches(',') == label).then(|| value.trim_end_matches('"').to_owned())
            })
        };
        let Some(bound) = label("le") else { continue };
        let bound = if bound == "+Inf" {
            f64::INFINITY
        } else {
            bound.parse().map_err(|_| format!("`le=\"{bound}\"` is no bound"))?
        };
        let value: f64 = value.parse().map_err(|_| format!("`{line}` has no number"))?;
        let outcome = label("outcome").unwrap_or_default();
        *all.entry(name.to_owned()).or_default().entry(outcome).or_default().entry(f64::to_bits(bound)).or_default() +=
            value;
    }
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let name = match (wanted, &names[..]) {
        (Some(wanted), _) if all.contains_key(wanted) => wanted,
        (Some(wanted), _) => {
            return Err(format!("there is no histogram `{wanted}` among the metrics: {}", names.join(", ")));
        }
        (None, []) => return Err("there is no histogram among the metrics: no line has `_bucket{le=…}`".to_owned()),
        (None, [name]) => name,
        (None, _) if all.contains_key(OURS) => OURS,
        (None, names) => {
            return Err(format!("there are several histograms: choose one with `--name`: {}", names.join(", ")));
        }
    };
    let by_outcome: BTreeMap<String, Vec<(f64, f64)>> = all[name]
        .iter()
        .map(|(outcome, buckets)| {
            let mut before = 0.0;
            let alone = buckets.iter().map(|(&bound, &count)| {
                let alone = (count - before).max(0.0);
                before = count;
                (f64::from_bits(bound), alone)
            });
            (outcome.clone(), alone.collect())
        })
        .collect();
    of_outcomes(&by_outcome)
}

/// Reads the times of the calls that succeeded, and the share of those that failed.
fn of_outcomes(by_outcome: &BTreeMap<String, Vec<(f64, f64)>>) -> Result<Reading, String> {
    let count =
        |outcome: &str| by_outcome.get(outcome).map_or(0.0, |buckets| buckets.iter().map(|(_, count)| count).sum());
    if !by_outcome.contains_key("success") {
        let mut together: BTreeMap<u64, f64> = BTreeMap::new();
        for (bound, count) in by_outcome.values().flatten() {
            *together.entry(bound.to_bits()).or_default() += count;
        }
        let buckets: Vec<_> = together.into_iter().map(|(bound, count)| (f64::from_bits(bound), count)).collect();
        return Ok(Reading { times: times(&buckets)?, errors: None, stack: None });
    }
    let failed = count("transient") + count("throttled");
    let all = count("success") + count("permanent") + failed;
    let errors = if all > 0.0 { failed / all } else { 0.0 };
    Ok(Reading { times: times(&by_outcome["success"])?, errors: Some(errors), stack: None })
}

/// Returns the times of buckets, of which each has the calls up to its bound and beyond the one before.
fn times(buckets: &[(f64, f64)]) -> Result<Measured, String> {
    let all: f64 = buckets.iter().map(|(_, count)| count).sum();
    if all < 100.0 {
        return Err(format!("{all} calls say little about a tail: at least 100 are needed"));
    }
    let mut points: Vec<(f64, f64)> = Vec::new();
    let (mut below, mut before, mut was_empty) = (0.0, 0.0, true);
    for &(bound, count) in buckets.iter().filter(|(bound, _)| bound.is_finite()) {
        if count > 0.0 {
            // behind an empty bucket, no time is below the bound before
            let edge: f64 = below / all + LITTLE;
            if was_empty && before > 0.0 && points.last().is_none_or(|last| last.0 < edge) {
                points.push((edge, before));
            }
            below += count;
            // the last bucket ends at all calls, of which half a call is beyond
            let share = (below / all).min(1.0 - 0.5 / all);
            if points.last().is_none_or(|last| last.0 < share) {
                points.push((share, bound));
            }
        }
        (before, was_empty) = (bound, count == 0.0);
    }
    if points.last().is_none_or(|last| last.0 < 0.95) {
        return Err("more than 5 % of the calls took longer than the last bound: finer buckets are needed".to_owned());
    }
    if points.len() == 1 {
        // all calls in one bucket: half of its bound stands for the median
        points.insert(0, (0.5_f64.min(points[0].0 / 2.0), points[0].1 / 2.0));
    }
    Measured::through(&points).ok_or_else(|| "the bounds do not rise".to_owned())
}

/// The parts of a snapshot that are read.
#[derive(Debug, Deserialize)]
struct Snapshot {
    functions: Vec<Function>,
}

#[derive(Debug, Deserialize)]
struct Function {
    module: String,
    #[serde(rename = "function")]
    name: String,
    stack: Vec<Layer>,
}

#[derive(Debug, Deserialize)]
struct Layer {
    layer: String,
    policy: Option<Policy>,
}

#[derive(Debug, Deserialize)]
struct Policy {
    kind: String,
    settings: Vec<Setting>,
    durations: Option<Durations>,
}

#[derive(Debug, Deserialize)]
struct Setting {
    key: String,
    value: String,
    /// The value that it was built with, which a limit that adapts has in its place.
    #[serde(default)]
    compiled: String,
}

#[derive(Debug, Deserialize)]
struct Durations {
    bounds: Vec<f64>,
    outcomes: Vec<Outcome>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    outcome: String,
    buckets: Vec<f64>,
}

/// Reads the durations of a function's measure, the innermost of them, and its stack.
fn snapshot(text: &str, wanted: Option<&str>) -> Result<Reading, String> {
    let snapshot: Snapshot = serde_json::from_str(text)
        .map_err(|error| format!("this is not the JSON of `resilient::policies()`: {error}"))?;
    let path = |function: &Function| format!("{}::{}", function.module, function.name);
    let measured = |function: &&Function| {
        function.stack.iter().any(|layer| layer.policy.as_ref().is_some_and(|policy| policy.durations.is_some()))
    };
    let found: Vec<&Function> = match wanted {
        Some(wanted) => {
            snapshot.functions.iter().filter(|function| function.name == wanted || path(function) == wanted).collect()
        }
        None => snapshot.functions.iter().filter(measured).collect(),
    };
    let function = match found[..] {
        [function] => function,
        [] if wanted.is_some() => {
            return Err(format!("there is no function `{}` in the snapshot", wanted.unwrap_or_default()));
        }
        [] => return Err("no function of the snapshot has durations: put `#[measure]` below the retry".to_owned()),
        _ => {
            let names: Vec<String> = found.iter().map(|function| path(function)).collect();
            return Err(format!("there are several functions: choose one with `--name`: {}", names.join(", ")));
        }
    };
    let durations = function.stack.iter().rev().find_map(|layer| layer.policy.as_ref()?.durations.as_ref());
    let durations =
        durations.ok_or_else(|| format!("`{}` has no durations: put `#[measure]` below its retry", path(function)))?;
    let bounds = || durations.bounds.iter().copied().chain([f64::INFINITY]);
    let by_outcome = durations
        .outcomes
        .iter()
        .map(|Outcome { outcome, buckets }| (outcome.clone(), bounds().zip(buckets.iter().copied()).collect()));
    let reading = of_outcomes(&by_outcome.collect())?;
    let stack = function.stack.iter().filter_map(written).collect();
    Ok(Reading { stack: Some(stack), ..reading })
}

/// Returns a layer of a snapshot as it would be written.
fn written(Layer { layer, policy }: &Layer) -> Option<Written> {
    let Some(policy) = policy else {
        return Some(Written { policy: layer.clone(), arguments: Vec::new() });
    };
    if policy.kind == "measure" {
        return None;
    }
    let arguments = policy.settings.iter().filter(|setting| !DERIVED.contains(&setting.key.as_str()));
    let arguments = arguments.map(|Setting { key, value, compiled }| {
        // `vegas 2..=80`
        let algorithm = compiled.split(' ').next().filter(|word| !word.is_empty() && word.parse::<u32>().is_err());
        let adapts = key == "limit" && policy.kind == "bulkhead";
        let value = algorithm.filter(|_| adapts).unwrap_or(value);
        let key = match (policy.kind.as_str(), layer.as_str()) {
            ("timeout", "attempt_timeout") => "attempt",
            ("timeout", "total_timeout") => "total",
            _ => key,
        };
        Argument { key: key.to_owned(), value: Some(Value::Text(value.replace(" %", "%").replace("% and", " % and"))) }
    });
    Some(Written { policy: policy.kind.clone(), arguments: arguments.collect() })
}

/// Settings that are as they are unless somebody writes them, and that no simulation changes.
const DERIVED: [&str; 12] = [
    "cap",
    "factor",
    "max_hint",
    "open_growth",
    "open_jitter",
    "probes",
    "probe_timeout",
    "throttled_base",
    "throttled_cap",
    "window",
    "min_after",
    "mode",
];
/// A share of the calls that is as good as none.
const LITTLE: f64 = 1e-6;
/// The histogram of `#[measure]`.
const OURS: &str = "resilient_duration_seconds";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Stack;

    #[test]
    fn histograms_are_read_with_and_without_units() {
        let text = "upper bound,calls\n10ms,100\n0.02,800\n50ms,80\n1,20\n+Inf,0\n";

        let reading = read("times.csv", text, None).unwrap();

        assert!((reading.times.at(0.1) - 0.01).abs() < 1e-6);
        assert!((reading.times.at(0.9) - 0.02).abs() < 1e-6);
        assert!((reading.times.at(0.98) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn no_time_lies_in_an_empty_bucket() {
        let reading = read("times.csv", "1ms,0\n10ms,900\n20ms,0\n50ms,0\n100ms,100\n", None).unwrap();

        assert!(reading.times.at(0.000_2) > 0.000_99, "{}", reading.times.at(0.000_2));
        assert!(reading.times.at(0.899) < 0.011);
        assert!(reading.times.at(0.901) > 0.049, "{}", reading.times.at(0.901));
    }

    #[test]
    fn bad_histograms_name_the_line() {
        let error = |text: &str| read("times.csv", text, None).unwrap_err();
        assert!(error("10ms,1\nhello\n").starts_with("line 2: "), "{}", error("10ms,1\nhello\n"));
        assert!(error("10ms,1\n20ms,x\n").starts_with("line 2: "));
        assert!(error("10ms,-5\n").contains("not below zero"));
        assert!(error("10ms,5\n").contains("at least 100"));
        assert!(error("10ms,500\n+Inf,500\n").contains("finer buckets"));
    }

    #[test]
    fn metrics_are_added_up_over_their_labels() {
        let text = "# TYPE http_seconds histogram\n\
                    http_seconds_bucket{host=\"a,b\",le=\"0.1\"} 90\nhttp_seconds_bucket{host=\"a,b\",le=\"1\"} 99\n\
                    http_seconds_bucket{host=\"a,b\",le=\"+Inf\"} 100\nhttp_seconds_bucket{host=\"c\",le=\"0.1\"} 100 1700000000\n\
                    http_seconds_bucket{host=\"c\",le=\"1\"} 100 1700000000\nhttp_seconds_bucket{host=\"c\",le=\"+Inf\"} 100 1700000000\n\
                    http_seconds_sum{host=\"c\"} 3.5\n";

        let reading = read("metrics.txt", text, None).unwrap();

        assert!((reading.times.at(0.95) - 0.1).abs() < 1e-6, "{}", reading.times.at(0.95));
        assert_eq!(reading.errors, None);
        assert!(read("metrics.txt", text, Some("other")).unwrap_err().contains("http_seconds"));
        assert!(read("metrics.txt", "up 1\n", None).unwrap_err().contains("no histogram"));
    }

    #[test]
    fn our_own_metrics_know_the_errors() {
        let series = |outcome: &str, counts: [u32; 3]| {
            let line = |(bound, count): (&str, u32)| {
                format!(
                    "resilient_duration_seconds_bucket{{policy=\"f\",outcome=\"{outcome}\",le=\"{bound}\"}} {count}\n"
                )
            };
            ["0.01", "0.1", "+Inf"].into_iter().zip(counts).map(line).collect::<String>()
        };
        let text = series("success", [900, 940, 950]) + &series("transient", [0, 0, 50]) + "other_bucket{le=\"1\"} 5\n";

        let reading = read("metrics", &text, None).unwrap();

        assert_eq!(reading.errors, Some(0.05));
        assert!((reading.times.at(900.0 / 950.0) - 0.01).abs() < 1e-6);
    }

    #[test]
    fn a_snapshot_has_the_present_stack() {
        let text = r#"{"functions": [{"module": "shop", "function": "pay", "file": "a.rs", "line": 3, "worst_case": null, "stack": [
            {"layer": "total_timeout", "policy": {"kind": "timeout", "settings": [{"key": "limit", "value": "1s"}], "durations": null}},
            {"layer": "retry", "policy": {"kind": "retry", "settings": [{"key": "max", "value": "2"}, {"key": "backoff", "value": "exp_jitter"},
                {"key": "base", "value": "50ms"}, {"key": "cap", "value": "10s"}, {"key": "budget", "value": "own, 20 % and 10/s"}], "durations": null}},
            {"layer": "circuit_breaker", "policy": {"kind": "circuit_breaker", "settings": [{"key": "failure_rate", "value": "50 %"}], "durations": null}},
            {"layer": "measure", "policy": {"kind": "measure", "settings": [], "durations": {"bounds": [0.01, 0.1],
                "outcomes": [{"outcome": "success", "buckets": [900, 60, 0], "seconds": 1.0}, {"outcome": "transient", "buckets": [40, 0, 0], "seconds": 0.1}]}}}
        ]}], "others": []}"#;

        let reading = read("snapshot.json", text, Some("pay")).unwrap();
        let (stack, left_out) = Stack::of(&reading.stack.unwrap()).unwrap();

        assert_eq!((reading.errors, left_out.len()), (Some(0.04), 0), "{left_out:?}");
        let retry = stack.retry.unwrap();
        assert_eq!((retry.max, retry.budget), (2, Some((0.2, 10))));
        assert_eq!(stack.circuit_breaker, Some(crate::stack::CircuitBreaker::default()));
        assert!(read("snapshot.json", text, Some("sell")).unwrap_err().contains("no function `sell`"));
        assert!(read("snapshot.json", "{}", None).unwrap_err().contains("functions"));
    }
}
