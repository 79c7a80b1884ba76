//! The search with policies: what `#[fan_out]`, `#[timeout]`, `#[retry]` and `#[circuit_breaker]` make of one request.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use reqwest::Url;
use resilient::{Class, Classify};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::SearchError;
use crate::hit::Hit;
use crate::request::{Client, Query};

/// Somebody who can be asked.
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) search: Url,
}

impl Provider {
    pub(crate) fn new(name: String, search: Url) -> Self {
        Self { name, search }
    }
}

// Stand-in for the annotated function.
async fn search_provider(client: &Client, query: &Query, provider: &Provider) -> Result<Vec<Hit>, SearchError> {
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut last = Err(SearchError::Server(0));
    for retry in 0..=3 {
        match timeout_at(deadline, timeout(Duration::from_millis(120), client.ask(&provider.search, query))).await {
            Ok(Ok(Ok(hits))) => return Ok(hits),
            Ok(Ok(Err(error))) => last = Err(error),
            Ok(Err(_)) => last = Err(SearchError::Server(598)),
            Err(_) => return Err(SearchError::Server(599)),
        }
        let jitter = Duration::from_millis(u64::from(Instant::now().elapsed().subsec_nanos() % 10));
        match last.as_ref().map_err(Classify::class) {
            Err(Class::Permanent) => break,
            Err(Class::Throttled { after: Some(after) }) => sleep(after + jitter).await,
            _ => sleep(Duration::from_millis(10 << retry) + jitter).await,
        }
    }
    last
}

// Stand-in for what `#[fan_out]` adds, followed by `.unordered()`.
pub(crate) fn search_everywhere<'a>(
    client: &'a Client,
    query: &'a Query,
    providers: &'a [Provider],
) -> impl Stream<Item = (usize, Result<Vec<Hit>, SearchError>)> + 'a {
    providers
        .iter()
        .enumerate()
        .map(|(index, provider)| async move { (index, search_provider(client, query, provider).await) })
        .collect::<FuturesUnordered<_>>()
        .map(|done| done)
}

/// The policies, as the report shows them.
pub(crate) const SETTINGS: &str = "fan-out of at most 16 at a time; 1 s in all; up to 3 retries; 120 ms an attempt";
