//! Policies on functions that block the thread: a retry, a circuit breaker, and one around the other.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use backon::BlockingRetryable;
use failsafe::CircuitBreaker as _;
use recloser::Recloser;
use resilient::{CircuitBreaker, Retry, Verdict, blocking, circuit_breaker, finish, retry};

use crate::case::{Case, Table};
use crate::drive::repeat_blocking;
use crate::work::{Busy, Failure, attempt_blocking};

pub(crate) fn tables() -> Vec<Table> {
    vec![first_attempt_succeeds(), breaker_closed(), both()]
}

fn first_attempt_succeeds() -> Table {
    Table::new(
        "A function that blocks: retry, the first attempt succeeds",
        "Up to three retries after exponential waits with jitter, none of which happens.",
        vec![
            Case::new("loop by hand", |calls| {
                repeat_blocking(calls, |id| again_by_hand(|| attempt_blocking::<Busy>(id)).unwrap())
            }),
            Case::new("resilient `#[retry]`", |calls| repeat_blocking(calls, |id| retried(id).unwrap())),
            Case::new("resilient `Retry`", |calls| {
                static POLICY: Retry = Retry::named("retry");
                repeat_blocking(calls, |id| {
                    let mut retry = POLICY.begin_blocking();
                    loop {
                        match retry.settle(attempt_blocking::<Busy>(id)) {
                            Verdict::Accept(outcome) => break outcome.unwrap(),
                            Verdict::Retry(delay) => delay.wait(),
                        }
                    }
                })
            }),
            Case::new("backon", |calls| {
                repeat_blocking(calls, |id| {
                    let waits = backon::ExponentialBuilder::default().with_jitter();
                    (|| attempt_blocking::<Busy>(id)).retry(waits).sleep(thread::sleep).call().unwrap()
                })
            }),
            Case::new("backoff", |calls| {
                repeat_blocking(calls, |id| {
                    let waits = backoff::ExponentialBackoff::default();
                    let attempt = || attempt_blocking::<Busy>(id).map_err(backoff::Error::transient);
                    backoff::retry(waits, attempt).map_err(|_| Busy).unwrap()
                })
            }),
        ],
    )
}

fn breaker_closed() -> Table {
    Table::new(
        "A function that blocks: circuit breaker, closed",
        "Every call succeeds. Each breaker has its own defaults. By hand, it is one flag that is read; the counter by hand also counts the call.",
        vec![
            Case::new("flag by hand", |calls| {
                repeat_blocking(calls, |id| guarded_by_hand(|| attempt_blocking::<Failure>(id)).unwrap())
            }),
            Case::new("counter by hand", |calls| {
                static CALLS: AtomicU32 = AtomicU32::new(0);
                repeat_blocking(calls, |id| {
                    let outcome = guarded_by_hand(|| attempt_blocking::<Failure>(id));
                    CALLS.fetch_add(1, Relaxed);
                    outcome.unwrap()
                })
            }),
            Case::new("resilient `#[circuit_breaker]`", |calls| repeat_blocking(calls, |id| guarded(id).unwrap())),
            Case::new("resilient `CircuitBreaker`", |calls| {
                static POLICY: CircuitBreaker = CircuitBreaker::named("blocking");
                repeat_blocking(calls, |id| {
                    finish(blocking::run(&POLICY, || attempt_blocking::<Failure>(id))).unwrap()
                })
            }),
            Case::prepared("recloser", || {
                let breaker = Recloser::default();
                move |calls| repeat_blocking(calls, |id| breaker.call(|| attempt_blocking::<Busy>(id)).unwrap())
            }),
            Case::prepared("failsafe", || {
                let breaker = failsafe::Config::new().build();
                move |calls| repeat_blocking(calls, |id| breaker.call(|| attempt_blocking::<Busy>(id)).unwrap())
            }),
        ],
    )
    .shared()
}

fn both() -> Table {
    Table::new(
        "A function that blocks: retry and circuit breaker",
        "Up to three retries with their defaults, a breaker around each attempt. The first attempt succeeds.",
        vec![
            Case::new("both by hand", |calls| {
                repeat_blocking(calls, |id| {
                    again_by_hand(|| guarded_by_hand(|| attempt_blocking::<Failure>(id))).unwrap()
                })
            }),
            Case::new("resilient, two attributes", |calls| {
                repeat_blocking(calls, |id| retried_and_guarded(id).unwrap())
            }),
            Case::prepared("backon, recloser", || {
                let breaker = Recloser::default();
                move |calls| {
                    repeat_blocking(calls, |id| {
                        let waits = backon::ExponentialBuilder::default().with_jitter();
                        let attempt = || breaker.call(|| attempt_blocking::<Busy>(id));
                        attempt.retry(waits).sleep(thread::sleep).call().unwrap()
                    })
                }
            }),
        ],
    )
    .shared()
}

#[retry]
fn retried(id: u64) -> Result<u64, Busy> {
    attempt_blocking(id)
}

#[circuit_breaker]
fn guarded(id: u64) -> Result<u64, Failure> {
    attempt_blocking(id)
}

#[retry]
#[circuit_breaker]
fn retried_and_guarded(id: u64) -> Result<u64, Failure> {
    attempt_blocking(id)
}

fn again_by_hand<E>(attempt: impl Fn() -> Result<u64, E>) -> Result<u64, E> {
    let mut retries = 0;
    loop {
        match attempt() {
            Err(_) if retries < 3 => retries += 1,
            outcome => return outcome,
        }
    }
}

/// Opens after two failures, for ever.
fn guarded_by_hand(attempt: impl Fn() -> Result<u64, Failure>) -> Result<u64, Failure> {
    static FAILURES: AtomicU32 = AtomicU32::new(0);

    if FAILURES.load(Relaxed) >= 2 {
        return Err(Failure::Busy);
    }
    let outcome = attempt();
    if outcome.is_err() {
        FAILURES.fetch_add(1, Relaxed);
    }
    outcome
}
