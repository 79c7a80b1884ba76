//! Counts in [cells](crate::cells) that are numbered when they first rise, since most never do.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{Record, Total};
use crate::cells;

/// A count that each thread has a cell for, once it has risen.
#[derive(Debug)]
pub(crate) struct Count {
    cell: AtomicU32,
    /// Counted without a cell, as by threads that have none any more, since they end.
    late: AtomicU64,
}

/// A count of one policy that is part of a count of its [`Record`].
///
/// The record reads its cells, so that both rise in one step. It has none if its policy is that of a key, as there is no end of keys, or if it
/// came after [so many](cells::number_of_one): then it and the record's count rise one after the other.
#[derive(Debug)]
pub(crate) struct OwnCount {
    count: Count,
    /// The part that the policy has forgotten, and the record has not.
    forgotten: AtomicU64,
}

impl Count {
    pub(crate) const fn new() -> Self {
        Self { cell: AtomicU32::new(cells::NONE), late: AtomicU64::new(0) }
    }

    #[inline]
    pub(crate) fn add(&self, more: u64) {
        if !self.try_add(more) {
            self.add_slowly(more);
        }
    }

    /// Returns the sum of all threads.
    pub(crate) fn sum(&self) -> u64 {
        let cell = self.cell.load(Relaxed);
        self.late.load(Relaxed) + if cell < cells::NONE { sum(cell) } else { 0 }
    }

    /// Adds one to a count of one policy that no record has.
    #[inline]
    pub(crate) fn add_one_alone(&self) {
        if !self.try_add(1) {
            self.add_one_alone_slowly();
        }
    }

    #[cold]
    fn add_one_alone_slowly(&self) {
        self.number_of_one(false);
        if !self.try_add_slowly(1) {
            self.add_one_in_place();
        }
    }

    /// Adds one without a cell, for a policy of a key.
    #[inline]
    pub(crate) fn add_one_in_place(&self) {
        self.late.fetch_add(1, Relaxed);
    }

    #[cold]
    fn add_slowly(&self, more: u64) {
        self.number(|| cells::number(1));
        if !self.try_add_slowly(more) {
            self.late.fetch_add(more, Relaxed);
        }
    }

    /// Adds in the cell of this thread, and returns false where it has none, for now or at all.
    #[inline]
    fn try_add(&self, more: u64) -> bool {
        // Relaxed: a thread that does not see the number yet looks for it.
        cells::with(self.cell.load(Relaxed) as usize, |cell| cells::add(cell, more)).is_some()
    }

    /// As [`try_add`](Self::try_add), after it has seen to it that the thread has the cell.
    fn try_add_slowly(&self, more: u64) -> bool {
        cells::make(self.cell.load(Relaxed) as usize, |cell| cells::add(cell, more)).is_some()
    }

    /// Numbers the cells of a count of one policy, unless that is done, and returns the number.
    fn number_of_one(&self, is_of_a_key: bool) -> Option<u32> {
        static NUMBERED: AtomicU32 = AtomicU32::new(0);

        self.number(|| if is_of_a_key { cells::NEVER } else { cells::number_of_one(1, &NUMBERED) })
    }

    /// Numbers its cells, unless that is done, and returns the number.
    fn number(&self, next: impl FnOnce() -> u32) -> Option<u32> {
        // loom's threads have no cells
        if cfg!(resilient_loom) || self.cell.load(Relaxed) != cells::NONE {
            return None;
        }
        let number = next();
        // whoever comes second counts in the cells of the first
        self.cell.compare_exchange(cells::NONE, number, Relaxed, Relaxed).ok().map(|_| number)
    }
}

impl OwnCount {
    pub(crate) const fn new() -> Self {
        Self { count: Count::new(), forgotten: AtomicU64::new(0) }
    }

    /// Adds one in the cell of this thread, and returns false where that must be done [slowly](Self::add_one_slowly).
    #[inline]
    #[must_use]
    pub(crate) fn try_add_one(&self) -> bool {
        self.count.try_add(1)
    }

    /// As [`try_add_one`](Self::try_add_one), in whichever way there is.
    #[cold]
    pub(crate) fn add_one_slowly(&self, record: &Record, total: Total, is_of_a_key: bool) {
        match self.count.number_of_one(is_of_a_key) {
            None | Some(cells::NEVER) => {}
            Some(number) => record.count_in(total, number),
        }
        if !self.count.try_add_slowly(1) {
            self.count.add_one_in_place();
            record.add(total, 1);
        }
    }

