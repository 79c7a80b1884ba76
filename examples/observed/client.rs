//! The calls to the upstreams, with all attributes.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::{StatusCode, Url};
use resilient::{
    batch, bulkhead, cancel, circuit_breaker, coalesce, fallback, fan_out, hedge, rate_limit, retry, throttle, timeout,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::CallError;

/// The addresses of the upstreams, and the connections to them.
pub(crate) struct Client {
    http: reqwest::Client,
    catalogue: Url,
    prices: Url,
    /// Ends all calls when the service stops.
    pub(crate) stop: CancellationToken,
    requests: TaskTracker,
}

/// An article of the catalogue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Article {
    pub(crate) id: u64,
    pub(crate) title: String,
}

/// Searches one shard of the catalogue; `search_all` searches several at the same time.
///
/// While the catalogue is down, a shard has its last good answer, or none. A second request starts beside one that takes ten
/// times as long as usual.
#[fan_out(limit = 4)]
#[fallback(stale = "1m", value = Vec::new(), key = (query, shard))]
#[cancel(on = client.stop)]
#[coalesce(key = (query, shard))]
#[timeout(total = "600ms", attempt = "120ms")]
#[retry(max = 2, base = "10ms")]
#[hedge(idempotent, after = "30ms", ratio = "20%")]
#[circuit_breaker(failure_rate = "50%", open_for = "150ms")]
#[bulkhead(limit = 16, max_wait = "50ms")]
pub(crate) async fn search(client: &Client, query: &str, #[each] shard: u32) -> Result<Vec<Article>, CallError> {
    let mut url = client.catalogue.clone();
    url.query_pairs_mut().append_pair("q", query).append_pair("shard", &shard.to_string());
    Ok(serde_json::from_slice(&client.get(url).await?)?)
}

/// Returns the prices of articles. `prices_one` asks for one, together with the callers that want others at that moment.
///
/// The upstream counts its pauses in whole seconds, and is heard for a tenth of one.
#[batch(max_size = 50, max_wait = "2ms")]
#[fallback(value = HashMap::new())]
#[cancel(on = client.stop)]
#[timeout(total = "600ms", attempt = "120ms")]
#[retry(max = 2, base = "10ms")]
#[throttle(k = 1.2)]
#[rate_limit("150/s", burst = 5, max_wait = "30ms", max_pause = "100ms")]
pub(crate) async fn prices(client: &Client, ids: Vec<u64>) -> Result<HashMap<u64, u64>, CallError> {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let mut url = client.prices.clone();
    url.query_pairs_mut().append_pair("ids", &ids.join(","));
    Ok(serde_json::from_slice(&client.get(url).await?)?)
}

impl Client {
    /// Returns a client of the upstreams at those addresses.
    ///
    /// # Errors
    ///
    /// If an address is none, or the HTTP client cannot be set up.
    pub(crate) fn new(catalogue: &str, prices: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().timeout(LONGEST).build()?,
            catalogue: Url::parse(catalogue)?.join("search")?,
            prices: Url::parse(prices)?.join("prices")?,
            stop: CancellationToken::new(),
            requests: TaskTracker::new(),
        })
    }

    /// Waits for the requests whose callers have gone.
    pub(crate) async fn finish(&self) {
        self.requests.close();
        self.requests.wait().await;
    }

    /// Gets the body of a good answer.
    ///
    /// The request has a task of its own. So one that has begun reaches the upstream even if its caller is gone the next moment,
    /// as the slower one of a hedged pair is, and both sides count the same.
    async fn get(&self, url: Url) -> Result<Bytes, CallError> {
        let request = self.http.get(url);
        let sent = self.requests.spawn(async move {
            let response = request.send().await?;
            match response.status() {
                StatusCode::OK => Ok(response.bytes().await?),
                StatusCode::TOO_MANY_REQUESTS => {
                    let after = resilient::http::retry_after(response.headers(), SystemTime::now());
                    Err(CallError::Busy { after })
                }
                status if status.is_server_error() => Err(CallError::Server(status.as_u16())),
                status => Err(CallError::Rejected(status.as_u16())),
            }
        });
        sent.await.unwrap_or(Err(CallError::Lost))
    }
}

/// The time after which a request that nobody waits for any more ends.
const LONGEST: Duration = Duration::from_secs(2);
