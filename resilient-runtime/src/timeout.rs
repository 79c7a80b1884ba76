//! The time-out: gives a future so long to end, and tells everything inside when that is.

mod late;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use crate::book::Ended;
use crate::clock::{self, Ticks};
use crate::deadline::Limit;
use crate::list::{Bound, Described, Description};
use crate::notes::timeout::OBSERVED;
use crate::retry::Delay;
use crate::shell::{Shell, shell};
use crate::stack::{Guard, Policy, Stack};
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Facts, Kept, Key, Settings};
use crate::tune::{Live, accept};
use crate::{Event, Mode, Reason, Settled};

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
    config: Live<Config>,
}

/// The settings of a time-out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Config {
    limit: Duration,
    /// The same, as it comes into force.
    within: Limit,
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
            accept(refuses(limit));
            Self { shell: Shell::named(name), config: Live::new(Config::of(limit)) }
        }
    }

    /// The time that it gives.
    pub fn limit(&self) -> Duration {
        self.config.limit
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
        TimeoutCall { timeout: self, deadline: Limit::NONE, stage: CallStage::Fresh }
    }
}

impl Config {
    const fn of(limit: Duration) -> Self {
        Self { limit, within: Limit::within(limit) }
    }
}

/// Returns why that is no limit, if it is none.
const fn refuses(limit: Duration) -> Option<&'static str> {
    if limit.is_zero() { Some("a time-out of zero fails every call") } else { None }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        description.time("limit", self.limit);
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] =
        &[Key::time("limit", "\"2s\"", refuses, |config, limit| *config = Self::of(limit))];

    fn facts(&self) -> Facts {
        Facts { limit: Some(self.limit), ..Facts::default() }
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

shell!(
    Timeout is Timeout,
    modes: /// With [`Mode::Observe`](crate::Mode::Observe) a call that takes longer goes on, and is counted; nothing inside is told of a
    /// deadline. With [`Mode::Off`](crate::Mode::Off) nothing is counted either. A call under way keeps the mode in which it began to wait.
    , agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { limit: this.limit() }, tunes: Config
);

/// One call under a [`Timeout`] that is made in attempts; from [`Timeout::begin`].
#[derive(Debug)]
#[must_use = "it limits only what it runs"]
pub struct TimeoutCall<'a> {
    timeout: &'a Timeout,
    /// When the time is over, once it counts.
    deadline: Limit,
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
    /// Otherwise as [`Timeout::run`]; the time counts from the first poll of the first attempt. If that was ready at once and nothing in
    /// it has asked for the deadline, the time counts from the [`wait`](Self::wait) behind it, or from the next attempt.
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

    /// Returns the delay before the next attempt. A call that is dropped during it was abandoned; otherwise, one that is dropped after
    /// an attempt has ended with that.
    ///
    /// The limit does not end the delay: a [retry](crate::Retry) grants none that would last until then.
    #[must_use = "it is to be awaited"]
    pub fn wait(&mut self, delay: Delay) -> Delay {
        self.count_on();
        self.stage = CallStage::Runs;
        delay
    }

    /// Has the time count from now on, unless it counts already or no attempt has ended.
    #[inline]
    fn count_on(&mut self) {
        if self.stage == CallStage::BetweenAttempts && self.deadline == Limit::NONE {
            self.begin_to_count();
        }
    }

    /// Notes when the time is over, which something inside has asked for.
    #[cold]
    fn note(&mut self, outer: Limit, known: Limit) {
        if self.timeout.current_mode() == Mode::Enforce {
            self.deadline = Limit::at(outer.own_instant(self.timeout.config.within, known));
        }
    }

    /// Notes when the time is over after an attempt that was ready at once, and in which nobody has asked.
    #[cold]
    fn begin_to_count(&mut self) {
        if self.timeout.current_mode() != Mode::Off {
            self.deadline = Limit::at(Limit::current().own_instant(self.timeout.config.within, Limit::NONE));
        }
    }
}

impl Drop for TimeoutCall<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.stage == CallStage::BetweenAttempts {
            self.timeout.shell.count(Ended::Success);
        } else if self.stage == CallStage::Runs {
            abandon(self.timeout);
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
        // Not polled yet, in a call whose limit counts already.
        Due { deadline: Ticks },
        // Polled for the first time; most futures that need no wait end here.
        Started,
        // The timer goes off where the limit ends, or early: at a deadline from further out that has no timer of its own.
        // When it ends, a timed one looks at the clock.
        Armed { #[pin] timer: Sleep, deadline: Ticks, early: bool, timed: bool },
        // It has to wait, and the time-out only takes note if it takes longer.
        Observed { deadline: Ticks },
        // It has to wait, and nothing limits it.
        Unlimited,
        // It has ended.
        Over,
    }
}

impl<'a> Policy for &'a Timeout {
    type Guard = TimeoutGuard<'a>;

