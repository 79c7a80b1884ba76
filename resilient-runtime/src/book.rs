//! A policy's book: the ends of its calls, counted in [cells](crate::cells), so that a call that goes well pays next to nothing for it.

mod count;
mod records;

use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Mutex, PoisonError};

use crate::cells;
use crate::clock::Ticks;
use crate::error::REASONS;
use crate::vocabulary::PolicyKind;
use crate::{Class, Error, Reason};

pub(crate) use self::count::{Count, OwnCount};
pub(crate) use self::records::{all, record};

/// The number of a policy's first cell, in each thread's, once it is known.
#[derive(Debug)]
pub(crate) struct FirstCell(AtomicU32);

/// The end of a call through a policy, unless the policy refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A success; for a policy that does not look at outcomes, any.
    Success,
    Transient,
    Throttled,
    Permanent,
    /// The call was dropped, or it panicked.
    Abandoned,
}

/// Units of calls that say their weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tally {
    /// Taken before the call ran.
    Reserved,
    /// Charged beyond that when it had ended.
    Charged,
    /// Given back.
    Returned,
}

/// A number that rises where something out of the ordinary happens. Each kind of policy has its own.
pub(crate) type Note = usize;

/// A count of a record that policies have counts for too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Total {
    Success,
    /// The refusals for the reason of that number.
    Rejected(usize),
    Noted(Note),
}

/// The most of those that a kind of policy has.
pub(crate) const NOTES: usize = 24;

/// The identity of a policy, and the counts that are not in cells.
#[derive(Debug)]
pub struct Record {
    pub(crate) kind: PolicyKind,
    pub(crate) name: &'static str,
    pub(crate) place: &'static Location<'static>,
    /// The number of the layer in the list of functions; 0 if it is none.
    pub(crate) layer: usize,
    /// When it was made: at the first use of the policy.
    pub(crate) since: Ticks,
    /// Set once a layer has had its policy listed.
    is_listed: AtomicBool,
    first: u32,
    /// The cells in which its policies count for it, as their budgets do successes by their deposits.
    also: Mutex<Vec<(Total, u32)>>,
    /// Counted by threads that have no cells any more, since they end.
    late: [AtomicU64; CELLS],
    rejected: [Count; REASONS],
    notes: [Count; NOTES],
}

const ENDS: usize = 5;
/// Counts of a policy that are in cells: the ends and the tallies.
const CELLS: usize = ENDS + 3;

impl Ended {
    pub(crate) const ALL: [Self; ENDS] =
        [Self::Success, Self::Transient, Self::Throttled, Self::Permanent, Self::Abandoned];

    #[inline]
    pub(crate) const fn of(class: Class) -> Self {
        match class {
            Class::Success => Self::Success,
            Class::Transient => Self::Transient,
            Class::Throttled { .. } => Self::Throttled,
            Class::Permanent => Self::Permanent,
        }
    }

    /// The end of a call that a policy further in refused: only a time-out says something of the server.
    pub(crate) const fn of_rejection(rejection: &Error) -> Self {
        match rejection.reason() {
            Reason::TimedOut { .. } => Self::Transient,
            _ => Self::Abandoned,
        }
    }

    /// The end of a call whose permit was dropped and not settled: of one by hand nothing else is known, unless it panics.
    pub(crate) fn unsettled() -> Self {
        if std::thread::panicking() { Self::Abandoned } else { Self::Success }
    }

    /// The value of the label `outcome`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Permanent => "permanent",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Tally {
    const fn cell(self) -> usize {
        ENDS + self as usize
    }
}

impl FirstCell {
    pub(crate) const fn unknown() -> Self {
        Self(AtomicU32::new(cells::NONE))
    }

    /// Counts in the cells of that record from now on.
    pub(crate) fn set(&self, record: &Record) {
        self.0.store(record.first, Relaxed);
    }

    /// Counts the end of a call; returns false where that must be done [slowly](Record::count_slowly).
    #[inline]
    #[must_use]
    pub(crate) fn count(&self, ended: Ended) -> bool {
        // Relaxed: a thread that does not see the number yet looks for it.
        cells::with(self.0.load(Relaxed) as usize + ended as usize, cells::add_one).is_some()
    }

    /// As [`count`](Self::count), for so many units.
    #[inline]
    #[must_use]
    pub(crate) fn tally(&self, tally: Tally, units: u64) -> bool {
        cells::with(self.0.load(Relaxed) as usize + tally.cell(), |cell| cells::add(cell, units)).is_some()
    }
}

impl Record {
    pub(crate) fn new(kind: PolicyKind, name: &'static str, place: &'static Location<'static>, layer: usize) -> Self {
        Self {
            kind,
            name,
            place,
            layer,
            since: Ticks::now(),
            is_listed: AtomicBool::new(false),
            first: cells::number(CELLS),
            also: Mutex::new(Vec::new()),
            late: [const { AtomicU64::new(0) }; CELLS],
            rejected: [const { Count::new() }; REASONS],
            notes: [const { Count::new() }; NOTES],
        }
    }

