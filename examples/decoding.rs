//! Decodes one search result of twenty hits in two ways, with texts that are borrowed from the answer and with texts of their own, and prints
//! how long each takes.
//!
//! `-- owned 10000` or `-- borrowed 10000` decodes it so many times in one way, for a profiler.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use serde::Deserialize;

#[derive(Deserialize)]
struct OwnedAnswer {
    hits: Vec<OwnedHit>,
}

#[derive(Deserialize)]
struct OwnedHit {
    id: u64,
    title: String,
    url: String,
    snippet: String,
}

#[derive(Deserialize)]
struct BorrowedAnswer<'a> {
    #[serde(borrow)]
    hits: Vec<BorrowedHit<'a>>,
}

/// A `&str` would refuse a text with an escape, as the title of each fourth hit has one; a `Cow` owns those.
#[derive(Deserialize)]
struct BorrowedHit<'a> {
    id: u64,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    snippet: Cow<'a, str>,
}

fn answer() -> String {
    let mut text = String::from(r#"{"hits":["#);
    for id in 0..20 {
        let (comma, title) =
            (if id == 0 { "" } else { "," }, if id % 4 == 0 { r#"The \"high\" tide"# } else { "The low tide" });
        write!(
            text,
            r#"{comma}{{"id":{id},"title":"{title}","url":"https://tides.example/harbours/{id}","snippet":"{}"}}"#,
            "The water rises for six hours and falls for six. ".repeat(3)
        )
        .expect("a `String` takes all text");
    }
    text + "]}"
}

/// Decodes the answer and returns how long its texts are together.
fn owned(text: &str) -> usize {
    let answer: OwnedAnswer = serde_json::from_str(text).expect("the answer is sound");
    answer.hits.iter().map(|hit| hit.title.len() + hit.url.len() + hit.snippet.len() + hit.id as usize).sum()
}

/// Does the same as [`owned`].
fn borrowed(text: &str) -> usize {
    let answer: BorrowedAnswer<'_> = serde_json::from_str(text).expect("the answer is sound");
    answer.hits.iter().map(|hit| hit.title.len() + hit.url.len() + hit.snippet.len() + hit.id as usize).sum()
}

/// Returns the time of one of `times` decodings, in nanoseconds.
fn measured(decode: fn(&str) -> usize, text: &str, times: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        black_box(decode(black_box(text)));
    }
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

fn main() {
    let text = answer();
    let mut arguments = std::env::args().skip(1);
    if let (Some(way), Some(times)) = (arguments.next(), arguments.next().and_then(|times| times.parse().ok())) {
        let decode = if way == "owned" { owned } else { borrowed };
        println!("{way}: {:.0} ns", measured(decode, &text, times));
        return;
    }
    assert_eq!(owned(&text), borrowed(&text));
    assert!(serde_json::from_str::<&str>(r#""a \"high\" tide""#).is_err(), "a `&str` takes no escape");
    // in turns, so that whatever slows the machine down meets both
    let mut times: Vec<[f64; 2]> =
        (0..101).map(|_| [owned, borrowed].map(|decode| measured(decode, &text, 200))).collect();
    times.sort_by(|one, other| (one[0] / one[1]).total_cmp(&(other[0] / other[1])));
    let [owned, borrowed] = times[times.len() / 2];
    println!("an answer of {} bytes, 20 hits", text.len());
    println!("owned    {owned:>7.0} ns");
    println!("borrowed {borrowed:>7.0} ns, {:.0} % of that", 100.0 * borrowed / owned);
}
