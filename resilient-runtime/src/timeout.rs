//! The time-out: gives a future so long to end, and tells everything inside when that is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::book::Ended;
use crate::clock;
use crate::deadline::{First, Limit};
use crate::list::{Bound, Description};
use crate::notes::timeout::OBSERVED;
use crate::shell::{Shell, shell};
use crate::stack::{Guard, Policy, Stack};
use crate::sync::const_fn;
use crate::{Deadline, Event, Mode, Reason, Settled};

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
#[must_use = "a time-out limits what it runs"]
pub struct Timeout {
    shell: Shell<Self>,
    limit: Duration,
}

impl Timeout {
    const_fn! {
        /// A time-out of `limit`, with the name that its rejections and events carry.
        ///
        /// # Panics
        ///
        /// If `limit` is zero; in a `const` or `static`, that is a compile error.
        #[track_caller]
        pub fn named(name: &'static str, limit: Duration) -> Self {
            assert!(!limit.is_zero(), "a time-out of zero fails every call");
            Self { shell: Shell::named(name), limit }
        }
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
    /// Dropping it drops `future`. When the time is over, `future` is not polled again, and an `.await` drops it before it gives
    /// the rejection.
    #[inline]
    pub const fn run<F: Future>(&self, future: F) -> Stack<F, TimeoutGuard<'_>> {
        Stack::new(future, TimeoutGuard { watch: Watch::Fresh, timeout: self })
    }

    /// Starts a call whose attempts have the limit together: a loop that [retries](crate::call::RetryCall).
    pub const fn begin(&self) -> TimeoutCall<'_> {
        TimeoutCall { timeout: self, deadline: None, stage: CallStage::Fresh }
    }
}

shell!(
    Timeout is Timeout,
    modes: /// With [`Mode::Observe`](crate::Mode::Observe) a call that takes longer goes on, and is counted; nothing inside is told of a
    /// deadline. With [`Mode::Off`](crate::Mode::Off) nothing is counted either. A call under way keeps the mode in which it began to wait.
    , agrees: |one, other| one.limit == other.limit,
    shows: |this| { limit: this.limit }
);

/// One call under a [`Timeout`] that is made in attempts; from [`Timeout::begin`].
#[derive(Debug)]
#[must_use = "it limits only what it runs"]
pub struct TimeoutCall<'a> {
    timeout: &'a Timeout,
    /// When the time is over, once it counts.
    deadline: Option<Instant>,
    stage: CallStage,
}

/// The stage of a call that is made in attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallStage {
    Fresh,
    Runs,
    /// An attempt has ended, and perhaps the call.
    BetweenAttempts,
    Rejected,
}

impl<'a> TimeoutCall<'a> {
    /// Runs one attempt, for as long as those before it have left.
    ///
    /// Otherwise as [`Timeout::run`]; the time counts from the first poll of the first attempt.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`], as there. It ends the call.
    ///
    /// # Cancel safety
    ///
    /// As there.
    #[inline]
    pub fn run<F: Future>(&mut self, attempt: F) -> Stack<F, TimeoutCallGuard<'_, 'a>> {
        Stack::new(attempt, self.guard())
    }

    /// Notes when the time is over, if anything has asked for that.
    #[inline]
    fn note(&mut self, limit: Limit, first: First) {
        if self.deadline.is_none() && limit.is_known() {
            self.deadline = Some(limit.own_instant(first, self.timeout.limit));
        }
    }
}

impl Drop for TimeoutCall<'_> {
    #[inline]
    fn drop(&mut self) {
        match self.stage {
            CallStage::BetweenAttempts => self.timeout.shell.count(Ended::Success),
            CallStage::Runs => abandon(self.timeout),
            CallStage::Fresh | CallStage::Rejected => {}
        }
    }
}

