//! The waits of calls that may block the thread: on a timer of the runtime, or of the thread.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

use crate::clock::{now, sleep_until};
use crate::parked::{self, Alarm, Turn};

pin_project! {
    /// A timer of the runtime, or of a thread that parks in its place.
    #[project = TimerProjection]
    #[derive(Debug)]
    pub(crate) enum Timer {
        Runtime { #[pin] sleep: Sleep },
        Thread { alarm: Alarm },
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            TimerProjection::Runtime { sleep } => sleep.poll(cx),
            TimerProjection::Thread { alarm } => alarm.poll(cx),
        }
    }
}

/// A timer for the instant; `None` if nothing can measure the time.
pub(crate) fn timer_at(instant: Instant) -> Option<Timer> {
    if parked::is_here() {
        let alarm = Alarm::after(instant.saturating_duration_since(now()))?;
        return Some(Timer::Thread { alarm });
    }
    sleep_until(instant).map(|sleep| Timer::Runtime { sleep })
}

/// Returns whether a wait can be measured here: by a runtime, or by a thread that parks.
#[inline]
pub(crate) fn can_wait() -> bool {
    parked::is_here() || Handle::try_current().is_ok()
}

/// Lets others have their turn.
pub(crate) async fn give_way() {
    if parked::is_here() {
        Turn::default().await;
    } else {
        tokio::task::yield_now().await;
    }
}
