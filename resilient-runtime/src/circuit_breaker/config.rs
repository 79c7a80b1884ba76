//! The settings of a breaker: the numbers, their checks and their defaults.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use super::evidence::Rule;
use super::tally::Tally;
use crate::clock::nanos;
use crate::length::Length;
use crate::list::{Described, Description};
use crate::packed_time::Millis;
use crate::tune::accept;
#[cfg(feature = "config")]
use crate::tune::{Given, Kept, Key, Settings, Value, every_value};

/// The configuration of one breaker; every value in it has been checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Config {
    failure_rate: f64,
    /// The length of a bucket in nanoseconds, never zero; of no use to a window of calls.
    bucket: u64,
    /// The number of calls in the window, if it is one of calls.
    ring: Option<NonZeroU16>,
    min_calls: Option<NonZeroU32>,
    consecutive: Option<NonZeroU32>,
    open_for: Length,
    open_max: Length,
    growth: f64,
    /// After how many reopenings it grows: at once where the user says by what.
    patience: u8,
    jitter: f64,
    probes: Option<NonZeroU16>,
    probe_timeout: Option<Length>,
    slow_call: Option<Length>,
    slow_rate: f64,
    recover: Option<Length>,
    throttled_fails: bool,
    /// Set if machines share it.
    is_shared: bool,
    /// Set if a success may be counted without a look at the clock.
    counts_blindly: bool,
}

/// The reach of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// Ten buckets of so many nanoseconds, never zero.
    Time { bucket: u64 },
    /// So many outcomes.
    Calls(u32),
}

impl Config {
    pub(super) const fn new() -> Self {
        Self {
            failure_rate: 0.5,
            bucket: bucket(Duration::from_secs(10)),
            ring: None,
            min_calls: None,
            consecutive: NonZeroU32::new(CONSECUTIVE),
            open_for: Length::of(Duration::from_secs(1)),
            open_max: Length::of(Duration::from_secs(30)),
            growth: GROWTH,
            patience: PATIENCE,
            jitter: 0.1,
            probes: None,
            probe_timeout: None,
            slow_call: None,
            slow_rate: SLOW_RATE,
            recover: None,
            throttled_fails: false,
            is_shared: false,
            counts_blindly: true,
        }
    }

    pub(super) const fn failure_rate(mut self, rate: f64) -> Self {
        accept(rules::failure_rate(rate));
        self.failure_rate = rate;
        self
    }

    pub(super) const fn window(mut self, window: Duration) -> Self {
        accept(rules::window(window));
        self.bucket = bucket(window);
        self.ring = None;
        self.counts_blindly = self.slow_call.is_none();
        self
    }

    pub(super) const fn count_window(mut self, calls: u32) -> Self {
        accept(rules::count_window(calls));
        self.ring_of(calls);
        self.check_min_calls();
        self
    }

    pub(super) const fn min_calls(mut self, calls: u32) -> Self {
        accept(rules::min_calls(calls));
        self.min_calls = NonZeroU32::new(calls);
        self.check_min_calls();
        self
    }

    pub(super) const fn consecutive(mut self, failures: u32) -> Self {
        accept(rules::consecutive(failures));
        self.consecutive = NonZeroU32::new(failures);
        self
    }

    pub(super) const fn without_consecutive(mut self) -> Self {
        self.consecutive = None;
        self
    }

    pub(super) const fn open_for(mut self, time: Duration) -> Self {
        accept(rules::open_for(time));
        self.open_for = Length::of(time);
        self
    }

    pub(super) const fn open_max(mut self, time: Duration) -> Self {
        self.open_max = Length::of(time);
        self
    }

    pub(super) const fn open_growth(mut self, factor: f64) -> Self {
        accept(rules::open_growth(factor));
        self.growth = factor;
        self.patience = 0;
        self
    }

    pub(super) const fn open_jitter(mut self, fraction: f64) -> Self {
        accept(rules::open_jitter(fraction));
        self.jitter = fraction;
        self
    }

    pub(super) const fn probes(mut self, probes: u32) -> Self {
        accept(rules::probes(probes));
        self.probes = NonZeroU16::new(probes as u16);
        self
    }

    pub(super) const fn probe_timeout(mut self, time: Duration) -> Self {
        accept(rules::probe_timeout(time));
        self.probe_timeout = Some(Length::of(time));
        self
    }

