//! Circuit breakers with more and more calls in their window.

use std::time::Duration;

use resilient::CircuitBreaker;
use tower::{Layer as _, Service as _, ServiceExt as _};
use tower_resilience::circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};

use crate::charts::{Chart, Curve, least_nanos};
use crate::drive::{poll, repeat};
use crate::work::{Busy, FAILING, Failure, attempt};

pub(crate) fn chart() -> Chart {
    let window_of_time = || CircuitBreaker::named("scaling").window(HOUR).failure_rate(0.9).without_consecutive();
    let curves = vec![
        Curve::new("resilient, a success", SIZES, |calls| successes(&window_of_time(), calls)),
        Curve::new("resilient, a failure after nine successes", SIZES, |calls| {
            let breaker = window_of_time();
            successes(&breaker, calls);
            // the successes between them keep it closed, and are taken off
            let both = least_nanos(CALLS, || {
                for _ in 0..CALLS {
                    (0..9).for_each(|_| call(&breaker, 0));
                    call(&breaker, FAILING);
                }
            });
            both - 9.0 * successes(&breaker, 1)
        }),
        Curve::new("resilient `count_window`, a success", &SIZES[..3], |calls| {
            successes(&CircuitBreaker::named("scaling").count_window(calls as u32), calls)
        }),
        Curve::new("tower-resilience, window of time", &SIZES[..4], |calls| {
            let layer = CircuitBreakerLayer::builder()
                .sliding_window_type(SlidingWindowType::TimeBased)
                .sliding_window_duration(HOUR)
                .build();
            let mut service = layer.expect("a window").layer(tower::service_fn(attempt::<Busy>));
            // each call that is measured is in the window as well
            least_nanos(calls.min(100), || {
                let mut service = service.clone();
                poll(repeat(calls.min(100), async |id| service.ready().await.unwrap().call(id).await.unwrap()));
            });
            poll(repeat(calls, async |id| service.ready().await.unwrap().call(id).await.unwrap()));
            least_nanos(FEW, || {
                poll(repeat(FEW, async |id| service.ready().await.unwrap().call(id).await.unwrap()));
            })
        }),
    ];
    Chart {
        title: "Calls in the window of a circuit breaker",
        about: "A window of an hour that has so many calls in it.",
        axis: "calls in the window",
        unit: "ns per call",
        curves,
    }
}

/// Fills the window, and returns what a success costs then.
fn successes(breaker: &CircuitBreaker, calls: u64) -> f64 {
    (0..calls).for_each(|_| call(breaker, 0));
    least_nanos(CALLS, || (0..CALLS).for_each(|_| call(breaker, 0)))
}

fn call(breaker: &CircuitBreaker, id: u64) {
    let permit = breaker.acquire().expect("closed");
    let outcome = permit.settle(poll_ready(attempt::<Failure>(id)));
    assert_eq!(outcome.is_err(), id == FAILING);
}

fn poll_ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match crate::leaving::poll_once(&mut future) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => unreachable!("it is ready at once"),
    }
}

const SIZES: &[u64] = &[10, 100, 1_000, 10_000, 100_000, 1_000_000];
const CALLS: u64 = 2_000;
const FEW: u64 = 10;
const HOUR: Duration = Duration::from_hours(1);