    /// Returns whether its policy is to be listed for a layer, which is once.
    pub(crate) fn begins_to_be_listed(&self) -> bool {
        // Relaxed: the list has a lock of its own
        !self.is_listed.load(Relaxed) && !self.is_listed.swap(true, Relaxed)
    }

    /// Counts a refusal for the reason of that number.
    #[inline]
    pub(crate) fn reject(&self, reason: usize) {
        self.rejected[reason].add(1);
    }

    /// Adds to a number.
    #[inline]
    pub(crate) fn note(&self, note: Note, more: u64) {
        self.notes[note].add(more);
    }

    /// Adds to a count.
    pub(crate) fn add(&self, total: Total, more: u64) {
        match total {
            Total::Success => self.add_slowly(Ended::Success as usize, more),
            Total::Rejected(reason) => self.rejected[reason].add(more),
            Total::Noted(note) => self.note(note, more),
        }
    }

    /// The refusals for the reason of that number.
    pub(crate) fn rejected(&self, reason: usize) -> u64 {
        self.rejected[reason].sum() + self.counted_for(Total::Rejected(reason))
    }

    pub(crate) fn noted(&self, note: Note) -> u64 {
        self.notes[note].sum() + self.counted_for(Total::Noted(note))
    }

    /// The calls that ended so, each a number that was right at some time while they were read.
    pub(crate) fn ended(&self) -> [u64; ENDS] {
        let mut ended = cells::sums(self.first as usize);
        ended.iter_mut().zip(&self.late).for_each(|(ended, late)| *ended += late.load(Relaxed));
        ended[Ended::Success as usize] += self.counted_for(Total::Success);
        ended
    }

    /// Counts what is in cells of that number as well, from now on.
    pub(crate) fn count_in(&self, total: Total, cell: u32) {
        self.also.lock().unwrap_or_else(PoisonError::into_inner).push((total, cell));
    }

    /// Returns what its policies have counted in cells of their own.
    fn counted_for(&self, total: Total) -> u64 {
        let also = self.also.lock().unwrap_or_else(PoisonError::into_inner);
        also.iter().filter(|(counted, _)| *counted == total).map(|&(_, cell)| count::sum(cell)).sum()
    }

    /// The units that were tallied so.
    pub(crate) fn tallied(&self, tally: Tally) -> u64 {
        let [units] = cells::sums(self.first as usize + tally.cell());
        units + self.late[tally.cell()].load(Relaxed)
    }

    /// Counts where the thread has no cell for the policy yet.
    #[cold]
    pub(crate) fn count_slowly(&self, ended: Ended) {
        self.add_slowly(ended as usize, 1);
    }

    /// Tallies where the thread has no cell for the policy yet.
    #[cold]
    pub(crate) fn tally_slowly(&self, tally: Tally, units: u64) {
        self.add_slowly(tally.cell(), units);
    }

    fn add_slowly(&self, cell: usize, more: u64) {
        if cells::make(self.first as usize + cell, |cell| cells::add(cell, more)).is_none() {
            self.late[cell].fetch_add(more, Relaxed);
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::cell::RefCell;
    use std::thread;

    use super::*;

    fn of(name: &'static str) -> &'static Record {
        record(PolicyKind::Timeout, name, Location::caller(), 0)
    }

    fn count(cell: &FirstCell, ended: Ended, record: &'static Record) {
        if !cell.count(ended) {
            cell.set(record);
            record.count_slowly(ended);
        }
    }

    #[test]
    fn many_policies_have_cells_of_their_own() {
        let records: Vec<&Record> = (0..300).map(|index| of(Box::leak(format!("many {index}").into()))).collect();
        for (index, record) in records.iter().enumerate() {
            let cell = FirstCell::unknown();
            for _ in 0..=index {
                count(&cell, Ended::Throttled, record);
            }
        }

        for (index, record) in records.iter().enumerate() {
            assert_eq!(record.ended(), [0, 0, index as u64 + 1, 0, 0]);
        }
    }

    #[test]
    fn a_thread_that_ends_is_still_counted() {
        struct CountsInTheEnd(&'static Record);
        impl Drop for CountsInTheEnd {
            fn drop(&mut self) {
                count(&FirstCell::unknown(), Ended::Permanent, self.0);
            }
        }
        thread_local! {
            static EARLY: RefCell<Option<CountsInTheEnd>> = const { RefCell::new(None) };
        }
        let record = of("late");
        thread::spawn(|| {
            // registered before the lease, and so dropped after it, or the other way round: either way it counts
            EARLY.set(Some(CountsInTheEnd(record)));
            count(&FirstCell::unknown(), Ended::Success, record);
        })
        .join()
        .unwrap();

        assert_eq!(record.ended(), [1, 0, 0, 1, 0]);
    }
}
