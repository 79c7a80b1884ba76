//! A line of waiters that each can leave from any place in constant time.

use slab::Slab;

/// Entries that each keep their place until they are removed, and of which some stand in a line.
///
/// Every method takes constant time, except those that say otherwise. A place that was left is given to an entry that is
/// added later, so whoever keeps a place must know whether its entry is still there.
#[derive(Debug)]
pub(crate) struct Line<T> {
    entries: Slab<Entry<T>>,
    first: u32,
    last: u32,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    /// The neighbours in the line, or `NOBODY`; both are `OUTSIDE` if it does not stand there.
    before: u32,
    behind: u32,
}

impl<T> Line<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Slab::new(), first: NOBODY, last: NOBODY }
    }

    /// Number of entries, in the line or not.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an entry, which does not stand in the line yet.
    pub(crate) fn add(&mut self, value: T) -> u32 {
        self.entries.insert(Entry { value, before: OUTSIDE, behind: OUTSIDE }) as u32
    }

    /// Adds an entry at the end of the line.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let place = self.add(value);
        self.enter(place);
        place
    }

    /// Puts an entry at the end of the line, unless it stands there already.
    pub(crate) fn enter(&mut self, place: u32) {
        let last = self.last;
        let entry = self.entry(place);
        if entry.before != OUTSIDE {
            return;
        }
        (entry.before, entry.behind) = (last, NOBODY);
        *self.behind(last) = place;
        self.last = place;
    }

    /// Takes an entry out of the line, if it stands there; it keeps its place.
    pub(crate) fn step_out(&mut self, place: u32) {
        let entry = self.entry(place);
        let (before, behind) = (entry.before, entry.behind);
        if before == OUTSIDE {
            return;
        }
        (entry.before, entry.behind) = (OUTSIDE, OUTSIDE);
        *self.behind(before) = behind;
        *self.before(behind) = before;
    }

    /// Removes an entry, if it is there.
    pub(crate) fn remove(&mut self, place: u32) -> Option<T> {
        if !self.entries.contains(place as usize) {
            return None;
        }
        self.step_out(place);
        Some(self.entries.remove(place as usize).value)
    }

    /// The entry at that place, if it is there.
    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.entries.get_mut(place as usize).map(|entry| &mut entry.value)
    }

    /// The place of the first in the line.
    pub(crate) const fn first(&self) -> Option<u32> {
        if self.first == NOBODY { None } else { Some(self.first) }
    }

    /// The place of the last in the line.
    pub(crate) const fn last(&self) -> Option<u32> {
        if self.last == NOBODY { None } else { Some(self.last) }
    }

    /// The first in the line, which is taken out of it and keeps its place.
    pub(crate) fn next(&mut self) -> Option<&mut T> {
        let first = self.first()?;
        self.step_out(first);
        self.get_mut(first)
    }

    /// All entries with their places, in the order of those; takes time for each place that was ever taken at once.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.entries.iter_mut().map(|(place, entry)| (place as u32, &mut entry.value))
    }

    /// All entries, in the order of their places.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.entries.into_iter().map(|(_, entry)| entry.value)
    }

    fn entry(&mut self, place: u32) -> &mut Entry<T> {
        #[cfg(test)]
        steps::count();
        &mut self.entries[place as usize]
    }

    /// Link that says which entry stands behind that one, or first.
    fn behind(&mut self, place: u32) -> &mut u32 {
        if place == NOBODY { &mut self.first } else { &mut self.entry(place).behind }
    }

    /// Link that says which entry stands before that one, or last.
    fn before(&mut self, place: u32) -> &mut u32 {
        if place == NOBODY { &mut self.last } else { &mut self.entry(place).before }
    }
}

/// No place: there are never so many entries.
const NOBODY: u32 = u32::MAX;
const OUTSIDE: u32 = u32::MAX - 1;

/// Number of entries looked at, by which tests tell linear work from quadratic.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) fn count() {
        STEPS.set(STEPS.get() + 1);
    }

    /// Returns the waiters of this thread while it acts.
    #[cfg(not(resilient_loom))]
    pub(crate) fn of(act: impl FnOnce()) -> u64 {
        let before = STEPS.get();
        act();
        STEPS.get() - before
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Action {
        Push,
        Add,
        Enter(usize),
        StepOut(usize),
        Remove(usize),
        Next,
        RemoveLast,
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            3 => Just(Action::Push),
            1 => Just(Action::Add),
            1 => any::<usize>().prop_map(Action::Enter),
            1 => any::<usize>().prop_map(Action::StepOut),
            2 => any::<usize>().prop_map(Action::Remove),
            1 => Just(Action::Next),
            1 => Just(Action::RemoveLast),
        ]
    }

    proptest! {
        #[test]
        fn is_a_queue_that_each_can_leave(actions in prop::collection::vec(action(), 1..200)) {
            let mut line = Line::new();
            // number and place of each entry; the numbers of those in line
            let (mut entries, mut expected) = (Vec::<(usize, u32)>::new(), VecDeque::new());
            for (number, action) in actions.into_iter().enumerate() {
                let chosen = |choice: usize| (!entries.is_empty()).then(|| choice % entries.len());
                match action {
                    Action::Push => {
                        entries.push((number, line.push(number)));
                        expected.push_back(number);
                    }
                    Action::Add => entries.push((number, line.add(number))),
                    Action::Enter(choice) => if let Some(index) = chosen(choice) {
                        line.enter(entries[index].1);
                        if !expected.contains(&entries[index].0) {
                            expected.push_back(entries[index].0);
                        }
                    },
                    Action::StepOut(choice) => if let Some(index) = chosen(choice) {
                        line.step_out(entries[index].1);
                        expected.retain(|number| *number != entries[index].0);
                    },
                    Action::Remove(choice) => if let Some(index) = chosen(choice) {
                        let (number, place) = entries.swap_remove(index);
                        prop_assert_eq!(line.remove(place), Some(number));
                        prop_assert_eq!(line.remove(place), None);
                        expected.retain(|other| *other != number);
                    },
                    Action::Next => prop_assert_eq!(line.next().copied(), expected.pop_front()),
                    Action::RemoveLast => {
                        let last = line.last().and_then(|place| line.remove(place));
                        prop_assert_eq!(last, expected.pop_back());
                        entries.retain(|(number, _)| Some(*number) != last);
                    }
                }
                prop_assert_eq!(line.len(), entries.len());
                prop_assert_eq!(line.iter_mut().count(), entries.len());
                let first = line.first().and_then(|place| line.get_mut(place).copied());
                prop_assert_eq!(first.as_ref(), expected.front());
            }
            let rest: VecDeque<_> = std::iter::from_fn(|| line.next().copied()).collect();
            prop_assert_eq!(rest, expected);
        }
    }

    #[test]
    fn a_place_that_was_left_is_taken_again() {
        let mut line = Line::new();
        let places = [line.push(1), line.push(2), line.push(3)];
        line.remove(places[1]);

        assert_eq!((line.push(4), line.push(5)), (places[1], 3));
    }
}
