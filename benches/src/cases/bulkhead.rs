//! The bulkhead: with room, full, and with a limit that adapts.

mod adaptive;

use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::mem::forget;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::task::Poll;

use resilient::{Bulkhead, Reason, bulkhead};
use tokio::sync::{Semaphore, TryAcquireError};
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::load_shed::error::Overloaded;
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _};
use tower_resilience::bulkhead::{BulkheadError, BulkheadLayer, BulkheadServiceError};

use crate::case::{Case, Table};
use crate::counted::{self, Refusal};
use crate::drive::{poll, repeat, run};
use crate::work::{Busy, FAILING, Failure, Unwell, answer, attempt};

pub(crate) fn tables() -> Vec<Table> {
    vec![with_room(), when_full(), adaptive::table()]
}

fn with_room() -> Table {
    Table::new(
        "Bulkhead, with room",
        "At most 64 calls at once, of which there is never more than one a thread. By hand, it is an atomic counter that is \
         changed when a call comes in and when it ends; nobody can wait for room.",
        vec![
            Case::new("counter by hand", |calls| {
                static COUNTER: Counter = Counter::new();
                poll(repeat(calls, async |id| {
                    let _place = COUNTER.enter(PLACES).expect("room");
                    attempt::<Failure>(id).await.unwrap()
                }))
            }),
            Case::new("resilient `#[bulkhead]`", |calls| {
                #[bulkhead(limit = 64)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt(id).await
                }

                poll(repeat(calls, async |id| ours(id).await.unwrap()))
            }),
            Case::new("resilient `Bulkhead`", |calls| {
                static POLICY: Bulkhead = Bulkhead::named("with room").limit(PLACES);
                poll(repeat(calls, async |id| {
                    let _permit = POLICY.acquire().await.expect("room");
                    attempt::<Failure>(id).await.unwrap()
                }))
            }),
            Case::new("resilient `Bulkhead`, `try_acquire`", |calls| {
                static POLICY: Bulkhead = Bulkhead::named("with room at once").limit(PLACES);
                poll(repeat(calls, async |id| {
                    let _permit = POLICY.try_acquire().expect("room");
                    attempt::<Failure>(id).await.unwrap()
                }))
            }),
            Case::new("tokio, `try_acquire`", |calls| {
                static SEMAPHORE: Semaphore = Semaphore::const_new(PLACES as usize);
                poll(repeat(calls, async |id| {
                    let _permit = SEMAPHORE.try_acquire().expect("room");
                    attempt::<Failure>(id).await.unwrap()
                }))
            }),
            Case::new("tokio, `acquire`", |calls| {
                static SEMAPHORE: Semaphore = Semaphore::const_new(PLACES as usize);
                poll(repeat(calls, async |id| {
                    let _permit = SEMAPHORE.acquire().await.expect("it is never closed");
                    attempt::<Failure>(id).await.unwrap()
                }))
            }),
            Case::service("tower", || ConcurrencyLimit::new(tower::service_fn(attempt::<Busy>), PLACES as usize)),
            Case::service("tower-resilience", || {
                let layer = BulkheadLayer::builder().max_concurrent_calls(PLACES as usize).build();
                layer.expect("a number of calls").layer(tower::service_fn(attempt::<Busy>))
            }),
        ],
    )
    .goal_beside(18, "tokio, `try_acquire`", 26)
    .shared()
}

/// Calls that do not wait even for the answer.
fn full_at_once() -> impl Fn(u64) -> u64 {
    static POLICY: Bulkhead = Bulkhead::named("full at once").limit(1).queue(0);
    forget(POLICY.try_acquire());
    |calls| {
        poll(repeat(calls, async |id| {
            let Err(refusal) = POLICY.try_acquire() else { panic!("it is not full") };
            assert_eq!(refusal.reason(), Reason::QueueFull);
            answer(id)
        }))
    }
}

