//! The search with policies: one request under four attributes.

use reqwest::Url;
use resilient::{fan_out, retry, timeout};

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

/// Searches one provider; `search_provider_all` searches many at the same time.
#[fan_out(limit = 16)]
#[timeout(total = "1s", attempt = "120ms")]
#[retry(max = 3, backoff = "exp_jitter", base = "10ms", cap = "100ms")]
pub(crate) async fn search_provider(
    client: &Client,
    query: &Query,
    #[each] provider: &Provider,
) -> Result<Vec<Hit>, SearchError> {
    client.ask(&provider.search, query).await
}

/// The policies, as the report shows them.
pub(crate) const SETTINGS: &str = "at most 16 at a time; 1 s in all; up to 3 retries; 120 ms an attempt";
