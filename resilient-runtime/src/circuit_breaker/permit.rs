//! The permit: one call that a breaker let through.

use std::mem;
use std::thread;
use std::time::Duration;

use super::CircuitBreaker;
use super::state::{Cause, Vote};
use super::word::Ticket;
use crate::book::Ended;
use crate::clock::Ticks;
use crate::when::{ByClass, ByWhen, Judge};
use crate::{Class, Error, Outcome, When};

/// The right to make one call, which ends as a success, a failure or not at all.
///
/// Tell it how the call ended with [`settle`](Self::settle). Dropping it is abandoning it: the call votes neither
/// way, and if it was a probe, the next caller gets its place. Dropping it while a panic that began after
/// [`acquire`](CircuitBreaker::acquire) unwinds counts as a failure.
///
/// # Cancel safety
///
/// A future that holds a permit may be dropped at any await; the breaker cannot get stuck on it. A permit that is kept
/// for ever holds back at most one half-open state, for [`probe_timeout`](CircuitBreaker::probe_timeout).
#[derive(Debug)]
#[must_use = "a permit that is dropped at once guards nothing"]
pub struct CircuitBreakerPermit<'a> {
    breaker: &'a CircuitBreaker,
    pass: Pass,
}

/// The ticket, and when the call began if calls are timed: in one number, since a struct of two numbers is moved in
/// registers, and one of three through memory, which takes a fifth of a happy call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass(u64);

/// When a call began: milliseconds, modulo 2³² (49 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Began(u32);

impl<'a> CircuitBreakerPermit<'a> {
    #[inline]
    pub(super) fn new(breaker: &'a CircuitBreaker, ticket: Ticket, began: Began) -> Self {
        let ticket = if thread::panicking() { ticket.unwinding() } else { ticket };
        Self { breaker, pass: Pass::new(ticket, began) }
    }
}

impl<'a> CircuitBreakerPermit<'a> {
    /// The permit as a number, which its breaker makes a permit of [again](Self::of), or [judges](CircuitBreaker::judge) by. It must be
    /// ended in one of these ways.
    #[inline]
    pub(super) fn into_pass(self) -> Pass {
        let pass = if self.pass.ticket() == Ticket::UNGUARDED { Pass::UNGUARDED } else { self.pass };
        mem::forget(self);
        pass
    }

    #[inline]
    pub(super) const fn of(breaker: &'a CircuitBreaker, pass: Pass) -> Self {
        Self { breaker, pass }
    }
}

impl CircuitBreaker {
    /// Ends the call of that pass with its outcome. A panic in here leaves the pass to its owner.
    #[expect(clippy::inline_always, reason = "most calls succeed, and then next to nothing is left to do")]
    #[inline(always)]
    pub(super) fn judge<O>(&self, pass: Pass, outcome: &O, judge: &impl Judge<O>) {
        let class = judge.class_of(outcome);
        let rejection = judge.rejection_in(outcome);
        if class == Class::Success && rejection.is_none() {
            self.shell.count(Ended::Success);
            self.end(pass, Vote::Success, Ticks::now);
        } else {
            self.judge_failure(pass, class, rejection);
        }
    }

    /// A policy further in that refused says nothing about the server, except by a time-out.
    #[inline(never)]
    fn judge_failure(&self, pass: Pass, class: Class, rejection: Option<&Error>) {
        let ended = rejection.map_or(Ended::of(class), Ended::of_rejection);
        let vote = match rejection {
            None => self.vote(class),
            Some(_) if ended == Ended::Transient => Vote::Failure(Cause::Transient),
            Some(_) => Vote::Abandoned,
        };
        self.shell.count(ended);
        self.end(pass, vote, Ticks::now);
    }

    fn vote(&self, class: Class) -> Vote {
        match class {
            Class::Transient => Vote::Failure(Cause::Transient),
            Class::Throttled { .. } if self.config.counts_throttled() => Vote::Failure(Cause::Throttled),
            Class::Success | Class::Throttled { .. } | Class::Permanent => Vote::Success,
        }
    }
}

