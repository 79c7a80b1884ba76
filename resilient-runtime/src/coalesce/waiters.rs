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

    /// Takes a place.
    pub(super) fn add(&mut self, waker: Waker) -> u32 {
        self.0.push(Some(waker))
    }

    /// Leaves the waker in that place, unless it is there; the one before it is for the caller to drop.
    pub(super) fn leave_waker(&mut self, place: u32, waker: &Waker) -> Option<Waker> {
        let left = self.0.get_mut(place)?;
        if left.as_ref().is_some_and(|left| left.will_wake(waker)) {
            return None;
        }
        let before = left.replace(waker.clone());
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
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    struct Sleeper;

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_waker_is_taken_once() {
        let mut waiters = Waiters::default();
        let [first, other] = [(); 2].map(|()| Waker::from(Arc::new(Sleeper)));
        let (one, two) = (waiters.add(first.clone()), waiters.add(first.clone()));
        assert!(waiters.leave_waker(one, &first).is_none(), "it is there");
        assert!(waiters.leave_waker(two, &other).is_some_and(|before| before.will_wake(&first)));

        assert_eq!((waiters.wakers().count(), waiters.wakers().count()), (2, 0));

        assert!(waiters.leave_waker(two, &other).is_none());
        assert!(waiters.remove(one).is_none() && waiters.remove(two).is_some_and(|left| left.will_wake(&other)));
        assert_eq!((waiters.wakers().count(), waiters.len()), (0, 0));
    }
}
