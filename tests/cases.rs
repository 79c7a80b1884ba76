//! Cases that do not compile, each with the compiler's message beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Checks that each of the cases fails with the message beside it.
pub(crate) fn fail_as_reviewed(files: Vec<PathBuf>) {
    let cases = trybuild::TestCases::new();
    let shows_sources = compiler_shows_its_sources();
    for case in files {
        if shows_sources && quotes_the_compiler(&case) {
            println!("{} is left out: with `rust-src` installed, the compiler says more", case.display());
            continue;
        }
        cases.compile_fail(case);
    }
}

/// Returns the cases in a folder, in order.
pub(crate) fn of(folder: &Path) -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    cases.sort();
    cases
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
