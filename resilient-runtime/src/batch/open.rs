//! The batches that gather, found by who may be in them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ptr;
use std::sync::{Arc, PoisonError};

use super::members::Members;
use crate::keyed::Unchanged;
use crate::sync::{Mutex, MutexGuard, const_fn};

/// The open batches, one for each group at most. Of any types, because a `static` in a generic function is shared by its
/// instances.
#[derive(Debug)]
pub(super) struct Open(Mutex<Map>);

type Map = HashMap<Group, Arc<dyn Any + Send + Sync>, BuildHasherDefault<Unchanged>>;

/// Calls that may be in one batch: those of one type of key and answer, and for which the rest is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    types: TypeId,
    same: u128,
}

impl Group {
    pub(super) fn new<K: 'static, A: 'static>(same: u128) -> Self {
        Self { types: TypeId::of::<Members<K, A>>(), same }
    }
}

/// By what is the same, which is a hash already.
impl Hash for Group {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.same as u64);
    }
}

impl Open {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())))
        }
    }

    /// The open batch of the group, which is a new one if there is none.
    pub(super) fn find<K, A>(&self, group: Group, most: usize) -> Arc<Members<K, A>>
    where
        K: Send + 'static,
        A: Send + 'static,
    {
        let found = self.lock().entry(group).or_insert_with(|| Arc::new(Members::<K, A>::new(most))).clone();
        found.downcast().expect("the types are part of the group")
    }

    /// Takes that batch out, if it is still there, because it is closed.
    pub(super) fn remove<K, A>(&self, group: Group, closed: &Arc<Members<K, A>>) {
        let mut map = self.lock();
        let is_it = map.get(&group).is_some_and(|found| ptr::addr_eq(Arc::as_ptr(found), Arc::as_ptr(closed)));
        let removed = if is_it { map.remove(&group) } else { None };
        drop(map);
        drop(removed);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Poisoned or not: nothing of the user's runs under it.
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
