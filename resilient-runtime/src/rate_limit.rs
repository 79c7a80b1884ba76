//! The rate limit: so many calls in so long, and fewer while the server asks for less.

mod acquire;
mod builder;
mod cost;
mod counts;
mod gcra;
mod meter;
mod permit;
mod pressure;
mod quota;
mod run;
mod shared;

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use self::acquire::RateAcquire;
pub use self::cost::{ByGoodAnswer, CostOf, IntoCost, weight};
pub use self::counts::RateCounts;
pub use self::permit::RatePermit;
pub use self::quota::Quota;
pub use self::run::{ByAnswer, ByCost, Heed, Heeding, Heedless, RateLimitGuard, Weighed, Weighty};

use self::acquire::{Held, Queue, Taken};
use self::builder::Config;
use self::gcra::{Pace, Units};
use self::meter::Meter;
use self::shared::Link;
use crate::book::{Count, Tally};
use crate::clock::{self, Ticks};
use crate::keyed::{Keyed, by_settings};
use crate::length::Length;
use crate::list::{Bound, Description};
use crate::notes::rate_limit::{PAUSES, SLOWED};
use crate::shell::{Shell, shell};
use crate::stack::{Judged, Stack};
use crate::tune::{Live, accept};
use crate::when::ByClass;
use crate::{Error, Event, Mode, Outcome, When, random};

