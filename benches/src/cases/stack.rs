//! Several policies at once: a time-out around a retry around a circuit breaker.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use backon::Retryable as _;
use layered::{Execute, Service as _, Stack};
use recloser::{AsyncRecloser, Recloser};
use resilient::tower::policies;
use resilient::{CircuitBreaker, Retry, Timeout, bulkhead, circuit_breaker, rate_limit, retry, timeout};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tokio::time::{Sleep, sleep};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _};
use tower_resilience::circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};
use tower_resilience::retry::RetryLayer;
use tower_resilience::timelimiter::TimeLimiterLayer;

use crate::case::{Case, Table};
use crate::counted::{Ending, Place, under_deadline};
use crate::drive::{poll, repeat, runtime};
use crate::work::{Busy, Failure, attempt};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Time-out, retry and circuit breaker",
            "A minute for the call, up to three retries with their defaults, a breaker around each attempt. The first \
             attempt succeeds. All by hand and counted also keeps the counts of the three, of dropped calls too, tells the work of \
             its deadline, and forgets an attempt that began before the breaker changed.",
            vec![
                Case::new("all by hand", |calls| {
                    poll(repeat(calls, async |id| in_time(again(|| guarded(id))).await.unwrap()))
                }),
                Case::new("all by hand, counted", |calls| {
                    poll(repeat(calls, async |id| in_time_counted(again_counted(id)).await.unwrap()))
                }),
                Case::new("resilient, three attributes", |calls| {
                    poll(repeat(calls, async |id| ours(id).await.unwrap()))
                }),
                Case::new("resilient, with `#[bulkhead]` and `#[rate_limit]` as well", |calls| {
                    poll(repeat(calls, async |id| five(id).await.unwrap()))
                }),
                Case::service("resilient, three layers", || {
                    static TOTAL: Timeout = Timeout::named("layers", MINUTE);
                    static RETRY: Retry = Retry::named("layers");
                    static BREAKER: CircuitBreaker = CircuitBreaker::named("layers");
                    ServiceBuilder::new()
                        .layer(policies(&TOTAL))
                        .layer(resilient::tower::retry(&RETRY))
                        .layer(policies(&BREAKER))
                        .service(tower::service_fn(attempt::<Failure>))
                }),
                Case::new("tokio, loop and flag by hand", |calls| {
                    poll(repeat(calls, async |id| {
                        tokio::time::timeout(MINUTE, again(|| guarded(id))).await.expect("in time").unwrap()
                    }))
                }),
                Case::prepared("tokio, backon, recloser", || {
                    let breaker = AsyncRecloser::from(Recloser::default());
                    move |calls| {
                        poll(repeat(calls, async |id| {
                            let waits = backon::ExponentialBuilder::default().with_jitter();
                            let attempts = (|| breaker.call(attempt::<Busy>(id))).retry(waits);
                            tokio::time::timeout(MINUTE, attempts).await.expect("in time").unwrap()
                        }))
                    }
                }),
                Case::prepared("seatbelt", || {
                    let _entered = runtime().enter();
                    let context = ResilienceContext::new(tick::Clock::new_tokio());
                    let service = (
                        seatbelt::timeout::Timeout::layer("timeout", &context).timeout(MINUTE).timeout_error(|_| Busy),
                        seatbelt::retry::Retry::layer("retry", &context)
                            .clone_input()
                            .recovery_with(|outcome, _| recovery(outcome)),
                        seatbelt::breaker::Breaker::layer("breaker", &context)
                            .recovery_with(|outcome, _| recovery(outcome))
                            .rejected_input_error(|_, _| Busy),
                        Execute::new(attempt),
                    )
                        .into_service();
                    move |calls| poll(repeat(calls, async |id| service.execute(id).await.unwrap()))
                }),
                Case::prepared("tower-resilience", || {
                    let breaker = CircuitBreakerLayer::builder().build().expect("the defaults make sense");
                    let retry = RetryLayer::<u64, u64, CircuitBreakerError<Busy>>::builder().max_attempts(4).build();
                    let timeout =
                        TimeLimiterLayer::builder().timeout_duration(MINUTE).cancel_running_future(true).build();
                    let service = timeout.layer(retry.layer(breaker.layer(tower::service_fn(attempt::<Busy>))));
                    move |calls| {
                        let mut service = service.clone();
                        poll(repeat(calls, async |id| {
                            service.ready().await.expect("ready").call(id).await.expect("in time")
                        }))
                    }
                }),
            ],
        )
        .goal(260)
        .shared(),
    ]
}

#[timeout(total = "60s")]
#[retry]
#[circuit_breaker]
async fn ours(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

#[timeout(total = "60s")]
#[retry]
#[circuit_breaker]
#[bulkhead]
#[rate_limit("4000000000/s")]
async fn five(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

async fn in_time(work: impl Future<Output = Result<u64, Failure>>) -> Result<u64, Failure> {
    let mut work = pin!(work);
    let mut timer = pin!(None::<Sleep>);
    poll_fn(|context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if timer.is_none() {
            timer.set(Some(sleep(MINUTE)));
        }
        let timer = timer.as_mut().as_pin_mut().expect("it was just set");
        timer.poll(context).map(|()| Err(Failure::Busy))
    })
    .await
}

async fn again<F>(work: impl Fn() -> F) -> Result<u64, Failure>
where
    F: Future<Output = Result<u64, Failure>>,
{
    let mut retries = 0;
    loop {
        match work().await {
            Err(Failure::Busy) if retries < 3 => {
                retries += 1;
                sleep(Duration::from_millis(100)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn guarded(id: u64) -> Result<u64, Failure> {
    static FAILURES: AtomicU32 = AtomicU32::new(0);

    if FAILURES.load(Relaxed) >= 5 {
        return Err(Failure::Busy);
    }
    let outcome = attempt(id).await;
    if outcome.is_err() {
        FAILURES.fetch_add(1, Relaxed);
    }
    outcome
}

async fn in_time_counted(work: impl Future<Output = Result<u64, Failure>>) -> Result<u64, Failure> {
    let mut ending = Ending::at(Place(2));
    let mut work = pin!(work);
    let under = poll_fn(|context| under_deadline(MINUTE.as_nanos() as u64, || work.as_mut().poll(context)));
    let outcome = in_time(under).await;
    ending.end(outcome.is_ok());
    outcome
}

async fn again_counted(id: u64) -> Result<u64, Failure> {
    let mut ending = Ending::at(Place(4));
    let outcome = again(|| guarded_counted(id)).await;
    ending.end(outcome.is_ok());
    outcome
}

async fn guarded_counted(id: u64) -> Result<u64, Failure> {
    static STATE: AtomicU32 = AtomicU32::new(0);

    let epoch = STATE.load(Relaxed);
    if epoch & 1 == 1 {
        return Err(Failure::Busy);
    }
    let mut ending = Ending::at(Place(6));
    let outcome = attempt(id).await;
    if STATE.load(Relaxed) == epoch {
        ending.end(outcome.is_ok());
    }
    if outcome.is_err() {
        STATE.fetch_add(1, Relaxed);
    }
    outcome
}

fn recovery(outcome: &Result<u64, Busy>) -> RecoveryInfo {
    if outcome.is_ok() { RecoveryInfo::never() } else { RecoveryInfo::retry() }
}

const MINUTE: Duration = Duration::from_mins(1);
