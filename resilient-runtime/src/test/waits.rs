//! The waits of blocking functions, which a test has over at once.

use std::marker::PhantomData;
use std::time::Duration;

use crate::parked::skipped;

/// Skips the waits of blocking functions on this thread; from [`skip_waits`].
///
/// Dropping it ends that. The clock stays where it is, for it never goes back.
#[derive(Debug)]
#[must_use = "waits are skipped until it is dropped: bind it to a name, as in `let waits = …`; `let _` drops it at once"]
pub struct SkippedWaits {
    before: Option<Vec<Duration>>,
    /// The waits are those of one thread.
    of_this_thread: PhantomData<*const ()>,
}

impl SkippedWaits {
    /// Returns the waits that were skipped, from the first to the last.
    pub fn all(&self) -> Vec<Duration> {
        skipped::waits()
    }
}

impl Drop for SkippedWaits {
    fn drop(&mut self) {
        skipped::set(self.before.take());
    }
}

/// Has the blocking functions of this thread wait no longer: each wait is over at once, and puts this thread's clock forward by
/// the time that it would have taken.
///
/// For plain functions, as a paused clock is for async ones. A wait for another thread that has no end of its own is not skipped.
///
#[cfg_attr(feature = "macros", doc = "```")]
#[cfg_attr(not(feature = "macros"), doc = "```text")]
/// use resilient::test::{Script, assert_delays, skip_waits};
/// use resilient::{Classify, retry};
///
/// #[derive(Debug, Classify)]
/// #[transient]
/// struct Down;
///
/// #[retry(max = 3)]
/// fn fetch(server: &Script<Down>) -> Result<&'static str, Down> {
///     server.next()?;
///     Ok("fine")
/// }
///
/// let waits = skip_waits();
///
/// assert_eq!(fetch(&Script::failing(2, || Down)).unwrap(), "fine");
///
/// assert_delays(&waits.all(), [100..=200, 200..=300]);
/// ```
pub fn skip_waits() -> SkippedWaits {
    SkippedWaits { before: skipped::set(Some(Vec::new())), of_this_thread: PhantomData }
}
