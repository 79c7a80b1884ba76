//! The callers' end of the wire to a provider that throttles, and the provider's.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use reqwest::Url;
use resilient_scenarios::calls::CallError;
use resilient_scenarios::provider::{Answers, Provider};
use tokio::time::sleep;

/// Attempts at a provider over HTTP. The ledger records the wait in an answer when the answer has come.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    http: reqwest::Client,
    url: Url,
    provider: Arc<Provider>,
    lost: Arc<AtomicU64>,
}

impl Ask {
    pub(crate) fn new(http: reqwest::Client, url: Url, provider: Arc<Provider>) -> Self {
        Self { http, url, provider, lost: Arc::default() }
    }

    /// Returns the number of attempts that a broken connection ended.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    async fn exchange(&self) -> reqwest::Result<http::Response<()>> {
        let response = self.http.get(self.url.clone()).send().await?;
        let mut answer = http::Response::new(());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        Ok(answer)
    }
}

impl Answers for Ask {
    async fn answer(&self) -> Result<http::Response<()>, CallError> {
        // Loopback has no delay worth the name, so the delays by which attempts overtake each other are made here.
        let (there, back) = self.provider.depart();
        let under_way = UnderWay(&self.provider);
        sleep(there).await;
        let Ok(answer) = self.exchange().await else {
            self.lost.fetch_add(1, Relaxed);
            return Err(CallError::Lost);
        };
        std::mem::forget(under_way);
        sleep(back).await;
        self.provider.tell(told(&answer));
        Ok(answer)
    }
}

/// Returns the time for which a refusal tells the caller to stay away, without our own code that reads it.
fn told(answer: &http::Response<()>) -> Option<Duration> {
    if answer.status() != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let text = answer.headers().get("retry-after")?.to_str().ok()?;
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok())
}

/// Returns the provider's route.
pub(crate) fn providing(provider: Arc<Provider>) -> Router {
    let handler = async move || -> Response {
        let (parts, ()) = provider.decide().0.into_parts();
        (parts.status, parts.headers).into_response()
    };
    Router::new().route("/", get(handler))
}

/// An attempt without an answer. To drop it is to give it up, wherever it is.
struct UnderWay<'a>(&'a Provider);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.left();
    }
}
