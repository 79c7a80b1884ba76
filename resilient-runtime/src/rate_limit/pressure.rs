//! Backpressure: what the server said, and how it holds every caller back.

use std::time::Duration;

use super::gcra::{Pace, Units};
use crate::clock::Ticks;
use crate::rare::Rare;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// The server's last word, for all callers; most servers say none.
///
/// Relaxed throughout: each word stands for itself, and no mixture of old and new ones lets more through than the rate. Whoever
/// has been told that a pause began, by whatever means, also sees it.
#[derive(Debug)]
pub(super) struct Pressure(Rare<Words>);

#[derive(Debug)]
struct Words {
    /// Nothing is let through before; in [`Units`].
    paused: AtomicU64,
    /// A [`Slowdown`], or 0 at full speed.
    slowed: AtomicU64,
    /// Until when calls are as far apart as `spread` says, both in [`Units`].
    spread_until: AtomicU64,
    spread: AtomicU64,
    /// Farthest time ahead of the present that any of this, or a call that was held back by it, has reached.
    reach: AtomicU64,
    /// The number of times that a pause began, and that the rate was halved, ever.
    pauses: AtomicU64,
    slowdowns: AtomicU64,
}

/// A share of the rate that grows back with time: 16 bits of share, 48 of the millisecond in which it was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slowdown {
    share: u32,
    since: u64,
}

impl Pressure {
    const_fn! {
        pub(super) fn none() -> Self {
            Self(Rare::new(Words::none))
        }
    }

    fn words(&self) -> &Words {
        self.0.get_or_make(Words::none)
    }

    /// The end of the last pause.
    #[inline]
    pub(super) fn paused_until(&self) -> Units {
        Units(self.0.get().map_or(0, |words| words.paused.load(Relaxed)))
    }

    /// Pauses until then, or as long as it was paused anyway. Says whether a pause begins with it.
    pub(super) fn pause(&self, until: Units, now: Units) -> bool {
        let words = self.words();
        words.extend(until.before_by(now));
        let begins = words.paused.fetch_max(until.0, Relaxed) <= now.0 && until > now;
        if begins {
            words.pauses.fetch_add(1, Relaxed);
        }
        begins
    }

    /// The time that each of so many calls takes up at present: the pace's interval, unless the server asked for less.
    #[inline]
    pub(super) fn interval(&self, pace: Pace, now: Units, calls: u32) -> Units {
        self.0.get().map_or(pace.interval, |words| words.interval(pace, now, calls))
    }

    pub(super) fn reach(&self) -> Units {
        self.0.get().map_or(Units(0), Words::reach)
    }

    /// Makes the reach as long as that, before it is made use of.
    pub(super) fn extend(&self, length: Units) {
        if length > self.reach() {
            self.words().extend(length);
        }
    }

    /// Returns whether something is kept of a time that has not come.
    pub(super) fn is_ahead_of(&self, now: Units) -> bool {
        self.0.get().is_some_and(|words| words.is_ahead_of(now))
    }

    /// Forgets what is of a time that has not come, and says whether there was any.
    pub(super) fn restart(&self, clock: impl Fn() -> Units) -> bool {
        self.0.get().is_some_and(|words| words.restart(clock))
    }

    /// Forgets all.
    pub(super) fn reset(&self) {
        if let Some(words) = self.0.get() {
            for word in [&words.paused, &words.slowed, &words.spread_until, &words.spread, &words.reach] {
                word.store(0, Relaxed);
            }
        }
    }

    /// Halves the rate, unless that happened within the last second. Says whether it did.
    pub(super) fn slow(&self, now: Units) -> bool {
        let halve = |word| {
            let next = Slowdown::unpack(word).map_or(Some(Slowdown::first(now)), |slowdown| slowdown.halved(now));
            next.map(Slowdown::pack)
        };
        let words = self.words();
        let halves = words.slowed.fetch_update(Relaxed, Relaxed, halve).is_ok();
        if halves {
            words.slowdowns.fetch_add(1, Relaxed);
        }
        halves
    }

    /// Keeps calls so far apart until then.
    pub(super) fn spread(&self, interval: Units, until: Units, now: Units) {
        let words = self.words();
        words.extend(until.before_by(now));
        words.spread.store(interval.0, Relaxed);
        words.spread_until.store(until.0, Relaxed);
    }

    /// Returns whether calls are kept apart at present.
    pub(super) fn is_spread(&self, now: impl FnOnce() -> Units) -> bool {
        let until = self.spread_until();
        until != 0 && until > now().0
    }

