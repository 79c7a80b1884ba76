//! The circuit breaker: what is failing is left alone for a while, then tried again with care.

mod builder;
mod config;
mod epoch;
mod evidence;
mod fleet;
mod permit;
mod run;
mod state;
mod storage;
mod tally;
mod watch;
mod window;
mod word;

use std::future::Future;

pub use self::permit::CircuitBreakerPermit;
pub use self::run::CircuitBreakerGuard;
pub use self::watch::{Transition, Transitions};

use self::config::Config;
use self::permit::Began;
use self::state::Phase;
use self::storage::{Counters, Storage};
use crate::clock::Ticks;
use crate::keyed::{Keyed, by_settings};
use crate::list::Description;
use crate::notes::circuit_breaker::{DEGRADED, EXCHANGES, FAILED_EXCHANGES};
use crate::shell::{Shell, shell};
use crate::stack::{Judged, Stack};
use crate::sync::atomic::Ordering::Relaxed;
#[cfg(feature = "config")]
use crate::tune::Forced;
use crate::tune::Live;
use crate::when::ByClass;
use crate::{CircuitBreakerState, Error, Mode, Outcome, When};

/// Stops calling what is failing, and finds out when it works again.
///
/// Closed, it lets every call through and watches how they end. When too many fail it opens and refuses every call,
/// which costs the caller nothing and spares the server. When the open time is over it is half-open: a few calls go
/// through as probes, and decide whether it closes or opens again.
///
/// It is a value for a `static`, shared by all callers of what it guards. It takes no lock. Some parts are allocated at their first use, since many breakers
/// never need them: for the first failure, for two threads that meet in it, for a window of calls, for [`slow_call`](Self::slow_call), and for
/// [`transitions`](Self::transitions).
///
/// # What opens it
///
/// It is evaluated whenever a call fails, or is [slow](Self::slow_call), and on nothing else:
///
/// * with at least [`min_calls`](Self::min_calls) in the window, when the [`failure_rate`](Self::failure_rate) or the
///   [`slow_rate`](Self::slow_rate) is reached;
/// * as soon as so many more calls failed than the failure rate allows that the usual errors do not explain it, while the
///   window still holds successes of the time before. This evidence needs `min_calls` in a window of time, takes at
///   least 250 ms, and opens it for nothing less than once in 2.7 million years;
/// * with fewer calls, when so many failed in a row as [`consecutive`](Self::consecutive) says. So it works at one
///   call a minute as well.
///
/// An outage is seen after 0.25 s at a hundred calls a second and more, and an error rate that stays below `failure_rate`
/// is not one.
///
/// [`CircuitBreakerPermit::settle`] says which outcomes are failures. How often that happens when nothing is wrong, and how soon when
/// something is, is in the repository's `docs/circuit_breaker.md`, with settings for different traffic.
///
/// # How long it is open
///
/// [`open_for`](Self::open_for), and as long again at each of the first twelve reopenings since it was last closed. From then on
/// the time doubles up to [`open_max`](Self::open_max); at once, if some probes succeeded and too many failed. With
/// [`open_growth`](Self::open_growth) it is `min(open_for · open_growth^n, open_max)` at the `n`th reopening. All of
/// this is multiplied by `1 ± open_jitter`, and the call that comes at exactly the end of it is let through. Calls that were under way when it opened are not
/// disturbed; their outcomes come late and no longer count.
///
/// # How it closes
///
/// The first probe goes alone. If it fails, the breaker opens again; if it succeeds, two more may go, and when they have
/// ended, fewer than `failure_rate` of the three failed. With [`probes`](Self::probes), so many go at once. One that is abandoned
/// gives its place to the next caller, and one that takes longer than [`probe_timeout`](Self::probe_timeout) has failed,
/// so that it cannot stay half-open for ever. Then it closes, or with [`recover`](Self::recover) lets through more and
/// more of the calls first. Closed again, it starts with an empty window.
///
/// # What a call costs
///
/// While nothing fails, a call reads one word when it begins and writes one when it ends, which threads share with few
/// others. A thread that makes many calls looks at the clock once in 32 of them. When calls stop all of a sudden and
/// go on after more than a window, when up to 31 of a thread's ended is not known: they are taken to have ended evenly
/// over the pause.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use resilient::CircuitBreaker;
/// use resilient::CircuitBreakerState;
///
/// static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments").consecutive(3).open_for(Duration::from_secs(5));
///
/// fn pay() -> Result<(), std::io::Error> {
///     Err(std::io::ErrorKind::ConnectionRefused.into())
/// }
///
/// for _ in 0..3 {
///     let permit = PAYMENTS.acquire().expect("closed");
///     let outcome = permit.settle(pay());
///     assert!(outcome.is_err());
/// }
///
/// assert_eq!(PAYMENTS.state(), CircuitBreakerState::Open);
/// let rejection = PAYMENTS.acquire().unwrap_err();
/// assert!(rejection.retry_after().unwrap() > Duration::from_secs(4));
/// ```
#[must_use = "a breaker guards what asks it for a permit"]
pub struct CircuitBreaker {
    shell: Shell<Self>,
    config: Live<Config>,
    storage: Storage,
}