    #[inline]
    fn guard(self) -> Self::Guard {
        TimeoutGuard { watch: Watch::Fresh, timeout: self }
    }

    fn list(&self)
    where
        Self: 'static,
    {
        crate::list::list_once(*self);
    }
}

impl<'c, 'a> Policy for &'c mut TimeoutCall<'a> {
    type Guard = TimeoutCallGuard<'c, 'a>;

    #[inline]
    fn guard(self) -> Self::Guard {
        // a loop may have no waits between its attempts
        self.count_on();
        let watch = match self.deadline.known_instant() {
            None => Watch::Fresh,
            Some(deadline) => Watch::Due { deadline },
        };
        TimeoutCallGuard { watch, call: self }
    }
}

impl<O> Guard<O> for TimeoutGuard<'_> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll<'o>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let mut this = self.project();
        let timeout = *this.timeout;
        let outer = Limit::current();
        let Some(limit) = this.watch.as_mut().begin(outer, timeout) else {
            this.watch.set(Watch::Over);
            return Poll::Ready(reject(timeout, Reason::DeadlineExceeded));
        };
        let scope = limit.enter();
        let polled = below(cx);
        let limit = Limit::current();
        drop(scope);
        if polled.is_ready() {
            this.watch.end(timeout);
            timeout.shell.count(Ended::Success);
            return polled;
        }
        match this.watch.as_mut().wait(outer, limit, timeout, cx) {
            Poll::Pending => polled,
            Poll::Ready(reason) => {
                this.watch.set(Watch::Over);
                Poll::Ready(reject(timeout, reason))
            }
        }
    }
}

impl<O> Guard<O> for TimeoutCallGuard<'_, '_> {
    #[expect(clippy::inline_always)]
    #[inline(always)]
    fn poll<'o>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        below: impl FnOnce(&mut Context<'_>) -> Poll<Settled<&'o O>>,
    ) -> Poll<Settled<&'o O>>
    where
        O: 'o,
    {
        let mut this = self.project();
        let timeout = this.call.timeout;
        this.call.stage = CallStage::Runs;
        let outer = Limit::current();
        let Some(limit) = this.watch.as_mut().begin(outer, timeout) else {
            this.call.stage = CallStage::Rejected;
            return Poll::Ready(reject(timeout, Reason::DeadlineExceeded));
        };
        let scope = limit.enter();
        let polled = below(cx);
        let limit = Limit::current();
        drop(scope);
        if polled.is_ready() {
            if limit.is_known() && this.call.deadline == Limit::NONE {
                this.call.note(outer, limit);
            }
            this.call.stage = CallStage::BetweenAttempts;
            this.watch.end(timeout);
            return polled;
        }
        let over = this.watch.as_mut().wait(outer, limit, timeout, cx);
        this.call.deadline = this.watch.deadline().map_or(Limit::NONE, Limit::at);
        match over {
            Poll::Pending => polled,
            Poll::Ready(reason) => {
                this.call.stage = CallStage::Rejected;
                Poll::Ready(reject(timeout, reason))
            }
        }
    }
}

impl Watch {
    /// The limit for the next poll, under the one that is in force; none if that is over.
    #[inline]
    fn begin(mut self: Pin<&mut Self>, outer: Limit, timeout: &Timeout) -> Option<Limit> {
        if matches!(*self, Self::Fresh) && timeout.shell.mode() == Mode::Enforce {
            if late::looks() {
                self.as_mut().begin_timed(timeout);
            } else if outer == Limit::NONE {
                // what a panic leaves behind was abandoned
                self.set(Self::Started);
                return Some(timeout.config.within);
            }
        }
        self.begin_under(outer, timeout)
    }

    /// Has the limit count from now on, for a call that is looked at.
    #[cold]
    #[inline(never)]
    fn begin_timed(mut self: Pin<&mut Self>, timeout: &Timeout) {
        self.set(Self::Due { deadline: Limit::NONE.own_instant(timeout.config.within, Limit::NONE) });
    }

    /// As [`begin`](Self::begin), where anything is out of the ordinary.
    #[inline(never)]
    fn begin_under(mut self: Pin<&mut Self>, outer: Limit, timeout: &Timeout) -> Option<Limit> {
        let due = match self.as_mut().project() {
            // what is further out is asked for at each poll: by now the future may be polled somewhere else
            WatchProjection::Armed { deadline, .. } => {
                let deadline = *deadline;
                self.watch_over(outer);
                return Some(outer.tighten_to(deadline, true));
            }
            WatchProjection::Observed { .. } | WatchProjection::Unlimited => return Some(outer),
            WatchProjection::Due { deadline } => Some(*deadline),
            WatchProjection::Fresh | WatchProjection::Started | WatchProjection::Over => None,
        };
        let is_enforced = timeout.shell.mode() == Mode::Enforce;
        if is_enforced && outer.is_over() {
            return None;
        }
        if due.is_none() {
            self.set(Self::Started);
        }
        Some(match due {
            _ if !is_enforced => outer,
            Some(deadline) => outer.tighten_to(deadline, true),
            None => outer.tighten(timeout.config.within),
        })
    }

