//! Deposits that are on their way into a budget.

use std::sync::atomic::AtomicU32;

use crate::book::{Record, Total};
use crate::cells;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

/// Deposits that each thread counts in a cell of its own, until there are enough of them or somebody wants to withdraw.
#[derive(Debug)]
pub(super) struct Deposits {
    /// The number of the first of two cells: the deposits that were taken out, and those that were made. Both may wrap.
    cells: AtomicU32,
}

impl Deposits {
    pub(super) const fn new() -> Self {
        Self { cells: AtomicU32::new(cells::NONE) }
    }

    /// Counts a deposit, and returns how many go into the budget now: mostly none. `None` where the thread has no cell, for now or at all.
    #[inline]
    pub(super) fn pay_in(&self) -> Option<u64> {
        match cells::with(self.first() + 1, cells::add_one)? {
            made if made % AT_ONCE != 0 => Some(0),
            _ => Some(self.take_own()),
        }
    }

    /// Counts a deposit in a cell that is made if it can be, and returns whether it could. If `record` is given, it reads the deposits as successes.
    #[cold]
    pub(super) fn pay_in_slowly(&self, record: Option<&Record>) -> bool {
        self.find_cells(record);
        // a thread that ends has no cells
        cells::make(self.first() + 1, cells::add_one).is_some()
    }

    /// As [`pay_in_slowly`](Self::pay_in_slowly), for a deposit that is no success: as if one less had been taken out.
    #[cold]
    pub(super) fn pay_in_uncounted(&self, record: &Record) -> bool {
        let taken = cells::with(self.first(), cells::take_one).or_else(|| {
            self.find_cells(Some(record));
            cells::make(self.first(), cells::take_one)
        });
        taken.is_some()
    }

    /// Numbers the cells at the first deposit. A number is never free again, so that only so many budgets have one.
    fn find_cells(&self, record: Option<&Record>) {
        static BUDGETS: AtomicU32 = AtomicU32::new(0);

        if cfg!(resilient_loom) || self.cells.load(Relaxed) != cells::NONE {
            return;
        }
        let first = cells::number_of_one(2, &BUDGETS);
        // whoever comes second counts in the cells of the first
        let is_first = self.cells.compare_exchange(cells::NONE, first, Relaxed, Relaxed).is_ok();
        if is_first
            && first != cells::NEVER
            && let Some(record) = record
        {
            record.count_in(Total::Success, first + 1);
        }
    }

    #[inline]
    fn first(&self) -> usize {
        // Relaxed: a thread that does not see the number yet looks for it.
        self.cells.load(Relaxed) as usize
    }

    /// Takes out what this thread has counted.
    #[cfg(not(resilient_loom))]
    pub(super) fn take_own(&self) -> u64 {
        cells::with_two(self.first(), take).unwrap_or_default()
    }

    /// Takes out what all threads have counted, unless somebody else takes or grows cells at the moment.
    #[cfg(not(resilient_loom))]
    pub(super) fn try_take_all(&self) -> u64 {
        let mut deposits = 0;
        cells::try_each_two(self.first(), |two| deposits += take(two));
        deposits
    }
}

/// Loom's threads have no cells.
#[cfg(resilient_loom)]
impl Deposits {
    pub(super) fn take_own(&self) -> u64 {
        0
    }

    pub(super) fn try_take_all(&self) -> u64 {
        0
    }
}

/// Takes out the deposits of one thread. Whatever happens concurrently, nothing is taken twice.
fn take([taken, made]: [&AtomicU64; 2]) -> u64 {
    let mut before = taken.load(Relaxed);
    // Relaxed: the first cell says what was taken, and the second can only be behind what it says.
    loop {
        let deposits = made.load(Relaxed).wrapping_sub(before);
        if !(1..=MOST_AT_ONCE).contains(&deposits) {
            return 0;
        }
        match taken.compare_exchange_weak(before, before.wrapping_add(deposits), Relaxed, Relaxed) {
            Ok(_) => return deposits,
            Err(newer) => before = newer,
        }
    }
}

