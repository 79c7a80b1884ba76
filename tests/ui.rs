//! The messages for bad input: each file under `ui` fails to compile with the message beside it.
//!
//! `TRYBUILD=overwrite cargo test --test ui` rewrites the messages; read the difference before accepting it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod cases;

#[test]
fn mistakes_are_explained() {
    // relative, as the messages quote them; a test runs in its package's folder
    let themes = fs::read_dir("ui").unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = themes.flat_map(|theme| cases::of(&theme)).collect();
    files.sort();
    assert!(files.len() > 50, "the cases were not found");

    cases::fail_as_reviewed(files);
}

/// An incremental compiler, as people have it, tells apart places that are one to the compiler of the cases above, and so may say twice
/// what it says once there.
#[test]
fn an_error_without_classes_is_reported_once() {
    let package = tempfile::tempdir().unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let runtime = tests.join("../resilient-runtime").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"once\"\nedition = \"2024\"\n\n[dependencies]\nresilient = {{ package = \"resilient-runtime\", path = {runtime:?} }}\n\n[workspace]\n"
    );
    fs::write(package.path().join("Cargo.toml"), manifest).unwrap();
    fs::copy(tests.join("../Cargo.lock"), package.path().join("Cargo.lock")).unwrap();
    fs::create_dir(package.path().join("src")).unwrap();
    fs::write(package.path().join("src/lib.rs"), UNCLASSIFIED).unwrap();

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("once");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--offline", "--quiet"]).current_dir(package.path());
    cargo.env("CARGO_INCREMENTAL", "1").env("CARGO_TARGET_DIR", target).env_remove("RUSTFLAGS");
    let said = String::from_utf8(cargo.output().unwrap().stderr).unwrap();

    let errors = said
        .lines()
        .filter(|line| line.ends_with("`Unclassified` does not say which errors are worth another attempt"));
    assert_eq!(errors.count(), UNCLASSIFIED.matches("async fn").count(), "{said}");
}

const UNCLASSIFIED: &str = r#"
use resilient::{bulkhead, circuit_breaker, fallback, hedge, retry, throttle, timeout};

pub struct Unclassified(resilient::Error);

impl From<resilient::Error> for Unclassified {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

#[timeout(total = "2s", attempt = "400ms")]
#[retry]
#[circuit_breaker]
pub async fn usual() -> Result<u32, Unclassified> {
    Ok(1)
}

#[circuit_breaker]
#[bulkhead(limit = "aimd")]
pub async fn adaptive() -> Result<u32, Unclassified> {
    Ok(1)
}

#[retry(on_retry = |_, _: &Unclassified| {})]
#[throttle]
pub async fn told() -> Result<u32, Unclassified> {
    Ok(1)
}

#[fallback(value = 3)]
#[retry]
pub async fn answered() -> Result<u32, Unclassified> {
    Ok(1)
}

#[hedge(idempotent)]
#[circuit_breaker]
pub async fn hedged() -> Result<u32, Unclassified> {
    Ok(1)
}
"#;