/// Lets so many calls through in so long, and fewer while the server asks for less.
///
/// It is a value for a `static`, shared by all callers of what it guards. A call that keeps to the rate costs one look at
/// the clock and one atomic word, takes no lock and allocates nothing.
///
/// # The promise
///
/// In any time `w`, wherever it begins, at most `burst + rate · w` calls are let through: exactly, under any interleaving of threads, after
/// days of idling, and by late timers too. The algorithm is the generic cell rate algorithm, as in ATM networks; it has no
/// windows, and so no edges at which twice as much would fit. Times are kept in eighths of a nanosecond, intervals
/// rounded up: 1,000 a second are exact, and 999 a second come 12 in 10⁸ slower than that.
///
/// A clock that goes back starts the limit again, as if nothing had been let through: the paused clock of a test may be
/// behind that of the test before it.
///
/// # Waiting
///
/// With a [`max_wait`](Self::max_wait), who comes too early waits in line. A wait that would be longer than that, or go
/// past the [`Deadline`](crate::Deadline) of the call, is refused at once. Nothing is reserved: whoever gives up waiting leaves
/// its turn to the next, and whoever is let through is measured at the time at which it was. A call that is
/// [kept and not polled](RateAcquire#a-call-that-is-kept-and-not-polled) holds up nobody else. As timers tick in milliseconds, a
/// limit of more than a thousand a second at which callers wait needs a burst of some milliseconds' worth to be used in full.
///
/// # When the server asks for less
///
/// An answer that one caller reports by [`RatePermit::settle`] or [`heed`](Self::heed) holds for all:
///
/// * **Throttled, with a time**: nobody is let through until then. A later hint lengthens the pause and never shortens it; no
///   hint makes it longer than [`max_pause`](Self::max_pause). Where callers may wait, up to a tenth more is added at random, at most a
///   second and at most that wait, so that clients of one server do not return together; without a wait it is for their
///   retries to do that.
/// * **Throttled, without a time** or with a time of zero: the burst is used up and the rate halved, at most once a second and down to a
///   sixteenth. It grows back by a sixteenth of the whole each second.
/// * **A quota of which nothing remains**: a pause until its reset.
/// * **A quota that would not last until its reset**: what remains is spread evenly over the time.
/// * **A reset within a second**, where nothing is spread yet: no more than what remains is let through at once, and the rate stays.
///   Most such headers count whole seconds, rounded up, so that a second is any time up to one: often that in which a small bucket
///   fills, at a rate far above what remains of it.
///
/// * **A quota that [refills](Quota::refills) all the time**: no more than what remains is let through at once, and the rate stays.
///
/// At the end of a pause, callers are let through at the rate from the first on, not in a burst.
///
/// # Across machines
///
/// [`shared_through`](Self::shared_through) a store, the promise is one about the calls of all machines.
///
/// # Weights
///
/// A call may take more of the rate than one: as many tokens, bytes or points as [`acquire_many`](Self::acquire_many) says. Where that was an
/// estimate, [`RatePermit::charge`] settles it. The promise above is then one about weights; a debt for what a call has cost beyond
/// its weight holds later calls back.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use resilient::{RateLimit, Reason};
///
/// static SEARCH: RateLimit = RateLimit::named("search").rate(100, Duration::from_secs(1)).burst(2);
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), resilient::Error> {
/// for _ in 0..2 {
///     let permit = SEARCH.acquire().await?;
///     permit.settle(Ok::<_, std::io::Error>("found")).unwrap();
/// }
///
/// let rejection = SEARCH.acquire().await.unwrap_err();
/// assert_eq!(rejection.reason(), Reason::RateLimited { retry_after: Duration::from_millis(10) });
/// # Ok(())
/// # }
/// ```
#[must_use = "a rate limit guards what asks it for a permit"]
pub struct RateLimit {
    shell: Shell<Self>,
    config: Live<Config>,
    meter: Meter,
    queue: Queue,
    /// Requests that were let through.
    admitted: Count,
    /// The store, of a limit that machines share.
    shared: Option<Link>,
}

impl RateLimit {
    /// Changes the rate. What was used stays used, call for call, and a burst that was not set follows the rate.
    ///
    /// A burst that would take more than a year to come back is cut to what would not. A call that is being decided on at the
    /// same time may still count by the old rate. Callers that wait already wait as they thought to.
    ///
    /// # Panics
    ///
    /// If `calls` is 0, or `per` is zero or more than a year, or a [shared](Self::shared_through) limit takes no such rate; nothing is changed then.
    pub fn set_rate(&self, calls: u32, per: Duration) {
        let pace = Pace::new(calls, per, Some(1));
        let burst = Pace::second(calls, per).min(pace.longest_burst());
        let _changing = changing();
        self.check_terms(self.meter.changed(Pace { burst, ..pace }));
        self.meter.change(Pace { burst, ..pace }, self.now());
    }

    /// Changes how many calls may come at once. What was used stays used: five more are five more at once.
    ///
    /// A burst that would take more than a year to come back is cut to one that would not.
    ///
    /// # Panics
    ///
    /// If it is 0, or a [shared](Self::shared_through) limit takes no such burst; nothing is changed then.
    pub fn set_burst(&self, calls: u32) {
        assert!(calls > 0, "`burst` must be at least 1: with 0 nothing would ever be let through");
        let _changing = changing();
        let pace = self.meter.pace();
        self.check_terms(Pace { burst: calls.min(pace.longest_burst()), ..pace });
        self.meter.change_burst(calls, self.now());
    }

    /// Returns what it has done; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> RateCounts {
        let [pauses, slowed] = self.meter.pressure.counts();
        RateCounts { admitted: self.admitted.sum(), pauses, slowed, ..self.queue.counts() }
    }

    /// The end of the pause that the server asked for, if there is one.
    pub fn paused_until(&self) -> Option<Instant> {
        let now = clock::now();
        let left = self.meter.pressure.paused_until().since(units(now));
        if left.is_zero() || self.meter.pressure.is_ahead_of(units(now)) { None } else { now.checked_add(left) }
    }

    /// Returns whether the server asked for a pause that is not over.
    pub fn is_paused(&self) -> bool {
        self.paused_until().is_some()
    }

    /// The share of the rate that is let through: 1, or less while the server has slowed it.
    pub fn share(&self) -> f64 {
        let now = units(clock::now());
        // Nothing is forgotten by a look: the clock of the thread that looks may be behind that of the calls.
        if self.meter.pressure.is_ahead_of(now) { 1.0 } else { self.meter.pressure.share(self.meter.pace(), now) }
    }
}