/// After so many deposits, a thread pays them in.
const AT_ONCE: u64 = 64;
/// More have not been made since the last time: the second cell is behind the first.
const MOST_AT_ONCE: u64 = u64::MAX / 2;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Deposits with cells, however many budgets other tests have made.
    fn with_cells() -> Deposits {
        Deposits { cells: AtomicU32::new(cells::number(2)) }
    }

    fn pay_in(deposits: &Deposits) -> u64 {
        deposits.pay_in().unwrap_or_else(|| u64::from(!deposits.pay_in_slowly(None)))
    }

    #[test]
    fn each_deposit_is_taken_once_by_whichever_thread() {
        let deposits = with_cells();
        let barrier = Barrier::new(4);
        let paid: u64 = thread::scope(|scope| {
            let payer = || {
                barrier.wait();
                (0..10_000).map(|_| pay_in(&deposits)).sum::<u64>()
            };
            let taker = || {
                barrier.wait();
                (0..2_000).map(|_| deposits.try_take_all()).sum::<u64>()
            };
            let threads = [scope.spawn(payer), scope.spawn(payer), scope.spawn(taker), scope.spawn(taker)];
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });

        let rest = std::iter::repeat_with(|| deposits.try_take_all()).find(|&rest| rest > 0 || paid == 20_000);
        assert_eq!(paid + rest.unwrap_or_default(), 20_000);
    }

    #[test]
    fn a_budget_that_came_too_late_for_cells_pays_in_each_at_once() {
        let deposits = Deposits { cells: AtomicU32::new(cells::NEVER) };

        assert_eq!((0..130).map(|_| pay_in(&deposits)).collect::<Vec<_>>(), [1; 130]);
        assert_eq!((deposits.take_own(), deposits.try_take_all()), (0, 0));
    }

    #[test]
    fn the_first_deposit_decides_for_ever_where_all_are_counted() {
        let deposits = Deposits::new();
        assert_eq!(deposits.cells.load(Relaxed), cells::NONE);

        deposits.pay_in_slowly(None);
        let found = deposits.cells.load(Relaxed);
        deposits.find_cells(None);

        assert_ne!(found, cells::NONE);
        assert_eq!(deposits.cells.load(Relaxed), found);
    }

    #[test]
    fn nothing_is_taken_where_less_is_seen_to_be_made_than_taken() {
        let [taken, made] = [5, 3].map(AtomicU64::new);

        assert_eq!(take([&taken, &made]), 0);
        assert_eq!(taken.into_inner(), 5);
    }

    #[test]
    fn a_thread_takes_its_own_at_once_and_pays_64_at_a_time() {
        let deposits = with_cells();

        let paid: Vec<u64> = (0..130).map(|_| pay_in(&deposits)).filter(|&paid| paid > 0).collect();

        assert_eq!(paid, [64, 64]);
        assert_eq!((deposits.take_own(), deposits.take_own()), (2, 0));
    }
}

#[cfg(all(test, resilient_loom))]
mod loom_models {
    use loom::sync::Arc;

    use super::*;

    #[test]
    fn loom_a_deposit_that_is_no_success_is_taken_once_too() {
        loom::model(|| {
            let cells = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
            let other = {
                let cells = cells.clone();
                loom::thread::spawn(move || take([&cells[0], &cells[1]]) + take([&cells[0], &cells[1]]))
            };
            // as a thread does that has a call fail and then one succeed
            cells[0].fetch_sub(1, Relaxed);
            cells[1].store(1, Relaxed);
            let own = take([&cells[0], &cells[1]]);
            let others = other.join().unwrap();

            assert_eq!(own + others + take([&cells[0], &cells[1]]), 2);
        });
    }

    #[test]
    fn loom_two_who_take_while_one_pays_take_each_deposit_once() {
        loom::model(|| {
            let cells = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
            let other = {
                let cells = cells.clone();
                loom::thread::spawn(move || take([&cells[0], &cells[1]]) + take([&cells[0], &cells[1]]))
            };
            for made in 1..=2 {
                cells[1].store(made, Relaxed);
            }
            let own = take([&cells[0], &cells[1]]);
            let others = other.join().unwrap();

            assert_eq!(own + others + take([&cells[0], &cells[1]]), 2);
        });
    }
}
