//! A retry's part in a stack: the decision on the outcome of an attempt.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::RetryCall;
use crate::Settled;
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{ByClass, InStack, Judge};

/// A retry's part in one attempt of a call; a `&mut` [`RetryCall`] in a [stack](crate::run).
#[derive(Debug)]
pub struct RetryGuard<'c, 'a, J> {
    call: &'c mut RetryCall<'a>,
    judge: J,
}

impl<J> Unpin for RetryGuard<'_, '_, J> {}

impl<'c, 'a, J> RetryGuard<'c, 'a, J> {
    #[inline]
    const fn new(call: &'c mut RetryCall<'a>, judge: J) -> Self {
        call.begin_attempt();
        Self { call, judge }
    }
}

impl<O, J: Judge<O>> Guard<O> for RetryGuard<'_, '_, J> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
    ) -> Poll<Settled<O>> {
        let this = &mut *self;
        let polled = below(cx);
        if let Poll::Ready(settled) = &polled {
            this.call.note(settled, &InStack(&this.judge));
        }
        polled
    }
}

impl<'c, 'a> Policy for &'c mut RetryCall<'a> {
    type Guard = RetryGuard<'c, 'a, ByClass>;

    #[inline]
    fn guard(self) -> Self::Guard {
        RetryGuard::new(self, ByClass)
    }
}

impl<'c, 'a, J> JudgingPolicy<J> for &'c mut RetryCall<'a> {
    type JudgedGuard = RetryGuard<'c, 'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        RetryGuard::new(self, judge)
    }
}
