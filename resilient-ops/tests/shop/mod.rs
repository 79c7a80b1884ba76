//! A program with a policy of each kind, and its snapshot as the runtime gives it.

#![allow(dead_code, reason = "no call is made")]

use std::time::Duration;

use resilient::{
    Bulkhead, CircuitBreaker, Fallback, PerKey, RateLimit, batch, bulkhead, cancel, circuit_breaker, coalesce,
    fallback, fan_out, hedge, measure, rate_limit, retry, throttle, timeout,
};
use resilient_ops::Snapshot;

/// The error of all calls.
#[derive(Debug, Clone, resilient::Classify)]
pub(crate) enum Failed {
    #[transient]
    Down,
    #[transparent(from)]
    Refused(resilient::Error),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}

#[measure(buckets = ["10ms", "100ms", "500ms", "1s"])]
#[fallback(value = 0)]
#[timeout(total = "1s")]
#[retry(max = 3, base = "10ms")]
#[circuit_breaker(open_for = "2s")]
#[rate_limit("150/s", max_wait = "50ms")]
#[bulkhead(limit = 16, queue = 10, max_wait = "100ms")]
#[timeout(attempt = "300ms")]
pub(crate) async fn price(article: u64) -> Result<u64, Failed> {
    Ok(article)
}

#[fan_out(limit = 4)]
#[coalesce(key = word)]
#[hedge(idempotent, after = "30ms", ratio = "20%")]
#[throttle(k = 1.5)]
#[rate_limit("600/min", weight = 3, max_wait = "1s")]
pub(crate) async fn search(word: &str) -> Result<usize, Failed> {
    Ok(word.len())
}

/// Has no retry, and a breaker that several functions could share.
#[timeout(total = "2s")]
#[circuit_breaker(name = "orders", open_for = "10s", open_max = "1m")]
#[bulkhead(limit = 4)]
pub(crate) async fn order(article: u64) -> Result<u64, Failed> {
    Ok(article)
}

#[batch(max_size = 50, max_wait = "2ms")]
#[cancel(on = token)]
#[retry(max = 2, budget = none)]
pub(crate) async fn stock(
    token: &tokio_util::sync::CancellationToken,
    ids: Vec<u64>,
) -> Result<std::collections::HashMap<u64, u64>, Failed> {
    let _ = token;
    Ok(ids.iter().map(|id| (*id, 1)).collect())
}

#[circuit_breaker(key = host, name = "hosts")]
pub(crate) async fn host(host: &str) -> Result<usize, Failed> {
    Ok(host.len())
}

/// Shares its breaker with `credit`, which is outermost there.
#[retry(max = 1)]
#[circuit_breaker(name = "money")]
pub(crate) async fn refund(article: u64) -> Result<u64, Failed> {
    Ok(article)
}

#[circuit_breaker(name = "money")]
pub(crate) async fn credit(article: u64) -> Result<u64, Failed> {
    Ok(article)
}

/// A store that nobody has connected.
struct Nowhere;

impl resilient::shared::Store for Nowhere {
    fn name(&self) -> &'static str {
        "nowhere"
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(5)
    }

    fn machines(&self) -> u32 {
        1
    }

    fn lease<'a>(&'a self, _: &'a str, _: resilient::shared::Ask) -> resilient::shared::Leasing<'a> {
        Box::pin(async { Err(resilient::shared::StoreError::new("nowhere")) })
    }
}

/// The snapshot of this program.
pub(crate) fn snapshot() -> Snapshot {
    static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments")
        .open_for(Duration::from_secs(10))
        .open_max(Duration::from_secs(60))
        .open_growth(2.0);
    static PLACES: Bulkhead = Bulkhead::named("places").limit(8).max_wait(Duration::ZERO);
    static CLIENTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("clients").rate(10, Duration::from_secs(1))).capacity(100);
    static UNUSED: Fallback = Fallback::named("unused");
    static ODD: CircuitBreaker = CircuitBreaker::named("{{ odd }} \"name\" | \\ é");
    static FLEET: RateLimit = RateLimit::named("fleet").rate(100, Duration::from_secs(1)).shared_through(&Nowhere);
    static SERVER: CircuitBreaker = CircuitBreaker::named("server").shared_through(&Nowhere);
    resilient::list(&FLEET);
    resilient::list(&SERVER);
    resilient::list(&ODD);
    resilient::list(&PAYMENTS);
    resilient::list(&PLACES);
    resilient::list(&CLIENTS);
    resilient::list(&UNUSED);
    let json = serde_json::to_string(&resilient::policies()).expect("it is JSON");
    Snapshot::from_json(&json).expect("the runtime's snapshot is read")
}
