//! The decision: whether a call at a given time keeps to the rate, and when the next one would.

use std::fmt;
use std::time::Duration;

use crate::clock::{Ticks, nanos};
use crate::tune::accept;

/// A point in time, or a length of it, in eighths of a nanosecond.
///
/// Fine enough that rounding an interval up makes a rate of 1,000 a second slower by less than 13 in 10⁸, and exact
/// wherever the interval is a whole number of eighths: 100 a second, 5 a minute, a million a second. It lasts for 72 years of one
/// process; after that nothing is let through rather than too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(pub(super) u64);

/// The distance between calls in the long run, and how much they may run ahead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// The time that one call takes up; never zero.
    pub(super) interval: Units,
    /// The number of calls that may come at once; never zero.
    pub(super) burst: u32,
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    /// The calls at once, or the weight of one: at least one and no more than the burst.
    pub(super) calls: u32,
    /// The time that each takes up: the interval of the pace, or more while the limit is slowed.
    pub(super) interval: Units,
}

/// The calls do not fit yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Early {
    /// When they would.
    pub(super) slot: Units,
}

impl Units {
    /// The end of the range.
    pub(super) const NEVER: Self = Self(u64::MAX);

    pub(super) const fn at(now: Ticks) -> Self {
        Self(now.0.saturating_mul(PER_NANO))
    }

    /// So much later.
    pub(super) const fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time).saturating_mul(PER_NANO)))
    }

    /// So much earlier.
    pub(super) const fn before(self, time: Duration) -> Self {
        self.before_by(Self(nanos(time).saturating_mul(PER_NANO)))
    }

    pub(super) const fn before_by(self, length: Self) -> Self {
        Self(self.0.saturating_sub(length.0))
    }

    /// The time from `earlier` on, rounded up to whole nanoseconds, so that who waits for it does not come too early.
    pub(super) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).div_ceil(PER_NANO))
    }

    /// As many of these as fit.
    pub(super) const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

/// The rate as an attribute writes it: `100/s`, or per minute, hour or day where a second has less than one call.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = self.interval.0 as f64 / (1e9 * PER_NANO as f64);
        let (unit, seconds) = [("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)]
            .into_iter()
            .find(|(_, seconds)| seconds / interval >= 0.999)
            .unwrap_or(("d", 86_400.0));
        // three figures: the interval was rounded up
        let calls = seconds / interval;
        let decimals = if calls >= 99.95 { 0 } else { (1.0 - calls.log10().floor()).max(0.0) as usize + 1 };
        let figures = format!("{calls:.decimals$}");
        let figures =
            if figures.contains('.') { figures.trim_end_matches('0').trim_end_matches('.') } else { &figures };
        write!(f, "{figures}/{unit}")
    }
}

impl Pace {
    /// `calls` in each `period`, and unless something else is said a second's worth of them at once.
    pub(super) const fn new(calls: u32, period: Duration, burst: Option<u32>) -> Self {
        accept(Self::refuses_rate(calls, period));
        // Rounded up: never faster than what was said.
        let interval = (period.as_nanos() * PER_NANO as u128).div_ceil(calls as u128) as u64;
        let burst = match burst {
            Some(burst) => burst,
            None => Self::second(calls, period),
        };
        let pace = Self { interval: Units(interval), burst };
        accept(pace.refuses_burst());
        pace
    }