    /// The server has enough again. Says whether it had not.
    pub(super) fn spread_no_more(&self) -> bool {
        let was_spread = self.spread_until() != 0;
        if was_spread {
            self.words().spread_until.store(0, Relaxed);
        }
        was_spread
    }

    /// The share of the rate that is let through, between 0 and 1.
    pub(super) fn share(&self, pace: Pace, now: Units) -> f64 {
        pace.interval.0 as f64 / self.interval(pace, now, 1).0 as f64
    }

    /// The number of times that a pause began, and that the rate was halved, ever.
    pub(super) fn counts(&self) -> [u64; 2] {
        self.0.get().map_or([0; 2], |words| [&words.pauses, &words.slowdowns].map(|count| count.load(Relaxed)))
    }

    fn spread_until(&self) -> u64 {
        self.0.get().map_or(0, |words| words.spread_until.load(Relaxed))
    }
}

impl Words {
    fn none() -> Self {
        Self {
            paused: AtomicU64::new(0),
            slowed: AtomicU64::new(0),
            spread_until: AtomicU64::new(0),
            spread: AtomicU64::new(0),
            reach: AtomicU64::new(0),
            pauses: AtomicU64::new(0),
            slowdowns: AtomicU64::new(0),
        }
    }

    #[inline]
    fn interval(&self, pace: Pace, now: Units, calls: u32) -> Units {
        let (slowed, spread_until) = (self.slowed.load(Relaxed), self.spread_until.load(Relaxed));
        if slowed == 0 && spread_until <= now.0 {
            return pace.interval;
        }
        self.longer_interval(pace, now, slowed, calls)
    }

    #[cold]
    fn longer_interval(&self, pace: Pace, now: Units, slowed: u64, calls: u32) -> Units {
        let mut interval = pace.interval;
        if let Some(slowdown) = Slowdown::unpack(slowed) {
            match slowdown.share_at(now) {
                // If it fails, somebody slowed it again.
                FULL => drop(self.slowed.compare_exchange(slowed, 0, Relaxed, Relaxed)),
                share => interval = slower(interval, share),
            }
        }
        if now.0 < self.spread_until.load(Relaxed) {
            interval = interval.max(Units(self.spread.load(Relaxed)));
        }
        self.extend(interval.times(u64::from(calls)));
        interval
    }

    fn reach(&self) -> Units {
        Units(self.reach.load(Relaxed))
    }

    fn extend(&self, length: Units) {
        if length > self.reach() {
            self.reach.fetch_max(length.0, Relaxed);
        }
    }

    fn is_ahead_of(&self, now: Units) -> bool {
        let latest = now.0.saturating_add(self.reach().0);
        let slowed = Slowdown::unpack(self.slowed.load(Relaxed)).is_some_and(|slowdown| slowdown.since > millis(now));
        slowed || self.paused.load(Relaxed) > latest || self.spread_until.load(Relaxed) > latest
    }

    fn restart(&self, clock: impl Fn() -> Units) -> bool {
        let forget = |word: &AtomicU64, is_ahead: &dyn Fn(u64, Units) -> bool| {
            let seen = word.load(Relaxed);
            is_ahead(seen, clock()) && word.compare_exchange(seen, 0, Relaxed, Relaxed).is_ok()
        };
        let is_late = |until: u64, now: Units| until > now.0.saturating_add(self.reach().0);
        let is_later =
            |slowed: u64, now: Units| Slowdown::unpack(slowed).is_some_and(|slowdown| slowdown.since > millis(now));
        let paused = forget(&self.paused, &is_late);
        let spread = forget(&self.spread_until, &is_late);
        forget(&self.slowed, &is_later) || paused || spread
    }
}

impl Slowdown {
    fn first(now: Units) -> Self {
        Self { share: FULL / 2, since: millis(now) }
    }

    fn halved(self, now: Units) -> Option<Self> {
        let share = (self.share_at(now) / 2).max(FLOOR);
        (millis(now) >= self.since.saturating_add(1_000)).then_some(Self { share, since: millis(now) })
    }

    /// Grows back by a sixteenth of the whole rate each second.
    fn share_at(self, now: Units) -> u32 {
        let gained = millis(now).saturating_sub(self.since).saturating_mul(u64::from(FLOOR)) / 1_000;
        gained.saturating_add(u64::from(self.share)).min(u64::from(FULL)) as u32
    }

