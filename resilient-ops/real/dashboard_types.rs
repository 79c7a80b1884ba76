//! The dashboard has the types that Grafana publishes for one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use resilient_ops::{Options, dashboard};

use crate::programs::can_use;
use crate::shop;

/// Compiles the dashboard as a value of Grafana's types, and some that are wrong in one place, which the compiler has to refuse.
#[test]
fn the_dashboard_has_grafanas_types() {
    // the folder into which `real/run.sh` has put the compiler and the types
    let Some(folder) = std::env::var_os("RESILIENT_GRAFANA_TYPES").map(PathBuf::from) else {
        assert!(!can_use("the types of Grafana"), "it is no program");
        return;
    };
    let options = Options { job: Some("shop".to_owned()), ..Options::default() };
    let right = serde_json::to_string_pretty(&dashboard::json(&shop::snapshot(), &options)).unwrap();

    assert_eq!(compile(&folder, &right), "");

    for (part, wrong) in [
        (r#""schemaVersion": "#, r#""schemaVersion": "39", "x": "#),
        (r#""expr": "#, r#""query": "#),
        (r#""mode": "multi""#, r#""mode": "many""#),
        (r#""calcs": ["#, r#""calculations": ["#),
        (r#""showPoints": "never""#, r#""showPoints": "seldom""#),
        (r#""refresh": 2"#, r#""refresh": 7"#),
    ] {
        assert!(right.contains(part), "{part}");
        let errors = compile(&folder, &right.replacen(part, wrong, 1));
        assert!(errors.contains("error TS"), "{wrong} is taken: {errors}");
    }
}

/// Returns the errors of the compiler.
fn compile(folder: &Path, dashboard: &str) -> String {
    let own = tempfile::tempdir_in(folder).unwrap();
    let types = include_str!("types.ts");
    fs::write(own.path().join("check.ts"), format!("{types}\nexport const made = {dashboard} satisfies Dashboard;\n"))
        .unwrap();
    let mut compiler = Command::new(folder.join("node_modules/.bin/tsc"));
    let compiler = compiler.args([
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "check.ts",
    ]);
    let output = compiler.current_dir(own.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), text.is_empty(), "{text}");
    text
}
