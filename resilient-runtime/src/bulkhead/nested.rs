//! Which bulkheads the running future is inside of, so that a call does not wait for a permit that it holds itself.

use std::cell::{Cell, RefCell};

thread_local! {
    /// The address of the innermost bulkhead, or `NONE`. Most calls are inside no other, and come and go with this alone.
    static INNERMOST: Cell<usize> = const { Cell::new(NONE) };
    /// The addresses of those around it, outermost first.
    static AROUND: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Whether what runs now is inside the bulkhead of that address.
pub(super) fn is_inside(bulkhead: usize) -> bool {
    // A future can be polled by a destructor while its thread ends, when the list is gone: it counts as empty then.
    INNERMOST.get() == bulkhead || AROUND.try_with(|around| around.borrow().contains(&bulkhead)).unwrap_or(false)
}

/// Runs it inside the bulkhead of that address.
#[inline]
pub(super) fn within<R>(bulkhead: usize, run: impl FnOnce() -> R) -> R {
    struct Leave {
        outer: usize,
    }
    impl Drop for Leave {
        #[inline]
        fn drop(&mut self) {
            INNERMOST.set(self.outer);
            if self.outer != NONE {
                uncover();
            }
        }
    }

    let outer = INNERMOST.replace(bulkhead);
    if outer != NONE {
        cover(outer);
    }
    let _leave = Leave { outer };
    run()
}

#[cold]
fn cover(outer: usize) {
    let _ = AROUND.try_with(|around| around.borrow_mut().push(outer));
}

#[cold]
fn uncover() {
    let _ = AROUND.try_with(|around| around.borrow_mut().pop());
}

/// No bulkhead's address.
const NONE: usize = 0;
