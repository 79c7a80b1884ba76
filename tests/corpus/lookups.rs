//! Look-ups of one key in place of many: batches of them, and caches and sums over what they find.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use resilient::{batch, bulkhead, circuit_breaker, fallback, fan_out, rate_limit, resilient, retry, timeout};

use crate::{Connection, Error};

/// The standard result with an error of this crate.
type Result<T> = std::result::Result<T, Error>;

/// The time for which a batch is gathered.
const GATHERING: Duration = Duration::from_millis(3);

/// Prices, by article.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    store: Arc<Connection>,
    tenant: Arc<str>,
}

impl Prices {
    /// Returns the prices of a tenant in that store.
    #[must_use]
    pub fn of(tenant: &str, store: Connection) -> Self {
        Self { store: Arc::new(store), tenant: tenant.into() }
    }

    /// Looks up the prices of many articles. `price` looks up one of them.
    #[batch(companion = price, max_size = 50, max_wait = GATHERING, group = self.tenant)]
    #[timeout(total = "1s", attempt = "200ms")]
    #[retry(max = 2, base = "5ms")]
    #[circuit_breaker(failure_rate = "50%")]
    pub async fn prices(&self, articles: Vec<u32>) -> Result<HashMap<u32, u64>> {
        let mut prices = HashMap::new();
        for article in &articles {
            match self.store.ask(&article.to_string()).await {
                Ok(price) => drop(prices.insert(*article, price.len() as u64)),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(prices)
    }

    /// Looks up many names, each with its own outcome.
    #[batch(max_size = 20)]
    #[timeout("500ms")]
    #[retry]
    #[rate_limit("1000/s")]
    #[bulkhead(limit = 5, weight = u32::try_from(names.len()).unwrap_or(u32::MAX))]
    pub async fn by_name(&self, names: Vec<String>) -> Result<Vec<Result<String>>> {
        let mut all = Vec::with_capacity(names.len());
        for name in &names {
            all.push(self.store.ask(name).await);
        }
        Ok(all)
    }

    /// Converts prices to a currency, which is the same for a whole batch.
    #[batch(max_wait = "1ms", group = (self.tenant, currency))]
    #[fallback(value = HashMap::new())]
    #[timeout("1s")]
    #[retry(clone(currency, articles))]
    #[circuit_breaker(name = "corpus: converted")]
    pub async fn converted(&self, currency: String, #[each] articles: Vec<u32>) -> Result<HashMap<u32, String>> {
        let suffix = currency;
        let prices = self.prices(articles).await?;
        Ok(prices.into_iter().map(|(article, price)| (article, format!("{price}{suffix}"))).collect())
    }

    /// Returns the sum over a basket. Each price is a call of its own, which joins the batch of all callers.
    #[timeout("2s")]
    #[retry(max = 1, nested = "suppress")]
    #[circuit_breaker]
    #[bulkhead]
    pub async fn sum(&self, basket: &[u32]) -> Result<u64> {
        let mut sum = 0;
        for price in self.price_each_all(basket.iter().copied()).await {
            sum += price?;
        }
        Ok(sum)
    }

    /// Returns one price. A missing one is an error.
    #[fan_out(limit = 100, companion = price_each_all)]
    #[timeout("1s")]
    #[circuit_breaker(with = BASKETS)]
    #[bulkhead(limit = 200)]
    async fn price_each(&self, article: u32) -> Result<u64> {
        self.price(article).await?.ok_or(Error::NotFound)
    }
}

/// The breaker that all baskets share.
static BASKETS: resilient::CircuitBreaker = resilient::CircuitBreaker::named("corpus: baskets");

/// Returns the places of articles, by number.
#[batch(companion = place)]
#[timeout("1s")]
#[retry(backoff = "linear")]
#[circuit_breaker]
#[rate_limit("10/s", burst = 10)]
pub async fn places(articles: Vec<u16>) -> Result<HashMap<u16, &'static str>> {
    let place = |article: &u16| if article.is_multiple_of(2) { "left" } else { "right" };
    Ok(articles.iter().map(|article| (*article, place(article))).collect())
}

/// A cache in front of something slow.
#[derive(Debug)]
pub struct Cache<K, V> {
    entries: HashMap<K, V>,
}

impl<K, V> Cache<K, V>
where
    K: Clone + Eq + Hash + Debug + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    /// Returns an empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: HashMap::new() }
    }

    /// Returns the entries of these keys. A missing one is an error.
    #[timeout("1s")]
    #[retry(clone(keys))]
    #[circuit_breaker]
    #[bulkhead(limit = 10)]
    pub async fn present(&self, keys: HashSet<K>) -> Result<Vec<(K, V)>> {
        let mut all = Vec::new();
        for key in keys {
            all.push((key.clone(), self.entries.get(&key).cloned().ok_or(Error::NotFound)?));
        }
        Ok(all)
    }

    /// Returns the entry of the key. A missing one becomes the default.
    #[fallback(value = V::default())]
    #[timeout("1s")]
    #[circuit_breaker]
    #[rate_limit("100/s")]
    pub async fn get_or_default(&mut self, key: &K) -> Result<V> {
        if let Some(value) = self.entries.get(key) {
            return Ok(value.clone());
        }
        tokio::task::yield_now().await;
        Ok(self.entries.entry(key.clone()).or_default().clone())
    }

    /// Fills the cache from a source, with the keys that are missing.
    #[resilient(timeout("3s"), retry(max = 1, base = "10ms"), circuit_breaker, bulkhead(limit = 1, queue = 10))]
    pub async fn fill<S>(&mut self, keys: &[K], source: S) -> Result<usize>
    where
        S: AsyncFn(&K) -> Result<V> + Send + Sync,
    {
        let mut new = 0;
        for key in keys {
            if !self.entries.contains_key(key) {
                self.entries.insert(key.clone(), source(key).await?);
                new += 1;
            }
        }
        Ok(new)
    }
}

