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
        if entry.marks.load(Relaxed) != TOUCHED | AGAIN {
            entry.marks.store(TOUCHED | AGAIN, Relaxed);
        }
        Some(entry.policy.clone())
    }

    /// Adds a policy. Its turn has not come before the call that it was made for has ended, so it counts as touched.
    pub(super) fn insert(&self, key: Fingerprint, policy: Arc<P>) {
        self.write().insert(key, Entry { policy, marks: AtomicU8::new(TOUCHED) });
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
