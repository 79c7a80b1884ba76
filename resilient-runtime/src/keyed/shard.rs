//! A part of the keys, with a lock of its own.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use super::Keyed;
use super::fingerprint::{Fingerprint, Unchanged};
use crate::clock::Ticks;

/// The policies of some keys. Nothing of the user's runs under the lock.
pub(super) struct Shard<P>(RwLock<Map<P>>);

/// It finds a seat by the key that the seat itself holds, so that an entry is one pointer.
type Map<P> = HashSet<Entry<P>, BuildHasherDefault<Unchanged>>;

struct Entry<P>(Arc<Seat<P>>);

/// The policy of a key, in one allocation with all that is known of the key.
pub(super) struct Seat<P> {
    key: Fingerprint,
    /// When it last had its turn, to 16 ns, and in the last bits whether it was [touched](TOUCHED), asked for [again](AGAIN) and so on.
    ///
    /// A hit sets the marks that are not set, so that hits on the same key do not write to the same line. Relaxed throughout: hits are under the
    /// read lock, and nothing but them changes the word without the write lock, which orders the two.
    turn: AtomicU64,
    policy: P,
}

/// The end of a turn.
pub(super) enum Turn<P> {
    Forgotten(Arc<Seat<P>>),
    /// It has another, an idle time later.
    Stays(Arc<Seat<P>>),
}

/// The owner of the settings that a policy goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// All keys have them.
    Shared,
    /// They were asked for.
    Own,
    /// They were asked for, and are to be asked for again.
    Outdated,
}

impl<P> Shard<P> {
    pub(super) const fn new() -> Self {
        Self(RwLock::new(HashSet::with_hasher(BuildHasherDefault::new())))
    }

    /// The policy of that key, if there is one.
    #[inline]
    pub(super) fn get(&self, key: Fingerprint) -> Option<Arc<Seat<P>>> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Entry(seat) = map.get(&key)?;
        let turn = seat.turn.load(Relaxed);
        if turn & MARKS != HIT {
            seat.touch(turn);
        }
        Some(seat.clone())
    }

    /// As [`get`](Self::get), unless the settings of that key are out of date.
    #[inline]
    pub(super) fn get_current(&self, key: Fingerprint) -> Option<Arc<Seat<P>>> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Entry(seat) = map.get(&key)?;
        let turn = seat.turn.load(Relaxed);
        if turn & MARKS != HIT | OWN {
            if turn & OUTDATED != 0 {
                return None;
            }
            seat.touch(turn);
        }
        Some(seat.clone())
    }

    pub(super) fn insert(&self, seat: Arc<Seat<P>>) {
        self.write().insert(Entry(seat));
    }

    /// Puts a seat in the place of that of the same key, if the key still has one, and says whether its settings are up to date.
    #[cfg(feature = "config")]
    pub(super) fn put_current(&self, seat: &Arc<Seat<P>>, is_current: bool) {
        let mut map = self.write();
        let Some(Entry(old)) = map.get(&seat.key) else { return };
        let turn = old.turn.load(Relaxed);
        seat.turn.store(if is_current { turn & !OUTDATED } else { turn }, Relaxed);
        if !Arc::ptr_eq(old, seat) {
            map.replace(Entry(seat.clone()));
        }
    }

    /// Has the settings that were asked for be out of date.
    #[cfg(feature = "config")]
    pub(super) fn outdate(&self) {
        for Entry(seat) in &*self.write() {
            let turn = seat.turn.load(Relaxed);
            if turn & OWN != 0 {
                seat.turn.store(turn | OUTDATED, Relaxed);
            }
        }
    }

    #[cfg(all(test, not(resilient_loom)))]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All policies, so that the lock need not be held while they are looked at.
    pub(super) fn all(&self) -> Vec<Arc<Seat<P>>> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        map.iter().map(|Entry(seat)| seat.clone()).collect()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map<P>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Keyed> Shard<P> {
    /// Has the turn of a seat: takes out the policy of its key, unless that was used since its last turn or is in use.
    ///
    /// A policy that is in use stays touched, because its use may end right after this.
    pub(super) fn turn(&self, queued: Arc<Seat<P>>, Ticks(now): Ticks) -> Turn<P> {
        let mut map = self.write();
        let Some(Entry(seat)) = map.get(&queued.key) else { return Turn::Forgotten(queued) };
        let (marks, is_in_use) = (seat.turn.load(Relaxed) & MARKS, seat.is_in_use(&queued));
        let left = if is_in_use { marks | TOUCHED } else { marks & !TOUCHED };
        seat.turn.store(now & !MARKS | left, Relaxed);
        if is_in_use || marks & TOUCHED != 0 || seat.is_held_by_hand() {
            return Turn::Stays(seat.clone());
        }
        let taken = map.take(&queued.key);
        Turn::Forgotten(taken.map_or(queued, |Entry(seat)| seat))
    }

    /// Takes the policy of a seat's key out if nobody would miss it: it is not in use and as new.
    pub(super) fn take_if_as_new(&self, queued: &Arc<Seat<P>>) -> Option<Arc<Seat<P>>> {
        let mut map = self.write();
        let Entry(seat) = map.get(&queued.key)?;
        let again = seat.turn.load(Relaxed) & AGAIN != 0;
        if seat.is_in_use(queued) || !seat.is_as_new(again) || seat.is_held_by_hand() {
            return None;
        }
        map.take(&queued.key).map(|Entry(seat)| seat)
    }
}

