//! Which bulkheads the running future is inside of, so that a call does not wait for a permit that it holds itself.

use std::cell::RefCell;

thread_local! {
    /// The addresses of the bulkheads, outermost first.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether what runs now is inside the bulkhead of that address.
pub(super) fn is_inside(bulkhead: usize) -> bool {
    INSIDE.with_borrow(|inside| inside.contains(&bulkhead))
}

/// Runs it inside the bulkhead of that address.
#[inline]
pub(super) fn within<R>(bulkhead: usize, run: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.with_borrow_mut(Vec::pop);
        }
    }

    INSIDE.with_borrow_mut(|inside| inside.push(bulkhead));
    let _leave = Leave;
    run()
}
