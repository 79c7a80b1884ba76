//! `cargo resilient diff` on files, folders and revisions.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const OLD: &str = "use resilient::*;

#[timeout(total = \"2s\")]
#[retry(base = \"100ms\")]
#[circuit_breaker]
#[timeout(attempt = \"400ms\")]
async fn price(id: u64) -> R { ask(id).await }

#[retry(max = 3)]
#[circuit_breaker(failure_rate = \"50%\")]
async fn same() -> R { ask().await }

#[timeout(\"1s\")]
async fn gone() -> R { ask().await }

async fn bare() -> R { ask().await }
";

const NEW: &str = "use resilient::*;

#[timeout(total = \"1s\")]
#[circuit_breaker(window = 100)]
#[retry(max = 2, base = \"0.1s\", clone(id))]
#[bulkhead(limit = 20)]
#[timeout(attempt = \"400ms\")]
async fn price(id: u64) -> R { ask(id).await }

#[retry]
#[circuit_breaker(failure_rate = 0.5)]
async fn same() -> R { ask().await }

#[resilient(timeout(\"1s\"))]
async fn bare() -> R { ask().await }
";

const TEXT: &str = "\
src/lib.rs:8: `price` has another stack
  before  timeout (total) > retry > circuit_breaker > timeout (attempt), 4 attempts at the most; worst case 2s, in place of 4 × 400ms + 1s of waits = 2.6s
  after   timeout (total) > circuit_breaker > retry > bulkhead > timeout (attempt), 3 attempts at the most; worst case 1s
  added   bulkhead, number 4: limit = 20
  moved   circuit_breaker, from number 3 to 2
  set     timeout (total): total: \"2s\" → \"1s\"
  set     circuit_breaker: window: \"10s\" (by default) → 100
  set     retry: max: 3 (by default) → 2
  set     retry: clone: none → clone(id)

src/lib.rs:15: `bare` has a stack now
  after   timeout; worst case 1s

src/lib.rs:14: `gone` has no stack any more
  before  timeout; worst case 1s
";

#[test]
fn policies_settings_and_worst_cases_are_compared() {
    let folder = trees();

    let output = diff(folder.path(), &["old", "new"]);

    assert_eq!(text(&output), TEXT);
    assert_eq!(output.status.code(), Some(1));
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/planner.md")).unwrap();
    assert!(page.contains(TEXT), "docs/planner.md lacks\n{TEXT}");
    // the same files by their names
    let files = diff(folder.path(), &["old/src/lib.rs", "new/src/lib.rs"]);
    assert_eq!(text(&files).matches("has ").count(), 3);
}

#[test]
fn nothing_differs_between_a_tree_and_itself() {
    let folder = trees();

    let output = diff(folder.path(), &["new", "new"]);

    assert_eq!((text(&output), output.status.code()), (String::new(), Some(0)));
    assert_eq!(diff(folder.path(), &["old", "new", "same"]).status.code(), Some(0));
}

#[test]
fn one_function_can_be_asked_for() {
    let folder = trees();

    let output = diff(folder.path(), &["old", "new", "gone"]);

    assert_eq!(text(&output), "src/lib.rs:14: `gone` has no stack any more\n  before  timeout; worst case 1s\n");
}

#[test]
fn programs_can_read_it() {
    let folder = trees();

    let output = diff(folder.path(), &["old", "new", "--format", "json"]);

    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_str(&text(&output)).unwrap();
    let price = &json["functions"][0];
    assert_eq!((&price["function"], &price["change"]), (&"price".into(), &"changed".into()));
    assert_eq!((&price["old"]["attempts"], &price["new"]["attempts"]), (&4.into(), &3.into()));
    assert_eq!((&price["old"]["worst_case"], &price["new"]["worst_case"]), (&2.0.into(), &1.0.into()));
    assert_eq!(price["added"][0]["settings"], serde_json::json!(["limit = 20"]));
    assert_eq!(price["moved"], serde_json::json!([{ "policy": "circuit_breaker", "from": 3, "to": 2 }]));
    assert_eq!(
        price["settings"][2],
        serde_json::json!({
            "policy": "retry",
            "key": "max",
            "old": { "value": "3", "written": false },
            "new": { "value": "2", "written": true },
        })
    );
    assert_eq!(json["functions"][2]["new"], serde_json::Value::Null);
}

