//! The configuration of a hedge, in a `static` or by hand.

use std::time::Duration;

use super::bucket::{Bucket, TOKEN};
use super::estimate::Estimate;
use super::{Counters, Hedge};
use crate::shell::Shell;
use crate::sync::const_fn;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Config {
    pub(super) after: After,
    pub(super) max: u32,
    /// The deposit of a call, in units of the bucket.
    pub(super) deposit: u32,
    pub(super) min_after: Option<Duration>,
    pub(super) max_after: Duration,
    pub(super) retry_budget: bool,
}

/// The time that an attempt may take before another starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum After {
    /// As long as this percentage of attempts take at most.
    Percentile(f64),
    Delay(Duration),
}

impl Hedge {
    const_fn! {
        /// A hedge after the 95th percentile, of one attempt beside the first, for 5 % of the calls; the name is the one in events.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self {
                shell: Shell::named(name),
                config: Config {
                    after: After::Percentile(95.0),
                    max: 1,
                    deposit: TOKEN / 20,
                    min_after: None,
                    max_after: Duration::MAX,
                    retry_budget: false,
                },
                bucket: Bucket::new(),
                estimate: Estimate::new(),
                counts: Counters::new(),
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
        assert!(percentile >= 50.0 && percentile <= 99.9, "the percentile must be from 50 to 99.9");
        self.config.after = After::Percentile(percentile);
        self
    }

    /// Starts another attempt after this time. With zero, it starts as soon as the first attempt has to wait at all.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.config.after = After::Delay(delay);
        self
    }

    /// The least time after which a percentile starts another attempt; unless set, 1 ms, which is as fine as timers are,
    /// or [`max_after`](Self::max_after) if that is less.
    ///
    /// # Panics
    ///
    /// If it is longer than [`max_after`](Self::max_after); at compile time in a `static`.
    pub const fn min_after(mut self, delay: Duration) -> Self {
        self.config.min_after = Some(delay);
        self.checked()
    }

    /// The most time after which a percentile starts another attempt; no limit unless set.
    ///
    /// # Panics
    ///
    /// If it is shorter than [`min_after`](Self::min_after); at compile time in a `static`.
    pub const fn max_after(mut self, delay: Duration) -> Self {
        self.config.max_after = delay;
        self.checked()
    }

    const fn checked(self) -> Self {
        if let Some(min) = self.config.min_after {
            assert!(
                min.as_nanos() <= self.config.max_after.as_nanos(),
                "`min_after` must not be longer than `max_after`"
            );
        }
        self
    }

    /// Sets how many attempts there may be beside the first, each after the delay again; 1 unless set.
    ///
    /// # Panics
    ///
    /// Unless `1 <= attempts <= 10`; at compile time in a `static`.
    pub const fn max(mut self, attempts: u32) -> Self {
        assert!(attempts >= 1, "a hedge of no attempts is no hedge");
        assert!(attempts <= 10, "`max` must be at most 10");
        self.config.max = attempts;
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
        assert!(ratio > 0.0 && ratio <= 1.0, "the ratio of a hedge is more than 0 and at most 1");
        self.config.deposit = (ratio * TOKEN as f64 + 0.5) as u32;
        assert!(self.config.deposit > 0, "the ratio of a hedge is at least 0.0001");
        self
    }

    /// Also draws on the budget that the retries of this name share, if there is one.
    ///
    /// See [`Retry::budget_by_name`](crate::Retry::budget_by_name).
    pub const fn retry_budget_by_name(mut self) -> Self {
        self.config.retry_budget = true;
        self
    }
}
