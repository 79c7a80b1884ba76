//! Coming in: at once, after a wait, or not at all.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::gate::{Fate, Place, Queued};
use super::{Bulkhead, BulkheadEntry, BulkheadPermit};
use crate::book::Ended;
use crate::notes::bulkhead::{OBSERVED, QUEUED, WAITED_NANOS};
use crate::waits::{Timer, timer_at};
use crate::{Deadline, Error, Mode, Reason, clock, nested};

/// A caller on its way in: what [`Bulkhead::acquire`] returns.
///
/// # Cancel safety
///
/// Dropped while it waits, it leaves the queue, in the same time from any place. Permits that it was given but has not
/// taken go to the next.
///
/// # A call that is kept and not polled
///
/// Permits are handed to the first in the queue, in its order, and not to whichever is polled first: that is what makes
/// the queue fair. So a call that is kept and not polled again keeps the permits that it was handed, as many as its weight,
/// until it is polled or dropped; its time limit ends that as little, since that is looked at in a poll. Others go on with the
/// permits that are left. Await a call, or drop it.
#[must_use = "futures do nothing unless polled"]
pub struct BulkheadAcquire<'a> {
    entry: BulkheadEntry<'a>,
    waiting: Option<Box<Waiting>>,
}

struct Waiting {
    place: Arc<Place>,
    since: Instant,
    /// None if nothing ends the wait.
    end: Option<End>,
}

/// When a wait is over without a permit.
struct End {
    timer: Pin<Box<Timer>>,
    reason: Reason,
}

impl<'a> BulkheadAcquire<'a> {
    pub(super) const fn new(entry: BulkheadEntry<'a>) -> Self {
        Self { entry, waiting: None }
    }

    #[inline]
    pub(super) const fn bulkhead(&self) -> &'a Bulkhead {
        self.entry.bulkhead
    }

    /// Returns whether a call that has no room is not to wait for any, as most in an outage, and counts it as refused.
    #[cold]
    #[inline(never)]
    fn counts_as_full(&self) -> bool {
        let bulkhead = self.entry.bulkhead;
        let refuses = (bulkhead.never_waits() || bulkhead.queue_length() == 0)
            && bulkhead.current_mode() == Mode::Enforce
            && !nested::is_inside(bulkhead.address());
        if refuses {
            bulkhead.count_full();
        }
        refuses
    }

    /// Takes a place in the queue, unless it is refused or only observed.
    fn begin_to_wait(&mut self) -> Result<Option<BulkheadPermit<'a>>, Error> {
        let BulkheadEntry { bulkhead, weight, priority } = self.entry;
        if bulkhead.current_mode() == Mode::Observe {
            bulkhead.count(OBSERVED, |counts| &counts.observed);
            return Ok(Some(BulkheadPermit::new(bulkhead, bulkhead.gate.force(weight))));
        }
        if nested::is_inside(bulkhead.address()) {
            return Err(bulkhead.refuse(Reason::Reentrant));
        }
        let end = End::of(bulkhead).map_err(|reason| bulkhead.refuse(reason))?;
        let Some(Queued { place, shed }) = bulkhead.gate.wait(weight, priority, bulkhead.queue_length()) else {
            return Err(bulkhead.refuse_full());
        };
        bulkhead.count(QUEUED, |counts| &counts.queued);
        // kept before others are woken, whose wakers may panic: it is left then, as when this is dropped
        self.waiting = Some(Box::new(Waiting { place, since: clock::now(), end }));
        bulkhead.gate.settle(shed);
        Ok(None)
    }

    /// Returns what became of the place, which it no longer has.
    fn decided(&mut self, fate: Fate) -> Result<BulkheadPermit<'a>, Error> {
        let bulkhead = self.entry.bulkhead;
        if let Some(waiting) = self.waiting.take() {
            note_wait(bulkhead, &waiting);
        }
        match fate {
            Fate::Entered(permits) => Ok(BulkheadPermit::new(bulkhead, permits)),
            Fate::Shed => Err(bulkhead.refuse_full()),
        }
    }
}

impl<'a> Future for BulkheadAcquire<'a> {
    type Output = Result<BulkheadPermit<'a>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let bulkhead = self.entry.bulkhead;
        self.poll_entry(context).map_err(|refusal| refusal.into_error(bulkhead))
    }
}

