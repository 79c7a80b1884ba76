//! A future behind a bulkhead.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Acquire, BulkheadPermit, Entry};
use crate::adaptive::Ended;
use crate::when::{ByClass, ByWhen};
use crate::{Class, Error, Outcome, Reason, Settled, When, nested};

pin_project! {
    /// What [`Bulkhead::run`](crate::Bulkhead::run) and its likes return.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct BulkheadFuture<'a, F, J> {
        // First, so that it is dropped before its permit comes free.
        #[pin]
        future: Option<F>,
        stage: Stage<'a>,
        judge: J,
    }
}

#[derive(Debug)]
enum Stage<'a> {
    Outside(Acquire<'a>),
    Inside(BulkheadPermit<'a>),
    Over,
}

/// What the end of a call tells about the load of what it called.
pub trait Judge<O>: sealed::Judge<O> {}

impl<O, J: sealed::Judge<O>> Judge<O> for J {}

mod sealed {
    use crate::adaptive::Ended;

    pub trait Judge<O> {
        /// Whether it judges nothing.
        #[doc(hidden)]
        const IS_BLIND: bool = false;

        #[doc(hidden)]
        fn judge(&self, outcome: &O) -> Ended;
    }
}

/// Nothing: for a limit that does not adapt. One that does learns nothing by it.
#[derive(Debug, Clone, Copy)]
pub struct Blind;

impl<'a, F: Future, J> BulkheadFuture<'a, F, J> {
    pub(super) const fn new(entry: Entry<'a>, future: F, judge: J) -> Self {
        Self { future: Some(future), stage: Stage::Outside(Acquire::new(entry)), judge }
    }
}

impl<F: Future, J: Judge<F::Output>> Future for BulkheadFuture<'_, F, J> {
    type Output = Settled<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Stage::Outside(acquire) = this.stage {
            match ready!(Pin::new(acquire).poll(context)) {
                Ok(permit) => *this.stage = Stage::Inside(permit),
                Err(rejection) => {
                    this.future.set(None);
                    *this.stage = Stage::Over;
                    return Poll::Ready(Settled::Rejected(rejection));
                }
            }
        }
        let Stage::Inside(permit) = &*this.stage else {
            panic!("a bulkhead's future is not polled again after it ended")
        };
        let future = this.future.as_mut().as_pin_mut().expect("it is there until it has ended");
        let outcome = if permit.permits() > 0 {
            ready!(nested::within(permit.bulkhead().address(), || future.poll(context)))
        } else {
            // It holds nothing that anybody could wait for.
            ready!(future.poll(context))
        };
        this.future.set(None);
        if let Stage::Inside(permit) = std::mem::replace(this.stage, Stage::Over) {
            if J::IS_BLIND {
                permit.end_unjudged();
            } else {
                permit.end(this.judge.judge(&outcome));
            }
        }
        Poll::Ready(Settled::Outcome(outcome))
    }
}

impl<O> sealed::Judge<O> for Blind {
    const IS_BLIND: bool = true;

    fn judge(&self, _outcome: &O) -> Ended {
        Ended::Ignored
    }
}

impl<O: Outcome> sealed::Judge<O> for ByClass {
    fn judge(&self, outcome: &O) -> Ended {
        ended(outcome.rejection(), || outcome.class())
    }
}

impl<O, W: When<O, By>, By> sealed::Judge<O> for ByWhen<W, By> {
    fn judge(&self, outcome: &O) -> Ended {
        ended(self.when.rejection_in(outcome), || self.when.class_of(outcome))
    }
}

/// Only a success took as long as work takes. A policy further in that refused says nothing about the server, except by
/// a time-out.
pub(crate) fn ended(rejection: Option<&Error>, class: impl FnOnce() -> Class) -> Ended {
    match rejection.map(Error::reason) {
        Some(Reason::TimedOut { .. }) => Ended::Dropped,
        Some(_) => Ended::Ignored,
        None => match class() {
            Class::Success => Ended::Success,
            Class::Throttled { .. } => Ended::Dropped,
            Class::Transient | Class::Permanent => Ended::Ignored,
        },
    }
}
