//! Independent jobs on all cores.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

/// Returns the result of `work` for each job, in the jobs' order. `work` must not depend on the thread, or on the jobs before.
pub(crate) fn map<J: Sync, R: Send + Sync>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let results: Vec<OnceLock<R>> = jobs.iter().map(|_| OnceLock::new()).collect();
    // Relaxed: each number is drawn once, and the end of the scope orders the results.
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((job, result)) =
                    Some(next.fetch_add(1, Relaxed)).and_then(|i| jobs.get(i).zip(results.get(i)))
                {
                    result.get_or_init(|| work(job));
                }
            });
        }
    });
    results.into_iter().map(|result| result.into_inner().expect("every job is done")).collect()
}
