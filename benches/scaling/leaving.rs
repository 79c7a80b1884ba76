//! Callers that leave a queue before their turn.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use resilient::{Bulkhead, Coalesce, RateLimit};
use tokio::sync::Semaphore;

use crate::charts::{Chart, Curve};
use crate::drive::runtime;
use crate::work::Busy;

pub(crate) fn chart() -> Chart {
    let curves = vec![
        Curve::new("tokio `Semaphore`", SIZES, |waiters| {
            let semaphore = Semaphore::new(0);
            nanos(waiters, || semaphore.acquire())
        }),
        Curve::new("resilient `Bulkhead`", SIZES, |waiters| {
            let bulkhead = Bulkhead::named("scaling").limit(1).queue(MOST).max_wait(HOUR);
            let _permit = bulkhead.try_acquire().expect("room");
            nanos(waiters, || bulkhead.acquire())
        }),
        Curve::new("resilient `RateLimit`", SIZES, |waiters| {
            let limit = RateLimit::named("scaling").rate(1, HOUR).max_wait(Duration::MAX);
            limit.try_acquire().expect("the first").abandon();
            nanos(waiters, || limit.acquire())
        }),
        Curve::new("resilient `Coalesce`", SIZES, |waiters| {
            let policy: &'static Coalesce = Box::leak(Box::new(Coalesce::named("scaling")));
            let mut leader = Box::pin(policy.run(&0, pending::<Result<u64, Busy>>()));
            assert!(poll_once(&mut leader).is_pending());
            nanos(waiters, || policy.run(&0, pending::<Result<u64, Busy>>()))
        }),
    ];
    Chart {
        title: "Callers that leave a queue",
        about: "So many callers wait, and all leave: first in the order in which they came, then the other way round; \
                the slower of the two. Of tokio's semaphore, a caller that waits has no time-out.",
        axis: "callers",
        unit: "ns per caller that leaves",
        curves,
    }
}

fn nanos<F: Future>(waiters: u64, wait: impl Fn() -> F) -> f64 {
    let left = |forwards: bool| {
        let mut all: Vec<Option<Pin<Box<F>>>> = (0..waiters).map(|_| Some(Box::pin(wait()))).collect();
        for waiter in all.iter_mut().flatten() {
            assert!(poll_once(waiter).is_pending(), "it has to wait");
        }
        let start = Instant::now();
        for index in 0..waiters as usize {
            all[if forwards { index } else { waiters as usize - 1 - index }] = None;
        }
        start.elapsed().as_nanos() as f64 / waiters as f64
    };
    let least = |forwards: bool| (0..3).map(|_| left(forwards)).fold(f64::INFINITY, f64::min);
    least(true).max(least(false))
}

/// Polls a future once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + ?Sized>(future: &mut Pin<impl std::ops::DerefMut<Target = F>>) -> Poll<F::Output> {
    let _entered = runtime().enter();
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

const SIZES: &[u64] = &[1_000, 10_000, 100_000];
const MOST: u32 = 200_000;
const HOUR: Duration = Duration::from_hours(1);
