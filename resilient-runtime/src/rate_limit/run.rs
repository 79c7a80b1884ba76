//! A call under a rate limit.

use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::permit::judged;
use super::{Quota, RateAcquire, RateLimit, RatePermit};
use crate::Settled;
use crate::stack::{Guard, Judged, JudgingPolicy, Policy};
use crate::when::{ByClass, ByWhen, InStack, Judge};

/// A rate limit's part in a call; from [`RateLimit::run`] and its likes.
#[derive(Debug)]
pub struct RateLimitGuard<'a, J, H> {
    acquire: RateAcquire<'a>,
    /// Set while the call runs.
    runs: bool,
    judge: J,
    heed: H,
}

impl<J, H> Unpin for RateLimitGuard<'_, J, H> {}

impl<J, H> Drop for RateLimitGuard<'_, J, H> {
    #[inline]
    fn drop(&mut self) {
        if self.runs {
            RatePermit::new(self.acquire.limit()).abandon();
        }
    }
}

/// Heeds no answer: only a failure tells what the server allows.
#[derive(Debug, Clone, Copy)]
pub struct Heedless;

/// Heeds the quota that a function reads from a good answer.
#[derive(Debug, Clone, Copy)]
pub struct ByAnswer<T, H> {
    answer: H,
    of: PhantomData<fn(&T)>,
}

/// Tells a rate limit what an outcome says about the quota.
pub trait Heed<O>: sealed::Heed<O> {}

impl<O, H: sealed::Heed<O>> Heed<O> for H {}

mod sealed {
    use super::Quota;

    pub trait Heed<O> {
        #[doc(hidden)]
        fn quota(&self, outcome: &O) -> Option<Quota>;
    }
}

impl<O> sealed::Heed<O> for Heedless {
    #[inline]
    fn quota(&self, _outcome: &O) -> Option<Quota> {
        None
    }
}

impl<T, E, H: Fn(&T) -> Quota> sealed::Heed<Result<T, E>> for ByAnswer<T, H> {
    #[inline]
    fn quota(&self, outcome: &Result<T, E>) -> Option<Quota> {
        outcome.as_ref().ok().map(&self.answer)
    }
}

impl<'a, J, H> RateLimitGuard<'a, J, H> {
    pub(super) const fn new(limit: &'a RateLimit, judge: J, heed: H) -> Self {
        Self { acquire: limit.acquire(), runs: false, judge, heed }
    }
}

impl<O, J: Judge<O>, H: Heed<O>> Guard<O> for RateLimitGuard<'_, J, H> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
    ) -> Poll<Settled<O>> {
        let this = &mut *self;
        if !this.runs {
            match ready!(Pin::new(&mut this.acquire).poll(cx)) {
                Ok(permit) => mem::forget(permit),
                Err(rejection) => return Poll::Ready(Settled::Rejected(rejection)),
            }
            this.runs = true;
        }
        let polled = below(cx);
        if let Poll::Ready(settled) = &polled {
            let limit = this.acquire.limit();
            if let Settled::Outcome(outcome) = settled
                && let Some(quota) = this.heed.quota(outcome)
            {
                limit.heed(quota);
            }
            // a panic up to here leaves the call to the guard
            let (ended, class) = judged(settled, &InStack(&this.judge));
            this.runs = false;
            limit.end(ended, class);
        }
        polled
    }
}

impl<'a> Policy for &'a RateLimit {
    type Guard = RateLimitGuard<'a, ByClass, Heedless>;

    #[inline]
    fn guard(self) -> Self::Guard {
        RateLimitGuard::new(self, ByClass, Heedless)
    }
}

impl<'a, J> JudgingPolicy<J> for &'a RateLimit {
    type JudgedGuard = RateLimitGuard<'a, J, Heedless>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        RateLimitGuard::new(self, judge, Heedless)
    }
}

/// A rate limit that heeds the quota of good answers; from [`Judged::heeding`].
#[derive(Debug, Clone, Copy)]
#[must_use = "it heeds only in a stack"]
pub struct Heeding<P, H> {
    policy: P,
    answer: H,
}

impl<W, O> Judged<&RateLimit, W, O> {
    /// Has the limit [heed](RateLimit::heed) the quota that `answer` reads from a good outcome.
    #[inline]
    pub fn heeding<T, H: Fn(&T) -> Quota>(self, answer: H) -> Heeding<Self, ByAnswer<T, H>> {
        Heeding { policy: self, answer: ByAnswer { answer, of: PhantomData } }
    }
}

impl<'a, W, O, H> Policy for Heeding<Judged<&'a RateLimit, W, O>, H> {
    type Guard = RateLimitGuard<'a, ByWhen<W, O>, H>;

    #[inline]
    fn guard(self) -> Self::Guard {
        let Judged { policy, judge } = self.policy;
        RateLimitGuard::new(policy, judge, self.answer)
    }
}
