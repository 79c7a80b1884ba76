//! A call through a breaker as a future: with a permit, it runs, and its outcome is reported.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{CircuitBreaker, Permit};
use crate::{Error, Outcome, Settled, TimeoutFuture};

pin_project! {
    /// What [`CircuitBreaker::run`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CircuitBreakerFuture<'a, F> {
        #[pin]
        pub(super) guarded: Guarded<'a, F>,
    }
}

pin_project! {
    /// What [`CircuitBreaker::run_settled`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CircuitBreakerSettledFuture<'a, F> {
        #[pin]
        pub(super) guarded: Guarded<'a, F>,
    }
}

pin_project! {
    /// The future with its permit, once there is one.
    #[derive(Debug)]
    pub(super) struct Guarded<'a, F> {
        // First, so that it is dropped before the call is abandoned.
        #[pin]
        future: F,
        breaker: &'a CircuitBreaker,
        permit: Option<Permit<'a>>,
    }
}

impl<'a, F> Guarded<'a, F> {
    pub(super) const fn new(breaker: &'a CircuitBreaker, future: F) -> Self {
        Self { future, breaker, permit: None }
    }
}

// A retry polls it within its own future and that within the time-out's, and the outcome should not be moved between
// them: without this, a happy call takes a tenth longer.
impl<F: Future<Output: Outcome>> Guarded<'_, F> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Error>> {
        let this = self.project();
        if this.permit.is_none() {
            match this.breaker.acquire() {
                Ok(permit) => *this.permit = Some(permit),
                Err(rejection) => return Poll::Ready(Err(rejection)),
            }
        }
        this.future.poll(cx).map(|outcome| {
            Ok(match this.permit.take() {
                Some(permit) => permit.settle(outcome),
                None => outcome,
            })
        })
    }
}

impl<F: Future<Output: Outcome>> Future for CircuitBreakerFuture<'_, F> {
    type Output = Settled<F::Output>;

    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx).map(|outcome| match outcome {
            Ok(outcome) => Settled::Outcome(outcome),
            Err(rejection) => Settled::Rejected(rejection),
        })
    }
}

impl<O: Outcome, F: Future<Output = Settled<O>>> Future for CircuitBreakerSettledFuture<'_, F> {
    type Output = Settled<O>;

    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx).map(|outcome| match outcome {
            Ok(settled) => settled,
            Err(rejection) => Settled::Rejected(rejection),
        })
    }
}

pin_project! {
    /// What [`CircuitBreaker::run_within`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CircuitBreakerWithin<'a, F> {
        #[pin]
        pub(super) guarded: CircuitBreakerSettledFuture<'a, TimeoutFuture<'a, F>>,
    }
}

impl<F: Future<Output: Outcome>> Future for CircuitBreakerWithin<'_, F> {
    type Output = Settled<F::Output>;

    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx)
    }
}