/// The counts of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitBreakerCounts {
    /// Calls in the window; the probes that have ended while half-open, and none while open.
    pub calls: u32,
    /// The number of those that failed; of the probes, also those that were slow.
    pub failures: u32,
    /// The number of calls in the window that were [slow](CircuitBreaker::slow_call).
    pub slow: u32,
    /// Failures since the last success; 0 unless closed or recovering.
    pub consecutive: u32,
    /// The number of times that it opened, ever.
    pub opened: u64,
    /// The number of times that it became half-open, ever.
    pub half_opened: u64,
    /// The number of times that it closed again, ever.
    pub closed: u64,
    /// Calls that it refused, ever.
    pub rejected: u64,
    /// Calls that it would have refused, but let through in [`Mode::Observe`], ever.
    pub observed: u64,
}

impl CircuitBreaker {
    /// The present state.
    ///
    /// Time alone does not change it: an open breaker stays open until somebody asks for a permit after its time is
    /// over.
    pub fn state(&self) -> CircuitBreakerState {
        self.circuit().phase.into()
    }

    /// Returns what it has seen; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> CircuitBreakerCounts {
        let circuit = self.circuit();
        let tally = self.tally(circuit, Ticks::now);
        let past = self.storage.any_past();
        let total = |total: fn(&Counters) -> u64| past.map_or(0, |past| total(&past.totals));
        CircuitBreakerCounts {
            calls: tally.calls,
            failures: tally.failures,
            slow: tally.slow,
            consecutive: match circuit.phase {
                Phase::Closed { streak } | Phase::Recovering { streak, .. } => streak,
                _ => 0,
            },
            opened: total(|totals| totals.opened.load(Relaxed)),
            half_opened: total(|totals| totals.half_opened.load(Relaxed)),
            closed: total(|totals| totals.closed.load(Relaxed)),
            rejected: total(|totals| totals.rejected.sum()),
            observed: total(|totals| totals.observed.sum()),
        }
    }

    /// Opens it until somebody [closes](Self::force_close) it. In [`Mode::Off`] it changes nothing.
    pub fn force_open(&self) {
        self.force(Phase::ForcedOpen);
    }

    /// Closes it, with an empty window; what fails from now on may open it again. In [`Mode::Off`] it changes nothing.
    pub fn force_close(&self) {
        self.force(Phase::Closed { streak: 0 });
    }

    /// Makes it as new: as [`force_close`](Self::force_close), and all [`counts`](Self::counts) begin at zero.
    ///
    /// Tests that share a `static` begin with this, since each of them has a clock of its own.
    pub fn reset(&self) {
        self.force(Phase::Closed { streak: 0 });
        self.storage.forget();
    }

    /// Changes the mode. After [`Mode::Off`] it begins closed, with an empty window.
    pub fn set_mode(&self, mode: Mode) {
        self.switch(mode);
    }

    /// Asks to make a call.
    ///
    /// # Errors
    ///
    /// A rejection with [`Reason::CircuitOpen`](crate::Reason::CircuitOpen) if it is open, half-open with all its
    /// probes under way, or recovering and this call not among those let through.
    #[inline]
    pub fn acquire(&self) -> Result<CircuitBreakerPermit<'_>, Error> {
        self.acquire_at(Ticks::now)
    }

    /// Runs `future` if it lets the call through, and counts its outcome as [`CircuitBreakerPermit::settle`] says.
    ///
    /// It is asked when the future is first polled.
    ///
    /// ```
    /// use resilient::{CircuitBreaker, Settled};
    ///
    /// static BREAKER: CircuitBreaker = CircuitBreaker::named("disk");
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let settled = BREAKER.run(async { std::fs::read("/no such file") }).await;
    ///
    /// assert!(matches!(settled, Settled::Outcome(Err(_))));
    /// assert_eq!(BREAKER.counts().calls, 1);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`](crate::Settled::Rejected) if it refuses; `future` is not polled then.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future` and abandons the call, as dropping a [`CircuitBreakerPermit`] does.
    #[inline]
    pub const fn run<F: Future<Output: Outcome>>(&self, future: F) -> Stack<F, CircuitBreakerGuard<'_, ByClass>> {
        Stack::new(future, CircuitBreakerGuard::new(self, ByClass))
    }

    /// The breaker in a [stack](crate::run), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(&self, when: W) -> Judged<&Self, W, O> {
        Judged::new(self, when)
    }

    #[inline]
    fn acquire_at(&self, clock: impl Fn() -> Ticks) -> Result<CircuitBreakerPermit<'_>, Error> {
        let ticket = self.admit(&clock)?;
        let began = if self.config.slow_time().is_some() { Began::at(clock()) } else { Began::UNKNOWN };
        Ok(CircuitBreakerPermit::new(self, ticket, began))
    }
}

