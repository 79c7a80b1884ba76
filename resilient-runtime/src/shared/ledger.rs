//! The decision of a store, as plain arithmetic.

use std::time::Duration;

use super::{Ask, Lease};

/// The state of one limit in a store, and the decision on each question.
///
/// It is the reference for stores: one that keeps these numbers and decides as [`answer`](Self::answer) does keeps the promise of a shared limit. Times
/// are in whole microseconds of the store's own clock, and what a permit takes up is rounded up to them.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::shared::{Ask, Ledger};
///
/// let (interval, slack) = (Duration::from_millis(10), Duration::from_millis(40));
/// let mut ledger = Ledger::new();
///
/// // what is not known begins without a burst
/// let lease = ledger.answer(Duration::from_secs(1), &Ask::new(9, interval, slack));
/// assert_eq!(lease.granted, 1);
///
/// let lease = ledger.answer(Duration::from_secs(2), &Ask::new(9, interval, slack));
/// assert_eq!(lease.granted, 5);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// When the next call would be due.
    due: u64,
    version: u64,
    paused_until: u64,
    slowed_at: u64,
    slowdowns: u64,
    /// Nanoseconds between calls.
    spread: u64,
    spread_until: u64,
}

impl Ledger {
    /// The state of a limit that is not known.
    pub const fn new() -> Self {
        Self { due: 0, version: 0, paused_until: 0, slowed_at: 0, slowdowns: 0, spread: 0, spread_until: 0 }
    }

    /// Answers a question at that time of the store's clock.
    pub fn answer(&mut self, now: Duration, ask: &Ask) -> Lease {
        let now = micros(now);
        let slack = micros(ask.slack);
        let debt = micros(ask.debt);
        let interval = nanos(ask.interval).max(1);
        let step = |permits: u64| permits.saturating_mul(interval).div_ceil(1_000);
        let used_up = now + slack + step(1);

        if self.version < ask.seen {
            // the store has lost what a machine has seen
            *self = Self { version: ask.seen, due: used_up, ..*self };
        } else if self.version == 0 {
            self.due = now + slack;
        }
        // what lies further ahead was written before the clock was set back
        let latest = used_up + debt;
        if self.due > latest {
            self.due = used_up;
        }
        self.paused_until = self.paused_until.min(now + debt);

        self.hear(ask, (now, slack, latest), step);
        self.version += 1;
        let (granted, wait) = self.grant(ask, now, slack, interval);
        let spread_for = self.spread_until.saturating_sub(now);
        Lease {
            granted,
            wait: Duration::from_micros(wait),
            version: self.version,
            pause: Duration::from_micros(self.paused_until.saturating_sub(now)),
            slowdowns: self.slowdowns,
            spread: if spread_for == 0 {
                (Duration::ZERO, Duration::ZERO)
            } else {
                (Duration::from_nanos(self.spread), Duration::from_micros(spread_for))
            },
        }
    }

    /// Follows the words of a server.
    fn hear(&mut self, ask: &Ask, (now, slack, latest): (u64, u64, u64), step: impl Fn(u64) -> u64) {
        let owed = step(ask.owed.unsigned_abs());
        if ask.owed > 0 {
            self.due = (self.due.max(now) + owed).min(latest.max(self.due));
        } else if ask.owed < 0 {
            // nothing of a pause is given back
            let floor = if self.paused_until == 0 { now } else { now.max(self.paused_until + slack) };
            self.due = self.due.min(self.due.saturating_sub(owed).max(floor));
        }
        match ask.curbed {
            Some(0) => self.due = self.due.max(now + slack + step(1)),
            Some(left) => self.due = self.due.max((now + slack).saturating_sub(step(u64::from(left) - 1))),
            None => {}
        }
        if let Some(pause) = ask.pause {
            self.paused_until = self.paused_until.max(now + micros(pause));
            self.due = self.due.max(self.paused_until + slack);
        }
        if ask.slowed && (self.slowdowns == 0 || now >= self.slowed_at + 1_000_000 || now < self.slowed_at) {
            self.slowdowns += 1;
            self.slowed_at = now;
        }
        if let Some((interval, time)) = ask.spread {
            self.spread = nanos(interval);
            self.spread_until = if self.spread == 0 { 0 } else { now + micros(time) };
        }
    }

