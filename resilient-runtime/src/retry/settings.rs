//! The settings of a retry that can change while it is in use, and the values that are refused.

#[cfg(feature = "config")]
use super::Config;
#[cfg(feature = "config")]
use crate::Backoff;
use crate::list::{Described, Description};
#[cfg(feature = "config")]
use crate::tune::{Facts, Kept, Key, Settings, every_value};

/// The reasons for which values are refused.
pub(super) mod rules {
    use std::time::Duration;

    use super::super::Config;
    use crate::Backoff;

    pub(crate) const fn max(max: u32) -> Option<&'static str> {
        if max > 0 { None } else { Some("zero retries is no retry: leave the policy out, or allow at least 1") }
    }

    /// As [`max`](max()), in a file, where the policy cannot be left out.
    #[cfg(feature = "config")]
    pub(crate) const fn live_max(max: u32) -> Option<&'static str> {
        if max > 0 { None } else { Some("zero retries is no retry: write `mode = \"off\"`, or allow at least 1") }
    }

    pub(crate) const fn max_elapsed(time: Duration) -> Option<&'static str> {
        if time.is_zero() {
            Some("no retry can begin within no time: leave the policy out, or allow some")
        } else {
            None
        }
    }

    pub(crate) const fn backoff(backoff: &Backoff) -> Option<&'static str> {
        if backoff.fits_its_cap() {
            None
        } else {
            Some("the base of the back-off is longer than its cap: make `base` shorter, or set a longer `cap`")
        }
    }

    pub(crate) const fn throttled(config: &Config) -> Option<&'static str> {
        if config.throttled_base.is_some() && !config.backoff.has_base() {
            return Some(
                "`throttled_base` has no effect on a back-off without a base: leave it out, or choose another back-off",
            );
        }
        if config.throttled_cap.is_some() && !config.backoff.has_cap() {
            return Some(
                "`throttled_cap` has no effect on a back-off without a cap: leave it out, or choose another back-off",
            );
        }
        None
    }
}

impl Described for super::Config {
    fn describe_to(&self, description: &mut Description) {
        match self.max {
            Some(max) => description.fixed("max", max),
            None => description.fixed("max", "unlimited"),
        }
        description.optional_time("max_elapsed", self.max_elapsed);
        description.time("max_hint", self.max_hint);
        self.backoff.describe_to(description);
        description.optional_time("throttled_base", self.throttled_base);
        description.optional_time("throttled_cap", self.throttled_cap);
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::count("max", "3", rules::live_max, |config: &mut Self, max| config.max = Some(max))
            .or_word("unlimited", |config| config.max = None),
        Key::time("max_elapsed", "\"30s\"", rules::max_elapsed, |config: &mut Self, time| {
            config.max_elapsed = Some(time);
        })
        .or_word("off", |config| config.max_elapsed = None),
        Key::time("max_hint", "\"60s\"", every_value, |config, time| config.max_hint = time),
        Key::own("backoff", "\"exp_jitter\"", |config, given| {
            config.backoff.set_formula(given.word(Backoff::NAMES)?);
            Ok(())
        }),
        Key::time("base", "\"100ms\"", every_value, |config, time| config.backoff = config.backoff.base(time)),
        Key::number("factor", "1.5", Backoff::refuses_factor, |config, factor| {
            config.backoff = config.backoff.factor(factor);
        }),
        Key::time("cap", "\"10s\"", every_value, |config, time| config.backoff = config.backoff.cap(time)),
        Key::time("jitter", "\"100ms\"", every_value, |config, time| config.backoff = config.backoff.jitter(time)),
        Key::time("throttled_base", "\"1s\"", every_value, |config: &mut Self, time| {
            config.throttled_base = Some(time);
        })
        .or_word("off", |config| config.throttled_base = None),
        Key::time("throttled_cap", "\"30s\"", every_value, |config: &mut Self, time| {
            config.throttled_cap = Some(time);
        })
        .or_word("off", |config| config.throttled_cap = None),
    ];

    fn agree(&self) -> Result<(), String> {
        rules::backoff(&self.backoff).or_else(|| rules::throttled(self)).map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn facts(&self) -> Facts {
        let unbounded = self.max.is_none() && self.max_elapsed.is_none();
        Facts { first_delay: Some(self.backoff.min_delay(0)), unbounded, ..Facts::default() }
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_retry_has_at_least_one() {
        assert!(rules::max(0).is_some_and(|why| why.contains("leave the policy out")));
        assert_eq!(rules::max(1), None);
    }
}
