//! Which calls may be in one batch.

use std::future::Future;
use std::hash::Hash;
use std::ptr;

use super::{Batch, BatchFuture, BatchKey, BatchOutcome};
use crate::keyed::fingerprint;

/// The calls of one [`Batch`] that have something in common, such as the object that they are a method of.
///
/// Only they share a batch. What [`Batch::of`] and [`Batch::by`] return.
#[derive(Debug, Clone, Copy)]
#[must_use = "a group does nothing until `run`"]
pub struct BatchGroup<'a> {
    batch: &'a Batch,
    /// A hash under secrets of the process of all that they have in common, or 0.
    same: u128,
}

impl<'a> BatchGroup<'a> {
    pub(super) const fn all(batch: &'a Batch) -> Self {
        Self { batch, same: 0 }
    }

    /// Of them, those with this very object: the same type, at the same place in memory, of the same length if it is a slice or a string.
    ///
    /// The caller must go on borrowing it until its future has ended, so that nothing else can come to be at that place. Objects
    /// without a size are the same if their types are, behind a `&dyn Trait` too.
    pub fn of<T: ?Sized>(self, object: &T) -> Self {
        let place = ptr::from_ref(object);
        // the hash of a pointer is that of its length or its type's methods as well
        let place = if size_of_val(object) > 0 { place } else { place.with_addr(0) };
        self.and(&(typeid::of::<T>(), place))
    }

    /// Of them, those with an equal value. It is known by its hash, of 128 bits.
    pub fn by<T: Hash + ?Sized>(self, value: &T) -> Self {
        self.and(&(1_u8, value))
    }

    /// Of them, those with the same type, for a function that is generic over it.
    pub fn typed<T: ?Sized>(self) -> Self {
        self.and(&(2_u8, typeid::of::<T>()))
    }

    /// As [`Batch::run`].
    #[inline]
    pub fn run<K, L, F>(self, key: K, load: L) -> BatchFuture<'a, K, L, F, <F::Output as BatchOutcome<K>>::One>
    where
        K: BatchKey,
        L: FnOnce(Vec<K>) -> F,
        F: Future<Output: BatchOutcome<K, One: Send + 'static>>,
    {
        BatchFuture::new(self.batch, self.same, key, load)
    }

    fn and(self, what: &impl Hash) -> Self {
        Self { same: fingerprint(&(self.same, what)).whole(), ..self }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn objects_without_a_size_are_the_same_wherever_they_are() {
        struct Client;
        static LOAD: Batch = Batch::named("load");
        let (one, other) = ((Client, 1_u8), (Client, 2_u8));

        assert_eq!(LOAD.of(&one.0).same, LOAD.of(&other.0).same);
        assert_ne!(LOAD.of(&one.1).same, LOAD.of(&other.1).same);
        assert_eq!(LOAD.of(&one.1).same, LOAD.of(&one.1).same);
    }
}
