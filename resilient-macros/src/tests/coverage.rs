//! Every attribute and every key of it has its tests: what a bad value gets, and what a good one does.
//!
//! The tests are found by reading them: `tests/ui` with the places that its messages point at, `tests/behaviour`, `tests/forms`, and the
//! cases of `tests/expand`.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::policies::KINDS;
use crate::policy::Kind;

#[test]
fn every_key_has_a_test_of_its_bad_value() {
    let blamed: Vec<Entry> = sources("ui").iter().flat_map(|(path, source)| blamed(path, source)).collect();

    assert_all_keys("tests/ui has no message at", |kind, key| blamed.iter().any(|entry| entry.is(kind, key)));
}

#[test]
fn every_key_has_a_test_of_its_effect() {
    let used: Vec<Entry> = ["behaviour", "expand", "forms"]
        .into_iter()
        .flat_map(sources)
        .flat_map(|(_, source)| entries(&source))
        .collect();

    assert_all_keys("neither tests/behaviour, tests/forms nor tests/expand uses", |kind, key| {
        used.iter().any(|entry| entry.is(kind, key))
    });
}

#[test]
fn every_attribute_has_an_expansion_to_paste_over_it() {
    for kind in KINDS {
        let folder = tests(&format!("expand/{}", kind.name));
        let pasted = files(&folder).into_iter().any(|path| path.to_string_lossy().ends_with(".expanded.rs"));

        assert!(pasted, "{} has no `.expanded.rs`: `#[{}]` needs a case there", folder.display(), kind.name);
    }
}

/// A value that was written for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    attribute: &'static str,
    key: String,
    /// Its place in its file.
    place: Range<usize>,
}

impl Entry {
    fn is(&self, kind: &Kind, key: &str) -> bool {
        self.attribute == kind.name && self.key == key
    }
}

fn assert_all_keys(missing: &str, is_there: impl Fn(&Kind, &str) -> bool) {
    let all = KINDS.iter().flat_map(|kind| kind.keys.iter().map(move |key| (*kind, key)));
    let untested: Vec<String> = all
        .filter(|(kind, key)| !is_there(kind, key.name))
        .map(|(kind, key)| format!("{missing} `{}` of `#[{}]`, as in `{}`", key.name, kind.name, key.example))
        .collect();

    assert!(untested.is_empty(), "\n{}\n", untested.join("\n"));
}

/// The entries that a message of the compiler points at.
fn blamed(path: &Path, source: &str) -> Vec<Entry> {
    let entries = entries(source);
    let messages = fs::read_to_string(path.with_extension("stderr")).unwrap_or_default();
    let places = messages.lines().filter_map(|line| {
        let (_, place) = line.trim_start().strip_prefix("--> ui/")?.split_once(".rs:")?;
        let (line, column) = place.split_once(':')?;
        let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
        let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
        Some(start + column - 1)
    });
    places.flat_map(|place| entries.iter().filter(move |entry| entry.place.contains(&place))).cloned().collect()
}

/// Returns what the attributes in the text give for their keys.
fn entries(source: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (start, _) in source.match_indices("#[") {
        let attribute = start + 2..closing(source, start + 1);
        for kind in KINDS {
            for (at, name) in source[attribute.clone()].match_indices(kind.name) {
                let (name, after) = (attribute.start + at, attribute.start + at + name.len());
                let whole = !source[..name].ends_with(is_of_a_name) && source[after..].starts_with('(');
                if whole {
                    entries.extend(arguments(source, after + 1..closing(source, after)).filter_map(|place| {
                        let key = key(kind, source[place.clone()].trim())?;
                        Some(Entry { attribute: kind.name, key, place })
                    }));
                }
            }
        }
    }
    entries
}

/// The key that the argument is for.
fn key(kind: &Kind, argument: &str) -> Option<String> {
    let (word, rest) = argument.split_at(argument.find(|c| !is_of_a_name(c)).unwrap_or(argument.len()));
    let rest = rest.trim_start();
    let is_key = kind.keys.iter().any(|key| key.name == word)
        && (rest.is_empty() || rest.starts_with('(') || rest.starts_with('=') && !rest.starts_with("=="));
    match kind.positional {
        _ if is_key => Some(word.to_owned()),
        crate::key::Positional::Is(key) if !rest.starts_with('=') && !argument.is_empty() => Some(key.to_owned()),
        _ => None,
    }
}

/// The places between the commas that are in no brackets of their own.
fn arguments(source: &str, inside: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let (mut places, mut start, mut at) = (Vec::new(), inside.start, inside.start);
    while at < inside.end {
        match source.as_bytes()[at] {
            b',' => {
                places.push(start..at);
                start = at + 1;
            }
            b'(' | b'[' | b'{' | b'"' => at = closing(source, at),
            _ => {}
        }
        at += 1;
    }
    places.push(start..inside.end);
    places.into_iter()
}

/// Returns where the bracket or quote that opens at `open` is closed, or the end of a text that is never closed.
fn closing(source: &str, open: usize) -> usize {
    let bytes = source.as_bytes();
    let mut at = open + 1;
    while at < bytes.len() {
        match (bytes[open], bytes[at]) {
            (b'"', b'\\') => at += 1,
            (b'"', b'"') => return at,
            (b'"', _) => {}
            (_, b')' | b']' | b'}') => return at,
            (_, b'(' | b'[' | b'{' | b'"') => at = closing(source, at),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(super) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let written = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".rs") && !name.ends_with(".expanded.rs")
    };
    let sources: Vec<_> = files(&tests(folder)).into_iter().filter(written).collect();
    assert!(!sources.is_empty(), "tests/{folder} was not found");
    sources.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The files in the folder and in those inside it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn tests(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(folder)
}

#[test]
fn reads_the_keys_of_an_attribute() {
    let source =
        r#"#[retry(max = 3, clone(a, b), when = f("),", 1))] #[timeout("1s")] #[cfg_attr(x, resilient(retry(base)))]"#;

    let found: Vec<_> = entries(source).into_iter().map(|entry| (entry.attribute, entry.key)).collect();

    let expected = [("retry", "max"), ("retry", "clone"), ("retry", "when"), ("timeout", "limit"), ("retry", "base")];
    assert_eq!(found, expected.map(|(attribute, key)| (attribute, key.to_owned())));
}
