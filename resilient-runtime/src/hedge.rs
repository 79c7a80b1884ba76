//! The hedge: a second attempt beside one that takes long, and the first success of the two.

mod bucket;
mod builder;
mod estimate;
mod judge;
mod number;
mod run;

use std::future::Future;
use std::mem;
use std::time::Duration;

pub use self::number::{HedgeAttempt, numbered};
pub use self::run::HedgeFuture;

use self::bucket::Bucket;
use self::builder::{After, Config};
use self::estimate::{Estimate, Sample};
use crate::book::Note;
use crate::budget::Withdrawal;
use crate::keyed::{Keyed, by_settings};
use crate::length::Length;
use crate::list::{Bound, Description};
use crate::notes::hedge::{OBSERVED, SENT, SUPPRESSED};
use crate::rare::Rare;
use crate::shell::{Shell, shell};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::tune::Live;
use crate::when::{ByClass, ByWhen};
use crate::{Bulkhead, Cost, Mode, When, retry};

/// Starts another attempt beside one that takes longer than nearly all do, takes the first success, and drops the others.
///
/// It is for work that may run twice at once without harm, on servers of which one is slow now and then. It is a value
/// for a `static`, shared by all callers of what it guards. A first attempt that is ready when it is first polled costs
/// neither a clock, nor an atomic, nor an allocation; a timer is made when it first has to wait, and
/// memory is allocated when another attempt is really started.
///
/// # When another attempt starts
///
/// * When so long has passed: by default the 95th percentile of how long attempts take, which the hedge learns as it
///   goes ([`after_percentile`](Self::after_percentile)), or a time that is given ([`after`](Self::after)). Before it has
///   seen 20 attempts it starts none.
/// * At once, when an attempt has failed with an error that is not permanent. After one that names a time, not before
///   that time.
/// * Never after the [`Deadline`](crate::Deadline); never more than [`max`](Self::max) a call; and only within the
///   [budget](Self::ratio). One that is due and may not start is counted as suppressed, and is not made up for.
///
/// # How a call ends
///
/// With the first success, or the first permanent error. If all attempts fail, with the outcome of the first. Attempts
/// that still run are dropped before the call returns.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
/// use resilient::Hedge;
///
/// static LOOKUP: Hedge = Hedge::named("lookup").after(Duration::from_millis(20)).ratio(1.0);
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let attempts = AtomicU32::new(0);
/// let attempt = || async {
///     if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
///         std::future::pending::<()>().await; // the first server hangs
///     }
///     Ok::<_, std::io::Error>(42)
/// };
///
/// assert_eq!(LOOKUP.run(attempt).await.unwrap(), 42);
/// assert_eq!(LOOKUP.counts().won, 1);
/// # }
/// ```
///
/// Waiting for the 95th percentile, and dropping the slower of the two, is from Dean and Barroso, "The Tail at Scale" (2013).
#[must_use = "a hedge does nothing unless it runs something"]
pub struct Hedge {
    shell: Shell<Self>,
    config: Live<Config>,
    bucket: Bucket,
    estimate: Estimate,
    counts: Rare<Counters>,
}

/// The counts of a hedge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HedgeCounts {
    /// Attempts started beside others, ever.
    pub sent: u64,
    /// Calls that such an attempt brought the success of, ever.
    pub won: u64,
    /// Attempts that were due and not started, for want of budget or because the bulkhead was busy, ever.
    pub suppressed: u64,
    /// Attempts that would have been started, but for [`Mode::Observe`], ever.
    pub observed: u64,
}

/// Relaxed throughout: nothing is decided on them.
#[derive(Debug)]
struct Counters {
    sent: AtomicU64,
    won: AtomicU64,
    suppressed: AtomicU64,
    observed: AtomicU64,
}

/// The grant of an attempt that has not begun. If it never does, the budgets get it back.
#[derive(Debug)]
struct Grant<'a> {
    hedge: &'a Hedge,
    withdrawal: Option<Withdrawal<'a>>,
}

/// A [`Hedge`] that also looks at how busy a [`Bulkhead`] is.
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing starts before it runs something"]
pub struct Hedging<'a> {
    hedge: &'a Hedge,
    bulkhead: Option<&'a Bulkhead>,
}

