//! One round of a call as a future: the attempt, and the wait if there is to be another.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{DelayFuture, RetryCall, Verdict};
use crate::timeout::TimeoutRound;
use crate::{Outcome, Settled};

pin_project! {
    /// What [`RetryCall::run`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RetryFuture<'c, 'a, F> {
        pub(super) call: &'c mut RetryCall<'a>,
        #[pin]
        pub(super) stage: Stage<F>,
    }
}

pin_project! {
    // Where the round is.
    #[project = StageProjection]
    #[derive(Debug)]
    pub(super) enum Stage<F> {
        Attempt { #[pin] attempt: F },
        Wait { #[pin] delay: DelayFuture },
    }
}

impl<F: Future<Output: Outcome>> Future for RetryFuture<'_, '_, F> {
    type Output = Option<F::Output>;

    // As for a call through a breaker: the outcome should not be moved on its way out.
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProjection::Attempt { attempt } => match this.call.settle(ready!(attempt.poll(cx))) {
                    Verdict::Accept(outcome) => return Poll::Ready(Some(outcome)),
                    Verdict::Retry(delay) => this.stage.set(Stage::Wait { delay: delay.into_future() }),
                },
                StageProjection::Wait { delay } => return delay.poll(cx).map(|()| None),
            }
        }
    }
}

pin_project! {
    /// What [`RetryCall::run_within`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RetryWithin<'c, 'a, F> {
        #[pin]
        pub(super) round: TimeoutRound<'c, 'a, RetryFuture<'c, 'a, F>>,
    }
}

impl<F: Future<Output: Outcome>> Future for RetryWithin<'_, '_, F> {
    type Output = Option<Settled<F::Output>>;

    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().round.poll(cx)
    }
}
