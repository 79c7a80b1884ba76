//! Settings that took the place of others, kept for the life of the process, so that they can be read without a lock.

use std::sync::{Mutex, OnceLock, PoisonError};

/// All settings of one type that took the place of others: each once, with a number.
///
/// They are never dropped, since a call may read them at any time. A set of settings that comes back takes no more space.
pub(crate) struct Kept<C> {
    /// Parts of which each has twice the room of the one before, so that what is in them stays where it is.
    parts: [OnceLock<Box<[OnceLock<C>]>>; PARTS],
    /// The number of those that are kept.
    len: Mutex<u32>,
}

const PARTS: usize = 24;
/// The room of the first part.
const FIRST: u32 = 16;

impl<C: Copy + PartialEq> Kept<C> {
    pub(crate) const fn new() -> Self {
        Self { parts: [const { OnceLock::new() }; PARTS], len: Mutex::new(0) }
    }

    /// The number of these settings, from 1; they are kept from now on.
    pub(crate) fn number(&self, settings: C) -> u32 {
        let mut len = self.len.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = (1..=*len).find(|&number| self.get(number) == Some(&settings)) {
            return known;
        }
        let (part, place) = part_of(*len);
        let room = || (0..FIRST << part).map(|_| OnceLock::new()).collect();
        // the last part has room for more than a program ever changes
        let slot = &self.parts[part].get_or_init(room)[place];
        let _ = slot.set(settings);
        *len += 1;
        *len
    }

    /// The settings of that number.
    pub(crate) fn get(&self, number: u32) -> Option<&C> {
        let (part, place) = part_of(number.checked_sub(1)?);
        self.parts.get(part)?.get()?.get(place)?.get()
    }
}

/// The part that has the settings of that index, and their place in it.
const fn part_of(index: u32) -> (usize, usize) {
    let part = (index / FIRST + 1).ilog2();
    (part as usize, (index - FIRST * ((1 << part) - 1)) as usize)
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_is_kept_once_and_stays() {
        static KEPT: Kept<u32> = Kept::new();
        let first = KEPT.number(0);
        let zero = KEPT.get(first).unwrap();

        for settings in 0..1_000 {
            assert_eq!(KEPT.number(settings), settings + 1);
        }

        assert_eq!(KEPT.number(500), 501, "no second time");
        assert!((0..1_000).all(|settings| KEPT.get(settings + 1) == Some(&settings)));
        assert_eq!((KEPT.get(0), KEPT.get(1_001)), (None, None));
        assert!(std::ptr::eq(zero, KEPT.get(first).unwrap()));
    }
}
