//! The acquisition: a permit at once, a refusal at once, or a place among those who wait.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::gcra::Units;
use super::meter::{Blocked, Obstacle};
use super::{RateCounts, RateLimit, RatePermit, units};
use crate::book::{Ended, OwnCount, Total};
use crate::clock;
use crate::error::number_of;
use crate::length::Length;
use crate::notes::rate_limit::{OBSERVED, QUEUED, WAITED_NANOS};
use crate::rare::Rare;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU32, AtomicU64};
use crate::sync::const_fn;
use crate::{Deadline, Error, Mode, Reason, waits};

/// The return value of [`RateLimit::acquire`].
///
/// It allocates only if it has to wait. The limit allocates once, when it first has a call wait or refuses one.
///
/// # A call that is kept and not polled
///
/// It takes nothing from the meter, and the calls behind it are let through at the slots that they were told. It puts off
/// each later call by its own intervals at the most, and none once a call has come so late that all in line should
/// have been let through.
#[must_use = "futures do nothing unless polled"]
pub struct RateAcquire<'a> {
    limit: &'a RateLimit,
    /// The weight of the call; once it was let through, what it took of the meter.
    calls: u32,
    waiting: Option<Waiting<'a>>,
}

/// The share of the meter that a call took when it was let through, and the time of that.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Zero if the limit did not count the call.
    pub(super) calls: u32,
    /// [Never](Units::NEVER) if the limit did not count the call.
    pub(super) at: Units,
}

impl Taken {
    /// Nothing, by a limit that is off or observes only.
    pub(super) const NOTHING: Self = Self { calls: 0, at: Units::NEVER };

    /// Returns when the limit counted the call, if it did.
    #[inline]
    pub(super) fn when(self) -> Option<Units> {
        (self.at != Units::NEVER).then_some(self.at)
    }
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Units, Error>> + Send + 'a>>;

/// The calls that wait. The first of them asks the meter as soon as it can be let through, and each of the others when its
/// turn comes or, if that is earlier, at the slot that it was told.
///
/// So a call that is kept and not polled keeps its turn, and nobody else waits for that.
#[derive(Debug)]
pub(super) struct Queue(Rare<Crowd>);

/// The queue once a call has waited in it, or came too early and was refused.
#[derive(Debug)]
struct Crowd {
    /// The number of calls that waited, and of those that were refused, ever. Nothing is decided on them.
    waited: AtomicU64,
    limited: OwnCount,
    paused: OwnCount,
    too_heavy: OwnCount,
    /// Their number. Relaxed, as are the others: they only say whether to join them, and how long that would take.
    waiting: AtomicU32,
    /// For how many calls they wait, a [`Line`].
    line: AtomicU64,
    /// For how many calls those waited that wait no more, modulo 2⁶⁴.
    left: AtomicU64,
    /// Fair: the turn goes to the call that has waited for it longest.
    turn: Semaphore,
    /// Wakes the call whose turn it is when others give something back.
    given_back: Notify,
}

/// So many calls are ahead of one that comes, in 40 bits. The generation above them changes when they have let their slots go
/// by, after which nobody waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line(u64);

/// A place among the calls that wait.
struct Place<'a> {
    limit: &'a RateLimit,
    /// For how many calls, and in which generation.
    calls: u64,
    line: Line,
    /// Number of calls ahead when it was taken.
    ahead: u64,
    /// Number that had left by then.
    left: u64,
}