impl Hedge {
    /// Returns what it has done; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> HedgeCounts {
        let counts = self.counts.get();
        let count = |counter: fn(&Counters) -> &AtomicU64| counts.map_or(0, |counts| counter(counts).load(Relaxed));
        HedgeCounts {
            sent: count(|counts| &counts.sent),
            won: count(|counts| &counts.won),
            suppressed: count(|counts| &counts.suppressed),
            observed: count(|counts| &counts.observed),
        }
    }

    /// Returns how long an attempt may take now before another starts; `None` as long as it has not seen enough of them.
    pub fn delay(&self) -> Option<Duration> {
        let config = &*self.config;
        match config.after {
            After::Delay(delay) => Some(delay.time()),
            After::Percentile(_) => {
                let estimate = self.estimate.get()?;
                let (min, max) = (config.min_after.map_or(LEAST_DELAY, Length::time), config.max_after.time());
                Some(estimate.max(min).min(max))
            }
        }
    }

    /// The extra attempts that its own budget could pay for now.
    pub fn budget_balance(&self) -> f64 {
        self.bucket.balance()
    }

    /// Starts no attempt beside others while more than 70 % of the bulkhead's permits are in use.
    ///
    /// For a bulkhead that each attempt goes through: it then tells how busy what is called is, and a
    /// hedge that adds to the load of a busy server makes everybody slower.
    ///
    /// ```
    /// use resilient::{Bulkhead, Hedge, Settled};
    ///
    /// static FETCH: Hedge = Hedge::named("fetch");
    /// static PLACES: Bulkhead = Bulkhead::named("fetch").limit(10);
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let attempt = || PLACES.run(async { Ok::<_, std::io::Error>(1) });
    /// let outcome = FETCH.unless_busy(&PLACES).run(attempt).await;
    /// # assert!(matches!(outcome, Settled::Outcome(Ok(1))));
    /// # }
    /// ```
    #[inline]
    pub const fn unless_busy<'a>(&'a self, bulkhead: &'a Bulkhead) -> Hedging<'a> {
        Hedging { hedge: self, bulkhead: Some(bulkhead) }
    }

    /// Runs what `attempt` makes, and another beside it when that takes long.
    ///
    /// `attempt` is called once here, and again for each further attempt, while the returned future is polled.
    ///
    /// # Panics
    ///
    /// A panic in an attempt goes on through the future's `poll`; the others are dropped with the future.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops every attempt, and the hedge learns nothing from them.
    #[inline]
    pub fn run<A, F>(&self, attempt: A) -> HedgeFuture<'_, A, F, F::Output, ByClass>
    where
        A: Fn() -> F, // an argument that an attempt uses up is cloned for each: `#[hedge(clone(argument))]`
        F: Future,
    {
        Hedging { hedge: self, bulkhead: None }.run(attempt)
    }

    /// As [`run`](Self::run), with the class that `when` assigns.
    #[inline]
    pub fn run_when<A, F, W, By>(&self, attempt: A, when: W) -> HedgeFuture<'_, A, F, F::Output, ByWhen<W, F::Output>>
    where
        A: Fn() -> F, // an argument that an attempt uses up is cloned for each: `#[hedge(clone(argument))]`
        F: Future,
        W: When<F::Output, By>,
    {
        Hedging { hedge: self, bulkhead: None }.run_when(attempt, when)
    }

    /// Takes note of a call that has to wait, and says how many attempts it may start beside the first.
    fn begin(&self) -> u32 {
        if self.shell.mode() == Mode::Off {
            return 0;
        }
        let config = &*self.config;
        self.bucket.deposit(config.deposit);
        config.max
    }

    /// Grants another attempt if one may start. It is then paid for.
    fn grants(&self, bulkhead: Option<&Bulkhead>) -> Option<Grant<'_>> {
        let busy = bulkhead.is_some_and(Bulkhead::is_busy);
        if busy || !self.bucket.withdraw() {
            self.count(SUPPRESSED, |counts| &counts.suppressed);
            return None;
        }
        if self.shell.mode() != Mode::Enforce {
            self.count(OBSERVED, |counts| &counts.observed);
            return None;
        }
        let retries = if self.config.retry_budget { retry::budget_named(self.name()) } else { None };
        let withdrawal = retries.map(|budget| budget.reserve_for(Cost::Failure));
        let Some(withdrawal) = withdrawal.map_or(Some(None), |withdrawal| withdrawal.map(Some)) else {
            self.bucket.put_back();
            self.count(SUPPRESSED, |counts| &counts.suppressed);
            return None;
        };
        Some(Grant { hedge: self, withdrawal })
    }

    #[cold]
    fn count(&self, note: Note, counter: impl FnOnce(&Counters) -> &AtomicU64) {
        counter(self.counters()).fetch_add(1, Relaxed);
        self.shell.note(note, 1);
    }

    fn counters(&self) -> &Counters {
        self.counts.get_or_make(Counters::new)
    }

    fn learn(&self, sample: Sample) {
        if let After::Percentile(percentile) = self.config.after {
            self.estimate.learn(percentile / 100.0, sample);
        }
    }

    fn learns(&self) -> bool {
        matches!(self.config.after, After::Percentile(_))
    }
}

