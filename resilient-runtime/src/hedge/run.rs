//! A call with attempts side by side.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::judge::{End, Next};
use super::{Hedge, Hedging, Sample};
use crate::book::Ended;
use crate::deadline::Limit;
use crate::notes::hedge::WON;
use crate::when::Judge;
use crate::{Class, Event, clock};

pin_project! {
    /// The return value of [`Hedge::run`](crate::Hedge::run) and its likes.
    #[must_use = "futures do nothing unless polled"]
    pub struct HedgeFuture<'a, A, F, O, J> {
        // `None` once it has ended
        #[pin]
        first: Option<F>,
        // until the next attempt is due
        #[pin]
        timer: Option<Sleep>,
        course: Course<'a, F, O>,
        attempt: A,
        judge: J,
    }

    impl<A, F, O, J> PinnedDrop for HedgeFuture<'_, A, F, O, J> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            let course = this.project().course;
            if course.began_to_run && course.stage != Stage::Over {
                abandon(course.hedging.hedge);
            }
        }
    }
}

impl<A, F, O, J> fmt::Debug for HedgeFuture<'_, A, F, O, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture")
            .field("hedge", &self.course.hedging.hedge.name())
            .field("stage", &self.course.stage)
            .field("others", &self.course.rest.as_ref().map_or(0, |rest| rest.others.len()))
            .finish_non_exhaustive()
    }
}

/// The course of a call so far.
struct Course<'a, F, O> {
    hedging: Hedging<'a>,
    stage: Stage,
    /// Set at the first poll.
    began_to_run: bool,
    /// When the first attempt was found to have to wait.
    began: Option<Instant>,
    /// After how long another attempt starts.
    delay: Duration,
    /// The number of further attempts that there may be, once the call has [begun](Self::begin) to be one that a hedge could help.
    left: u32,
    /// The end of the attempt whose outcome the call has, or has so far.
    ended: Ended,
    /// `None` while the first attempt is the only one, and has not failed.
    rest: Option<Box<Rest<F, O>>>,
}

/// The part of a call's course that few calls have.
struct Rest<F, O> {
    /// The attempts that run beside the first.
    others: Vec<Other<F>>,
    /// The failure of the first attempt, while others run.
    failure: Option<O>,
    /// No other may start before this, because the server said so.
    not_before: Option<Instant>,
}

impl<F, O> Default for Rest<F, O> {
    fn default() -> Self {
        Self { others: Vec::new(), failure: None, not_before: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not polled yet; most calls that need no wait end here.
    Fresh,
    /// The next attempt starts when the timer says so, if there is one.
    Waiting,
    /// The next attempt may start now.
    Due,
    Over,
}

struct Other<F> {
    future: Pin<Box<F>>,
    began: Instant,
}

impl<'a, A: Fn() -> F, F: Future, J> HedgeFuture<'a, A, F, F::Output, J> {
    #[inline]
    pub(crate) fn new(hedging: Hedging<'a>, attempt: A, judge: J) -> Self {
        let course = Course {
            hedging,
            stage: Stage::Fresh,
            began_to_run: false,
            began: None,
            delay: Duration::ZERO,
            // Not zero: with as many zeros as there would be side by side, some are written over two fields at once, which the next to read one waits for.
            left: u32::MAX,
            ended: Ended::Abandoned,
            rest: None,
        };
        Self { first: Some(attempt()), timer: None, course, attempt, judge }
    }
}

impl<A, F, J> Future for HedgeFuture<'_, A, F, F::Output, J>
where
    A: Fn() -> F,
    F: Future,
    J: Judge<F::Output>,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        assert!(this.course.stage != Stage::Over, "a hedge's future is not polled again after it ended");

        this.course.began_to_run = true;
        if let Some(first) = this.first.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = first.poll(context)
        {
            let end = End::of(&outcome, &*this.judge);
            if this.course.stage == Stage::Fresh && end.next == Next::Accept {
                this.first.set(None);
                this.course.stage = Stage::Over;
                this.course.hedging.hedge.shell.count(Ended::of(end.class));
                return Poll::Ready(outcome);
            }
            this.first.set(None);
            this.course.begin(None, this.timer.as_mut());
            if let Some(outcome) = this.course.first_ended(end, outcome) {
                return Poll::Ready(this.course.over(outcome, this.first, this.timer));
            }
        }
        let judge = &*this.judge;
        this.course.go_on(this.first, this.timer, &*this.attempt, |outcome| End::of(outcome, judge), context)
    }
}