    /// The number of permits, and the time until the least could be had.
    fn grant(&mut self, ask: &Ask, now: u64, slack: u64, interval: u64) -> (u32, u64) {
        if ask.wanted == 0 {
            return (0, 0);
        }
        if self.paused_until > now {
            return (0, self.paused_until - now);
        }
        let base = self.due.max(now);
        let limit = now + slack;
        let room = if base > limit { 0 } else { (limit - base).saturating_mul(1_000) / interval + 1 };
        let granted = room.min(u64::from(ask.wanted));
        let least = u64::from(ask.least.clamp(1, ask.wanted));
        if granted < least {
            let slot = base + (least - 1).saturating_mul(interval).div_ceil(1_000);
            return (0, slot - limit);
        }
        self.due = base + granted.saturating_mul(interval).div_ceil(1_000);
        (granted as u32, 0)
    }
}

fn micros(time: Duration) -> u64 {
    // a few of them together are still a number
    time.as_micros().min(u128::from(u64::MAX >> 4)) as u64
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(10);
    const SLACK: Duration = Duration::from_millis(90);
    const START: Duration = Duration::from_secs(1_000);
    const EARLIER: Duration = Duration::from_secs(100);

    fn ask(wanted: u32) -> Ask {
        Ask::new(wanted, INTERVAL, SLACK)
    }

    /// A limit whose burst has come back.
    fn rested() -> Ledger {
        let mut ledger = Ledger::new();
        assert_eq!(ledger.answer(EARLIER, &ask(1)).granted, 1);
        ledger
    }

    #[test]
    fn grants_the_burst_and_then_says_when() {
        let mut ledger = rested();

        assert_eq!(ledger.answer(START, &ask(100)).granted, 10);
        let lease = ledger.answer(START, &Ask { least: 3, ..ask(3) });
        assert_eq!((lease.granted, lease.wait), (0, Duration::from_millis(30)));
        assert_eq!(ledger.answer(START + lease.wait, &Ask { least: 3, ..ask(3) }).granted, 3);
    }

    #[test]
    fn a_store_that_has_lost_a_limit_takes_it_for_used_up() {
        let mut ledger = rested();
        let seen = ledger.answer(START, &ask(10)).version;

        let mut ledger = Ledger::new();
        let lease = ledger.answer(START, &Ask { seen, ..ask(10) });

        assert_eq!((lease.granted, lease.wait), (0, INTERVAL));
        assert!(lease.version > seen);
        assert_eq!(ledger.answer(START + INTERVAL, &Ask { seen: lease.version, ..ask(10) }).granted, 1);
    }

    #[test]
    fn a_clock_that_is_set_back_costs_one_burst_and_not_more() {
        let mut ledger = rested();
        ledger.answer(START, &ask(10));

        let lease = ledger.answer(EARLIER, &ask(1));

        assert_eq!((lease.granted, lease.wait), (0, INTERVAL));
        assert_eq!(ledger.answer(EARLIER + SLACK + INTERVAL, &ask(100)).granted, 10);
    }

    #[test]
    fn a_pause_holds_for_all_and_ends_without_a_burst() {
        let mut ledger = rested();
        let pause = Duration::from_secs(2);
        ledger.answer(START, &Ask { wanted: 0, pause: Some(pause), ..ask(0) });

        let lease = ledger.answer(START + pause / 2, &ask(10));
        assert_eq!((lease.granted, lease.wait, lease.pause), (0, pause / 2, pause / 2));
        let lease = ledger.answer(START + pause, &ask(10));
        assert_eq!((lease.granted, lease.pause), (1, Duration::ZERO));
    }

    #[test]
    fn a_pause_is_not_shortened_by_what_is_given_back() {
        let pause = Duration::from_secs(2);
        let mut ledger = rested();
        ledger.answer(START, &Ask { pause: Some(pause), owed: -400, ..ask(0) });

        assert_eq!(ledger.answer(START + pause, &Ask { owed: -400, ..ask(10) }).granted, 1);
        let long_after = START + Duration::from_secs(30);
        assert_eq!(ledger.answer(long_after, &ask(10)).granted, 10);
        assert_eq!(
            ledger.answer(long_after, &Ask { owed: -4, ..ask(10) }).granted,
            4,
            "of later permits all are given back"
        );
    }

    #[test]
    fn leaves_what_a_server_says_is_left() {
        for (left, granted) in [(0, 0), (1, 1), (3, 3), (10, 10), (11, 10)] {
            let mut ledger = rested();
            let lease = ledger.answer(START, &Ask { curbed: Some(left), ..ask(10) });

            let wait = if granted == 0 { INTERVAL } else { Duration::ZERO };
            assert_eq!((lease.granted, lease.wait), (granted, wait), "{left}");
        }
    }

    #[test]
    fn a_whole_debt_is_paid_off_before_anything_is_granted() {
        let mut ledger = rested();
        ledger.answer(START, &Ask { owed: 1_000_000, ..ask(0) });

        let lease = ledger.answer(START, &ask(1));

        assert_eq!((lease.granted, lease.wait), (0, ask(1).debt + INTERVAL));
    }

    #[test]
    fn a_question_that_wants_nothing_uses_nothing_up_whatever_the_clock_does() {
        let mut ledger = rested();
        ledger.answer(START + SLACK, &ask(0));

        assert_eq!(ledger.answer(START, &ask(10)).granted, 10);
    }

    #[test]
    fn the_longest_times_are_no_trouble() {
        let longest = Duration::MAX;
        let mut ledger = rested();
        let question =
            Ask { slack: longest, interval: longest, debt: longest, pause: Some(longest), owed: i64::MAX, ..ask(1) };

        assert_eq!(ledger.answer(START, &question).granted, 0);
        assert_eq!(
            ledger.answer(START, &Ask { seen: u64::MAX - 1, spread: Some((longest, longest)), ..question }).granted,
            0
        );
    }

    #[test]
    fn slowdowns_of_one_second_are_one() {
        let mut ledger = rested();
        let slowed = |ledger: &mut Ledger, at| ledger.answer(at, &Ask { slowed: true, ..ask(0) }).slowdowns;

        assert_eq!(slowed(&mut ledger, START), 1);
        assert_eq!(slowed(&mut ledger, START), 1, "two machines at once");
        assert_eq!(slowed(&mut ledger, START + Duration::from_millis(999)), 1);
        assert_eq!(slowed(&mut ledger, START + Duration::from_secs(1)), 2);
        assert_eq!(slowed(&mut ledger, EARLIER), 3, "what lies ahead was before the clock was set back");
    }

    #[test]
    fn charges_and_returns_permits() {
        let mut ledger = rested();
        ledger.answer(START, &Ask { owed: 8, ..ask(0) });
        assert_eq!(ledger.answer(START, &ask(10)).granted, 2);
        ledger.answer(START, &Ask { owed: -4, ..ask(0) });
        assert_eq!(ledger.answer(START, &ask(10)).granted, 4);
        ledger.answer(START, &Ask { owed: -400, ..ask(0) });
        assert_eq!(ledger.answer(START, &ask(100)).granted, 10, "no more than the burst");
    }

    #[test]
    fn passes_a_quota_on_until_its_reset() {
        let mut ledger = rested();
        let spread = (Duration::from_millis(50), Duration::from_secs(4));
        ledger.answer(START, &Ask { spread: Some(spread), curbed: Some(0), ..ask(0) });

        let lease = ledger.answer(START + Duration::from_secs(1), &ask(0));
        assert_eq!(lease.spread, (spread.0, Duration::from_secs(3)));
        assert_eq!(ledger.answer(START + Duration::from_secs(4), &ask(0)).spread, Default::default());
    }
}
