//! Parts of a policy that most policies never need.

#[cfg(not(resilient_loom))]
use once_cell::race::OnceBox;

/// A part that is made at its first use, so that a policy for each of many keys takes less memory: one pointer until then.
///
/// Threads that need it at the same time may each make one, and all go by the first that is in place.
#[cfg(not(resilient_loom))]
#[derive(Debug)]
pub(crate) struct Rare<T>(OnceBox<T>);

#[cfg(not(resilient_loom))]
impl<T> Rare<T> {
    /// Not made yet; `_make` is how it will be.
    pub(crate) const fn new(_make: fn() -> T) -> Self {
        Self(OnceBox::new())
    }

    /// The part, if somebody needed it.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The part, which `make` makes if nobody needed it yet.
    #[inline]
    pub(crate) fn get_or_make(&self, make: fn() -> T) -> &T {
        self.get().unwrap_or_else(|| self.make(make))
    }

    #[cold]
    fn make(&self, make: fn() -> T) -> &T {
        self.0.get_or_init(|| Box::new(make()))
    }
}

/// With loom's atomics it is always there, since a model must not wait for std's lock.
#[cfg(resilient_loom)]
#[derive(Debug)]
pub(crate) struct Rare<T>(T);

#[cfg(resilient_loom)]
impl<T> Rare<T> {
    pub(crate) fn new(make: fn() -> T) -> Self {
        Self(make())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        Some(&self.0)
    }

    pub(crate) fn get_or_make(&self, _make: fn() -> T) -> &T {
        &self.0
    }
}