    pub(super) const fn slow_call(mut self, time: Duration) -> Self {
        accept(rules::slow_call(time));
        self.slow_call = Some(Length::of(time));
        self.counts_blindly = false;
        self
    }

    pub(super) const fn slow_rate(mut self, rate: f64) -> Self {
        accept(rules::slow_rate(rate));
        self.slow_rate = rate;
        self
    }

    pub(super) const fn recover(mut self, time: Duration) -> Self {
        accept(rules::recover(time));
        self.recover = Some(Length::of(time));
        self
    }

    pub(super) const fn throttled_fails(mut self) -> Self {
        self.throttled_fails = true;
        self
    }

    // the breakers of models are alone
    #[cfg_attr(resilient_loom, expect(dead_code))]
    pub(super) const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    pub(super) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Only numbers that the user gave can contradict each other; the default minimum shrinks with the ring.
    const fn check_min_calls(&self) {
        accept(self.contradiction());
    }

    const fn contradiction(&self) -> Option<&'static str> {
        match (self.span(), self.min_calls) {
            (Span::Calls(ring), Some(minimum)) if minimum.get() > ring => {
                Some("`min_calls` is larger than `count_window`, so the failure rate could never count")
            }
            _ => None,
        }
    }
}

impl Config {
    pub(super) const fn span(&self) -> Span {
        match self.ring {
            None => Span::Time { bucket: self.bucket },
            Some(calls) => Span::Calls(calls.get() as u32),
        }
    }

    /// Makes the window one of so many calls.
    const fn ring_of(&mut self, calls: u32) {
        self.bucket = Self::new().bucket;
        self.ring = NonZeroU16::new(calls as u16);
        self.counts_blindly = false;
    }

    pub(super) const fn probe_count(&self) -> u32 {
        match self.probes {
            Some(probes) => probes.get() as u32,
            None => PROBES,
        }
    }

    /// Number of probes that may be let through before one has succeeded: where the user does not say how many, one.
    pub(super) const fn first_probes(&self) -> u32 {
        match self.probes {
            Some(probes) => probes.get() as u32,
            None => 1,
        }
    }

    pub(super) fn probe_limit(&self) -> Duration {
        self.probe_timeout.unwrap_or(self.open_for).time()
    }

    /// Evidence that opens it before the window's rate does; none for a window of calls, which is as long as it is
    /// meant to be.
    pub(super) fn evidence(&self) -> Option<Rule> {
        match self.span() {
            Span::Time { .. } => Some(Rule {
                rate: self.failure_rate,
                window: Duration::from_nanos(self.span().nanos()),
                sample: self.smallest_sample(),
                fewest: self.consecutive.map_or(CONSECUTIVE, NonZeroU32::get),
            }),
            Span::Calls(_) => None,
        }
    }

    /// Returns whether there are enough calls to go by their rate.
    pub(super) const fn is_sample(&self, tally: Tally) -> bool {
        tally.calls >= self.smallest_sample()
    }

    /// Returns whether a call that leaves the window at `tally`, and the failures in a row at `streak`, opens the breaker.
    pub(super) fn trips(&self, tally: Tally, streak: u32) -> bool {
        if self.is_sample(tally) {
            self.is_failing(tally) || self.is_slow(tally)
        } else {
            self.consecutive.is_some_and(|limit| streak >= limit.get())
        }
    }

    /// Returns whether the failures reach the configured rate.
    ///
    /// The quotient is compared, not a product: both it and the literal in the source are the doubles nearest to
    /// their fractions, so that one in ten does reach 0.1.
    pub(super) fn is_failing(&self, tally: Tally) -> bool {
        tally.rate().is_some_and(|rate| rate >= self.failure_rate)
    }

    /// The failure rate for a store, which knows no fractions.
    pub(super) fn rate_in_millionths(&self) -> u32 {
        (self.failure_rate * 1e6).round() as u32
    }

    fn is_slow(&self, tally: Tally) -> bool {
        self.slow_call.is_some() && tally.slow_rate().is_some_and(|rate| rate >= self.slow_rate)
    }

    #[inline]
    pub(super) const fn counts_blindly(&self) -> bool {
        self.counts_blindly
    }

    /// Returns how long a slow call takes, if calls are timed.
    #[inline]
    pub(super) const fn slow_time(&self) -> Option<Duration> {
        time(self.slow_call)
    }

