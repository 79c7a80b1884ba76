//! The server: two token buckets, one of requests and one of tokens, as APIs of language models have them.
//!
//! A question takes one request, and of the tokens as many as it can cost; what it did not cost goes back with the answer. A
//! refusal names what remains of both buckets, when each is full, and how long to stay away. It takes a request as well.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::api::{Question, Usage};

/// A minute of the server's, so that the example need not take long.
const MINUTE: Duration = Duration::from_secs(4);
/// Requests a minute.
pub(crate) const REQUESTS: u32 = 600;
/// Tokens a minute.
pub(crate) const TOKENS: u32 = 90_000;

/// A running server, which ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<Buckets>>,
    task: JoinHandle<()>,
}

struct Buckets {
    requests: Bucket,
    tokens: Bucket,
    tally: Tally,
}

/// A bucket that fills up all the time, by its size in a minute.
struct Bucket {
    size: f64,
    level: f64,
    since: Instant,
}

/// The answers of the server so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) admitted: u64,
    refused: u64,
    /// The tokens that the admitted questions cost.
    tokens: u64,
}

impl Tally {
    /// The share of all the tokens that there were in that time, those in the full bucket of the beginning too.
    pub(crate) fn share_used(self, time: Duration) -> f64 {
        let there_were = f64::from(TOKENS) * (1.0 + time.as_secs_f64() / MINUTE.as_secs_f64());
        self.tokens as f64 / there_were
    }

    /// The share of the responses that were refusals.
    pub(crate) fn share_refused(self) -> f64 {
        self.refused as f64 / (self.admitted + self.refused).max(1) as f64
    }
}

impl Bucket {
    fn full(size: u32) -> Self {
        Self { size: f64::from(size), level: f64::from(size), since: Instant::now() }
    }

    /// Adds to it, and fills it up to now first.
    fn add(&mut self, more: f64) {
        let now = Instant::now();
        let come = self.size * (now - self.since).as_secs_f64() / MINUTE.as_secs_f64();
        (self.level, self.since) = ((self.level + come).min(self.size), now);
        self.level = (self.level + more).min(self.size);
    }

    /// The time until it has so much.
    fn time_until(&self, level: f64) -> Duration {
        MINUTE.mul_f64(((level - self.level) / self.size).max(0.0))
    }
}

impl Buckets {
    /// Takes what a question may cost, or says how long to stay away.
    fn take(&mut self, question: &Question) -> Result<(), Duration> {
        let estimate = question.estimate() as f64;
        self.requests.add(0.0);
        self.tokens.add(0.0);
        let wait = self.requests.time_until(1.0).max(self.tokens.time_until(estimate));
        // a refusal takes one as well, if there is one
        self.requests.level = (self.requests.level - 1.0).max(0.0);
        if !wait.is_zero() {
            self.tally.refused += 1;
            return Err(wait);
        }
        self.tokens.level -= estimate;
        self.tally.admitted += 1;
        self.tally.tokens += question.cost();
        Ok(())
    }

    /// The headers that tell of both buckets.
    fn headers(&self) -> HeaderMap {
        let kinds = [("requests", &self.requests), ("tokens", &self.tokens)];
        let lines = kinds.into_iter().flat_map(|(kind, bucket)| {
            let reset = format!("{}ms", bucket.time_until(bucket.size).as_millis());
            [
                (format!("x-ratelimit-limit-{kind}"), bucket.size.to_string()),
                (format!("x-ratelimit-remaining-{kind}"), (bucket.level as u64).to_string()),
                (format!("x-ratelimit-reset-{kind}"), reset),
            ]
        });
        lines.filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?))).collect()
    }
}

impl Server {
    pub(crate) async fn start() -> io::Result<Self> {
        let (requests, tokens) = (Bucket::full(REQUESTS), Bucket::full(TOKENS));
        let state = Arc::new(Mutex::new(Buckets { requests, tokens, tally: Tally::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/chat", routing::post(answer)).with_state(state.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, state, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/chat", self.address)
    }

    pub(crate) fn tally(&self) -> Tally {
        lock(&self.state).tally
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(state): State<Arc<Mutex<Buckets>>>, Json(question): Json<Question>) -> Response {
    let (taken, mut headers) = {
        let mut buckets = lock(&state);
        (buckets.take(&question), buckets.headers())
    };
    if let Err(wait) = taken {
        if let Ok(seconds) = HeaderValue::from_str(&format!("{:.3}", wait.as_secs_f64())) {
            headers.insert("retry-after", seconds);
        }
        return (StatusCode::TOO_MANY_REQUESTS, headers).into_response();
    }
    sleep(Duration::from_millis(question.millis())).await;
    lock(&state).tokens.add((question.estimate() - question.cost()) as f64);
    (headers, Json(Usage { total_tokens: question.cost() })).into_response()
}

/// Nothing panics while it is held.
fn lock(state: &Mutex<Buckets>) -> MutexGuard<'_, Buckets> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
