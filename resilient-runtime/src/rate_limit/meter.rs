//! The meter: the atomic word of a rate limit, and the pace that it keeps to.

use super::gcra::{Demand, Early, Pace, Units};
use super::pressure::Pressure;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU32, AtomicU64};
use crate::sync::const_fn;

/// Everything that decides on a call.
///
/// Relaxed throughout: all that was ever let through is in `due`, each call moves it by a compare-and-swap, and its
/// modification order is the order of the calls. The pace beside it changes only so that a mixture of two paces lets no
/// more through than the looser one.
#[derive(Debug)]
pub(super) struct Meter {
    /// When the next call would come if all came evenly, in [`Units`].
    due: AtomicU64,
    interval: AtomicU64,
    burst: AtomicU32,
    /// The burst that somebody chose; 0 if it follows the rate.
    chosen: AtomicU32,
    pub(super) pressure: Pressure,
}

/// A call that cannot be let through yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked {
    /// When it could; [never](Units::NEVER) if it weighs more than the burst.
    pub(super) slot: Units,
    /// The burst that it weighs more than.
    pub(super) outweighed: Option<u32>,
    /// The end of the pause, if the limit is paused.
    pub(super) paused: Option<Units>,
    /// The time that each call takes up at present.
    pub(super) interval: Units,
    /// Set if nothing but the rate holds it back.
    pub(super) is_plain: bool,
    /// Set if the store of a shared limit is asked, and may have permits before the slot.
    pub(super) asks: bool,
}

/// The obstacle in the way of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Nothing but the rate, until that slot.
    Rate { slot: Units },
    /// Another, to be found by a [look](Meter::glimpse).
    Other,
}

impl Blocked {
    /// Returns whether it is as far away as a call is at the most that nothing but the rate holds back.
    pub(super) fn is_usual(self, now: Units) -> bool {
        self.is_plain && self.slot.0 <= now.0.saturating_add(self.interval.0)
    }

    /// The same with so many calls in front.
    pub(super) fn behind(self, calls: u64) -> Self {
        let ahead = self.interval.times(calls);
        Self { slot: Units(self.slot.0.saturating_add(ahead.0)), ..self }
    }
}

impl Meter {
    const_fn! {
        pub(super) fn new(pace: Pace, chosen: Option<u32>) -> Self {
            Self {
                due: AtomicU64::new(0),
                interval: AtomicU64::new(pace.interval.0),
                burst: AtomicU32::new(pace.burst),
                chosen: AtomicU32::new(match chosen {
                    Some(burst) => burst,
                    None => 0,
                }),
                pressure: Pressure::none(),
            }
        }
    }

    const_fn! {
        /// Sets the pace that it begins with.
        pub(super) fn begin_at(&mut self, pace: Pace, chosen: Option<u32>) {
            self.interval = AtomicU64::new(pace.interval.0);
            self.burst = AtomicU32::new(pace.burst);
            self.chosen = AtomicU32::new(match chosen {
                Some(burst) => burst,
                None => 0,
            });
        }
    }

    #[inline]
    pub(super) fn pace(&self) -> Pace {
        Pace { interval: Units(self.interval.load(Relaxed)), burst: self.burst.load(Relaxed) }
    }

    /// Lets so many calls through, or says when it could.
    #[inline]
    pub(super) fn admit(&self, now: Units, calls: u32) -> Result<(), Blocked> {
        self.admit_share(now, calls, 1)
    }

    /// As [`admit`](Self::admit), by one part of the rate and the burst of so many: each call takes up as much as that many.
    #[inline]
    pub(super) fn admit_share(&self, now: Units, calls: u32, parts: u32) -> Result<(), Blocked> {
        self.try_admit(now, calls, parts).map_err(|obstacle| self.blocked(obstacle, now, calls))
    }