    /// Returns how long it takes to let everything through again after the probes.
    pub(super) const fn ramp(&self) -> Option<Duration> {
        time(self.recover)
    }

    /// The part of the calls that is let through so long after the ramp began; 1 is all of them.
    pub(super) fn share(&self, elapsed: Duration) -> f64 {
        match self.ramp() {
            Some(ramp) => (elapsed.as_secs_f64() / ramp.as_secs_f64()).clamp(LEAST_SHARE, 1.0),
            None => 1.0,
        }
    }

    pub(super) const fn counts_throttled(&self) -> bool {
        self.throttled_fails
    }

    /// No open time is longer: twice the cap, as the jitter stays below one.
    pub(super) const fn longest_open(&self) -> Millis {
        let longest = if self.open_for.is_longer_than(self.open_max) { self.open_for } else { self.open_max };
        Millis::of_nanos(longest.nanos().saturating_mul(2))
    }

    /// Returns how long to stay open after so many reopenings; `draw` is a uniform 64-bit number.
    ///
    /// `min(open_for · growth^reopenings, open_max) · (1 ± jitter)`: the cap comes before the jitter, so that
    /// breakers at the cap do not all probe at the same moment.
    pub(super) fn open_time(&self, reopenings: u32, draw: impl FnOnce() -> u64) -> Duration {
        let grown = self.grown(reopenings);
        if self.jitter == 0.0 {
            return grown;
        }
        let fraction = f64::from((draw() >> 32) as u32) / f64::from(u32::MAX);
        scaled(grown, 1.0 + self.jitter * (2.0 * fraction - 1.0))
    }

    /// After how many reopenings the open time grows.
    pub(super) const fn patience(&self) -> u32 {
        self.patience as u32
    }

    fn grown(&self, reopenings: u32) -> Duration {
        let (first, most) = (self.open_for.time(), self.open_max.time());
        if reopenings == 0 {
            return first;
        }
        let steps = reopenings.saturating_sub(self.patience());
        scaled(first, self.growth.powf(f64::from(steps))).min(most.max(first))
    }

    const fn smallest_sample(&self) -> u32 {
        match (self.min_calls, self.span()) {
            (Some(calls), _) => calls.get(),
            (None, Span::Calls(ring)) if ring < MIN_CALLS => ring,
            (None, _) => MIN_CALLS,
        }
    }
}

impl Described for Config {
    /// Says what a breaker is told, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.fixed("failure_rate", percent(self.failure_rate));
        let span = self.span();
        match span {
            Span::Time { .. } => description.time("window", Duration::from_nanos(span.nanos())),
            Span::Calls(calls) => description.fixed("window", calls),
        }
        description.fixed("min_calls", self.smallest_sample());
        match self.consecutive {
            Some(failures) => description.fixed("consecutive", failures),
            None => description.fixed("consecutive", "off"),
        }
        description.time("open_for", self.open_for.time());
        description.time("open_max", self.open_max.time());
        description.optional("open_growth", (self.patience == 0).then_some(self.growth));
        description.fixed("open_jitter", percent(self.jitter));
        description.fixed("probes", self.probe_count());
        description.time("probe_timeout", self.probe_limit());
        if self.slow_call.is_some() {
            description.optional_time("slow_call", self.slow_time());
            description.fixed("slow_rate", percent(self.slow_rate));
        }
        description.optional_time("recover", self.ramp());
        if self.throttled_fails {
            description.fixed("throttled", "fails");
        }
    }
}

/// The reasons for which values are refused.
mod rules {
    use std::time::Duration;

    use super::{MAX_COUNT_WINDOW, MAX_PROBES};

    const fn unless(holds: bool, reason: &'static str) -> Option<&'static str> {
        if holds { None } else { Some(reason) }
    }

    pub(crate) const fn failure_rate(rate: f64) -> Option<&'static str> {
        unless(rate > 0.0 && rate <= 1.0, "`failure_rate` must be above 0 and at most 1: 0.5 is one half")
    }

