//! The configuration of a hedge, in a `static` or by hand.

use std::time::Duration;

use super::bucket::{Bucket, TOKEN};
use super::estimate::Estimate;
use super::{Counters, Hedge, LEAST_DELAY};
use crate::length::Length;
use crate::list::{Described, Description};
use crate::rare::Rare;
use crate::shell::Shell;
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Facts, Given, Kept, Key, Settings, Value, every_value};
use crate::tune::{Live, accept};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Config {
    pub(super) after: After,
    pub(super) max: u32,
    /// The deposit of a call, in units of the bucket.
    pub(super) deposit: u32,
    pub(super) min_after: Option<Length>,
    pub(super) max_after: Length,
    pub(super) retry_budget: bool,
}

/// The time that an attempt may take before another starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum After {
    /// As long as this percentage of attempts take at most.
    Percentile(f64),
    Delay(Length),
}

impl Hedge {
    const_fn! {
        /// A hedge after the 95th percentile, of one attempt beside the first, for 5 % of the calls; the name is the one in events.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self {
                shell: Shell::named(name),
                config: Live::new(Config {
                    after: After::Percentile(95.0),
                    max: 1,
                    deposit: TOKEN / 20,
                    min_after: None,
                    max_after: Length::of(Duration::MAX),
                    retry_budget: false,
                }),
                bucket: Bucket::new(),
                estimate: Estimate::new(),
                counts: Rare::new(Counters::new),
            }
        }
    }

    /// Starts another attempt after the time that this percentage of attempts take at most; 95 unless set.
    ///
    /// The time is learnt from how long attempts take that succeed, or that a time-out inside ends. Attempts that failed
    /// otherwise say nothing, nor do those that were ready when they were first polled. One that is dropped because another won has taken
    /// at least as long as it ran. Until 20 are known, nothing is started.
    ///
    /// # Panics
    ///
    /// Unless it is from 50 to 99.9; at compile time in a `static`.
    pub const fn after_percentile(mut self, percentile: f64) -> Self {
        accept(refuses_percentile(percentile));
        self.config.built.after = After::Percentile(percentile);
        self
    }

    /// Starts another attempt after this time. With zero, it starts as soon as the first attempt has to wait at all.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.config.built.after = After::Delay(Length::of(delay));
        self
    }

    /// The least time after which a percentile starts another attempt; unless set, 1 ms, which is as fine as timers are,
    /// or [`max_after`](Self::max_after) if that is less.
    ///
    /// # Panics
    ///
    /// If it is longer than [`max_after`](Self::max_after); at compile time in a `static`.
    pub const fn min_after(mut self, delay: Duration) -> Self {
        self.config.built.min_after = Some(Length::of(delay));
        self.checked()
    }

    /// The most time after which a percentile starts another attempt; no limit unless set.
    ///
    /// # Panics
    ///
    /// If it is shorter than [`min_after`](Self::min_after); at compile time in a `static`.
    pub const fn max_after(mut self, delay: Duration) -> Self {
        self.config.built.max_after = Length::of(delay);
        self.checked()
    }

    const fn checked(self) -> Self {
        accept(self.config.built.contradiction());
        self
    }

    /// Sets how many attempts there may be beside the first, each after the delay again; 1 unless set.
    ///
    /// # Panics
    ///
    /// Unless `1 <= attempts <= 10`; at compile time in a `static`.
    pub const fn max(mut self, attempts: u32) -> Self {
        accept(refuses_max(attempts));
        self.config.built.max = attempts;
        self
    }

    /// Sets how many further attempts there may be, as a share of the calls that had to wait; 0.05 unless set.
    ///
    /// Each such call pays in; a further attempt takes one whole out. What is not used is saved up for at most a hundred.
    /// Nothing is there at the start and nothing comes with time, so that there are never more further attempts than this
    /// share of the calls.
    ///
    /// # Panics
    ///
    /// Unless `0 < ratio <= 1`, and at least a ten-thousandth; at compile time in a `static`.
    pub const fn ratio(mut self, ratio: f64) -> Self {
        accept(refuses_ratio(ratio));
        self.config.built.deposit = deposit(ratio);
        self
    }

    /// Also draws on the budget that the retries of this name share, if there is one.
    ///
    /// See [`Retry::budget_by_name`](crate::Retry::budget_by_name).
    pub const fn retry_budget_by_name(mut self) -> Self {
        self.config.built.retry_budget = true;
        self
    }
}

