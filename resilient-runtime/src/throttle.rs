//! The throttle: a client that sees its server refuse calls drops some of its own before they are made.

mod run;
mod window;

use std::future::Future;

pub use self::run::ThrottleGuard;

use self::window::Window;
use crate::book::Ended;
use crate::clock::Ticks;
use crate::keyed::{Keyed, by_settings};
use crate::list::{Described, Description};
use crate::notes::throttle::OBSERVED;
use crate::shell::{Shell, shell};
use crate::stack::{Judged, Stack};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Kept, Key, Settings};
use crate::tune::{Live, accept};
use crate::when::{ByClass, ByWhen, Judge};
use crate::{Class, Error, Mode, Outcome, Reason, When, random};

/// Drops a part of the calls while the server refuses many, so that it need not spend its time on refusing.
///
/// There is no rate to choose: of `requests` in the last two minutes the server took `accepts`, and each further call is
/// dropped with the probability
///
/// `min(max_drop, max(0, (requests − k · accepts) / (requests + 1)))`.
///
/// As long as the server takes more than one in `k`, nothing is dropped. When it takes none, a tenth of the calls still go
/// through to find out when it does again; [`max_drop`](Self::max_drop) sets that share. Calls that were dropped are requests
/// too. It is the client-side throttling of Google's book *Site Reliability Engineering*, chapter 21, which has no such cap. Where
/// nothing was refused in the window, a call costs no look at the clock before it.
///
/// ```
/// use resilient::{Class, Reason, Throttle};
///
/// static SEARCH: Throttle = Throttle::named("search");
///
/// let mut dropped = 0;
/// for _ in 0..1_000 {
///     match SEARCH.acquire() {
///         Ok(permit) => permit.settle_as(Class::Throttled { after: None }, ()),
///         Err(rejection) => {
///             assert_eq!(rejection.reason(), Reason::Shed);
///             dropped += 1;
///         }
///     }
/// }
///
/// assert!(dropped > 800);
/// ```
#[must_use = "a throttle guards what asks it for a permit"]
pub struct Throttle {
    shell: Shell<Self>,
    config: Live<Config>,
    window: Window,
    shed: AtomicU64,
}

/// The settings of a throttle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Config {
    k: f64,
    max_drop: f64,
}

/// The counts of a throttle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThrottleCounts {
    /// Calls of the last two minutes that have ended, and those that were dropped.
    pub requests: u64,
    /// The number of those that the server took.
    pub accepts: u64,
    /// Calls that it dropped, ever.
    pub shed: u64,
}

