//! Old values under keys of any type, bounded.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Fallback;
use crate::clock;
use crate::keyed::Unchanged;
use crate::keyed::fingerprint::Fingerprint;
use crate::line::Line;

/// The kept values: a map for each type, because a `static` in a generic function is shared by its instances.
///
/// Nothing of the user's runs under the lock: a key was hashed before, and values are cloned before and dropped after.
#[derive(Debug)]
pub(super) struct Kept(Mutex<Vec<(TypeId, Box<dyn Any + Send>)>>);

/// Key of a kept value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) key: Fingerprint,
    /// A type that has those of a generic function in it.
    pub(super) instance: TypeId,
}

/// The values of one type. All stand in line, the one that was kept longest ago first.
struct Map<T> {
    places: HashMap<Identity, u32, BuildHasherDefault<Unchanged>>,
    values: Line<Old<T>>,
}

struct Old<T> {
    identity: Identity,
    value: Arc<T>,
    /// When the call began that it is from.
    began: Instant,
    since: Instant,
}

impl Kept {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Keeps the value, unless there is one from a call that began later.
    pub(super) fn insert<T: Send + Sync + 'static>(&self, identity: Identity, began: Instant, value: T) {
        let old = Old { identity, value: Arc::new(value), began, since: clock::now() };
        let _dropped_outside_the_lock = self.with(|map: &mut Map<T>| map.insert(old));
    }

    pub(super) fn get<T>(&self, identity: Identity, max_age: Duration) -> Option<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        let now = clock::now();
        let (value, since) = self.with(|map: &mut Map<T>| {
            let old = map.values.get_mut(*map.places.get(&identity)?)?;
            Some((old.value.clone(), old.since))
        })?;
        (now.saturating_duration_since(since) <= max_age).then(|| T::clone(&value))
    }

    /// Forgets all values.
    pub(super) fn clear(&self) {
        let _dropped_outside_the_lock = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn with<T: Send + Sync + 'static, R>(&self, act: impl FnOnce(&mut Map<T>) -> R) -> R {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_values = TypeId::of::<T>();
        let index = maps.iter().position(|(known, _)| *known == of_values).unwrap_or_else(|| {
            maps.push((of_values, Box::new(Map::<T>::new())));
            maps.len() - 1
        });
        act(maps[index].1.downcast_mut().expect("each map stands under its own type"))
    }
}

impl<T> Map<T> {
    fn new() -> Self {
        Self { places: HashMap::default(), values: Line::new() }
    }

    /// Returns what has no place: the value before, the one of the key that was kept longest ago, or the new one.
    fn insert(&mut self, old: Old<T>) -> Option<Old<T>> {
        let place = match self.places.entry(old.identity) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                place.insert(self.values.push(old));
                return self.evict();
            }
        };
        let kept = self.values.get_mut(place).expect("the map and the line have the same values");
        if kept.began > old.began {
            return Some(old);
        }
        let before = std::mem::replace(kept, old);
        self.values.step_out(place);
        self.values.enter(place);
        Some(before)
    }

    fn evict(&mut self) -> Option<Old<T>> {
        if self.values.len() <= Fallback::MOST_KEPT {
            return None;
        }
        let oldest = self.values.remove(self.values.first()?)?;
        self.places.remove(&oldest.identity);
        Some(oldest)
    }
}

/// By the key, which is a hash already.
impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;
    use crate::keyed::fingerprint::fingerprint;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn identity<K: Hash>(key: K) -> Identity {
        Identity { key: fingerprint(&key), instance: TypeId::of::<()>() }
    }

    fn insert<K: Hash, T: Send + Sync + 'static>(kept: &Kept, key: K, value: T) {
        kept.insert(identity(key), clock::now(), value);
    }

    fn get<T: Clone + Send + Sync + 'static>(kept: &Kept, key: impl Hash) -> Option<T> {
        kept.get(identity(key), HOUR)
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_last_value_of_each_key() {
        let kept = Kept::new();

        insert(&kept, "a", 1);
        insert(&kept, "b", 2);
        insert(&kept, "a", 3);

        assert_eq!(get(&kept, "a"), Some(3));
        assert_eq!(get(&kept, "b"), Some(2));
        assert_eq!(get::<i32>(&kept, "c"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn values_of_other_types_and_instances_are_others() {
        let kept = Kept::new();
        let of_text = Identity { instance: TypeId::of::<String>(), ..identity(1) };

        insert(&kept, 1, "text");
        insert(&kept, 1, 5);
        kept.insert(of_text, clock::now(), 7);

        assert_eq!(get(&kept, 1), Some("text"));
        assert_eq!(get(&kept, 1), Some(5));
        assert_eq!(kept.get(of_text, HOUR), Some(7));
        assert_eq!(get::<u64>(&kept, 1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_good_up_to_its_age() {
        let kept = Kept::new();
        insert(&kept, (), 1);

        tokio::time::advance(HOUR).await;
        assert_eq!(get(&kept, ()), Some(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(get::<i32>(&kept, ()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_began_earlier_replaces_no_value() {
        let kept = Kept::new();
        let early = clock::now();
        tokio::time::advance(HOUR).await;
        insert(&kept, (), 2);

        kept.insert(identity(()), early, 1);

        assert_eq!(get(&kept, ()), Some(2));
        insert(&kept, (), 3);
        assert_eq!(get(&kept, ()), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn refreshing_one_value_does_not_push_out_another() {
        let kept = Kept::new();
        insert(&kept, 1, 1);

        (0..10_000).for_each(|_| insert(&kept, 7, 7));

        assert_eq!(get(&kept, 1), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn many_keys_leave_only_the_last() {
        let kept = Kept::new();
        for key in 0..20_000 {
            insert(&kept, key, key);
            insert(&kept, 7, 7);
        }

        let left = (0..20_000).filter(|key| get::<i32>(&kept, key).is_some()).count();
        assert_eq!(left, Fallback::MOST_KEPT);
        assert_eq!(get(&kept, 7), Some(7), "what is refreshed stays");
        assert!(get::<i32>(&kept, 19_001).is_some() && get::<i32>(&kept, 19_000).is_none());
        kept.with(|map: &mut Map<i32>| assert_eq!((map.places.len(), map.values.len()), (1_000, 1_000)));
    }
}
