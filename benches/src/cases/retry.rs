//! The retry: a first attempt that succeeds, and one that succeeds after two failures without a wait between.

use std::future::{Ready, ready};
use std::time::Duration;

use backon::Retryable;
use layered::{Execute, Service, Stack};
use resilient::{Backoff, Retry, Verdict, retry};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tokio_retry2::MapErr;
use tokio_retry2::strategy::{ExponentialBackoff, FixedInterval, jitter};
use tower::{Layer as _, ServiceExt};

use crate::case::{Case, Table};
use crate::counted::{Ending, Place};
use crate::drive::{poll, repeat, run, runtime};
use crate::work::{Busy, attempt, fail_twice};

pub(crate) fn tables() -> Vec<Table> {
    vec![first_attempt_succeeds(), two_fail()]
}

fn first_attempt_succeeds() -> Table {
    Table::new(
        "Retry, the first attempt succeeds",
        "Up to three retries after exponential waits with jitter, none of which happens. The loop that is counted keeps what a \
         scrape shows of a retry, also of calls that are dropped, and is the least that can.",
        vec![
            Case::new("loop by hand", |calls| poll(repeat(calls, async |id| by_hand(id).await.unwrap()))),
            Case::new("loop by hand, counted", |calls| {
                let before = COUNTED.sum();
                let sum = poll(repeat(calls, async |id| by_hand_counted(id).await.unwrap()));
                assert!(COUNTED.sum() >= before + calls);
                sum
            }),
            Case::new("resilient `#[retry]`", |calls| poll(repeat(calls, async |id| ours(id).await.unwrap()))),
            Case::new("resilient `Retry`", |calls| {
                poll(repeat(calls, async |id| {
                    static POLICY: Retry = Retry::named("retry");
                    ours_by_hand(&POLICY, async || attempt(id).await).await.unwrap()
                }))
            }),
            Case::service("resilient, as a layer", || {
                static POLICY: Retry = Retry::named("layer");
                resilient::tower::retry(&POLICY).layer(tower::service_fn(attempt::<Busy>))
            }),
            Case::new("tower", |calls| poll(tower_retry(calls, attempt))),
            Case::new("tokio-retry2", |calls| {
                poll(repeat(calls, async |id| {
                    let waits = ExponentialBackoff::from_millis(2).factor(50).map(jitter).take(3);
                    tokio_retry2::Retry::spawn(waits, async || attempt::<Busy>(id).await.map_transient_err())
                        .await
                        .unwrap()
                }))
            }),
            Case::new("backon", |calls| {
                poll(repeat(calls, async |id| {
                    let waits = backon::ExponentialBuilder::default().with_jitter();
                    (|| attempt::<Busy>(id)).retry(waits).await.unwrap()
                }))
            }),
            Case::prepared("seatbelt", || {
                let service = (
                    seatbelt::retry::Retry::layer("retry", &context()).clone_input().recovery_with(recovery),
                    Execute::new(attempt),
                )
                    .into_service();
                move |calls| poll(repeat(calls, async |id| service.execute(id).await.unwrap()))
            }),
            Case::prepared("tower-resilience", || {
                let layer = tower_resilience_layer().exponential_backoff(Duration::from_millis(100)).build();
                let service = tower::Layer::layer(&layer, tower::service_fn(attempt));
                move |calls| {
                    let mut service = service.clone();
                    poll(repeat(calls, async |id| {
                        tower::Service::call(service.ready().await.unwrap(), id).await.unwrap()
                    }))
                }
            }),
            Case::new("backoff", |calls| {
                poll(repeat(calls, async |id| {
                    let waits = backoff::ExponentialBackoff::default();
                    backoff::future::retry(waits, async || attempt::<Busy>(id).await.map_err(transient)).await.unwrap()
                }))
            }),
        ],
    )
    .goal(50)
}

