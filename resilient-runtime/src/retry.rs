//! The retry: how often, how long between, and what that may cost.

use std::time::Duration;

mod call;
mod delay;
mod funds;
mod hook;
mod nested;
mod pace;
mod run;
mod settings;

use self::funds::Funds;
use self::pace::Pace;
use self::settings::rules;
use crate::list::{Bound, Description};
use crate::shell::{Shell, shell};
use crate::sync::{const_fn, constant};
use crate::tune::{Live, accept};
use crate::{Backoff, Budget, Retrying};

pub use self::call::{RetryCall, Verdict};
pub use self::delay::{Delay, DelayFuture};
pub(crate) use self::funds::existing as budget_named;
pub use self::hook::{ByTold, Hook, Telling, Told, ToldInside, Untold};
pub use self::nested::{WithoutRetries, without_retries};
pub(crate) use self::nested::{as_here, suppressing};
pub use self::run::RetryGuard;

/// Runs the body again when its outcome is transient.
///
/// A `const` value, usually in a `static`. [`begin`](Self::begin) starts a call; after each attempt,
/// [`RetryCall::settle`] says whether to accept its outcome or to wait and try again:
///
/// ```
/// use std::time::Duration;
/// use resilient::{Backoff, Retry, Verdict};
///
/// static LOOKUP: Retry = Retry::named("lookup").max(2).backoff(Backoff::fixed(Duration::from_millis(10)));
///
/// # async fn ask() -> Result<u32, std::io::Error> { Ok(42) }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let mut retry = LOOKUP.begin();
/// let answer = loop {
///     match retry.settle(ask().await) {
///         Verdict::Accept(outcome) => break outcome,
///         Verdict::Retry(delay) => delay.await,
///     }
/// };
/// assert_eq!(answer.unwrap(), 42);
/// # }
/// ```
///
/// # What is retried
///
/// Outcomes of class [`Transient`](crate::Class::Transient) and [`Throttled`](crate::Class::Throttled). Neither
/// is retried before the time that the server named, in the class or as a [hint](crate::Classify::hint) beside it, and the wait is up to a
/// tenth longer, so that callers who were told the same time do not come back together. A call ends with the
/// outcome in hand when
///
/// * the error is permanent, or a refusal that a retry cannot help, such as an open breaker's;
/// * it has had its [`max`](Self::max) retries, or would pass [`max_elapsed`](Self::max_elapsed);
/// * the server asks for more time than [`max_hint`](Self::max_hint);
/// * the next attempt could not begin before the [`Deadline`](crate::Deadline), or is unlikely to end before it, going by
///   the median of earlier attempts;
/// * the next attempt would have to wait where nothing measures time: off a tokio runtime, or on one without timers, unless the call
///   [blocks](Self::begin_blocking);
/// * the [`Budget`] has nothing left.
#[must_use = "a retry does nothing before a call begins"]
pub struct Retry {
    shell: Shell<Self>,
    config: Live<Config>,
    funds: Funds,
    hook: Option<fn(&Retrying)>,
    pace: Pace,
}

/// The settings of a retry that are values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Config {
    /// `None` has no limit.
    max: Option<u32>,
    max_elapsed: Option<Duration>,
    max_hint: Duration,
    backoff: Backoff,
    /// The base and the cap after a throttle without a time.
    throttled_base: Option<Duration>,
    throttled_cap: Option<Duration>,
}

impl Config {
    /// The back-off after a throttled outcome for which no time is known.
    fn throttled(&self) -> Backoff {
        self.backoff.lengthened(self.throttled_base, self.throttled_cap)
    }
}

shell!(
    Retry is Retry,
    modes: /// With [`Mode::Observe`](crate::Mode::Observe) it counts the calls that it would have retried, and retries none. With
    /// [`Mode::Off`](crate::Mode::Off) it does nothing.
    , agrees: |one, other| one.config.built == other.config.built
        && one.funds.agree(&other.funds)
        && match (one.hook, other.hook) {
            (None, None) => true,
            (Some(one), Some(other)) => std::ptr::fn_addr_eq(one, other),
            _ => false,
        },
    shows: |this| {
        max: this.config.max,
        max_elapsed: this.config.max_elapsed,
        max_hint: this.config.max_hint,
        backoff: this.config.backoff,
        throttled_base: this.config.throttled_base,
        throttled_cap: this.config.throttled_cap,
        funds: this.funds,
    }, resets: forget, tunes: Config
);

