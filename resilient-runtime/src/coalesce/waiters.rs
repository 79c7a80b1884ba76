//! The calls that wait for one outcome, each in a place of its own.

use std::task::Waker;

use crate::line::Line;
use crate::wake::wake_all;

/// The places; those whose waker has not been used stand in line.
#[derive(Debug)]
pub(super) struct Waiters(Line<Option<Waker>>);

impl Waiters {
    /// Their number.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes a place, without a waker yet.
    pub(super) fn add(&mut self) -> u32 {
        self.0.add(None)
    }

    /// Leaves a waker; the one before it is for the caller to drop.
    pub(super) fn leave_waker(&mut self, place: u32, waker: Waker) -> Option<Waker> {
        let Some(left) = self.0.get_mut(place) else { return Some(waker) };
        let before = left.replace(waker);
        self.0.enter(place);
        before
    }

    /// Leaves the place; its waker is for the caller to drop.
    pub(super) fn remove(&mut self, place: u32) -> Option<Waker> {
        self.0.remove(place).flatten()
    }

    /// Wakes all, who then have no places any more.
    pub(super) fn wake(self) {
        wake_all(self.0.into_values().flatten());
    }

    /// Takes all wakers. Whoever has left none is about to look again.
    pub(super) fn wakers(&mut self) -> impl Iterator<Item = Waker> {
        std::iter::from_fn(|| self.0.next().map(Option::take)).flatten()
    }
}

impl Default for Waiters {
    fn default() -> Self {
        Self(Line::new())
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_waker_is_taken_once() {
        let mut waiters = Waiters::default();
        let (one, two, _three) = (waiters.add(), waiters.add(), waiters.add());
        waiters.leave_waker(one, Waker::noop().clone());
        waiters.leave_waker(two, Waker::noop().clone());
        assert!(waiters.leave_waker(two, Waker::noop().clone()).is_some());

        assert_eq!((waiters.wakers().count(), waiters.wakers().count()), (2, 0));

        waiters.leave_waker(two, Waker::noop().clone());
        assert!(waiters.remove(one).is_none() && waiters.remove(two).is_some());
        assert_eq!((waiters.wakers().count(), waiters.len()), (0, 1));
    }
}