impl Queue {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(Rare::new(Crowd::new))
        }
    }

    fn crowd(&self) -> &Crowd {
        self.0.get_or_make(Crowd::new)
    }

    /// Lets the call whose turn it is ask the meter again.
    pub(super) fn look_again(&self) {
        if let Some(crowd) = self.0.get() {
            crowd.given_back.notify_one();
        }
    }

    pub(super) fn waiting(&self) -> u32 {
        self.0.get().map_or(0, |crowd| crowd.waiting.load(Relaxed))
    }

    /// Returns what it knows of the counts.
    pub(super) fn counts(&self) -> RateCounts {
        let crowd = self.0.get();
        let refused = |count: fn(&Crowd) -> &OwnCount| crowd.map_or(0, |crowd| count(crowd).sum());
        RateCounts {
            admitted: 0,
            waited: crowd.map_or(0, |crowd| crowd.waited.load(Relaxed)),
            limited: refused(|crowd| &crowd.limited),
            paused: refused(|crowd| &crowd.paused),
            too_heavy: refused(|crowd| &crowd.too_heavy),
            pauses: 0,
            slowed: 0,
            waiting: self.waiting(),
        }
    }

    /// Counts a call that waits.
    fn count_wait(&self) {
        self.crowd().waited.fetch_add(1, Relaxed);
    }

    /// The count of the calls that are refused for this.
    fn refusals(&self, blocked: Blocked) -> &OwnCount {
        let crowd = self.crowd();
        match blocked {
            Blocked { outweighed: Some(_), .. } => &crowd.too_heavy,
            Blocked { paused: Some(_), .. } => &crowd.paused,
            _ => &crowd.limited,
        }
    }

    #[inline]
    fn line(&self) -> Line {
        self.0.get().map_or(Line(0), Crowd::line)
    }
}

impl Crowd {
    fn new() -> Self {
        Self {
            waited: AtomicU64::new(0),
            limited: OwnCount::new(),
            paused: OwnCount::new(),
            too_heavy: OwnCount::new(),
            waiting: AtomicU32::new(0),
            line: AtomicU64::new(0),
            left: AtomicU64::new(0),
            turn: Semaphore::const_new(1),
            given_back: Notify::const_new(),
        }
    }

    #[inline]
    fn line(&self) -> Line {
        Line(self.line.load(Relaxed))
    }
}

impl Line {
    const fn calls(self) -> u64 {
        self.0 & ((1 << Self::CALLS) - 1)
    }

    /// The next generation, of which there is none yet.
    const fn next(self) -> Self {
        Self(((self.0 >> Self::CALLS) + 1) << Self::CALLS)
    }

    const fn is_of_the_time_of(self, other: Self) -> bool {
        self.0 >> Self::CALLS == other.0 >> Self::CALLS
    }

    const CALLS: u32 = 40;
    /// The most calls that one caller counts for: a million of those fit.
    const MOST: u32 = 1 << 20;
}

impl<'a> RateAcquire<'a> {
    pub(super) const fn new(limit: &'a RateLimit, calls: u32) -> Self {
        Self { limit, calls, waiting: None }
    }

    /// The share of the meter that it took, once it was let through.
    #[inline]
    pub(super) const fn taken(&self) -> u32 {
        self.calls
    }

    #[inline]
    pub(super) const fn limit(&self) -> &'a RateLimit {
        self.limit
    }
}

impl<'a> Future for RateAcquire<'a> {
    type Output = Result<RatePermit<'a>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let limit = self.limit;
        self.poll_admitted(cx).map_ok(|at| RatePermit::new(limit, Taken { calls: self.calls, at }))
    }
}

impl RateAcquire<'_> {
    /// As `poll`, without a permit: returns when the limit counted the call, which is [never](Units::NEVER) if it did not. How much it
    /// [took](Self::taken) is kept, as the two together would be moved through memory.
    #[inline]
    pub(super) fn poll_admitted(&mut self, cx: &mut Context<'_>) -> Poll<Result<Units, Error>> {
        if self.waiting.is_none() {
            let limit = self.limit;
            match limit.admit(self.calls, limit.config.max_wait) {
                Ok(at) => return Poll::Ready(Ok(at)),
                Err(Held::Uncounted) => {
                    let Taken { calls, at } = Taken::NOTHING;
                    self.calls = calls;
                    return Poll::Ready(Ok(at));
                }
                Err(Held::Limited { retry_after }) => return Poll::Ready(Err(limit.limited(retry_after))),
                Err(Held::Refused(rejection)) => return Poll::Ready(Err(rejection)),
                Err(Held::Until { give_up, blocked }) => self.begin_to_wait(give_up, blocked),
            }
        }
        self.poll_waiting(cx)
    }

    #[cold]
    fn begin_to_wait(&mut self, give_up: Instant, blocked: Blocked) {
        self.waiting = Some(Box::pin(self.limit.wait(self.calls, give_up, blocked)));
    }

    #[inline(never)]
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<Units, Error>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        let polled = waiting.as_mut().poll(cx);
        if polled.is_ready() {
            self.waiting = None;
        }
        polled
    }
}