impl<P> Seat<P> {
    /// A seat whose last turn was at that time. Its next has not come before the call that it was made for has ended, and so it counts as
    /// touched.
    pub(super) const fn new(key: Fingerprint, policy: P, whose: Whose, Ticks(last): Ticks) -> Self {
        let whose = match whose {
            Whose::Shared => 0,
            Whose::Own => OWN,
            Whose::Outdated => OWN | OUTDATED,
        };
        Self { key, turn: AtomicU64::new(last & !MARKS | TOUCHED | whose), policy }
    }

    pub(super) const fn fingerprint(&self) -> Fingerprint {
        self.key
    }

    pub(super) fn last_turn(&self) -> Ticks {
        Ticks(self.turn.load(Relaxed) & !MARKS)
    }

    /// Returns whether its settings were asked for.
    #[cfg(feature = "config")]
    pub(super) fn was_asked_for(&self) -> bool {
        self.turn.load(Relaxed) & OWN != 0
    }

    /// Returns whether others hold it than the map and its place among the turns. Under the write lock nobody can begin to.
    fn is_in_use(self: &Arc<Self>, queued: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1 + usize::from(Arc::ptr_eq(self, queued))
    }

    /// Marks it as asked for again.
    fn touch(&self, turn: u64) {
        if turn & HIT != HIT {
            self.turn.store(turn | HIT, Relaxed);
        }
    }
}

impl<P> Deref for Seat<P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        &self.policy
    }
}

impl<P: fmt::Debug> fmt::Debug for Seat<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.fmt(f)
    }
}

impl<P> Borrow<Fingerprint> for Entry<P> {
    fn borrow(&self) -> &Fingerprint {
        &self.0.key
    }
}

impl<P> Hash for Entry<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl<P> PartialEq for Entry<P> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl<P> Eq for Entry<P> {}

/// It was asked for since its last turn.
const TOUCHED: u64 = 1;
/// It was asked for after the call that it was made for.
const AGAIN: u64 = 2;
/// The marks that a hit sets.
const HIT: u64 = TOUCHED | AGAIN;
/// It has settings that were asked for.
const OWN: u64 = 4;
/// They are to be asked for again.
const OUTDATED: u64 = 8;
const MARKS: u64 = TOUCHED | AGAIN | OWN | OUTDATED;
