//! A search over many replicas: hedged, shared, fanned out, with another answer as the last resort.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use resilient::{
    Bulkhead, CircuitBreaker, Deadline, Hedge, bulkhead, cancel, circuit_breaker, coalesce, fallback, fan_out, hedge,
    rate_limit, resilient, retry, throttle, timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{Connection, Error};

/// The time that a slow replica has to itself before a second attempt begins.
const PATIENCE: Duration = Duration::from_millis(20);
/// The longest that a whole search may take.
pub const LONGEST: Duration = Duration::from_secs(2);

/// A result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The place of the result.
    pub at: String,
    /// The quality of the match.
    pub score: u32,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query<'a> {
    /// The words to search for.
    pub words: Cow<'a, str>,
    /// The most hits to return.
    pub limit: usize,
}

/// One of several servers with the same data.
#[derive(Debug)]
pub struct Replica {
    /// Its name.
    pub name: &'static str,
    connection: Connection,
    breaker: CircuitBreaker,
    hedge: Hedge,
}

impl Replica {
    /// Returns a replica that knows one thing.
    #[must_use]
    pub fn with(name: &'static str, key: &str, value: &str) -> Self {
        Self {
            name,
            connection: Connection::with(key, value),
            breaker: CircuitBreaker::named(name),
            hedge: Hedge::named(name).after(PATIENCE),
        }
    }

    /// Asks the replica, and makes a second attempt beside a slow one.
    #[coalesce(key = (query.words, query.limit))]
    #[timeout(total = LONGEST, attempt = "400ms")]
    #[retry(max = 3, backoff = "full_jitter", base = "10ms")]
    #[hedge(with = self.hedge, idempotent)]
    #[circuit_breaker(with = self.breaker)]
    pub async fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, Error> {
        let at = self.connection.ask(&query.words).await?;
        Ok(vec![Hit { at, score: 1 }; query.limit.min(1)])
    }

    /// Returns the best hit, or the one from before as the last resort.
    #[fallback(stale = "5m", key = words, shared_across(self), value = None)]
    #[timeout("1s")]
    #[retry(max = 1, base = "5ms")]
    #[circuit_breaker(with = self.breaker)]
    #[bulkhead(limit = 8)]
    pub async fn best(&self, words: &str) -> Result<Option<Hit>, Error> {
        let query = Query { words: words.into(), limit: 1 };
        Ok(self.search(&query).await?.pop())
    }

    /// Looks until `enough` says to stop.
    #[cancel(on = enough)]
    #[timeout(total = "10s", attempt = "1s")]
    #[retry(max = unlimited, base = "5ms", cap = "1s")]
    #[circuit_breaker(with = self.breaker)]
    pub async fn look_until(&self, words: &str, enough: &CancellationToken) -> Result<Hit, Error> {
        let at = self.connection.ask(words).await?;
        if enough.is_cancelled() { Err(Error::NotFound) } else { Ok(Hit { at, score: 2 }) }
    }

    /// Counts the words that are known. Each attempt needs the whole list.
    #[timeout("1s")]
    #[retry(clone(words), max = 2)]
    #[hedge(idempotent, after = "p99", min_after = "5ms", max_after = "500ms", max = 2, ratio = "10%", clone(words))]
    #[rate_limit("500/s", burst = 50)]
    pub async fn count(&self, words: Vec<String>) -> Result<usize, Error> {
        let mut found = 0;
        for word in words {
            found += usize::from(self.connection.ask(&word).await.is_ok());
        }
        Ok(found)
    }
}

/// All replicas, and the limit in front of them.
#[derive(Debug)]
pub struct Fleet {
    replicas: Vec<Replica>,
    stop: CancellationToken,
    places: Bulkhead,
}

impl Fleet {
    /// Returns a fleet of these replicas.
    #[must_use]
    pub fn of(replicas: Vec<Replica>) -> Self {
        Self { replicas, stop: CancellationToken::new(), places: Bulkhead::named("fleet").limit(32) }
    }

    /// Asks one replica. The forms for many replicas ask each of them so.
    #[fan_out(limit = 4, companion = ask_each)]
    #[timeout(total = "1s", attempt = "300ms")]
    #[retry(max = 1)]
    #[hedge(idempotent, after = "30ms")]
    #[bulkhead(with = self.places)]
    async fn ask(&self, words: &str, #[each] replica: &Replica) -> Result<Hit, Error> {
        let at = replica.connection.ask(words).await?;
        Ok(Hit { at, score: 3 })
    }

    /// Returns the hits of all replicas that answer, in the replicas' order.
    #[cancel(on = self.stop)]
    #[timeout("3s")]
    #[circuit_breaker(consecutive = 3)]
    #[bulkhead(limit = 4, queue = 100)]
    pub async fn all(&self, words: &str) -> Result<Vec<Hit>, Error> {
        Ok(self.ask_each(words, &self.replicas).await.into_iter().flatten().collect())
    }

    /// Returns the first hit.
    #[cancel(on = self.stop)]
    #[timeout("3s")]
    #[retry(max = 1, nested = "suppress")]
    #[rate_limit("100/s")]
    pub async fn first(&self, words: &str) -> Result<Hit, Error> {
        let first = self.ask_each(words, self.replicas.iter()).first_ok().await;
        first.map_err(|mut errors| errors.pop().unwrap_or(Error::NotFound))
    }