impl RateLimit {
    /// Asks to make a call, and waits for its turn if it may.
    ///
    /// # Errors
    ///
    /// A rejection with [`Reason::RateLimited`](crate::Reason::RateLimited) or [`Reason::Paused`](crate::Reason::Paused), at once if the wait
    /// would be longer than [`max_wait`](Self::max_wait) or than the deadline allows. It comes after a wait only if the limit
    /// was paused or slowed meanwhile, or if timers were so late that the turn did not come in time. A wait off a tokio
    /// runtime, or on one without timers, is refused with [`Reason::NoRuntime`](crate::Reason::NoRuntime).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives its place to the next in line, and uses up nothing.
    #[inline]
    pub const fn acquire(&self) -> RateAcquire<'_> {
        RateAcquire::new(self, 1)
    }

    /// As [`acquire`](Self::acquire), for so many calls at once, or for a call that weighs as much as so many: for so many tokens, bytes or
    /// points.
    ///
    /// None counts as one. [`RatePermit::charge`] corrects a weight that was an estimate.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), and [`Reason::TooHeavy`](crate::Reason::TooHeavy) at once for more than the burst, which could never
    /// come at once.
    #[inline]
    pub const fn acquire_many(&self, weight: u64) -> RateAcquire<'_> {
        RateAcquire::new(self, weight_of(weight))
    }

    /// Runs `future` when its turn has come, and learns from its outcome as [`RatePermit::settle`] says.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`](crate::Settled::Rejected), for the reasons of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`, or gives its place to the next in line. A call that was let through stays used.
    #[inline]
    pub const fn run<F: Future<Output: Outcome>>(&self, future: F) -> Stack<F, RateLimitGuard<'_, ByClass, Heedless>> {
        Stack::new(future, RateLimitGuard::new(self.acquire(), ByClass, Heedless))
    }

    /// The limit in a [stack](crate::run), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(&self, when: W) -> Judged<&Self, W, O> {
        Judged::new(self, when)
    }

    /// Asks to make a call, and never waits.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), also where that would have waited.
    #[inline]
    pub fn try_acquire(&self) -> Result<RatePermit<'_>, Error> {
        self.try_acquire_many(1)
    }

    /// As [`acquire_many`](Self::acquire_many), and never waits.
    ///
    /// # Errors
    ///
    /// As [`acquire_many`](Self::acquire_many), also where that would have waited.
    #[inline]
    pub fn try_acquire_many(&self, weight: u64) -> Result<RatePermit<'_>, Error> {
        loop {
            let calls = weight_of(weight);
            match self.admit(calls, Length::ZERO) {
                Ok(at) => return Ok(RatePermit::new(self, Taken { calls, at })),
                Err(Held::Uncounted) => return Ok(RatePermit::new(self, Taken::NOTHING)),
                Err(Held::Limited { retry_after }) => return Err(self.limited(retry_after)),
                Err(Held::Refused(rejection)) => return Err(rejection),
                // The store of a shared limit was asked, which takes time.
                Err(Held::Until { blocked, .. }) if self.shared.is_some() => {
                    return Err(self.refuse(blocked, calls, units(clock::now())));
                }
                // The rate was changed meanwhile, and there is room after all.
                Err(Held::Until { .. }) => {}
            }
        }
    }

    /// Follows what a server said about its quota, for every caller.
    ///
    /// See [above](Self#when-the-server-asks-for-less) for what that means. An annotated function that returns a response does it by itself.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::{Quota, RateLimit};
    ///
    /// static SEARCH: RateLimit = RateLimit::named("search");
    ///
    /// SEARCH.heed(Quota::of(80, Duration::from_secs(2)));
    /// assert!(SEARCH.share() < 0.41); // 80 in the next two seconds, evenly
    ///
    /// SEARCH.heed(Quota::of(0, Duration::from_secs(20)));
    /// assert!(SEARCH.is_paused());
    /// ```
    pub fn heed(&self, quota: impl Into<Quota>) {
        self.heed_since(quota.into(), None);
    }

    /// As [`heed`](Self::heed), for the answer to a call that was let through at that time.
    fn heed_since(&self, quota: Quota, at: Option<Units>) {
        match (quota.remaining, quota.reset) {
            (Some(remaining), _) if quota.refills => self.curb(remaining, at),
            (_, Some(Duration::ZERO)) => {}
            (Some(remaining), Some(reset)) if reset <= RESOLUTION && !self.is_spread() => self.curb(remaining, at),
            (Some(0), reset @ Some(_)) => self.throttled(reset),
            (Some(remaining), Some(reset)) => self.spread(remaining, reset),
            _ => {}
        }
    }

    /// Follows a refusal by the server.
    #[cold]
    fn throttled(&self, after: Option<Duration>) {
        if self.config.max_pause().is_zero() || self.shell.mode() == Mode::Off {
            return;
        }
        let now = self.now();
        let Some(hint) = after.filter(|hint| !hint.is_zero()) else {
            self.slow(now);
            self.tell_slowed(now);
            return;
        };
        let (max_pause, max_wait) = (self.config.max_pause(), self.config.max_wait.time());
        let pause = pressure::pause_for(hint, max_pause, max_wait, random::next());
        let until = now.after(pause);
        self.pause_until(until, now);
        self.tell_pause(until, now);
    }

    /// Halves the rate, at most once a second.
    fn slow(&self, now: Units) {
        let slowed = self.meter.pressure.slow(now);
        self.meter.drain(now);
        if slowed {
            self.shell.note(SLOWED, 1);
            let (policy, place, share) = (self.name(), self.shell.place(), self.share());
            self.shell.emit(Event::Slowed { policy, place, share });
        }
    }

    /// Lets nobody through until then.
    fn pause_until(&self, until: Units, now: Units) {
        let begins = self.meter.pressure.pause(until, now);
        self.meter.drain(until);
        if begins {
            self.shell.note(PAUSES, 1);
            let (policy, place) = (self.name(), self.shell.place());
            self.shell.emit(Event::Paused { policy, place, time: until.since(now) });
        }
    }

    /// The present, before something is written that goes by it: what is kept from a time that the clock has gone back from must not count.
    fn now(&self) -> Units {
        let now = clock::now();
        self.restart_if_clock_went_back(now);
        units(now)
    }

    /// Forgets what happened at a time that the clock has not come to again. Says whether there was any.
    fn restart_if_clock_went_back(&self, now: Instant) -> bool {
        self.meter.is_ahead_of(units(now)) && self.meter.restart(|| units(clock::now()))
    }

    /// Returns whether an answer with a reset further away is in force.
    fn is_spread(&self) -> bool {
        self.meter.pressure.is_spread(|| units(clock::now()))
    }

    /// Lets no more than `remaining` through at once, as of that time or of now. The rate stays.
    fn curb(&self, remaining: u64, at: Option<Units>) {
        if self.config.max_pause().is_zero() || self.shell.mode() == Mode::Off {
            return;
        }
        if remaining < u64::from(self.meter.pace().burst) {
            self.meter.curb(at.unwrap_or_else(|| self.now()), remaining);
            self.tell_curbed(units(clock::now()), remaining);
        }
    }

    /// Makes what remains last until the reset.
    fn spread(&self, remaining: u64, reset: Duration) {
        if self.config.max_pause().is_zero() || self.shell.mode() == Mode::Off {
            return;
        }
        let now = units(clock::now());
        let until = now.after(reset.min(self.config.max_pause()));
        let interval = Units((until.0 - now.0).div_ceil(remaining));
        if interval > self.meter.pace().interval {
            self.meter.pressure.spread(interval, until, now);
            self.meter.drain(now);
            self.tell_spread(Some(interval), until, now);
        } else if self.meter.pressure.spread_no_more() {
            self.tell_spread(None, now, now);
        }
    }
}