pin_project! {
    /// A time-out's part in a call; from [`Timeout::run`].
    #[derive(Debug)]
    pub struct TimeoutGuard<'a> {
        #[pin]
        watch: Watch,
        timeout: &'a Timeout,
    }

    impl PinnedDrop for TimeoutGuard<'_> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            if !matches!(this.watch, Watch::Fresh | Watch::Over) {
                abandon(this.timeout);
            }
        }
    }
}

pin_project! {
    /// A time-out's part in one of a call's attempts; from [`TimeoutCall::run`].
    #[derive(Debug)]
    pub struct TimeoutCallGuard<'c, 'a> {
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
        // Not polled yet.
        Fresh,
        // Polled for the first time; most futures that need no wait end here.
        Started,
        // It has ended.
        Over,
        // Not polled yet, in a call whose limit counts already.
        Due { deadline: Instant },
        // The timer goes off where the limit ends.
        Armed { #[pin] timer: Sleep },
        // The timer goes off before that, at a deadline from further out that has no timer of its own.
        Early { timer: Pin<Box<Sleep>>, deadline: Instant },
    }
}

impl<'a> Policy for &'a Timeout {
    type Guard = TimeoutGuard<'a>;

    #[inline]
    fn guard(self) -> Self::Guard {
        TimeoutGuard { watch: Watch::Fresh, timeout: self }
    }
}

impl<'c, 'a> Policy for &'c mut TimeoutCall<'a> {
    type Guard = TimeoutCallGuard<'c, 'a>;

    #[inline]
    fn guard(self) -> Self::Guard {
        let watch = self.deadline.map_or(Watch::Fresh, |deadline| Watch::Due { deadline });
        TimeoutCallGuard { watch, call: self }
    }
}

impl<O> Guard<O> for TimeoutGuard<'_> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
    ) -> Poll<Settled<O>> {
        let mut this = self.project();
        let polled = match this.timeout.shell.mode() {
            Mode::Enforce => this.watch.as_mut().poll_in_time(cx, below, this.timeout, None),
            Mode::Observe => this.watch.as_mut().poll_observed(below(cx), this.timeout, true),
            Mode::Off => this.watch.as_mut().poll_unlimited(below, cx, this.timeout),
        };
        if polled.is_ready() {
            this.watch.set(Watch::Over);
        }
        polled
    }
}

impl<O> Guard<O> for TimeoutCallGuard<'_, '_> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
    ) -> Poll<Settled<O>> {
        let mut this = self.project();
        let timeout = this.call.timeout;
        this.call.stage = CallStage::Runs;
        let polled = match timeout.shell.mode() {
            Mode::Enforce => this.watch.as_mut().poll_in_time(cx, below, timeout, Some(this.call)),
            Mode::Observe => this.watch.as_mut().poll_observed(below(cx), timeout, false),
            Mode::Off => below(cx),
        };
        if polled.is_pending() {
            this.call.deadline = this.watch.deadline();
        } else if this.call.stage == CallStage::Runs {
            this.call.stage = CallStage::BetweenAttempts;
        }
        polled
    }
}

