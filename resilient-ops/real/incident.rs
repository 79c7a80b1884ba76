//! Prometheus scrapes the example `incident` under the rules that were made from its policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::programs::{Process, can_use, free_port, run};

/// The names of alerts by the function of the incident that they are about.
type Firing = BTreeMap<String, BTreeSet<String>>;

/// Runs normal load, a server that becomes five times slower, and one that answers with 503 for ten seconds, side by side.
#[test]
fn the_right_alerts_fire_and_no_other() {
    if !can_use("prometheus") || !can_use("promtool") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let wait_until = |seconds| sleep((start + Duration::from_secs(seconds)).saturating_duration_since(Instant::now()));
    let program = format!("http://127.0.0.1:{}", free_port());
    let mut incident =
        Process::start(Command::new(example()).arg(&program["http://".len()..]), &folder.path().join("incident.log"));
    incident.wait_for(&format!("{program}/policies"));
    let ops = |command: &str, more: &[&str]| {
        let from = format!("--from={program}/policies");
        let mut arguments = vec![command, &from, "--job=incident", "--interval=0.5", "--scale=0.05", "--slo=99.9"];
        arguments.extend(more);
        run(env!("CARGO_BIN_EXE_resilient-ops"), arguments, folder.path())
    };
    ops("alerts", &["--out=rules.yml"]);
    let (prometheus, _process) = prometheus(folder.path(), &program);

    wait_until(BEFORE - 1);
    assert_eq!(firing(&prometheus, "1m"), Firing::new(), "nothing is wrong yet");
    wait_until(BEFORE + LASTING + 20);
    let fired = firing(&prometheus, "1m");
    let still = firing(&prometheus, "1s");

    let of = |firing: &Firing, function: &str| firing.get(function).cloned().unwrap_or_default();
    assert_eq!(of(&fired, "calm"), BTreeSet::new(), "{fired:?}");
    let expected = |names: &[&str]| names.iter().map(|name| format!("Resilient{name}")).collect::<BTreeSet<String>>();
    assert_eq!(of(&fired, "outage"), expected(&OUTAGE), "{fired:?}");
    let brown_out = of(&fired, "brown_out");
    assert!(brown_out.is_superset(&expected(&BROWN_OUT)), "{fired:?}");
    assert!(brown_out.is_subset(&expected(&[&BROWN_OUT[..], &NEAR_IT].concat())), "{fired:?}");
    assert_eq!(fired.keys().collect::<Vec<_>>(), ["brown_out", "outage"], "no alert is about anything else");
    // all but the budget, which takes longer than this test to forget
    for (function, names) in &still {
        assert!(names.is_empty() || *names == expected(&["ErrorBudgetBurn"]), "{function}: {names:?}");
    }

    let queries = ops("dashboard", &["--queries"]);
    let mut empty = Vec::new();
    for line in queries.lines() {
        let (title, query) = line.split_once('\t').unwrap();
        if !has_data(&prometheus, query) {
            empty.push(format!("{title}: {query}"));
        }
    }
    assert!(empty.is_empty(), "{empty:#?}");
    assert!(queries.lines().count() >= 25, "{queries}");

    ops("report", &[&format!("--prometheus={prometheus}"), "--minutes=1", "--out=report.html"]);
    let report = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(report.contains("<th scope=\"row\">BreakerOpened</th><td>incident::calls::outage"), "{report}");
    assert!(report.matches("<figure>").count() >= 15 && !report.contains("no values in this time"), "{report}");
    if let Some(kept) = std::env::var_os("RESILIENT_REPORT") {
        fs::copy(folder.path().join("report.html"), kept).unwrap();
    }
}

/// The example, which `real/run.sh` builds.
fn example() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_resilient-ops")).with_file_name("examples").join("incident");
    assert!(program.exists(), "build it first: cargo build --workspace --example incident");
    program
}

/// Starts a private Prometheus with the rules, and returns its address.
fn prometheus(folder: &Path, program: &str) -> (String, Process) {
    let target = &program["http://".len()..];
    let config = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}\n\
         rule_files: [rules.yml]\n\
         scrape_configs: [{{job_name: incident, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    fs::write(folder.join("prometheus.yml"), config).unwrap();
    run("promtool", ["check", "config", "prometheus.yml"], folder);
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new("prometheus");
    command.current_dir(folder).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address={address}"));
    let mut process = Process::start(&mut command, &folder.join("prometheus.log"));
    let url = format!("http://{address}");
    process.wait_for(&format!("{url}/-/ready"));
    (url, process)
}

/// The alerts that fired at any time in the last while.
fn firing(prometheus: &str, window: &str) -> Firing {
    let query = format!("max by (alertname, function) (max_over_time(ALERTS{{alertstate=\"firing\"}}[{window}]))");
    let answer = ask(prometheus, "query", &[("query", &query)]);
    let mut firing = Firing::new();
    for series in answer {
        let label = |name: &str| series["metric"][name].as_str().unwrap_or_default().to_owned();
        let function = label("function").rsplit("::").next().unwrap_or_default().to_owned();
        firing.entry(function).or_default().insert(label("alertname"));
    }
    firing
}

/// Returns whether the query had a value at any time of the run.
fn has_data(prometheus: &str, query: &str) -> bool {
    let query = query.replace("$__rate_interval", "5s").replace("$job", "incident").replace("$function", ".*");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (from, until) = ((now - 60).to_string(), now.to_string());
    let series = ask(prometheus, "query_range", &[("query", &query), ("start", &from), ("end", &until), ("step", "1")]);
    let values = series.iter().flat_map(|series| series["values"].as_array().unwrap());
    values.filter_map(|value| value[1].as_str()).any(|value| value.parse::<f64>().is_ok_and(f64::is_finite))
}

/// Asks Prometheus, and returns the series of its answer.
fn ask(prometheus: &str, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
    let asked = ureq::get(format!("{prometheus}/api/v1/{path}")).query_pairs(query.iter().copied()).call();
    let text = asked.unwrap_or_else(|error| panic!("{query:?}: {error}")).body_mut().read_to_string().unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query:?}: {text}")).clone()
}

const OUTAGE: [&str; 3] = ["BreakerKeepsRefusing", "BreakerOpened", "ErrorBudgetBurn"];
/// Too many calls for a slow server: they wait, are refused, and are tried again. The breaker has no part in it.
const BROWN_OUT: [&str; 4] = ["ErrorBudgetBurn", "RefusesCalls", "RetriesAmplify", "WaitsLong"];
/// Ten seconds are short for an average over fifteen: these may come to their thresholds.
const NEAR_IT: [&str; 4] = ["BulkheadSaturated", "CallsSlow", "QueueFull", "RetryBudgetExhausted"];
/// The seconds before the faults, and those that they last, as the example has them.
const BEFORE: u64 = 20;
const LASTING: u64 = 10;
