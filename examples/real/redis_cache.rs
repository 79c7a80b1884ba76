//! A cache in Redis that stands still for a second, and the look-ups that need it.
//!
//! The client waits for as long as the server is silent. With a time-out, a breaker and the origin as the fallback, a look-up is late once or twice, and then goes
//! to the origin at once. `REDIS_URL` says the server; `examples/real/run.sh` starts one.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, RedisError};
use resilient::{Classify, bulkhead, circuit_breaker, fallback, timeout};
use tokio::time::sleep;

#[derive(Debug, thiserror::Error, Classify)]
enum CacheError {
    #[error("the cache: {0}")]
    #[transparent]
    Cache(#[from] RedisError),
    #[error(transparent)]
    #[transparent]
    Refused(#[from] resilient::Error),
    #[error("the origin is busy: {0}")]
    #[permanent]
    Origin(resilient::Error),
}

/// Returns the price of an article: from the cache, else from the origin.
#[fallback(function = from_origin)]
#[circuit_breaker(consecutive = 5, open_for = "200ms")]
#[timeout("50ms")]
async fn price(cache: &MultiplexedConnection, article: u32) -> Result<u32, CacheError> {
    Ok(cached(cache, article).await?)
}

async fn from_origin(_: &MultiplexedConnection, article: &u32, _: &CacheError) -> Result<u32, CacheError> {
    origin(*article).await.map_err(CacheError::Origin)
}

/// Asks the origin, which is slower than the cache, and must not have all of its work at once.
#[bulkhead(limit = 32, queue = 256)]
async fn origin(article: u32) -> Result<u32, resilient::Error> {
    FROM_ORIGIN.fetch_add(1, Relaxed);
    sleep(Duration::from_millis(5)).await;
    Ok(article * 3)
}

/// Asks the cache.
async fn cached(cache: &MultiplexedConnection, article: u32) -> Result<u32, RedisError> {
    cache.clone().get(article).await
}

static FROM_ORIGIN: AtomicU32 = AtomicU32::new(0);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(url) = std::env::var("REDIS_URL") else {
        if std::env::var("REQUIRE_SERVERS").is_ok_and(|required| required == "1") {
            return Err("REDIS_URL is not set, and REQUIRE_SERVERS=1 lets no example be skipped".into());
        }
        println!("redis_cache: SKIPPED, for REDIS_URL names no Redis; examples/real/run.sh starts one");
        return Ok(());
    };
    let client = redis::Client::open(url)?;
    let settings = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let cache = client.get_multiplexed_async_connection_with_config(&settings).await?;
    for article in 0..100_u32 {
        let () = cache.clone().set(article, article * 3).await?;
    }
    println!("redis_cache: 400 look-ups in two seconds; the cache stands still for one of them");
    println!("{:10} {:>7} {:>7} {:>11} {:>10} {:>10}", "", "answers", "failed", "from origin", "p90", "longest");
    let before = run(&client, &cache, "before", false).await?;
    let after = run(&client, &cache, "after", true).await?;
    if after >= before {
        return Err(format!("nine in ten look-ups took {after:.1?} with policies, and {before:.1?} without").into());
    }
    Ok(())
}

/// Makes all look-ups, prints a line, and returns the time within which nine in ten ended.
async fn run(
    client: &redis::Client,
    cache: &MultiplexedConnection,
    name: &str,
    with_policies: bool,
) -> Result<Duration, Box<dyn std::error::Error>> {
    FROM_ORIGIN.store(0, Relaxed);
    let mut control = client.get_multiplexed_async_connection().await?;
    let mut lookups = Vec::new();
    for number in 0..400_u32 {
        if number == 50 {
            let () = redis::cmd("CLIENT").arg("PAUSE").arg(1_000).arg("ALL").query_async(&mut control).await?;
        }
        let cache = cache.clone();
        lookups.push(tokio::spawn(async move {
            let (began, article) = (Instant::now(), number % 100);
            let found =
                if with_policies { price(&cache, article).await.ok() } else { cached(&cache, article).await.ok() };
            (began.elapsed(), found == Some(article * 3))
        }));
        sleep(Duration::from_millis(5)).await;
    }
    let mut times = Vec::new();
    let mut failed = 0;
    for lookup in lookups {
        let (took, is_good) = lookup.await?;
        times.push(took);
        failed += u32::from(!is_good);
    }
    times.sort_unstable();
    let (p90, longest) = (times[times.len() * 9 / 10], times[times.len() - 1]);
    let (answers, origin) = (times.len() as u32 - failed, FROM_ORIGIN.load(Relaxed));
    println!("{name:10} {answers:7} {failed:7} {origin:11} {p90:>10.1?} {longest:>10.1?}");
    Ok(p90)
}