    const fn unpack(word: u64) -> Option<Self> {
        if word == 0 { None } else { Some(Self { share: word as u32 & 0xffff, since: word >> 16 }) }
    }

    const fn pack(self) -> u64 {
        self.since << 16 | self.share as u64
    }
}

/// Returns how long to pause when the server asks for `hint`; `draw` is a uniform 64-bit number.
///
/// Never shorter than the hint, and up to a tenth longer, at most a second and at most what a caller may wait: then a retry
/// that comes back when the hint is over is never refused because of the jitter. `cap` is the longest; a hint that is
/// longer still gives the cap less the jitter.
pub(super) fn pause_for(hint: Duration, cap: Duration, max_wait: Duration, draw: u64) -> Duration {
    let jitter = |most: Duration| most.min(Duration::from_secs(1)).mul_f64((draw >> 11) as f64 / (1_u64 << 53) as f64);
    if hint > cap {
        cap.saturating_sub(jitter(cap / 10))
    } else {
        hint.saturating_add(jitter((hint / 10).min(max_wait))).min(cap)
    }
}

/// The interval at so many 65,536ths of the rate.
fn slower(interval: Units, share: u32) -> Units {
    let longer = u128::from(interval.0) * u128::from(FULL) / u128::from(share);
    Units(u64::try_from(longer).unwrap_or(u64::MAX))
}

fn millis(now: Units) -> u64 {
    (now.since(Units::at(Ticks(0))).as_nanos() / 1_000_000) as u64
}

