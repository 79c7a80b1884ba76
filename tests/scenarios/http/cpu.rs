//! The CPU time of a thread.

use std::time::Duration;

/// Returns the CPU time that this thread has used so far, or `None` where the system does not say.
pub(crate) fn of_this_thread() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}
