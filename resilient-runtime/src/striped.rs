//! Which of several cache lines a thread counts in, so that threads do not wait for each other's.

/// A value on cache lines of its own: two, since a processor may fetch the neighbour as well.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// Into how many lines a count is divided: a power of two.
#[cfg(not(resilient_loom))]
pub(crate) const STRIPES: usize = 8;
#[cfg(resilient_loom)]
pub(crate) const STRIPES: usize = 1;

/// This thread's line; threads get them in turn.
#[cfg(not(resilient_loom))]
#[inline]
pub(crate) fn stripe() -> usize {
    use std::cell::Cell;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    const UNSET: usize = usize::MAX;
    thread_local! {
        static STRIPE: Cell<usize> = const { Cell::new(UNSET) };
    }

    #[cold]
    fn next() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: only that the numbers differ matters.
        let stripe = NEXT.fetch_add(1, Relaxed) % STRIPES;
        STRIPE.set(stripe);
        stripe
    }

    match STRIPE.get() {
        UNSET => next(),
        // the mask tells the compiler that it is in range
        stripe => stripe & (STRIPES - 1),
    }
}

#[cfg(resilient_loom)]
pub(crate) fn stripe() -> usize {
    0
}