impl Throttle {
    const_fn! {
        /// A throttle with the defaults; the name is the one in rejections and events.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self::built(Shell::named(name), Live::new(Config { k: 2.0, max_drop: MAX_DROP }))
        }
    }

    const_fn! {
        /// Builds one with fresh state.
        fn built(shell: Shell<Self>, config: Live<Config>) -> Self {
            let (window, shed) = (Window::new(), AtomicU64::new(0));
            Self { shell, config, window, shed }
        }
    }

    /// Sets how many calls are made for each one that the server takes before any are dropped; 2 unless set.
    ///
    /// Nearer to 1, more is dropped and the server is spared more; higher, it is found out sooner that it takes calls again.
    ///
    /// # Panics
    ///
    /// Unless it is finite and at least 1; at compile time in a `static`.
    pub const fn k(mut self, k: f64) -> Self {
        accept(refuses_k(k));
        self.config.built.k = k;
        self
    }

    /// The largest share of the calls that is dropped, however few the server takes; 0.9 unless set.
    ///
    /// The rest finds out when the server takes calls again: the larger it is, the sooner all of them are made again, and the
    /// more calls reach a server that takes none. After ten minutes of taking none, with a hundred calls a second, all are
    /// made again within four minutes at 0.9, three at 0.8, and ten or so at 1, which is no cap.
    ///
    /// ```
    /// use resilient::{Class, Throttle};
    ///
    /// let throttle = Throttle::named("search").max_drop(0.8);
    /// throttle.acquire()?.settle_as(Class::Throttled { after: None }, ());
    /// for _ in 0..1_000 {
    ///     if let Ok(permit) = throttle.acquire() {
    ///         permit.settle_as(Class::Throttled { after: None }, ());
    ///     }
    /// }
    /// assert_eq!(throttle.excess(), 0.8);
    /// # Ok::<(), resilient::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Unless it is above 0 and at most 1; at compile time in a `static`.
    pub const fn max_drop(mut self, share: f64) -> Self {
        accept(refuses_max_drop(share));
        self.config.built.max_drop = share;
        self
    }

    /// The probability with which the next call is dropped.
    pub fn excess(&self) -> f64 {
        if self.window.is_calm() { 0.0 } else { self.excess_at(Ticks::now()) }
    }

    /// Returns what it has seen; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> ThrottleCounts {
        let tally = self.window.tally(Ticks::now());
        ThrottleCounts { requests: tally.requests, accepts: tally.accepts, shed: self.shed.load(Relaxed) }
    }

    /// Asks to make a call.
    ///
    /// # Errors
    ///
    /// A rejection with [`Reason::Shed`] if it is one of those to drop.
    #[inline]
    pub fn acquire(&self) -> Result<ThrottlePermit<'_>, Error> {
        if self.window.is_calm() || self.shell.mode() == Mode::Off || !self.drops() {
            return Ok(ThrottlePermit { throttle: self, is_counted: false });
        }
        Err(self.shell.reject(Reason::Shed))
    }

    /// Runs `future` unless it is one of those to drop, and learns from its outcome as [`ThrottlePermit::settle`] says.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`](crate::Settled::Rejected) with [`Reason::Shed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`, which counts as nothing then.
    #[inline]
    pub const fn run<F: Future<Output: Outcome>>(&self, future: F) -> Stack<F, ThrottleGuard<'_, ByClass>> {
        Stack::new(future, ThrottleGuard::new(self, ByClass))
    }

    /// The throttle in a [stack](crate::run), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(&self, when: W) -> Judged<&Self, W, O> {
        Judged::new(self, when)
    }

    /// Draws whether to drop a call, and counts it if so.
    #[cold]
    fn drops(&self) -> bool {
        let now = Ticks::now();
        let excess = self.excess_at(now);
        // 53 bits are what a double holds exactly.
        let draw = (random::next() >> 11) as f64 / (1_u64 << 53) as f64;
        if draw >= excess {
            return false;
        }
        self.shed.fetch_add(1, Relaxed);
        if self.shell.mode() == Mode::Observe {
            // It is made, and counts when it ends.
            self.shell.note(OBSERVED, 1);
            return false;
        }
        self.window.record(false, now);
        true
    }

    fn excess_at(&self, now: Ticks) -> f64 {
        let Config { k, max_drop } = *self.config;
        self.window.tally(now).excess(k).min(max_drop)
    }

    fn record(&self, accepted: bool) {
        if self.shell.mode() != Mode::Off {
            self.window.record(accepted, Ticks::now());
        }
    }
}

shell!(Throttle is Throttle, modes: /// Calls under way count by the new one.
, agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { config: *this.config, counts: this.counts() }, resets: forget, tunes: Config
);

/// Returns why that is no such number of calls, if it is none.
const fn refuses_k(k: f64) -> Option<&'static str> {
    if k >= 1.0 && k.is_finite() {
        None
    } else {
        Some("`k` must be a finite number of at least 1: 2 makes two calls for each that is taken")
    }
}

/// Returns why that is no such share, if it is none.
const fn refuses_max_drop(share: f64) -> Option<&'static str> {
    if share > 0.0 && share <= 1.0 {
        None
    } else {
        Some("`max_drop` must be a share above 0 and of at most 1: 0.9 still makes every tenth call")
    }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        description.fixed("k", self.k);
        description.fixed("max_drop", self.max_drop);
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::number("k", "2.0", refuses_k, |config, k| config.k = k),
        Key::ratio("max_drop", "0.9", refuses_max_drop, |config, share| config.max_drop = share),
    ];

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

