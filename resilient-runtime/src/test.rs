//! For tests of annotated functions: makes the jitter repeat.

/// Makes the jitter of this thread's policies repeat from `seed` on.
///
/// On a paused current-thread runtime, every delay is then the same in each run.
///
/// ```
/// resilient::test::seed(7);
/// ```
pub fn seed(seed: u64) {
    crate::random::seed(seed);
}
