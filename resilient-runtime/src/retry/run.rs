//! A retry's part in a stack: the decision on the outcome of an attempt.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::RetryCall;
use super::hook::{Hooks, TellInside, Telling, Untold};
use crate::Settled;
use crate::event::{GivingUp, Retrying};
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{ByClass, InStack, Judge};

/// A retry's part in one attempt of a call; a `&mut` [`RetryCall`] in a [stack](crate::run).
#[derive(Debug)]
pub struct RetryGuard<'c, 'a, J, R = Untold, G = Untold> {
    call: &'c mut RetryCall<'a>,
    judge: J,
    hooks: Hooks<R, G>,
}

impl<J, R, G> Unpin for RetryGuard<'_, '_, J, R, G> {}

impl<'c, 'a, J, R, G> RetryGuard<'c, 'a, J, R, G> {
    #[inline]
    fn new(call: &'c mut RetryCall<'a>, judge: J, hooks: Hooks<R, G>) -> Self {
        call.begin_attempt();
        Self { call, judge, hooks }
    }
}

impl<O, J, R, G> Guard<O> for RetryGuard<'_, '_, J, R, G>
where
    J: Judge<O>,
    R: TellInside<Retrying, O>,
    G: TellInside<GivingUp, O>,
{
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
        let polled = below(cx);
        if let Poll::Ready(settled) = &polled {
            this.call.note(settled, &InStack(&this.judge), &this.hooks.inside());
        }
        polled
    }
}

impl<'c, 'a> Policy for &'c mut RetryCall<'a> {
    type Guard = RetryGuard<'c, 'a, ByClass>;

    #[inline]
    fn guard(self) -> Self::Guard {
        RetryGuard::new(self, ByClass, Hooks::NONE)
    }
}

impl<'c, 'a, J> JudgingPolicy<J> for &'c mut RetryCall<'a> {
    type JudgedGuard = RetryGuard<'c, 'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        RetryGuard::new(self, judge, Hooks::NONE)
    }
}

impl<'c, 'a, R, G> Policy for Telling<'c, 'a, R, G> {
    type Guard = RetryGuard<'c, 'a, ByClass, R, G>;

    #[inline]
    fn guard(self) -> Self::Guard {
        RetryGuard::new(self.call, ByClass, self.hooks)
    }
}

impl<'c, 'a, J, R, G> JudgingPolicy<J> for Telling<'c, 'a, R, G> {
    type JudgedGuard = RetryGuard<'c, 'a, J, R, G>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        RetryGuard::new(self.call, judge, self.hooks)
    }
}
