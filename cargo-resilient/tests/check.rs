//! `cargo resilient check` on a tree of files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write(
        "src/policies.rs",
        "resilient::profile! { pub(crate) outgoing = timeout(total = \"2s\"), retry(max = 2), timeout(attempt = \"400ms\") }\n",
    );
    write(
        "src/prices.rs",
        "use resilient::{resilient, retry};\n\n#[resilient(profile = crate::policies::outgoing)]\npub async fn price(id: u64) -> R {\n    ask(id).await\n}\n\n\
         async fn ask(id: u64) -> R {\n    reqwest::get(url(id)).await\n}\n\n#[retry(max = 1)]\npub async fn basket() -> R {\n    price(1).await\n}\n",
    );
    write(
        "src/tool.rs",
        "// resilient: allow(outgoing-without-stack): runs by hand\nasync fn ping() {\n    reqwest::get(URL).await;\n}\n",
    );
    write("tests/it.rs", "async fn ping() { reqwest::get(URL).await; }\n");
    write("target/made.rs", "async fn ping() { reqwest::get(URL).await; }\n");
    write("src/broken.rs", "fn (\n");
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resilient"));
    command.args(["resilient", "check"]).arg(folder).args(arguments).output().unwrap()
}

fn text(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn stacks_and_findings_are_listed() {
    let folder = tree();

    let output = check(folder.path(), &[]);

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(output),
        "src/prices.rs:4: price: timeout > retry > timeout, 3 attempts at the most; worst case 3 × 400ms + 500ms of waits = 1.7s\n\
         src/prices.rs:13: basket: retry, 2 attempts at the most; worst case no limit: no time-out\n\n\
         src/prices.rs:13: warning: `basket`: retries within retries, basket → price: 2 × 3 = 6 attempts; retry in one place, or write `nested = \"suppress\"` on the outer one [nested-retries]\n\
         src/prices.rs:13: warning: `basket`: an attempt that hangs leaves no time for another: add `#[timeout(attempt = \"…\")]` below the retry [no-attempt-limit]\n\
         src/prices.rs:13: warning: `basket`: no time-out limits the call with all its retries: add `#[timeout(total = \"…\")]` above the retry [no-time-limit]\n\
         src/broken.rs: not read: line 1: cannot parse string into token stream\n\
         4 files, 4 functions, 2 with a stack; outgoing calls: reqwest 2, 1 of them without a stack; 3 warnings, 0 notes, 1 silenced\n"
    );
}

#[test]
fn the_level_decides_the_exit_code() {
    let folder = tree();

    assert_eq!(check(folder.path(), &["--deny", "none"]).status.code(), Some(0));
    assert_eq!(check(&folder.path().join("src/tool.rs"), &["--deny", "note"]).status.code(), Some(0));
    let nowhere = check(&folder.path().join("no"), &[]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8(nowhere.stderr).unwrap().starts_with("error: cannot read "));
    fs::create_dir(folder.path().join("empty")).unwrap();
    let empty = check(&folder.path().join("empty"), &[]);
    assert!(String::from_utf8(empty.stderr).unwrap().contains("there is no file of Rust"));
}

#[test]
fn programs_can_read_it() {
    let folder = tree();

    let json: serde_json::Value = serde_json::from_str(&text(check(folder.path(), &["--format", "json"]))).unwrap();
    assert_eq!((&json["stacks"][0]["worst_case"], &json["stacks"][0]["attempts"]), (&1.7.into(), &3.into()));
    assert_eq!(json["findings"][0]["rule"], "nested-retries");

    let sarif: serde_json::Value = serde_json::from_str(&text(check(folder.path(), &["--format", "sarif"]))).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"src/prices.rs".into(), &13.into())
    );
    let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
}
