//! The count of a thread's allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts how often this thread has allocated or enlarged memory so far.
pub(crate) fn count() -> u64 {
    COUNT.get()
}

/// Returns the bytes that this thread has allocated and not freed.
pub(crate) fn bytes() -> usize {
    BYTES.get()
}

struct Counting;

thread_local! {
    // const, and without a destructor: few instructions, so that peers which allocate do not pay for the counting
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn add_one(bytes: usize) {
    COUNT.set(COUNT.get() + 1);
    BYTES.set(BYTES.get().wrapping_add(bytes));
}

fn free(bytes: usize) {
    BYTES.set(BYTES.get().wrapping_sub(bytes));
}

// SAFETY: every method passes its arguments on to the system's allocator, whose contract is the same.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add_one(layout.size());
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add_one(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add_one(size);
        free(layout.size());
        unsafe { System.realloc(memory, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        free(layout.size());
        unsafe { System.dealloc(memory, layout) }
    }
}