shell!(CircuitBreaker is CircuitBreaker, agrees: |one, other| one.config.built == other.config.built && fleet::Link::agree(one.storage.link(), other.storage.link()),
    shows: |this| { state: this.state(), config: *this.config }, resets: reset, tunes: Config, adopts: adopt, forces: force_by_settings
);

impl CircuitBreaker {
    /// One for a key, by these settings.
    fn made(&self, shell: Shell<Self>, config: Live<Config>) -> Self {
        assert!(
            self.is_shared() || !config.is_shared(),
            "machines share the breakers of all keys or of none: add `shared_through` to the breaker that is for all"
        );
        let storage = self.storage.again(shell.base_mode());
        if self.state() == CircuitBreakerState::ForcedOpen {
            // of all keys, before anybody knows this one
            storage.begin_forced_open();
        }
        Self { shell, config, storage }
    }
}

impl Keyed for CircuitBreaker {
    by_settings!();

    fn is_shared(&self) -> bool {
        self.storage.link().is_some()
    }

    fn share_as(&mut self, key: Box<str>) {
        self.storage.share_as(key);
    }

    fn is_held_by_hand(&self) -> bool {
        self.state() == CircuitBreakerState::ForcedOpen || self.shell.is_switched()
    }

    fn activity(&self) -> u64 {
        u64::from(self.counts().calls)
    }

    fn is_in_trouble(&self) -> bool {
        !matches!(self.state(), CircuitBreakerState::Closed | CircuitBreakerState::Disabled)
    }

    /// One whose key comes again and again keeps its place, and what it knows of the usual errors.
    fn is_as_new(&self, again: bool) -> bool {
        !again && self.circuit().phase == Phase::Closed { streak: 0 } && self.counts().calls == 0
    }

    /// Returns a breaker that is switched off: failures for one key say nothing about another.
    fn stand_in(&self) -> Self {
        let storage = if self.state() == CircuitBreakerState::ForcedOpen {
            let storage = Storage::new();
            // no key is let through then
            storage.begin_forced_open();
            storage
        } else {
            Storage::beginning_in(Mode::Off)
        };
        Self { shell: self.shell.again_in(Mode::Off), config: self.config.again(), storage }
    }

    const STAND_INS: usize = 1;

    const STAND_INS_ARE_OFF: bool = true;
}

impl CircuitBreakerCounts {
    /// The fraction of [`calls`](Self::calls) that failed; `None` if there were none.
    pub fn failure_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.failures) / f64::from(self.calls))
    }
}

impl From<Phase> for CircuitBreakerState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Closed { .. } => Self::Closed,
            Phase::Open { .. } => Self::Open,
            Phase::HalfOpen { .. } => Self::HalfOpen,
            Phase::Recovering { .. } => Self::Recovering,
            Phase::ForcedOpen => Self::ForcedOpen,
            Phase::Disabled => Self::Disabled,
        }
    }
}

#[cfg(feature = "config")]
impl CircuitBreaker {
    /// Empties the window if it is another one now, in which what was counted has no place.
    fn adopt(&self, before: &Config) {
        if before.span() != self.config.span() {
            self.storage.empty_window();
        }
    }

    fn force_by_settings(&self, state: Option<Forced>) {
        match state {
            Some(Forced::Open) => {
                self.set_mode(Mode::Enforce);
                self.force_open();
            }
            Some(Forced::Closed) => {
                self.force_close();
                self.set_mode(Mode::Observe);
            }
            None => {
                self.set_mode(self.shell.base_mode());
                if self.state() == CircuitBreakerState::ForcedOpen {
                    self.force_close();
                }
            }
        }
    }
}

impl CircuitBreaker {
    /// Says what it is told and what it has seen, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
        description.state = Some(self.state());
        let counts = self.counts();
        description.level("window_calls", f64::from(counts.calls));
        description.level("window_failures", f64::from(counts.failures));
        self.storage.describe_times(self.state(), self.shell.record().since, description);
        if let Some(link) = self.storage.link() {
            link.describe_to(description);
            let noted = |note| self.shell.record().noted(note) as f64;
            description.counts.push(("shared_asks", "answered", noted(EXCHANGES)));
            description.counts.push(("shared_asks", "failed", noted(FAILED_EXCHANGES)));
            description.counts.push(("shared_degraded", "", noted(DEGRADED)));
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, not(resilient_loom)))]
mod model;

#[cfg(all(test, resilient_loom))]
mod loom_models;
