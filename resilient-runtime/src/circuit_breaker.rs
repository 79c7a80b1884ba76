//! The circuit breaker: what is failing is left alone for a while, then tried again with care.

mod config;
mod permit;
mod state;
mod storage;
mod window;
mod word;

use std::fmt;
use std::time::Duration;

pub use self::permit::Permit;

use self::config::Config;
use self::state::Phase;
use self::storage::Storage;
use crate::Error;
use crate::clock::Ticks;
use crate::sync::atomic::Ordering::Relaxed;

/// Stops calling what is failing, and finds out when it works again.
///
/// Closed, it lets every call through and watches how they end. When too many fail it opens and refuses every call,
/// which costs the caller nothing and spares the server. When the open time is over it is half-open: a few calls go
/// through as probes, and decide whether it closes or opens again, for longer.
///
/// It is a value for a `static`, shared by all callers of what it guards. It takes no lock and never allocates.
///
/// # What opens it
///
/// It is evaluated whenever a call fails, and on nothing else:
///
/// * with at least [`min_calls`](Self::min_calls) in the window, when the [`failure_rate`](Self::failure_rate) is
///   reached;
/// * with fewer, when so many calls failed in a row as [`consecutive`](Self::consecutive) says. So it works at one
///   call a minute as well.
///
/// [`Permit::settle`] says which outcomes are failures.
///
/// # How long it is open
///
/// `min(open_for · open_growth^n, open_max) · (1 ± open_jitter)` at the `n`th reopening since it was last closed, and
/// the call that comes at exactly the end of it is let through. Calls that were under way when it opened are not
/// disturbed; their outcomes come late and no longer count.
///
/// # How it closes
///
/// When [`probes`](Self::probes) probes have ended, fewer than `failure_rate` of them failed. One that is abandoned
/// gives its place to the next caller, and one that takes longer than [`probe_timeout`](Self::probe_timeout) has failed,
/// so that it cannot stay half-open for ever. Closed again, it starts with an empty window.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use resilient::CircuitBreaker;
/// use resilient::State;
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
/// assert_eq!(PAYMENTS.state(), State::Open);
/// let rejection = PAYMENTS.acquire().unwrap_err();
/// assert!(rejection.retry_after().unwrap() > Duration::from_secs(4));
/// ```
#[must_use = "a breaker guards what asks it for a permit"]
pub struct CircuitBreaker {
    name: &'static str,
    config: Config,
    storage: Storage,
}

/// What a breaker does with the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Lets it through.
    Closed,
    /// Refuses it, until the open time is over.
    Open,
    /// Lets it through if a probe is wanted, and refuses it otherwise.
    HalfOpen,
}

/// What a breaker has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls in the window; the probes that have ended while half-open, and none while open.
    pub calls: u32,
    /// How many of those failed.
    pub failures: u32,
    /// Failures since the last success; 0 unless closed.
    pub consecutive: u32,
    /// How often it opened, ever.
    pub opened: u64,
    /// How often it became half-open, ever.
    pub half_opened: u64,
    /// How often it closed again, ever.
    pub closed: u64,
    /// Calls that it refused, ever.
    pub rejected: u64,
}

impl CircuitBreaker {
    /// A closed breaker with the defaults; the name is the one in rejections and events.
    #[cfg(not(resilient_loom))]
    pub const fn named(name: &'static str) -> Self {
        Self { name, config: Config::new(), storage: Storage::new() }
    }

    /// A closed breaker with the defaults, for a model: loom's atomics are not const.
    #[cfg(resilient_loom)]
    pub fn named(name: &'static str) -> Self {
        Self { name, config: Config::new(), storage: Storage::new() }
    }