fn two_fail() -> Table {
    Table::new(
        "Retry, two failures without a wait",
        "Up to three retries at once, without a budget, which would refuse most of them. The loop that is counted also counts each \
         retry and the calls by their retries, and lets other tasks have their turn. Peers that sleep for zero time wait for tokio's \
         timer, whose steps are a millisecond.",
        vec![
            Case::new("loop by hand", |calls| {
                poll(repeat(calls, async |id| by_hand_after_failures(id).await.unwrap()))
            }),
            Case::new("loop by hand, counted", |calls| {
                let before = AFTER_FAILURES.sum();
                let sum = poll(repeat(calls, async |id| by_hand_after_failures_counted(id).await.unwrap()));
                assert!(AFTER_FAILURES.sum() >= before + calls && RETRIES.sum() >= 2 * (before + calls));
                sum
            }),
            Case::new("resilient `#[retry]`", |calls| {
                poll(repeat(calls, async |id| ours_after_failures(id).await.unwrap()))
            }),
            Case::new("resilient `Retry`", |calls| {
                poll(repeat(calls, async |id| {
                    static POLICY: Retry = Retry::named("retry").backoff(Backoff::none()).without_budget();
                    ours_by_hand(&POLICY, async || fail_twice(id).await).await.unwrap()
                }))
            }),
            Case::new("tower", |calls| poll(tower_retry(calls, fail_twice))),
            Case::new("tokio-retry2", |calls| {
                run(repeat(calls, async |id| {
                    let waits = FixedInterval::from_millis(0).take(3);
                    tokio_retry2::Retry::spawn(waits, async || fail_twice::<Busy>(id).await.map_transient_err())
                        .await
                        .unwrap()
                }))
            }),
            Case::new("backon", |calls| {
                run(repeat(calls, async |id| {
                    let waits = backon::ConstantBuilder::default().with_delay(Duration::ZERO);
                    (|| fail_twice::<Busy>(id)).retry(waits).await.unwrap()
                }))
            }),
            Case::prepared("seatbelt", || {
                let service = (
                    seatbelt::retry::Retry::layer("retry", &context())
                        .base_delay(Duration::ZERO)
                        .backoff(seatbelt::retry::Backoff::Constant)
                        .clone_input()
                        .recovery_with(recovery),
                    Execute::new(fail_twice),
                )
                    .into_service();
                move |calls| run(repeat(calls, async |id| service.execute(id).await.unwrap()))
            }),
            Case::prepared("tower-resilience", || {
                let layer = tower_resilience_layer().fixed_backoff(Duration::ZERO).build();
                let service = tower::Layer::layer(&layer, tower::service_fn(fail_twice));
                move |calls| {
                    let mut service = service.clone();
                    run(repeat(calls, async |id| {
                        tower::Service::call(service.ready().await.unwrap(), id).await.unwrap()
                    }))
                }
            }),
            Case::new("backoff", |calls| {
                run(repeat(calls, async |id| {
                    let waits = backoff::backoff::Constant::new(Duration::ZERO);
                    backoff::future::retry(waits, async || fail_twice::<Busy>(id).await.map_err(transient))
                        .await
                        .unwrap()
                }))
            }),
        ],
    )
}

async fn by_hand(id: u64) -> Result<u64, Busy> {
    let mut retries = 0;
    loop {
        match attempt(id).await {
            Err(Busy) if retries < 3 => retries += 1,
            outcome => return outcome,
        }
    }
}

async fn by_hand_counted(id: u64) -> Result<u64, Busy> {
    let mut ending = Ending::at(COUNTED);
    let outcome = by_hand(id).await;
    ending.end(outcome.is_ok());
    outcome
}

async fn by_hand_after_failures(id: u64) -> Result<u64, Busy> {
    let mut retries = 0;
    loop {
        match fail_twice(id).await {
            Err(Busy) if retries < 3 => retries += 1,
            outcome => return outcome,
        }
    }
}

async fn by_hand_after_failures_counted(id: u64) -> Result<u64, Busy> {
    let mut ending = Ending::at(AFTER_FAILURES);
    let mut retries = 0;
    let outcome = loop {
        match fail_twice(id).await {
            Err(Busy) if retries < 3 => {
                retries += 1;
                RETRIES.count();
                if retries % 32 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            outcome => break outcome,
        }
    };
    Place(BY_RETRIES.0 + retries).count();
    ending.end(outcome.is_ok());
    outcome
}

#[retry]
async fn ours(id: u64) -> Result<u64, Busy> {
    attempt(id).await
}

#[retry(max = 3, backoff = "none", budget = none)]
async fn ours_after_failures(id: u64) -> Result<u64, Busy> {
    fail_twice(id).await
}

async fn ours_by_hand(policy: &Retry, work: impl AsyncFn() -> Result<u64, Busy>) -> Result<u64, Busy> {
    let mut retry = policy.begin();
    loop {
        match retry.settle(work().await) {
            Verdict::Accept(outcome) => return outcome,
            Verdict::Retry(delay) => delay.await,
        }
    }
}

async fn tower_retry<F>(calls: u64, work: impl Fn(u64) -> F + Clone) -> u64
where
    F: Future<Output = Result<u64, Busy>>,
{
    let mut service = tower::retry::Retry::new(Attempts(3), tower::service_fn(work));
    repeat(calls, async |id| tower::Service::call(service.ready().await.unwrap(), id).await.unwrap()).await
}

/// The retry policy, which tower leaves to its users.
#[derive(Clone)]
struct Attempts(u32);

impl tower::retry::Policy<u64, u64, Busy> for Attempts {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, outcome: &mut Result<u64, Busy>) -> Option<Ready<()>> {
        if outcome.is_ok() {
            return None;
        }
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

fn context() -> ResilienceContext<u64, Result<u64, Busy>> {
    let _entered = runtime().enter();
    ResilienceContext::new(tick::Clock::new_tokio())
}

fn recovery(outcome: &Result<u64, Busy>, _: seatbelt::retry::RecoveryArgs) -> RecoveryInfo {
    if outcome.is_ok() { RecoveryInfo::never() } else { RecoveryInfo::retry() }
}

fn tower_resilience_layer() -> tower_resilience::retry::RetryConfigBuilder<u64, u64, Busy> {
    tower_resilience::retry::RetryLayer::builder().max_attempts(4)
}

fn transient(error: Busy) -> backoff::Error<Busy> {
    backoff::Error::transient(error)
}

const COUNTED: Place = Place(0);
const AFTER_FAILURES: Place = Place(12);
const RETRIES: Place = Place(14);
/// The first of four.
const BY_RETRIES: Place = Place(15);