impl Throttle {
    /// One for a key, by these settings.
    #[expect(clippy::unused_self, reason = "as for the other policies")]
    fn made(&self, shell: Shell<Self>, config: Live<Config>) -> Self {
        Self::built(shell, config)
    }
}

impl Keyed for Throttle {
    by_settings!();

    fn activity(&self) -> u64 {
        self.counts().requests
    }

    fn is_in_trouble(&self) -> bool {
        self.excess() > 0.0
    }

    fn is_held_by_hand(&self) -> bool {
        self.shell.is_switched()
    }

    /// Returns a throttle that is switched off: refusals of one key say nothing about another.
    fn stand_in(&self) -> Self {
        Self::built(self.shell.again_in(Mode::Off), self.config.again())
    }

    const STAND_INS: usize = 1;

    const STAND_INS_ARE_OFF: bool = true;
}

/// The right to make one call, which says at its end whether the server took it.
///
/// Dropping it is abandoning it: the call counts as nothing.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as nothing"]
pub struct ThrottlePermit<'a> {
    throttle: &'a Throttle,
    /// Set once its end was counted.
    is_counted: bool,
}

impl ThrottlePermit<'_> {
    /// Ends the call with its outcome, and hands the outcome back.
    ///
    /// | outcome | the server |
    /// |---|---|
    /// | [`Class::Success`], [`Class::Permanent`] | took it |
    /// | [`Class::Throttled`], [`Class::Transient`]: a 429, a 503, a connection that was refused | did not |
    /// | a rejection because of a time-out | did not |
    /// | any other [rejection](Outcome::rejection) | was not asked: counts as nothing |
    pub fn settle<O: Outcome>(self, outcome: O) -> O {
        self.judge(&outcome, &ByClass);
        outcome
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    pub fn settle_when<O, By>(self, outcome: O, when: impl When<O, By>) -> O {
        self.judge(&outcome, &ByWhen::new(when));
        outcome
    }

    /// Ends the call with a class that the caller determined, whatever the outcome is.
    pub fn settle_as<O>(self, class: Class, outcome: O) -> O {
        self.end(None, || class);
        outcome
    }

    /// Ends the call, which counts as nothing; the same as dropping it.
    pub fn abandon(mut self) {
        self.count(Ended::Abandoned);
    }

    #[inline]
    fn judge<O>(self, outcome: &O, judge: &impl Judge<O>) {
        self.end(judge.rejection_in(outcome), || judge.class_of(outcome));
    }

    fn end(mut self, rejection: Option<&Error>, class: impl FnOnce() -> Class) {
        let ended = rejection.map_or_else(|| Ended::of(class()), Ended::of_rejection);
        self.count(ended);
        match ended {
            Ended::Success | Ended::Permanent => self.throttle.record(true),
            Ended::Transient | Ended::Throttled => self.throttle.record(false),
            Ended::Abandoned => {}
        }
    }

    /// Counts the end of the call.
    fn count(&mut self, ended: Ended) {
        self.is_counted = true;
        self.throttle.shell.count(ended);
    }
}

/// A permit that is dropped by hand was for a call of which nothing is known.
impl Drop for ThrottlePermit<'_> {
    fn drop(&mut self) {
        if !self.is_counted {
            self.count(Ended::unsettled());
        }
    }
}

/// A tenth of the calls finds out when the server is back: less than what an outage may bring it (a fifth), and enough to be
/// back in half the time.
const MAX_DROP: f64 = 0.9;