impl<'a> Hedging<'a> {
    /// A hedge that looks at no bulkhead.
    #[cfg(feature = "tower-0-5")]
    pub(crate) const fn of(hedge: &'a Hedge) -> Self {
        Self { hedge, bulkhead: None }
    }

    /// As [`Hedge::run`].
    #[inline]
    pub fn run<A, F>(self, attempt: A) -> HedgeFuture<'a, A, F, F::Output, ByClass>
    where
        A: Fn() -> F, // an argument that an attempt uses up is cloned for each: `#[hedge(clone(argument))]`
        F: Future,
    {
        HedgeFuture::new(self, attempt, ByClass)
    }

    /// As [`Hedge::run_when`].
    #[inline]
    pub fn run_when<A, F, W, By>(self, attempt: A, when: W) -> HedgeFuture<'a, A, F, F::Output, ByWhen<W, F::Output>>
    where
        A: Fn() -> F, // an argument that an attempt uses up is cloned for each: `#[hedge(clone(argument))]`
        F: Future,
        W: When<F::Output, By>,
    {
        HedgeFuture::new(self, attempt, ByWhen::new(when))
    }
}

impl Counters {
    fn new() -> Self {
        Self {
            sent: AtomicU64::new(0),
            won: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
            observed: AtomicU64::new(0),
        }
    }
}

impl Grant<'_> {
    /// Counts the attempt, which begins.
    fn begin(mut self) {
        self.hedge.count(SENT, |counts| &counts.sent);
        if let Some(withdrawal) = self.withdrawal.take() {
            withdrawal.spend();
        }
        mem::forget(self);
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        self.hedge.bucket.put_back();
    }
}

shell!(Hedge is Hedge, modes: /// With [`Mode::Observe`] it counts what it would have started; with [`Mode::Off`] it does nothing.
, agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { config: *this.config, counts: this.counts() }, resets: forget, tunes: Config
);

impl Hedge {
    /// One for a key, by these settings.
    #[expect(clippy::unused_self, reason = "as for the other policies")]
    fn made(&self, shell: Shell<Self>, config: Live<Config>) -> Self {
        Self { shell, config, bucket: Bucket::new(), estimate: Estimate::new(), counts: Rare::new(Counters::new) }
    }
}

impl Keyed for Hedge {
    by_settings!();

    fn activity(&self) -> u64 {
        self.counts().sent
    }

    fn is_held_by_hand(&self) -> bool {
        self.shell.is_switched()
    }
}

impl Hedge {
    /// Says what it is told and what it has learnt, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
        let delay = match self.config.after {
            After::Percentile(_) => None,
            After::Delay(delay) => Some(delay.time()),
        };
        description.bound = Bound::Beside(delay, self.config.max);
        description.level("budget_balance", self.budget_balance());
        if let Some(delay) = self.delay() {
            description.level("hedge_delay_seconds", delay.as_secs_f64());
        }
    }

    fn forget(&self) {
        self.bucket.reset();
        self.estimate.reset();
    }
}

/// The least delay that a percentile leads to, unless another is set.
const LEAST_DELAY: Duration = Duration::from_millis(1);

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, resilient_loom))]
mod loom_models;