    pub(crate) const fn window(window: Duration) -> Option<&'static str> {
        unless(!window.is_zero(), "`window` must be longer than zero")
    }

    pub(crate) const fn count_window(calls: u32) -> Option<&'static str> {
        unless(calls >= 1 && calls <= MAX_COUNT_WINDOW, "`count_window` must be between 1 and 1024 calls")
    }

    pub(crate) const fn min_calls(calls: u32) -> Option<&'static str> {
        unless(calls >= 1, "`min_calls` must be at least 1")
    }

    pub(crate) const fn consecutive(failures: u32) -> Option<&'static str> {
        unless(failures >= 1, "`consecutive` must be at least 1; `without_consecutive` turns the rule off")
    }

    pub(crate) const fn open_for(time: Duration) -> Option<&'static str> {
        unless(!time.is_zero(), "`open_for` must be longer than zero")
    }

    pub(crate) const fn open_growth(factor: f64) -> Option<&'static str> {
        unless(factor >= 1.0 && factor.is_finite(), "`open_growth` must be a finite factor of at least 1")
    }

    pub(crate) const fn open_jitter(fraction: f64) -> Option<&'static str> {
        unless(fraction >= 0.0 && fraction < 1.0, "`open_jitter` must be at least 0 and below 1: 0.1 is ±10 %")
    }

    pub(crate) const fn probes(probes: u32) -> Option<&'static str> {
        unless(probes >= 1 && probes <= MAX_PROBES, "`probes` must be between 1 and 4095")
    }

    pub(crate) const fn probe_timeout(time: Duration) -> Option<&'static str> {
        unless(!time.is_zero(), "`probe_timeout` must be longer than zero")
    }

    pub(crate) const fn slow_call(time: Duration) -> Option<&'static str> {
        unless(time.as_millis() > 0, "`slow_call` must be at least a millisecond, the unit that it is measured in")
    }

    pub(crate) const fn slow_rate(rate: f64) -> Option<&'static str> {
        unless(rate > 0.0 && rate <= 1.0, "`slow_rate` must be above 0 and at most 1: 0.8 is four of five")
    }

    pub(crate) const fn recover(time: Duration) -> Option<&'static str> {
        unless(!time.is_zero(), "`recover` must be longer than zero")
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::ratio("failure_rate", "\"50%\"", rules::failure_rate, |config, rate| config.failure_rate = rate),
        Key::own("window", "\"10s\"", Self::set_window),
        Key::count("min_calls", "20", rules::min_calls, |config, calls| config.min_calls = NonZeroU32::new(calls)),
        Key::count("consecutive", "5", rules::consecutive, |config: &mut Self, failures| {
            config.consecutive = NonZeroU32::new(failures);
        })
        .or_word("off", |config| config.consecutive = None),
        Key::time("open_for", "\"1s\"", rules::open_for, |config, time| *config = config.open_for(time)),
        Key::time("open_max", "\"30s\"", every_value, |config, time| *config = config.open_max(time)),
        Key::number("open_growth", "2.0", rules::open_growth, |config, factor| *config = config.open_growth(factor)),
        Key::ratio("open_jitter", "\"10%\"", rules::open_jitter, |config, fraction| config.jitter = fraction),
        Key::count("probes", "3", rules::probes, |config, probes| *config = config.probes(probes)),
        Key::time("probe_timeout", "\"1s\"", rules::probe_timeout, |config, time| *config = config.probe_timeout(time)),
        Key::time("slow_call", "\"1s\"", rules::slow_call, |config: &mut Self, time| *config = config.slow_call(time))
            .or_word("off", |config| *config = config.without_slow_call()),
        Key::ratio("slow_rate", "\"80%\"", rules::slow_rate, |config, rate| config.slow_rate = rate),
        Key::time("recover", "\"10s\"", rules::recover, |config: &mut Self, time| *config = config.recover(time))
            .or_word("off", |config| config.recover = None),
        Key::own("throttled", "\"fail\"", |config, given| {
            config.throttled_fails = given.word(&["pass", "fail"])? == 1;
            Ok(())
        }),
    ];

    fn agree(&self) -> Result<(), String> {
        if self.slow_call.is_none() && self.slow_rate != SLOW_RATE {
            let message = "`slow_rate` is a share of the slow calls, and none is slow: say from when on one is, with `slow_call = \"1s\"`";
            return Err(message.to_owned());
        }
        self.contradiction().map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

#[cfg(feature = "config")]
impl Config {
    /// A time, or a number of calls.
    fn set_window(&mut self, given: &Given<'_>) -> Result<(), String> {
        let refused = |reason: Option<&'static str>| reason.map_or(Ok(()), |reason| Err(reason.to_owned()));
        if matches!(given.value, Value::Integer(_)) {
            let calls = given.count()?;
            refused(rules::count_window(calls))?;
            self.ring_of(calls);
        } else {
            let window = given.time()?;
            refused(rules::window(window))?;
            *self = self.window(window);
        }
        Ok(())
    }

    const fn without_slow_call(mut self) -> Self {
        self.slow_call = None;
        self.counts_blindly = self.ring.is_none();
        self
    }
}

const fn time(length: Option<Length>) -> Option<Duration> {
    match length {
        Some(length) => Some(length.time()),
        None => None,
    }
}

fn percent(fraction: f64) -> String {
    format!("{} %", (fraction * 1_000.0).round() / 10.0)
}

/// The length of a bucket of a window of time.
const fn bucket(window: Duration) -> u64 {
    let bucket = nanos(window) / BUCKETS as u64;
    if bucket == 0 { 1 } else { bucket }
}

impl Span {
    /// The length of the window in nanoseconds; one of calls has none.
    pub(super) const fn nanos(self) -> u64 {
        match self {
            Self::Time { bucket } => bucket.saturating_mul(BUCKETS as u64),
            Self::Calls(_) => 0,
        }
    }
}

/// The product, or the longest duration there is if it does not fit.
fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// The most outcomes that the ring has room for.
pub(super) const MAX_COUNT_WINDOW: u32 = 1024;
/// The number of steps that a time window moves in.
pub(super) const BUCKETS: u32 = 10;
/// The most that the probes' twelve-bit counters can hold.
const MAX_PROBES: u32 = 4095;
/// The share of calls that is let through when the ramp begins.
const LEAST_SHARE: f64 = 0.1;
/// `slow_rate` where the user does not say.
const SLOW_RATE: f64 = 0.8;
/// `probes` where the user does not say.
const PROBES: u32 = 3;
/// By what the open time grows, and after how many reopenings, where the user does not say.
const GROWTH: f64 = 2.0;
const PATIENCE: u8 = 12;
/// `consecutive` where the user does not say.
const CONSECUTIVE: u32 = 5;
/// `min_calls` where the user does not say.
const MIN_CALLS: u32 = 20;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn reaches_a_decimal_rate_exactly() {
        for hundredths in 1..=100_u32 {
            let config = Config::new().failure_rate(f64::from(hundredths) / 100.0).min_calls(1);

            for scale in [1, 7, 1_000, 9_999] {
                let (calls, failures) = (100 * scale, hundredths * scale);
                assert!(config.trips(Tally { calls, failures, slow: 0 }, 1), "{hundredths} % of {calls}");
                assert!(
                    !config.trips(Tally { calls, failures: failures - 1, slow: 0 }, 1),
                    "{hundredths} % of {calls}"
                );
            }
        }
    }

    #[test]
    fn counts_in_a_row_only_below_the_minimum() {
        let config = Config::new();

        assert!(!config.trips(Tally { calls: 4, failures: 4, slow: 0 }, 4));
        assert!(config.trips(Tally { calls: 5, failures: 5, slow: 0 }, 5));
        assert!(config.trips(Tally { calls: 19, failures: 5, slow: 0 }, 5));
        assert!(!config.trips(Tally { calls: 20, failures: 5, slow: 0 }, 5));
        assert!(!config.without_consecutive().trips(Tally { calls: 19, failures: 19, slow: 0 }, 19));
    }

    #[test]
    fn slow_calls_count_only_where_calls_are_timed() {
        let slow = Tally { calls: 20, failures: 0, slow: 16 };

        assert!(!Config::new().trips(slow, 0));
        assert!(Config::new().slow_call(ms(100)).trips(slow, 0));
        assert!(!Config::new().slow_call(ms(100)).trips(Tally { slow: 15, ..slow }, 0));
        assert!(!Config::new().slow_call(ms(100)).slow_rate(1.0).trips(slow, 0));
        assert!(!Config::new().slow_call(ms(100)).trips(Tally { calls: 19, failures: 0, slow: 19 }, 0));
    }

    #[test]
    fn no_calls_have_no_rate() {
        let calls = |calls| Tally { calls, failures: 1, slow: 1 };

        assert_eq!((calls(0).rate(), calls(0).slow_rate()), (None, None));
        assert_eq!((calls(1).rate(), calls(1).slow_rate()), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn share_rises_from_a_tenth_to_all() {
        let config = Config::new().recover(Duration::from_secs(10));

        let shares = [0, 500, 1_000, 2_500, 9_999, 10_000, 10_001].map(|millis| config.share(ms(millis)));

        let percent = shares.map(|share| (share * 10_000.0).round() as u32);
        assert_eq!(percent, [1_000, 1_000, 1_000, 2_500, 9_999, 10_000, 10_000]);
        assert!(Config::new().share(Duration::ZERO) >= 1.0);
    }

    #[test]
    fn default_minimum_fits_a_short_ring() {
        let config = Config::new().count_window(4).without_consecutive();

        assert!(!config.trips(Tally { calls: 3, failures: 3, slow: 0 }, 3));
        assert!(config.trips(Tally { calls: 4, failures: 2, slow: 0 }, 1));
    }

    #[test]
    fn default_minimum_is_twenty_of_a_long_ring() {
        let config = Config::new().count_window(100).without_consecutive();

        assert!(!config.trips(Tally { calls: 19, failures: 19, slow: 0 }, 19));
        assert!(config.trips(Tally { calls: 20, failures: 10, slow: 0 }, 1));
    }

    #[test]
    fn store_is_told_the_rate_in_millionths() {
        assert_eq!(Config::new().rate_in_millionths(), 500_000);
        assert_eq!(Config::new().failure_rate(0.123_456_7).rate_in_millionths(), 123_457);
    }

    #[test]
    fn stays_open_longer_each_time_up_to_the_cap() {
        let config = Config::new().open_jitter(0.0).open_growth(2.0);

        let times = [0, 1, 2, 3, 4, 5, 6, 31, u32::MAX].map(|n| config.open_time(n, || unreachable!()));

        assert_eq!(times, [1, 2, 4, 8, 16, 30, 30, 30, 30].map(Duration::from_secs));
    }

    #[test]
    fn keeps_its_time_for_a_while_where_nobody_says_by_what_it_grows() {
        let config = Config::new().open_jitter(0.0);

        let times = [0, 1, 11, 12, 13, 14, 16, 17, 31].map(|n| config.open_time(n, || unreachable!()));

        assert_eq!(times, [1, 1, 1, 1, 2, 4, 16, 30, 30].map(Duration::from_secs));
    }

    #[test]
    fn growth_of_any_size_stops_at_the_cap() {
        let endless = Config::new().open_jitter(0.0).open_growth(1e300).open_max(Duration::MAX);

        assert_eq!(endless.open_time(31, || 0), Duration::MAX);
        assert_eq!(endless.open_jitter(0.5).open_time(31, || u64::MAX), Duration::MAX);
    }

    #[test]
    fn longest_time_never_shortens_the_first() {
        let config = Config::new().open_jitter(0.0).open_for(Duration::from_secs(60));

        assert_eq!(config.open_time(0, || 0), Duration::from_secs(60));
        assert_eq!(config.open_time(3, || 0), Duration::from_secs(60));
    }

    #[test]
    fn no_open_time_is_longer_than_twice_the_longer_of_the_two_it_is_told() {
        assert_eq!(Config::new().open_for(ms(7_000)).open_max(ms(2_000)).longest_open(), Millis(14_000));
        assert_eq!(Config::new().open_for(ms(1_000)).open_max(ms(2_000)).longest_open(), Millis(4_000));
    }

    #[test]
    fn jitter_spreads_to_both_sides_even_at_the_cap() {
        let config = Config::new().open_jitter(0.1);

        for (reopenings, middle) in [(0, ms(1_000)), (20, ms(30_000))] {
            assert_eq!(config.open_time(reopenings, || 0), middle.mul_f64(0.9));
            assert_eq!(config.open_time(reopenings, || u64::MAX), middle.mul_f64(1.1));
        }
    }

    #[test]
    fn buckets_are_never_of_no_time() {
        assert_eq!(Config::new().span(), Span::Time { bucket: 1_000_000_000 });
        assert_eq!(Config::new().window(Duration::from_nanos(9)).span(), Span::Time { bucket: 1 });
        assert_eq!(Config::new().window(Duration::MAX).span(), Span::Time { bucket: u64::MAX / 10 });
    }

    #[test]
    fn probe_limit_follows_the_open_time() {
        assert_eq!(Config::new().open_for(ms(700)).probe_limit(), ms(700));
        assert_eq!(Config::new().open_for(ms(700)).probe_timeout(ms(50)).probe_limit(), ms(50));
    }
}
