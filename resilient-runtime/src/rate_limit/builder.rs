//! The builder: what a rate limit is told, and its defaults.

use std::sync::Mutex;
use std::time::Duration;

use super::RateLimit;
use super::acquire::Queue;
use super::counts::Counters;
use super::gcra::Pace;
use super::meter::Meter;
use crate::shell::Shell;
use crate::sync::const_fn;

/// The settings that a limit was built with; its meter and its switch have what holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Config {
    rate: (u32, Duration),
    burst: Option<u32>,
    pub(super) max_wait: Duration,
    pub(super) max_pause: Duration,
}

impl Config {
    const fn new() -> Self {
        Self {
            rate: (100, Duration::from_secs(1)),
            burst: None,
            max_wait: Duration::ZERO,
            max_pause: Duration::from_secs(60),
        }
    }

    pub(super) const fn pace(self) -> Pace {
        Pace::new(self.rate.0, self.rate.1, self.burst)
    }
}

impl RateLimit {
    const_fn! {
        /// A limit of 100 calls a second with the defaults; the name is the one in rejections and events.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self::built(Shell::named(name), Config::new())
        }
    }

    const_fn! {
        /// Lets `calls` through in every `per`, in the long run.
        ///
        /// # Panics
        ///
        /// If `calls` is 0, or `per` is zero or more than a year, or a burst that was set would take more than a year to come
        /// back; at compile time in a `static`.
        pub fn rate(mut self, calls: u32, per: Duration) -> Self {
            self.config.rate = (calls, per);
            self.meter = Meter::new(Pace::new(calls, per, self.config.burst), self.config.burst);
            self
        }
    }

    const_fn! {
        /// Sets how many calls may come at once, after as long an idle time; a second's worth unless set, and at least 1.
        ///
        /// # Panics
        ///
        /// If it is 0, or would take more than a year to come back; at compile time in a `static`.
        pub fn burst(mut self, calls: u32) -> Self {
            let (each, per) = self.config.rate;
            self.config.burst = Some(calls);
            self.meter = Meter::new(Pace::new(each, per, Some(calls)), Some(calls));
            self
        }
    }

    /// Sets how long a call that comes too early waits for its turn at the most; zero unless set, which refuses it at once.
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.config.max_wait = time;
        self
    }

    /// The longest that the server can pause it, or spread its quota over, by one answer; 60 s unless set.
    ///
    /// At zero, what the server says changes nothing.
    pub const fn max_pause(mut self, time: Duration) -> Self {
        self.config.max_pause = time;
        self
    }

    const_fn! {
        /// Builds one with fresh state.
        pub(super) fn built(shell: Shell<Self>, config: Config) -> Self {
            Self {
                shell,
                config,
                meter: Meter::new(config.pace(), config.burst),
                queue: Queue::new(),
                changing: Mutex::new(()),
                totals: Counters::new(),
            }
        }
    }
}
