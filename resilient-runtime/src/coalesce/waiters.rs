//! Those who wait for one outcome, each in a place of its own.

use std::task::Waker;

/// The places. One that is left is taken again by the next who comes, so that there are never more than were taken at once.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    places: Vec<Place>,
    /// The first of the places that are free, each of which knows the next.
    free: Option<u32>,
}

#[derive(Debug)]
enum Place {
    /// With the waker that it left, unless that has been used.
    Taken(Option<Waker>),
    Free(Option<u32>),
}

impl Waiters {
    /// Takes a place, without a waker yet.
    pub(super) fn add(&mut self) -> u32 {
        let Some(place) = self.free else {
            self.places.push(Place::Taken(None));
            return (self.places.len() - 1) as u32;
        };
        if let Place::Free(next) = std::mem::replace(&mut self.places[place as usize], Place::Taken(None)) {
            self.free = next;
        }
        place
    }

    /// Leaves a waker; the one before it is for the caller to drop.
    pub(super) fn leave_waker(&mut self, place: u32, waker: Waker) -> Option<Waker> {
        match &mut self.places[place as usize] {
            Place::Taken(left) => left.replace(waker),
            Place::Free(_) => Some(waker),
        }
    }

    /// Leaves the place; its waker is for the caller to drop.
    pub(super) fn remove(&mut self, place: u32) -> Option<Waker> {
        let left = std::mem::replace(&mut self.places[place as usize], Place::Free(self.free));
        self.free = Some(place);
        match left {
            Place::Taken(waker) => waker,
            Place::Free(_) => None,
        }
    }

    /// The first place that is taken, and its waker. Whoever has left none is about to look again.
    pub(super) fn first(&mut self) -> Option<(u32, Option<Waker>)> {
        let mut taken = self.places.iter_mut().zip(0..).filter_map(|(place, index)| match place {
            Place::Taken(waker) => Some((index, waker.take())),
            Place::Free(_) => None,
        });
        taken.next()
    }

    /// Wakes all.
    pub(super) fn wake(self) {
        for place in self.places {
            if let Place::Taken(Some(waker)) = place {
                waker.wake();
            }
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_left_is_taken_again() {
        let mut waiters = Waiters::default();
        let places = [waiters.add(), waiters.add(), waiters.add()];
        waiters.remove(places[1]);
        waiters.remove(places[0]);

        let again = [waiters.add(), waiters.add(), waiters.add()];

        assert_eq!(again, [places[0], places[1], 3]);
        assert_eq!(waiters.places.len(), 4);
    }

    #[test]
    fn the_first_that_is_taken_is_found() {
        let mut waiters = Waiters::default();
        let (first, second) = (waiters.add(), waiters.add());
        waiters.leave_waker(second, Waker::noop().clone());
        waiters.remove(first);

        assert!(matches!(waiters.first(), Some((place, Some(_))) if place == second));
        assert!(matches!(waiters.first(), Some((place, None)) if place == second), "its waker has been used");

        waiters.remove(second);
        assert!(waiters.first().is_none());
    }
}
