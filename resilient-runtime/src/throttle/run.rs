//! A call under a throttle.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Throttle, ThrottlePermit};
use crate::Settled;
use crate::stack::{Guard, JudgingPolicy, Policy};
use crate::when::{ByClass, InStack, Judge};

/// A throttle's part in a call; from [`Throttle::run`].
#[derive(Debug)]
pub struct ThrottleGuard<'a, J> {
    throttle: &'a Throttle,
    permit: Option<ThrottlePermit<'a>>,
    judge: J,
}

impl<J> Unpin for ThrottleGuard<'_, J> {}

impl<J> Drop for ThrottleGuard<'_, J> {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            permit.abandon();
        }
    }
}

impl<'a, J> ThrottleGuard<'a, J> {
    pub(super) const fn new(throttle: &'a Throttle, judge: J) -> Self {
        Self { throttle, permit: None, judge }
    }
}

impl<O, J: Judge<O>> Guard<O> for ThrottleGuard<'_, J> {
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
        let permit = match this.permit.take() {
            Some(permit) => permit,
            None => match this.throttle.acquire() {
                Ok(permit) => permit,
                Err(rejection) => return Poll::Ready(Settled::Rejected(rejection)),
            },
        };
        let polled = below(cx);
        match &polled {
            Poll::Ready(settled) => permit.judge(settled, &InStack(&this.judge)),
            Poll::Pending => this.permit = Some(permit),
        }
        polled
    }
}

impl<'a> Policy for &'a Throttle {
    type Guard = ThrottleGuard<'a, ByClass>;

    #[inline]
    fn guard(self) -> Self::Guard {
        ThrottleGuard::new(self, ByClass)
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(*self);
    }
}

impl<'a, J> JudgingPolicy<J> for &'a Throttle {
    type JudgedGuard = ThrottleGuard<'a, J>;

    #[inline]
    fn judged_guard(self, judge: J) -> Self::JudgedGuard {
        ThrottleGuard::new(self, judge)
    }
}
