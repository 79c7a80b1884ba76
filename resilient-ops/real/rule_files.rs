//! `promtool` reads the rules, and runs the cases of each alert.

use std::fs;
use std::time::Duration;

use resilient_ops::{Options, Snapshot, promtool, rules};

use crate::programs::{can_use, run};
use crate::shop;

/// Checks the rules, and each alert at a value beyond its threshold and at one below it, over a restart and a deploy.
#[test]
fn each_alert_fires_beyond_its_threshold_and_not_below() {
    if !can_use("promtool") {
        return;
    }
    let seldom = Options {
        slo: 95.0,
        job: Some("the \"shop\"".to_owned()),
        interval: Duration::from_secs(60),
        runbook: Some("http://runbook/".to_owned()),
        ..Options::default()
    };
    for options in [Options::default(), seldom] {
        let snapshot = shop::snapshot();
        let checked = check(&snapshot, &options);
        assert!(checked.contains("SUCCESS"), "{checked}");

        let parts = parts(&snapshot);
        let cases: usize = std::thread::scope(|scope| {
            // two at a time, as most machines have two cores
            let (one, other) = parts.split_at(parts.len() / 2);
            let options = &options;
            let run = |parts: &[Snapshot]| parts.iter().map(|part| test(part, options)).sum::<usize>();
            let first = scope.spawn(move || run(one));
            run(other) + first.join().unwrap()
        });

        let alerts = resilient_ops::alerts::of(&snapshot, &options).len();
        assert!(cases >= 2 * alerts, "{cases} cases of {alerts} alerts");
    }
}

fn check(snapshot: &Snapshot, options: &Options) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), rules::file(snapshot, options).unwrap()).unwrap();
    run("promtool", ["check", "rules", "rules.yml"], folder.path())
}

/// Runs the cases, and returns their number.
fn test(snapshot: &Snapshot, options: &Options) -> usize {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), rules::file(snapshot, options).unwrap()).unwrap();
    let cases = promtool::file(snapshot, options, "rules.yml").unwrap();
    fs::write(folder.path().join("tests.yml"), &cases).unwrap();

    let tested = run("promtool", ["test", "rules", "tests.yml"], folder.path());

    assert!(tested.contains("SUCCESS"), "{tested}");
    cases.matches("- name:").count()
}

/// Each function and each policy by hand alone: promtool evaluates all rules of a file for each case, which would take minutes.
fn parts(snapshot: &Snapshot) -> Vec<Snapshot> {
    let with = |functions: Vec<_>, others: Vec<_>| {
        let mut part = snapshot.clone();
        (part.functions, part.others) = (functions, others);
        part
    };
    let functions = snapshot.functions.iter().map(|function| with(vec![function.clone()], Vec::new()));
    let others = snapshot.others.iter().map(|policy| with(Vec::new(), vec![policy.clone()]));
    functions.chain(others).collect()
}
