//! Limits that adapt while calls are made.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use congestion_limiter::limiter::{DefaultLimiter, Limiter as _, Outcome};
use congestion_limiter::limits::{self, LimitAlgorithm};
use resilient::bulkhead;
use tower::Layer as _;
use tower_resilience::adaptive::{AdaptiveLimiterLayer, Aimd, Vegas};

use super::Counter;
use crate::case::{Case, Table};
use crate::drive::{poll, repeat};
use crate::work::{Busy, Failure, attempt};

pub(super) fn table() -> Table {
    Table::new(
        "Adaptive limit",
        "A limit between 10 and 100 that begins at 20. Every call finds room and succeeds, and there are too few for the \
         limit to grow. By hand, it is the counter of the fixed limit, the time of each call, and the shortest so far. Ours \
         times one call in so many when there are many. congestion-limiter's Vegas looks away from calls of less than a \
         microsecond, as these are unless their instructions are counted; its gradient is not here, because it panics at a \
         call that is longer than that and shorter than the average.",
        vec![
            Case::new("counter and clock by hand", |calls| {
                static COUNTER: Counter = Counter::new();
                static SHORTEST: AtomicU64 = AtomicU64::new(u64::MAX);
                poll(repeat(calls, async |id| {
                    let _place = COUNTER.enter(INITIAL).expect("room");
                    let start = Instant::now();
                    let outcome = attempt::<Failure>(id).await;
                    let took = start.elapsed().as_nanos() as u64;
                    if took < SHORTEST.load(Relaxed) {
                        SHORTEST.fetch_min(took, Relaxed);
                    }
                    outcome.unwrap()
                }))
            }),
            Case::new("resilient `#[bulkhead(limit = \"aimd\")]`", |calls| {
                #[bulkhead(limit = "aimd", min_limit = 10, max_limit = 100, initial_limit = 20)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            })
            .counted_over(SAMPLED),
            Case::new("resilient `#[bulkhead(limit = \"vegas\")]`", |calls| {
                #[bulkhead(limit = "vegas", min_limit = 10, max_limit = 100, initial_limit = 20)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            })
            .counted_over(SAMPLED),
            Case::new("resilient `#[bulkhead(limit = \"gradient\")]`", |calls| {
                #[bulkhead(limit = "gradient", min_limit = 10, max_limit = 100, initial_limit = 20)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            })
            .counted_over(SAMPLED),
            congestion_limiter("congestion-limiter, AIMD", || limits::Aimd::new(INITIAL as usize, RANGE)),
            congestion_limiter("congestion-limiter, Vegas", || limits::Vegas::new(INITIAL as usize, RANGE)),
            Case::service("tower-resilience, AIMD", || {
                let aimd = Aimd::builder()
                    .initial_limit(INITIAL as usize)
                    .min_limit(*RANGE.start())
                    .max_limit(*RANGE.end())
                    .latency_threshold(Duration::from_millis(100))
                    .build()
                    .expect("a configuration that makes sense");
                AdaptiveLimiterLayer::new(aimd).layer(tower::service_fn(attempt::<Busy>))
            }),
            Case::service("tower-resilience, Vegas", || {
                let vegas = Vegas::builder()
                    .initial_limit(INITIAL as usize)
                    .min_limit(*RANGE.start())
                    .max_limit(*RANGE.end())
                    .build()
                    .expect("a configuration that makes sense");
                AdaptiveLimiterLayer::new(vegas).layer(tower::service_fn(attempt::<Busy>))
            }),
        ],
    )
    .shared()
}

fn congestion_limiter<L>(name: &'static str, limit: impl FnOnce() -> L + Send + 'static) -> Case
where
    L: LimitAlgorithm + Send + Sync + Debug + 'static,
{
    Case::prepared(name, || {
        let limiter = Arc::new(DefaultLimiter::new(limit()));
        move |calls| {
            poll(repeat(calls, async |id| {
                let token = limiter.try_acquire().await.expect("room");
                let outcome = attempt::<Failure>(id).await;
                limiter.release(token, Some(Outcome::Success)).await;
                outcome.unwrap()
            }))
        }
    })
}

/// So many calls that it matters little which of them are timed.
const SAMPLED: u64 = 50_000;
const INITIAL: u32 = 20;
const RANGE: RangeInclusive<usize> = 10..=100;
