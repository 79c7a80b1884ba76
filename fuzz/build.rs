//! Writes the modules of `resilient-macros` into a fuzz target, because a macro crate exports only its macros.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let source = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../resilient-macros/src");
    println!("cargo::rerun-if-changed={}", source.display());

    let root = PathBuf::from(env::var("OUT_DIR").unwrap()).join("macros.rs");
    fs::write(root, modules(&source.join("lib.rs"), &source)).unwrap();
}

/// Returns the modules that the file declares, without its tests. One with a folder is written out, so that its own are found.
fn modules(file: &Path, folder: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let (mut modules, mut is_a_test) = (String::new(), false);
    for line in text.lines() {
        if let Some(name) = declared(line).filter(|_| !is_a_test) {
            let (file, inner) = (folder.join(format!("{name}.rs")), folder.join(name));
            if inner.is_dir() {
                let own: String = fs::read_to_string(&file).unwrap().lines().filter(|line| is_its_own(line)).fold(
                    String::new(),
                    |own, line| own + line + "\n",
                );
                write!(modules, "pub(crate) mod {name} {{\n{}{own}}}\n", self::modules(&file, &inner)).unwrap();
            } else {
                writeln!(modules, "#[path = {file:?}]\npub(crate) mod {name};").unwrap();
            }
        }
        is_a_test = line == "#[cfg(test)]";
    }
    modules
}

/// Returns the module that the line declares, if it declares one.
fn declared(line: &str) -> Option<&str> {
    line.strip_prefix("pub(crate) ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
}

fn is_its_own(line: &str) -> bool {
    !line.starts_with("//!") && declared(line).is_none()
}
