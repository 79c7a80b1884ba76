//! One request to one provider, without any policy. Every strategy repeats, delays or cuts it short in its own way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};

use crate::detail::{self, Detail};
use crate::error::SearchError;
use crate::hit::{self, Hit};
use crate::provider::SEARCH_NUMBER;

/// The connections, shared by all calls of a strategy.
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) books: Books,
}

/// A search for words.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) words: String,
    pub(crate) limit: usize,
    /// The number of the search, for providers whose weather depends on it.
    pub(crate) number: Option<u64>,
}

impl Client {
    /// Returns a client with its own pool; `direct` leaves out the proxy that the environment may name.
    ///
    /// # Errors
    ///
    /// If TLS is compiled in and cannot be set up.
    pub(crate) fn new(direct: bool) -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_PROVIDER)
            .pool_idle_timeout(IDLE_FOR)
            .tcp_keepalive(IDLE_FOR)
            // A request is one small write: waiting to fill a packet would only delay it.
            .tcp_nodelay(true);
        let http = if direct { builder.no_proxy() } else { builder }.build()?;
        Ok(Self { http, books: Books::default() })
    }

    /// Asks `search` once.
    pub(crate) async fn ask(&self, search: &Url, query: &Query) -> Result<Vec<Hit>, SearchError> {
        let mut attempt = Attempt::begin(&self.books);
        let outcome = self.exchange(search, query).await;
        attempt.ended = true;
        outcome
    }

    async fn exchange(&self, search: &Url, query: &Query) -> Result<Vec<Hit>, SearchError> {
        let mut url = search.clone();
        url.query_pairs_mut().append_pair("q", &query.words).append_pair("limit", &query.limit.to_string());
        let mut request = self.http.get(url);
        if let Some(number) = query.number {
            request = request.header(SEARCH_NUMBER, number);
        }
        Ok(hit::decode(&self.fetch(request).await?)?)
    }

    /// Looks up all of `chars` with one request; those that the provider does not hold are missing.
    pub(crate) async fn look_up(&self, details: &Url, chars: &[char]) -> Result<HashMap<char, Detail>, SearchError> {
        let codes: Vec<String> = chars.iter().map(|char| u32::from(*char).to_string()).collect();
        let mut url = details.clone();
        url.query_pairs_mut().append_pair("codes", &codes.join(","));
        Ok(detail::decode(&self.fetch(self.http.get(url)).await?)?)
    }

    /// Returns the body of a good answer.
    async fn fetch(&self, request: RequestBuilder) -> Result<Bytes, SearchError> {
        let response = request.send().await?;
        self.books.take_server_timing(response.headers());
        match response.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(SearchError::Busy { after: pause(response.headers()) }),
            status if status.is_server_error() => return Err(SearchError::Server(status.as_u16())),
            status => return Err(SearchError::Rejected(status.as_u16())),
        }
        read(response).await
    }
}

/// Reads the whole body, up to a length that no honest answer has.
async fn read(mut response: Response) -> Result<Bytes, SearchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(SearchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Returns the time for which a 429 asks to stay away: `retry-after-ms` if the service has it, else `retry-after` in seconds or
/// as a date.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default())
}

/// The time of a strategy's requests by its use, in nanoseconds.
#[derive(Default)]
pub(crate) struct Books {
    attempts: AtomicU64,
    attempt_time: AtomicU64,
    abandoned_time: AtomicU64,
    queue_time: AtomicU64,
    work_time: AtomicU64,
}

/// A reading of the [`Books`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) attempts: u64,
    /// The time of all attempts, from the request to the decoded answer.
    pub(crate) attempting: Duration,
    /// The part of it for attempts that were dropped before they had an answer.
    pub(crate) abandoned: Duration,
    /// The part of it spent waiting for a worker of the provider, as far as the provider says so.
    pub(crate) queued: Duration,
    /// The part of it in which the provider worked, as far as the provider says so.
    pub(crate) working: Duration,
}

impl Books {
    pub(crate) fn read(&self) -> Spent {
        let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        Spent {
            attempts: self.attempts.load(Ordering::Relaxed),
            attempting: time(&self.attempt_time),
            abandoned: time(&self.abandoned_time),
            queued: time(&self.queue_time),
            working: time(&self.work_time),
        }
    }

    /// Reads `server-timing: queue;dur=1.25, work;dur=15.00`, in milliseconds.
    fn take_server_timing(&self, headers: &HeaderMap) {
        let Some(timing) = headers.get("server-timing").and_then(|value| value.to_str().ok()) else { return };
        for metric in timing.split(',') {
            let Some((name, millis)) = metric.trim().split_once(";dur=") else { continue };
            let Ok(Ok(duration)) = millis.parse().map(|millis: f64| Duration::try_from_secs_f64(millis / 1e3)) else {
                continue;
            };
            match name {
                "queue" => add(&self.queue_time, duration),
                "work" => add(&self.work_time, duration),
                _ => {}
            }
        }
    }
}

/// Measures an attempt, to its end or until it is dropped.
struct Attempt<'a> {
    books: &'a Books,
    began: Instant,
    ended: bool,
}

impl<'a> Attempt<'a> {
    fn begin(books: &'a Books) -> Self {
        books.attempts.fetch_add(1, Ordering::Relaxed);
        Self { books, began: Instant::now(), ended: false }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let elapsed = self.began.elapsed();
        add(&self.books.attempt_time, elapsed);
        if !self.ended {
            add(&self.books.abandoned_time, elapsed);
        }
    }
}

/// Adds a time. The counters are sums that nothing else depends on, so `Relaxed` is enough.
fn add(nanos: &AtomicU64, duration: Duration) {
    nanos.fetch_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// The limit of connecting. A healthy host takes a round trip; ten times the usual one inside a continent is long enough to give
/// up.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Connections kept per provider. At 90 searches a second and at most 120 ms an attempt, at most 90 × 0.12 ≈ 11
/// requests are under way with each provider (Little's law); half as many again covers the bunches in which they
/// arrive. Fewer would open a connection for every request of a bunch, more would hold sockets that nobody uses.
const IDLE_PER_PROVIDER: usize = 16;
/// The time for which an idle connection is kept. It is below the minute after which common servers and load balancers close
/// one, so that the connection is ours to close and no request is sent into one that has just gone.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// The limit of an answer in bytes. A hundred hits have about 12 kB.
const LONGEST_ANSWER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn reads_every_spelling_of_a_pause() {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));

        assert_eq!(pause(&headers(&[("retry-after", "2")])), Some(Duration::from_secs(2)));
        assert_eq!(pause(&headers(&[("retry-after", "1"), ("retry-after-ms", "80")])), Some(Duration::from_millis(80)));
        assert!(pause(&headers(&[("retry-after", &date)])).unwrap() > Duration::from_secs(50));
        assert_eq!(pause(&headers(&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")])), Some(Duration::ZERO));
        for nonsense in ["soon", "-1", "", "1e9", "99999999999999999999"] {
            assert_eq!(pause(&headers(&[("retry-after", nonsense)])), None, "{nonsense}");
        }
    }

    #[test]
    fn keeps_the_books_on_what_the_server_says() {
        let books = Books::default();

        books.take_server_timing(&headers(&[("server-timing", "queue;dur=1.50, work;dur=20.00, other;dur=7")]));
        books.take_server_timing(&headers(&[("server-timing", "queue;dur=NaN, work;dur=-1, garbage")]));

        let spent = books.read();
        assert_eq!((spent.queued, spent.working), (Duration::from_micros(1500), Duration::from_millis(20)));
    }
}
