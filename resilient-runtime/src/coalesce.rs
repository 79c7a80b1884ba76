//! Coalescing: calls with the same key share one run.

mod flights;
mod renewing;
mod run;
mod share;
mod waiters;

use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

pub use self::renewing::{CoalesceRenewing, Renewable};
pub use self::run::{CoalesceCall, CoalesceFuture};
pub use self::share::{Share, Sharing, finish_shared};

use self::flights::{Flights, Hold, Lease};
pub(crate) use self::run::Judgement;
#[cfg(feature = "tower-0-5")]
pub(crate) use self::run::is_of_the_caller;
use crate::clock::nanos;
use crate::keyed::fingerprint::fingerprint;
use crate::list::{Bound, Described, Description};
use crate::shell::{Shell, shell};
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Kept, Key, Settings};
use crate::tune::{Live, accept};

/// Has calls with an equal key share one run, while one is under way.
///
/// The first call leads: it runs its future, inside its own task. Calls with an equal key that begin before it has ended
/// follow: they wait, and each gets a clone of the outcome. Nothing is spawned, and when no call is left, nothing of the
/// key is.
///
/// A call that begins after any other was given an outcome never gets that outcome, except while it is
/// [held](Self::hold). It may get the outcome of a run that began before it. So what it returns can be as old as the run
/// is long, and a call that must see an earlier change should have something of that change in its key.
///
/// If the leader is dropped or panics, a follower leads in its place and runs its own future. A panic stays with the caller
/// whose future it was. All followers are woken then, and the first that is polled leads; a follower that is no longer
/// polled holds up no other. A leader that is kept and not polled does: its followers wait until it is polled or dropped, or
/// for [`max_wait`](Self::max_wait).
///
/// ```
/// use resilient::Coalesce;
///
/// static LOOKUPS: Coalesce = Coalesce::named("lookup");
///
/// async fn lookup(word: &str) -> usize {
///     LOOKUPS.run(word, async move {
///         tokio::task::yield_now().await;
///         word.len()
///     }).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(tokio::join!(lookup("tide"), lookup("tide"), lookup("ebb")), (4, 4, 3));
/// assert_eq!((LOOKUPS.counts().leaders, LOOKUPS.counts().followers), (2, 1));
/// # }
/// ```
///
/// # Who is joined
///
/// Calls of the same policy whose keys are equal, whose futures are of the same type except for lifetimes, and that are
/// [on](CoalesceCall::on) the same object if they say so. The future's type is there because a `static` in a generic function
/// is shared by all its instances, and because two functions can share a policy: neither must get what the other asked
/// for. Boxed futures are all of one type.
///
/// A key is anything that implements [`Hash`]. It is borrowed, not kept and not compared: it is known by a 128-bit hash under
/// secrets that the process drew at its start. That two of 10,000 different keys are taken for one has a chance of about
/// 10⁻³¹, and nobody who does not know the secrets can find two that are. But what a key's `Hash` leaves out does not tell
/// calls apart, so put **everything that the outcome depends on** into it: the tenant, the user, the credentials.
///
/// # How many
///
/// At most [`MOST_KEYS`](Self::MOST_KEYS) are in flight or held, in 16 parts of equal size. A call whose part is full
/// runs by itself, and is counted as [`overflowed`](CoalesceCounts::overflowed).
///
/// # What it does not do
///
/// It refuses nothing, and sets no timer without `max_wait`. A follower waits as long as the leader runs: a [`Timeout`](crate::Timeout) around the
/// call drops the follower, and the call then leaves no trace. A [`Deadline::scope`](crate::Deadline::scope) without one stops
/// a follower as little as it would stop its own future.
///
/// A call inside of the very run that it would join would wait for itself. That is noticed if it happens within one task,
/// and the inner call runs by itself ([`reentrant`](CoalesceCounts::reentrant)). Two that wait for each other's keys
/// are not noticed.
#[must_use = "it does nothing unless it runs something"]
pub struct Coalesce {
    shell: Shell<Self>,
    config: Live<Config>,
    flights: Flights,
}

/// The settings of coalescing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    hold: Option<Duration>,
    /// The time after `hold` in which an outcome is given out while it is renewed.
    stale: Option<Duration>,
    /// Set if it was built to renew outcomes, so that the time can change while it is in use.
    renews: bool,
    max_wait: Option<Duration>,
}

