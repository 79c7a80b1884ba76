//! The command line.

use std::path::PathBuf;

use clap::Parser;
use reqwest::Url;

use crate::catalogue::words_of;

/// Searches eight providers of Unicode character names in parallel, through functions with `#[fan_out]`, `#[coalesce]`,
/// `#[timeout]`, `#[retry]`, `#[hedge]`, `#[circuit_breaker]` and `#[batch]`, and compares that with the same searches
/// without them.
///
/// The providers run inside this program, on loopback ports, and have bad weather: slow answers, failures, dropped
/// connections, throttling, and a brown-out of one of them in the middle of each run. The seed decides all of it, so
/// that every strategy meets the same.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(name = "parallel_search", disable_version_flag = true)]
#[command(after_help = "Exit code: 0 if the search worked, 1 if it did not, 2 if the command line makes no sense.")]
pub(crate) struct Args {
    /// The words to look for in the names, for example: left arrow
    #[arg(required_unless_present = "serve")]
    words: Vec<String>,

    /// Search this provider instead of the built-in ones; repeat for several. Requests go to
    /// URL/search?q=WORDS&limit=N, the answer is {"hits": [{"code": 9731, "name": "SNOWMAN", "score": 1000}]}
    #[arg(long = "endpoint", value_name = "URL", value_parser = endpoint)]
    pub(crate) endpoints: Vec<Url>,

    /// Compare the strategies on the endpoints too; sends each of them three times as many requests as there are
    /// searches
    #[arg(long, requires = "endpoints")]
    pub(crate) compare: bool,

    /// Only search, without the comparison
    #[arg(long, conflicts_with_all = ["compare", "quick", "report", "searches", "rate"])]
    no_compare: bool,

    /// Only run the built-in providers and print their addresses, until interrupted
    #[arg(long, conflicts_with_all = ["words", "endpoints", "compare", "no_compare", "quick", "report", "rate"])]
    pub(crate) serve: bool,

    /// The seed of the weather, the arrivals and the searches of the comparison
    #[arg(long, value_name = "NUMBER", default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) seed: u64,

    /// Searches in the comparison, for each strategy [default: 480, with --quick 72]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    searches: Option<u64>,

    /// Searches that arrive in a second
    #[arg(long, value_name = "PER_SECOND", default_value = "90", value_parser = rate, allow_negative_numbers = true)]
    pub(crate) rate: f64,

    /// Hits to show
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    limit: u16,

    // Not a doc comment, whose backticks would be shown.
    #[arg(long, value_name = "FILE", help = REPORT_HELP)]
    report: Option<PathBuf>,

    /// A comparison of a few seconds
    #[arg(long)]
    quick: bool,
}

impl Args {
    /// Returns all words, separated by single spaces.
    ///
    /// # Errors
    ///
    /// A sentence for the user if the words have nothing that a name could have, or are too many.
    pub(crate) fn words(&self) -> Result<String, String> {
        let joined = self.words.join(" ");
        let words: Vec<&str> = joined.split_whitespace().collect();
        let words = words.join(" ");
        if words_of(&words).next().is_none() {
            return Err("nothing to search for: give at least one word with letters or digits".into());
        }
        if words.len() > LONGEST_WORDS {
            return Err(format!("the words are too long: at most {LONGEST_WORDS} bytes, these are {}", words.len()));
        }
        Ok(words)
    }

    /// Returns whether to compare: always with the built-in providers, and with others only when asked to.
    pub(crate) fn compares(&self) -> bool {
        !self.no_compare && (self.endpoints.is_empty() || self.compare)
    }

    pub(crate) fn searches(&self) -> u64 {
        self.searches.unwrap_or(if self.quick { 72 } else { 480 })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.into()
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.report.clone().unwrap_or_else(|| {
            let target = PathBuf::from("target");
            if target.is_dir() { target } else { std::env::temp_dir() }.join("parallel_search.html")
        })
    }
}

/// Returns the address of a provider's search, made from the address of the provider.
fn endpoint(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text)
        .map_err(|_| "not the address of a provider; write it like http://127.0.0.1:8080".to_owned())?;
    match url.scheme() {
        "http" => {}
        "https" if cfg!(feature = "tls") => {}
        "https" => {
            return Err(
                "this program was built without https; build it with `--features resilient-examples/tls`".into()
            );
        }
        other => {
            return Err(format!(
                "`{other}` is not a scheme that this program speaks; write it like http://127.0.0.1:8080"
            ));
        }
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the address of a provider has no `?` or `#`: those are added for each search".into());
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("search");
    }
    Ok(url)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=5000.0).contains(&rate) { Ok(rate) } else { Err("must be between 0.1 and 5000 a second".into()) }
}

const REPORT_HELP: &str = "Where to write the report of the comparison [default: target/parallel_search.html, or the \
    directory for temporary files if there is no target here]";

/// The limit of the words in bytes. The longest name of a character has 88.
const LONGEST_WORDS: usize = 300;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once("parallel_search").chain(args.iter().copied()))
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn joins_the_words() {
        assert_eq!(parse(&["snow", " man  two "]).unwrap().words().unwrap(), "snow man two");
    }

    #[test]
    fn refuses_words_that_no_name_could_have() {
        for words in ["", "  ", "?!", "☃"] {
            assert!(parse(&[words]).unwrap().words().is_err(), "{words:?}");
        }
        assert!(parse(&["a".repeat(301).as_str()]).unwrap().words().is_err());
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let bad: [&[&str]; 12] = [
            &[],
            &["x", "--rate", "0"],
            &["x", "--rate", "NaN"],
            &["x", "--rate", "-3"],
            &["x", "--searches", "0"],
            &["x", "--limit", "0"],
            &["x", "--endpoint", "localhost"],
            &["x", "--endpoint", "ftp://host"],
            &["x", "--endpoint", "http://host/?q=1"],
            &["x", "--compare"],
            &["x", "--no-compare", "--quick"],
            &["x", "--serve"],
        ];
        for args in bad {
            assert_eq!(parse(args).map(|_| ()).map_err(|error| error.exit_code()), Err(2), "{args:?}");
        }
    }

    #[test]
    fn appends_search_to_the_address_of_a_provider() {
        for (given, used) in [
            ("http://host:81", "http://host:81/search"),
            ("http://host/", "http://host/search"),
            ("http://host/names/", "http://host/names/search"),
        ] {
            assert_eq!(endpoint(given).unwrap().as_str(), used);
        }
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn says_how_to_get_https() {
        assert!(endpoint("https://host").unwrap_err().contains("--features resilient-examples/tls"));
    }
}
