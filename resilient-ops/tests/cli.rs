//! The program `resilient-ops` and its answers to bad input.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn ops(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resilient-ops"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a program that fails before it reads has closed its side
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn error(arguments: &[&str], input: &str) -> String {
    let output = ops(arguments, input);
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_reads_the_standard_input_and_writes_to_the_standard_output() {
    let output = ops(&["alerts", "--job", "shop"], EMPTY);

    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("absent_over_time(resilient_policies{job=\"shop\"}[5m])"), "{text}");
}

#[test]
fn it_writes_the_rules_and_their_tests_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(path("snapshot.json"), EMPTY).unwrap();

    let output =
        ops(&["alerts", "--from", &path("snapshot.json"), "--out", &path("r.yml"), "--tests", &path("t.yml")], "");

    assert!(output.status.success() && output.stdout.is_empty());
    assert!(Path::new(&path("r.yml")).exists());
    assert!(fs::read_to_string(path("t.yml")).unwrap().contains("r.yml"), "the tests name the rules");
}

#[test]
fn bad_input_gets_a_message() {
    let wrong = error(&["list"], "<html>");
    assert!(
        wrong.starts_with(
            "error: no snapshot of policies comes from the standard input: expected value at line 1 column 1"
        ),
        "{wrong}"
    );
    let other = error(&["list"], "{}");
    assert!(other.contains("missing field `functions`"), "{other}");
    let nowhere = error(&["list", "--from", "no/such.json"], "");
    assert!(nowhere.starts_with("error: cannot read the snapshot from no/such.json: "), "{nowhere}");
    let https = error(&["list", "--from", "https://shop/policies"], "");
    assert!(https.contains("it speaks http alone"), "{https}");
    for (bare, address) in [
        ("127.0.0.1:9000/policies", "http://127.0.0.1:9000/policies"),
        ("shop:9000", "http://shop:9000"),
        ("[::1]:9000/policies", "http://[::1]:9000/policies"),
        ("localhost/policies", "http://localhost/policies"),
        ("HTTP://shop/policies", "http://shop/policies"),
    ] {
        assert_eq!(
            error(&["list", "--from", bare], ""),
            format!(
                "error: cannot read the snapshot from {bare}: there is no such file, and an address begins with http://: write --from {address}\n"
            )
        );
    }
    let prometheus = error(&["report", "--prometheus", "localhost:9090"], EMPTY);
    assert!(prometheus.contains("write --prometheus http://localhost:9090"), "{prometheus}");
    let refused = error(&["list", "--from", "http://127.0.0.1:1/policies"], "");
    assert!(refused.contains("cannot read the snapshot from http://127.0.0.1:1/policies: "), "{refused}");
    let slo = error(&["alerts", "--slo", "100"], EMPTY);
    assert_eq!(slo, "error: the objective is a percentage of at least 50 and below 100, such as 99.9, and not 100\n");
    let interval = error(&["alerts", "--interval=-1"], EMPTY);
    assert_eq!(interval, "error: the time between two scrapes is a number of seconds, and not -1\n");
    let scale = error(&["alerts", "--scale", "2"], EMPTY);
    assert_eq!(scale, "error: the scale of times is above 0 and at most 1, and not 2\n");
    let out = error(&["runbook", "--out", "no/such/folder.md"], EMPTY);
    assert!(out.starts_with("error: cannot write no/such/folder.md: "), "{out}");
}

const EMPTY: &str = r#"{"functions": [], "others": []}"#;