    /// Returns why that is no rate, if it is none.
    const fn refuses_rate(calls: u32, period: Duration) -> Option<&'static str> {
        if calls == 0 {
            Some("`rate` must be at least 1: with 0 nothing would ever be let through")
        } else if period.is_zero() {
            Some("`per` must be longer than zero")
        } else if period.as_secs() > YEAR {
            Some("`per` must be at most a year")
        } else {
            None
        }
    }

    /// Returns why its burst is none, if it is none.
    pub(super) const fn refuses_burst(self) -> Option<&'static str> {
        if self.burst == 0 {
            Some("`burst` must be at least 1: with 0 nothing would ever be let through")
        } else if self.longest_burst() < self.burst {
            Some("`burst` must come back within a year at this rate")
        } else {
            None
        }
    }

    /// The pace of a rate that is one, whatever the burst is.
    #[cfg(feature = "config")]
    pub(super) const fn of_rate(calls: u32, period: Duration, burst: Option<u32>) -> Self {
        let pace = Self::new(calls, period, Some(1));
        let burst = match burst {
            Some(burst) => burst,
            None => Self::second(calls, period),
        };
        Self { burst, ..pace }
    }

    /// The most calls at once that come back within a year, which keeps every sum of the decision in range.
    pub(super) const fn longest_burst(self) -> u32 {
        let most = YEAR * 1_000_000_000 * PER_NANO / self.interval.0;
        if most >= u32::MAX as u64 { u32::MAX } else { most as u32 }
    }

    /// As many calls as a second has at this rate, and at least one.
    pub(super) const fn second(calls: u32, period: Duration) -> u32 {
        let burst = calls as u128 * 1_000_000_000 / period.as_nanos();
        match burst {
            0 => 1,
            burst if burst >= u32::MAX as u128 => u32::MAX,
            burst => burst as u32,
        }
    }

    /// Returns how far the calls may run ahead of the rate.
    pub(super) const fn slack(self) -> Units {
        self.interval.times(self.burst as u64 - 1)
    }

    /// Share that all calls of a burst take up.
    pub(super) const fn all(self) -> Units {
        self.interval.times(self.burst as u64).times(2)
    }

    /// Lets a request through if what was let through before leaves room for it.
    ///
    /// This is the generic cell rate algorithm in its virtual scheduling form (ITU-T I.371): `due` is when the next call would
    /// come if all came evenly. A call at `now` is in time if `due` is at most the slack ahead of it, and takes up one
    /// interval from `max(due, now)` on, which is the new `due`. As each call takes up at least the pace's own
    /// interval, of the calls in any time `w` there are at most `burst + w / interval`, whatever slows them down besides.
    #[inline]
    pub(super) fn admit(self, due: Units, now: Units, demand: Demand) -> Result<Units, Early> {
        let latest = now.0.saturating_add(self.slack().0);
        let last = due.0.saturating_add(self.interval.times(u64::from(demand.calls) - 1).0);
        if last > latest {
            return Err(Early { slot: Units(last.saturating_sub(self.slack().0)) });
        }
        // At the end of the range nothing can be taken up any more, and so nothing is let through.
        let taken = demand.interval.0.checked_mul(u64::from(demand.calls));
        let next = taken.and_then(|taken| due.0.max(now.0).checked_add(taken));
        next.map(Units).ok_or(Early { slot: Units(u64::MAX) })
    }

    /// Returns what `due` becomes when the pace changes at `now`: what was used stays used, call for call.
    pub(super) fn carry(self, due: Units, now: Units, to: Self) -> Units {
        let debt = u128::from(due.0.saturating_sub(now.0));
        let debt = (debt * u128::from(to.interval.0)).div_ceil(u128::from(self.interval.0));
        Units(now.0.saturating_add(u64::try_from(debt).unwrap_or(u64::MAX)))
    }

    /// The `due` that lets one call through at `start`, and those after it at the rate, with nothing of the burst.
    pub(super) const fn drained(self, start: Units) -> Units {
        Units(start.0.saturating_add(self.slack().0))
    }
}

