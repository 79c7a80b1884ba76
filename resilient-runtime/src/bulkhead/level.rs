//! The level of a bulkhead: the contents of one atomic word, and the pure functions over it.

/// The permits that there are, those in use, and the callers that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) limit: u32,
    /// More than the limit after it shrank: a debt that the next to end pay off.
    pub(super) in_use: u32,
    pub(super) waiting: u32,
}

impl Level {
    pub(super) const fn empty(limit: u32) -> Self {
        Self { limit, in_use: 0, waiting: 0 }
    }

    /// With a caller let in who has just come: nobody else may be waiting.
    #[inline]
    pub(super) const fn enter(self, weight: u32) -> Option<(Self, u32)> {
        if self.waiting == 0 { self.admit(weight) } else { None }
    }

    /// With a caller let in who has just come, and goes before all that wait.
    pub(super) const fn enter_first(self, weight: u32) -> Option<(Self, u32)> {
        self.admit(weight)
    }

    /// With the first of those who wait let in.
    pub(super) const fn enter_from_queue(self, weight: u32) -> Option<(Self, u32)> {
        match self.admit(weight) {
            Some((level, permits)) => Some((Self { waiting: level.waiting - 1, ..level }, permits)),
            None => None,
        }
    }

    /// A call that weighs more than there is takes all of it, alone.
    #[inline]
    const fn admit(self, weight: u32) -> Option<(Self, u32)> {
        let permits = if weight < self.limit { weight } else { self.limit };
        let in_use = self.in_use + permits;
        if in_use <= self.limit { Some((Self { in_use, ..self }, permits)) } else { None }
    }

    /// With a caller let in whatever the limit is, and the permits that it took.
    pub(super) const fn force(self, weight: u32) -> (Self, u32) {
        let free = MOST - self.in_use;
        let permits = if weight < free { weight } else { free };
        (Self { in_use: self.in_use + permits, ..self }, permits)
    }

    #[inline]
    pub(super) const fn pack(self) -> u64 {
        (self.limit as u64) << LIMIT | (self.in_use as u64) << IN_USE | self.waiting as u64
    }

    #[inline]
    pub(super) const fn unpack(word: u64) -> Self {
        Self {
            limit: (word >> LIMIT) as u32 & MOST,
            in_use: (word >> IN_USE) as u32 & MOST,
            waiting: word as u32 & MOST,
        }
    }
}

/// Returns what a word gains when so many permits are taken, and loses when they come back.
#[inline]
pub(super) const fn permits(permits: u32) -> u64 {
    (permits as u64) << IN_USE
}

/// The most that 21 bits can hold.
pub(super) const MOST: u32 = (1 << 21) - 1;
/// The highest limit: less than half of that, so that the permits that are in use never reach the bits beside them.
pub(super) const MOST_PERMITS: u32 = 1_000_000;
const LIMIT: u32 = 42;
const IN_USE: u32 = 21;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_field_at_its_limits() {
        for limit in [1, 7, MOST_PERMITS] {
            for in_use in [0, 1, MOST] {
                for waiting in [0, 1, MOST] {
                    let level = Level { limit, in_use, waiting };
                    assert_eq!(Level::unpack(level.pack()), level);
                }
            }
        }
    }

    #[test]
    fn lets_in_what_fits_and_nobody_past_the_queue() {
        let level = Level { limit: 4, in_use: 2, waiting: 0 };

        assert_eq!(level.enter(2), Some((Level { in_use: 4, ..level }, 2)));
        assert_eq!(level.enter(3), None);
        assert_eq!(Level { waiting: 1, ..level }.enter(1), None);
        let from_queue = Level { waiting: 2, ..level }.enter_from_queue(1);
        assert_eq!(from_queue, Some((Level { in_use: 3, waiting: 1, ..level }, 1)));
    }

    #[test]
    fn taking_permits_is_one_addition() {
        for (limit, in_use, weight) in [(1, 0, 1), (MOST_PERMITS, MOST_PERMITS - 7, 7), (4, 0, u32::MAX)] {
            let level = Level { limit, in_use, waiting: 0 };
            let (next, taken) = level.enter(weight).unwrap();

            assert_eq!(next.pack(), level.pack() + permits(taken));
        }
    }

    #[test]
    fn what_weighs_more_than_there_is_goes_alone() {
        let level = Level::empty(4);

        assert_eq!(level.enter(u32::MAX), Some((Level { in_use: 4, ..level }, 4)));
        assert_eq!(Level { in_use: 1, ..level }.enter(5), None);
    }

    #[test]
    fn debt_lets_nobody_in() {
        let level = Level { limit: 2, in_use: 5, waiting: 0 };

        assert_eq!(level.enter(1), None);
        assert_eq!(Level { in_use: 1, ..level }.enter(1), Some((Level { in_use: 2, ..level }, 1)));
    }

    #[test]
    fn force_never_runs_over() {
        let level = Level { limit: 2, in_use: MOST - 1, waiting: 0 };

        assert_eq!(level.force(u32::MAX), (Level { in_use: MOST, ..level }, 1));
        assert_eq!(level.force(1).0.force(1).1, 0);
    }
}
