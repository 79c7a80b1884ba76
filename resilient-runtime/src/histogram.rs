//! Histograms: how many calls took so long, counted so that threads rarely wait for each other.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::book::{Ended, Record};
use crate::clock::nanos;
use crate::striped::{Padded, STRIPES, stripe};

/// The durations of a policy's calls, by the end of the call.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [Duration],
    /// The same in nanoseconds, which a call is compared with.
    nanos: Box<[u64]>,
    /// For each end the buckets, the last of them for what takes longer, and the sum in nanoseconds.
    stripes: [Padded<Box<[AtomicU64]>>; STRIPES],
}

/// The durations so far.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) bounds: &'static [Duration],
    pub(crate) ends: [Durations; Ended::ALL.len()],
}

/// The durations of the calls that had one end.
#[derive(Debug, Clone)]
pub(crate) struct Durations {
    /// The number of calls in each bucket, the last of which is for what took longer.
    pub(crate) buckets: Vec<u64>,
    pub(crate) nanos: u64,
}

impl Histogram {
    fn new(bounds: &'static [Duration]) -> Self {
        let cells = Ended::ALL.len() * (bounds.len() + 2);
        let stripes = std::array::from_fn(|_| Padded((0..cells).map(|_| AtomicU64::new(0)).collect()));
        Self { bounds, nanos: bounds.iter().copied().map(nanos).collect(), stripes }
    }

    /// Counts a call that took so long.
    pub(crate) fn count(&self, ended: Ended, took: u64) {
        let bucket = self.nanos.partition_point(|&bound| bound < took);
        let first = ended as usize * (self.bounds.len() + 2);
        let cells = &self.stripes[stripe()].0;
        // Relaxed throughout: nothing is decided on them.
        cells[first + bucket].fetch_add(1, Relaxed);
        cells[first + self.bounds.len() + 1].fetch_add(took, Relaxed);
    }

    /// Reads each bucket once, so that those who add them up agree.
    pub(crate) fn read(&self) -> Reading {
        let width = self.bounds.len() + 2;
        let cell = |index: usize| self.stripes.iter().map(|cells| cells.0[index].load(Relaxed)).sum();
        let ends = Ended::ALL.map(|ended| {
            let first = ended as usize * width;
            Durations {
                buckets: (first..=first + self.bounds.len()).map(cell).collect(),
                nanos: cell(first + width - 1),
            }
        });
        Reading { bounds: self.bounds, ends }
    }
}

/// The histogram of the record, which is made with these bounds if there is none yet.
#[cold]
pub(crate) fn of(record: &'static Record, bounds: &'static [Duration]) -> &'static Histogram {
    all().entry(std::ptr::from_ref(record).addr()).or_insert_with(|| Box::leak(Box::new(Histogram::new(bounds))))
}

/// The durations of the record, if there is a histogram of it.
pub(crate) fn read(record: &'static Record) -> Option<Reading> {
    let histogram = all().get(&std::ptr::from_ref(record).addr()).copied()?;
    Some(histogram.read())
}

/// The histograms by the address of their record, of which there are no more than policies in the program's text.
fn all() -> MutexGuard<'static, HashMap<usize, &'static Histogram>> {
    static ALL: LazyLock<Mutex<HashMap<usize, &'static Histogram>>> = LazyLock::new(Mutex::default);
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Durations {
    pub(crate) fn seconds(&self) -> f64 {
        self.nanos as f64 / 1e9
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        const BOUNDS: &[Duration] = &[Duration::from_millis(5), Duration::from_millis(10)];
        let histogram = Histogram::new(BOUNDS);

        for millis in [0, 5, 6, 10, 11, 1_000] {
            histogram.count(Ended::Success, millis * 1_000_000);
        }
        histogram.count(Ended::Abandoned, u64::MAX);

        let reading = histogram.read();
        assert_eq!(reading.ends[0].buckets, [2, 2, 2]);
        assert_eq!(reading.ends[0].nanos, 1_032_000_000);
        assert_eq!(reading.ends[4].buckets, [0, 0, 1]);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let histogram = Histogram::new(crate::Measure::DEFAULT_BUCKETS);

        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|nanos| histogram.count(Ended::Transient, nanos)));
            }
        });

        let durations = &histogram.read().ends[1];
        assert_eq!((durations.buckets.iter().sum::<u64>(), durations.nanos), (8_000, 8 * 499_500));
    }
}
