//! The order in which policies are looked at again.

use std::collections::VecDeque;
use std::sync::Arc;

use super::shard::Seat;
use crate::clock::Ticks;

/// The seats of all policies, each once; the one whose last turn was the longest ago first.
///
/// A seat here may be one whose place in the map another of the same key has taken since. It stands for the other.
#[derive(Debug)]
pub(super) struct Turns<P> {
    queue: VecDeque<Arc<Seat<P>>>,
    /// Behind the place that was last looked at out of turn.
    hand: usize,
}

impl<P> Turns<P> {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), hand: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Gives a seat its next turn, an idle time after its last one.
    pub(super) fn add(&mut self, seat: Arc<Seat<P>>) {
        if self.queue.len() == self.queue.capacity() {
            // an eighth more, where a queue by itself would take twice as much
            self.queue.reserve_exact(self.queue.len() / 8 + 64);
        }
        self.queue.push_back(seat);
    }

    /// Takes out the first seat, if its last turn was `idle` nanoseconds ago, or at a time that the clock has gone back from.
    pub(super) fn take_due(&mut self, now: Ticks, idle: u64) -> Option<Arc<Seat<P>>> {
        let due = self.next_due(idle);
        Ticks(due).has_come(now, idle).then(|| self.queue.pop_front()).flatten()
    }

    /// The next place to look at out of turn, where there is a key at all.
    pub(super) fn next_place(&mut self) -> usize {
        let place = if self.hand < self.queue.len() { self.hand } else { 0 };
        self.hand = place + 1;
        place
    }

    pub(super) fn at(&self, place: usize) -> &Arc<Seat<P>> {
        &self.queue[place]
    }

    /// Gives another seat the turn of that place.
    pub(super) fn replace(&mut self, place: usize, seat: Arc<Seat<P>>) {
        self.queue[place] = seat;
    }

    /// When the first seat's next turn is; never, if it is too far away to be told or there is none.
    pub(super) fn next_due(&self, idle: u64) -> u64 {
        self.queue.front().map_or(u64::MAX, |seat| seat.last_turn().0.saturating_add(idle))
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;
    use crate::keyed::fingerprint;
    use crate::keyed::shard::Whose;

    #[test]
    fn there_is_little_more_room_than_seats() {
        let mut turns = Turns::new();

        for number in 0..5_000_usize {
            turns.add(Arc::new(Seat::new(fingerprint(&number), (), Whose::Shared, Ticks(0))));

            assert!(turns.queue.capacity() <= number + number / 8 + 64, "{number}: {}", turns.queue.capacity());
        }
    }
}
