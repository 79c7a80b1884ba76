//! The one place that reads the time.

use std::cell::Cell;
#[cfg(all(test, not(resilient_loom)))]
use std::future::Future;
use std::panic::catch_unwind;
use std::sync::OnceLock;
use std::time::Duration;
#[cfg(feature = "http-1")]
use std::time::SystemTime;

use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep};

#[cfg(any(test, feature = "test-util"))]
use crate::parked;

/// The present on tokio's clock, which tests may pause.
pub(crate) fn now() -> Instant {
    #[cfg(any(test, feature = "test-util"))]
    return Instant::now() + parked::skipped::ahead();
    #[cfg(not(any(test, feature = "test-util")))]
    Instant::now()
}

/// A timer for the instant; `None` if no runtime drives this thread, or one without timers.
#[inline]
pub(crate) fn sleep_until(instant: Instant) -> Option<Sleep> {
    has_timers().then(|| tokio::time::sleep_until(instant))
}

/// Returns whether a runtime with timers drives this thread.
#[inline]
pub(crate) fn has_timers() -> bool {
    Handle::try_current().is_ok_and(|runtime| {
        let id = runtime.id();
        KNOWN.get() == Some(id) || try_timer(id)
    })
}

/// Tries to make a timer. Nothing else tells whether a runtime has them. Without them it panics, which the panic hook reports, and the
/// caller can go on; in a program that aborts on panics, it ends the program.
#[cold]
fn try_timer(runtime: Id) -> bool {
    let has_timers = catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
    if has_timers {
        KNOWN.set(Some(runtime));
    }
    has_timers
}

thread_local! {
    /// The last runtime of this thread that was found to have timers.
    static KNOWN: Cell<Option<Id>> = const { Cell::new(None) };
}

/// As [`sleep_until`], for so long from now on.
pub(crate) fn sleep(time: Duration) -> Option<Sleep> {
    has_timers().then(|| tokio::time::sleep(time))
}

/// The present in calendar time, which servers give dates in. It can jump: nothing is measured with it.
#[cfg(feature = "http-1")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// A point in time that fits an atomic word: nanoseconds since an origin a year before the process first asked.
///
/// The origin lies back because a paused clock starts where its runtime was built, which may be earlier than the
/// first question of another thread, or of a test before it that had moved its own clock on. A platform whose instants do
/// not reach so far back has it a day before, or where the first question was.
///
/// For the same reason the time can go back, and what is kept from a later time must not count for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticks(pub(crate) u64);

impl Ticks {
    /// The present.
    pub(crate) fn now() -> Self {
        Self::at(now())
    }

    /// The given instant; one before the origin is the origin.
    pub(crate) fn at(instant: Instant) -> Self {
        Self(nanos(instant.saturating_duration_since(Self::origin())))
    }

    /// Returns whether this moment has come, which lay at most so many nanoseconds ahead when somebody set it; or whether the clock has gone
    /// back since, and it would not come for long. A thread may have read the clock up to a minute before another.
    pub(crate) const fn has_come(self, now: Self, ahead: u64) -> bool {
        const LATE: u64 = 60_000_000_000;
        self.0 <= now.0 || self.0 > now.0.saturating_add(ahead).saturating_add(LATE)
    }

    /// The instant, or one thirty years on where the platform's instants do not reach so far.
    pub(crate) fn instant(self) -> Instant {
        let after = |time| Self::origin().checked_add(time);
        after(Duration::from_nanos(self.0)).unwrap_or_else(|| now() + FAR)
    }

    fn origin() -> Instant {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        *ORIGIN.get_or_init(|| {
            let now = now();
            let back = |days: u64| now.checked_sub(Duration::from_secs(days * 86_400));
            back(365).or_else(|| back(1)).unwrap_or(now)
        })
    }
}

/// Thirty years: later than any caller waits, and early enough to be added to any clock.
pub(crate) const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Whole nanoseconds, saturating after 584 years.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(duration.subsec_nanos() as u64)
}

/// Runs it on a paused clock of its own, so long after the present. The next one's clock is behind it.
#[cfg(all(test, not(resilient_loom)))]
pub(crate) fn later<T>(time: Duration, run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        Ticks::now();
        tokio::time::advance(time).await;
        run.await
    })
}