impl<K, V> Default for Cache<K, V>
where
    K: Clone + Eq + Hash + Debug + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the words by their first letter. The words may be borrowed from anywhere.
#[timeout("1s")]
#[retry(max = 2, backoff = "none")]
#[circuit_breaker]
#[bulkhead(limit = 4, mode = "observe")]
pub async fn by_letter<'w, I>(words: I) -> Result<BTreeMap<char, Vec<&'w str>>>
where
    I: IntoIterator<Item = &'w str> + Clone,
{
    let mut sorted: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    for word in words.clone() {
        let letter = word.chars().next().ok_or_else(|| Error::Malformed("an empty word".to_owned()))?;
        sorted.entry(letter).or_default().push(word);
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn prices_do_what_they_say() {
        let prices = Prices::of("shop", Connection::with("7", "four"));
        let (one, none) = tokio::join!(sent(prices.price(7)), prices.price(8));

        assert_eq!((one, none), (Ok(Some(4)), Ok(None)));
        assert_eq!(sent(prices.by_name_one("7".to_owned())).await.unwrap(), "four");
        assert_eq!(sent(prices.converted_one("EUR".to_owned(), 7)).await.unwrap().unwrap(), "4EUR");
        assert_eq!(sent(prices.sum(&[7, 7, 7])).await, Ok(12));
        assert_eq!(sent(prices.sum(&[7, 8])).await, Err(Error::NotFound));
        assert_eq!(sent(place(3)).await, Ok(Some("right")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cache_does_what_it_says() {
        let mut cache: Cache<&str, u32> = Cache::new();

        assert_eq!(sent(cache.get_or_default(&"a")).await, Ok(0));
        assert_eq!(cache.fill(&["a", "b"], async |_: &&str| Ok(1)).await, Ok(1));
        assert_eq!(sent(cache.present(HashSet::from(["b"]))).await, Ok(vec![("b", 1)]));
        assert_eq!(sent(cache.present(HashSet::from(["c"]))).await, Err(Error::NotFound));
        assert_eq!(sent(by_letter(["ebb", "eel", "tide"])).await.unwrap()[&'e'], ["ebb", "eel"]);
    }
}