/// The counts of a [`Coalesce`]; from [`Coalesce::counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CoalesceCounts {
    /// Keys in flight or held now.
    pub keys: u64,
    /// Calls that found nobody to join and ran, ever.
    pub leaders: u64,
    /// Calls that joined another, or took an outcome that was held, ever.
    pub followers: u64,
    /// Followers that took an outcome that was stale, ever.
    pub stale: u64,
    /// Runs behind the calls that were begun to renew an outcome, ever.
    pub renewals: u64,
    /// Of those, the runs that came to nothing: a failure, a rejection, a panic, or the end of the runtime.
    pub renewals_failed: u64,
    /// Calls that would have, but for [`Mode::Observe`](crate::Mode::Observe), ever.
    pub observed: u64,
    /// The number of times that a follower became the leader because that was dropped, panicked, or took longer than `max_wait`,
    /// ever.
    pub handed_over: u64,
    /// Calls that ran by themselves because there were too many keys, ever.
    pub overflowed: u64,
    /// Calls that ran by themselves because they came from inside of the run that they would have joined, ever.
    pub reentrant: u64,
    /// Followers that ran by themselves after all, since what they waited for cannot be given to several callers: a response with a
    /// cookie, or one with a body that is too large, ever. Only layers of tower have such outcomes.
    pub declined: u64,
}

/// An outcome that several callers can be given: one that is `Clone`, `Send`, `Sync` and `'static`.
#[diagnostic::on_unimplemented(
    message = "`#[coalesce]` gives the outcome to several callers, and `{Self}` cannot be given more than once",
    label = "is not `Clone + Send + Sync + 'static`",
    note = "derive `Clone` for both types of the `Result`, with an `Arc` around a part that is not `Clone`; or write `share`, as in `#[coalesce(key = id, share)]`: the callers then get an `Arc` of each"
)]
pub trait Shareable: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<O: Clone + Send + Sync + 'static> Shareable for O {}

impl Coalesce {
    /// The number of keys that are in flight or held at the most.
    pub const MOST_KEYS: usize = flights::MOST_KEYS;

    const_fn! {
        /// A coalescing of that name, which holds nothing.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            let config = Live::new(Config { hold: None, stale: None, renews: false, max_wait: None });
            Self { shell: Shell::named(name), config, flights: Flights::new() }
        }
    }

    const_fn! {
        /// Keeps each outcome, a failure too, for so long after its run has ended, for callers that come a little late.
        ///
        /// An outcome that was held long enough is dropped at a later call, or by [`counts`](Self::counts).
        ///
        /// # Panics
        ///
        /// If it is zero; at compile time in a `static`.
        pub fn hold(mut self, time: Duration) -> Self {
            accept(refuses_hold(time));
            self.config.built.hold = Some(time);
            self
        }
    }

    const_fn! {
        /// Has [`run_renewing`](CoalesceCall::run_renewing) give out a good outcome for so long after [`hold`](Self::hold), at once, while one run renews it.
        ///
        /// It is the `stale-while-revalidate` of [RFC 5861](https://www.rfc-editor.org/rfc/rfc5861#section-3). Nothing that is given out is older, from the end of its
        /// run, than the two times together. It has no effect without `hold`, and none on [`run`](Self::run), which gives out what is fresh only.
        ///
        /// # Panics
        ///
        /// If it is zero; at compile time in a `static`.
        pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
            accept(refuses_stale(time));
            self.config.built.stale = Some(time);
            self.config.built.renews = true;
            self
        }
    }

    const_fn! {
        /// Sets how long a follower waits for one leader; as long as the leader runs, unless set.
        ///
        /// After that the follower leads: it runs its own future, beside the former leader, which goes on. The first of them that
        /// ends gives its outcome to all that wait. So a run that hangs, or a leader that is kept and not polled, holds up
        /// its followers for so long and no longer, and one more run is begun each time, not one for each follower.
        /// Choose a time that is longer than nearly every run takes.
        ///
        /// A runtime without timers cannot end the wait. A first wait needs a timer, which a leader does not.
        ///
        /// # Panics
        ///
        /// If it is zero; at compile time in a `static`.
        pub fn max_wait(mut self, time: Duration) -> Self {
            accept(refuses_max_wait(time));
            self.config.built.max_wait = Some(time);
            self
        }
    }

    /// Returns what it has seen; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> CoalesceCounts {
        self.flights.counts(Hold::from_now(self.config.lease(Judgement::Good)))
    }

    /// A call with that key.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` does; everything is then as it was.
    #[expect(
        clippy::inline_always,
        reason = "a call that is moved out of a function of its own is written in other pieces than it is read in"
    )]
    #[inline(always)]
    pub fn call<K: Hash + ?Sized>(&self, key: &K) -> CoalesceCall<'_> {
        CoalesceCall::new(self, fingerprint(key))
    }

    /// Runs `future`, or waits for the outcome of one of the same kind and key that runs already: `call(key).run(future)`.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` does. The future panics when `future` does, or the outcome's `Clone`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`. If that was running, one of those who wait runs its own instead.
    #[inline]
    pub fn run<K, F>(&self, key: &K, future: F) -> CoalesceFuture<'_, F>
    where
        K: Hash + ?Sized,
        F: Future<Output: Shareable>,
    {
        self.call(key).run(future)
    }
}

