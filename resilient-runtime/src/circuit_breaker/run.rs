//! A call through a breaker: with a permit, it runs, and its outcome is reported.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::permit::Pass;
use super::{CircuitBreaker, CircuitBreakerPermit};
use crate::Settled;
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{ByClass, InStack, Judge};

/// A breaker's part in a call; from [`CircuitBreaker::run`].
#[derive(Debug)]
pub struct CircuitBreakerGuard<'a, J> {
    breaker: &'a CircuitBreaker,
    /// The pass of its permit, once the attempt has begun.
    pass: Pass,
    judge: J,
}

impl<J> Unpin for CircuitBreakerGuard<'_, J> {}

impl<'a, J> CircuitBreakerGuard<'a, J> {
    pub(super) const fn new(breaker: &'a CircuitBreaker, judge: J) -> Self {
        Self { breaker, pass: Pass::NONE, judge }
    }
}

impl<J> Drop for CircuitBreakerGuard<'_, J> {
    #[inline]
    fn drop(&mut self) {
        if self.pass != Pass::NONE {
            drop(CircuitBreakerPermit::of(self.breaker, self.pass));
        }
    }
}

impl<O, J: Judge<O>> Guard<O> for CircuitBreakerGuard<'_, J> {
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
        if this.pass == Pass::NONE {
            match this.breaker.acquire() {
                Ok(permit) => this.pass = permit.into_pass(),
                Err(rejection) => return Poll::Ready(Settled::Rejected(rejection)),
            }
        }
        let polled = below(cx);
        if let Poll::Ready(settled) = &polled {
            this.breaker.judge(this.pass, settled, &InStack(&this.judge));
            this.pass = Pass::NONE;
        }
        polled
    }
}

impl<'a> Policy for &'a CircuitBreaker {
    type Guard = CircuitBreakerGuard<'a, ByClass>;

    #[inline]
    fn guard(self) -> Self::Guard {
        CircuitBreakerGuard::new(self, ByClass)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(*self);
    }
}

impl<'a, J> JudgingPolicy<J> for &'a CircuitBreaker {
    type JudgedGuard = CircuitBreakerGuard<'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        CircuitBreakerGuard::new(self, judge)
    }
}
