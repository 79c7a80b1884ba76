//! The rate limit: with room, and used up.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock, RwLock};
use std::time::{Duration, Instant};

use governor::clock::{Clock, MonotonicClock, QuantaClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use limitador::limit::{Context, Limit};
use resilient::{RateLimit, Reason, rate_limit};
use throttle_kit::InMemoryBackend;
use tower::load_shed::error::Overloaded;
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _};
use tower_resilience::ratelimiter::{RateLimiterLayer, RateLimiterServiceError};

use crate::case::{Case, Table};
use crate::counted::{Ending, Place, Refusal};
use crate::drive::{poll, repeat, runtime};
use crate::work::{Busy, Failure, Unwell, answer, attempt};

pub(crate) fn tables() -> Vec<Table> {
    vec![with_room(), when_used_up(), of_each_key()]
}

fn with_room() -> Table {
    Table::new(
        "Rate limit, with room",
        "A thousand million calls a second, so that none is refused. By hand, it is the generic cell rate algorithm in one \
         atomic word, with the standard library's clock; governor's own clock is quanta, which reads the processor's counter. \
         By hand and counted, each call also counts by its outcome, also if it is dropped. tower's limit belongs to one thread: it cannot \
         be cloned.",
        vec![
            Case::new("cell rate by hand", |calls| {
                static CELL: Cell = Cell::new(Duration::from_nanos(1));
                poll(repeat(calls, async |id| {
                    assert!(CELL.admit(SECOND));
                    attempt::<Failure>(id).await.unwrap()
                }))
            }),
            Case::new("cell rate by hand, counted", |calls| {
                static CELL: Cell = Cell::new(Duration::from_nanos(1));
                poll(repeat(calls, async |id| {
                    assert!(CELL.admit(SECOND));
                    let mut ending = Ending::at(LET_THROUGH);
                    let outcome = attempt::<Failure>(id).await;
                    ending.end(outcome.is_ok());
                    outcome.unwrap()
                }))
            }),
            Case::new("resilient `#[rate_limit]`", |calls| {
                #[rate_limit("1000000000/s")]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            }),
            Case::new("resilient, with `weight`", |calls| {
                #[rate_limit("1000000000/s", weight = (id & 7) + 2)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            }),
            Case::new("resilient, with `weight` and `cost`", |calls| {
                #[rate_limit("1000000000/s", weight = (id & 7) + 2, cost = |answer| *answer & 7)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            }),
            Case::new("resilient `RateLimit`", |calls| {
                static POLICY: RateLimit = RateLimit::named("with room").rate(MANY, SECOND);
                poll(repeat(calls, async |id| {
                    let permit = POLICY.acquire().await.expect("room");
                    permit.settle(attempt::<Failure>(id).await).unwrap()
                }))
            }),
            answered_by_governor("governor", QuantaClock::default).counted_over(CALIBRATED),
            answered_by_governor("governor, std clock", MonotonicClock::default),
            Case::new("tower", |calls| {
                poll(async {
                    let service = tower::service_fn(attempt::<Busy>);
                    let mut service = ServiceBuilder::new().rate_limit(MANY.into(), SECOND).service(service);
                    repeat(calls, async |id| service.ready().await.unwrap().call(id).await.unwrap()).await
                })
            })
            .alone(),
            Case::prepared("leaky-bucket", || {
                let _entered = runtime().enter();
                let many = MANY as usize;
                let limiter =
                    leaky_bucket::RateLimiter::builder().max(many).initial(many).refill(many).interval(SECOND).build();
                move |calls| {
                    poll(repeat(calls, async |id| {
                        limiter.acquire_one().await;
                        attempt::<Failure>(id).await.unwrap()
                    }))
                }
            }),
            Case::service("tower-resilience", || {
                let layer = RateLimiterLayer::builder().limit_for_period(MANY as usize).refresh_period(SECOND).build();
                layer.expect("a rate").layer(tower::service_fn(attempt::<Busy>))
            }),
        ],
    )
    .shared()
}

fn when_used_up() -> Table {
    Table::new(
        "Rate limit, used up",
        "One call an hour, which was made: every other is refused, without a wait. By hand and counted, each refusal counts and says \
         when to come back. tower needs its `LoadShed` for that.",
        vec![
            Case::prepared("cell rate by hand", || {
                static CELL: Cell = Cell::new(HOUR);
                CELL.admit(Duration::ZERO);
                |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(!CELL.admit(Duration::ZERO));
                        answer(id)
                    }))
                }
            }),
            Case::prepared("cell rate by hand, counted", || {
                static CELL: Cell = Cell::new(HOUR);
                CELL.admit(Duration::ZERO);
                |calls| {
                    let before = REFUSED.sum();
                    let sum = poll(repeat(calls, async |id| {
                        let Err(refusal) = CELL.admit_counted() else { panic!("it is not used up") };
                        assert!(refusal.retry_after.is_some());
                        answer(id)
                    }));
                    assert!(REFUSED.sum() >= before + calls);
                    sum
                }
            }),
            Case::prepared("resilient `#[rate_limit]`", || {
                #[rate_limit("1/h")]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(ours(0)).expect("the first");
                |calls| {
                    poll(repeat(calls, async |id| {
                        let Err(Failure::Refused(refusal)) = ours(id).await else { panic!("it is not used up") };
                        assert!(matches!(refusal.reason(), Reason::RateLimited { .. }));
                        answer(id)
                    }))
                }
            }),
            Case::prepared("resilient `RateLimit`", || {
                static POLICY: RateLimit = RateLimit::named("used up").rate(1, HOUR);
                POLICY.try_acquire().expect("the first").abandon();
                |calls| {
                    poll(repeat(calls, async |id| {
                        let Err(refusal) = POLICY.acquire().await else { panic!("it is not used up") };
                        assert!(matches!(refusal.reason(), Reason::RateLimited { .. }));
                        answer(id)
                    }))
                }
            }),
            refused_by_governor("governor", QuantaClock::default).counted_over(CALIBRATED),
            refused_by_governor("governor, std clock", MonotonicClock::default),
            Case::new("tower", |calls| {
                poll(async {
                    let service = tower::service_fn(attempt::<Unwell>);
                    let mut service = ServiceBuilder::new().load_shed().rate_limit(1, HOUR).service(service);
                    service.ready().await.unwrap().call(0).await.expect("the first");
                    repeat(calls, async |id| {
                        let outcome = service.ready().await.expect("it says so in the call").call(id).await;
                        assert!(outcome.is_err_and(|error| error.is::<Overloaded>()));
                        answer(id)
                    })
                    .await
                })
            })
            .alone(),
            Case::prepared("leaky-bucket", || {
                let _entered = runtime().enter();
                let limiter = leaky_bucket::RateLimiter::builder().max(1).initial(0).interval(HOUR).build();
                move |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(!limiter.try_acquire(1));
                        answer(id)
                    }))
                }
            }),
            Case::prepared("tower-resilience", || {
                let layer = RateLimiterLayer::builder()
                    .limit_for_period(1)
                    .refresh_period(HOUR)
                    .timeout_duration(Duration::ZERO)
                    .build();
                let service = layer.expect("a rate").layer(tower::service_fn(attempt::<Busy>));
                poll(service.clone().oneshot(0)).expect("the first");
                move |calls| {
                    let mut service = service.clone();
                    poll(repeat(calls, async |id| {
                        let outcome = service.ready().await.expect("it says so in the call").call(id).await;
                        assert!(matches!(outcome, Err(RateLimiterServiceError::RateLimited)));
                        answer(id)
                    }))
                }
            }),
        ],
    )
    .shared()
}

