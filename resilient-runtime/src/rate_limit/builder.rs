//! The builder: what a rate limit is told, and its defaults.

use std::sync::Mutex;
use std::time::Duration;

#[cfg(feature = "config")]
use resilient_words::parse_rate;

use super::RateLimit;
use super::acquire::Queue;
use super::counts::Counters;
use super::gcra::Pace;
use super::meter::Meter;
use crate::list::{Described, Description};
use crate::shell::Shell;
use crate::sync::const_fn;
use crate::tune::Live;
#[cfg(feature = "config")]
use crate::tune::{Kept, Key, Settings, Value, every_value};

/// The settings that a limit was built with; its meter and its switch have what holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    rate: (u32, Duration),
    pub(super) burst: Option<u32>,
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

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        let pace = self.pace();
        description.fixed("rate", pace);
        description.fixed("burst", pace.burst);
        description.time("max_wait", self.max_wait);
        description.time("max_pause", self.max_pause);
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::own("rate", "\"100/s\"", |config, given| {
            let Value::Text(text) = given.value else {
                return Err(
                    "a rate is a number of calls and a period: write, for instance, `rate = \"100/s\"`".to_owned()
                );
            };
            config.rate = parse_rate(text)?;
            Ok(())
        }),
        Key::own("per", "", |_, _| Err("the period is a part of the rate: write `rate = \"100/s\"`".to_owned())),
        Key::count("burst", "20", every_value, |config, calls| config.burst = Some(calls)),
        Key::time("max_wait", "\"50ms\"", every_value, |config, time| config.max_wait = time),
        Key::time("max_pause", "\"60s\"", every_value, |config, time| config.max_pause = time),
    ];

    fn agree(&self) -> Result<(), String> {
        let pace = Pace::of_rate(self.rate.0, self.rate.1, self.burst);
        pace.refuses_burst().map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

impl RateLimit {
    const_fn! {
        /// A limit of 100 calls a second with the defaults; the name is the one in rejections and events.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self::built(Shell::named(name), Live::new(Config::new()))
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
            self.config.built.rate = (calls, per);
            self.meter = Meter::new(Pace::new(calls, per, self.config.built.burst), self.config.built.burst);
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
            let (each, per) = self.config.built.rate;
            self.config.built.burst = Some(calls);
            self.meter = Meter::new(Pace::new(each, per, Some(calls)), Some(calls));
            self
        }
    }

    /// Sets how long a call that comes too early waits for its turn at the most; zero unless set, which refuses it at once.
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.config.built.max_wait = time;
        self
    }

    /// The longest that the server can pause it, or spread its quota over, by one answer; 60 s unless set.
    ///
    /// At zero, what the server says changes nothing.
    pub const fn max_pause(mut self, time: Duration) -> Self {
        self.config.built.max_pause = time;
        self
    }

    const_fn! {
        /// Builds one with fresh state.
        pub(super) fn built(shell: Shell<Self>, config: Live<Config>) -> Self {
            Self {
                shell,
                meter: Meter::new(config.built.pace(), config.built.burst),
                config,
                queue: Queue::new(),
                changing: Mutex::new(()),
                totals: Counters::new(),
            }
        }
    }
}
