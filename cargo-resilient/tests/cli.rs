//! The program and its answers, to good input and to bad.

use std::fs;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-resilient")).args(arguments).output().unwrap()
}

fn plan(arguments: &[&str]) -> Output {
    run(&[&["resilient", "plan"], arguments].concat())
}

fn text(arguments: &[&str]) -> String {
    let output = plan(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn error(arguments: &[&str]) -> String {
    let output = plan(arguments);
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// A small service, so that its trials are short.
const SMALL: [&str; 16] = [
    "--p50",
    "15ms",
    "--p95",
    "34ms",
    "--p99",
    "146ms",
    "--errors",
    "1%",
    "--rate",
    "20/s",
    "--capacity",
    "60/s",
    "--slo",
    "1s",
    "--seeds",
    "1",
];

#[test]
fn the_profile_is_the_one_that_is_compiled() {
    let planned = text(&[&SMALL[..], &["--instances", "8", "--profile", "search", "--idempotent"]].concat());

    let (profile, trials) = planned.split_once("\nSimulated with").unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/planned/policies.rs");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(file, profile).unwrap();
    }
    assert_eq!(profile, fs::read_to_string(file).unwrap());
    for title in [
        "Nothing is wrong",
        "Ten times the calls",
        "five times slower",
        "fails at once",
        "does not answer",
        "half of the calls",
    ] {
        assert!(trials.contains(title), "{title}");
    }
    assert_eq!(trials.matches("| **plan**").count(), 6, "{trials}");
}

#[test]
fn the_same_input_gives_the_same_output_and_another_seed_another() {
    let first = text(&SMALL);

    assert_eq!(first, text(&SMALL));
    assert_ne!(first, text(&[&SMALL[..], &["--seed", "9"]].concat()));
}

#[test]
fn the_present_stack_is_tried_beside_the_plan() {
    let planned = text(&[&SMALL[..], &["--now", "timeout(\"3s\"), retry(max = 5, name = \"x\")"]].concat());

    assert_eq!(planned.matches("| present ").count(), 6, "{planned}");
    assert!(planned.contains("Of the present stack, `name` of `retry` are not simulated."), "{planned}");
}

#[test]
fn a_quota_becomes_a_rate_limit_with_its_reason() {
    let planned = text(&[&SMALL[..], &["--quota", "30/s", "--instances", "2"]].concat());

    let lines: Vec<&str> = planned.lines().map(str::trim).collect();
    let limit =
        lines.iter().position(|line| *line == "rate_limit(\"15/s\", burst = 2, max_wait = \"100ms\"),").unwrap();
    assert!(lines[..limit].iter().any(|line| line.starts_with("// the quota: 20/s of 30/s are used")), "{planned}");
    assert!(planned.contains("67 % of the quota"), "{planned}");
}

#[test]
fn times_come_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("times.csv");
    fs::write(&file, "20ms,900\n50ms,80\n200ms,20\n").unwrap();
    let file = file.to_string_lossy();

    let planned =
        text(&["--from", &file, "--rate", "20/s", "--capacity", "60/s", "--slo", "1s", "--json", "--seeds", "2"]);

    let json: serde_json::Value = serde_json::from_str(&planned).unwrap();
    assert_eq!(json["seeds"], serde_json::json!([1, 2]));
    assert_eq!(json["advice"]["stack"]["total"]["secs"], 1);
    assert!(json["profile"].as_str().unwrap().contains("timeout(total = \"1s\")"));
    assert_eq!(json["trials"].as_array().unwrap().len(), 4 * 6, "{planned}");
}

#[test]
fn the_page_has_three_plots_and_all_tables() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.html");

    text(&[&SMALL[..], &["--html", &file.to_string_lossy()]].concat());

    let page = fs::read_to_string(file).unwrap();
    assert_eq!((page.matches("<figure>").count(), page.matches("<table>").count()), (3, 6));
    assert!(page.contains("retry(max = 2") && page.contains("plan: back after"), "{page}");
}

#[test]
fn wishes_that_cannot_be_fulfilled_name_their_bound() {
    let with = |name: &str, value: &'static str| {
        let mut arguments = SMALL;
        let place = arguments.iter().position(|argument| *argument == name).unwrap();
        arguments[place + 1] = value;
        error(&arguments)
    };
    let full = with("--rate", "120/s");
    assert!(full.starts_with("error: 120/s are 200 % of the capacity of 60/s: at most 50.0 %"), "{full}");
    let over = error(&[&SMALL[..], &["--quota", "900/min"]].concat());
    assert!(over.starts_with("error: 20/s are 133 % of the quota of 15/s: at most 75.0 %"), "{over}");
    let slow = with("--slo", "5ms");
    assert!(slow.contains("half of the attempts take 15ms or longer"), "{slow}");
}

#[test]
fn bad_input_gets_a_message() {
    let with = |more: &[&str]| error(&[&SMALL[..], more].concat());
    assert!(
        with(&["--now", "retry(max = 0)"]).contains("zero retries is no retry"),
        "{}",
        with(&["--now", "retry(max = 0)"])
    );
    assert!(
        with(&["--now", "retry("]).starts_with("error: --now: a stack is written as"),
        "{}",
        with(&["--now", "retry("])
    );
    assert!(with(&["--profile", "a b"]).contains("such as `fetch`"));
    assert!(with(&["--instances", "0"]).contains("0 is not in 1..=100000"));
    assert!(with(&["--from", "x.csv"]).contains("cannot be used with"));
    let falling = error(&[
        "--p50",
        "30ms",
        "--p95",
        "20ms",
        "--p99",
        "40ms",
        "--rate",
        "1/s",
        "--capacity",
        "9/s",
        "--slo",
        "1s",
    ]);
    assert_eq!(falling, "error: the times rise from p50 to p95, p99 and p999, and are above zero\n");
    let nowhere = error(&["--from", "no/such.csv", "--rate", "1/s", "--capacity", "9/s", "--slo", "1s"]);
    assert!(nowhere.starts_with("error: cannot read no/such.csv: "), "{nowhere}");
    let rate = error(&["--rate", "1", "--capacity", "9/s"]);
    assert!(rate.contains("a rate needs its period"), "{rate}");
}

#[test]
fn the_command_in_the_profile_can_be_given_to_a_shell() {
    let planned = text(&[&SMALL[..], &["--now", "retry(max = 1)", "--json", "--seed", "4"]].concat());

    let json: serde_json::Value = serde_json::from_str(&planned).unwrap();
    let command = json["command"].as_str().unwrap();
    assert!(
        command.starts_with("cargo resilient plan --p50 15ms") && command.ends_with("--now 'retry(max = 1)' --seed 4"),
        "{command}"
    );
}

#[test]
fn stacks_are_compared_as_they_are_written() {
    let stacks = ["simulate", "", "timeout(total = \"1s\"), retry(max = 1, on_retry = log)"];

    let output = run(&[&["resilient"], &stacks[..], &SMALL[..]].concat());

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("Not simulated: `on_retry` of `retry` in stack 2.\n\nNothing is wrong\n"), "{text}");
    assert_eq!((text.matches("| stack 1").count(), text.matches("| stack 2").count()), (6, 6), "{text}");
    let wrong = run(&[&["resilient", "simulate", "retry(max = 0)"], &SMALL[..]].concat());
    assert!(String::from_utf8(wrong.stderr).unwrap().starts_with("error: stack 1: zero retries"));
}
