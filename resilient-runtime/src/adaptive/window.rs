//! The sums between two steps of an algorithm.

use std::time::Duration;

use crate::clock::{Ticks, nanos};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// The outcomes since the last step.
///
/// Relaxed throughout: what must agree, the number of timed calls and the sum of their times, is in one word, and the step is
/// taken under a lock, which orders one close after the other. An outcome that comes in while a window is closed has its
/// two words in two windows at worst, and none of them twice or nowhere.
#[derive(Debug)]
pub(super) struct Window {
    /// 14 bits: timed calls. 50 bits: the sum of their times.
    times: AtomicU64,
    /// 34 bits: the shortest time. 20 bits: the most calls in flight. 10 bits: drops.
    extremes: AtomicU64,
    /// When the window may be closed, or zero before the first outcome.
    due: AtomicU64,
    /// Calls that began before that are not timed; zero for all.
    since: AtomicU64,
}

/// The view that an algorithm has of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    /// The number of calls that were timed.
    pub(super) timed: u32,
    /// The mean of their times, in units of 64 ns and never zero; none if all were dropped.
    pub(super) mean: Option<f64>,
    /// The shortest of their times, in the same units.
    pub(super) shortest: Option<u64>,
    /// The most calls that were seen in flight at once.
    pub(super) in_flight: u32,
    /// Set if any was dropped.
    pub(super) dropped: bool,
}

/// A window that measures how long calls take with few of them in flight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Probe {
    /// The time that it takes at least, in units of 64 ns: the first calls to come back are the fast ones.
    pub(super) lasts: f64,
}

/// The words of a window, one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extremes(u64);

impl Window {
    const_fn! {
        pub(super) fn new() -> Self {
            Self {
                times: AtomicU64::new(0),
                extremes: AtomicU64::new(Extremes::NONE.0),
                due: AtomicU64::new(0),
                since: AtomicU64::new(0),
            }
        }
    }

    /// Adds a timed call and returns how many there are now; none if it began too early to count.
    pub(super) fn add_timed(&self, began: Ticks, in_flight: u32, now: Ticks) -> Option<u32> {
        let since = self.since.load(Relaxed);
        if began.0 < since && since <= now.0.saturating_add(LONGEST_WINDOW) {
            return None;
        }
        let time = (now.0.saturating_sub(began.0) / UNIT).clamp(1, LONGEST);
        // The extremes first: whoever finds the window full by the number of times finds what belongs to them.
        self.update_extremes(|extremes| extremes.with(Some(time), in_flight, 0));
        let before =
            self.times.fetch_update(Relaxed, Relaxed, |times| Times(times).plus(time)).unwrap_or_else(|full| full);
        Some(Times(before).count() + 1)
    }

    pub(super) fn add_dropped(&self, in_flight: u32) {
        self.update_extremes(|extremes| extremes.with(None, in_flight, 1));
    }

    /// Returns whether its time has passed, which begins with the first question.
    pub(super) fn is_due(&self, now: Ticks) -> bool {
        match self.due.load(Relaxed) {
            0 => {
                let due = now.0.saturating_add(SHORTEST_WINDOW).max(1);
                let _ = self.due.compare_exchange(0, due, Relaxed, Relaxed);
                false
            }
            due => now.0 >= due || has_gone_back(due, now),
        }
    }

    /// Returns whether enough calls have ended in it.
    pub(super) fn is_full(&self) -> bool {
        let dropped = Extremes(self.extremes.load(Relaxed)).dropped();
        Times(self.times.load(Relaxed)).count() + dropped >= LEAST_OUTCOMES
    }

    /// Empties it; only for the holder of the lock.
    pub(super) fn take(&self) -> Summary {
        let times = Times(self.times.swap(0, Relaxed));
        let extremes = Extremes(self.extremes.swap(Extremes::NONE.0, Relaxed));
        Summary {
            timed: times.count(),
            mean: times.mean(),
            shortest: extremes.shortest(),
            in_flight: extremes.in_flight(),
            dropped: extremes.dropped() > 0,
        }
    }

    /// Begins the next one; only for the holder of the lock.
    ///
    /// It lasts twice as long as the fastest call of the last one, within limits, so that the last step can show.
    pub(super) fn open(&self, now: Ticks, shortest: Option<u64>, probe: Option<Probe>) {
        let (lasts, since) = match probe {
            None => (shortest.unwrap_or(0).saturating_mul(2 * UNIT).clamp(SHORTEST_WINDOW, LONGEST_WINDOW), 0),
            // `as` takes what is out of range to the end of it
            Some(probe) => (((probe.lasts * UNIT as f64) as u64).clamp(1, LONGEST_WINDOW), now.0),
        };
        self.since.store(since, Relaxed);
        self.due.store(now.0.saturating_add(lasts).max(1), Relaxed);
    }

    fn update_extremes(&self, change: impl Fn(Extremes) -> Extremes) {
        let _ = self.extremes.fetch_update(Relaxed, Relaxed, |word| {
            let next = change(Extremes(word)).0;
            (next != word).then_some(next)
        });
    }
}

impl Times {
    /// None if it is full, when there are more than enough to go by.
    const fn plus(self, time: u64) -> Option<u64> {
        if self.count() == MAX_TIMED { None } else { Some(self.0 + (1 << SUM) + time) }
    }

    const fn count(self) -> u32 {
        (self.0 >> SUM) as u32
    }

    fn mean(self) -> Option<f64> {
        let sum = self.0 & ((1 << SUM) - 1);
        (self.count() > 0).then(|| sum as f64 / f64::from(self.count()))
    }
}

impl Extremes {
    const NONE: Self = Self(LONGEST << SHORTEST);

    fn with(self, time: Option<u64>, in_flight: u32, dropped: u32) -> Self {
        let shortest = time.map_or(self.0 >> SHORTEST, |time| time.min(self.0 >> SHORTEST));
        let in_flight = in_flight.max(self.in_flight()).min(MAX_IN_FLIGHT);
        let dropped = (self.dropped() + dropped).min(MAX_DROPPED);
        Self(shortest << SHORTEST | u64::from(in_flight) << IN_FLIGHT | u64::from(dropped))
    }

    fn shortest(self) -> Option<u64> {
        let shortest = self.0 >> SHORTEST;
        (shortest < LONGEST).then_some(shortest)
    }

    const fn in_flight(self) -> u32 {
        (self.0 >> IN_FLIGHT) as u32 & MAX_IN_FLIGHT
    }

    const fn dropped(self) -> u32 {
        self.0 as u32 & MAX_DROPPED
    }
}

/// Returns whether a window that is due then began at a time that the clock has not come to again, which ends it.
const fn has_gone_back(due: u64, now: Ticks) -> bool {
    due > now.0.saturating_add(2 * LONGEST_WINDOW)
}

/// Nanoseconds in a unit of time.
const UNIT: u64 = 64;
/// The longest time that counts as itself, in units: 18 minutes.
const LONGEST: u64 = (1 << 34) - 1;
const SUM: u32 = 50;
const MAX_TIMED: u32 = (1 << 14) - 1;
const SHORTEST: u32 = 30;
const IN_FLIGHT: u32 = 10;
/// More than the greatest limit there can be.
pub(super) const MAX_IN_FLIGHT: u32 = (1 << 20) - 1;
const MAX_DROPPED: u32 = (1 << 10) - 1;
const LEAST_OUTCOMES: u32 = 10;
const SHORTEST_WINDOW: u64 = nanos(Duration::from_secs(1));
const LONGEST_WINDOW: u64 = nanos(Duration::from_secs(30));
