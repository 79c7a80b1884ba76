//! Which bulkheads the running future is inside of, so that a call does not wait for a permit that it holds itself.

use std::cell::RefCell;

thread_local! {
    /// The addresses of the bulkheads, outermost first.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether what runs now is inside the bulkhead of that address.
pub(super) fn is_inside(bulkhead: usize) -> bool {
    INSIDE.try_with(|inside| inside.borrow().contains(&bulkhead)).unwrap_or(false)
}

/// Runs it inside the bulkhead of that address.
#[inline]
pub(super) fn within<R>(bulkhead: usize, run: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = INSIDE.try_with(|inside| inside.borrow_mut().pop());
        }
    }

    // A future can be polled by a destructor while its thread ends, when the list is gone: what is inside is not known then.
    let _ = INSIDE.try_with(|inside| inside.borrow_mut().push(bulkhead));
    let _leave = Leave;
    run()
}
