//! The count window: the last outcomes, one bit each.

use crate::circuit_breaker::config::MAX_COUNT_WINDOW;
use crate::circuit_breaker::epoch::{Epoch, MAX_EPOCH};
use crate::circuit_breaker::tally::Tally;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A cursor that hands out the slots in turn, and the slots' outcomes; those of slow calls beside them.
///
/// They are counted when somebody asks, not kept in a running total: a total that two threads correct at
/// the same time drifts, and the ring's few words are only read after a failure.
#[derive(Debug)]
pub(super) struct Ring {
    cursor: AtomicU64,
    failed: Bits,
    slow: Bits,
}

/// One bit for each slot.
type Bits = [AtomicU64; WORDS];

/// The cursor's word: epoch 17 bits, outcomes recorded 11, next slot 11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    epoch: Epoch,
    filled: u32,
    slot: u32,
}

/// A word of outcomes: epoch 17 bits, and a one for each of 47 slots that was a hit: failed, or slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcomes(u64);

impl Ring {
    #[cfg(not(resilient_loom))]
    pub(super) const fn new() -> Self {
        Self {
            cursor: AtomicU64::new(0),
            failed: [const { AtomicU64::new(0) }; WORDS],
            slow: [const { AtomicU64::new(0) }; WORDS],
        }
    }

    #[cfg(resilient_loom)]
    pub(super) fn new() -> Self {
        let bits = || std::array::from_fn(|_| AtomicU64::new(0));
        Self { cursor: AtomicU64::new(0), failed: bits(), slow: bits() }
    }

    #[inline]
    pub(super) fn record(&self, calls: u32, epoch: Epoch, [failed, slow]: [bool; 2], current: impl Fn() -> bool) {
        if let Some(slot) = self.claim(calls, epoch, &current) {
            write(&self.failed, slot, epoch, failed, &current);
            write(&self.slow, slot, epoch, slow, &current);
        }
    }

    /// Forgets all outcomes. Their bits stay until the cursor comes to them again.
    pub(super) fn clear(&self) {
        // Acquire and Release as in `claim`; a call that ends meanwhile may be counted before or after.
        let _ = self
            .cursor
            .fetch_update(Release, Acquire, |word| Some(Cursor { filled: 0, slot: 0, ..Cursor::unpack(word) }.pack()));
    }

    pub(super) fn tally(&self, epoch: Epoch) -> Tally {
        // Relaxed: each word is complete in itself, and the caller's fence orders it after its own record.
        let cursor = Cursor::unpack(self.cursor.load(Relaxed));
        if cursor.epoch != epoch {
            return Tally::default();
        }
        let count = |bits: &Bits| {
            let words = bits.iter().zip((0..cursor.filled).step_by(SLOTS as usize));
            words.map(|(word, first)| Outcomes(word.load(Relaxed)).hits(epoch, cursor.filled - first)).sum()
        };
        Tally { calls: cursor.filled, failures: count(&self.failed), slow: count(&self.slow) }
    }

    #[inline]
    fn claim(&self, calls: u32, epoch: Epoch, current: impl Fn() -> bool) -> Option<u32> {
        // Acquire and Release as in the time window: whoever sees a later epoch's word sees its state in `current`.
        let mut seen = self.cursor.load(Acquire);
        while current() {
            let cursor = Cursor::unpack(seen).of(epoch);
            match self.cursor.compare_exchange_weak(seen, cursor.advanced(calls).pack(), Release, Acquire) {
                Ok(_) => return Some(cursor.slot),
                Err(newer) => seen = newer,
            }
        }
        None
    }
}

/// Nearly always a miss over a miss, which writes nothing.
#[inline]
fn write(bits: &Bits, slot: u32, epoch: Epoch, hit: bool, current: impl Fn() -> bool) {
    let word = &bits[(slot / SLOTS) as usize];
    // Acquire and Release as above.
    let mut seen = word.load(Acquire);
    while current() {
        let next = Outcomes(seen).with(slot % SLOTS, epoch, hit).0;
        if next == seen {
            break;
        }
        match word.compare_exchange_weak(seen, next, Release, Acquire) {
            Ok(_) => break,
            Err(newer) => seen = newer,
        }
    }
}

impl Cursor {
    const fn of(self, epoch: Epoch) -> Self {
        if self.epoch.0 == epoch.0 { self } else { Self { epoch, filled: 0, slot: 0 } }
    }

    const fn advanced(self, calls: u32) -> Self {
        Self {
            epoch: self.epoch,
            filled: if self.filled < calls { self.filled + 1 } else { calls },
            slot: if self.slot + 1 < calls { self.slot + 1 } else { 0 },
        }
    }

    const fn pack(self) -> u64 {
        (self.epoch.0 as u64) << SLOTS | (self.filled as u64) << FILLED | self.slot as u64
    }

    const fn unpack(word: u64) -> Self {
        Self {
            epoch: Epoch((word >> SLOTS & MAX_EPOCH as u64) as u32),
            filled: (word >> FILLED & MAX_FIELD) as u32,
            slot: (word & MAX_FIELD) as u32,
        }
    }
}

