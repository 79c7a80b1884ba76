//! A part of the keys, with a lock of its own.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use super::Keyed;
use super::fingerprint::{Fingerprint, Unchanged};

/// The policies of some keys. Nothing of the user's runs under the lock.
pub(super) struct Shard<P>(RwLock<Map<P>>);

type Map<P> = HashMap<Fingerprint, Entry<P>, BuildHasherDefault<Unchanged>>;

struct Entry<P> {
    policy: Arc<P>,
    /// Whether it was asked for since its last turn. A hit sets it only if it is not set, so that hits on the same key
    /// do not write to the same line.
    touched: AtomicBool,
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
        // Relaxed: it is read and reset under the write lock, which orders it.
        if !entry.touched.load(Relaxed) {
            entry.touched.store(true, Relaxed);
        }
        Some(entry.policy.clone())
    }

    /// Adds a policy. Its turn has not come before the call that it was made for has ended, so it counts as touched.
    pub(super) fn insert(&self, key: Fingerprint, policy: Arc<P>) {
        self.write().insert(key, Entry { policy, touched: AtomicBool::new(true) });
    }

    #[cfg(all(test, not(resilient_loom)))]
    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map<P>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Keyed> Shard<P> {
    /// Takes the policy of that key out, unless it was used since its last turn or is in use.
    ///
    /// One that is in use stays touched, because its use may end right after this.
    pub(super) fn take_if_idle(&self, key: Fingerprint) -> Option<Arc<P>> {
        let mut map = self.write();
        let entry = map.get_mut(&key)?;
        let was_touched = std::mem::take(entry.touched.get_mut());
        // Under the write lock nobody can begin to hold it: whoever holds it is counted already.
        if Arc::strong_count(&entry.policy) > 1 {
            *entry.touched.get_mut() = true;
            return None;
        }
        if was_touched || entry.policy.is_held_by_hand() {
            return None;
        }
        map.remove(&key).map(|entry| entry.policy)
    }
}
