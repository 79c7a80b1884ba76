//! The order in which policies are looked at again.

use std::collections::VecDeque;

use super::fingerprint::Fingerprint;
use crate::clock::Ticks;

/// The keys of all policies, each once, with the time of its last turn; the longest ago first.
#[derive(Debug)]
pub(super) struct Turns {
    queue: VecDeque<(Fingerprint, Ticks)>,
    /// Behind the place that was last looked at out of turn.
    hand: usize,
}

impl Turns {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), hand: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Gives a key its turn, the next of which comes an idle time after `now`.
    pub(super) fn add(&mut self, key: Fingerprint, now: Ticks) {
        self.queue.push_back((key, now));
    }

    /// Takes out the first key, if its last turn was `idle` nanoseconds ago, or at a time that the clock has gone back from.
    pub(super) fn take_due(&mut self, now: Ticks, idle: u64) -> Option<Fingerprint> {
        let due = self.next_due(idle);
        Ticks(due).has_come(now, idle).then(|| self.queue.pop_front()).flatten().map(|(key, _)| key)
    }

    /// The next place to look at out of turn; none if there is no key.
    pub(super) fn next_place(&mut self) -> Option<usize> {
        let place = if self.hand < self.queue.len() { self.hand } else { 0 };
        self.hand = place + 1;
        (place < self.queue.len()).then_some(place)
    }

    pub(super) fn key_at(&self, place: usize) -> Fingerprint {
        self.queue[place].0
    }

    /// Gives another key the turn of that place.
    pub(super) fn replace(&mut self, place: usize, key: Fingerprint) {
        self.queue[place].0 = key;
    }

    /// When the first key's next turn is; never, if it is too far away to be told or there is none.
    pub(super) fn next_due(&self, idle: u64) -> u64 {
        self.queue.front().map_or(u64::MAX, |(_, last)| last.0.saturating_add(idle))
    }
}