pub(super) const PER_NANO: u64 = 8;
/// Seconds.
const YEAR: u64 = 365 * 86_400;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn one(pace: Pace) -> Demand {
        Demand { calls: 1, interval: pace.interval }
    }

    /// Returns how many calls in a row are let through at `now`, and what is due then.
    fn at_once(pace: Pace, mut due: Units, now: Units) -> (u32, Units) {
        let mut admitted = 0;
        while let Ok(next) = pace.admit(due, now, one(pace)) {
            due = next;
            admitted += 1;
        }
        (admitted, due)
    }

    #[test]
    fn a_rate_is_shown_as_it_is_written() {
        let second = Duration::from_secs(1);
        for (calls, period, shown) in [
            (100, second, "100/s"),
            (1, second, "1/s"),
            (4_000_000, second, "4000000/s"),
            (3, second, "3/s"),
            (10, second * 3, "3.33/s"),
            (1_234, second * 100, "12.3/s"),
            (1, second * 12, "5/min"),
            (1, second * 3_600, "1/h"),
            (7, second * 86_400, "7/d"),
            (1, second * 86_400 * 10, "0.1/d"),
            (10, Duration::from_millis(100), "100/s"),
        ] {
            assert_eq!(Pace::new(calls, period, None).to_string(), shown, "{calls} in {period:?}");
        }
    }

    #[test]
    fn a_second_of_calls_may_come_at_once_unless_told_otherwise() {
        for (calls, period, burst) in [
            (100, SECOND, 100),
            (5, Duration::from_secs(60), 1),
            (1_000, Duration::from_secs(3_600), 1),
            (10, Duration::from_millis(100), 100),
            (3, Duration::from_secs(2), 1),
        ] {
            assert_eq!(Pace::new(calls, period, None).burst, burst, "{calls} in {period:?}");
        }
        assert_eq!(Pace::new(100, SECOND, Some(7)).burst, 7);
        assert_eq!(Pace::second(u32::MAX, Duration::from_millis(1)), u32::MAX);
    }

    #[test]
    fn common_rates_are_exact_and_the_others_less_than_an_eighth_of_a_nanosecond_slow() {
        for calls in [1, 4, 5, 10, 100, 1_000, 1_000_000] {
            assert_eq!(Pace::new(calls, SECOND, None).interval.0 * u64::from(calls), 8_000_000_000, "{calls}");
        }
        for calls in [3, 7, 999, 1_001, 999_999] {
            let over = Pace::new(calls, SECOND, None).interval.0 * u64::from(calls) - 8_000_000_000;

            assert!((1..u64::from(calls)).contains(&over), "{calls}: never faster, and never by a whole unit a call");
        }
    }

    #[test]
    fn three_a_second_do_not_drift_in_a_day() {
        let pace = Pace::new(3, SECOND, Some(1));
        let start = Units::at(Ticks(1_000));
        let mut due = start;

        for _ in 0..3 * 86_400 {
            due = pace.admit(due, due, one(pace)).unwrap();
        }

        let day = due.since(start);
        assert!(day >= Duration::from_secs(86_400) && day < Duration::from_secs(86_400) + Duration::from_micros(33));
    }

    #[test]
    fn lets_the_burst_through_and_then_one_an_interval() {
        let pace = Pace::new(10, SECOND, Some(4));
        let start = Units::at(Ticks(5_000_000_000));

        let (admitted, due) = at_once(pace, Units(0), start);
        let Err(Early { slot }) = pace.admit(due, start, one(pace)) else { panic!("used up") };

        assert_eq!(admitted, 4);
        assert_eq!(slot.since(start), Duration::from_millis(100));
        assert!(pace.admit(due, Units(slot.0 - 1), one(pace)).is_err());
        assert_eq!(at_once(pace, due, slot).0, 1);
    }

    #[test]
    fn ten_idle_days_give_the_burst_back_and_no_more() {
        let pace = Pace::new(10, SECOND, Some(4));
        let start = Units::at(Ticks(5_000_000_000));
        let (_, due) = at_once(pace, Units(0), start);

        assert_eq!(at_once(pace, due, start.after(Duration::from_secs(864_000))).0, 4);
    }

    #[test]
    fn several_calls_at_once_take_as_much_as_one_after_the_other() {
        let pace = Pace::new(10, SECOND, Some(4));
        let start = Units::at(Ticks(5_000_000_000));
        let three = Demand { calls: 3, interval: pace.interval };

        let due = pace.admit(Units(0), start, three).unwrap();

        assert_eq!(pace.admit(due, start, three).unwrap_err().slot.since(start), Duration::from_millis(200));
        assert_eq!(at_once(pace, due, start).0, 1);
    }

    #[test]
    fn a_new_pace_keeps_what_was_used() {
        let slow = Pace::new(10, SECOND, Some(10));
        let fast = Pace::new(100, SECOND, Some(10));
        let now = Units::at(Ticks(5_000_000_000));
        let six = Demand { calls: 6, interval: slow.interval };
        let due = slow.admit(Units(0), now, six).unwrap();

        let carried = slow.carry(due, now, fast);

        assert_eq!(at_once(fast, carried, now).0, 4);
        assert_eq!(fast.carry(carried, now, slow), due);
        assert_eq!(slow.carry(Units(5), now, fast), now, "what came back long ago is not due again");
    }

    #[test]
    fn nothing_is_let_through_at_the_end_of_the_range() {
        let pace = Pace::new(1_000, SECOND, None);

        let (admitted, due) = at_once(pace, Units(u64::MAX - 3 * pace.interval.0), Units(u64::MAX));

        assert_eq!((admitted, due), (0, Units(u64::MAX - 3 * pace.interval.0)));
        assert_eq!(pace.carry(Units(u64::MAX), Units(0), Pace::new(1, SECOND, None)).0, u64::MAX);
        assert_eq!(pace.drained(Units(u64::MAX)).0, u64::MAX);
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ask(u32),
        /// Nanoseconds.
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (1..4_u32).prop_map(Step::Ask),
            4 => (0..2_000_000_000_u64).prop_map(Step::Pass),
            1 => Just(Step::Pass(864_000_000_000_000)),
            1 => Just(Step::Pass(1)),
        ];
        proptest::collection::vec(step, 0..120)
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_the_burst_and_the_rate(
            steps in steps(),
            calls in 1..2_000_u32,
            period in prop_oneof![Just(SECOND), Just(Duration::from_millis(7)), Just(Duration::from_secs(60))],
            burst in 1..20_u32,
            begin in prop_oneof![Just(0), Just(86_400_000_000_000), any::<u64>()],
            slowed in 1..9_u64,
        ) {
            let pace = Pace::new(calls, period, Some(burst));
            let (mut now, mut due) = (begin, Units(0));
            let mut admitted: Vec<u64> = Vec::new();

            for step in steps {
                match step {
                    Step::Ask(times) => for index in 0..3 * burst {
                        let interval = pace.interval.times(if index % 2 == 0 { 1 } else { slowed });
                        let demand = Demand { calls: times.min(burst), interval };
                        if let Ok(next) = pace.admit(due, Units::at(Ticks(now)), demand) {
                            due = next;
                            admitted.extend(std::iter::repeat_n(now, demand.calls as usize));
                        }
                    },
                    Step::Pass(nanos) => now = now.saturating_add(nanos),
                }
            }

            // count − burst ≤ calls · w / period for every window, in whole numbers: with f(i) = i · period − calls · tᵢ,
            // no f is more than (burst − 1) · period above an earlier one
            let mut lowest = i128::MAX;
            for (index, at) in admitted.iter().enumerate() {
                let period = i128::try_from(period.as_nanos()).unwrap();
                let level = index as i128 * period - i128::from(calls) * i128::from(*at);
                lowest = lowest.min(level);
                prop_assert!(level - lowest <= i128::from(burst - 1) * period, "number {index}");
            }
        }

        #[test]
        fn whoever_comes_at_the_slot_is_let_through(
            due in any::<u64>(),
            now in 0..u64::MAX / 64,
            calls in 1..5_u32,
        ) {
            let pace = Pace::new(7, SECOND, Some(4));
            let demand = Demand { calls: calls.min(4), interval: pace.interval };

            if let Err(Early { slot }) = pace.admit(Units(due), Units(now), demand) {
                prop_assert!(slot > Units(now));
                if slot.0 < u64::MAX / 2 {
                    prop_assert!(pace.admit(Units(due), slot, demand).is_ok());
                    prop_assert!(pace.admit(Units(due), Units(slot.0 - 1), demand).is_err());
                }
            }
        }
    }
}