fn of_each_key() -> Table {
    Table::new(
        "Rate limit of each key, with room",
        "As with room, with a limit for each of a thousand tenants, named by a text. By hand, it is the cell of before in a map \
         under a lock that readers share, which never forgets a tenant; counted, as before. governor's map is `DashMap`, with its own clock; limitador \
         counts in windows of a second.",
        vec![
            Case::prepared("map of cells by hand", || {
                let cells = cells();
                move |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(cells.of(tenant(id)).admit(SECOND));
                        attempt::<Failure>(id).await.unwrap()
                    }))
                }
            }),
            Case::prepared("map of cells by hand, counted", || {
                let cells = cells();
                move |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(cells.of(tenant(id)).admit(SECOND));
                        let mut ending = Ending::at(LET_THROUGH);
                        let outcome = attempt::<Failure>(id).await;
                        ending.end(outcome.is_ok());
                        outcome.unwrap()
                    }))
                }
            }),
            Case::new("resilient `#[rate_limit]`", |calls| {
                #[rate_limit("1000000000/s", key = tenant)]
                async fn ours(id: u64, tenant: &str) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id, tenant(id)).await.unwrap()))
            })
            .counted_over(EACH_KNOWN),
            Case::prepared("governor", || {
                let quota = Quota::per_second(NonZeroU32::new(MANY).expect("it is more"));
                let limiter = RateLimiter::<String, _, _>::keyed(quota);
                move |calls| {
                    poll(repeat(calls, async |id| {
                        limiter.check_key(&TENANTS[id as usize % TENANTS.len()]).expect("room");
                        attempt::<Failure>(id).await.unwrap()
                    }))
                }
            })
            .counted_over(CALIBRATED),
            Case::prepared("throttle-kit", || {
                let quota = throttle_kit::Quota::per_second(MANY);
                let limiter = throttle_kit::RateLimiter::new(quota, InMemoryBackend::new());
                move |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(limiter.check(tenant(id)).await.allowed);
                        attempt::<Failure>(id).await.unwrap()
                    }))
                }
            }),
            Case::prepared("limitador", || {
                let limiter = limitador::RateLimiter::new(TENANTS.len() as u64);
                let variable = "tenant".try_into().expect("an expression");
                limiter.add_limit(Limit::new("search", MANY.into(), 1, [], [variable]));
                move |calls| {
                    let search = "search".into();
                    poll(repeat(calls, async |id| {
                        let values = HashMap::from([("tenant".to_owned(), tenant(id).to_owned())]);
                        let answer = limiter.check_rate_limited_and_update(&search, &Context::from(values), 1);
                        assert!(!answer.expect("an answer").limited);
                        attempt::<Failure>(id).await.unwrap()
                    }))
                }
            }),
        ],
    )
    .shared()
}

