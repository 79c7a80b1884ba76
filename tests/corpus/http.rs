//! Clients of other services.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilient::{
    Backoff, Budget, CircuitBreaker, Class, Retry, bulkhead, cancel, circuit_breaker, fallback, fan_out, rate_limit,
    resilient, retry, throttle, timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{Connection, Error};

const PATIENCE: Duration = Duration::from_secs(3);
static PAYMENTS: Budget = Budget::new().ratio(0.1);

/// A client of a REST service.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    breaker: CircuitBreaker,
    retry: Retry,
    stop: CancellationToken,
    calls: AtomicU32,
    token: Option<String>,
}

impl Client {
    /// Returns a client with a connection.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            breaker: CircuitBreaker::named("client"),
            retry: Retry::named("client").backoff(Backoff::none()),
            stop: CancellationToken::new(),
            calls: AtomicU32::new(0),
            token: None,
        }
    }

    /// Gets a page.
    #[timeout(total = "2s", attempt = "400ms")]
    #[retry(max = 3, backoff = "exp_jitter")]
    #[circuit_breaker(failure_rate = "50%", window = "10s")]
    #[bulkhead(limit = 64)]
    pub async fn get(&self, path: &str) -> Result<String, Error> {
        self.connection.ask(path).await
    }

    /// Gets a page unless the client is stopped.
    #[cancel(on = self.stop)]
    #[timeout(total = PATIENCE)]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    pub async fn get_until_stopped(&self, path: &str) -> Result<String, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let page = self.connection.ask(path).await?;
        if page.is_empty() {
            return Err(Error::Malformed(page));
        }
        Ok(page)
    }

    /// Posts a body and returns the one from before.
    #[timeout("5s")]
    #[retry(max = 1, clone(body), when = |error: &Error| *error == Error::Disconnected)]
    #[circuit_breaker]
    pub async fn post(&self, path: &str, body: String) -> Result<Option<String>, Error> {
        self.connection.tell(path, body).await
    }

    /// Writes a header in front of the body, which each attempt needs unchanged.
    #[retry(clone(body), budget = PAYMENTS)]
    #[circuit_breaker(name = "corpus: put")]
    #[timeout("1s")]
    pub async fn put(&self, path: &str, mut body: Vec<u8>) -> Result<usize, Error> {
        body.splice(0..0, *b"v1:");
        let length = body.len();
        let text = String::from_utf8(body).map_err(|error| Error::Malformed(error.to_string()))?;
        self.connection.tell(path, text).await?;
        Ok(length)
    }

    /// Asks a host. Each host has a breaker of its own.
    #[timeout(total = "1s")]
    #[retry]
    #[circuit_breaker(key = host, slow_call = "200ms")]
    #[rate_limit("1000/s", key = host)]
    #[bulkhead(limit = 8, key = host, max_wait = "20ms")]
    pub async fn ask_host(&self, host: &str, path: &str) -> Result<String, Error> {
        let url = format!("{host}/{path}");
        self.connection.ask(&url).await
    }

    /// Logs in, unless the client has a token.
    #[timeout("1s")]
    #[circuit_breaker]
    #[bulkhead]
    pub async fn log_in(&mut self, user: &str) -> Result<&str, Error> {
        if self.token.is_none() {
            let token = self.connection.ask(user).await?;
            self.token = Some(token);
        }
        self.token.as_deref().ok_or(Error::NotFound)
    }

    /// Works from inside an `Arc`.
    #[resilient(timeout("1s"), retry, circuit_breaker, bulkhead(limit = 4))]
    pub async fn in_the_background(self: Arc<Self>, path: String) -> Result<String, Error> {
        let client = Arc::clone(&self);
        let page = client.connection.ask(&path).await?;
        Ok(format!("{path}: {page}"))
    }

    /// Works from a borrowed `Arc`.
    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    pub async fn from_a_borrowed_arc(self: &Arc<Self>, path: &str) -> Result<usize, Error> {
        Ok(Arc::strong_count(self) + self.connection.ask(path).await?.len())
    }

    /// Returns the status of a page. The companion asks for many pages at once.
    #[fan_out(limit = 4)]
    #[timeout("1s")]
    #[retry(max = 2)]
    #[circuit_breaker]
    pub async fn status(&self, path: &str) -> Result<u16, Error> {
        match self.connection.ask(path).await {
            Ok(_) => Ok(200),
            Err(Error::NotFound) => Ok(404),
            Err(error) => Err(error),
        }
    }

    /// Closes the client and uses it up.
    #[timeout("1s")]
    #[circuit_breaker]
    #[bulkhead]
    pub async fn close(self) -> Result<u32, Error> {
        self.connection.tell("bye", String::new()).await?;
        Ok(self.calls.into_inner())
    }

    /// Connects to an address, as an associated function without a client.
    #[timeout(total = "10s", attempt = "1s")]
    #[retry(max = unlimited, backoff = "full_jitter", base = "50ms")]
    #[rate_limit("10/s")]
    pub async fn connect(address: &str) -> Result<Self, Error> {
        let _: u16 = address.rsplit(':').next().ok_or(Error::NotFound)?.parse()?;
        Ok(Self::new(Connection::default()))
    }

    /// Follows up to ten redirects.
    #[timeout("2s")]
    #[retry]
    #[circuit_breaker(consecutive = 3)]
    pub async fn follow(&self, start: &str) -> Result<String, Error> {
        let mut at = start.to_owned();
        for _ in 0..10 {
            match self.connection.ask(&at).await? {
                next if next.starts_with('/') => at = next,
                page => return Ok(page),
            }
        }
        Err(Error::Malformed(at))
    }

    /// Downloads the parts of a page and joins them.
    #[timeout("2s")]
    #[retry(on_retry = |_| (), max_hint = "1s")]
    #[circuit_breaker]
    pub async fn download(&self, parts: &[&str]) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        for part in parts {
            all.extend_from_slice(self.connection.ask(part).await?.as_bytes());
        }
        Ok(all)
    }

    /// Returns a number, or zero if there is none.
    #[fallback(value = 0)]
    #[timeout("1s")]
    #[retry(max = 1)]
    #[circuit_breaker]
    pub async fn count(&self, path: &str) -> Result<u64, Error> {
        let text = self.connection.ask(path).await?;
        let number = text.trim().parse::<u64>()?;
        Ok(number)
    }

    /// Returns a page, or the last one as a fallback.
    #[fallback(stale = "5m", key = path, shared_across(self), function = Self::offline)]
    #[timeout("1s")]
    #[retry(max = 1)]
    pub async fn cached(&self, path: &str) -> Result<String, Error> {
        self.connection.ask(path).await
    }

    async fn offline(&self, path: &str, error: &Error) -> Result<String, Error> {
        self.connection.ask("offline").await.map_err(|_| error.clone()).map(|page| page + path)
    }

    /// Returns a page. An empty page is a reason for another attempt.
    #[timeout("1s")]
    #[retry(when = |outcome: &Result<String, Error>| match outcome {
        Ok(page) if page.is_empty() => Class::Transient,
        Ok(_) => Class::Success,
        Err(_) => Class::Permanent,
    })]
    #[throttle]
    pub async fn non_empty(&self, path: &str) -> Result<String, Error> {
        self.connection.ask(path).await
    }
}