#[test]
fn revisions_are_compared_with_each_other_and_with_the_present() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(folder.path()).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
        let output = git.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let library = folder.path().join("part/src/lib.rs");
    fs::create_dir_all(library.parent().unwrap()).unwrap();
    fs::create_dir(folder.path().join("part/tests")).unwrap();
    git(&["init", "-q"]);
    for text in [OLD, NEW] {
        fs::write(&library, text).unwrap();
        fs::write(folder.path().join("part/tests/it.rs"), text).unwrap();
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "a state"]);
    }
    let part = folder.path().join("part");

    let revisions = diff(&part, &["HEAD~1", "HEAD"]);
    assert_eq!(text(&revisions), TEXT);
    assert_eq!(text(&diff(&part, &["HEAD~1", "."])), TEXT);
    assert_eq!(text(&diff(folder.path(), &["HEAD~1", "part"])), TEXT);
    let file = text(&diff(folder.path(), &["HEAD~1", "part/src/lib.rs"]));
    assert_eq!(file.replace("part/src/lib.rs:", "src/lib.rs:").replace("\nlib.rs:14", "\nsrc/lib.rs:14"), TEXT);
    assert_eq!(diff(&part, &["HEAD", "."]).status.code(), Some(0));
    // a folder of the revision
    assert_eq!(text(&diff(folder.path(), &["HEAD~1:part", "part"])), TEXT);
    let file = text(&diff(folder.path(), &["HEAD~1:part/src/lib.rs", "HEAD:part/src/lib.rs"]));
    assert_eq!(file.replace("part/src/lib.rs:", "src/lib.rs:"), TEXT);

    let unknown = diff(&part, &["HEAD~9", "."]);
    assert_eq!(complaint(&unknown), "error: `HEAD~9` is neither a file or folder nor a revision of git\n");
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_function_that_went_to_another_file_is_the_same() {
    let folder = trees();
    fs::rename(folder.path().join("new/src/lib.rs"), folder.path().join("new/src/prices.rs")).unwrap();

    let output = diff(folder.path(), &["old", "new", "price"]);

    assert_eq!(text(&output).lines().next(), Some("src/prices.rs:8: `price` has another stack"));
}

#[test]
fn profiles_are_followed() {
    let folder = trees();
    let profile = |max: u32| {
        format!("resilient::profile! {{ pub(crate) outgoing = timeout(total = \"2s\"), retry(max = {max}) }}\n")
    };
    for (tree, max) in [("old", 2), ("new", 4)] {
        let user =
            "use resilient::resilient;\n#[resilient(profile = crate::outgoing)]\nasync fn f() -> R { ask().await }\n";
        fs::write(folder.path().join(tree).join("src/lib.rs"), profile(max) + user).unwrap();
    }

    let output = diff(folder.path(), &["old", "new"]);

    assert!(text(&output).ends_with("  set     retry: max: 2 → 4\n"), "{}", text(&output));
    fs::write(folder.path().join("new/src/lib.rs"), "#[resilient::resilient(profile = lost)]\nasync fn f() {}\n")
        .unwrap();
    let lost = diff(folder.path(), &["old", "new"]);
    assert!(
        text(&lost)
            .contains("  after   nothing that is known, without the profile `lost`, which is not here; worst case"),
        "{}",
        text(&lost)
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = trees();

    let missing = diff(folder.path(), &["old", "new", "prize"]);
    assert_eq!(complaint(&missing), "error: neither `old` nor `new` has a function `prize`\n");
    assert_eq!(missing.status.code(), Some(2));
    fs::write(folder.path().join("new/src/broken.rs"), "fn (\n").unwrap();
    let broken = diff(folder.path(), &["new", "new"]);
    assert_eq!(complaint(&broken), "warning: src/broken.rs: not read: line 1: cannot parse string into token stream\n");
    assert_eq!((text(&broken), broken.status.code()), (String::new(), Some(2)));
}

fn trees() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (tree, text) in [("old", OLD), ("new", NEW)] {
        fs::create_dir_all(folder.path().join(tree).join("src")).unwrap();
        fs::write(folder.path().join(tree).join("src/lib.rs"), text).unwrap();
    }
    folder
}

fn diff(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resilient"));
    command.current_dir(folder).args(["resilient", "diff"]).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
