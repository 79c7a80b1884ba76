//! Several runs at the same time, begun one after the other so that their faults do not coincide.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A run that has not begun.
pub(crate) type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// Runs all jobs, at most `lanes` at once and each at least `gap` after the one before. The results are in order.
pub(crate) fn run<T: Send>(lanes: usize, gap: Duration, jobs: Vec<Job<T>>) -> Vec<T> {
    let count = jobs.len();
    let waiting = Mutex::new(jobs.into_iter().enumerate());
    let next = Mutex::new(Instant::now());
    let done = Mutex::new((0..count).map(|_| None).collect::<Vec<Option<T>>>());
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                loop {
                    // The lock is held during the wait, since no other lane may begin sooner.
                    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some((index, job)) = waiting.lock().unwrap_or_else(PoisonError::into_inner).next() else {
                        return;
                    };
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                    *next = Instant::now() + gap;
                    drop(next);
                    let result = job();
                    done.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

#[test]
fn results_come_in_order() {
    let jobs = (0..20_u32).map(|number| Box::new(move || number) as Job<u32>).collect();

    assert_eq!(run(3, Duration::ZERO, jobs), (0..20).collect::<Vec<_>>());
}