    /// Adds one that is not part of the record's count.
    pub(crate) fn add_one_apart(&self) {
        self.count.add_one_in_place();
    }

    /// Returns the sum of all threads since it was last [forgotten](Self::forget).
    pub(crate) fn sum(&self) -> u64 {
        self.count.sum().saturating_sub(self.forgotten.load(Relaxed))
    }

    /// Begins at zero again.
    pub(crate) fn forget(&self) {
        self.forgotten.store(self.count.sum(), Relaxed);
    }
}

/// The sum of all threads' cells of that number.
pub(super) fn sum(cell: u32) -> u64 {
    let [sum] = cells::sums(cell as usize);
    sum
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::cell::RefCell;
    use std::panic::Location;
    use std::thread;

    use super::*;
    use crate::book::record;
    use crate::vocabulary::PolicyKind;

    const REFUSED: Total = Total::Rejected(0);

    fn of(name: &'static str) -> &'static Record {
        record(PolicyKind::CircuitBreaker, name, Location::caller(), 0)
    }

    fn add(count: &OwnCount, record: &Record, is_of_a_key: bool) {
        if !count.try_add_one() {
            count.add_one_slowly(record, REFUSED, is_of_a_key);
        }
    }

    #[test]
    fn threads_count_together() {
        let count = Count::new();
        thread::scope(|scope| {
            for more in 1..=4 {
                let count = &count;
                scope.spawn(move || (0..1_000).for_each(|_| count.add(more)));
            }
        });

        assert_eq!(count.sum(), 10_000);
    }

    #[test]
    fn a_count_is_numbered_once() {
        let count = Count::new();
        count.add(1);

        assert_eq!(count.number(|| unreachable!("it has a number")), None);
    }

    #[test]
    fn a_count_of_a_policy_alone_has_what_all_threads_count_with_and_without_a_cell() {
        let [alone, of_a_key] = [(); 2].map(|()| Count::new());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        alone.add_one_alone();
                        of_a_key.add_one_in_place();
                    }
                });
            }
        });

        assert_eq!([&alone, &of_a_key].map(Count::sum), [4_000, 4_000]);
        let has_cells = |count: &Count| count.cell.load(Relaxed) < cells::NONE;
        assert_eq!([&alone, &of_a_key].map(has_cells), [true, false]);
        assert_eq!(alone.late.load(Relaxed), 0);
    }

    #[test]
    fn a_record_has_what_its_policies_and_their_keys_count() {
        let record = of("two of a name and a key");
        let counts = [(); 3].map(|()| OwnCount::new());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for (times, count) in (1..).zip(&counts) {
                        (0..times).for_each(|_| add(count, record, times == 3));
                    }
                });
            }
        });

        assert_eq!(counts.each_ref().map(OwnCount::sum), [2, 4, 6]);
        assert_eq!(record.rejected(0), 12);
        counts.iter().for_each(OwnCount::forget);
        add(&counts[1], record, false);
        assert_eq!(counts.each_ref().map(OwnCount::sum), [0, 1, 0]);
        assert_eq!(record.rejected(0), 13);
        let cells = |count: &OwnCount| count.count.cell.load(Relaxed) < cells::NONE;
        assert_eq!(counts.each_ref().map(cells), [true, true, false]);
    }

    #[test]
    fn a_thread_that_ends_is_still_counted_by_both() {
        struct CountsInTheEnd(&'static Record, &'static OwnCount);
        impl Drop for CountsInTheEnd {
            fn drop(&mut self) {
                add(self.1, self.0, false);
            }
        }
        thread_local! {
            static EARLY: RefCell<Option<CountsInTheEnd>> = const { RefCell::new(None) };
        }
        static COUNT: OwnCount = OwnCount::new();
        let record = of("late too");
        thread::spawn(|| {
            // registered before the lease, and so dropped after it, or the other way round: either way it counts
            EARLY.set(Some(CountsInTheEnd(record, &COUNT)));
            add(&COUNT, record, false);
        })
        .join()
        .unwrap();

        assert_eq!((COUNT.sum(), record.rejected(0)), (2, 2));
    }
}
