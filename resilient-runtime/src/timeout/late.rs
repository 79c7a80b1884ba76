//! Calls that go on after their time, because something holds the thread.
//!
//! A time-out is a timer, which goes off only where a thread is free to look at it. Where none was, a call ends late, with its outcome or with the rejection, and that is
//! counted. The clock is read where a time-out ends a call in any case. Of the calls with an outcome, it looks at one in so many.

use std::cell::Cell;
use std::time::Duration;

use super::Timeout;
use crate::Event;
use crate::clock::Ticks;
use crate::notes::timeout::LATE;

thread_local! {
    /// Calls of this thread before the next that is looked at.
    static LEFT: Cell<u8> = const { Cell::new(STRIDE - 1) };
}

/// Returns whether to look at how long this call takes, as at each 127th of a thread.
#[inline]
pub(super) fn looks() -> bool {
    let left = LEFT.get();
    LEFT.set(if left == 0 { STRIDE - 1 } else { left - 1 });
    left == 0
}

/// Counts a call that ends now, if that is late.
#[cold]
pub(super) fn note(timeout: &Timeout, deadline: Ticks) {
    let limit = timeout.config.limit;
    let late = Duration::from_nanos(Ticks::now().0.saturating_sub(deadline.0));
    if late >= LEAST.max(limit / 10) {
        timeout.shell.note(LATE, 1);
        timeout.shell.emit(Event::Late { policy: timeout.name(), place: timeout.shell.place(), limit, late });
    }
}

/// A prime, so that of a few time-outs in turn it does not look at the same one always.
const STRIDE: u8 = 127;
/// Timers and schedulers may be late by less.
const LEAST: Duration = Duration::from_millis(10);
