//! A part of the keys, with a lock of its own.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use super::Keyed;
use super::fingerprint::{Fingerprint, Unchanged};

/// The policies of some keys. Nothing of the user's runs under the lock.
pub(super) struct Shard<P>(RwLock<Map<P>>);

type Map<P> = HashMap<Fingerprint, Entry<P>, BuildHasherDefault<Unchanged>>;

struct Entry<P> {
    policy: Arc<P>,
    /// Set if it was [touched](TOUCHED) and asked for [again](AGAIN). A hit sets what is not set, so that hits on the same
    /// key do not write to the same line.
    marks: AtomicU8,
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
        Self(RwLock::new(HashMap::with_hasher(BuildHasherDefault::new())))
    }

    /// The policy of that key, if there is one.
    #[inline]
    pub(super) fn get(&self, key: Fingerprint) -> Option<Arc<P>> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = map.get(&key)?;
        // Relaxed: they are read and reset under the write lock, which orders them.
        let marks = entry.marks.load(Relaxed);
        if marks != TOUCHED | AGAIN {
            entry.touch(marks);
        }
        Some(entry.policy.clone())
    }

    /// As [`get`](Self::get), unless the settings of that key are out of date.
    #[inline]
    pub(super) fn get_current(&self, key: Fingerprint) -> Option<Arc<P>> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = map.get(&key)?;
        // Relaxed as above
        let marks = entry.marks.load(Relaxed);
        if marks != TOUCHED | AGAIN | OWN {
            if marks & OUTDATED != 0 {
                return None;
            }
            entry.touch(marks);
        }
        Some(entry.policy.clone())
    }

    /// Adds a policy. Its turn has not come before the call that it was made for has ended, so it counts as touched.
    pub(super) fn insert(&self, key: Fingerprint, policy: Arc<P>, whose: Whose) {
        let whose = match whose {
            Whose::Shared => 0,
            Whose::Own => OWN,
            Whose::Outdated => OWN | OUTDATED,
        };
        self.write().insert(key, Entry { policy, marks: AtomicU8::new(TOUCHED | whose) });
    }

    /// Puts a policy in the place of that key's, if the key still has one, and says whether its settings are up to date.
    #[cfg(feature = "config")]
    pub(super) fn put_current(&self, key: Fingerprint, policy: &Arc<P>, is_current: bool) {
        if let Some(entry) = self.write().get_mut(&key) {
            entry.policy = policy.clone();
            if is_current {
                *entry.marks.get_mut() &= !OUTDATED;
            }
        }
    }

    /// Has the settings that were asked for be out of date.
    #[cfg(feature = "config")]
    pub(super) fn outdate(&self) {
        for entry in self.write().values_mut() {
            let marks = entry.marks.get_mut();
            if *marks & OWN != 0 {
                *marks |= OUTDATED;
            }
        }
    }

    /// All policies, and whether their settings were asked for.
    #[cfg(feature = "config")]
    pub(super) fn all_with_marks(&self) -> Vec<(Arc<P>, bool)> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: it is set when the policy is inserted.
        map.values().map(|entry| (entry.policy.clone(), entry.marks.load(Relaxed) & OWN != 0)).collect()
    }

    #[cfg(all(test, not(resilient_loom)))]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All policies, so that the lock need not be held while they are looked at.
    pub(super) fn all(&self) -> Vec<(Fingerprint, Arc<P>)> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        map.iter().map(|(key, entry)| (*key, entry.policy.clone())).collect()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map<P>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Entry<P> {
    /// Marks it as asked for again.
    fn touch(&self, marks: u8) {
        if marks & (TOUCHED | AGAIN) != TOUCHED | AGAIN {
            // Relaxed as above
            self.marks.store(marks | TOUCHED | AGAIN, Relaxed);
        }
    }
}

impl<P: Keyed> Shard<P> {
    /// Takes the policy of that key out, unless it was used since its last turn or is in use.
    ///
    /// A policy that is in use stays touched, because its use may end right after this.
    pub(super) fn take_if_idle(&self, key: Fingerprint) -> Option<Arc<P>> {
        let mut map = self.write();
        let entry = map.get_mut(&key)?;
        let marks = entry.marks.get_mut();
        let was_touched = *marks & TOUCHED != 0;
        *marks &= !TOUCHED;
        // Under the write lock nobody can begin to hold it: whoever holds it is counted already.
        if Arc::strong_count(&entry.policy) > 1 {
            *marks |= TOUCHED;
            return None;
        }
        if was_touched || entry.policy.is_held_by_hand() {
            return None;
        }
        map.remove(&key).map(|entry| entry.policy)
    }

    /// Takes the policy of that key out if nobody would miss it: it is not in use and as new.
    pub(super) fn take_if_as_new(&self, key: Fingerprint) -> Option<Arc<P>> {
        let mut map = self.write();
        let Entry { policy, marks } = map.get_mut(&key)?;
        let again = *marks.get_mut() & AGAIN != 0;
        // Under the write lock as above.
        if Arc::strong_count(policy) > 1 || !policy.is_as_new(again) || policy.is_held_by_hand() {
            return None;
        }
        map.remove(&key).map(|entry| entry.policy)
    }
}

/// It was asked for since its last turn.
const TOUCHED: u8 = 1;
/// It was asked for after the call that it was made for.
const AGAIN: u8 = 2;
/// It has settings that were asked for.
const OWN: u8 = 4;
/// They are to be asked for again.
const OUTDATED: u8 = 8;
