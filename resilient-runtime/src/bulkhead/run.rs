//! A call behind a bulkhead.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::entry::CallEnd;
use super::{Bulkhead, BulkheadAcquire, BulkheadEntry, BulkheadPermit};
use crate::adaptive::{Ended, Sample};
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{Blind, ByClass, InStack, Judge};
use crate::{Class, Error, Reason, Settled, nested};

/// A bulkhead's part in a call; from [`Bulkhead::run`](crate::Bulkhead::run) and its likes.
#[derive(Debug)]
pub struct BulkheadGuard<'a, J> {
    acquire: BulkheadAcquire<'a>,
    /// The permits, while the call runs.
    permits: Option<u32>,
    sample: Sample,
    judge: J,
}

impl<J> Unpin for BulkheadGuard<'_, J> {}

impl<J> Drop for BulkheadGuard<'_, J> {
    #[inline]
    fn drop(&mut self) {
        if let Some(permits) = self.permits {
            BulkheadPermit::of(self.acquire.bulkhead(), permits, self.sample).abandon();
        }
    }
}

impl<'a, J> BulkheadGuard<'a, J> {
    pub(super) const fn new(entry: BulkheadEntry<'a>, judge: J) -> Self {
        Self { acquire: BulkheadAcquire::new(entry), permits: None, sample: Sample::UNTIMED, judge }
    }
}

impl<O, J: Judge<O>> Guard<O> for BulkheadGuard<'_, J> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll<'o>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let this = &mut *self;
        let bulkhead = this.acquire.bulkhead();
        let permits = match this.permits {
            Some(permits) => permits,
            None => match ready!(this.acquire.poll_entry(cx)) {
                Ok(permit) => {
                    let (_, permits, sample) = permit.into_parts();
                    (this.permits, this.sample) = (Some(permits), sample);
                    permits
                }
                Err(refusal) => return Poll::Ready(Settled::Rejected(refusal.into_error(bulkhead))),
            },
        };
        let polled = if permits > 0 {
            nested::within(bulkhead.address(), || below(cx))
        } else {
            // It holds nothing that anybody could wait for.
            below(cx)
        };
        if let Poll::Ready(settled) = &polled {
            // a panic while it judges leaves the permits to the guard
            let end = CallEnd::of(settled, &InStack(&this.judge));
            this.permits = None;
            bulkhead.end(permits, this.sample, end);
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

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(self.bulkhead);
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

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(*self);
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

    fn list(&self)
    where
        Self: 'static,
    {
        self.0.list();
    }
}

impl<'a, J> JudgingPolicy<J> for Learning<'a> {
    type JudgedGuard = BulkheadGuard<'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        BulkheadGuard::new(self.0, judge)
    }
}
