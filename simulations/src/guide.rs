//! The pictures of the guide, and the figures below them: each from a run in simulated time, with the real policies.
//!
//! The test of this module makes all of them anew and compares. `UPDATE_EXPECT=1 cargo test -p resilient-simulations guide` writes them.

mod chart;
mod curves;
mod order;
mod runs;
mod stories;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::document::put;

/// A picture of a page, and the sentences below it.
struct Picture {
    name: &'static str,
    /// The page of the guide, without `.md`.
    page: &'static str,
    /// The picture in words, for those who do not see it.
    alt: &'static str,
    svg: String,
    caption: String,
}

/// Every picture, in the order of the pages.
const PICTURES: [fn() -> Picture; 22] = [
    stories::retry::picture,
    stories::circuit_breaker::picture,
    stories::timeout::picture,
    stories::bulkhead::picture,
    stories::rate_limit::picture,
    stories::throttle::picture,
    stories::hedge::picture,
    stories::coalesce::picture,
    stories::batch::picture,
    stories::fallback::picture,
    stories::fan_out::picture,
    stories::cancel::picture,
    stories::measure::picture,
    curves::budget::picture,
    curves::attempt::picture,
    curves::delay::picture,
    curves::limit::picture,
    curves::rate::picture,
    curves::width::picture,
    order::layers,
    order::call,
    order::places,
];

/// The pictures and the pages show what the runs make now. `UPDATE_EXPECT=1` writes them.
#[test]
fn the_guide_shows_these_runs() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resilient-runtime/guide");
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for picture in drawn() {
        let Picture { name, page, alt, svg, caption } = picture;
        let path = guide.join(page).with_extension("md");
        let text = files.remove(&path).unwrap_or_else(|| fs::read_to_string(&path).expect(page));
        let up = "../".repeat(page.matches('/').count());
        let caption = wrapped(&caption);
        let block = format!("![{alt}][{name}]\n\n{caption}\n\n[{name}]: {up}plots/{name}.svg\n");
        let text =
            put(&text, &format!("picture: {name}"), &block).unwrap_or_else(|complaint| panic!("{page}: {complaint}"));
        files.insert(path, text);
        let addresses = guide.join("plots/rustdoc").join(page.replace('/', "_")).with_extension("txt");
        let addresses = files.entry(addresses).or_default();
        writeln!(addresses, "[{name}]: {}", chart::address(&svg)).expect("a string takes everything");
        files.insert(guide.join("plots").join(name).with_extension("svg"), svg);
    }

    let size: usize =
        files.iter().filter(|(path, _)| path.extension() != Some("md".as_ref())).map(|(_, text)| text.len()).sum();
    assert!(size < 300_000, "the pictures are {size} bytes of the package");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        for (path, text) in &files {
            fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| fs::write(path, text)).expect("written");
        }
    }
    for (path, text) in files {
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{}: make it anew with UPDATE_EXPECT=1", path.display());
    }
}

/// Returns a text in lines of at most 140 characters.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 140 => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// Draws all pictures, each on a thread of its own, whose chance has a seed of its own.
fn drawn() -> Vec<Picture> {
    thread::scope(|threads| {
        let drawing = PICTURES.map(|draw| threads.spawn(draw));
        drawing.map(|picture| picture.join().expect("it draws")).into()
    })
}

#[test]
fn lines_end_between_words() {
    let text = format!("{} {} end", "a".repeat(139), "b".repeat(140));

    assert_eq!(wrapped(&text), format!("{}\n{}\nend", "a".repeat(139), "b".repeat(140)));
    assert_eq!(wrapped("one  two\nthree"), "one two three");
}
