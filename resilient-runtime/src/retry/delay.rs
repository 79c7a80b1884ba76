//! The wait between two attempts.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

/// The wait before a retry.
///
/// Awaiting a zero delay never sleeps; it only lets the task's other work proceed now and then, so that a body that is
/// always ready cannot hold up the thread.
///
/// # Panics
///
/// Awaiting a delay that is not zero panics off a tokio runtime with a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "a delay waits only when it is awaited"]
pub struct Delay(pub(super) Duration);

impl Delay {
    /// How long it waits.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl IntoFuture for Delay {
    type Output = ();
    type IntoFuture = DelayFuture;

    #[inline]
    fn into_future(self) -> DelayFuture {
        let sleep = (!self.0.is_zero()).then(|| tokio::time::sleep(self.0));
        DelayFuture { sleep }
    }
}

pin_project! {
    /// A [`Delay`] that is being awaited.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct DelayFuture {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Future for DelayFuture {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => {
                ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
                Poll::Ready(())
            }
        }
    }
}