/// Returns the headers, by name.
#[timeout(total = "1s", attempt = "100ms")]
#[retry(number = number)]
#[circuit_breaker]
#[rate_limit("100/s", burst = 10)]
pub async fn headers(connection: &Connection, names: &[&str]) -> Result<BTreeMap<String, String>, Error> {
    let mut headers = BTreeMap::from([("attempt".to_owned(), number.to_string())]);
    for name in names {
        if let Ok(value) = connection.ask(name).await {
            headers.insert((*name).to_owned(), value);
        }
    }
    Ok(headers)
}

/// Checks the health: fine or not.
#[timeout("100ms")]
#[circuit_breaker(mode = "observe")]
#[bulkhead(limit = "gradient")]
pub async fn healthy(connection: &Connection) -> Result<(), Error> {
    connection.ask("health").await.map(drop)
}

/// Waits for something that never comes.
#[timeout("1s")]
#[retry(max = 1)]
#[circuit_breaker]
pub async fn long_poll() -> Result<std::convert::Infallible, Error> {
    std::future::pending().await
}

/// Reads a file, whose errors are classified already.
#[timeout("1s")]
#[retry]
#[circuit_breaker]
pub async fn certificate(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    tokio::fs::read(path).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn the_client_does_what_it_says() {
        let mut client = Client::new(Connection::with("/", "home"));

        assert_eq!(sent(client.get("/")).await.unwrap(), "home");
        assert_eq!(sent(client.get_until_stopped("/")).await.unwrap(), "home");
        assert_eq!(sent(client.post("/a", "b".to_owned())).await.unwrap(), None);
        assert_eq!(sent(client.put("/c", vec![b'd'])).await.unwrap(), 4);
        assert_eq!(sent(client.ask_host("h", "p")).await, Err(Error::NotFound));
        assert_eq!(sent(client.log_in("/")).await.unwrap(), "home");
        assert_eq!(sent(client.status("/")).await.unwrap(), 200);
        assert_eq!(sent(client.status_all(["/", "/none"])).await, [Ok(200), Ok(404)]);
        assert_eq!(sent(client.follow("/")).await.unwrap(), "home");
        assert_eq!(sent(client.download(&["/", "/"])).await.unwrap(), b"homehome");
        assert_eq!(sent(client.non_empty("/")).await.unwrap(), "home");
        assert!(sent(client.count("/")).await.is_err());
        assert_eq!(sent(client.cached("/")).await.unwrap(), "home");
        assert_eq!(sent(headers(&client.connection, &["/"])).await.unwrap()["attempt"], "0");
        assert_eq!(sent(healthy(&client.connection)).await, Err(Error::NotFound));
        assert!(sent(long_poll()).await.is_err());
        drop(sent(certificate(std::path::Path::new("none"))));
        let client = Arc::new(client);
        assert_eq!(sent(client.from_a_borrowed_arc("/")).await.unwrap(), 5);
        assert_eq!(sent(Arc::clone(&client).in_the_background("/".to_owned())).await.unwrap(), "/: home");
        assert_eq!(sent(Arc::into_inner(client).unwrap().close()).await.unwrap(), 1);
        assert!(sent(Client::connect("host:80")).await.is_ok());
    }
}
