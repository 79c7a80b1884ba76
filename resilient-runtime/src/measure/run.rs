//! A measure's part in a call: around a future of its own, or in a stack.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Measure;
use super::timing::Timing;
use crate::Settled;
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{ByClass, InStack, Judge};

pin_project! {
    /// A future whose time is measured; from [`Measure::run`] and its likes.
    #[must_use = "futures do nothing unless polled"]
    pub struct MeasureFuture<'a, F, J> {
        // first, so that what it does while it is dropped counts to its time
        #[pin]
        future: F,
        timing: Timing<'a>,
        judge: J,
    }
}

impl<'a, F, J> MeasureFuture<'a, F, J> {
    #[inline]
    pub(super) const fn new(policy: &'a Measure, future: F, judge: J) -> Self {
        Self { future, timing: policy.begin(), judge }
    }
}

impl<F: Future, J: Judge<F::Output>> Future for MeasureFuture<'_, F, J> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polled = this.timing.poll(|| this.future.poll(cx));
        if let Poll::Ready(outcome) = &polled {
            this.timing.settle(outcome, this.judge);
        }
        polled
    }
}

impl<F, J> fmt::Debug for MeasureFuture<'_, F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasureFuture").field("timing", &self.timing).finish_non_exhaustive()
    }
}

/// Runs a call that blocks.
#[inline]
pub(super) fn measured<O>(mut timing: Timing<'_>, call: impl FnOnce() -> O, judge: &impl Judge<O>) -> O {
    let outcome = timing.poll(call);
    timing.settle(&outcome, judge);
    outcome
}

/// A measure's part in a call; a [`Measure`] in a [stack](crate::run).
#[derive(Debug)]
pub struct MeasureGuard<'a, J> {
    timing: Timing<'a>,
    judge: J,
}

impl<J> Unpin for MeasureGuard<'_, J> {}

impl<O, J: Judge<O>> Guard<O> for MeasureGuard<'_, J> {
    #[inline]
    fn poll<'o>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let this = &mut *self;
        let polled = this.timing.poll(|| below(cx));
        if let Poll::Ready(settled) = &polled {
            this.timing.settle(settled, &InStack(&this.judge));
        }
        polled
    }
}

impl<'a> Policy for &'a Measure {
    type Guard = MeasureGuard<'a, ByClass>;

    #[inline]
    fn guard(self) -> Self::Guard {
        MeasureGuard { timing: self.begin(), judge: ByClass }
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(*self);
    }
}

impl<'a, J> JudgingPolicy<J> for &'a Measure {
    type JudgedGuard = MeasureGuard<'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        MeasureGuard { timing: self.begin(), judge }
    }
}