/// A cell for each tenant.
struct Cells(RwLock<HashMap<&'static str, Arc<Cell>>>);

impl Cells {
    #[inline]
    fn of(&self, tenant: &str) -> Arc<Cell> {
        self.0.read().expect("no panic")[tenant].clone()
    }
}

fn cells() -> Cells {
    let cell = || Arc::new(Cell::new(Duration::from_nanos(1)));
    Cells(RwLock::new(TENANTS.iter().map(|tenant| (tenant.as_str(), cell())).collect()))
}

fn tenant(id: u64) -> &'static str {
    &TENANTS[id as usize % TENANTS.len()]
}

static TENANTS: LazyLock<Vec<String>> = LazyLock::new(|| (0..1_000).map(|tenant| format!("tenant {tenant}")).collect());

/// The least code that can limit a rate: the time at which the next call would be on time, in nanoseconds.
struct Cell {
    next: AtomicU64,
    interval: u64,
}

impl Cell {
    const fn new(interval: Duration) -> Self {
        Self { next: AtomicU64::new(0), interval: interval.as_nanos() as u64 }
    }

    fn admit(&self, early: Duration) -> bool {
        self.try_admit(early).is_ok()
    }

    /// Refuses with a count, and says when to come back.
    fn admit_counted(&self) -> Result<(), Refusal> {
        self.try_admit(Duration::ZERO).map_err(|wait| {
            REFUSED.count();
            Refusal { policy: "cell", retry_after: Some(Duration::from_nanos(wait)) }
        })
    }

    /// Lets a call through, or returns how many nanoseconds it is too early.
    fn try_admit(&self, early: Duration) -> Result<(), u64> {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);

        let now = START.elapsed().as_nanos() as u64;
        let latest = now + early.as_nanos() as u64;
        let admitted = |next: u64| (next <= latest).then(|| next.max(now) + self.interval);
        self.next.fetch_update(Relaxed, Relaxed, admitted).map(drop).map_err(|next| next - latest)
    }
}

type Governor<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

fn answered_by_governor<C>(name: &'static str, clock: fn() -> C) -> Case
where
    C: Clock + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    Case::prepared(name, move || {
        let quota = Quota::per_second(NonZeroU32::new(MANY).expect("it is more"));
        let limiter: Governor<C> = RateLimiter::direct_with_clock(quota, clock());
        move |calls| {
            poll(repeat(calls, async |id| {
                limiter.check().expect("room");
                attempt::<Failure>(id).await.unwrap()
            }))
        }
    })
}

fn refused_by_governor<C>(name: &'static str, clock: fn() -> C) -> Case
where
    C: Clock + Send + Sync + 'static,
    C::Instant: Send + Sync,
{
    Case::prepared(name, move || {
        let quota = Quota::with_period(HOUR).expect("it is more than none");
        let limiter: Governor<C> = RateLimiter::direct_with_clock(quota, clock());
        limiter.check().expect("the first");
        move |calls| {
            poll(repeat(calls, async |id| {
                limiter.check().expect_err("it is used up");
                answer(id)
            }))
        }
    })
}

const LET_THROUGH: Place = Place(19);
const REFUSED: Place = Place(21);
const MANY: u32 = 1_000_000_000;
/// A number of calls so large that the time for which quanta calibrates itself matters little; that time is never the same.
const CALIBRATED: u64 = 2_000_000;
/// A number of calls in which the first of each tenant matters little.
const EACH_KNOWN: u64 = 50_000;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