    /// As [`admit_share`](Self::admit_share), and of a call that is held back it says no more than it has found.
    #[inline]
    pub(super) fn try_admit(&self, now: Units, calls: u32, parts: u32) -> Result<(), Obstacle> {
        let mut due = self.due.load(Relaxed);
        loop {
            let pace = self.pace();
            if calls > pace.burst {
                return Err(Obstacle::Other);
            }
            let mut interval = self.pressure.interval(pace, now, calls);
            if parts > 1 {
                interval = interval.times(u64::from(parts));
                self.pressure.extend(interval.times(u64::from(calls)));
            }
            match pace.admit(Units(due), now, Demand { calls, interval }) {
                Ok(next) if self.pressure.paused_until() <= now => {
                    match self.due.compare_exchange_weak(due, next.0, Relaxed, Relaxed) {
                        Ok(_) => return Ok(()),
                        Err(newer) => due = newer,
                    }
                }
                Err(Early { slot }) if interval == pace.interval && self.pressure.paused_until() <= now => {
                    return Err(Obstacle::Rate { slot });
                }
                _ => return Err(Obstacle::Other),
            }
        }
    }

    /// Returns whether a slot is as far away as one is at the most where only the rate holds the call back.
    #[inline]
    pub(super) fn is_usual(&self, slot: Units, now: Units) -> bool {
        slot.0 <= now.0.saturating_add(self.interval.load(Relaxed))
    }

    /// Says of an obstacle when so many calls could be let through.
    #[cold]
    pub(super) fn blocked(&self, obstacle: Obstacle, now: Units, calls: u32) -> Blocked {
        match obstacle {
            Obstacle::Rate { slot } => {
                let interval = self.pace().interval;
                Blocked { slot, outweighed: None, paused: None, interval, is_plain: true, asks: false }
            }
            Obstacle::Other => self.glimpse(now, calls),
        }
    }

    /// When so many calls could be let through; now, if that is so.
    #[cold]
    pub(super) fn glimpse(&self, now: Units, calls: u32) -> Blocked {
        let pace = self.pace();
        let interval = self.pressure.interval(pace, now, 1);
        let paused = self.pressure.paused_until();
        let outweighed = (calls > pace.burst).then_some(pace.burst);
        let slot = match pace.admit(Units(self.due.load(Relaxed)), now, Demand { calls, interval }) {
            _ if outweighed.is_some() => Units::NEVER,
            Ok(_) => now.max(paused),
            Err(Early { slot }) => slot.max(paused),
        };
        let is_paused = paused > now;
        let is_plain = !is_paused && interval == pace.interval;
        Blocked { slot, outweighed, paused: is_paused.then_some(paused), interval, is_plain, asks: false }
    }

    /// Gives so many calls back that were let through and took less than was asked for.
    ///
    /// As into a bucket: what has come back by itself does not come back twice. Nothing of a pause is given back either, since the
    /// server's word stands.
    pub(super) fn give_back(&self, now: Units, calls: u32) {
        let pace = self.pace();
        let given = pace.interval.times(u64::from(calls));
        let paused = self.pressure.paused_until();
        let floor = if paused.0 == 0 { now } else { now.max(pace.drained(paused)) };
        let _ = self.due.fetch_update(Relaxed, Relaxed, |due| {
            let earlier = Units(due).before_by(given).max(floor).0;
            (earlier < due).then_some(earlier)
        });
    }

    /// Charges so many more calls than were asked for, in debt if need be, and in none that lasts beyond `latest` with an empty bucket.
    pub(super) fn charge(&self, now: Units, calls: u32, latest: Units) {
        let pace = self.pace();
        let taken = self.pressure.interval(pace, now, calls).times(u64::from(calls));
        let most = pace.drained(latest).0;
        let charged = |due: u64| due.max(now.0).saturating_add(taken.0).min(most.max(due));
        let mut due = self.due.load(Relaxed);
        loop {
            let next = charged(due);
            self.pressure.extend(Units(next).before_by(now));
            match self.due.compare_exchange_weak(due, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(newer) => due = newer,
            }
        }
    }

    /// Returns whether something is kept that lies further ahead than it can.
    ///
    /// Every call let through keeps `due` within the slack and the calls of one request, and what a server says keeps
    /// it, and its own words, within the reach.
    pub(super) fn is_ahead_of(&self, now: Units) -> bool {
        self.is_due_ahead_of(now) || self.pressure.is_ahead_of(now)
    }