impl RateLimit {
    /// Charges what a call has cost that took so much, unless the limit did not count it.
    fn charge_call(&self, taken: u32, cost: u64) {
        if taken > 0 {
            self.settle_cost(taken, saturated(cost));
        }
    }

    /// Charges `cost` in place of what was taken.
    fn settle_cost(&self, taken: u32, cost: u32) {
        let now = units(clock::now());
        if cost < taken {
            self.give_back(now, taken - cost);
            self.tally(Tally::Returned, taken - cost);
            self.queue.look_again();
        } else if cost > taken {
            if !self.owe(now, i64::from(cost - taken)) {
                let now = if self.meter.is_due_ahead_of(now) { self.now() } else { now };
                self.meter.charge(now, cost - taken, now.after(self.config.max_pause()));
            }
            self.tally(Tally::Charged, cost - taken);
        }
    }

    /// Gives back what a call took that a policy further in kept from running.
    #[cold]
    fn excuse(&self, taken: u32, rejection: &Error, weighs: bool) {
        if taken > 0 && rejection.kept_from_running() {
            self.give_back(units(clock::now()), taken);
            self.queue.look_again();
            if weighs {
                self.tally(Tally::Returned, taken);
            }
        }
    }

    fn give_back(&self, now: Units, calls: u32) {
        if !self.owe(now, -i64::from(calls)) {
            self.meter.give_back(now, calls);
        }
    }

