//! The acquisition: a permit at once, a refusal at once, or a place among those who wait.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::meter::Blocked;
use super::{RateLimit, RatePermit, units};
use crate::clock;
use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;
use crate::{Deadline, Error, Mode, PolicyKind, Reason};

/// What [`RateLimit::acquire`] returns.
///
/// It allocates only if it has to wait.
#[must_use = "futures do nothing unless polled"]
pub struct RateAcquire<'a> {
    limit: &'a RateLimit,
    calls: u32,
    waiting: Option<Waiting<'a>>,
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<RatePermit<'a>, Error>> + Send + 'a>>;

/// Those who wait. Only the first of them asks the meter, and the others wait for its turn to end.
#[derive(Debug)]
pub(super) struct Queue {
    /// How many there are. Relaxed: it only says whether to join them, and how long that would take.
    waiting: AtomicU32,
    /// Fair: the turn goes to whoever has waited for it longest.
    turn: Semaphore,
}

/// A place among those who wait.
struct Place<'a>(&'a RateLimit);

impl Queue {
    const_fn! {
        pub(super) fn new() -> Self {
            Self { waiting: AtomicU32::new(0), turn: Semaphore::const_new(1) }
        }
    }

    #[inline]
    pub(super) fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }
}

impl<'a> RateAcquire<'a> {
    pub(super) const fn new(limit: &'a RateLimit, calls: u32) -> Self {
        Self { limit, calls, waiting: None }
    }
}

impl<'a> Future for RateAcquire<'a> {
    type Output = Result<RatePermit<'a>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.waiting.is_none() {
            let limit = self.limit;
            let waited = match limit.admit(self.calls, limit.config.max_wait) {
                Ok(()) => return Poll::Ready(Ok(RatePermit::new(limit))),
                Err(Held::Refused(rejection)) => return Poll::Ready(Err(rejection)),
                Err(Held::Until(give_up)) => limit.wait(self.calls, give_up),
            };
            self.waiting = Some(Box::pin(waited));
        }
        match &mut self.waiting {
            Some(waiting) => waiting.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for RateAcquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateAcquire")
            .field("limit", &self.limit.name)
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}

/// A call that is not let through at once.
pub(super) enum Held {
    Refused(Error),
    /// It may wait, and until then at the longest.
    Until(Instant),
}

impl RateLimit {
    #[inline]
    pub(super) fn admit(&self, calls: u32, max_wait: Duration) -> Result<(), Held> {
        let mode = self.mode.get();
        if mode == Mode::Off {
            return Ok(());
        }
        let now = clock::now();
        // Nobody overtakes those who wait.
        let waiting = self.queue.waiting();
        let blocked = if waiting == 0 {
            match self.meter.admit(units(now), calls) {
                Ok(()) => {
                    self.totals.admit();
                    return Ok(());
                }
                Err(blocked) => blocked,
            }
        } else {
            self.meter.glimpse(units(now), calls)
        };
        self.hold(blocked, waiting, now, max_wait, mode)
    }

    #[cold]
    fn hold(&self, blocked: Blocked, waiting: u32, now: Instant, max_wait: Duration, mode: Mode) -> Result<(), Held> {
        let blocked = blocked.behind(waiting);
        let wait = blocked.slot.since(units(now));
        if mode == Mode::Observe {
            if wait > max_wait {
                self.totals.refuse(blocked.paused.is_some());
            } else {
                self.totals.waited.fetch_add(1, Relaxed);
            }
            return Ok(());
        }
        if wait > max_wait {
            return Err(Held::Refused(self.refuse(blocked, now)));
        }
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Held::Refused(Error::new(PolicyKind::RateLimit, self.name, Reason::NoRuntime)));
        }
        let limit = now.checked_add(max_wait);
        let deadline = Deadline::current().map(Deadline::instant);
        let give_up = match (limit, deadline) {
            (Some(limit), Some(deadline)) => limit.min(deadline),
            (limit, deadline) => limit.or(deadline).unwrap_or(now + FAR),
        };
        if wait > give_up.saturating_duration_since(now) {
            return Err(Held::Refused(self.refuse(blocked, now)));
        }
        Err(Held::Until(give_up))
    }

    /// Counts a refusal and says why it is one.
    fn refuse(&self, blocked: Blocked, now: Instant) -> Error {
        let now = units(now);
        self.totals.refuse(blocked.paused.is_some());
        let reason = match blocked.paused {
            Some(end) => Reason::Paused { retry_after: end.since(now) },
            None => Reason::RateLimited { retry_after: blocked.slot.since(now) },
        };
        Error::new(PolicyKind::RateLimit, self.name, reason)
    }

    /// Waits in line, and when it is first, for the time at which the meter lets it through.
    ///
    /// Nothing is taken from the meter before that, so a place that is given up costs nobody anything, and whoever wakes
    /// late is measured by the time at which it woke.
    fn wait(&self, calls: u32, give_up: Instant) -> impl Future<Output = Result<RatePermit<'_>, Error>> + Send {
        let place = Place::take(self);
        async move {
            let limit = place.limit();
            let Ok(_turn) = tokio::time::timeout_at(give_up, limit.queue.turn.acquire()).await else {
                // Those who were first took longer than it seemed.
                let now = clock::now();
                let blocked = limit.meter.glimpse(units(now), calls);
                return Err(limit.refuse(blocked.behind(limit.queue.waiting() - 1), now));
            };
            loop {
                let now = clock::now();
                let blocked = match limit.meter.admit(units(now), calls) {
                    Ok(()) => {
                        limit.totals.admit();
                        limit.totals.waited.fetch_add(1, Relaxed);
                        return Ok(RatePermit::new(limit));
                    }
                    Err(blocked) => blocked,
                };
                let wait = blocked.slot.since(units(now));
                if wait > give_up.saturating_duration_since(now) {
                    return Err(limit.refuse(blocked, now));
                }
                tokio::time::sleep(wait).await;
            }
        }
    }
}

impl<'a> Place<'a> {
    fn take(limit: &'a RateLimit) -> Self {
        limit.queue.waiting.fetch_add(1, Relaxed);
        Self(limit)
    }

    /// A method, so that a future that calls it holds the place and not only the reference in it.
    const fn limit(&self) -> &'a RateLimit {
        self.0
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.queue.waiting.fetch_sub(1, Relaxed);
    }
}

/// Later than anybody waits, and early enough to be added to any clock.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);
