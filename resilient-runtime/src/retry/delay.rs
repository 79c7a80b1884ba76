//! The wait between two attempts.

use std::future::{Future, IntoFuture};
use std::mem;
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
        DelayFuture { rest: self, timer: None }
    }
}

pin_project! {
    /// A [`Delay`] that is being awaited. It counts from its first poll.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DelayFuture {
        // zero once it has begun, or where there is nothing to wait for
        rest: Delay,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl Future for DelayFuture {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.rest.is_zero() {
            self.as_mut().begin();
            if self.timer.is_none() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        match self.project().timer.as_pin_mut() {
            Some(timer) => timer.poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl DelayFuture {
    /// Sets the timer, unless it only gives way.
    #[cold]
    #[inline(never)]
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        let delay = mem::replace(this.rest, Delay(0));
        if delay != Delay::TURN {
            this.timer.set(clock::sleep(delay.duration()));
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use tokio::time::{Instant, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_delay_counts_from_its_first_poll() {
        let delay = Delay::of_nanos(2_000_000_000).into_future();
        advance(Duration::from_secs(5)).await;

        let start = Instant::now();
        delay.await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn the_shortest_delay_gives_way_once_and_one_of_zero_does_not() {
        let polls = |delay: Delay| {
            let mut delay = Box::pin(delay.into_future());
            let mut context = Context::from_waker(std::task::Waker::noop());
            [(); 2].map(|()| delay.as_mut().poll(&mut context).is_ready())
        };
        assert_eq!(polls(Delay(0)), [true, true]);
        assert_eq!(polls(Delay::TURN), [false, true]);
    }
}
