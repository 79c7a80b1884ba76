//! The wait between two attempts.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::{clock, parked};

/// The wait before a retry: to be awaited, or [waited for](Self::wait) by a thread.
///
/// A zero delay is over at once. Of retries without a wait, each 32nd has a delay of one nanosecond instead, which gives way to
/// other tasks once: a body that is always ready cannot hold up the thread.
///
/// Awaited where nothing can measure it, off a tokio runtime or on one without timers, a delay that is not zero gives way once
/// and is over. [`RetryCall::settle`](super::RetryCall::settle) hands out none there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "a delay waits only when it is awaited"]
pub struct Delay(
    /// Nanoseconds: less than 2⁶⁴ − 1, which is 584 years.
    pub(super) u64,
);

impl Delay {
    /// The shortest, for which other tasks have their turn and no timer is set.
    pub(super) const TURN: Self = Self(1);

    pub(super) fn of_nanos(nanos: u64) -> Self {
        Self(nanos.min(u64::MAX - 1))
    }

    #[inline]
    pub(super) const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Blocks the thread for that long; a zero delay returns at once.
    ///
    /// For a call that [blocks](crate::Retry::begin_blocking). In an async function it would hold up all other tasks of the thread:
    /// await the delay there.
    ///
    /// ```
    /// use resilient::{Backoff, Retry, Verdict};
    ///
    /// static LOOKUP: Retry = Retry::named("lookup").backoff(Backoff::none());
    ///
    /// let mut call = LOOKUP.begin_blocking();
    /// let failed = Err::<u32, _>(std::io::Error::from(std::io::ErrorKind::TimedOut));
    /// if let Verdict::Retry(delay) = call.settle(failed) {
    ///     delay.wait();
    /// }
    /// assert_eq!(call.attempt(), 1);
    /// ```
    pub fn wait(self) {
        if !self.is_zero() {
            parked::sleep(self.duration());
        }
    }

    /// Returns how long it waits.
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl IntoFuture for Delay {
    type Output = ();
    type IntoFuture = DelayFuture;

    #[inline]
    fn into_future(self) -> DelayFuture {
        let wait = match self {
            Self(0) => Wait::None,
            Self::TURN => Wait::Turn,
            _ => clock::sleep(self.duration()).map_or(Wait::Turn, |timer| Wait::Timer { timer }),
        };
        DelayFuture { wait }
    }
}

pin_project! {
    /// A [`Delay`] that is being awaited.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DelayFuture {
        #[pin]
        wait: Wait,
    }
}

pin_project! {
    #[project = WaitProjection]
    #[derive(Debug)]
    enum Wait {
        None,
        // Until the other tasks had their turn.
        Turn,
        Timer { #[pin] timer: Sleep },
    }
}

impl Future for DelayFuture {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut wait = self.project().wait;
        match wait.as_mut().project() {
            WaitProjection::Timer { timer } => timer.poll(cx),
            WaitProjection::Turn => {
                wait.set(Wait::None);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            WaitProjection::None => Poll::Ready(()),
        }
    }
}
