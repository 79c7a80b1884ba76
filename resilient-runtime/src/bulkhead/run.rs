//! A call behind a bulkhead.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Bulkhead, BulkheadAcquire, BulkheadEntry, BulkheadPermit};
use crate::adaptive::Ended;
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{Blind, ByClass, InStack, Judge};
use crate::{Class, Error, Reason, Settled, nested};

/// A bulkhead's part in a call; from [`Bulkhead::run`](crate::Bulkhead::run) and its likes.
#[derive(Debug)]
pub struct BulkheadGuard<'a, J> {
    stage: Stage<'a>,
    judge: J,
}

impl<J> Unpin for BulkheadGuard<'_, J> {}

impl<J> Drop for BulkheadGuard<'_, J> {
    #[inline]
    fn drop(&mut self) {
        if let Stage::Inside(permit) = mem::replace(&mut self.stage, Stage::Over) {
            permit.abandon();
        }
    }
}

#[derive(Debug)]
enum Stage<'a> {
    Outside(BulkheadAcquire<'a>),
    Inside(BulkheadPermit<'a>),
    Over,
}

impl<'a, J> BulkheadGuard<'a, J> {
    pub(super) const fn new(entry: BulkheadEntry<'a>, judge: J) -> Self {
        Self { stage: Stage::Outside(BulkheadAcquire::new(entry)), judge }
    }
}

impl<O, J: Judge<O>> Guard<O> for BulkheadGuard<'_, J> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
    ) -> Poll<Settled<O>> {
        let this = &mut *self;
        let permit = match mem::replace(&mut this.stage, Stage::Over) {
            Stage::Inside(permit) => permit,
            Stage::Outside(mut acquire) => match Pin::new(&mut acquire).poll(cx) {
                Poll::Ready(Ok(permit)) => permit,
                Poll::Ready(Err(rejection)) => return Poll::Ready(Settled::Rejected(rejection)),
                Poll::Pending => {
                    this.stage = Stage::Outside(acquire);
                    return Poll::Pending;
                }
            },
            Stage::Over => panic!("a bulkhead's future is not polled again after it ended"),
        };
        let polled = if permit.permits() > 0 {
            nested::within(permit.bulkhead().address(), || below(cx))
        } else {
            // It holds nothing that anybody could wait for.
            below(cx)
        };
        match &polled {
            Poll::Pending => this.stage = Stage::Inside(permit),
            Poll::Ready(settled) if J::JUDGES => permit.judge(settled, &InStack(&this.judge)),
            Poll::Ready(_) => permit.end_unjudged(),
        }
        polled
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

impl<'a> Policy for BulkheadEntry<'a> {
    type Guard = BulkheadGuard<'a, Blind>;

    #[inline]
    fn guard(self) -> Self::Guard {
        BulkheadGuard::new(self, Blind)
    }
}

impl<'a, J> JudgingPolicy<J> for BulkheadEntry<'a> {
    type JudgedGuard = BulkheadGuard<'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        BulkheadGuard::new(self, judge)
    }
}

impl<'a> Policy for &'a Bulkhead {
    type Guard = BulkheadGuard<'a, Blind>;

    #[inline]
    fn guard(self) -> Self::Guard {
        self.entry().guard()
    }
}

/// A call of a bulkhead whose limit learns from how it ends; from [`Bulkhead::learning`].
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing comes in before it runs"]
pub struct Learning<'a>(pub(super) BulkheadEntry<'a>);

impl<'a> Policy for Learning<'a> {
    type Guard = BulkheadGuard<'a, ByClass>;

    #[inline]
    fn guard(self) -> Self::Guard {
        BulkheadGuard::new(self.0, ByClass)
    }
}