/// All of the rate.
const FULL: u32 = 1 << 16;
/// The least of it: a sixteenth.
const FLOOR: u32 = FULL / 16;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn pace() -> Pace {
        Pace::new(100, Duration::from_secs(1), None)
    }

    fn at(millis: u64) -> Units {
        Units::at(Ticks(86_400_000_000_000)).after(ms(millis))
    }

    /// The rate at that time, in thousandths of the whole.
    fn share(pressure: &Pressure, millis: u64) -> u32 {
        (pressure.share(pace(), at(millis)) * 1_000.0).round() as u32
    }

    #[test]
    fn halves_once_a_second_and_grows_back_by_a_sixteenth_of_the_whole_each_second() {
        let pressure = Pressure::none();

        assert!(pressure.slow(at(0)));
        assert!(!pressure.slow(at(999)), "a crowd of refusals is one");
        assert_eq!([0, 1_000, 4_000, 7_000, 8_000].map(|millis| share(&pressure, millis)), [500, 563, 750, 938, 1_000]);
        assert_eq!(pressure.words().slowed.load(Relaxed), 0, "forgotten when it is over");
    }

    #[test]
    fn never_falls_below_a_sixteenth() {
        let pressure = Pressure::none();

        for second in 0..100 {
            pressure.slow(at(second * 1_000));
        }

        assert_eq!(share(&pressure, 99_000), 63);
        assert_eq!(share(&pressure, 99_000 + 15_000), 1_000);
        assert_eq!(share(&pressure, 99_000 + 864_000_000), 1_000);
    }

    #[test]
    fn spreads_until_the_reset_and_not_after() {
        let pressure = Pressure::none();
        pressure.spread(Units(pace().interval.0 * 4), at(2_000), at(0));

        assert_eq!([0, 1_999, 2_000].map(|millis| share(&pressure, millis)), [250, 250, 1_000]);

        pressure.spread_no_more();
        assert_eq!(share(&pressure, 0), 1_000);
    }

    #[test]
    fn of_two_restraints_the_stronger_counts() {
        let pressure = Pressure::none();
        pressure.spread(Units(pace().interval.0 * 4), at(2_000), at(0));
        pressure.slow(at(0));

        assert_eq!([0, 2_000].map(|millis| share(&pressure, millis)), [250, 625]);
    }

    #[test]
    fn a_shorter_hint_does_not_shorten_a_pause() {
        let pressure = Pressure::none();

        assert!(pressure.pause(at(500), at(0)));
        assert!(!pressure.pause(at(100), at(0)));
        assert!(!pressure.pause(at(900), at(0)), "the same pause, for longer");
        assert_eq!(pressure.paused_until(), at(900));
        assert!(pressure.pause(at(1_000), at(950)));
    }

    #[test]
    fn pauses_vary_by_a_tenth_at_most_a_second_and_a_wait_and_also_at_the_cap() {
        let cap = ms(60_000);

        let wait = Duration::from_secs(5);
        for (hint, wait, shortest, longest) in [
            (ms(1_000), wait, ms(1_000), ms(1_100)),
            (ms(30_000), wait, ms(30_000), ms(31_000)),
            (ms(30_000), ms(5), ms(30_000), ms(30_005)),
            (ms(30_000), ms(0), ms(30_000), ms(30_000)),
            (ms(90_000), ms(0), ms(59_000), cap),
        ] {
            let mut drawn = [pause_for(hint, cap, wait, 0), pause_for(hint, cap, wait, u64::MAX)];
            drawn.sort();
            let near = |time: Duration, other: Duration| time.abs_diff(other) < Duration::from_nanos(10);
            assert!(near(drawn[0], shortest) && near(drawn[1], longest), "{hint:?}: {drawn:?}");
        }
    }

    proptest! {
        #[test]
        fn no_hint_is_cut_short_or_longer_than_the_cap(
            seconds in any::<u64>(),
            nanos in 0..1_000_000_000_u32,
            cap in 0..100_000_000_u64,
            wait in any::<u64>(),
            draw in any::<u64>(),
        ) {
            let (hint, cap) = (Duration::new(seconds, nanos), ms(cap));

            let pause = pause_for(hint, cap, ms(wait), draw);

            prop_assert!(pause <= cap);
            prop_assert!(pause >= hint || hint > cap && pause + Duration::from_nanos(1) >= cap.mul_f64(0.9));
        }

        #[test]
        fn a_share_is_between_a_sixteenth_and_one_at_any_time(
            slowed_at in proptest::collection::vec(any::<u64>(), 0..20), now in any::<u64>(),
        ) {
            let pressure = Pressure::none();

            for at in slowed_at {
                pressure.slow(Units(at));
            }

            let share = pressure.share(pace(), Units(now));
            prop_assert!((0.062..=1.0).contains(&share), "{share}");
        }
    }

    #[test]
    fn whatever_is_of_a_time_that_has_not_come_is_forgotten() {
        type Word = (&'static str, fn(&Pressure));
        let words: [Word; 3] = [
            ("a pause", |pressure| assert!(pressure.pause(at(3_601_000), at(3_600_000)))),
            ("a slowdown", |pressure| assert!(pressure.slow(at(3_600_000)))),
            ("a spread", |pressure| pressure.spread(Units(1), at(3_601_000), at(3_600_000))),
        ];
        for (word, say) in words {
            let pressure = Pressure::none();
            say(&pressure);

            assert!(!pressure.is_ahead_of(at(3_600_000)), "{word}");
            assert!(!pressure.restart(|| at(3_600_000)), "{word}");
            assert!(pressure.is_ahead_of(at(3_599_000)), "{word}");
            assert!(pressure.restart(|| at(3_599_000)), "{word}");
            assert!(!pressure.is_ahead_of(at(0)), "{word}");
            assert!(!pressure.restart(|| at(0)), "{word}");
        }
    }

    #[test]
    fn pause_begins_where_there_was_none() {
        let pressure = Pressure::none();

        assert!(!pressure.pause(at(5_000), at(5_000)), "it is over");
        assert!(pressure.pause(at(7_000), at(5_000)));
        assert!(!pressure.pause(at(9_000), at(6_000)), "it was paused anyway");
        assert!(pressure.pause(at(10_000), at(9_000)));
        assert_eq!(pressure.paused_until(), at(10_000));
    }

    #[test]
    fn calls_are_kept_apart_up_to_the_end() {
        let pressure = Pressure::none();
        assert!(!pressure.is_spread(|| unreachable!("nothing was said")));

        pressure.spread(Units(1), at(7_000), at(5_000));

        assert!(pressure.is_spread(|| Units(at(7_000).0 - 1)));
        assert!(!pressure.is_spread(|| at(7_000)));
        assert!(!pressure.is_spread(|| at(8_000)));
    }

    #[test]
    fn pause_is_never_shorter_than_a_hint_that_is_no_longer_than_the_cap() {
        for draw in [0, u64::MAX] {
            assert_eq!(pause_for(ms(10_000), ms(10_000), ms(1_000), draw), ms(10_000));
        }
        assert_eq!(pause_for(ms(11_000), ms(10_000), ms(1_000), 0), ms(10_000));
        assert!(pause_for(ms(11_000), ms(10_000), ms(1_000), u64::MAX) < ms(10_000));
    }
}