impl Throttle {
    /// Says what it is told and how much it drops, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
        description.level("drop_ratio", self.excess());
    }

    /// Forgets how the server took calls.
    fn forget(&self) {
        self.window.clear();
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::PolicyKind;
    use crate::test::seed;

    fn settle(throttle: &Throttle, class: Class, times: u32) {
        for _ in 0..times {
            ThrottlePermit { throttle, is_counted: false }.settle_as(class, ());
        }
    }

    const REFUSED: Class = Class::Throttled { after: None };

    #[test]
    fn a_throttle_is_listed_by_its_stack() {
        static LISTED: Throttle = Throttle::named("stack: throttle");

        crate::stack::Policy::list(&&LISTED);

        assert!(crate::list::listed_by_hand().iter().any(|policy| std::ptr::addr_eq(*policy, &raw const LISTED)));
    }

    #[tokio::test(start_paused = true)]
    async fn drops_nothing_while_the_server_takes_every_second_call() {
        let throttle = Throttle::named("search");
        settle(&throttle, REFUSED, 100);
        settle(&throttle, Class::Success, 100);

        assert!(throttle.excess() <= 0.0);
        assert!((0..1_000).all(|_| throttle.acquire().is_ok()));
    }

    #[tokio::test(start_paused = true)]
    async fn drops_as_large_a_share_as_the_formula_says() {
        seed(1);
        let throttle = Throttle::named("search");
        settle(&throttle, Class::Success, 1_000);
        settle(&throttle, REFUSED, 9_000);

        let dropped = (0..1_000).filter(|_| throttle.acquire().is_err()).count();

        assert!((770..=850).contains(&dropped), "{dropped}");
        let counts = throttle.counts();
        assert_eq!((counts.requests, counts.accepts, counts.shed), (10_000 + dropped as u64, 1_000, dropped as u64));
    }

    #[tokio::test(start_paused = true)]
    async fn finds_out_when_the_server_takes_calls_again() {
        seed(1);
        let throttle = Throttle::named("search");
        settle(&throttle, REFUSED, 1_000);

        let mut calls = 0;
        while throttle.excess() > 0.0 {
            calls += 1;
            assert!(calls < 100_000, "stuck at {throttle:?}");
            if let Ok(permit) = throttle.acquire() {
                permit.settle_as(Class::Success, ());
            }
            advance(Duration::from_millis(10)).await;
        }
    }

    #[test]
    fn a_clock_that_goes_back_starts_it_again() {
        use crate::clock::later;

        for back in [Duration::from_secs(300), Duration::from_secs(3_600)] {
            let throttle = Throttle::named("search");
            later(back, async { settle(&throttle, REFUSED, 1_000) });

            later(Duration::ZERO, async {
                assert!(throttle.excess() <= 0.0, "{back:?}: {throttle:?}");
                settle(&throttle, Class::Success, 100);
                assert_eq!(throttle.counts().requests, 100, "{back:?}");
                settle(&throttle, REFUSED, 900);
                assert!((throttle.excess() - 0.8).abs() < 0.01, "{back:?}: {}", throttle.excess());
                advance(Duration::from_secs(121)).await;
                assert!(throttle.excess() <= 0.0, "{back:?}");
                assert!(throttle.window.is_calm(), "{back:?}");
            });
        }
    }

    /// Returns how many seconds after an outage of ten minutes at 100 calls a second the last call is dropped, and how many calls
    /// a second reach the server in the outage's last minute.
    async fn outage(throttle: Throttle) -> (u64, u64) {
        seed(1);
        let second = async |class: Class| {
            let (mut made, mut dropped) = (0, 0);
            for _ in 0..100 {
                match throttle.acquire() {
                    Ok(permit) => {
                        permit.settle_as(class, ());
                        made += 1;
                    }
                    Err(_) => dropped += 1,
                }
                advance(Duration::from_millis(10)).await;
            }
            (made, dropped)
        };
        for _ in 0..120 {
            second(Class::Success).await;
        }
        let mut reached = 0;
        for time in 0..600 {
            let (made, _) = second(REFUSED).await;
            reached += if time < 540 { 0 } else { made };
        }
        let mut last = 0;
        for time in 1..=900 {
            let (_, dropped) = second(Class::Success).await;
            last = if dropped > 0 { time } else { last };
        }
        (last, reached / 60)
    }

    #[tokio::test(start_paused = true)]
    async fn makes_all_calls_again_some_minutes_after_a_long_outage() {
        for (share, recovers, reaches) in [(0.8, 150..=180, 15..=25), (0.9, 200..=240, 7..=13), (1.0, 400..=900, 0..=1)]
        {
            let (recovery, reached) = outage(Throttle::named("search").max_drop(share)).await;

            assert!(recovers.contains(&recovery) && reaches.contains(&reached), "{share}: {recovery} s, {reached}/s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drops_nine_in_ten_and_no_more_unless_told_otherwise() {
        let throttle = Throttle::named("search");
        settle(&throttle, REFUSED, 10_000);
        assert!((throttle.excess() - 0.9).abs() < 1e-9);

        let throttle = Throttle::named("search").max_drop(1.0);
        settle(&throttle, REFUSED, 10_000);
        assert!(throttle.excess() > 0.999);
    }

    #[test]
    fn a_share_of_nothing_or_of_more_than_all_is_none() {
        for share in [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY] {
            assert!(std::panic::catch_unwind(|| Throttle::named("search").max_drop(share)).is_err(), "{share}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn k_says_how_many_calls_one_accept_pays_for() {
        let throttle = Throttle::named("search").k(1.1);
        settle(&throttle, Class::Success, 50);
        settle(&throttle, REFUSED, 50);

        assert!((throttle.excess() - 45.0 / 101.0).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_abandoned_or_refused_further_in_counts_as_nothing() {
        let throttle = Throttle::named("search");
        let rejection = |reason| Err::<(), _>(Error::new(PolicyKind::CircuitBreaker, "inner", reason));

        drop(throttle.acquire().unwrap());
        throttle.acquire().unwrap().abandon();
        let open = rejection(Reason::CircuitOpen { retry_after: None, last: None });
        throttle.acquire().unwrap().settle(open).unwrap_err();
        assert_eq!(throttle.counts().requests, 0);

        let late = rejection(Reason::TimedOut { limit: Duration::from_secs(1) });
        throttle.acquire().unwrap().settle(late).unwrap_err();
        assert_eq!((throttle.counts().requests, throttle.counts().accepts), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_error_was_taken_and_a_transient_one_not() {
        let throttle = Throttle::named("search");

        settle(&throttle, Class::Permanent, 3);
        settle(&throttle, Class::Transient, 2);

        assert_eq!((throttle.counts().requests, throttle.counts().accepts), (5, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn observing_counts_and_drops_nothing() {
        let throttle = Throttle::named("search").mode(Mode::Observe);
        settle(&throttle, REFUSED, 1_000);

        assert!((0..100).all(|_| throttle.acquire().is_ok()));

        assert!(throttle.counts().shed > 80);
        assert_eq!(throttle.counts().requests, 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_drops_calls_is_in_trouble_until_it_forgets() {
        let throttle = Throttle::named("search");
        settle(&throttle, Class::Success, 10);
        assert_eq!((throttle.activity(), throttle.is_in_trouble()), (10, false));

        settle(&throttle, REFUSED, 90);
        assert_eq!((throttle.activity(), throttle.is_in_trouble()), (100, true));

        throttle.forget();
        assert_eq!((throttle.activity(), throttle.is_in_trouble()), (0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_somebody_has_switched_is_kept_whether_used_or_not() {
        let throttle = Throttle::named("search");
        assert!(!throttle.is_held_by_hand());

        throttle.set_mode(Mode::Off);

        assert!(throttle.is_held_by_hand());
    }

    #[tokio::test(start_paused = true)]
    async fn off_does_nothing_at_all() {
        let throttle = Throttle::named("search");
        settle(&throttle, REFUSED, 1_000);
        throttle.set_mode(Mode::Off);

        settle(&throttle, REFUSED, 10);

        assert!((0..100).all(|_| throttle.acquire().is_ok()));
        assert_eq!((throttle.counts().requests, throttle.counts().shed), (1_000, 0));
    }

    #[test]
    #[should_panic(expected = "`k` must be a finite number of at least 1")]
    fn k_is_a_number() {
        let _ = Throttle::named("search").k(f64::NAN);
    }
}
