//! Texts outside of the tables are as the rows say: the tables of the documentation, and the fuzzer's dictionary.
//!
//! `UPDATE_EXPECT=1 cargo test -p resilient-macros pages` rewrites both.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::key::{Key, Positional, Sort};
use crate::policies::KINDS;
use crate::policy::Kind;

#[test]
fn the_tables_of_the_documentation_are_the_rows() {
    let path = file("src/lib.rs");
    let written = fs::read_to_string(&path).unwrap();
    let mut documented = written.clone();
    for kind in KINDS {
        let end = documented.find(&format!("pub fn {}(", kind.name)).unwrap();
        let start = documented[..end].rfind("/// # Arguments").unwrap();
        let start = start + documented[start..].find("/// |").unwrap();
        let length =
            documented[start..].lines().take_while(|line| line.starts_with("/// |")).map(|line| line.len() + 1);
        let range = start..start + length.sum::<usize>();
        documented.replace_range(range, &table(kind));
    }

    assert_is_written(&path, &written, &documented);
}

#[test]
fn the_dictionary_of_the_fuzzer_has_every_key() {
    let rows =
        KINDS.iter().flat_map(|kind| kind.keys.iter().flat_map(|key| [key.name, key.example]).chain([kind.name]));
    let words: BTreeSet<String> = rows.chain(OTHER_WORDS.iter().copied()).map(quoted).collect();
    let dictionary: String = words.into_iter().map(|word| word + "\n").collect();
    let path = file("../fuzz/attributes.dict");

    assert_is_written(&path, &fs::read_to_string(&path).unwrap(), &dictionary);
}

fn assert_is_written(path: &Path, written: &str, expected: &str) {
    if written != expected && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, expected).unwrap();
        return;
    }
    let differing: Vec<&str> = expected.lines().filter(|line| !written.lines().any(|other| other == *line)).collect();
    assert!(written == expected, "{} lacks\n{}", path.display(), differing.join("\n"));
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

fn table(kind: &Kind) -> String {
    let rows = kind.keys.iter().map(|key| {
        let default = key.default.map_or_else(|| key.doc.absent.to_owned(), |default| format!("`{default}`"));
        let ty = if key.doc.ty.is_empty() { ty(key.sort) } else { key.doc.ty.to_owned() };
        format!("/// | {} | {ty} | {default} | {} |\n", written(kind, key), key.doc.meaning)
    });
    ["/// | key | type | default | meaning |\n".to_owned(), "/// |---|---|---|---|\n".to_owned()]
        .into_iter()
        .chain(rows)
        .collect()
}

/// Returns how the key is written.
fn written(kind: &Kind, key: &Key) -> String {
    let name = key.name;
    match (kind.positional, key.sort) {
        (Positional::Is(positional), _) if positional == name => format!("`{name}`, or no key"),
        (_, Sort::Clones) => format!("`{name}(a, b)`, or `{name}`"),
        (_, Sort::Names) => format!("`{name}(a, b)`"),
        _ => format!("`{name}`"),
    }
}

/// Returns what is said of a value of the sort.
fn ty(sort: Sort) -> String {
    match sort {
        Sort::Count => "integer or `u32` constant".to_owned(),
        Sort::Duration => "duration".to_owned(),
        Sort::Ratio => "ratio".to_owned(),
        Sort::Number => "number or `f64` constant".to_owned(),
        Sort::Word(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Sort::Label => "string".to_owned(),
        Sort::Flag => "a word".to_owned(),
        _ => "expression".to_owned(),
    }
}

/// Words that stand in no row.
const OTHER_WORDS: &[&str] = &[
    "#[each]",
    "&mut self",
    "'a",
    "-> Result<(), Error>",
    "::resilient",
    "<=",
    "?",
    "HashMap<",
    "Vec<",
    "__composed",
    "__last",
    "any(",
    "async fn ",
    "async_trait",
    "crate = ",
    "enforce",
    "exempt",
    "forbid(",
    "impl ",
    "mut ",
    "none",
    "optional(",
    "profile = ",
    "reason = \"\"",
    "resilient",
    "return ",
    "self: Arc<Self>",
    "unlimited",
    "where ",
    "without(",
];