    /// Takes note that the layers below have ended.
    #[inline]
    fn end(mut self: Pin<&mut Self>, timeout: &Timeout) {
        if !matches!(*self, Self::Started) {
            self.as_ref().observe(timeout);
        }
        self.set(Self::Over);
    }

    /// Takes note of what took longer than the limit: for a time-out that only observes, and where it could not end what held the thread.
    #[inline(never)]
    fn observe(self: Pin<&Self>, timeout: &Timeout) {
        let deadline = match &*self {
            Self::Observed { deadline } => *deadline,
            Self::Due { deadline } => match timeout.current_mode() {
                Mode::Enforce => return late::note(timeout, *deadline),
                Mode::Observe => *deadline,
                Mode::Off => return,
            },
            Self::Armed { timer, deadline, timed, .. } if *timed || timer.is_elapsed() => {
                return late::note(timeout, *deadline);
            }
            _ => return,
        };
        if Ticks::now() >= deadline {
            timeout.shell.note(OBSERVED, 1);
        }
    }

    /// Waits with what stands below, and says why if it must not wait any longer. Under `outer`, `known` is what became of the limit of
    /// the poll that has just ended.
    #[inline(never)]
    fn wait(
        mut self: Pin<&mut Self>,
        outer: Limit,
        known: Limit,
        timeout: &Timeout,
        cx: &mut Context<'_>,
    ) -> Poll<Reason> {
        let due = match *self {
            Self::Armed { .. } => return self.poll_over(outer, timeout, cx),
            Self::Observed { .. } | Self::Unlimited => return Poll::Pending,
            Self::Due { deadline } => Some(deadline),
            Self::Fresh | Self::Started | Self::Over => None,
        };
        let deadline = || due.unwrap_or_else(|| outer.own_instant(timeout.config.within, known));
        match timeout.current_mode() {
            Mode::Enforce => {
                if !clock::has_timers() {
                    return Poll::Ready(Reason::NoRuntime);
                }
                let deadline = deadline();
                let first = outer.first_unwatched(deadline);
                let timer = sleep_until(first.instant());
                self.set(Self::Armed { timer, deadline, early: first < deadline, timed: due.is_some() });
                self.poll_over(outer, timeout, cx)
            }
            Mode::Observe => {
                let deadline = deadline();
                self.set(Self::Observed { deadline });
                Poll::Pending
            }
            Mode::Off => {
                self.set(Self::Unlimited);
                Poll::Pending
            }
        }
    }

    /// When the time is over, if it counts already.
    const fn deadline(&self) -> Option<Ticks> {
        match self {
            Self::Due { deadline } | Self::Armed { deadline, .. } | Self::Observed { deadline } => Some(*deadline),
            Self::Fresh | Self::Started | Self::Unlimited | Self::Over => None,
        }
    }

    /// Sets the timer anew if something further out ends first by now, and nobody else has a timer for it.
    fn watch_over(self: Pin<&mut Self>, outer: Limit) {
        let WatchProjection::Armed { timer, deadline, early, .. } = self.project() else { return };
        let first = outer.first_unwatched(*deadline);
        if first < *deadline && !(*early && Ticks::at(timer.deadline()) <= first) {
            *early = true;
            timer.reset(first.instant());
        }
    }

    /// Says whose time is over, once the timer has gone off.
    fn poll_over(self: Pin<&mut Self>, outer: Limit, timeout: &Timeout, cx: &mut Context<'_>) -> Poll<Reason> {
        let WatchProjection::Armed { mut timer, deadline, early, .. } = self.project() else { return Poll::Pending };
        loop {
            ready!(timer.as_mut().poll(cx));
            let over = if *early { Ticks::at(timer.deadline()) } else { *deadline };
            match outer.instant() {
                Some(outer) if outer <= over => {
                    late::note(timeout, outer);
                    return Poll::Ready(Reason::DeadlineExceeded);
                }
                _ if over >= *deadline => {
                    late::note(timeout, *deadline);
                    return Poll::Ready(Reason::TimedOut { limit: timeout.config.limit });
                }
                // the deadline that came first was that of a scope in which the future is not polled any more
                _ => {
                    let first = outer.first_unwatched(*deadline);
                    *early = first < *deadline;
                    timer.as_mut().reset(first.instant());
                }
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
        description.settings_of(&self.config);
        // one that does not enforce limits nothing
        if self.current_mode() == Mode::Enforce {
            description.bound = Bound::AtMost(self.config.limit);
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;
