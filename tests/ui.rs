//! The messages for bad input: each file under `ui` fails to compile with the message beside it.
//!
//! `TRYBUILD=overwrite cargo test --test ui` rewrites the messages; read the difference before accepting it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    let shows_sources = compiler_shows_its_sources();

    // relative, as the messages quote them; a test runs in its package's folder
    for case in files(Path::new("ui")) {
        if shows_sources && quotes_the_compiler(&case) {
            println!("{} is left out: with `rust-src` installed, the compiler says more", case.display());
            continue;
        }
        cases.compile_fail(case);
    }
}

/// Returns whether the compiler can quote the standard library, as it then does in some of its notes.
fn compiler_shows_its_sources() -> bool {
    let printed = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = PathBuf::from(String::from_utf8(printed).unwrap().trim());
    sysroot.join("lib/rustlib/src/rust/library/core").exists()
}

fn quotes_the_compiler(case: &Path) -> bool {
    fs::read_to_string(case.with_extension("stderr")).is_ok_and(|message| message.contains("$RUST"))
}

/// Returns the cases in every folder of `ui`.
fn files(ui: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let themes = entries(ui).into_iter();
    let mut cases: Vec<PathBuf> = themes.flat_map(|theme| entries(&theme)).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    cases.sort();
    assert!(cases.len() > 50, "the cases were not found");
    cases
}
