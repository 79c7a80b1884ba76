//! The client's end of the wire: one attempt is one HTTP request.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use reqwest::{Response, Url};
use resilient::Deadline;
use resilient_scenarios::calls::{CallError, DUE, Target};
use tokio::time::Instant;

use crate::books::Books;

/// The attempts of one client, on connections of its own.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    http: reqwest::Client,
    url: Url,
    books: Arc<Books>,
}

impl Wire {
    pub(crate) fn to(url: &Url, books: &Arc<Books>) -> Self {
        Self { http: connections(), url: url.clone(), books: Arc::clone(books) }
    }
}

impl Wire {
    /// Makes one attempt at that path. It is in the books as answered, whatever the answer, or as lost.
    pub(crate) async fn get(&self, path: &str) -> Result<Response, CallError> {
        let attempt = self.books.send();
        let url = self.url.join(path).expect("a path");
        let mut request = self.http.get(url).header(NUMBER, attempt.number);
        if let Some(deadline) = Deadline::current() {
            request = request.header(DEADLINE, deadline.to_header());
        }
        if let Ok(due) = DUE.try_with(|due| *due) {
            request = request.header(DUE_AT, (due - *EPOCH).as_micros().to_string());
        }
        match request.send().await {
            Ok(response) => {
                attempt.answered();
                Ok(response)
            }
            Err(_) => {
                attempt.lost();
                Err(CallError::Lost)
            }
        }
    }
}

impl Target for Wire {
    async fn send(&self) -> Result<(), CallError> {
        let response = self.get("").await?;
        match response.status() {
            StatusCode::OK => Ok(()),
            // without the header, it is an outage and no throttle
            StatusCode::SERVICE_UNAVAILABLE if response.headers().contains_key(RETRY_AFTER) => Err(CallError::Busy),
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = text(response.headers(), RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
                Err(CallError::Later { after: Duration::from_secs(seconds.unwrap_or(1)) })
            }
            StatusCode::GATEWAY_TIMEOUT => Err(CallError::Late),
            _ => Err(CallError::Lost),
        }
    }
}

/// Returns a client with a pool of its own.
pub(crate) fn connections() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(POOL).tcp_nodelay(true);
    builder.build().expect("a client without TLS needs nothing")
}

/// Enters an attempt into the books, at the server.
pub(crate) fn arrived(headers: &HeaderMap, books: &Books) {
    if let Some(number) = text(headers, NUMBER).and_then(|number| number.parse().ok()) {
        books.arrive(number);
    }
}

/// Returns the end that the call should have had, at the server. It needs a little grace: a time in a header is older by its way.
pub(crate) fn due(headers: &HeaderMap) -> Option<Instant> {
    Some(*EPOCH + Duration::from_micros(text(headers, DUE_AT)?.parse().ok()?))
}

/// Returns the deadline as the client wrote it, at the server.
pub(crate) fn deadline(headers: &HeaderMap) -> Option<&str> {
    text(headers, DEADLINE)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The moment from which both ends count, as they are in one process.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Starts the count at this moment.
pub(crate) fn begin() {
    LazyLock::force(&EPOCH);
}

/// The number of idle connections that a client keeps.
pub(crate) const POOL: usize = 32;
const NUMBER: &str = "x-attempt";
const DEADLINE: &str = "x-deadline";
const DUE_AT: &str = "x-due";
