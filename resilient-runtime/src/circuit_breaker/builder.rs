//! The configuration of a breaker, in a `static` or by hand.

use std::time::Duration;

use super::CircuitBreaker;
use super::config::Config;
use super::storage::Storage;
use crate::Mode;
#[cfg(not(resilient_loom))]
use crate::shared::Store;
use crate::shell::Shell;
use crate::sync::{const_fn, constant};
use crate::tune::Live;

impl CircuitBreaker {
    const_fn! {
        /// A closed breaker with the defaults; the name is the one in rejections and events.
        ///
        /// Breakers of one name are one only where they are [`shared`](Self::shared).
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self { shell: Shell::named(name), config: const { Live::new(Config::new()) }, storage: constant!(Storage::new()) }
        }
    }

    /// The fraction of failures that opens it, and of failed probes that opens it again; 0.5 unless set.
    ///
    /// Inclusive: at 0.5, five failures of ten do. An error rate that is steady and lower does not open it.
    ///
    /// # Panics
    ///
    /// Unless `0 < rate <= 1`; at compile time in a `static`.
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        self.config.built = self.config.built.failure_rate(rate);
        self
    }

    /// Takes the rate from the calls that ended in the last `window`; 10 s unless set.
    ///
    /// The window moves in steps of a tenth of its length. It need not be short for an outage to be seen soon: with a
    /// window of time, evidence opens the breaker as well.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn window(mut self, window: Duration) -> Self {
        self.config.built = self.config.built.window(window);
        self
    }

    /// Takes the rate from the last `calls` calls, however long ago they ended, and not from a time window.
    ///
    /// Nothing but this rate and [`consecutive`](Self::consecutive) then opens it: evidence is for windows of time.
    ///
    /// # Panics
    ///
    /// Unless `1 <= calls <= 1024`, or if [`min_calls`](Self::min_calls) was set to more; at compile time in a `static`.
    pub const fn count_window(mut self, calls: u32) -> Self {
        self.config.built = self.config.built.count_window(calls);
        self
    }

    /// Sets how many calls must be in the window before the rate means anything; 20 unless set, or the whole of a shorter
    /// [`count_window`](Self::count_window).
    ///
    /// # Panics
    ///
    /// If it is 0, or more than a `count_window` that was set; at compile time in a `static`.
    pub const fn min_calls(mut self, calls: u32) -> Self {
        self.config.built = self.config.built.min_calls(calls);
        self
    }

    /// Sets how many failures in a row open it while fewer than [`min_calls`](Self::min_calls) are in the window; 5 unless
    /// set.
    ///
    /// With more calls, evidence never consists of fewer failures than that.
    ///
    /// # Panics
    ///
    /// If it is 0; at compile time in a `static`.
    pub const fn consecutive(mut self, failures: u32) -> Self {
        self.config.built = self.config.built.consecutive(failures);
        self
    }

    /// Opens on the failure rate alone, and on evidence that it is reached.
    pub const fn without_consecutive(mut self) -> Self {
        self.config.built = self.config.built.without_consecutive();
        self
    }

    /// Sets how long it is open the first time; 1 s unless set. Kept in whole milliseconds, rounded up.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn open_for(mut self, time: Duration) -> Self {
        self.config.built = self.config.built.open_for(time);
        self
    }

    /// The longest that it is open as the time grows, before the jitter; 30 s unless set.
    ///
    /// Shorter than [`open_for`](Self::open_for), it means that the time does not grow.
    pub const fn open_max(mut self, time: Duration) -> Self {
        self.config.built = self.config.built.open_max(time);
        self
    }

    /// The factor by which the open time grows with each reopening, from the first on. Closing starts it over.
    ///
    /// Unless set, the time stays as it is for twelve reopenings while no probe succeeds, and then doubles. So the end of
    /// a short outage is seen soon, and a server that stays down is spared.
    ///
    /// # Panics
    ///
    /// Unless it is finite and at least 1; at compile time in a `static`.
    pub const fn open_growth(mut self, factor: f64) -> Self {
        self.config.built = self.config.built.open_growth(factor);
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
        self.config.built = self.config.built.open_jitter(fraction);
        self
    }

    /// Number of calls let through at once while half-open, which decide together.
    ///
    /// Unless set, the first goes alone and opens the breaker again if it fails. If it succeeds, two more go, and the three
    /// decide. So a server that is down is asked one call at a time.
    ///
    /// # Panics
    ///
    /// Unless `1 <= probes <= 4095`; at compile time in a `static`.
    pub const fn probes(mut self, probes: u32) -> Self {
        self.config.built = self.config.built.probes(probes);
        self
    }

    /// Sets how long after the last probe was let through those that have not ended count as failed; [`open_for`
    /// ](Self::open_for) unless set.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn probe_timeout(mut self, time: Duration) -> Self {
        self.config.built = self.config.built.probe_timeout(time);
        self
    }

    /// Sets how long a call takes that is slow, whatever its outcome; by default calls are not timed.
    ///
    /// It opens as well when the [`slow_rate`](Self::slow_rate) is reached, and a probe that is slow has failed. Each
    /// call then reads the clock twice, and is measured in whole milliseconds.
    ///
    /// # Panics
    ///
    /// If it is less than a millisecond; at compile time in a `static`.
    pub const fn slow_call(mut self, time: Duration) -> Self {
        self.config.built = self.config.built.slow_call(time);
        self
    }

    /// The fraction of slow calls that opens it; 0.8 unless set. It means nothing without
    /// [`slow_call`](Self::slow_call).
    ///
    /// # Panics
    ///
    /// Unless `0 < rate <= 1`; at compile time in a `static`.
    pub const fn slow_rate(mut self, rate: f64) -> Self {
        self.config.built = self.config.built.slow_rate(rate);
        self
    }

    /// After the probes succeeded, lets through more and more of the calls over this time, and only then all of them;
    /// by default it closes at once.
    ///
    /// The fraction is `max(0.1, elapsed / recover)`: the linear form of Envoy's slow start. If it opens again
    /// meanwhile, it is for the longer time.
    ///
    /// # Panics
    ///
    /// If it is zero; at compile time in a `static`.
    pub const fn recover(mut self, time: Duration) -> Self {
        self.config.built = self.config.built.recover(time);
        self
    }

    /// Counts [`Class::Throttled`](crate::Class::Throttled) as a failure.
    ///
    /// Only for a server that answers so when it is broken. One that sheds what it cannot do is at its best just then,
    /// and a breaker that opens on it turns full capacity into an outage.
    pub const fn throttled_fails(mut self) -> Self {
        self.config.built = self.config.built.throttled_fails();
        self
    }

    /// Shares its state with the breakers of this name on all machines that use the same store: one that opens on one machine is open on all, and
    /// they probe the server together.
    ///
    /// * **Opening** is decided by the window of each machine. One that opens tells the store at once, and the others follow within 250 ms.
    /// * **Half-open**, the store leases the [`probes`](Self::probes): all machines together make as many as one would alone. A call that would be a
    ///   probe asks for one in the background and is refused; the next one makes it. A probe whose end the store does not hear of has failed.
    /// * **Closing** is decided by the ends of all probes. With [`recover`](Self::recover), each machine then lets through the same growing share of its calls.
    /// * **No call waits** for the store. While calls come, and for a minute after the last, a task asks it four times a second, and every 50 ms while
    ///   calls fail one after another. A call looks whether there is an answer, which takes some 20 ns.
    /// * **Without the store**, each machine goes by its own window and makes its own probes. That begins with an event
    ///   [`Degraded`](crate::Event::Degraded), and ends with [`Recovered`](crate::Event::Recovered).
    /// * **An operator** who forces a state, or changes the mode, does so on one machine. A breaker that does not enforce neither tells nor follows.
    /// * A store that has lost its state learns it from the machines.
    ///
    /// Off a tokio runtime with timers the store is not asked, and the breaker goes by itself.
    ///
    /// # Keys
    ///
    /// In a [`PerKey`](crate::PerKey), each key has a breaker that machines share. The store knows it by the name and the `Debug` of the key, so that all machines
    /// mean the same one: use [`of_logged`](crate::PerKey::of_logged). Each key that is in use asks four times a second. Keys without room have stand-ins that are
    /// switched off, as without a store.
    #[cfg(not(resilient_loom))]
    pub const fn shared_through(mut self, store: &'static dyn Store) -> Self {
        self.config.built = self.config.built.shared();
        self.storage.share(store, self.shell.first_mode());
        self
    }

    const_fn! {
        /// The mode that it begins in; [`Mode::Enforce`] unless set. [`set_mode`](Self::set_mode) changes it later.
        pub fn mode(mut self, mode: Mode) -> Self {
            self.shell.begin_in(mode);
            self.storage.begin_in(mode);
            self
        }
    }
}
