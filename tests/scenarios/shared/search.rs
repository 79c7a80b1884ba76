//! A search of several providers at once: its clients, hedged and not, and their figures.

use std::time::Duration;

use resilient::{Bulkhead, Classify, Hedge, PerKey, bulkhead, fan_out, hedge};

use crate::report::{millis, percent};

/// The reasons why a provider has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
pub enum SearchError {
    /// The provider does not know the word, and will not know it when asked again.
    #[permanent]
    Unknown,
    /// The connection broke.
    #[transient]
    Lost,
    /// One of our policies rejected the request.
    #[transparent(from)]
    Refused(resilient::Error),
}

/// The answer of one provider.
pub type Answer = Result<u64, SearchError>;

/// The providers, as a search sees them.
pub trait Providers: Send + Sync + 'static {
    /// Asks one of the [`PROVIDERS`] on behalf of the search with that number.
    fn ask(&self, search: u64, provider: usize) -> impl Future<Output = Answer> + Send;
}

/// A client that searches.
pub trait Search: Send + Sync + 'static {
    /// Makes the search with that number, and returns the answers in the order of the providers.
    fn search<P: Providers>(&self, providers: &P, number: u64) -> impl Future<Output = Vec<Answer>> + Send;
}

/// Returns the answer of a provider to a search.
///
/// # Errors
///
/// For one request in twenty, which is for a word that the provider does not know.
pub const fn answer(search: u64, provider: usize) -> Answer {
    let mixed = (search * PROVIDERS as u64 + provider as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    if mixed.is_multiple_of(20) { Err(SearchError::Unknown) } else { Ok(mixed) }
}

/// Returns whether every provider said something, be it that it does not know the word.
pub fn is_complete(answers: &[Answer]) -> bool {
    answers.len() == PROVIDERS && answers.iter().all(|answer| matches!(answer, Ok(_) | Err(SearchError::Unknown)))
}

/// Asks all providers at once, and waits for the slowest.
pub struct JoinAll;

impl Search for JoinAll {
    async fn search<P: Providers>(&self, providers: &P, number: u64) -> Vec<Answer> {
        futures_util::future::join_all((0..PROVIDERS).map(|provider| providers.ask(number, provider))).await
    }
}

/// A fan-out with a hedge and a bulkhead for each provider.
pub struct Hedged {
    hedges: PerKey<Hedge>,
    places: PerKey<Bulkhead>,
}

impl Hedged {
    fn new(hedge: Hedge, places: u32) -> Self {
        let places = Bulkhead::named("search").limit(places).queue(10_000).max_wait(Duration::from_secs(60));
        Self { hedges: PerKey::new(hedge), places: PerKey::new(places) }
    }

    /// Returns the client with the attributes of the page, for providers of so many workers.
    pub fn ours(workers: u32) -> Self {
        Self::new(Hedge::named("search"), 2 * workers)
    }

    /// Returns the client that the page warns of: it makes second attempts whatever they do to the servers.
    pub fn without_limits() -> Self {
        Self::new(Hedge::named("search").ratio(1.0), 1_000_000)
    }

    #[fan_out(limit = 8)]
    #[hedge(idempotent, with = self.hedges.of(&provider))]
    #[bulkhead(with = self.places.of(&provider))]
    async fn ask<P: Providers>(&self, providers: &P, number: u64, #[each] provider: usize) -> Answer {
        providers.ask(number, provider).await
    }
}

impl Search for Hedged {
    async fn search<P: Providers>(&self, providers: &P, number: u64) -> Vec<Answer> {
        self.ask_all(providers, number, 0..PROVIDERS).await
    }
}

/// The figures of a run, or the worst of several runs. A search that is not complete counts as one that never ends.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// The median time of a search, from its intended beginning.
    pub p50: Duration,
    /// The 95th percentile of these times.
    pub p95: Duration,
    /// The 99th percentile of these times.
    pub p99: Duration,
    /// The share of searches that heard from every provider.
    pub complete: f64,
    /// The requests beyond one for each search and provider, as a share.
    pub extra: f64,
}

impl Figures {
    /// Returns the figures of so many searches with so many requests, of which `times` are those of the complete ones.
    pub fn of(mut times: Vec<Duration>, searches: usize, requests: u64) -> Self {
        times.sort_unstable();
        let at = |share: f64| times.get((share * searches as f64) as usize).copied().unwrap_or(Duration::MAX);
        Self {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            complete: times.len() as f64 / searches as f64,
            extra: (requests as f64 / (searches * PROVIDERS) as f64 - 1.0).max(0.0),
        }
    }

    /// Returns the worse of each figure.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self {
            p50: self.p50.max(other.p50),
            p95: self.p95.max(other.p95),
            p99: self.p99.max(other.p99),
            complete: self.complete.min(other.complete),
            extra: self.extra.max(other.extra),
        }
    }

    /// Returns by how much the 99th percentile differs from another, as a share of that.
    pub fn change(self, plain: Self) -> f64 {
        self.p99.as_secs_f64() / plain.p99.as_secs_f64() - 1.0
    }

    /// Returns the row of a table with these [`COLUMNS`].
    pub fn row(self, client: &str, plain: Self) -> Vec<String> {
        let change = if client == PLAIN { "–".to_owned() } else { signed(self.change(plain)) };
        vec![
            client.to_owned(),
            millis(self.p50),
            millis(self.p95),
            millis(self.p99),
            change,
            percent(self.complete),
            percent(self.extra),
        ]
    }
}

/// Writes a change in per cent; “–” stands for one to a time without an end.
pub fn signed(change: f64) -> String {
    let percent = (change * 100.0).round();
    // without the sign of a zero
    if percent > 1e6 { "–".to_owned() } else { format!("{:+.0} %", percent + 0.0) }
}

/// The number of providers.
pub const PROVIDERS: usize = 8;
/// The searches a second, of providers with [`WORKERS`].
pub const RATE: f64 = 90.0;
/// The workers of a provider that is not busy.
pub const WORKERS: u32 = 20;
/// The name of [`JoinAll`] in tables.
pub const PLAIN: &str = "`join_all`";
/// The columns of the tables.
pub const COLUMNS: [&str; 7] = ["client", "p50", "p95", "p99", "change of p99", "heard from all", "extra requests"];

#[test]
fn a_search_without_all_answers_counts_as_one_that_never_ends() {
    let times: Vec<Duration> = (1..=98).map(Duration::from_millis).collect();

    let figures = Figures::of(times, 100, 804);

    assert_eq!((figures.p50, figures.p99), (Duration::from_millis(51), Duration::MAX));
    assert!((figures.complete - 0.98).abs() < 1e-9 && (figures.extra - 0.005).abs() < 1e-9, "{figures:?}");
    assert_eq!(figures.row("x", Figures { p99: Duration::from_millis(9), ..figures })[4], "–");
}