impl Drop for RateAcquire<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.waiting.is_some() {
            self.limit.shell.count(Ended::Abandoned);
        }
    }
}

impl fmt::Debug for RateAcquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateAcquire")
            .field("limit", &self.limit.name())
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}

/// A call that the meter does not let through at once.
pub(super) enum Held {
    /// It is let through all the same, and takes nothing.
    Uncounted,
    /// The rate is used up for so long, and the refusal was counted. The error is left to the caller, which makes it where it is to go.
    Limited {
        retry_after: Duration,
    },
    Refused(Error),
    /// It may wait, and until `give_up` at the longest.
    Until {
        give_up: Instant,
        blocked: Blocked,
    },
}

/// The wait of a call, which counts however it ends.
struct Wait<'a> {
    limit: &'a RateLimit,
    since: Instant,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let waited = clock::now().saturating_duration_since(self.since);
        self.limit.shell.note(QUEUED, 1);
        self.limit.shell.note(WAITED_NANOS, clock::nanos(waited));
    }
}

impl RateLimit {
    /// Lets a call through, and returns at what time.
    #[inline]
    pub(super) fn admit(&self, calls: u32, max_wait: Length) -> Result<Units, Held> {
        if self.shell.mode() == Mode::Off {
            return Err(Held::Uncounted);
        }
        let now = clock::now();
        let at = units(now);
        // Nobody overtakes those who wait.
        let line = self.queue.line();
        let blocked = if line.calls() == 0 || self.shared.is_some() || self.is_overdue(line, at, calls) {
            match &self.shared {
                None => match self.meter.try_admit(at, calls, 1) {
                    Ok(()) => return Ok(self.let_through(at)),
                    Err(Obstacle::Rate { slot }) if self.refuses_at_once(slot, at, max_wait) => {
                        self.count_limited();
                        return Err(Held::Limited { retry_after: slot.since(at) });
                    }
                    Err(obstacle) => self.meter.blocked(obstacle, at, calls),
                },
                Some(shared) => match self.admit_shared(shared, at, calls) {
                    Ok(()) => return Ok(self.let_through(at)),
                    Err(blocked) => blocked,
                },
            }
        } else {
            self.meter.glimpse(at, calls)
        };
        self.hold(blocked, calls, (now, at), max_wait)
    }

    /// Counts a request that is let through at that time, and returns the time.
    #[inline]
    fn let_through(&self, at: Units) -> Units {
        self.shell.count_alone(&self.admitted);
        at
    }

    /// Returns whether nothing is left to ask about a call that only the rate holds back until that slot, as of most in an outage.
    #[inline]
    fn refuses_at_once(&self, slot: Units, now: Units, max_wait: Length) -> bool {
        max_wait == Length::ZERO && self.meter.is_usual(slot, now) && self.shell.mode() == Mode::Enforce
    }

    /// Lets so many calls through, or says when it could.
    #[inline]
    fn measure(&self, now: Units, calls: u32) -> Result<(), Blocked> {
        match &self.shared {
            None => self.meter.admit(now, calls),
            Some(link) => self.admit_shared(link, now, calls),
        }
    }

    /// Wakes the call whose turn it is.
    fn given_back(&self) -> &Notify {
        match &self.shared {
            None => &self.queue.crowd().given_back,
            Some(link) => &link.pool().answered,
        }
    }