/// Returns why that is no percentile, if it is none.
const fn refuses_percentile(percentile: f64) -> Option<&'static str> {
    if percentile >= 50.0 && percentile <= 99.9 { None } else { Some("the percentile must be from 50 to 99.9") }
}

/// Returns why there cannot be so many attempts, if there cannot.
const fn refuses_max(attempts: u32) -> Option<&'static str> {
    match attempts {
        0 => Some("a hedge of no attempts is no hedge"),
        1..=10 => None,
        _ => Some("`max` must be at most 10"),
    }
}

/// Returns why that is no such share, if it is none.
const fn refuses_ratio(ratio: f64) -> Option<&'static str> {
    if !(ratio > 0.0 && ratio <= 1.0) {
        Some("the ratio of a hedge is more than 0 and at most 1")
    } else if deposit(ratio) == 0 {
        Some("the ratio of a hedge is at least 0.0001")
    } else {
        None
    }
}

/// The deposit of a call in units of the bucket.
const fn deposit(ratio: f64) -> u32 {
    (ratio * TOKEN as f64 + 0.5) as u32
}

impl Config {
    const fn contradiction(&self) -> Option<&'static str> {
        match self.min_after {
            Some(min) if min.is_longer_than(self.max_after) => Some("`min_after` must not be longer than `max_after`"),
            _ => None,
        }
    }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        match self.after {
            After::Percentile(percentile) => {
                description.fixed("after", format_args!("p{percentile}"));
                description.time("min_after", self.min_after.map_or(LEAST_DELAY, Length::time));
            }
            After::Delay(delay) => description.time("after", delay.time()),
        }
        description.optional_time("max_after", Some(self.max_after.time()).filter(|time| *time < Duration::MAX));
        description.fixed("max", self.max);
        description.fixed("ratio", format_args!("{} %", f64::from(self.deposit) * 100.0 / f64::from(TOKEN)));
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::own("after", "\"p95\"", Self::set_after),
        Key::time("min_after", "\"5ms\"", every_value, |config, time| config.min_after = Some(Length::of(time))),
        Key::time("max_after", "\"500ms\"", every_value, |config, time| config.max_after = Length::of(time)),
        Key::count("max", "1", refuses_max, |config, attempts| config.max = attempts),
        Key::ratio("ratio", "\"5%\"", refuses_ratio, |config, ratio| config.deposit = deposit(ratio)),
    ];

    fn agree(&self) -> Result<(), String> {
        self.contradiction().map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn facts(&self) -> Facts {
        let after = match self.after {
            After::Delay(delay) => Some(delay.time()),
            After::Percentile(_) => None,
        };
        Facts { hedges_after: after, ..Facts::default() }
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

#[cfg(feature = "config")]
impl Config {
    /// A percentile, or a time.
    fn set_after(&mut self, given: &Given<'_>) -> Result<(), String> {
        let percentile = match given.value {
            Value::Text(text) => text.trim().strip_prefix(['p', 'P']),
            _ => None,
        };
        self.after = match percentile {
            Some(percentile) => {
                let known = percentile.parse().ok().filter(|percentile| refuses_percentile(*percentile).is_none());
                let wrong = || {
                    format!(
                        "a percentile is between 50 and 99.9, and `{percentile}` is not: write, for instance, `after = \"p95\"`"
                    )
                };
                After::Percentile(known.ok_or_else(wrong)?)
            }
            None => After::Delay(Length::of(given.time()?)),
        };
        Ok(())
    }
}