impl Retry {
    /// The number of retries where none is given: 3.
    pub const DEFAULT_MAX: u32 = 3;
    /// The longest wait that a server may ask for where nothing is given: a minute.
    pub const DEFAULT_MAX_HINT: Duration = Duration::from_secs(60);

    const_fn! {
        /// A retry with the default back-off, [`Backoff::exp_jitter`] from 100 ms, at most three retries, and a [`Budget`] of
        /// its own.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self {
                shell: Shell::named(name),
                config: const {
                    Live::new(Config {
                        max: Some(Self::DEFAULT_MAX),
                        max_elapsed: None,
                        max_hint: Self::DEFAULT_MAX_HINT,
                        backoff: Backoff::exp_jitter(Backoff::DEFAULT_BASE),
                        throttled_base: None,
                        throttled_cap: None,
                    })
                },
                funds: constant!(Funds::own()),
                hook: None,
                pace: constant!(Pace::new()),
            }
        }
    }

    /// Sets how many *re*-tries there are at the most: `max(3)` is up to four attempts. Default 3.
    ///
    /// # Panics
    ///
    /// If `max` is zero; in a `const` or `static`, that is a compile error.
    pub const fn max(mut self, max: u32) -> Self {
        accept(rules::max(max));
        self.config.built.max = Some(max);
        self
    }

    /// No limit to the number of retries: something else must end the call, a deadline or [`max_elapsed`](Self::max_elapsed).
    pub const fn unlimited(mut self) -> Self {
        self.config.built.max = None;
        self
    }

    /// No retry begins later than this after the call began. Default: no such limit.
    ///
    /// It limits when attempts begin, not how long they take; for that there is a time-out.
    ///
    /// # Panics
    ///
    /// If it is zero; in a `const` or `static`, that is a compile error.
    pub const fn max_elapsed(mut self, max_elapsed: Duration) -> Self {
        accept(rules::max_elapsed(max_elapsed));
        self.config.built.max_elapsed = Some(max_elapsed);
        self
    }

    /// The longest wait that a server may ask for; with a longer one the call ends. Default 60 s.
    pub const fn max_hint(mut self, max_hint: Duration) -> Self {
        self.config.built.max_hint = max_hint;
        self
    }

    /// Sets how long to wait before each retry.
    ///
    /// # Panics
    ///
    /// If its base is longer than its cap, so that every wait would be the cap; or if there is a [`throttled_base`](Self::throttled_base) or
    /// [`throttled_cap`](Self::throttled_cap), of which it has none. In a `const` or `static`, that is a compile error.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        accept(rules::backoff(&backoff));
        self.config.built.backoff = backoff;
        accept(rules::throttled(&self.config.built));
        self
    }

    /// Sets the base of the [back-off](Self::backoff) after a throttled outcome, such as a status 429, for which the server has named no time. Default:
    /// that of the back-off.
    ///
    /// A server that is short of capacity needs longer than a connection that broke. One that is shorter than the back-off's counts as that.
    /// Its formula, factor and jitter stay; a jitter that is not set is as long as the base.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::{Backoff, Class, Retry, Verdict};
    ///
    /// static ASK: Retry = Retry::named("ask")
    ///     .backoff(Backoff::exp(Duration::from_millis(50)).cap(Duration::from_secs(2)))
    ///     .throttled_base(Duration::from_secs(1))
    ///     .throttled_cap(Duration::from_secs(30));
    ///
    /// let wait_after = |class: Class| match ASK.begin_blocking().settle_when(Err::<(), ()>(()), |_: &()| class) {
    ///     Verdict::Retry(delay) => delay.duration(),
    ///     Verdict::Accept(_) => Duration::ZERO,
    /// };
    ///
    /// assert_eq!(wait_after(Class::Transient), Duration::from_millis(50));
    /// assert_eq!(wait_after(Class::Throttled { after: None }), Duration::from_secs(1));
    /// ```
    ///
    /// # Panics
    ///
    /// If the back-off has no base, as [`Backoff::none`] and [`Backoff::custom`]; in a `const` or `static`, that is a compile error.
    pub const fn throttled_base(mut self, base: Duration) -> Self {
        self.config.built.throttled_base = Some(base);
        accept(rules::throttled(&self.config.built));
        self
    }

    /// Sets the longest wait before jitter after such an outcome. Default: the cap of the [back-off](Self::backoff), or its
    /// [`throttled_base`](Self::throttled_base) if that is longer.
    ///
    /// # Panics
    ///
    /// If the back-off has no cap, as [`Backoff::fixed`]; in a `const` or `static`, that is a compile error.
    pub const fn throttled_cap(mut self, cap: Duration) -> Self {
        self.config.built.throttled_cap = Some(cap);
        accept(rules::throttled(&self.config.built));
        self
    }

    /// Draws on a budget that others may draw on too. Default: a [`Budget::new`] of its own.
    pub const fn budget(mut self, budget: &'static Budget) -> Self {
        self.funds = Funds::Shared(budget);
        self
    }

    /// Draws on the budget that every retry of this name shares; its first call makes it known.
    pub const fn budget_by_name(mut self) -> Self {
        self.funds = Funds::by_name();
        self
    }

    /// Retries without regard to how many calls there are.
    ///
    /// With three retries and a server that is down, that is four times the load. Prefer a budget with a larger
    /// [`ratio`](Budget::ratio).
    pub const fn without_budget(mut self) -> Self {
        self.funds = Funds::Unlimited;
        self
    }

    /// Is called before the wait of each retry.
    pub const fn on_retry(mut self, on_retry: fn(&Retrying)) -> Self {
        self.hook = Some(on_retry);
        self
    }

    /// The extra attempts that its budget could pay for now; infinite without one.
    pub fn budget_balance(&self) -> f64 {
        self.funds.budget(self.name()).map_or(f64::INFINITY, Budget::balance)
    }

    /// Starts a call. It pays its deposit into the budget when its first attempt ends, or with its own end.
    #[inline]
    pub fn begin(&self) -> RetryCall<'_> {
        RetryCall::new(self)
    }

    /// Starts a call whose attempts block the thread, and which waits between them by [`Delay::wait`](crate::call::Delay::wait).
    ///
    /// As [`begin`](Self::begin), but no runtime is needed to measure the waits.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::{Backoff, Retry, Verdict};
    ///
    /// static LOOKUP: Retry = Retry::named("lookup").backoff(Backoff::fixed(Duration::from_millis(1)));
    ///
    /// # let mut attempts = 0;
    /// # let mut ask = || {
    /// #     attempts += 1;
    /// #     if attempts < 3 { Err(std::io::Error::from(std::io::ErrorKind::TimedOut)) } else { Ok(42) }
    /// # };
    /// let mut retry = LOOKUP.begin_blocking();
    /// let answer = loop {
    ///     match retry.settle(ask()) {
    ///         Verdict::Accept(outcome) => break outcome,
    ///         Verdict::Retry(delay) => delay.wait(),
    ///     }
    /// };
    /// assert_eq!(answer.unwrap(), 42);
    /// ```
    #[inline]
    pub fn begin_blocking(&self) -> RetryCall<'_> {
        self.begin().that_blocks()
    }
}

impl Retry {
    /// Says what it is told, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
        let whose = self.funds.as_str();
        match self.funds.budget(self.name()) {
            Some(budget) => {
                let (percent, reserve) = budget.terms();
                description.fixed("budget", format_args!("{whose}, {percent} % and {reserve}/s"));
                description.level("budget_balance", budget.balance());
            }
            None => description.fixed("budget", whose),
        }
        // a server may ask for as much as `max_hint`, to which a tenth is added
        let config = *self.config;
        let hint = config.max_hint.saturating_add(config.max_hint / 10);
        let waits = |max: u32| config.throttled().longest(max).saturating_add(hint.saturating_mul(max));
        let bound = config.max.map(|max| (max.saturating_add(1), waits(max)));
        description.bound = match (bound, config.max_elapsed) {
            // the last attempt begins before it
            (_, Some(elapsed)) => Bound::Wait(bound.map_or(elapsed, |(_, waits)| waits.min(elapsed))),
            (bound, None) => Bound::Attempts(bound),
        };
    }

    /// Fills the budget again.
    fn forget(&self) {
        if let Some(budget) = self.funds.budget(self.name()) {
            budget.reset();
        }
    }
}