    /// Returns whether those who wait have let their slots go by: they are kept and not polled, and nobody waits for them any more.
    #[cold]
    fn is_overdue(&self, line: Line, now: Units, calls: u32) -> bool {
        let ahead = self.meter.glimpse(now, calls).interval.times(line.calls());
        let before = now.before(LATE).before_by(ahead);
        let is_overdue = self.meter.glimpse(before, calls).slot <= before;
        if is_overdue {
            // If it fails, somebody has come or left, and the next call finds the rest.
            let _ = self.queue.crowd().line.compare_exchange(line.0, line.next().0, Relaxed, Relaxed);
        }
        is_overdue
    }

    #[cold]
    fn hold(&self, blocked: Blocked, calls: u32, (now, at): (Instant, Units), max_wait: Length) -> Result<Units, Held> {
        if !blocked.is_usual(at) && self.restart_if_clock_went_back(now) {
            return self.admit(calls, max_wait);
        }
        let max_wait = max_wait.time();
        let (behind, max_wait) = match &self.shared {
            Some(link) if blocked.asks => (blocked, max_wait.max(link.patience(self.meter.pace()))),
            _ => (blocked.behind(self.queue.line().calls()), max_wait),
        };
        let wait = behind.slot.since(at);
        let is_refused = wait > max_wait || blocked.slot == Units::NEVER;
        if self.shell.mode() == Mode::Observe {
            if blocked.asks {
                // whether it would have waited is not known
                return Err(Held::Uncounted);
            }
            self.shell.note(OBSERVED, 1);
            if is_refused {
                self.queue.refusals(behind).add_one_apart();
            } else {
                self.queue.count_wait();
            }
            return Err(Held::Uncounted);
        }
        if is_refused {
            return Err(Held::Refused(self.refuse(behind, calls, at)));
        }
        if !wait.is_zero() && !waits::can_wait() {
            return Err(Held::Refused(self.no_runtime()));
        }
        let limit = now.checked_add(max_wait);
        let deadline = Deadline::current().map(Deadline::instant);
        let give_up = match (limit, deadline) {
            (Some(limit), Some(deadline)) => limit.min(deadline),
            (limit, deadline) => limit.or(deadline).unwrap_or(now + clock::FAR),
        };
        if wait > give_up.saturating_duration_since(now) {
            return Err(Held::Refused(self.refuse(behind, calls, at)));
        }
        Err(Held::Until { give_up, blocked })
    }

    /// Counts a refusal and says why it is one.
    pub(super) fn refuse(&self, blocked: Blocked, weight: u32, now: Units) -> Error {
        let reason = match blocked {
            Blocked { outweighed: Some(burst), .. } => Reason::TooHeavy { weight, burst },
            Blocked { paused: Some(end), .. } => Reason::Paused { retry_after: end.since(now) },
            _ => {
                self.count_limited();
                return self.limited(blocked.slot.since(now));
            }
        };
        self.shell.reject_own(reason, self.queue.refusals(blocked))
    }

    /// Counts a call that is refused for the rate.
    fn count_limited(&self) {
        self.shell.count_own(&self.queue.crowd().limited, Total::Rejected(number_of::RATE_LIMITED));
    }

    /// The refusal for the rate.
    #[inline]
    pub(super) const fn limited(&self, retry_after: Duration) -> Error {
        self.shell.rejection(Reason::RateLimited { retry_after })
    }

    /// A refusal where the wait could not be measured.
    fn no_runtime(&self) -> Error {
        self.shell.reject(Reason::NoRuntime)
    }