    /// Returns whether the next call is due further ahead than it can be.
    #[inline]
    pub(super) fn is_due_ahead_of(&self, now: Units) -> bool {
        let most = self.pace().all();
        self.due.load(Relaxed) > now.0.saturating_add(most.0).saturating_add(self.pressure.reach().0)
    }

    /// Starts again if the clock has gone back, and says whether it has.
    ///
    /// The clock is read after the words: whoever wrote them has seen an earlier time, unless it went back. So a
    /// thread that was held up takes nothing away.
    #[cold]
    pub(super) fn restart(&self, clock: impl Fn() -> Units) -> bool {
        let due = self.due.load(Relaxed);
        let now = clock();
        let latest = now.0.saturating_add(self.pace().all().0).saturating_add(self.pressure.reach().0);
        let restarts = due > latest && self.due.compare_exchange(due, now.0, Relaxed, Relaxed).is_ok();
        self.pressure.restart(clock) || restarts
    }

    /// Forgets all calls, and all that a server has said.
    pub(super) fn reset(&self) {
        self.due.store(0, Relaxed);
        self.pressure.reset();
    }

    #[cfg(all(test, resilient_loom))]
    pub(super) fn due(&self) -> u64 {
        self.due.load(Relaxed)
    }

    /// Returns whether something of the rate or the burst is used up, or the server holds it back.
    pub(super) fn is_in_debt(&self, now: Units) -> bool {
        self.due.load(Relaxed) > now.0 || self.pressure.interval(self.pace(), now, 1) > self.pace().interval
    }

    /// Returns whether somebody changed the rate or the burst.
    pub(super) fn is_changed(&self, pace: Pace) -> bool {
        self.pace() != pace
    }

    /// Uses up what may come at once: from `start` on, one call and then the rate.
    pub(super) fn drain(&self, start: Units) {
        self.due.fetch_max(self.pace().drained(start).0, Relaxed);
    }

    /// Uses up all but `calls` of what might come at once at that time. With none left, the next call was one interval away.
    pub(super) fn curb(&self, at: Units, calls: u64) {
        let pace = self.pace();
        let used = u64::from(pace.burst).saturating_sub(calls);
        self.due.fetch_max(at.0.saturating_add(pace.interval.times(used).0), Relaxed);
    }

    /// Sets how many calls may come at once from the next change of the rate on; `None` for as many as the rate says.
    #[cfg(feature = "config")]
    pub(super) fn choose(&self, burst: Option<u32>) {
        self.chosen.store(burst.unwrap_or(0), Relaxed);
    }

    /// The pace that a change to another rate ends with.
    pub(super) fn changed(&self, to: Pace) -> Pace {
        let chosen = self.chosen.load(Relaxed);
        let burst = if chosen == 0 { to.burst } else { chosen.min(to.longest_burst()) };
        Pace { burst, ..to }
    }

    /// Changes the rate. The caller sees to it that this happens once at a time.
    pub(super) fn change(&self, to: Pace, now: Units) {
        let from = self.pace();
        let to = self.changed(to);
        let burst = to.burst;
        // What is due after a pause counts from its end.
        let base = now.max(self.pressure.paused_until());
        let debt = from.carry(Units(self.due.load(Relaxed)), base, to).before_by(now);
        self.pressure.extend(Units(debt.0.saturating_add(to.all().0)));
        let carry = || self.due.fetch_update(Relaxed, Relaxed, |due| Some(from.carry(Units(due), base, to).0));
        // In this order, so that between the two steps less is let through and never more.
        if to.interval > from.interval {
            let _ = carry();
            self.interval.store(to.interval.0, Relaxed);
            self.burst.store(burst, Relaxed);
        } else {
            self.burst.store(burst, Relaxed);
            self.interval.store(to.interval.0, Relaxed);
            let _ = carry();
        }
    }

    /// Changes the burst. The caller sees to it that this happens once at a time.
    pub(super) fn change_burst(&self, burst: u32, now: Units) {
        let debt = Units(self.due.load(Relaxed)).before_by(now);
        self.pressure.extend(Units(debt.0.saturating_add(self.pace().all().0)));
        self.chosen.store(burst, Relaxed);
        self.burst.store(burst.min(self.pace().longest_burst()), Relaxed);
    }
}