impl<F: Future> Course<'_, F, F::Output> {
    /// All but the first attempt's poll: rarely needed, so it is not inlined.
    fn go_on(
        &mut self,
        first: Pin<&mut Option<F>>,
        mut timer: Pin<&mut Option<Sleep>>,
        attempt: impl Fn() -> F,
        decide: impl Fn(&F::Output) -> End,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        if self.stage == Stage::Fresh {
            self.begin(Some(clock::now()), timer.as_mut());
        }

        let mut index = 0;
        while let Some(other) = self.other(index) {
            match other.future.as_mut().poll(context) {
                Poll::Pending => index += 1,
                Poll::Ready(outcome) => {
                    let began = self.rest().others.remove(index).began;
                    if let Some(outcome) = self.other_ended(decide(&outcome), outcome, Some(began)) {
                        return Poll::Ready(self.over(outcome, first, timer));
                    }
                }
            }
        }

        while self.is_due(timer.as_mut(), context) {
            let now = clock::now();
            self.left -= 1;
            self.stage = Stage::Waiting;
            let granted = self.hedging.hedge.grants(self.hedging.bulkhead);
            if self.left > 0 {
                self.arm(timer.as_mut(), now, self.delay);
            }
            let Some(grant) = granted else { continue };
            let hedge = self.hedging.hedge;
            hedge.shell.emit(Event::Hedging { policy: hedge.name() });
            let mut future = Box::pin(attempt());
            grant.begin();
            match future.as_mut().poll(context) {
                Poll::Pending => self.rest().others.push(Other { future, began: now }),
                Poll::Ready(outcome) => {
                    drop(future);
                    if let Some(outcome) = self.other_ended(decide(&outcome), outcome, None) {
                        return Poll::Ready(self.over(outcome, first, timer));
                    }
                }
            }
        }

        if first.is_none() && !self.has_others() {
            // nothing is under way: to wait for the time that a server named is for a retry
            let failure = self.rest().failure.take();
            let outcome = failure.expect("a first attempt that has ended and was not accepted has failed");
            return Poll::Ready(self.over(outcome, first, timer));
        }
        Poll::Pending
    }

    fn rest(&mut self) -> &mut Rest<F, F::Output> {
        self.rest.get_or_insert_default()
    }

    fn other(&mut self, index: usize) -> Option<&mut Other<F>> {
        self.rest.as_mut()?.others.get_mut(index)
    }

    fn has_others(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| !rest.others.is_empty())
    }

    /// Takes note that the call is one that a hedge could help: it has to wait, or its first attempt has failed.
    fn begin(&mut self, now: Option<Instant>, timer: Pin<&mut Option<Sleep>>) {
        if self.stage != Stage::Fresh {
            return;
        }
        self.stage = Stage::Waiting;
        self.began = now;
        self.left = 0;
        let most = self.hedging.hedge.begin();
        let Some(delay) = self.hedging.hedge.delay() else { return };
        (self.left, self.delay) = (most, delay);
        if let (Some(now), 1..) = (now, most) {
            self.arm(timer, now, delay);
        }
    }

    /// Sets the timer for the next attempt, unless the deadline comes first.
    fn arm(&mut self, mut timer: Pin<&mut Option<Sleep>>, now: Instant, delay: Duration) {
        timer.set(None);
        if delay.is_zero() {
            self.stage = Stage::Due;
            return;
        }
        let Some(at) = now.checked_add(delay) else { return };
        if !Limit::current().ends_by(now, at) {
            timer.set(clock::sleep_until(at));
        }
    }

    /// Returns whether another attempt is to start now, if it is granted.
    fn is_due(&mut self, mut timer: Pin<&mut Option<Sleep>>, context: &mut Context<'_>) -> bool {
        if self.left == 0 {
            timer.set(None);
            return false;
        }
        loop {
            if self.stage != Stage::Due {
                let polled = timer.as_mut().as_pin_mut().map(|timer| timer.poll(context));
                if !polled.is_some_and(|polled| polled.is_ready()) {
                    return false;
                }
            }
            let now = clock::now();
            if Limit::current().ends_by(now, now) {
                self.left = 0;
                timer.set(None);
                return false;
            }
            let not_before = self.rest.as_ref().and_then(|rest| rest.not_before);
            let Some(not_before) = not_before.filter(|&instant| now < instant) else { return true };
            self.stage = Stage::Waiting;
            self.arm(timer.as_mut(), now, not_before - now);
        }
    }

    /// The outcome that the call ends with, if the first attempt's is one.
    fn first_ended(&mut self, end: End, outcome: F::Output) -> Option<F::Output> {
        let began = self.began.take();
        self.ended(end, began);
        self.ended = Ended::of(end.class);
        if end.next == Next::Accept || (self.left == 0 && !self.has_others()) {
            return Some(outcome);
        }
        self.rest().failure = Some(outcome);
        None
    }

    /// As [`first_ended`](Self::first_ended), of another attempt, which ran at once if it has no beginning.
    fn other_ended(&mut self, end: End, outcome: F::Output, began: Option<Instant>) -> Option<F::Output> {
        self.ended(end, began);
        if end.class == Class::Success {
            self.hedging.hedge.count(WON, |counts| &counts.won);
        }
        if end.next != Next::Accept {
            return None;
        }
        self.ended = Ended::of(end.class);
        Some(outcome)
    }

    fn ended(&mut self, end: End, began: Option<Instant>) {
        if let Some(began) = began
            && end.tells_time
            && self.hedging.hedge.learns()
        {
            self.hedging.hedge.learn(Sample::Exactly(clock::now().saturating_duration_since(began)));
        }
        match (end.next, end.hint) {
            (Next::Accept, _) => {}
            (Next::Wait, _) => self.left = 0,
            (Next::Again, Some(after)) => self.hold_back(after),
            (Next::Again, _) => self.stage = Stage::Due,
        }
    }

    /// Starts no other attempt for so long, because the server said so.
    #[cold]
    fn hold_back(&mut self, after: Duration) {
        let named = clock::now().checked_add(after);
        if named.is_none() {
            self.left = 0;
        }
        let not_before = &mut self.rest().not_before;
        *not_before = (*not_before).max(named);
    }

    /// Drops what still runs, before the caller has the outcome.
    fn over(
        &mut self,
        outcome: F::Output,
        mut first: Pin<&mut Option<F>>,
        mut timer: Pin<&mut Option<Sleep>>,
    ) -> F::Output {
        self.stage = Stage::Over;
        timer.set(None);
        let hedge = self.hedging.hedge;
        hedge.shell.count(self.ended);
        let rest = self.rest.take();
        if hedge.learns() && (first.is_some() || rest.is_some()) {
            let now = clock::now();
            let running = self.began.take().filter(|_| first.is_some());
            let others = rest.iter().flat_map(|rest| &rest.others).map(|other| other.began);
            let learn = |began| hedge.learn(Sample::AtLeast(now.saturating_duration_since(began)));
            running.into_iter().chain(others).for_each(learn);
        }
        first.set(None);
        drop(rest);
        outcome
    }
}

/// Counts a call that was dropped.
#[cold]
fn abandon(hedge: &Hedge) {
    hedge.shell.count(Ended::Abandoned);
}