impl Watch {
    /// Polls what stands below while there is time for it. If the limit is that of a `call`, that learns when it ends.
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll_in_time<O>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<O>>,
        timeout: &Timeout,
        mut call: Option<&mut TimeoutCall<'_>>,
    ) -> Poll<Settled<O>> {
        let outer = Limit::current();
        let polled = match self.as_mut().project() {
            // what is further out is asked for at each poll: by now the future may be polled somewhere else
            WatchProjection::Armed { timer } => {
                let deadline = timer.deadline();
                if outer.first_unwatched(deadline) < deadline {
                    self.as_mut().rearm(outer, deadline);
                }
                outer.tighten_to(deadline, true).scope(|| below(cx))
            }
            WatchProjection::Early { timer, deadline } => {
                let (deadline, timer) = (*deadline, timer.deadline());
                if outer.first_unwatched(deadline) < timer {
                    self.as_mut().rearm(outer, deadline);
                }
                outer.tighten_to(deadline, true).scope(|| below(cx))
            }
            _ if outer.is_over() => {
                if let Some(call) = &mut call {
                    call.stage = CallStage::Rejected;
                }
                return Poll::Ready(reject(timeout, Reason::DeadlineExceeded));
            }
            fresh => {
                let (inner, first) = match fresh {
                    WatchProjection::Due { deadline } => (outer.tighten_to(*deadline, true), First::Own),
                    _ => outer.tighten(timeout.limit),
                };
                if call.is_none() {
                    // what a panic leaves behind was abandoned
                    self.set(Self::Started);
                }
                let (polled, inner) = inner.scope(|| (below(cx), Limit::current()));
                if polled.is_ready() {
                    match &mut call {
                        Some(call) => call.note(inner, first),
                        None => timeout.shell.count(Ended::Success),
                    }
                    return polled;
                }
                let deadline = self.deadline().unwrap_or_else(|| inner.own_instant(first, timeout.limit));
                if !clock::has_timers() {
                    if let Some(call) = &mut call {
                        call.stage = CallStage::Rejected;
                    }
                    return Poll::Ready(reject(timeout, Reason::NoRuntime));
                }
                if outer.first_unwatched(deadline) < deadline {
                    self.as_mut().rearm(outer, deadline);
                } else {
                    self.set(Self::Armed { timer: sleep_until(deadline) });
                }
                polled
            }
        };
        if polled.is_ready() {
            if call.is_none() {
                timeout.shell.count(Ended::Success);
            }
            return polled;
        }

        if let WatchProjection::Armed { timer } = self.as_mut().project() {
            ready!(timer.poll(cx));
        }
        let reason = ready!(self.poll_over(outer, timeout.limit, cx));
        if let Some(call) = &mut call {
            call.stage = CallStage::Rejected;
        }
        Poll::Ready(reject(timeout, reason))
    }

    /// Polls what stands below, for a time-out that is off.
    fn poll_unlimited<O>(
        mut self: Pin<&mut Self>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<O>,
        cx: &mut Context<'_>,
        timeout: &Timeout,
    ) -> Poll<O> {
        self.set(Self::Started);
        let polled = below(cx);
        if polled.is_ready() {
            timeout.shell.count(Ended::Success);
        }
        polled
    }

    /// Takes note of what took longer than the limit, for a time-out that only observes.
    #[cold]
    fn poll_observed<O>(mut self: Pin<&mut Self>, polled: Poll<O>, timeout: &Timeout, counts: bool) -> Poll<O> {
        let deadline = self.deadline();
        if polled.is_ready() {
            if deadline.is_some_and(|deadline| clock::now() >= deadline) {
                timeout.shell.note(OBSERVED, 1);
            }
            if counts {
                timeout.shell.count(Ended::Success);
            }
        } else if deadline.is_none() {
            self.set(Self::Due { deadline: Deadline::after(timeout.limit).instant() });
        }
        polled
    }

    /// When the time is over, if it counts already.
    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Fresh | Self::Started | Self::Over => None,
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

/// Counts a call that was dropped.
#[cold]
fn abandon(timeout: &Timeout) {
    timeout.shell.count(Ended::Abandoned);
}

/// The rejection of an attempt that is given up, of which an event tells.
#[cold]
fn reject<O>(timeout: &Timeout, reason: Reason) -> Settled<O> {
    let policy = timeout.name();
    match reason {
        Reason::TimedOut { limit } => timeout.shell.emit(Event::TimedOut { policy, limit }),
        Reason::DeadlineExceeded => timeout.shell.emit(Event::DeadlineExceeded { policy }),
        _ => {}
    }
    Settled::Rejected(timeout.shell.reject(reason))
}

impl Timeout {
    /// Says what it is told, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.time("limit", self.limit);
        // one that does not enforce limits nothing
        if self.current_mode() == Mode::Enforce {
            description.bound = Bound::AtMost(self.limit);
        }
    }
}