fn when_full() -> Table {
    Table::new(
        "Bulkhead, full",
        "One call at once, which is in already: every other is refused, without a wait. tower needs its `LoadShed` for that. \
         By hand and counted, each refusal counts and says whose it is. (tower-resilience waits for a timer of no time, which goes off at its next tick, so that it has no time for two \
         threads.)",
        vec![
            Case::prepared("counter by hand", || {
                static COUNTER: Counter = Counter::new();
                forget(COUNTER.enter(1));
                |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(COUNTER.enter(1).is_none());
                        answer(id)
                    }))
                }
            }),
            Case::prepared("counter by hand, counted", || {
                static COUNTER: Counter = Counter::new();
                forget(COUNTER.enter(1));
                |calls| {
                    poll(repeat(calls, async |id| {
                        let refusal = black_box(COUNTER.enter_or_refuse(1)).err().expect("it is full");
                        assert_eq!(refusal.policy, "by hand");
                        answer(id)
                    }))
                }
            }),
            Case::prepared("resilient `#[bulkhead]`", || {
                #[bulkhead(limit = 1, queue = 0)]
                async fn ours(id: u64) -> Result<u64, Failure> {
                    attempt_or_stay(id).await
                }

                hold(ours(FAILING));
                |calls| {
                    poll(repeat(calls, async |id| {
                        let Err(Failure::Refused(refusal)) = ours(id).await else { panic!("it is not full") };
                        assert_eq!(refusal.reason(), Reason::QueueFull);
                        answer(id)
                    }))
                }
            }),
            Case::prepared("resilient `Bulkhead`", || {
                static POLICY: Bulkhead = Bulkhead::named("full").limit(1).queue(0);
                forget(POLICY.try_acquire());
                |calls| {
                    poll(repeat(calls, async |id| {
                        let Err(refusal) = POLICY.acquire().await else { panic!("it is not full") };
                        assert_eq!(refusal.reason(), Reason::QueueFull);
                        answer(id)
                    }))
                }
            }),
            Case::prepared("resilient `Bulkhead`, `try_acquire`", full_at_once),
            Case::prepared("tokio, `try_acquire`", || {
                static SEMAPHORE: Semaphore = Semaphore::const_new(1);
                forget(SEMAPHORE.try_acquire());
                |calls| {
                    poll(repeat(calls, async |id| {
                        assert!(matches!(SEMAPHORE.try_acquire(), Err(TryAcquireError::NoPermits)));
                        answer(id)
                    }))
                }
            }),
            Case::prepared("tower", || {
                let service: LoadShed<ConcurrencyLimit<_>> = ServiceBuilder::new()
                    .load_shed()
                    .concurrency_limit(1)
                    .service(tower::service_fn(attempt_or_stay::<Unwell>));
                hold(service.clone().oneshot(FAILING));
                move |calls| {
                    let mut service = service.clone();
                    poll(repeat(calls, async |id| {
                        let outcome = service.ready().await.expect("it says so in the call").call(id).await;
                        assert!(outcome.is_err_and(|error| error.is::<Overloaded>()));
                        answer(id)
                    }))
                }
            }),
            Case::prepared("tower-resilience", || {
                let layer = BulkheadLayer::builder().max_concurrent_calls(1).reject_when_full().build();
                let service = layer.expect("a number of calls").layer(tower::service_fn(attempt_or_stay::<Busy>));
                hold(service.clone().oneshot(FAILING));
                move |calls| {
                    let mut service = service.clone();
                    run(repeat(calls, async |id| {
                        let outcome = service.ready().await.expect("it says so in the call").call(id).await;
                        assert!(matches!(outcome, Err(BulkheadServiceError::Bulkhead(BulkheadError::Timeout))));
                        answer(id)
                    }))
                }
            })
            .alone(),
        ],
    )
    .shared()
}

/// The least code that can limit: a count of the calls in progress.
struct Counter(AtomicU32);

struct Place<'a>(&'a Counter);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    fn enter(&self, places: u32) -> Option<Place<'_>> {
        self.0.fetch_update(Acquire, Relaxed, |inside| (inside < places).then(|| inside + 1)).ok()?;
        Some(Place(self))
    }

    fn enter_or_refuse(&self, places: u32) -> Result<Place<'_>, Refusal> {
        self.enter(places).ok_or_else(|| {
            counted::Place(10).count();
            Refusal { policy: "by hand", retry_after: None }
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Release);
    }
}

/// Is like [`attempt`], but never ends for [`FAILING`].
async fn attempt_or_stay<E: From<Busy>>(id: u64) -> Result<u64, E> {
    if id == FAILING {
        pending::<()>().await;
    }
    attempt(id).await
}

/// Begins a call that keeps its permit for ever.
fn hold(call: impl Future + 'static) {
    let mut call = Box::pin(call);
    poll(poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending(), "it did not stay");
        Poll::Ready(())
    }));
    forget(call);
}

const PLACES: u32 = 64;
