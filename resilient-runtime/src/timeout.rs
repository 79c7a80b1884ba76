//! The time-out: gives a future so long to end, and tells everything inside when that is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock;
use crate::deadline::{First, Limit};
use crate::{Error, Event, PolicyKind, Reason, Settled};

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
    /// [`Settled::Rejected`] with [`Reason::TimedOut`], [`Reason::DeadlineExceeded`], or, where no tokio runtime with timers
    /// drives the future, [`Reason::NoRuntime`].
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
    /// When the time is over, once it counts.
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
    /// Means by which the future is kept from running on when its time is over.
    #[project = WatchProjection]
    #[derive(Debug)]
    enum Watch {
        // Not polled yet; most futures that need no wait end here.
        Fresh,
        // Not polled yet, in a call whose limit counts already.
        Due { deadline: Instant },
        // The timer goes off where the limit ends.
        Armed { #[pin] timer: Sleep },
        // The timer goes off before that, at a deadline from further out that has no timer of its own.
        Early { timer: Pin<Box<Sleep>>, deadline: Instant },
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
        // what is further out is asked for at each poll: by now the future may be polled somewhere else
        WatchProjection::Armed { timer } => {
            let deadline = timer.deadline();
            if outer.first_unwatched(deadline) < deadline {
                watch.as_mut().rearm(outer, deadline);
            }
            outer.tighten_to(deadline, true).scope(|| running.poll(cx))
        }
        WatchProjection::Early { timer, deadline } => {
            let (deadline, timer) = (*deadline, timer.deadline());
            if outer.first_unwatched(deadline) < timer {
                watch.as_mut().rearm(outer, deadline);
            }
            outer.tighten_to(deadline, true).scope(|| running.poll(cx))
        }
        _ if outer.is_over() => return Poll::Ready(reject(future, timeout, Reason::DeadlineExceeded)),
        fresh => {
            let (inner, first) = match fresh {
                WatchProjection::Due { deadline } => (outer.tighten_to(*deadline, true), First::Own),
                _ => outer.tighten(timeout.limit),
            };
            let (polled, inner) = inner.scope(|| (running.poll(cx), Limit::current()));
            match &polled {
                Poll::Pending => {
                    let deadline = watch.deadline().unwrap_or_else(|| inner.own_instant(first, timeout.limit));
                    if !clock::has_timers() {
                        return Poll::Ready(reject(future, timeout, Reason::NoRuntime));
                    }
                    if outer.first_unwatched(deadline) < deadline {
                        watch.as_mut().rearm(outer, deadline);
                    } else {
                        watch.set(Watch::Armed { timer: sleep_until(deadline) });
                    }
                }
                Poll::Ready(outcome) if another(outcome) => {
                    let deadline = watch.deadline().unwrap_or_else(|| inner.own_instant(first, timeout.limit));
                    watch.set(Watch::Due { deadline });
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

    if let WatchProjection::Armed { timer } = watch.as_mut().project() {
        ready!(timer.poll(cx));
    }
    let reason = ready!(watch.poll_over(outer, timeout.limit, cx));
    Poll::Ready(reject(future, timeout, reason))
}

impl Watch {
    /// When the time is over, if it counts already.
    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Fresh => None,
            Self::Due { deadline } | Self::Early { deadline, .. } => Some(*deadline),
            Self::Armed { timer } => Some(timer.deadline()),
        }
    }

    /// Sets the timer anew, for what ends first by now.
    #[cold]
    fn rearm(mut self: Pin<&mut Self>, outer: Limit, deadline: Instant) {
        let first = outer.first_unwatched(deadline);
        self.set(if first < deadline {
            Self::Early { timer: Box::pin(sleep_until(first)), deadline }
        } else {
            Self::Armed { timer: sleep_until(deadline) }
        });
    }

    /// Says whose time is over, once a timer has gone off.
    #[cold]
    fn poll_over(mut self: Pin<&mut Self>, outer: Limit, limit: Duration, cx: &mut Context<'_>) -> Poll<Reason> {
        loop {
            let (over, deadline) = match self.as_mut().project() {
                WatchProjection::Armed { mut timer } => {
                    ready!(timer.as_mut().poll(cx));
                    (timer.deadline(), timer.deadline())
                }
                WatchProjection::Early { timer, deadline } => {
                    ready!(timer.as_mut().poll(cx));
                    (timer.deadline(), *deadline)
                }
                _ => return Poll::Pending,
            };
            match outer.instant() {
                Some(outer) if outer <= over => return Poll::Ready(Reason::DeadlineExceeded),
                _ if over >= deadline => return Poll::Ready(Reason::TimedOut { limit }),
                // the deadline that came first was that of a scope in which the future is not polled any more
                _ => self.as_mut().rearm(outer, deadline),
            }
        }
    }
}

/// Drops the future before the caller learns that it was given up.
fn reject<F, O>(mut future: Pin<&mut Option<F>>, timeout: &Timeout, reason: Reason) -> Settled<O> {
    future.set(None);
    match reason {
        Reason::TimedOut { limit } => Event::TimedOut { policy: timeout.name, limit }.emit(),
        Reason::DeadlineExceeded => Event::DeadlineExceeded { policy: timeout.name }.emit(),
        _ => {}
    }
    Settled::Rejected(Error::new(PolicyKind::Timeout, timeout.name, reason))
}