    /// The fraction of failures that opens it, and of failed probes that opens it again; 0.5 unless set.
    ///
    /// Inclusive: at 0.5, five failures of ten do.
    ///
    /// # Panics
    ///
    /// Unless `0 < rate <= 1`; at compile time in a `static`.
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        self.config = self.config.failure_rate(rate);
        self
    }

    /// Takes the rate from the calls that ended in the last `window`; 10 s unless set.
    ///
    /// The window moves in steps of a tenth of its length.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn window(mut self, window: Duration) -> Self {
        self.config = self.config.window(window);
        self
    }

    /// Takes the rate from the last `calls` calls, however long ago they ended, and not from a time window.
    ///
    /// # Panics
    ///
    /// Unless `1 <= calls <= 1024`, or if [`min_calls`](Self::min_calls) was set to more; at compile time in a `static`.
    pub const fn count_window(mut self, calls: u32) -> Self {
        self.config = self.config.count_window(calls);
        self
    }

    /// How many calls must be in the window before the rate means anything; 20 unless set, or the whole of a shorter
    /// [`count_window`](Self::count_window).
    ///
    /// # Panics
    ///
    /// If it is 0, or more than a `count_window` that was set; at compile time in a `static`.
    pub const fn min_calls(mut self, calls: u32) -> Self {
        self.config = self.config.min_calls(calls);
        self
    }

    /// How many failures in a row open it while fewer than [`min_calls`](Self::min_calls) are in the window; 5 unless
    /// set.
    ///
    /// # Panics
    ///
    /// If it is 0; at compile time in a `static`.
    pub const fn consecutive(mut self, failures: u32) -> Self {
        self.config = self.config.consecutive(failures);
        self
    }

    /// Opens on the failure rate alone.
    pub const fn without_consecutive(mut self) -> Self {
        self.config = self.config.without_consecutive();
        self
    }

    /// How long it is open the first time; 1 s unless set. Kept in whole milliseconds, rounded up.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn open_for(mut self, time: Duration) -> Self {
        self.config = self.config.open_for(time);
        self
    }

    /// The longest that it is open as the time grows, before the jitter; 30 s unless set.
    ///
    /// Shorter than [`open_for`](Self::open_for), it means that the time does not grow.
    pub const fn open_max(mut self, time: Duration) -> Self {
        self.config = self.config.open_max(time);
        self
    }

    /// The factor by which the open time grows with each reopening; 2 unless set. Closing starts it over.
    ///
    /// # Panics
    ///
    /// Unless it is finite and at least 1; at compile time in a `static`.
    pub const fn open_growth(mut self, factor: f64) -> Self {
        self.config = self.config.open_growth(factor);
        self
    }

    /// The fraction of the open time by which it varies to both sides; 0.1 unless set.
    ///
    /// It keeps many clients from probing the server at the same moment, so it also applies to
    /// [`open_max`](Self::open_max).
    ///
    /// # Panics
    ///
    /// Unless `0 <= fraction < 1`; at compile time in a `static`.
    pub const fn open_jitter(mut self, fraction: f64) -> Self {
        self.config = self.config.open_jitter(fraction);
        self
    }

    /// How many calls are let through while half-open; 3 unless set.
    ///
    /// # Panics
    ///
    /// Unless `1 <= probes <= 4095`; at compile time in a `static`.
    pub const fn probes(mut self, probes: u32) -> Self {
        self.config = self.config.probes(probes);
        self
    }

    /// How long after the last probe was let through those that have not ended count as failed; [`open_for`
    /// ](Self::open_for) unless set.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn probe_timeout(mut self, time: Duration) -> Self {
        self.config = self.config.probe_timeout(time);
        self
    }
}

impl CircuitBreaker {
    /// The name it was given.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The present state.
    ///
    /// Time alone does not change it: an open breaker stays open until somebody asks for a permit after its time is
    /// over.
    pub fn state(&self) -> State {
        self.circuit().phase.as_state()
    }

    /// What it has seen; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> Counts {
        let circuit = self.circuit();
        let tally = self.tally(circuit, Ticks::now);
        let totals = &self.storage.totals;
        Counts {
            calls: tally.calls,
            failures: tally.failures,
            consecutive: if let Phase::Closed { streak } = circuit.phase { streak } else { 0 },
            opened: totals.opened.load(Relaxed),
            half_opened: totals.half_opened.load(Relaxed),
            closed: totals.closed.load(Relaxed),
            rejected: totals.rejected.load(Relaxed),
        }
    }

    /// Asks to make a call.
    ///
    /// # Errors
    ///
    /// A rejection with [`Reason::CircuitOpen`](crate::Reason::CircuitOpen) if it is open, or half-open with all its
    /// probes under way.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Error> {
        self.acquire_at(Ticks::now)
    }

    #[inline]
    fn acquire_at(&self, clock: impl Fn() -> Ticks) -> Result<Permit<'_>, Error> {
        self.admit(clock).map(|epoch| Permit::new(self, epoch))
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name)
            .field("state", &self.state())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The state's name as it appears in events: `closed`, `open` or `half-open`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl Counts {
    /// The fraction of [`calls`](Self::calls) that failed; `None` if there were none.
    pub fn failure_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.failures) / f64::from(self.calls))
    }
}

impl Phase {
    const fn as_state(self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, not(resilient_loom)))]
mod model;

#[cfg(all(test, resilient_loom))]
mod loom_models;
