//! The builder: what a rate limit is told, and its defaults.

use std::time::Duration;

#[cfg(feature = "config")]
use resilient_words::parse_rate;

use super::RateLimit;
use super::acquire::Queue;
use super::gcra::Pace;
use super::meter::Meter;
use super::shared::{Link, Terms};
use crate::book::Count;
use crate::length::Length;
use crate::list::{Described, Description};
use crate::shared::{Store, WhenDown};
use crate::shell::Shell;
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Kept, Key, Settings, Value, every_value};
use crate::tune::{Live, accept};

/// The settings that a limit was built with; its meter and its switch have what holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    calls: u32,
    per: Length,
    pub(super) burst: Option<u32>,
    pub(super) max_wait: Length,
    max_pause: Length,
    /// Set if machines share it.
    is_shared: bool,
    when_down: Option<WhenDown>,
}

impl Config {
    const fn new() -> Self {
        Self {
            calls: 100,
            per: Length::of(Duration::from_secs(1)),
            burst: None,
            max_wait: Length::ZERO,
            max_pause: Length::of(Duration::from_secs(60)),
            is_shared: false,
            when_down: None,
        }
    }

    pub(super) const fn pace(self) -> Pace {
        Pace::new(self.calls, self.per.time(), self.burst)
    }

    /// The longest that the server can pause it by one answer.
    pub(super) const fn max_pause(self) -> Duration {
        self.max_pause.time()
    }

    /// Returns whether machines share it.
    pub(super) const fn is_shared(self) -> bool {
        self.is_shared
    }

    pub(super) fn when_down(self) -> WhenDown {
        self.when_down.unwrap_or_default()
    }

    /// Panics if machines share the limit and cannot share its pace.
    const fn check_terms(self) {
        if self.is_shared {
            accept(Terms::refuses(self.pace()));
        }
    }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        let pace = self.pace();
        description.fixed("rate", pace);
        description.fixed("burst", pace.burst);
        description.time("max_wait", self.max_wait.time());
        description.time("max_pause", self.max_pause());
        if self.is_shared {
            description.fixed("when_down", self.when_down());
        }
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
            let (calls, per) = parse_rate(text)?;
            (config.calls, config.per) = (calls, Length::of(per));
            Ok(())
        }),
        Key::own("per", "", |_, _| Err("the period is a part of the rate: write `rate = \"100/s\"`".to_owned())),
        Key::count("burst", "20", every_value, |config, calls| config.burst = Some(calls)),
        Key::time("max_wait", "\"50ms\"", every_value, |config, time| config.max_wait = Length::of(time)),
        Key::time("max_pause", "\"60s\"", every_value, |config, time| config.max_pause = Length::of(time)),
        Key::own("when_down", "\"local\"", |config, given| {
            const RULES: [WhenDown; 3] = [WhenDown::Local, WhenDown::Open, WhenDown::Closed];
            let words = RULES.map(WhenDown::as_str);
            config.when_down = Some(RULES[given.word(&words)?]);
            Ok(())
        }),
    ];

    fn agree(&self) -> Result<(), String> {
        let pace = Pace::of_rate(self.calls, self.per.time(), self.burst);
        if self.when_down.is_some() && !self.is_shared {
            return Err("`when_down` is for a limit that machines share: leave it out".to_owned());
        }
        let terms = if self.is_shared { Terms::refuses(pace) } else { None };
        pace.refuses_burst().or(terms).map_or(Ok(()), |reason| Err(reason.to_owned()))
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
            self.config.built.calls = calls;
            self.config.built.per = Length::of(per);
            self.config.built.check_terms();
            self.meter.begin_at(Pace::new(calls, per, self.config.built.burst), self.config.built.burst);
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
            let Config { calls: each, per, .. } = self.config.built;
            self.config.built.burst = Some(calls);
            self.config.built.check_terms();
            self.meter.begin_at(Pace::new(each, per.time(), Some(calls)), Some(calls));
            self
        }
    }

    /// Sets how long a call that comes too early waits for its turn at the most; zero unless set, which refuses it at once.
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.config.built.max_wait = Length::of(time);
        self
    }

    /// The longest that the server can pause it, or spread its quota over, by one answer; 60 s unless set.
    ///
    /// At zero, what the server says changes nothing.
    pub const fn max_pause(mut self, time: Duration) -> Self {
        self.config.built.max_pause = Length::of(time);
        self
    }

    /// Shares the limit with all machines that use the same store and a limit of the same name.
    ///
    /// The promise of the limit is then one about the calls of all machines together. Permits are leased from the store in the
    /// background, as many at a time as the calls of one lease need, so that most calls ask nobody. A permit can be used for a quarter of the time in
    /// which the burst comes back, and for 250 ms at the most. One that is not used by then is lost.
    ///
    /// * A call that finds no permit waits for an answer of the store, also without a [`max_wait`](Self::max_wait): for the store's
    ///   [time-out](Store::timeout) and 3 ms at the most. [`try_acquire`](Self::try_acquire) refuses it and asks the store for the next call.
    /// * A limit that the store does not know begins without a burst, which comes back at the rate. So a store that has lost its memory lets nothing
    ///   extra through.
    /// * A call may weigh three quarters of the burst at least. One that weighs more than the store grants at once is
    ///   [too heavy](crate::Reason::TooHeavy).
    /// * A burst of one call is kept by calls that are up to a sixteenth further apart.
    /// * A pause that a server asks of one machine, and a rate that it slows, hold for all machines as soon as each asks the store again: within one lease.
    /// * Calls that wait are let through in no certain order.
    /// * Machines may go by different settings for a time, as while a new version is rolled out. The looser ones count then.
    ///
    /// While the store does not answer, [`when_down`](Self::when_down) says what is let through. That begins with an event
    /// [`Degraded`](crate::Event::Degraded), and ends with [`Recovered`](crate::Event::Recovered).
    ///
    /// # Panics
    ///
    /// If the burst is worth less than 40 ms of calls and one more, unless it is 1 and calls are at least 160 ms apart; at compile time in a `static`.
    ///
    /// # Keys
    ///
    /// In a [`PerKey`](crate::PerKey), each key has a limit that machines share. The store knows it by the name and the `Debug` of the key, so that all machines
    /// mean the same one: use [`of_logged`](crate::PerKey::of_logged). Keys without room share one limit of the name.
    pub const fn shared_through(mut self, store: &'static dyn Store) -> Self {
        self.config.built.is_shared = true;
        self.config.built.check_terms();
        // nothing is dropped in a constant
        std::mem::forget(self.shared.replace(Link::new(store)));
        self
    }

    /// Sets the rule of a [shared](Self::shared_through) limit while its store does not answer; [`WhenDown::Local`] unless set.
    pub const fn when_down(mut self, rule: WhenDown) -> Self {
        self.config.built.when_down = Some(rule);
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
                admitted: Count::new(),
                shared: None,
            }
        }
    }
}
