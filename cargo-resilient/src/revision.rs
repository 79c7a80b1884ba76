//! A source tree as a revision of git has it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::check::source::{LEFT_OUT, Tree};

/// Returns the tree of the revision: of its files below the folder, or of that file alone. `HEAD~1:src` names a folder or file itself.
///
/// # Errors
///
/// A message if git knows no such revision there, or the revision has no file of Rust there.
pub fn read(revision: &str, place: &Path) -> Result<Tree, String> {
    let (folder, file) = if place.is_dir() {
        (place, None)
    } else {
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        (folder, place.file_name().map(|name| name.to_string_lossy().into_owned()))
    };
    // `HEAD~1:src` names a folder by itself, and `HEAD~1:src/lib.rs` a file
    let named = revision.split_once(':').map(|(_, path)| PathBuf::from(path));
    let object = if named.is_some() { revision.to_owned() } else { format!("{revision}^{{tree}}") };
    let verified = run(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &object])?;
    if !verified.status.success() {
        return Err(format!("`{revision}` is neither a file or folder nor a revision of git"));
    }
    let object = String::from_utf8_lossy(&verified.stdout).trim().to_owned();
    let whole: &[&str] = if named.is_some() { &["--full-tree"] } else { &[] };
    let listed = run(folder, &[&["ls-tree", "-r", "-z"], whole, &[&object]].concat())?;
    let mut blobs: Vec<(String, PathBuf)> = listed.stdout.split(|byte| *byte == 0).filter_map(blob).collect();
    match (named, file) {
        (Some(name), _) if !listed.status.success() => blobs.push((object, name)),
        (None, Some(file)) => blobs.retain(|(_, name)| name.as_os_str() == file.as_str()),
        _ => blobs.retain(|(_, name)| is_source(name)),
    }
    blobs.sort_by(|(_, one), (_, other)| one.cmp(other));
    if blobs.is_empty() {
        return Err(format!("`{revision}` has no file of Rust in {}", place.display()));
    }
    let texts = texts(folder, blobs.iter().map(|(hash, _)| hash.clone()).collect())
        .map_err(|error| format!("cannot read `{revision}` through git: {error}"))?;
    Ok(Tree::of(blobs.into_iter().map(|(_, name)| name).zip(texts)))
}

/// Reads a line of the list: `100644 blob 3b18e5… src/lib.rs`, with a tab before the name. A link is no file.
fn blob(line: &[u8]) -> Option<(String, PathBuf)> {
    let line = std::str::from_utf8(line).ok()?;
    let (about, name) = line.split_once('\t')?;
    let mut words = about.split(' ');
    let is_file = words.next()? != "120000" && words.next()? == "blob";
    is_file.then_some((words.next()?.to_owned(), PathBuf::from(name)))
}

fn is_source(name: &Path) -> bool {
    let folders = name.parent().into_iter().flat_map(Path::components);
    let mut folders = folders.map(|folder| folder.as_os_str().to_string_lossy().into_owned());
    name.extension().is_some_and(|extension| extension == "rs")
        && !folders.any(|folder| folder.starts_with('.') || LEFT_OUT.contains(&folder.as_str()))
}

/// Returns the contents, in the order of the names that git has for them.
fn texts(folder: &Path, hashes: Vec<String>) -> std::io::Result<Vec<Result<String, String>>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn()?;
    let (Some(mut asked), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("git has no input and output"));
    };
    let count = hashes.len();
    // both pipes are shorter than a tree
    let asking = thread::spawn(move || hashes.iter().try_for_each(|hash| writeln!(asked, "{hash}")));
    let mut answers = BufReader::new(answers);
    let mut texts = Vec::new();
    for _ in 0..count {
        // `3b18e5… blob 120`
        let mut head = String::new();
        answers.read_line(&mut head)?;
        let length = head.trim_end().rsplit(' ').next().and_then(|length| length.parse().ok());
        let Some(length) = length else {
            texts.push(Err(format!("git has no such file: {}", head.trim_end())));
            continue;
        };
        let mut text = vec![0; length];
        answers.read_exact(&mut text)?;
        answers.read_exact(&mut [0])?;
        texts.push(String::from_utf8(text).map_err(|_| "it is no text".to_owned()));
    }
    let _ = asking.join();
    child.wait()?;
    Ok(texts)
}

fn run(folder: &Path, arguments: &[&str]) -> Result<Output, String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(arguments).output().map_err(|error| format!("cannot run git: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_list_are_read() {
        assert_eq!(blob(b"100644 blob 3b18\tsrc/a b.rs"), Some(("3b18".to_owned(), PathBuf::from("src/a b.rs"))));
        assert_eq!(blob(b"120000 blob 3b18\tsrc/link.rs"), None);
        assert_eq!(blob(b"160000 commit 3b18\tvendored"), None);
        assert_eq!(blob(b""), None);
    }

    #[test]
    fn the_folders_that_a_tree_leaves_out_are_left_out() {
        assert!(is_source(Path::new("src/lib.rs")) && is_source(Path::new("build.rs")));
        for name in ["tests/it.rs", "a/target/b.rs", ".hidden/a.rs", "README.md"] {
            assert!(!is_source(Path::new(name)), "{name}");
        }
    }
}