impl Pass {
    /// Of no permit.
    pub(super) const NONE: Self = Self::new(Ticket::UNGUARDED, Began(u32::MAX));
    const UNGUARDED: Self = Self::new(Ticket::UNGUARDED, Began::UNKNOWN);

    #[inline]
    pub(super) const fn new(ticket: Ticket, began: Began) -> Self {
        Self(ticket.0 | (began.0 as u64) << u32::BITS)
    }

    #[inline]
    pub(super) const fn ticket(self) -> Ticket {
        Ticket(self.0 & u32::MAX as u64)
    }

    #[inline]
    pub(super) const fn began(self) -> Began {
        Began((self.0 >> u32::BITS) as u32)
    }
}

impl Began {
    /// Of a call that nobody times.
    pub(super) const UNKNOWN: Self = Self(0);

    pub(super) const fn at(now: Ticks) -> Self {
        Self((now.0 / NANOS_PER_MILLI) as u32)
    }

    pub(super) const fn elapsed(self, now: Ticks) -> Duration {
        Duration::from_millis(Self::at(now).0.wrapping_sub(self.0) as u64)
    }
}

impl CircuitBreakerPermit<'_> {
    /// Ends the call with its outcome, and hands the outcome back.
    ///
    /// | outcome | counts as |
    /// |---|---|
    /// | [`Class::Transient`] | failure |
    /// | [`Class::Throttled`] | success, unless it [counts](CircuitBreaker::throttled_fails) as a failure |
    /// | [`Class::Success`], [`Class::Permanent`] | success: the server answered |
    /// | a rejection because of a time-out | failure |
    /// | any other [rejection](Outcome::rejection) | nothing, as when it is dropped |
    ///
    /// ```
    /// use resilient::CircuitBreaker;
    ///
    /// static BREAKER: CircuitBreaker = CircuitBreaker::named("disk");
    ///
    /// # fn main() -> Result<(), resilient::Error> {
    /// let permit = BREAKER.acquire()?;
    /// let outcome = permit.settle(std::fs::read("/no such file"));
    ///
    /// assert!(outcome.is_err());
    /// assert_eq!(BREAKER.counts().failures, 0); // a missing file is permanent: the disk works
    /// assert_eq!(BREAKER.counts().calls, 1);
    /// # Ok(())
    /// # }
    /// ```
    // A tenth of a happy call is what it takes to move the outcome into a function and out again.
    #[expect(clippy::inline_always)]
    #[inline(always)]
    pub fn settle<O: Outcome>(self, outcome: O) -> O {
        self.judge(&outcome, &ByClass);
        outcome
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    #[expect(clippy::inline_always)]
    #[inline(always)]
    pub fn settle_when<O, By>(self, outcome: O, when: impl When<O, By>) -> O {
        self.judge(&outcome, &ByWhen::new(when));
        outcome
    }

    /// Ends the call with a class that the caller determined, whatever the outcome is.
    pub fn settle_as<O>(self, class: Class, outcome: O) -> O {
        self.breaker.shell.count(Ended::of(class));
        let vote = self.breaker.vote(class);
        self.end(vote, Ticks::now);
        outcome
    }

    /// Ends the call without a vote; the same as dropping it, except during a panic.
    pub fn abandon(self) {
        self.breaker.shell.count(Ended::Abandoned);
        self.end(Vote::Abandoned, Ticks::now);
    }

    #[inline]
    fn judge<O>(self, outcome: &O, judge: &impl Judge<O>) {
        self.breaker.judge(self.pass, outcome, judge);
        // It has ended, and must not end again as abandoned.
        mem::forget(self);
    }

    #[inline]
    pub(super) fn end(self, vote: Vote, clock: impl Fn() -> Ticks) {
        self.breaker.end(self.pass, vote, clock);
        // As above.
        mem::forget(self);
    }
}

impl Drop for CircuitBreakerPermit<'_> {
    fn drop(&mut self) {
        let own_panic = thread::panicking() && !self.pass.ticket().is_unwinding();
        self.breaker.shell.count(Ended::Abandoned);
        let vote = if own_panic { Vote::Failure(Cause::Panic) } else { Vote::Abandoned };
        self.breaker.end(self.pass, vote, Ticks::now);
    }
}

const NANOS_PER_MILLI: u64 = 1_000_000;