    /// Waits in line for the time at which the meter lets it through.
    ///
    /// Nothing is taken from the meter before that, so a place that is given up costs nobody anything, and a call that wakes
    /// late is measured by the time at which it woke.
    fn wait(
        &self,
        calls: u32,
        give_up: Instant,
        blocked: Blocked,
    ) -> impl Future<Output = Result<Units, Error>> + Send {
        let place = Place::take(self, calls);
        async move {
            let limit = place.limit();
            let _wait = Wait { limit, since: clock::now() };
            let mut line = pin!(limit.queue.crowd().turn.acquire());
            let mut turn = None;
            let mut blocked = blocked.behind(place.ahead());
            loop {
                let now = clock::now();
                let wait = blocked.slot.since(units(now)).min(give_up.saturating_duration_since(now));
                if wait.is_zero() {
                    // Whatever the meter says, others have their turn.
                    waits::give_way().await;
                } else {
                    let slot = now.checked_add(wait).unwrap_or(give_up);
                    let Some(timer) = waits::timer_at(slot) else { return Err(limit.no_runtime()) };
                    if turn.is_some() {
                        let _ = unless(pin!(limit.given_back().notified()), timer).await;
                    } else {
                        turn = unless(line.as_mut(), timer).await;
                    }
                }
                if turn.is_none() {
                    // Those ahead go first, if they are polled.
                    turn = unless(line.as_mut(), waits::give_way()).await;
                }

                let now = clock::now();
                let at = units(now);
                blocked = match limit.measure(at, calls) {
                    Ok(()) => {
                        limit.queue.count_wait();
                        return Ok(limit.let_through(at));
                    }
                    Err(blocked) => blocked,
                };
                let left = give_up.saturating_duration_since(now);
                if blocked.asks {
                    // an answer may come at any time, and until then it has what is left of its patience
                    blocked.slot = blocked.slot.min(units(give_up));
                }
                let is_too_late = blocked.slot == Units::NEVER || blocked.slot.since(at) > left;
                if turn.is_none() {
                    blocked = blocked.behind(place.ahead());
                }
                if is_too_late || left.is_zero() {
                    return Err(limit.refuse(blocked, calls, at));
                }
            }
        }
    }
}

/// Waits for the first future, unless the second is ready sooner.
async fn unless<T>(mut first: Pin<&mut impl Future<Output = T>>, second: impl Future<Output = ()>) -> Option<T> {
    let mut second = pin!(second);
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => second.as_mut().poll(cx).map(|()| None),
    })
    .await
}

impl<'a> Place<'a> {
    fn take(limit: &'a RateLimit, calls: u32) -> Self {
        let crowd = limit.queue.crowd();
        let calls = u64::from(calls.min(limit.meter.pace().burst).min(Line::MOST));
        let left = crowd.left.load(Relaxed);
        crowd.waiting.fetch_add(1, Relaxed);
        let line = Line(crowd.line.fetch_add(calls, Relaxed));
        Self { limit, calls, line, ahead: line.calls(), left }
    }

    /// A method, so that a future that calls it holds the place and not only the reference in it.
    const fn limit(&self) -> &'a RateLimit {
        self.limit
    }

    /// Number of calls ahead of a place that has no turn: too few if others behind it have left.
    ///
    /// So there is a second guess, an eighth of all that wait, which keeps a crowd that was told its slots before the rate
    /// changed from asking all at once and again and again.
    fn ahead(&self) -> u64 {
        let crowd = self.limit.queue.crowd();
        let left = crowd.left.load(Relaxed).wrapping_sub(self.left);
        self.ahead.saturating_sub(left).max((crowd.line().calls() / 8).max(1)).min(self.ahead)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let crowd = self.limit.queue.crowd();
        crowd.left.fetch_add(self.calls, Relaxed);
        crowd.waiting.fetch_sub(1, Relaxed);
        let _ = crowd.line.fetch_update(Relaxed, Relaxed, |line| {
            let line = Line(line);
            (line.is_of_the_time_of(self.line) && line.calls() >= self.calls).then(|| line.0 - self.calls)
        });
    }
}

/// Timers and threads may be so late: a call that has not come for its slot by then is not on its way.
const LATE: Duration = Duration::from_millis(100);

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn next_generation_of_a_line_has_no_calls() {
        let first = Line(7);
        let next = first.next();

        assert_eq!((first.calls(), next.calls()), (7, 0));
        assert!(first.is_of_the_time_of(Line(0)) && !first.is_of_the_time_of(next));
        assert!(!next.is_of_the_time_of(next.next()));
    }
}
