//! The calls around the running future, so that none waits for a permit that it holds itself.

use std::cell::{Cell, RefCell};

thread_local! {
    /// The mark of the innermost, or `NONE`. Most calls are inside no other, and come and go with this alone.
    static INNERMOST: Cell<usize> = const { Cell::new(NONE) };
    /// The marks of those around it, outermost first.
    static AROUND: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Returns whether what runs now is inside what has that mark: a bulkhead's address, or the hash of a coalesced key.
#[inline]
pub(crate) fn is_inside(mark: usize) -> bool {
    let innermost = INNERMOST.get();
    innermost != NONE && (innermost == mark || is_further_out(mark))
}

#[cold]
fn is_further_out(mark: usize) -> bool {
    // A future can be polled by a destructor while its thread ends, when the list is gone: it counts as empty then.
    AROUND.try_with(|around| around.borrow().contains(&mark)).unwrap_or(false)
}

/// Runs it inside what has that mark.
#[inline]
pub(crate) fn within<R>(mark: usize, run: impl FnOnce() -> R) -> R {
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

    let outer = INNERMOST.replace(mark);
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

/// Nothing's mark.
const NONE: usize = 0;
