//! Old values under keys of any type, bounded.

use std::any::{Any, TypeId};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Fallback;
use crate::clock;

/// The kept values: a map for each pair of types, because a `static` in a generic function is shared by its instances.
///
/// The user's `Clone` and `Drop` run outside the lock; its `Hash` and `Eq` cannot, and a panic there leaves
/// the map usable.
#[derive(Debug)]
pub(super) struct Kept(Mutex<Vec<(TypeId, Box<dyn Any + Send>)>>);

/// The values under keys of one type. `order` holds the key of each insertion, and may name a key more than once: only
/// its last insertion counts.
struct Map<K, T> {
    values: HashMap<K, Entry<T>>,
    order: VecDeque<(K, u64)>,
    insertions: u64,
}

struct Entry<T> {
    value: Arc<T>,
    since: Instant,
    insertion: u64,
}

impl Kept {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn insert<K, T>(&self, key: K, value: T)
    where
        K: Hash + Eq + Clone + Send + 'static,
        T: Send + Sync + 'static,
    {
        let (again, since) = (key.clone(), clock::now());
        let value = Arc::new(value);
        let _dropped_outside_the_lock = self.with(|map: &mut Map<K, T>| {
            map.insertions += 1;
            let insertion = map.insertions;
            map.order.push_back((again, insertion));
            let replaced = map.values.insert(key, Entry { value, since, insertion });
            (replaced, map.evict())
        });
    }

    pub(super) fn get<K, T>(&self, key: &K, max_age: Duration) -> Option<T>
    where
        K: Hash + Eq + Send + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let now = clock::now();
        let (value, since) = self.with(|map: &mut Map<K, T>| {
            let entry = map.values.get(key)?;
            Some((entry.value.clone(), entry.since))
        })?;
        (now.saturating_duration_since(since) <= max_age).then(|| T::clone(&value))
    }

    fn with<K, T, R>(&self, act: impl FnOnce(&mut Map<K, T>) -> R) -> R
    where
        K: Hash + Eq + Send + 'static,
        T: Send + Sync + 'static,
    {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let types = TypeId::of::<(K, T)>();
        let index = maps.iter().position(|(known, _)| *known == types).unwrap_or_else(|| {
            maps.push((types, Box::new(Map::<K, T>::new())));
            maps.len() - 1
        });
        act(maps[index].1.downcast_mut().expect("each map stands under its own types"))
    }
}

impl<K: Hash + Eq, T> Map<K, T> {
    fn new() -> Self {
        Self { values: HashMap::new(), order: VecDeque::new(), insertions: 0 }
    }

    /// Takes out what is too much, oldest first, and the insertions that no longer count; to be dropped by the caller.
    fn evict(&mut self) -> (Vec<(K, u64)>, Vec<Entry<T>>) {
        let (mut keys, mut entries) = (Vec::new(), Vec::new());
        if self.order.len() > 2 * Fallback::MOST_KEPT {
            let order = std::mem::take(&mut self.order);
            let (current, outdated) = order.into_iter().partition(|(key, insertion)| self.counts(key, *insertion));
            self.order = current;
            keys = Vec::from(outdated);
        }
        while self.values.len() > Fallback::MOST_KEPT {
            let Some((key, insertion)) = self.order.pop_front() else { break };
            if self.counts(&key, insertion) {
                entries.extend(self.values.remove(&key));
            }
            keys.push((key, insertion));
        }
        (keys, entries)
    }

    /// Whether it is the last insertion of its key.
    fn counts(&self, key: &K, insertion: u64) -> bool {
        self.values.get(key).is_some_and(|entry| entry.insertion == insertion)
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test(start_paused = true)]
    async fn keeps_the_last_value_of_each_key() {
        let kept = Kept::new();

        kept.insert("a", 1);
        kept.insert("b", 2);
        kept.insert("a", 3);

        assert_eq!(kept.get(&"a", HOUR), Some(3));
        assert_eq!(kept.get(&"b", HOUR), Some(2));
        assert_eq!(kept.get::<_, i32>(&"c", HOUR), None);
    }

    #[tokio::test(start_paused = true)]
    async fn values_of_other_types_are_others() {
        let kept = Kept::new();

        kept.insert(1_u8, "text");
        kept.insert(1_u16, 5);

        assert_eq!(kept.get(&1_u8, HOUR), Some("text"));
        assert_eq!(kept.get(&1_u16, HOUR), Some(5));
        assert_eq!(kept.get::<u16, &str>(&1, HOUR), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_good_up_to_its_age() {
        let kept = Kept::new();
        kept.insert((), 1);

        tokio::time::advance(HOUR).await;
        assert_eq!(kept.get(&(), HOUR), Some(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(kept.get::<_, i32>(&(), HOUR), None);
    }

    #[tokio::test(start_paused = true)]
    async fn refreshing_one_value_does_not_push_out_another() {
        let kept = Kept::new();
        kept.insert(1, 1);

        (0..10_000).for_each(|_| kept.insert(7, 7));

        assert_eq!(kept.get(&1, HOUR), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn many_keys_leave_only_the_last() {
        let kept = Kept::new();
        for key in 0..20_000 {
            kept.insert(key, key);
            kept.insert(7, 7);
        }

        let left = (0..20_000).filter(|key| kept.get::<i32, i32>(key, HOUR).is_some()).count();
        assert_eq!(left, Fallback::MOST_KEPT);
        assert_eq!(kept.get(&7, HOUR), Some(7), "what is refreshed stays");
        kept.with(|map: &mut Map<i32, i32>| assert!(map.order.len() <= 2 * Fallback::MOST_KEPT));
    }
}