    /// Panics if a limit that machines share cannot go by that pace.
    fn check_terms(&self, pace: Pace) {
        if self.shared.is_some() {
            accept(shared::Terms::refuses(pace));
        }
    }

    /// Counts units of calls that say their weight.
    #[inline]
    fn tally(&self, tally: Tally, calls: u32) {
        self.shell.tally(tally, u64::from(calls));
    }
}

/// The right to change a rate or a burst. All limits have one together, since that happens seldom and takes no time.
fn changing() -> MutexGuard<'static, ()> {
    static CHANGING: Mutex<()> = Mutex::new(());
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The weight as the meter has it: at least one.
const fn weight_of(weight: u64) -> u32 {
    if weight == 0 { 1 } else { saturated(weight) }
}

const fn saturated(weight: u64) -> u32 {
    if weight > u32::MAX as u64 { u32::MAX } else { weight as u32 }
}

shell!(RateLimit is RateLimit, modes: /// Callers that wait already go on waiting.
, agrees: |one, other| one.config.built == other.config.built && Link::agree(one.shared.as_ref(), other.shared.as_ref()),
    shows: |this| { pace: this.meter.pace(), config: *this.config, counts: this.counts() }, resets: forget, tunes: Config, adopts: adopt
);

impl RateLimit {
    /// One for a key, by these settings.
    fn made(&self, shell: Shell<Self>, config: Live<Config>) -> Self {
        assert!(
            self.shared.is_some() || !config.is_shared(),
            "machines share the limits of all keys or of none: add `shared_through` to the limit that is for all"
        );
        let Config { burst, .. } = *config;
        let meter = Meter::new(config.pace(), burst);
        let shared = self.shared.as_ref().map(Link::again);
        Self { meter, shared, ..Self::built(shell, config) }
    }
}

impl Keyed for RateLimit {
    by_settings!();

    fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    fn share_as(&mut self, key: Box<str>) {
        if let Some(link) = &mut self.shared {
            link.share_as(key);
        }
    }

    fn activity(&self) -> u64 {
        self.counts().admitted
    }

    fn is_in_trouble(&self) -> bool {
        self.is_paused() || self.share() < 1.0
    }

    /// Also while what was used has not come back: a limit that is forgotten sooner would let more through than its rate.
    fn is_held_by_hand(&self) -> bool {
        let now = units(clock::now());
        let is_in_debt = self.meter.is_in_debt(now) && !self.meter.is_ahead_of(now);
        self.shell.is_switched() || self.meter.is_changed(self.config.pace()) || is_in_debt
    }
}

fn units(now: Instant) -> Units {
    Units::at(Ticks::at(now))
}

/// The unit in which headers count: whole seconds, rounded up by most servers.
const RESOLUTION: Duration = Duration::from_secs(1);

impl RateLimit {
    /// Says what it is told and what the server has said, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        let present = self.meter.pace();
        description.settings_of(&self.config);
        description.now("rate", present);
        description.now("burst", present.burst);
        description.level("rate_share", self.share());
        description.level("paused", if self.is_paused() { 1.0 } else { 0.0 });
        description.level("waiting", f64::from(self.queue.waiting()));
        let patience = self.shared.as_ref().map_or(Duration::ZERO, |link| link.patience(present));
        if let Some(link) = &self.shared {
            link.describe_to(description);
        }
        description.bound = Bound::Wait(self.config.max_wait.time().max(patience));
    }

    /// Goes by the rate that its settings say. What was used stays used.
    #[cfg(feature = "config")]
    fn adopt(&self, before: &Config) {
        let config = *self.config;
        if (before.pace(), before.burst) != (config.pace(), config.burst) {
            let _changing = changing();
            self.meter.choose(config.burst);
            self.meter.change(config.pace(), self.now());
        }
    }

    /// Forgets what was used and what the server said, and goes back to the rate that it was built with.
    fn forget(&self) {
        let _changing = changing();
        self.meter.change(self.config.pace(), units(clock::now()));
        self.meter.reset();
        if let Some(link) = &self.shared {
            link.pool().reset();
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, resilient_loom))]
mod loom_models;