/// The refusal of a call, which was counted.
pub(super) enum Refusal {
    /// There is no room. The error is left to whoever gives it to the caller: moved there, it would be read in other pieces than it was written in.
    Full,
    Other(Error),
}

impl Refusal {
    #[inline]
    pub(super) fn into_error(self, bulkhead: &Bulkhead) -> Error {
        match self {
            Self::Full => bulkhead.full(),
            Self::Other(error) => error,
        }
    }
}

impl<'a> BulkheadAcquire<'a> {
    /// As `poll`, without an error for what is refused at once.
    #[inline]
    pub(super) fn poll_entry(&mut self, context: &mut Context<'_>) -> Poll<Result<BulkheadPermit<'a>, Refusal>> {
        if self.waiting.is_none() {
            if let Some(permit) = self.entry.enter_at_once() {
                return Poll::Ready(Ok(permit));
            }
            if self.counts_as_full() {
                return Poll::Ready(Err(Refusal::Full));
            }
        }
        self.poll_slowly(context).map_err(Refusal::Other)
    }

    #[cold]
    fn poll_slowly(&mut self, context: &mut Context<'_>) -> Poll<Result<BulkheadPermit<'a>, Error>> {
        if self.waiting.is_none()
            && let Some(permit) = self.begin_to_wait()?
        {
            return Poll::Ready(Ok(permit));
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        if let Poll::Ready(fate) = waiting.place.poll(context) {
            return Poll::Ready(self.decided(fate));
        }
        let Some(end) = &mut waiting.end else { return Poll::Pending };
        if end.timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let (reason, place) = (end.reason, waiting.place.clone());
        // A permit that came at the last moment is as good as any.
        let fate = self.entry.bulkhead.gate.give_up(&place);
        Poll::Ready(match fate {
            Some(fate) => self.decided(fate),
            None => {
                if let Some(waiting) = self.waiting.take() {
                    note_wait(self.entry.bulkhead, &waiting);
                }
                Err(self.entry.bulkhead.refuse(reason))
            }
        })
    }
}

impl Drop for BulkheadAcquire<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.entry.bulkhead.shell.count(Ended::Abandoned);
            note_wait(self.entry.bulkhead, &waiting);
            leave_queue(self.entry.bulkhead, &waiting.place);
        }
    }
}

/// Adds to the time that calls have waited, however the wait ended.
fn note_wait(bulkhead: &Bulkhead, waiting: &Waiting) {
    let waited = clock::now().saturating_duration_since(waiting.since);
    bulkhead.shell.note(WAITED_NANOS, clock::nanos(waited));
}

#[cold]
fn leave_queue(bulkhead: &Bulkhead, place: &Arc<Place>) {
    if let Some(Fate::Entered(permits)) = bulkhead.gate.give_up(place) {
        bulkhead.gate.leave(permits);
    }
}

impl fmt::Debug for BulkheadAcquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadAcquire")
            .field("bulkhead", &self.entry.bulkhead.name())
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}

impl End {
    /// The end of a wait that begins now, or why there can be none.
    fn of(bulkhead: &Bulkhead) -> Result<Option<Self>, Reason> {
        let deadline = Deadline::current();
        let limit = bulkhead.longest_wait().or_else(|| deadline.is_none().then_some(DEFAULT_WAIT));
        let now = clock::now();
        let by_limit = limit.and_then(|limit| Some((now.checked_add(limit)?, Reason::WaitedTooLong { limit })));
        let by_deadline = deadline.map(|deadline| (deadline.instant(), Reason::DeadlineExceeded));
        let Some((at, reason)) = earlier(by_deadline, by_limit) else { return Ok(None) };
        if at <= now {
            return Err(reason);
        }
        let timer = timer_at(at).ok_or(Reason::NoRuntime)?;
        Ok(Some(Self { timer: Box::pin(timer), reason }))
    }
}

fn earlier(one: Option<(Instant, Reason)>, other: Option<(Instant, Reason)>) -> Option<(Instant, Reason)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.0 <= other.0 { one } else { other }),
        (one, other) => one.or(other),
    }
}

/// Without a deadline, and unless set.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);
