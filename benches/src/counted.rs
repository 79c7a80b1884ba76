//! Counts by hand as a policy keeps them: a row for each thread, which only that thread writes and a scrape can read. The cases with
//! *counted* in their name keep them, and so are the least that can do what a policy of ours does for a call.

use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The place of a count in a row.
#[derive(Clone, Copy)]
pub(crate) struct Place(pub(crate) usize);

/// The end of a call, which counts once, however it comes.
pub(crate) struct Ending {
    place: Place,
    ended: bool,
}

/// A refusal, of the size of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) policy: &'static str,
    pub(crate) retry_after: Option<Duration>,
}

type Row = [AtomicU64; PLACES];

const PLACES: usize = 32;

/// All rows, for the scrape.
static ROWS: Mutex<Vec<&'static Row>> = Mutex::new(Vec::new());

thread_local! {
    static ROW: Cell<Option<&'static Row>> = const { Cell::new(None) };
    static DEADLINE: Cell<u64> = const { Cell::new(u64::MAX) };
}

impl Place {
    /// Counts one more, by a load and a store: nobody else writes it.
    #[inline]
    pub(crate) fn count(self) {
        let row = ROW.get().unwrap_or_else(new_row);
        let count = &row[self.0];
        count.store(count.load(Relaxed) + 1, Relaxed);
    }

    /// Returns the count of all threads.
    pub(crate) fn sum(self) -> u64 {
        ROWS.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|row| row[self.0].load(Relaxed)).sum()
    }
}

#[cold]
fn new_row() -> &'static Row {
    let row: &Row = Box::leak(Box::new([const { AtomicU64::new(0) }; PLACES]));
    ROWS.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    ROW.set(Some(row));
    row
}

impl Ending {
    /// Begins a call that counts at this place if it succeeds, and at the next if not or if it is dropped.
    #[inline]
    pub(crate) const fn at(place: Place) -> Self {
        Self { place, ended: false }
    }

    #[inline]
    pub(crate) fn end(&mut self, succeeded: bool) {
        self.ended = true;
        if succeeded { self.place.count() } else { Place(self.place.0 + 1).count() }
    }
}

impl Drop for Ending {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            self.end(false);
        }
    }
}

/// Sets the deadline of whatever is polled in `scope`, and sets it back.
#[inline]
pub(crate) fn under_deadline<T>(deadline: u64, scope: impl FnOnce() -> T) -> T {
    struct Reset(u64);

    impl Drop for Reset {
        fn drop(&mut self) {
            DEADLINE.set(self.0);
        }
    }

    let outer = DEADLINE.get();
    DEADLINE.set(deadline.min(outer));
    let _reset = Reset(outer);
    scope()
}

/// Nanoseconds on tokio's clock, since the first question.
#[inline]
pub(crate) fn now() -> u64 {
    at(Instant::now())
}

/// The same for that instant.
#[inline]
pub(crate) fn at(instant: Instant) -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    instant.saturating_duration_since(*ORIGIN.get_or_init(Instant::now)).as_nanos() as u64
}
