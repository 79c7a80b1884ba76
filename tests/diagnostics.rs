//! `docs/diagnostics.md`, the messages of `ui` on one sheet: the source of each test, and the compiler's message about it.
//!
//! `UPDATE_EXPECT=1 cargo test -p resilient-tests --test diagnostics` writes it anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_sheet_has_every_message() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics.md");
    let sheet = sheet(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ui"));

    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&page, &sheet).unwrap();
    }
    let written = fs::read_to_string(&page).unwrap_or_default();
    let differing = sheet.lines().zip(written.lines().chain([""])).find(|(now, then)| now != then);
    assert!(
        written == sheet,
        "docs/diagnostics.md is not of today, from {differing:?} on: write it with \
         `UPDATE_EXPECT=1 cargo test -p resilient-tests --test diagnostics`"
    );
}

/// Returns the whole page.
fn sheet(ui: &Path) -> String {
    let mut sheet = PREFACE.to_owned();
    for theme in entries(ui) {
        writeln!(sheet, "\n## {}", name(&theme)).unwrap();
        for case in entries(&theme).into_iter().filter(|path| path.extension().is_some_and(|end| end == "stderr")) {
            let source = fs::read_to_string(case.with_extension("rs")).unwrap();
            let printed = fs::read_to_string(&case).unwrap();
            let source: Vec<&str> = source.lines().collect();
            let messages: Vec<String> = errors(&printed).iter().map(|error| excerpt(error, &source)).collect();
            writeln!(sheet, "\n### {}\n\n```text\n{}```", name(&case), messages.join("\n")).unwrap();
        }
    }
    sheet
}

/// Returns the errors in the compiler's output, each as its lines.
fn errors(printed: &str) -> Vec<Vec<&str>> {
    let mut errors: Vec<Vec<&str>> = Vec::new();
    for line in printed.lines() {
        if line.starts_with("error") || line.starts_with("warning") {
            errors.push(Vec::new());
        }
        errors.last_mut().expect("the first line is an error").push(line);
    }
    errors
}

/// Returns the message, the lines that it is about with the attributes above them, and its advice.
fn excerpt(error: &[&str], source: &[&str]) -> String {
    let mut lines = vec![error[0].to_owned()];
    let mut skips = false;
    for line in &error[1..] {
        let advice = line.trim_start().strip_prefix("= ");
        if line.starts_with("note: future is not") {
            // the note shows the place in a future that holds a value which cannot be sent, and this place is in the user's code
            skips = false;
            lines.push((*line).to_owned());
        } else if line.starts_with("note:") || line.starts_with("help:") || advice.is_some_and(is_the_compilers_own) {
            skips = true;
        } else if let Some(advice) = advice {
            skips = false;
            lines.push(format!("  = {advice}"));
        } else if !skips && !line.trim_start().starts_with("-->") && line.trim() != "|" && !line.is_empty() {
            lines.push((*line).to_owned());
        }
    }
    with_attributes(&mut lines, source);
    lines.push(String::new());
    lines.join("\n")
}

/// Returns whether the advice is about the compiler's own reasoning.
fn is_the_compilers_own(advice: &str) -> bool {
    const OWN: [&str; 7] = [
        "note: this error originates",
        "note: required for",
        "note: 1 redundant",
        "note: the failure",
        "help: the following other types",
        "help: the trait",
        "help: within",
    ];
    OWN.iter().any(|start| advice.starts_with(start))
}

/// Adds the attributes that stand directly above the first line that is shown.
fn with_attributes(lines: &mut Vec<String>, source: &[&str]) {
    let number = |line: &str| line.split_once('|').and_then(|(number, _)| number.trim().parse::<usize>().ok());
    let Some((place, first)) = lines.iter().enumerate().find_map(|(at, line)| Some((at, number(line)?))) else {
        return;
    };
    let margin = lines[place].find('|').expect("it has a number");
    let above = source[..first - 1].iter().rev().take_while(|line| line.trim_start().starts_with("#["));
    for (back, attribute) in above.enumerate() {
        let number = format!("{:<width$}", first - 1 - back, width = margin - 1);
        lines.insert(place, format!("{number} | {attribute}"));
    }
}

/// Returns the paths in the folder, in the order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

const PREFACE: &str = "\
# What the compiler says

Every message of `tests/ui`, by theme: the lines that were written, with their numbers in the test, and what is said about
them. Where the compiler adds notes of its own, such as where a trait is declared, they are left out; the `.stderr` file
beside each test has them.
";
