//! The search with policies: one request under six attributes, and a look-up in batches.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Url;
use resilient::{CircuitBreaker, Hedge, batch, circuit_breaker, coalesce, fan_out, hedge, retry, timeout};

use crate::detail::Detail;
use crate::error::SearchError;
use crate::hit::Hit;
use crate::request::{Client, Query};

/// A provider that can be asked.
pub(crate) struct Provider {
    pub(crate) name: String,
    search: Url,
    /// The address for look-ups of details, if the provider has one.
    details: Option<Url>,
    /// Each provider has its own breaker: one that is down must not keep us from the others.
    breaker: CircuitBreaker,
    /// Each provider has its own hedge as well: a slow time for one is usual for another.
    hedge: Hedge,
}

impl Provider {
    pub(crate) fn new(name: String, search: Url, details: Option<Url>) -> Self {
        let breaker = CircuitBreaker::named("provider")
            // Looks at the last twenty attempts, a fifth of a second at 90 searches a second, so that it notices a
            // brown-out before the searches pile up. At the usual 5 % of failures, ten in twenty come about once in 10⁸
            // attempts.
            .count_window(20)
            .failure_rate(0.5)
            // Three probes tell after 200 ms whether it is over, and again every 200 ms. Longer would be kinder to a
            // provider that is down for minutes; here it would leave a healthy one out for longer than it was ill.
            .open_for(Duration::from_millis(200))
            .open_max(Duration::from_millis(200))
            .probes(3);
        // A provider that is quick for a while must not make a second attempt of every ordinary request.
        let hedge = Hedge::named("provider").min_after(Duration::from_millis(10));
        Self { name, search, details, breaker, hedge }
    }

    pub(crate) const fn search(&self) -> &Url {
        &self.search
    }

    pub(crate) const fn details(&self) -> Option<&Url> {
        self.details.as_ref()
    }
}

/// Searches one provider; `search_provider_all` searches many at the same time.
///
/// Callers with the same query at the same time share the answer. If one attempt in twenty is slower than usual, a second begins
/// beside it, and the first of the two wins. An attempt may take 120 ms: 1 to 3 in 100 would take longer, half of them much
/// longer, so that asking again is quicker than waiting and costs as few requests. The first back-off is about as long as a
/// usual request.
#[fan_out(limit = 16)]
#[coalesce(key = (provider.name, query.words, query.limit))]
#[timeout(total = "1s", attempt = "120ms")]
#[retry(max = 3, backoff = "exp_jitter", base = "10ms", cap = "100ms")]
#[hedge(with = provider.hedge, idempotent)]
#[circuit_breaker(with = provider.breaker)]
pub(crate) async fn search_provider(
    client: &Client,
    query: &Query,
    #[each] provider: &Provider,
) -> Result<Vec<Hit>, SearchError> {
    client.ask(&provider.search, query).await
}

/// Looks characters up at their provider. `look_up_one` looks up one, together with those that other callers want at that moment.
#[batch(max_size = 100, max_wait = "2ms")]
#[timeout("250ms")]
pub(crate) async fn look_up(
    client: &Client,
    provider: &Provider,
    chars: Vec<char>,
) -> Result<HashMap<char, Detail>, SearchError> {
    match provider.details() {
        Some(details) => client.look_up(details, &chars).await,
        None => Ok(HashMap::new()),
    }
}

/// Returns the annotated function as it stands above, for the report.
pub(crate) fn source() -> &'static str {
    let file = include_str!("client.rs");
    let from = file.find("#[fan_out(").unwrap_or_default();
    let length = file[from..].find("\n}").map_or(0, |end| end + 2);
    &file[from..from + length]
}

/// The breaker of each provider, for the report.
pub(crate) const BREAKER: &str =
    "opens when half of the last 20 attempts failed, for 200 ms, and closes after 3 good probes";

/// The hedge of each provider, for the report.
pub(crate) const HEDGE: &str =
    "a second attempt beside one that is slower than 95 % of them, for at most one attempt in twenty";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_the_annotated_function() {
        let source = source();

        assert!(source.starts_with("#[fan_out("), "{source}");
        assert!(source.contains("async fn search_provider("), "{source}");
        assert!(source.ends_with("query).await\n}"), "{source}");
    }
}