    /// Returns the hits that most replicas agree on.
    #[timeout("3s")]
    #[coalesce(key = (words, most))]
    #[circuit_breaker(window = "30s")]
    #[bulkhead(limit = 2, priority = "low")]
    pub async fn agreed(&self, words: &str, most: NonZeroUsize) -> Result<Vec<Hit>, Error> {
        let quorum = self.ask_each(words, self.replicas.iter().rev()).quorum(most.get()).await;
        quorum.map_err(|_| Error::Disconnected)
    }

    /// Returns the hits that have come after half of the time.
    #[timeout("1s")]
    #[fallback(value = BTreeMap::new())]
    #[circuit_breaker]
    #[throttle]
    pub async fn soon(&self, words: &str) -> Result<BTreeMap<usize, Hit>, Error> {
        let half = Deadline::current().map_or(Duration::from_millis(100), |deadline| deadline.remaining() / 2);
        let settled = self.ask_each(words, &self.replicas).settle_within(half).await;
        Ok(settled.into_iter().enumerate().filter_map(|(place, answer)| Some((place, answer.ok()?))).collect())
    }

    /// Adds up the scores as the replicas answer, two at a time.
    #[cancel(on = self.stop)]
    #[timeout("2s")]
    #[retry(max = 1, backoff = "none", nested = "suppress")]
    #[circuit_breaker]
    pub async fn scores(&self, words: &str) -> Result<u32, Error> {
        use futures_util::{StreamExt, TryStreamExt};

        self.ask_each(words, &self.replicas)
            .limit(2)
            .unordered()
            .map(|(_, answer)| answer)
            .try_fold(0, async |sum, hit| Ok(sum + hit.score))
            .await
    }

    /// Stops every search of the fleet.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// A service that searches.
#[async_trait]
pub trait Searcher: Send + Sync {
    /// Searches while there is time left.
    async fn search(&self, words: &str) -> Result<Vec<String>, Error>;

    /// Returns the number of results. The default counts the results of a search.
    #[timeout("2s")]
    #[retry(max = 2)]
    #[hedge(idempotent)]
    #[bulkhead(limit = 3)]
    async fn count(&self, words: &str) -> Result<usize, Error> {
        Ok(self.search(words).await?.len())
    }
}

#[async_trait]
impl Searcher for Fleet {
    #[timeout(total = "2s", attempt = "500ms")]
    #[retry(max = 2, max_elapsed = "1s")]
    #[hedge(idempotent, after = "p90", name = "corpus: searcher")]
    #[circuit_breaker(failure_rate = "60%", window = 20)]
    async fn search(&self, words: &str) -> Result<Vec<String>, Error> {
        let mut found: Vec<String> = self.all(words).await?.into_iter().map(|hit| hit.at).collect();
        found.sort_unstable();
        Ok(found)
    }
}

#[async_trait]
impl<S: Searcher + ?Sized> Searcher for Arc<S> {
    #[resilient(timeout("5s"), coalesce(key = words), circuit_breaker, bulkhead(limit = 1))]
    async fn search(&self, words: &str) -> Result<Vec<String>, Error> {
        (**self).search(words).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    fn fleet() -> Fleet {
        Fleet::of(vec![
            Replica::with("corpus: a", "tide", "high"),
            Replica::with("corpus: b", "ebb", "low"),
            Replica::with("corpus: c", "tide", "wave"),
        ])
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_does_what_it_says() {
        let replica = Replica::with("corpus: one", "tide", "high");
        let query = Query { words: "tide".into(), limit: 10 };

        let (one, other) = tokio::join!(sent(replica.search(&query)), replica.search(&query));
        assert_eq!((&one, one.as_ref().unwrap().len()), (&other, 1));
        assert_eq!(sent(replica.best("tide")).await.unwrap().unwrap().at, "high");
        assert_eq!(sent(replica.best("none")).await, Err(Error::NotFound), "which is an answer");
        assert_eq!(sent(replica.count(vec!["tide".to_owned(), "none".to_owned()])).await, Ok(1));
        let enough = CancellationToken::new();
        assert_eq!(sent(replica.look_until("tide", &enough)).await.unwrap().score, 2);
        enough.cancel();
        assert!(matches!(replica.look_until("tide", &enough).await, Err(Error::Refused(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fleet_does_what_it_says() {
        let fleet = fleet();

        assert_eq!(sent(fleet.all("tide")).await.unwrap().len(), 2);
        assert_eq!(sent(fleet.first("ebb")).await.unwrap().at, "low");
        assert_eq!(sent(fleet.agreed("tide", NonZeroUsize::new(2).unwrap())).await.unwrap().len(), 2);
        assert_eq!(fleet.agreed("ebb", NonZeroUsize::new(2).unwrap()).await, Err(Error::Disconnected));
        assert_eq!(sent(fleet.soon("tide")).await.unwrap().keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(sent(fleet.scores("tide")).await, Err(Error::NotFound));
        assert_eq!(sent(Searcher::search(&fleet, "tide")).await.unwrap(), ["high", "wave"]);
        let fleet = Arc::new(fleet);
        assert_eq!(sent(Searcher::count(&fleet, "tide")).await, Ok(2));
        assert_eq!(sent(Searcher::search(&fleet, "ebb")).await.unwrap(), ["low"]);
        fleet.stop();
        assert!(fleet.all("tide").await.is_err());
    }
}
