//! Counts that only one thread writes, so that counting takes no locked operation.
//!
//! Each thread has cells of its own, one for each count in the program, and whoever reads a count adds up the cells of all threads. A
//! thread that ends leaves its cells, with what is in them, to the next new thread. So every sum only rises.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// No count's number, nor that of one of a few after it.
pub(crate) const NONE: u32 = 1 << 30;
/// The number of what gets no cells.
pub(crate) const NEVER: u32 = NONE + 1;
/// So many things of a sort get cells: more than a program has, and less than a program could make up.
const MOST: u32 = 4_096;

/// Numbers so many counts, one after the other, and returns the first number.
pub(crate) fn number(counts: usize) -> u32 {
    let mut pool = pool();
    let first = pool.counts;
    pool.counts += counts;
    u32::try_from(first).expect("a program has fewer counts than that")
}

/// As [`number`], for a thing that a program can make at run time; [`NEVER`] if so many of its sort came before it, which `before` counts. A number
/// is never free again.
pub(crate) fn number_of_one(counts: usize, before: &AtomicU32) -> u32 {
    if before.fetch_add(1, Relaxed) < MOST { number(counts) } else { NEVER }
}

/// Runs `with` on this thread's cell of that number; `None` if it has none, for now or at all.
#[inline]
pub(crate) fn with<R>(number: usize, with: impl FnOnce(&'static AtomicU64) -> R) -> Option<R> {
    CELLS.get().get(number).map(with)
}

/// Adds one to a cell of this thread, and returns the sum.
#[inline]
pub(crate) fn add_one(cell: &AtomicU64) -> u64 {
    add(cell, 1)
}

/// Adds so many to a cell of this thread, and returns the sum.
#[inline]
pub(crate) fn add(cell: &AtomicU64, more: u64) -> u64 {
    // Relaxed: nothing is decided on the strength of a count but the count itself, and no other thread writes the cell.
    let sum = cell.load(Relaxed).wrapping_add(more);
    cell.store(sum, Relaxed);
    sum
}

/// Takes one from a cell of this thread that other threads may write too.
pub(crate) fn take_one(cell: &AtomicU64) {
    cell.fetch_sub(1, Relaxed);
}

/// As [`with`], after it has seen to it that the thread has the cell. A thread that ends has none any more, and from [`NONE`] on there are none.
#[cold]
pub(crate) fn make<R>(number: usize, with: impl FnOnce(&'static AtomicU64) -> R) -> Option<R> {
    if number >= NONE as usize {
        return None;
    }
    let is_made = LEASE.try_with(|lease| {
        // a policy may report in the destructor of another thread-local, while this one is made
        let Ok(mut lease) = lease.try_borrow_mut() else { return false };
        lease.get_or_insert_with(Lease::take).grow(number);
        true
    });
    if is_made == Ok(true) { self::with(number, with) } else { None }
}

/// The sums of all threads' cells of so many numbers, from `first` on.
pub(crate) fn sums<const N: usize>(first: usize) -> [u64; N] {
    let mut sums = [0; N];
    for cells in pool().all.iter().filter_map(|cells| cells.get(first..)) {
        sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell.load(Relaxed));
    }
    sums
}

/// Runs `with` on this thread's cell of that number and the next; `None` if it has none.
#[cfg(not(resilient_loom))]
#[inline]
pub(crate) fn with_two<R>(first: usize, with: impl FnOnce([&'static AtomicU64; 2]) -> R) -> Option<R> {
    two(CELLS.get(), first).map(with)
}

/// Runs `each` on all threads' cells of that number and the next, unless somebody else does that or grows cells at the moment.
#[cfg(not(resilient_loom))]
pub(crate) fn try_each_two(first: usize, each: impl FnMut([&'static AtomicU64; 2])) {
    if let Ok(pool) = POOL.try_lock() {
        pool.all.iter().filter_map(|cells| two(cells, first)).for_each(each);
    }
}

#[cfg(not(resilient_loom))]
fn two(cells: &'static [AtomicU64], first: usize) -> Option<[&'static AtomicU64; 2]> {
    match cells.get(first..)? {
        [first, second, ..] => Some([first, second]),
        _ => None,
    }
}

thread_local! {
    /// The cells of this thread; none before it counts, and once it ends.
    static CELLS: Cell<&'static [AtomicU64]> = const { Cell::new(&[]) };
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
}

/// All cells that there are.
struct Pool {
    all: Vec<&'static [AtomicU64]>,
    /// The cells that no thread writes.
    free: Vec<usize>,
    /// The number of counts.
    counts: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { all: Vec::new(), free: Vec::new(), counts: 0 });

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's right to write some of the cells.
struct Lease(usize);

impl Lease {
    fn take() -> Self {
        let mut pool = pool();
        let place = pool.free.pop().unwrap_or_else(|| {
            pool.all.push(&[]);
            pool.all.len() - 1
        });
        CELLS.set(pool.all[place]);
        Self(place)
    }

    /// Sees to it that there is a cell of that number. What is outgrown is kept for ever, and is less than what there is.
    fn grow(&self, number: usize) {
        let mut pool = pool();
        let old = pool.all[self.0];
        if number < old.len() {
            return;
        }
        let len = (number + 1).next_power_of_two().max(LEAST_CELLS);
        let value = |index: usize| AtomicU64::new(old.get(index).map_or(0, |cell| cell.load(Relaxed)));
        let margin = || (0..MARGIN).map(|_| AtomicU64::new(0));
        let cells: &'static [AtomicU64] = Vec::leak(margin().chain((0..len).map(value)).chain(margin()).collect());
        let cells = &cells[MARGIN..][..len];
        pool.all[self.0] = cells;
        CELLS.set(cells);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        CELLS.set(&[]);
        pool().free.push(self.0);
    }
}

const LEAST_CELLS: usize = 256;
/// As many cells as fill the two cache lines that a processor may fetch together lie unused at each end, so that no thread waits for what another writes beside it.
const MARGIN: usize = 16;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::thread;

    use super::*;

    fn count(number: u32) {
        let number = number as usize;
        with(number, add_one).or_else(|| make(number, add_one)).unwrap();
    }

    #[test]
    fn threads_that_come_and_go_lose_nothing_and_take_little() {
        let number = number(1);
        for round in 1..=20_u64 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..100).for_each(|_| count(number)));
                }
            });
            assert_eq!(sums(number as usize), [round * 400]);
        }
        let leased = pool().all.len();
        assert!(leased < 500, "cells are used again: {leased}");
    }

    #[test]
    fn only_so_many_have_cells() {
        let before = AtomicU32::new(MOST - 1);

        assert_ne!(number_of_one(2, &before), NEVER);
        assert_eq!(number_of_one(2, &before), NEVER);
        assert_eq!(number_of_one(2, &before), NEVER);
    }

    #[test]
    fn sums_never_fall_while_threads_count_and_grow() {
        let rising = number(1);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for index in 0..20_000 {
                        count(rising);
                        if index % 4_000 == 0 {
                            // needs cells further on
                            count(number(64) + 63);
                        }
                    }
                });
            }
            let mut last = 0;
            while last < 40_000 {
                let [now] = sums(rising as usize);
                assert!(now >= last);
                last = now;
            }
        });
    }
}