impl Outcomes {
    const fn with(self, slot: u32, epoch: Epoch, hit: bool) -> Self {
        let bit = 1 << slot;
        match (self.is_of(epoch), hit) {
            (true, true) => Self(self.0 | bit),
            (true, false) => Self(self.0 & !bit),
            (false, true) => Self((epoch.0 as u64) << SLOTS | bit),
            // What is left of another epoch holds no hit of this one.
            (false, false) => self,
        }
    }

    /// The hits in the first `filled` slots.
    fn hits(self, epoch: Epoch, filled: u32) -> u32 {
        let recorded = (1 << filled.min(SLOTS)) - 1;
        if self.is_of(epoch) { (self.0 & recorded).count_ones() } else { 0 }
    }

    const fn is_of(self, epoch: Epoch) -> bool {
        self.0 >> SLOTS == epoch.0 as u64
    }
}

/// The room of a word beside the epoch.
const SLOTS: u32 = u64::BITS - MAX_EPOCH.count_ones();
const WORDS: usize = MAX_COUNT_WINDOW.div_ceil(SLOTS) as usize;
const FILLED: u32 = 11;
const MAX_FIELD: u64 = (1 << FILLED) - 1;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::cell::Cell;
    use std::collections::VecDeque;

    use super::*;

    const FIRST: Epoch = Epoch(0);

    fn tally(ring: &Ring, epoch: Epoch) -> (u32, u32) {
        let Tally { calls, failures, .. } = ring.tally(epoch);
        (calls, failures)
    }

    #[test]
    fn holds_exactly_the_last_outcomes() {
        for calls in [1, 2, 3, 46, 47, 48, 94, 100, 1_023, 1_024] {
            let ring = Ring::new();
            let mut last = VecDeque::new();

            for n in 0..3_000_u32 {
                let failed = n.wrapping_mul(2_654_435_761) >> 30 == 0;
                let slow = n.wrapping_mul(2_246_822_519) >> 31 == 0;
                ring.record(calls, FIRST, [failed, slow], || true);
                last.push_back((failed, slow));
                if last.len() > calls as usize {
                    last.pop_front();
                }

                let failures = last.iter().filter(|(failed, _)| *failed).count();
                let slow = last.iter().filter(|(_, slow)| *slow).count();
                assert_eq!(ring.tally(FIRST).calls as usize, last.len());
                assert_eq!(ring.tally(FIRST).failures as usize, failures);
                assert_eq!(ring.tally(FIRST).slow as usize, slow);
            }
        }
    }

    #[test]
    fn later_epoch_starts_empty() {
        let ring = Ring::new();
        for _ in 0..100 {
            ring.record(100, FIRST, [true, false], || true);
        }
        let next = Epoch(3);

        assert_eq!(tally(&ring, next), (0, 0));
        ring.record(100, next, [false; 2], || true);
        assert_eq!(tally(&ring, next), (1, 0));
        ring.record(100, next, [true, false], || true);
        assert_eq!(tally(&ring, next), (2, 1));
    }

    #[test]
    fn once_forgotten_outcomes_do_not_come_back() {
        let ring = Ring::new();
        (0..100).for_each(|_| ring.record(100, FIRST, [true; 2], || true));

        ring.clear();

        assert_eq!(tally(&ring, FIRST), (0, 0));
        for calls in 1..=50 {
            ring.record(100, FIRST, [false; 2], || true);
            assert_eq!(tally(&ring, FIRST), (calls, 0));
        }
        ring.clear();
        ring.record(3, FIRST, [true; 2], || true);
        assert_eq!(tally(&ring, FIRST), (1, 1));
    }

    #[test]
    fn drops_an_outcome_whose_epoch_has_passed() {
        let ring = Ring::new();

        ring.record(10, FIRST, [true, false], || false);

        assert_eq!(tally(&ring, FIRST), (0, 0));
    }

    /// Of a thread that was held up between its look at the epoch and its write.
    #[test]
    fn outcome_that_is_written_late_is_none_of_a_later_epoch() {
        let ring = Ring::new();
        let next = Epoch(3);
        let looks = Cell::new(0);
        let held_up = || {
            looks.set(looks.get() + 1);
            // the first look is for the slot
            if looks.get() == 2 {
                ring.record(10, next, [false; 2], || true);
            }
            true
        };

        ring.record(10, FIRST, [true, false], held_up);

        assert_eq!(tally(&ring, next), (1, 0));
    }

    #[test]
    fn cursor_keeps_every_field_at_its_limits() {
        for epoch in [0, 1, MAX_EPOCH].map(Epoch) {
            for (filled, slot) in [(0, 0), (1, 0), (1_024, 1_023)] {
                let cursor = Cursor { epoch, filled, slot };
                assert_eq!(Cursor::unpack(cursor.pack()), cursor);
            }
        }
    }
}
