//! The time-out: gives a future so long to end, and tells everything inside when that is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::deadline::{Limit, Timer};
use crate::{Error, PolicyKind, Reason, Settled, event};

/// Gives what it runs a limited time, and sets the [`Deadline`](crate::Deadline) for everything inside.
///
/// ```
/// use std::time::Duration;
/// use resilient::{Settled, Timeout};
///
/// static LOOKUP: Timeout = Timeout::named("lookup", Duration::from_millis(50));
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let answer = LOOKUP.run(async { 42 }).await;
/// assert_eq!(answer, Settled::Outcome(42));
///
/// let stuck = LOOKUP.run(std::future::pending::<u32>()).await;
/// assert!(matches!(stuck, Settled::Rejected(rejection) if rejection.to_string() == "`lookup` did not end within 50ms"));
/// # }
/// ```
#[derive(Debug)]
pub struct Timeout {
    name: &'static str,
    limit: Duration,
}

impl Timeout {
    /// A time-out of `limit`, with the name that its rejections and events carry.
    ///
    /// # Panics
    ///
    /// If `limit` is zero; in a `const` or `static`, that is a compile error.
    pub const fn named(name: &'static str, limit: Duration) -> Self {
        assert!(!limit.is_zero(), "a time-out of zero fails every call");
        Self { name, limit }
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The time that it gives.
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// Runs `future` for at most the limit.
    ///
    /// The time counts from the first poll. A future that is ready at once never touches the timer, nor the clock
    /// unless something inside asks for the deadline. If a deadline from further out has already passed, `future` is
    /// not polled at all.
    ///
    /// A future that never yields cannot be stopped by any time-out; see to it that CPU-bound work runs elsewhere.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`] with [`Reason::TimedOut`], [`Reason::DeadlineExceeded`], or, off a tokio runtime,
    /// [`Reason::NoRuntime`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`. When the time is over, `future` is dropped before the rejection is returned.
    pub const fn run<F: Future>(&self, future: F) -> TimeoutFuture<'_, F> {
        TimeoutFuture { future: Some(future), watch: Watch::Fresh, timeout: self }
    }
}

pin_project! {
    /// What [`Timeout::run`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TimeoutFuture<'a, F> {
        // `None` once it has ended
        #[pin]
        future: Option<F>,
        #[pin]
        watch: Watch,
        timeout: &'a Timeout,
    }
}

pin_project! {
    /// Who sees to it that the future ends in time.
    #[project = WatchProjection]
    #[derive(Debug)]
    enum Watch {
        // Not polled yet; most futures that need no wait end here.
        Fresh,
        // A deadline from further out comes first, and whoever set it has the timer.
        Sheltered,
        // For its own limit, or for a deadline that nobody else watches.
        Armed { #[pin] timer: Sleep },
    }
}

impl<F: Future> Future for TimeoutFuture<'_, F> {
    type Output = Settled<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("a time-out is not polled again after it ended");
        let outer = Limit::current();

        let polled = match this.watch.as_mut().project() {
            WatchProjection::Sheltered => future.poll(cx),
            WatchProjection::Armed { timer, .. } => outer.tighten_to(timer.deadline(), true).scope(|| future.poll(cx)),
            WatchProjection::Fresh if outer.is_over() => {
                return Poll::Ready(reject(this.future, this.timeout, Reason::DeadlineExceeded));
            }
            WatchProjection::Fresh => {
                let (inner, timer) = outer.tighten(this.timeout.limit);
                let (polled, inner) = inner.scope(|| (future.poll(cx), Limit::current()));
                if polled.is_pending() {
                    let Some(watch) = Watch::over(inner, timer) else {
                        return Poll::Ready(reject(this.future, this.timeout, Reason::NoRuntime));
                    };
                    this.watch.set(watch);
                }
                polled
            }
        };
        if let Poll::Ready(outcome) = polled {
            this.future.set(None);
            return Poll::Ready(Settled::Outcome(outcome));
        }

        let limit = this.timeout.limit;
        let reason = match this.watch.project() {
            WatchProjection::Armed { timer } => {
                let deadline = timer.deadline();
                ready!(timer.poll(cx));
                match outer.instant() {
                    // a deadline that nobody else watches came first
                    Some(outer) if outer <= deadline => Reason::DeadlineExceeded,
                    _ => Reason::TimedOut { limit },
                }
            }
            WatchProjection::Fresh | WatchProjection::Sheltered => return Poll::Pending,
        };
        Poll::Ready(reject(this.future, this.timeout, reason))
    }
}

impl Watch {
    /// Who sees to it that `limit` is kept; `None` if that takes a timer and there is no runtime to drive it.
    fn over(limit: Limit, timer: Timer) -> Option<Self> {
        if timer == Timer::Unneeded {
            return Some(Self::Sheltered);
        }
        tokio::runtime::Handle::try_current().ok()?;
        Some(Self::Armed { timer: tokio::time::sleep_until(limit.instant()?) })
    }
}

/// Drops the future before the caller learns that it was given up.
fn reject<F, O>(mut future: Pin<&mut Option<F>>, timeout: &Timeout, reason: Reason) -> Settled<O> {
    future.set(None);
    match reason {
        Reason::TimedOut { limit } => event::timed_out(timeout.name, limit),
        Reason::DeadlineExceeded => event::deadline_exceeded(timeout.name),
        _ => {}
    }
    Settled::Rejected(Error::new(PolicyKind::Timeout, timeout.name, reason))
}