shell!(Coalesce is Coalesce, modes: /// Those who wait already still get the outcome that they wait for.
, agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { hold: this.config.hold, stale_while_revalidate: this.config.stale, max_wait: this.config.max_wait, counts: this.counts() }, resets: forget, tunes: Config, adopts: adopt
);

/// Returns why that is no time to hold an outcome for, if it is none.
const fn refuses_hold(time: Duration) -> Option<&'static str> {
    if time.is_zero() { Some("`hold` must be longer than zero") } else { None }
}

/// Returns why that is no time to give out an old outcome for, if it is none.
const fn refuses_stale(time: Duration) -> Option<&'static str> {
    if time.is_zero() { Some("`stale_while_revalidate` must be longer than zero") } else { None }
}

/// Returns why that is no wait, if it is none.
const fn refuses_max_wait(time: Duration) -> Option<&'static str> {
    if time.is_zero() { Some("`max_wait` must be longer than zero") } else { None }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        description.optional_time("hold", self.hold);
        description.optional_time("stale_while_revalidate", self.stale);
        description.optional_time("max_wait", self.max_wait);
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::time("hold", "\"100ms\"", refuses_hold, |config: &mut Self, time| config.hold = Some(time))
            .or_word("off", |config| config.hold = None),
        Key::time("stale_while_revalidate", "\"1m\"", refuses_stale, |config: &mut Self, time| {
            config.stale = Some(time);
        })
        .or_word("off", |config| config.stale = None),
        Key::time("max_wait", "\"2s\"", refuses_max_wait, |config: &mut Self, time| config.max_wait = Some(time))
            .or_word("off", |config| config.max_wait = None),
    ];

    fn agree(&self) -> Result<(), String> {
        match self.stale {
            Some(_) if !self.renews => {
                Err("nothing is renewed here: write `stale_while_revalidate` in the code before a file changes it".to_owned())
            }
            Some(_) if self.hold.is_none() => {
                Err("`stale_while_revalidate` begins when `hold` is over: add `hold`, or write `stale_while_revalidate = \"off\"`".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

impl Config {
    /// The times for which an outcome is held, if it is.
    #[inline]
    fn lease(&self, judgement: Judgement) -> Option<Lease> {
        let fresh = nanos(self.hold?);
        if judgement == Judgement::ForThoseThatWait {
            return None;
        }
        let most = self.stale.map_or(0, nanos);
        let stale = if judgement == Judgement::Good { most } else { 0 };
        Some(Lease { fresh, stale, longest: fresh.saturating_add(most) })
    }
}

impl CoalesceCounts {
    const fn none() -> Self {
        Self {
            keys: 0,
            leaders: 0,
            followers: 0,
            stale: 0,
            renewals: 0,
            renewals_failed: 0,
            observed: 0,
            handed_over: 0,
            overflowed: 0,
            reentrant: 0,
            declined: 0,
        }
    }

    const fn add(&mut self, other: &Self) {
        self.leaders += other.leaders;
        self.followers += other.followers;
        self.stale += other.stale;
        self.renewals += other.renewals;
        self.renewals_failed += other.renewals_failed;
        self.observed += other.observed;
        self.handed_over += other.handed_over;
        self.overflowed += other.overflowed;
        self.reentrant += other.reentrant;
        self.declined += other.declined;
    }
}

impl Coalesce {
    /// Says what it is told and what it has done, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
        let counts = self.counts();
        description.level("keys", counts.keys as f64);
        // a follower begins anew each time that a leader is dropped
        description.bound = Bound::Attempts(None);
        description.count("observed", "", counts.observed);
        description.count("coalesce_runs", "", counts.leaders + counts.handed_over);
        description.count("coalesced", "", counts.followers.saturating_sub(counts.handed_over + counts.declined));
        description.count("handovers", "", counts.handed_over);
        if self.config.renews {
            description.count("stale_answers", "", counts.stale);
            description.count("renewals", "begun", counts.renewals);
            description.count("renewals", "failed", counts.renewals_failed);
        }
        description.count("ran_alone", "", counts.overflowed + counts.reentrant + counts.declined);
    }

    /// Lets go of what is held, if it is to be held for less time, or not at all.
    #[cfg(feature = "config")]
    fn adopt(&self, before: &Config) {
        if self.config.hold < before.hold || self.config.stale != before.stale {
            self.flights.forget();
        }
    }

    /// Returns the time for which it holds outcomes, if it does.
    #[cfg(all(feature = "tower-0-5", feature = "http-1"))]
    pub(crate) fn holds_for(&self) -> Option<Duration> {
        self.config.hold
    }

    /// Returns whether it is off.
    #[cfg(all(feature = "tower-0-5", feature = "http-1"))]
    pub(crate) fn is_off(&self) -> bool {
        self.shell.mode() == crate::Mode::Off
    }

    fn forget(&self) {
        self.flights.forget();
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, resilient_loom))]
mod loom_models;
