//! The time-out: gives a future so long to end, and tells everything inside when that is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

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

    /// Starts a call that is made in rounds, which have the limit together: a loop that retries.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::{Retry, Settled, Timeout};
    ///
    /// static TOTAL: Timeout = Timeout::named("lookup", Duration::from_millis(50));
    /// static LOOKUP: Retry = Retry::named("lookup");
    ///
    /// # async fn ask() -> Result<u32, std::io::Error> { Ok(42) }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut timeout = TOTAL.begin();
    /// let mut retry = LOOKUP.begin();
    /// let settled = loop {
    ///     if let Some(settled) = timeout.run(retry.run(ask())).await {
    ///         break settled;
    ///     }
    /// };
    /// assert!(matches!(settled, Settled::Outcome(Ok(42))));
    /// # }
    /// ```
    pub const fn begin(&self) -> TimeoutCall<'_> {
        TimeoutCall { timeout: self, deadline: None }
    }
}

/// One call under a [`Timeout`] that is made in rounds; from [`Timeout::begin`].
#[derive(Debug)]
#[must_use = "it limits only what it runs"]
pub struct TimeoutCall<'a> {
    timeout: &'a Timeout,
    /// When the time is over, once it counts; `None` too under a deadline from further out that comes first.
    deadline: Option<Instant>,
}

impl<'a> TimeoutCall<'a> {
    /// Runs one round, for as long as the rounds before it have left; `None` from `round` asks for another.
    ///
    /// Otherwise as [`Timeout::run`]; the time counts from the first poll of the first round.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`], as there.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `round`. When the time is over, `round` is dropped before the rejection is returned.
    pub const fn run<F>(&mut self, round: F) -> TimeoutRound<'_, 'a, F> {
        let watch = match self.deadline {
            Some(deadline) => Watch::Due { deadline },
            None => Watch::Fresh,
        };
        TimeoutRound { future: Some(round), watch, call: self }
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
    /// What [`TimeoutCall::run`] returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TimeoutRound<'c, 'a, F> {
        // `None` once it has ended
        #[pin]
        future: Option<F>,
        #[pin]
        watch: Watch,
        call: &'c mut TimeoutCall<'a>,
    }
}

pin_project! {
    /// Who sees to it that the future ends in time.
    #[project = WatchProjection]
    #[derive(Debug)]
    enum Watch {
        // Not polled yet; most futures that need no wait end here.
        Fresh,
        // Not polled yet, in a call whose limit counts already.
        Due { deadline: Instant },
        // A deadline from further out comes first, and whoever set it has the timer.
        Sheltered,
        // For its own limit, or for a deadline that nobody else watches.
        Armed { #[pin] timer: Sleep },
    }
}

impl<F: Future> Future for TimeoutFuture<'_, F> {
    type Output = Settled<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        poll_in_time(this.future, this.watch, this.timeout, |_| false, cx)
    }
}

impl<O, F: Future<Output = Option<O>>> Future for TimeoutRound<'_, '_, F> {
    type Output = Option<Settled<O>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = poll_in_time(this.future, this.watch.as_mut(), this.call.timeout, Option::is_none, cx);
        Poll::Ready(match polled {
            Poll::Ready(Settled::Outcome(Some(outcome))) => Some(Settled::Outcome(outcome)),
            Poll::Ready(Settled::Rejected(rejection)) => Some(Settled::Rejected(rejection)),
            Poll::Ready(Settled::Outcome(None)) => {
                this.call.deadline = this.watch.deadline();
                None
            }
            Poll::Pending => {
                this.call.deadline = this.watch.deadline();
                return Poll::Pending;
            }
        })
    }
}

/// Polls the future while there is time for it, and after an outcome that asks for `another` keeps count of the time.
#[inline]
fn poll_in_time<F: Future>(
    mut future: Pin<&mut Option<F>>,
    mut watch: Pin<&mut Watch>,
    timeout: &Timeout,
    another: impl FnOnce(&F::Output) -> bool,
    cx: &mut Context<'_>,
) -> Poll<Settled<F::Output>> {
    let running = future.as_mut().as_pin_mut().expect("a time-out is not polled again after it ended");
    let outer = Limit::current();

    let polled = match watch.as_mut().project() {
        WatchProjection::Sheltered => running.poll(cx),
        WatchProjection::Armed { timer } => outer.tighten_to(timer.deadline(), true).scope(|| running.poll(cx)),
        WatchProjection::Fresh | WatchProjection::Due { .. } if outer.is_over() => {
            return Poll::Ready(reject(future, timeout, Reason::DeadlineExceeded));
        }
        fresh => {
            let (inner, timer) = match fresh {
                WatchProjection::Due { deadline } => (outer.tighten_to(*deadline, true), Timer::Needed),
                _ => outer.tighten(timeout.limit),
            };
            let (polled, inner) = inner.scope(|| (running.poll(cx), Limit::current()));
            match &polled {
                Poll::Pending => {
                    let Some(over) = Watch::over(inner, timer) else {
                        return Poll::Ready(reject(future, timeout, Reason::NoRuntime));
                    };
                    watch.set(over);
                }
                Poll::Ready(outcome) if another(outcome) && timer == Timer::Needed => {
                    if let Some(deadline) = inner.instant() {
                        watch.set(Watch::Due { deadline });
                    }
                }
                Poll::Ready(_) => {}
            }
            polled
        }
    };
    if let Poll::Ready(outcome) = polled {
        future.set(None);
        return Poll::Ready(Settled::Outcome(outcome));
    }

    let limit = timeout.limit;
    let reason = match watch.project() {
        WatchProjection::Armed { timer } => {
            let deadline = timer.deadline();
            ready!(timer.poll(cx));
            match outer.instant() {
                // a deadline that nobody else watches came first
                Some(outer) if outer <= deadline => Reason::DeadlineExceeded,
                _ => Reason::TimedOut { limit },
            }
        }
        _ => return Poll::Pending,
    };
    Poll::Ready(reject(future, timeout, reason))
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

    /// When its own time is over, if that counts already.
    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Fresh | Self::Sheltered => None,
            Self::Due { deadline } => Some(*deadline),
            Self::Armed { timer } => Some(timer.deadline()),
        }
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
